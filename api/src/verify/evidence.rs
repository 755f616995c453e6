//! What the store has about one payment, as whoever checks it needs it.

use alloy::primitives::{Address, B256};
use bursar_indexer::query::{
    decisions, log, outcomes,
    payments::{self, Payment},
    policies, sessions,
};

use crate::{
    AppState,
    error::ApiError,
    model::{
        evidence::{
            AnchorEvidence, EntryEvidence, Evidence, LogEvidence, PolicyEvidence, SealedText, SessionEvidence,
        },
        payment::Payment as PaymentModel,
    },
    routes::get_log::signed,
    wire::{Addr, Hash, Hex},
};

/// Revisions of an outcome that are handed out.
const REVISIONS: u32 = 20;
/// Entries of the log that are handed out of one record.
const ENTRIES: u32 = 10;
/// Newest anchors that are looked through, oldest first.
const ANCHORS: u32 = 64;

/// What the ledger holds of the payment.
///
/// # Errors
/// When there is none, or the store fails.
pub(crate) async fn evidence(state: &AppState, (purse, nonce): (Addr, Hash)) -> Result<Evidence, ApiError> {
    let db = &state.db;
    let row = payments::get(db, purse.0, nonce.0).await?;
    let row = row.ok_or_else(|| ApiError::not_found("payment", format!("{purse}/{nonce}")))?;
    let session = sessions::get(db, row.session).await?.map(|session| SessionEvidence {
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
    let mut subjects = vec![row.decision_hash];
    if let Some(hash) = row.decision_hash {
        for revision in outcomes::revisions(db, hash, REVISIONS).await? {
            subjects.push(Some(revision.outcome.hash));
            let canonical = revision.outcome.record.canonical().unwrap_or_default();
            outcomes.push(SealedText { canonical, seal: revision.seal.map(Hex) });
        }
    }
    let log = logged(state, &row, subjects).await?;
    let payment = PaymentModel::new(row, state.as_of().await?.final_block());
    Ok(Evidence { chain_id: state.config.chain_id, payment, session, policy, decision, outcomes, log })
}

async fn logged(
    state: &AppState,
    row: &Payment,
    subjects: Vec<Option<B256>>,
) -> Result<Option<LogEvidence>, ApiError> {
    let (db, treasury) = (&state.db, row.treasury);
    let size = log::size(db, treasury).await?;
    if size == 0 {
        return Ok(None);
    }
    let anchors = log::anchors(db, treasury, u64::MAX, ANCHORS).await?;
    let mut entries = Vec::new();
    for subject in subjects.into_iter().flatten() {
        let of = log::Filter { treasury, subject: Some(subject) };
        for leaf in log::list(db, of, None, ENTRIES).await? {
            // Whoever anchors may say any number.
            let covering = anchors.iter().find(|anchor| anchor.size > leaf.number && anchor.size <= size);
            let anchor = match covering {
                Some(anchor) => Some(AnchorEvidence {
                    size: anchor.size,
                    tx_hash: anchor.tx_hash.into(),
                    path: path(state, treasury, leaf.number, anchor.size).await?,
                }),
                None => None,
            };
            let path = path(state, treasury, leaf.number, size).await?;
            entries.push(EntryEvidence {
                number: leaf.number,
                kind: leaf.entry.kind,
                leaf: leaf.bytes,
                path,
                anchor,
            });
        }
    }
    entries.sort_by_key(|entry| entry.number);
    let root = log::root(db, treasury, size).await?;
    let checkpoint = signed(state, treasury, size, root)?;
    Ok(Some(LogEvidence { size, root: root.into(), checkpoint, entries }))
}

async fn path(state: &AppState, treasury: Address, number: u64, size: u64) -> Result<Vec<Hash>, ApiError> {
    let proof = log::inclusion(&state.db, treasury, number, size).await?;
    Ok(proof.path.into_iter().map(Hash).collect())
}
