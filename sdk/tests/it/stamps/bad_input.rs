use std::sync::LazyLock;

use alloy::primitives::{Address, Bytes};
use bursar_sdk::{
    Amount,
    policy::WindowLimit,
    stamp::{
        MAX_BUNDLE, Scope, StampBundle, StampRefusal, StampSignature, Windows,
        corpus::{Corpus, FleetAgent, NOW},
    },
};
use proptest::prelude::*;

use super::{reason, verifier};

static GOOD: LazyLock<(Corpus, FleetAgent)> = LazyLock::new(|| {
    let corpus = Corpus::new(3);
    let agent = corpus.agent(1, 3, 1);
    (corpus, agent)
});

fn refused(bytes: &[u8]) -> Option<StampRefusal> {
    let (corpus, agent) = &*GOOD;
    reason(verifier().verify_payment(bytes, &corpus.payment(agent, 1, NOW), &corpus.state, NOW))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn a_stamp_with_any_bit_forged_is_refused(at in any::<prop::sample::Index>(), bit in 0u8..8) {
        let mut bytes = GOOD.1.bytes.clone();
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        prop_assert!(refused(&bytes).is_some(), "byte {} was not looked at", at);
    }

    #[test]
    fn a_stamp_that_is_cut_or_longer_is_refused(at in any::<prop::sample::Index>(), more in 1usize..40) {
        let bytes = &GOOD.1.bytes;
        prop_assert_eq!(refused(&bytes[..at.index(bytes.len())]), Some(StampRefusal::Malformed));
        let longer = [&bytes[..], &vec![0; more]].concat();
        prop_assert_eq!(refused(&longer), Some(StampRefusal::Malformed));
    }

    #[test]
    fn anything_at_all_is_refused(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
        prop_assert!(refused(&bytes).is_some());
        let _ = StampBundle::decode(&bytes);
        let _ = Scope::from_canonical(&bytes);
        let _ = Windows::from_canonical(&bytes);
    }

    #[test]
    fn what_reads_writes_the_same_bytes(
        payees in prop::option::of(prop::collection::vec(any::<[u8; 20]>(), 0..64)),
        hosts in prop::option::of(prop::collection::vec("[a-z0-9.-]{1,40}", 0..20)),
    ) {
        let mut scope = Scope::any();
        scope.payees = payees.map(|list| list.into_iter().map(Address::new).collect());
        scope.hosts = hosts;
        let scope = scope.normalized();
        let bytes = scope.canonical().unwrap();
        prop_assert_eq!(Scope::from_canonical(&bytes), Ok(scope.clone()));
        for at in 0..bytes.len() {
            let mut other = bytes.clone();
            other[at] ^= 1;
            prop_assert_ne!(Scope::from_canonical(&other), Ok(scope.clone()));
        }
    }
}

#[test]
fn the_good_one_passes_and_travels_unchanged() {
    let agent = &GOOD.1;
    assert_eq!(refused(&agent.bytes), None);
    assert_eq!(StampBundle::decode(&agent.bytes), Ok(agent.bundle.clone()));
    let text = agent.bundle.to_text().unwrap();
    assert_eq!(StampBundle::from_text(&text), Ok(agent.bundle.clone()));
    assert!(StampBundle::from_text(&format!("{text}=")).is_err());
    assert!(StampBundle::from_text(&"A".repeat(MAX_BUNDLE * 2)).is_err());
}

#[test]
fn sizes_are_looked_at_before_anything_else() {
    assert_eq!(refused(&vec![1; MAX_BUNDLE + 1]), Some(StampRefusal::TooLarge));
    assert_eq!(refused(&vec![1; 50_000_000]), Some(StampRefusal::TooLarge));
    for count in [5, 200, 255] {
        let mut nested = GOOD.1.bytes.clone();
        nested[29] = count;
        assert_eq!(refused(&nested), Some(StampRefusal::TooManyLinks));
        assert!(StampBundle::decode(&nested).is_err());
    }
    let mut none = GOOD.1.bytes.clone();
    none[29] = 0;
    assert_eq!(refused(&none), Some(StampRefusal::Malformed));
}

#[test]
fn a_chain_cannot_be_nested_deeper_than_it_may() {
    let corpus = &GOOD.0;
    let agent = corpus.agent(2, 4, 1);
    let mut bundle = agent.bundle.clone();
    bundle.links.push(bundle.links[3].clone());
    assert!(bundle.encode().is_err());
}

#[test]
fn oversize_parts_cannot_be_written() {
    let many = |n: u64| (0..n).map(|n| Address::left_padding_from(&n.to_be_bytes()));
    assert!(Scope::any().payees(many(64)).canonical().is_ok());
    assert!(Scope::any().payees(many(65)).canonical().is_err());
    assert!(Scope::any().payees([Address::repeat_byte(2), Address::repeat_byte(1)]).canonical().is_err());
    for host in ["", "Upper.example", "a b", "user@host", "h/path", &"x".repeat(254)] {
        assert!(Scope::any().hosts([host]).canonical().is_err(), "{host:?} was written");
    }
    let window = |period: u32| WindowLimit { period, limit: Amount::new(1) };
    assert!(Windows((1..=4).map(window).collect()).canonical().is_ok());
    assert!(Windows((1..=5).map(window).collect()).canonical().is_err());
    assert!(Windows(vec![window(0)]).canonical().is_err());
    assert!(Windows(vec![window(2), window(2)]).canonical().is_err());

    let mut bundle = GOOD.1.bundle.clone();
    bundle.links[0].signature = StampSignature::Contract(Bytes::from(vec![0; 1025]));
    assert!(bundle.encode().is_err());
}

#[test]
fn nothing_secret_is_printed() {
    let (corpus, agent) = &*GOOD;
    let StampSignature::Key { signature, public_key } = &agent.bundle.links[0].signature else { panic!() };
    let printed = format!("{:?} {:?} {:?}", agent.bundle, corpus.payment(agent, 1, NOW), verifier());
    for bytes in [&signature[..8], &public_key.unwrap()[..8]] {
        let list = format!("{bytes:?}");
        assert!(!printed.contains(list.trim_matches(['[', ']'])), "a signature is printed");
        assert!(!printed.contains(&alloy::hex::encode(bytes)), "a signature is printed");
    }
}
