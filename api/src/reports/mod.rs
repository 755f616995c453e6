//! Reports that people ask for: made one at a time, kept for a while, and handed out as one file.

mod zipped;

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use alloy::primitives::Address;
use bursar_indexer::Store;
use bursar_report::{
    ReportError,
    annex::RECORDS,
    bundle,
    gather::{self, Height, Question},
    subject::AssetName,
};
use bursar_sdk::transparency::Keeper;
use tempfile::TempDir;
use tokio::runtime::Handle;
use uuid::Uuid;

use crate::{AppState, Config, error::ApiError};

/// Most that are ready at a time, each of another treasury: the first of them goes.
const READY: usize = 8;
/// Longest that one may take.
const LONGEST: Duration = Duration::from_secs(1_800);
/// How long one that is ready is kept.
const KEPT: Duration = Duration::from_secs(3_600);

/// What somebody wants a report of.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wish {
    pub(crate) treasury: Address,
    /// Up to this block (inclusive); the last final one unless told.
    pub(crate) height: Option<u64>,
    /// Whether with what agents said in words.
    pub(crate) words: bool,
}

/// A report, as far as it is.
#[derive(Debug, Clone)]
pub(crate) struct Job {
    pub(crate) id: Uuid,
    pub(crate) wish: Wish,
    /// The block up to which it is.
    pub(crate) height: u64,
    /// Unix seconds.
    pub(crate) asked_at: u64,
    pub(crate) stage: Stage,
    directory: Arc<TempDir>,
}

/// How far a report is.
#[derive(Debug, Clone)]
pub(crate) enum Stage {
    Working,
    Ready {
        /// SHA-256 of `report.json`, in hex.
        digest: String,
        /// Of the file, in bytes.
        size: u64,
    },
    /// Why there is none.
    Failed(String),
}

impl Job {
    /// The file, once it is ready.
    pub(crate) fn file(&self) -> PathBuf {
        self.directory.path().join("report.zip")
    }

    /// What the folder is called within the file.
    pub(crate) fn name(&self) -> String {
        format!("report-{:#x}-{}", self.wish.treasury, self.height)
    }

    /// Where it is put together.
    fn folder(&self) -> PathBuf {
        self.directory.path().join("report")
    }

    fn is_working(&self) -> bool {
        matches!(self.stage, Stage::Working)
    }

    /// How many bytes are written so far.
    pub(crate) fn written(&self) -> u64 {
        let sizes = |folder| -> std::io::Result<u64> {
            std::fs::read_dir(folder)?.map(|entry| Ok(entry?.metadata()?.len())).sum()
        };
        // It is about to be there, or gone again.
        sizes(self.folder()).unwrap_or_default()
    }
}

/// The one report that is being made, and the last one of each treasury. They are this process's own.
#[derive(Debug, Clone, Default)]
pub(crate) struct Reports(Arc<Mutex<Vec<Job>>>);

impl Reports {
    /// A treasury's report by its id; `None` where it is another's, or no longer there.
    pub(crate) fn find(&self, treasury: Address, id: Uuid) -> Option<Job> {
        self.held().iter().find(|job| job.id == id && job.wish.treasury == treasury).cloned()
    }

    /// Begins a report.
    ///
    /// # Errors
    /// While another is made; where the ledger has no such treasury or height; when it fails.
    pub(crate) async fn begin(&self, state: &AppState, wish: Wish) -> Result<Job, ApiError> {
        self.is_free()?;
        let question = question(&state.config, wish);
        // What cannot be is told at once.
        let subject = gather::subject(&state.store, question.clone()).await.map_err(refused)?;
        let directory = TempDir::with_prefix("bursar-report-").map_err(|error| {
            tracing::error!(%error, "there is no room for a report");
            ApiError::internal()
        })?;
        let job = Job {
            id: Uuid::new_v4(),
            wish,
            height: subject.height,
            asked_at: state.now(),
            stage: Stage::Working,
            directory: Arc::new(directory),
        };
        {
            let mut held = self.held();
            if held.iter().any(Job::is_working) {
                return Err(busy());
            }
            held.retain(|other| other.wish.treasury != wish.treasury);
            let over = (held.len() + 1).saturating_sub(READY);
            held.drain(..over);
            held.push(job.clone());
        }
        let (this, of, id) = (self.clone(), job.clone(), job.id);
        let (store, keeper, on) = (state.store.clone(), state.config.log.clone(), Handle::current());
        let question = Question { height: Height::At(subject.height), ..question };
        tokio::spawn(async move {
            // It writes files, and draws: neither lets others go on.
            let working = move || {
                on.block_on(async {
                    let made = made(&store, question, keeper.as_ref(), &of);
                    tokio::time::timeout(LONGEST, made).await.unwrap_or_else(|_| Err(given_up()))
                })
            };
            let made = tokio::task::spawn_blocking(working).await;
            this.ended(id, made.unwrap_or_else(|_| Err(given_up())));
            tokio::time::sleep(KEPT).await;
            this.forget(id);
        });
        Ok(job)
    }

    fn is_free(&self) -> Result<(), ApiError> {
        if self.held().iter().any(Job::is_working) { Err(busy()) } else { Ok(()) }
    }

    fn ended(&self, id: Uuid, made: Result<Stage, ReportError>) {
        let stage = made.unwrap_or_else(|error| {
            tracing::error!(%id, %error, "no report");
            Stage::Failed(told(&error))
        });
        if let Some(job) = self.held().iter_mut().find(|job| job.id == id) {
            job.stage = stage;
        }
    }

    fn forget(&self, id: Uuid) {
        self.held().retain(|job| job.id != id);
    }

    /// Hands out no longer what was ready of a treasury: something of it was erased.
    pub(crate) fn erased(&self, treasury: Address) {
        self.held().retain(|job| job.is_working() || job.wish.treasury != treasury);
    }

    fn held(&self) -> MutexGuard<'_, Vec<Job>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn question(config: &Config, Wish { treasury, height, .. }: Wish) -> Question {
    let named = |label: &crate::AssetLabel| AssetName {
        address: label.address,
        symbol: label.symbol.clone(),
        decimals: label.decimals,
    };
    Question {
        chain_id: config.chain_id,
        treasury,
        height: height.map_or(Height::Final, Height::At),
        records_until: None,
        assets: config.assets.iter().map(named).collect(),
        applicability: Default::default(),
    }
}

async fn made(
    store: &Store,
    question: Question,
    keeper: Option<&Keeper>,
    job: &Job,
) -> Result<Stage, ReportError> {
    let written = bundle::write(store, question, keeper, &job.folder()).await?;
    let size = zipped::zip(&job.folder(), &job.name(), &job.file(), |name| {
        // What agents wrote in words is in this file alone.
        job.wish.words || name != RECORDS
    })?;
    std::fs::remove_dir_all(job.folder())?;
    Ok(Stage::Ready { digest: written.digest, size })
}

fn given_up() -> ReportError {
    std::io::Error::other("the work was given up").into()
}

fn busy() -> ApiError {
    let message = "another report is being made; try again";
    ApiError::conflict("report_busy", message)
}

/// What a reader learns of why there is none.
fn told(error: &ReportError) -> String {
    match error {
        ReportError::Reorg { .. } | ReportError::Height { .. } | ReportError::Unknown(_) => error.to_string(),
        _ => "it could not be made; the service's log says why".to_owned(),
    }
}

fn refused(error: ReportError) -> ApiError {
    match error {
        ReportError::Db(error) => error.into(),
        ReportError::Height { first, last, got, .. } => {
            ApiError::unprocessable("no_such_height", error.to_string())
                .mismatch(format_args!("{first} to {last}"), got)
        }
        ReportError::Unknown(_) => ApiError::unprocessable("nothing_to_report", error.to_string()),
        error => {
            tracing::error!(%error, "no report");
            ApiError::internal()
        }
    }
}
