//! Vectors of payments.

use super::{
    Ask, Vector,
    settings::{FLEET, NARROW, Name, PLAIN, act, narrow_session, opening},
};
use crate::{
    acts::Act,
    cast::Who,
    policies::{Change, PolicyPick},
    steps::{Approved, Paying, PurseOf, Step, Sum, Twist, Until},
};

const PURSE: PurseOf = PurseOf::At(NARROW, Some(0));

/// A payment of 10 that nothing speaks against.
fn usual() -> Paying {
    Paying {
        purse: PURSE,
        rail: 1,
        payee: Who::Payee(0),
        amount: Sum::Units(10),
        decision: 7,
        valid: (-1, 600),
        signer: None,
        approved: Approved::No,
        twist: Twist::Nothing,
        relay: Who::Stranger,
        settle: true,
    }
}

/// A payment under the session that narrows, after some more happened.
fn narrow(leaf: &'static str, after: Vec<Step>, asked: Paying) -> Vector {
    let before = [Step::Open(narrow_session(60))].into_iter().chain(after).collect();
    Vector { leaf, setting: Name::Narrow, before, ask: Ask::Pay(asked) }
}

/// The same, from a purse that holds 5.
fn poor(leaf: &'static str, asked: Paying) -> Vector {
    let before = vec![Step::Open(narrow_session(5))];
    Vector { leaf, setting: Name::Narrow, before, ask: Ask::Pay(asked) }
}

pub(super) fn vectors() -> Vec<Vector> {
    let mut all = standing();
    all.extend(signed());
    all.extend(limits());
    all.extend(approvals());
    all
}

fn standing() -> Vec<Vector> {
    let one = |step| vec![act(step)];
    let tighter = Act::SetPolicy(NARROW, PolicyPick::Changed(Change::Cap(-1)));
    let elsewhere = Paying { purse: PurseOf::At(NARROW, Some(1)), ..usual() };
    vec![
        narrow("pay.session_open", Vec::new(), elsewhere),
        narrow("pay.organisation_runs", one(Act::FreezeOrganisation(true)), usual()),
        narrow("pay.envelope_runs", one(Act::FreezeEnvelope(NARROW, true)), usual()),
        narrow("pay.group_runs", one(Act::FreezeGroup(FLEET, true)), usual()),
        narrow("pay.policy_kept", one(tighter), usual()),
        narrow("pay.session_runs", one(Act::FreezeSession(PURSE)), usual()),
        narrow("pay.session_not_over", vec![Step::Wait(Until::Expiry(PURSE, 0))], usual()),
    ]
}

fn signed() -> Vec<Vector> {
    let twisted = |leaf, twist| narrow(leaf, Vec::new(), Paying { twist, ..usual() });
    let settled = vec![Step::Pay(Paying { rail: 2, ..usual() })];
    let on_permit2 = Paying { purse: PurseOf::At(PLAIN, Some(0)), rail: 2, ..usual() };
    vec![
        twisted("pay.blob_shaped", Twist::Cut(100)),
        twisted("pay.rail_known", Twist::Rail(9)),
        twisted("pay.digest_same", Twist::Decision),
        narrow("pay.not_settled_elsewhere", settled, usual()),
        Vector {
            leaf: "pay.rail_allowed",
            setting: Name::Plain,
            before: vec![Step::Open(opening(PLAIN, 0, 40))],
            ask: Ask::Pay(on_permit2),
        },
    ]
}

fn limits() -> Vec<Vector> {
    let to = |leaf, payee| narrow(leaf, Vec::new(), Paying { payee: Who::Payee(payee), ..usual() });
    let of = |leaf, amount| narrow(leaf, Vec::new(), Paying { amount: Sum::Units(amount), ..usual() });
    vec![
        to("pay.on_session_list", 1),
        to("pay.on_policy_list", 2),
        of("pay.amount_above_zero", 0),
        of("pay.within_cap", 31),
        narrow("pay.signed_by_key", Vec::new(), Paying { signer: Some(Who::Stranger), ..usual() }),
    ]
}

fn approvals() -> Vec<Vector> {
    let with = |leaf, amount, approved| {
        narrow(leaf, Vec::new(), Paying { amount: Sum::Units(amount), approved, ..usual() })
    };
    let short = |leaf, approved| poor(leaf, Paying { amount: Sum::Units(6), approved, ..usual() });
    vec![
        with("pay.nothing.approval_not_due", 11, Approved::No),
        short("pay.nothing.purse_holds", Approved::No),
        with("pay.nothing.allowed", 10, Approved::No),
        with("pay.account.approval_signed", 30, Approved::Nobodys),
        with("pay.account.approver_may", 30, Approved::By(Who::Stranger)),
        short("pay.account.purse_holds", Approved::By(Who::Approver)),
        with("pay.account.allowed", 30, Approved::By(Who::Approver)),
        with("pay.contract.approver_may", 30, Approved::ByContract(Who::Stranger)),
        with("pay.contract.approval_confirmed", 30, Approved::ByContract(Who::NoWallet)),
        short("pay.contract.purse_holds", Approved::ByContract(Who::YesWallet)),
        with("pay.contract.allowed", 30, Approved::ByContract(Who::YesWallet)),
    ]
}
