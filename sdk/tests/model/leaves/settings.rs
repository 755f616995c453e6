//! The settings whose trees are driven: between them, every rule there is can refuse something.

use anyhow::{Context as _, Result};
use bursar_sdk::tree::{Setting, Tree, Unit};

use crate::{
    acts::Act,
    cast::Who,
    policies::{Fresh, LimitsPick, PolicyPick},
    steps::{By, EnvelopeAt, GroupAt, Opening, Proof, PurseOf, Step, Sum},
    world::World,
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Name {
    /// Two groups above, lists of payees, scores, Permit2, and a session that narrows it all.
    Narrow,
    /// Windows that do not nest, no list, no score, no Permit2.
    Plain,
}

pub(crate) const NARROW: EnvelopeAt = EnvelopeAt::Known(0);
pub(crate) const PLAIN: EnvelopeAt = EnvelopeAt::Known(2);

/// The group of the narrow setting's envelope, and the one above it.
pub(crate) const TEAM: GroupAt = GroupAt::Known(1);
pub(crate) const FLEET: GroupAt = GroupAt::Known(0);

impl Name {
    pub(crate) const ALL: [Self; 2] = [Self::Narrow, Self::Plain];

    pub(crate) fn steps(self) -> Vec<Step> {
        match self {
            Self::Narrow => narrow(),
            Self::Plain => plain(),
        }
    }

    pub(crate) fn tree(self) -> Result<Tree> {
        let mut world = World::new()?;
        world.play(&self.steps())?;
        let (envelope, opening) = match self {
            Self::Narrow => (NARROW, narrow_session(60)),
            Self::Plain => (PLAIN, opening(PLAIN, 0, 40)),
        };
        world.play(&[Step::Open(opening)])?;
        let (number, _, purse) = world.purse(PurseOf::At(envelope, Some(0)));
        let setting = Setting::of_model(&world.model, world.now, number, purse);
        Ok(Tree::of(&setting.context("no such envelope")?, &Unit::default()))
    }
}

/// Cap 40, threshold 25, 60 a session, 70 a day, 80 a week, 90 in all; its team 100, 110, 120, the fleet 130, 140,
/// 150. Payees 0 and 1 are on the policy's list, 0 and 2 on the session's.
fn narrow() -> Vec<Step> {
    let fresh = Fresh {
        cap: 40,
        below_cap: 15,
        session: 20,
        seconds: 7200,
        list: 1,
        windows: vec![(86_400, 10), (604_800, 10)],
        lifetime: Some(10),
        fault: None,
    };
    let group = |day: u8| LimitsPick::Fresh(Fresh { cap: 40, session: day - 50, ..fresh.clone() });
    let mut steps: Vec<Step> = [
        Act::SetPolicy(NARROW, PolicyPick::Fresh(fresh.clone())),
        Act::SetGroupLimits(TEAM, group(100)),
        Act::SetGroupLimits(FLEET, group(130)),
        Act::List(1, Who::Payee(0)),
        Act::List(1, Who::Payee(1)),
        Act::List(2, Who::Payee(0)),
        Act::List(2, Who::Payee(2)),
        Act::SetScoreLife(NARROW, 3600),
    ]
    .map(act)
    .into();
    steps.push(scored());
    steps
}

/// 60 a session and 70 a week of its own, 50 in five days of a group's: neither window ends with the other.
fn plain() -> Vec<Step> {
    let fresh = Fresh {
        cap: 40,
        below_cap: 0,
        session: 20,
        seconds: 7200,
        list: 0,
        windows: vec![(604_800, 10)],
        lifetime: None,
        fault: None,
    };
    let limits = Fresh { cap: 20, windows: vec![(432_000, 10)], ..fresh.clone() };
    [
        Act::SetPolicy(PLAIN, PolicyPick::Fresh(fresh)),
        Act::SetPermit2(PLAIN, false),
        Act::CreateGroup { parent: GroupAt::Zero, token: 0, limits },
        Act::SetGroup(PLAIN, GroupAt::Known(3)),
    ]
    .map(act)
    .into()
}

pub(crate) fn act(act: Act) -> Step {
    Step::Act { by: By::Usual, act }
}

/// A fresh score of the narrow setting's envelope.
pub(crate) fn scored() -> Step {
    act(Act::ReportScore(NARROW, 700))
}

/// An opening that nothing speaks against.
pub(crate) fn opening(envelope: EnvelopeAt, index: u8, budget: u8) -> Opening {
    Opening {
        purse: PurseOf::At(envelope, Some(index)),
        budget: Sum::Units(budget),
        key: Who::Key(1 + index),
        relay: Who::Stranger,
        proof: Proof::Right,
        ..Opening::plain(0)
    }
}

/// The session that narrows: cap 30, threshold 10, a list of its own.
pub(crate) fn narrow_session(budget: u8) -> Opening {
    Opening { scope: (Some(Sum::Units(30)), Some(Sum::Units(10)), 2), ..opening(NARROW, 0, budget) }
}
