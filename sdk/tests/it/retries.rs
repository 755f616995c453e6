//! One decision never pays twice: retries, crashes, concurrency.

use std::sync::Arc;

use alloy::{
    primitives::{Address, B256, ChainId, Signature},
    signers::Signer,
};
use anyhow::Result;
use async_trait::async_trait;
use bursar_sdk::{
    AgentError, Purpose, Renewal,
    decision::{DecisionRecord, Verdict},
    session::{SessionHandle, SessionTerms},
    testing::signer,
};

use crate::common::{PAYEE, Stage, dollars};

/// A signer that is there and does not sign: a KMS in an outage, or a process that died.
#[derive(Debug)]
struct Mute(Address);

#[async_trait]
impl Signer for Mute {
    async fn sign_hash(&self, _: &B256) -> alloy::signers::Result<Signature> {
        Err(alloy::signers::Error::other("the key service is down"))
    }

    fn address(&self) -> Address {
        self.0
    }

    fn chain_id(&self) -> Option<ChainId> {
        None
    }

    fn set_chain_id(&mut self, _: Option<ChainId>) {}
}

fn once() -> Purpose {
    Purpose::new("task 17", "needs the price").once("task-17/price")
}

#[tokio::test]
async fn the_same_key_gets_the_same_authorization_also_after_a_restart() -> Result<()> {
    let stage = Stage::set().await?;
    let key = signer(0x5e55)?;
    let agent = stage.builder(1).connect().await?;
    agent.open_session_with(&SessionTerms::new(dollars(10)), Arc::clone(&key) as _).await?;
    let requirement = stage.requirement(&agent, PAYEE, dollars(1))?;
    let first = agent.authorize(&requirement, once()).await?;
    assert_eq!(agent.authorize(&requirement, once()).await?, first);
    drop(agent);

    let agent = stage.builder(2).connect().await?;
    agent.resume_session(key).await?;
    assert_eq!(agent.authorize(&requirement, once()).await?, first);
    assert_eq!(agent.flush().await?.waiting, 1, "one decision, recorded once");

    let other = stage.requirement(&agent, PAYEE, dollars(2))?;
    assert!(matches!(agent.authorize(&other, once()).await, Err(AgentError::KeyReused { .. })));
    Ok(())
}

#[tokio::test]
async fn once_the_session_has_moved_on_a_key_is_spent() -> Result<()> {
    let stage = Stage::set().await?;
    let agent = stage.agent().await?;
    let requirement = stage.requirement(&agent, PAYEE, dollars(1))?;
    let first = agent.authorize(&requirement, once()).await?;
    agent.open_session(&SessionTerms::new(dollars(10))).await?;
    match agent.authorize(&requirement, once()).await {
        Err(AgentError::AlreadySigned { decision_hash, settled, .. }) => {
            assert_eq!((decision_hash, settled), (first.decision_hash, false));
        }
        other => panic!("{other:?}"),
    }
    assert!(stage.chain.settle(&first).await.is_err(), "the session it was signed in is over");
    Ok(())
}

#[tokio::test]
async fn tries_at_the_same_time_are_one_payment() -> Result<()> {
    let stage = Stage::set().await?;
    let agent = stage.agent().await?;
    let requirement = stage.requirement(&agent, PAYEE, dollars(1))?;
    let tries = (0..8).map(|_| agent.authorize(&requirement, once()));
    let signed = futures::future::try_join_all(tries).await?;
    assert!(signed.iter().all(|one| *one == signed[0]));
    assert_eq!(agent.flush().await?.waiting, 1);

    let apart = (0..8).map(|_| agent.authorize(&requirement, Purpose::default()));
    let mut nonces: Vec<B256> =
        futures::future::try_join_all(apart).await?.iter().map(|one| one.authorization.nonce).collect();
    nonces.sort();
    nonces.dedup();
    assert_eq!(nonces.len(), 8, "without a key, each is a payment of its own");
    Ok(())
}

#[tokio::test]
async fn a_crash_between_record_and_signature_signs_the_recorded_decision() -> Result<()> {
    let stage = Stage::set().await?;
    let key = signer(0x5e55)?;
    let agent = stage.builder(1).connect().await?;
    agent.open_session_with(&SessionTerms::new(dollars(10)), Arc::clone(&key) as _).await?;
    let requirement = stage.requirement(&agent, PAYEE, dollars(1))?;

    let mute = Arc::new(Mute(key.address()));
    agent.use_session(SessionHandle::resume(agent.view(), stage.purse, mute).await?).await;
    assert!(matches!(agent.authorize(&requirement, once()).await, Err(AgentError::Signing(_))));
    drop(agent);

    let agent = stage.builder(2).connect().await?;
    agent.resume_session(key).await?;
    let signed = agent.authorize(&requirement, once()).await?;
    stage.chain.settle(&signed).await?;
    assert_eq!(agent.flush().await?.waiting, 1, "the record of before the crash is the one that paid");
    Ok(())
}

/// What waits in the spool of an agent that is gone.
fn spooled(stage: &Stage) -> Result<Vec<DecisionRecord>> {
    let path = std::fs::read_dir(stage.spool.path())?
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .find(|path| path.extension().is_some_and(|extension| extension == "jsonl"))
        .unwrap();
    let (spool, recovery) = bursar_sdk::spool::Spool::open(&path)?;
    assert_eq!((recovery.records, recovery.torn_bytes), (recovery.pending as u64, 0));
    let waiting = spool.pending(100);
    Ok(waiting
        .iter()
        .map(|one| DecisionRecord::verified(&one.canonical, one.hash))
        .collect::<Result<_, _>>()?)
}

#[tokio::test]
async fn a_payment_whose_session_may_not_open_is_a_denial() -> Result<()> {
    let stage = Stage::set().await?;
    let renewal = Renewal::Auto(SessionTerms::new(dollars(51)));
    let agent = stage.builder(1).renewal(renewal).connect().await?;
    let requirement = stage.requirement(&agent, PAYEE, dollars(1))?;
    let told = agent.authorize(&requirement, Purpose::new("task 17", "needs the price")).await;
    let limit = bursar_sdk::Refusal::SessionLimitExceeded;
    assert!(matches!(told, Err(AgentError::Refused { reason, .. }) if reason == limit), "{told:?}");
    drop(agent);

    let records = spooled(&stage)?;
    assert_eq!(records.len(), 1);
    let record = &records[0];
    assert_eq!((record.verdict, &record.reason_codes[..]), (Verdict::Denied, &[limit][..]));
    assert_eq!(
        (record.payee, record.amount, record.rationale.as_str()),
        (PAYEE, dollars(1), "needs the price")
    );
    assert_eq!(record.rules[0].limit, dollars(50).to_string());
    Ok(())
}

#[tokio::test]
async fn what_was_decided_is_in_the_spool_denials_too() -> Result<()> {
    let stage = Stage::set().await?;
    let agent = stage.agent().await?;
    let purpose = Purpose::new("task 17", "needs the price");
    let good = stage.requirement(&agent, PAYEE, dollars(1))?;
    let signed = agent.authorize(&good, purpose.clone()).await?;
    let bad = stage.requirement(&agent, PAYEE, dollars(21))?;
    agent.authorize(&bad, purpose).await.unwrap_err();
    drop(agent);
    let records = spooled(&stage)?;
    assert_eq!(records.len(), 2);
    assert_eq!(records[0].verdict, Verdict::Approved);
    assert_eq!(records[0].nonce()?, Some(signed.authorization.nonce));
    assert!(records[0].rules.iter().all(|rule| rule.pass) && !records[0].rules.is_empty());
    assert_eq!(records[1].verdict, Verdict::Denied);
    assert_eq!(records[1].reason_codes, [bursar_sdk::Refusal::PaymentCapExceeded]);
    assert_eq!(records[1].prev_hash, records[0].hash()?);
    Ok(())
}
