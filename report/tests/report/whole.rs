//! What a report of an honest ledger is.

use std::{collections::BTreeMap, fs, path::Path};

use alloy::primitives::B256;
use anyhow::{Result, ensure};
use bursar_indexer::query::{Position, history::SetAside};
use bursar_report::{
    document::Cell,
    subject::{Applicability, Applies},
    trial::Verdict,
    verify::{self, Outcome},
};

use crate::world::{TREASURY, World, address};

fn files(folder: &Path) -> Result<BTreeMap<String, Vec<u8>>> {
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        files.insert(entry.file_name().to_string_lossy().into_owned(), fs::read(entry.path())?);
    }
    Ok(files)
}

#[test]
fn the_same_height_gives_the_same_bytes() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let world = World::lived();
    let (one, two) = (folder.path().join("one"), folder.path().join("two"));
    world.report(&one)?;
    world.report(&two)?;
    let (one, two) = (files(&one)?, files(&two)?);
    let expected = if cfg!(feature = "pdf") { 25 } else { 23 };
    ensure!(one.len() == expected, "expected {expected} files, got {:?}", one.keys());
    assert_eq!(one, two);
    Ok(())
}

#[test]
fn an_honest_report_holds_and_has_no_exceptions() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let folder = folder.path().join("report");
    let written = World::lived().report(&folder)?;
    let (verification, report) = verify::offline(&folder)?;
    for check in &verification.checks {
        assert_eq!(check.outcome, Outcome::Holds, "{}: {:?}", check.what, check.places);
    }
    assert_eq!(report.as_ref(), Some(&written.report));
    assert_eq!(verification.digest, written.digest);
    let exceptions: Vec<_> = written.report.trials.iter().filter(|trial| trial.exceptions != 0).collect();
    ensure!(exceptions.is_empty(), "{exceptions:?}");
    let ids: Vec<&str> = written.report.sections.iter().map(|section| section.id.as_str()).collect();
    assert_eq!(ids, ["S0", "S1", "S2", "S3", "S4", "S5", "S6", "S7", "S8", "S9", "S10", "S11", "S12"]);
    Ok(())
}

#[test]
fn an_erased_record_keeps_its_place_and_is_told() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let folder = folder.path().join("report");
    let mut world = World::lived();
    let stone = world.erase();
    let written = world.report(&folder)?;
    // Chains hold by hashes, and no rule counts against what is gone.
    let exceptions: Vec<_> = written.report.trials.iter().filter(|trial| trial.exceptions != 0).collect();
    ensure!(exceptions.is_empty(), "{exceptions:?}");
    let (verification, _) = verify::offline(&folder)?;
    assert!(verification.holds(), "{:?}", verification.checks);
    let named = verification.checks.iter().find(|check| check.outcome == Outcome::NotChecked);
    let places = named.map(|check| check.places.concat()).unwrap_or_default();
    assert!(places.contains(&stone.note.hash.to_string()) && places.contains("subject_request"), "{places}");
    let payments = fs::read_to_string(folder.join("payments.csv"))?;
    assert_eq!(payments.matches(",erased,").count(), 1);
    let records = fs::read_to_string(folder.join("records.jsonl"))?;
    assert_eq!(records.lines().count(), files_of(&World::lived())?.lines().count() - 1);
    // One that is merely left out shows as a gap.
    world.erased.clear();
    ensure!(world.exceptions()?.iter().any(|(rule, _)| rule == "records_chained"));
    Ok(())
}

/// The records of a world, as its report keeps them.
fn files_of(world: &World) -> Result<String> {
    let folder = tempfile::tempdir()?;
    world.report(&folder.path().join("report"))?;
    Ok(fs::read_to_string(folder.path().join("report/records.jsonl"))?)
}

#[test]
fn what_was_not_tested_is_nowhere_a_pass() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let written = World::new().report(&folder.path().join("report"))?;
    let report = &written.report;
    for trial in report.trials.iter().filter(|trial| trial.population == 0) {
        assert_eq!(trial.verdict, Verdict::NotTested, "{}", trial.id);
        assert!(trial.because.is_some(), "{} says nothing of why", trial.id);
    }
    for control in report.frameworks.iter().flat_map(|framework| &framework.controls) {
        let untested = report
            .trials
            .iter()
            .any(|trial| control.trials.contains(&trial.id) && trial.verdict == Verdict::NotTested);
        assert!(!untested || control.verdict != Some(Verdict::NoExceptions), "{} passes", control.id);
    }
    let results = fs::read_to_string(folder.path().join("report/oscal-assessment-results.json"))?;
    let results: serde_json::Value = serde_json::from_str(&results)?;
    let findings =
        results["assessment-results"]["results"][0]["findings"].as_array().cloned().unwrap_or_default();
    assert_eq!(findings.len(), 117);
    for finding in findings {
        let status = &finding["target"]["status"];
        assert_eq!(status["state"] == "satisfied", status["remarks"] == "no exceptions", "{finding}");
    }
    Ok(())
}

#[test]
fn words_of_agents_are_in_the_records_and_nowhere_else() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let folder = folder.path().join("report");
    World::lived().report(&folder)?;
    for (name, bytes) in files(&folder)? {
        let text = String::from_utf8_lossy(&bytes);
        assert_eq!(text.contains("canary-in-the-rationale"), name == "records.jsonl", "{name}");
    }
    // Withheld, the rest still holds, and says what it could not check.
    fs::remove_file(folder.join("records.jsonl"))?;
    let (verification, _) = verify::offline(&folder)?;
    ensure!(verification.holds(), "{verification:?}");
    let unchecked = verification.checks.iter().filter(|check| check.outcome == Outcome::NotChecked).count();
    assert_eq!(unchecked, 2);
    Ok(())
}

#[test]
fn what_strangers_write_is_no_formula_and_no_markup() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let folder = folder.path().join("report");
    let mut world = World::lived();
    world.aside.push(SetAside {
        position: Position { block: 2, log: 9 },
        tx_hash: B256::ZERO,
        address: TREASURY,
        error: "=HYPERLINK(\"https://evil.example\",\"<script>alert(1)</script>\")".into(),
    });
    world.report(&folder)?;
    let aside = fs::read_to_string(folder.join("set_aside.csv"))?;
    assert!(aside.contains("\"'=HYPERLINK("), "{aside}");
    ensure!(verify::offline(&folder)?.0.holds(), "the guard cannot be taken away");

    let mut subject = World::lived();
    subject.aside.clear();
    let html = fs::read_to_string(folder.join("report.html"))?;
    assert!(!html.contains("<script"), "a page without scripts");
    Ok(())
}

#[test]
fn every_number_names_rows_of_an_annex() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let written = World::lived().report(&folder.path().join("report"))?;
    let sections = written.report.sections.iter().chain(&written.report.underwriting);
    let tables = sections.flat_map(|section| &section.tables);
    let mut numbers = 0;
    for cell in tables.flat_map(|table| table.rows.iter().flatten()) {
        if let Cell::Figure(figure) = cell {
            numbers += 1;
            ensure!(!figure.from.rows().is_empty(), "{figure:?} is from nowhere");
        }
    }
    ensure!(numbers > 50, "expected more than 50 numbers, got {numbers}");
    Ok(())
}

#[test]
fn applicability_is_what_was_said_and_voluntary_otherwise() -> Result<()> {
    let world = World::new();
    let mut subject = world.subject();
    let said = Applicability { applies: Applies::Mandatory, because: "we are a bank".into() };
    subject.applicability.insert("DORA (EU) 2022/2554".into(), said.clone());
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("report");
    let builder = bursar_report::build::Builder::new(subject.clone(), bursar_report::bundle::open(&path)?)?;
    let report = bursar_report::bundle::close(&path, builder)?.report;
    for framework in &report.frameworks {
        let expected =
            if framework.name.starts_with("DORA") { Applies::Mandatory } else { Applies::Voluntary };
        assert_eq!(framework.applicability.applies, expected, "{}", framework.name);
    }
    // Another subject is another report.
    assert_ne!(subject.id()?, world.subject().id()?);
    assert_ne!(address(1), address(2));
    Ok(())
}
