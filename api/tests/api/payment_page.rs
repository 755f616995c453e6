//! One payment's page: the whole story.

use alloy::primitives::{B256, Bytes};
use bursar_indexer::db::Query;
use bursar_sdk::{
    decision::{DecisionRecord, Model, Resource},
    payment::Authorization,
};
use bursar_test_stores::{Stores, on_both_stores};

use crate::{
    approvals::{answer_to, approver, authorization, submission_of},
    audit::named,
    client::Api,
    pages::keeps_to_itself,
    scored::scored,
    sealed,
    seed::{self, payee, purse, treasury},
};

on_both_stores!(
    the_story_is_told_from_the_agent_to_the_log,
    the_page_runs_nothing_inline_and_loads_only_from_here,
    what_agents_write_is_text_and_bounded,
    a_payment_without_a_record_says_so,
    a_record_that_was_changed_shows,
    a_seal_by_anybody_else_shows,
    rules_that_were_broken_show,
    who_approved_here_is_held_against_the_chain,
    what_is_no_payment_is_a_page_that_says_so,
);

fn path(decision: &DecisionRecord) -> String {
    format!("/payments/{}/{:#x}", decision.purse.to_checksum(None), decision.nonce().unwrap().unwrap())
}

async fn page(api: &Api, decision: &DecisionRecord) -> anyhow::Result<String> {
    let answer = api.get(&path(decision)).await?;
    anyhow::ensure!(answer.status == 200, "{} {}", answer.status, answer.text());
    Ok(answer.text())
}

fn shows(html: &str, texts: &[&str]) {
    for text in texts {
        assert!(html.contains(text), "the page does not show {text:?}:\n{html}");
    }
}

async fn the_story_is_told_from_the_agent_to_the_log(stores: Stores) -> anyhow::Result<()> {
    let api = named(stores).await?;
    scored(&api.seeded.store).await?;
    let decision = api.seeded.decisions[6].clone();
    let told = sealed::outcome(&sealed::outcome_of(&decision));
    assert_eq!(api.post("/v1/outcomes", &sealed::body(&told)).await?.status, 201);
    let html = page(&api, &decision).await?;
    shows(
        &html,
        &["4.50 USDC", "research-agent", "(4500000 atomic units", "number 2", "✓ live then", "set by"],
    );
    let (hash, nonce) = (decision.hash()?, decision.nonce()?.unwrap());
    shows(
        &html,
        &[
            &purse(1).to_checksum(None),
            &format!("{:#x}", seed::policy_hash(2)),
            "Not handed in",
            "Payment cap",
            "at most 5.00 USDC",
            "✓ held",
            "Lifetime: at most 500.00 USDC",
            "on it today",
            &decision.rationale,
            "task 4711: weekly market brief",
            &format!("{hash:#x}"),
            "✓ of the record kept",
            &format!("{nonce:#x}"),
            "✓ commits to it",
            "Sealed by the agent&#39;s identity key.",
            &seed::address(4).to_checksum(None),
            "EIP-3009",
            "payment 6 of the session",
            "✓ delivered",
            &format!("{:#x}", told.hash),
            "of 850",
            "Entry 4: decision",
            "Entry 8: outcome",
            "not on chain yet",
        ],
    );
    // In this order.
    let places: Vec<Option<usize>> = [
        "Who paid",
        "Under which policy",
        ">Why<",
        "With whose approval",
        "What moved",
        "What came of it",
        "score at the time",
        "transparency log",
    ]
    .map(|heading| html.find(heading))
    .into();
    assert!(places.is_sorted() && places.iter().all(Option::is_some), "{places:?}");
    // What it leads to is there.
    for href in html.split('"').filter(|part| part.starts_with("/v1/") || part.starts_with("/audit")) {
        let href = href.replace("&#38;", "&");
        let status = api.get(&href).await?.status;
        // The record before it is another one's number here.
        let before = format!("/v1/decisions/{:#x}", decision.prev_hash);
        assert!(status == 200 || href == before, "{href}: {status}");
    }
    Ok(())
}

async fn the_page_runs_nothing_inline_and_loads_only_from_here(stores: Stores) -> anyhow::Result<()> {
    let api = named(stores).await?;
    let page = api.get(&path(&api.seeded.decisions[0])).await?;
    keeps_to_itself(&api, &page, "'none'").await
}

async fn what_agents_write_is_text_and_bounded(stores: Stores) -> anyhow::Result<()> {
    let api = named(stores).await?;
    let evil = "<script>alert(1)</script><img src=x onerror=alert(2)>\u{202e}\"'&<!-- {{ now }}";
    let mut decision = seed::record(1, 50, payee(3), 2_000, &format!("{evil}{}", "a".repeat(30_000)));
    decision.trigger = evil.into();
    decision.alternatives = vec![evil.into(); 100];
    decision.resource =
        Resource { url: format!("javascript:alert(3)//{evil}"), method: evil.into(), body_hash: B256::ZERO };
    decision.model = Some(Model {
        provider: evil.into(),
        name: evil.into(),
        version: evil.into(),
        prompt_hash: B256::ZERO,
    });
    decision.rules[0].input = evil.into();
    api.seeded.store.insert_decision(&decision, &sealed::decision(&decision), seed::NOW).await?;
    seed::pay(api.seeded.store.db(), &decision, 995, None).await?;
    let html = page(&api, &decision).await?;
    assert!(!html.contains("<script>alert") && !html.contains("<img src=x") && !html.contains("<!-- "));
    assert!(!html.contains('\u{202e}') && !html.contains("href=\"javascript"));
    assert!(html.contains("alert(1)") && html.len() < 200_000, "{}", html.len());
    Ok(())
}

async fn a_payment_without_a_record_says_so(stores: Stores) -> anyhow::Result<()> {
    let api = named(stores).await?;
    let html = page(&api, &api.seeded.decisions[2].clone()).await?;
    shows(
        &html,
        &["Unexplained", "No decision record is known", "The agent has not said.", "It had none yet."],
    );
    shows(&html, &["the policy asks for none up to 2.00 USDC"]);
    assert!(!html.contains("✓ commits to it"));
    Ok(())
}

async fn a_record_that_was_changed_shows(stores: Stores) -> anyhow::Result<()> {
    let api = named(stores).await?;
    let decision = api.seeded.decisions[0].clone();
    Query::new("UPDATE decision SET record = $1 WHERE hash = $2")
        .bind(decision.canonical()?.replace("cached ones", "hidden ones"))
        .bind(decision.hash()?)
        .execute(api.seeded.store.db())
        .await?;
    let html = page(&api, &decision).await?;
    shows(&html, &["hidden ones", "✗ not of the record kept", "✗ commits to something else"]);
    assert!(!html.contains("✓ of the record kept") && !html.contains("✓ commits to it"));
    Ok(())
}

async fn a_seal_by_anybody_else_shows(stores: Stores) -> anyhow::Result<()> {
    let api = named(stores).await?;
    let (decision, db) = (api.seeded.decisions[0].clone(), api.seeded.store.db());
    let kind = bursar_sdk::record::RecordKind::Decision;
    let other = sealed::seal(&sealed::key(2), kind, treasury(), decision.hash()?);
    for (seal, told) in [
        (other, format!("Sealed by {}, who is neither", seed::agent(2))),
        (Bytes::from([7; 65]), "Its seal is nobody&#39;s.".to_owned()),
        (Bytes::from([7; 3]), "Its seal is nobody&#39;s.".to_owned()),
    ] {
        Query::new("UPDATE decision SET seal = $1 WHERE hash = $2")
            .bind(seal)
            .bind(decision.hash()?)
            .execute(db)
            .await?;
        let html = page(&api, &decision).await?;
        shows(&html, &[&told]);
        assert!(!html.contains("✓ sealed"));
    }
    Query::new("UPDATE decision SET seal = NULL").execute(db).await?;
    shows(&page(&api, &decision).await?, &["It carries no seal."]);
    Ok(())
}

async fn rules_that_were_broken_show(stores: Stores) -> anyhow::Result<()> {
    let api = named(stores).await?;
    let (decision, db) = (api.seeded.decisions[6].clone(), api.seeded.store.db());
    let held = page(&api, &decision).await?;
    assert!(!held.contains("✗"), "nothing is wrong with it:\n{held}");
    for (sql, told) in [
        ("UPDATE payment SET approver = NULL WHERE block_number = 1000", "The policy asks for a human"),
        ("UPDATE session SET expiry = 1 WHERE envelope = 1", "✗ not live then"),
        ("UPDATE session SET budget = '00000000000000000000007000000' WHERE envelope = 1", "✗ broken"),
        (
            "UPDATE payment SET amount = '00000000000000000000005000001' WHERE block_number = 1000",
            "another amount",
        ),
    ] {
        Query::new(sql).execute(db).await?;
        let html = page(&api, &decision).await?;
        shows(&html, &[told, "✗"]);
    }
    Ok(())
}

async fn who_approved_here_is_held_against_the_chain(stores: Stores) -> anyhow::Result<()> {
    let api = named(stores).await?;
    let decision = seed::record(1, 30, payee(2), 2_500_000, "The archive has the filing.");
    api.seeded.store.insert_decision(&decision, &sealed::decision(&decision), seed::NOW).await?;
    let payment = Authorization {
        payee: decision.payee,
        amount: decision.amount,
        nonce: decision.nonce()?.unwrap(),
        ..authorization(1)
    };
    let (hash, db) = (decision.hash()?, api.seeded.store.db());
    let told = api.post("/v1/approval-requests", &submission_of(&payment, hash)).await?;
    assert_eq!(told.status, 201, "{}", told.text());
    let signer = approver(&api).await?;
    let digest = told.json()["digest"].as_str().unwrap().to_owned();
    let (route, yes) =
        (format!("/v1/approval-requests/{digest}/approval"), answer_to(&signer, &payment, hash));
    assert_eq!(api.post(&route, &yes).await?.status, 200);
    seed::pay(db, &decision, 999, Some(signer.address())).await?;
    let html = page(&api, &decision).await?;
    shows(&html, &["✓ the same on chain", "account (EOA)", &digest, "approval request", "Entry"]);
    Query::new("UPDATE payment SET approver = $1 WHERE block_number = 999")
        .bind(seed::address(4))
        .execute(db)
        .await?;
    shows(&page(&api, &decision).await?, &["✗ somebody else on chain"]);
    Ok(())
}

async fn what_is_no_payment_is_a_page_that_says_so(stores: Stores) -> anyhow::Result<()> {
    let api = named(stores).await?;
    let none = api.get(&format!("/payments/{}/{}", purse(1), B256::ZERO)).await?;
    assert_eq!(none.status, 404);
    shows(&none.text(), &["Not Found", "the ledger has no payment", "role=\"alert\""]);
    for bad in ["/payments/0x12/0x34".to_owned(), format!("/payments/{}/%3Cscript%3E", purse(1))] {
        let answer = api.get(&bad).await?;
        assert_eq!(answer.status, 400, "{bad}");
        assert!(answer.headers["content-type"].to_str()?.starts_with("text/html"));
        assert!(!answer.text().contains("<script>"));
    }
    Ok(())
}
