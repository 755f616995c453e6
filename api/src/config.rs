use std::{collections::BTreeMap, sync::Arc, time::Duration};

use alloy::primitives::Address;
use bursar_indexer::query::approvals::Room;
use bursar_sdk::transparency::Keeper;
use url::Url;

use crate::access::{Mode, Rate, oidc::Issuer};

/// What the API has to be told.
#[derive(Debug, Clone)]
pub struct Config {
    /// The EIP-155 id of the chain that the store follows.
    pub chain_id: u64,
    /// That chain's name, for people.
    pub chain_name: String,
    /// Whether a credential is asked for.
    pub access: Mode,
    /// Whose tokens are taken in place of keys, where keys are asked for.
    pub issuer: Option<Arc<Issuer>>,
    /// How much may be asked with one key, or by one holder of tokens.
    pub key_rate: Rate,
    /// How many keys that are not known here yet, good or not, are looked up from one address; as many tokens, and sign-ins: guesses
    /// wait, whoever is at work does not.
    pub unknown_rate: Rate,
    /// Where people and agents find this service; pages that events name are below it.
    pub base_url: Option<Url>,
    /// A block explorer; transactions are at `tx/<hash>` and addresses at `address/<address>` below it.
    pub explorer: Option<Url>,
    /// How amounts of known tokens are written for people. Others are shown in atomic units.
    pub assets: Vec<AssetLabel>,
    /// What people call agents and payees, for the overview page.
    pub names: BTreeMap<Address, String>,
    /// Who keeps the transparency logs, and signs their checkpoints; `None`: nobody signs.
    pub log: Option<Keeper>,
    /// Most blocks that the ledger may be behind the chain's head and still count as ready.
    pub max_lag: u64,
    /// Most approval requests that may be open at a time.
    pub room: Room,
    /// Longest that one request may take.
    pub request_timeout: Duration,
    /// How many questions are answered at a time; more wait for their turn.
    pub at_once: usize,
    /// How many wait at most; more are turned away at once.
    pub waiting: usize,
    /// Longest that one of them waits.
    pub patience: Duration,
    /// Most requests that may be answered, or under way, and not yet be kept as accesses; more are turned away.
    pub accesses: usize,
    /// How often they are kept.
    pub accesses_every: Duration,
    /// Most clients that may follow the stream of events at a time.
    pub streams: usize,
    /// Longest that one of them may take for one event.
    pub stream_patience: Duration,
    /// How often it is asked whether the key of one of them is still good.
    pub stream_recheck: Duration,
}

/// How amounts of a token are written for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AssetLabel {
    /// The token.
    pub address: Address,
    /// What to call it.
    pub symbol: String,
    /// Decimal places: 10 to this power atomic units make one.
    pub decimals: u8,
}

impl Config {
    /// How amounts of a token are written, where that is known.
    pub(crate) fn label(&self, asset: Address) -> Option<&AssetLabel> {
        self.assets.iter().find(|label| label.address == asset)
    }

    /// For a chain, with everything else at its default: open, ready within 8 blocks of the head, 16 open approval
    /// requests an agent and 256 a treasury, 10 seconds a request, 16 questions at a time while 64 wait for a second, 8192
    /// accesses that wait to be kept every 5 seconds, 256 streams with 30 seconds an event, whose keys are asked for every 5 seconds,
    /// 1200 requests a minute and key, 600 look-ups a minute and address of keys not known yet.
    pub fn new(chain_id: u64, chain_name: impl Into<String>) -> Self {
        Self {
            chain_id,
            chain_name: chain_name.into(),
            access: Mode::default(),
            issuer: None,
            key_rate: Rate::new(1_200, Duration::from_secs(60)),
            unknown_rate: Rate::new(600, Duration::from_secs(60)),
            base_url: None,
            explorer: None,
            assets: Vec::new(),
            names: BTreeMap::new(),
            log: None,
            max_lag: 8,
            room: Room { per_agent: 16, per_treasury: 256 },
            request_timeout: Duration::from_secs(10),
            at_once: 16,
            waiting: 64,
            patience: Duration::from_secs(1),
            accesses: 8_192,
            accesses_every: Duration::from_secs(5),
            streams: 256,
            stream_patience: Duration::from_secs(30),
            stream_recheck: Duration::from_secs(5),
        }
    }
}
