//! What a block does to the ledger. Reads rows through [`Rows`]; writes nothing.

mod alerts;
mod approval;
mod aside;
mod deviations;
mod drift;
mod envelopes;
mod groups;
mod heard;
mod permit2;
mod roles;
mod scores;
mod sessions;
mod stops;
mod tokens;
mod ungoverned;

use alloy::primitives::{
    Address, U256,
    map::{HashMap, HashSet},
};
use bursar_sdk::{abi::Treasury::TreasuryEvents, amount::Amount};

pub use deviations::{BURST, SHOWN, topics_of_payments, ungoverned};
pub use heard::{Heard, heard};
pub use scores::take_in;

use crate::{
    decode::{Event, Proxy, args, kind, pair_settlements, place, proxied, unannounced},
    ledger::{
        BlockFacts, Change, Effects, EnvelopeRow, EventRow, Key, Ledger, PurseRow, Row, Rows, SessionRow,
        TreasuryRow, WatchList,
    },
    source::RawLog,
};

/// Why a block could not be projected.
#[derive(Debug, thiserror::Error)]
pub enum ProjectError<E: std::error::Error> {
    /// The rows could not be read.
    #[error(transparent)]
    Rows(E),
    /// The block's logs do not follow from the ledger: the provider has left some out.
    #[error("the logs of block {block} do not follow from the ledger: {what}")]
    Gap {
        /// Which block.
        block: u64,
        /// What is missing.
        what: String,
    },
}

/// Why one log has no effect: told apart from trouble, since any treasury may name a token that lies.
enum Halt<E: std::error::Error> {
    /// Keep the log aside, with the reason.
    Aside(String),
    /// Something that concerns us only from a later log on.
    Ignore,
    /// Another row tells all of it: no event goes with it.
    Told,
    /// Stop.
    Error(ProjectError<E>),
}

type Step<T, R> = Result<T, Halt<<R as Rows>::Error>>;

/// What a log came to, where it is not what its event alone says.
#[derive(Default)]
struct Outcome {
    kind: Option<&'static str>,
    place: Option<(Address, u32)>,
}

/// What every projection needs to know of the world.
#[derive(Debug, Clone, Copy)]
pub struct Realm {
    /// EIP-155 chain id.
    pub chain_id: u64,
    /// Whose treasuries we follow.
    pub factory: Address,
}

/// Works out what `block` adds to the ledger and changes in it; `list` says who is watched besides our own.
///
/// # Errors
/// When rows cannot be read, or the block does not follow from them.
pub async fn project<R: Rows>(
    realm: Realm,
    list: &WatchList,
    block: &BlockFacts,
    rows: R,
) -> Result<(Effects, Vec<Change>), ProjectError<R::Error>> {
    let pairs = pair_settlements(&block.entries);
    let mut projector = Projector {
        realm,
        list,
        block,
        proxied: proxied(&block.entries),
        silent: unannounced(&block.entries, &pairs, |_| true),
        pairs,
        ledger: Ledger::new(rows),
        effects: Effects::default(),
    };
    for place in 0..block.entries.len() {
        projector.entry(place).await?;
    }
    Ok((projector.effects, projector.ledger.into_changes()))
}

struct Projector<'a, R> {
    realm: Realm,
    list: &'a WatchList,
    block: &'a BlockFacts,
    pairs: HashMap<u64, u64>,
    silent: HashSet<u64>,
    proxied: HashMap<u64, Proxy>,
    ledger: Ledger<R>,
    effects: Effects,
}

impl<R: Rows> Projector<'_, R> {
    async fn entry(&mut self, index: usize) -> Result<(), ProjectError<R::Error>> {
        let Some((log, decoded)) = self.block.entries.get(index) else { return Ok(()) };
        let event = match decoded {
            Ok(event) => event,
            Err(error) => {
                return self.set_aside(log, error.clone()).await;
            }
        };
        self.ledger.begin();
        let outcome = match event {
            Event::Created(event) => self.created(event).await,
            Event::Treasury(event) => self.treasury(log, event).await,
            Event::Settled(event) => self.settled(log, event).await,
            Event::Moved(event) => self.moved(index, log, event).await,
            // It tells of the transfer before it.
            Event::Proxied(_) => Err(Halt::Ignore),
        };
        match outcome {
            Ok(outcome) => self.keep(log, event, outcome),
            Err(Halt::Aside(error)) => {
                self.ledger.roll_back();
                self.set_aside(log, error).await?;
            }
            Err(Halt::Ignore | Halt::Told) => {}
            Err(Halt::Error(error)) => return Err(error),
        }
        Ok(())
    }

    async fn treasury(&mut self, log: &RawLog, event: &TreasuryEvents) -> Step<Outcome, R> {
        use TreasuryEvents as T;
        // Before anything changes: a drift is told from what was.
        self.drifted(log, event).await?;
        match event {
            T::RoleGranted(_) | T::RoleRevoked(_) | T::DelaySet(_) | T::SeparationOfDutiesSet(_) => {
                self.organisation(log, event).await?;
            }
            T::AssetAdded(_) | T::PayeeListed(_) | T::PayeeUnlisted(_) => self.lists(log, event).await?,
            T::EnvelopeCreated(_) | T::AgentSet(_) | T::PurseCreated(_) | T::PolicySet(_) => {
                self.envelope_set_up(log, event).await?;
            }
            T::ToppedUp(_) | T::Withdrawn(_) => self.escrow(log, event).await?,
            T::SessionOpened(event) => self.session_opened(log, event).await?,
            T::SessionClosed(event) => self.session_closed(log, event).await?,
            T::PurseSwept(event) => self.purse_swept(log, event).await?,
            T::OrganisationFrozen(_)
            | T::OrganisationUnfrozen(_)
            | T::EnvelopeFrozen(_)
            | T::EnvelopeUnfrozen(_)
            | T::GroupFrozen(_)
            | T::GroupUnfrozen(_)
            | T::SessionFrozen(_)
            | T::ReviewSet(_)
            | T::ReviewCleared(_) => self.stop(log, event).await?,
            T::GroupCreated(_)
            | T::GroupLimitsSet(_)
            | T::GroupSet(_)
            | T::Permit2Set(_)
            | T::ScoreLifeSet(_)
            | T::ScoreReported(_) => {
                self.grouping(log, event).await?;
            }
            T::StampRevoked(_) | T::StampEpochSet(_) | T::Anchored(_) => self.stamps(log, event).await?,
            // Told by their event alone.
            T::Announced(_) | T::AnnouncementCancelled(_) | T::AnnouncementUsed(_) | T::Recovered(_) => {}
        }
        Ok(Outcome::default())
    }

    fn keep(&mut self, log: &RawLog, event: &Event, outcome: Outcome) {
        let (treasury, envelope) = match outcome.place {
            Some((treasury, envelope)) => (Some(treasury), Some(envelope)),
            None => place(event, log.address),
        };
        self.effects.events.push(EventRow {
            log_index: log.log_index,
            tx_hash: log.tx_hash,
            address: log.address,
            treasury,
            envelope,
            kind: outcome.kind.unwrap_or_else(|| kind(event)),
            args: args(event).to_string(),
        });
    }

    fn gap<T>(&self, what: String) -> Step<T, R> {
        Err(Halt::Error(ProjectError::Gap { block: self.block.header.number, what }))
    }

    async fn get(&mut self, key: Key) -> Step<Option<Row>, R> {
        rows(self.ledger.get(key).await)
    }

    async fn set(&mut self, key: Key, row: Option<Row>) -> Step<(), R> {
        rows(self.ledger.set(key, row).await)
    }

    async fn treasury_row(&mut self, address: Address) -> Step<TreasuryRow, R> {
        match self.get(Key::Treasury(address)).await? {
            Some(Row::Treasury(row)) => Ok(row),
            _ => self.gap(format!("treasury {address} is not there")),
        }
    }

    async fn envelope_row(&mut self, treasury: Address, number: u32) -> Step<EnvelopeRow, R> {
        match self.get(Key::Envelope(treasury, number)).await? {
            Some(Row::Envelope(row)) => Ok(*row),
            _ => self.gap(format!("envelope {number} of treasury {treasury} is not there")),
        }
    }

    async fn purse_row(&mut self, address: Address) -> Step<PurseRow, R> {
        match self.get(Key::Purse(address)).await? {
            Some(Row::Purse(row)) => Ok(row),
            _ => self.gap(format!("purse {address} is not there")),
        }
    }

    async fn session_row(&mut self, purse: Address, sequence: u32) -> Step<SessionRow, R> {
        match self.get(Key::Session(purse, sequence)).await? {
            Some(Row::Session(row)) => Ok(*row),
            _ => self.gap(format!("session {sequence} of purse {purse} is not there")),
        }
    }
}

/// What reading rows came to, for a step.
fn rows<T, E: std::error::Error>(read: Result<T, E>) -> Result<T, Halt<E>> {
    read.map_err(|error| Halt::Error(ProjectError::Rows(error)))
}

/// Adds to a total; what no 256 bits hold can only come from a token that lies.
fn add<E: std::error::Error>(total: &mut U256, amount: U256) -> Result<(), Halt<E>> {
    let sum = total.checked_add(amount);
    *total = sum.ok_or_else(|| Halt::Aside(format!("{amount} on top of {total} is beyond 256 bits")))?;
    Ok(())
}

/// An amount that a treasury could count.
fn amount<E: std::error::Error>(value: U256) -> Result<U256, Halt<E>> {
    Amount::try_from(value).map(Amount::to_u256).map_err(|error| Halt::Aside(error.to_string()))
}
