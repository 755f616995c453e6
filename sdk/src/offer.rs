//! Signed offers and receipts (x402 extension `offer-receipt`): what a server asked and what it says it got, in its
//! own signature.
//!
//! The offer comes with the challenge and is kept in the decision record; the receipt comes with the answer and is
//! kept in the outcome record. What contradicts the payment is refused by name.
//!
//! Whose signature is worth something: an offer arrives from the server itself, so its signer speaks for the server.
//! A receipt has to be by the same signer, or by the payee's own account. Keys that are named by `did:key` and
//! `did:jwk` are in their name; others would have to be fetched: an offer of theirs is kept as one whose signer is not
//! known, and a receipt of theirs counts for nothing.

mod jws;
mod key;
mod refused;
mod typed;

use alloy::primitives::{Address, B256};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;
use x402_types::proto::v2::ExtensionsJson;

use crate::{amount::Amount, challenge::shorten};

pub use self::refused::{OfferRefusal, OfferRefused};

/// The extension's name in challenges and answers.
pub const EXTENSION: &str = "offer-receipt";

/// The largest signed offer or receipt taken, as JSON, in bytes.
pub const MAX_SIGNED: usize = 8 * 1024;

/// The most offers looked at in one challenge.
pub const MAX_OFFERS: usize = 32;

/// How far the server's clock may be ahead of ours, in seconds.
pub const CLOCK_SKEW: u64 = 600;

/// The version of offers and receipts this crate reads.
const VERSION: u64 = 1;

/// What a server signs of its price.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OfferPayload {
    /// The extension's version, 1.
    pub version: u64,
    /// What is sold.
    pub resource_url: String,
    /// The x402 scheme.
    pub scheme: String,
    /// The chain, as CAIP-2.
    pub network: String,
    /// The token.
    pub asset: String,
    /// Who is to be paid.
    pub pay_to: String,
    /// How much, in atomic units.
    pub amount: String,
    /// Until when, in unix seconds; 0 or nothing for no end.
    #[serde(default)]
    pub valid_until: u64,
}

/// What a server signs of a payment it got.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReceiptPayload {
    /// The extension's version, 1.
    pub version: u64,
    /// The chain, as CAIP-2.
    pub network: String,
    /// What was sold.
    pub resource_url: String,
    /// Who paid.
    pub payer: String,
    /// When, in unix seconds.
    pub issued_at: u64,
    /// The settling transaction; empty where the server does not tell.
    #[serde(default)]
    pub transaction: String,
}

/// Who signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OfferSigner {
    /// An account, by EIP-712.
    Account(Address),
    /// A key, by JWS; its decentralised identifier, without a fragment.
    Key(String),
    /// A key that would have to be fetched: whether it signed is not known.
    Unresolved(String),
}

/// An offer in order: it says what the challenge asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// As it came.
    pub signed: Value,
    /// What it says.
    pub payload: OfferPayload,
    /// Who signed it.
    pub signer: OfferSigner,
}

/// A receipt in order: it names this payer, resource and chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// As it came.
    pub signed: Value,
    /// What it says.
    pub payload: ReceiptPayload,
    /// Who signed it.
    pub signer: OfferSigner,
}

/// What an offer has to say.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// The requirement's place in the challenge.
    pub index: usize,
    /// The x402 scheme.
    pub scheme: &'a str,
    /// EIP-155 chain id.
    pub chain_id: u64,
    /// The token.
    pub asset: Address,
    /// Who is to be paid.
    pub payee: Address,
    /// How much.
    pub amount: Amount,
    /// What the resource may be called: as it was asked for, and as the server names it.
    pub resources: &'a [&'a str],
    /// Unix seconds.
    pub now: u64,
}

/// What a receipt has to say.
#[derive(Debug, Clone, Copy)]
pub struct Paid<'a> {
    /// EIP-155 chain id.
    pub chain_id: u64,
    /// The purse.
    pub payer: Address,
    /// Who was paid.
    pub payee: Address,
    /// What the resource may be called.
    pub resources: &'a [&'a str],
    /// The offer that was paid, where there was one.
    pub offer: Option<&'a Offer>,
    /// The settling transaction, where the server names it beside the receipt.
    pub transaction: Option<B256>,
    /// No receipt is older than this, in unix seconds.
    pub since: u64,
    /// Unix seconds.
    pub now: u64,
}

/// The signed offer for one requirement of a challenge; `None` where the server signs none for it.
///
/// # Errors
/// When the offer for it is not what the challenge asks, is over, or is nobody's.
pub fn offer_in(extensions: &ExtensionsJson, asked: &Asked<'_>) -> Result<Option<Offer>, OfferRefused> {
    let Some(extension) = extensions.as_ref().get(EXTENSION) else { return Ok(None) };
    // Without `info` the server only says that it knows the extension.
    let Some(offers) = extension.pointer("/info/offers") else { return Ok(None) };
    let offers = offers.as_array().ok_or_else(|| {
        OfferRefused::new(OfferRefusal::Malformed, "a list of signed offers", "something else")
    })?;
    if offers.len() > MAX_OFFERS {
        let expected = format!("at most {MAX_OFFERS} offers");
        return Err(OfferRefused::new(OfferRefusal::TooLarge, expected, offers.len()));
    }
    let of_index =
        |offer: &&Value| offer.get("acceptIndex").and_then(Value::as_u64) == Some(asked.index as u64);
    let unplaced = |offer: &&Value| offer.get("acceptIndex").is_none();
    if let Some(signed) = offers.iter().find(of_index) {
        return check_offer(signed, asked).map(Some);
    }
    // An offer need not say which requirement it is for; one of other terms is for another.
    for signed in offers.iter().filter(unplaced) {
        match check_offer(signed, asked) {
            Err(refused) if refused.reason == OfferRefusal::OtherTerms => {}
            other => return other.map(Some),
        }
    }
    Ok(None)
}

/// Checks one signed offer.
///
/// # Errors
/// Why it is not in order.
pub fn check_offer(signed: &Value, asked: &Asked<'_>) -> Result<Offer, OfferRefused> {
    let (payload, signer) = open::<OfferPayload>(signed)?;
    version(payload.version)?;
    let address = |text: &str| text.parse::<Address>().unwrap_or_default();
    let network = network(asked.chain_id);
    let terms = [
        (asked.scheme.to_owned(), payload.scheme.clone()),
        (network, payload.network.clone()),
        (asked.asset.to_string(), address(&payload.asset).to_string()),
        (asked.payee.to_string(), address(&payload.pay_to).to_string()),
        (asked.amount.to_string(), payload.amount.clone()),
    ];
    for (expected, got) in terms {
        if expected != got {
            return Err(OfferRefused::new(OfferRefusal::OtherTerms, expected, shorten(&got)));
        }
    }
    resource(&payload.resource_url, asked.resources)?;
    if payload.valid_until != 0 && payload.valid_until < asked.now {
        let expected = format!("an offer that holds at {}", asked.now);
        return Err(OfferRefused::new(OfferRefusal::Over, expected, payload.valid_until));
    }
    Ok(Offer { signed: signed.clone(), payload, signer })
}

/// The signed receipt in a server's answer; `None` where it signs none. Nothing in it is looked at.
pub fn receipt_in(settlement: &Value) -> Option<&Value> {
    settlement.get("extensions")?.get(EXTENSION)?.pointer("/info/receipt")
}

/// Checks one signed receipt.
///
/// # Errors
/// Why it is not in order.
pub fn check_receipt(signed: &Value, paid: &Paid<'_>) -> Result<Receipt, OfferRefused> {
    let (payload, signer) = open::<ReceiptPayload>(signed)?;
    version(payload.version)?;
    let network = network(paid.chain_id);
    if payload.network != network {
        return Err(OfferRefused::new(OfferRefusal::OtherNetwork, network, shorten(&payload.network)));
    }
    if payload.payer.parse::<Address>().ok() != Some(paid.payer) {
        return Err(OfferRefused::new(OfferRefusal::OtherPayer, paid.payer, shorten(&payload.payer)));
    }
    match paid.offer {
        Some(offer) => resource(&payload.resource_url, &[&offer.payload.resource_url])?,
        None => resource(&payload.resource_url, paid.resources)?,
    }
    let told = (!payload.transaction.is_empty()).then_some(&payload.transaction);
    if let (Some(expected), Some(told)) = (paid.transaction, told)
        && told.parse::<B256>().ok() != Some(expected)
    {
        return Err(OfferRefused::new(OfferRefusal::OtherTransaction, expected, shorten(told)));
    }
    let latest = paid.now.saturating_add(CLOCK_SKEW);
    if payload.issued_at < paid.since || payload.issued_at > latest {
        let expected = format!("a time from {} to {latest}", paid.since);
        return Err(OfferRefused::new(OfferRefusal::OtherTime, expected, payload.issued_at));
    }
    if let OfferSigner::Unresolved(name) = &signer {
        return Err(OfferRefused::new(OfferRefusal::KeyUnresolved, "a did:key or did:jwk", name));
    }
    let known = paid.offer.is_some_and(|offer| offer.signer == signer);
    if !known && signer != OfferSigner::Account(paid.payee) {
        let expected = "the signer of the offer, or the payee";
        return Err(OfferRefused::new(OfferRefusal::OtherSigner, expected, signer));
    }
    Ok(Receipt { signed: signed.clone(), payload, signer })
}

/// What is signed, and by whom.
fn open<T: DeserializeOwned + typed::Typed>(signed: &Value) -> Result<(T, OfferSigner), OfferRefused> {
    let malformed = |got: &str| OfferRefused::new(OfferRefusal::Malformed, T::EXPECTED, got);
    keepable(signed)?;
    let text = |name: &str| signed.get(name).and_then(Value::as_str);
    let signature = text("signature").ok_or_else(|| malformed("no signature"))?;
    match text("format") {
        Some("eip712") => {
            let payload = signed.get("payload").ok_or_else(|| malformed("no payload"))?;
            let payload: T = T::deserialize(payload).map_err(|_| malformed("another payload"))?;
            let signer = typed::signer(&payload, signature)?;
            Ok((payload, OfferSigner::Account(signer)))
        }
        Some("jws") => {
            let (payload, signer) = jws::open(signature)?;
            let payload = serde_json::from_slice(&payload).map_err(|_| malformed("another payload"))?;
            Ok((payload, signer))
        }
        other => {
            let got = shorten(other.unwrap_or("none"));
            Err(OfferRefused::new(OfferRefusal::FormatUnknown, "format eip712 or jws", got))
        }
    }
}

/// Whether it can stand in a record.
///
/// # Errors
/// When it is too large.
pub(crate) fn keepable(signed: &Value) -> Result<(), OfferRefused> {
    let size = serde_json_canonicalizer::to_string(signed).map_or(usize::MAX, |text| text.len());
    if size > MAX_SIGNED {
        let expected = format!("at most {MAX_SIGNED} bytes");
        return Err(OfferRefused::new(OfferRefusal::TooLarge, expected, size));
    }
    Ok(())
}

fn version(got: u64) -> Result<(), OfferRefused> {
    if got == VERSION {
        return Ok(());
    }
    Err(OfferRefused::new(OfferRefusal::VersionUnknown, VERSION, got))
}

fn network(chain_id: u64) -> String {
    format!("eip155:{chain_id}")
}

fn resource(named: &str, resources: &[&str]) -> Result<(), OfferRefused> {
    if resources.contains(&named) {
        return Ok(());
    }
    let expected = shorten(resources.first().copied().unwrap_or("a resource that has a name"));
    Err(OfferRefused::new(OfferRefusal::OtherResource, expected, shorten(named)))
}
