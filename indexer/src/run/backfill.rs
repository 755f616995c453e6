//! Catching up with what is final: several ranges are asked for at once and applied in order.

use std::{collections::VecDeque, pin::pin, sync::Arc};

use alloy::primitives::B256;
use tokio::{
    sync::Semaphore,
    time::{Instant, timeout_at},
};

use super::{
    Config, IndexerError, Phase,
    ask::{Ahead, Answer, Asking},
    fetch::fetch_more,
    follow::{Follower, Recoverable, Step, Trouble},
    plan::{Part, Plan},
    share::Lead,
};
use crate::{
    query::checkpoint::Settled,
    source::{BlockHeader, SourceError},
    store::{ApplyError, Applying, BlockRange, Checkpoint},
};

/// After so many answers in a row that tell of nobody new, more may wait.
const QUIET: u32 = 32;

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

impl Follower<'_> {
    /// Applies all that is final at this head, which is up to `last`, range by range.
    pub(super) async fn backfill(
        &mut self,
        head: BlockHeader,
        last: u64,
        at: Checkpoint,
    ) -> Result<Step, Trouble> {
        let there = self.sources.header(at.number).await?;
        if there.what.hash != at.hash {
            return self.go_back(at.number, at, &there.by).await;
        }
        match self.catch_up(head, last, at).await {
            Err(trouble) => Err(self.doubt(trouble).await),
            step => step,
        }
    }

    async fn catch_up(&mut self, head: BlockHeader, last: u64, at: Checkpoint) -> Result<Step, Trouble> {
        let mut watch = Arc::new(self.watching().await?);
        let (sources, config) = (self.sources.clone(), Arc::new(self.config.clone()));
        let most = self.config.ahead.max(1);
        let turns = Arc::new(Semaphore::new(most.min(Semaphore::MAX_PERMITS)));
        let asking = Asking { sources, config, list: Arc::clone(&self.list) };
        let shared = match at.number.max(self.alone_to) {
            after if after < last => Lead::begin(self.store, &asking, after, last).await,
            _ => None,
        };
        let (lead, kept) = shared.unzip();
        let mut plan = Plan::new(at.number.saturating_add(1), last, kept.unwrap_or_default());
        let mut ahead: VecDeque<Ahead> = VecDeque::new();
        let mut after = at.hash;
        // What is left of a range that was too much: it comes before all that was asked for since.
        let mut again: Option<BlockRange> = None;
        let (store, list) = (self.store, Arc::clone(&self.list));
        let mut open: Option<Open<'_>> = None;
        // Answers in a row that tell of nobody new.
        let mut quiet = 0_u32;
        loop {
            // One transaction for much: beginning and ending it takes the time of some hundred blocks.
            let is_due = open.as_ref().is_some_and(|open| open.is_due(self.config));
            if let Some(BlockRange { from, to }) = again.take() {
                let end = from.saturating_add(self.width.blocks() - 1).min(to);
                again = (end < to).then_some(BlockRange { from: end + 1, to });
                ahead.push_front(Ahead::ask(&asking, &turns, BlockRange { from, to: end }, &watch));
            }
            // How wide a range may be shows in the first answers: offered before, many would be too narrow.
            let is_time = self.width.is_known() && plan.at() > self.alone_to;
            let offers = lead.as_ref().filter(|lead| is_time && lead.room() > 0);
            // While a batch is committed, which little else waits for than the database, answers to the next ones come in; but whoever
            // is found has to be asked for in all that wait by then.
            let meanwhile = if is_due { most } else { 0 };
            let usual = if quiet >= QUIET { self.width.ahead(most) } else { most };
            let room = match offers {
                Some(lead) => most.saturating_add(lead.room()),
                None => usual.saturating_add(meanwhile),
            };
            while ahead.len() < room {
                let Some(part) = plan.next(self.width.blocks()) else { break };
                ahead.push_back(match (part, &lead, offers) {
                    (Part::Kept(range), Some(lead), _) => lead.await_kept(range),
                    (Part::New(range), _, Some(lead)) if ahead.len() >= most => lead.offer(range),
                    (Part::Kept(range) | Part::New(range), ..) => Ahead::ask(&asking, &turns, range, &watch),
                });
            }
            ahead.iter_mut().take(most).for_each(|ahead| ahead.comes_due(&watch));
            if is_due {
                self.close(&mut open, &mut after, head).await?;
            }
            let Some(mut next) = ahead.pop_front() else { break };
            let range = next.range;
            let answer = self.meanwhile(&mut open, &mut after, head, next.answer()).await?;
            let Answer { whom, fetched: answer, is_helped } =
                answer.map_err(|_| SourceError::Other("a question was given up".into()))?;
            if is_helped {
                self.status.send_modify(|status| status.helped = status.helped.saturating_add(1));
            }
            let answer = match answer {
                Ok(fetched) if !Arc::ptr_eq(&whom, &watch) => {
                    let new = watch.without(&whom);
                    let Asking { sources, config, list } = &asking;
                    let more = fetch_more(sources, config, list, &whom, &new, range.into(), fetched);
                    self.meanwhile(&mut open, &mut after, head, pin!(more)).await?
                }
                answer => answer,
            };
            let fetched = match answer {
                Ok(fetched) => fetched,
                Err(error) if error.asks_for_less().is_some() && range.blocks() > 1 => {
                    self.width.refused(range.blocks(), &error);
                    tracing::debug!(%error, blocks = self.width.blocks(), "asking for fewer blocks");
                    again = Some(BlockRange { to: again.map_or(range.to, |rest| rest.to), ..range });
                    continue;
                }
                Err(error) => {
                    self.width.failed(range.blocks(), &error);
                    // What came before it is not lost.
                    self.close(&mut open, &mut after, head).await?;
                    return Err(error.into());
                }
            };
            self.width.answered(range.blocks(), fetched.logs);
            let tip = fetched.tip.ok_or_else(|| SourceError::NotFound(format!("block {}", range.to)))?;
            quiet = quiet.saturating_add(1);
            if !fetched.found.without(&watch).is_empty() {
                quiet = 0;
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
            if is_helped {
                self.unproven = Some(range.to);
            }
            part.applying.add(&fetched.facts, tip).await?;
            part.logs = part.logs.saturating_add(fetched.logs);
            open = Some(part);
        }
        self.close(&mut open, &mut after, head).await?;
        if let Some(lead) = lead {
            lead.end().await;
        }
        self.watch = Some(Arc::unwrap_or_clone(watch));
        Ok(Step::Advanced)
    }

    /// After trouble: where something of what others have fetched was not committed and the blocks do not fit the ledger, that may
    /// be why. All of what they have left is forgotten then, and the chain is asked here for at least as much, and for all the rest
    /// where it was not the first time; what is wrong for good shows again.
    async fn doubt(&mut self, trouble: Trouble) -> Trouble {
        let Some(to) = self.unproven.take() else { return trouble };
        let trouble = match trouble {
            Trouble::Fatal(IndexerError::Apply(error)) => Trouble::Waits(Recoverable::Apply(error)),
            Trouble::Fatal(IndexerError::Store(error)) => Trouble::Waits(Recoverable::Store(error)),
            trouble @ Trouble::Waits(Recoverable::Apply(ApplyError::Gap(_))) => trouble,
            trouble => return trouble,
        };
        self.alone_to = if self.alone_to == 0 { to } else { u64::MAX };
        tracing::warn!(to, "what other indexers have fetched did not go in: asking the chain here");
        if let Err(error) = self.store.clear_ranges().await {
            tracing::warn!(%error, "clearing what other indexers have fetched");
        }
        trouble
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
        self.unproven = self.unproven.filter(|to| *to > at.number);
        self.settled(&at, Phase::Backfilling);
        *after = at.hash;
        Ok(())
    }
}
