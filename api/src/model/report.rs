//! Reports, as clients ask for them.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    reports::{Job, Stage},
    wire::Addr,
};

/// What is to be in a report.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReportWish {
    /// Up to this block (inclusive), which has to be final; the last final one unless told.
    pub height: Option<u64>,
    /// Whether with what agents said in words; without it, hashes, sums and the log still verify; that the tables follow from the records is then not checked.
    pub words: bool,
}

/// A report, as far as it is.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReportState {
    /// Names it.
    #[schema(value_type = String, pattern = "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")]
    pub id: Uuid,
    /// Whose.
    pub treasury: Addr,
    /// Up to which block (inclusive).
    pub height: u64,
    /// Whether with what agents said in words.
    pub words: bool,
    /// When it was asked for, in unix seconds.
    pub asked_at: u64,
    /// How far it is.
    pub state: ReportStage,
    /// Bytes written so far; of the file once it is ready.
    pub bytes: u64,
    /// SHA-256 of its `report.json`, in hex, once it is ready: names this very report.
    pub sha256: Option<String>,
    /// Where it is, once it is ready; it is kept for an hour, or until the next one is asked for.
    pub file: Option<String>,
    /// Why there is none, where it failed.
    pub error: Option<String>,
}

/// How far a report is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReportStage {
    /// It is being made.
    Working,
    /// It is there.
    Ready,
    /// There is none.
    Failed,
}

impl From<&Job> for ReportState {
    fn from(job: &Job) -> Self {
        let (state, bytes, sha256, error) = match &job.stage {
            Stage::Working => (ReportStage::Working, job.written(), None, None),
            Stage::Ready { digest, size } => (ReportStage::Ready, *size, Some(digest.clone()), None),
            Stage::Failed(why) => (ReportStage::Failed, 0, None, Some(why.clone())),
        };
        let treasury = Addr(job.wish.treasury);
        let file = (state == ReportStage::Ready)
            .then(|| format!("/v1/treasuries/{treasury}/reports/{}/report.zip", job.id));
        Self {
            id: job.id,
            height: job.height,
            words: job.wish.words,
            asked_at: job.asked_at,
            state,
            bytes,
            sha256,
            file,
            error,
            treasury,
        }
    }
}
