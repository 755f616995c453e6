//! What does not fit is refused, and told why.

use axum::{body::Body, http::Request};
use bursar_test_stores::{Stores, on_both_stores};
use serde_json::json;

use crate::{client::api, seed};

on_both_stores!(
    every_list_refuses_unknown_and_repeated_parameters_by_name,
    every_list_bounds_its_pages,
    every_list_refuses_cursors_it_did_not_give,
    values_that_do_not_fit_are_named_with_what_was_expected,
    an_address_with_a_wrong_checksum_is_refused_with_the_right_one,
    paths_that_name_nothing_possible_are_refused,
    bodies_that_are_no_json_too_large_or_misnamed_are_refused,
    what_is_no_route_and_what_is_no_method_are_json_too,
);

const LISTS: [&str; 16] = [
    "/v1/treasuries",
    "/v1/agents",
    "/v1/envelopes",
    "/v1/sessions",
    "/v1/payments",
    "/v1/decisions",
    "/v1/refusals",
    "/v1/settlements",
    "/v1/heard",
    "/v1/set-aside",
    "/v1/policies",
    "/v1/stops",
    "/v1/alerts",
    "/v1/watched",
    "/v1/payees",
    "/v1/approval-requests",
];

async fn every_list_refuses_unknown_and_repeated_parameters_by_name(stores: Stores) -> anyhow::Result<()> {
    let api = api(stores).await?;
    for list in LISTS.into_iter().chain(["/v1/ledger"]) {
        let answer = api.get(&format!("{list}?colour=blue")).await?;
        assert_eq!(answer.status, 400, "{list}");
        let problem = answer.json();
        assert_eq!(problem["code"], "unknown_parameter", "{list}");
        assert_eq!(problem["got"], "colour", "{list}");
        assert!(problem["expected"].as_str().is_some_and(|known| known.contains("limit")), "{problem}");

        let answer = api.get(&format!("{list}?limit=1&limit=2")).await?;
        assert_eq!(
            (answer.status.as_u16(), answer.json()["code"].clone()),
            (400, json!("repeated_parameter"))
        );
    }
    Ok(())
}

async fn every_list_bounds_its_pages(stores: Stores) -> anyhow::Result<()> {
    let api = api(stores).await?;
    for list in LISTS {
        for limit in ["0", "201", "-1", "1e3", "", "99999999999999999999", "ten", "+5"] {
            let answer = api.get(&format!("{list}?limit={limit}")).await?;
            assert_eq!(answer.status, 400, "{list} took limit {limit:?}");
            let problem = answer.json();
            assert_eq!(problem["expected"], "a whole number from 1 to 200");
            assert_eq!(problem["message"], "limit: expected a whole number from 1 to 200");
        }
        assert_eq!(api.get(&format!("{list}?limit=200")).await?.status, 200, "{list}");
    }
    Ok(())
}

async fn every_list_refuses_cursors_it_did_not_give(stores: Stores) -> anyhow::Result<()> {
    let api = api(stores).await?;
    let payments = api.json("/v1/payments?limit=1").await?;
    let foreign = payments["next"].as_str().unwrap().to_owned();
    for list in LISTS {
        for cursor in ["", "xyz", "00", &foreign] {
            if list == "/v1/payments" && cursor == foreign {
                continue;
            }
            let answer = api.get(&format!("{list}?cursor={cursor}")).await?;
            assert_eq!(answer.status, 400, "{list} took cursor {cursor:?}");
            assert_eq!(answer.json()["code"], "invalid_parameter");
        }
    }
    Ok(())
}

async fn values_that_do_not_fit_are_named_with_what_was_expected(stores: Stores) -> anyhow::Result<()> {
    let api = api(stores).await?;
    for (query, expected) in [
        ("agent=0x12", "an address: 0x and 40 hex digits"),
        ("agent=vitalik.eth", "an address: 0x and 40 hex digits"),
        ("session=0x12", "32 bytes: 0x and 64 hex digits"),
        ("min_amount=1.5", "an amount in atomic units: a whole number from 0 to 2^96 - 1"),
        (
            "max_amount=79228162514264337593543950336",
            "an amount in atomic units: a whole number from 0 to 2^96 - 1",
        ),
        ("from=yesterday", "a whole number from 0 to 9223372036854775807"),
        ("until=-5", "a whole number from 0 to 9223372036854775807"),
        ("envelope=0", "a whole number from 1 to 16777215"),
        ("explained=maybe", ""),
        ("state=lost", "one of `seen`, `safe`, `final`"),
    ] {
        let answer = api.get(&format!("/v1/payments?{query}")).await?;
        assert_eq!(answer.status, 400, "{query}");
        let problem = answer.json();
        let (name, got) = query.split_once('=').unwrap();
        assert_eq!(problem["got"], got, "{problem}");
        assert!(problem["message"].as_str().is_some_and(|text| text.starts_with(name)), "{problem}");
        if !expected.is_empty() {
            assert_eq!(problem["expected"], expected, "{query}");
        }
    }
    Ok(())
}

async fn an_address_with_a_wrong_checksum_is_refused_with_the_right_one(
    stores: Stores,
) -> anyhow::Result<()> {
    let api = api(stores).await?;
    let right = seed::treasury().to_checksum(None);
    let agent = seed::agent(1).to_checksum(None);
    assert_eq!(api.get(&format!("/v1/payments?treasury={right}")).await?.status, 200);
    let swapped: String = agent
        .char_indices()
        .map(|(i, c)| match c {
            c if i > 1 && c.is_ascii_lowercase() => c.to_ascii_uppercase(),
            c if i > 1 => c.to_ascii_lowercase(),
            c => c,
        })
        .collect();
    let answer = api.get(&format!("/v1/payments?agent={swapped}")).await?;
    assert_eq!(answer.status, 400, "{}", answer.text());
    assert!(answer.json()["message"].as_str().is_some_and(|text| text.contains(&agent)));
    Ok(())
}

async fn paths_that_name_nothing_possible_are_refused(stores: Stores) -> anyhow::Result<()> {
    let api = api(stores).await?;
    let treasury = seed::treasury();
    for path in [
        "/v1/treasuries/0x12".to_owned(),
        format!("/v1/envelopes/{treasury}/0"),
        format!("/v1/envelopes/{treasury}/one"),
        format!("/v1/policies/{treasury}/1/70000"),
        "/v1/sessions/abc".into(),
        format!("/v1/payments/{treasury}/0x00"),
        "/v1/decisions/%F0%9F%92%B8".into(),
    ] {
        let answer = api.get(&path).await?;
        assert_eq!(answer.status, 400, "{path}: {}", answer.text());
        assert_eq!(answer.json()["code"], "invalid_path", "{path}");
    }
    Ok(())
}

async fn bodies_that_are_no_json_too_large_or_misnamed_are_refused(stores: Stores) -> anyhow::Result<()> {
    let api = api(stores).await?;
    for path in ["/v1/decisions", "/v1/outcomes", "/v1/approval-requests"] {
        let untyped = api.send(Request::post(path).body(Body::from("{}"))?).await?;
        assert_eq!((untyped.status.as_u16(), untyped.json()["code"].clone()), (415, json!("not_json")));
        for (body, status, code) in [
            (String::new(), 400, "malformed_json"),
            ("{".into(), 400, "malformed_json"),
            ("[]".into(), 422, "invalid_body"),
            ("{}".into(), 422, "invalid_body"),
            (r#"{"colour":"blue"}"#.into(), 422, "invalid_body"),
            (" ".repeat(10 << 20), 413, "body_too_large"),
        ] {
            let answer = api.post_text(path, body).await?;
            let got = (answer.status.as_u16(), answer.json()["code"].clone());
            assert_eq!(got, (status, json!(code)), "{path}: {}", answer.text());
        }
    }
    Ok(())
}

async fn what_is_no_route_and_what_is_no_method_are_json_too(stores: Stores) -> anyhow::Result<()> {
    let api = api(stores).await?;
    let answer = api.get("/v1/nothing").await?;
    assert_eq!((answer.status.as_u16(), answer.json()["code"].clone()), (404, json!("no_such_route")));
    let answer = api.send(Request::delete("/v1/payments").body(Body::empty())?).await?;
    assert_eq!((answer.status.as_u16(), answer.json()["code"].clone()), (405, json!("method_not_allowed")));
    Ok(())
}
