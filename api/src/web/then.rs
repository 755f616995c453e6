//! The moment in the past that a page is of, where it is not of today.

use super::text::{When, when};
use crate::{AsOf, past::Point};

/// The moment, and the way to today's page.
#[derive(Debug)]
pub(super) struct Then {
    pub(super) block: u64,
    pub(super) at: When,
    pub(super) now: String,
}

impl Then {
    /// `now` is where today's page is.
    pub(super) fn of(as_of: &AsOf, now: String) -> Option<Self> {
        as_of.at.map(|at| Self { block: at.block.number, at: when(at.time), now })
    }
}

/// A link to what can be told as of a moment, so that whoever follows it stays there.
pub(super) fn dated(href: String, at: Option<Point>) -> String {
    let Some(at) = at else { return href };
    let before = if href.contains('?') { '&' } else { '?' };
    format!("{href}{before}{}", at.query())
}
