use std::collections::BTreeSet;

use bursar_sdk::stamp::{
    Curve, DefaultCurve, K256, Memory, StampRefusal, Verifier,
    corpus::{Corpus, FleetAgent, NOW, Spoof},
};

use super::reason;

/// Shows a spoof after what it needs to follow, then a good payment: a verifier that refused everything would fail.
fn refused_by<C: Curve>(
    corpus: &Corpus,
    agent: &FleetAgent,
    spoof: Spoof,
    cached: usize,
) -> Option<StampRefusal> {
    let verifier = Verifier::<C>::with_curve(cached, Memory::new(NOW, 100));
    let show = |bytes: &[u8], payment| reason(verifier.verify_payment(bytes, &payment, &corpus.state, NOW));
    if matches!(spoof, Spoof::ReplayedNonce | Spoof::ReusedSessionKey) {
        assert_eq!(
            show(&agent.bytes, corpus.payment(agent, 7, NOW)),
            None,
            "a good payment before {spoof:?}"
        );
    }
    let spoofed = corpus.spoof(agent, spoof, 7, NOW);
    let refused = show(&spoofed.bundle, spoofed.payment);
    assert_eq!(show(&agent.bytes, corpus.payment(agent, 8, NOW)), None, "a good payment after {spoof:?}");
    refused
}

fn corpus(number: u64, depth: usize) -> (Corpus, FleetAgent) {
    let mut corpus = Corpus::new(1);
    let agent = corpus.agent(number, depth, 1);
    corpus.revoke_for(&agent);
    (corpus, agent)
}

#[test]
fn every_spoof_is_refused_for_its_own_reason_at_every_depth() {
    for depth in 1..=4 {
        let (corpus, agent) = corpus(depth as u64, depth);
        for spoof in Spoof::ALL {
            for cached in [0, 100] {
                let refused = refused_by::<DefaultCurve>(&corpus, &agent, *spoof, cached);
                assert_eq!(refused, Some(spoof.reason()), "{spoof:?}, {depth} links, {cached} cached");
            }
        }
    }
}

#[test]
fn both_curve_libraries_refuse_alike() {
    let (corpus, agent) = corpus(9, 3);
    for spoof in Spoof::ALL {
        assert_eq!(refused_by::<K256>(&corpus, &agent, *spoof, 100), Some(spoof.reason()), "{spoof:?}");
    }
}

/// The corpus by the names it was agreed under.
#[test]
fn every_class_of_the_corpus_has_its_own_code() {
    use StampRefusal as R;
    let classes = [
        ("forged root", R::RootForged),
        ("forged link", R::LinkForged),
        ("expired", R::Expired),
        ("not yet valid", R::NotYetValid),
        ("revoked epoch", R::EpochRevoked),
        ("other chain", R::OtherChain),
        ("other contract", R::OtherTreasury),
        ("other subject key", R::OtherSubject),
        ("sub-agent over limit", R::LimitWider),
        ("sub-agent wider scope or payees", R::ScopeWider),
        ("depth exceeded", R::DepthExceeded),
        ("stamp of a sibling", R::OtherParent),
        ("replayed nonce", R::NonceReplayed),
        ("replayed approval", R::ApprovalReplayed),
        ("approval for another payee or amount", R::ApprovalOfOtherPayment),
        ("high-s signature", R::HighS),
        ("EIP-1271 signer without code", R::ContractWithoutCode),
        ("re-ordered links", R::LinksReordered),
        ("stale policy hash", R::PolicyStale),
        ("session key reused in another session", R::SessionKeyReused),
        ("issued at call time", R::IssuedAtCallTime),
    ];
    let spoofed: BTreeSet<R> = Spoof::ALL.iter().map(|spoof| spoof.reason()).collect();
    let codes: BTreeSet<&str> = classes.iter().map(|(_, reason)| reason.code()).collect();
    assert_eq!(codes.len(), classes.len(), "two classes share a code");
    for (class, reason) in classes {
        assert!(spoofed.contains(&reason), "no spoof makes a {class}");
    }
}

#[test]
fn codes_are_unique_and_documented() {
    let docs = include_str!("../../../../docs/STAMPS.md");
    let codes: BTreeSet<&str> = StampRefusal::ALL.iter().map(|reason| reason.code()).collect();
    assert_eq!(codes.len(), StampRefusal::ALL.len());
    for code in codes {
        assert!(docs.contains(&format!("| `{code}` |")), "docs/STAMPS.md does not list {code}");
    }
}

#[test]
fn a_revocation_counts_from_the_first_state_that_holds_it() {
    let mut corpus = Corpus::new(2);
    let agent = corpus.agent(1, 3, 1);
    let verifier = super::verifier();
    let mut serial = 0;
    let mut show = |corpus: &Corpus| {
        serial += 1;
        let payment = corpus.payment(&agent, serial, NOW);
        reason(verifier.verify_payment(&agent.bytes, &payment, &corpus.state, NOW))
    };
    assert_eq!(show(&corpus), None);
    assert_eq!(verifier.cached(), (3, 1), "the chain is cached, so the next answers come from there");
    assert_eq!(show(&corpus), None);

    for link in &agent.bundle.links {
        let hash = link.stamp.hash(&corpus.domain);
        corpus.state.revoked.insert(hash);
        assert_eq!(show(&corpus), Some(StampRefusal::Revoked));
        corpus.state.revoked.remove(&hash);
    }
    corpus.state.epoch += 1;
    assert_eq!(show(&corpus), Some(StampRefusal::EpochRevoked));
    corpus.state.epoch -= 2;
    assert_eq!(show(&corpus), Some(StampRefusal::EpochUnknown));
    corpus.state.epoch += 1;
    let stampers = std::mem::take(&mut corpus.state.stampers);
    assert_eq!(show(&corpus), Some(StampRefusal::IssuedAtCallTime));
    corpus.state.stampers = stampers;
    let policies = std::mem::take(&mut corpus.state.policies);
    assert_eq!(show(&corpus), Some(StampRefusal::PolicyStale));
    corpus.state.policies = policies;
    assert_eq!(show(&corpus), None);
}
