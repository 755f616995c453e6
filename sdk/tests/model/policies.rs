//! Policies: fresh ones, the one in force with one thing changed, and ones that contradict themselves.

use alloy::primitives::{
    B256,
    aliases::{U24, U96},
};
use bursar_sdk::abi::Treasury::{Policy, WindowLimit};
use proptest::prelude::*;

/// A policy to set.
#[derive(Debug, Clone)]
pub(crate) enum PolicyPick {
    Fresh(Fresh),
    /// The one in force, with one thing changed.
    Changed(Change),
}

/// A sound policy, each bound given by how far it is above the one before, with one fault at most.
#[derive(Debug, Clone)]
pub(crate) struct Fresh {
    pub(crate) cap: u8,
    pub(crate) below_cap: u8,
    pub(crate) session: u8,
    pub(crate) seconds: u32,
    pub(crate) list: u16,
    /// Periods, and how much each limit is above the one before.
    pub(crate) windows: Vec<(u32, u8)>,
    pub(crate) lifetime: Option<u16>,
    pub(crate) fault: Option<Fault>,
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Fault {
    CapZero,
    ThresholdAboveCap,
    SessionBelowCap,
    SecondsZero,
    FiveWindows,
    HashZero,
    SamePeriodTwice,
    WindowBelowSession,
    LifetimeBelowSession,
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Change {
    Cap(i8),
    Threshold(i8),
    Session(i8),
    Seconds(i8),
    List(u16),
    Limit(u8, i8),
    Period(u8, i8),
    Drop(u8),
    Lifetime(i8),
    NoLifetime,
    Nothing,
}

pub(crate) fn policy() -> BoxedStrategy<PolicyPick> {
    prop_oneof![
        1 => fresh().prop_map(PolicyPick::Fresh),
        1 => change().prop_map(PolicyPick::Changed),
    ]
    .boxed()
}

pub(crate) fn fresh() -> BoxedStrategy<Fresh> {
    // Hours nest in days and days in weeks; five days nest in nothing.
    let period = proptest::sample::select(vec![3600u32, 7200, 86_400, 432_000, 604_800, 1_209_600]);
    let fault = proptest::sample::select(vec![
        Fault::CapZero,
        Fault::ThresholdAboveCap,
        Fault::SessionBelowCap,
        Fault::SecondsZero,
        Fault::FiveWindows,
        Fault::HashZero,
        Fault::SamePeriodTwice,
        Fault::WindowBelowSession,
        Fault::LifetimeBelowSession,
    ]);
    let seconds = proptest::sample::select(vec![7200u32, 60, 86_400, (1 << 24) - 1]);
    let windows = prop::collection::btree_map(period, 0u8..120, 0..=4);
    (
        1u8..60,
        prop_oneof![Just(0u8), 0u8..60],
        0u8..60,
        seconds,
        prop_oneof![3 => Just(0u16), 1 => 1u16..3],
        windows,
        prop::option::weighted(0.4, 0u16..2000),
        prop::option::weighted(0.15, fault),
    )
        .prop_map(|(cap, below_cap, session, seconds, list, windows, lifetime, fault)| Fresh {
            cap,
            below_cap,
            session,
            seconds,
            list,
            windows: windows.into_iter().collect(),
            lifetime,
            fault,
        })
        .boxed()
}

/// Limits to set for a group: mostly its own periods, each limit moved a little.
#[derive(Debug, Clone)]
pub(crate) enum LimitsPick {
    Fresh(Fresh),
    Changed(Change),
}

pub(crate) fn limits() -> BoxedStrategy<LimitsPick> {
    prop_oneof![
        1 => fresh().prop_map(LimitsPick::Fresh),
        6 => change().prop_map(LimitsPick::Changed),
    ]
    .boxed()
}

impl LimitsPick {
    /// As a policy, of which only the limits count.
    pub(crate) fn of(&self, in_force: Policy) -> Policy {
        match self {
            Self::Fresh(fresh) => fresh.policy(),
            Self::Changed(change) => change.of(in_force),
        }
    }
}

fn change() -> BoxedStrategy<Change> {
    let by = || prop_oneof![Just(1i8), Just(-1i8)];
    prop_oneof![
        Just(Change::Nothing),
        by().prop_map(Change::Cap),
        by().prop_map(Change::Threshold),
        by().prop_map(Change::Session),
        by().prop_map(Change::Seconds),
        (0u16..3).prop_map(Change::List),
        (0u8..4, by()).prop_map(|(i, by)| Change::Limit(i, by)),
        (0u8..4, by()).prop_map(|(i, by)| Change::Period(i, by)),
        (0u8..4).prop_map(Change::Drop),
        by().prop_map(Change::Lifetime),
        Just(Change::NoLifetime),
    ]
    .boxed()
}

impl PolicyPick {
    /// The policy, `nth` of the history; `in_force` is the one before.
    pub(crate) fn policy(&self, in_force: &Policy, nth: usize) -> Policy {
        let mut policy = match self {
            Self::Fresh(fresh) => fresh.policy(),
            Self::Changed(change) => change.of(in_force.clone()),
        };
        if !matches!(self, Self::Fresh(Fresh { fault: Some(Fault::HashZero), .. })) {
            policy.policyHash = B256::with_last_byte(nth as u8 | 1);
        }
        policy
    }
}

impl Fresh {
    pub(crate) fn policy(&self) -> Policy {
        let session = u32::from(self.cap) + u32::from(self.session);
        let mut limit = session;
        let mut windows = Vec::new();
        for (period, more) in &self.windows {
            limit += u32::from(*more);
            windows.push(WindowLimit { period: *period, limit: U96::from(limit) });
        }
        let lifetime = self.lifetime.map_or(0, |more| limit + u32::from(more));
        let policy = Policy {
            paymentCap: U96::from(self.cap),
            approvalThreshold: U96::from(self.cap.saturating_sub(self.below_cap)),
            sessionLimit: U96::from(session),
            maxSessionSeconds: U24::from(self.seconds),
            payeeList: self.list,
            lifetimeLimit: U96::from(lifetime),
            policyHash: B256::ZERO,
            windows,
        };
        match self.fault {
            Some(fault) => fault.of(policy),
            None => policy,
        }
    }
}

impl Fault {
    fn of(self, mut policy: Policy) -> Policy {
        let one = U96::from(1);
        match self {
            Self::CapZero => policy.paymentCap = U96::ZERO,
            Self::ThresholdAboveCap => policy.approvalThreshold = policy.paymentCap + one,
            Self::SessionBelowCap => policy.sessionLimit = policy.paymentCap - one,
            Self::SecondsZero => policy.maxSessionSeconds = U24::ZERO,
            Self::FiveWindows => {
                let periods = [60, 120, 180, 240, 300];
                policy.windows = periods.map(|period| WindowLimit { period, limit: U96::from(999) }).to_vec();
            }
            Self::HashZero => {}
            Self::SamePeriodTwice => policy.windows.extend(policy.windows.clone().last().cloned()),
            Self::WindowBelowSession => {
                if let Some(window) = policy.windows.first_mut() {
                    window.limit = policy.sessionLimit - one;
                }
            }
            Self::LifetimeBelowSession => policy.lifetimeLimit = policy.sessionLimit - one,
        }
        policy
    }
}

impl Change {
    fn of(self, mut policy: Policy) -> Policy {
        let count = policy.windows.len().max(1);
        match self {
            Self::Cap(by) => policy.paymentCap = moved(policy.paymentCap, by),
            Self::Threshold(by) => policy.approvalThreshold = moved(policy.approvalThreshold, by),
            Self::Session(by) => policy.sessionLimit = moved(policy.sessionLimit, by),
            Self::Seconds(by) => {
                let one = U24::from(1);
                let seconds = policy.maxSessionSeconds;
                policy.maxSessionSeconds =
                    if by < 0 { seconds.saturating_sub(one) } else { seconds.saturating_add(one) };
            }
            Self::List(list) => policy.payeeList = list,
            Self::Limit(i, by) => {
                if let Some(window) = policy.windows.get_mut(usize::from(i) % count) {
                    window.limit = moved(window.limit, by);
                }
            }
            Self::Period(i, by) => {
                if let Some(window) = policy.windows.get_mut(usize::from(i) % count) {
                    window.period = window.period.saturating_add_signed(i32::from(by));
                }
            }
            Self::Drop(i) => {
                if !policy.windows.is_empty() {
                    policy.windows.remove(usize::from(i) % count);
                }
            }
            Self::Lifetime(by) => policy.lifetimeLimit = moved(policy.lifetimeLimit, by),
            Self::NoLifetime => policy.lifetimeLimit = U96::ZERO,
            Self::Nothing => {}
        }
        policy
    }
}

fn moved(value: U96, by: i8) -> U96 {
    let one = U96::from(1);
    if by < 0 { value.saturating_sub(one) } else { value.saturating_add(one) }
}
