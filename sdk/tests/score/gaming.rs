//! Ways to look better than one is, and that they do not pay.

use bursar_sdk::{
    amount::Amount,
    score::{Event, Gravity, PayeeRecord, Standing},
};
use proptest::prelude::*;

use super::history::{
    Act, LIMIT, MONDAY, Outcome, Step, fresh, good_history, history, later, payment, play, score,
};

/// The same payment, to the treasury's own purse.
fn to_oneself(act: Act) -> Act {
    match act {
        Act::Pay { units, explained, latency, outcome, .. } => {
            Act::Pay { units, standing: Standing::Own, explained, latency, outcome }
        }
        other => other,
    }
}

#[test]
fn a_new_payee_costs_what_is_paid_to_it() {
    let spray = |each: u64| {
        let mut steps = good_history(300);
        let act = Act::Pay {
            units: each,
            standing: Standing::New,
            explained: true,
            latency: 4,
            outcome: Outcome::Delivered,
        };
        steps.extend(vec![Step { after: 60, act }; 25]);
        score(&steps, 0)
    };
    let known = score(&good_history(325), 0);
    assert_eq!(known, 850);
    // 25 payees with three times as much as all the others together.
    assert!(spray(LIMIT / 100_000 * 36) <= known - 50, "{}", spray(LIMIT / 100_000 * 36));
    assert!(spray(LIMIT / 100_000 * 4) < known);
}

#[test]
fn money_that_goes_round_earns_once() {
    let round = |loops: usize| {
        let (mut state, mut at) = play(fresh(MONDAY), MONDAY, &good_history(10));
        let mut payee = PayeeRecord::new(0);
        let amount = Amount::new(20_000);
        for _ in 0..loops {
            at += 60;
            let standing = payee.paid(at, amount, false, false);
            state.apply(at, &Event::Settled { amount, standing });
            state.apply(at, &Event::Explained { settled_at: at, standing, latency: Some(1) });
            state.apply(at, &Event::Delivered { settled_at: at, standing });
            payee.gave_back(amount);
        }
        state.evaluate(at).inputs
    };
    let (once, often) = (round(1), round(500));
    assert_eq!(often.settlements, once.settlements);
    assert_eq!((often.completion, often.coverage), (once.completion, once.coverage));
    assert!(often.used > once.used);
}

#[test]
fn hiding_the_records_of_slow_settlements_does_not_pay() {
    let twelve_slow = |hidden: usize| {
        let mut steps = good_history(200);
        for (i, step) in steps.iter_mut().take(12).enumerate() {
            step.act = Act::Pay {
                units: LIMIT / 100_000,
                standing: Standing::Known,
                explained: i >= hidden,
                latency: 500,
                outcome: Outcome::Delivered,
            };
        }
        score(&steps, 5_000)
    };
    let shown = twelve_slow(0);
    assert_eq!(shown, 810);
    assert!((1..=9).all(|hidden| twelve_slow(hidden) < shown));
}

#[test]
fn rejections_cannot_be_drowned_in_requests_that_nobody_answers() {
    // An unanswered request is no event at all; every answer that rejects counts.
    let mut state = fresh(MONDAY);
    let before = state.evaluate(MONDAY).inputs.rejections;
    state.apply(MONDAY, &Event::Answered { approved: false });
    assert!(state.evaluate(MONDAY).inputs.rejections > before);
}

#[test]
fn gravity_follows_the_gravest_reason() {
    use bursar_sdk::refusal::Refusal;
    assert_eq!(Gravity::of(&[]), Gravity::Circumstance);
    assert_eq!(Gravity::of(&[Refusal::EnvelopeFrozen, Refusal::PayeeNotListed]), Gravity::Limit);
    assert_eq!(Gravity::of(&[Refusal::DigestMismatch, Refusal::PayeeNotListed]), Gravity::Tampering);
}

/// One step's payment made worse in one respect.
fn worsened(act: Act, how: usize) -> Act {
    let Act::Pay { units, mut standing, mut explained, mut latency, mut outcome } = act else { return act };
    match how {
        0 => standing = Standing::New,
        1 => explained = false,
        2 => latency = latency.saturating_mul(3),
        3 => outcome = Outcome::Silence,
        4 => outcome = Outcome::Failed,
        _ if standing == Standing::Known && explained && outcome == Outcome::Delivered => {
            standing = Standing::Own;
        }
        _ => {}
    }
    Act::Pay { units, standing, explained, latency, outcome }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn paying_oneself_never_helps(
        steps in history(),
        extra in prop::collection::vec((0usize..80, payment()), 1..30),
        later in later(),
    ) {
        let mut washed = steps.clone();
        for (place, act) in extra {
            let place = place.min(washed.len());
            washed.insert(place, Step { after: 0, act: to_oneself(act) });
        }
        prop_assert!(score(&washed, later) <= score(&steps, later));
    }

    #[test]
    fn a_payment_that_goes_worse_never_helps(
        steps in history(), place in any::<prop::sample::Index>(), how in 0usize..5, later in later(),
    ) {
        let mut worse = steps.clone();
        let step = place.get(&steps);
        let i = place.index(steps.len());
        // Once its outcome is due: before, silence is not told from a delivery on its way.
        let later = later.max(1_300);
        worse[i].act = worsened(step.act, how);
        prop_assert!(score(&worse, later) <= score(&steps, later));
    }

    #[test]
    fn paying_others_instead_of_known_payees_never_helps(
        steps in history(), which in prop::collection::vec(any::<bool>(), 80), later in later(),
    ) {
        let mut sprayed = steps.clone();
        for (step, swap) in sprayed.iter_mut().zip(which) {
            if swap {
                step.act = worsened(step.act, 0);
            }
        }
        prop_assert!(score(&sprayed, later) <= score(&steps, later));
    }

    #[test]
    fn spraying_on_top_never_helps_who_is_in_good_standing(
        sprayed in prop::collection::vec(1..LIMIT / 1_000, 1..60), later in later(),
    ) {
        let good = good_history(1_000);
        let mut more = good.clone();
        more.extend(sprayed.into_iter().map(|units| {
            let act = Act::Pay {
                units,
                standing: Standing::New,
                explained: true,
                latency: 4,
                outcome: Outcome::Delivered,
            };
            Step { after: 0, act }
        }));
        prop_assert!(score(&more, later) <= score(&good, later));
    }
}
