//! What must not be paid: each attempt is refused by the SDK before signing, and by the chain when the SDK's
//! checks are off and everything is signed and offered all the same.

use std::sync::Arc;

use alloy::{
    primitives::{Address, U256},
    providers::DynProvider,
    signers::local::PrivateKeySigner,
};
use anyhow::{Context as _, Result};
use bursar_sdk::{
    Agent, AgentError, Checks, Paid, Purpose, Refusal, SignedPayment,
    abi::Eip3009,
    challenge::Requirement,
    session::{SessionHandle, SessionTerms},
};
use reqwest::StatusCode;
use url::Url;
use x402_types::{proto::PaymentRequired, proto::v2};

use super::{
    payments::buy,
    stage::{Agents, dollars},
    story::Story,
};

/// Where attempts are made.
#[derive(Debug)]
pub(crate) struct Counter<'a> {
    pub(crate) shop: &'a Url,
    pub(crate) asset: Address,
    pub(crate) provider: DynProvider,
}

/// Every attempt but those that a freeze refuses.
pub(crate) async fn all(story: &mut Story, at: &Counter<'_>, agents: &Agents, settled: &Paid) -> Result<()> {
    at.attempt(story, &agents.bolt, "over the cap for one payment", "/dataset", Refusal::PaymentCapExceeded)
        .await?;
    at.attempt(story, &agents.comet, "over the session's budget", "/archive", Refusal::SessionBudgetExceeded)
        .await?;
    over_the_day(story, agents).await?;
    at.attempt(story, &agents.bolt, "to a payee off the list", "/unlisted", Refusal::PayeeNotListed).await?;
    at.attempt(story, &agents.bolt, "above the threshold, no approval", "/report", Refusal::ApprovalMissing)
        .await?;
    forged_key(story, at, &agents.bolt).await?;
    replay(story, at, &agents.atlas, settled).await
}

impl Counter<'_> {
    /// One attempt: with the SDK's checks, then without.
    pub(crate) async fn attempt(
        &self,
        story: &mut Story,
        agent: &Agent,
        what: &str,
        path: &str,
        reason: Refusal,
    ) -> Result<()> {
        let purpose = Purpose::new("an attempt that must fail", what);
        let answer = buy(agent, self.shop, path, purpose.clone()).await;
        let told = refusal_of(&answer);
        story
            .check(told == Some(reason), &format!("{what}: the SDK signs nothing ({})", name(told, &answer)));

        let requirement = self.requirement(agent, path).await?;
        let signed = agent.with_checks(Checks::ChainOnly).authorize(&requirement, purpose).await;
        match signed {
            Ok(signed) => self.offer(story, agent, what, path, &signed, Some(reason)).await,
            Err(error) => {
                story.check(
                    false,
                    &format!("{what}: with checks off, something should have been signed: {error}"),
                );
                Ok(())
            }
        }
    }

    /// Offers a signed payment to the shop and to the token itself: neither takes it, and no money moves.
    pub(crate) async fn offer(
        &self,
        story: &mut Story,
        agent: &Agent,
        what: &str,
        path: &str,
        signed: &SignedPayment,
        reason: Option<Refusal>,
    ) -> Result<()> {
        let token = Eip3009::new(self.asset, self.provider.clone());
        let payee = signed.authorization.payee;
        let before = token.balanceOf(payee).call().await?;
        let answer = reqwest::Client::new()
            .get(self.shop.join(path.trim_start_matches('/'))?)
            .header("Payment-Signature", &signed.payload)
            .send()
            .await?;
        let call = &signed.authorization;
        let direct = token
            .transferWithAuthorization(
                call.purse,
                call.payee,
                call.amount.to_u256(),
                U256::from(call.valid_after),
                U256::from(call.valid_before),
                call.nonce,
                signed.blob.clone(),
            )
            .call()
            .await;
        let unmoved = token.balanceOf(payee).call().await? == before;
        let verdict = agent.diagnose(signed).await;
        let right = match (&verdict, reason) {
            (Err(error), Some(reason)) => error.refusal() == Some(reason),
            (Err(AgentError::Replayed { .. }), None) => true,
            _ => false,
        };
        let why = match &verdict {
            Err(error) => {
                error.refusal().map_or_else(|| "nonce already used".into(), |reason| reason.to_string())
            }
            Ok(()) => "the chain would accept it".into(),
        };
        story.check(
            answer.status() == StatusCode::PAYMENT_REQUIRED && direct.is_err() && unmoved && right,
            &format!("{what}: signed anyway, the facilitator and the token turn it down ({why})"),
        );
        Ok(())
    }

    /// What the shop asks for a path, as the agent reads it.
    pub(crate) async fn requirement(&self, agent: &Agent, path: &str) -> Result<Requirement> {
        let response = reqwest::get(self.shop.join(path.trim_start_matches('/'))?).await?;
        let challenge = x402_reqwest::parse_payment_required(response).await.context("no challenge came")?;
        let PaymentRequired::V2(v2::PaymentRequired { accepts, .. }) = challenge else {
            anyhow::bail!("expected an x402 version 2 challenge");
        };
        let offered = accepts.first().context("the challenge offers nothing")?;
        Ok(agent.means().read(offered)?)
    }
}

/// Three sessions of 4.00 each within its limit; together they would be over the day's 10.00.
async fn over_the_day(story: &mut Story, agents: &Agents) -> Result<()> {
    let terms = SessionTerms::new(dollars(400));
    let second = agents.atlas_replicas.first().context("Atlas has no second purse")?;
    let third = agents.atlas_replicas.get(1).context("Atlas has no third purse")?;
    let opened = second.open_session(&terms).await.is_ok();
    story.check(
        opened,
        "the day's limit: a second session of 4.00, on a second purse, is within the day's 10.00",
    );
    for (checks, who) in
        [(Checks::BeforeSigning, "the SDK"), (Checks::ChainOnly, "with checks off, the chain")]
    {
        let told = match third.with_checks(checks).open_session(&terms).await {
            Ok(_) => None,
            Err(error) => error.refusal(),
        };
        let reason = told.map_or("not refused", Refusal::code);
        story.check(
            told == Some(Refusal::WindowLimitExceeded),
            &format!(
                "the day's limit: {who} refuses a third session of 4.00, within its own limit ({reason})"
            ),
        );
    }
    Ok(())
}

/// A thief without the session key signs with another.
async fn forged_key(story: &mut Story, at: &Counter<'_>, agent: &Agent) -> Result<()> {
    let real = agent.session().await.context("no session is open")?;
    let forged =
        SessionHandle::resume(agent.view(), agent.purse(), Arc::new(PrivateKeySigner::random())).await?;
    agent.use_session(forged).await;
    let outcome =
        at.attempt(story, agent, "with a forged session key", "/weather", Refusal::SessionKeyMismatch).await;
    agent.use_session(real).await;
    outcome
}

/// The very first payment, once more.
async fn replay(story: &mut Story, at: &Counter<'_>, agent: &Agent, settled: &Paid) -> Result<()> {
    let purpose =
        Purpose::new("the first payment, once more", "its answer got lost").once("field visits, this week");
    let answer = buy(agent, at.shop, "/weather", purpose).await;
    let duplicate = answer.as_ref().err().is_some_and(AgentError::is_duplicate);
    story.check(
        duplicate,
        "replay of a settled payment: the SDK knows its key has paid (already signed, settled)",
    );
    let signed = settled.payment.as_ref().context("the first payment was not signed")?;
    at.offer(story, agent, "replay of a settled payment", "/weather", signed, None).await
}

fn refusal_of(answer: &Result<Paid, AgentError>) -> Option<Refusal> {
    answer.as_ref().err().and_then(AgentError::refusal)
}

fn name(told: Option<Refusal>, answer: &Result<Paid, AgentError>) -> String {
    match (told, answer) {
        (Some(reason), _) => reason.to_string(),
        (None, Ok(_)) => "it paid".into(),
        (None, Err(error)) => error.to_string(),
    }
}
