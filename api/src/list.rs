//! A list that is asked in the same words as JSON, as a page and as a table.

use std::future::Future;

use serde::{Serialize, de::DeserializeOwned};

use crate::{
    AppState, AsOf,
    error::ApiError,
    page::{Asked, Page, PageLimit},
    past::At,
};

/// What a list is asked: the query parameters of its route.
pub(crate) trait Listed: DeserializeOwned + Send + Sync + 'static {
    /// What its cursors are called by.
    const NAME: &'static str;
    /// A row of the store.
    type Row: Send + Sync + 'static;
    /// What tells where a row stands in the list.
    type Key: Serialize + DeserializeOwned + Copy + Send + Sync + 'static;

    /// Which page.
    fn asked(&self) -> Result<Asked<Self::Key>, ApiError>;

    /// As of when; `None`: now.
    fn at(&self) -> Result<Option<At>, ApiError>;

    /// At most `limit` rows, those after a key.
    fn rows(
        &self,
        state: &AppState,
        as_of: &AsOf,
        after: Option<Self::Key>,
        limit: u32,
    ) -> impl Future<Output = Result<Vec<Self::Row>, ApiError>> + Send;

    /// Where a row stands.
    fn key(row: &Self::Row) -> Self::Key;
}

/// When a list is asked for.
pub(crate) async fn as_of<F: Listed>(state: &AppState, filter: &F) -> Result<AsOf, ApiError> {
    state.as_of_at(filter.at()?).await
}

/// The page that is asked for.
pub(crate) async fn page<F: Listed>(
    state: &AppState,
    filter: &F,
    as_of: &AsOf,
) -> Result<Page<F::Row>, ApiError> {
    let asked = filter.asked()?;
    let rows = filter.rows(state, as_of, asked.after, asked.fetch()).await?;
    let page = asked.page(rows, F::key, |row| row);
    Ok(Page { as_of: as_of.at.map(Into::into), ..page })
}

/// Reads cursor and limit of a list.
pub(crate) fn asked<F: Listed>(
    cursor: Option<&str>,
    limit: Option<PageLimit>,
) -> Result<Asked<F::Key>, ApiError> {
    Asked::new(F::NAME, cursor, limit)
}
