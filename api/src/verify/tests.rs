//! One payment whose every link holds, and what each change to it breaks.
#![allow(clippy::unwrap_used)]

mod world;

use alloy::{
    primitives::{Address, B256, U256},
    signers::SignerSync as _,
};
use bursar_sdk::{
    abi::{
        Eip3009::{AuthorizationUsed, Transfer},
        Treasury::{Anchored, SessionOpened},
    },
    amount::Amount,
    decision::DecisionRecord,
    stamp::{Scope, StampSignature, StampTerms},
    transparency::LogKind,
};

use self::world::{
    ANCHORED, AT, OPENED, PAYEE, PURSE, SET, SETTLED, TOKEN, TREASURY, UNITS, allowed, handed_in, input, key,
    log, logged, opened, receipt, record, sealed, stamp, whole,
};
use super::{
    checks,
    facts::{Facts, Stood},
};
use crate::{
    model::{
        evidence::{Evidence, SealedText},
        verification::{Check, CheckOutcome, Link},
    },
    wire::Hash,
};

/// The links that came out so.
fn of(checks: &[Check], outcome: CheckOutcome) -> Vec<Link> {
    checks.iter().filter(|check| check.outcome == outcome).map(|check| check.link).collect()
}

#[test]
fn every_link_of_a_payment_that_is_in_order_holds() {
    let (evidence, facts) = whole();
    let found = checks(&evidence, &facts);
    assert_eq!(of(&found, CheckOutcome::Fails), [], "{found:#?}");
    assert_eq!(of(&found, CheckOutcome::Unchecked), [Link::Outcome], "{found:#?}");
    assert_eq!(found.len(), 16);
}

/// Other stamps under the session, which the treasury logged, too.
fn under(evidence: &mut Evidence, facts: &mut Facts, terms: &StampTerms) {
    let stamp = stamp(terms);
    evidence.session.as_mut().unwrap().stamp_hash = stamp.hash().into();
    evidence.stamps = Some(handed_in(&stamp));
    let opened = SessionOpened { stampHash: stamp.hash(), ..opened() };
    facts.receipts.insert(OPENED, Ok(Some(receipt(vec![log(1, TREASURY, &opened)]))));
}

fn give(evidence: &mut Evidence, terms: &StampTerms) {
    evidence.stamps = Some(handed_in(&stamp(terms)));
}

#[test]
fn a_stamp_holds_for_payments_within_it_alone() {
    let cases: &[(&str, StampTerms, bool)] = &[
        ("just enough", allowed(), true),
        ("a unit too little", StampTerms { per_payment_max: Amount::new(UNITS - 1), ..allowed() }, false),
        ("over by then", StampTerms { not_before: 0, not_after: AT, ..allowed() }, false),
        ("not yet valid", StampTerms { not_before: AT + 1, not_after: AT + 2, ..allowed() }, false),
        ("another payee", StampTerms { scope: Scope::any().payees([PURSE]), ..allowed() }, false),
        ("another token", StampTerms { scope: Scope::any().assets([PURSE]), ..allowed() }, false),
    ];
    for (what, terms, holds) in cases {
        let (mut evidence, mut facts) = whole();
        under(&mut evidence, &mut facts, terms);
        let found = checks(&evidence, &facts);
        assert_eq!(of(&found, CheckOutcome::Fails).is_empty(), *holds, "{what}: {found:#?}");
        let issuers = found.iter().find(|check| check.link == Link::Issuers).unwrap();
        assert_eq!(issuers.outcome == CheckOutcome::Holds, *holds, "{what}: {issuers:#?}");
    }
}

#[test]
fn who_vouched_is_no_question_of_today() {
    let changes: [Change; 5] = [
        |_, f| f.may_stamp = Ok(Stood { value: true, then: false }),
        |_, f| f.parents_revoked = Ok(Stood { value: true, then: false }),
        |_, f| f.agent = Ok(Stood { value: key(1).address(), then: false }),
        |_, f| f.stamp_epoch = Ok(Stood { value: 6, then: false }),
        |e, _| e.stamps = None,
    ];
    for change in changes {
        let (mut evidence, mut facts) = whole();
        change(&mut evidence, &mut facts);
        let found = checks(&evidence, &facts);
        assert!(of(&found, CheckOutcome::Unchecked).contains(&Link::Issuers), "{found:#?}");
    }
}

#[test]
fn a_link_that_somebody_else_signed_fails() {
    let (mut evidence, facts) = whole();
    let mut forged = stamp(&allowed());
    let hash = forged.hash();
    forged.links[1].signature = StampSignature::by_key(&key(9).sign_hash_sync(&hash).unwrap(), &hash);
    let chain = evidence.stamps.as_mut().unwrap();
    chain.bundle = forged.to_text().unwrap();
    let found = checks(&evidence, &facts);
    assert_eq!(of(&found, CheckOutcome::Fails), [Link::Issuers], "{found:#?}");
}

/// A change to what is kept, or to what the node says.
type Change = fn(&mut Evidence, &mut Facts);

#[test]
fn what_was_changed_is_what_fails() {
    let cases: &[(&str, Change, &[Link])] = &[
        ("another block", |e, _| e.payment.block_hash = Hash(SET), &[Link::Block, Link::Settlement]),
        ("another time", |e, _| e.payment.timestamp += 1, &[Link::Block]),
        (
            "one unit less",
            |e, _| e.payment.amount = Amount::new(UNITS - 1).into(),
            &[Link::Settlement, Link::Signature, Link::Words, Link::Approval],
        ),
        ("another log", |e, _| e.payment.log_index = 5, &[Link::Nonce]),
        (
            "a taken-back transaction",
            |_, f| {
                f.receipts.insert(SETTLED, Ok(None));
            },
            &[Link::Settlement, Link::Nonce],
        ),
        (
            "another token's logs",
            |e, _| e.payment.asset = TREASURY.into(),
            &[Link::Settlement, Link::Nonce, Link::Issuers, Link::Words],
        ),
        ("another envelope", |e, _| e.payment.envelope = 2, &[Link::Session, Link::Words, Link::Policy]),
        (
            "another session key",
            |e, _| e.session.as_mut().unwrap().key = key(9).address().into(),
            &[Link::Session],
        ),
        (
            "a seal by a key that only the service names",
            |e, _| {
                e.session.as_mut().unwrap().key = key(9).address().into();
                e.decision = Some(sealed(&record(), &key(9)));
            },
            &[Link::Session, Link::Seal],
        ),
        ("a token that is not the envelope's", |_, f| f.asset = Ok(PAYEE), &[Link::Settlement]),
        (
            "a transfer that goes with another nonce",
            |e, f| {
                let nonce = e.payment.nonce.clone().unwrap().0;
                let used = |nonce| AuthorizationUsed { authorizer: PURSE, nonce };
                let moved = |units: u64| Transfer { from: PURSE, to: PAYEE, value: U256::from(units) };
                let logs = vec![
                    log(2, TOKEN, &used(SET)),
                    log(3, TOKEN, &moved(UNITS)),
                    log(4, TOKEN, &used(nonce)),
                    log(5, TOKEN, &moved(1)),
                ];
                f.receipts.insert(SETTLED, Ok(Some(receipt(logs))));
            },
            &[Link::Settlement],
        ),
        (
            "a session under another policy version",
            |_, f| {
                let opened = SessionOpened { policyVersion: 4, ..opened() };
                f.receipts.insert(OPENED, Ok(Some(receipt(vec![log(1, TREASURY, &opened)]))));
            },
            &[Link::Policy],
        ),
        (
            "an entry of another kind",
            |e, f| {
                let (told, root) = logged(&record(), LogKind::Refusal);
                e.log = Some(told);
                let told = Anchored { root, size: 2, by: Address::ZERO };
                f.receipts.insert(ANCHORED, Ok(Some(receipt(vec![log(0, TREASURY, &told)]))));
            },
            &[Link::Log],
        ),
        (
            "a stranger's signature",
            |_, f| f.input = Ok(Some(input(&record(), &key(9), Some(&key(3))))),
            &[Link::Signature],
        ),
        (
            "another token's domain",
            |_, f| f.domain_separator = Ok(B256::ZERO),
            &[Link::Signature, Link::Approval],
        ),
        ("another stamp", |e, _| e.session.as_mut().unwrap().stamp_hash = SET.into(), &[Link::Stamp]),
        (
            "stamps of another agent",
            |e, _| give(e, &StampTerms { subject: PAYEE, ..allowed() }),
            &[Link::Issuers],
        ),
        (
            "stamps that are not the session's",
            |e, _| give(e, &StampTerms { total_max: Amount::new(UNITS), ..allowed() }),
            &[Link::Issuers],
        ),
        (
            "a root by nobody who may",
            |_, f| f.may_stamp = Ok(Stood { value: false, then: true }),
            &[Link::Issuers],
        ),
        (
            "a revoked parent",
            |_, f| f.parents_revoked = Ok(Stood { value: true, then: true }),
            &[Link::Issuers],
        ),
        ("a later epoch", |_, f| f.stamp_epoch = Ok(Stood { value: 7, then: true }), &[Link::Issuers]),
        (
            "an agent that is not the stamp's",
            |e, f| {
                f.agent = Ok(Stood { value: key(2).address(), then: true });
                e.decision = Some(sealed(&record(), &key(2)));
            },
            &[Link::Issuers],
        ),
        ("a revoked stamp", |_, f| f.stamp_revoked = Ok(Stood { value: true, then: true }), &[Link::Stamp]),
        ("another policy text", |e, _| e.policy.as_mut().unwrap().text = Some("{}".into()), &[Link::Policy]),
        ("another seal", |e, _| e.decision = Some(sealed(&record(), &key(9))), &[Link::Seal]),
        (
            "another agent",
            |_, f| f.agent = Ok(Stood { value: PAYEE, then: true }),
            &[Link::Issuers, Link::Seal],
        ),
        ("another approver", |e, _| e.payment.approver = Some(PAYEE.into()), &[Link::Approval]),
        (
            "an approver who is none",
            |_, f| f.may_approve = Ok(Stood { value: false, then: true }),
            &[Link::Approval],
        ),
        (
            "an approval left out",
            |_, f| f.input = Ok(Some(input(&record(), &key(2), None))),
            &[Link::Approval],
        ),
        ("an approver left out", |e, _| e.payment.approver = None, &[Link::Approval]),
        (
            "nobody asked above the threshold",
            |e, f| {
                e.payment.approver = None;
                f.input = Ok(Some(input(&record(), &key(2), None)));
            },
            &[Link::Approval],
        ),
        ("another root", |e, _| e.log.as_mut().unwrap().root = Hash(SET), &[Link::Log, Link::Checkpoint]),
        (
            "another entry",
            |e, _| e.log.as_mut().unwrap().entries[0].leaf.push(' '),
            &[Link::Log, Link::Anchor],
        ),
        ("a log without it", |e, _| e.log.as_mut().unwrap().entries.clear(), &[Link::Log]),
        (
            "another checkpoint",
            |e, _| e.log.as_mut().unwrap().checkpoint.as_mut().unwrap().note.push('x'),
            &[Link::Checkpoint],
        ),
        (
            "another treasury",
            |e, _| e.payment.treasury = PAYEE.into(),
            &[
                Link::Session,
                Link::Approval,
                Link::Words,
                Link::Log,
                Link::Checkpoint,
                Link::Anchor,
                Link::Policy,
            ],
        ),
        (
            "another root on the chain",
            |_, f| {
                let told = Anchored { root: SET, size: 2, by: Address::ZERO };
                f.receipts.insert(ANCHORED, Ok(Some(receipt(vec![log(0, TREASURY, &told)]))));
            },
            &[Link::Anchor],
        ),
        (
            "a stranger's anchor",
            |_, f| {
                let told = f.receipts[&ANCHORED].clone().unwrap().unwrap();
                let logs = told.logs.into_iter().map(|(index, _, data)| (index, PAYEE, data)).collect();
                f.receipts.insert(ANCHORED, Ok(Some(receipt(logs))));
            },
            &[Link::Anchor],
        ),
    ];
    for (what, change, expected) in cases {
        let (mut evidence, mut facts) = whole();
        change(&mut evidence, &mut facts);
        let found = checks(&evidence, &facts);
        let fails = of(&found, CheckOutcome::Fails);
        assert!(expected.iter().all(|link| fails.contains(link)), "{what}: {fails:?}\n{found:#?}");
        assert_eq!(fails.len(), expected.len(), "{what}: {fails:?}");
    }
}

#[test]
fn a_record_that_was_rewritten_fails_in_every_place_that_knows_its_hash() {
    let (mut evidence, facts) = whole();
    let kept = evidence.decision.as_mut().unwrap();
    kept.canonical = kept.canonical.replace("asked for", "not asked for");
    let found = checks(&evidence, &facts);
    assert_eq!(of(&found, CheckOutcome::Fails), [Link::Record, Link::Seal, Link::Log]);
}

#[test]
fn what_the_node_does_not_tell_is_never_a_yes() {
    let (evidence, _) = whole();
    let found = checks(&evidence, &Facts::none("the node does not answer"));
    let ours = [Link::Record, Link::Words, Link::Log, Link::Checkpoint];
    assert_eq!(of(&found, CheckOutcome::Holds), ours);
    for check in found.iter().filter(|check| check.outcome == CheckOutcome::Unchecked) {
        assert!(check.why.is_some() && check.found.is_none(), "{check:?}");
    }
    // What stands now says nothing of then where it could have changed since.
    let (evidence, mut facts) = whole();
    facts.may_approve = Ok(Stood { value: false, then: false });
    facts.stamp_revoked = Ok(Stood { value: true, then: false });
    facts.agent = Ok(Stood { value: PAYEE, then: false });
    let found = checks(&evidence, &facts);
    assert_eq!(of(&found, CheckOutcome::Fails), []);
    let unchecked = of(&found, CheckOutcome::Unchecked);
    assert_eq!(unchecked, [Link::Stamp, Link::Issuers, Link::Seal, Link::Approval, Link::Outcome]);
    // Nor where it agrees; but what is not revoked now was not revoked then.
    let (evidence, mut facts) = whole();
    facts.may_approve = Ok(Stood { value: true, then: false });
    facts.stamp_revoked = Ok(Stood { value: false, then: false });
    facts.agent = Ok(Stood { value: key(1).address(), then: false });
    let found = checks(&evidence, &facts);
    assert_eq!(of(&found, CheckOutcome::Fails), []);
    let unchecked = of(&found, CheckOutcome::Unchecked);
    assert_eq!(unchecked, [Link::Issuers, Link::Seal, Link::Approval, Link::Outcome]);
}

#[test]
fn a_seal_by_the_sessions_key_takes_the_treasurys_word_for_that_key() {
    let (mut evidence, mut facts) = whole();
    evidence.decision = Some(sealed(&record(), &key(2)));
    let seal = |evidence: &Evidence, facts: &Facts| {
        let found = checks(evidence, facts).into_iter().find(|check| check.link == Link::Seal);
        found.unwrap().outcome
    };
    assert_eq!(seal(&evidence, &facts), CheckOutcome::Holds);
    facts.receipts.insert(OPENED, Err("the node does not answer".into()));
    assert_eq!(seal(&evidence, &facts), CheckOutcome::Unchecked);
    // The agent's own takes no session.
    evidence.decision = Some(sealed(&record(), &key(1)));
    assert_eq!(seal(&evidence, &facts), CheckOutcome::Holds);
}

#[test]
fn a_stamp_that_was_not_shown_is_no_stamp_that_holds() {
    let (mut evidence, mut facts) = whole();
    evidence.session.as_mut().unwrap().stamp_hash = Hash(B256::ZERO);
    let opened = SessionOpened { stampHash: B256::ZERO, ..opened() };
    facts.receipts.insert(OPENED, Ok(Some(receipt(vec![log(1, TREASURY, &opened)]))));
    let found = checks(&evidence, &facts);
    let stamp = found.iter().find(|check| check.link == Link::Stamp).unwrap();
    assert_eq!(stamp.why.as_deref(), Some("no stamp was shown"));
    assert_eq!(of(&found, CheckOutcome::Fails), []);
}

#[test]
fn a_root_on_the_chain_has_to_be_above_every_record() {
    let (mut evidence, facts) = whole();
    evidence.log.as_mut().unwrap().entries[0].anchor = None;
    let why = |evidence: &Evidence| {
        let found = checks(evidence, &facts).into_iter().find(|check| check.link == Link::Anchor);
        found.unwrap().why.unwrap_or_default()
    };
    assert_eq!(why(&evidence), "1 of 1 records have no entry below a root on the chain yet");
    // Of two records, one has an entry.
    let (mut evidence, _) = whole();
    evidence.outcomes = vec![SealedText { canonical: "{}".into(), seal: None }];
    assert_eq!(why(&evidence), "1 of 2 records have no entry below a root on the chain yet");
}

#[test]
fn nobody_was_to_be_asked_only_under_the_sessions_own_policy() {
    let (mut evidence, mut facts) = whole();
    evidence.payment.approver = None;
    facts.input = Ok(Some(input(&record(), &key(2), None)));
    let opened = SessionOpened { policyVersion: 4, ..opened() };
    facts.receipts.insert(OPENED, Ok(Some(receipt(vec![log(1, TREASURY, &opened)]))));
    let found = checks(&evidence, &facts);
    let approval = found.iter().find(|check| check.link == Link::Approval).unwrap();
    assert_eq!(approval.outcome, CheckOutcome::Fails, "{approval:?}");
    assert_eq!(approval.found.as_deref(), Some("policy version 3"));
}

#[test]
fn nobody_has_to_approve_what_is_at_the_threshold() {
    for (units, outcome) in [(10_000_000u64, CheckOutcome::Holds), (10_000_001, CheckOutcome::Fails)] {
        let (mut evidence, mut facts) = whole();
        let record = DecisionRecord { amount: Amount::new(units), ..record() };
        let hash = record.hash().unwrap();
        evidence.payment.approver = None;
        evidence.payment.amount = record.amount.into();
        evidence.payment.decision_hash = Some(Hash(hash));
        evidence.payment.nonce = Some(Hash(record.nonce_of(hash)));
        facts.input = Ok(Some(input(&record, &key(2), None)));
        let found = checks(&evidence, &facts);
        let approval = found.iter().find(|check| check.link == Link::Approval).unwrap();
        assert_eq!(approval.outcome, outcome, "{approval:?}");
    }
}
