//! `GET /v1/treasuries/{address}/reports/{id}/report.zip`

use std::{io, time::Duration};

use axum::{
    body::{Body, Bytes},
    extract::State,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use futures::stream;
use tokio::{
    fs::File,
    io::AsyncReadExt as _,
    sync::mpsc::{self, Sender},
};
use uuid::Uuid;

use crate::{
    AppState,
    error::{ApiError, GetFailure, Problem},
    extract::Path,
    reports::Stage,
    wire::Addr,
};

/// Bytes read at a time.
const PART: usize = 64 * 1024;

/// A report as one file: unpack it, and `bursar verify` the folder in it.
#[utoipa::path(get, path = "/v1/treasuries/{address}/reports/{id}/report.zip", tag = "Reports",
    params(("address" = inline(Addr), Path, description = "The treasury."), ("id" = String, Path, pattern = "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$", description = "The report.")),
    responses((status = 200, description = "It.", content_type = "application/zip", body = Vec<u8>),
              (status = 409, description = "It is not ready.", body = Problem), GetFailure))]
pub async fn get_report_file(
    State(state): State<AppState>,
    Path((address, id)): Path<(Addr, Uuid)>,
) -> Result<Response, ApiError> {
    let job = state.reports.find(address.0, id).ok_or_else(|| ApiError::not_found("report", id))?;
    let Stage::Ready { size, .. } = job.stage else {
        return Err(ApiError::conflict("report_not_ready", "the report is not ready"));
    };
    let file = File::open(job.file()).await.map_err(|error| {
        tracing::error!(%error, %id, "a report is gone");
        ApiError::internal()
    })?;
    let (sender, receiver) = mpsc::channel(1);
    // The file is there as long as somebody reads it.
    tokio::spawn(hand_over(file, sender, state.config.stream_patience));
    let body = stream::unfold(receiver, async |mut parts| Some((parts.recv().await?, parts)));
    let attached = HeaderValue::from_str(&format!("attachment; filename=\"{}.zip\"", job.name()));
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("application/zip")),
        (header::CONTENT_LENGTH, HeaderValue::from(size)),
        (header::CONTENT_DISPOSITION, attached.unwrap_or(HeaderValue::from_static("attachment"))),
    ];
    Ok((StatusCode::OK, headers, Body::from_stream(body)).into_response())
}

/// To a client that takes each part in time.
async fn hand_over(mut file: File, sender: Sender<io::Result<Bytes>>, patience: Duration) {
    loop {
        let mut part = Vec::with_capacity(PART);
        let read = (&mut file).take(PART as u64).read_to_end(&mut part).await;
        let told = match read {
            Ok(0) => return,
            Ok(_) => Ok(part.into()),
            Err(error) => Err(error),
        };
        let failed = told.is_err();
        if !matches!(tokio::time::timeout(patience, sender.send(told)).await, Ok(Ok(()))) || failed {
            return;
        }
    }
}
