//! What was written down about a payment, beside what shows that it is what it was: hashes, seals, places in the log.

use alloy::primitives::{B256, Bytes, keccak256};
use bursar_indexer::query::{
    decisions::Decision, erasures::Note, outcomes::Revision, payments::Payment, sessions::Session,
};
use bursar_sdk::record::{RecordKind, sealed_by};

use super::{
    super::{
        gather::{named, transaction},
        links,
        text::{said, short_hash, when},
    },
    gather::{self, MAX_LINE, spelled},
    view::{self, Entry, Erased, Outcome, Record, Seal},
};
use crate::{
    Config,
    logged::{Logged, Placed},
};

pub(super) fn record(
    config: &Config,
    row: &Payment,
    decision: &Decision,
    seal: Option<&Bytes>,
    session: Option<&Session>,
) -> Record {
    let record = &decision.record;
    let prev = (!record.prev_hash.is_zero())
        .then(|| (short_hash(record.prev_hash), links::decision(record.prev_hash)));
    Record {
        hash: spelled(decision.hash),
        href: links::decision(decision.hash),
        seq: record.seq,
        prev,
        received: when(decision.received_at),
        hash_holds: keccak256(&decision.canonical) == decision.hash,
        opens: row.nonce == Some(record.nonce_of(keccak256(&decision.canonical))),
        epoch: record.epoch,
        nonce: row.nonce.map(spelled).unwrap_or_default(),
        seal: sealed(config, RecordKind::Decision, row, decision.hash, seal, session),
        canonical: said(&decision.canonical, MAX_CANONICAL),
    }
}

/// All of a record: none is longer.
const MAX_CANONICAL: usize = bursar_sdk::record::MAX_BYTES;

/// Whose seal a record carries: it counts where it is the agent's, or the session key's.
fn sealed(
    config: &Config,
    kind: RecordKind,
    row: &Payment,
    hash: B256,
    seal: Option<&Bytes>,
    session: Option<&Session>,
) -> Seal {
    let Some(seal) = seal else { return Seal { level: "warn", told: "It carries no seal.".into() } };
    match sealed_by(kind, config.chain_id, row.treasury, hash, seal) {
        Some(by) if by == row.agent => {
            Seal { level: "good", told: "Sealed by the agent's identity key.".into() }
        }
        Some(by) if session.is_some_and(|session| session.key == by) => {
            Seal { level: "good", told: "Sealed by the session's key.".into() }
        }
        Some(by) => {
            Seal { level: "stop", told: format!("Sealed by {by}, who is neither the agent nor its session.") }
        }
        None => Seal { level: "stop", told: "Its seal is nobody's.".into() },
    }
}

pub(super) fn erased(config: &Config, note: &Note) -> Erased {
    Erased {
        at: when(note.erased_at),
        by: named(config, note.erased_by),
        category: note.category.code(),
        hash: spelled(note.hash),
    }
}

pub(super) fn outcome(
    config: &Config,
    row: &Payment,
    revision: &Revision,
    session: Option<&Session>,
) -> Outcome {
    let (record, hash) = (&revision.outcome.record, revision.outcome.hash);
    let bytes = record.result_bytes.map(|bytes| format!("{bytes} bytes, ")).unwrap_or_default();
    Outcome {
        revision: record.revision,
        hash: spelled(hash),
        at: when(record.created_at),
        received: when(revision.received_at),
        delivered: record.delivered,
        task: match record.task_done {
            None => "not said yet",
            Some(true) => "done",
            Some(false) => "not done",
        },
        status: record.http_status,
        result: record.result_hash.map(|hash| format!("{bytes}{hash:#x}")),
        receipt: record.receipt_check.as_ref().map(|check| said(check, MAX_LINE)),
        settlement: record.settlement.as_ref().map(|told| match (told.success, &told.error_reason) {
            (true, _) => "settled".to_owned(),
            (false, None) => "not settled".to_owned(),
            (false, Some(why)) => format!("not settled: {}", said(why, MAX_LINE)),
        }),
        seal: sealed(config, RecordKind::Outcome, row, hash, revision.seal.as_ref(), session),
    }
}

pub(super) fn logged(config: &Config, row: &Payment, log: Logged) -> view::Logged {
    let entries = log.entries.iter().map(|placed| entry(config, row, placed)).collect();
    view::Logged { size: log.size, root: spelled(log.root), href: gather::log(row), entries }
}

fn entry(config: &Config, row: &Payment, Placed { leaf, path, anchor }: &Placed) -> Entry {
    Entry {
        number: leaf.number,
        kind: leaf.entry.kind.code().replace('_', " "),
        at: when(leaf.entry.at),
        leaf: spelled(leaf.hash()),
        path: path.iter().copied().map(spelled).collect(),
        href: format!("{}/inclusion?entry={}", gather::log(row), leaf.number),
        anchor: anchor
            .as_ref()
            .map(|anchor| (anchor.size, when(anchor.timestamp), transaction(config, anchor.tx_hash))),
    }
}
