use alloy::{primitives::Address, signers::SignerSync as _};
use bursar_sdk::{
    Amount,
    stamp::{
        KnownSession, MAX_VALIDITY, Memory, OpeningShown, PaymentSignature, StampRefusal, StampSignature,
        Verifier,
        corpus::{Corpus, NOW},
    },
};

use super::{reason, shown, verifier};

#[test]
fn good_payments_of_every_depth_pass_cold_and_cached() {
    let corpus = Corpus::new(1);
    let verifier = verifier();
    for depth in 1..=4 {
        let agent = corpus.agent(depth as u64, depth, 1);
        for serial in 0..3 {
            let payment = corpus.payment(&agent, serial, NOW);
            let verified = verifier.verify_payment(&agent.bytes, &payment, &corpus.state, NOW);
            assert!(
                verified.as_ref().is_ok_and(|verified| {
                    verified.chain.len() == depth
                        && verified.hash == agent.bundle.hash()
                        && Some(&verified.stamp) == agent.bundle.leaf().map(|leaf| &leaf.stamp)
                        && verified.session.is_some()
                }),
                "{verified:?}"
            );
        }
    }
    assert_eq!(verifier.cached(), (10, 4));
}

#[test]
fn a_delegation_shares_its_parents_prefix() {
    let corpus = Corpus::new(1);
    let (verifier, agent) = (verifier(), corpus.agent(1, 4, 1));
    for links in 1..=4 {
        let mut part = agent.bundle.clone();
        part.links.truncate(links);
        part.session = None;
        let verified = verifier.verify_chain(&part.encode().unwrap(), &corpus.state, NOW);
        assert_eq!(reason(verified), None);
        assert_eq!(verifier.cached(), (links, 0), "each link was verified once");
    }
}

#[test]
fn the_cache_is_bounded() {
    let corpus = Corpus::new(1);
    let verifier: Verifier = Verifier::new(5, Memory::new(NOW, 1_000));
    for number in 0..20 {
        let agent = corpus.agent(number, 1, 1);
        let payment = corpus.payment(&agent, 0, NOW);
        assert_eq!(reason(verifier.verify_payment(&agent.bytes, &payment, &corpus.state, NOW)), None);
    }
    assert_eq!(verifier.cached(), (5, 5));
}

#[test]
fn a_stamp_shown_without_a_session_proves_nothing() {
    let corpus = Corpus::new(1);
    let mut agent = corpus.agent(1, 2, 1);
    agent.bundle.session = None;
    agent.bytes = agent.bundle.encode().unwrap();
    assert_eq!(shown(&corpus, &agent, |_| {}), Some(StampRefusal::ProofMissing));
}

#[test]
fn a_session_that_the_chain_knows_needs_no_proof_of_its_own() {
    let mut corpus = Corpus::new(1);
    let agent = corpus.agent(1, 3, 1);
    let other = corpus.agent(2, 3, 1);
    corpus.open(&agent);
    let payment = corpus.payment(&agent, 1, NOW);
    let show = |corpus: &Corpus, bytes: &[u8], now: u64| {
        let mut payment = payment.clone();
        payment.valid_before = now + 60;
        reason(verifier().verify_payment(bytes, &payment, &corpus.state, now))
    };
    assert_eq!(show(&corpus, &agent.bare, NOW), None);
    // Another agent's stamp beside this one's payment.
    assert_eq!(show(&corpus, &other.bare, NOW), Some(StampRefusal::ProofOfOtherStamp));
    let known = corpus.state.sessions[&payment.purse];
    assert_eq!(show(&corpus, &agent.bare, known.expiry - 1), None);
    assert_eq!(show(&corpus, &agent.bare, known.expiry), Some(StampRefusal::ProofExpired));
    // An agent that opened its session under somebody else's stamp.
    let stranger = KnownSession { agent: Address::repeat_byte(1), ..known };
    corpus.state.sessions.insert(payment.purse, stranger);
    assert_eq!(show(&corpus, &agent.bare, NOW), Some(StampRefusal::OtherSubject));
    let next = KnownSession { sequence: 2, ..known };
    corpus.state.sessions.insert(payment.purse, next);
    assert_eq!(show(&corpus, &agent.bare, NOW), Some(StampRefusal::OtherSession));
    corpus.state.sessions.clear();
    assert_eq!(show(&corpus, &agent.bare, NOW), Some(StampRefusal::ProofMissing));
}

#[test]
fn a_payment_is_of_its_session_or_refused() {
    let corpus = Corpus::new(1);
    let agent = corpus.agent(1, 2, 1);
    let other = Some(StampRefusal::OtherSession);
    assert_eq!(shown(&corpus, &agent, |payment| payment.purse = Address::repeat_byte(9)), other);
    assert_eq!(shown(&corpus, &agent, |payment| payment.decision_hash.0[0] ^= 1), other);
    assert_eq!(shown(&corpus, &agent, |payment| payment.nonce.0[0] ^= 1), other);

    let key = corpus.session_key(1, 1);
    let sign = |key: &alloy::signers::local::PrivateKeySigner,
                payment: &mut bursar_sdk::stamp::PaymentShown| {
        payment.signature = PaymentSignature::Check(key.sign_hash_sync(&payment.digest).unwrap());
    };
    assert_eq!(shown(&corpus, &agent, |payment| sign(&key, payment)), None);
    assert_eq!(shown(&corpus, &agent, |payment| sign(&corpus.session_key(1, 2), payment)), other);
}

#[test]
fn times_of_payments_and_sessions_are_kept_to_the_second() {
    let corpus = Corpus::new(1);
    let agent = corpus.agent(1, 2, 1);
    let proof = agent.bundle.session.clone().unwrap();
    let at = |now: u64, valid_before: u64| {
        let mut payment = corpus.payment(&agent, 1, NOW);
        payment.valid_before = valid_before;
        reason(verifier().verify_payment(&agent.bytes, &payment, &corpus.state, now))
    };
    assert_eq!(at(NOW, NOW + 1), None);
    assert_eq!(at(NOW, NOW), Some(StampRefusal::ProofExpired));
    assert_eq!(at(NOW, NOW + MAX_VALIDITY), None);
    assert_eq!(at(NOW, NOW + MAX_VALIDITY + 1), Some(StampRefusal::ProofTooLong));
    assert_eq!(at(NOW, u64::MAX), Some(StampRefusal::ProofTooLong));
    assert_eq!(at(proof.not_before - 1, NOW), Some(StampRefusal::ProofNotYetValid));
    assert_eq!(at(proof.not_after - 1, proof.not_after + 5), None);
    assert_eq!(at(proof.not_after, proof.not_after + 5), Some(StampRefusal::ProofExpired));
    let leaf = &agent.bundle.leaf().unwrap().stamp;
    assert_eq!(at(leaf.not_before - 1, NOW), Some(StampRefusal::NotYetValid));
    assert_eq!(at(leaf.not_after, leaf.not_after + 5), Some(StampRefusal::Expired));
    assert_eq!(at(0, NOW), Some(StampRefusal::NotYetValid));
    assert_eq!(at(u64::MAX, NOW), Some(StampRefusal::Expired));
}

#[test]
fn what_was_spent_counts_against_the_total_where_it_is_known() {
    let corpus = Corpus::new(1);
    let agent = corpus.agent(1, 1, 1);
    let left = |units: u64| Some(Amount::new(50_000_000 - units));
    let amount = corpus.payment(&agent, 1, NOW).amount;
    assert_eq!(shown(&corpus, &agent, |payment| payment.spent = left(20_000)), None);
    let over = shown(&corpus, &agent, |payment| (payment.amount, payment.spent) = (amount, left(5_000)));
    assert_eq!(over, Some(StampRefusal::TotalOverStamp));
}

#[test]
fn scopes_are_kept() {
    let corpus = Corpus::new(1);
    let agent = corpus.agent(1, 2, 1);
    assert_eq!(
        shown(&corpus, &agent, |payment| payment.asset = Address::ZERO),
        Some(StampRefusal::AssetOutOfScope)
    );
    assert_eq!(shown(&corpus, &agent, |payment| payment.host = None), Some(StampRefusal::HostOutOfScope));
    assert_eq!(shown(&corpus, &agent, |payment| payment.host = Some("API.Example.com".into())), None);
}

#[test]
fn a_good_approval_is_taken_and_a_revoked_approvers_is_not() {
    let mut corpus = Corpus::new(1);
    let agent = corpus.agent(1, 2, 1);
    let approve = |payment: &mut bursar_sdk::stamp::PaymentShown| {
        payment.approval = Some(Corpus::new(1).approval(payment));
    };
    assert_eq!(shown(&corpus, &agent, approve), None);
    let contract = |payment: &mut bursar_sdk::stamp::PaymentShown| {
        approve(payment);
        payment.approval.as_mut().unwrap().signature = StampSignature::Contract(vec![1].into());
    };
    assert_eq!(shown(&corpus, &agent, contract), Some(StampRefusal::ContractWithoutCode));
    corpus.state.approvers.clear();
    assert_eq!(shown(&corpus, &agent, approve), Some(StampRefusal::ApproverUnknown));
}

#[test]
fn a_session_opens_within_its_stamp() {
    let corpus = Corpus::new(1);
    let agent = corpus.agent(1, 2, 1);
    let leaf = agent.bundle.leaf().unwrap().stamp.clone();
    let good = OpeningShown {
        agent: leaf.subject,
        stamp_hash: agent.bundle.hash(),
        budget: leaf.total_max,
        payment_cap: leaf.per_payment_max,
        expiry: leaf.not_after,
    };
    let open =
        |opening: OpeningShown| reason(verifier().verify_opening(&agent.bytes, &opening, &corpus.state, NOW));
    let more = |amount: Amount| amount.checked_add(Amount::new(1)).unwrap();
    assert_eq!(open(good), None);
    let over = Some(StampRefusal::SessionOverStamp);
    assert_eq!(open(OpeningShown { budget: more(good.budget), ..good }), over);
    assert_eq!(open(OpeningShown { payment_cap: more(good.payment_cap), ..good }), over);
    assert_eq!(open(OpeningShown { expiry: good.expiry + 1, ..good }), over);
    let stranger = OpeningShown { agent: Address::repeat_byte(1), ..good };
    assert_eq!(open(stranger), Some(StampRefusal::OtherSubject));
    let none = OpeningShown { stamp_hash: alloy::primitives::B256::ZERO, ..good };
    assert_eq!(open(none), Some(StampRefusal::ProofOfOtherStamp));
}
