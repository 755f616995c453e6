//! One step at a time: begin at the head, hear the next block, or take back what the chain has.

use std::sync::Arc;

use tokio::sync::watch;

use super::{
    super::{Config, Status, fetch::fetch},
    Tally, Whom,
    kept::{Block, Kept, Next},
};
use crate::{
    project::heard,
    source::{BlockHeader, Blocks, Nonsense, SourceError, Sources},
    store::{Store, StoreError, Watch},
};

/// What a step came to.
pub(super) enum Step {
    /// Something was heard or taken back; there may be more.
    Heard,
    /// All is heard.
    AtHead,
}

/// What kept a step from its end; it is done again.
#[derive(Debug, thiserror::Error)]
pub(super) enum Deaf {
    #[error(transparent)]
    Source(#[from] SourceError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Hears block after block from where it began.
pub(super) struct Listener<'a> {
    config: &'a Config,
    sources: &'a Sources,
    store: &'a Store,
    status: &'a watch::Receiver<Status>,
    tally: &'a Tally,
    kept: Kept,
    /// Who was created while it listens, of which the ledger knows nothing.
    found: Watch,
    /// What the ledger knew when it was last asked, and that together with what was found since.
    known: Option<(Arc<Watch>, Arc<Watch>)>,
    /// Whether it was said that blocks were let go before the ledger came to them.
    said: bool,
}

impl<'a> Listener<'a> {
    pub(super) fn new(
        config: &'a Config,
        sources: &'a Sources,
        store: &'a Store,
        status: &'a watch::Receiver<Status>,
        tally: &'a Tally,
    ) -> Self {
        let (kept, found) = (Kept::new(config.tail_blocks), Watch::default());
        Self { config, sources, store, status, tally, kept, found, known: None, said: false }
    }

    /// The last block that was heard.
    pub(super) fn top(&self) -> Option<u64> {
        self.kept.top().map(|top| top.number)
    }

    pub(super) async fn step(&mut self, whom: &Whom) -> Result<Step, Deaf> {
        let head = self.sources.head().await?;
        match self.kept.next(&head) {
            Next::Nothing => Ok(Step::AtHead),
            Next::Begin => self.begin(head, whom).await,
            Next::Turned(number) => self.go_back(number).await,
            Next::Block(number) => {
                let next = if head.number == number { head } else { self.sources.header(number).await? };
                match self.kept.top() {
                    Some(top) if next.parent_hash != Some(top.hash) => self.go_back(top.number).await,
                    _ => self.hear(next, whom).await,
                }
            }
        }
    }

    /// Begins at the head, without what was heard before: between the two is what nobody has heard.
    async fn begin(&mut self, head: BlockHeader, whom: &Whom) -> Result<Step, Deaf> {
        if let Some(top) = self.top() {
            tracing::warn!(
                from = top,
                to = head.number,
                "too far behind the head to hear all: going on there"
            );
        }
        self.store.unhear().await?;
        self.kept.cut(0);
        self.hear(head, whom).await
    }

    /// Hears a block, by its hash.
    async fn hear(&mut self, block: BlockHeader, whom: &Whom) -> Result<Step, Deaf> {
        let watch = self.watch(whom);
        let blocks = Blocks::Hash(block.hash);
        let fetched = fetch(self.sources, self.config, &whom.list, &watch, blocks, Some(block)).await?;
        let new = &fetched.found.purses;
        let is_purse = |account| watch.purses.contains(&account) || new.contains(&account);
        let payments: Vec<_> =
            fetched.facts.iter().flat_map(|facts| heard(facts, &whom.list, is_purse)).collect();
        if !payments.is_empty() {
            self.store.hear(&block, &payments).await?;
        }
        if self.found.add(&fetched.found) {
            self.known = None;
        }
        self.tally.block(payments.len());
        let gone = self.kept.push(Block { number: block.number, hash: block.hash, payments: payments.len() });
        if let Some(gone) = gone {
            self.let_go(gone).await?;
        }
        Ok(Step::Heard)
    }

    async fn let_go(&mut self, gone: Block) -> Result<(), Deaf> {
        let is_missed = self.status.borrow().indexed.is_none_or(|indexed| indexed < gone.number);
        if is_missed && !self.said {
            let (block, most) = (gone.number, self.config.tail_blocks);
            tracing::warn!(block, most, "letting go of what was heard before the ledger came to it");
            self.said = true;
        }
        if gone.payments > 0 {
            self.store.unhear_before(gone.number.saturating_add(1)).await?;
        }
        Ok(())
    }

    /// Takes back what the chain has taken back. Where nothing is left, it begins again at the head.
    async fn go_back(&mut self, from: u64) -> Result<Step, Deaf> {
        let mut turned = from.saturating_add(1);
        while let Some(number) = turned.checked_sub(1)
            && let Some(ours) = self.kept.hash(number)
        {
            if self.sources.header(number).await?.hash == ours {
                if self.top() == Some(number) {
                    return Err(self.sources.not_believed(Nonsense::FalseParent(number)).into());
                }
                break;
            }
            turned = number;
        }
        tracing::info!(from = turned, "the chain turned at what was heard");
        self.store.unhear_from(turned).await?;
        self.kept.cut(turned);
        Ok(Step::Heard)
    }

    /// Whom to ask for: put together anew only where somebody is new.
    fn watch(&mut self, whom: &Whom) -> Arc<Watch> {
        match &self.known {
            Some((then, all)) if Arc::ptr_eq(then, &whom.watch) => Arc::clone(all),
            _ => {
                let mut all = Watch::clone(&whom.watch);
                let all = if all.add(&self.found) { Arc::new(all) } else { Arc::clone(&whom.watch) };
                self.known = Some((Arc::clone(&whom.watch), Arc::clone(&all)));
                all
            }
        }
    }
}
