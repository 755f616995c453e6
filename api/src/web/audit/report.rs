//! Where people have a treasury's report made, and take it away.

use askama::Template;
use axum::{extract::State, response::Response};
use bursar_indexer::query::treasuries;

use super::{
    super::{gather::named, rendered, view::Named},
    TABS, Tab,
};
use crate::{AppState, access::Caller, error::ApiError};

/// Most treasuries that are offered.
const OFFERED: u32 = 200;

#[derive(Debug, Template)]
#[template(path = "audit/report.html")]
struct ReportPage {
    chain: String,
    tabs: &'static [Tab],
    path: &'static str,
    treasuries: Vec<Named>,
    /// The last block that a report can go up to.
    last: Option<u64>,
    version: &'static str,
}

/// The page.
pub(super) async fn page(State(state): State<AppState>, caller: Caller) -> Result<Response, ApiError> {
    let config = &state.config;
    let treasuries = match caller.treasury() {
        Some(own) => vec![own],
        None => {
            let rows = treasuries::list(&state.db, None, None, OFFERED).await?;
            rows.into_iter().map(|row| row.address).collect()
        }
    };
    rendered(&ReportPage {
        chain: config.chain_name.clone(),
        tabs: &TABS,
        path: "/audit/report",
        treasuries: treasuries.into_iter().map(|address| named(config, address)).collect(),
        last: state.as_of().await?.settled().map(|settled| settled.final_number),
        version: env!("CARGO_PKG_VERSION"),
    })
}
