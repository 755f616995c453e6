//! The payment's records in the transparency log: their proofs, its signed root, its root on the chain.

use std::collections::BTreeSet;

use alloy::primitives::{B256, keccak256};
use bursar_sdk::{
    abi::Treasury::Anchored,
    transparency::{Checkpoint, Entry, Inclusion, leaf_hash},
};

use super::{facts::Facts, settled::events};
use crate::{
    model::{
        evidence::{EntryEvidence, Evidence, LogEvidence},
        verification::{Check, Compared, Link, Pair},
    },
    wire::Hash,
};

pub(super) fn checks(evidence: &Evidence, facts: &Facts) -> [Check; 3] {
    let log = |check: &dyn Fn(&LogEvidence) -> Compared| match &evidence.log {
        Some(log) => check(log),
        None => Err("the treasury's log is empty".into()),
    };
    let anchored = evidence.log.iter().flat_map(|log| &log.entries).find_map(|entry| entry.anchor.as_ref());
    let anchored = anchored.map(|anchor| format!("receipt of {}", anchor.tx_hash));
    [
        Check::of(Link::Log, "the log that this service keeps", log(&|log| included(evidence, log))),
        Check::of(
            Link::Checkpoint,
            "the key that this service names: hold it against the one you were given",
            log(&|log| signed(evidence, log)),
        ),
        Check::of(Link::Anchor, anchored.unwrap_or_default(), log(&|log| on_chain(evidence, log, facts))),
    ]
}

/// Every record that is kept has its entry, and every entry its way to the root.
fn included(evidence: &Evidence, log: &LogEvidence) -> Compared {
    let kept = evidence.decision.iter().chain(&evidence.outcomes);
    let kept: BTreeSet<B256> = kept.map(|record| keccak256(&record.canonical)).collect();
    if kept.is_empty() && log.entries.is_empty() {
        return Err("no record is known".into());
    }
    let mut told = BTreeSet::new();
    for entry in &log.entries {
        if !leads(entry, log.size, &entry.path, log.root.0) {
            let found = format!("entry {} does not lead to it", entry.number);
            return Ok(Pair::same(root_of(log.size, log.root.0), found));
        }
        told.extend(Entry::from_canonical(&entry.leaf).ok().map(|entry| entry.subject));
    }
    let missing = kept.difference(&told).count();
    let expected = format!("{} records below {}", kept.len(), root_of(log.size, log.root.0));
    let found =
        format!("{} records below {}", kept.len().saturating_sub(missing), root_of(log.size, log.root.0));
    Ok(Pair::same(expected, found))
}

fn signed(evidence: &Evidence, log: &LogEvidence) -> Compared {
    let signed = log.checkpoint.as_ref().ok_or("this service signs no checkpoints")?;
    let place = format!("/eip155:{}/{:#x}", evidence.chain_id, evidence.payment.treasury.0);
    let expected = format!("{}, of the log …{place}", root_of(log.size, log.root.0));
    Ok(match Checkpoint::open(&signed.note, &signed.verifier) {
        Ok(opened) => {
            let of = if opened.origin.ends_with(&place) { place } else { opened.origin };
            Pair::same(expected, format!("{}, of the log …{of}", root_of(opened.size, opened.root)))
        }
        Err(error) => Pair::same(expected, error),
    })
}

fn on_chain(evidence: &Evidence, log: &LogEvidence, facts: &Facts) -> Compared {
    let mut last = Err("no root above them is on the chain yet".to_owned());
    for (entry, anchor) in log.entries.iter().filter_map(|entry| Some((entry, entry.anchor.as_ref()?))) {
        let receipt = facts.receipt(anchor.tx_hash.0)?;
        let treasury = evidence.payment.treasury.0;
        let root = receipt.and_then(|receipt| {
            events::<Anchored>(receipt, treasury)
                .find(|(_, told)| told.size == anchor.size)
                .map(|(_, told)| told.root)
        });
        let Some(root) = root else {
            return Ok(Pair::same(format!("a root of {} entries", anchor.size), "none in that transaction"));
        };
        let holds = leads(entry, anchor.size, &anchor.path, root);
        let found = if holds { "leads to it" } else { "does not lead to it" };
        last = Ok(Pair::of(holds, root_of(anchor.size, root), format!("entry {} {found}", entry.number)));
        if !holds {
            break;
        }
    }
    last
}

fn leads(entry: &EntryEvidence, size: u64, path: &[Hash], root: B256) -> bool {
    let path = path.iter().map(|hash| hash.0).collect();
    let proof = Inclusion { number: entry.number, size, path };
    proof.check(leaf_hash(entry.leaf.as_bytes()), root).is_ok()
}

fn root_of(size: u64, root: B256) -> String {
    format!("root {root} of {size} entries")
}
