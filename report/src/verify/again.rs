//! The report, made again from its own files: what it says has to follow from them.

use std::{
    fs::File,
    io::{BufRead as _, BufReader, Lines},
    path::Path,
};

use alloy::primitives::Address;
use serde_json::Value;

use super::{
    Check,
    compare::Compare,
    read::{Fields, Table},
};
use crate::{
    ReportError,
    annex::{Annex, Annexes, RECORDS},
    build::Builder,
    document::Report,
    records::Story,
};

const FOLLOWS: &str = "report and derived tables follow from events, payments and records";
const ERASED: &str = "the words of records that the treasury had erased";
const RECORDS_HOLD: &str = "records have the hashes, seals and chains that the report says";

/// Makes it again. What was withheld cannot be.
pub(super) fn made_again(folder: &Path, report: &Report) -> Result<Vec<Check>, ReportError> {
    if !folder.join(RECORDS).exists() {
        let why = format!("{RECORDS} is withheld");
        return Ok(vec![Check::not_checked(FOLLOWS, &*why), Check::not_checked(RECORDS_HOLD, why)]);
    }
    let annexes = Annexes::open(|name| Compare::open(folder, name))?;
    let mut builder = Builder::new(report.subject.clone(), annexes)?;
    builder.signed(report.log.checkpoint.clone());
    if let Err(error) = refill(folder, report.subject.treasury, &mut builder) {
        return Ok(vec![Check::of(FOLLOWS, vec![error.to_string()])]);
    }
    let (again, files) = match builder.finish() {
        Ok(made) => made,
        Err(error) => return Ok(vec![Check::of(FOLLOWS, vec![error.to_string()])]),
    };
    let mut places = Vec::new();
    for (_, file) in files {
        places.extend(file.end()?);
    }
    let producer = (again.producer == report.producer).then_some(());
    if producer.is_none() {
        let why = format!("made by {}, this is {}", report.producer, again.producer);
        return Ok(vec![Check::not_checked(FOLLOWS, why)]);
    }
    rules(&again, report, &mut places);
    difference("report.json", &json(&again)?, &json(report)?, &mut places);
    let found: u64 = again
        .trials
        .iter()
        .filter(|trial| ["sealed", "records_chained", "nonce_opens"].contains(&trial.id.as_str()))
        .map(|trial| trial.exceptions)
        .sum();
    let records = if found == 0 || places.is_empty() {
        Check::holds(RECORDS_HOLD)
    } else {
        Check::of(RECORDS_HOLD, vec![format!("{found} exceptions, see {}", Annex::Exceptions.file())])
    };
    let mut checks = vec![Check::of(FOLLOWS, places), records];
    checks.extend(erased(folder)?);
    Ok(checks)
}

/// Names what was erased: it has a place and a hash, and no words to hold against it.
fn erased(folder: &Path) -> Result<Option<Check>, ReportError> {
    let mut table = Table::open(folder, Annex::Erasures)?;
    let mut names = Vec::new();
    while let Some(row) = table.next_row()? {
        let (hash, by) = (row.text("hash")?, row.text("erased_by")?);
        names.push(format!("{} {hash}: {}, by {by}", row.text("kind")?, row.text("category")?));
    }
    Ok((!names.is_empty()).then(|| Check::left_out(ERASED, names)))
}

fn refill(folder: &Path, treasury: Address, builder: &mut Builder<Compare>) -> Result<(), ReportError> {
    let mut erased = Table::open(folder, Annex::Erasures)?;
    while let Some(row) = erased.next_row()? {
        builder.erased(&row.erased()?)?;
    }
    let mut stories = Stories(BufReader::new(File::open(folder.join(RECORDS))?).lines(), 0);
    let mut events = Table::open(folder, Annex::Events)?;
    let mut payments = Table::open(folder, Annex::Payments)?;
    let mut event = events.next_row()?;
    while let Some(row) = payments.next_row()? {
        let (mut payment, explained) = row.payment()?;
        while let Some(before) = earlier(event.as_ref(), &row)? {
            builder.event(&before)?;
            event = events.next_row()?;
        }
        let story = if explained { stories.next()? } else { None };
        let (decision, outcomes) = story.map(|story| (story.decision, story.outcomes)).unzip();
        payment.decision = decision;
        builder.payment(&payment, &outcomes.unwrap_or_default())?;
    }
    while let Some(row) = event {
        builder.event(&row.event()?)?;
        event = events.next_row()?;
    }
    while let Some(story) = stories.next()? {
        builder.unsettled(&story.decision, &story.outcomes)?;
    }
    let mut asked = Table::open(folder, Annex::Approvals)?;
    while let Some(row) = asked.next_row()? {
        builder.asked(&row.asked()?)?;
    }
    let mut aside = Table::open(folder, Annex::SetAside)?;
    while let Some(row) = aside.next_row()? {
        builder.set_aside(&row.aside()?)?;
    }
    builder.log()?;
    let mut log = Table::open(folder, Annex::Log)?;
    while let Some(row) = log.next_row()? {
        let (number, entry) = row.logged(treasury)?;
        builder.logged(number, &entry)?;
    }
    Ok(())
}

/// The event, where it comes before the payment.
fn earlier(
    event: Option<&Fields>,
    payment: &Fields,
) -> Result<Option<bursar_indexer::query::history::Event>, ReportError> {
    let Some(row) = event else { return Ok(None) };
    if row.position()? < payment.position()? { row.event().map(Some) } else { Ok(None) }
}

/// Lines of records.
struct Stories(Lines<BufReader<File>>, u64);

impl Stories {
    fn next(&mut self) -> Result<Option<Story>, ReportError> {
        let Some(line) = self.0.next() else { return Ok(None) };
        self.1 += 1;
        let named = |error: ReportError| ReportError::Json(format!("{RECORDS}, line {}: {error}", self.1));
        Story::read(&line?).map(Some).map_err(named)
    }
}

/// Which rules come out otherwise.
fn rules(again: &Report, report: &Report, places: &mut Vec<String>) {
    for trial in &again.trials {
        let said = report.trials.iter().find(|said| said.id == trial.id);
        let said = said.map(|said| said.exceptions).unwrap_or_default();
        if said != trial.exceptions {
            let (id, found) = (&trial.id, trial.exceptions);
            places.push(format!("rule {id}: {found} exceptions follow, the report says {said}"));
        }
    }
}

fn json(report: &Report) -> Result<Value, ReportError> {
    serde_json::to_value(report).map_err(|error| ReportError::Json(error.to_string()))
}

/// Where two documents differ, by path.
fn difference(path: &str, expected: &Value, got: &Value, places: &mut Vec<String>) {
    match (expected, got) {
        (Value::Object(a), Value::Object(b)) => {
            for key in a.keys().chain(b.keys().filter(|key| !a.contains_key(*key))) {
                let of =
                    |object: &serde_json::Map<String, Value>| object.get(key).cloned().unwrap_or_default();
                difference(&format!("{path}/{key}"), &of(a), &of(b), places);
            }
        }
        (Value::Array(a), Value::Array(b)) => {
            for i in 0..a.len().max(b.len()) {
                let of = |array: &[Value]| array.get(i).cloned().unwrap_or_default();
                difference(&format!("{path}/{i}"), &of(a), &of(b), places);
            }
        }
        _ if expected == got => {}
        _ => {
            let short = |value: &Value| value.to_string().chars().take(120).collect::<String>();
            places.push(format!("{path}: expected {}, got {}", short(expected), short(got)));
        }
    }
}
