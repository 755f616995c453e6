//! A score is a function of its events: to the bit, at every height, wherever one starts from.

use bursar_sdk::{
    amount::Amount,
    score::{Blame, CEILING, Event, FLOOR, Standing, State},
    windows::Window,
};
use proptest::prelude::*;

use super::history::{
    LIMIT, MONDAY, WEEK, events, fresh, gravity, history, later, limit, play, standing, step,
};

fn stored(state: &State) -> Result<State, serde_json::Error> {
    serde_json::from_str(&serde_json::to_string(state)?)
}

#[test]
fn a_state_takes_the_same_room_after_a_hundred_thousand_payments() -> Result<(), serde_json::Error> {
    let mut state = fresh(MONDAY);
    let mut at = MONDAY;
    for i in 0..100_000u64 {
        at += 5;
        state.apply(at, &Event::Settled { amount: Amount::new(i), standing: Standing::Known });
    }
    assert!(size_of::<State>() <= 1_024, "{}", size_of::<State>());
    assert!(serde_json::to_string(&state)?.len() < 3_000);
    Ok(())
}

#[test]
fn what_comes_late_counts_as_of_now() {
    let mut state = fresh(MONDAY + 1_000);
    let late = Event::Settled { amount: Amount::new(7), standing: Standing::Known };
    state.apply(MONDAY, &late);
    let mut on_time = fresh(MONDAY + 1_000);
    on_time.apply(MONDAY + 1_000, &late);
    assert_eq!(state, on_time);
}

#[test]
fn a_record_that_comes_weeks_late_mends_what_its_absence_cost() {
    let late = |weeks: u64| {
        let mut state = fresh(MONDAY);
        for _ in 0..40 {
            state.apply(MONDAY, &Event::Settled { amount: Amount::new(9), standing: Standing::Known });
        }
        let at = MONDAY + weeks * u64::from(WEEK);
        assert!(weeks == 0 || state.evaluate(at).inputs.coverage == 0);
        for _ in 0..40 {
            let standing = Standing::Known;
            state.apply(at, &Event::Explained { settled_at: MONDAY, standing, latency: Some(1) });
        }
        state.evaluate(at).inputs.coverage
    };
    assert_eq!([late(0), late(1), late(5)], [1_000_000; 3]);
}

#[test]
fn what_is_missing_counts_once_it_is_due() {
    let mut state = fresh(MONDAY);
    for _ in 0..40 {
        state.apply(MONDAY, &Event::Settled { amount: Amount::new(9), standing: Standing::Known });
    }
    assert_eq!(state.evaluate(MONDAY + 1_199).inputs.coverage, 1_000_000);
    assert_eq!(state.evaluate(MONDAY + 1_200).inputs.coverage, 0);
    assert_eq!(state.evaluate(MONDAY + 1_200).value, 499);
    assert!(state.review(MONDAY + 1_199).is_none() && state.review(MONDAY + 1_200).is_some());
}

#[test]
fn what_will_be_due_is_foreseen() {
    let mut state = fresh(MONDAY);
    assert_eq!(state.foreseen(), None);
    let standing = Standing::Known;
    state.apply(MONDAY + 599, &Event::Settled { amount: Amount::new(9), standing });
    assert_eq!(state.review(state.at()), None);
    assert_eq!(state.foreseen().map(|trigger| trigger.at), Some(MONDAY + 1_200));
    state.apply(MONDAY + 700, &Event::Explained { settled_at: MONDAY + 599, standing, latency: Some(1) });
    state.apply(MONDAY + 700, &Event::Delivered { settled_at: MONDAY + 599, standing });
    assert_eq!(state.foreseen(), None);
}

fn any_event() -> impl Strategy<Value = (u64, Event<'static>)> {
    let time = || prop_oneof![any::<u64>(), Just(0), Just(u64::MAX), MONDAY..MONDAY + 10_000_000];
    let own = || prop_oneof![standing(), Just(Standing::Own)];
    let amount = || {
        any::<u128>().prop_map(|units| {
            Amount::from(alloy::primitives::aliases::U96::from_limbs([
                units as u64,
                (units >> 64) as u64 & 0xffff_ffff,
            ]))
        })
    };
    let event = prop_oneof![
        4 => (amount(), own()).prop_map(|(amount, standing)| Event::Settled { amount, standing }),
        2 => (time(), own(), any::<Option<u32>>())
            .prop_map(|(settled_at, standing, latency)| Event::Explained { settled_at, standing, latency }),
        2 => (time(), own()).prop_map(|(settled_at, standing)| Event::Delivered { settled_at, standing }),
        1 => (time(), any::<bool>()).prop_map(|(settled_at, agent)| {
            Event::Failed { settled_at, blame: if agent { Blame::Agent } else { Blame::Payee } }
        }),
        1 => (gravity(), any::<bool>()).prop_map(|(gravity, signed)| Event::Denied { gravity, signed }),
        1 => any::<bool>().prop_map(|approved| Event::Answered { approved }),
        1 => Just(Event::Compromised),
        1 => Just(Event::Released),
        1 => any::<bool>().prop_map(|overriding| Event::Cleared { overriding }),
    ];
    (time(), event)
}

fn any_window() -> impl Strategy<Value = Window> {
    let amount = prop_oneof![Just(0), Just(1), any::<u64>()].prop_map(Amount::new);
    let most = Amount::from(alloy::primitives::aliases::U96::MAX);
    let amount = prop_oneof![4 => amount, 1 => Just(most)];
    (prop_oneof![Just(0), Just(1), Just(u32::MAX), any::<u32>()], amount.clone(), amount, any::<u64>())
        .prop_map(|(period, limit, used, index)| Window { period, limit, used, index })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn nobody_is_asked_for_by_time_alone_without_having_been_foreseen(
        history in history(), later in 0u64..600_000,
    ) {
        let (state, _) = play(fresh(MONDAY), MONDAY, &history);
        let then = state.at() + later;
        let foreseen = state.foreseen().map(|trigger| trigger.at);
        if state.review(then).is_some() {
            prop_assert!(foreseen.is_some_and(|at| at <= then), "{foreseen:?} is not by {then}");
        }
        if let Some(at) = foreseen {
            prop_assert!(state.review(at).is_some());
        }
    }

    #[test]
    fn a_stored_state_goes_on_as_the_one_that_was_not(
        before in history(), after in history(), later in later(),
    ) {
        let (state, at) = play(fresh(MONDAY), MONDAY, &before);
        let restored = stored(&state);
        prop_assert_eq!(restored.as_ref().ok(), Some(&state));
        let (through, end) = play(state, at, &after);
        let (resumed, _) = play(restored.unwrap_or(fresh(0)), at, &after);
        prop_assert_eq!(resumed, through);
        prop_assert_eq!(resumed.evaluate(end + later), through.evaluate(end + later));
    }

    #[test]
    fn a_block_undone_and_replaced_leaves_no_trace(
        before in history(), orphaned in history(), instead in history(),
    ) {
        let (state, at) = play(fresh(MONDAY), MONDAY, &before);
        let kept = stored(&state);
        let (gone, _) = play(state, at, &orphaned);
        prop_assert!(gone.at() >= state.at());
        let (again, _) = play(kept.unwrap_or(fresh(0)), at, &instead);
        let (straight, _) = play(fresh(MONDAY), MONDAY, &[before, instead].concat());
        prop_assert_eq!(again, straight);
    }

    #[test]
    fn events_of_one_second_may_come_in_any_order(
        before in history(), block in prop::collection::vec(step(), 1..20).prop_map(|steps| {
            steps.into_iter().flat_map(|step| events(MONDAY + 20_000_000, step.act)).collect::<Vec<_>>()
        }).prop_flat_map(|events| (Just(events.clone()), Just(events).prop_shuffle())),
        later in later(),
    ) {
        let (state, _) = play(fresh(MONDAY), MONDAY, &before);
        let (one, other) = block;
        let after = |events: &[Event<'_>]| {
            let mut state = state;
            events.iter().for_each(|event| { state.apply(MONDAY + 20_000_000, event); });
            state.evaluate(MONDAY + 20_000_000 + later)
        };
        prop_assert_eq!(after(&one), after(&other));
    }

    #[test]
    fn looking_changes_nothing(steps in history(), looks in prop::collection::vec(0u64..10_000_000, 0..10)) {
        let (state, at) = play(fresh(MONDAY), MONDAY, &steps);
        let before = state;
        looks.iter().for_each(|later| { state.evaluate(at + later); });
        prop_assert_eq!(state, before);
    }

    #[test]
    fn nothing_overflows_and_every_score_is_a_score(
        limits in prop::collection::vec(any_window(), 0..7),
        other in prop::collection::vec(any_window(), 0..7),
        created: u64,
        events in prop::collection::vec(any_event(), 0..60),
        later: u64,
    ) {
        let mut state = State::new(created);
        state.apply(created, &Event::Limits(&limits));
        for (i, (at, event)) in events.iter().enumerate() {
            let value = state.apply(*at, event).value;
            prop_assert!((FLOOR..=CEILING).contains(&value));
            if i == 30 {
                state.apply(*at, &Event::Limits(&other));
            }
        }
        let value = state.evaluate(later).value;
        prop_assert!((FLOOR..=CEILING).contains(&value));
        prop_assert_eq!(stored(&state).ok(), Some(state));
    }
}

#[test]
fn the_limit_nearest_to_its_end_counts() {
    let mut state = fresh(MONDAY);
    let day = Window { used: Amount::new(86), ..limit(86_400, 100) };
    let index = (MONDAY - bursar_sdk::windows::ANCHOR) / 86_400;
    state.apply(MONDAY, &Event::Limits(&[Window { index, ..day }, limit(WEEK, LIMIT)]));
    assert_eq!(state.evaluate(MONDAY).inputs.headroom, 860_000);
    assert_eq!(state.evaluate(MONDAY + 86_399).inputs.headroom, 860_000);
    assert_eq!(state.evaluate(MONDAY + 86_400).inputs.headroom, 0);
}
