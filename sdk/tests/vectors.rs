//! The wire format, held against vectors that an independent implementation computed
//! (`test/vectors/generate.mjs`); the Solidity and TypeScript tests hold against the same.
#![allow(missing_docs)]

use alloy::{
    primitives::{Address, B256, Bytes, Signature, U256, aliases::U24},
    signers::{SignerSync as _, local::PrivateKeySigner},
    sol_types::{Eip712Domain, SolStruct as _},
};
use anyhow::{Context as _, Result};
use bursar_sdk::{
    Amount, abi,
    payment::{Approval, Authorization, PaymentBlob, Rail, commitment, session_id, terms, treasury_domain},
};
use serde_json::Value;

fn text<'a>(value: &'a Value, at: &str) -> Result<&'a str> {
    value.pointer(at).and_then(Value::as_str).with_context(|| format!("no text at {at}"))
}

fn number(value: &Value, at: &str) -> Result<u64> {
    let found = value.pointer(at).with_context(|| format!("nothing at {at}"))?;
    match found {
        Value::String(text) => Ok(text.parse()?),
        other => other.as_u64().with_context(|| format!("no number at {at}")),
    }
}

fn list<'a>(vectors: &'a Value, name: &str) -> Result<&'a Vec<Value>> {
    let found = vectors.get(name).and_then(Value::as_array).with_context(|| format!("no {name}"))?;
    assert!(!found.is_empty(), "{name} has no vectors");
    Ok(found)
}

#[test]
fn payments_are_as_the_vectors_say() -> Result<()> {
    let vectors: Value = serde_json::from_str(include_str!("../../test/vectors/payment.json"))?;
    for vector in list(&vectors, "payments")? {
        payment(vector).with_context(|| text(vector, "/name").unwrap_or("unnamed").to_owned())?;
    }
    Ok(())
}

fn payment(vector: &Value) -> Result<()> {
    let purse: Address = text(vector, "/purse")?.parse()?;
    let decision_hash: B256 = text(vector, "/decisionHash")?.parse()?;
    let session = session_id(purse, u32::try_from(number(vector, "/sequence")?)?);
    assert_eq!(session, text(vector, "/expected/sessionId")?.parse::<B256>()?);
    let version = u16::try_from(number(vector, "/policyVersion")?)?;
    let nonce = commitment(terms(number(vector, "/epoch")?, version), session, decision_hash);
    assert_eq!(nonce, text(vector, "/expected/nonce")?.parse::<B256>()?);

    let chain_id = number(vector, "/chainId")?;
    let domain = Eip712Domain::new(
        Some(text(vector, "/token/name")?.to_owned().into()),
        Some(text(vector, "/token/version")?.to_owned().into()),
        Some(U256::from(chain_id)),
        Some(text(vector, "/token/address")?.parse()?),
        None,
    );
    assert_eq!(domain.separator(), text(vector, "/expected/tokenDomainSeparator")?.parse::<B256>()?);
    let treasury = treasury_domain(chain_id, text(vector, "/treasury")?.parse()?);
    assert_eq!(treasury.separator(), text(vector, "/expected/treasuryDomainSeparator")?.parse::<B256>()?);

    let authorization = Authorization {
        purse,
        payee: text(vector, "/payee")?.parse()?,
        amount: text(vector, "/amount")?.parse::<Amount>()?,
        valid_after: number(vector, "/validAfter")?,
        valid_before: number(vector, "/validBefore")?,
        nonce,
    };
    let rail = rail(vector)?;
    let digest = authorization.digest(rail, &domain);
    assert_eq!(digest, text(vector, "/expected/digest")?.parse::<B256>()?);
    let approval_digest = authorization.approval(decision_hash, digest).eip712_signing_hash(&treasury);
    assert_eq!(approval_digest, text(vector, "/expected/approvalDigest")?.parse::<B256>()?);

    let key: PrivateKeySigner = text(vector, "/sessionSecret")?.parse()?;
    let blob = PaymentBlob {
        rail,
        payee: authorization.payee,
        amount: authorization.amount,
        valid_after: authorization.valid_after,
        valid_before: authorization.valid_before,
        decision_hash,
        signature: key.sign_hash_sync(&digest)?,
        approval: approval(vector)?,
    };
    let expected: Bytes = text(vector, "/expected/blob")?.parse()?;
    assert_eq!(blob.encode()?, expected);
    assert_eq!(PaymentBlob::decode(&expected)?, blob);
    Ok(())
}

fn rail(vector: &Value) -> Result<Rail> {
    Ok(match number(vector, "/rail")? {
        1 => Rail::Eip3009,
        2 => Rail::Permit2Exact,
        3 => Rail::Permit2Upto { facilitator: text(vector, "/facilitator")?.parse()? },
        other => anyhow::bail!("no rail {other}"),
    })
}

/// The approval that the vector's blob carries: its kind is in the blob's first byte.
fn approval(vector: &Value) -> Result<Option<Approval>> {
    let blob: Bytes = text(vector, "/expected/blob")?.parse()?;
    let kind = blob.first().context("an empty blob")? >> 4;
    if kind == 0 {
        return Ok(None);
    }
    let signature: Bytes = text(vector, "/expected/approvalSignature")?.parse()?;
    Ok(Some(match kind {
        1 => Approval::Eoa(Signature::from_raw(&signature)?),
        _ => Approval::Contract { approver: text(vector, "/expected/approver")?.parse()?, signature },
    }))
}

#[test]
fn malformed_blobs_are_not_read() -> Result<()> {
    let vectors: Value = serde_json::from_str(include_str!("../../test/vectors/payment.json"))?;
    for vector in list(&vectors, "malformed")? {
        let blob: Bytes = text(vector, "/blob")?.parse()?;
        assert!(PaymentBlob::decode(&blob).is_err(), "{} was read", text(vector, "/name")?);
    }
    Ok(())
}

#[test]
fn sessions_are_signed_as_the_vectors_say() -> Result<()> {
    let vectors: Value = serde_json::from_str(include_str!("../../test/vectors/session.json"))?;
    for vector in list(&vectors, "openings")? {
        let request = abi::OpenSession {
            envelope: U24::try_from(number(vector, "/request/envelope")?)?,
            purseIndex: u16::try_from(number(vector, "/request/purseIndex")?)?,
            sequence: U24::try_from(number(vector, "/request/sequence")?)?,
            key: text(vector, "/request/key")?.parse()?,
            budget: text(vector, "/request/budget")?.parse()?,
            expiry: u32::try_from(number(vector, "/request/expiry")?)?,
            scope: abi::Scope {
                paymentCap: text(vector, "/request/scope/paymentCap")?.parse()?,
                approvalThreshold: text(vector, "/request/scope/approvalThreshold")?.parse()?,
                payeeList: u16::try_from(number(vector, "/request/scope/payeeList")?)?,
            },
            stampHash: text(vector, "/request/stampHash")?.parse()?,
        };
        signed(vector, &request)?;
    }
    for vector in list(&vectors, "closings")? {
        let request = abi::CloseSession {
            purse: text(vector, "/purse")?.parse()?,
            sequence: U24::try_from(number(vector, "/sequence")?)?,
        };
        signed(vector, &request)?;
    }
    Ok(())
}

fn signed<T: alloy::sol_types::SolStruct>(vector: &Value, request: &T) -> Result<()> {
    let domain = treasury_domain(number(vector, "/chainId")?, text(vector, "/treasury")?.parse()?);
    let digest = request.eip712_signing_hash(&domain);
    assert_eq!(digest, text(vector, "/expected/digest")?.parse::<B256>()?, "{vector}");
    let agent: PrivateKeySigner = text(vector, "/agentSecret")?.parse()?;
    let expected: Bytes = text(vector, "/expected/signature")?.parse()?;
    assert_eq!(agent.sign_hash_sync(&digest)?.as_bytes()[..], expected[..]);
    Ok(())
}
