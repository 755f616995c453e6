//! Payments through Permit2: `exact` and `upto`, with the real Permit2 and stand-ins of the x402 proxies.

use std::sync::Arc;

use alloy::{
    primitives::{Bytes, hex},
    providers::{Provider as _, ext::AnvilApi as _},
    rpc::types::TransactionRequest,
    sol,
};
use anyhow::{Context as _, Result};
use bursar_sdk::{
    Agent, AgentError, Amount, Checks, Purpose, Refusal,
    approval::LocalApprover,
    payment::{
        PaymentBlob, Rail,
        permit2::{EXACT_PROXY, PERMIT2, UPTO_PROXY},
    },
    session::SessionTerms,
};
use serde_json::{Value, json};

use crate::{
    common::{PAYEE, Stage, dollars},
    proxies::{exact, settle, upto},
    shop::{Shop, get_request, required},
};

sol! {
    #[sol(rpc)]
    interface Permits {
        function DOMAIN_SEPARATOR() external view returns (bytes32);
    }
}

/// Permit2 and the proxies, each at its address: constructors run there, since Permit2 keeps the domain of where it was.
async fn install(stage: &Stage) -> Result<()> {
    let fixture: Value = serde_json::from_str(include_str!("../../../test/fixtures/Permit2.json"))?;
    let permit2: Bytes = hex::decode(fixture["bytecode"].as_str().context("no bytecode")?)?.into();
    let provider = &stage.chain.provider;
    for (address, creation) in [
        (PERMIT2, permit2),
        (EXACT_PROXY, exact::X402ExactPermit2Proxy::BYTECODE.clone()),
        (UPTO_PROXY, upto::X402UptoPermit2Proxy::BYTECODE.clone()),
    ] {
        provider.anvil_set_code(address, creation).await?;
        let runtime = provider.call(TransactionRequest::default().to(address)).await?;
        provider.anvil_set_code(address, runtime).await?;
    }
    Ok(())
}

/// A stage whose envelope pays through Permit2, and its shop.
async fn set() -> Result<(Stage, Shop)> {
    let stage = Stage::set().await?;
    install(&stage).await?;
    let manager = stage.chain.policy_manager();
    manager.set_permit2(stage.envelope, true).await?;
    manager.level_permit2(stage.envelope, 0).await?;
    let shop = Shop::open(&stage).await?;
    Ok((stage, shop))
}

/// A challenge for a payment through Permit2.
fn challenge(stage: &Stage, scheme: &str, amount: Amount) -> Value {
    let mut challenge = stage.challenge(PAYEE, amount);
    challenge["scheme"] = scheme.into();
    challenge["extra"] = match scheme {
        "upto" => {
            json!({ "facilitatorAddress": stage.chain.people.gas.address(), "name": "USDC", "version": "2" })
        }
        _ => json!({ "assetTransferMethod": "permit2", "name": "USDC", "version": "2" }),
    };
    challenge
}

async fn buy(
    agent: &Agent,
    shop: &Shop,
    path: &str,
    purpose: Purpose,
) -> Result<bursar_sdk::Paid, AgentError> {
    agent.pay(get_request(shop.base.join(path).unwrap()).unwrap(), purpose).await
}

#[tokio::test]
async fn an_agent_pays_through_permit2_exactly_or_up_to_what_it_signed() -> Result<()> {
    let (stage, shop) = set().await?;
    let permit2 = Permits::new(PERMIT2, stage.chain.provider.clone());
    let domain = bursar_sdk::payment::permit2::domain(stage.chain.chain_id);
    assert_eq!(permit2.DOMAIN_SEPARATOR().call().await?, domain.separator(), "the real Permit2's");
    let agent = stage.agent().await?;
    shop.offer("exact", required(json!([challenge(&stage, "exact", dollars(3))])));
    shop.offer("upto", required(json!([challenge(&stage, "upto", dollars(5))])));

    let paid = buy(&agent, &shop, "exact", Purpose::new("task", "why").once("k")).await?.payment.unwrap();
    assert_eq!(paid.rail, Rail::Permit2Exact);
    assert!(agent.view().has_settled(paid.rail, stage.purse, paid.authorization.nonce).await?);
    assert!(!agent.view().has_settled(Rail::Eip3009, stage.purse, paid.authorization.nonce).await?);
    assert_eq!(stage.chain.balance(PAYEE).await?, dollars(3));
    let again = buy(&agent, &shop, "exact", Purpose::new("task", "why").once("k")).await;
    assert!(matches!(again, Err(AgentError::Replayed { .. })), "{again:?}");

    shop.charge(dollars(2));
    let paid = buy(&agent, &shop, "upto", Purpose::new("task", "metered")).await?.payment.unwrap();
    let facilitator = stage.chain.people.gas.address();
    assert_eq!((paid.rail, paid.authorization.amount), (Rail::Permit2Upto { facilitator }, dollars(5)));
    assert_eq!(PaymentBlob::decode(&paid.blob)?.rail, paid.rail);
    assert_eq!(stage.chain.balance(PAYEE).await?, dollars(5));
    Ok(())
}

#[tokio::test]
async fn nobody_but_its_facilitator_settles_an_upto_payment_and_never_for_more() -> Result<()> {
    let (stage, shop) = set().await?;
    let agent = stage.agent().await?;
    let requirement =
        agent.means().read(&crate::common::verbatim(&challenge(&stage, "upto", dollars(5)))?)?;
    let signed = agent.authorize(&requirement, Purpose::default()).await?;
    let json = x402_types::util::Base64Bytes::from(signed.payload.as_bytes()).decode()?;
    let payload: Value = serde_json::from_slice(&json)?;
    let (gas, other) = (stage.chain.people.gas.address(), stage.chain.people.owner.address());
    let provider = &stage.chain.provider;
    assert!(settle(provider, other, &payload["payload"], None).await.is_err());
    assert!(settle(provider, gas, &payload["payload"], Some(dollars(6))).await.is_err());
    settle(provider, gas, &payload["payload"], Some(dollars(5))).await?;
    assert!(settle(provider, gas, &payload["payload"], Some(dollars(1))).await.is_err());
    assert_eq!((stage.chain.balance(PAYEE).await?, shop.seen()), (dollars(5), 0));
    Ok(())
}

#[tokio::test]
async fn an_envelope_that_does_not_pay_through_permit2_says_so_before_and_on_chain() -> Result<()> {
    let stage = Stage::set().await?;
    install(&stage).await?;
    let (agent, shop) = (stage.agent().await?, Shop::open(&stage).await?);
    for scheme in ["exact", "upto"] {
        shop.offer(scheme, required(json!([challenge(&stage, scheme, dollars(3))])));
        for (agent, seen) in [(agent.clone(), 0), (agent.with_checks(Checks::ChainOnly), 1)] {
            let before = shop.seen();
            let told = buy(&agent, &shop, scheme, Purpose::default()).await.unwrap_err();
            assert_eq!(told.refusal(), Some(Refusal::RailNotAllowed), "{told:?}");
            assert_eq!(shop.seen() - before, seen);
        }
    }
    // Allowed, and the purse's allowance is not set yet: anyone may do that.
    let manager = stage.chain.policy_manager();
    manager.set_permit2(stage.envelope, true).await?;
    agent.open_session(&SessionTerms::new(dollars(20))).await?;
    let told = buy(&agent, &shop, "exact", Purpose::default()).await.unwrap_err();
    assert!(
        matches!(told, AgentError::Permit2Allowance { needed, allowance, .. } if needed == dollars(3) && allowance.is_zero()),
        "{told:?}"
    );
    manager.level_permit2(stage.envelope, 0).await?;
    buy(&agent, &shop, "exact", Purpose::default()).await?;
    assert_eq!(stage.chain.balance(PAYEE).await?, dollars(3));
    Ok(())
}

#[tokio::test]
async fn a_large_payment_through_permit2_waits_for_its_human() -> Result<()> {
    let (stage, shop) = set().await?;
    for (scheme, path) in [("exact", "exact"), ("upto", "upto")] {
        shop.offer(path, required(json!([challenge(&stage, scheme, dollars(11))])));
    }
    let approver = LocalApprover(Arc::new(stage.chain.people.approver.clone()));
    let agent = stage.builder(1).approvals(Arc::new(approver)).connect().await?;
    agent.open_session(&SessionTerms::new(dollars(50))).await?;
    for scheme in ["exact", "upto"] {
        let paid = buy(&agent, &shop, scheme, Purpose::default()).await?.payment.unwrap();
        assert!(PaymentBlob::decode(&paid.blob)?.approval.is_some());
    }
    assert_eq!(stage.chain.balance(PAYEE).await?, dollars(22));
    Ok(())
}
