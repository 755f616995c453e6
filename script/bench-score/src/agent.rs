//! One agent: what it does next, and its score.

use bursar_sdk::{
    amount::Amount,
    score::{Blame, Evaluation, Event, Gravity, PayeeRecord, Standing, State},
    windows::{Limits, Window, index_at},
};

use crate::fleet::{MONDAY, Week};

/// What an envelope may spend in a week, in atomic units.
pub(crate) const LIMIT: u64 = 3_500_000_000;

const DAY: u32 = 86_400;
const WEEK: u32 = 604_800;
/// How many payees an agent keeps to; they are on its policy's list.
const PAYEES: usize = 4;

/// How an agent goes about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Steady,
    /// Forty times its budget, from some day on; every session within its limit.
    Runaway,
    /// A new payee for every payment.
    Sprayer,
    /// Every tenth payment unexplained.
    Unexplained,
    /// Every eighth payment brings nothing, each of another payee.
    Undelivered,
    /// Refused once in six attempts.
    Refused,
    /// A minute from decision to settlement.
    Slow,
}

impl Kind {
    pub(crate) const ALL: [Self; 7] = [
        Self::Steady,
        Self::Runaway,
        Self::Sprayer,
        Self::Unexplained,
        Self::Undelivered,
        Self::Refused,
        Self::Slow,
    ];

    /// Six in fifty are out of line, one of each kind; the first agents are of all kinds.
    pub(crate) fn of(number: u64) -> Self {
        let at = usize::try_from(number % 50).unwrap_or(0);
        Self::ALL.get(at).copied().unwrap_or(Self::Steady)
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Steady => "steady",
            Self::Runaway => "runaway",
            Self::Sprayer => "sprayer",
            Self::Unexplained => "unexplained",
            Self::Undelivered => "undelivered",
            Self::Refused => "refused",
            Self::Slow => "slow",
        }
    }
}

/// What a session comes to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Session {
    pub(crate) at: u64,
    pub(crate) units: u64,
    /// Which payee; the first ones are listed.
    pub(crate) payee: u64,
    pub(crate) latency: u32,
    pub(crate) explained: bool,
    pub(crate) delivered: bool,
    pub(crate) refused: bool,
    /// Whether the agent has run away by now.
    pub(crate) is_runaway: bool,
}

/// What an agent does, session by session.
#[derive(Debug, Clone)]
pub(crate) struct Script {
    pub(crate) kind: Kind,
    week: Week,
    dice: u64,
    next: u64,
    /// The session from which on it runs away, if it does.
    turns: u64,
}

impl Script {
    pub(crate) fn new(number: u64, week: Week) -> Self {
        let mut script = Self {
            kind: Kind::of(number),
            week,
            dice: number.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1,
            next: 0,
            turns: 0,
        };
        script.turns = script.roll() % week.all().max(1);
        script
    }

    pub(crate) fn session(&mut self) -> Session {
        let serial = self.next;
        self.next += 1;
        let every = u64::from(DAY) / self.week.sessions;
        let at = MONDAY + serial * u64::from(DAY) / self.week.sessions + self.roll() % every.max(1);
        // On average, seven tenths of the budget.
        let fair = LIMIT / (self.week.sessions * 7);
        let units = fair * (30 + self.roll() % 81) / 100;
        let is_runaway = self.kind == Kind::Runaway && serial >= self.turns;
        let dice = self.roll();
        let delivered = self.kind != Kind::Undelivered || serial % 8 != 7;
        let is_stray = self.kind == Kind::Sprayer || !delivered;
        Session {
            at,
            units: if is_runaway { fair * 40 } else { units },
            payee: if is_stray { serial + PAYEES as u64 } else { dice % PAYEES as u64 },
            latency: if self.kind == Kind::Slow { 60 } else { 2 + u32::try_from(dice % 7).unwrap_or(0) },
            explained: self.kind != Kind::Unexplained || serial % 10 != 9,
            delivered,
            refused: self.kind == Kind::Refused && serial % 5 == 4,
            is_runaway,
        }
    }

    /// xorshift64*: repeats from run to run.
    fn roll(&mut self) -> u64 {
        self.dice ^= self.dice >> 12;
        self.dice ^= self.dice << 25;
        self.dice ^= self.dice >> 27;
        self.dice.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 16
    }
}

/// An agent with its ledger and score.
#[derive(Debug, Clone)]
pub(crate) struct Agent {
    pub(crate) script: Script,
    pub(crate) state: State,
    limits: Limits,
    payees: [Option<PayeeRecord>; PAYEES],
    /// What it spent since it ran away, and what of that before a human had to look.
    spent: u64,
    pub(crate) spent_until_review: Option<u64>,
    pub(crate) events: u64,
}

impl Agent {
    pub(crate) fn new(number: u64, week: Week) -> Self {
        let limit = |period, units| Window {
            period,
            limit: Amount::new(units),
            used: Amount::ZERO,
            index: index_at(period, MONDAY),
        };
        let windows = vec![limit(DAY, LIMIT), limit(WEEK, LIMIT), limit(0, LIMIT * 60)];
        Self {
            script: Script::new(number, week),
            state: State::new(MONDAY),
            limits: Limits { windows, windows_since: 0 },
            payees: [None; PAYEES],
            spent: 0,
            spent_until_review: None,
            events: 0,
        }
    }

    /// Takes in the next session; the score after it.
    pub(crate) fn step(&mut self) -> Evaluation {
        let session = self.script.session();
        let (at, settled_at) = (session.at, session.at + u64::from(session.latency));
        let amount = Amount::new(session.units);
        self.limits.windows.iter_mut().for_each(|window| draw(window, at, amount));
        self.apply_limits(at);
        if session.refused {
            self.apply(at, &Event::Denied { gravity: Gravity::Limit, signed: true });
        }
        let standing = self.pay(&session, amount);
        self.apply(settled_at, &Event::Settled { amount, standing });
        if session.explained {
            let latency = Some(session.latency);
            self.apply(settled_at, &Event::Explained { settled_at, standing, latency });
        }
        let outcome = if session.delivered {
            Event::Delivered { settled_at, standing }
        } else {
            Event::Failed { settled_at, blame: self.blame(&session) }
        };
        self.apply(settled_at, &outcome);
        self.watch(&session);
        self.apply_limits(settled_at)
    }

    fn apply(&mut self, at: u64, event: &Event<'_>) -> Evaluation {
        self.events += 1;
        self.state.apply(at, event)
    }

    fn apply_limits(&mut self, at: u64) -> Evaluation {
        self.events += 1;
        self.state.apply(at, &Event::Limits(&self.limits.windows))
    }

    fn pay(&mut self, session: &Session, amount: Amount) -> Standing {
        let mut once = None;
        let kept = usize::try_from(session.payee).ok().and_then(|at| self.payees.get_mut(at));
        let is_listed = kept.is_some();
        let record = kept.unwrap_or(&mut once);
        record.get_or_insert(PayeeRecord::new(session.at)).paid(session.at, amount, false, is_listed)
    }

    fn blame(&mut self, session: &Session) -> Blame {
        let mut once = PayeeRecord::new(session.at);
        let kept = usize::try_from(session.payee).ok().and_then(|at| self.payees.get_mut(at)?.as_mut());
        kept.unwrap_or(&mut once).failed(session.at)
    }

    fn watch(&mut self, session: &Session) {
        if session.is_runaway && self.spent_until_review.is_none() {
            self.spent += session.units;
            self.spent_until_review = self.state.review(0).map(|_| self.spent);
        }
    }
}

/// Counts without judging: the treasury would have refused a runaway long before.
fn draw(window: &mut Window, at: u64, amount: Amount) {
    let used = window.used_at(at);
    window.used = used.checked_add(amount).unwrap_or(used);
    window.index = index_at(window.period, at);
}
