//! The approver's side: see what waits, approve or reject it.

use std::io::{BufRead as _, Write as _};

use alloy::{
    primitives::{B256, Bytes, hex},
    signers::Signer as _,
};
use anyhow::{Context as _, Result, bail, ensure};
use bursar_sdk::payment::{Authorization, treasury_domain};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::Context;
use crate::output::{table, usdc};

/// A request as the API tells it; see `POST /v1/approval-requests`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Request {
    digest: B256,
    treasury: alloy::primitives::Address,
    chain_id: u64,
    purse: alloy::primitives::Address,
    payee: alloy::primitives::Address,
    amount: bursar_sdk::amount::Amount,
    valid_after: u64,
    valid_before: u64,
    nonce: B256,
    decision_hash: B256,
    state: String,
}

pub(crate) async fn requests(context: &Context) -> Result<()> {
    let page: Value = context.api_get("v1/approval-requests?state=pending").await?;
    let items: Vec<Request> =
        serde_json::from_value(page.get("items").cloned().unwrap_or_default()).context("the API's answer")?;
    let rows: Vec<Vec<String>> = items
        .iter()
        .map(|r| {
            vec![
                usdc(&r.amount.to_string()),
                r.payee.to_string(),
                r.valid_before.to_string(),
                r.digest.to_string(),
            ]
        })
        .collect();
    let lines = if rows.is_empty() {
        vec!["nothing waits for approval".into()]
    } else {
        let mut lines = table(&["amount", "payee", "valid before", "digest"], &rows);
        lines.push("next: bursar treasury approve DIGEST".into());
        lines
    };
    context.output.done(&page, &lines)
}

pub(crate) async fn approve(context: &Context, digest: B256, yes: bool) -> Result<()> {
    let request: Request = context.api_get(&format!("v1/approval-requests/{digest}")).await?;
    ensure!(request.state == "pending", "expected a pending request, this one is {}", request.state);
    ensure!(
        request.chain_id == context.config.chain_id,
        "expected a payment on chain {}, this one is on {}",
        context.config.chain_id,
        request.chain_id
    );
    if let Some(ours) = context.config.treasury {
        ensure!(request.treasury == ours, "expected treasury {ours}, the request names {}", request.treasury);
    }
    if !context.output.json {
        println!("pay {} to {}", usdc(&request.amount.to_string()), request.payee);
        println!("  from purse    {}", request.purse);
        println!("  decision      {}", request.decision_hash);
        println!("  valid before  {} (unix seconds)", request.valid_before);
        println!("  why           {}", rationale(context, request.decision_hash).await);
    }
    if !yes && !confirmed()? {
        bail!("not approved");
    }
    let signer = context.keys.signer()?;
    let authorization = Authorization {
        purse: request.purse,
        payee: request.payee,
        amount: request.amount,
        valid_after: request.valid_after,
        valid_before: request.valid_before,
        nonce: request.nonce,
    };
    // The digest is recomputed for the token that the treasury says this purse pays in, not taken on trust.
    let view = context.treasury_view().await?;
    let session = view.session(request.purse).call().await?;
    let envelope = view.envelope(session.envelope.to()).call().await?;
    let asset = bursar_sdk::abi::Eip3009::new(envelope.asset, view.provider().clone());
    let (name, version) = (asset.name().call().await?, asset.version().call().await?);
    let domain = alloy::sol_types::Eip712Domain::new(
        Some(name.into()),
        Some(version.into()),
        Some(alloy::primitives::U256::from(request.chain_id)),
        Some(envelope.asset),
        None,
    );
    let recomputed = authorization.digest(&domain);
    ensure!(recomputed == digest, "expected digest {digest}, the request's own fields give {recomputed}");

    let approval = authorization.approval(request.decision_hash, digest);
    let signature =
        signer.sign_typed_data(&approval, &treasury_domain(request.chain_id, request.treasury)).await?;
    let body = json!({
        "approver": signer.address(), "signature": Bytes::from(signature.as_bytes().to_vec()), "kind": "eoa",
    });
    context.api_post(&format!("v1/approval-requests/{digest}/approval"), &body).await?;
    context.output.done(
        &json!({ "digest": digest, "approver": signer.address() }),
        &[format!("approved by {}; the agent goes on by itself", signer.address())],
    )
}

pub(crate) async fn reject(context: &Context, digest: B256, reason: &str) -> Result<()> {
    let by = context.keys.signer()?.address();
    context
        .api_post(&format!("v1/approval-requests/{digest}/rejection"), &json!({ "by": by, "reason": reason }))
        .await?;
    context.output.done(&json!({ "digest": digest, "rejectedBy": by }), &[format!("rejected by {by}")])
}

async fn rationale(context: &Context, decision: B256) -> String {
    match context.api_get::<Value>(&format!("v1/decisions/0x{}", hex::encode(decision))).await {
        Ok(found) => {
            found.pointer("/record/rationale").and_then(Value::as_str).unwrap_or("(no rationale)").to_owned()
        }
        Err(_) => "(the decision record has not arrived yet)".to_owned(),
    }
}

fn confirmed() -> Result<bool> {
    print!("approve this payment? [y/N] ");
    std::io::stdout().flush()?;
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}
