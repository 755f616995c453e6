//! Rows of a store, in the order in which a report takes them.

use std::{collections::BTreeMap, io::Write, pin::pin};

use alloy::primitives::{Address, B256};
use bursar_indexer::{
    Store,
    query::{
        blocks, checkpoint,
        history::{self, Kept, OutcomeOf, Rows, Scope},
        log, treasuries,
    },
};
use futures::{StreamExt as _, TryStreamExt as _, stream::Peekable};

use crate::{
    ReportError,
    annex::Annexes,
    build::Builder,
    subject::{Applicability, AssetName, Subject},
};

/// How long after a block its records are waited for, unless told, in seconds: agents hand them in again and again
/// while we are away.
pub const GRACE: u64 = 600;

/// Up to where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Height {
    /// The last block that no reorg may take back.
    Final,
    /// That block, which has to be final.
    At(u64),
    /// The last block that the ledger holds, though a reorg may still take it back: the report says so.
    Head,
}

/// What to report.
#[derive(Debug, Clone)]
pub struct Question {
    /// EIP-155 chain id.
    pub chain_id: u64,
    /// Whose ledger.
    pub treasury: Address,
    /// Up to where.
    pub height: Height,
    /// With records received until then, in unix seconds (inclusive); [`GRACE`] after the last block unless told.
    pub records_until: Option<u64>,
    /// What tokens are called.
    pub assets: Vec<AssetName>,
    /// How frameworks apply, by name.
    pub applicability: BTreeMap<String, Applicability>,
}

/// What exactly is reported: the question, with its height looked up.
///
/// # Errors
/// When the ledger does not know the treasury, or is not at that height, or the database fails.
pub async fn subject(store: &Store, question: Question) -> Result<Subject, ReportError> {
    let treasury = question.treasury;
    let known = treasuries::get(store.db(), treasury).await?;
    let known = known.ok_or_else(|| ReportError::Unknown(format!("treasury {treasury}")))?;
    let checkpoint = checkpoint::get(store.db()).await?;
    let checkpoint = checkpoint.ok_or_else(|| ReportError::Unknown("block yet".into()))?;
    let height = match question.height {
        Height::Final => checkpoint.final_number,
        Height::At(height) => height,
        Height::Head => checkpoint.number,
    };
    let (last, why) = match question.height {
        Height::Head => (checkpoint.number, "the last block that the ledger holds"),
        _ => (checkpoint.final_number.min(checkpoint.number), "the last block that no reorg may take back"),
    };
    let first = known.created_block;
    if !(first..=last).contains(&height) {
        return Err(ReportError::Height { first, last, why, got: height });
    }
    let block = blocks::last_of(store.db(), treasury, height).await?;
    let block = block.ok_or_else(|| ReportError::Unknown(format!("event of treasury {treasury}")))?;
    let records_until = question.records_until.unwrap_or(block.timestamp.saturating_add(GRACE));
    let scope = Scope { treasury, height, records_until };
    Ok(Subject {
        chain_id: question.chain_id,
        treasury,
        height,
        is_final: question.height != Height::Head,
        block_number: block.number,
        block_hash: block.hash,
        block_time: block.timestamp,
        records_until,
        log_size: log::size_in(store.db(), scope).await?,
        assets: question.assets,
        applicability: question.applicability,
    })
}

/// A report that has taken a store's rows; its annexes are written as they come, and nothing of them is kept in memory.
///
/// # Errors
/// When rows do not read or follow from each other, annexes cannot be written, or the database fails.
pub async fn report<W: Write>(
    store: &Store,
    subject: Subject,
    annexes: Annexes<W>,
) -> Result<Builder<W>, ReportError> {
    let scope =
        Scope { treasury: subject.treasury, height: subject.height, records_until: subject.records_until };
    let (block, before, log_size) = (subject.block_number, subject.block_hash, subject.log_size);
    let db = store.db();
    let mut builder = Builder::new(subject, annexes)?;

    let mut erased = history::erased(db, scope);
    while let Some(stone) = erased.try_next().await? {
        builder.erased(&stone)?;
    }
    let mut events = pin!(history::events(db, scope).peekable());
    let mut outcomes = pin!(history::outcomes(db, scope).peekable());
    let mut payments = history::payments(db, scope);
    while let Some(payment) = payments.try_next().await? {
        // An error is taken, too: it has to come out.
        let earlier = |event: &Result<history::Event, _>| {
            event.as_ref().map_or(true, |event| event.position < payment.position)
        };
        while let Some(event) = events.as_mut().next_if(earlier).await {
            builder.event(&event?)?;
        }
        let of = match &payment.decision {
            Some(kept) => of_decision(&mut outcomes.as_mut(), kept).await?,
            None => Vec::new(),
        };
        builder.payment(&payment, &of)?;
    }
    while let Some(event) = events.try_next().await? {
        builder.event(&event)?;
    }

    let mut outcomes = pin!(history::unsettled_outcomes(db, scope).peekable());
    let mut unsettled = history::unsettled(db, scope);
    while let Some(kept) = unsettled.try_next().await? {
        let of = of_decision(&mut outcomes.as_mut(), &kept).await?;
        builder.unsettled(&kept, &of)?;
    }
    let mut asked = history::asked(db, scope);
    while let Some(asked) = asked.try_next().await? {
        builder.asked(&asked)?;
    }
    let mut aside = history::set_aside(db, scope);
    while let Some(row) = aside.try_next().await? {
        builder.set_aside(&row)?;
    }
    builder.log()?;
    let mut entries = log::entries(db, scope.treasury, log_size);
    while let Some(leaf) = entries.try_next().await? {
        builder.logged(leaf.number, &leaf.entry)?;
    }
    let after = store.block(block).await.map_err(|error| ReportError::Unknown(error.to_string()))?;
    match after.map(|header| header.hash) {
        Some(after) if after == before => Ok(builder),
        after => {
            let after = after.map_or_else(|| "gone".to_owned(), |hash: B256| hash.to_string());
            Err(ReportError::Reorg { height: block, before, after })
        }
    }
}

/// The next outcomes, as far as they are that decision's.
async fn of_decision<'a>(
    outcomes: &mut std::pin::Pin<&mut Peekable<Rows<'a, OutcomeOf>>>,
    decision: &Kept,
) -> Result<Vec<Kept>, ReportError> {
    let mut of = Vec::new();
    let ours = |row: &Result<OutcomeOf, _>| row.as_ref().map_or(true, |row| row.decision == decision.hash);
    while let Some(row) = outcomes.as_mut().next_if(ours).await {
        of.push(row?.outcome);
    }
    Ok(of)
}
