//! What the chain says of the payment itself: block, logs, session, signatures.

use std::fmt::Display;

use alloy::{
    primitives::{Address, B256, Bytes, Signature, U256},
    sol_types::{SolEvent, SolStruct as _},
};
use bursar_indexer::decode::{PaymentCall, find_payment_calls, find_permit2_calls};
use bursar_sdk::{
    abi::{
        Eip3009::{AuthorizationUsed, Transfer},
        Treasury::{PolicySet, SessionOpened},
    },
    amount::Amount,
    payment::{Approval, Authorization, Rail, Token, session_id, treasury_domain},
};

use super::facts::{Facts, Receipt, Told};
use crate::model::{
    evidence::Evidence,
    verification::{Check, Compared, Link, Pair},
};

/// What is said of a transaction that the node has not.
const NO_TX: &str = "no such transaction";

pub(super) fn checks(evidence: &Evidence, facts: &Facts) -> Vec<Check> {
    let payment = &evidence.payment;
    let receipt = format!("receipt of {}", payment.tx_hash);
    let opened = evidence.session.as_ref().map(|session| format!("receipt of {}", session.opened_tx));
    vec![
        Check::of(Link::Block, format!("block {}", payment.block_number), block(evidence, facts)),
        Check::of(Link::Settlement, receipt.clone(), settlement(evidence, facts)),
        Check::of(Link::Nonce, receipt, nonce(evidence, facts)),
        Check::of(Link::Session, opened.unwrap_or_default(), session(evidence, facts)),
        Check::of(Link::Signature, format!("input of {}", payment.tx_hash), signature(evidence, facts)),
    ]
}

fn block(evidence: &Evidence, facts: &Facts) -> Compared {
    let payment = &evidence.payment;
    let expected = format!("{} of {}", payment.block_hash, payment.timestamp);
    let found = facts.block.clone()?;
    Ok(Pair::same(expected, found.map_or("no such block".into(), |(hash, time)| format!("{hash} of {time}"))))
}

fn settlement(evidence: &Evidence, facts: &Facts) -> Compared {
    let payment = &evidence.payment;
    let token = &payment.asset;
    let said = |to: Address, amount: U256, block: B256| {
        format!("{amount} atomic units of {token} to {to}, in block {block}")
    };
    let expected = said(payment.payee.0, payment.amount.0.to_u256(), payment.block_hash.0);
    let Some(receipt) = facts.receipt(payment.tx_hash.0)? else {
        return Ok(Pair::of(false, expected, NO_TX));
    };
    if !receipt.success {
        return Ok(Pair::of(false, expected, "a transaction that reverted"));
    }
    let Some(moved) = moving(evidence, receipt) else {
        return Ok(Pair::of(false, expected, "no transfer from the purse that goes with it"));
    };
    let found = said(moved.to, moved.value, receipt.block_hash);
    if found != expected {
        return Ok(Pair::of(false, expected, found));
    }
    let asset = facts.asset.clone()?;
    let holds = asset == token.0;
    let is =
        if holds { "the envelope's token".to_owned() } else { format!("where the envelope's is {asset}") };
    Ok(Pair::of(holds, format!("{expected}, the envelope's token"), format!("{found}, {is}")))
}

/// The transfer that goes with the payment. Permit2's is the one that the evidence names; the token's own is paired with
/// the nonce's `AuthorizationUsed` as the ledger pairs them: the next one of the payer that is not taken, else the last
/// before it.
fn moving(evidence: &Evidence, receipt: &Receipt) -> Option<Transfer> {
    let payment = &evidence.payment;
    let mut moved: Vec<(u64, Transfer)> = events::<Transfer>(receipt, payment.asset.0).collect();
    if payment.rail != Rail::Eip3009.code() {
        let named = |(at, moved): &(u64, Transfer)| *at == payment.log_index && moved.from == payment.purse.0;
        return moved.into_iter().find(named).map(|(_, moved)| moved);
    }
    let nonce = payment.nonce.as_ref()?.0;
    for (at, used) in events::<AuthorizationUsed>(receipt, payment.asset.0) {
        let from = |moved: &Transfer| moved.from == used.authorizer;
        let next = moved.iter().position(|(other, moved)| *other > at && from(moved));
        let place = next.or_else(|| moved.iter().rposition(|(other, moved)| *other < at && from(moved)));
        let transfer = place.map(|place| moved.remove(place).1);
        if used.authorizer == payment.purse.0 && used.nonce == nonce {
            return transfer;
        }
    }
    None
}

fn nonce(evidence: &Evidence, facts: &Facts) -> Compared {
    let payment = &evidence.payment;
    if payment.rail != Rail::Eip3009.code() {
        return Err("Permit2 logs no nonce: the session key's signature is over it".into());
    }
    let expected =
        format!("{}, log {}", spelled(payment.nonce.as_ref().map(|nonce| nonce.0)), payment.log_index);
    let Some(receipt) = facts.receipt(payment.tx_hash.0)? else {
        return Ok(Pair::of(false, expected, NO_TX));
    };
    let found: Vec<String> = events::<AuthorizationUsed>(receipt, payment.asset.0)
        .filter(|(_, used)| used.authorizer == payment.purse.0)
        .map(|(index, used)| format!("{}, log {index}", used.nonce))
        .collect();
    let found = found.iter().find(|said| **said == expected).or_else(|| found.first()).cloned();
    Ok(match found {
        Some(found) => Pair::same(expected, found),
        None => Pair::of(false, expected, "no nonce of the purse"),
    })
}

fn session(evidence: &Evidence, facts: &Facts) -> Compared {
    let payment = &evidence.payment;
    let said = evidence.session.as_ref().ok_or("the ledger does not know the session")?;
    let spelled = |id: &dyn Display, key: &dyn Display, envelope: &dyn Display| {
        format!("{id}, key {key}, of envelope {envelope} of treasury {}", payment.treasury)
    };
    let expected = spelled(&payment.session, &said.key, &payment.envelope);
    let Some(receipt) = facts.receipt(said.opened_tx.0)? else {
        return Ok(Pair::of(false, expected, NO_TX));
    };
    Ok(match opening(evidence, receipt) {
        Some(event) => {
            let id = session_id(event.purse, event.sequence.to());
            Pair::same(expected, spelled(&id, &event.key, &event.envelope))
        }
        None => Pair::of(false, expected, "no session of the purse"),
    })
}

/// What the treasury logged when it opened the session.
fn opening(evidence: &Evidence, receipt: &Receipt) -> Option<SessionOpened> {
    let (payment, said) = (&evidence.payment, evidence.session.as_ref()?);
    let mut found = events::<SessionOpened>(receipt, payment.treasury.0);
    let of_it =
        |event: &SessionOpened| event.purse == payment.purse.0 && event.sequence.to::<u32>() == said.sequence;
    found.find(|(_, event)| of_it(event)).map(|(_, event)| event)
}

/// The same, as far as the node tells; nothing can be checked without it.
pub(super) fn opening_told(evidence: &Evidence, facts: &Facts) -> Told<SessionOpened> {
    let said = evidence.session.as_ref().ok_or("the ledger does not know the session")?;
    let opened = facts.receipt(said.opened_tx.0)?.and_then(|receipt| opening(evidence, receipt));
    opened.ok_or_else(|| "the chain does not tell of the session".into())
}

/// That the policy is another than the session was opened under.
pub(super) fn other_version(evidence: &Evidence, opened: &SessionOpened) -> Option<Pair> {
    let (own, said) = (opened.policyVersion, evidence.payment.policy_version);
    let expected = || format!("policy version {own}, as the session has it");
    (own != said).then(|| Pair::of(false, expected(), format!("policy version {said}")))
}

/// What the treasury logged when it put the policy in force.
pub(super) fn policy_set(evidence: &Evidence, receipt: &Receipt) -> Option<PolicySet> {
    let payment = &evidence.payment;
    let mut found = events::<PolicySet>(receipt, payment.treasury.0);
    let of_it = |event: &PolicySet| {
        event.envelope.to::<u32>() == payment.envelope && event.version == payment.policy_version
    };
    found.find(|(_, event)| of_it(event)).map(|(_, event)| event)
}

/// The call that settled the payment, with what its signatures are over.
struct Signed {
    call: PaymentCall,
    authorization: Authorization,
    digest: B256,
}

fn signed(evidence: &Evidence, facts: &Facts) -> Told<Option<Signed>> {
    let payment = &evidence.payment;
    let nonce = payment.nonce.as_ref().ok_or("the payment's nonce is not known")?.0;
    let Some(input) = facts.input.clone()? else { return Ok(None) };
    let domain_separator = facts.domain_separator.clone()?;
    let purse = payment.purse.0;
    let calls = match payment.rail.as_str() {
        "eip3009" => {
            find_payment_calls(&input, &[(purse, nonce)]).remove(&(purse, nonce)).unwrap_or_default()
        }
        _ => find_permit2_calls(&input, purse),
    };
    let of_it = |call: &PaymentCall| {
        let decision = payment.decision_hash.as_ref().is_none_or(|hash| hash.0 == call.blob.decision_hash);
        // There, the signed amount is the most that may be charged.
        let (signed, paid) = (call.blob.amount, payment.amount.0);
        let most = matches!(call.blob.rail, Rail::Permit2Upto { .. });
        let amount = signed == paid || (most && signed > paid);
        call.nonce == nonce && call.blob.payee == payment.payee.0 && amount && decision
    };
    let Some(call) = calls.into_iter().find(of_it) else { return Ok(None) };
    let blob = &call.blob;
    let authorization = Authorization {
        purse,
        payee: blob.payee,
        amount: blob.amount,
        valid_after: blob.valid_after,
        valid_before: blob.valid_before,
        nonce,
    };
    let token = Token { chain_id: evidence.chain_id, address: payment.asset.0, domain_separator };
    let digest = authorization.digest(blob.rail, token);
    Ok(Some(Signed { call, authorization, digest }))
}

fn signature(evidence: &Evidence, facts: &Facts) -> Compared {
    let key = &evidence.session.as_ref().ok_or("the ledger does not know the session")?.key;
    let Some(signed) = signed(evidence, facts)? else {
        return Ok(Pair::of(false, key, "no call of this payment in the transaction"));
    };
    let key = opening_told(evidence, facts)?.key;
    let by = recovered(&signed.call.blob.signature, signed.digest);
    Ok(Pair::of(by == Some(key), key, somebody(by)))
}

fn recovered(signature: &Signature, digest: B256) -> Option<Address> {
    signature.recover_address_from_prehash(&digest).ok()
}

/// How people read who it is.
pub(super) fn somebody(who: Option<Address>) -> String {
    who.map_or("nobody".into(), |who| who.to_checksum(None))
}

impl Signed {
    fn approval_digest(&self, evidence: &Evidence) -> B256 {
        let domain = treasury_domain(evidence.chain_id, evidence.payment.treasury.0);
        self.authorization.approval(self.call.blob.decision_hash, self.digest).eip712_signing_hash(&domain)
    }
}

/// What an approver's contract is to be asked, where one approved.
pub(super) fn contract_approval(evidence: &Evidence, facts: &Facts) -> Option<(Address, B256, Bytes)> {
    let signed = signed(evidence, facts).ok()??;
    match &signed.call.blob.approval {
        Some(Approval::Contract { approver, signature }) => {
            Some((*approver, signed.approval_digest(evidence), signature.clone()))
        }
        _ => None,
    }
}

/// Who approved the payment, if anybody had to.
pub(super) fn approval(evidence: &Evidence, facts: &Facts) -> Check {
    let source = format!("input of {}", evidence.payment.tx_hash);
    Check::of(Link::Approval, source, approved(evidence, facts))
}

fn approved(evidence: &Evidence, facts: &Facts) -> Compared {
    let payment = &evidence.payment;
    let Some(signed) = signed(evidence, facts)? else {
        return Ok(Pair::of(false, "a call of this payment", "none in the transaction"));
    };
    let approver = payment.approver.as_ref().map(|approver| approver.0);
    let by = match (&signed.call.blob.approval, &payment.approver) {
        (None, Some(approver)) => return Ok(Pair::of(false, approver, "no approval in the transaction")),
        (None, None) => return unneeded(evidence, facts, signed.authorization.amount),
        (Some(Approval::Eoa(signature)), _) => recovered(signature, signed.approval_digest(evidence)),
        (Some(Approval::Contract { approver, .. }), _) => Some(*approver),
    };
    let (expected, found) = (somebody(approver), somebody(by));
    if by.is_none() || by != approver {
        return Ok(Pair::of(false, expected, found));
    }
    if let Some(Approval::Contract { .. }) = &signed.call.blob.approval {
        let denied = match facts.confirmed.clone()? {
            Some(true) => None,
            Some(false) => Some("whose contract does not take it for its own"),
            None => Some("where there is no contract"),
        };
        if let Some(denied) = denied {
            return Ok(Pair::of(false, expected, format!("{found}, {denied}")));
        }
    }
    // The treasury asked for the role when it let the payment through; here it is asked again, as it stood then.
    let stood = facts.may_approve.clone()?;
    if !stood.then {
        return Err(format!("{found} signed it; the node does not tell whether they were an approver then"));
    }
    let role = if stood.value { "an approver" } else { "no approver" };
    Ok(Pair::of(stood.value, format!("{expected}, an approver"), format!("{found}, {role}")))
}

/// That nobody was asked, since nobody had to be: by the policy, and by the session, as the chain has them.
fn unneeded(evidence: &Evidence, facts: &Facts, amount: Amount) -> Compared {
    let policy = evidence.policy.as_ref().ok_or("the ledger has not got the policy")?;
    let set = facts.receipt(policy.set_tx.0)?.and_then(|receipt| policy_set(evidence, receipt));
    let opened = opening_told(evidence, facts)?;
    if let Some(other) = other_version(evidence, &opened) {
        return Ok(other);
    }
    let set = set.ok_or("the chain does not tell the policy")?;
    let own = opened.scope.approvalThreshold;
    let most = set.policy.approvalThreshold;
    let threshold = if own.is_zero() { most } else { own.min(most) };
    let amount = amount.to_u256();
    let holds = amount <= U256::from(threshold);
    Ok(Pair::of(holds, format!("an approval above {threshold}"), format!("none, of {amount}")))
}

/// The events of a kind that a contract logged, with their index in the block.
pub(super) fn events<E: SolEvent>(receipt: &Receipt, by: Address) -> impl Iterator<Item = (u64, E)> {
    receipt.logs.iter().filter(move |(_, address, _)| *address == by).filter_map(|(index, _, data)| {
        Some((*index, E::decode_raw_log(data.topics().iter().copied(), &data.data).ok()?))
    })
}

fn spelled(hash: Option<B256>) -> String {
    hash.map_or("none".into(), |hash| hash.to_string())
}
