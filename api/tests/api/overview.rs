//! The overview page.

use bursar_test_stores::{Stores, on_both_stores};

use crate::{client::api, pages::keeps_to_itself};

on_both_stores!(
    the_page_shows_money_limits_reasons_and_stops,
    what_agents_write_is_text_and_never_markup,
    the_page_runs_nothing_inline_and_loads_only_from_here,
    an_empty_ledger_is_a_page_too,
);

async fn the_page_shows_money_limits_reasons_and_stops(stores: Stores) -> anyhow::Result<()> {
    let api = api(stores).await?;
    let page = api.get("/").await?;
    assert_eq!(page.status, 200);
    let html = page.text();
    for text in [
        "Local chain",
        "6.57 USDC",
        "140.43 USDC",
        "9.20 USDC",
        "of 10.00 USDC",
        "0.80 USDC left · resets in 21 hours",
        "Lifetime",
        "Unexplained",
        "The full data set, as the analyst asked for",
        "payment cap exceeded",
        "ask for a policy with a higher cap",
        "Frozen",
        "Under review",
        "Envelope 2 frozen",
        "Following the chain",
    ] {
        assert!(html.contains(text), "the page does not show {text:?}");
    }
    Ok(())
}

async fn what_agents_write_is_text_and_never_markup(stores: Stores) -> anyhow::Result<()> {
    let api = api(stores).await?;
    let store = &api.seeded.store;
    let decision = crate::seed::denied(
        1,
        90,
        5,
        bursar_sdk::refusal::Refusal::PayeeNotListed,
        "<script>alert(1)</script><img src=x onerror=alert(2)>",
    );
    store.insert_decision(&decision, &crate::sealed::decision(&decision), 1).await?;
    let html = api.get("/").await?.text();
    assert!(!html.contains("<script>alert") && !html.contains("<img src=x"));
    assert!(html.contains("alert(1)"));
    Ok(())
}

async fn the_page_runs_nothing_inline_and_loads_only_from_here(stores: Stores) -> anyhow::Result<()> {
    let api = api(stores).await?;
    keeps_to_itself(&api, &api.get("/").await?, "'none'").await
}

async fn an_empty_ledger_is_a_page_too(stores: Stores) -> anyhow::Result<()> {
    let store = bursar_indexer::Store::connect(&stores.url("empty").await?.parse()?).await?;
    let state = bursar_api::AppState::new(store, crate::client::config(), None);
    let request = axum::http::Request::get("/").body(axum::body::Body::empty())?;
    let response = tower::ServiceExt::oneshot(bursar_api::router(state), request).await?;
    assert_eq!(response.status(), 200);
    let html = String::from_utf8(axum::body::to_bytes(response.into_body(), usize::MAX).await?.to_vec())?;
    assert!(html.contains("No payment yet") && html.contains("the ledger holds no block yet"));
    Ok(())
}
