//! The underwriter's pack: what it says of small treasuries, worked out by hand.

use std::fs;

use alloy::primitives::B256;
use anyhow::{Context as _, Result, ensure};
use bursar_report::document::{Cell, Report, Table};
use bursar_sdk::payment::session_id;
use serde_json::{Value, json};

use crate::world::{
    APPROVER, BUDGET, CAP, DAY_LIMIT, MANAGER, MIDNIGHT, PURSE, THRESHOLD, TOKEN, World, address,
};

/// What the session of a new world has paid, in these tests.
const PAID: u64 = 1_000_000 + THRESHOLD + 1;
const DAY: u64 = 86_400;

fn table<'a>(report: &'a Report, title: &str) -> Result<&'a Table> {
    let mut all = report.underwriting.iter().flat_map(|section| &section.tables);
    all.find(|table| table.title == title).with_context(|| format!("no table {title:?}"))
}

/// What stands in a row of a table, as it is, by column.
fn cell(report: &Report, title: &str, row: usize, column: &str) -> Result<String> {
    let table = table(report, title)?;
    let place = table.columns.iter().position(|name| name == column).context(column.to_owned())?;
    Ok(match table.rows.get(row).and_then(|row| row.get(place)).with_context(|| format!("row {row}"))? {
        Cell::Text(text) => text.clone(),
        Cell::Time(at) => at.to_string(),
        Cell::Limit(value, _) => value.clone(),
        Cell::Figure(figure) => figure.value.clone(),
    })
}

/// The row of a table that begins so.
fn line(report: &Report, title: &str, first: &str, column: &str) -> Result<String> {
    let rows = &table(report, title)?.rows;
    let row = rows.iter().position(|row| matches!(row.first(), Some(Cell::Text(text)) if text == first));
    cell(report, title, row.with_context(|| format!("no line {first:?} in {title:?}"))?, column)
}

/// What open sessions may pay, what may be drawn anew, and the worst case: of the only agent, and in all.
fn at_risk(world: &World) -> Result<[u64; 3]> {
    let report = world.value()?;
    let columns = ["open sessions may pay", "may be drawn anew", "worst case"];
    let of = |title: &str| -> Result<[u64; 3]> {
        let number = |column| -> Result<u64> { Ok(cell(&report, title, 0, column)?.parse()?) };
        let [open, anew, worst] = columns;
        Ok([number(open)?, number(anew)?, number(worst)?])
    };
    let (agent, all) = (of("By agent")?, of("In all")?);
    assert_eq!(agent, all, "there is one agent");
    Ok(agent)
}

/// A session that has paid twice, and is open.
fn spending() -> World {
    let mut world = World::new();
    world.pay(1_000_000, |_| {});
    world.pay(THRESHOLD + 1, |paid| paid.payment.approver = Some(APPROVER));
    world
}

fn freeze(world: &mut World) {
    world.say(Some(1), "envelope_frozen", json!({ "by": address(3) }));
}

fn review(world: &mut World, kind: &str) {
    world.say(Some(1), kind, json!({ "by": address(3), "reason": B256::ZERO }));
}

#[test]
fn the_worst_case_is_what_purses_hold_and_limits_leave() -> Result<()> {
    let mut world = spending();
    // All of the day's limit was drawn: 50 were put in, 10 of them are out.
    assert_eq!(at_risk(&world)?, [BUDGET - PAID, 0, BUDGET - PAID]);
    let report = world.value()?;
    for (column, expected) in
        [("paid lately", PAID), ("in escrow", 50_000_000 - BUDGET), ("in purses", BUDGET - PAID)]
    {
        assert_eq!(cell(&report, "By agent", 0, column)?, expected.to_string(), "{column}");
    }
    for (column, expected) in [
        ("authorized", DAY_LIMIT),
        ("drawn in the current one", BUDGET),
        ("left of it", 0),
        ("it ends", MIDNIGHT + DAY),
    ] {
        assert_eq!(cell(&report, "Limits in force", 0, column)?, expected.to_string(), "{column}");
    }
    // What a session gives back may be drawn again, within the same window.
    world.close(BUDGET - PAID);
    assert_eq!(at_risk(&world)?, [0, BUDGET - PAID, BUDGET - PAID]);
    let report = world.value()?;
    assert_eq!(cell(&report, "Limits in force", 0, "left of it")?, (BUDGET - PAID).to_string());
    let all = cell(&report, "Authorized to all agents, by window", 0, "authorized")?;
    assert_eq!(all, DAY_LIMIT.to_string());
    Ok(())
}

#[test]
fn who_is_stopped_can_lose_nothing_and_who_is_under_review_what_sessions_hold() -> Result<()> {
    let mut world = spending();
    review(&mut world, "review_set");
    assert_eq!(at_risk(&world)?, [BUDGET - PAID, 0, BUDGET - PAID]);
    let mut frozen = world.clone();
    freeze(&mut frozen);
    assert_eq!(at_risk(&frozen)?, [0; 3]);
    // A session that is frozen holds what nobody can draw while the review lasts.
    world.say(Some(1), "session_frozen", json!({ "purse": PURSE, "sequence": 1, "by": address(3) }));
    assert_eq!(at_risk(&world)?, [0; 3]);
    review(&mut world, "review_cleared");
    assert_eq!(at_risk(&world)?, [0, BUDGET - PAID, BUDGET - PAID]);
    // A policy of another version ends every session.
    let mut changed = spending();
    changed.policy(2, MANAGER);
    assert_eq!(at_risk(&changed)?, [0, BUDGET - PAID, BUDGET - PAID]);
    Ok(())
}

#[test]
fn a_session_is_over_at_its_expiry() -> Result<()> {
    for (more, open) in [(0, 0), (1, BUDGET)] {
        let mut world = World::new();
        world.close(BUDGET);
        let expiry = world.now() + 2 + more;
        let opened = json!({
            "purse": PURSE, "sequence": 2, "key": address(0xd0), "budget": BUDGET.to_string(), "expiry": expiry,
            "policyVersion": 1, "scope": { "paymentCap": "0", "approvalThreshold": "0", "payeeList": 0 },
            "stampHash": B256::ZERO,
        });
        world.say(Some(1), "session_opened", opened);
        assert_eq!(world.now() + more, expiry);
        assert_eq!(at_risk(&world)?, [open, BUDGET - open, BUDGET]);
    }
    Ok(())
}

#[test]
fn a_group_above_leaves_no_more_than_its_own_limit() -> Result<()> {
    let mut world = World::new();
    world.close(BUDGET);
    let by = MANAGER;
    world.say(None, "group_created", json!({ "group": 1, "parent": 0, "asset": TOKEN, "by": by }));
    world.say(Some(1), "group_set", json!({ "group": 1, "by": by }));
    assert_eq!(at_risk(&world)?, [0, DAY_LIMIT, DAY_LIMIT], "a group without limits limits nothing");
    let windows = json!([{ "period": 604_800, "limit": "3000000" }]);
    let limits = json!({ "group": 1, "windows": windows, "lifetimeLimit": "0", "by": by });
    world.say(None, "group_limits_set", limits);
    assert_eq!(at_risk(&world)?, [0, 3_000_000, 3_000_000]);
    // What it had not counted it has not given; the envelope's own window has.
    let report = world.value()?;
    assert_eq!(cell(&report, "Limits in force", 1, "budget")?, "group 1");
    assert_eq!(cell(&report, "Limits in force", 1, "left of it")?, "3000000");
    world.say(None, "group_frozen", json!({ "group": 1, "by": by }));
    assert_eq!(at_risk(&world)?, [0; 3]);
    Ok(())
}

#[test]
fn lately_is_thirty_days_with_that_of_the_last_block() -> Result<()> {
    for (time, lately, new) in [(MIDNIGHT - 29 * DAY, 7, "1"), (MIDNIGHT - 29 * DAY - 1, 0, "0")] {
        let mut world = World::new();
        world.pay(7, |paid| paid.payment.timestamp = time);
        let report = world.value()?;
        assert_eq!(cell(&report, "In all", 0, "paid lately")?, lately.to_string());
        assert_eq!(cell(&report, "In all", 0, "paid ever")?, "7");
        assert_eq!(cell(&report, "Payees", 0, "new lately")?, new);
        // Who was paid before is not new by being paid again.
        world.pay(5, |_| {});
        let report = world.value()?;
        assert_eq!(cell(&report, "In all", 0, "paid lately")?, (lately + 5).to_string());
        assert_eq!(cell(&report, "Payees", 0, "new lately")?, new);
    }
    Ok(())
}

#[test]
fn payees_are_counted_by_what_they_were_paid() -> Result<()> {
    let mut world = World::new();
    for (payee, units) in [(0xc1, 500), (0xc2, 250), (0xc3, 100), (0xc4, 80), (0xc5, 50), (0xc6, 20)] {
        world.pay(units, |paid| paid.payment.payee = address(payee));
    }
    let report = world.value()?;
    let of = |column| cell(&report, "Payees", 0, column);
    assert_eq!([of("payees")?, of("new lately")?], ["6", "6"]);
    assert_eq!([of("the largest, of all")?, of("the five largest, of all")?], ["500000", "980000"]);
    Ok(())
}

#[test]
fn approvals_are_counted_and_what_was_not_tested_does_not_pass() -> Result<()> {
    let report = World::new().value()?;
    for control in ["a human approves above a threshold", "payees are listed", "a loosening waits"] {
        assert_eq!(line(&report, "Controls", control, "result")?, "not tested");
    }
    assert_eq!(line(&report, "Controls", "payees are listed", "in force")?, "1 of 1 agents");
    let mut world = spending();
    let report = world.value()?;
    let number = |report: &Report, what| line(report, "Approvals and duties", what, "number");
    assert_eq!(line(&report, "Controls", "a human approves above a threshold", "result")?, "no exceptions");
    assert_eq!(number(&report, "payments above the threshold")?, "1");
    assert_eq!(number(&report, "payments with an approval")?, "1");
    world.pay(THRESHOLD + 1, |_| {});
    let report = world.value()?;
    assert_eq!(line(&report, "Controls", "a human approves above a threshold", "result")?, "exceptions");
    assert_eq!(number(&report, "payments above the threshold")?, "2");
    assert_eq!(number(&report, "of them, not approved by an approver")?, "1");
    assert_eq!(number(&report, "accounts that approved them")?, "1");
    // Every rule is in one of the three.
    let rules = &table(&report, "Control tests")?.rows;
    let counted =
        (0..rules.len()).map(|row| Ok(cell(&report, "Control tests", row, "rules")?.parse::<usize>()?));
    assert_eq!(counted.sum::<Result<usize>>()?, report.trials.len());
    Ok(())
}

#[test]
fn a_freeze_answers_the_first_signal_or_nothing_that_is_known() -> Result<()> {
    let took = |world: &World| {
        let report = world.value()?;
        let of = |column| cell(&report, "Freezes, slowest first", 0, column);
        Ok::<_, anyhow::Error>([of("level")?, of("first signal")?, of("took")?])
    };
    let mut world = spending();
    freeze(&mut world);
    assert_eq!(took(&world)?, ["envelope", "not known", "not known"]);
    let mut world = spending();
    review(&mut world, "review_set");
    world.pay(CAP + 1, |_| {});
    freeze(&mut world);
    assert_eq!(took(&world)?, ["envelope", "review", "4 s"]);
    let report = world.value()?;
    let number = |what| line(&report, "Freezes by what came before", what, "freezes");
    assert_eq!(
        [number("after a review")?, number("after an exception")?, number("not known")?],
        ["1", "0", "0"]
    );
    // One that a human had looked at is none any more; the next one is.
    let mut world = spending();
    review(&mut world, "review_set");
    review(&mut world, "review_cleared");
    world.say(None, "organisation_frozen", json!({ "by": address(3) }));
    assert_eq!(took(&world)?, ["organisation", "not known", "not known"]);
    let mut world = spending();
    world.pay(CAP + 1, |_| {});
    world.say(None, "organisation_frozen", json!({ "by": address(3) }));
    assert_eq!(took(&world)?, ["organisation", "exception", "2 s"]);
    // A record that is not there yet is no signal: it may come.
    let mut world = spending();
    world.pay(5, |paid| paid.payment.decision = None);
    freeze(&mut world);
    assert_eq!(took(&world)?, ["envelope", "not known", "not known"]);
    ensure!(world.exceptions()?.iter().any(|(rule, _)| rule == "explained"));
    Ok(())
}

#[test]
fn an_empty_treasury_has_a_pack_that_claims_nothing() -> Result<()> {
    let report = World::default().value()?;
    assert_eq!(report.underwriting.len(), 7);
    assert!(table(&report, "In all")?.rows.is_empty());
    let untested = line(&report, "Control tests", "not tested", "rules")?;
    assert_eq!(untested, report.trials.len().to_string());
    let report = World::new().value()?;
    assert_eq!(cell(&report, "Payees", 0, "the largest, of all")?, "nobody was paid");
    assert!(table(&report, "Freezes, slowest first")?.rows.is_empty());
    Ok(())
}

#[test]
fn the_pack_is_a_file_that_names_its_report() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("report");
    let written = spending().report(&path)?;
    let text = fs::read_to_string(path.join("underwriting.json"))?;
    let pack: Value = serde_json::from_str(&text)?;
    assert_eq!(serde_json_canonicalizer::to_string(&pack)?, text, "canonical");
    assert_eq!(pack["digest"], written.digest.as_str());
    assert_eq!(pack["sections"], serde_json::to_value(&written.report.underwriting)?);
    let exposure = fs::read_to_string(path.join("exposure.csv"))?;
    let session = session_id(PURSE, 1).to_string();
    let open = exposure.lines().find(|line| line.contains(",open,")).context("an open session")?;
    assert!(open.contains(&session) && open.ends_with(&format!(",{}", BUDGET - PAID)), "{open}");
    Ok(())
}
