//! Verbs of a treasury's people that no agent takes part in.

use std::sync::Arc;

use alloy::{
    primitives::{B256, Bytes, keccak256},
    providers::ext::AnvilApi as _,
    sol_types::SolCall as _,
};
use anyhow::Result;
use bursar_sdk::{
    Refusal,
    abi::{Eip3009, Treasury},
    admin::money::GaslessTopUp,
    chain::ChainView,
    deploy::mint_test_usdc,
    payment::{Authorization, PaymentBlob, Rail, commitment, permit2, terms},
    session::{SessionTerms, SharedSigner},
    testing::signer,
};

use crate::common::{PAYEE, Stage, UNLISTED, dollars};

#[tokio::test]
async fn a_gasless_top_up_goes_to_the_envelope_that_was_signed_and_only_once() -> Result<()> {
    let stage = Stage::set().await?;
    let (chain, relay) = (&stage.chain, stage.chain.guardian());
    let payer = signer(0x9a9)?;
    mint_test_usdc(&chain.provider, chain.usdc, payer.address(), dollars(30)).await?;
    let view = ChainView::connect(chain.provider.clone(), chain.treasury, stage.envelope).await?;
    let now = view.latest_timestamp().await?;
    let top_up = GaslessTopUp {
        envelope: stage.envelope,
        amount: dollars(30),
        valid_after: now - 60,
        valid_before: now + 3600,
        salt: B256::repeat_byte(1),
    };
    let nonce = relay.contract().topUpNonce(stage.envelope.try_into()?, top_up.salt).call().await?;
    assert_eq!(nonce, top_up.authorization(chain.treasury, payer.address()).nonce);
    relay.top_up_with_authorization(&top_up, view.asset(), &*payer).await?;
    assert_eq!(view.envelope_state().await?.escrow, dollars(1030).to_u256());
    assert!(relay.top_up_with_authorization(&top_up, view.asset(), &*payer).await.is_err());
    Ok(())
}

#[tokio::test]
async fn payees_are_listed_in_a_batch_and_a_batch_is_all_or_nothing() -> Result<()> {
    let stage = Stage::set().await?;
    let manager = stage.chain.policy_manager();
    let contract = manager.contract();
    let listed = async |payee| contract.isPayeeListed(1, payee).call().await;
    manager.list_payees(1, &[UNLISTED, stage.purse]).await?;
    assert!(listed(UNLISTED).await? && listed(stage.purse).await?);
    manager.unlist_payees(1, &[UNLISTED]).await?;
    assert!(!listed(UNLISTED).await?);

    let good: Bytes = Treasury::listPayeeCall { list: 1, payee: UNLISTED }.abi_encode().into();
    let bad: Bytes = Treasury::listPayeeCall { list: 0, payee: UNLISTED }.abi_encode().into();
    assert!(manager.multicall(vec![good.clone(), bad]).await.is_err());
    assert!(stage.chain.guardian().multicall(vec![good]).await.is_err(), "a guardian lists nobody");
    assert!(!listed(UNLISTED).await?);
    Ok(())
}

#[tokio::test]
async fn what_strangers_send_to_an_idle_purse_is_swept() -> Result<()> {
    let stage = Stage::set().await?;
    let (chain, anyone) = (&stage.chain, stage.chain.guardian());
    assert!(anyone.sweep_purse(stage.envelope, 0).await.is_err(), "nothing to sweep");
    mint_test_usdc(&chain.provider, chain.usdc, stage.purse, dollars(7)).await?;
    assert_eq!(anyone.sweep_purse(stage.envelope, 0).await?.value, dollars(7));
    mint_test_usdc(&chain.provider, chain.usdc, stage.purse, dollars(7)).await?;
    let agent = stage.agent().await?;
    assert!(anyone.sweep_purse(stage.envelope, 0).await.is_err(), "a session is open");
    drop(agent);
    Ok(())
}

#[tokio::test]
async fn a_revoked_stamp_opens_no_session() -> Result<()> {
    let stage = Stage::set().await?;
    let agent = stage.builder(1).connect().await?;
    let terms = SessionTerms { stamp_hash: keccak256("stamp"), ..SessionTerms::new(dollars(5)) };
    agent.open_session(&terms).await?;
    let guardian = stage.chain.guardian();
    guardian.revoke_stamp(terms.stamp_hash).await?;
    let refused = agent.open_session(&terms).await;
    assert_eq!(refused.err().and_then(|error| error.refusal()), Some(Refusal::StampRevoked));
    guardian.set_stamp_epoch(2).await?;
    assert!(guardian.set_stamp_epoch(2).await.is_err(), "epochs only rise");
    assert!(guardian.anchor(keccak256("root"), 3).await.is_err(), "a guardian anchors nothing");
    stage.chain.owner().anchor(keccak256("root"), 3).await?;
    Ok(())
}

/// The contract judges what the SDK signs for Permit2; Permit2 itself is another suite's.
#[tokio::test]
async fn permit2_payments_are_signed_as_the_purse_reads_them() -> Result<()> {
    let stage = Stage::set().await?;
    let (chain, manager) = (&stage.chain, stage.chain.policy_manager());
    // `setPermit2` asks for code, a purse on this rail for none of its answers: this one says zero to all.
    chain
        .provider
        .anvil_set_code(permit2::PERMIT2, Bytes::from_static(&[0x5f, 0x5f, 0x52, 0x60, 0x20, 0x5f, 0xf3]))
        .await?;
    let agent = stage.builder(1).connect().await?;
    let facilitator = stage.chain.people.gas.address();
    let view = agent.view().clone();
    for allowed in [false, true] {
        if allowed {
            manager.set_permit2(stage.envelope, true).await?;
            manager.level_permit2(stage.envelope, 0).await?;
            let token = Eip3009::new(chain.usdc, chain.provider.clone());
            assert!(!token.allowance(stage.purse, permit2::PERMIT2).call().await?.is_zero());
        }
        let fresh = signer(0x5e55 + u64::from(allowed))?;
        let key = Arc::clone(&fresh) as SharedSigner;
        let session = agent.open_session_with(&SessionTerms::new(dollars(20)), key).await?.value;
        let decision_hash = keccak256("decision");
        let authorization = Authorization {
            purse: stage.purse,
            payee: PAYEE,
            amount: dollars(3),
            valid_after: 0,
            valid_before: session.expiry,
            nonce: commitment(terms(session.epoch, session.policy_version), session.id(), decision_hash),
        };
        for rail in [Rail::Permit2Exact, Rail::Permit2Upto { facilitator }] {
            let digest = authorization.digest(rail, &agent.view().asset().domain);
            let blob = PaymentBlob {
                rail,
                payee: authorization.payee,
                amount: authorization.amount,
                valid_after: authorization.valid_after,
                valid_before: authorization.valid_before,
                decision_hash,
                signature: alloy::signers::SignerSync::sign_hash_sync(&*fresh, &digest)?,
                approval: None,
            };
            let told = view.diagnose_payment(stage.purse, digest, blob.encode()?).await?;
            let expected = (!allowed).then_some(Refusal::RailNotAllowed);
            assert_eq!(told.map(|(reason, ..)| reason), expected, "{rail:?}");
            let other = keccak256(digest);
            let told = view.diagnose_payment(stage.purse, other, blob.encode()?).await?;
            let expected = if allowed { Refusal::DigestMismatch } else { Refusal::RailNotAllowed };
            assert_eq!(told.map(|(reason, ..)| reason), Some(expected), "{rail:?}");
        }
    }
    Ok(())
}
