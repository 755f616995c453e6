//! How facts stand in the annexes.

use alloy::primitives::B256;
use bursar_indexer::query::{
    erasures::Tombstone,
    history::{Asked, Event, Kept, SetAside, Settled},
};
use bursar_sdk::outcome::OutcomeRecord;

use crate::{
    annex::Annex,
    books::{Place, Row, cell},
    text::day,
    trial::Told,
};

pub(super) fn event(it: &Event) -> Row {
    let own = [it.address.to_string(), cell(it.envelope), it.kind.clone(), it.args.clone()];
    Place::of(it).row(Annex::Events, own)
}

pub(super) fn payment(
    it: &Settled,
    explained: &str,
    disagrees: &[&'static str],
    delivered: Option<bool>,
) -> Row {
    Place::of_payment(it).row(
        Annex::Payments,
        [
            it.block_hash.to_string(),
            day(it.timestamp),
            it.envelope.to_string(),
            it.agent.to_string(),
            it.purse.to_string(),
            it.session.to_string(),
            it.policy_version.to_string(),
            it.asset.to_string(),
            it.payee.to_string(),
            it.amount.to_string(),
            it.rail.clone(),
            cell(it.nonce),
            cell(it.decision_hash),
            cell(it.approver),
            it.facilitator.to_string(),
            explained.to_owned(),
            disagrees.join(" "),
            delivered.map_or("unknown".to_owned(), yes),
        ],
    )
}

pub(super) fn decision(told: &Told, kept: &Kept, by: &str, settled: bool) -> Row {
    let it = &told.record;
    let cells = vec![
        told.hash.to_string(),
        it.purse.to_string(),
        it.seq.to_string(),
        it.prev_hash.to_string(),
        it.envelope.to_string(),
        it.agent.to_string(),
        it.created_at.to_string(),
        kept.received_at.to_string(),
        it.session.to_string(),
        it.policy_version.to_string(),
        it.epoch.to_string(),
        it.policy_hash.to_string(),
        it.payee.to_string(),
        it.asset.to_string(),
        it.amount.to_string(),
        it.verdict.code().to_owned(),
        cell(it.reason_codes.first()),
        it.stamp_hash.to_string(),
        if it.session.is_zero() { String::new() } else { it.nonce_of(told.hash).to_string() },
        by.to_owned(),
        yes(settled),
    ];
    Row { annex: Annex::Decisions, cells }
}

pub(super) fn outcome(it: &OutcomeRecord, hash: B256, kept: &Kept, by: &str) -> Row {
    let cells = vec![
        hash.to_string(),
        it.decision_hash.to_string(),
        it.revision.to_string(),
        it.created_at.to_string(),
        kept.received_at.to_string(),
        cell(it.http_status),
        yes(it.delivered),
        it.task_done.map_or_else(String::new, yes),
        cell(it.receipt_check.as_ref()),
        by.to_owned(),
    ];
    Row { annex: Annex::Outcomes, cells }
}

pub(super) fn erased(it: &Tombstone) -> Row {
    let (chained, told) = (it.place.chained(), it.place.told());
    let cells = vec![
        it.note.hash.to_string(),
        it.place.code().to_owned(),
        it.purse.to_string(),
        cell(chained.map(|(seq, ..)| seq)),
        cell(chained.map(|(_, before, _)| before)),
        cell(it.nonce),
        cell(chained.map(|(.., verdict)| verdict.code())),
        cell(told.map(|(decision, _)| decision)),
        cell(told.map(|(_, revision)| revision)),
        it.envelope.to_string(),
        it.agent.to_string(),
        it.created_at.to_string(),
        it.received_at.to_string(),
        it.note.erased_at.to_string(),
        it.note.erased_by.to_string(),
        it.note.category.to_string(),
    ];
    Row { annex: Annex::Erasures, cells }
}

pub(super) fn asked(it: &Asked) -> Row {
    let answer = it.answer.as_ref();
    let cells = vec![
        it.digest.to_string(),
        it.purse.to_string(),
        it.payee.to_string(),
        it.amount.to_string(),
        it.valid_before.to_string(),
        it.nonce.to_string(),
        it.decision_hash.to_string(),
        it.requested_at.to_string(),
        cell(answer.map(|(answer, ..)| answer)),
        cell(answer.map(|(_, by, _)| by)),
        cell(answer.map(|(.., at)| at)),
    ];
    Row { annex: Annex::Approvals, cells }
}

pub(super) fn set_aside(it: &SetAside) -> Row {
    let cells = vec![
        it.position.block.to_string(),
        it.position.log.to_string(),
        it.tx_hash.to_string(),
        it.address.to_string(),
        it.error.clone(),
    ];
    Row { annex: Annex::SetAside, cells }
}

fn yes(yes: bool) -> String {
    if yes { "yes" } else { "no" }.to_owned()
}
