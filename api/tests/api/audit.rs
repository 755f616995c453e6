//! The auditor's desk: lists as pages and as tables, and the search.

use std::collections::BTreeSet;

use alloy::primitives::{Bytes, keccak256};
use axum::{body::Body, http::Request};
use bursar_indexer::db::Query;
use bursar_report::annex::unguarded;
use bursar_sdk::{payment::session_id, refusal::Refusal};
use bursar_test_stores::{Stores, on_both_stores};
use tower::ServiceExt as _;

use crate::{
    client::{Answer, Api, config, state},
    pages::keeps_to_itself,
    sealed,
    seed::{self, agent, payee, purse, treasury},
};

on_both_stores!(
    every_list_is_a_page_that_runs_nothing_inline_and_loads_only_from_here,
    a_page_finds_what_the_api_finds_in_its_own_words_and_in_peoples,
    a_list_goes_on_to_its_oldest_row,
    what_cannot_be_asked_is_said_on_the_page,
    what_agents_write_is_text_in_lists_and_no_formula_in_tables,
    a_table_has_every_row_however_many_there_are,
    a_table_has_what_its_page_was_asked_for,
    a_table_has_no_pages,
    a_table_that_fails_breaks_off,
    only_so_many_tables_are_written_at_a_time,
    a_search_leads_to_what_it_is,
    a_search_shows_what_it_may_be_and_says_where_it_is_nothing,
);

pub(crate) const LISTS: [(&str, &str); 6] = [
    ("/audit/payments", "/v1/payments"),
    ("/audit/refusals", "/v1/refusals"),
    ("/audit/decisions", "/v1/decisions"),
    ("/audit/approvals", "/v1/approval-requests"),
    ("/audit/stops", "/v1/stops"),
    ("/audit/settlements", "/v1/settlements"),
];

/// Over a seeded store, with names.
pub(crate) async fn named(stores: Stores) -> anyhow::Result<Api> {
    let seeded = seed::seeded(stores).await?;
    let mut config = config();
    config.names = [
        (agent(1), "research-agent"),
        (agent(2), "travel-agent"),
        (payee(1), "Market data"),
        (treasury(), "Example Ltd"),
    ]
    .map(|(address, name)| (address, name.to_owned()))
    .into();
    Ok(Api { router: bursar_api::router(state(&seeded, config)), seeded })
}

async fn page(api: &Api, path: &str) -> anyhow::Result<String> {
    let answer = api.get(path).await?;
    anyhow::ensure!(answer.status == 200, "{path}: {} {}", answer.status, answer.text());
    Ok(answer.text())
}

fn rows(html: &str) -> usize {
    html.split_once("<tbody>").map_or(0, |(_, body)| body.matches("<tr>").count())
}

/// Where a page's link leads that stands before that text.
fn link(html: &str, text: &str) -> Option<String> {
    let (before, _) = html.split_once(&format!(">{text}"))?;
    let (_, href) = before.rsplit_once("href=\"")?;
    Some(href.split('"').next()?.replace("&#38;", "&"))
}

async fn every_list_is_a_page_that_runs_nothing_inline_and_loads_only_from_here(
    stores: Stores,
) -> anyhow::Result<()> {
    let api = named(stores).await?;
    for path in LISTS.map(|(page, _)| page).into_iter().chain(["/audit", "/audit?q=nothing"]) {
        let answer = api.get(path).await?;
        assert_eq!(answer.status, 200, "{path}");
        keeps_to_itself(&api, &answer, "'self'").await?;
        let html = answer.text();
        for (list, _) in LISTS {
            assert!(html.contains(&format!("href=\"{list}\"")), "{path} does not lead to {list}");
        }
    }
    Ok(())
}

async fn a_page_finds_what_the_api_finds_in_its_own_words_and_in_peoples(
    stores: Stores,
) -> anyhow::Result<()> {
    let api = named(stores).await?;
    for (list, query, count) in [
        ("/audit/payments", "", 7),
        ("/audit/payments", "?agent=&payee=&from=&min_amount=&state=", 7),
        ("/audit/payments", "?agent=Travel-Agent", 1),
        ("/audit/payments", "?payee=Market+data", 3),
        ("/audit/payments", "?treasury=Example+Ltd&envelope=1", 6),
        // Blocks 940, 950, ... of ten seconds: 960 settled at 02:40:00.
        ("/audit/payments", "?from=2026-11-21T02:40", 5),
        ("/audit/payments", "?from=2026-11-21T02:40:01", 4),
        ("/audit/payments", "?until=2026-11-21T02:40", 2),
        ("/audit/payments", "?from=2026-11-22", 0),
        ("/audit/payments", "?min_amount=4.50", 1),
        ("/audit/payments", "?min_amount=4500000", 1),
        ("/audit/payments", "?min_amount=4500001", 0),
        ("/audit/payments", "?min_amount=0.10+USDC&max_amount=0.15+USDC", 2),
        ("/audit/payments", "?rail=eip3009", 7),
        ("/audit/payments", "?rail=permit2_upto", 0),
        ("/audit/payments", "?rail=eip3009&explained=false", 2),
        ("/audit/payments", "?rail=permit2&explained=false", 0),
        ("/audit/payments", "?state=final", 3),
        ("/audit/payments", "?state=safe", 2),
        ("/audit/refusals", "?reason=payee_not_listed", 1),
        ("/audit/refusals", "?agent=research-agent", 2),
        ("/audit/decisions", "?verdict=approved", 5),
        ("/audit/decisions", "?settled=true&from=2026-11-21T00:53", 3),
        ("/audit/stops", "?level=envelope&stopped=true", 2),
        ("/audit/settlements", "?min_amount=1", 0),
        ("/audit/approvals", "?state=pending&min_amount=1.0&from=2026-11-21", 0),
    ] {
        let html = page(&api, &format!("{list}{query}")).await?;
        assert_eq!(rows(&html), count, "{list}{query}");
        let json = link(&html, "JSON").unwrap();
        assert_eq!(api.items(&json).await?.len(), count, "{list}{query}: {json}");
    }
    Ok(())
}

async fn a_list_goes_on_to_its_oldest_row(stores: Stores) -> anyhow::Result<()> {
    let api = named(stores).await?;
    let mut path = "/audit/payments?limit=3&agent=research-agent".to_owned();
    let mut seen = Vec::new();
    loop {
        let html = page(&api, &path).await?;
        seen.extend(html.split('"').filter(|part| part.starts_with("/payments/0x")).map(str::to_owned));
        assert_eq!(link(&html, "Newest").is_some(), path.contains("cursor"), "{path}");
        match link(&html, "Older") {
            Some(next) => path = next,
            None => break,
        }
    }
    let distinct: BTreeSet<&String> = seen.iter().collect();
    assert_eq!((seen.len(), distinct.len()), (6, 6));
    for story in seen {
        assert_eq!(api.get(&story).await?.status, 200, "{story}");
    }
    Ok(())
}

async fn what_cannot_be_asked_is_said_on_the_page(stores: Stores) -> anyhow::Result<()> {
    let api = named(stores).await?;
    let long = format!("cursor={}", "ab".repeat(10_000));
    for (query, told) in [
        ("colour=blue", "there is no parameter &#34;colour&#34; here; got &#34;colour&#34;"),
        ("limit=0", "limit: expected a whole number from 1 to 200; got &#34;0&#34;"),
        ("limit=99999999999999999999", "limit: expected a whole number from 1 to 200"),
        ("limit=1&limit=2", "limit: given more than once"),
        ("cursor=zz", "cursor: expected a cursor that the list of"),
        (&long, "cursor: expected a cursor that the list of"),
        (
            "treasury=nobody+we+know",
            "treasury: expected an address: 0x and 40 hex digits; got &#34;nobody we know&#34;",
        ),
        ("treasury=%3Cscript%3Ealert(1)%3C/script%3E", "got &#34;&#60;script&#62;alert(1)"),
        ("treasury=%FF%00", "treasury: expected an address"),
    ] {
        for (list, json) in LISTS.into_iter().filter(|(list, _)| !list.ends_with("settlements")) {
            let answer = api.get(&format!("{list}?{query}")).await?;
            let html = answer.text();
            assert_eq!(answer.status, 400, "{list}?{query}");
            assert!(answer.headers["content-type"].to_str()?.starts_with("text/html"));
            assert!(html.contains("role=\"alert\"") && html.contains(told), "{list}?{query}: {html}");
            assert!(!html.contains("<script>alert") && rows(&html) == 0);
            assert_eq!(api.get(&format!("{json}?{query}")).await?.status, 400, "{json}?{query}");
        }
    }
    for (query, told) in [
        ("from=yesterday", "from: expected a whole number"),
        ("from=-5", "from: expected a whole number"),
        ("from=2026-13-01", "from: expected a whole number"),
        ("min_amount=1.5+EUR", "min_amount: expected an amount in atomic units"),
        ("max_amount=79228162514264337593543950336", "max_amount: expected an amount in atomic units"),
        (
            "rail=carrier_pigeon",
            "rail: expected one of `eip3009`, `permit2_exact`, `permit2_upto`, `permit2`",
        ),
    ] {
        let answer = api.get(&format!("/audit/payments?{query}")).await?;
        assert!(answer.status == 400 && answer.text().contains(told), "{query}: {}", answer.text());
    }
    // A range that holds nothing is no mistake.
    let none = page(&api, "/audit/payments?from=2026-11-22&until=2026-11-21").await?;
    assert!(none.contains("Nothing that fits."));
    Ok(())
}

const EVIL: &str = "=HYPERLINK(\"https://evil.example\",\"x\")<script>alert(1)</script>\u{202e}, two\nlines";

async fn what_agents_write_is_text_in_lists_and_no_formula_in_tables(stores: Stores) -> anyhow::Result<()> {
    let api = named(stores).await?;
    let mut decision = seed::denied(1, 90, 5, Refusal::PayeeNotListed, EVIL);
    decision.trigger = "@SUM(1+1)".into();
    decision.resource.url = "+1;cmd|' /C calc'!A0".into();
    decision.resource.method = "'quoted".into();
    api.seeded.store.insert_decision(&decision, &sealed::decision(&decision), 1).await?;
    for list in ["/audit/refusals", "/audit/decisions"] {
        let html = page(&api, list).await?;
        assert!(!html.contains("<script>alert") && html.contains("alert(1)") && !html.contains('\u{202e}'));
        let table = table(&api, &format!("{list}.csv")).await?;
        let of = |name: &str| table[0].iter().position(|column| column == name).unwrap();
        let row =
            table.iter().find(|row| row[of("hash")] == format!("{:#x}", decision.hash().unwrap())).unwrap();
        for (column, written) in [
            ("rationale", EVIL),
            ("trigger", decision.trigger.as_str()),
            ("resource", decision.resource.url.as_str()),
            ("method", "'quoted"),
        ] {
            let cell = &row[of(column)];
            assert!(cell.starts_with('\''), "{column} is a formula: {cell}");
            assert_eq!(unguarded(cell), written, "{column}");
        }
    }
    Ok(())
}

/// A table's headings and rows.
async fn table(api: &Api, path: &str) -> anyhow::Result<Vec<Vec<String>>> {
    let answer = api.get(path).await?;
    anyhow::ensure!(answer.status == 200, "{path}: {} {}", answer.status, answer.text());
    let kind = answer.headers["content-type"].to_str()?;
    anyhow::ensure!(kind == "text/csv; charset=utf-8; header=present", "{kind}");
    anyhow::ensure!(answer.headers["content-disposition"].to_str()?.starts_with("attachment; filename="));
    read(&answer)
}

fn read(answer: &Answer) -> anyhow::Result<Vec<Vec<String>>> {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(&*answer.body);
    reader.records().map(|row| Ok(row?.iter().map(str::to_owned).collect())).collect()
}

async fn stops(api: &Api, many: u64) -> anyhow::Result<()> {
    for block in 1..=many {
        Query::new(
            "INSERT INTO stop (block_number, log_index, tx_hash, timestamp, treasury, envelope, level, stopped, by) \
             VALUES ($1, 1, $2, $3, $4, 1, 'envelope', TRUE, $4)",
        )
        .bind(block)
        .bind(keccak256(block.to_be_bytes()))
        .bind(seed::MIDNIGHT + block)
        .bind(treasury())
        .execute(api.seeded.store.db())
        .await?;
    }
    Ok(())
}

async fn a_table_has_every_row_however_many_there_are(stores: Stores) -> anyhow::Result<()> {
    let api = named(stores).await?;
    for more in [496, 500, 1_003] {
        Query::new("DELETE FROM stop WHERE log_index = 1").execute(api.seeded.store.db()).await?;
        stops(&api, more).await?;
        let table = table(&api, "/audit/stops.csv").await?;
        let tx = table[0].iter().position(|column| column == "tx").unwrap();
        let distinct: BTreeSet<&String> = table.iter().skip(1).map(|row| &row[tx]).collect();
        // Four are seeded; one of their blocks' transactions is spelled like one of these where there are so many.
        assert_eq!(table.len(), usize::try_from(more)? + 5);
        assert!(distinct.len() >= usize::try_from(more)?);
        assert!(table.iter().all(|row| row.len() == table[0].len()));
    }
    Ok(())
}

async fn a_table_has_what_its_page_was_asked_for(stores: Stores) -> anyhow::Result<()> {
    let api = named(stores).await?;
    let html = page(&api, "/audit/payments?agent=research-agent&min_amount=0.15+USDC&limit=1").await?;
    assert_eq!(rows(&html), 1);
    let path = link(&html, "CSV").unwrap();
    let table = table(&api, &path).await?;
    let of = |name: &str| table[0].iter().position(|column| column == name).unwrap();
    let amounts: Vec<&str> = table[1..].iter().map(|row| &*row[of("amount")]).collect();
    assert_eq!(amounts, ["4.50", "0.30", "0.25", "0.15"], "{path}");
    let newest = &table[1];
    assert_eq!(newest[of("units")], "4500000");
    assert_eq!(newest[of("time")], "2026-11-21T02:46:40Z");
    assert_eq!(newest[of("agent_name")], "research-agent");
    assert_eq!(newest[of("state")], "seen");
    assert_eq!(newest[of("approver")], seed::address(4).to_checksum(None));
    let nothing = self::table(&api, "/audit/payments.csv?from=2027-01-01").await?;
    assert_eq!(nothing.len(), 1, "headings alone");
    for (list, _) in LISTS {
        self::table(&api, &format!("{list}.csv")).await?;
    }
    Ok(())
}

async fn a_table_has_no_pages(stores: Stores) -> anyhow::Result<()> {
    let api = named(stores).await?;
    for (list, _) in LISTS {
        for query in ["limit=5", "cursor=00", "colour=blue", "from=then"] {
            if query.starts_with("from") && list.ends_with("approvals") {
                continue;
            }
            let answer = api.get(&format!("{list}.csv?{query}")).await?;
            assert_eq!(answer.status, 400, "{list}.csv?{query}");
            assert!(answer.json()["message"].is_string());
        }
    }
    Ok(())
}

async fn a_table_that_fails_breaks_off(stores: Stores) -> anyhow::Result<()> {
    let api = named(stores).await?;
    stops(&api, 600).await?;
    let db = api.seeded.store.db();
    Query::new("UPDATE stop SET tx_hash = $1 WHERE block_number = 1")
        .bind(Bytes::from([0]))
        .execute(db)
        .await?;
    let request = Request::get("/audit/stops.csv").body(Body::empty())?;
    let response = api.router.clone().oneshot(request).await?;
    assert_eq!(response.status(), 200, "the first rows are in order");
    let whole = axum::body::to_bytes(response.into_body(), usize::MAX).await;
    assert!(whole.is_err(), "half a table passes for a whole one");

    Query::new("UPDATE stop SET tx_hash = $1 WHERE block_number = 600")
        .bind(Bytes::from([0]))
        .execute(db)
        .await?;
    let answer = api.get("/audit/stops.csv").await?;
    assert_eq!((answer.status.as_u16(), answer.json()["code"].as_str()), (500, Some("internal")));
    Ok(())
}

async fn only_so_many_tables_are_written_at_a_time(stores: Stores) -> anyhow::Result<()> {
    let api = named(stores).await?;
    let mut unread = Vec::new();
    for _ in 0..4 {
        let request = Request::get("/audit/payments.csv").body(Body::empty())?;
        unread.push(api.router.clone().oneshot(request).await?);
    }
    let refused = api.get("/audit/payments.csv").await?;
    assert_eq!((refused.status.as_u16(), refused.json()["code"].as_str()), (503, Some("exports_full")));
    let read = unread.pop().unwrap();
    axum::body::to_bytes(read.into_body(), usize::MAX).await?;
    // Whoever wrote it lets go of its place a moment after the last row is taken.
    for turn in 0.. {
        let status = api.get("/audit/payments.csv").await?.status;
        if status == 200 {
            break;
        }
        assert!(turn < 1_000 && status == 503, "its place is never free again: {status}");
        tokio::task::yield_now().await;
    }
    Ok(())
}

async fn found(api: &Api, q: &str) -> anyhow::Result<Answer> {
    let query: String = url::form_urlencoded::Serializer::new(String::new()).append_pair("q", q).finish();
    api.get(&format!("/audit?{query}")).await
}

async fn a_search_leads_to_what_it_is(stores: Stores) -> anyhow::Result<()> {
    let api = named(stores).await?;
    let decision = &api.seeded.decisions[6];
    let (hash, nonce) = (decision.hash()?, decision.nonce()?.unwrap());
    let story = format!("/payments/{}/{nonce:#x}", purse(1).to_checksum(None));
    let tx = format!("{:#x}", keccak256(1_001u64.to_be_bytes()));
    let told = sealed::outcome(&sealed::outcome_of(decision));
    assert_eq!(api.post("/v1/outcomes", &sealed::body(&told)).await?.status, 201);
    let session = session_id(purse(1), 2);
    for (q, href) in [
        (format!("{nonce:#x}"), story.clone()),
        (format!("  {}  ", format!("{nonce:x}").to_uppercase()), story.clone()),
        (tx, story.clone()),
        (format!("{hash:#x}"), story.clone()),
        (format!("{:#x}", told.hash), story),
        (format!("{session:#x}"), format!("/audit/payments?session={session:#x}")),
        (treasury().to_checksum(None), format!("/audit/payments?treasury={}", treasury().to_checksum(None))),
        (payee(1).to_string(), format!("/audit/payments?payee={}", payee(1).to_checksum(None))),
        ("market DATA".into(), format!("/audit/payments?payee={}", payee(1).to_checksum(None))),
        (
            purse(2).to_string().to_lowercase(),
            format!("/audit/payments?treasury={}&envelope=2", treasury().to_checksum(None)),
        ),
    ] {
        let answer = found(&api, &q).await?;
        assert_eq!(answer.status, 303, "{q}: {}", answer.text());
        assert_eq!(answer.headers["location"], *href, "{q}");
        assert_eq!(api.get(&href).await?.status, 200, "{href}");
    }
    Ok(())
}

async fn a_search_shows_what_it_may_be_and_says_where_it_is_nothing(stores: Stores) -> anyhow::Result<()> {
    let api = named(stores).await?;
    let many = found(&api, "-agent").await?;
    let html = many.text();
    assert_eq!(many.status, 200);
    for text in ["research-agent", "travel-agent", "Payments of an agent", "Refusals of an agent"] {
        assert!(html.contains(text), "{text}: {html}");
    }
    // Two versions of a policy and three envelopes have the same text here.
    let policies = found(&api, &format!("{:#x}", seed::policy_hash(1))).await?;
    assert_eq!(
        (policies.status.as_u16(), policies.text().matches("version 1 of envelope").count()),
        (200, 3)
    );
    let (zeros, unknown) = (format!("0x{}", "0".repeat(64)), seed::address(0x98).to_string());
    for q in ["nobody", "0x12", "<script>alert(1)</script>", "%", "_", "' OR 1=1 --", &zeros, &unknown] {
        let answer = found(&api, q).await?;
        let html = answer.text();
        assert_eq!(answer.status, 200, "{q}");
        assert!(html.contains("Nothing found") && !html.contains("<script>alert"), "{q}: {html}");
    }
    let backwards: String = agent(1).to_checksum(None).chars().rev().collect();
    assert_eq!(found(&api, &backwards).await?.status, 200, "that is no address");
    let odd = agent(1).to_checksum(None);
    let swapped: String = odd
        .char_indices()
        .map(|(i, c)| match c {
            c if i > 1 && c.is_ascii_lowercase() => c.to_ascii_uppercase(),
            c if i > 1 => c.to_ascii_lowercase(),
            c => c,
        })
        .collect();
    let answer = found(&api, &swapped).await?;
    assert!(answer.status == 400 && answer.text().contains(&odd), "{}", answer.text());
    assert_eq!(found(&api, &"x".repeat(201)).await?.status, 400);
    assert_eq!(api.get("/audit?colour=blue").await?.status, 400);
    Ok(())
}
