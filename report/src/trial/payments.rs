//! What is held against every payment, with the books as they stand before it.

use alloy::primitives::U256;
use bursar_indexer::query::history::Settled;
use bursar_sdk::{
    decision::{DecisionRecord, Verdict as Decided},
    role::Role,
};

use super::{At, Rule, Told, Trials};
use crate::books::{Books, Envelope, Session};

impl Trials {
    /// Looks at a payment and the record of its decision, which may have been `erased` since it came, and counts it in the windows of its limits. Gives what the
    /// record says otherwise than the chain, by field.
    pub(crate) fn payment(
        &mut self,
        books: &mut Books,
        payment: &Settled,
        told: Option<&Told>,
        erased: bool,
    ) -> Vec<&'static str> {
        let at = At::of(payment.position, payment.tx_hash);
        let about = || format!("payment of {} from {}", payment.amount, payment.purse);
        self.hold(Rule::Explained, told.is_some() || erased, at, || {
            let hash =
                payment.decision_hash.map(|hash| format!(" (the chain names {hash})")).unwrap_or_default();
            [about(), "the record of its decision".into(), format!("none{hash}")]
        });
        let disagrees = told.map(|told| self.record(books, payment, told, at)).unwrap_or_default();
        let over = books.spend(
            payment.envelope,
            payment.policy_version,
            payment.timestamp,
            payment.amount.to_u256(),
        );
        self.tried(Rule::WithinWindows);
        if let Some((whose, paid, limit)) = over.into_iter().next() {
            self.found(Rule::WithinWindows, at, [whose, format!("at most {limit}"), paid.to_string()]);
        }
        let session = books.sessions.get(&payment.session);
        let envelope = books.envelopes.get(&payment.envelope);
        self.live(books, payment, session, envelope, at);
        if let (Some(session), Some(envelope)) = (session, envelope) {
            self.within(books, payment, session, envelope, at);
            self.approval(books, payment, session, envelope, at);
        }
        disagrees
    }

    fn record(&mut self, books: &Books, payment: &Settled, told: &Told, at: At) -> Vec<&'static str> {
        let record = &told.record;
        let about = || format!("record {}", told.hash);
        let nonce = record.nonce_of(told.hash);
        self.hold(Rule::NonceOpens, payment.nonce == Some(nonce), at, || {
            [about(), nonce.to_string(), crate::books::cell(payment.nonce)]
        });
        let policy = books.envelopes.get(&payment.envelope);
        let policy = policy.and_then(|envelope| envelope.policies.get(&payment.policy_version));
        let disagrees = disagreements(record, payment, policy.map(|policy| policy.rules.policy_hash));
        self.hold(Rule::RecordAgrees, disagrees.is_empty(), at, || {
            [about(), "what the chain says".into(), format!("something else of {}", disagrees.join(", "))]
        });
        if record.verdict == Decided::Denied {
            self.found(Rule::RefusalHeld, at, [about(), "no payment".into(), "it settled".into()]);
        }
        disagrees
    }

    fn live(
        &mut self,
        books: &Books,
        payment: &Settled,
        session: Option<&Session>,
        envelope: Option<&Envelope>,
        at: At,
    ) {
        let live = match session {
            None => Err("no open session".to_owned()),
            Some(session) if session.frozen => Err("a frozen session".to_owned()),
            Some(session) if payment.timestamp >= session.opened.expiry => {
                Err(format!("{}, over at {}", payment.timestamp, session.opened.expiry))
            }
            Some(_) => Ok(()),
        };
        self.hold(Rule::SessionLive, live.is_ok(), at, || {
            [format!("session {}", payment.session), "a live session".into(), live.err().unwrap_or_default()]
        });
        let stopped = envelope.and_then(|envelope| books.stopped(envelope));
        self.hold(Rule::NotFrozen, stopped.is_none(), at, || {
            let about = format!("envelope {}", payment.envelope);
            [about, "nothing frozen".into(), stopped.unwrap_or_default().to_owned()]
        });
        let in_force = envelope.map(|envelope| envelope.version).unwrap_or_default();
        self.hold(Rule::PolicyInForce, in_force == payment.policy_version, at, || {
            let about = format!("envelope {}", payment.envelope);
            [about, format!("policy {in_force}"), format!("policy {}", payment.policy_version)]
        });
    }

    fn within(&mut self, books: &Books, payment: &Settled, session: &Session, envelope: &Envelope, at: At) {
        let about = || format!("envelope {}", payment.envelope);
        let scope = &session.opened.scope;
        let policy = envelope.policies.get(&payment.policy_version).map(|policy| &policy.rules);
        let amount = payment.amount.to_u256();
        let cap = lower(scope.payment_cap.to_u256(), policy.map(|policy| policy.payment_cap.to_u256()));
        self.hold(Rule::WithinCap, amount <= cap, at, || {
            [about(), format!("at most {cap}"), amount.to_string()]
        });
        let paid = session.paid.saturating_add(amount);
        let budget = session.opened.budget.to_u256();
        self.hold(Rule::WithinSession, paid <= budget, at, || {
            let about = format!("session {}, which strangers may have sent money to", payment.session);
            [about, format!("at most {budget}"), paid.to_string()]
        });
        let lists = [scope.payee_list, policy.map(|policy| policy.payee_list).unwrap_or_default()];
        let off = lists.into_iter().find(|list| !books.on_list(*list, payment.payee));
        self.hold(Rule::PayeeListed, off.is_none(), at, || {
            let list = off.unwrap_or_default();
            [about(), format!("a payee on list {list}"), payment.payee.to_string()]
        });
    }

    fn approval(&mut self, books: &Books, payment: &Settled, session: &Session, envelope: &Envelope, at: At) {
        let policy = envelope.policies.get(&payment.policy_version).map(|policy| &policy.rules);
        let own = session.opened.scope.approval_threshold.to_u256();
        let threshold = lower(own, policy.map(|policy| policy.approval_threshold.to_u256()));
        let about = || format!("payment of {} above {threshold}", payment.amount);
        if payment.amount.to_u256() > threshold {
            let may = payment.approver.is_some_and(|approver| books.holds(approver, Role::Approver));
            self.hold(Rule::Approved, may, at, || {
                let got = payment.approver.map_or("nobody".to_owned(), |approver| approver.to_string());
                [about(), "an approver".into(), got]
            });
        }
        let Some(approver) = payment.approver else { return };
        let apart = !books.agents.contains_key(&approver)
            && approver != session.opened.key
            && !(books.organisation.separation && books.authors.contains(&approver));
        self.hold(Rule::ApproverApart, apart, at, || {
            [about(), "somebody who neither spends nor writes policies".into(), approver.to_string()]
        });
    }

    /// Whether what was paid for came, as far as the agent has said.
    pub(crate) fn delivered(&mut self, payment: &Settled, delivered: Option<bool>) {
        let at = At::of(payment.position, payment.tx_hash);
        self.hold(Rule::Delivered, delivered == Some(true), at, || {
            let got = if delivered.is_some() { "it did not come" } else { "no outcome" };
            [format!("payment of {} to {}", payment.amount, payment.payee), "delivered".into(), got.into()]
        });
    }
}

/// The lower of what a session narrows and what the policy says; a session's zero narrows nothing.
fn lower(own: U256, policy: Option<U256>) -> U256 {
    match policy {
        Some(policy) if own.is_zero() || policy < own => policy,
        Some(_) => own,
        None => U256::ZERO,
    }
}

fn disagreements(
    record: &DecisionRecord,
    payment: &Settled,
    policy: Option<alloy::primitives::B256>,
) -> Vec<&'static str> {
    // There, the record's amount is the most that may be charged.
    let charges_less = payment.rail == "permit2_upto" && record.amount > payment.amount;
    [
        ("envelope", record.envelope == payment.envelope),
        ("agent", record.agent == payment.agent),
        ("payee", record.payee == payment.payee),
        ("asset", record.asset == payment.asset),
        ("amount", record.amount == payment.amount || charges_less),
        ("policy", policy.is_none_or(|hash| hash == record.policy_hash)),
    ]
    .into_iter()
    .filter_map(|(field, agrees)| (!agrees).then_some(field))
    .collect()
}
