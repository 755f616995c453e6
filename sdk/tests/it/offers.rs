//! Signed offers and receipts, as the reference implementation signs them (`test/vectors/offers.mjs`), and everything
//! that can be wrong with them.

use alloy::primitives::{Address, B256};
use anyhow::{Context as _, Result};
use bursar_sdk::{
    Amount,
    offer::{
        Asked, CLOCK_SKEW, MAX_OFFERS, MAX_SIGNED, Offer, OfferRefusal, Paid, check_offer, check_receipt,
        offer_in,
    },
};
use serde::Deserialize;
use serde_json::{Value, json};
use x402_types::proto::v2::ExtensionsJson;

#[derive(Deserialize)]
struct Vectors {
    asked: Terms,
    payer: Address,
    now: u64,
    transaction: B256,
    signed: Vec<Signed>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Terms {
    resource_url: String,
    asset: Address,
    pay_to: Address,
    amount: Amount,
}

#[derive(Deserialize)]
struct Signed {
    name: String,
    signer: String,
    offer: Value,
    receipt: Value,
}

fn vectors() -> Result<Vectors> {
    Ok(serde_json::from_str(include_str!("../../../test/vectors/offer-receipt.json"))?)
}

impl Vectors {
    fn asked<'a>(&self, resources: &'a [&'a str]) -> Asked<'a> {
        let Terms { asset, pay_to: payee, amount, .. } = self.asked;
        Asked { index: 0, scheme: "exact", chain_id: 8453, asset, payee, amount, resources, now: self.now }
    }

    fn paid<'a>(&self, resources: &'a [&'a str], offer: Option<&'a Offer>) -> Paid<'a> {
        Paid {
            chain_id: 8453,
            payer: self.payer,
            payee: self.asked.pay_to,
            resources,
            offer,
            transaction: Some(self.transaction),
            since: self.now - 600,
            now: self.now + 5,
        }
    }

    fn by(&self, name: &str) -> Result<&Signed> {
        self.signed.iter().find(|signed| signed.name == name).with_context(|| format!("no vector {name}"))
    }
}

fn reason<T>(result: Result<T, bursar_sdk::offer::OfferRefused>) -> Option<OfferRefusal> {
    result.err().map(|refused| refused.reason)
}

#[test]
fn what_the_reference_signs_is_in_order() -> Result<()> {
    let vectors = vectors()?;
    let resources = [vectors.asked.resource_url.as_str()];
    assert_eq!(vectors.signed.len(), 5);
    for signed in &vectors.signed {
        let offer = check_offer(&signed.offer, &vectors.asked(&resources)).context(signed.name.clone())?;
        assert_eq!(offer.signer.to_string(), signed.signer, "{}", signed.name);
        let receipt = check_receipt(&signed.receipt, &vectors.paid(&resources, Some(&offer)));
        assert_eq!(receipt.context(signed.name.clone())?.signer, offer.signer);
        // Without an offer, a receipt is worth something by the payee's own account only.
        let alone = check_receipt(&signed.receipt, &vectors.paid(&resources, None));
        let expected = (signed.name != "eip712 payee").then_some(OfferRefusal::OtherSigner);
        assert_eq!(reason(alone), expected, "{}", signed.name);
    }
    Ok(())
}

#[test]
fn an_offer_of_other_terms_is_refused() -> Result<()> {
    let vectors = vectors()?;
    let resources = [vectors.asked.resource_url.as_str()];
    let asked = || vectors.asked(&resources);
    for signed in &vectors.signed {
        let refused = |asked: Asked<'_>| reason(check_offer(&signed.offer, &asked));
        let other = Address::repeat_byte(9);
        for wrong in [
            Asked { scheme: "upto", ..asked() },
            Asked { chain_id: 1, ..asked() },
            Asked { asset: other, ..asked() },
            Asked { payee: other, ..asked() },
            Asked { amount: Amount::new(20_001), ..asked() },
        ] {
            assert_eq!(refused(wrong), Some(OfferRefusal::OtherTerms), "{wrong:?}");
        }
        let elsewhere = Asked { resources: &["https://api.example/v1/quotes"], ..asked() };
        assert_eq!(refused(elsewhere), Some(OfferRefusal::OtherResource));
        assert_eq!(refused(Asked { now: vectors.now + 300, ..asked() }), None, "the last second it holds");
        assert_eq!(refused(Asked { now: vectors.now + 301, ..asked() }), Some(OfferRefusal::Over));
    }
    Ok(())
}

#[test]
fn a_receipt_for_somebody_or_something_else_is_refused() -> Result<()> {
    let vectors = vectors()?;
    let resources = [vectors.asked.resource_url.as_str()];
    for signed in &vectors.signed {
        let offer = check_offer(&signed.offer, &vectors.asked(&resources))?;
        let paid = || vectors.paid(&resources, Some(&offer));
        let refused = |paid: Paid<'_>| reason(check_receipt(&signed.receipt, &paid));
        assert_eq!(refused(Paid { chain_id: 1, ..paid() }), Some(OfferRefusal::OtherNetwork));
        let other = Paid { payer: Address::repeat_byte(9), ..paid() };
        assert_eq!(refused(other), Some(OfferRefusal::OtherPayer));
        let elsewhere = Paid { offer: None, resources: &["https://api.example/"], ..paid() };
        assert_eq!(refused(elsewhere), Some(OfferRefusal::OtherResource));
        // Clocks: as early as the payment was signed, as late as the server's may be ahead.
        let issued = vectors.now + 2;
        assert_eq!(refused(Paid { since: issued, ..paid() }), None);
        assert_eq!(refused(Paid { since: issued + 1, ..paid() }), Some(OfferRefusal::OtherTime));
        let (edge, hours) = (issued - CLOCK_SKEW, issued - 4 * 3600);
        assert_eq!(refused(Paid { since: 0, now: edge, ..paid() }), None);
        assert_eq!(refused(Paid { since: 0, now: edge - 1, ..paid() }), Some(OfferRefusal::OtherTime));
        assert_eq!(refused(Paid { since: 0, now: hours, ..paid() }), Some(OfferRefusal::OtherTime));
        // Only some servers name the transaction.
        let told = signed.receipt.pointer("/payload/transaction").is_some();
        let other = Paid { transaction: Some(B256::repeat_byte(9)), ..paid() };
        assert_eq!(refused(other), told.then_some(OfferRefusal::OtherTransaction));
    }
    // By another server's key, which signed no offer of this one.
    let (one, two) = (vectors.by("jws ed25519")?, vectors.by("jws secp256k1")?);
    let offer = check_offer(&one.offer, &vectors.asked(&resources))?;
    let swapped = check_receipt(&two.receipt, &vectors.paid(&resources, Some(&offer)));
    assert_eq!(reason(swapped), Some(OfferRefusal::OtherSigner));
    Ok(())
}

#[test]
fn a_forged_signature_is_nobodys() -> Result<()> {
    let vectors = vectors()?;
    let resources = [vectors.asked.resource_url.as_str()];
    let refused = |signed: &Value| reason(check_offer(signed, &vectors.asked(&resources)));
    for name in ["jws ed25519", "jws secp256k1", "jws p256"] {
        let good = vectors.by(name)?.offer.clone();
        let jws = good["signature"].as_str().context("no text")?.to_owned();
        let parts: Vec<&str> = jws.split('.').collect();
        let other = vectors.by(name)?.receipt["signature"].as_str().context("no text")?.to_owned();
        let borrowed = other.rsplit('.').next().unwrap_or_default();
        let with = |signature: String| json!({ "format": "jws", "signature": signature });
        // Another payload's signature, and none.
        assert_eq!(
            refused(&with(format!("{}.{}.{borrowed}", parts[0], parts[1]))),
            Some(OfferRefusal::Forged)
        );
        assert_eq!(refused(&with(format!("{}.{}.", parts[0], parts[1]))), Some(OfferRefusal::Forged));
        for torn in [parts[0].to_owned(), format!("{jws}."), format!("{jws}.x"), "..".into(), String::new()] {
            assert_eq!(refused(&with(torn.clone())), Some(OfferRefusal::Malformed), "{torn:?}");
        }
    }
    // An account's signature of other content is another account's; the receipt then is by somebody else.
    let mut receipt = vectors.by("eip712 payee")?.receipt.clone();
    receipt["payload"]["issuedAt"] = json!(vectors.now + 3);
    let told = check_receipt(&receipt, &vectors.paid(&resources, None));
    assert_eq!(reason(told), Some(OfferRefusal::OtherSigner));
    receipt["signature"] = json!(format!("0x{}", "00".repeat(65)));
    assert_eq!(reason(check_receipt(&receipt, &vectors.paid(&resources, None))), Some(OfferRefusal::Forged));
    receipt["signature"] = json!("0x00");
    assert_eq!(reason(check_receipt(&receipt, &vectors.paid(&resources, None))), Some(OfferRefusal::Forged));
    Ok(())
}

/// A JWS over the good offer's payload, with another header.
fn with_header(vectors: &Vectors, header: Value) -> Result<Value> {
    use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
    let jws = vectors.by("jws ed25519")?.offer["signature"].as_str().context("no text")?.to_owned();
    let rest = jws.split_once('.').context("no header")?.1.to_owned();
    let header = BASE64_URL_SAFE_NO_PAD.encode(header.to_string());
    Ok(json!({ "format": "jws", "signature": format!("{header}.{rest}") }))
}

#[test]
fn no_algorithm_but_the_keys_own_is_taken() -> Result<()> {
    let vectors = vectors()?;
    let resources = [vectors.asked.resource_url.as_str()];
    let kid = &vectors.by("jws ed25519")?.signer;
    for algorithm in ["none", "HS256", "ES256", "eddsa", ""] {
        let signed = with_header(&vectors, json!({ "alg": algorithm, "kid": kid }))?;
        let told = reason(check_offer(&signed, &vectors.asked(&resources)));
        assert_eq!(told, Some(OfferRefusal::AlgorithmUnknown), "{algorithm}");
    }
    let critical =
        with_header(&vectors, json!({ "alg": "EdDSA", "kid": kid, "crit": ["b64"], "b64": false }))?;
    assert_eq!(reason(check_offer(&critical, &vectors.asked(&resources))), Some(OfferRefusal::Malformed));
    Ok(())
}

#[test]
fn a_key_that_is_elsewhere_proves_nothing_and_stops_nobody() -> Result<()> {
    let vectors = vectors()?;
    let resources = [vectors.asked.resource_url.as_str()];
    for kid in ["did:web:api.example#key-1", "did:key:zzzz", "did:jwk:e30", "key 1", ""] {
        let signed = with_header(&vectors, json!({ "alg": "EdDSA", "kid": kid }))?;
        let offer = check_offer(&signed, &vectors.asked(&resources)).context(kid)?;
        assert!(matches!(offer.signer, bursar_sdk::offer::OfferSigner::Unresolved(_)), "{kid}");
        // The same header over the receipt: nobody knows whose it is, though it names the offer's key.
        let mut receipt = vectors.by("jws ed25519")?.receipt.clone();
        let jws = receipt["signature"].as_str().context("no text")?.to_owned();
        let header =
            signed["signature"].as_str().and_then(|jws| jws.split('.').next()).context("no header")?;
        receipt["signature"] = json!(format!("{header}.{}", jws.split_once('.').context("no header")?.1));
        let told = check_receipt(&receipt, &vectors.paid(&resources, Some(&offer)));
        assert_eq!(reason(told), Some(OfferRefusal::KeyUnresolved), "{kid}");
    }
    Ok(())
}

fn extensions(offers: Value) -> Result<ExtensionsJson> {
    Ok(serde_json::from_value(json!({ "offer-receipt": { "info": { "offers": offers }, "schema": {} } }))?)
}

#[test]
fn the_offer_of_a_requirement_is_found_by_its_place_or_by_its_terms() -> Result<()> {
    let vectors = vectors()?;
    let resources = [vectors.asked.resource_url.as_str()];
    let asked = vectors.asked(&resources);
    let good = vectors.by("eip712 server")?.offer.clone();
    let found = |offers: Value| anyhow::Ok(offer_in(&extensions(offers)?, &asked));
    assert!(found(json!([good]))??.is_some());
    assert!(found(json!([]))??.is_none());
    let mut elsewhere = good.clone();
    elsewhere["acceptIndex"] = json!(1);
    assert!(found(json!([elsewhere]))??.is_none(), "an offer of another requirement");
    // Its place is not signed: an offer of other terms in this place is a contradiction.
    let mut dearer = good.clone();
    dearer["payload"]["amount"] = json!("20001");
    assert_eq!(reason(found(json!([dearer]))?), Some(OfferRefusal::OtherTerms));
    let strip = |mut offer: Value| {
        offer.as_object_mut().map(|offer| offer.remove("acceptIndex"));
        offer
    };
    assert!(found(json!([strip(dearer.clone())]))??.is_none());
    assert!(found(json!([strip(dearer), strip(good)]))??.is_some());
    assert!(
        offer_in(&serde_json::from_value(json!({ "offer-receipt": { "includeTxHash": true } }))?, &asked)?
            .is_none()
    );
    Ok(())
}

#[test]
fn what_is_large_deep_or_strange_is_refused_by_name() -> Result<()> {
    let vectors = vectors()?;
    let resources = [vectors.asked.resource_url.as_str()];
    let asked = vectors.asked(&resources);
    let good = vectors.by("eip712 server")?.offer.clone();
    let with = |field: &str, value: Value| {
        let mut offer = good.clone();
        offer[field] = value;
        offer
    };
    for (offer, expected) in [
        (json!(null), OfferRefusal::Malformed),
        (json!("offer"), OfferRefusal::Malformed),
        (with("format", json!("pgp")), OfferRefusal::FormatUnknown),
        (with("format", json!(7)), OfferRefusal::FormatUnknown),
        (with("signature", json!(7)), OfferRefusal::Malformed),
        (with("payload", json!(7)), OfferRefusal::Malformed),
        (with("signature", json!("0xzz")), OfferRefusal::Forged),
        (with("more", json!("x".repeat(MAX_SIGNED))), OfferRefusal::TooLarge),
    ] {
        let text: String = offer.to_string().chars().take(200).collect();
        assert_eq!(reason(check_offer(&offer, &asked)), Some(expected), "{text}");
    }
    let mut version = good.clone();
    version["payload"]["version"] = json!(2);
    assert_eq!(reason(check_offer(&version, &asked)), Some(OfferRefusal::VersionUnknown));
    let many = vec![good; MAX_OFFERS + 1];
    assert_eq!(reason(offer_in(&extensions(json!(many))?, &asked)), Some(OfferRefusal::TooLarge));
    assert_eq!(reason(offer_in(&extensions(json!({}))?, &asked)), Some(OfferRefusal::Malformed));
    Ok(())
}
