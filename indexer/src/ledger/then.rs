//! What is kept of a row to tell how it stood after a block, and after which blocks it is.
//!
//! A row as of a height is the last one that is kept at or below it. Payments alone leave one each time that their count
//! has passed a multiple of [`STEP`]: what was paid since then is added up, and is never more than a few.

use alloy::primitives::{Address, U256};

use super::{EnvelopeRow, Key, LimitUse, Row, SessionRow};

/// Fewer payments than this come after what is kept of an envelope or a session, until it is kept again.
pub const STEP: u64 = 64;

/// How a row stood, as far as that is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Then {
    /// A treasury.
    Treasury(TreasuryThen),
    /// Whether a group was frozen.
    Group(bool),
    /// An envelope.
    Envelope(Box<EnvelopeThen>),
    /// What the limits of an envelope had counted.
    Limits(Vec<LimitUse>),
    /// Whether a payee was on the list.
    Payee(bool),
    /// A session.
    Session(SessionThen),
}

/// How a treasury stood.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[allow(missing_docs)] // As its row has them.
pub struct TreasuryThen {
    pub frozen: bool,
    pub stamp_epoch: u32,
}

/// How an envelope stood.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)] // As its row has them.
pub struct EnvelopeThen {
    pub agent: Address,
    pub group: u32,
    pub permit2: bool,
    pub frozen: bool,
    pub under_review: bool,
    pub policy_version: u16,
    pub score_life: u32,
    pub score: u16,
    pub scored_at: u64,
    pub funded: U256,
    pub withdrawn: U256,
    pub drawn: U256,
    pub returned: U256,
    pub donated: U256,
    pub paid: Paid,
}

/// How a session stood.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[allow(missing_docs)] // As its row has them.
pub struct SessionThen {
    pub frozen: bool,
    pub closed: bool,
    pub paid: Paid,
}

/// What was paid in all, and in how many payments.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Paid {
    /// How much, in the asset's atomic units.
    pub sum: U256,
    /// In how many payments.
    pub payments: u64,
}

impl Then {
    /// What is told of what has that key; `None` where nothing is.
    pub fn of(key: &Key, row: Option<&Row>) -> Option<Self> {
        Some(match (key, row) {
            (Key::Payee(..), row) => Self::Payee(row.is_some()),
            (Key::Treasury(_), Some(Row::Treasury(row))) => {
                Self::Treasury(TreasuryThen { frozen: row.frozen, stamp_epoch: row.stamp_epoch })
            }
            (Key::Group(..), Some(Row::Group(row))) => Self::Group(row.frozen),
            (Key::Envelope(..), Some(Row::Envelope(row))) => Self::Envelope(Box::new(row.as_ref().into())),
            (Key::Limits(..), Some(Row::Limits(uses))) => Self::Limits(uses.clone()),
            // A policy that sets none leaves no row.
            (Key::Limits(..), None) => Self::Limits(Vec::new()),
            (Key::Session(..), Some(Row::Session(row))) => Self::Session(row.as_ref().into()),
            _ => return None,
        })
    }

    /// Whether it is kept, after a block before which it stood like that. What nothing is kept of was never stopped, never
    /// listed, and has no limits.
    pub fn is_kept_after(&self, before: Option<&Self>) -> bool {
        match (before, self) {
            (None, Self::Treasury(now)) => *now != TreasuryThen::default(),
            (None, Self::Group(now) | Self::Payee(now)) => *now,
            (None, Self::Limits(now)) => !now.is_empty(),
            (Some(Self::Envelope(was)), Self::Envelope(now)) => {
                now.paid.has_passed_a_step(was.paid)
                    || **was != EnvelopeThen { paid: was.paid, ..now.as_ref().clone() }
            }
            (Some(Self::Session(was)), Self::Session(now)) => {
                now.paid.has_passed_a_step(was.paid) || *was != SessionThen { paid: was.paid, ..*now }
            }
            (before, now) => before != Some(now),
        }
    }
}

impl Paid {
    fn has_passed_a_step(self, before: Self) -> bool {
        self.payments / STEP != before.payments / STEP
    }

    /// With one more payment.
    #[must_use]
    pub fn and(self, amount: U256) -> Self {
        Self { sum: self.sum.saturating_add(amount), payments: self.payments.saturating_add(1) }
    }
}

impl From<&EnvelopeRow> for EnvelopeThen {
    fn from(row: &EnvelopeRow) -> Self {
        Self {
            agent: row.agent,
            group: row.group,
            permit2: row.permit2,
            frozen: row.frozen,
            under_review: row.under_review,
            policy_version: row.policy_version,
            score_life: row.score_life,
            score: row.score,
            scored_at: row.scored_at,
            funded: row.funded,
            withdrawn: row.withdrawn,
            drawn: row.drawn,
            returned: row.returned,
            donated: row.donated,
            paid: Paid { sum: row.paid, payments: row.payments },
        }
    }
}

impl From<&SessionRow> for SessionThen {
    fn from(row: &SessionRow) -> Self {
        Self {
            frozen: row.frozen,
            closed: row.closed_at.is_some(),
            paid: Paid { sum: row.paid, payments: row.payments },
        }
    }
}

#[cfg(test)]
mod tests {
    use bursar_sdk::amount::Amount;

    use super::*;

    fn envelope(agent: u8, payments: u64) -> EnvelopeThen {
        EnvelopeThen {
            agent: Address::repeat_byte(agent),
            group: 0,
            permit2: false,
            frozen: false,
            under_review: false,
            policy_version: 1,
            score_life: 0,
            score: 0,
            scored_at: 0,
            funded: U256::from(900),
            withdrawn: U256::ZERO,
            drawn: U256::ZERO,
            returned: U256::ZERO,
            donated: U256::ZERO,
            paid: Paid { sum: U256::from(payments), payments },
        }
    }

    fn kept(before: Option<EnvelopeThen>, now: EnvelopeThen) -> bool {
        let then = |it| Then::Envelope(Box::new(it));
        then(now).is_kept_after(before.map(then).as_ref())
    }

    #[test]
    fn limits_that_a_policy_takes_away_are_gone() {
        let key = Key::Limits(Address::repeat_byte(1), 1);
        let one = LimitUse { period: 60, limit: Amount::MAX, used: Amount::ZERO, index: 0 };
        let of = |row: Option<Row>| Then::of(&key, row.as_ref());
        let (none, some) = (of(None), of(Some(Row::Limits(vec![one]))));
        let kept = |before: &Option<Then>, now: &Option<Then>| {
            now.as_ref().map(|now| now.is_kept_after(before.as_ref()))
        };
        assert_eq!(kept(&some, &none), Some(true));
        assert_eq!(kept(&none, &some), Some(true));
        assert_eq!(kept(&none, &none), Some(false));
    }

    #[test]
    fn payments_alone_are_kept_at_each_step() {
        let session = |payments| {
            let paid = Paid { sum: U256::from(payments), payments };
            Then::Session(SessionThen { paid, ..Default::default() })
        };
        for (before, now, expected) in [
            (0, STEP - 1, false),
            (STEP - 2, STEP - 1, false),
            (STEP - 1, STEP, true),
            (STEP - 1, STEP + 1, true),
            (STEP, STEP + 1, false),
            (STEP, 2 * STEP - 1, false),
            (1, 5 * STEP, true),
        ] {
            let told = format!("{before} to {now}");
            assert_eq!(kept(Some(envelope(1, before)), envelope(1, now)), expected, "{told}");
            assert_eq!(session(now).is_kept_after(Some(&session(before))), expected, "{told}");
        }
    }

    #[test]
    fn whatever_else_is_told_is_kept_at_once() {
        assert!(kept(None, envelope(1, 0)), "it was created");
        assert!(!kept(Some(envelope(1, 0)), envelope(1, 0)), "nothing has changed");
        let changes: [fn(&mut EnvelopeThen); 14] = [
            |it| it.agent = Address::repeat_byte(2),
            |it| it.group = 1,
            |it| it.permit2 = true,
            |it| it.frozen = true,
            |it| it.under_review = true,
            |it| it.policy_version = 2,
            |it| it.score_life = 1,
            |it| it.score = 1,
            |it| it.scored_at = 1,
            |it| it.funded = U256::from(901),
            |it| it.withdrawn = U256::from(1),
            |it| it.drawn = U256::from(1),
            |it| it.returned = U256::from(1),
            |it| it.donated = U256::from(1),
        ];
        for (place, change) in changes.into_iter().enumerate() {
            let mut now = envelope(1, 5);
            change(&mut now);
            assert!(kept(Some(envelope(1, 0)), now), "change {place}");
        }
        let session = SessionThen::default();
        assert!(Then::Session(session).is_kept_after(None), "it was opened");
        for now in [SessionThen { frozen: true, ..session }, SessionThen { closed: true, ..session }] {
            assert!(Then::Session(now).is_kept_after(Some(&Then::Session(session))));
        }
    }

    #[test]
    fn what_was_never_stopped_takes_no_row() {
        let treasury = |frozen, stamp_epoch| Then::Treasury(TreasuryThen { frozen, stamp_epoch });
        let uses = vec![LimitUse { period: 60, limit: Amount::new(9), used: Amount::ZERO, index: 1 }];
        for nothing in [treasury(false, 0), Then::Group(false), Then::Payee(false), Then::Limits(Vec::new())]
        {
            assert!(!nothing.is_kept_after(None), "{nothing:?}");
            assert!(!nothing.is_kept_after(Some(&nothing)), "{nothing:?}");
        }
        let none = Then::Limits(Vec::new());
        for (before, now) in [
            (treasury(false, 0), treasury(true, 0)),
            (treasury(false, 0), treasury(false, 1)),
            (Then::Group(false), Then::Group(true)),
            (Then::Payee(false), Then::Payee(true)),
            (none, Then::Limits(uses)),
        ] {
            assert!(now.is_kept_after(None), "{now:?}");
            assert!(now.is_kept_after(Some(&before)), "{now:?}");
            assert!(before.is_kept_after(Some(&now)), "{before:?}");
        }
    }
}
