//! What agents say of the payments of a replayed chain, in an empty store: the indexer takes it in as it comes by.

use std::collections::HashMap;

use alloy::{
    primitives::{Address, B256, keccak256},
    signers::{SignerSync as _, local::PrivateKeySigner},
};
use anyhow::{Context as _, Result};
use bursar_indexer::{
    Store,
    store::testing::{self, Says},
};
use bursar_replay::{Chain, Spools, Told, mix3};
use bursar_sdk::{
    delivery::SealedRecord,
    outcome::OutcomeRecord,
    record::{RecordKind, seal_digest},
};

use crate::Replayed;

/// Records that are stored at a time.
const TOGETHER: usize = 10_000;

/// What was stored.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Foreseen {
    /// Decisions to pay, and not to.
    pub decisions: u64,
    /// How many of them are refusals.
    pub refusals: u64,
    /// Outcomes.
    pub outcomes: u64,
}

/// Puts the sealed records of `share_pct` percent of the payments into an empty store that is nobody's yet; agents have
/// not handed in the others.
///
/// # Errors
/// When a record cannot be sealed, or the store fails.
pub async fn foresee(replayed: &Replayed, store: &Store, share_pct: u64) -> Result<Foreseen> {
    let (head, mut spools, agents) = {
        let chain = replayed.chain();
        let keys = chain.agent_keys().map(|key| (key.address(), key));
        (chain.head(), Spools::new(chain.params()), Agents(keys.collect()))
    };
    let (mut done, mut some) = (Foreseen::default(), Vec::new());
    for number in 0..=head {
        {
            let chain = replayed.chain();
            tell(&chain, number, share_pct, (&mut spools, &agents), (&mut done, &mut some))?;
        }
        if some.len() >= TOGETHER || number == head {
            store.foresee(&some).await?;
            some.clear();
        }
    }
    Ok(done)
}

/// The records of a block's payments.
fn tell(
    chain: &Chain,
    number: u64,
    share_pct: u64,
    (spools, agents): (&mut Spools, &Agents),
    (done, some): (&mut Foreseen, &mut Vec<testing::Foreseen>),
) -> Result<()> {
    let mut seq = 0;
    for (story, place) in chain.stories(spools, number)?.into_iter().zip(0u64..) {
        if mix3(chain.params().seed, number, place) % 100 >= share_pct {
            continue;
        }
        let at = story.decided.record.created_at;
        let mut push = |sealed: SealedRecord, says, sealed_by| {
            some.push(testing::Foreseen { block: number, seq, at, sealed, says, sealed_by });
            seq += 1;
        };
        done.refusals += u64::from(story.refused.is_some());
        for told in story.refused.into_iter().chain([story.decided]) {
            done.decisions += 1;
            let Told { record, canonical, hash } = told;
            let place = (record.chain_id, record.treasury, record.agent);
            let sealed = agents.seal(RecordKind::Decision, place, hash, canonical)?;
            push(sealed, Says::Decision(Box::new(record)), place.2);
        }
        done.outcomes += 1;
        let record: OutcomeRecord = story.outcome;
        let canonical = record.canonical()?;
        let (hash, place) = (keccak256(&canonical), (record.chain_id, record.treasury, record.agent));
        let sealed = agents.seal(RecordKind::Outcome, place, hash, canonical)?;
        push(sealed, Says::Outcome(Box::new(record)), place.2);
    }
    Ok(())
}

/// The agents' keys.
struct Agents(HashMap<Address, PrivateKeySigner>);

impl Agents {
    fn seal(
        &self,
        kind: RecordKind,
        (chain_id, treasury, agent): (u64, Address, Address),
        hash: B256,
        canonical: String,
    ) -> Result<SealedRecord> {
        let key = self.0.get(&agent).context("an agent without a key")?;
        let seal = key.sign_hash_sync(&seal_digest(kind, chain_id, treasury, hash))?.normalized_s();
        Ok(SealedRecord { kind, hash, canonical, seal: seal.as_bytes().into(), trace: None })
    }
}
