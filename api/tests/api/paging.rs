//! Keyset pages under a moving ledger.

use std::collections::BTreeSet;

use bursar_sdk::refusal::Refusal;
use bursar_test_stores::{Stores, on_both_stores};

use crate::{
    client::{Api, api},
    sealed,
    seed::{self, denied, pay, payee, record},
};

on_both_stores!(
    payments_come_once_each_while_others_arrive,
    decisions_of_the_same_second_come_once_each,
    every_list_comes_whole_whatever_the_page,
);

/// Walks a list page by page, lets `between` happen after each page, and gives every key seen.
async fn walk<F>(
    api: &Api,
    list: &str,
    limit: usize,
    key: &str,
    mut between: F,
) -> anyhow::Result<Vec<String>>
where
    F: AsyncFnMut(&Api, usize) -> anyhow::Result<()>,
{
    let mut seen = Vec::new();
    let mut cursor = None::<String>;
    for page in 0.. {
        let cursor_part = cursor.map(|cursor| format!("&cursor={cursor}")).unwrap_or_default();
        let separator = if list.contains('?') { '&' } else { '?' };
        let answer = api.json(&format!("{list}{separator}limit={limit}{cursor_part}")).await?;
        let items = answer["items"].as_array().cloned().unwrap_or_default();
        anyhow::ensure!(items.len() <= limit, "{} rows on a page of {limit}", items.len());
        seen.extend(items.iter().map(|item| item[key].to_string()));
        match answer["next"].as_str() {
            None => break,
            Some(next) => cursor = Some(next.to_owned()),
        }
        between(api, page).await?;
    }
    Ok(seen)
}

fn assert_once(seen: &[String], all: &BTreeSet<String>) {
    let distinct: BTreeSet<String> = seen.iter().cloned().collect();
    assert_eq!(distinct.len(), seen.len(), "a row came twice");
    assert!(all.is_subset(&distinct), "a row was skipped");
}

async fn payments_come_once_each_while_others_arrive(stores: Stores) -> anyhow::Result<()> {
    let api = api(stores).await?;
    for limit in 1..=8 {
        let all: BTreeSet<String> =
            api.items("/v1/payments").await?.iter().map(|payment| payment["nonce"].to_string()).collect();
        let arrive = async |api: &Api, page: usize| {
            let n = (limit * 100 + page) as u64;
            let decision = record(1, n, payee(1), 10, "more");
            pay(api.seeded.store.db(), &decision, 2_000 + n, None).await
        };
        let seen = walk(&api, "/v1/payments", limit, "nonce", arrive).await?;
        assert_once(&seen, &all);
        assert_eq!(seen.len(), all.len(), "what arrived later is newer: it belongs to no page any more");
    }
    Ok(())
}

async fn decisions_of_the_same_second_come_once_each(stores: Stores) -> anyhow::Result<()> {
    let api = api(stores).await?;
    for seq in 100..140 {
        let mut decision = denied(1, seq, seq, Refusal::PayeeNotListed, "again");
        decision.created_at = seed::MIDNIGHT;
        api.seeded.store.insert_decision(&decision, &sealed::decision(&decision), seed::NOW).await?;
    }
    let seen = walk(&api, "/v1/refusals", 7, "hash", async |_, _| Ok(())).await?;
    let distinct: BTreeSet<&String> = seen.iter().collect();
    assert_eq!((seen.len(), distinct.len()), (43, 43));
    Ok(())
}

async fn every_list_comes_whole_whatever_the_page(stores: Stores) -> anyhow::Result<()> {
    let api = api(stores).await?;
    for (list, key) in [
        ("/v1/agents", "address"),
        ("/v1/envelopes", "number"),
        ("/v1/sessions", "id"),
        ("/v1/decisions", "hash"),
        ("/v1/stops", "blockNumber"),
        ("/v1/payees", "payee"),
        ("/v1/payments?explained=true", "nonce"),
        ("/v1/payments?min_amount=100000", "nonce"),
    ] {
        let whole = walk(&api, list, 200, key, async |_, _| Ok(())).await?;
        assert!(whole.len() > 2, "{list} has nothing to page");
        for limit in 1..=3 {
            let pages = walk(&api, list, limit, key, async |_, _| Ok(())).await?;
            assert_eq!(pages, whole, "{list} in pages of {limit}");
        }
    }
    let policies = walk(&api, "/v1/policies", 1, "version", async |_, _| Ok(())).await?;
    assert_eq!(policies, ["1", "2", "1", "1"]);
    Ok(())
}
