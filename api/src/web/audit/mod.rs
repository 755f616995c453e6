//! The auditor's desk: one search for everything, and lists that are asked as the API's are, shown or taken away as a table.

mod approvals;
mod cell;
mod csv;
mod decisions;
mod list;
mod payments;
mod refusals;
mod report;
mod search;
mod settlements;
mod stops;
mod words;

use axum::{Router, routing::get};

use self::list::Shown;
use crate::{AppState, routes};

type Payments = routes::list_payments::Filter;
type Refusals = routes::list_refusals::Filter;
type Decisions = routes::list_decisions::Filter;
type Approvals = routes::list_approval_requests::Filter;
type Stops = routes::list_stops::Filter;
type Settlements = routes::list_settlements::Filter;

/// A list among the others.
#[derive(Debug, Clone, Copy)]
struct Tab {
    title: &'static str,
    path: &'static str,
    lead: &'static str,
}

impl Tab {
    const fn of<L: Shown>() -> Self {
        Self { title: L::TITLE, path: L::PATH, lead: L::LEAD }
    }
}

/// Every list.
const TABS: [Tab; 6] = [
    Tab::of::<Payments>(),
    Tab::of::<Refusals>(),
    Tab::of::<Decisions>(),
    Tab::of::<Approvals>(),
    Tab::of::<Stops>(),
    Tab::of::<Settlements>(),
];

pub(super) fn router() -> Router<AppState> {
    let desk = Router::new().route("/audit", get(search::search)).route("/audit/report", get(report::page));
    let desk = listed::<Payments>(desk);
    let desk = listed::<Refusals>(desk);
    let desk = listed::<Decisions>(desk);
    let desk = listed::<Approvals>(desk);
    let desk = listed::<Stops>(desk);
    listed::<Settlements>(desk)
}

/// A list as a page, and as a table.
fn listed<L: Shown>(router: Router<AppState>) -> Router<AppState> {
    router.route(L::PATH, get(list::page::<L>)).route(&format!("{}.csv", L::PATH), get(csv::table::<L>))
}
