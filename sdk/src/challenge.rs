//! What a 402 response asks, checked against what the purse can pay before anything else happens. Pure.
//!
//! Scheme `exact` by EIP-3009 or Permit2, and scheme `upto`, which is Permit2's; x402 version 2.

use alloy::primitives::{Address, B256, keccak256};
use serde::{Deserialize, de::DeserializeOwned};
use x402_chain_eip155::chain::ChecksummedAddress;
use x402_types::proto::{OriginalJson, v2};

use crate::{
    amount::Amount,
    chain::{Asset, ChainView},
    error::AgentError,
    offer::{self, Offer, OfferRefused},
    payment::Rail,
};

/// Facilitators refuse what is valid for less than this, in seconds.
pub const LEAST_VALIDITY: u64 = 6;

/// One way of paying that a challenge offers and a purse can take.
#[derive(Debug, Clone)]
pub struct Requirement {
    /// Who is to be paid.
    pub payee: Address,
    /// How much, in atomic units; on [`Rail::Permit2Upto`] the most that may be charged.
    pub amount: Amount,
    /// How it settles.
    pub rail: Rail,
    /// How long the authorization may stay valid, in seconds.
    pub max_timeout_seconds: u64,
    /// keccak-256 of the requirement's canonical JSON.
    pub hash: B256,
    /// The requirement verbatim: servers compare it to what they offered.
    pub original: OriginalJson,
    /// What is bought, as the server says; sent back with the payment.
    pub resource: Option<v2::ResourceInfo>,
    /// The server's protocol extensions; sent back with the payment.
    pub extensions: v2::ExtensionsJson,
    /// The server's signed offer of it, where there is one.
    pub offer: Option<Offer>,
}

/// What the purse can pay with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Means {
    /// EIP-155 chain id.
    pub chain_id: u64,
    /// The envelope's token.
    pub asset: Asset,
    /// The purse's treasury: paying it would only move money in a circle.
    pub treasury: Address,
}

impl Means {
    /// The means of an envelope.
    pub fn of(view: &ChainView) -> Self {
        Self { chain_id: view.chain_id(), asset: view.asset().clone(), treasury: view.treasury() }
    }

    /// Reads one offered requirement and checks it against these means.
    ///
    /// # Errors
    /// A typed refusal of what does not parse, is of another scheme, chain or asset, moves nothing, pays
    /// nobody, or gives a facilitator no time. Whether the envelope may pay through Permit2 is the chain's to say. Nothing is signed for any of these.
    pub fn read(&self, original: &OriginalJson) -> Result<Requirement, AgentError> {
        let loose: v2::PaymentRequirements = parse(original)?;
        let extra: Option<Extra> = loose
            .extra
            .map(serde_json::from_value)
            .transpose()
            .map_err(|error| AgentError::BadChallenge(error.to_string()))?;
        let expected = format!("eip155:{}", self.chain_id);
        let got = loose.network.to_string();
        let known = ["exact", "upto"].contains(&loose.scheme.as_str());
        if known && got != expected {
            return Err(AgentError::WrongChain { expected: self.chain_id, got: shorten(&got) });
        }
        let rail = self.rail_of(&loose.scheme, extra.unwrap_or_default())?;
        let amount: Amount = loose.amount.parse()?;
        if amount.is_zero() {
            return Err(AgentError::BadChallenge(format!("expected an amount above 0, got {amount}")));
        }
        // Addresses are read apart, with their checksums.
        let strict: v2::PaymentRequirements<String, String, ChecksummedAddress> = parse(original)?;
        if strict.asset.0 != self.asset.address {
            return Err(AgentError::UnknownAsset { expected: self.asset.address, got: strict.asset.0 });
        }
        let payee = strict.pay_to.0;
        if payee.is_zero() || payee == self.asset.address || payee == self.treasury {
            return Err(AgentError::BadChallenge(format!(
                "expected a payee who is not zero, the asset or the treasury, got {payee}"
            )));
        }
        if strict.max_timeout_seconds < LEAST_VALIDITY {
            return Err(AgentError::BadChallenge(format!(
                "expected maxTimeoutSeconds of at least {LEAST_VALIDITY}, got {}",
                strict.max_timeout_seconds
            )));
        }
        Ok(Requirement {
            payee,
            amount,
            rail,
            max_timeout_seconds: strict.max_timeout_seconds,
            hash: requirement_hash(original)?,
            original: original.clone(),
            resource: None,
            extensions: v2::ExtensionsJson::new(),
            offer: None,
        })
    }

    /// The server's signed offer of a requirement, the `index`-th of its challenge, checked against it.
    ///
    /// `resources`: what the resource may be called; `now` in unix seconds.
    ///
    /// # Errors
    /// When the server signed something else than it asks.
    pub fn offer(
        &self,
        extensions: &v2::ExtensionsJson,
        (index, requirement): (usize, &Requirement),
        resources: &[&str],
        now: u64,
    ) -> Result<Option<Offer>, OfferRefused> {
        let asked = offer::Asked {
            index,
            scheme: requirement.rail.scheme(),
            chain_id: self.chain_id,
            asset: self.asset.address,
            payee: requirement.payee,
            amount: requirement.amount,
            resources,
            now,
        };
        offer::offer_in(extensions, &asked)
    }

    /// How an offer of that scheme settles.
    fn rail_of(&self, scheme: &str, extra: Extra) -> Result<Rail, AgentError> {
        match (scheme, extra.asset_transfer_method.as_deref()) {
            ("exact", None | Some("eip3009")) => self.check_domain(extra).map(|()| Rail::Eip3009),
            ("exact", Some("permit2")) => Ok(Rail::Permit2Exact),
            ("upto", None | Some("permit2")) => match extra.facilitator_address.map(|address| address.0) {
                Some(facilitator) if !facilitator.is_zero() => Ok(Rail::Permit2Upto { facilitator }),
                _ => Err(AgentError::BadChallenge("expected extra.facilitatorAddress, got none".into())),
            },
            ("exact" | "upto", Some(method)) => {
                Err(AgentError::NoRail { offered: format!("asset transfer method {:?}", shorten(method)) })
            }
            (other, _) => Err(AgentError::NoRail { offered: format!("scheme {:?}", shorten(other)) }),
        }
    }

    /// What a payment by EIP-3009 is signed under must be the token's own domain.
    fn check_domain(&self, extra: Extra) -> Result<(), AgentError> {
        for (field, expected, got) in
            [("name", &self.asset.name, extra.name), ("version", &self.asset.version, extra.version)]
        {
            let Some(got) = got else {
                return Err(AgentError::BadChallenge(format!("expected extra.{field}, got none")));
            };
            if *expected != got {
                return Err(AgentError::AssetDomain {
                    field,
                    expected: expected.clone(),
                    got: shorten(&got),
                });
            }
        }
        Ok(())
    }
}

/// What schemes add to a requirement, as far as a payer needs it.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Extra {
    asset_transfer_method: Option<String>,
    name: Option<String>,
    version: Option<String>,
    facilitator_address: Option<ChecksummedAddress>,
}

fn parse<T: DeserializeOwned>(original: &OriginalJson) -> Result<T, AgentError> {
    serde_json::from_str(original.0.get()).map_err(|error| AgentError::BadChallenge(error.to_string()))
}

/// keccak-256 of a requirement's canonical JSON (RFC 8785).
///
/// # Errors
/// When it is not JSON.
pub fn requirement_hash(original: &OriginalJson) -> Result<B256, AgentError> {
    let value: serde_json::Value = serde_json::from_str(original.0.get())
        .map_err(|error| AgentError::BadChallenge(error.to_string()))?;
    let text = serde_json_canonicalizer::to_string(&value)
        .map_err(|error| AgentError::BadChallenge(error.to_string()))?;
    Ok(keccak256(text))
}

/// Text of the other side, short enough for an error.
pub(crate) fn shorten(text: &str) -> String {
    text.chars().take(200).collect()
}
