//! Malformed and hostile 402 responses: a typed refusal, no signature, never more than was advertised.

use alloy::{primitives::Address, sol_types::Eip712Domain};
use anyhow::Result;
use bursar_sdk::{
    AgentError, Amount,
    chain::Asset,
    challenge::{Means, Requirement},
    payment::Rail,
};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::common::{PAYEE, verbatim};

const CHAIN: u64 = 31337;
const USDC: Address = Address::repeat_byte(0xcc);
const TREASURY: Address = Address::repeat_byte(0x77);

fn means() -> Means {
    let asset =
        Asset { address: USDC, name: "USDC".into(), version: "2".into(), domain: Eip712Domain::default() };
    Means { chain_id: CHAIN, asset, treasury: TREASURY }
}

fn honest() -> Value {
    json!({
        "scheme": "exact",
        "network": "eip155:31337",
        "amount": "1000000",
        "payTo": PAYEE,
        "maxTimeoutSeconds": 60,
        "asset": USDC,
        "extra": { "name": "USDC", "version": "2" },
    })
}

fn read(value: &Value) -> Result<Requirement, AgentError> {
    means().read(&verbatim(value).unwrap())
}

fn with(field: &str, value: Value) -> Result<Requirement, AgentError> {
    let mut challenge = honest();
    challenge[field] = value;
    read(&challenge)
}

#[test]
fn an_honest_challenge_is_read_as_it_is() -> Result<()> {
    let requirement = read(&honest())?;
    assert_eq!((requirement.payee, requirement.amount), (PAYEE, Amount::new(1_000_000)));
    assert_eq!(requirement.max_timeout_seconds, 60);
    Ok(())
}

#[test]
fn the_hash_is_of_what_it_says_not_how() -> Result<()> {
    let text = honest().to_string();
    let spread: Value = serde_json::from_str(&text.replace(',', " ,\n "))?;
    assert_eq!(read(&honest())?.hash, read(&spread)?.hash);
    let mut other = honest();
    other["description"] = "more".into();
    assert_ne!(read(&honest())?.hash, read(&other)?.hash);
    Ok(())
}

#[test]
fn each_wrong_field_has_its_own_refusal() {
    use AgentError as E;
    let address = json!(Address::repeat_byte(9));
    assert!(matches!(with("scheme", "deferred".into()), Err(E::NoRail { .. })));
    assert!(matches!(with("network", "eip155:1".into()), Err(E::WrongChain { expected: CHAIN, .. })));
    assert!(matches!(with("network", "solana:x".into()), Err(E::WrongChain { .. })));
    assert!(matches!(with("network", "base".into()), Err(E::BadChallenge(_))));
    assert!(matches!(with("asset", address.clone()), Err(E::UnknownAsset { expected: USDC, .. })));
    let other = json!({ "assetTransferMethod": "erc7710", "name": "USDC", "version": "2" });
    assert!(matches!(with("extra", other), Err(E::NoRail { .. })));
    let name = json!({ "name": "USD Coin", "version": "2" });
    assert!(matches!(with("extra", name), Err(E::AssetDomain { field: "name", .. })));
    let version = json!({ "name": "USDC", "version": "1" });
    assert!(matches!(with("extra", version), Err(E::AssetDomain { field: "version", .. })));
    assert!(matches!(with("extra", Value::Null), Err(E::BadChallenge(_))));
    for amount in ["0", "000"] {
        assert!(matches!(with("amount", amount.into()), Err(E::BadChallenge(_))), "{amount}");
    }
    for amount in ["", "-1", "1.5", "1e6", "0x10", "79228162514264337593543950336"] {
        assert!(matches!(with("amount", amount.into()), Err(E::Amount(_))), "{amount}");
    }
    assert!(matches!(with("amount", 5.into()), Err(E::BadChallenge(_))));
    for payee in [Address::ZERO, USDC, TREASURY] {
        assert!(matches!(with("payTo", json!(payee)), Err(E::BadChallenge(_))), "{payee}");
    }
    assert!(matches!(with("payTo", "vitalik.eth".into()), Err(E::BadChallenge(_))));
    for seconds in [json!(0), json!(5), json!(-60), json!(1.5), json!("60"), Value::Null] {
        assert!(matches!(with("maxTimeoutSeconds", seconds.clone()), Err(E::BadChallenge(_))), "{seconds}");
    }
}

#[test]
fn permit2_is_read_on_both_schemes_and_upto_only_with_its_facilitator() -> Result<()> {
    use AgentError as E;
    for extra in [
        json!({ "assetTransferMethod": "permit2" }),
        json!({ "assetTransferMethod": "permit2", "name": "x" }),
    ] {
        assert_eq!(with("extra", extra)?.rail, Rail::Permit2Exact);
    }
    assert_eq!(read(&honest())?.rail, Rail::Eip3009);
    let named = json!({ "assetTransferMethod": "eip3009", "name": "USDC", "version": "2" });
    assert_eq!(with("extra", named)?.rail, Rail::Eip3009);

    let upto = |extra: Value| {
        let mut challenge = honest();
        challenge["scheme"] = "upto".into();
        challenge["extra"] = extra;
        read(&challenge)
    };
    let facilitator = Address::repeat_byte(0xfa);
    let named = json!({ "facilitatorAddress": facilitator, "name": "USDC", "version": "2" });
    assert_eq!(upto(named)?.rail, Rail::Permit2Upto { facilitator });
    for extra in [
        Value::Null,
        json!({}),
        json!({ "facilitatorAddress": Address::ZERO }),
        json!({ "facilitatorAddress": 7 }),
    ] {
        assert!(matches!(upto(extra.clone()), Err(E::BadChallenge(_))), "{extra}");
    }
    let method = json!({ "facilitatorAddress": facilitator, "assetTransferMethod": "eip3009" });
    assert!(matches!(upto(method), Err(E::NoRail { .. })));
    Ok(())
}

/// Any JSON, small.
fn anything() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(|n| n.to_string().into()),
        any::<[u8; 20]>().prop_map(|bytes| json!(Address::from(bytes))),
        ".{0,40}".prop_map(Value::from),
        Just(json!(USDC)),
        Just(json!("eip155:31337")),
        Just(json!("340282366920938463463374607431768211456")),
    ];
    leaf.prop_recursive(2, 8, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((prop::sample::select(FIELDS), inner), 0..4)
                .prop_map(|fields| fields.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()),
        ]
    })
}

const FIELDS: &[&str] =
    &["scheme", "network", "amount", "payTo", "maxTimeoutSeconds", "asset", "extra", "name", "version"];

proptest! {
    /// Whatever is done to a challenge: what is read from it pays this chain's asset, above zero, exactly what
    /// and whom the challenge says; or nothing is read.
    #[test]
    fn what_is_read_is_what_was_asked(
        changes in prop::collection::vec((prop::sample::select(&FIELDS[..7]), prop::option::of(anything())), 1..4)
    ) {
        let mut challenge = honest();
        for (field, change) in changes {
            match change {
                Some(value) => challenge[field] = value,
                None => { challenge.as_object_mut().map(|object| object.remove(field)); }
            }
        }
        if let Ok(requirement) = read(&challenge) {
            prop_assert_eq!(&challenge["scheme"], requirement.rail.scheme());
            prop_assert_eq!(&challenge["network"], "eip155:31337");
            prop_assert_eq!(challenge["asset"].as_str().and_then(|text| text.parse().ok()), Some(USDC));
            let amount = challenge["amount"].as_str().and_then(|text| text.parse::<Amount>().ok());
            prop_assert_eq!(amount, Some(requirement.amount));
            prop_assert!(!requirement.amount.is_zero());
            let payee = challenge["payTo"].as_str().and_then(|text| text.parse::<Address>().ok());
            prop_assert_eq!(payee, Some(requirement.payee));
            if requirement.rail == Rail::Eip3009 {
                prop_assert_eq!(&challenge["extra"]["name"], "USDC");
                prop_assert_eq!(&challenge["extra"]["version"], "2");
            }
        }
    }

    #[test]
    fn any_json_is_read_or_refused_without_a_panic(value in anything()) {
        let _ = read(&value);
    }
}
