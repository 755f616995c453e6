//! An agent's page, and the order of the overview.

use bursar_indexer::{db::Query, query::policies};
use bursar_test_stores::{Stores, on_both_stores};

use crate::{
    client::{Api, api},
    pages::keeps_to_itself,
    scored, sealed,
    seed::{self, padded},
};

on_both_stores!(
    the_page_shows_money_curves_limits_and_history,
    a_curve_is_the_window_s_payments_and_every_one_is_counted,
    a_curve_of_too_many_payments_has_their_sum_all_the_same,
    a_lifetime_counts_from_the_beginning,
    a_limit_that_changed_within_the_window_is_drawn_as_it_was,
    the_policy_is_a_tree_in_text_and_as_a_picture,
    what_agents_write_is_text_there_too,
    the_page_runs_nothing_inline_and_loads_only_from_here,
    what_is_no_envelope_is_not_found,
    the_overview_shows_the_most_urgent_first,
);

fn path(envelope: u32) -> String {
    format!("/envelopes/{}/{envelope}", seed::treasury().to_checksum(None))
}

async fn page(api: &Api, envelope: u32) -> anyhow::Result<String> {
    let page = api.get(&path(envelope)).await?;
    anyhow::ensure!(page.status == 200, "{}", page.text());
    Ok(page.text())
}

fn shows(html: &str, texts: &[&str]) {
    for text in texts {
        assert!(html.contains(text), "the page does not show {text:?}:\n{html}");
    }
}

async fn the_page_shows_money_curves_limits_and_history(stores: Stores) -> anyhow::Result<()> {
    let api = api(stores).await?;
    scored::scored(&api.seeded.store).await?;
    let html = page(&api, 1).await?;
    let treasury = seed::treasury().to_checksum(None);
    shows(
        &html,
        &[
            &seed::agent(1).to_checksum(None),
            "Envelope 1 of treasury",
            // Paid, left, funded: as the overview has them.
            "6.15 USDC",
            "40.00 USDC in escrow, 2.85 USDC in purses",
            "1.00 USDC withdrawn",
            // The same five payments by day and by week.
            "Week</strong> <span>5.35 USDC paid of 40.00 USDC · in step with the time: 29.28 USDC",
            "Day</strong> <span>5.35 USDC paid of 10.00 USDC · in step with the time: 1.25 USDC",
            "9.20 USDC</strong> of 10.00 USDC",
            "Lifetime",
            "Score<span",
            "Buy the whole archive at once.",
            "The full data set, as the analyst asked for",
            "Nobody has stopped it.",
            &format!("/v1/payments?treasury={treasury}&amp;envelope=1"),
            &format!("content=\"?treasury={treasury}&amp;envelope=1\""),
        ],
    );
    assert!(!html.contains("Satellite image"), "that is another envelope's payment");
    let frozen = page(&api, 2).await?;
    shows(
        &frozen,
        &["This envelope is frozen.", "Envelope 2 frozen", "Envelope 2 released", "envelope frozen"],
    );
    let review = page(&api, 3).await?;
    shows(&review, &["Under review.", "No payment yet.", "Envelope 3 put under review", "0.00 USDC paid of"]);
    Ok(())
}

async fn a_curve_is_the_window_s_payments_and_every_one_is_counted(stores: Stores) -> anyhow::Result<()> {
    let api = api(stores).await?;
    // One a second before the day, one in its first second: the week has both.
    for (seq, block, at) in [(60, 100, seed::MIDNIGHT - 1), (61, 101, seed::MIDNIGHT)] {
        let decision = seed::record(1, seq, seed::payee(1), 1_000_000, "At the edge.");
        seed::pay(api.seeded.store.db(), &decision, block, None).await?;
        Query::new("UPDATE payment SET timestamp = $1 WHERE block_number = $2")
            .bind(at)
            .bind(block)
            .execute(api.seeded.store.db())
            .await?;
    }
    shows(&page(&api, 1).await?, &["7.35 USDC paid of 40.00 USDC", "6.35 USDC paid of 10.00 USDC"]);
    Ok(())
}

async fn a_curve_of_too_many_payments_has_their_sum_all_the_same(stores: Stores) -> anyhow::Result<()> {
    let api = api(stores).await?;
    let db = api.seeded.store.db();
    // More than are read for the overview, in a session that says what it paid.
    for n in 0..130 {
        let decision = seed::record(1, 100 + n, seed::payee(1), 10_000, "One of many.");
        seed::pay(db, &decision, 1_001 + n, None).await?;
    }
    Query::new("UPDATE session SET paid = $1 WHERE envelope = 1 AND sequence = 2")
        .bind(padded(6_500_000))
        .execute(db)
        .await?;
    // Session 1 paid 0.10.
    let overview = api.get("/").await?.text();
    shows(&overview, &["Week: 6.60 USDC paid of 40.00 USDC"]);
    // All are read for the page itself.
    shows(&page(&api, 1).await?, &["6.65 USDC paid of 40.00 USDC"]);
    Ok(())
}

async fn a_lifetime_counts_from_the_beginning(stores: Stores) -> anyhow::Result<()> {
    let api = api(stores).await?;
    let db = api.seeded.store.db();
    Query::new("DELETE FROM limit_use WHERE period <> 0").execute(db).await?;
    shows(&page(&api, 1).await?, &["Lifetime</strong> <span>6.15 USDC paid of 500.00 USDC</span>"]);
    Query::new("DELETE FROM limit_use").execute(db).await?;
    shows(&page(&api, 1).await?, &["Funded</strong> <span>6.15 USDC paid of 50.00 USDC</span>"]);
    Ok(())
}

async fn a_limit_that_changed_within_the_window_is_drawn_as_it_was(stores: Stores) -> anyhow::Result<()> {
    let api = api(stores).await?;
    let db = api.seeded.store.db();
    let policy = policies::get(db, (seed::treasury(), 1, 1)).await?.unwrap();
    let before = format!(
        r#"{{"paymentCap":"5000000","approvalThreshold":"2000000","sessionLimit":"6000000","maxSessionSeconds":86400,
            "payeeList":1,"lifetimeLimit":"0","windows":[{{"period":{},"limit":"70000000"}}]}}"#,
        604_800
    );
    Query::new("UPDATE policy SET rules = $1, timestamp = $2 WHERE version = 1 AND envelope = 1")
        .bind(before)
        .bind(policy.timestamp - 86_400)
        .execute(db)
        .await?;
    let html = page(&api, 1).await?;
    let week = html.split("<strong>Day</strong>").next().unwrap_or_default();
    assert!(week.contains("70.00 USDC") && week.contains("5.35 USDC paid of 40.00 USDC"), "{week}");
    Ok(())
}

async fn the_policy_is_a_tree_in_text_and_as_a_picture(stores: Stores) -> anyhow::Result<()> {
    let api = api(stores).await?;
    let html = page(&api, 2).await?;
    shows(&html, &["the amount is at most 5 USDC", "no: envelope_frozen (as things stand)", "policy.svg"]);
    let picture = api.get(&format!("{}/policy.svg", path(2))).await?;
    assert_eq!((picture.status.as_u16(), picture.headers["content-type"].to_str()?), (200, "image/svg+xml"));
    let policy = picture.headers["content-security-policy"].to_str()?;
    assert!(policy.starts_with("default-src 'none'; style-src 'unsafe-inline';"), "{policy}");
    assert!(picture.text().contains("the amount is at most 5 USDC"));
    Ok(())
}

async fn what_agents_write_is_text_there_too(stores: Stores) -> anyhow::Result<()> {
    let api = api(stores).await?;
    let evil = "</title><script>alert(1)</script><img src=x onerror=alert(2)>";
    let refused = seed::denied(1, 90, 5, bursar_sdk::refusal::Refusal::PayeeNotListed, evil);
    api.seeded.store.insert_decision(&refused, &sealed::decision(&refused), 1).await?;
    let mut config = crate::client::config();
    config.names.insert(seed::agent(1), evil.into());
    config.assets[0].symbol = "<b>&\"'".into();
    let hostile = Api { router: bursar_api::router(crate::client::state(&api.seeded, config)), ..api };
    for path in ["/".to_owned(), path(1)] {
        let html = hostile.get(&path).await?.text();
        assert!(
            !html.contains("<script>alert") && !html.contains("<img src=x") && !html.contains("<b>&"),
            "{html}"
        );
        assert!(html.contains("alert(1)"));
    }
    Ok(())
}

async fn the_page_runs_nothing_inline_and_loads_only_from_here(stores: Stores) -> anyhow::Result<()> {
    let api = api(stores).await?;
    keeps_to_itself(&api, &api.get(&path(1)).await?, "'none'").await
}

async fn what_is_no_envelope_is_not_found(stores: Stores) -> anyhow::Result<()> {
    let api = api(stores).await?;
    let stranger = seed::address(0x72).to_checksum(None);
    for (path, status) in [
        (path(4), 404),
        (format!("{}/policy.svg", path(4)), 404),
        (format!("/envelopes/{stranger}/1"), 404),
        (path(0), 400),
        (format!("/envelopes/{}/16777216", seed::treasury().to_checksum(None)), 400),
        ("/envelopes/0x71/1".into(), 400),
    ] {
        assert_eq!(api.get(&path).await?.status, status, "{path}");
    }
    Ok(())
}

async fn the_overview_shows_the_most_urgent_first(stores: Stores) -> anyhow::Result<()> {
    let api = api(stores).await?;
    let order = |html: &str| {
        let mut places: Vec<(usize, u32)> =
            [1, 2, 3].map(|number| (html.find(&format!("id=\"{}\"", path(number))).unwrap(), number)).into();
        places.sort_unstable();
        places.into_iter().map(|(_, number)| number).collect::<Vec<_>>()
    };
    // 2 is frozen, 3 under review, 1 near its day's limit.
    assert_eq!(order(&api.get("/").await?.text()), [2, 3, 1]);
    let db = api.seeded.store.db();
    Query::new("UPDATE envelope SET frozen = FALSE, under_review = FALSE").execute(db).await?;
    assert_eq!(order(&api.get("/").await?.text()), [1, 2, 3]);
    Query::new("UPDATE limit_use SET used = limit_amount WHERE envelope = 3 AND period = 0")
        .execute(db)
        .await?;
    assert_eq!(order(&api.get("/").await?.text()), [3, 1, 2]);
    Ok(())
}
