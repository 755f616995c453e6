//! Events as the `event` table keeps them: a kind, where they belong, and their arguments as JSON.

use alloy::primitives::{Address, B256};
use bursar_sdk::abi::Treasury::{Policy, Scope, TreasuryEvents, WindowLimit};
use serde::Deserialize;
use serde_json::{Value, json};

use super::Event;
use crate::query::policies::Rules;

/// A policy's limits and rules as JSON, as the `policy` table keeps them.
pub(crate) fn rules(policy: &Policy) -> Value {
    json!({
        "paymentCap": policy.paymentCap.to_string(),
        "approvalThreshold": policy.approvalThreshold.to_string(),
        "sessionLimit": policy.sessionLimit.to_string(),
        "maxSessionSeconds": policy.maxSessionSeconds.to::<u32>(),
        "payeeList": policy.payeeList,
        "lifetimeLimit": policy.lifetimeLimit.to_string(),
        "policyHash": policy.policyHash,
        "windows": windows(&policy.windows),
    })
}

/// The policy that [`rules`] wrote; `None` where it did not.
pub(crate) fn read_rules(text: &str) -> Option<Policy> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Written {
        policy_hash: B256,
        #[serde(flatten)]
        rules: Rules,
    }
    let Written { policy_hash, rules } = serde_json::from_str(text).ok()?;
    Some(rules.to_chain(policy_hash))
}

fn windows(windows: &[WindowLimit]) -> Vec<Value> {
    let one = |window: &WindowLimit| json!({ "period": window.period, "limit": window.limit.to_string() });
    windows.iter().map(one).collect()
}

/// A session's scope as JSON, as the `session` table keeps it.
pub(crate) fn scope(scope: &Scope) -> Value {
    json!({
        "paymentCap": scope.paymentCap.to_string(),
        "approvalThreshold": scope.approvalThreshold.to_string(),
        "payeeList": scope.payeeList,
    })
}

/// What the `event` table calls an event.
pub fn kind(event: &Event) -> &'static str {
    use TreasuryEvents as T;
    match event {
        Event::Created(_) => "treasury_created",
        Event::Settled(_) => "authorization_used",
        Event::Moved(_) => "transfer",
        Event::Proxied(_) => "proxied",
        Event::Treasury(event) => match event.as_ref() {
            T::AgentSet(_) => "agent_set",
            T::Anchored(_) => "anchored",
            T::Announced(_) => "announced",
            T::AnnouncementCancelled(_) => "announcement_cancelled",
            T::AnnouncementUsed(_) => "announcement_used",
            T::AssetAdded(_) => "asset_added",
            T::DelaySet(_) => "delay_set",
            T::EnvelopeCreated(_) => "envelope_created",
            T::EnvelopeFrozen(_) => "envelope_frozen",
            T::EnvelopeUnfrozen(_) => "envelope_unfrozen",
            T::GroupCreated(_) => "group_created",
            T::GroupFrozen(_) => "group_frozen",
            T::GroupLimitsSet(_) => "group_limits_set",
            T::GroupSet(_) => "group_set",
            T::GroupUnfrozen(_) => "group_unfrozen",
            T::OrganisationFrozen(_) => "organisation_frozen",
            T::OrganisationUnfrozen(_) => "organisation_unfrozen",
            T::PayeeListed(_) => "payee_listed",
            T::PayeeUnlisted(_) => "payee_unlisted",
            T::Permit2Set(_) => "permit2_set",
            T::PolicySet(_) => "policy_set",
            T::PurseCreated(_) => "purse_created",
            T::PurseSwept(_) => "purse_swept",
            T::Recovered(_) => "recovered",
            T::ReviewCleared(_) => "review_cleared",
            T::ReviewSet(_) => "review_set",
            T::RoleGranted(_) => "role_granted",
            T::RoleRevoked(_) => "role_revoked",
            T::ScoreLifeSet(_) => "score_life_set",
            T::ScoreReported(_) => "score_reported",
            T::SeparationOfDutiesSet(_) => "separation_of_duties_set",
            T::SessionClosed(_) => "session_closed",
            T::SessionFrozen(_) => "session_frozen",
            T::SessionOpened(_) => "session_opened",
            T::StampEpochSet(_) => "stamp_epoch_set",
            T::StampRevoked(_) => "stamp_revoked",
            T::ToppedUp(_) => "topped_up",
            T::Withdrawn(_) => "withdrawn",
        },
    }
}

/// The treasury and the envelope that a treasury's event names itself; what tokens and proxies say names neither.
pub fn place(event: &Event, emitter: Address) -> (Option<Address>, Option<u32>) {
    use TreasuryEvents as T;
    let envelope = match event {
        Event::Created(event) => return (Some(event.treasury), None),
        Event::Settled(_) | Event::Moved(_) | Event::Proxied(_) => return (None, None),
        Event::Treasury(event) => match event.as_ref() {
            T::AgentSet(e) => Some(e.envelope),
            T::EnvelopeCreated(e) => Some(e.envelope),
            T::EnvelopeFrozen(e) => Some(e.envelope),
            T::EnvelopeUnfrozen(e) => Some(e.envelope),
            T::GroupSet(e) => Some(e.envelope),
            T::Permit2Set(e) => Some(e.envelope),
            T::PolicySet(e) => Some(e.envelope),
            T::PurseCreated(e) => Some(e.envelope),
            T::PurseSwept(e) => Some(e.envelope),
            T::ReviewCleared(e) => Some(e.envelope),
            T::ReviewSet(e) => Some(e.envelope),
            T::ScoreLifeSet(e) => Some(e.envelope),
            T::ScoreReported(e) => Some(e.envelope),
            T::SessionClosed(e) => Some(e.envelope),
            T::SessionFrozen(e) => Some(e.envelope),
            T::SessionOpened(e) => Some(e.envelope),
            T::ToppedUp(e) => Some(e.envelope),
            T::Withdrawn(e) => Some(e.envelope),
            _ => None,
        },
    };
    (Some(emitter), envelope.map(|envelope| envelope.to()))
}

/// An event's arguments: hex strings for bytes, decimal strings for amounts, numbers for what is small.
pub fn args(event: &Event) -> Value {
    match event {
        Event::Created(e) => json!({ "treasury": e.treasury, "owner": e.owner, "salt": e.salt }),
        Event::Settled(e) => json!({ "authorizer": e.authorizer, "nonce": e.nonce }),
        Event::Moved(e) => json!({ "from": e.from, "to": e.to, "value": e.value.to_string() }),
        Event::Proxied(proxy) => json!({ "rail": proxy.rail() }),
        Event::Treasury(event) => treasury_args(event),
    }
}

fn treasury_args(event: &TreasuryEvents) -> Value {
    use TreasuryEvents as T;
    match event {
        T::RoleGranted(e) => json!({ "account": e.account, "role": e.role, "by": e.by }),
        T::RoleRevoked(e) => json!({ "account": e.account, "role": e.role, "by": e.by }),
        T::DelaySet(e) => json!({ "delay": e.delay, "by": e.by }),
        T::SeparationOfDutiesSet(e) => json!({ "on": e.on, "by": e.by }),
        T::Announced(e) => {
            json!({ "id": e.id, "by": e.by, "readyAt": e.readyAt.to_string(), "call": e.call })
        }
        T::AnnouncementCancelled(e) => json!({ "id": e.id, "by": e.by }),
        T::AnnouncementUsed(e) => json!({ "id": e.id, "by": e.by }),
        T::AssetAdded(e) => {
            json!({ "asset": e.asset, "index": e.index, "domainSeparator": e.domainSeparator })
        }
        T::EnvelopeCreated(e) => json!({ "agent": e.agent, "asset": e.asset, "by": e.by }),
        T::AgentSet(e) => json!({ "agent": e.agent, "by": e.by }),
        T::PolicySet(e) => json!({ "version": e.version, "policy": rules(&e.policy), "by": e.by }),
        T::PurseCreated(e) => json!({ "purse": e.purse, "index": e.index }),
        T::PayeeListed(e) => json!({ "list": e.list, "payee": e.payee }),
        T::PayeeUnlisted(e) => json!({ "list": e.list, "payee": e.payee, "by": e.by }),
        T::ToppedUp(e) => json!({ "from": e.from, "amount": e.amount.to_string() }),
        T::Withdrawn(e) => json!({ "to": e.to, "amount": e.amount.to_string(), "by": e.by }),
        T::Recovered(e) => {
            json!({ "token": e.token, "holder": e.holder, "to": e.to, "amount": e.amount.to_string() })
        }
        T::SessionOpened(e) => json!({
            "purse": e.purse,
            "sequence": e.sequence.to::<u32>(),
            "key": e.key,
            "budget": e.budget.to_string(),
            "expiry": e.expiry,
            "policyVersion": e.policyVersion,
            "scope": scope(&e.scope),
            "stampHash": e.stampHash,
        }),
        T::SessionClosed(e) => json!({
            "purse": e.purse,
            "sequence": e.sequence.to::<u32>(),
            "returned": e.returned.to_string(),
            "unspent": e.unspent.to_string(),
        }),
        T::PurseSwept(e) => json!({ "purse": e.purse, "amount": e.amount.to_string() }),
        T::OrganisationFrozen(e) => json!({ "by": e.by }),
        T::OrganisationUnfrozen(e) => json!({ "by": e.by, "epoch": e.epoch }),
        T::EnvelopeFrozen(e) => json!({ "by": e.by }),
        T::EnvelopeUnfrozen(e) => json!({ "by": e.by }),
        T::SessionFrozen(e) => json!({ "purse": e.purse, "sequence": e.sequence.to::<u32>(), "by": e.by }),
        T::ReviewSet(e) => json!({ "by": e.by, "reason": e.reason }),
        T::ReviewCleared(e) => json!({ "by": e.by, "reason": e.reason }),
        T::ScoreLifeSet(e) => json!({ "life": e.life, "by": e.by }),
        T::ScoreReported(e) => json!({ "score": e.score, "by": e.by }),
        T::Permit2Set(e) => json!({ "on": e.on, "by": e.by }),
        T::GroupCreated(e) => json!({
            "group": e.group.to::<u32>(),
            "parent": e.parent.to::<u32>(),
            "asset": e.asset,
            "by": e.by,
        }),
        T::GroupLimitsSet(e) => json!({
            "group": e.group.to::<u32>(),
            "windows": windows(&e.windows),
            "lifetimeLimit": e.lifetimeLimit.to_string(),
            "by": e.by,
        }),
        T::GroupSet(e) => json!({ "group": e.group.to::<u32>(), "by": e.by }),
        T::GroupFrozen(e) => json!({ "group": e.group.to::<u32>(), "by": e.by }),
        T::GroupUnfrozen(e) => json!({ "group": e.group.to::<u32>(), "by": e.by, "epoch": e.epoch }),
        T::StampRevoked(e) => json!({ "stampHash": e.stampHash, "by": e.by }),
        T::StampEpochSet(e) => json!({ "epoch": e.epoch, "by": e.by }),
        T::Anchored(e) => json!({ "root": e.root, "size": e.size.to_string(), "by": e.by }),
    }
}
