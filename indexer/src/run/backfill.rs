//! Catching up with what is final: several ranges are asked for at once and applied in order.

use std::{collections::VecDeque, pin::pin, sync::Arc};

use alloy::primitives::B256;
use tokio::time::{Instant, timeout_at};
use tokio_util::task::AbortOnDropHandle;

use super::{
    Config, Phase,
    fetch::{Fetched, fetch, fetch_more},
    follow::{Follower, Step, Trouble},
};
use crate::{
    ledger::WatchList,
    query::checkpoint::Settled,
    source::{BlockHeader, Blocks, SourceError, Sources},
    store::{Applying, Checkpoint, Watch},
};

/// A range that was asked for.
struct Ahead {
    from: u64,
    to: u64,
    /// Whom it was asked for.
    watch: Arc<Watch>,
    answer: AbortOnDropHandle<Result<Fetched, SourceError>>,
}

impl Ahead {
    fn ask(asking: &Asking, watch: &Arc<Watch>, from: u64, to: u64) -> Self {
        let (asking, whom) = (asking.clone(), Arc::clone(watch));
        let answer = tokio::spawn(async move { asking.range(&whom, from, to).await });
        Self { from, to, watch: Arc::clone(watch), answer: AbortOnDropHandle::new(answer) }
    }
}

/// What every question of a backfill has in common.
#[derive(Clone)]
struct Asking {
    sources: Sources,
    config: Arc<Config>,
    list: Arc<WatchList>,
}

impl Asking {
    /// A range; one block that is too much for the provider is asked for by its hash, which admits no part.
    async fn range(&self, watch: &Watch, from: u64, to: u64) -> Result<Fetched, SourceError> {
        let ask = |blocks, known| fetch(&self.sources, &self.config, &self.list, watch, blocks, known);
        match ask(Blocks::Range(from, to), None).await {
            Err(error) if error.asks_for_less().is_some() && from == to => {
                let header = self.sources.header(from).await?;
                let fetched = ask(Blocks::Hash(header.hash), Some(header)).await?;
                Ok(Fetched { tip: Some(header), ..fetched })
            }
            answer => answer,
        }
    }
}

/// Answers that are applied together, each as it comes.
struct Open<'a> {
    applying: Applying<'a>,
    logs: u64,
    began: Instant,
}

impl Open<'_> {
    /// Until when it waits for more.
    fn until(&self, config: &Config) -> Instant {
        self.began + config.linger
    }

    /// Whether it holds enough, or who else writes has waited long enough, however much more is there.
    fn is_due(&self, config: &Config) -> bool {
        self.logs >= config.batch_logs || self.began.elapsed() >= config.linger * 4
    }
}

/// Blocks that still have to be asked for, in order.
struct Plan {
    next: u64,
    last: u64,
}

impl Plan {
    /// The next range of at most so many blocks; `None` when all are asked for.
    fn next(&mut self, blocks: u64) -> Option<(u64, u64)> {
        let from = self.next;
        let to = from.saturating_add(blocks.max(1) - 1).min(self.last);
        self.next = to.saturating_add(1);
        (from <= self.last).then_some((from, to))
    }
}

impl Follower<'_> {
    /// Applies all that is final at this head, which is up to `last`, range by range.
    pub(super) async fn backfill(
        &mut self,
        head: BlockHeader,
        last: u64,
        at: Checkpoint,
    ) -> Result<Step, Trouble> {
        if self.sources.header(at.number).await?.hash != at.hash {
            return self.go_back(at.number, at).await;
        }
        let mut watch = Arc::new(self.watching().await?);
        if self.config.tail_blocks > 0 && head.number.saturating_sub(at.number) > self.config.max_range {
            self.told.far_behind(&watch, &self.list);
        } else {
            self.told.learns(&watch, &self.list);
        }
        let (sources, config) = (self.sources.clone(), Arc::new(self.config.clone()));
        let asking = Asking { sources, config, list: Arc::clone(&self.list) };
        let mut plan = Plan { next: at.number.saturating_add(1), last };
        let mut ahead: VecDeque<Ahead> = VecDeque::new();
        let mut after = at.hash;
        // What is left of a range that was too much: it comes before all that was asked for since.
        let mut again: Option<(u64, u64)> = None;
        let (store, list) = (self.store, Arc::clone(&self.list));
        let mut open: Option<Open<'_>> = None;
        loop {
            // One transaction for much: beginning and ending it takes the time of some hundred blocks.
            let is_due = again.is_some() || open.as_ref().is_some_and(|open| open.is_due(self.config));
            if is_due {
                self.close(&mut open, &mut after, head).await?;
            }
            if let Some((from, to)) = again.take() {
                let end = from.saturating_add(self.width.blocks() - 1).min(to);
                again = (end < to).then_some((end + 1, to));
                ahead.push_front(Ahead::ask(&asking, &watch, from, end));
            }
            while ahead.len() < self.config.ahead.max(1) {
                let Some((from, to)) = plan.next(self.width.blocks()) else { break };
                ahead.push_back(Ahead::ask(&asking, &watch, from, to));
            }
            let Some(Ahead { from, to, watch: whom, mut answer }) = ahead.pop_front() else { break };
            let blocks = to - from + 1;
            let answer = self.meanwhile(&mut open, &mut after, head, &mut answer).await?;
            let answer = answer.map_err(|_| SourceError::Other("a question was given up".into()))?;
            let answer = match answer {
                Ok(fetched) if !Arc::ptr_eq(&whom, &watch) => {
                    let new = watch.without(&whom);
                    let Asking { sources, config, list } = &asking;
                    let range = Blocks::Range(from, to);
                    let more = fetch_more(sources, config, list, &whom, &new, range, fetched);
                    self.meanwhile(&mut open, &mut after, head, pin!(more)).await?
                }
                answer => answer,
            };
            let fetched = match answer {
                Ok(fetched) => fetched,
                Err(error) if error.asks_for_less().is_some() && blocks > 1 => {
                    self.width.refused(blocks, &error);
                    tracing::debug!(%error, blocks = self.width.blocks(), "asking for fewer blocks");
                    again = Some((from, again.map_or(to, |(_, to)| to)));
                    continue;
                }
                Err(error) => {
                    // What came before it is not lost.
                    self.close(&mut open, &mut after, head).await?;
                    return Err(error.into());
                }
            };
            self.width.answered(blocks, fetched.logs);
            let tip = fetched.tip.ok_or_else(|| SourceError::NotFound(format!("block {to}")))?;
            if !fetched.found.without(&watch).is_empty() {
                Arc::make_mut(&mut watch).add(&fetched.found);
                self.told.learns(&watch, &self.list);
            }
            let mut part = match open.take() {
                Some(open) => open,
                None => {
                    let (realm, settled) = (self.config.realm(), Settled::at(last));
                    let Config { write_from, partition_blocks, .. } = *self.config;
                    let applying =
                        store.begin(realm, Some(after), &list, settled, write_from, partition_blocks);
                    let applying = self.applied(applying.await)?;
                    Open { applying, logs: 0, began: Instant::now() }
                }
            };
            part.applying.add(&fetched.facts, tip).await?;
            part.logs = part.logs.saturating_add(fetched.logs);
            open = Some(part);
        }
        self.close(&mut open, &mut after, head).await?;
        self.watch = Some(Arc::unwrap_or_clone(watch));
        Ok(Step::Advanced)
    }

    /// Waits for something, the open batch no longer than it waits for more.
    async fn meanwhile<W: Future + Unpin>(
        &mut self,
        open: &mut Option<Open<'_>>,
        after: &mut B256,
        head: BlockHeader,
        mut work: W,
    ) -> Result<W::Output, Trouble> {
        if let Some(until) = open.as_ref().map(|open| open.until(self.config))
            && let Ok(done) = timeout_at(until, &mut work).await
        {
            return Ok(done);
        }
        self.close(open, after, head).await?;
        Ok(work.await)
    }

    /// Commits what was applied, where there is something, and says where the ledger stands then.
    async fn close(
        &mut self,
        open: &mut Option<Open<'_>>,
        after: &mut B256,
        head: BlockHeader,
    ) -> Result<(), Trouble> {
        let Some(done) = open.take() else { return Ok(()) };
        let at = self.applied(done.applying.finish(head.number, None).await)?;
        self.settled(&at, Phase::Backfilling);
        *after = at.hash;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_leaves_no_block_out_and_asks_for_none_twice() {
        let mut plan = Plan { next: 5, last: 40 };
        let mut asked = Vec::new();
        for blocks in [10, 1, 0, 7, 100] {
            asked.extend(plan.next(blocks));
        }
        assert_eq!(asked, [(5, 14), (15, 15), (16, 16), (17, 23), (24, 40)]);
        assert_eq!(plan.next(9), None);
    }
}
