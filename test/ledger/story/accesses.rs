//! Who asked what: kept once, in the log of whose things they asked for, and whatever is done to it afterwards is found.

use alloy::primitives::{Address, B256};
use anyhow::{Result, ensure};
use bursar_indexer::{
    Store,
    access::{Grant, Role},
    db::Query,
    query::{
        accesses::{self, Access, Filter, Kept},
        log,
    },
    store::{ApiKey, Finding, Trouble},
};
use bursar_sdk::transparency::LogKind;
use bursar_test_stores::{Stores, on_both_stores};

use crate::ledger::open;

on_both_stores!(
    accesses_are_kept_together_in_the_log_of_whose_things_they_ask_for,
    the_same_accesses_are_kept_once,
    an_access_that_was_changed_is_found,
    keys_are_made_and_revoked_in_the_log,
);

const ONE: Address = Address::repeat_byte(0x11);
const OTHER: Address = Address::repeat_byte(0x22);

fn access(number: u64, treasury: Option<Address>) -> Access {
    Access {
        request: format!("request-{number}"),
        at: 1_000 + number,
        by: format!("key:{}", number % 2),
        role: Some(Role::Auditor),
        scope: treasury.filter(|_| number.is_multiple_of(3)),
        treasury,
        method: "GET".into(),
        route: "/v1/payments".into(),
        asked: format!("/v1/payments?limit={number}"),
        status: (!number.is_multiple_of(4)).then_some(200),
    }
}

/// Two batches: three of one treasury's with one of another's and one of nobody's between them, and one more.
async fn lived(store: &Store) -> Result<()> {
    let some = [
        access(1, Some(ONE)),
        access(2, None),
        access(3, Some(ONE)),
        access(4, Some(OTHER)),
        access(5, Some(ONE)),
    ];
    store.keep_accesses(&some, 2_000).await?;
    Ok(store.keep_accesses(&[access(6, Some(ONE))], 2_001).await?)
}

async fn listed(store: &Store, filter: Filter) -> Result<Vec<Kept>> {
    Ok(accesses::list(store.db(), &filter, None, 100).await?)
}

async fn subjects(store: &Store, treasury: Address) -> Result<Vec<B256>> {
    let all = log::list(store.db(), log::Filter { treasury, subject: None }, None, 100).await?;
    ensure!(all.iter().all(|leaf| leaf.entry.kind == LogKind::Access && leaf.entry.envelope.is_none()));
    Ok(all.iter().map(|leaf| leaf.entry.subject).collect())
}

async fn findings(store: &Store, treasury: Address) -> Result<Vec<Finding>> {
    Ok(store.audit_log(treasury, &[]).await?.findings)
}

async fn accesses_are_kept_together_in_the_log_of_whose_things_they_ask_for(stores: Stores) -> Result<()> {
    let store = open(&stores, "ledger").await?;
    store.keep_accesses(&[], 1).await?;
    lived(&store).await?;
    let (one, other) = (subjects(&store, ONE).await?, subjects(&store, OTHER).await?);
    assert_eq!((one.len(), other.len()), (2, 1), "an entry for each batch");
    assert_eq!(store.logs().await?, [ONE, OTHER]);
    for treasury in [ONE, OTHER] {
        assert_eq!(findings(&store, treasury).await?, []);
    }
    let all = listed(&store, Filter::default()).await?;
    let expected = [
        (6, Some(ONE), Some(one[1])),
        (5, Some(ONE), Some(one[0])),
        (4, Some(OTHER), Some(other[0])),
        (3, Some(ONE), Some(one[0])),
        (2, None, None),
        (1, Some(ONE), Some(one[0])),
    ];
    let got: Vec<_> = all.iter().map(|kept| (kept.seq, kept.access.treasury, kept.batch)).collect();
    assert_eq!(got, expected);
    for kept in &all {
        assert_eq!(kept.access, access(kept.seq, kept.access.treasury), "as it was told");
    }
    // The newest first, from any place on, and by whatever is asked.
    let after = accesses::list(store.db(), &Filter::default(), Some(accesses::Key { seq: 4 }), 2).await?;
    assert_eq!(after.iter().map(|kept| kept.seq).collect::<Vec<_>>(), [3, 2]);
    let by = Some("key:1".to_owned());
    for (filter, expected) in [
        (Filter { treasury: Some(OTHER), ..Filter::default() }, &[4][..]),
        (Filter { by: by.clone(), ..Filter::default() }, &[5, 3, 1]),
        (Filter { treasury: Some(ONE), by: Some("key:0".into()), request: None }, &[6]),
        (Filter { request: Some("request-3".into()), ..Filter::default() }, &[3]),
        (Filter { request: Some("request-3".into()), treasury: Some(OTHER), by: None }, &[]),
        (Filter { request: Some("request-3".into()), treasury: Some(ONE), by }, &[3]),
    ] {
        let got: Vec<u64> = listed(&store, filter.clone()).await?.iter().map(|kept| kept.seq).collect();
        assert_eq!(got, expected, "{filter:?}");
    }
    Ok(())
}

async fn the_same_accesses_are_kept_once(stores: Stores) -> Result<()> {
    let store = open(&stores, "ledger").await?;
    let some = [access(1, Some(ONE)), access(2, None)];
    for now in [2_000, 2_001] {
        // As if nobody had been told that they were kept.
        store.keep_accesses(&some, now).await?;
    }
    assert_eq!(listed(&store, Filter::default()).await?.len(), 2);
    assert_eq!(subjects(&store, ONE).await?.len(), 1);
    assert_eq!(findings(&store, ONE).await?, []);
    // One that comes twice with others is kept with none of them: something is wrong with whoever tells it.
    let again = [access(3, Some(ONE)), access(1, Some(ONE))];
    assert!(store.keep_accesses(&again, 2_002).await.is_err());
    assert_eq!(listed(&store, Filter::default()).await?.len(), 2);
    assert_eq!(findings(&store, ONE).await?, []);
    Ok(())
}

async fn an_access_that_was_changed_is_found(stores: Stores) -> Result<()> {
    let content = |what: &Trouble| matches!(what, Trouble::Content { what: "list of accesses" });
    let changed = [
        "UPDATE access SET by = 'key:9' WHERE seq = 3",
        "UPDATE access SET at = at - 1 WHERE seq = 3",
        "UPDATE access SET status = 404 WHERE seq = 3",
        "UPDATE access SET status = 70000 WHERE seq = 3",
        "UPDATE access SET status = NULL WHERE seq = 3",
        "UPDATE access SET role = 'agent' WHERE seq = 3",
        "UPDATE access SET role = 'nobody' WHERE seq = 3",
        "UPDATE access SET role = NULL WHERE seq = 3",
        "UPDATE access SET scope = NULL WHERE seq = 3",
        "UPDATE access SET asked = '/v1/payments' WHERE seq = 3",
        "UPDATE access SET route = '/v1/decisions' WHERE seq = 3",
        "UPDATE access SET method = 'POST' WHERE seq = 3",
        "UPDATE access SET request = 'another' WHERE seq = 3",
        "UPDATE access SET treasury = NULL WHERE seq = 3",
        "UPDATE access SET seq = 99 WHERE seq = 3",
        "DELETE FROM access WHERE seq = 3",
    ];
    for (at, sql) in changed.into_iter().enumerate() {
        let store = open(&stores, &format!("case{at}")).await?;
        lived(&store).await?;
        ensure!(Query::new(sql).execute(store.db()).await? == 1, "{sql}");
        let found = findings(&store, ONE).await?;
        let [Finding { entry: Some(0), subject: Some(_), what }] = found.as_slice() else {
            anyhow::bail!("{sql}: {found:#?}")
        };
        ensure!(content(what), "{sql}: {what}");
        assert_eq!(findings(&store, OTHER).await?, [], "{sql}");
        store.close().await;
    }
    // One that was put in, one that was taken to another's log, one whose entry is gone.
    let columns = "request || 'x', at, by, role, scope, treasury, method, route, asked, status";
    for (name, sql, expected) in [
        ("added", format!("INSERT INTO access SELECT 99, {columns}, batch FROM access WHERE seq = 6"), "1"),
        (
            "beside",
            format!("INSERT INTO access SELECT 99, {columns}, NULL FROM access WHERE seq = 6"),
            "access",
        ),
        ("loose", "UPDATE access SET batch = NULL WHERE seq = 6".into(), "gone, access"),
        ("all", "DELETE FROM access WHERE seq = 6".into(), "gone"),
        (
            "moved",
            "UPDATE access SET batch = (SELECT batch FROM access WHERE seq = 6) WHERE seq = 1".into(),
            "0, 1",
        ),
        ("entry", "DELETE FROM log_entry WHERE number = 1".into(), "nodes, access"),
    ] {
        let store = open(&stores, name).await?;
        lived(&store).await?;
        let sql: &'static str = Box::leak(sql.into_boxed_str());
        ensure!(Query::new(sql).execute(store.db()).await? == 1, "{name}");
        let found: Vec<String> = findings(&store, ONE)
            .await?
            .iter()
            .map(|finding| match &finding.what {
                what if content(what) => finding.entry.unwrap_or(99).to_string(),
                Trouble::RecordGone { table: "list of accesses" } if finding.entry == Some(1) => {
                    "gone".into()
                }
                Trouble::Unlogged { table } => (*table).to_owned(),
                Trouble::Nodes { .. } => "nodes".into(),
                what => format!("{what:?}"),
            })
            .collect();
        assert_eq!(found.join(", "), expected, "{name}");
        store.close().await;
    }
    Ok(())
}

async fn keys_are_made_and_revoked_in_the_log(stores: Stores) -> Result<()> {
    let store = open(&stores, "ledger").await?;
    let key = |id: &str, treasury| -> Result<ApiKey> {
        let grant = Grant::new(Role::Auditor, treasury, None)?;
        let (id, name, hash) = (id.to_owned(), "Ada".to_owned(), B256::repeat_byte(7));
        Ok(ApiKey { id, name, hash, grant, created_at: 500, expires_at: None, revoked_at: None })
    };
    let (one, operators) = (key("aaaa", Some(ONE))?, key("bbbb", None)?);
    store.add_api_key(&one).await?;
    store.add_api_key(&operators).await?;
    assert!(store.add_api_key(&one).await.is_err(), "an id is given once");
    assert_eq!(store.revoke_api_key("aaaa", 600).await?, Some(600));
    assert_eq!(store.revoke_api_key("aaaa", 601).await?, Some(600), "a second time changes nothing");
    assert_eq!(store.revoke_api_key("cccc", 602).await?, None);
    let told: Vec<_> = listed(&store, Filter::default())
        .await?
        .into_iter()
        .map(|Kept { access, .. }| (access.route, access.asked, access.at, access.by, access.treasury))
        .collect();
    let line = |verb: &str, id: &str, at: u64, treasury: Option<Address>| {
        let by = "command-line".to_owned();
        (format!("bursar key {verb}"), format!("key:{id} auditor"), at, by, treasury)
    };
    let expected = [
        line("revoke", "aaaa", 600, Some(ONE)),
        line("create", "bbbb", 500, None),
        line("create", "aaaa", 500, Some(ONE)),
    ];
    assert_eq!(told, expected);
    assert_eq!(subjects(&store, ONE).await?.len(), 2);
    assert_eq!(findings(&store, ONE).await?, []);
    Ok(())
}
