//! Which controls of which framework the ledger is evidence for, and what the trials say of each.
//!
//! The mapping is data (`report/data/controls.json`): paraphrases, not the standards' text.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    ReportError,
    subject::{Applicability, Applies, Subject},
    trial::{Trial, Verdict},
};

const COMMITTED: &str = include_str!("../data/controls.json");

/// The evidence of trials themselves.
const OF_TRIALS: &str = "EV-TEST";

/// The mapping as it is committed.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mapping {
    /// Counts its revisions.
    pub version: String,
    /// When it was written, as a date.
    pub as_of: String,
    /// Where its facts are from, with what has to be said of it.
    pub source: String,
    /// What each kind of evidence is.
    pub evidence: BTreeMap<String, String>,
    /// Control by control.
    pub mappings: Vec<Mapped>,
}

/// One control.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mapped {
    /// Of which framework.
    pub framework: String,
    /// As the framework numbers it.
    pub control: String,
    /// What it asks for, in other words.
    pub paraphrase: String,
    /// What is evidence for it.
    pub evidence: Vec<String>,
    /// Where in the report.
    pub report_section: String,
    /// What else to know.
    #[serde(default)]
    pub note: Option<String>,
}

/// A framework, as it applies here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Framework {
    /// What it is called.
    pub name: String,
    /// How it applies.
    pub applicability: Applicability,
    /// Its controls.
    pub controls: Vec<Control>,
}

/// A control, and what the ledger says of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Control {
    /// As the framework numbers it.
    pub id: String,
    /// What it asks for, in other words.
    pub paraphrase: String,
    /// Which kinds of evidence there are.
    pub evidence: Vec<String>,
    /// Which trials looked at it.
    pub trials: Vec<String>,
    /// What they come to; missing where it is outside the ledger.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verdict: Option<Verdict>,
    /// In which sections.
    pub sections: Vec<String>,
    /// What else to know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

impl Mapping {
    /// The mapping that this version knows.
    ///
    /// # Errors
    /// When it does not read.
    pub fn committed() -> Result<Self, ReportError> {
        serde_json::from_str(COMMITTED).map_err(|error| ReportError::Json(error.to_string()))
    }

    /// Frameworks in the mapping's order, each with what the trials come to.
    pub fn judged(&self, subject: &Subject, trials: &[Trial]) -> Vec<Framework> {
        let mut frameworks = Vec::<Framework>::new();
        for mapped in &self.mappings {
            let control = judge(mapped, trials);
            match frameworks.iter_mut().find(|framework| framework.name == mapped.framework) {
                Some(framework) => framework.controls.push(control),
                None => frameworks.push(Framework {
                    name: mapped.framework.clone(),
                    applicability: subject
                        .applicability
                        .get(&mapped.framework)
                        .cloned()
                        .unwrap_or_else(unsaid),
                    controls: vec![control],
                }),
            }
        }
        frameworks
    }
}

/// Paying is nothing that makes a framework apply: unless somebody says so, it is voluntary.
fn unsaid() -> Applicability {
    Applicability { applies: Applies::Voluntary, because: "nobody has said otherwise".into() }
}

fn judge(mapped: &Mapped, trials: &[Trial]) -> Control {
    let of = |trial: &&Trial| {
        mapped.evidence.iter().any(|kind| kind == OF_TRIALS || trial.evidence.contains(kind))
    };
    let looked: Vec<&Trial> = trials.iter().filter(of).collect();
    Control {
        id: mapped.control.clone(),
        paraphrase: mapped.paraphrase.clone(),
        evidence: mapped.evidence.clone(),
        verdict: together(looked.iter().map(|trial| trial.verdict)),
        trials: looked.iter().map(|trial| trial.id.clone()).collect(),
        sections: mapped.report_section.split(',').map(|id| id.trim().to_owned()).collect(),
        note: mapped.note.clone(),
    }
}

/// What several verdicts come to: an exception anywhere is one, and what was not tested is not passed.
pub(crate) fn together(verdicts: impl Iterator<Item = Verdict>) -> Option<Verdict> {
    verdicts.reduce(|a, b| match (a.min(b), a.max(b)) {
        (_, Verdict::Exceptions) => Verdict::Exceptions,
        (low, high) if low == high => low,
        _ => Verdict::PartlyTested,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_tested_never_passes() {
        use Verdict::{Exceptions, NoExceptions, NotTested, PartlyTested};
        for (verdicts, expected) in [
            (vec![], None),
            (vec![NoExceptions, NoExceptions], Some(NoExceptions)),
            (vec![NoExceptions, NotTested], Some(PartlyTested)),
            (vec![NotTested, NotTested], Some(NotTested)),
            (vec![PartlyTested, NoExceptions], Some(PartlyTested)),
            (vec![NotTested, NoExceptions, Exceptions], Some(Exceptions)),
        ] {
            assert_eq!(together(verdicts.clone().into_iter()), expected, "{verdicts:?}");
        }
    }

    #[test]
    fn controls_outside_the_ledger_have_no_verdict() -> Result<(), ReportError> {
        let mapping = Mapping::committed()?;
        assert_eq!(mapping.mappings.len(), 117);
        for mapped in mapping.mappings.iter().filter(|mapped| mapped.evidence.is_empty()) {
            assert_eq!(judge(mapped, &[]).verdict, None);
            assert!(mapped.note.is_some(), "{} says nothing of why", mapped.control);
        }
        Ok(())
    }

    #[test]
    fn every_kind_of_evidence_that_is_named_is_known() -> Result<(), ReportError> {
        let mapping = Mapping::committed()?;
        for mapped in &mapping.mappings {
            for kind in &mapped.evidence {
                assert!(mapping.evidence.contains_key(kind), "{} names {kind}", mapped.control);
            }
        }
        Ok(())
    }
}
