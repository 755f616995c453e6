//! Rows that blocks change, as values. What each column means, the schema says.

use alloy::primitives::{Address, B256, U256};
use bursar_sdk::{
    score,
    windows::{Limit, Limits, Window},
};
use serde::{Deserialize, Serialize};

use super::AlertRow;

/// Which row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Key {
    /// A treasury, by address.
    Treasury(Address),
    /// Treasury, account and role bit.
    Role(Address, Address, u8),
    /// Treasury and token.
    Asset(Address, Address),
    /// Treasury and number.
    Envelope(Address, u32),
    /// The limits of an envelope.
    Limits(Address, u32),
    /// A purse, by address.
    Purse(Address),
    /// Treasury, list and payee.
    Payee(Address, u16, Address),
    /// Purse and sequence number.
    Session(Address, u32),
    /// Treasury and number.
    Group(Address, u32),
    /// The limits of a group.
    GroupLimits(Address, u32),
    /// The score of an envelope's agent.
    Score(Address, u32),
    /// What an envelope knows of a payee.
    PayeeRecord(Address, u32, Address),
    /// Treasury and account.
    Insider(Address, Address),
    /// An alert, by id.
    Alert(B256),
    /// What an alert is about, by its key.
    AlertTopic(B256),
}

/// A row that blocks change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Row {
    /// See [`TreasuryRow`].
    Treasury(TreasuryRow),
    /// The account has the role.
    Role,
    /// See [`AssetRow`].
    Asset(AssetRow),
    /// See [`EnvelopeRow`].
    Envelope(Box<EnvelopeRow>),
    /// See [`LimitUse`].
    Limits(Vec<LimitUse>),
    /// See [`PurseRow`].
    Purse(PurseRow),
    /// The payee is on the list.
    Payee,
    /// See [`SessionRow`].
    Session(Box<SessionRow>),
    /// See [`GroupRow`].
    Group(GroupRow),
    /// See [`score::State`].
    Score(Box<score::State>),
    /// See [`score::PayeeRecord`].
    PayeeRecord(score::PayeeRecord),
    /// The account has, or had, a role or a key in the treasury.
    Insider,
    /// See [`AlertRow`].
    Alert(AlertRow),
    /// Which alert the topic has open.
    AlertTopic(B256),
}

/// One organisation's contract.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct TreasuryRow {
    pub factory: Address,
    pub owner: Address,
    pub frozen: bool,
    pub delay: u32,
    pub separation: bool,
    pub created_block: u64,
    #[serde(default)]
    pub epoch: u32,
    #[serde(default)]
    pub stamp_epoch: u32,
}

/// A budget above envelopes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct GroupRow {
    pub parent: u32,
    pub asset: Address,
    pub frozen: bool,
    pub epoch: u32,
    pub created_block: u64,
}

/// A token that a treasury's envelopes may hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct AssetRow {
    pub index: u8,
    pub domain_separator: B256,
}

/// One agent's budget.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct EnvelopeRow {
    pub agent: Address,
    pub asset: Address,
    pub frozen: bool,
    pub under_review: bool,
    pub policy_version: u16,
    pub approval_threshold: U256,
    pub windows_since: u16,
    pub purses: u32,
    pub funded: U256,
    pub withdrawn: U256,
    pub drawn: U256,
    pub returned: U256,
    pub paid: U256,
    pub donated: U256,
    pub payments: u64,
    pub created_block: u64,
    #[serde(default)]
    pub group: u32,
    #[serde(default)]
    pub permit2: bool,
    #[serde(default)]
    pub score_life: u32,
    #[serde(default)]
    pub score: u16,
    #[serde(default)]
    pub scored_at: u64,
    #[serde(default)]
    pub payee_list: u16,
    #[serde(default)]
    pub open_sessions: u32,
    #[serde(default)]
    pub open_until: u64,
    #[serde(default)]
    pub newcomers: Newcomers,
    #[serde(default)]
    pub unexplained: u64,
}

/// Payees off the list that were first paid lately: in the half-hour `slot`, and in the one before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Newcomers {
    pub slot: u64,
    pub here: u32,
    pub before: u32,
}

/// What one limit has counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct LimitUse {
    pub period: u32,
    pub limit: bursar_sdk::amount::Amount,
    pub used: bursar_sdk::amount::Amount,
    pub index: u64,
}

/// An account an agent pays from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct PurseRow {
    pub treasury: Address,
    pub envelope: u32,
    pub index: u16,
    pub sequence: u32,
    pub open: bool,
    pub balance: U256,
}

/// A bounded grant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct SessionRow {
    pub treasury: Address,
    pub envelope: u32,
    pub key: Address,
    pub budget: U256,
    pub opened_at: u64,
    pub expiry: u64,
    pub policy_version: u16,
    pub approval_threshold: U256,
    /// As JSON.
    pub scope: String,
    pub stamp_hash: B256,
    pub frozen: bool,
    pub closed_at: Option<u64>,
    pub returned: Option<U256>,
    pub unspent: Option<U256>,
    pub paid: U256,
    pub payments: u64,
    pub opened_tx: B256,
    #[serde(default)]
    pub group: u32,
}

impl EnvelopeRow {
    /// What the treasury holds for this envelope now; `None` if more was taken out than came in.
    pub fn escrow(&self) -> Option<U256> {
        let came = self.funded.checked_add(self.returned)?;
        came.checked_sub(self.withdrawn)?.checked_sub(self.drawn)
    }

    /// These limits, as the SDK's arithmetic takes them.
    pub(crate) fn limits(&self, uses: &[LimitUse]) -> Limits {
        Limits { windows: uses.iter().map(Window::from).collect(), windows_since: self.windows_since }
    }
}

impl Newcomers {
    /// Length of a slot, in seconds.
    pub const SLOT: u64 = 1_800;

    /// Counts one at `at` (unix seconds); gives how many there were in the last half-hour to hour.
    pub fn count(&mut self, at: u64) -> u32 {
        let slot = at / Self::SLOT;
        *self = match slot.saturating_sub(self.slot) {
            0 => *self,
            1 => Self { slot, here: 0, before: self.here },
            _ => Self { slot, here: 0, before: 0 },
        };
        self.here = self.here.saturating_add(1);
        self.here.saturating_add(self.before)
    }

    /// When those that are counted now are forgotten, in unix seconds.
    pub fn forgotten_at(&self) -> u64 {
        self.slot.saturating_add(2).saturating_mul(Self::SLOT)
    }
}

impl From<&Window> for LimitUse {
    fn from(window: &Window) -> Self {
        Self { period: window.period, limit: window.limit, used: window.used, index: window.index }
    }
}

impl From<&LimitUse> for Window {
    fn from(of: &LimitUse) -> Self {
        Self { period: of.period, limit: of.limit, used: of.used, index: of.index }
    }
}

impl From<&LimitUse> for Limit {
    fn from(of: &LimitUse) -> Self {
        Self { period: of.period, limit: of.limit }
    }
}
