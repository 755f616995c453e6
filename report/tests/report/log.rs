//! The transparency log in a report: the same as its records, the root of what was anchored, and signed.

use std::fs;

use alloy::primitives::{Address, B256};
use anyhow::{Context as _, Result, ensure};
use bursar_indexer::query::history::Asked;
use bursar_report::{
    trial::Verdict,
    verify::{self, Outcome},
};
use bursar_sdk::{
    amount::Amount,
    transparency::{CheckpointKey, Entry, Keeper, LogKind},
};

use crate::world::{MIDNIGHT, PAYEE, PURSE, TREASURY, World, address};

fn asked(world: &World, answer: Option<(&str, u64)>) -> Asked {
    Asked {
        digest: B256::repeat_byte(0x44),
        purse: PURSE,
        payee: PAYEE,
        amount: Amount::new(1),
        valid_before: MIDNIGHT + 100,
        nonce: B256::ZERO,
        decision_hash: B256::ZERO,
        requested_at: world.now(),
        answer: answer.map(|(answer, at)| (answer.to_owned(), address(4), at)),
    }
}

/// Which of the log's rules found how much.
fn found(world: &World) -> Result<Vec<(String, u64)>> {
    Ok(world
        .exceptions()?
        .into_iter()
        .filter(|(rule, _)| ["logged", "log_anchored"].contains(&&**rule))
        .collect())
}

fn logged(exceptions: u64) -> Vec<(String, u64)> {
    if exceptions == 0 { vec![] } else { vec![("logged".into(), exceptions)] }
}

#[test]
fn the_log_and_the_report_have_the_same_records() -> Result<()> {
    let mut world = World::lived();
    world.asked.push(asked(&world, Some(("eoa", world.now() + 3))));
    world.erase();
    let honest = world.entries();
    assert_eq!(found(&world)?, logged(0));
    let kinds: Vec<LogKind> = honest.iter().map(|entry| entry.kind).collect();
    ensure!(kinds.contains(&LogKind::Refusal) && kinds.contains(&LogKind::Erasure), "{kinds:?}");

    type Bend = fn(&mut Vec<Entry>);
    let cases: [(&str, Bend, u64); 9] = [
        ("one is missing", |log| drop(log.remove(0)), 1),
        ("all are missing", Vec::clear, 9),
        ("one of nothing", |log| log.push(Entry { subject: B256::repeat_byte(1), ..log[0].clone() }), 1),
        ("one twice", |log| log.push(log[0].clone()), 1),
        ("another kind", |log| log[0].kind = LogKind::Refusal, 2),
        ("another time", |log| log[0].at += 1, 1),
        ("another seal", |log| log[0].content = Some(B256::repeat_byte(1)), 1),
        ("no seal", |log| log[0].content = None, 1),
        (
            "a rejection in place of an approval",
            |log| {
                let answer = log.iter_mut().find(|entry| entry.kind == LogKind::Approval).unwrap();
                answer.kind = LogKind::Rejection;
            },
            2,
        ),
    ];
    for (what, bend, expected) in cases {
        let mut log = honest.clone();
        bend(&mut log);
        world.log = Some(log);
        assert_eq!(found(&world)?, logged(expected), "{what}");
    }

    // An approval that gave way to another, a record that came later by its clock, and a kind that is not a record.
    let mut log = honest.clone();
    let answer = log.iter().position(|entry| entry.kind == LogKind::Approval).context("an approval")?;
    log.insert(answer, Entry { at: log[answer].at - 1, ..log[answer].clone() });
    let late = world.subject().records_until + 1;
    log.push(Entry { subject: B256::repeat_byte(9), at: late, ..log[0].clone() });
    world.log = Some(log);
    assert_eq!(found(&world)?, logged(0));

    // Another's entry, and one out of its place, are no log of this treasury.
    world.log = Some(vec![Entry { treasury: Address::repeat_byte(9), ..honest[0].clone() }]);
    assert!(world.exceptions().is_err());
    Ok(())
}

#[test]
fn what_was_anchored_is_the_root_of_the_first_entries() -> Result<()> {
    let mut world = World::lived();
    let size = world.entries().len();
    let folder = tempfile::tempdir()?;
    let none = world.report(&folder.path().join("none"))?.report;
    let trial = |report: &bursar_report::document::Report| {
        report
            .trials
            .iter()
            .find(|trial| trial.id == "log_anchored")
            .map(|trial| (trial.population, trial.verdict))
    };
    assert_eq!(trial(&none), Some((0, Verdict::NotTested)));

    for at in [0, 1, 2, size - 1, size] {
        world.anchor(world.root(at), at as u64);
    }
    let path = folder.path().join("anchored");
    let report = world.report(&path)?.report;
    assert_eq!(trial(&report), Some((5, Verdict::NoExceptions)));
    assert_eq!(report.log.root, world.root(size));
    let s0 = serde_json::to_string(&report.sections[0])?;
    assert!(s0.contains(&world.root(size).to_string()), "{s0}");
    ensure!(verify::offline(&path)?.0.holds());

    // The proof in S0 leads from the last anchor to the root.
    world.anchor(world.root(3), 3);
    let path = folder.path().join("proof");
    let report = world.report(&path)?.report;
    let table = report.sections[0].tables.last().context("a proof")?;
    let hashes = serde_json::to_value(&table.rows)?;
    let hashes: Vec<B256> = serde_json::from_value(
        hashes.as_array().context("rows")?.iter().map(|row| row[0]["text"].clone()).collect(),
    )?;
    let proof = bursar_sdk::transparency::Consistency { from: 3, size: size as u64, path: hashes };
    proof.check(world.root(3), world.root(size))?;
    assert!(proof.check(world.root(2), world.root(size)).is_err());
    ensure!(verify::offline(&path)?.0.holds());

    for (root, size) in [(B256::repeat_byte(1), 2), (world.root(2), 3), (world.root(3), u64::MAX)] {
        let mut forged = world.clone();
        forged.anchor(root, size);
        assert_eq!(found(&forged)?, vec![("log_anchored".into(), 1)], "{size}");
    }
    // The log was made anew after it was anchored.
    let mut log = world.entries();
    log[0].height += 1;
    world.log = Some(log);
    assert_eq!(found(&world)?, vec![("log_anchored".into(), 5)], "all but the empty one");
    Ok(())
}

#[test]
fn the_root_is_signed_and_a_forged_checkpoint_is_found() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let world = World::lived();
    let keeper = |seed| Keeper::new("bursar.example.com", CheckpointKey::from_seed(&[seed; 32]));
    let path = folder.path().join("signed");
    let report = world.report_signed(&path, Some(&keeper(1)?))?.report;
    let signed = report.log.checkpoint.context("a checkpoint")?;
    ensure!(signed.verifier.starts_with("bursar.example.com/eip155:31337/0x7171"), "{}", signed.verifier);
    ensure!(verify::offline(&path)?.0.holds());
    // Again, the same bytes.
    let again = folder.path().join("again");
    world.report_signed(&again, Some(&keeper(1)?))?;
    assert_eq!(fs::read(path.join("report.json"))?, fs::read(again.join("report.json"))?);

    let (size, root) = (world.entries().len() as u64, world.root(world.entries().len()));
    let another = Address::repeat_byte(9);
    let forgeries = [
        (keeper(1)?.sign(31_337, TREASURY, size, B256::repeat_byte(1))?, "expected 7 entries with root"),
        (keeper(1)?.sign(31_337, TREASURY, size - 1, root)?, "got 6 with"),
        (
            keeper(1)?.sign(31_337, another, size, root)?,
            "expected one of bursar.example.com/eip155:31337/0x7171",
        ),
        (keeper(1)?.sign(1, TREASURY, size, root)?, "expected one of bursar.example.com/eip155:31337/0x7171"),
    ];
    let mut text = fs::read_to_string(path.join("report.json"))?;
    let own = serde_json::to_string(&signed)?;
    for (forged, says) in forgeries {
        let forged = serde_json::to_string(&forged)?;
        fs::write(path.join("report.json"), text.replace(&own, &forged))?;
        ensure!(text.contains(&own), "the checkpoint stands otherwise in report.json");
        let (verification, _) = verify::offline(&path)?;
        let places: Vec<String> = verification.checks.into_iter().flat_map(|check| check.places).collect();
        ensure!(places.iter().any(|place| place.contains(says)), "{says}: {places:#?}");
    }
    // The note of one key beside another key.
    let forged = keeper(2)?.sign(31_337, TREASURY, size, root)?;
    text = text.replace(&serde_json::to_string(&signed.verifier)?, &serde_json::to_string(&forged.verifier)?);
    fs::write(path.join("report.json"), text)?;
    let (verification, _) = verify::offline(&path)?;
    let broken = verification.checks.iter().filter(|check| check.outcome == Outcome::Broken);
    let places: Vec<&String> = broken.flat_map(|check| &check.places).collect();
    ensure!(places.iter().any(|place| place.contains("is not signed with the key")), "{places:#?}");
    Ok(())
}
