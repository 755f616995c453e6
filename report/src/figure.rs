//! Numbers that say where they are from: rows of an annex, each of which names a transaction, counted or added up.

use std::collections::BTreeMap;

use alloy::primitives::{Address, U256};
use serde::{Deserialize, Serialize};

use crate::{ReportError, annex::Annex, tally::Tally};

/// A number with its unit and its source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Figure {
    /// A whole number, in digits.
    pub value: String,
    /// Of what.
    pub unit: Unit,
    /// Where it is from.
    pub from: Source,
}

/// What a figure counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Unit {
    /// Rows.
    Count,
    /// Millionths, rounded down.
    Ppm,
    /// Atomic units of a token.
    Asset(Address),
}

/// Where a figure is from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Source {
    /// Rows of an annex whose columns hold these values: how many.
    Count(Rows),
    /// The same rows: the sum of their column `amount`.
    Sum(Rows),
    /// Sources added up, less others; nothing where more is taken away than there is.
    Balance {
        /// What comes in.
        plus: Vec<Source>,
        /// What goes out.
        minus: Vec<Source>,
    },
    /// What part is of whole, in millionths, rounded down; all of it where there is no whole.
    Share {
        /// The part.
        part: Box<Source>,
        /// The whole.
        whole: Box<Source>,
    },
}

/// Which rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Rows {
    /// Of which annex.
    pub annex: String,
    /// By column.
    #[serde(rename = "where")]
    pub filter: BTreeMap<String, String>,
}

/// A million.
const WHOLE: u64 = 1_000_000;

impl Source {
    /// How many rows there are of that kind.
    pub(crate) fn count(annex: Annex, filter: &[(&str, &str)]) -> Self {
        Self::Count(Rows::of(annex, filter))
    }

    /// What their amounts come to.
    pub(crate) fn sum(annex: Annex, filter: &[(&str, &str)]) -> Self {
        Self::Sum(Rows::of(annex, filter))
    }

    /// What it comes to.
    ///
    /// # Errors
    /// When nobody has counted those rows.
    pub fn value(&self, tally: &Tally) -> Result<U256, ReportError> {
        match self {
            Self::Count(rows) => Ok(U256::from(tally.of(rows)?.count)),
            Self::Sum(rows) => Ok(tally.of(rows)?.sum),
            Self::Balance { plus, minus } => Ok(total(plus, tally)?.saturating_sub(total(minus, tally)?)),
            Self::Share { part, whole } => {
                let (part, whole) = (part.value(tally)?, whole.value(tally)?);
                if whole.is_zero() {
                    return Ok(U256::from(WHOLE));
                }
                Ok(part.saturating_mul(U256::from(WHOLE)) / whole)
            }
        }
    }

    /// Every set of rows that it looks at.
    pub fn rows(&self) -> Vec<&Rows> {
        match self {
            Self::Count(rows) | Self::Sum(rows) => vec![rows],
            Self::Balance { plus, minus } => plus.iter().chain(minus).flat_map(Self::rows).collect(),
            Self::Share { part, whole } => [part, whole].into_iter().flat_map(|of| of.rows()).collect(),
        }
    }
}

fn total(of: &[Source], tally: &Tally) -> Result<U256, ReportError> {
    of.iter().try_fold(U256::ZERO, |sum, source| Ok(sum.saturating_add(source.value(tally)?)))
}

/// What envelopes hold in escrow and in purses, out of their movements and payments.
pub(crate) fn held(by: &[(&str, &str)]) -> [Source; 2] {
    let moved = |kind: &str| {
        let filter: Vec<_> = by.iter().copied().chain([("kind", kind)]).collect();
        Source::sum(Annex::Movements, &filter)
    };
    let escrow = Source::Balance {
        plus: vec![moved("topped_up"), moved("returned"), moved("swept")],
        minus: vec![moved("withdrawn"), moved("drawn")],
    };
    let purses = Source::Balance {
        plus: vec![moved("drawn"), moved("donated")],
        minus: vec![moved("returned"), moved("swept"), Source::sum(Annex::Payments, by)],
    };
    [escrow, purses]
}

impl Rows {
    fn of(annex: Annex, filter: &[(&str, &str)]) -> Self {
        let filter = filter.iter().map(|(column, value)| ((*column).to_owned(), (*value).to_owned()));
        Self { annex: annex.name().to_owned(), filter: filter.collect() }
    }
}

impl Figure {
    /// The number that a source comes to.
    ///
    /// # Errors
    /// As [`Source::value`].
    pub(crate) fn new(tally: &Tally, unit: Unit, from: Source) -> Result<Self, ReportError> {
        Ok(Self { value: from.value(tally)?.to_string(), unit, from })
    }
}
