//! Payments that are within the rules: ordinary ones, and the one that a human approves.

use std::time::Duration;

use alloy::{
    primitives::{Address, B256},
    signers::local::PrivateKeySigner,
};
use anyhow::{Context as _, Result, bail, ensure};
use bursar_sdk::{Agent, AgentError, Paid, Purpose};
use serde_json::Value;
use url::Url;

use super::{
    chain::CHAIN_ID,
    stage::{Agents, Contracts},
    story::Story,
};
use crate::approval_request::ApprovalRequest;

/// How long the demo's human takes at most to see a request.
const HUMAN_TIMEOUT: Duration = Duration::from_secs(30);

/// Pays for a path of the shop.
pub(crate) async fn buy(agent: &Agent, shop: &Url, path: &str, purpose: Purpose) -> Result<Paid, AgentError> {
    let url = shop.join(path.trim_start_matches('/')).map_err(|error| AgentError::Http(error.to_string()))?;
    agent.pay(reqwest::Request::new(reqwest::Method::GET, url), purpose).await
}

/// Six payments of three agents; returns the first, to be replayed later.
pub(crate) async fn ordinary(story: &mut Story, agents: &Agents, shop: &Url) -> Result<Paid> {
    let mut first = None;
    for (name, agent, path, trigger, rationale) in [
        (
            "Atlas",
            &agents.atlas,
            "/weather",
            "plan the week's field visits",
            "rain decides which sites are visited",
        ),
        ("Atlas", &agents.atlas, "/quotes", "weekly market report", "the only source with intraday prices"),
        ("Atlas", &agents.atlas, "/weather", "replan Thursday", "the forecast was for another region"),
        ("Bolt", &agents.bolt, "/weather", "greenhouse control", "frost protection needs tonight's low"),
        ("Bolt", &agents.bolt, "/archive", "backtest of March", "cheapest archive that covers 2019"),
        ("Comet", &agents.comet, "/weather", "demo of a third agent", "asked by its user"),
    ] {
        let mut purpose = Purpose::new(trigger, rationale);
        if first.is_none() {
            purpose = purpose.once("field visits, this week");
        }
        match buy(agent, shop, path, purpose).await {
            Ok(paid) => {
                let settled = paid.settlement.as_ref().and_then(bursar_sdk::Settlement::hash);
                let amount =
                    paid.payment.as_ref().map(|payment| payment.authorization.amount).unwrap_or_default();
                story.check(
                    settled.is_some() && paid.response.status().is_success(),
                    &format!(
                        "{name} pays {amount} units for {path}: {rationale}; settled in {}",
                        short(settled)
                    ),
                );
                first.get_or_insert(paid);
            }
            Err(error) => story.check(false, &format!("{name} pays for {path}: {error}")),
        }
    }
    first.context("no payment settled")
}

/// Atlas asks for a report above the threshold; a human reads, approves, and Atlas goes on without restart.
pub(crate) async fn approved(
    story: &mut Story,
    agents: &Agents,
    on: Contracts,
    shop: &Url,
    api: &Url,
    approver: &PrivateKeySigner,
) -> Result<()> {
    let purpose =
        Purpose::new("quarterly strategy paper", "the analyst report that the board asked for by name");
    let human = approve_next(api, on.treasury, approver);
    let (paid, told) = tokio::join!(buy(&agents.atlas, shop, "/report", purpose), human);
    for line in told? {
        story.tell(&line);
    }
    match paid {
        Ok(paid) => {
            let settled = paid.settlement.as_ref().and_then(bursar_sdk::Settlement::hash);
            story.check(
                settled.is_some(),
                &format!("Atlas pays 2.50 for /report, approved; settled in {}", short(settled)),
            );
        }
        Err(error) => story.check(false, &format!("Atlas pays 2.50 for /report, approved: {error}")),
    }
    Ok(())
}

/// The human: waits for a request, reads it, signs it with a wallet.
async fn approve_next(api: &Url, treasury: Address, approver: &PrivateKeySigner) -> Result<Vec<String>> {
    let http = reqwest::Client::new();
    let pending = api.join("v1/approval-requests?state=pending")?;
    let deadline = tokio::time::Instant::now() + HUMAN_TIMEOUT;
    let request: ApprovalRequest = loop {
        let page: Value = http.get(pending.clone()).send().await?.error_for_status()?.json().await?;
        if let Some(request) = page.pointer("/items/0") {
            break serde_json::from_value(request.clone()).context("the API's approval request")?;
        }
        if tokio::time::Instant::now() > deadline {
            bail!("no approval request arrived in {} s", HUMAN_TIMEOUT.as_secs());
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    };
    ensure!(
        request.treasury == treasury && request.chain_id == CHAIN_ID,
        "expected treasury {treasury} on chain {CHAIN_ID}, the request names {} on {}",
        request.treasury,
        request.chain_id
    );
    let body = request.approved_by(approver).await?.approval();
    let url = api.join(&format!("v1/approval-requests/{}/approval", request.digest))?;
    http.post(url).json(&body).send().await?.error_for_status()?;
    Ok(vec![
        format!("the approver reads: {} units to {}", request.amount, request.payee),
        format!("decision {}, and signs PaymentApproval (EIP-712) with a wallet", request.decision_hash),
    ])
}

/// The beginning of a transaction's hash.
pub(crate) fn short(hash: Option<B256>) -> String {
    hash.map_or_else(|| "no transaction".into(), |hash| format!("{}…", &hash.to_string()[..12]))
}
