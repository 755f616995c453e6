//! A signed payment as it travels: the x402 payment header, as the reference clients build it.

use alloy::primitives::{Address, B256, Bytes};
use serde::{Deserialize, Serialize};
use serde_json::json;
use x402_chain_eip155::{
    chain::permit2::{
        ExactPermit2Payload, ExactPermit2Witness, Permit2Authorization, Permit2AuthorizationPermitted,
        UptoPermit2Payload, UptoPermit2Witness,
    },
    v1_eip155_exact::types::ExactEvmPayloadAuthorization,
    v2_eip155_exact::types::Eip3009Payload,
};
use x402_types::{proto::v2, timestamp::UnixTimestamp, util::Base64Bytes};

use crate::{
    challenge::Requirement,
    error::AgentError,
    payment::{Authorization, Rail, permit2},
};

/// The extension by which a server asks for an identifier of the payment.
const PAYMENT_IDENTIFIER: &str = "payment-identifier";

/// The header's value for a payment of that token.
pub(super) fn encode(
    requirement: &Requirement,
    authorization: &Authorization,
    token: Address,
    blob: &Bytes,
) -> Result<String, AgentError> {
    let nonce = authorization.nonce;
    let valid_after = UnixTimestamp::from_secs(authorization.valid_after);
    let (to, signature) = (authorization.payee.into(), blob.clone());
    match requirement.rail {
        Rail::Eip3009 => {
            let authorization = ExactEvmPayloadAuthorization {
                from: authorization.purse,
                to: authorization.payee,
                value: authorization.amount.to_u256(),
                valid_after,
                valid_before: UnixTimestamp::from_secs(authorization.valid_before),
                nonce,
            };
            header(requirement, nonce, Eip3009Payload { signature, authorization })
        }
        Rail::Permit2Exact => {
            let witness = ExactPermit2Witness { to, valid_after };
            let permit_2_authorization = permit(authorization, token, permit2::EXACT_PROXY, witness);
            header(requirement, nonce, ExactPermit2Payload { permit_2_authorization, signature })
        }
        Rail::Permit2Upto { facilitator } => {
            let witness = UptoPermit2Witness { to, facilitator: facilitator.into(), valid_after };
            let permit_2_authorization = permit(authorization, token, permit2::UPTO_PROXY, witness);
            header(requirement, nonce, UptoPermit2Payload { permit_2_authorization, signature })
        }
    }
}

fn permit<W>(
    authorization: &Authorization,
    token: Address,
    proxy: Address,
    witness: W,
) -> Permit2Authorization<W> {
    Permit2Authorization {
        deadline: UnixTimestamp::from_secs(authorization.valid_before),
        from: authorization.purse.into(),
        nonce: authorization.nonce.into(),
        permitted: Permit2AuthorizationPermitted {
            amount: authorization.amount.to_u256(),
            token: token.into(),
        },
        spender: proxy.into(),
        witness,
    }
}

fn header<P: Serialize>(requirement: &Requirement, nonce: B256, payload: P) -> Result<String, AgentError> {
    let payload = v2::PaymentPayload {
        x402_version: v2::X402Version2,
        accepted: requirement.original.clone(),
        resource: requirement.resource.clone(),
        payload,
        extensions: identified(&requirement.extensions, nonce),
    };
    let json = serde_json::to_vec(&payload).map_err(|error| AgentError::BadChallenge(error.to_string()))?;
    Ok(Base64Bytes::encode(&json).to_string())
}

/// The server's extensions sent back, with the payment's identifier where the server asks for one.
fn identified(extensions: &v2::ExtensionsJson, nonce: B256) -> v2::ExtensionsJson {
    let entries = extensions.as_ref().iter().map(|(key, value)| {
        let mut value = value.clone();
        if key == PAYMENT_IDENTIFIER
            && let Some(extension) = value.as_object_mut()
        {
            let info = extension.entry("info").or_insert_with(|| json!({}));
            if let Some(info) = info.as_object_mut() {
                info.insert("id".into(), format!("env_{}", hex::encode(nonce)).into());
            }
        }
        (key.clone(), value)
    });
    entries.collect()
}

/// What every rail's payload has.
#[derive(Deserialize)]
struct Signed {
    signature: Bytes,
}

/// The blob in a header's value.
pub(super) fn blob(payload: &str) -> Result<Bytes, AgentError> {
    let unreadable = |what: String| AgentError::Config {
        what: "spooled payment",
        expected: "an x402 payment payload".into(),
        got: what,
    };
    let json =
        Base64Bytes::from(payload.as_bytes()).decode().map_err(|error| unreadable(error.to_string()))?;
    let payload: v2::PaymentPayload<serde_json::Value, Signed> =
        serde_json::from_slice(&json).map_err(|error| unreadable(error.to_string()))?;
    Ok(payload.payload.signature)
}
