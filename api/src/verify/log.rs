//! The payment's records in the transparency log: their proofs, its signed root, its root on the chain.

use std::collections::BTreeSet;

use alloy::primitives::{B256, keccak256};
use bursar_sdk::{
    abi::Treasury::Anchored,
    transparency::{Checkpoint, Entry, Inclusion, LogKind, leaf_hash},
};

use super::{
    facts::{Facts, Told},
    settled::events,
};
use crate::{
    model::{
        evidence::{EntryEvidence, Evidence, LogEvidence, SealedText},
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

/// The records of the payment, as the log has to tell of each: the kind of its entry, and its hash.
fn records(evidence: &Evidence) -> Told<BTreeSet<(LogKind, B256)>> {
    let hash = |kept: &SealedText| keccak256(&kept.canonical);
    let outcomes = evidence.outcomes.iter().map(|kept| (LogKind::Outcome, hash(kept)));
    let payment = &evidence.payment;
    let erased = payment.erased.as_ref().and(payment.decision_hash.as_ref()).map(|hash| hash.0);
    let decision = evidence.decision.as_ref().map(hash).or(erased);
    let found: BTreeSet<_> = outcomes.chain(decision.map(|hash| (LogKind::Decision, hash))).collect();
    if found.is_empty() { Err("no record is known".into()) } else { Ok(found) }
}

/// What an entry is about, spelled as [`records`] does; `None` where it is no entry of this treasury's log.
fn told_by(entry: &EntryEvidence, evidence: &Evidence) -> Option<(LogKind, B256)> {
    let told = Entry::from_canonical(&entry.leaf).ok()?;
    (told.treasury == evidence.payment.treasury.0).then_some((told.kind, told.subject))
}

/// Every record that is known has its entry, and every entry its way to the root.
fn included(evidence: &Evidence, log: &LogEvidence) -> Compared {
    let known = records(evidence)?;
    let mut told = BTreeSet::new();
    for entry in &log.entries {
        if !leads(entry, log.size, &entry.path, log.root.0) {
            let found = format!("entry {} does not lead to it", entry.number);
            return Ok(Pair::of(false, root_of(log.size, log.root.0), found));
        }
        told.extend(told_by(entry, evidence));
    }
    let text = |count: usize| format!("{count} records below {}", root_of(log.size, log.root.0));
    Ok(Pair::same(text(known.len()), text(known.intersection(&told).count())))
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
        Err(error) => Pair::of(false, expected, error),
    })
}

/// Every record has its own entry below a root that the treasury logged.
fn on_chain(evidence: &Evidence, log: &LogEvidence, facts: &Facts) -> Compared {
    let known = records(evidence)?;
    let (mut below, mut roots) = (BTreeSet::new(), BTreeSet::new());
    for (entry, anchor) in log.entries.iter().filter_map(|entry| Some((entry, entry.anchor.as_ref()?))) {
        let receipt = facts.receipt(anchor.tx_hash.0)?;
        let treasury = evidence.payment.treasury.0;
        let root = receipt.and_then(|receipt| {
            events::<Anchored>(receipt, treasury)
                .find(|(_, told)| told.size == anchor.size)
                .map(|(_, told)| told.root)
        });
        let Some(root) = root else {
            let expected = format!("a root of {} entries", anchor.size);
            return Ok(Pair::of(false, expected, "none in that transaction"));
        };
        if !leads(entry, anchor.size, &anchor.path, root) {
            let found = format!("entry {} does not lead to it", entry.number);
            return Ok(Pair::of(false, root_of(anchor.size, root), found));
        }
        below.extend(told_by(entry, evidence));
        roots.insert(root_of(anchor.size, root));
    }
    let without = known.difference(&below).count();
    if without > 0 {
        return Err(format!(
            "{without} of {} records have no entry below a root on the chain yet",
            known.len()
        ));
    }
    let roots: Vec<String> = roots.into_iter().collect();
    let text = format!("{} records below {}", known.len(), roots.join(", "));
    Ok(Pair::of(true, &text, &text))
}

fn leads(entry: &EntryEvidence, size: u64, path: &[Hash], root: B256) -> bool {
    let path = path.iter().map(|hash| hash.0).collect();
    let proof = Inclusion { number: entry.number, size, path };
    proof.check(leaf_hash(entry.leaf.as_bytes()), root).is_ok()
}

fn root_of(size: u64, root: B256) -> String {
    format!("root {root} of {size} entries")
}
