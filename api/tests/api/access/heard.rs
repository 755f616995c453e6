//! Who is told what is heard at the head: of a treasury its purses' payments, of nobody's the operator, agents nothing.

use bursar_indexer::{
    access::Role,
    db::Query,
    ledger::{Label, WatchKind},
};
use bursar_test_stores::{Stores, on_both_stores};
use serde_json::Value;

use super::clients::{get, guarded, made, of_role, refusal, stranger};
use crate::{
    heard::{hear, heard, payer},
    seed::{self, address, padded, purse, token, treasury},
};

on_both_stores!(each_treasury_is_told_of_its_own_purses_alone, agents_and_strangers_are_told_nothing);

/// The purse of somebody else's envelope.
const THEIRS: u8 = 0x89;

async fn told(api: &crate::client::Api, key: &str, path: &str) -> anyhow::Result<Vec<String>> {
    let answer = get(api, key, path).await?;
    anyhow::ensure!(answer.status == 200, "{path}: {} {}", answer.status, answer.text());
    let json = answer.json();
    let items = json["items"].as_array().cloned().unwrap_or_default();
    anyhow::ensure!(!answer.text().contains("old bot"), "{path} tells who is on the watch list");
    Ok(items.iter().filter_map(|item| item["amount"].as_str().map(str::to_owned)).collect())
}

async fn each_treasury_is_told_of_its_own_purses_alone(stores: Stores) -> anyhow::Result<()> {
    let api = guarded(stores).await?;
    let store = &api.seeded.store;
    heard(store.db()).await?;
    Query::new("INSERT INTO purse (address, treasury, envelope, idx, sequence, open, balance) VALUES ($1, $2, 1, 0, 1, TRUE, $3)")
        .bind(address(THEIRS))
        .bind(stranger())
        .bind(padded(0))
        .execute(store.db())
        .await?;
    hear(store.db(), (seed::HEAD + 6, address(THEIRS), true, token(), 6)).await?;
    let label: Label = "old bot".parse()?;
    store.put_watched(WatchKind::Payer, &[purse(1), address(THEIRS)], Some(&label)).await?;
    for role in [Role::Auditor, Role::Treasury, Role::Approver] {
        let (ours, theirs) =
            (of_role(store, role, treasury()).await?, of_role(store, role, stranger()).await?);
        for (key, own, other, expected) in
            [(&ours, treasury(), stranger(), &["5", "2", "1"][..]), (&theirs, stranger(), treasury(), &["6"])]
        {
            assert_eq!(told(&api, key, "/v1/heard").await?, expected, "{role}");
            assert_eq!(told(&api, key, &format!("/v1/heard?treasury={own}")).await?, expected, "{role}");
            let refused = get(&api, key, &format!("/v1/heard?treasury={other}")).await?;
            assert_eq!(refusal(&refused), (403, "other_treasury".into()), "{role}");
            for of in [payer(), address(0xd7)] {
                let none: [&str; 0] = [];
                assert_eq!(told(&api, key, &format!("/v1/heard?payer={of}")).await?, none, "{role}");
            }
            let payments = get(&api, key, "/v1/ledger").await?.json()["heard"]["payments"].clone();
            assert_eq!(payments, expected.len(), "{role}");
            let page = get(&api, key, "/").await?.text();
            assert!(page.contains(&format!("{} payment", expected.len())), "{role}");
        }
    }
    let operator = made(store, Role::Auditor, None, None).await?;
    assert_eq!(told(&api, &operator, "/v1/heard").await?, ["6", "5", "3", "2", "1"]);
    Ok(())
}

async fn agents_and_strangers_are_told_nothing(stores: Stores) -> anyhow::Result<()> {
    let api = guarded(stores).await?;
    let store = &api.seeded.store;
    heard(store.db()).await?;
    let key = of_role(store, Role::Agent, treasury()).await?;
    for path in ["/v1/heard".to_owned(), format!("/v1/heard?payer={}", purse(1))] {
        assert_eq!(refusal(&get(&api, &key, &path).await?), (403, "role_not_allowed".into()), "{path}");
        assert_eq!(refusal(&api.get(&path).await?), (401, "credential_missing".into()), "{path}");
    }
    let books = get(&api, &key, "/v1/ledger").await?;
    assert_eq!((books.status.as_u16(), books.json()["heard"].clone()), (200, Value::Null));
    Ok(())
}
