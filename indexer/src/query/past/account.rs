//! One envelope's money and limits, as its treasury told of them.

use std::collections::HashMap;

use alloy::primitives::{Address, B256};
use bursar_sdk::{
    amount::Amount,
    payment::session_id,
    windows::{Draw, Limits, limits_of},
};

use super::{
    super::{
        Position,
        envelopes::{Envelope, Key},
        history::{self, Event},
        payments,
        select::Select,
    },
    Stood, read, wrong,
};
use crate::{
    db::{Db, DbError, DbRow},
    decode::said::{Opened, Said},
};

/// What a session paid in all, and in how many payments.
type Paid = (Amount, u64);

#[derive(Debug, Default)]
struct Purse {
    balance: Amount,
    session: Option<(B256, Draw)>,
}

/// An envelope while it is told.
#[derive(Debug)]
struct Account {
    row: Envelope,
    limits: Limits,
    purses: HashMap<Address, Purse>,
    /// By session. One that has closed pays no more, so that what it paid until today is what it had paid.
    paid: HashMap<B256, Paid>,
}

/// What the treasury said of an envelope; not what tokens said of each payment.
pub(in super::super) fn select_said((treasury, number): Key, height: u64) -> Select {
    let mut select = Select::new(history::SELECT_EVENTS);
    select
        .filter("e.treasury = ", Some(treasury))
        .filter("e.envelope = ", Some(number))
        .filter("e.block_number <= ", Some(height))
        .condition("e.kind NOT IN ('transfer', 'authorization_used')")
        .push(" ORDER BY e.block_number, e.log_index");
    select
}

/// The envelope of the roster with its money and limits at that height.
pub(super) async fn told(db: &Db, row: Envelope, height: u64) -> Result<Stood, DbError> {
    let key = (row.treasury, row.number);
    let paid = paid_by_sessions(db, key).await?;
    let mut account = Account { row, limits: Limits::default(), purses: HashMap::new(), paid };
    let take = |row: &DbRow| account.apply(&history::read_event(row)?);
    select_said(key, height).each(db, take).await?;
    let open = account.purses.values().filter_map(|purse| purse.session).map(|(session, _)| session);
    for session in open.collect::<Vec<_>>() {
        account.pay(paid_until(db, session, height).await?);
    }
    Ok(Stood { row: account.row, windows: account.limits.windows })
}

/// What a session had paid up to a height, that included.
pub(super) async fn paid_until(db: &Db, session: B256, height: u64) -> Result<Paid, DbError> {
    let end = Position { block: height, log: u64::MAX };
    let paid = payments::paid_until(db, session, end, u32::MAX - 1).await?;
    paid.ok_or_else(|| wrong("fewer payments in a session", u32::MAX))
}

async fn paid_by_sessions(db: &Db, (treasury, number): Key) -> Result<HashMap<B256, Paid>, DbError> {
    let mut paid = HashMap::new();
    let mut select = Select::new("SELECT id, paid, payments FROM session");
    select.filter("treasury = ", Some(treasury)).filter("envelope = ", Some(number));
    let take = |row: &DbRow| {
        paid.insert(row.hash("id")?, (row.sum("paid")?, row.number("payments")?));
        Ok(())
    };
    select.each(db, take).await?;
    Ok(paid)
}

impl Account {
    fn apply(&mut self, event: &Event) -> Result<(), DbError> {
        let at = event.timestamp;
        match read(event)? {
            Said::PolicySet { version, policy, .. } => {
                self.row.policy_version = version;
                let windows = policy.windows.iter().map(|window| (window.period, window.limit.to_u96()));
                self.limits.lay_out(version, &limits_of(windows, policy.lifetime_limit.to_u96()), at);
            }
            Said::ToppedUp { amount } => add(&mut self.row.funded, amount),
            Said::Withdrawn { amount } => add(&mut self.row.withdrawn, amount),
            Said::SessionOpened(opened) => self.open(at, &opened)?,
            Said::SessionClosed { purse, sequence, returned, unspent } => {
                self.close(at, purse, session_id(purse, sequence), unspent)?;
                self.give_back(purse, returned);
            }
            Said::PurseSwept { purse, amount } => self.give_back(purse, amount),
            Said::Donation { to, value } => {
                add(&mut self.row.donated, value);
                add(&mut self.purses.entry(to).or_default().balance, value);
            }
            Said::ScoreReported { score, .. } => self.row.score = Some((score, at)),
            _ => {}
        }
        Ok(())
    }

    fn open(&mut self, at: u64, opened: &Opened) -> Result<(), DbError> {
        let budget = opened.budget;
        self.limits.draw(at, budget).map_err(|error| wrong("a draw that a treasury could count", error))?;
        add(&mut self.row.drawn, budget);
        let draw = Draw { opened_at: at, policy_version: opened.policy_version };
        let purse = self.purses.entry(opened.purse).or_default();
        add(&mut purse.balance, budget);
        purse.session = Some((session_id(opened.purse, opened.sequence), draw));
        Ok(())
    }

    fn close(&mut self, at: u64, purse: Address, session: B256, unspent: Amount) -> Result<(), DbError> {
        let purse = self.purses.entry(purse).or_default();
        let open = purse.session.take().filter(|(open, _)| *open == session);
        let (_, draw) = open.ok_or_else(|| wrong("the end of a session that was open", session))?;
        self.limits.give_back(at, draw, unspent);
        let paid = *self.paid.get(&session).ok_or_else(|| wrong("a session that is kept", session))?;
        purse.balance = purse.balance.saturating_sub(paid.0);
        self.pay(paid);
        Ok(())
    }

    /// What the purse held is in the escrow again. More than came in had been sent before the purse was there.
    fn give_back(&mut self, purse: Address, held: Amount) {
        let purse = self.purses.entry(purse).or_default();
        let more = held.saturating_sub(std::mem::take(&mut purse.balance));
        add(&mut self.row.donated, more);
        add(&mut self.row.returned, held);
    }

    fn pay(&mut self, (paid, payments): Paid) {
        self.row.payments = self.row.payments.saturating_add(payments);
        add(&mut self.row.paid, paid);
    }
}

/// Adds to a total, which stays at the most there can be where it would come to more: no token does that but one that lies.
fn add(total: &mut Amount, amount: Amount) {
    *total = total.checked_add(amount).unwrap_or(Amount::MAX);
}
