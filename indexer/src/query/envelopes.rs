//! Envelopes with their totals, balances and headroom.

use std::collections::BTreeMap;

use alloy::primitives::Address;
use bursar_sdk::amount::Amount;

use super::select::Select;
use crate::db::{Cell, Db, DbError, DbRow};

/// One agent's budget inside a treasury. Amounts in the asset's atomic units.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    /// The treasury.
    pub treasury: Address,
    /// Counts the treasury's envelopes from 1.
    pub number: u32,
    /// The agent's identity key.
    pub agent: Address,
    /// The token.
    pub asset: Address,
    /// Whether this envelope is frozen.
    pub frozen: bool,
    /// Whether its whole organisation is.
    pub organisation_frozen: bool,
    /// Whether its group is, or one above it.
    pub group_frozen: bool,
    /// Whether no session may open until a human has looked.
    pub under_review: bool,
    /// The group it draws against as well, or 0.
    pub group: u32,
    /// Whether its purses pay through Permit2.
    pub permit2: bool,
    /// How long a score lets sessions open, in seconds; 0 where none is asked for.
    pub score_life: u32,
    /// The last score, with its time; `None` where there was none.
    pub score: Option<(u16, u64)>,
    /// The policy in force.
    pub policy_version: u16,
    /// Topped up in all.
    pub funded: Amount,
    /// Withdrawn in all.
    pub withdrawn: Amount,
    /// Drawn by sessions in all.
    pub drawn: Amount,
    /// Returned by sessions in all, swept purses included.
    pub returned: Amount,
    /// Paid in all.
    pub paid: Amount,
    /// Sent straight to its purses by strangers.
    pub donated: Amount,
    /// How many payments.
    pub payments: u64,
    /// The block that created it.
    pub created_block: u64,
}

impl Envelope {
    /// What the treasury holds for this envelope: funded, less withdrawn and drawn, plus returned.
    pub fn escrow(&self) -> Amount {
        plus(self.funded, self.returned).saturating_sub(plus(self.withdrawn, self.drawn))
    }

    /// What its purses hold: drawn and donated, less returned and paid.
    pub fn in_purses(&self) -> Amount {
        plus(self.drawn, self.donated).saturating_sub(plus(self.returned, self.paid))
    }

    /// What is left: escrow and purses.
    pub fn left(&self) -> Amount {
        plus(self.escrow(), self.in_purses())
    }
}

/// Sums of one envelope fit 96 bits, since the token's supply has to; a ledger beyond that is no ledger.
fn plus(a: Amount, b: Amount) -> Amount {
    a.checked_add(b).unwrap_or_default()
}

/// The key of the list: treasury and number.
pub type Key = (Address, u32);

/// The numbers of envelopes by treasury: what is asked of all of them costs one query for each.
pub(super) fn by_treasury(rows: &[Envelope]) -> BTreeMap<Address, Vec<u32>> {
    let mut numbers = BTreeMap::<_, Vec<u32>>::new();
    for row in rows {
        numbers.entry(row.treasury).or_default().push(row.number);
    }
    numbers
}

/// Which envelopes.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Of this treasury.
    pub treasury: Option<Address>,
    /// Of this agent.
    pub agent: Option<Address>,
    /// Right in the group with this number.
    pub group: Option<u32>,
    /// In this token.
    pub asset: Option<Address>,
    /// Stopped in this way.
    pub state: Option<State>,
    /// Only those that open sessions on a reported score alone.
    pub scored: bool,
}

/// Whether an envelope may open sessions and pay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It may.
    Active,
    /// It, its organisation, its group or one above that is frozen.
    Frozen,
    /// It is under review.
    UnderReview,
}

/// Whether a group that the envelope is in is frozen.
macro_rules! group_frozen {
    () => {
        "EXISTS (WITH RECURSIVE above (number, parent, frozen) AS ( \
         SELECT g.number, g.parent, g.frozen FROM envelope_group g \
         WHERE g.treasury = e.treasury AND g.number = e.group_number \
         UNION ALL SELECT g.number, g.parent, g.frozen FROM envelope_group g \
         JOIN above ON g.number = above.parent WHERE g.treasury = e.treasury) \
         SELECT 1 FROM above WHERE above.frozen)"
    };
}

const SELECT: &str = concat!(
    "SELECT e.treasury, e.number, e.agent, e.asset, e.frozen, t.frozen AS organisation_frozen, \
     e.under_review, e.policy_version, e.funded, e.withdrawn, e.drawn, e.returned, e.paid, e.donated, \
     e.payments, e.created_block, e.group_number, e.permit2, e.score_life, e.score, e.scored_at, ",
    group_frozen!(),
    " AS group_frozen FROM envelope e JOIN treasury t ON t.address = e.treasury"
);

pub(super) fn read(row: &DbRow) -> Result<Envelope, DbError> {
    Ok(Envelope {
        treasury: row.address("treasury")?,
        number: row.number("number")?,
        agent: row.address("agent")?,
        asset: row.address("asset")?,
        frozen: row.flag("frozen")?,
        organisation_frozen: row.flag("organisation_frozen")?,
        group_frozen: row.flag("group_frozen")?,
        under_review: row.flag("under_review")?,
        group: row.number("group_number")?,
        permit2: row.flag("permit2")?,
        score_life: row.number("score_life")?,
        score: match row.number("scored_at")? {
            0 => None,
            at => Some((row.number("score")?, at)),
        },
        policy_version: row.number("policy_version")?,
        funded: row.sum("funded")?,
        withdrawn: row.sum("withdrawn")?,
        drawn: row.sum("drawn")?,
        returned: row.sum("returned")?,
        paid: row.sum("paid")?,
        donated: row.sum("donated")?,
        payments: row.number("payments")?,
        created_block: row.number("created_block")?,
    })
}

/// Envelopes by treasury and number.
///
/// # Errors
/// When the database fails.
pub async fn list(
    db: &Db,
    filter: &Filter,
    after: Option<Key>,
    limit: u32,
) -> Result<Vec<Envelope>, DbError> {
    select_list(filter, after, limit).rows(db, read).await
}

pub(super) fn select_list(filter: &Filter, after: Option<Key>, limit: u32) -> Select {
    let mut select = Select::new(SELECT);
    select
        .filter("e.treasury = ", filter.treasury)
        .filter("e.agent = ", filter.agent)
        .filter("e.group_number = ", filter.group)
        .filter("e.asset = ", filter.asset);
    if filter.scored {
        select.condition("e.score_life > 0");
    }
    match filter.state {
        None => &mut select,
        Some(State::Active) => {
            select.condition(concat!("NOT (e.frozen OR t.frozen OR e.under_review OR ", group_frozen!(), ")"))
        }
        Some(State::Frozen) => select.condition(concat!("(e.frozen OR t.frozen OR ", group_frozen!(), ")")),
        Some(State::UnderReview) => select.condition("e.under_review"),
    };
    let key = after.map(|(treasury, number)| [treasury.value(), number.value()]);
    select.after("(e.treasury, e.number) > ", key).order_and_limit(" ORDER BY e.treasury, e.number", limit);
    select
}

/// Envelopes of these agents, by treasury and number; of one treasury, or of all. Of each agent the first `most`: anybody
/// may name an agent in a treasury of their own.
///
/// # Errors
/// When the database fails.
pub async fn of_agents(
    db: &Db,
    agents: &[Address],
    treasury: Option<Address>,
    most: u32,
) -> Result<Vec<Envelope>, DbError> {
    if agents.is_empty() {
        return Ok(Vec::new());
    }
    let mut select = Select::new(SELECT);
    select
        .push(
            " JOIN (SELECT treasury, number, \
             ROW_NUMBER() OVER (PARTITION BY agent ORDER BY treasury, number) AS nth FROM envelope",
        )
        .among("agent", agents)
        .sift("treasury = ", treasury)
        .push(") n ON n.treasury = e.treasury AND n.number = e.number WHERE n.nth <= ")
        .bind(most)
        .push(" ORDER BY e.treasury, e.number");
    select.rows(db, read).await
}

/// One envelope.
///
/// # Errors
/// When the database fails.
pub async fn get(db: &Db, key: Key) -> Result<Option<Envelope>, DbError> {
    Select::new(SELECT)
        .filter("e.treasury = ", Some(key.0))
        .filter("e.number = ", Some(key.1))
        .row(db, read)
        .await
}
