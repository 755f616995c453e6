//! The decision spool, without a chain.

use std::{fs, path::PathBuf};

use alloy::primitives::{Address, B256};
use anyhow::Result;
use bursar_sdk::{
    outcome::OutcomeRecord,
    spool::{Intent, Spool, SpoolError},
};
use tempfile::TempDir;

use crate::common::decision as record;

fn intent(key: Option<&str>) -> Option<Intent> {
    Some(Intent { key: key.map(str::to_owned), valid_after: 0, valid_before: 10 })
}

const TRACE: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

fn place() -> Result<(TempDir, PathBuf)> {
    let directory = tempfile::tempdir()?;
    let path = directory.path().join("deep/purse.jsonl");
    Ok((directory, path))
}

#[test]
fn the_chain_of_records_goes_on_after_a_restart() -> Result<()> {
    let (_directory, path) = place()?;
    let (mut spool, recovery) = Spool::open(&path)?;
    assert_eq!(recovery, Default::default());
    let first = spool.append(|seq, prev| record(seq, prev, "a"), intent(Some("k")), None)?;
    assert_eq!(spool.signed(&first, "payload".into())?, "payload");
    assert_eq!(spool.signed(&first, "another".into())?, "payload", "the first one counts");
    drop(spool);

    let (mut spool, recovery) = Spool::open(&path)?;
    assert_eq!((recovery.records, recovery.pending), (1, 1));
    assert_eq!(spool.by_key("k").and_then(|kept| kept.payload.clone()), Some("payload".into()));
    let second = spool.append(|seq, prev| record(seq, prev, "b"), None, None)?;
    assert_eq!((second.record.seq, second.record.prev_hash), (2, first.hash));
    spool.delivered(first.hash)?;
    drop(spool);

    let (spool, recovery) = Spool::open(&path)?;
    assert_eq!((recovery.records, recovery.pending), (2, 1));
    assert_eq!(spool.pending(10)[0].hash, second.hash);
    Ok(())
}

#[test]
fn a_torn_line_is_dropped_and_reported_wherever_it_tore() -> Result<()> {
    let (_directory, path) = place()?;
    let (mut spool, _) = Spool::open(&path)?;
    let first = spool.append(|seq, prev| record(seq, prev, "whole — ünïcode"), intent(None), None)?;
    let whole = fs::read(&path)?;
    spool.append(|seq, prev| record(seq, prev, "torn — ünïcode"), intent(None), None)?;
    drop(spool);
    let both = fs::read(&path)?;

    for cut in whole.len()..both.len() {
        fs::write(&path, &both[..cut])?;
        let (mut spool, recovery) = Spool::open(&path)?;
        assert_eq!((recovery.records, recovery.torn_bytes), (1, (cut - whole.len()) as u64));
        let next = spool.append(|seq, prev| record(seq, prev, "next"), intent(None), None)?;
        assert_eq!((next.record.seq, next.record.prev_hash), (2, first.hash));
        drop(spool);
        assert_eq!(Spool::open(&path)?.1.records, 2);
    }
    Ok(())
}

#[test]
fn damage_in_the_middle_is_an_error_that_names_the_line() -> Result<()> {
    let (_directory, path) = place()?;
    let (mut spool, _) = Spool::open(&path)?;
    for _ in 0..3 {
        spool.append(|seq, prev| record(seq, prev, "x"), intent(None), None)?;
    }
    drop(spool);
    let text = fs::read_to_string(&path)?;
    let lines: Vec<&str> = text.lines().collect();
    for (damaged, line) in [
        (text.replacen("rationale", "rationals", 1), 1),
        (format!("{}\n{}\n", lines[0], lines[2]), 2),
        (format!("{}\nnonsense\n{}\n", lines[0], lines[1]), 2),
    ] {
        fs::write(&path, damaged)?;
        match Spool::open(&path) {
            Err(SpoolError::Corrupt { line: at, .. }) => assert_eq!(at, line),
            other => panic!("{other:?}"),
        }
    }
    Ok(())
}

fn outcome(decision_hash: B256) -> OutcomeRecord {
    OutcomeRecord {
        schema: bursar_sdk::outcome::SCHEMA.into(),
        decision_hash,
        revision: 1,
        prev_hash: B256::ZERO,
        chain_id: 31337,
        treasury: Address::repeat_byte(1),
        envelope: 1,
        agent: Address::repeat_byte(2),
        nonce: B256::repeat_byte(3),
        purse: Address::repeat_byte(3),
        settlement: None,
        receipt: None,
        receipt_check: None,
        http_status: None,
        result_hash: None,
        result_bytes: None,
        delivered: false,
        task_done: None,
        created_at: 1,
    }
}

#[test]
fn a_revision_follows_the_one_before_it_or_is_not_written() -> Result<()> {
    let (_directory, path) = place()?;
    let (mut spool, _) = Spool::open(&path)?;
    let decision = B256::repeat_byte(7);
    let first = outcome(decision);
    let hash = spool.append_outcome(&first)?;
    let length = fs::metadata(&path)?.len();
    // The same again, after something else, and as if nothing was.
    for wrong in [
        first.clone(),
        first.revised(B256::repeat_byte(9), 2),
        OutcomeRecord { revision: 3, ..first.revised(hash, 2) },
        OutcomeRecord { revision: 2, ..first.clone() },
    ] {
        assert!(matches!(spool.append_outcome(&wrong), Err(SpoolError::Record(_))), "{wrong:?}");
    }
    assert_eq!(fs::metadata(&path)?.len(), length);
    let second = OutcomeRecord { task_done: Some(true), ..first.revised(hash, 2) };
    let second_hash = spool.append_outcome(&second)?;
    drop(spool);
    let (spool, recovery) = Spool::open(&path)?;
    assert_eq!((recovery.records, recovery.pending), (0, 2));
    assert_eq!(spool.outcome(decision)?, &(second_hash, second));
    Ok(())
}

#[test]
fn a_rewritten_spool_keeps_outcomes_and_the_order_of_what_waits() -> Result<()> {
    let (_directory, path) = place()?;
    let (mut spool, _) = Spool::open(&path)?;
    let long = "x".repeat(60_000);
    let done = outcome(B256::repeat_byte(1));
    let done_hash = spool.append_outcome(&done)?;
    spool.delivered(done_hash)?;
    let (half, half_hash) =
        (outcome(B256::repeat_byte(2)), spool.append_outcome(&outcome(B256::repeat_byte(2)))?);
    let after = half.revised(half_hash, 2);
    let after_hash = spool.append_outcome(&after)?;
    for _ in 0..80 {
        let done = spool.append(|seq, prev| record(seq, prev, &long), intent(None), None)?;
        spool.delivered(done.hash)?;
    }
    let waiting = spool.append(|seq, prev| record(seq, prev, "waits"), intent(None), None)?;
    drop(spool);

    let before = fs::metadata(&path)?.len();
    drop(Spool::open(&path)?);
    assert!(fs::metadata(&path)?.len() < before / 10);
    let (mut spool, recovery) = Spool::open(&path)?;
    assert_eq!((recovery.records, recovery.pending), (81, 3));
    assert_eq!(spool.outcome(done.decision_hash)?, &(done_hash, done.clone()));
    assert_eq!(spool.outcome(half.decision_hash)?.0, after_hash);
    let hashes: Vec<B256> = spool.pending(9).iter().map(|one| one.hash).collect();
    assert_eq!(hashes, [waiting.hash, half_hash, after_hash], "decisions first, revisions in order");
    spool.append_outcome(&OutcomeRecord { task_done: Some(true), ..done.revised(done_hash, 3) })?;
    Ok(())
}

#[test]
fn one_process_at_a_time() -> Result<()> {
    let (_directory, path) = place()?;
    let held = Spool::open(&path)?;
    assert!(matches!(Spool::open(&path), Err(SpoolError::Locked { .. })));
    drop(held);
    Spool::open(&path)?;
    Ok(())
}

#[test]
fn a_record_the_api_would_refuse_is_not_spooled() -> Result<()> {
    let (_directory, path) = place()?;
    let (mut spool, _) = Spool::open(&path)?;
    let huge = "x".repeat(bursar_sdk::record::MAX_BYTES);
    assert!(matches!(
        spool.append(|seq, prev| record(seq, prev, &huge), None, None),
        Err(SpoolError::Record(_))
    ));
    assert!(spool.append(|seq, prev| record(seq + 1, prev, "gap"), None, None).is_err());
    assert_eq!(spool.append(|seq, prev| record(seq, prev, "good"), None, None)?.record.seq, 1);
    Ok(())
}

#[test]
fn a_large_spool_is_rewritten_with_what_still_matters() -> Result<()> {
    let (_directory, path) = place()?;
    let (mut spool, _) = Spool::open(&path)?;
    let long = "x".repeat(60_000);
    let keyed = spool.append(|seq, prev| record(seq, prev, &long), intent(Some("k")), None)?;
    spool.signed(&keyed, "payload".into())?;
    spool.delivered(keyed.hash)?;
    for _ in 0..80 {
        let done = spool.append(|seq, prev| record(seq, prev, &long), intent(None), None)?;
        spool.delivered(done.hash)?;
    }
    let waiting = spool.append(|seq, prev| record(seq, prev, "waits"), intent(None), TRACE.parse().ok())?;
    drop(spool);
    let before = fs::metadata(&path)?.len();

    let (spool, recovery) = Spool::open(&path)?;
    assert!(fs::metadata(&path)?.len() < before / 10);
    assert_eq!((recovery.records, recovery.pending), (82, 1));
    drop(spool);
    let (mut spool, recovery) = Spool::open(&path)?;
    assert_eq!((recovery.records, recovery.pending), (82, 1));
    assert_eq!(spool.pending(9)[0].hash, waiting.hash);
    assert_eq!(spool.pending(9)[0].trace, TRACE.parse().ok());
    assert_eq!(spool.by_key("k").and_then(|kept| kept.payload.clone()), Some("payload".into()));
    assert_eq!(spool.append(|seq, prev| record(seq, prev, "on"), None, None)?.record.prev_hash, waiting.hash);
    Ok(())
}

#[test]
fn a_trace_waits_beside_its_record_and_holds_nothing_up() -> Result<()> {
    let (_directory, path) = place()?;
    let (mut spool, _) = Spool::open(&path)?;
    let with = spool.append(|seq, prev| record(seq, prev, "a"), intent(None), TRACE.parse().ok())?;
    let without = spool.append(|seq, prev| record(seq, prev, "b"), intent(None), None)?;
    drop(spool);
    let text = fs::read_to_string(&path)?;
    assert_eq!(text.matches("trace").count(), 1, "a line without one is as it always was");

    let (spool, _) = Spool::open(&path)?;
    let told: Vec<_> = spool.pending(9).into_iter().map(|record| (record.hash, record.trace)).collect();
    assert_eq!(told, [(with.hash, TRACE.parse().ok()), (without.hash, None)]);
    assert!(spool.pending(9).iter().all(|record| !record.canonical.contains("0af7651916cd43dd")));
    drop(spool);

    fs::write(&path, text.replace(TRACE, "00-no-trace"))?;
    let (spool, recovery) = Spool::open(&path)?;
    assert_eq!((recovery.pending, spool.pending(9)[0].trace), (2, None));
    Ok(())
}
