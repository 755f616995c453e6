//! Rows counted and their amounts added up while they pass, by the columns that figures ask for.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use alloy::primitives::U256;

use crate::{ReportError, annex::Annex, figure::Rows};

/// What some rows come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Count {
    /// How many.
    pub count: u64,
    /// Their amounts together, in atomic units.
    pub sum: U256,
}

/// One way to group an annex's rows: the places of its columns, and the groups.
#[derive(Debug, Clone, Default)]
struct Grouping {
    columns: Vec<usize>,
    groups: HashMap<Vec<String>, Count>,
}

/// Counts of rows, by annex and by the columns that tell groups apart.
#[derive(Debug, Clone, Default)]
pub struct Tally {
    annexes: BTreeMap<Annex, Vec<Grouping>>,
}

impl Tally {
    /// Counts the rows of annexes by the columns that are asked for.
    ///
    /// # Errors
    /// When an annex has no such column.
    pub fn by<'a>(
        groupings: impl IntoIterator<Item = (Annex, BTreeSet<&'a str>)>,
    ) -> Result<Self, ReportError> {
        let mut tally = Self::default();
        for (annex, columns) in groupings {
            let places = columns.into_iter().map(|column| annex.place(column));
            let columns = places.collect::<Result<Vec<_>, _>>()?;
            let known = tally.annexes.entry(annex).or_default();
            if !known.iter().any(|grouping| grouping.columns == columns) {
                known.push(Grouping { columns, groups: HashMap::new() });
            }
        }
        Ok(tally)
    }

    /// Takes a row.
    ///
    /// # Errors
    /// When its amount is no number, or it lacks a cell.
    pub fn add(&mut self, annex: Annex, cells: &[String]) -> Result<(), ReportError> {
        let Some(groupings) = self.annexes.get_mut(&annex) else { return Ok(()) };
        let amount = match annex.amount().map(|place| cells.get(place).map(String::as_str)) {
            None | Some(Some("")) => U256::ZERO,
            Some(Some(digits)) => U256::from_str_radix(digits, 10)
                .map_err(|_| ReportError::row(annex, format!("expected an amount, got {digits:?}")))?,
            Some(None) => return Err(ReportError::row(annex, "the row has no amount")),
        };
        for grouping in groupings {
            let mut key = Vec::with_capacity(grouping.columns.len());
            for place in &grouping.columns {
                let cell = cells.get(*place).ok_or_else(|| ReportError::row(annex, "a cell is missing"))?;
                key.push(cell.clone());
            }
            let group = grouping.groups.entry(key).or_default();
            group.count = group.count.saturating_add(1);
            group.sum = group.sum.saturating_add(amount);
        }
        Ok(())
    }

    /// What the rows of a figure come to.
    ///
    /// # Errors
    /// When there is no such annex or column, or rows were not counted by these columns.
    pub fn of(&self, rows: &Rows) -> Result<Count, ReportError> {
        let annex = Annex::named(&rows.annex)?;
        let mut key = Vec::with_capacity(rows.filter.len());
        for (column, value) in &rows.filter {
            key.push((annex.place(column)?, value.clone()));
        }
        // As columns are kept: in the order of their names, which is the filter's.
        let places: Vec<usize> = key.iter().map(|(place, _)| *place).collect();
        let grouping = self.annexes.get(&annex).into_iter().flatten().find(|of| of.columns == places);
        let grouping = grouping.ok_or_else(|| ReportError::NotCounted {
            annex: annex.name(),
            columns: rows.filter.keys().cloned().collect::<Vec<_>>().join(", "),
        })?;
        let values: Vec<String> = key.into_iter().map(|(_, value)| value).collect();
        Ok(grouping.groups.get(&values).copied().unwrap_or_default())
    }

    /// Every group of an annex by those columns, in the order of their values.
    ///
    /// # Errors
    /// As [`Self::of`].
    pub(crate) fn groups(
        &self,
        annex: Annex,
        columns: &[&str],
    ) -> Result<BTreeMap<Vec<String>, Count>, ReportError> {
        let sorted: BTreeSet<&str> = columns.iter().copied().collect();
        let places = sorted.iter().map(|column| annex.place(column)).collect::<Result<Vec<_>, _>>()?;
        let grouping = self.annexes.get(&annex).into_iter().flatten().find(|of| of.columns == places);
        let grouping = grouping
            .ok_or_else(|| ReportError::NotCounted { annex: annex.name(), columns: columns.join(", ") })?;
        Ok(grouping.groups.iter().map(|(key, count)| (key.clone(), *count)).collect())
    }
}
