//! Those who are not the agent cannot lower its score: strangers not at all, one payee not much.

use bursar_sdk::{
    amount::Amount,
    score::{Event, Gravity, PayeeRecord, REVIEW, Standing, State},
};
use proptest::prelude::*;

use super::history::{
    Act, LIMIT, MONDAY, Outcome, Step, fresh, good_history, gravity, history, later, play, score,
};

#[test]
fn a_flood_of_denials_that_the_agent_did_not_sign_is_not_there() {
    let mut state = fresh(MONDAY);
    let before = state;
    for _ in 0..10_000 {
        state.apply(MONDAY, &Event::Denied { gravity: Gravity::Tampering, signed: false });
    }
    assert_eq!(state, before);
}

#[test]
fn what_is_not_of_the_agents_doing_neither_counts_nor_dilutes() {
    let mut state = fresh(MONDAY);
    let before = state;
    state.apply(MONDAY, &Event::Denied { gravity: Gravity::Circumstance, signed: true });
    assert_eq!(state, before);
}

#[test]
fn one_payee_that_never_delivers_does_not_bring_a_review() {
    let (mut state, mut at) = play(fresh(MONDAY), MONDAY, &good_history(20));
    let good = state.evaluate(at).value;
    let mut payee = PayeeRecord::new(at);
    for _ in 0..500 {
        at += 60;
        let standing = payee.paid(at, Amount::new(1_000), false, true);
        state.apply(at, &Event::Settled { amount: Amount::new(1_000), standing });
        state.apply(at, &Event::Explained { settled_at: at, standing, latency: Some(4) });
        let blame = payee.failed(at);
        state.apply(at, &Event::Failed { settled_at: at, blame });
    }
    assert!(state.evaluate(at).value >= good - 45, "{} to {}", good, state.evaluate(at).value);
    assert_eq!(state.review(at + 5_000), None);
    assert_eq!(payee.failures, 500);
}

#[test]
fn failures_of_many_payees_are_the_agents() {
    let fail = |blame_each: bool| {
        let (mut state, mut at) = play(fresh(MONDAY), MONDAY, &good_history(60));
        let mut one = PayeeRecord::new(at);
        for _ in 0..40 {
            at += 60;
            let mut payee = if blame_each { PayeeRecord::new(at) } else { one };
            state.apply(at, &Event::Settled { amount: Amount::new(1_000), standing: Standing::Known });
            let standing = Standing::Known;
            state.apply(at, &Event::Explained { settled_at: at, standing, latency: Some(4) });
            state.apply(at, &Event::Failed { settled_at: at, blame: payee.failed(at) });
            if !blame_each {
                one = payee;
            }
        }
        state.evaluate(at).inputs.completion
    };
    assert!(fail(true) < 650_000 && fail(false) > 950_000);
}

#[test]
fn slow_settlement_alone_never_brings_a_review() {
    let slow = Act::Pay {
        units: 1_000,
        standing: Standing::Known,
        explained: true,
        latency: u32::MAX,
        outcome: Outcome::Delivered,
    };
    let mut steps = good_history(100);
    steps.extend(vec![Step { after: 60, act: slow }; 400]);
    let (state, at) = play(fresh(MONDAY), MONDAY, &steps);
    assert!(state.evaluate(at).value >= REVIEW);
    assert_eq!(state.review(at), None);
}

#[test]
fn a_donation_changes_no_score_and_dust_takes_nothing_from_later_payments() {
    let mut payee = PayeeRecord::new(0);
    payee.gave_back(Amount::new(499));
    assert_eq!(payee.paid(MONDAY, Amount::new(1_000), false, false), Standing::Known);
}

proptest! {
    #[test]
    fn denials_of_others_change_no_score_at_any_time(
        steps in history(),
        noise in prop::collection::vec((0usize..80, 0u64..100_000, gravity()), 0..20),
        later in later(),
    ) {
        let mut noisy: State = fresh(MONDAY);
        let (quiet, end) = play(fresh(MONDAY), MONDAY, &steps);
        let mut at = MONDAY;
        for (i, step) in steps.iter().enumerate() {
            for (_, early, gravity) in noise.iter().filter(|(place, ..)| *place == i) {
                noisy.apply(at + early % (step.after + 1), &Event::Denied { gravity: *gravity, signed: false });
            }
            (noisy, at) = play(noisy, at, std::slice::from_ref(step));
        }
        prop_assert_eq!(noisy, quiet);
        prop_assert_eq!(noisy.evaluate(end + later), quiet.evaluate(end + later));
    }

    #[test]
    fn what_counts_against_a_payee_only_never_lowers_a_score(steps in history(), later in later()) {
        let failed = |blame| {
            let (mut state, at) = play(fresh(MONDAY), MONDAY, &steps);
            state.apply(at, &Event::Settled { amount: Amount::new(1), standing: Standing::Known });
            let standing = Standing::Known;
            state.apply(at, &Event::Explained { settled_at: at, standing, latency: Some(1) });
            state.apply(at, &Event::Failed { settled_at: at, blame });
            state.evaluate(at + later).inputs
        };
        use bursar_sdk::score::Blame;
        let (state, at) = play(fresh(MONDAY), MONDAY, &steps);
        let before = state.evaluate(at + later).inputs;
        prop_assert!(failed(Blame::Payee).completion >= before.completion);
        prop_assert!(failed(Blame::Agent).completion <= before.completion);
        prop_assert!(failed(Blame::Agent).completion <= failed(Blame::Payee).completion);
    }

    #[test]
    fn a_denial_of_the_agents_own_never_helps(steps in history(), gravity in gravity(), later in later()) {
        let mut more = steps.clone();
        more.push(Step { after: 0, act: Act::Deny { gravity, signed: true } });
        prop_assert!(score(&more, later) <= score(&steps, later));
    }
}

#[test]
fn spending_a_limit_by_own_draws_shows() {
    // The counterpart: what is the agent's own doing does lower the score.
    let steps = vec![Step { after: 60, act: super::history::good_payment(LIMIT / 20) }; 25];
    assert!(score(&steps, 0) < REVIEW);
}
