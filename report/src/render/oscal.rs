//! The report as OSCAL 1.1.3 assessment results, over a catalog of our own: the frameworks' controls, paraphrased.

use serde_json::{Value, json};

use crate::{
    ReportError,
    controls::{Control, Framework},
    document::{Report, canonical},
    subject::{Subject, name},
    text::machine,
    trial::{Trial, Verdict},
};

const OSCAL: &str = "1.1.3";

/// Controls of every framework, as a catalog.
///
/// # Errors
/// When it cannot be written as JSON.
pub fn catalog(report: &Report) -> Result<String, ReportError> {
    let groups: Vec<Value> = report.frameworks.iter().map(group).collect();
    canonical(&json!({ "catalog": {
        "uuid": uuid(&report.subject, "catalog")?,
        "metadata": metadata(report, "Controls that a treasury's ledger is evidence for, paraphrased"),
        "groups": groups,
    }}))
}

/// What was tested and found, as assessment results.
///
/// # Errors
/// When it cannot be written as JSON.
pub fn assessment_results(report: &Report) -> Result<String, ReportError> {
    let subject = &report.subject;
    let at = machine(subject.block_time);
    let observations: Vec<Value> =
        report.trials.iter().map(|trial| observation(subject, trial, &at)).collect::<Result<_, _>>()?;
    let mut findings = Vec::new();
    let mut selections = Vec::new();
    for framework in &report.frameworks {
        let ids = framework.controls.iter().map(|control| json!({ "control-id": id(framework, control) }));
        selections.push(json!({
            "description": format!("{} ({})", framework.name, framework.applicability.applies.words()),
            "include-controls": ids.collect::<Vec<_>>(),
        }));
        for control in &framework.controls {
            findings.push(finding(subject, framework, control)?);
        }
    }
    let plan = uuid(subject, "plan")?;
    let mut resources = vec![json!({
        "uuid": plan,
        "title": "What is tested",
        "description": "Every rule is held against every payment, session and record up to the height; the rules \
                        are the observations of this result.",
    })];
    for file in &report.annexes {
        resources.push(json!({
            "uuid": uuid(subject, &format!("file {}", file.file))?,
            "title": file.name,
            "rlinks": [{ "href": file.file, "hashes": [{ "algorithm": "SHA-256", "value": file.sha256 }] }],
        }));
    }
    canonical(&json!({ "assessment-results": {
        "uuid": uuid(subject, "results")?,
        "metadata": metadata(report, &format!("Treasury {} at block {}", subject.treasury, subject.height)),
        "import-ap": { "href": format!("#{plan}") },
        "results": [{
            "uuid": uuid(subject, "result")?,
            "title": format!("Report {}", report.id),
            "description": "Control tests over the whole population; nothing was sampled.",
            "start": at,
            "end": at,
            "reviewed-controls": { "control-selections": selections },
            "observations": observations,
            "findings": findings,
        }],
        "back-matter": { "resources": resources },
    }}))
}

fn metadata(report: &Report, title: &str) -> Value {
    json!({
        "title": title,
        "last-modified": machine(report.subject.block_time),
        "version": report.id,
        "oscal-version": OSCAL,
    })
}

fn group(framework: &Framework) -> Value {
    let controls = framework.controls.iter().map(|control| {
        json!({
            "id": id(framework, control),
            "title": control.id,
            "parts": [{
                "id": format!("{}_smt", id(framework, control)),
                "name": "statement",
                "prose": control.paraphrase,
            }],
        })
    });
    json!({
        "id": group_id(framework),
        "title": framework.name,
        "controls": controls.collect::<Vec<_>>(),
    })
}

fn observation(subject: &Subject, trial: &Trial, at: &str) -> Result<Value, ReportError> {
    let mut remarks = format!(
        "{}: {} looked at, {} exceptions.",
        trial.verdict.words(),
        trial.population,
        trial.exceptions
    );
    if let Some(why) = &trial.because {
        remarks.push_str(&format!(" {why}."));
    }
    Ok(json!({
        "uuid": uuid(subject, &format!("trial {}", trial.id))?,
        "title": trial.id,
        "description": format!("{}: {}", trial.of, trial.rule),
        "methods": ["TEST"],
        "types": ["control-objective"],
        "collected": at,
        "relevant-evidence": [{
            "href": "exceptions.csv",
            "description": format!("Rows of exceptions.csv whose trial is {}", trial.id),
        }],
        "remarks": remarks,
    }))
}

/// What was not tested is not satisfied: OSCAL knows no third state.
fn finding(subject: &Subject, framework: &Framework, control: &Control) -> Result<Value, ReportError> {
    let (state, reason) = match control.verdict {
        Some(Verdict::NoExceptions) => ("satisfied", "pass"),
        Some(Verdict::Exceptions) => ("not-satisfied", "fail"),
        _ => ("not-satisfied", "other"),
    };
    let words = control.verdict.map_or("outside the ledger", Verdict::words);
    let mut related = Vec::new();
    for trial in &control.trials {
        related.push(json!({ "observation-uuid": uuid(subject, &format!("trial {trial}"))? }));
    }
    let id = id(framework, control);
    let mut finding = json!({
        "uuid": uuid(subject, &format!("finding {id}"))?,
        "title": format!("{}: {}", framework.name, control.id),
        "description": format!("{words}. {}", control.paraphrase),
        "target": {
            "type": "statement-id",
            "target-id": format!("{id}_smt"),
            "status": { "state": state, "reason": reason, "remarks": words },
        },
    });
    if !related.is_empty()
        && let Some(finding) = finding.as_object_mut()
    {
        finding.insert("related-observations".to_owned(), Value::Array(related));
    }
    Ok(finding)
}

fn uuid(subject: &Subject, what: &str) -> Result<String, ReportError> {
    Ok(name(&format!("{} {what}", subject.id()?)).to_string())
}

fn id(framework: &Framework, control: &Control) -> String {
    format!("{}_{}", group_id(framework), token(&control.id))
}

/// Without what stands in brackets behind its name.
fn group_id(framework: &Framework) -> String {
    token(framework.name.split(" (").next().unwrap_or(&framework.name))
}

/// A token as OSCAL wants it: letters, digits, dashes and dots, a letter first.
fn token(text: &str) -> String {
    let mut token = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            'a'..='z' | '0'..='9' | '.' => token.push(c),
            'A'..='Z' => token.push(c.to_ascii_lowercase()),
            _ if token.ends_with('-') => {}
            _ => token.push('-'),
        }
    }
    let token = token.trim_matches('-').to_owned();
    if token.starts_with(|c: char| c.is_ascii_alphabetic()) { token } else { format!("c-{token}") }
}
