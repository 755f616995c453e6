//! What a step comes to, where the history stands: names become addresses, and relations become numbers.

use alloy::primitives::{
    Address, U256,
    aliases::{U24, U96},
};
use anyhow::Result;
use bursar_sdk::{
    abi::{
        Eip3009::{self, Eip3009Calls},
        Treasury::{self, Policy},
    },
    model::{Call, Envelope, Purse, roles::ANNOUNCEMENT_LIFE},
    windows::end_at,
};

use crate::{
    acts::Act,
    agree,
    cast::Who,
    steps::{By, Ends, EnvelopeAt, GroupAt, PurseOf, Step, Sum, Until},
    world::World,
};

impl World {
    /// Plays a history from its beginning to its end.
    pub(crate) fn play(&mut self, history: &[Step]) -> Result<()> {
        for step in history {
            self.taken += 1;
            self.tally.steps += 1;
            self.take(step)?;
        }
        agree::on_everything(self)
    }

    fn take(&mut self, step: &Step) -> Result<()> {
        match step {
            Step::Wait(until) => self.wait_until(self.time(*until)),
            Step::Open(opening) => self.open(opening)?,
            Step::OpenAgain(which) => self.open_again(*which)?,
            Step::Close { purse, by, proof } => self.close(*purse, *by, *proof)?,
            Step::Pay(paying) => self.pay(paying)?,
            Step::Settle(which) => self.settle_again(*which)?,
            Step::Act { by, act } => self.act(by.who(act.usual()), act)?,
            Step::Announce { by, act } => {
                let call = Call::Treasury(self.call_of(act));
                let announce = Treasury::announceCall { call: call.data() };
                let by = by.who(act.usual());
                // Guardians may not announce what they may do at once.
                let by = if matches!(by, Who::Guardian | Who::Reviewer) { Who::Owner } else { by };
                self.call(by, Call::Treasury(Treasury::TreasuryCalls::announce(announce)))?;
                self.announced.push((call, act.usual()));
            }
            Step::RunAnnounced { by, which } => {
                if let Some((call, usual)) = nth(&self.announced, *which).cloned() {
                    self.call(by.who(usual), call)?;
                }
            }
            Step::Cancel { by, which } => {
                if let Some((call, _)) = nth(&self.announced, *which) {
                    let id = alloy::primitives::keccak256(call.data());
                    let cancel = Treasury::cancelAnnouncementCall { id };
                    let cancel = Treasury::TreasuryCalls::cancelAnnouncement(cancel);
                    self.call(by.who(Who::Guardian), Call::Treasury(cancel))?;
                }
            }
            Step::Donate { token, to, units } => {
                let to = to.map_or(self.model.address, |purse| self.purse(purse).2);
                let gift = Eip3009::transferCall { to, amount: U256::from(*units) };
                let token = self.token(*token);
                self.call(Who::Stranger, Call::Token(token, Eip3009Calls::transfer(gift)))?;
            }
        }
        Ok(())
    }

    pub(crate) fn act(&mut self, by: Who, act: &Act) -> Result<()> {
        let call = self.call_of(act);
        let done = self.call(by, Call::Treasury(call))?.is_some();
        let count = if done { &mut self.tally.acts_done } else { &mut self.tally.acts_refused };
        *count += 1;
        Ok(())
    }

    /* NAMES */

    pub(crate) fn at(&self, who: Who) -> Address {
        self.cast.address(who, self.model.address)
    }

    pub(crate) fn number(&self, envelope: EnvelopeAt) -> u32 {
        let count = self.model.envelopes.len() as u32;
        match envelope {
            EnvelopeAt::Known(which) => 1 + u32::from(which) % count.max(1),
            EnvelopeAt::Zero => 0,
            EnvelopeAt::PastTheLast => count + 1,
        }
    }

    pub(crate) fn group_number(&self, group: GroupAt) -> u32 {
        let count = self.model.groups.len() as u32;
        match group {
            GroupAt::Known(_) if count == 0 => 0,
            GroupAt::Known(which) => 1 + u32::from(which) % count,
            GroupAt::Zero => 0,
            GroupAt::PastTheLast => count + 1,
            GroupAt::FarPastTheLast => count + 9,
        }
    }

    /// The envelope and the index of a purse, and where it is.
    pub(crate) fn purse(&self, purse: PurseOf) -> (u32, u16, Address) {
        let (envelope, index) = match purse {
            PurseOf::Live(which) => self.live(which).unwrap_or((1, 0)),
            PurseOf::At(envelope, which) => {
                let number = self.number(envelope);
                let last = self.model.envelope(number).map_or(0, |envelope| envelope.last_purse);
                let next = last.saturating_add(1);
                (number, which.map_or(next, |which| u16::from(which) % next))
            }
        };
        let at = self.model.purse_of(envelope, index);
        (envelope, index, at.unwrap_or(Address::repeat_byte(0x99)))
    }

    /// One of the purses whose session may pay, envelope and organisation aside.
    pub(crate) fn live(&self, which: u8) -> Option<(u32, u16)> {
        let pays = |purse: &&Purse| {
            let version = self.model.envelope(purse.envelope).map(|envelope| envelope.version);
            purse.session.as_ref().is_some_and(|session| {
                !session.frozen && self.now < session.expiry && Some(session.policy_version) == version
            })
        };
        let mut live: Vec<_> = self.model.purses.values().filter(pays).collect();
        live.sort_by_key(|purse| (purse.envelope, purse.index));
        nth(&live, which).map(|purse| (purse.envelope, purse.index))
    }

    /// A token: two that are assets from the beginning, one that may become one, and none.
    pub(crate) fn token(&self, which: u8) -> Address {
        self.tokens.get(usize::from(which)).copied().unwrap_or(Address::repeat_byte(0x77))
    }

    pub(crate) fn policy_in_force(&self, envelope: u32) -> Policy {
        self.model.envelope(envelope).map(|envelope| envelope.policy.clone()).unwrap_or_default()
    }

    /* AMOUNTS AND TIMES */

    /// The amount, of what an envelope and one of its purses hold and may.
    pub(crate) fn sum(&self, sum: Sum, envelope: u32, purse: Option<Address>) -> U256 {
        let record = self.model.envelope(envelope);
        let policy = self.policy_in_force(envelope);
        let scope = purse.and_then(|purse| self.model.session(purse)).map(|session| session.scope.clone());
        let scope = scope.unwrap_or_default();
        let escrow = || record.map(|record| record.escrow.to_u256()).unwrap_or_default();
        let held = || {
            let asset = record.and_then(|record| self.model.assets.get(record.asset));
            let token = asset.map(|asset| asset.token).unwrap_or_default();
            self.model.balance(token, purse.unwrap_or_default())
        };
        match sum {
            Sum::Units(units) => U256::from(units),
            Sum::OfCap(part) => hundredths(policy.paymentCap.to(), part),
            Sum::OfSessionLimit(part) => hundredths(policy.sessionLimit.to(), part),
            Sum::Cap(by) => moved(policy.paymentCap.to(), by),
            Sum::Threshold(by) => moved(policy.approvalThreshold.to(), by),
            Sum::SessionLimit(by) => moved(policy.sessionLimit.to(), by),
            Sum::ScopeCap(by) => moved(scope.paymentCap.to(), by),
            Sum::ScopeThreshold(by) => moved(scope.approvalThreshold.to(), by),
            Sum::Room(which, by) => {
                let room = record.and_then(|record| nth(&record.limits.windows, which));
                moved(room.map(|room| room.left_at(self.now).to_u256()).unwrap_or_default(), by)
            }
            Sum::Escrow(by) => moved(escrow(), by),
            Sum::Available(by) => moved(escrow() + held(), by),
            Sum::Held(by) => moved(held(), by),
            Sum::Ledger(by) => moved(U96::MAX.to(), by),
        }
    }

    /// The same, in a field of 96 bits.
    pub(crate) fn narrow_sum(&self, sum: Sum, envelope: u32, purse: Option<Address>) -> U96 {
        U96::saturating_from(self.sum(sum, envelope, purse))
    }

    fn time(&self, until: Until) -> u64 {
        match until {
            Until::Seconds(seconds) => self.now + u64::from(seconds),
            Until::Days(days) => self.now + 86_400 * u64::from(days),
            Until::WindowEnd(envelope, which, by) => {
                let record = self.model.envelope(self.number(envelope));
                shifted(record.and_then(|record| self.window_end(record, which)).unwrap_or(self.now), by)
            }
            Until::Expiry(purse, by) => {
                let session = self.model.session(self.purse(purse).2);
                shifted(session.map_or(self.now, |session| session.expiry), by)
            }
            Until::Ready(which, by) => shifted(self.ready(which), by),
            Until::Stale(which, by) => shifted(self.ready(which) + ANNOUNCEMENT_LIFE, by),
        }
    }

    fn ready(&self, which: u8) -> u64 {
        let id = nth(&self.announced, which).map(|(call, _)| alloy::primitives::keccak256(call.data()));
        id.and_then(|id| self.model.announced_for(id)).unwrap_or(self.now)
    }

    fn window_end(&self, envelope: &Envelope, which: u8) -> Option<u64> {
        end_at(nth(&envelope.limits.windows, which)?.period, self.now)
    }

    pub(crate) fn end(&self, ends: Ends, envelope: u32) -> u32 {
        let Some(record) = self.model.envelope(envelope) else { return u32::MAX };
        let longest = self.now + record.policy.maxSessionSeconds.to::<u64>();
        let end = match ends {
            Ends::Latest => {
                let ends = record.limits.windows.iter().filter_map(|window| end_at(window.period, self.now));
                ends.fold(longest, u64::min)
            }
            Ends::Seconds(seconds) => self.now + u64::from(seconds),
            Ends::Longest(by) => shifted(longest, by),
            Ends::WindowEnd(which, by) => shifted(self.window_end(record, which).unwrap_or(longest), by),
            Ends::Now(by) => shifted(self.now, by),
        };
        u32::try_from(end).unwrap_or(u32::MAX)
    }
}

impl By {
    fn who(self, usual: Who) -> Who {
        match self {
            Self::Usual => usual,
            Self::Other(who) => who,
        }
    }
}

/// One of them, whatever the number; none of none.
pub(crate) fn nth<T>(all: &[T], which: u8) -> Option<&T> {
    all.get(usize::from(which) % all.len().max(1))
}

pub(crate) fn number(number: u32) -> U24 {
    U24::saturating_from(number)
}

fn hundredths(of: U256, part: u8) -> U256 {
    of.saturating_mul(U256::from(part)).div_ceil(U256::from(100))
}

fn moved(value: U256, by: i8) -> U256 {
    if by < 0 {
        value.saturating_sub(U256::from(by.unsigned_abs()))
    } else {
        value.saturating_add(U256::from(by.unsigned_abs()))
    }
}

fn shifted(time: u64, by: i8) -> u64 {
    time.saturating_add_signed(i64::from(by))
}
