//! Control tests: every payment, session and record held against a rule. What was not tested does not pass.

mod catalogue;
mod events;
mod payments;
mod records;

use std::collections::BTreeMap;

use alloy::primitives::B256;
use bursar_indexer::query::Position;
use serde::{Deserialize, Serialize};

use crate::{
    annex::Annex,
    books::{Row, cell},
};

pub(crate) use self::{
    events::duties,
    records::{RecordChains, Told, outcome, told},
};
pub use catalogue::Rule;

/// What was tested, and what came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Trial {
    /// The rule, as `exceptions` name it.
    pub id: String,
    /// What has to hold.
    pub rule: String,
    /// Of what: all of them were looked at.
    pub of: String,
    /// How many there were.
    pub population: u64,
    /// How often it did not hold.
    pub exceptions: u64,
    /// What that comes to.
    pub verdict: Verdict,
    /// Which evidence it is.
    pub evidence: Vec<String>,
    /// Why it was not tested.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub because: Option<String>,
}

/// What a trial comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It held for all of them.
    NoExceptions,
    /// Some of it was not tested.
    PartlyTested,
    /// There was nothing to test, or nothing to test it with.
    NotTested,
    /// It did not always hold.
    Exceptions,
}

impl Verdict {
    /// As a report says it.
    pub fn words(self) -> &'static str {
        match self {
            Self::NoExceptions => "no exceptions",
            Self::PartlyTested => "partly tested",
            Self::NotTested => "not tested",
            Self::Exceptions => "exceptions",
        }
    }
}

/// Where something is wrong.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct At {
    position: Option<Position>,
    tx: Option<B256>,
}

impl At {
    pub(crate) fn of(position: Position, tx: B256) -> Self {
        Self { position: Some(position), tx: Some(tx) }
    }
}

/// Counts per rule, and the rows of what was found.
#[derive(Debug, Default)]
pub(crate) struct Trials {
    counts: BTreeMap<Rule, (u64, u64)>,
    found: Vec<Row>,
}

impl Trials {
    /// One more that the rule was held against.
    fn tried(&mut self, rule: Rule) {
        let (population, _) = self.counts.entry(rule).or_default();
        *population = population.saturating_add(1);
    }

    /// One more, and whether the rule held; what it is about, what was expected and what came.
    fn hold(&mut self, rule: Rule, held: bool, at: At, says: impl FnOnce() -> [String; 3]) {
        self.tried(rule);
        if !held {
            self.found(rule, at, says());
        }
    }

    fn found(&mut self, rule: Rule, at: At, [about, expected, got]: [String; 3]) {
        let (_, exceptions) = self.counts.entry(rule).or_default();
        *exceptions = exceptions.saturating_add(1);
        let position = at.position;
        let cells = vec![
            rule.id().to_owned(),
            cell(position.map(|position| position.block)),
            cell(position.map(|position| position.log)),
            cell(at.tx),
            about,
            expected,
            got,
        ];
        self.found.push(Row { annex: Annex::Exceptions, cells });
    }

    /// Whether a rule that is held against payments by the chain alone was broken since the last time.
    pub(crate) fn alarming(&self) -> bool {
        let broken =
            |rule: &Rule| self.found.iter().any(|row| row.cells.first().is_some_and(|id| id == rule.id()));
        Rule::OF_CHAIN.iter().any(broken)
    }

    /// The rows found since the last time.
    pub(crate) fn take_found(&mut self) -> Vec<Row> {
        std::mem::take(&mut self.found)
    }

    /// What every rule comes to.
    pub(crate) fn verdicts(&self) -> Vec<Trial> {
        Rule::ALL.iter().map(|rule| self.verdict(*rule)).collect()
    }

    fn verdict(&self, rule: Rule) -> Trial {
        let (population, exceptions) = self.counts.get(&rule).copied().unwrap_or_default();
        let verdict = match (population, exceptions) {
            (_, 1..) => Verdict::Exceptions,
            (0, 0) => Verdict::NotTested,
            _ => Verdict::NoExceptions,
        };
        let because = (verdict == Verdict::NotTested).then(|| rule.untested().to_owned());
        Trial {
            id: rule.id().to_owned(),
            rule: rule.says().to_owned(),
            of: rule.of().to_owned(),
            population,
            exceptions,
            verdict,
            evidence: rule.evidence().iter().map(|id| (*id).to_owned()).collect(),
            because,
        }
    }
}
