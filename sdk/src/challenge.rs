//! What a 402 response asks, checked against what the purse can pay before anything else happens. Pure.

use alloy::primitives::{Address, B256, keccak256};
use x402_chain_eip155::{chain::AssetTransferMethod, v2_eip155_exact::types::PaymentRequirements};
use x402_types::proto::{OriginalJson, v2};

use crate::{
    amount::Amount,
    chain::{Asset, ChainView},
    error::AgentError,
    offer::{self, Offer, OfferRefused},
};

/// Facilitators refuse what is valid for less than this, in seconds.
pub const LEAST_VALIDITY: u64 = 6;

/// One way of paying that a challenge offers and a purse can take.
#[derive(Debug, Clone)]
pub struct Requirement {
    /// Who is to be paid.
    pub payee: Address,
    /// How much, in atomic units.
    pub amount: Amount,
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
pub struct Rail {
    /// EIP-155 chain id.
    pub chain_id: u64,
    /// The envelope's token.
    pub asset: Asset,
    /// The purse's treasury: paying it would only move money in a circle.
    pub treasury: Address,
}

impl Rail {
    /// The rail of an envelope.
    pub fn of(view: &ChainView) -> Self {
        Self { chain_id: view.chain_id(), asset: view.asset().clone(), treasury: view.treasury() }
    }

    /// Reads one offered requirement and checks it against this rail.
    ///
    /// # Errors
    /// A typed refusal of what does not parse, is of another scheme, chain or asset, moves nothing, pays
    /// nobody, or gives a facilitator no time. Nothing is signed for any of these.
    pub fn read(&self, original: &OriginalJson) -> Result<Requirement, AgentError> {
        let loose: v2::PaymentRequirements = serde_json::from_str(original.0.get())
            .map_err(|error| AgentError::BadChallenge(error.to_string()))?;
        if loose.scheme != "exact" {
            return Err(AgentError::NoRail { offered: format!("scheme {:?}", shorten(&loose.scheme)) });
        }
        let expected = format!("eip155:{}", self.chain_id);
        let got = loose.network.to_string();
        if got != expected {
            return Err(AgentError::WrongChain { expected: self.chain_id, got: shorten(&got) });
        }
        // The amount is read apart: the strict type below would only say "invalid".
        let amount: Amount = loose.amount.parse()?;
        let strict: PaymentRequirements = serde_json::from_str(original.0.get())
            .map_err(|error| AgentError::BadChallenge(error.to_string()))?;
        self.check_asset(&strict)?;
        if amount.is_zero() || strict.amount.0 != amount.to_u256() {
            return Err(AgentError::BadChallenge(format!("expected an amount above 0, got {amount}")));
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
            scheme: "exact",
            chain_id: self.chain_id,
            asset: self.asset.address,
            payee: requirement.payee,
            amount: requirement.amount,
            resources,
            now,
        };
        offer::offer_in(extensions, &asked)
    }

    fn check_asset(&self, strict: &PaymentRequirements) -> Result<(), AgentError> {
        if strict.asset.0 != self.asset.address {
            return Err(AgentError::UnknownAsset { expected: self.asset.address, got: strict.asset.0 });
        }
        let AssetTransferMethod::Eip3009 { name, version } = &strict.extra else {
            return Err(AgentError::NoRail { offered: "asset transfer method permit2".into() });
        };
        for (field, expected, got) in
            [("name", &self.asset.name, name), ("version", &self.asset.version, version)]
        {
            if expected != got {
                return Err(AgentError::AssetDomain { field, expected: expected.clone(), got: shorten(got) });
            }
        }
        Ok(())
    }
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
