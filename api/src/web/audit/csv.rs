//! A list as a table that a spreadsheet opens, whole and row by row: what a page's query finds, however much that is.

use std::{io, sync::Arc};

use axum::{
    body::Body,
    extract::{RawQuery, State},
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use bursar_report::annex::guarded;
use futures::stream;
use tokio::sync::{OwnedSemaphorePermit, mpsc};

use super::list::{On, Shown, words};
use crate::{AppState, AsOf, access::Caller, error::ApiError, extract::parameters, list};

/// Rows read at a time, and so most that a table holds.
const ROWS: u32 = 500;

/// The table of a list.
pub(super) async fn table<L: Shown>(
    State(state): State<AppState>,
    caller: Caller,
    RawQuery(query): RawQuery,
) -> Result<Response, ApiError> {
    let (words, _) = words::<L>(&state, &caller, query);
    for paging in ["limit", "cursor"] {
        if let Some(got) = words.get(paging) {
            return Err(ApiError::invalid_parameter(paging, "no pages: a table has all rows", got));
        }
    }
    let filter = parameters::<L>(&words.without(&[]))?;
    let room = Arc::clone(&state.exports).try_acquire_owned().map_err(|_| {
        let message = "as many tables are written as may be at a time; try again";
        ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "exports_full", message)
    })?;
    let as_of = list::as_of(&state, &filter).await?;
    let name = L::PATH.rsplit('/').next().unwrap_or_default();
    let mut writing = Writing { state, filter, as_of, after: None, headed: false, _room: room };
    // What fails at once is told as what it is; what fails later breaks off, so that no part passes for the whole.
    let first = writing.chunk().await?;
    let (sender, receiver) = mpsc::channel(1);
    tokio::spawn(writing.on(first, sender));
    let body = stream::unfold(Some(receiver), async |receiver| {
        let mut receiver = receiver?;
        match receiver.recv().await {
            Some(Told::Rows(bytes)) => Some((Ok(bytes), Some(receiver))),
            Some(Told::End) => None,
            None => Some((Err(io::Error::other("the table breaks off")), None)),
        }
    });
    let attached = HeaderValue::from_str(&format!("attachment; filename=\"{name}.csv\""));
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/csv; charset=utf-8; header=present")),
        (header::CONTENT_DISPOSITION, attached.unwrap_or(HeaderValue::from_static("attachment"))),
    ];
    Ok((headers, Body::from_stream(body)).into_response())
}

/// A part of a table.
enum Told {
    Rows(Vec<u8>),
    End,
}

/// A table that is being written.
struct Writing<L: Shown> {
    state: AppState,
    filter: L,
    as_of: AsOf,
    after: Option<L::Key>,
    headed: bool,
    _room: OwnedSemaphorePermit,
}

/// Rows, and whether there are more.
type Chunk = (Vec<u8>, bool);

impl<L: Shown> Writing<L> {
    /// Hands on one chunk after the other, to a client that takes each in time.
    async fn on(mut self, mut chunk: Chunk, sender: mpsc::Sender<Told>) {
        let patience = self.state.config.stream_patience;
        loop {
            let (rows, more) = chunk;
            if !matches!(tokio::time::timeout(patience, sender.send(Told::Rows(rows))).await, Ok(Ok(()))) {
                return;
            }
            if !more {
                let _ = tokio::time::timeout(patience, sender.send(Told::End)).await;
                return;
            }
            chunk = match self.chunk().await {
                Ok(chunk) => chunk,
                // It is in the log, and the table breaks off.
                Err(_) => return,
            };
        }
    }

    async fn chunk(&mut self) -> Result<Chunk, ApiError> {
        let rows = self.filter.rows(&self.state, &self.as_of, self.after, ROWS).await?;
        let beside = L::beside(&self.state, &rows).await?;
        let on = On { config: &self.state.config, as_of: &self.as_of, beside: &beside };
        let mut writer = ::csv::Writer::from_writer(Vec::new());
        if !std::mem::replace(&mut self.headed, true) {
            writer.write_record(L::COLUMNS).map_err(|error| failed(&error))?;
        }
        for row in &rows {
            let cells = L::record(&on, row);
            let cells = cells.iter().map(|cell| guarded(cell));
            for cell in cells {
                writer.write_field(cell.as_bytes()).map_err(|error| failed(&error))?;
            }
            writer.write_record(None::<&[u8]>).map_err(|error| failed(&error))?;
        }
        self.after = rows.last().map(L::key);
        let bytes = writer.into_inner().map_err(|error| failed(error.error()))?;
        Ok((bytes, rows.len() == usize::try_from(ROWS).unwrap_or(usize::MAX)))
    }
}

fn failed(error: &dyn std::fmt::Display) -> ApiError {
    tracing::error!(%error, "a table is not written");
    ApiError::internal()
}
