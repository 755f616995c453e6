//! The approver's side: see what waits, approve or reject it.

use std::io::{BufRead as _, Write as _};

use alloy::primitives::B256;
use anyhow::{Context as _, Result, bail, ensure};
use serde_json::{Value, json};

use super::{
    Context,
    signed::{SignedElsewhere, print_typed_data},
};
use crate::{
    approval_request::ApprovalRequest,
    output::{table, usdc},
};

pub(crate) async fn requests(context: &Context) -> Result<()> {
    let page: Value = context.api_get("v1/approval-requests?state=pending").await?;
    let items: Vec<ApprovalRequest> =
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

pub(crate) async fn approve(
    context: &Context,
    digest: B256,
    yes: bool,
    elsewhere: SignedElsewhere,
) -> Result<()> {
    let request = pending(context, digest).await?;
    if elsewhere.typed_data {
        check_digest(context, &request).await?;
        return print_typed_data(context, &format!("v1/approval-requests/{digest}/typed-data")).await;
    }
    if !context.output.json {
        let most = if request.facilitator.is_some() { "at most " } else { "" };
        println!("pay {most}{} to {}", usdc(&request.amount.to_string()), request.payee);
        println!("  from purse    {}", request.purse);
        println!("  decision      {}", request.decision_hash);
        println!("  valid before  {} (unix seconds)", request.valid_before);
        println!("  why           {}", rationale(context, request.decision_hash).await);
    }
    if !yes && !confirmed()? {
        bail!("not approved");
    }
    check_digest(context, &request).await?;
    let signed = match elsewhere.signed() {
        Some(signed) => signed,
        None => request.approved_by(&context.keys.signer()?).await?,
    };
    context.api_post(&format!("v1/approval-requests/{digest}/approval"), &signed.approval()).await?;
    let by = signed.by;
    let line = format!("approved by {by}; the agent goes on by itself");
    context.output.done(&json!({ "digest": digest, "approver": by }), &[line])
}

pub(crate) async fn reject(
    context: &Context,
    digest: B256,
    reason: &str,
    elsewhere: SignedElsewhere,
) -> Result<()> {
    let request = pending(context, digest).await?;
    if elsewhere.typed_data {
        let reason: String = url::form_urlencoded::byte_serialize(reason.as_bytes()).collect();
        let path = format!("v1/approval-requests/{digest}/typed-data?rejecting={reason}");
        return print_typed_data(context, &path).await;
    }
    let signed = match elsewhere.signed() {
        Some(signed) => signed,
        None => request.rejected_by(&context.keys.signer()?, reason).await?,
    };
    let body = signed.rejection(reason);
    context.api_post(&format!("v1/approval-requests/{digest}/rejection"), &body).await?;
    let by = signed.by;
    context.output.done(&json!({ "digest": digest, "rejectedBy": by }), &[format!("rejected by {by}")])
}

/// The digest is recomputed for the token that the treasury says this purse pays in, not taken on trust.
async fn check_digest(context: &Context, request: &ApprovalRequest) -> Result<()> {
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
    let (digest, recomputed) = (request.digest, request.authorization().digest(request.rail()?, &domain));
    ensure!(recomputed == digest, "expected digest {digest}, the request's own fields give {recomputed}");
    Ok(())
}

/// A request that waits for an answer, on the configured chain and of the configured treasury.
async fn pending(context: &Context, digest: B256) -> Result<ApprovalRequest> {
    let request: ApprovalRequest = context.api_get(&format!("v1/approval-requests/{digest}")).await?;
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
    ensure!(request.digest == digest, "expected payment {digest}, the API answered with {}", request.digest);
    Ok(request)
}

async fn rationale(context: &Context, decision: B256) -> String {
    match context.api_get::<Value>(&format!("v1/decisions/{decision}")).await {
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
