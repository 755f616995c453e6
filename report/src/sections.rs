//! S0 to S12, and the underwriter's pack, put together from what was counted and what the books say at the end.

mod behaviour;
mod change;
mod controls;
mod integrity;
mod oversight;
mod payments;
mod people;
mod policies;
mod scope;
mod underwriting;

use alloy::primitives::Address;
use bursar_sdk::transparency::SignedCheckpoint;

use crate::{
    ReportError,
    annex::{Annex, Summary},
    books::{Books, Place},
    controls::{Framework, Mapping},
    document::{Cell, Section},
    figure::{Figure, Source, Unit, held},
    logbook::Taken,
    subject::Subject,
    tally::Tally,
    trial::Trial,
};

pub(crate) use self::underwriting::underwriting;

/// What sections are made of.
#[derive(Debug)]
pub(crate) struct Material<'a> {
    pub(crate) subject: &'a Subject,
    pub(crate) tally: &'a Tally,
    pub(crate) books: &'a Books,
    pub(crate) trials: &'a [Trial],
    pub(crate) frameworks: &'a [Framework],
    pub(crate) annexes: &'a [Summary],
    pub(crate) mapping: &'a Mapping,
    pub(crate) purses_with_records: usize,
    pub(crate) log: &'a Taken,
    pub(crate) signed: Option<&'a SignedCheckpoint>,
}

/// Every section, in order.
pub(crate) fn all(of: &Material<'_>) -> Result<Vec<Section>, ReportError> {
    Ok(vec![
        integrity::integrity(of)?,
        scope::scope(of)?,
        scope::completeness(of)?,
        people::agents(of)?,
        policies::policies(of)?,
        people::identity(of)?,
        payments::payments(of)?,
        oversight::oversight(of)?,
        behaviour::behaviour(of)?,
        controls::tests(of)?,
        change::change(of)?,
        integrity::log(of)?,
        scope::limits(of),
    ])
}

impl Material<'_> {
    /// How many rows.
    fn count(&self, annex: Annex, filter: &[(&str, &str)]) -> Result<Cell, ReportError> {
        self.figure(Unit::Count, Source::count(annex, filter))
    }

    /// What their amounts come to.
    fn sum(&self, annex: Annex, filter: &[(&str, &str)], asset: Address) -> Result<Cell, ReportError> {
        self.figure(Unit::Asset(asset), Source::sum(annex, filter))
    }

    fn figure(&self, unit: Unit, from: Source) -> Result<Cell, ReportError> {
        Ok(Figure::new(self.tally, unit, from)?.into())
    }

    fn share(&self, part: Source, whole: Source) -> Result<Cell, ReportError> {
        self.figure(Unit::Ppm, Source::Share { part: Box::new(part), whole: Box::new(whole) })
    }

    /// What every envelope, or every envelope in one token, holds: in escrow, and in purses.
    fn held(&self, by: &[(&str, &str)], asset: Address) -> Result<[Cell; 2], ReportError> {
        let unit = Unit::Asset(asset);
        let [escrow, purses] = held(by);
        Ok([self.figure(unit, escrow)?, self.figure(unit, purses)?])
    }
}

/// The transaction that something is known from.
fn tx(place: Place) -> Cell {
    Cell::text(place.tx)
}
