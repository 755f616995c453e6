//! A report that was changed in any place is refused, with what and where; also where whoever changed it mended the
//! hashes behind them.

use std::{fs, path::Path};

use anyhow::{Context as _, Result, ensure};
use bursar_report::verify;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::world::World;

fn replace(folder: &Path, name: &str, from: &str, to: &str) -> Result<()> {
    let path = folder.join(name);
    let text = fs::read_to_string(&path)?;
    ensure!(text.contains(from), "{name} does not hold {from:?}");
    Ok(fs::write(path, text.replacen(from, to, 1))?)
}

fn drop_line(folder: &Path, name: &str, number: usize) -> Result<()> {
    let path = folder.join(name);
    let text = fs::read_to_string(&path)?;
    let kept: Vec<&str> =
        text.split_inclusive('\n').enumerate().filter(|(i, _)| *i != number).map(|(_, l)| l).collect();
    ensure!(kept.len() + 1 == text.split_inclusive('\n').count(), "{name} has no line {number}");
    Ok(fs::write(path, kept.concat())?)
}

fn report(folder: &Path) -> Result<Value> {
    Ok(serde_json::from_str(&fs::read_to_string(folder.join("report.json"))?)?)
}

fn write(folder: &Path, report: &Value) -> Result<()> {
    Ok(fs::write(folder.join("report.json"), serde_json_canonicalizer::to_string(report)?)?)
}

/// Makes `report.json` name the files as they are now.
fn mend(folder: &Path) -> Result<()> {
    let mut report = report(folder)?;
    for file in report["annexes"].as_array_mut().context("annexes")? {
        let bytes = fs::read(folder.join(file["file"].as_str().context("a name")?))?;
        let lines = String::from_utf8_lossy(&bytes).lines().count();
        let headings = usize::from(file["name"] != "records");
        file["rows"] = (lines - headings).into();
        file["bytes"] = bytes.len().into();
        file["sha256"] = hex::encode(Sha256::digest(&bytes)).into();
    }
    write(folder, &report)
}

/// What is done to a report, and what has to be said of it: each of these words, somewhere.
type Case = (&'static str, fn(&Path) -> Result<()>, &'static [&'static str]);

const PAPER: &str = "report.pdf";

const CASES: &[Case] = &[
    (
        "a number in the report",
        |folder| {
            let mut report = report(folder)?;
            report["sections"][1]["tables"][1]["rows"][0][5]["figure"]["value"] = "1".into();
            write(folder, &report)
        },
        &["S1, \"Totals\", row 1, \"paid\": expected 3500001, got 1", "report.json/sections/1/tables/1"],
    ),
    (
        "a number and the rows that it says it is from",
        |folder| {
            let mut report = report(folder)?;
            let figure = &mut report["sections"][1]["tables"][1]["rows"][0][5]["figure"];
            figure["value"] = "3500002".into();
            figure["from"]["sum"]["where"] = serde_json::json!({ "asset": "0x00" });
            write(folder, &report)
        },
        &["S1, \"Totals\", row 1, \"paid\": expected 0, got 3500002"],
    ),
    (
        "a verdict",
        |folder| {
            let mut report = report(folder)?;
            report["trials"][0]["verdict"] = "not_tested".into();
            write(folder, &report)
        },
        &["report.json/trials/0/verdict: expected \"no_exceptions\", got \"not_tested\""],
    ),
    (
        "how a control came out",
        |folder| {
            let mut report = report(folder)?;
            report["frameworks"][0]["controls"][0]["verdict"] = "no_exceptions".into();
            write(folder, &report)
        },
        &["report.json/frameworks/0/controls/0/verdict"],
    ),
    (
        "the height",
        |folder| {
            let mut report = report(folder)?;
            report["subject"]["height"] = 2_000.into();
            write(folder, &report)
        },
        &["expected id", "report.json/id"],
    ),
    (
        "the report's layout",
        |folder| {
            let pretty = serde_json::to_string_pretty(&report(folder)?)?;
            Ok(fs::write(folder.join("report.json"), pretty)?)
        },
        &["report.json, byte 1: not the canonical form"],
    ),
    (
        "another schema",
        |folder| replace(folder, "report.json", "bursar.report/1", "bursar.report/9"),
        &["expected schema \"bursar.report/1\""],
    ),
    ("no JSON at all", |folder| Ok(fs::write(folder.join("report.json"), "{")?), &["report.json: EOF"]),
    (
        "an amount",
        |folder| replace(folder, "payments.csv", ",1000000,", ",1000001,"),
        &["payments.csv: expected", "payments.csv, line 2", "expected 3500002, got 3500001"],
    ),
    (
        "an amount, with the hash mended",
        |folder| {
            replace(folder, "payments.csv", ",1000000,", ",1000001,")?;
            mend(folder)
        },
        &["expected 3500002, got 3500001", "exceptions.csv, line 2", "rule record_agrees: 1"],
    ),
    (
        "an approver, with the hash mended",
        |folder| {
            let approver = crate::world::APPROVER.to_string();
            replace(folder, "payments.csv", &approver, "")?;
            mend(folder)
        },
        &["exceptions.csv, line 2", "rule approved: 1"],
    ),
    (
        "a payment that is gone, with the hash mended",
        |folder| {
            drop_line(folder, "payments.csv", 2)?;
            mend(folder)
        },
        &["rule purses_add_up: 1 exceptions follow, the report says 0", "exceptions.csv, line 2"],
    ),
    (
        "an event that is gone, with the hash mended",
        |folder| {
            drop_line(folder, "events.csv", 12)?;
            mend(folder)
        },
        &["movements.csv, line 2", "S2, \"What was read\", row 1, \"number\": expected 13, got 14"],
    ),
    (
        "an event that others rest on, with the hash mended",
        |folder| {
            drop_line(folder, "events.csv", 11)?;
            mend(folder)
        },
        &["events: block 13, log 3: a purse that is not there"],
    ),
    (
        "a role that was never granted, with the hash mended",
        |folder| {
            let manager = crate::world::MANAGER.to_string();
            replace(folder, "roles.csv", &manager, &crate::world::address(9).to_string())?;
            mend(folder)
        },
        &["roles.csv, line 3"],
    ),
    (
        "a reason, with the hash mended",
        |folder| {
            replace(folder, "records.jsonl", "canary-in-the-rationale", "a better rationale")?;
            mend(folder)
        },
        &["decisions.csv, line 2", "exceptions.csv, line 2", "exceptions, see exceptions.csv"],
    ),
    (
        "a record that does not read, with the hash mended",
        |folder| {
            replace(folder, "records.jsonl", "bursar.decision/1", "bursar.decision/2")?;
            mend(folder)
        },
        &["decisions.csv, line 2", "exceptions.csv, line 2"],
    ),
    (
        "a refusal that is gone, with the hash mended",
        |folder| {
            drop_line(folder, "records.jsonl", 3)?;
            mend(folder)
        },
        &["rule records_chained: 1", "decisions.csv, line"],
    ),
    (
        "an entry of the log, with the hash mended",
        |folder| {
            replace(folder, "log.csv", ",decision,", ",refusal,")?;
            mend(folder)
        },
        &["log.csv: expected entries of root 0x", "rule logged: 2"],
    ),
    (
        "an entry of the log that is gone, with the hash mended",
        |folder| {
            drop_line(folder, "log.csv", 2)?;
            mend(folder)
        },
        &["log: expected entry 1, got 2"],
    ),
    (
        "the log's last entry that is gone, with the hash mended",
        |folder| {
            drop_line(folder, "log.csv", 7)?;
            mend(folder)
        },
        &["log.csv: expected 7 entries, got 6", "rule logged: 1"],
    ),
    (
        "two entries of the log swapped, with the hash mended",
        |folder| {
            let text = fs::read_to_string(folder.join("log.csv"))?;
            let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
            lines.swap(1, 3);
            lines[1] = lines[1].replacen("2,", "0,", 1);
            lines[3] = lines[3].replacen("0,", "2,", 1);
            fs::write(folder.join("log.csv"), lines.join("\n") + "\n")?;
            mend(folder)
        },
        &["log.csv: expected entries of root 0x", "report.json/log/root"],
    ),
    (
        "the log's root",
        |folder| {
            let mut report = report(folder)?;
            report["log"]["root"] =
                "0x0101010101010101010101010101010101010101010101010101010101010101".into();
            write(folder, &report)
        },
        &["log.csv: expected entries of root 0x0101", "report.json/log/root"],
    ),
    (
        "a seal, with the hash mended",
        |folder| {
            let records = fs::read_to_string(folder.join("records.jsonl"))?;
            let at = records.find("\"seal\":\"0x").context("a seal")? + 10;
            let seal = &records[at..at + 130];
            let other = seal.chars().rev().collect::<String>();
            replace(folder, "records.jsonl", seal, &other)?;
            mend(folder)
        },
        &["decisions.csv, line 2", "rule sealed: 1"],
    ),
    (
        "a line of records that is no record",
        |folder| replace(folder, "records.jsonl", "{\"decision\"", "{\"deception\""),
        &["records.jsonl: expected", "records.jsonl, line 1"],
    ),
    (
        "a cell that does not read, with the hash mended",
        |folder| {
            replace(folder, "payments.csv", ",1000000,", ",-1,")?;
            mend(folder)
        },
        &["payments: expected an amount, got \"-1\"", "payments: line 2, amount"],
    ),
    (
        "columns in another order",
        |folder| replace(folder, "payments.csv", "block,log", "log,block"),
        &["payments: expected the columns"],
    ),
    (
        "a file that is gone",
        |folder| Ok(fs::remove_file(folder.join("sessions.csv"))?),
        &["sessions.csv: the file is not there"],
    ),
    (
        "a file more",
        |folder| Ok(fs::write(folder.join("notes.txt"), "trust me")?),
        &["notes.txt: no file of a report"],
    ),
    (
        "a file that the report does not name",
        |folder| {
            let mut report = report(folder)?;
            report["annexes"].as_array_mut().context("annexes")?.remove(0);
            write(folder, &report)
        },
        &["report.json: expected the files"],
    ),
    (
        "the page",
        |folder| replace(folder, "report.html", "Treasury", "Treasure"),
        &["report.html, byte", "not what report.json looks like"],
    ),
    #[cfg(feature = "pdf")]
    (
        "the document on paper",
        |folder| {
            let path = folder.join(PAPER);
            let mut bytes = fs::read(&path)?;
            let middle = bytes.len() / 2;
            bytes[middle] ^= 1;
            Ok(fs::write(path, bytes)?)
        },
        &["report.pdf, byte", "not what report.json looks like"],
    ),
    #[cfg(feature = "pdf")]
    (
        "the document on paper, taken from another report",
        |folder| {
            let other = tempfile::tempdir()?;
            World::new().report(&other.path().join("report"))?;
            Ok(fs::copy(other.path().join("report").join(PAPER), folder.join(PAPER)).map(|_| ())?)
        },
        &["report.pdf, byte", "not what report.json looks like"],
    ),
    (
        "a number of the underwriter's pack",
        |folder| {
            let mut report = report(folder)?;
            report["underwriting"][0]["tables"][0]["rows"][0][8]["figure"]["value"] = "1".into();
            write(folder, &report)
        },
        &[
            "U1, \"In all\", row 1, \"worst case\": expected 6499999, got 1",
            "report.json/underwriting/0/tables/0/rows/0/8/figure/value",
            "underwriting.json, byte",
        ],
    ),
    (
        "what could still be drawn, with the hash mended",
        |folder| {
            replace(folder, "exposure.csv", ",6499999\n", ",1\n")?;
            mend(folder)
        },
        &["exposure.csv, line", "U1, \"In all\", row 1, \"worst case\": expected 1, got 6499999"],
    ),
    (
        "a payee that was there before, with the hash mended",
        |folder| {
            replace(folder, "payees.csv", ",yes\n", ",no\n")?;
            mend(folder)
        },
        &["payees.csv, line 2", "U4, \"Payees\", row 1, \"new lately\": expected 0, got 1"],
    ),
    (
        "the underwriter's pack",
        |folder| replace(folder, "underwriting.json", "6499999", "6499998"),
        &["underwriting.json, byte", "not what report.json looks like"],
    ),
    #[cfg(feature = "pdf")]
    (
        "the underwriter's pack on paper",
        |folder| Ok(fs::copy(folder.join(PAPER), folder.join("underwriting.pdf")).map(|_| ())?),
        &["underwriting.pdf, byte", "not what report.json looks like"],
    ),
    (
        "what assessment tools read",
        |folder| replace(folder, "oscal-assessment-results.json", "not-satisfied", "satisfied"),
        &["oscal-assessment-results.json, byte"],
    ),
];

#[test]
fn a_report_that_was_changed_is_refused_with_what_and_where() -> Result<()> {
    let honest = tempfile::tempdir()?;
    let honest = honest.path().join("report");
    World::lived().report(&honest)?;
    let mut unsaid = Vec::new();
    for (name, tamper, says) in CASES {
        let folder = tempfile::tempdir()?;
        let folder = folder.path();
        // Typesetting takes a debug build seconds: where it is not about paper, there is none.
        let about_paper = says.iter().any(|words| words.contains(".pdf"));
        for entry in fs::read_dir(&honest)? {
            let name = entry?.file_name();
            if about_paper || !name.to_string_lossy().ends_with(".pdf") {
                fs::copy(honest.join(&name), folder.join(&name))?;
            }
        }
        tamper(folder)?;
        let (verification, _) = verify::offline(folder).with_context(|| (*name).to_owned())?;
        assert!(!verification.holds(), "{name} went unnoticed");
        let said: Vec<&str> =
            verification.checks.iter().flat_map(|check| check.places.iter().map(String::as_str)).collect();
        for words in says.iter().filter(|words| !said.iter().any(|place| place.contains(**words))) {
            unsaid.push(format!("{name}: expected {words:?} in {said:#?}"));
        }
    }
    ensure!(unsaid.is_empty(), "{}", unsaid.join("\n"));
    Ok(())
}

#[test]
fn a_folder_without_a_report_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    assert!(verify::offline(folder.path()).is_err());
}
