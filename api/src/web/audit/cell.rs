//! What stands in a list's table.

use super::super::{text::When, view::Named};

/// A piece of what stands in one place of a row.
#[derive(Debug)]
pub(super) enum Cell {
    /// A time, which may lead on.
    Time(When, Option<String>),
    /// Somebody.
    Who(Named),
    /// Money.
    Amount(String),
    /// What somebody wrote.
    Said(String),
    /// Less of a voice.
    Faint(String),
    /// A mark: `good`, `warn`, `stop` or nothing.
    Badge(String, &'static str),
    /// Digits, and the whole of them.
    Mono(String, String),
    /// A way on, and whether it is spelled in digits.
    Link(String, String, bool),
}

/// What stands above a column.
#[derive(Debug, Clone, Copy)]
pub(super) struct Heading {
    pub(super) name: &'static str,
    /// `right`, `why`, `nowrap` or nothing.
    pub(super) class: &'static str,
}

/// Above a column of that name, laid out as the class says.
pub(super) const fn heading(name: &'static str, class: &'static str) -> Heading {
    Heading { name, class }
}
