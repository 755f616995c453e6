//! Vectors of openings.

use super::{
    Ask, Vector,
    settings::{FLEET, NARROW, Name, PLAIN, TEAM, act, opening, scored},
};
use crate::{
    acts::Act,
    cast::Who,
    steps::{Ends, EnvelopeAt, Opening, Proof, PurseOf, Step, Sum, Until},
};

/// A hundred seconds before the end of a day: too late for a session of two hours.
const LATE: Until = Until::WindowEnd(NARROW, 0, -100);

fn narrow(leaf: &'static str, before: Vec<Step>, asked: Opening) -> Vector {
    Vector { leaf, setting: Name::Narrow, before, ask: Ask::Open(asked) }
}

fn plain(leaf: &'static str, before: Vec<Step>, asked: Opening) -> Vector {
    Vector { leaf, setting: Name::Plain, before, ask: Ask::Open(asked) }
}

fn usual(budget: u8) -> Opening {
    opening(NARROW, 0, budget)
}

/// The next day, or week, with a fresh score.
fn later(days: u8) -> [Step; 2] {
    [Step::Wait(Until::Days(days)), scored()]
}

/// Another envelope draws in the group: 60 from its first purse, the rest from its second.
fn others(group: crate::steps::GroupAt, budgets: &[u8]) -> Vec<Step> {
    let joins = act(Act::SetGroup(PLAIN, group));
    let opens = |(index, budget): (usize, &u8)| Step::Open(opening(PLAIN, index as u8, *budget));
    [joins].into_iter().chain(budgets.iter().enumerate().map(opens)).collect()
}

fn then<const N: usize>(mut before: Vec<Step>, more: [Step; N]) -> Vec<Step> {
    before.extend(more);
    before
}

pub(super) fn vectors() -> Vec<Vector> {
    let mut all = stops();
    all.extend(proofs());
    all.extend(terms());
    all.extend(limits());
    all
}

fn stops() -> Vec<Vector> {
    let one = |step| vec![act(step)];
    let held = vec![Step::Open(usual(60)), act(Act::FreezeSession(PurseOf::At(NARROW, Some(0))))];
    let stamped = Opening { stamp: 1, ..usual(60) };
    let next = Opening { key: Who::Key(9), ..usual(5) };
    vec![
        narrow("open.organisation_runs", one(Act::FreezeOrganisation(true)), usual(60)),
        narrow("open.envelope_runs", one(Act::FreezeEnvelope(NARROW, true)), usual(60)),
        narrow("open.group_runs", one(Act::FreezeGroup(FLEET, true)), usual(60)),
        narrow("open.not_under_review", one(Act::Review(NARROW, true)), usual(60)),
        narrow("open.stamp_good", one(Act::RevokeStamp(1)), stamped),
        narrow("open.score_fresh", vec![Step::Wait(Until::Seconds(3600))], usual(60)),
        narrow("open.no_frozen_session", held, next),
    ]
}

fn proofs() -> Vec<Vector> {
    let none = |leaf, asked| narrow(leaf, Vec::new(), asked);
    vec![
        none("open.envelope_known", opening(EnvelopeAt::PastTheLast, 0, 60)),
        none("open.purse_known", Opening { purse: PurseOf::At(NARROW, None), ..usual(60) }),
        none("open.next_in_sequence", Opening { sequence: 1, ..usual(60) }),
        none("open.key_fresh", Opening { key: Who::Agent(0), ..usual(60) }),
        none("open.signed_by_agent", Opening { proof: Proof::Other(Who::Owner), ..usual(60) }),
        none("open.allowed", usual(60)),
    ]
}

fn terms() -> Vec<Vector> {
    let none = |leaf, asked| narrow(leaf, Vec::new(), asked);
    let scope = |cap, threshold| Opening { scope: (cap, threshold, 0), ..usual(60) };
    let empty = vec![act(Act::Withdraw(NARROW, Who::Owner, Sum::Escrow(-20)))];
    let late = || [Step::Wait(LATE), scored()].to_vec();
    vec![
        none("open.budget_above_zero", usual(0)),
        none("open.within_session_limit", usual(61)),
        none("open.ends_later", Opening { ends: Ends::Now(0), ..usual(60) }),
        none("open.within_longest", Opening { ends: Ends::Longest(1), ..usual(60) }),
        none("open.cap_narrows", scope(Some(Sum::Cap(1)), None)),
        none("open.threshold_narrows", scope(None, Some(Sum::Threshold(1)))),
        narrow("open.escrow_holds", empty, usual(21)),
        narrow("open.86400.ends_with_window", late(), Opening { ends: Ends::WindowEnd(0, 1), ..usual(60) }),
    ]
}

/// Each limit in its turn, with room in every one that is asked before it.
fn limits() -> Vec<Vector> {
    let second = |budget| opening(NARROW, 1, budget);
    let first = || vec![Step::Open(usual(60))];
    let week_end = || vec![Step::Wait(Until::WindowEnd(PLAIN, 0, -100))];
    // Three and a half days after noon of a Wednesday, less a hundred seconds.
    let five_days = || vec![Step::Wait(Until::Days(3)), Step::Wait(Until::Seconds(43_100))];
    let longest = || Opening { ends: Ends::Longest(0), ..opening(PLAIN, 0, 60) };
    vec![
        narrow("open.86400.within_limit", first(), second(11)),
        narrow("open.604800.within_limit", then(first(), later(1)), second(21)),
        narrow("open.0.within_limit", then(first(), later(7)), second(31)),
        narrow("open.group_2.86400.within_limit", others(TEAM, &[60]), usual(41)),
        narrow("open.group_2.604800.within_limit", then(others(TEAM, &[60]), later(1)), usual(51)),
        narrow("open.group_2.0.within_limit", team_in_all(), usual(51)),
        narrow("open.group_1.86400.within_limit", others(FLEET, &[60, 60]), usual(11)),
        narrow("open.group_1.604800.within_limit", then(others(FLEET, &[60, 60]), later(1)), usual(21)),
        narrow("open.group_1.0.within_limit", then(others(FLEET, &[60, 60]), later(7)), usual(31)),
        plain("open.604800.ends_with_window", week_end(), longest()),
        plain("open.group_4.432000.ends_with_window", five_days(), longest()),
        plain("open.group_4.432000.within_limit", Vec::new(), opening(PLAIN, 0, 60)),
    ]
}

/// 70 of the team's 120 drawn in two weeks.
fn team_in_all() -> Vec<Step> {
    let first = then(others(TEAM, &[60]), later(7));
    then(then(first, [Step::Open(opening(PLAIN, 1, 10))]), later(7))
}
