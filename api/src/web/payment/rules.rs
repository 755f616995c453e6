//! A policy's rules, each beside what was held against it.

use bursar_indexer::query::{payments::Payment, policies, sessions::Session};
use bursar_sdk::amount::Amount;

use super::{
    super::text::{money, span, window},
    view::Held,
};
use crate::Config;

/// Rule by rule: what the policy says, narrowed by the session, and what the payment was; `listed` says
/// whether the payee is on the list, today or (`then`) at the moment that is asked for.
pub(super) fn rules(
    config: &Config,
    row: &Payment,
    policy: &policies::Policy,
    session: Option<&Session>,
    (listed, then): (Option<bool>, bool),
) -> Vec<Held> {
    let show = |amount: Amount| money(config, row.asset, amount.to_u256());
    let within = |rule, limit: Amount, was: Amount| Held {
        rule,
        limit: format!("at most {}", show(limit)),
        was: show(was),
        level: if was <= limit { "good" } else { "stop" },
        verdict: if was <= limit { "held" } else { "broken" },
    };
    let rules = &policy.rules;
    let mut held = vec![within("Payment cap", rules.payment_cap, row.amount)];
    let threshold = threshold(policy, session);
    held.push(match (row.amount > threshold, row.approver.is_some()) {
        (false, _) => mark("Approval", format!("above {}", show(threshold)), "not needed", true),
        (true, approved) => {
            let was = if approved { "given" } else { "missing" };
            mark("Approval", format!("above {}", show(threshold)), was, approved)
        }
    });
    held.push(match (rules.payee_list, listed) {
        (0, _) => mark("Payees", "any".into(), "anyone", true),
        (list, Some(true)) => {
            told("Payees", format!("on list {list}"), if then { "on it then" } else { "on it today" })
        }
        (list, _) => {
            told("Payees", format!("on list {list}"), if then { "not on it then" } else { "not on it today" })
        }
    });
    if let Some(session) = session {
        held.push(within("Session's budget", rules.session_limit, session.budget));
        let (life, most) = (session.expiry.saturating_sub(session.opened_at), rules.max_session_seconds);
        held.push(mark(
            "Session's life",
            format!("at most {}", span(u64::from(most))),
            &span(life),
            life <= u64::from(most),
        ));
        let scope = &session.scope;
        if !scope.payment_cap.is_zero() {
            held.push(within("Session's own cap", scope.payment_cap, row.amount));
        }
    }
    for limit in &rules.windows {
        let of = format!("{}: at most {}", window(limit.period), show(limit.limit));
        held.push(told("Limit", of, COUNTED));
    }
    if !rules.lifetime_limit.is_zero() {
        held.push(told("Limit", format!("Lifetime: at most {}", show(rules.lifetime_limit)), COUNTED));
    }
    held
}

/// What limits over time look at.
const COUNTED: &str = "counted when the session drew its budget";

fn mark(rule: &'static str, limit: String, was: &str, holds: bool) -> Held {
    let (level, verdict) = if holds { ("good", "held") } else { ("stop", "broken") };
    Held { rule, limit, was: was.to_owned(), level, verdict }
}

fn told(rule: &'static str, limit: String, was: &str) -> Held {
    Held { rule, limit, was: was.to_owned(), level: "", verdict: "left to the contract" }
}

/// From which amount on a human was asked.
pub(super) fn threshold(policy: &policies::Policy, session: Option<&Session>) -> Amount {
    let narrowed = session.map(|session| session.scope.approval_threshold);
    let narrowed = narrowed.filter(|threshold| !threshold.is_zero());
    narrowed.map_or(policy.rules.approval_threshold, |lower| lower.min(policy.rules.approval_threshold))
}
