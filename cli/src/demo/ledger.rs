//! The ledger, printed from the API, and held against the chain to the unit.

use alloy::primitives::{Address, aliases::U24};
use anyhow::{Context as _, Result};
use bursar_sdk::{
    Agent,
    abi::{Eip3009, Treasury},
};
use serde_json::Value;
use url::Url;

use super::{
    chain::LocalChain,
    stage::{Agents, Contracts, Payees},
    story::Story,
};
use crate::commands::ledger;

/// Prints the ledger.
pub(crate) async fn print(story: &Story, api: &Url) -> Result<Value> {
    let books = get(api, "v1/ledger").await?;
    let payments = get(api, "v1/payments?limit=100").await?;
    story.tell("per agent:");
    for line in ledger::agents(&books) {
        println!("      {line}");
    }
    println!();
    story.tell("per payment, newest first:");
    for line in ledger::payments(&payments) {
        println!("      {line}");
    }
    println!();
    Ok(books)
}

/// Ledger and chain agree: escrow, purses, payees, limits, and that every payment is explained.
pub(crate) async fn agrees(
    story: &mut Story,
    chain: &LocalChain,
    on: Contracts,
    agents: &Agents,
    payees: Payees,
    api: &Url,
    books: &Value,
) -> Result<()> {
    let treasury = Treasury::new(on.treasury, chain.provider.clone());
    let token = Eip3009::new(on.asset, chain.provider.clone());
    let purses: Vec<Vec<&Agent>> = vec![
        std::iter::once(&agents.atlas).chain(&agents.atlas_replicas).collect(),
        vec![&agents.bolt],
        vec![&agents.comet],
    ];
    let mut escrowed = alloy::primitives::U256::ZERO;
    for (index, line) in
        books.pointer("/lines/items").and_then(Value::as_array).into_iter().flatten().enumerate()
    {
        let number = line.get("envelope").and_then(Value::as_u64).context("a line without an envelope")?;
        let on_chain = treasury.envelope(U24::try_from(number)?).call().await?;
        let mut held = alloy::primitives::U256::ZERO;
        let envelope = usize::try_from(number)?.checked_sub(1).context("envelopes count from 1")?;
        for agent in purses.get(envelope).context("an envelope that nobody created")? {
            held += token.balanceOf(agent.purse()).call().await?;
        }
        escrowed += alloy::primitives::U256::from(on_chain.escrow);
        let told = |at: &str| line.pointer(at).and_then(Value::as_str).unwrap_or("nothing").to_owned();
        let right = told("/balance/escrow") == on_chain.escrow.to_string()
            && told("/balance/inPurses") == held.to_string()
            && limits_agree(api, on.treasury, number, &treasury).await?;
        story.check(
            right,
            &format!(
                "line {}: escrow {} and purses {held} are the chain's to the unit, and so is what each limit has used",
                index + 1,
                on_chain.escrow
            ),
        );
    }
    let treasury_holds = token.balanceOf(on.treasury).call().await?;
    story.check(
        treasury_holds == escrowed,
        &format!("the treasury holds {treasury_holds}, the sum of all escrow"),
    );

    let mut received = alloy::primitives::U256::ZERO;
    for payee in [payees.weather, payees.data, payees.research, payees.unlisted] {
        received += token.balanceOf(payee).call().await?;
    }
    let paid = books.pointer("/totals/0/paid").and_then(Value::as_str).unwrap_or("nothing").to_owned();
    story.check(
        paid == received.to_string(),
        &format!("payees received {received}, the ledger says paid {paid}"),
    );
    let nothing = token.balanceOf(payees.unlisted).call().await?.is_zero();
    story.check(nothing, "the payee off the list received nothing");
    explained(story, api).await
}

/// Every payment has its decision, its policy, and the large one its approver.
async fn explained(story: &mut Story, api: &Url) -> Result<()> {
    let payments = get(api, "v1/payments?limit=100").await?;
    let items = payments.get("items").and_then(Value::as_array).cloned().unwrap_or_default();
    let all = items.iter().all(|payment| payment.get("explained").and_then(Value::as_bool) == Some(true));
    story.check(
        items.len() == 7 && all,
        &format!("{} payments, every one with its decision and policy", items.len()),
    );
    let approved =
        items.iter().filter(|payment| payment.get("approver").is_some_and(Value::is_string)).count();
    story.check(approved == 1, "one of them names the human who approved it");
    let refusals = get(api, "v1/refusals?limit=100").await?;
    let count = refusals.get("items").and_then(Value::as_array).map_or(0, Vec::len);
    story.check(count >= 6, &format!("{count} refusals, each a decision with its reason"));
    Ok(())
}

async fn limits_agree(
    api: &Url,
    address: Address,
    number: u64,
    treasury: &Treasury::TreasuryInstance<alloy::providers::DynProvider>,
) -> Result<bool> {
    let told = get(api, &format!("v1/envelopes/{address}/{number}")).await?;
    let on_chain = treasury.headroom(U24::try_from(number)?).call().await?;
    let told: Vec<(String, String)> = told
        .get("headroom")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .map(|limit| {
            let field = |name: &str| match limit.get(name) {
                Some(Value::String(text)) => text.clone(),
                Some(other) => other.to_string(),
                None => String::new(),
            };
            (field("limit"), field("used"))
        })
        .collect();
    let chain: Vec<_> =
        on_chain.iter().map(|limit| (limit.limit.to_string(), limit.used.to_string())).collect();
    Ok(told == chain)
}

async fn get(api: &Url, path: &str) -> Result<Value> {
    Ok(reqwest::get(api.join(path)?).await?.error_for_status()?.json().await?)
}
