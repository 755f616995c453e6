//! Asking for the ranges of a backfill, whoever it is for.

use std::sync::Arc;

use tokio::{
    sync::{Semaphore, oneshot},
    task::JoinError,
};
use tokio_util::task::AbortOnDropHandle;

use super::{
    Config,
    fetch::{Fetched, fetch},
};
use crate::{
    ledger::WatchList,
    source::{Blocks, SourceError, Sources},
    store::{BlockRange, Watch},
};

/// What every question of a backfill has in common.
#[derive(Clone)]
pub(super) struct Asking {
    pub(super) sources: Sources,
    pub(super) config: Arc<Config>,
    pub(super) list: Arc<WatchList>,
}

/// What came of a range.
pub(super) struct Answer {
    /// Whom it was asked for.
    pub(super) whom: Arc<Watch>,
    pub(super) fetched: Result<Fetched, SourceError>,
    /// Whether another indexer has fetched it.
    pub(super) is_helped: bool,
}

/// A range whose answer is under way.
pub(super) struct Ahead {
    pub(super) range: BlockRange,
    /// Told whom to watch when it is time to ask; `None` once it was told.
    turn: Option<oneshot::Sender<Arc<Watch>>>,
    answer: AbortOnDropHandle<Answer>,
}

impl Asking {
    /// A range; one block that is not to be had so is asked for by its hash: that may be another matter to a provider.
    pub(super) async fn range(&self, watch: &Watch, range: BlockRange) -> Result<Fetched, SourceError> {
        let ask = |blocks, known| fetch(&self.sources, &self.config, &self.list, watch, blocks, known);
        match ask(range.into(), None).await {
            Err(error) if error.may_answer_another_question() && range.blocks() == 1 => {
                tracing::debug!(%error, block = range.from, "asking for a block by its hash");
                let header = self.sources.header(range.from).await?.what;
                let fetched = ask(Blocks::Hash(header.hash), Some(header)).await?;
                Ok(Fetched { tip: Some(header), ..fetched })
            }
            answer => answer,
        }
    }

    pub(super) async fn answer(&self, range: BlockRange, whom: Arc<Watch>) -> Answer {
        let fetched = self.range(&whom, range).await;
        Answer { whom, fetched, is_helped: false }
    }
}

impl Ahead {
    /// Asked for by ourselves, as soon as there is one of the `turns`: answers that wait take none.
    pub(super) fn ask(
        asking: &Asking,
        turns: &Arc<Semaphore>,
        range: BlockRange,
        watch: &Arc<Watch>,
    ) -> Self {
        let (asking, turns, watch) = (asking.clone(), Arc::clone(turns), Arc::clone(watch));
        let answer = tokio::spawn(async move {
            // Nobody closes it.
            let _turn = turns.acquire().await;
            asking.answer(range, watch).await
        });
        Self { range, turn: None, answer: AbortOnDropHandle::new(answer) }
    }

    /// Shared with others: `answer` hears by `turn` when it has to come.
    pub(super) fn shared(
        range: BlockRange,
        turn: oneshot::Sender<Arc<Watch>>,
        answer: impl Future<Output = Answer> + Send + 'static,
    ) -> Self {
        Self { range, turn: Some(turn), answer: AbortOnDropHandle::new(tokio::spawn(answer)) }
    }

    /// It is time to ask, for these.
    pub(super) fn comes_due(&mut self, watch: &Arc<Watch>) {
        if let Some(turn) = self.turn.take() {
            // Where nobody hears it, the answer says why.
            let _ = turn.send(Arc::clone(watch));
        }
    }

    pub(super) fn answer(&mut self) -> impl Future<Output = Result<Answer, JoinError>> + Unpin {
        &mut self.answer
    }
}

impl From<BlockRange> for Blocks {
    fn from(range: BlockRange) -> Self {
        Self::Range(range.from, range.to)
    }
}
