//! One step at a time: begin at the head, hear the next block, or take back what the chain has.

use std::sync::Arc;

use tokio::sync::watch;

use super::{
    super::{Config, Status, fetch::fetch},
    Tally, Whom,
    kept::{Block, Kept, Next},
};
use crate::{
    project::{Heard, heard},
    source::{BlockHeader, Blocks, Given, Givers, Nonsense, SourceError, Sources},
    store::{Store, StoreError, Watch},
};

/// How often in a row the head may be before all that was heard: a node may be behind, but what it said of a head that the chain
/// never had is no reason to wait for one.
const BELOW_STRIKES: u32 = 8;

/// Of what is kept, such a part is let go of at once: each statement takes its turn among the ledger's.
const PARTS: u64 = 64;

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
    /// From where on there may be rows of a block that is not kept: nobody knows what became of the statement.
    unsure: Option<u64>,
    below_strikes: u32,
    /// Whether there are rows of blocks that were let go.
    stale: bool,
    /// Whether it was said that blocks were let go before the ledger came to them.
    said: bool,
}

/// What a block has, and whom it tells of.
type Told = (Vec<Heard>, Watch);

impl<'a> Listener<'a> {
    pub(super) fn new(
        config: &'a Config,
        sources: &'a Sources,
        store: &'a Store,
        status: &'a watch::Receiver<Status>,
        tally: &'a Tally,
    ) -> Self {
        let (kept, found) = (Kept::new(config.tail_blocks), Watch::default());
        let (known, unsure, below_strikes, stale, said) = (None, None, 0, false, false);
        Self { config, sources, store, status, tally, kept, found, known, unsure, below_strikes, stale, said }
    }

    /// The last block that was heard.
    pub(super) fn top(&self) -> Option<u64> {
        self.kept.top().map(|top| top.number)
    }

    pub(super) async fn step(&mut self, whom: &Whom) -> Result<Step, Deaf> {
        if let Some(from) = self.unsure {
            self.store.unhear_from(from).await?;
            self.unsure = None;
        }
        let told = self.sources.head_beyond(self.kept.top().map(|top| top.hash)).await?;
        let head = told.what;
        let next = self.kept.next(&head);
        self.below_strikes = if next == Next::Below { self.below_strikes.saturating_add(1) } else { 0 };
        match next {
            Next::Below if self.below_strikes >= BELOW_STRIKES => {
                tracing::warn!(
                    head = head.number,
                    "the chain does not get to what was heard: beginning anew"
                );
                self.begin(head, whom).await
            }
            Next::Nothing | Next::Below => Ok(Step::AtHead),
            Next::Begin => {
                if let Some(top) = self.top() {
                    let to = head.number;
                    tracing::warn!(from = top, to, "too far behind the head to hear all: going on there");
                }
                self.begin(head, whom).await
            }
            Next::Turned(number) => self.go_back(number, &told.by).await,
            Next::Block(number) => {
                let told = if head.number == number { told } else { self.sources.header(number).await? };
                let Given { what: next, by } = told;
                match self.kept.top() {
                    Some(top) if next.parent_hash != Some(top.hash) => self.go_back(top.number, &by).await,
                    _ => self.hear(next, whom).await,
                }
            }
        }
    }

    /// Begins at the head, without what was heard before: between the two is what nobody has heard.
    async fn begin(&mut self, head: BlockHeader, whom: &Whom) -> Result<Step, Deaf> {
        // What was heard stays until there is something in its place.
        let told = self.ask(&head, whom).await?;
        self.store.unhear().await?;
        self.kept.cut(0);
        self.stale = false;
        self.keep(head, told).await
    }

    async fn hear(&mut self, block: BlockHeader, whom: &Whom) -> Result<Step, Deaf> {
        let told = self.ask(&block, whom).await?;
        self.keep(block, told).await
    }

    /// Asks for a block, by its hash.
    async fn ask(&mut self, block: &BlockHeader, whom: &Whom) -> Result<Told, Deaf> {
        let watch = self.watch(whom);
        let blocks = Blocks::Hash(block.hash);
        let fetched = fetch(self.sources, self.config, &whom.list, &watch, blocks, Some(*block)).await?;
        let new = &fetched.found.purses;
        let is_purse = |account| watch.purses.contains(&account) || new.contains(&account);
        let payments = fetched.facts.iter().flat_map(|facts| heard(facts, &whom.list, is_purse)).collect();
        Ok((payments, fetched.found))
    }

    async fn keep(&mut self, block: BlockHeader, (payments, found): Told) -> Result<Step, Deaf> {
        if !payments.is_empty() {
            self.unsure = Some(block.number);
            self.store.hear(&block, &payments).await?;
            self.unsure = None;
        }
        if self.found.add(&found) {
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
        self.stale |= gone.payments > 0;
        if self.stale && gone.number.is_multiple_of((self.config.tail_blocks / PARTS).max(1)) {
            self.store.unhear_before(gone.number.saturating_add(1)).await?;
            self.stale = false;
        }
        Ok(())
    }

    /// Takes back what the chain has taken back, as `by` say. Where nothing is left, it begins again at the head.
    async fn go_back(&mut self, from: u64, by: &Givers) -> Result<Step, Deaf> {
        let mut turned = from.saturating_add(1);
        while let Some(number) = turned.checked_sub(1)
            && let Some(ours) = self.kept.hash(number)
        {
            if self.sources.header(number).await?.what.hash == ours {
                if self.top() == Some(number) {
                    return Err(self.sources.not_believed(Nonsense::FalseParent(number), by).into());
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
