//! That lists walk an index in their own order: no page costs more than itself. Tables without row ids are
//! kept in the order of their primary key, which is the order of some lists.
#![allow(clippy::unwrap_used)]

use alloy::primitives::{Address, B256};
use bursar_sdk::decision::Verdict;

use super::{
    AmountRange, Past, Position, TimeRange, accesses, agents, alerts, approvals, blocks, decisions,
    envelopes, events, groups, headroom, heard, history, log, past, payees, payments, policies, refusals,
    scores, select::Select, sessions, set_aside, settlements, spending, stops, treasuries, watched,
};
use crate::{
    Store, StoreUrl,
    ledger::{AlertKind, WatchKind},
};

const ONE: Address = Address::repeat_byte(1);
const HASH: B256 = B256::repeat_byte(2);

/// `step` is how SQLite says that it reads the rows.
async fn check(step: &str, select: Select) -> anyhow::Result<()> {
    let plan = plan(&select).await?;
    let walks = plan.iter().any(|line| line.contains(step));
    // Sorting what is equal in all but the last term holds a few rows at a time.
    let sorts = plan.iter().any(|line| line.contains("TEMP B-TREE FOR ORDER BY"));
    anyhow::ensure!(walks && !sorts, "expected {step:?} and no sorting, got {plan:#?}");
    Ok(())
}

async fn plan(select: &Select) -> anyhow::Result<Vec<String>> {
    let directory = tempfile::tempdir()?;
    let store = Store::connect(&StoreUrl::file(directory.path().join("plans.sqlite"))?).await?;
    let plan = select.explain(store.db()).await?;
    store.close().await;
    Ok(plan)
}

#[tokio::test]
async fn payments_walk_an_index_whatever_is_asked() -> anyhow::Result<()> {
    let after = Some(Position { block: 9, log: 1 });
    let time = TimeRange { from: Some(1), until: Some(2) };
    let filters = [
        ("payment_by_agent", payments::Filter { agent: Some(ONE), ..Default::default() }),
        ("payment_by_payee", payments::Filter { payee: Some(ONE), time, ..Default::default() }),
        ("payment_by_session", payments::Filter { session: Some(HASH), ..Default::default() }),
        ("payment_by_rail", payments::Filter { rail: Some("permit2_exact"), ..Default::default() }),
        ("payment_by_treasury", payments::Filter { treasury: Some(ONE), time, ..Default::default() }),
        (
            "payment_by_treasury",
            payments::Filter { treasury: Some(ONE), explained: Some(true), ..Default::default() },
        ),
        (
            "payment_by_agent",
            payments::Filter { agent: Some(ONE), explained: Some(false), ..Default::default() },
        ),
        (
            "unexplained_by_treasury",
            payments::Filter { treasury: Some(ONE), time, explained: Some(false), ..Default::default() },
        ),
        (
            "SEARCH u USING PRIMARY KEY",
            payments::Filter { time, explained: Some(false), ..Default::default() },
        ),
        ("payment_by_tx", payments::Filter { tx_hash: Some(HASH), ..Default::default() }),
        ("SEARCH p USING PRIMARY KEY", payments::Filter { time, ..Default::default() }),
        ("SEARCH p USING PRIMARY KEY", payments::Filter { up_to_block: Some(5), ..Default::default() }),
        (
            "payment_by_envelope",
            payments::Filter { treasury: Some(ONE), envelope: Some(1), time, ..Default::default() },
        ),
    ];
    for (name, filter) in filters {
        check(name, payments::select_list(&filter, None, 50)).await?;
        check(name, payments::select_list(&filter, after, 50)).await?;
    }
    let all = payments::Filter::default();
    check("SCAN p", payments::select_list(&all, None, 50)).await?;
    check("SEARCH p USING PRIMARY KEY", payments::select_list(&all, after, 50)).await?;
    check("payment_by_nonce (nonce=?)", payments::select_with_nonce(HASH, 5)).await?;
    check("payment_by_session", payments::select_until(HASH, Position { block: 9, log: 1 }, 9)).await?;
    for select in payments::select_nearest(ONE, None, 9, 3) {
        check("payment_by_agent", select).await?;
    }
    Ok(())
}

#[tokio::test]
async fn what_is_heard_walks_an_index_whatever_is_asked() -> anyhow::Result<()> {
    let after = Some(Position { block: 9, log: 1 });
    for (name, filter) in [
        ("SEARCH h USING PRIMARY KEY", heard::Filter::default()),
        ("SEARCH h USING PRIMARY KEY", heard::Filter { payee: Some(ONE), ..Default::default() }),
        ("heard_by_payer", heard::Filter { payer: Some(ONE), ..Default::default() }),
        ("heard_by_payer", heard::Filter { payer: Some(ONE), treasury: Some(ONE), ..Default::default() }),
    ] {
        check(name, heard::select_list(&filter, None, 50)).await?;
        check(name, heard::select_list(&filter, after, 50)).await?;
    }
    check("SEARCH h USING PRIMARY KEY", heard::select_span(None)).await?;
    // Of a treasury what its own purses have paid is read and sorted, however much there is of others.
    let of = heard::Filter { treasury: Some(ONE), ..Default::default() };
    for select in [
        heard::select_list(&of, None, 50),
        heard::select_list(&of, after, 50),
        heard::select_span(of.treasury),
    ] {
        let plan = plan(&select).await?;
        let reads: Vec<_> = plan.iter().filter(|line| line.starts_with("SEARCH h ")).collect();
        let by_payer = !reads.is_empty() && reads.iter().all(|line| line.contains("heard_by_payer (payer=?"));
        anyhow::ensure!(by_payer, "expected its purses' payments alone, got {plan:#?}");
    }
    Ok(())
}

#[tokio::test]
async fn what_is_set_aside_walks_an_index_and_is_not_counted_to_its_end() -> anyhow::Result<()> {
    let after = Some(Position { block: 9, log: 1 });
    check("SCAN u", set_aside::select_list(None, None, 50)).await?;
    check("SEARCH u USING PRIMARY KEY", set_aside::select_list(None, after, 50)).await?;
    for after in [None, after] {
        check("undecoded_by_treasury", set_aside::select_list(Some(ONE), after, 50)).await?;
    }
    check("SCAN u", set_aside::select_count(None)).await?;
    check("undecoded_by_treasury", set_aside::select_count(Some(ONE))).await
}

#[tokio::test]
async fn a_log_walks_an_index_whatever_is_asked() -> anyhow::Result<()> {
    let by_number = "SEARCH log_entry USING PRIMARY KEY";
    let after = Some(log::Key { number: 9 });
    for (name, subject) in [(by_number, None), ("log_entry_by_subject", Some(HASH))] {
        let of = log::Filter { treasury: ONE, subject };
        check(name, log::select_list(of, None, 50)).await?;
        check(name, log::select_list(of, after, 50)).await?;
    }
    check(by_number, log::select_until(ONE, 9)).await?;
    check(by_number, log::select_entries(ONE, 9)).await?;
    check("anchor_by_treasury", log::select_anchors(ONE, 9, 5)).await
}

#[tokio::test]
async fn decisions_walk_an_index_whatever_is_asked() -> anyhow::Result<()> {
    let after = Some(decisions::Key { created_at: 9, hash: HASH });
    let time = TimeRange { from: Some(1), until: Some(2) };
    let amount = AmountRange::default();
    let of = || decisions::Filter { amount, ..Default::default() };
    let filters = [
        ("decision_by_time", of()),
        ("decision_by_treasury", decisions::Filter { treasury: Some(ONE), settled: Some(true), ..of() }),
        ("decision_by_agent", decisions::Filter { agent: Some(ONE), time, ..of() }),
        ("decision_by_payee", decisions::Filter { payee: Some(ONE), ..of() }),
        ("decision_by_session", decisions::Filter { session: Some(HASH), ..of() }),
        ("decision_by_time", decisions::Filter { verdict: Some(Verdict::Approved), ..of() }),
        ("decision_denied", decisions::Filter { verdict: Some(Verdict::Denied), time, ..of() }),
        (
            "decision_denied_by_treasury",
            decisions::Filter { treasury: Some(ONE), verdict: Some(Verdict::Denied), ..of() },
        ),
        (
            "decision_denied_by_envelope",
            decisions::Filter {
                treasury: Some(ONE),
                envelope: Some(1),
                verdict: Some(Verdict::Denied),
                ..of()
            },
        ),
        (
            "decision_denied_by_agent",
            decisions::Filter { agent: Some(ONE), verdict: Some(Verdict::Denied), ..of() },
        ),
        ("decision_by_time", decisions::Filter { time, ..of() }),
        ("decision_by_envelope", decisions::Filter { treasury: Some(ONE), envelope: Some(1), ..of() }),
    ];
    for (name, filter) in filters {
        let past = Some(Past { height: 9, records_until: 9 });
        let then = decisions::Filter { past, ..filter.clone() };
        for after in [None, after] {
            for select in decisions::select_lists(&filter, after, 50) {
                check(name, select).await?;
            }
            for (name, select) in
                [name, "decision_ahead"].into_iter().zip(decisions::select_lists(&then, after, 50))
            {
                check(name, select).await?;
            }
        }
    }
    Ok(())
}

#[tokio::test]
async fn sessions_and_stops_walk_an_index_whatever_is_asked() -> anyhow::Result<()> {
    let opened = TimeRange { from: Some(1), until: Some(2) };
    let key = Some(sessions::Key { opened_at: 9, id: HASH });
    for (name, filter) in [
        ("session_by_opening", sessions::Filter::default()),
        ("session_by_opening", sessions::Filter { opened, ..Default::default() }),
        ("session_by_treasury", sessions::Filter { treasury: Some(ONE), opened, ..Default::default() }),
        ("session_by_purse_opening", sessions::Filter { purse: Some(ONE), ..Default::default() }),
        (
            "session_by_envelope",
            sessions::Filter { treasury: Some(ONE), envelope: Some(1), opened, ..Default::default() },
        ),
    ] {
        check(name, sessions::select_list(&filter, None, 50)).await?;
        check(name, sessions::select_list(&filter, key, 50)).await?;
    }
    check("SCAN s", stops::select_list(&stops::Filter::default(), None, 50)).await?;
    let filter = stops::Filter { treasury: Some(ONE), envelope: Some(1), ..Default::default() };
    check("stop_by_envelope", stops::select_list(&filter, Some(Position { block: 9, log: 1 }), 50)).await
}

#[tokio::test]
async fn a_curve_walks_an_index() -> anyhow::Result<()> {
    check("payment_by_envelope", spending::select_since((ONE, 1), 9, 50)).await?;
    check("session_by_envelope", spending::select_sessions((ONE, 1), 9, 50)).await
}

#[tokio::test]
async fn settlements_walk_an_index_whatever_is_asked() -> anyhow::Result<()> {
    let time = TimeRange { from: Some(1), until: Some(2) };
    let after = Some(Position { block: 9, log: 1 });
    let of = |payer, payee, time| settlements::Filter { payer, payee, time, ..Default::default() };
    for (name, filter) in [
        ("settlement_by_payer", of(Some(ONE), None, TimeRange::default())),
        ("settlement_by_payer", of(Some(ONE), None, time)),
        ("settlement_by_payee", of(None, Some(ONE), time)),
        ("settlement_by_rail", settlements::Filter { rail: Some("permit2_exact"), ..Default::default() }),
        ("SEARCH s USING PRIMARY KEY", of(None, None, time)),
    ] {
        check(name, settlements::select_list(&filter, None, 50)).await?;
        check(name, settlements::select_list(&filter, after, 50)).await?;
    }
    check("SCAN s", settlements::select_list(&settlements::Filter::default(), None, 50)).await
}

#[tokio::test]
async fn alerts_walk_an_index_whatever_is_asked() -> anyhow::Result<()> {
    let after = Some(alerts::Cursor { raised_at: 9, id: HASH });
    let of = |treasury, envelope, kind, open| alerts::Filter { treasury, envelope, kind, open };
    let kind = Some(AlertKind::Donation);
    for (name, filter) in [
        ("alert_by_time", of(None, None, None, None)),
        ("alert_by_kind", of(None, None, kind, None)),
        ("alert_by_kind", of(None, None, kind, Some(false))),
        ("alert_by_treasury", of(Some(ONE), None, None, None)),
        ("alert_by_envelope", of(Some(ONE), Some(1), None, None)),
        ("alert_open", of(None, None, None, Some(true))),
        ("alert_open_by_kind", of(None, None, kind, Some(true))),
        ("alert_open_by_envelope", of(Some(ONE), Some(1), None, Some(true))),
    ] {
        check(name, alerts::select_list(&filter, 9, None, 50)).await?;
        check(name, alerts::select_list(&filter, 9, after, 50)).await?;
    }
    check("alert_open_by_envelope", alerts::select_standing(ONE, &[1, 9], 9, 3)).await
}

#[tokio::test]
async fn events_walk_an_index_whatever_is_asked() -> anyhow::Result<()> {
    let kinds = vec![crate::outbox::Kind::PaymentSeen];
    for (name, filter) in [
        ("PRIMARY KEY", events::Filter::default()),
        ("PRIMARY KEY", events::Filter { kinds: kinds.clone(), ..Default::default() }),
        ("outbox_by_treasury", events::Filter { treasury: Some(ONE), kinds, ..Default::default() }),
        (
            "outbox_by_envelope",
            events::Filter { treasury: Some(ONE), envelope: Some(1), ..Default::default() },
        ),
    ] {
        check(name, events::select_after(&filter, 5, 9, 50)).await?;
    }
    Ok(())
}

#[tokio::test]
async fn the_other_lists_walk_an_index() -> anyhow::Result<()> {
    check("PRIMARY KEY", treasuries::select_list(None, Some(ONE), 50)).await?;
    check("envelope_by_agent", agents::select_list(None, Some(ONE), 50)).await?;
    let after = Some(("payer".to_owned(), ONE));
    check("PRIMARY KEY", watched::select_list(None, after.clone(), 50)).await?;
    check("PRIMARY KEY", watched::select_list(Some(WatchKind::Payer), after, 50)).await?;
    check("PRIMARY KEY", payees::select_list(&payees::Filter::default(), Some((ONE, 1, ONE)), 50)).await?;
    check("PRIMARY KEY", policies::select_list(&policies::Filter::default(), Some((ONE, 1, 1)), 50)).await?;
    check(
        "SEARCH e USING PRIMARY KEY",
        envelopes::select_list(&envelopes::Filter::default(), Some((ONE, 1)), 50),
    )
    .await?;
    let all = groups::Filter::default();
    check("SEARCH g USING PRIMARY KEY", groups::select_list(&all, Some((ONE, 1)), 50)).await?;
    check("envelope_by_group", groups::select_list(&all, None, 50)).await?;
    check("PRIMARY KEY", headroom::select("limit_use WHERE envelope = ", (ONE, 1))).await?;
    let state = Some((approvals::State::Pending, 1));
    let pending = approvals::Filter { state, ..Default::default() };
    check("approval_request_open", approvals::select_list(&pending, None, 50)).await?;
    let of_agent = approvals::Filter { agent: Some(ONE), ..Default::default() };
    check("approval_request_by_agent", approvals::select_list(&of_agent, None, 50)).await?;
    check("PRIMARY KEY", refusals::select(ONE, &[1, 9])).await?;
    check("PRIMARY KEY", scores::select_history((ONE, 1), Some(9), 50)).await
}

/// What a report reads is too much to sort.
#[tokio::test]
async fn histories_walk_an_index_in_their_order() -> anyhow::Result<()> {
    let scope = history::Scope { treasury: ONE, height: 9, records_until: 9 };
    check("SEARCH e USING PRIMARY KEY", history::select_events(scope)).await?;
    check("SEARCH p USING PRIMARY KEY", history::select_payments(scope)).await?;
    check("SEARCH p USING PRIMARY KEY", history::select_outcomes(scope)).await?;
    check("decision_by_time", history::select_unsettled(scope)).await?;
    check("decision_by_time", history::select_unsettled_outcomes(scope)).await?;
    check("approval_request_by_treasury", history::select_asked(scope)).await?;
    check("erasure_by_treasury", history::select_erased(scope)).await?;
    check("PRIMARY KEY", history::select_set_aside(scope)).await
}

/// What is told of the past is read beside what came later: rows in their list's order, and of each what stood then by its key.
#[tokio::test]
async fn what_stood_walks_an_index() -> anyhow::Result<()> {
    let (treasury, agent) = (Some(ONE), Some(ONE));
    let state = Some(envelopes::State::Frozen);
    let key = Some((ONE, 1));
    for (step, filter, after) in [
        ("SCAN k", envelopes::Filter::default(), None),
        ("SEARCH k USING PRIMARY KEY", envelopes::Filter { state, ..Default::default() }, key),
        ("SEARCH k USING PRIMARY KEY", envelopes::Filter { treasury, ..Default::default() }, None),
        ("SEARCH k USING PRIMARY KEY", envelopes::Filter { treasury, ..Default::default() }, key),
        ("agent_then_by_agent (agent=?", envelopes::Filter { agent, ..Default::default() }, None),
        ("agent_then_by_agent (agent=?", envelopes::Filter { agent, ..Default::default() }, key),
        (
            "agent_then_by_treasury (treasury=? AND agent=?",
            envelopes::Filter { agent, treasury, ..Default::default() },
            key,
        ),
    ] {
        check_then(step, past::select_envelopes(&filter, 9, after, 50)).await?;
    }
    // What was never stopped is passed over by what was.
    let frozen =
        plan(&past::select_envelopes(&envelopes::Filter { state, ..Default::default() }, 9, key, 50)).await?;
    for step in [
        "envelope_then_frozen (treasury=? AND number=?)",
        "treasury_then_frozen (treasury=?)",
        "group_then_frozen (treasury=?)",
    ] {
        anyhow::ensure!(frozen.iter().any(|line| line.contains(step)), "expected {step:?}, got {frozen:#?}");
    }
    for (step, treasury) in
        [("agent_then_by_agent (agent=?", None), ("agent_then_by_treasury (treasury=? AND agent=?", treasury)]
    {
        let plan = plan(&past::select_of_agents(&[ONE; 50], treasury, 9, 50)).await?;
        let key = "SEARCH v USING PRIMARY KEY (treasury=? AND number=? AND block_number=?)";
        for step in [step, key] {
            anyhow::ensure!(plan.iter().any(|line| line.contains(step)), "expected {step:?}, got {plan:#?}");
        }
        let reads = plan.iter().filter(|line| line.starts_with("SCAN ") && line.contains("_then"));
        anyhow::ensure!(reads.count() == 0, "expected keys, got {plan:#?}");
    }
    let key = Some(sessions::Key { opened_at: 80, id: HASH });
    let state = Some((sessions::State::Frozen, 90));
    for (step, filter) in [
        ("session_by_opening", sessions::Filter::default()),
        ("session_by_opening", sessions::Filter { state, ..Default::default() }),
        ("session_by_treasury", sessions::Filter { treasury, ..Default::default() }),
        ("session_by_purse_opening", sessions::Filter { purse: Some(ONE), agent, ..Default::default() }),
        (
            "session_by_envelope",
            sessions::Filter { treasury, envelope: Some(1), agent, ..Default::default() },
        ),
    ] {
        check_then(step, past::select_sessions(&filter, (9, 90), None, 50)).await?;
        check_then(step, past::select_sessions(&filter, (9, 90), key, 50)).await?;
    }
    for (step, treasury) in [("agent_then_by_agent", None), ("agent_then_by_treasury", treasury)] {
        for after in [None, Some(ONE)] {
            let select = past::select_agents(treasury, 9, after, 50);
            let plan = plan(&select).await?;
            let reads: Vec<_> = plan.iter().filter(|line| line.contains(" n ")).collect();
            let walks = reads.len() == 3
                && reads.iter().all(|line| line.starts_with("SEARCH n ") && line.contains(step));
            let first = after.is_none() && treasury.is_none();
            anyhow::ensure!(
                walks || first && reads.iter().all(|line| line.contains(step)),
                "expected {step:?}, got {plan:#?}"
            );
        }
    }
    let latest = plan(&past::select_latest(ONE, None, 9, 90)).await?;
    for step in
        ["agent_then_by_agent (agent=?", "session_by_envelope (treasury=? AND envelope=? AND opened_at<"]
    {
        anyhow::ensure!(latest.iter().any(|line| line.contains(step)), "expected {step:?}, got {latest:#?}");
    }
    let last = "PRIMARY KEY (treasury=? AND list=? AND payee=? AND block_number<?)";
    check(last, past::select_listed(ONE, (1, ONE), 9)).await?;
    check("PRIMARY KEY (treasury=? AND block_number<?)", past::select_epoch(ONE, 9)).await?;
    check("SEARCH b USING INTEGER PRIMARY KEY (rowid<?)", blocks::select_by_time(1, 9, 5)).await
}

/// Besides, that what stood is looked up by all of its key, and payments between two blocks.
async fn check_then(step: &str, select: Select) -> anyhow::Result<()> {
    let plan = plan(&select).await?;
    let beside = |line: &&String| !line.contains(step);
    let scans = plan
        .iter()
        .filter(beside)
        .find(|line| line.starts_with("SCAN ") && !["SCAN o", "SCAN above"].contains(&line.as_str()));
    let unkeyed = plan.iter().find(|line| {
        ["SEARCH v ", "SEARCH w ", "SEARCH h "].iter().any(|read| line.starts_with(read))
            && !(line.contains("block_number=?") || line.contains("block_number<?"))
    });
    let paid = plan.iter().filter(|line| line.starts_with("SEARCH p "));
    let unbound = paid.filter(|line| !line.contains("block_number>? AND block_number<?")).count();
    anyhow::ensure!(scans.is_none() && unkeyed.is_none() && unbound == 0, "expected keys, got {plan:#?}");
    check(step, select).await
}

#[tokio::test]
async fn accesses_walk_an_index_whatever_is_asked() -> anyhow::Result<()> {
    let (by, request) = (Some("key:1".to_owned()), Some("id".to_owned()));
    let of = |treasury, by, request| accesses::Filter { treasury, by, request };
    for (step, filter) in [
        ("access_by_treasury (treasury=?", of(Some(ONE), None, None)),
        ("access_by_whom (by=?", of(None, by.clone(), None)),
        ("access_by_treasury_and_whom (treasury=? AND by=?", of(Some(ONE), by.clone(), None)),
        ("(request=?", of(None, None, request.clone())),
        ("(request=?", of(Some(ONE), by, request)),
    ] {
        check(step, accesses::select_list(&filter, None, 50)).await?;
        check(step, accesses::select_list(&filter, Some(accesses::Key { seq: 9 }), 50)).await?;
    }
    check("SCAN access", accesses::select_list(&of(None, None, None), None, 50)).await?;
    let after = Some(accesses::Key { seq: 9 });
    check("USING INTEGER PRIMARY KEY", accesses::select_list(&of(None, None, None), after, 50)).await
}
