//! Another policy: put in force, or announced first.

use alloy::{primitives::Bytes, sol_types::SolCall};
use bursar_indexer::query::{envelopes::Envelope, policies::Policy};
use bursar_sdk::{
    abi::Treasury::{self, announceCall, setPolicyCall},
    amount::Amount,
    model::roles::ANNOUNCEMENT_LIFE,
    policy::{PolicyDocument, tightens},
};

use super::plan::{Desk, Plan, number};
use crate::{
    error::ApiError,
    web::text::{money, span, when, window},
};

/// The call that puts a document in force on an envelope.
pub(super) fn call(
    desk: &Desk<'_>,
    row: &Envelope,
    document: &PolicyDocument,
) -> Result<setPolicyCall, ApiError> {
    let misfit = |field: &str, expected: String, got: String| {
        let message = format!("the document is not of this envelope: {field}");
        Err(ApiError::unprocessable("policy_misfit", message).mismatch(expected, got))
    };
    if document.chain_id != desk.config.chain_id {
        return misfit("chainId", desk.config.chain_id.to_string(), document.chain_id.to_string());
    }
    if document.asset != row.asset {
        return misfit("asset", row.asset.to_checksum(None), document.asset.to_checksum(None));
    }
    let invalid = |error| ApiError::unprocessable("policy_document_invalid", format!("{error}"));
    let policy = document.to_chain().map_err(invalid)?;
    Ok(setPolicyCall { envelope: number(row.number), policy })
}

/// `ready_at` is when an announcement of this very call may run, in unix seconds; nothing where there is none.
pub(super) fn set(
    desk: &Desk<'_>,
    row: &Envelope,
    old: &Policy,
    call: &setPolicyCall,
    ready_at: Option<u64>,
) -> Result<Plan, ApiError> {
    let (old, next) = (old.rules.to_chain(old.policy_hash), &call.policy);
    let tighter = tightens(next, &old);
    let fresh = ready_at.filter(|ready_at| desk.now < ready_at.saturating_add(ANNOUNCEMENT_LIFE));
    let plan = if tighter || desk.treasury.delay == 0 {
        in_force(desk, row, call)
    } else {
        match fresh {
            Some(ready_at) if desk.now >= ready_at => in_force(desk, row, call),
            Some(ready_at) => {
                let message = format!(
                    "this policy is announced, and may be put in force from {} UTC on: come back then with the same \
                     document",
                    when(ready_at).full
                );
                return Err(ApiError::conflict("announcement_waits", message)
                    .mismatch(format!("{ready_at} (unix seconds) or later"), desk.now));
            }
            None => announced(desk, row, call),
        }
    };
    let plan = rules(desk, row, &old, next).into_iter().fold(plan, |plan, (what, before, after)| {
        if before == after { plan } else { plan.change(&what, before, after) }
    });
    let unchanged = plan.changes.len() == 1;
    Ok(plan.warn_if(unchanged, "No rule changes: only the version and the document's hash.").warn_if(
        !tighter && desk.treasury.delay == 0,
        "It loosens a rule, and the organisation has no delay.",
    ))
}

fn in_force(desk: &Desk<'_>, row: &Envelope, call: &setPolicyCall) -> Plan {
    let what = format!(
        "Puts another policy in force on envelope {} ({}), at once. What was signed and has not settled never will; \
         open sessions pay no more, the agent opens new ones.",
        row.number,
        desk.called(row.agent)
    );
    let version = u32::from(row.policy_version);
    Plan::new(what, desk.call(call, format!("Set the policy of envelope {}", row.number))).change(
        "Policy",
        format!("version {version}"),
        format!("version {}", version + 1),
    )
}

fn announced(desk: &Desk<'_>, row: &Envelope, call: &setPolicyCall) -> Plan {
    let delay = desk.treasury.delay;
    let announce = announceCall { call: Bytes::from(call.abi_encode()) };
    let what = format!(
        "Announces another policy for envelope {} ({}), since it loosens a rule. Nothing changes yet: it may be put in \
         force {} later, with the same document and another transaction. Until then an owner, a policy manager or a \
         guardian may take it back.",
        row.number,
        desk.called(row.agent),
        span(delay)
    );
    let version = u32::from(row.policy_version);
    let plan =
        Plan::new(what, desk.call(&announce, format!("Announce a policy for envelope {}", row.number)))
            .change(
                "Policy",
                format!("version {version}"),
                format!("version {version}; another is announced"),
            );
    Plan { delay: Some(delay), ..plan }
}

type Rule = (String, String, String);

/// Every rule as it is and as it will be, in words.
fn rules(desk: &Desk<'_>, row: &Envelope, old: &Treasury::Policy, next: &Treasury::Policy) -> Vec<Rule> {
    let show = |limit: Amount| money(desk.config, row.asset, limit.to_u256());
    let limit = |limit: Amount| if limit.is_zero() { "no limit".to_owned() } else { show(limit) };
    let list = |list: u16| if list == 0 { "any payee".to_owned() } else { format!("list {list}") };
    let life = |policy: &Treasury::Policy| {
        let seconds = policy.maxSessionSeconds.to::<u64>();
        format!("{} ({seconds} s)", span(seconds))
    };
    let mut all: Vec<Rule> = [
        ("Most a payment", old.paymentCap, next.paymentCap),
        ("A human approves above", old.approvalThreshold, next.approvalThreshold),
        ("Most a session", old.sessionLimit, next.sessionLimit),
    ]
    .map(|(what, old, next)| (what.to_owned(), show(old.into()), show(next.into())))
    .into();
    all.push(("Longest session".into(), life(old), life(next)));
    all.push(("Payees".into(), list(old.payeeList), list(next.payeeList)));
    let of = |policy: &Treasury::Policy, period: u32| {
        let found = policy.windows.iter().find(|window| window.period == period);
        limit(found.map(|window| window.limit.into()).unwrap_or_default())
    };
    let mut periods: Vec<u32> = old.windows.iter().chain(&next.windows).map(|window| window.period).collect();
    periods.sort_unstable();
    periods.dedup();
    all.extend(
        periods
            .into_iter()
            .map(|period| (format!("{}, most drawn", window(period)), of(old, period), of(next, period))),
    );
    let lifetime = |policy: &Treasury::Policy| limit(policy.lifetimeLimit.into());
    all.push(("Lifetime, most drawn".into(), lifetime(old), lifetime(next)));
    all
}
