//! Keys of another treasury, and of another agent: nothing of ours is told, whatever is asked.

use alloy::primitives::Address;
use bursar_bench::{About, questions};
use bursar_indexer::access::Role;
use bursar_sdk::payment::session_id;
use bursar_test_stores::{Stores, on_both_stores};
use serde_json::json;

use super::{
    clients::{get, guarded, made, of_role, refusal, stranger},
    issuer::Served,
};
use crate::{
    approvals::{authorization, submission},
    client::{Api, config, state},
    plans, scored,
    seed::{self, payee, purse, treasury},
};

on_both_stores!(
    a_key_of_another_treasury_is_told_nothing,
    an_agents_key_is_told_of_no_other_agent,
    what_is_put_in_cannot_be_talked_out_of,
    ids_of_others_are_like_ids_of_nobody,
    totals_are_the_callers_own,
    a_scoped_list_is_the_list_that_asks_for_the_treasury,
);

/// The service with something of everything, and what there is to ask about.
async fn full(stores: Stores) -> anyhow::Result<(Api, About)> {
    let guarded = guarded(stores).await?;
    scored::scored(&guarded.seeded.store).await?;
    let open = bursar_api::router(state(&guarded.seeded, config()));
    let open = Api { router: open, seeded: guarded.seeded };
    let request = open.post("/v1/approval-requests", &submission(&authorization(3_000_000))).await?;
    assert_eq!(request.status, 201, "{}", request.text());
    let digest = request.json()["digest"].as_str().unwrap_or_default().to_owned();
    let about = About { digest, ..plans::about(&open)? };
    let mut config = config();
    config.access = bursar_api::access::Mode::Keys;
    let router = bursar_api::router(state(&open.seeded, config));
    Ok((Api { router, seeded: open.seeded }, about))
}

/// What only our first agent's things have in them.
fn marks(about: &About) -> Vec<String> {
    let session = session_id(purse(1), 2).to_string();
    let mut marks = vec![purse(1).to_string(), session, about.decision.clone(), about.nonce.clone()];
    marks.extend([payee(1), payee(2), payee(3)].map(|payee: Address| payee.to_string()));
    marks.push("weekly brief".into());
    marks
}

/// Asks everything there is to ask, with every filter, and looks for marks in what is answered.
async fn told_nothing(api: &Api, about: &About, key: &str, marks: &[String]) -> anyhow::Result<u32> {
    let document = serde_json::to_value(bursar_api::document())?;
    let mut answered = 0;
    for question in questions(&document, about)? {
        let answer = get(api, key, &question.path).await?;
        let fits = matches!(answer.status.as_u16(), 200 | 204 | 403 | 404);
        anyhow::ensure!(fits, "{}: {} {}", question.path, answer.status, answer.text());
        if !answer.status.is_success() {
            continue;
        }
        answered += 1;
        for mark in marks {
            anyhow::ensure!(!answer.text().contains(mark), "{} tells of {mark}", question.path);
        }
    }
    Ok(answered)
}

async fn a_key_of_another_treasury_is_told_nothing(stores: Stores) -> anyhow::Result<()> {
    let (api, about) = full(stores).await?;
    let marks = [marks(&about), vec![treasury().to_string()]].concat();
    let issuer = Served::begin().await?;
    let mut config = config();
    (config.access, config.issuer) = (bursar_api::access::Mode::Keys, issuer.issuer()?);
    let router = bursar_api::router(state(&api.seeded, config));
    let api = Api { router, seeded: api.seeded };
    for role in Role::ALL {
        let own = of_role(&api.seeded.store, role, treasury()).await?;
        assert!(told_nothing(&api, &about, &own, &marks).await.is_err(), "there is something to be told");
        let key = of_role(&api.seeded.store, role, stranger()).await?;
        for credential in [key, issuer.token(&format!("theirs-{role}"))?] {
            let answered = told_nothing(&api, &about, &credential, &marks).await?;
            assert!(answered >= 20, "{role}: only {answered} questions were answered");
            // Its own, however small, it is told.
            let own = get(&api, &credential, "/v1/envelopes").await?.json();
            assert_eq!(own["items"].as_array().map(Vec::len), Some(1), "{role}");
            assert_eq!(own["items"][0]["treasury"], json!(stranger()), "{role}");
        }
    }
    Ok(())
}

async fn an_agents_key_is_told_of_no_other_agent(stores: Stores) -> anyhow::Result<()> {
    let (api, about) = full(stores).await?;
    // Both agents pay some of the same payees.
    let marks: Vec<String> = marks(&about).into_iter().filter(|mark| *mark != payee(1).to_string()).collect();
    let marks: Vec<String> = marks.into_iter().filter(|mark| mark != "weekly brief").collect();
    let key = made(&api.seeded.store, Role::Agent, Some(treasury()), Some(seed::agent(2))).await?;
    let answered = told_nothing(&api, &about, &key, &marks).await?;
    assert!(answered >= 20, "only {answered} questions were answered");
    let own = get(&api, &key, "/v1/envelopes").await?.json();
    assert_eq!(own["items"].as_array().map(Vec::len), Some(1));
    assert_eq!(own["items"][0]["number"], 2);
    for (path, status, code) in [
        (format!("/v1/agents/{}", seed::agent(1)), 403, "other_agent"),
        (format!("/v1/agents/{}/why", seed::agent(3)), 403, "other_agent"),
        (format!("/v1/payments?agent={}", seed::agent(1)), 403, "other_agent"),
        (format!("/v1/envelopes/{}/1", treasury()), 404, "not_found"),
        (format!("/v1/envelopes/{}/3/score", treasury()), 404, "not_found"),
        (format!("/v1/envelopes/{}/99", treasury()), 404, "not_found"),
        (format!("/v1/envelopes/{}/x", treasury()), 404, "not_found"),
    ] {
        assert_eq!(refusal(&get(&api, &key, &path).await?), (status, code.into()), "{path}");
    }
    assert_eq!(get(&api, &key, &format!("/v1/envelopes/{}/2", treasury())).await?.status, 200);
    assert_eq!(get(&api, &key, &format!("/v1/agents/{}", seed::agent(2))).await?.status, 200);
    Ok(())
}

async fn what_is_put_in_cannot_be_talked_out_of(stores: Stores) -> anyhow::Result<()> {
    let (api, _) = full(stores).await?;
    let key = of_role(&api.seeded.store, Role::Agent, stranger()).await?;
    let (ours, theirs) = (treasury(), stranger());
    for (query, status, code) in [
        (format!("treasury={ours}"), 403, "other_treasury"),
        (format!("%74reasury={ours}"), 403, "other_treasury"),
        (format!("treasury={ours:#x}"), 403, "other_treasury"),
        (format!("treasury={theirs}&treasury={ours}"), 400, "repeated_parameter"),
        (format!("treasury={ours}&%74reasury={theirs}"), 400, "repeated_parameter"),
        ("treasury=".into(), 400, "invalid_parameter"),
        ("treasury".into(), 400, "invalid_parameter"),
        (format!("treasury={theirs}&agent={}", seed::agent(2)), 403, "other_agent"),
        ("agent=x".into(), 400, "invalid_parameter"),
        (format!("Treasury={ours}"), 400, "unknown_parameter"),
        (format!("treasury[]={ours}"), 400, "unknown_parameter"),
        (format!("x#&treasury={ours}"), 400, "unknown_parameter"),
    ] {
        let answer = get(&api, &key, &format!("/v1/payments?{query}")).await?;
        assert_eq!(refusal(&answer), (status, code.into()), "{query}: {}", answer.text());
    }
    for query in
        ["", "limit=1", "&", "limit=1&", &format!("treasury={theirs}"), &format!("treasury={theirs:#x}")]
    {
        let answer = get(&api, &key, &format!("/v1/payments?{query}")).await?;
        assert_eq!((answer.status.as_u16(), answer.json()["items"].clone()), (200, json!([])), "{query}");
    }
    Ok(())
}

async fn ids_of_others_are_like_ids_of_nobody(stores: Stores) -> anyhow::Result<()> {
    let (api, about) = full(stores).await?;
    let key = of_role(&api.seeded.store, Role::Auditor, stranger()).await?;
    let nobodys = "0x".to_owned() + &"9".repeat(64);
    for (route, id) in [
        ("/v1/sessions/ID".to_owned(), &about.session),
        (format!("/v1/payments/{}/ID", about.purse), &about.nonce),
        ("/v1/decisions/ID".to_owned(), &about.decision),
        ("/v1/approval-requests/ID".to_owned(), &about.digest),
        ("/approvals/ID".to_owned(), &about.digest),
    ] {
        let theirs = get(&api, &key, &route.replace("ID", id)).await?;
        let none = get(&api, &key, &route.replace("ID", &nobodys)).await?;
        assert_eq!((theirs.status.as_u16(), none.status.as_u16()), (404, 404), "{route}");
        assert_eq!(theirs.text().replace(id.as_str(), &nobodys), none.text(), "{route}");
        let malformed = get(&api, &key, &route.replace("ID", "0x12")).await?;
        assert_eq!(malformed.status, 400, "{route}: {}", malformed.text());
    }
    Ok(())
}

async fn totals_are_the_callers_own(stores: Stores) -> anyhow::Result<()> {
    let (api, _) = full(stores).await?;
    let store = &api.seeded.store;
    let theirs = of_role(store, Role::Auditor, stranger()).await?;
    let totals = get(&api, &theirs, "/v1/ledger").await?.json()["totals"].clone();
    assert_eq!((&totals[0]["paid"], &totals[0]["funded"]), (&json!("0"), &json!("0")), "{totals}");
    let page = get(&api, &theirs, "/").await?.text();
    assert!(!page.contains("6.57"), "the overview adds up what others paid");
    let one = made(store, Role::Agent, Some(treasury()), Some(seed::agent(2))).await?;
    let totals = get(&api, &one, "/v1/ledger").await?.json()["totals"].clone();
    assert_eq!(totals[0]["paid"], "420000", "{totals}");
    let all = made(store, Role::Auditor, None, None).await?;
    let totals = get(&api, &all, "/v1/ledger").await?.json()["totals"].clone();
    assert_eq!(totals[0]["paid"], "6570000", "{totals}");
    assert!(get(&api, &all, "/").await?.text().contains("6.57"), "it is what we look for");
    Ok(())
}

async fn a_scoped_list_is_the_list_that_asks_for_the_treasury(stores: Stores) -> anyhow::Result<()> {
    let (api, _) = full(stores).await?;
    let all = made(&api.seeded.store, Role::Auditor, None, None).await?;
    let one = of_role(&api.seeded.store, Role::Auditor, treasury()).await?;
    for list in [
        "payments",
        "decisions",
        "refusals",
        "sessions",
        "envelopes",
        "agents",
        "policies",
        "stops",
        "payees",
    ] {
        let asked = get(&api, &all, &format!("/v1/{list}?treasury={}", treasury())).await?.json();
        assert_eq!(get(&api, &one, &format!("/v1/{list}")).await?.json(), asked, "{list}");
        assert_ne!(asked["items"], json!([]), "{list}");
    }
    let treasuries = get(&api, &one, "/v1/treasuries").await?.json();
    assert_eq!(treasuries["items"].as_array().map(Vec::len), Some(1));
    assert_eq!(get(&api, &all, "/v1/treasuries").await?.json()["items"].as_array().map(Vec::len), Some(2));
    Ok(())
}
