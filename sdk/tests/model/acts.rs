//! What the treasury's people do, and what somebody else tries.

use proptest::prelude::*;

use crate::{
    cast::{AGENTS, PAYEES, Who, anybody},
    histories::{envelope, group, proof, purse, sum},
    policies::{Fresh, LimitsPick, PolicyPick, fresh, limits, policy},
    steps::{EnvelopeAt, GroupAt, Proof, PurseOf, Sum},
};

/// A call to the treasury other than through sessions and payments.
#[derive(Debug, Clone)]
pub(crate) enum Act {
    TopUp(EnvelopeAt, Sum),
    TopUpSigned {
        envelope: EnvelopeAt,
        from: Who,
        sum: Sum,
        salt: u8,
        valid: (i8, i16),
        proof: Proof,
    },
    Withdraw(EnvelopeAt, Who, Sum),
    Recover {
        token: u8,
        to: Who,
    },
    RecoverFromPurse {
        purse: PurseOf,
        token: u8,
        to: Who,
    },
    Sweep(PurseOf),

    AddAsset(u8),
    CreateEnvelope {
        agent: Who,
        token: u8,
        policy: PolicyPick,
    },
    SetPolicy(EnvelopeAt, PolicyPick),
    SetAgent(EnvelopeAt, Who),
    CreatePurses(EnvelopeAt, u8),
    List(u16, Who),
    Unlist(u16, Who),
    SetPermit2(EnvelopeAt, bool),
    LevelPermit2(PurseOf),
    CreateGroup {
        parent: GroupAt,
        token: u8,
        limits: Fresh,
    },
    SetGroupLimits(GroupAt, LimitsPick),
    SetGroup(EnvelopeAt, GroupAt),

    FreezeOrganisation(bool),
    FreezeGroup(GroupAt, bool),
    FreezeEnvelope(EnvelopeAt, bool),
    FreezeSession(PurseOf),
    Review(EnvelopeAt, bool),
    SetScoreLife(EnvelopeAt, u32),
    ReportScore(EnvelopeAt, u16),

    Grant(Who, u8),
    Revoke(Who, u8),
    SetDelay(u32),
    SeparateDuties(bool),
    RevokeStamp(u8),
    SetStampEpoch(u8),
    Anchor,
    /// Several of them in one call.
    Batch(Vec<Act>),
}

impl Act {
    /// Whose job it is.
    pub(crate) fn usual(&self) -> Who {
        match self {
            Self::CreateEnvelope { .. }
            | Self::SetPolicy(..)
            | Self::CreatePurses(..)
            | Self::List(..)
            | Self::Unlist(..)
            | Self::SetPermit2(..)
            | Self::CreateGroup { .. }
            | Self::SetGroupLimits(..)
            | Self::SetGroup(..)
            | Self::SetScoreLife(..) => Who::Manager,
            Self::FreezeOrganisation(true)
            | Self::FreezeGroup(_, true)
            | Self::FreezeEnvelope(_, true)
            | Self::FreezeSession(_)
            | Self::RevokeStamp(_) => Who::Guardian,
            Self::Review(_, true) | Self::ReportScore(..) | Self::Anchor => Who::Reviewer,
            Self::Batch(acts) => acts.first().map_or(Who::Owner, Self::usual),
            _ => Who::Owner,
        }
    }
}

/// Anything, but more often what lets a history go on than what ends it.
pub(crate) fn act() -> BoxedStrategy<Act> {
    // Of one kind, so that one caller may do them all.
    let batch = |acts| prop::collection::vec(acts, 1..4).prop_map(Act::Batch);
    prop_oneof![30 => single().boxed(), 1 => batch(rules().boxed()), 1 => batch(stops().boxed()), 1 => batch(single().boxed())]
    .boxed()
}

fn single() -> BoxedStrategy<Act> {
    prop_oneof![3 => money().boxed(), 3 => rules().boxed(), 2 => groups().boxed(), 2 => stops().boxed(), 2 => people().boxed()]
    .boxed()
}

fn money() -> BoxedStrategy<Act> {
    prop_oneof![
        8 => (envelope(), sum()).prop_map(|(of, sum)| Act::TopUp(of, sum)),
        3 => (envelope(), anybody(), sum()).prop_map(|(of, to, sum)| Act::Withdraw(of, to, sum)),
        2 => purse().prop_map(Act::Sweep),
        3 => top_up_signed(),
        1 => (0u8..4, anybody()).prop_map(|(token, to)| Act::Recover { token, to }),
        1 => (purse(), 0u8..4, anybody())
            .prop_map(|(purse, token, to)| Act::RecoverFromPurse { purse, token, to }),
    ]
    .boxed()
}

fn rules() -> BoxedStrategy<Act> {
    let agent = || prop_oneof![6 => (0..AGENTS).prop_map(Who::Agent), 1 => anybody()];
    let payee = || prop_oneof![3 => (0..PAYEES).prop_map(Who::Payee), 1 => anybody()];
    let list = || (0u16..3, payee());
    prop_oneof![
        8 => (envelope(), policy()).prop_map(|(of, policy)| Act::SetPolicy(of, policy)),
        6 => list().prop_map(|(list, payee)| Act::List(list, payee)),
        2 => list().prop_map(|(list, payee)| Act::Unlist(list, payee)),
        3 => (envelope(), prop::bool::weighted(0.8)).prop_map(|(of, on)| Act::SetPermit2(of, on)),
        3 => purse().prop_map(Act::LevelPermit2),
        2 => (envelope(), 0u8..3).prop_map(|(of, count)| Act::CreatePurses(of, count)),
        1 => (envelope(), agent()).prop_map(|(of, agent)| Act::SetAgent(of, agent)),
        1 => (agent(), 0u8..4, policy())
            .prop_map(|(agent, token, policy)| Act::CreateEnvelope { agent, token, policy }),
        1 => (0u8..4).prop_map(Act::AddAsset),
    ]
    .boxed()
}

fn top_up_signed() -> BoxedStrategy<Act> {
    let from = prop_oneof![4 => Just(Who::Stranger), 1 => anybody()];
    let valid = prop_oneof![4 => Just((-1i8, 600i16)), 1 => (-1i8..=1, -1i16..=1)];
    (envelope(), from, sum(), any::<u8>(), valid, proof())
        .prop_map(|(envelope, from, sum, salt, valid, proof)| Act::TopUpSigned {
            envelope,
            from,
            sum,
            salt,
            valid,
            proof,
        })
        .boxed()
}

fn groups() -> BoxedStrategy<Act> {
    prop_oneof![
        2 => (group(), 0u8..3, fresh())
            .prop_map(|(parent, token, limits)| Act::CreateGroup { parent, token, limits }),
        2 => (group(), limits()).prop_map(|(of, limits)| Act::SetGroupLimits(of, limits)),
        4 => (envelope(), group()).prop_map(|(of, group)| Act::SetGroup(of, group)),
    ]
    .boxed()
}

fn stops() -> BoxedStrategy<Act> {
    // Released more often than stopped: a history in which nothing moves says little.
    let life = proptest::sample::select(vec![0u32, 600, 601, 3600]);
    let stop = || prop_oneof![2 => Just(false), 1 => Just(true)];
    prop_oneof![
        2 => stop().prop_map(Act::FreezeOrganisation),
        3 => (envelope(), stop()).prop_map(|(of, on)| Act::FreezeEnvelope(of, on)),
        3 => (group(), stop()).prop_map(|(of, on)| Act::FreezeGroup(of, on)),
        1 => purse().prop_map(Act::FreezeSession),
        3 => (envelope(), stop()).prop_map(|(of, on)| Act::Review(of, on)),
        2 => (envelope(), life).prop_map(|(of, life)| Act::SetScoreLife(of, life)),
        4 => (envelope(), any::<u16>()).prop_map(|(of, score)| Act::ReportScore(of, score)),
    ]
    .boxed()
}

fn people() -> BoxedStrategy<Act> {
    let role = || prop_oneof![8 => (0u8..6).prop_map(|bit| 1 << bit), 1 => any::<u8>()];
    let delay = proptest::sample::select(vec![0u32, 3600, 86_400, 2_592_000, 2_592_001]);
    prop_oneof![
        3 => (anybody(), role()).prop_map(|(who, role)| Act::Grant(who, role)),
        3 => (anybody(), role()).prop_map(|(who, role)| Act::Revoke(who, role)),
        2 => delay.prop_map(Act::SetDelay),
        1 => any::<bool>().prop_map(Act::SeparateDuties),
        1 => (1u8..4).prop_map(Act::RevokeStamp),
        1 => (0u8..4).prop_map(Act::SetStampEpoch),
        1 => Just(Act::Anchor),
    ]
    .boxed()
}
