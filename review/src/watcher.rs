//! Does what the ledger asks for, on chain: one transaction at a time, each only where the chain still wants for it.

use std::{fmt, time::Duration};

use alloy::{
    eips::BlockNumberOrTag,
    primitives::Address,
    providers::{DynProvider, Provider as _},
};
use bursar_indexer::{Store, store::Checkpoint};
use bursar_sdk::{AgentError, admin::TreasuryAdmin, role::Role};
use tokio_util::sync::CancellationToken;

use crate::{
    Act, ReviewError,
    act::on_chain,
    anchor::{self, Anchor, AnchorError},
    survey::survey,
};

/// Longest wait between two looks where something keeps failing.
const LONGEST: Duration = Duration::from_secs(15);

/// How a watcher works.
#[derive(Debug, Clone)]
pub struct WatcherConfig {
    /// How long it waits between two looks.
    pub poll: Duration,
    /// How far the ledger may be behind the chain, in seconds of the chain: by an older one nothing is decided.
    pub most_behind: u64,
    /// How long after the last anchor, in seconds of the chain, a log that has grown is anchored again; `None`: never.
    pub anchor_every: Option<u64>,
    /// Says what it would send, and sends nothing.
    pub dry_run: bool,
}

impl Default for WatcherConfig {
    fn default() -> Self {
        Self { poll: Duration::from_secs(1), most_behind: 30, anchor_every: None, dry_run: false }
    }
}

/// In whose name it acts.
#[derive(Clone)]
pub struct Keys {
    /// The treasury in the reviewer's hands.
    pub reviewer: (Address, TreasuryAdmin),
    /// And in a guardian's, where it is to freeze for compromise.
    pub guardian: Option<(Address, TreasuryAdmin)>,
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let guardian = self.guardian.as_ref().map(|(account, _)| account);
        f.debug_struct("Keys").field("reviewer", &self.reviewer.0).field("guardian", &guardian).finish()
    }
}

/// What one look came to.
#[derive(Debug, Default)]
pub struct Round {
    /// What was put on chain; in a dry run, what would have been.
    pub done: Vec<Act>,
    /// What the chain had already, though the ledger did not tell yet.
    pub there: Vec<Act>,
    /// What did not come about, and why. It is tried again.
    pub failed: Vec<(Act, AgentError)>,
    /// The log's root that was anchored; in a dry run, that would have been.
    pub anchored: Option<Anchor>,
    /// Why the log's root was not anchored, though it was time. It is tried again.
    pub not_anchored: Option<AnchorError>,
}

/// Watches one treasury.
#[derive(Debug)]
pub struct Watcher {
    store: Store,
    provider: DynProvider,
    keys: Keys,
    config: WatcherConfig,
    /// Payments and records up to this block were looked at.
    seen: Option<u64>,
}

impl Watcher {
    /// A watcher that reads `store` and acts with `keys`, through `provider`.
    pub fn new(store: Store, provider: DynProvider, keys: Keys, config: WatcherConfig) -> Self {
        Self { store, provider, keys, config, seen: None }
    }

    /// Whether it can do its work at all: the ledger is this chain's, and the accounts hold their roles.
    ///
    /// # Errors
    /// When it cannot, or cannot tell.
    pub async fn check(&self) -> Result<(), ReviewError> {
        let expected = self.provider.get_chain_id().await.map_err(AgentError::from)?;
        let got = self.store.owner().await?.map(|(chain_id, _)| chain_id);
        if got != Some(expected) {
            return Err(ReviewError::OtherChain { expected, got });
        }
        let reviewer = (&self.keys.reviewer, Role::Reviewer);
        let guardian = self.keys.guardian.as_ref().map(|guardian| (guardian, Role::Guardian));
        for ((account, treasury), role) in std::iter::once(reviewer).chain(guardian) {
            let held = treasury.contract().account(*account).call().await.map_err(AgentError::from)?.roles;
            if held & role.bit() == 0 {
                return Err(ReviewError::Role { account: *account, role, treasury: treasury.address() });
            }
        }
        Ok(())
    }

    /// Looks once, and does what is due.
    ///
    /// # Errors
    /// When ledger or chain cannot be read, or the ledger is not where the chain is: nothing was sent then.
    pub async fn round(&mut self) -> Result<Round, ReviewError> {
        let (now, at) = self.stand().await?;
        let treasury = self.keys.reviewer.1.address();
        let acts = survey(self.store.db(), treasury, now, self.keys.guardian.is_some(), self.seen).await?;
        let mut round = Round::default();
        let mut sure = true;
        for act in acts {
            match self.act(act, now).await {
                Ok(true) => round.done.push(act),
                Ok(false) => round.there.push(act),
                Err(error) => {
                    tracing::error!(%act, %error, "not done");
                    sure = false;
                    round.failed.push((act, error));
                }
            }
        }
        // What a reorg may still take back is looked at again, and what could not be done.
        if sure {
            self.seen = Some(at.final_number);
        }
        match self.anchor(now, at.number).await {
            Ok(anchored) => round.anchored = anchored,
            Err(error) => round.not_anchored = Some(error),
        }
        Ok(round)
    }

    /// Looks again and again, until cancelled. What goes wrong is told and tried again.
    pub async fn run(mut self, cancel: CancellationToken) {
        let (mut trouble, mut wait) = (None, self.config.poll);
        loop {
            match self.round().await {
                Ok(round) => {
                    // Once, not every second.
                    let not_anchored = round.not_anchored.as_ref().map(|error| chain_of(error));
                    if let Some(text) = not_anchored.as_ref().filter(|_| trouble != not_anchored) {
                        tracing::error!(error = text, "the log is not anchored");
                    }
                    if trouble.is_some() && not_anchored.is_none() {
                        tracing::info!("watching again");
                    }
                    trouble = not_anchored;
                    wait = if round.failed.is_empty() && trouble.is_none() {
                        self.config.poll
                    } else {
                        LONGEST.min(wait * 2)
                    };
                }
                Err(error) => {
                    let text = chain_of(&error);
                    // Once, not every second.
                    if trouble.as_ref() != Some(&text) {
                        tracing::error!(error = text, "nothing is reviewed and no score is reported");
                    }
                    trouble = Some(text);
                }
            }
            tokio::select! {
                () = cancel.cancelled() => return,
                () = tokio::time::sleep(wait) => {}
            }
        }
    }

    /// The chain's time and where the ledger is, where it stands on the chain and is not behind.
    async fn stand(&self) -> Result<(u64, Checkpoint), ReviewError> {
        let at = self.store.checkpoint().await?.ok_or(ReviewError::Empty)?;
        let head = self.header(BlockNumberOrTag::Latest).await?.ok_or(ReviewError::Empty)?;
        let behind = head.timestamp.saturating_sub(at.timestamp);
        if at.number < head.number && behind > self.config.most_behind {
            let most = self.config.most_behind;
            return Err(ReviewError::Behind { head: head.number, behind, most });
        }
        let there = self.header(BlockNumberOrTag::Number(at.number)).await?;
        if there.is_none_or(|block| block.hash != at.hash) {
            return Err(ReviewError::Forked { block: at.number });
        }
        Ok((head.timestamp, at))
    }

    async fn header(&self, at: BlockNumberOrTag) -> Result<Option<alloy::rpc::types::Header>, ReviewError> {
        let block = self.provider.get_block_by_number(at).await.map_err(AgentError::from)?;
        Ok(block.map(|block| block.header))
    }

    /// Anchors the log's root where it is time, by a ledger that stands at block `at`.
    async fn anchor(&self, now: u64, at: u64) -> Result<Option<Anchor>, AnchorError> {
        let Some(every) = self.config.anchor_every else { return Ok(None) };
        let (db, treasury) = (self.store.db(), &self.keys.reviewer.1);
        let mut next = None;
        // The chain is asked only where the ledger says that it is time.
        for asks_chain in [false, true] {
            let last = match asks_chain {
                false => anchor::kept(db, treasury.address()).await?,
                true => match anchor::fresh(treasury, at).await? {
                    None => break,
                    fresh => fresh,
                },
            };
            if last.is_some_and(|(_, then)| now < then.saturating_add(every)) {
                return Ok(None);
            }
            next = anchor::next(db, treasury.address(), last.map(|(last, _)| last)).await?;
            if next.is_none() {
                return Ok(None);
            }
        }
        let Some(next) = next else { return Ok(None) };
        if self.config.dry_run {
            tracing::info!(%next, "would");
            return Ok(Some(next));
        }
        let sent = treasury.anchor(next.root, next.size).await?;
        tracing::info!(%next, tx = %sent.hash(), "done");
        Ok(Some(next))
    }

    /// Does it where it is due; whether it was.
    async fn act(&self, act: Act, now: u64) -> Result<bool, AgentError> {
        let Keys { reviewer: (_, reviewer), guardian } = &self.keys;
        let number = act.envelope();
        if !act.is_due(&reviewer.envelope(number).await?, now) {
            return Ok(false);
        }
        if self.config.dry_run {
            tracing::info!(%act, "would");
            return Ok(true);
        }
        let sent = match act {
            // Asked for where there is a guardian only.
            Act::Freeze { .. } => match guardian {
                Some((_, guardian)) => guardian.freeze_envelope(number).await?,
                None => return Ok(false),
            },
            Act::Review { reason, .. } => reviewer.set_review(number, on_chain(reason)).await?,
            Act::Report { score, .. } => reviewer.report_score(number, score).await?,
        };
        tracing::info!(%act, tx = %sent.hash(), "done");
        Ok(true)
    }
}

/// An error with what caused it.
fn chain_of(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}
