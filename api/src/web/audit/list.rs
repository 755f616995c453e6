//! A list as a page: the form that asks, what is found, and the ways on.

use std::future::Future;

use askama::Template;
use axum::{
    extract::{RawQuery, State},
    http::StatusCode,
    response::Response,
};
use bursar_sdk::refusal::Refusal;

use super::{
    super::then::Then,
    TABS, Tab,
    cell::{Cell, Heading},
    words::{Field, Kind, Words, shown},
};
use crate::{
    AppState, AsOf, Config,
    access::Caller,
    error::ApiError,
    extract::parameters,
    list::{self, Listed},
    page::Page,
    web::rendered_with_forms,
};

/// Names that a form offers.
const NAMES: usize = 500;
/// Asks for how much, not for what.
const PAGING: [&str; 2] = ["limit", "cursor"];

/// A list that people read.
pub(super) trait Shown: Listed {
    const TITLE: &'static str;
    /// What it is about.
    const LEAD: &'static str;
    /// Where its page is; the same with `.csv` is the table.
    const PATH: &'static str;
    /// Where its JSON is.
    const API: &'static str;
    /// What can be asked.
    const FIELDS: &'static [Field];
    /// What its page shows.
    const HEADINGS: &'static [Heading];
    /// What its table has.
    const COLUMNS: &'static [&'static str];
    /// What rows do not say themselves.
    type Beside: Send + Sync + 'static;

    /// What a page of rows does not say itself.
    fn beside(
        state: &AppState,
        rows: &[Self::Row],
    ) -> impl Future<Output = Result<Self::Beside, ApiError>> + Send;

    /// A row for people, in the order of the headings.
    fn cells(on: &On<'_, Self::Beside>, row: &Self::Row) -> Vec<Vec<Cell>>;

    /// A row for programs, in the order of the columns.
    fn record(on: &On<'_, Self::Beside>, row: &Self::Row) -> Vec<String>;
}

/// What rows are read with.
#[derive(Debug)]
pub(super) struct On<'a, B> {
    pub(super) config: &'a Config,
    pub(super) as_of: &'a AsOf,
    pub(super) beside: &'a B,
}

#[derive(Debug, Template)]
#[template(path = "audit/list.html")]
struct ListPage {
    chain: String,
    tabs: &'static [Tab],
    title: &'static str,
    lead: &'static str,
    path: &'static str,
    q: String,
    form: Vec<Input>,
    names: Vec<String>,
    /// What is wrong with what was asked.
    refused: Option<String>,
    /// Whether anything was asked for.
    filtered: bool,
    headings: &'static [Heading],
    rows: Vec<Vec<Vec<Cell>>>,
    past: Option<Then>,
    block: Option<u64>,
    /// The way to the newest rows, where these are not.
    first: Option<String>,
    next: Option<String>,
    csv: String,
    json: String,
    version: &'static str,
}

/// A field with what was typed into it.
#[derive(Debug)]
struct Input {
    name: &'static str,
    label: &'static str,
    value: String,
    /// `account`, `time`, `choice` or `text`.
    shape: &'static str,
    /// What may be chosen: as the API spells it, and as people do.
    choices: Vec<(&'static str, String)>,
}

/// The page of a list.
pub(super) async fn page<L: Shown>(
    State(state): State<AppState>,
    caller: Caller,
    RawQuery(query): RawQuery,
) -> Result<Response, ApiError> {
    let (words, named) = words::<L>(&state, &caller, query);
    let (as_of, found, refused) = match found::<L>(&state, &words).await {
        Ok((as_of, found)) => (as_of, found, None),
        Err(error) if error.status() == StatusCode::BAD_REQUEST => {
            let none = Page { items: Vec::new(), next: None, as_of: None };
            (state.as_of().await?, none, Some(error))
        }
        Err(error) => return Err(error),
    };
    let beside = L::beside(&state, &found.items).await?;
    let on = On { config: &state.config, as_of: &as_of, beside: &beside };
    let (asked, all) = (words.without(&["cursor"]), words.without(&PAGING));
    let page = ListPage {
        chain: state.config.chain_name.clone(),
        tabs: &TABS,
        title: L::TITLE,
        lead: L::LEAD,
        path: L::PATH,
        q: String::new(),
        form: L::FIELDS.iter().map(|field| input(field, &words)).collect(),
        names: state.config.names.values().filter(|_| named).take(NAMES).cloned().collect(),
        refused: refused.as_ref().map(ApiError::told),
        filtered: words.any(L::FIELDS),
        headings: L::HEADINGS,
        rows: found.items.iter().map(|row| L::cells(&on, row)).collect(),
        past: Then::of(&as_of, asking(L::PATH, &words.without(&["cursor", "as_of", "as_of_time"]))),
        block: as_of.checkpoint.map(|checkpoint| checkpoint.number),
        first: words.get("cursor").map(|_| asking(L::PATH, &asked)),
        next: found.next.map(|next| asking(L::PATH, &words.going_on(&next))),
        csv: asking(&format!("{}.csv", L::PATH), &all),
        json: asking(L::API, &all),
        version: env!("CARGO_PKG_VERSION"),
    };
    let status = refused.map_or(StatusCode::OK, |error| error.status());
    rendered_with_forms(status, &page)
}

/// What is found, and as of when.
async fn found<L: Shown>(state: &AppState, words: &Words) -> Result<(AsOf, Page<L::Row>), ApiError> {
    let filter = parameters::<L>(&words.without(&[]))?;
    let as_of = list::as_of(state, &filter).await?;
    let page = list::page(state, &filter, &as_of).await?;
    Ok((as_of, page))
}

/// What is asked of a list, and whether names may be used for it: they are of all treasuries.
pub(super) fn words<L: Shown>(state: &AppState, caller: &Caller, query: Option<String>) -> (Words, bool) {
    let named = caller.treasury().is_none();
    (Words::of(&query.unwrap_or_default(), L::FIELDS, &state.config, named), named)
}

fn input(field: &Field, words: &Words) -> Input {
    let value = words.get(field.name).unwrap_or_default();
    let (shape, choices) = match field.kind {
        Kind::Account => ("account", Vec::new()),
        Kind::Time => ("time", Vec::new()),
        Kind::Hash | Kind::Number | Kind::Amount => ("text", Vec::new()),
        Kind::Choice(of) => ("choice", of.iter().map(|(code, text)| (*code, (*text).to_owned())).collect()),
        Kind::Reason => {
            let codes = Refusal::ALL.iter().map(|reason| reason.code());
            ("choice", codes.map(|code| (code, code.replace('_', " "))).collect())
        }
    };
    Input { name: field.name, label: field.label, value: shown(field.kind, value), shape, choices }
}

/// A path with a query, where there is one.
pub(super) fn asking(path: &str, query: &str) -> String {
    if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") }
}
