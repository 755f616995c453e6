//! What treasuries said and what was paid, gone through again: how rows stood after each block. The arithmetic of limits is the
//! one that the projection counts with.

use std::collections::{BTreeMap, HashMap};

use alloy::primitives::{Address, B256, U256};
use bursar_sdk::{
    amount::Amount,
    payment::split_session_id,
    windows::{Draw, Limits, limits_of},
};

use crate::{
    db::DbError,
    decode::said::{Opened, Said},
    ledger::{self, EnvelopeThen, Key, LimitUse, SessionThen, Then, TreasuryThen},
};

/// Treasury and number.
type Of = (Address, u32);

/// How a row stood before a block, and after it.
pub(super) type Change = (Key, Option<Then>, Option<Then>);

/// What happened next.
#[derive(Debug)]
pub(super) enum Step {
    /// A treasury said something; or a stranger did something to one of its purses.
    Said { treasury: Address, envelope: Option<u32>, at: u64, said: Said },
    /// A purse paid.
    Paid(Paid),
}

/// A payment.
#[derive(Debug)]
pub(super) struct Paid {
    pub(super) envelope: Of,
    pub(super) purse: Address,
    pub(super) session: B256,
    pub(super) amount: Amount,
}

#[derive(Debug, Default)]
struct Purse {
    balance: U256,
    /// Its open session, by number.
    session: Option<(u32, Draw)>,
}

/// How rows stand at that point.
#[derive(Debug, Default)]
pub(super) struct Replay {
    rows: HashMap<Key, Then>,
    limits: HashMap<Of, Limits>,
    purses: HashMap<Address, Purse>,
    /// What has changed in the block at hand, as it was before.
    changed: BTreeMap<Key, Option<Then>>,
}

impl Replay {
    /// What has changed since this was asked last.
    pub(super) fn changes(&mut self) -> Vec<Change> {
        let changed = std::mem::take(&mut self.changed);
        let with_now = |(key, before)| {
            let now = self.rows.get(&key).cloned();
            // Nothing comes after its end.
            if matches!(now, Some(Then::Session(SessionThen { closed: true, .. }))) {
                self.rows.remove(&key);
            }
            (key, before, now)
        };
        changed.into_iter().map(with_now).collect()
    }

    /// What stands there by now, which is not looked at again.
    pub(super) fn taken(&mut self, key: &Key) -> Option<Then> {
        self.rows.remove(key)
    }

    /// What stands and was not taken; what was never stopped, is not listed or has no limits is no row.
    pub(super) fn rest(&self) -> Option<&Key> {
        self.rows.iter().find(|(_, now)| now.is_kept_after(None)).map(|(key, _)| key)
    }

    pub(super) fn take(&mut self, step: &Step) -> Result<(), DbError> {
        match step {
            Step::Paid(paid) => self.pay(paid),
            Step::Said { treasury, envelope: Some(number), at, said } => {
                self.hear_of((*treasury, *number), *at, said)
            }
            Step::Said { treasury, said, .. } => {
                self.hear(*treasury, said);
                Ok(())
            }
        }
    }

    /// What a treasury says of all its envelopes.
    fn hear(&mut self, treasury: Address, said: &Said) {
        match said {
            Said::OrganisationFrozen { .. } => self.treasury(treasury, |it| it.frozen = true),
            Said::OrganisationUnfrozen { .. } => self.treasury(treasury, |it| it.frozen = false),
            Said::StampEpochSet { epoch, .. } => self.treasury(treasury, |it| it.stamp_epoch = *epoch),
            Said::GroupFrozen { group, .. } => self.set(Key::Group(treasury, *group), Then::Group(true)),
            Said::GroupUnfrozen { group, .. } => self.set(Key::Group(treasury, *group), Then::Group(false)),
            Said::PayeeListed { list, payee } => {
                self.set(Key::Payee(treasury, *list, *payee), Then::Payee(true));
            }
            Said::PayeeUnlisted { list, payee } => {
                self.set(Key::Payee(treasury, *list, *payee), Then::Payee(false));
            }
            _ => {}
        }
    }

    /// What it says of one of them.
    fn hear_of(&mut self, of: Of, at: u64, said: &Said) -> Result<(), DbError> {
        match said {
            Said::EnvelopeCreated { agent, .. } => {
                self.set(Key::Envelope(of.0, of.1), Then::Envelope(Box::new(created(*agent))));
            }
            Said::AgentSet { agent, .. } => self.envelope(of)?.agent = *agent,
            Said::GroupSet { group, .. } => self.envelope(of)?.group = *group,
            Said::Permit2Set { on, .. } => self.envelope(of)?.permit2 = *on,
            Said::ScoreLifeSet { life, .. } => self.envelope(of)?.score_life = *life,
            Said::ScoreReported { score, .. } => {
                let envelope = self.envelope(of)?;
                (envelope.score, envelope.scored_at) = (*score, at);
            }
            Said::EnvelopeFrozen { .. } => self.envelope(of)?.frozen = true,
            Said::EnvelopeUnfrozen { .. } => self.envelope(of)?.frozen = false,
            Said::ReviewSet { .. } => self.envelope(of)?.under_review = true,
            Said::ReviewCleared { .. } => self.envelope(of)?.under_review = false,
            Said::PolicySet { version, policy, .. } => {
                self.envelope(of)?.policy_version = *version;
                let windows = policy.windows.iter().map(|window| (window.period, window.limit.to_u96()));
                let limits = limits_of(windows, policy.lifetime_limit.to_u96());
                self.limits(of).lay_out(*version, &limits, at);
                self.put_limits(of);
            }
            Said::ToppedUp { amount } => add(&mut self.envelope(of)?.funded, *amount),
            Said::Withdrawn { amount } => add(&mut self.envelope(of)?.withdrawn, *amount),
            Said::SessionOpened(opened) => self.open(of, at, opened)?,
            Said::SessionFrozen { purse, sequence, .. } => self.session(*purse, *sequence)?.frozen = true,
            Said::SessionClosed { purse, sequence, returned, unspent } => {
                self.close(of, at, (*purse, *sequence), *unspent)?;
                self.give_back(of, *purse, *returned)?;
            }
            Said::PurseSwept { purse, amount } => self.give_back(of, *purse, *amount)?,
            Said::Donation { to, value } => {
                add(&mut self.envelope(of)?.donated, *value);
                add(&mut self.purses.entry(*to).or_default().balance, *value);
            }
            _ => {}
        }
        Ok(())
    }

    fn open(&mut self, of: Of, at: u64, opened: &Opened) -> Result<(), DbError> {
        let drawn = self.limits(of).draw(at, opened.budget);
        drawn.map_err(|error| wrong("a draw that a treasury could count", error))?;
        self.put_limits(of);
        add(&mut self.envelope(of)?.drawn, opened.budget);
        self.set(Key::Session(opened.purse, opened.sequence), Then::Session(SessionThen::default()));
        let draw = Draw { opened_at: at, policy_version: opened.policy_version };
        let purse = self.purses.entry(opened.purse).or_default();
        add(&mut purse.balance, opened.budget);
        purse.session = Some((opened.sequence, draw));
        Ok(())
    }

    fn close(
        &mut self,
        of: Of,
        at: u64,
        (purse, sequence): (Address, u32),
        unspent: Amount,
    ) -> Result<(), DbError> {
        let open = self.purses.entry(purse).or_default().session.take();
        let open = open.filter(|(open, _)| *open == sequence);
        let (_, draw) = open.ok_or_else(|| wrong("the end of a session that was open", sequence))?;
        self.limits(of).give_back(at, draw, unspent);
        self.put_limits(of);
        self.session(purse, sequence)?.closed = true;
        Ok(())
    }

    /// What the purse held is in the escrow again. More than came in had been sent before the purse was there.
    fn give_back(&mut self, of: Of, purse: Address, held: Amount) -> Result<(), DbError> {
        let balance = std::mem::take(&mut self.purses.entry(purse).or_default().balance);
        let envelope = self.envelope(of)?;
        envelope.donated = envelope.donated.saturating_add(held.to_u256().saturating_sub(balance));
        add(&mut envelope.returned, held);
        Ok(())
    }

    fn pay(&mut self, paid: &Paid) -> Result<(), DbError> {
        let amount = paid.amount.to_u256();
        let envelope = self.envelope(paid.envelope)?;
        envelope.paid = envelope.paid.and(amount);
        let (purse, sequence) = split_session_id(paid.session);
        let session = self.session(purse, sequence)?;
        session.paid = session.paid.and(amount);
        let purse = self.purses.entry(paid.purse).or_default();
        purse.balance = purse.balance.saturating_sub(amount);
        Ok(())
    }

    fn treasury(&mut self, it: Address, change: impl FnOnce(&mut TreasuryThen)) {
        let key = Key::Treasury(it);
        let mut now = match self.rows.get(&key) {
            Some(Then::Treasury(now)) => *now,
            _ => TreasuryThen::default(),
        };
        change(&mut now);
        self.set(key, Then::Treasury(now));
    }

    fn envelope(&mut self, (treasury, number): Of) -> Result<&mut EnvelopeThen, DbError> {
        match self.row(Key::Envelope(treasury, number)) {
            Some(Then::Envelope(envelope)) => Ok(envelope),
            _ => Err(wrong("an envelope that was created before", number)),
        }
    }

    fn session(&mut self, purse: Address, sequence: u32) -> Result<&mut SessionThen, DbError> {
        match self.row(Key::Session(purse, sequence)) {
            Some(Then::Session(session)) => Ok(session),
            _ => Err(wrong("a session that was opened before", sequence)),
        }
    }

    fn limits(&mut self, of: Of) -> &mut Limits {
        self.limits.entry(of).or_default()
    }

    fn put_limits(&mut self, of: Of) {
        let uses = self.limits(of).windows.iter().map(LimitUse::from).collect();
        self.set(Key::Limits(of.0, of.1), Then::Limits(uses));
    }

    /// A row that is about to change.
    fn row(&mut self, key: Key) -> Option<&mut Then> {
        let row = self.rows.get_mut(&key)?;
        self.changed.entry(key).or_insert_with(|| Some(row.clone()));
        Some(row)
    }

    fn set(&mut self, key: Key, now: Then) {
        let before = self.rows.insert(key, now);
        self.changed.entry(key).or_insert(before);
    }
}

fn created(agent: Address) -> EnvelopeThen {
    EnvelopeThen {
        agent,
        group: 0,
        permit2: false,
        frozen: false,
        under_review: false,
        policy_version: 0,
        score_life: 0,
        score: 0,
        scored_at: 0,
        funded: U256::ZERO,
        withdrawn: U256::ZERO,
        drawn: U256::ZERO,
        returned: U256::ZERO,
        donated: U256::ZERO,
        paid: ledger::Paid::default(),
    }
}

fn add(total: &mut U256, amount: Amount) {
    *total = total.saturating_add(amount.to_u256());
}

/// What was said, read back.
pub(super) fn said(kind: &str, args: &str) -> Result<Said, DbError> {
    Said::read(kind, args).map_err(|error| wrong("what a treasury says", format!("{kind}: {error}")))
}

/// What treasuries said does not read, or does not follow from what they said before.
pub(super) fn wrong(expected: &'static str, got: impl ToString) -> DbError {
    DbError::Inconsistent { column: "args", expected, got: got.to_string() }
}
