//! That lists walk an index in their own order: no page costs more than itself.
#![allow(clippy::unwrap_used)]

use alloy::primitives::{Address, B256};
use bursar_sdk::decision::Verdict;

use super::{
    AmountRange, Position, TimeRange, agents, approvals, decisions, envelopes, headroom, payees, payments,
    policies, refusals, select::Select, sessions, stops, treasuries,
};
use crate::Store;

const ONE: Address = Address::repeat_byte(1);
const HASH: B256 = B256::repeat_byte(2);

async fn check(name: &str, select: Select) -> anyhow::Result<()> {
    let directory = tempfile::tempdir()?;
    let store = Store::open(directory.path().join("plans.sqlite")).await?;
    let plan = select.explain(store.pool()).await?;
    let sorted = plan.iter().any(|step| step.contains("TEMP B-TREE"));
    // A scan without an index walks the table in its own order, which is the order of some lists: those
    // tables have no row id, so their primary key is that order. Anything else must name its index.
    let scan =
        plan.iter().any(|step| step.starts_with("SCAN") && !step.contains("INDEX") && name.contains(" by "));
    anyhow::ensure!(!sorted, "{name} sorts: {plan:#?}");
    anyhow::ensure!(!scan, "{name} scans: {plan:#?}");
    store.close().await;
    Ok(())
}

#[tokio::test]
async fn payments_walk_an_index_whatever_is_asked() -> anyhow::Result<()> {
    let after = Some(Position { block: 9, log: 1 });
    let time = TimeRange { from: Some(1), until: Some(2) };
    let filters = [
        ("payments", payments::Filter::default()),
        ("payments by agent", payments::Filter { agent: Some(ONE), ..Default::default() }),
        ("payments by payee", payments::Filter { payee: Some(ONE), time, ..Default::default() }),
        ("payments by session", payments::Filter { session: Some(HASH), ..Default::default() }),
        ("payments by tx", payments::Filter { tx_hash: Some(HASH), ..Default::default() }),
        ("payments by time", payments::Filter { time, ..Default::default() }),
        ("payments by block", payments::Filter { up_to_block: Some(5), ..Default::default() }),
        (
            "payments by envelope",
            payments::Filter { treasury: Some(ONE), envelope: Some(1), time, ..Default::default() },
        ),
    ];
    for (name, filter) in filters {
        check(name, payments::select_list(&filter, None, 50)).await?;
        check(name, payments::select_list(&filter, after, 50)).await?;
    }
    Ok(())
}

#[tokio::test]
async fn decisions_walk_an_index_whatever_is_asked() -> anyhow::Result<()> {
    let after = Some(decisions::Key { created_at: 9, hash: HASH });
    let time = TimeRange { from: Some(1), until: Some(2) };
    let amount = AmountRange::default();
    let of = || decisions::Filter { amount, ..Default::default() };
    let filters = [
        ("decisions by default order", of()),
        ("decisions by agent", decisions::Filter { agent: Some(ONE), time, ..of() }),
        ("decisions by payee", decisions::Filter { payee: Some(ONE), ..of() }),
        ("decisions by session", decisions::Filter { session: Some(HASH), ..of() }),
        ("decisions by verdict", decisions::Filter { verdict: Some(Verdict::Denied), ..of() }),
        ("decisions by time", decisions::Filter { time, ..of() }),
        ("decisions by envelope", decisions::Filter { treasury: Some(ONE), envelope: Some(1), ..of() }),
    ];
    for (name, filter) in filters {
        check(name, decisions::select_list(&filter, None, 50)).await?;
        check(name, decisions::select_list(&filter, after, 50)).await?;
    }
    Ok(())
}

#[tokio::test]
async fn sessions_and_stops_walk_an_index_whatever_is_asked() -> anyhow::Result<()> {
    let opened = TimeRange { from: Some(1), until: Some(2) };
    let key = Some(sessions::Key { opened_at: 9, id: HASH });
    for (name, filter) in [
        ("sessions by default order", sessions::Filter::default()),
        ("sessions by opening", sessions::Filter { opened, ..Default::default() }),
        ("sessions by purse", sessions::Filter { purse: Some(ONE), ..Default::default() }),
        (
            "sessions by envelope",
            sessions::Filter { treasury: Some(ONE), envelope: Some(1), opened, ..Default::default() },
        ),
    ] {
        check(name, sessions::select_list(&filter, None, 50)).await?;
        check(name, sessions::select_list(&filter, key, 50)).await?;
    }
    check("stops", stops::select_list(&stops::Filter::default(), None, 50)).await?;
    let filter = stops::Filter { treasury: Some(ONE), envelope: Some(1), ..Default::default() };
    check("stops by envelope", stops::select_list(&filter, Some(Position { block: 9, log: 1 }), 50)).await
}

#[tokio::test]
async fn the_other_lists_walk_an_index() -> anyhow::Result<()> {
    check("treasuries", treasuries::select_list(Some(ONE), 50)).await?;
    check("agents by address", agents::select_list(None, Some(ONE), 50)).await?;
    check("payees", payees::select_list(&payees::Filter::default(), Some((ONE, 1, ONE)), 50)).await?;
    check("policies", policies::select_list(&policies::Filter::default(), Some((ONE, 1, 1)), 50)).await?;
    check("envelopes", envelopes::select_list(&envelopes::Filter::default(), Some((ONE, 1)), 50)).await?;
    check("limits by envelope", headroom::select(ONE, 1)).await?;
    let state = Some((approvals::State::Pending, 1));
    let pending = approvals::Filter { state, ..Default::default() };
    check("approvals by state", approvals::select_list(&pending, None, 50)).await?;
    check("refusals by envelope", refusals::select(ONE, 1, 9)).await
}
