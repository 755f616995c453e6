//! Forty times the pace is flagged before a twentieth of the window's limit is gone; working hours are not.

use bursar_sdk::{
    amount::Amount,
    score::{Cause, Event, Reason, Standing, State},
    windows::ANCHOR,
};
use proptest::prelude::*;

use super::history::{MONDAY, WEEK, limit};

const LIMIT: u64 = 1_000_000_000_000;

fn pay(state: &mut State, at: u64, units: u64) {
    let (amount, standing) = (Amount::new(units), Standing::Known);
    state.apply(at, &Event::Settled { amount, standing });
    state.apply(at, &Event::Explained { settled_at: at, standing, latency: Some(2) });
    state.apply(at, &Event::Delivered { settled_at: at, standing });
}

/// An agent that spent evenly at so many thousandths of its pace, up to `end`.
fn steady(period: u32, thousandths: u64, end: u64) -> State {
    let start = end.saturating_sub(u64::from(period) * 2).max(ANCHOR);
    let mut state = State::new(start);
    state.apply(start, &Event::Limits(&[limit(period, LIMIT)]));
    let payments = 400u64;
    let each = LIMIT / payments * 2 * thousandths / 1_000;
    for i in 0..payments {
        if each > 0 {
            pay(&mut state, start + (end - start) * i / payments, each);
        }
    }
    state
}

/// What was spent from `start` on at `times` the pace until a human had to look, in atomic units.
fn spent_until_review(state: &mut State, period: u32, start: u64, each: u64, times: u64) -> u64 {
    let mut spent = 0;
    while state.review(start).is_none() && spent < LIMIT {
        let at = start + spent * u64::from(period) / (LIMIT * times);
        pay(state, at, each);
        spent += each;
    }
    spent
}

#[test]
fn forty_times_the_pace_from_a_weeks_first_second_is_flagged_by_its_reason() {
    let mut state = State::new(MONDAY);
    state.apply(MONDAY, &Event::Limits(&[limit(WEEK, LIMIT)]));
    let spent = spent_until_review(&mut state, WEEK, MONDAY, LIMIT / 2_000, 40);
    assert!(spent < LIMIT / 20, "{spent}");
    assert_eq!(state.review(MONDAY).map(|review| review.cause), Some(Cause::Below(600)));
    assert_eq!(state.evaluate(state.at()).reasons()[..2], [Reason::Projected, Reason::Burst]);
}

#[test]
fn a_steady_agent_that_uses_its_week_is_never_flagged() {
    let mut state = State::new(MONDAY);
    state.apply(MONDAY, &Event::Limits(&[limit(WEEK, LIMIT)]));
    for i in 0..4 * 7 * 400 {
        pay(&mut state, MONDAY + i * 216, LIMIT / 2_800);
        assert_eq!(state.review(state.at()), None, "payment {i}");
    }
    assert!(state.evaluate(state.at()).value > 800);
}

#[test]
fn working_hours_are_no_burst() {
    // 80 % of the limit in eight hours of five days: more than three times the pace while at work.
    let mut state = State::new(MONDAY);
    state.apply(MONDAY, &Event::Limits(&[limit(WEEK, LIMIT)]));
    for day in (0..28).filter(|day| day % 7 < 5) {
        for i in 0..400 {
            pay(&mut state, MONDAY + day * 86_400 + 32_400 + i * 72, LIMIT / 5 * 4 / 2_000);
            assert_eq!(state.review(state.at()), None, "payment {i} of day {day}");
        }
    }
}

#[test]
fn spending_at_twice_the_pace_is_flagged_before_the_limit_is_gone() {
    let mut state = State::new(MONDAY);
    state.apply(MONDAY, &Event::Limits(&[limit(WEEK, LIMIT)]));
    let spent = spent_until_review(&mut state, WEEK, MONDAY, LIMIT / 2_000, 2);
    assert!(spent < LIMIT * 3 / 4, "{spent}");
}

#[test]
fn a_burst_across_the_turn_of_a_window_is_flagged() {
    let mut state = steady(WEEK, 0, MONDAY - 300);
    let spent = spent_until_review(&mut state, WEEK, MONDAY - 300, LIMIT / 2_000, 40);
    assert!(spent < LIMIT / 20, "{spent}");
}

#[test]
fn another_limit_or_period_keeps_what_was_spent() {
    let mut state = steady(WEEK, 1_000, MONDAY + 300_000);
    let at = state.at();
    let before = state.evaluate(at).inputs;
    state.apply(at, &Event::Limits(&[limit(WEEK, LIMIT / 2)]));
    let halved = state.evaluate(at).inputs;
    assert!(halved.used.abs_diff(before.used * 2) <= 1 && halved.pace.abs_diff(before.pace * 2) <= 1);
    // A window twice as long with twice the limit is the same pace.
    state.apply(at, &Event::Limits(&[limit(WEEK * 2, LIMIT)]));
    let longer = state.evaluate(at).inputs;
    assert!(longer.pace.abs_diff(before.pace * 2) <= 2, "{} {}", longer.pace, before.pace);
    assert_eq!(longer.used, before.used);
}

#[test]
fn a_lifetime_limit_alone_is_held_against_a_week() {
    let mut state = State::new(MONDAY);
    state.apply(MONDAY, &Event::Limits(&[limit(0, LIMIT)]));
    pay(&mut state, MONDAY, LIMIT / 100);
    let inputs = state.evaluate(MONDAY).inputs;
    assert_eq!((inputs.limited, inputs.used), (true, 10_000));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn forty_times_the_pace_is_flagged_before_a_twentieth_of_the_limit(
        period in 86_400u32..8_000_000,
        thousandths in 0u64..900,
        offset in 0u64..16_000_000,
        pieces in 1_000u64..20_000,
    ) {
        let start = MONDAY + offset;
        let mut state = steady(period, thousandths, start);
        // An even history of its own is no reason, whatever it ended on.
        state.apply(start, &Event::Cleared { overriding: true });
        prop_assume!(state.review(start).is_none());
        let spent = spent_until_review(&mut state, period, start, LIMIT / pieces, 40);
        prop_assert!(spent < LIMIT / 20, "{} of {}", spent, LIMIT);
    }
}
