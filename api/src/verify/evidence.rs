//! What the store has about one payment, as whoever checks it needs it.

use alloy::primitives::{Address, B256};
use bursar_indexer::query::{decisions, log, outcomes, payments, policies, sessions};

use crate::{
    AppState,
    error::ApiError,
    logged::{Logged, Placed, logged},
    model::{
        evidence::{
            AnchorEvidence, EntryEvidence, Evidence, LogEvidence, PolicyEvidence, SealedText, SessionEvidence,
        },
        payment::Payment as PaymentModel,
    },
    routes::get_log::signed,
    vouched,
    wire::{Addr, Hash, Hex},
};

/// Revisions of an outcome that are handed out.
const REVISIONS: u32 = 20;

/// What the ledger holds of the payment.
///
/// # Errors
/// When there is none, or the store fails.
pub(crate) async fn evidence(state: &AppState, (purse, nonce): (Addr, Hash)) -> Result<Evidence, ApiError> {
    let db = &state.db;
    let row = payments::get(db, purse.0, nonce.0).await?;
    let row = row.ok_or_else(|| ApiError::not_found("payment", format!("{purse}/{nonce}")))?;
    let session = sessions::get(db, row.session).await?;
    let stamps = match session.as_ref().filter(|session| !session.stamp_hash.is_zero()) {
        Some(session) => vouched::of_treasury(db, row.treasury, session.stamp_hash).await?,
        None => None,
    };
    let session = session.map(|session| SessionEvidence {
        sequence: session.sequence,
        key: session.key.into(),
        stamp_hash: session.stamp_hash.into(),
        opened_tx: session.opened_tx.into(),
    });
    let policy = policies::get(db, (row.treasury, row.envelope, row.policy_version)).await?;
    let policy = policy.map(|policy| PolicyEvidence {
        text: policy.document.as_ref().and_then(|document| document.canonical().ok()),
        set_tx: policy.tx_hash.into(),
    });
    let decision = match (&row.decision, row.decision_hash) {
        (Some(_), Some(hash)) => match decisions::get(db, hash).await? {
            Some(found) => Some(SealedText {
                canonical: found.canonical,
                seal: decisions::seal(db, hash).await?.map(Hex),
            }),
            None => None,
        },
        _ => None,
    };
    let mut outcomes = Vec::new();
    let mut records = Vec::from_iter(row.decision_hash);
    if let Some(hash) = row.decision_hash {
        for revision in outcomes::revisions(db, hash, REVISIONS).await? {
            records.push(revision.outcome.hash);
            let canonical = revision.outcome.record.canonical().unwrap_or_default();
            outcomes.push(SealedText { canonical, seal: revision.seal.map(Hex) });
        }
    }
    let log = log_of(state, row.treasury, records).await?;
    let payment = PaymentModel::new(row, state.as_of().await?.settled());
    Ok(Evidence {
        chain_id: state.config.chain_id,
        payment,
        session,
        stamps,
        policy,
        decision,
        outcomes,
        log,
    })
}

async fn log_of(
    state: &AppState,
    treasury: Address,
    records: Vec<B256>,
) -> Result<Option<LogEvidence>, ApiError> {
    let Some(Logged { size, root, entries: placed }) = logged(&state.db, treasury, records, u64::MAX).await?
    else {
        return Ok(None);
    };
    let mut entries = Vec::new();
    for Placed { leaf, path, anchor } in placed {
        let anchor = match anchor {
            Some(anchor) => Some(AnchorEvidence {
                size: anchor.size,
                tx_hash: anchor.tx_hash.into(),
                path: hashes(log::inclusion(&state.db, treasury, leaf.number, anchor.size).await?.path),
            }),
            None => None,
        };
        let (kind, path) = (leaf.entry.kind, hashes(path));
        entries.push(EntryEvidence { number: leaf.number, kind, leaf: leaf.bytes, path, anchor });
    }
    let checkpoint = signed(state, treasury, size, root)?;
    Ok(Some(LogEvidence { size, root: root.into(), checkpoint, entries }))
}

fn hashes(path: Vec<B256>) -> Vec<Hash> {
    path.into_iter().map(Hash).collect()
}
