//! Each refusal, in the SDK before signing and on chain with the SDK's check switched off.

use std::sync::Arc;

use alloy::primitives::Address;
use anyhow::Result;
use bursar_sdk::{
    Agent, AgentError, Amount, Checks, Purpose, Refusal,
    session::{SessionHandle, SessionTerms},
    testing::signer,
};

use crate::common::{PAYEE, Stage, UNLISTED, dollars};

/// The SDK refuses for `reason`; with its check off, the chain does, for the same reason, and nothing settles.
async fn refused(
    stage: &Stage,
    agent: &Agent,
    payee: Address,
    amount: Amount,
    reason: Refusal,
) -> Result<()> {
    let requirement = stage.requirement(agent, payee, amount)?;
    let before = agent.authorize(&requirement, Purpose::new("test", "expected to fail")).await;
    assert_eq!(before.as_ref().err().and_then(AgentError::refusal), Some(reason), "before: {before:?}");

    let unchecked = agent.with_checks(Checks::ChainOnly);
    let signed = unchecked.authorize(&requirement, Purpose::new("test", "check is off")).await?;
    let told = agent.diagnose(&signed).await;
    assert_eq!(told.as_ref().err().and_then(AgentError::refusal), Some(reason), "chain: {told:?}");
    let held = stage.chain.balance(stage.purse).await?;
    assert!(stage.chain.settle(&signed).await.is_err(), "{reason} settled");
    assert_eq!(stage.chain.balance(stage.purse).await?, held);
    Ok(())
}

#[tokio::test]
async fn over_cap_unlisted_unapproved_and_over_budget() -> Result<()> {
    let stage = Stage::set().await?;
    let agent = stage.agent().await?;
    refused(&stage, &agent, PAYEE, dollars(21), Refusal::PaymentCapExceeded).await?;
    refused(&stage, &agent, UNLISTED, dollars(1), Refusal::PayeeNotListed).await?;
    refused(&stage, &agent, PAYEE, dollars(11), Refusal::ApprovalMissing).await?;
    agent.open_session(&SessionTerms::new(dollars(5))).await?;
    refused(&stage, &agent, PAYEE, dollars(6), Refusal::SessionBudgetExceeded).await
}

#[tokio::test]
async fn frozen_three_ways() -> Result<()> {
    let stage = Stage::set().await?;
    let agent = stage.agent().await?;
    let (guardian, owner) = (stage.chain.guardian(), stage.chain.owner());

    guardian.freeze_organisation().await?;
    refused(&stage, &agent, PAYEE, dollars(1), Refusal::OrganisationFrozen).await?;
    owner.unfreeze_organisation().await?;

    guardian.freeze_envelope(stage.envelope).await?;
    refused(&stage, &agent, PAYEE, dollars(1), Refusal::EnvelopeFrozen).await?;
    owner.unfreeze_envelope(stage.envelope).await?;
    refused(&stage, &agent, PAYEE, dollars(1), Refusal::PolicyChanged).await?;
    agent.open_session(&SessionTerms::new(dollars(50))).await?;

    guardian.freeze_session(stage.purse).await?;
    refused(&stage, &agent, PAYEE, dollars(1), Refusal::SessionFrozen).await?;
    guardian.close_session(stage.purse).await?;
    agent.open_session(&SessionTerms::new(dollars(50))).await?;

    let requirement = stage.requirement(&agent, PAYEE, dollars(1))?;
    stage.chain.settle(&agent.authorize(&requirement, Purpose::default()).await?).await?;
    Ok(())
}

#[tokio::test]
async fn a_freeze_kills_what_is_signed_and_outstanding() -> Result<()> {
    let stage = Stage::set().await?;
    let agent = stage.agent().await?;
    let requirement = stage.requirement(&agent, PAYEE, dollars(1))?;
    let outstanding = agent.authorize(&requirement, Purpose::default()).await?;
    stage.chain.guardian().freeze_envelope(stage.envelope).await?;
    assert!(stage.chain.settle(&outstanding).await.is_err());
    let told = agent.diagnose(&outstanding).await;
    assert_eq!(told.err().and_then(|error| error.refusal()), Some(Refusal::EnvelopeFrozen));
    Ok(())
}

#[tokio::test]
async fn a_release_ends_what_was_outstanding_and_the_session_runs_on() -> Result<()> {
    let stage = Stage::set().await?;
    let agent = stage.agent().await?;
    let requirement = stage.requirement(&agent, PAYEE, dollars(1))?;
    let once = Purpose { idempotency_key: Some("once".into()), ..Purpose::default() };
    let outstanding = agent.authorize(&requirement, once.clone()).await?;

    stage.chain.guardian().freeze_organisation().await?;
    stage.chain.owner().unfreeze_organisation().await?;
    assert!(stage.chain.settle(&outstanding).await.is_err());
    let told = agent.diagnose(&outstanding).await;
    assert_eq!(told.err().and_then(|error| error.refusal()), Some(Refusal::DigestMismatch));
    // Under its key, nothing else is signed unasked: the caller learns that it will never settle.
    let again = agent.authorize(&requirement, once).await;
    assert!(matches!(again, Err(AgentError::AlreadySigned { settled: false, .. })), "{again:?}");

    // Signed under the epoch that the chain says now, in the same session.
    let signed = agent.authorize(&requirement, Purpose::default()).await?;
    stage.chain.settle(&signed).await?;
    // What checks nothing signs under the epoch of when the session was read, and the chain refuses it.
    let blind = agent.with_checks(Checks::ChainOnly).authorize(&requirement, Purpose::default()).await?;
    assert!(stage.chain.settle(&blind).await.is_err());
    Ok(())
}

#[tokio::test]
async fn forged_expired_and_superseded_sessions() -> Result<()> {
    let stage = Stage::set().await?;
    let agent = stage.agent().await?;
    let honest = agent.session().await.unwrap();

    let forged = SessionHandle::resume(agent.view(), stage.purse, signer(0xf0f0)?).await?;
    agent.use_session(forged).await;
    refused(&stage, &agent, PAYEE, dollars(1), Refusal::SessionKeyMismatch).await?;

    agent.use_session(honest.clone()).await;
    stage.clock.advance(&stage.chain, 4 * 3600 + 60).await?;
    refused(&stage, &agent, PAYEE, dollars(1), Refusal::SessionExpired).await?;

    agent.close_session().await?;
    agent.use_session(honest).await;
    refused(&stage, &agent, PAYEE, dollars(1), Refusal::SessionUnknown).await
}

#[tokio::test]
async fn a_changed_policy_ends_the_session() -> Result<()> {
    let stage = Stage::set().await?;
    let agent = stage.agent().await?;
    let mut tighter = stage.chain.policy();
    tighter.payment_cap = dollars(15);
    let version = stage.chain.policy_manager().set_policy(stage.envelope, &tighter).await?.value;
    assert_eq!(version, 2);
    refused(&stage, &agent, PAYEE, dollars(1), Refusal::PolicyChanged).await
}

#[tokio::test]
async fn the_days_limit_holds_across_sessions_each_within_its_own() -> Result<()> {
    let stage = Stage::set().await?;
    let agent = stage.builder(1).connect().await?;
    for session in 0..2 {
        agent.open_session(&SessionTerms::new(dollars(50))).await?;
        for _ in 0..5 {
            let requirement = stage.requirement(&agent, PAYEE, dollars(10))?;
            let signed = agent.authorize(&requirement, Purpose::default()).await?;
            stage.chain.settle(&signed).await?;
        }
        assert_eq!(stage.chain.balance(PAYEE).await?, dollars(50 * (session + 1)));
    }
    let third = SessionTerms::new(dollars(10));
    let checked = agent.open_session(&third).await;
    let unchecked = agent.with_checks(Checks::ChainOnly).open_session(&third).await;
    for refusal in [checked, unchecked] {
        match refusal {
            Err(AgentError::Refused { reason: Refusal::WindowLimitExceeded, limit, actual, .. }) => {
                assert_eq!((limit, actual), (dollars(100).to_u256(), dollars(110).to_u256()));
            }
            other => panic!("{other:?}"),
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_settled_payment_does_not_settle_again() -> Result<()> {
    let stage = Stage::set().await?;
    let agent = stage.agent().await?;
    let requirement = stage.requirement(&agent, PAYEE, dollars(1))?;
    let purpose = Purpose::new("task", "once").once("key");
    let signed = agent.authorize(&requirement, purpose.clone()).await?;
    stage.chain.settle(&signed).await?;

    let again = agent.authorize(&requirement, purpose.clone()).await;
    assert!(matches!(again, Err(AgentError::Replayed { nonce }) if nonce == signed.authorization.nonce));

    let unchecked = agent.with_checks(Checks::ChainOnly).authorize(&requirement, purpose).await?;
    assert_eq!(unchecked, signed);
    assert!(stage.chain.settle(&unchecked).await.is_err());
    assert!(matches!(agent.diagnose(&signed).await, Err(AgentError::Replayed { .. })));
    assert_eq!(stage.chain.balance(PAYEE).await?, dollars(1));
    Ok(())
}

#[tokio::test]
async fn an_identity_that_is_not_the_agent_is_refused_with_both_addresses() -> Result<()> {
    let stage = Stage::set().await?;
    let stranger = signer(77)?;
    let (address, chain) = (stranger.address(), &stage.chain);
    let built = Agent::builder(
        chain.provider.clone(),
        chain.treasury,
        stage.envelope,
        Arc::clone(&stranger) as _,
        stage.spool.path(),
    );
    let error = built.connect().await.err().map(|error| error.to_string()).unwrap();
    assert!(error.contains(&address.to_string()), "{error}");
    assert!(error.contains(&stage.identity.address().to_string()), "{error}");
    Ok(())
}
