//! Histories of an envelope, as steps that can be changed one at a time.

use bursar_sdk::{
    amount::Amount,
    score::{Blame, Event, Gravity, Standing, State},
    windows::Window,
};
use proptest::prelude::*;

pub(crate) const WEEK: u32 = 604_800;
/// Monday 2026-01-05 00:00 UTC.
pub(crate) const MONDAY: u64 = 1_767_571_200;
/// What the envelope may spend in a week, in atomic units.
pub(crate) const LIMIT: u64 = 3_500_000_000;

/// What became of a payment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    Delivered,
    /// Nobody recorded anything.
    Silence,
    Failed,
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Act {
    Pay { units: u64, standing: Standing, explained: bool, latency: u32, outcome: Outcome },
    Deny { gravity: Gravity, signed: bool },
    Answer { approved: bool },
}

/// What happens so many seconds after the step before.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Step {
    pub(crate) after: u64,
    pub(crate) act: Act,
}

pub(crate) fn limit(period: u32, units: u64) -> Window {
    Window { period, limit: Amount::new(units), used: Amount::ZERO, index: 0 }
}

/// An envelope with a week's limit and nothing in its past.
pub(crate) fn fresh(at: u64) -> State {
    let mut state = State::new(at);
    state.apply(at, &Event::Limits(&[limit(WEEK, LIMIT)]));
    state
}

/// The events of an act at `at`.
pub(crate) fn events(at: u64, act: Act) -> Vec<Event<'static>> {
    match act {
        Act::Pay { units, standing, explained, latency, outcome } => {
            let mut all = vec![Event::Settled { amount: Amount::new(units), standing }];
            if explained {
                all.push(Event::Explained { settled_at: at, standing, latency: Some(latency) });
            }
            match outcome {
                Outcome::Delivered => all.push(Event::Delivered { settled_at: at, standing }),
                Outcome::Failed => all.push(Event::Failed { settled_at: at, blame: Blame::Agent }),
                Outcome::Silence => {}
            }
            all
        }
        Act::Deny { gravity, signed } => vec![Event::Denied { gravity, signed }],
        Act::Answer { approved } => vec![Event::Answered { approved }],
    }
}

/// Plays steps from `start`; the state, and the time of the last step.
pub(crate) fn play(mut state: State, start: u64, steps: &[Step]) -> (State, u64) {
    let mut at = start;
    for step in steps {
        at += step.after;
        for event in events(at, step.act) {
            state.apply(at, &event);
        }
    }
    (state, at)
}

/// The score after those steps, `later` seconds on.
pub(crate) fn score(steps: &[Step], later: u64) -> u16 {
    let (state, at) = play(fresh(MONDAY), MONDAY, steps);
    state.evaluate(at + later).value
}

pub(crate) fn good_payment(units: u64) -> Act {
    Act::Pay { units, standing: Standing::Known, explained: true, latency: 4, outcome: Outcome::Delivered }
}

/// A payment a minute that all goes well.
pub(crate) fn good_history(payments: usize) -> Vec<Step> {
    vec![Step { after: 60, act: good_payment(LIMIT / 100_000) }; payments]
}

pub(crate) fn standing() -> impl Strategy<Value = Standing> {
    prop_oneof![3 => Just(Standing::Known), 1 => Just(Standing::New)]
}

fn outcome() -> impl Strategy<Value = Outcome> {
    prop_oneof![4 => Just(Outcome::Delivered), 1 => Just(Outcome::Silence), 1 => Just(Outcome::Failed)]
}

pub(crate) fn payment() -> impl Strategy<Value = Act> {
    (1..LIMIT / 50, standing(), prop::bool::weighted(0.95), 0u32..100, outcome()).prop_map(
        |(units, standing, explained, latency, outcome)| Act::Pay {
            units,
            standing,
            explained,
            latency,
            outcome,
        },
    )
}

pub(crate) fn gravity() -> impl Strategy<Value = Gravity> {
    prop_oneof![Just(Gravity::Circumstance), Just(Gravity::Limit), Just(Gravity::Tampering)]
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        8 => payment(),
        1 => gravity().prop_map(|gravity| Act::Deny { gravity, signed: true }),
        1 => prop::bool::weighted(0.8).prop_map(|approved| Act::Answer { approved }),
    ]
}

pub(crate) fn step() -> impl Strategy<Value = Step> {
    (prop_oneof![0u64..600, 0u64..100_000], act()).prop_map(|(after, act)| Step { after, act })
}

pub(crate) fn history() -> impl Strategy<Value = Vec<Step>> {
    prop::collection::vec(step(), 1..80)
}

/// How long after the last step somebody looks: at once, when everything is due, weeks later.
pub(crate) fn later() -> impl Strategy<Value = u64> {
    prop_oneof![Just(0), 0u64..5_000, 0u64..4_000_000]
}
