//! Random histories: mostly of what works, often right at a limit, now and then of what nobody should do.

use proptest::prelude::*;

use crate::{
    acts::act,
    cast::{KEYS, PAYEES, Who, anybody, sender},
    steps::{
        Approved, By, Ends, EnvelopeAt, GroupAt, Opening, Paying, Proof, PurseOf, Step, Sum, Twist, Until,
    },
};

/// A long history.
pub(crate) fn history(steps: usize) -> BoxedStrategy<Vec<Step>> {
    prop::collection::vec(step(), 1..=steps).boxed()
}

fn step() -> BoxedStrategy<Step> {
    prop_oneof![
        9 => until().prop_map(Step::Wait),
        34 => paying().prop_map(Step::Pay),
        20 => opening().prop_map(Step::Open),
        14 => (usual(), act()).prop_map(|(by, act)| Step::Act { by, act }),
        8 => any::<u8>().prop_map(Step::Settle),
        6 => (purse(), sender(), proof()).prop_map(|(purse, by, proof)| Step::Close { purse, by, proof }),
        5 => (usual(), act()).prop_map(|(by, act)| Step::Announce { by, act }),
        5 => (usual(), any::<u8>()).prop_map(|(by, which)| Step::RunAnnounced { by, which }),
        2 => any::<u8>().prop_map(Step::OpenAgain),
        2 => (0u8..3, prop::option::weighted(0.7, purse()), 0u8..50)
            .prop_map(|(token, to, units)| Step::Donate { token, to, units }),
        1 => (usual(), any::<u8>()).prop_map(|(by, which)| Step::Cancel { by, which }),
    ]
    .boxed()
}

fn usual() -> BoxedStrategy<By> {
    prop_oneof![9 => Just(By::Usual), 1 => sender().prop_map(By::Other)].boxed()
}

pub(crate) fn envelope() -> BoxedStrategy<EnvelopeAt> {
    prop_oneof![
        40 => (0u8..4).prop_map(EnvelopeAt::Known),
        1 => Just(EnvelopeAt::Zero),
        1 => Just(EnvelopeAt::PastTheLast),
    ]
    .boxed()
}

pub(crate) fn group() -> BoxedStrategy<GroupAt> {
    prop_oneof![
        20 => (0u8..8).prop_map(GroupAt::Known),
        3 => Just(GroupAt::Zero),
        1 => Just(GroupAt::PastTheLast),
        1 => Just(GroupAt::FarPastTheLast),
    ]
    .boxed()
}

pub(crate) fn purse() -> BoxedStrategy<PurseOf> {
    let index = prop::option::weighted(0.97, 0u8..3);
    prop_oneof![
        1 => any::<u8>().prop_map(PurseOf::Live),
        1 => (envelope(), index).prop_map(|(envelope, index)| PurseOf::At(envelope, index)),
    ]
    .boxed()
}

fn live() -> BoxedStrategy<PurseOf> {
    prop_oneof![9 => any::<u8>().prop_map(PurseOf::Live), 1 => purse()].boxed()
}

/// One below, at, or one above.
pub(crate) fn near() -> BoxedStrategy<i8> {
    prop_oneof![3 => Just(0i8), 2 => Just(1i8), 1 => Just(-1i8)].boxed()
}

/// What is mostly within the limits: of the cap for payments, of the session limit for openings.
fn mostly(within: fn(u8) -> Sum) -> impl Strategy<Value = Sum> {
    prop_oneof![5 => (1u8..=100).prop_map(within), 1 => sum()]
}

pub(crate) fn sum() -> BoxedStrategy<Sum> {
    prop_oneof![
        30 => (1u8..60).prop_map(Sum::Units),
        1 => Just(Sum::Units(0)),
        3 => near().prop_map(Sum::Cap),
        3 => near().prop_map(Sum::Threshold),
        3 => near().prop_map(Sum::SessionLimit),
        2 => near().prop_map(Sum::ScopeCap),
        2 => near().prop_map(Sum::ScopeThreshold),
        3 => (0u8..5, near()).prop_map(|(i, off)| Sum::Room(i, off)),
        1 => near().prop_map(Sum::Escrow),
        1 => near().prop_map(Sum::Available),
        3 => near().prop_map(Sum::Held),
        1 => near().prop_map(Sum::Ledger),
    ]
    .boxed()
}

fn until() -> BoxedStrategy<Until> {
    prop_oneof![
        30 => (1u16..300).prop_map(Until::Seconds),
        2 => (1u16..4000).prop_map(Until::Seconds),
        3 => (envelope(), 0u8..4, near()).prop_map(|(of, i, off)| Until::WindowEnd(of, i, off)),
        4 => (purse(), near()).prop_map(|(purse, off)| Until::Expiry(purse, off)),
        4 => (any::<u8>(), near()).prop_map(|(which, off)| Until::Ready(which, off)),
        1 => (any::<u8>(), near()).prop_map(|(which, off)| Until::Stale(which, off)),
        1 => (1u8..45).prop_map(Until::Days),
    ]
    .boxed()
}

pub(crate) fn proof() -> BoxedStrategy<Proof> {
    prop_oneof![
        80 => Just(Proof::Right),
        3 => Just(Proof::Empty),
        1 => anybody().prop_map(Proof::Other),
        1 => Just(Proof::HighS),
        1 => Just(Proof::Short),
        1 => Just(Proof::BareParity),
    ]
    .boxed()
}

fn opening() -> BoxedStrategy<Opening> {
    let ends = prop_oneof![
        30 => Just(Ends::Latest),
        5 => (1u16..4000).prop_map(Ends::Seconds),
        2 => near().prop_map(Ends::Longest),
        3 => (0u8..4, near()).prop_map(|(i, off)| Ends::WindowEnd(i, off)),
        1 => near().prop_map(Ends::Now),
    ];
    let key = prop_oneof![25 => (0u8..KEYS).prop_map(Who::Key), 1 => anybody()];
    let stamp = prop_oneof![8 => Just(0u8), 1 => 1u8..4];
    let sequence = prop_oneof![30 => Just(0i8), 1 => Just(1i8), 1 => Just(-1i8)];
    let narrower = || prop::option::weighted(0.12, mostly(Sum::OfCap));
    let scope = (narrower(), narrower(), prop_oneof![12 => Just(0u16), 1 => 1u16..3]);
    (purse(), mostly(Sum::OfSessionLimit), ends, (key, stamp), sequence, scope, proof(), sender())
        .prop_map(|(purse, budget, ends, (key, stamp), sequence, scope, proof, relay)| Opening {
            purse,
            budget,
            ends,
            key,
            sequence,
            scope,
            stamp,
            proof,
            relay,
        })
        .boxed()
}

fn paying() -> BoxedStrategy<Paying> {
    let payee = prop_oneof![12 => (0u8..PAYEES).prop_map(Who::Payee), 1 => anybody()];
    let valid = prop_oneof![
        12 => Just((-1i8, 600i16)),
        1 => (-1i8..=1, -1i16..=1),
        3 => Just((-1i8, i16::MAX)),
    ];
    let approved = prop_oneof![
        20 => Just(Approved::WhereDue),
        2 => Just(Approved::No),
        3 => anybody().prop_map(Approved::By),
        3 => anybody().prop_map(Approved::ByContract),
        1 => Just(Approved::Elsewhere),
        1 => Just(Approved::HighS),
        1 => Just(Approved::Nobodys),
    ];
    let signer = prop::option::weighted(0.04, anybody());
    let rail = prop_oneof![6 => Just(1u8), 1 => Just(2u8), 1 => Just(3u8)];
    (
        (live(), rail),
        payee,
        mostly(Sum::OfCap),
        0u8..24,
        valid,
        signer,
        approved,
        twist(),
        sender(),
        prop::bool::weighted(0.7),
    )
        .prop_map(
            |((purse, rail), payee, amount, decision, valid, signer, approved, twist, relay, settle)| {
                Paying { purse, rail, payee, amount, decision, valid, signer, approved, twist, relay, settle }
            },
        )
        .boxed()
}

fn twist() -> BoxedStrategy<Twist> {
    prop_oneof![
        60 => Just(Twist::Nothing),
        1 => Just(Twist::HighS),
        1 => (0u8..16).prop_map(Twist::Rail),
        1 => any::<u8>().prop_map(Twist::Cut),
        1 => (0u8..16).prop_map(Twist::Kind),
        2 => any::<u16>().prop_map(Twist::FlipBit),
        1 => anybody().prop_map(Twist::Payee),
        1 => Just(Twist::Amount),
        1 => Just(Twist::Epoch),
        1 => Just(Twist::Version),
        1 => Just(Twist::Sequence),
        1 => Just(Twist::Decision),
        1 => Just(Twist::OtherToken),
    ]
    .boxed()
}
