//! A key that pays for something else than its agent decided: narrow, provable, and frozen once.

use std::sync::Arc;

use alloy::{
    primitives::{Address, B256},
    signers::{SignerSync as _, local::PrivateKeySigner},
};
use anyhow::Result;
use bursar_review::Act;
use bursar_sdk::{
    Agent, AgentError, Amount, Refusal, SignedPayment,
    payment::{Authorization, PaymentBlob, Rail},
    score::Reason,
    session::SessionTerms,
    testing::signer,
};
use bursar_test_stores::{Stores, on_both_stores};

use crate::stage::{OTHER, PAYEE, Stage, dollars};

on_both_stores!(
    a_payment_to_another_payee_under_a_decision_freezes_once,
    what_is_merely_unexplained_or_honest_freezes_nobody,
    without_a_guardian_it_is_a_review,
);

/// Opens a session whose key we hold too, as a thief would.
async fn open_stolen(stage: &Stage, agent: &Agent, seed: u64) -> Result<Arc<PrivateKeySigner>> {
    let key = signer(seed)?;
    agent.open_session_with(&SessionTerms::new(dollars(50)), Arc::clone(&key) as _).await?;
    stage.follow().await?;
    Ok(key)
}

/// Under the nonce of a decision that the agent has made, another payment.
fn forged(
    agent: &Agent,
    key: &PrivateKeySigner,
    of: &SignedPayment,
    payee: Address,
    amount: Amount,
) -> Result<SignedPayment> {
    let authorization = Authorization { payee, amount, ..of.authorization.clone() };
    let digest = authorization.digest(Rail::Eip3009, &agent.view().asset().domain);
    let blob = PaymentBlob {
        rail: Rail::Eip3009,
        payee,
        amount,
        valid_after: authorization.valid_after,
        valid_before: authorization.valid_before,
        decision_hash: of.decision_hash,
        signature: key.sign_hash_sync(&digest)?,
        approval: None,
    };
    Ok(SignedPayment { authorization, digest, blob: blob.encode()?, ..of.clone() })
}

async fn a_payment_to_another_payee_under_a_decision_freezes_once(stores: Stores) -> Result<()> {
    let stage = Stage::set(stores).await?;
    let agent = stage.agent().await?;
    let key = open_stolen(&stage, &agent, 0xbad1).await?;
    let decided = stage.sign(&agent, "a report", dollars(2)).await?;
    stage.chain.settle(&forged(&agent, &key, &decided, OTHER, dollars(2))?).await?;
    stage.follow().await?;

    let mut watcher = stage.watcher(true);
    watcher.check().await?;
    let round = watcher.round().await?;
    let [Act::Freeze { envelope, .. }, ..] = round.done[..] else { panic!("{round:?}") };
    assert_eq!(envelope, stage.envelope);
    assert!(stage.chain.owner().envelope(envelope).await?.frozen);
    let refused = stage.open(&agent).await;
    assert_eq!(refused.as_ref().err().and_then(AgentError::refusal), Some(Refusal::EnvelopeFrozen));
    stage.follow().await?;
    // A freeze is compromise: the score asks for a human as well.
    let _ = watcher.round().await?;
    stage.follow().await?;
    let sent = stage.sent_by(&stage.chain.people.guardian).await?;

    // The owner has seen it: the same payment is no reason again, not even after a restart.
    stage.chain.owner().unfreeze_envelope(envelope).await?;
    stage.chain.owner().clear_review(envelope, B256::repeat_byte(1)).await?;
    stage.follow().await?;
    for mut watcher in [watcher, stage.watcher(true)] {
        assert!(watcher.round().await?.done.iter().all(|act| !matches!(act, Act::Freeze { .. })));
    }
    assert_eq!(stage.sent_by(&stage.chain.people.guardian).await?, sent);

    // A second one is.
    let key = open_stolen(&stage, &agent, 0xbad2).await?;
    let decided = stage.sign(&agent, "another", dollars(2)).await?;
    stage.chain.settle(&forged(&agent, &key, &decided, PAYEE, dollars(3))?).await?;
    stage.follow().await?;
    let round = stage.watcher(true).round().await?;
    assert!(matches!(round.done[..], [Act::Freeze { .. }, ..]), "{round:?}");
    Ok(())
}

async fn what_is_merely_unexplained_or_honest_freezes_nobody(stores: Stores) -> Result<()> {
    let stage = Stage::set(stores).await?;
    let agent = stage.agent().await?;
    let key = open_stolen(&stage, &agent, 0xbad3).await?;
    stage.pay(&agent, "honest", dollars(2)).await?;
    // A decision that nobody has handed in.
    let decided = stage.sign(&agent, "a template", dollars(1)).await?;
    let unknown = B256::repeat_byte(7);
    let session = agent.session().await.unwrap();
    let nonce = bursar_sdk::payment::commitment(
        bursar_sdk::payment::terms(session.epoch, session.policy_version),
        bursar_sdk::payment::session_id(session.purse, session.sequence),
        unknown,
    );
    let mut template = decided.clone();
    template.decision_hash = unknown;
    template.authorization.nonce = nonce;
    stage.chain.settle(&forged(&agent, &key, &template, OTHER, dollars(5))?).await?;
    stage.follow().await?;
    let round = stage.watcher(true).round().await?;
    assert!(round.done.iter().all(|act| !matches!(act, Act::Freeze { .. })), "{round:?}");
    Ok(())
}

async fn without_a_guardian_it_is_a_review(stores: Stores) -> Result<()> {
    let stage = Stage::set(stores).await?;
    let agent = stage.agent().await?;
    let key = open_stolen(&stage, &agent, 0xbad4).await?;
    let decided = stage.sign(&agent, "a report", dollars(2)).await?;
    stage.chain.settle(&forged(&agent, &key, &decided, PAYEE, dollars(1))?).await?;
    stage.follow().await?;
    let mut watcher = stage.watcher(false);
    let round = watcher.round().await?;
    assert_eq!(round.done, [Act::Review { envelope: stage.envelope, reason: Reason::Compromised }]);
    stage.follow().await?;
    stage.chain.owner().clear_review(stage.envelope, B256::repeat_byte(1)).await?;
    stage.follow().await?;
    assert!(stage.watcher(false).round().await?.done.is_empty(), "one cause, one review");
    Ok(())
}
