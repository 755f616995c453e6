//! From ratios to points: the worked example, every boundary, and that worse is never better.

use bursar_sdk::score::{CEILING, Evaluation, FLOOR, Inputs, MOST, ONE, Reason, Term};
use proptest::prelude::*;

/// Nothing to complain of.
fn best() -> Inputs {
    Inputs {
        limited: true,
        used: 0,
        elapsed: 0,
        pace: 0,
        burst: 0,
        headroom: 0,
        completion: ONE,
        denials: 0,
        rejections: 0,
        coverage: ONE,
        new_payees: 0,
        latency: ONE,
        settlements: 1_000,
        compromised: false,
    }
}

/// The example of docs/SCORE.md.
fn worked() -> Inputs {
    Inputs {
        used: 2_200 * ONE / 3_500,
        elapsed: 4 * ONE / 7,
        pace: 1_600_000,
        headroom: 860_000,
        completion: (104 + 9) * ONE / (109 + 10),
        denials: 34_000,
        rejections: ONE / (6 + 4),
        new_payees: 250_000,
        ..best()
    }
}

fn value(inputs: Inputs) -> u16 {
    Evaluation::new(0, inputs).value
}

fn reasons(inputs: Inputs) -> Vec<&'static str> {
    Evaluation::new(0, inputs).reasons().into_iter().map(Reason::code).collect()
}

#[test]
fn the_worked_example_scores_654() {
    let inputs = worked();
    let evaluation = Evaluation::new(0, inputs);
    assert_eq!(evaluation.value, 654);
    assert_eq!(inputs.projection(), 1_314_286);
    // Tenths of a point, rounded, term by term.
    let tenths = evaluation.points.map(|points| (points + 50_000) / 100_000);
    assert_eq!(tenths, [464, 420, 748, 560, 600, 350, 400]);
    assert_eq!(reasons(inputs), ["R10", "R20", "R30", "R60"]);
    assert_eq!(evaluation.losses()[0].micropoints, 150 * ONE - evaluation.points[0]);
    assert_eq!(evaluation.losses()[0].term, Term::Trj);
}

#[test]
fn the_best_scores_850_and_gives_no_reason() {
    assert_eq!(value(best()), CEILING);
    assert!(reasons(best()).is_empty());
}

#[test]
fn the_worst_scores_300() {
    let worst = Inputs {
        used: MOST,
        headroom: MOST,
        completion: 0,
        denials: MOST,
        rejections: MOST,
        coverage: 0,
        new_payees: MOST,
        latency: MOST,
        settlements: 0,
        ..best()
    };
    assert_eq!(value(worst), FLOOR);
    assert_eq!(reasons(worst), ["R05", "R01", "R80", "R10", "R20", "R30", "R40"]);
}

#[test]
fn every_cap_holds_at_its_boundary() {
    assert_eq!(value(Inputs { coverage: 950_000, ..best() }), 790);
    assert_eq!(value(Inputs { coverage: 949_999, ..best() }), 499);
    assert_eq!(value(Inputs { used: 1_500_000, ..best() }), 700);
    assert_eq!(value(Inputs { used: 1_500_001, ..best() }), 549);
    assert_eq!(value(Inputs { burst: 1_500_001, ..best() }), 549);
    assert_eq!(value(Inputs { settlements: 20, ..best() }), 850);
    assert_eq!(value(Inputs { settlements: 19, ..best() }), 699);
    assert_eq!(value(Inputs { compromised: true, ..best() }), 300);
}

#[test]
fn a_cap_is_a_reason_and_the_lowest_comes_first() {
    let inputs = Inputs { coverage: 900_000, compromised: true, settlements: 3, ..best() };
    assert_eq!(reasons(inputs), ["R90", "R05", "R80", "R50"]);
    assert_eq!(value(inputs), 300);
}

#[test]
fn the_worse_half_of_a_term_names_its_reason() {
    assert_eq!(reasons(Inputs { denials: 30_000, ..best() }), ["R40"]);
    assert_eq!(reasons(Inputs { denials: 30_000, rejections: 400_000, ..best() }), ["R41"]);
    assert_eq!(reasons(Inputs { used: ONE, burst: 999_999, ..best() }), ["R10"]);
    assert_eq!(reasons(Inputs { used: ONE, burst: 1_000_001, ..best() }), ["R11"]);
}

#[test]
fn without_a_limit_there_is_no_trajectory_to_keep_to() {
    let unlimited = Inputs { limited: false, ..best() };
    assert_eq!(value(unlimited), 700);
    assert_eq!(reasons(unlimited), ["R10"]);
}

fn inputs() -> impl Strategy<Value = Inputs> {
    let ratio = || prop_oneof![0..=2 * ONE, 0..=6 * ONE, Just(MOST), any::<u64>()];
    let share = || prop_oneof![700_000..=ONE, 0..=ONE];
    let first = (any::<bool>(), ratio(), share(), ratio(), ratio(), ratio(), share());
    let second =
        (0..200_000u64, share(), 900_000..=ONE, share(), ratio(), 0..40u64, prop::bool::weighted(0.1));
    (first, second).prop_map(|(first, second)| Inputs {
        limited: first.0,
        used: first.1,
        elapsed: first.2,
        pace: first.3,
        burst: first.4,
        headroom: first.5,
        completion: first.6,
        denials: second.0,
        rejections: second.1,
        coverage: second.2,
        new_payees: second.3,
        latency: second.4,
        settlements: second.5,
        compromised: second.6,
    })
}

/// One input made worse, or left.
fn worsened(of: Inputs, which: usize, by: u64) -> Inputs {
    let mut worse = of;
    match which {
        0 => worse.used = of.used.saturating_add(by),
        1 => worse.elapsed = of.elapsed.saturating_sub(by),
        2 => worse.pace = of.pace.saturating_add(by),
        3 => worse.burst = of.burst.saturating_add(by),
        4 => worse.headroom = of.headroom.saturating_add(by),
        5 => worse.completion = of.completion.saturating_sub(by),
        6 => worse.denials = of.denials.saturating_add(by),
        7 => worse.rejections = of.rejections.saturating_add(by),
        8 => worse.coverage = of.coverage.saturating_sub(by),
        9 => worse.new_payees = of.new_payees.saturating_add(by),
        10 => worse.latency = of.latency.saturating_add(by),
        11 => worse.settlements = of.settlements.saturating_sub(by),
        _ => worse.compromised = true,
    }
    worse
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(5_000))]

    #[test]
    fn worse_is_never_better(
        of in inputs(), which in 0usize..13, by in prop_oneof![0..200_000u64, any::<u64>()],
    ) {
        let (before, after) = (value(of), value(worsened(of, which, by)));
        prop_assert!(after <= before, "input {} worse by {}: {} to {}", which, by, before, after);
    }

    #[test]
    fn every_score_is_from_300_to_850_with_at_most_four_losses_in_order(of in inputs()) {
        let evaluation = Evaluation::new(0, of);
        prop_assert!((FLOOR..=CEILING).contains(&evaluation.value));
        let losses = evaluation.losses();
        prop_assert!(losses.len() <= 4);
        prop_assert!(losses.is_sorted_by(|a, b| a.micropoints >= b.micropoints));
        let lost: u64 = Term::ALL.iter().zip(evaluation.points).map(|(term, got)| term.weight() * ONE - got).sum();
        let named: u64 = losses.iter().map(|loss| loss.micropoints).sum();
        prop_assert!(named * 7 >= lost * losses.len() as u64);
    }
}
