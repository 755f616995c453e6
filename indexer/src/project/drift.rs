//! Policy drift: rules that are loosened, are announced to be, or change under an open session.
//!
//! What is a loosening is the contract's own measure: what waits for an announcement where the organisation has a delay. Setting
//! up a treasury before its first envelope loosens nothing.

use alloy::{primitives::Address, sol_types::SolInterface};
use bursar_sdk::{
    abi::Treasury::{Announced, Policy, PolicySet, TreasuryCalls, TreasuryEvents},
    policy::tightens,
    role::Role,
};
use serde_json::{Map, Value, json};

use super::{Projector, Step, rows};
use crate::{
    decode::{read_rules, rules},
    ledger::{AlertKind, Key, Rows, Severity, Topic},
    source::RawLog,
};

/// Rules that changed: of an envelope or of the whole treasury, which ones, and how.
struct Drift {
    envelope: Option<u32>,
    subject: String,
    detail: Value,
}

impl Drift {
    fn of(envelope: u32, subject: &str, detail: Value) -> Self {
        Self { envelope: Some(envelope), subject: subject.into(), detail }
    }

    fn of_all(subject: impl Into<String>, detail: Value) -> Self {
        Self { envelope: None, subject: subject.into(), detail }
    }
}

impl<R: Rows> Projector<'_, R> {
    /// Raises what an event changes for the looser, and what is announced; before the event changes anything.
    pub(super) async fn drifted(&mut self, log: &RawLog, event: &TreasuryEvents) -> Step<(), R> {
        let treasury = log.address;
        let announcement =
            |id| Topic::of_treasury(AlertKind::PolicyDrift, treasury, format!("announcements/{id}"));
        match event {
            TreasuryEvents::Announced(e) => {
                let (name, envelope) = announced(e);
                let detail = json!({
                    "announced": name, "envelope": envelope, "readyAt": e.readyAt.to_string(), "by": e.by,
                });
                return self.stands(announcement(e.id), Severity::Notice, detail).await;
            }
            TreasuryEvents::AnnouncementCancelled(e) => return self.over(&announcement(e.id)).await,
            TreasuryEvents::AnnouncementUsed(e) => return self.over(&announcement(e.id)).await,
            _ => {}
        }
        let Some(drift) = self.drift(treasury, event).await? else { return Ok(()) };
        // Numbered from 1, and never taken away.
        if self.get(Key::Envelope(treasury, 1)).await?.is_none() {
            return Ok(());
        }
        let mut topic = Topic::of_treasury(AlertKind::PolicyDrift, treasury, drift.subject);
        topic.envelope = drift.envelope;
        self.happened(topic, Severity::Warning, drift.detail).await
    }

    async fn drift(&mut self, treasury: Address, event: &TreasuryEvents) -> Step<Option<Drift>, R> {
        use TreasuryEvents as T;
        Ok(match event {
            T::PolicySet(e) => self.policy_drift(treasury, e).await?,
            T::AgentSet(e) => {
                let before = self.envelope_row(treasury, e.envelope.to()).await?.agent;
                let detail = json!({ "from": before, "to": e.agent, "by": e.by });
                Some(Drift::of(e.envelope.to(), "agent", detail))
            }
            T::GroupSet(e) => {
                let before = self.envelope_row(treasury, e.envelope.to()).await?.group;
                let detail = json!({ "from": before, "to": e.group.to::<u32>(), "by": e.by });
                (before != 0).then(|| Drift::of(e.envelope.to(), "group", detail))
            }
            T::Permit2Set(e) => {
                let before = self.envelope_row(treasury, e.envelope.to()).await?.permit2;
                let detail = json!({ "from": before, "to": e.on, "by": e.by });
                (e.on && !before).then(|| Drift::of(e.envelope.to(), "permit2", detail))
            }
            T::ScoreLifeSet(e) => {
                let before = self.envelope_row(treasury, e.envelope.to()).await?.score_life;
                let detail = json!({ "from": before, "to": e.life, "by": e.by });
                let looser = before != 0 && (e.life == 0 || e.life > before);
                looser.then(|| Drift::of(e.envelope.to(), "scoreLife", detail))
            }
            T::GroupLimitsSet(e) => {
                let before = self.group_limits(treasury, e.group.to()).await?.windows;
                let limits = e.windows.iter().map(|window| (window.period, window.limit));
                let next: Vec<_> = limits.chain([(0, e.lifetimeLimit)]).collect();
                let looser = before.iter().any(|window| {
                    next.iter().any(|(period, limit)| {
                        *period == window.period && limit.to::<u128>() > window.limit.to_u128()
                    })
                });
                let detail = json!({ "group": e.group.to::<u32>(), "by": e.by });
                looser.then(|| Drift::of_all(format!("groups/{}", e.group), detail))
            }
            T::PayeeListed(e) => {
                let detail = json!({ "list": e.list, "payee": e.payee });
                Some(Drift::of_all(format!("payees/{}", e.list), detail))
            }
            T::RoleGranted(e) if !stops(e.role) => {
                let detail = json!({ "granted": e.role, "account": e.account, "by": e.by });
                Some(Drift::of_all(format!("roles/{}", e.account), detail))
            }
            T::RoleRevoked(e) if stops(e.role) => {
                let detail = json!({ "revoked": e.role, "account": e.account, "by": e.by });
                Some(Drift::of_all(format!("roles/{}", e.account), detail))
            }
            T::DelaySet(e) => {
                let before = self.treasury_row(treasury).await?.delay;
                let detail = json!({ "from": before, "to": e.delay, "by": e.by });
                (e.delay < before).then(|| Drift::of_all("delay", detail))
            }
            T::SeparationOfDutiesSet(e) => {
                let before = self.treasury_row(treasury).await?.separation;
                let detail = json!({ "from": before, "to": e.on, "by": e.by });
                (before && !e.on).then(|| Drift::of_all("separation", detail))
            }
            _ => None,
        })
    }

    async fn policy_drift(&mut self, treasury: Address, event: &PolicySet) -> Step<Option<Drift>, R> {
        let number = event.envelope.to();
        let row = self.envelope_row(treasury, number).await?;
        let Some(old) = self.policy(treasury, number, row.policy_version).await? else { return Ok(None) };
        let under_session = row.open_sessions != 0 && row.open_until > self.block.header.timestamp;
        let looser = !tightens(&event.policy, &old);
        let changed = changed(&old, &event.policy);
        // The same rules under a new version are a release or a new key, and told as such.
        let drifts = looser || (under_session && !changed.is_empty());
        let detail = json!({
            "from": row.policy_version,
            "to": event.version,
            "looser": looser,
            "openSessions": if under_session { row.open_sessions } else { 0 },
            "changed": changed,
            "by": event.by,
        });
        Ok(drifts.then(|| Drift::of(number, "policy", detail)))
    }

    /// A policy version; `None` where there was none.
    async fn policy(&mut self, treasury: Address, number: u32, version: u16) -> Step<Option<Policy>, R> {
        let of = (treasury, number, version);
        let here = self.effects.policies.iter().find(|row| (row.treasury, row.envelope, row.version) == of);
        let text = match here {
            Some(row) => Some(row.rules.clone()),
            None => rows(self.ledger.rules((treasury, number), version).await)?,
        };
        let Some(text) = text else { return Ok(None) };
        match read_rules(&text) {
            Some(policy) => Ok(Some(policy)),
            None => self
                .gap(format!("policy {version} of envelope {number} of treasury {treasury} does not read")),
        }
    }
}

/// The role only adds somebody who can stop things.
fn stops(role: u8) -> bool {
    role & (Role::Guardian.bit() | Role::Reviewer.bit()) != 0
}

/// What an announced call is, and which envelope it is about; `None` where it does not read.
fn announced(event: &Announced) -> (Option<&'static str>, Option<u32>) {
    use TreasuryCalls as C;
    let Ok(call) = C::abi_decode(&event.call) else { return (None, None) };
    let envelope = match &call {
        C::setPolicy(call) => Some(call.envelope),
        C::setAgent(call) => Some(call.envelope),
        C::setGroup(call) => Some(call.envelope),
        C::setPermit2(call) => Some(call.envelope),
        C::setScoreLife(call) => Some(call.envelope),
        _ => None,
    };
    (C::name_by_selector(call.selector()), envelope.map(|envelope| envelope.to()))
}

/// The rules that are not the same: as they were, and as they are.
fn changed(old: &Policy, new: &Policy) -> Map<String, Value> {
    let (Value::Object(old), Value::Object(new)) = (rules(old), rules(new)) else { return Map::new() };
    let pairs = old.into_iter().filter_map(|(name, before)| {
        let after = new.get(&name).cloned().unwrap_or_default();
        (before != after).then(|| (name, json!([before, after])))
    });
    pairs.collect()
}
