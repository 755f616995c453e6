//! Reports that are asked for: one at a time, of a height that is final, for whoever may see the treasury.

use std::time::Duration;

use bursar_test_stores::{Stores, on_both_stores};
use serde_json::{Value, json};

use crate::{
    client::{Api, api},
    seed::{address, treasury},
};

on_both_stores!(
    a_report_is_made_and_found_by_its_id_alone,
    one_is_made_at_a_time,
    what_cannot_be_reported_is_told_at_once,
);

fn route() -> String {
    format!("/v1/treasuries/{}/reports", treasury())
}

async fn asked(api: &Api, wish: &Value) -> anyhow::Result<(u16, Value)> {
    let answer = api.post(&route(), wish).await?;
    Ok((answer.status.as_u16(), answer.json()))
}

async fn ended(api: &Api, report: &Value) -> anyhow::Result<Value> {
    let of = format!("{}/{}", route(), report["id"].as_str().unwrap());
    loop {
        let told = api.json(&of).await?;
        if told["state"] != "working" {
            return Ok(told);
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn a_report_is_made_and_found_by_its_id_alone(stores: Stores) -> anyhow::Result<()> {
    let api = api(stores).await?;
    let (status, begun) = asked(&api, &json!({})).await?;
    assert_eq!((status, &begun["words"]), (202, &json!(true)), "{begun}");
    let id = begun["id"].as_str().unwrap();
    let early = api.get(&format!("{}/{id}/report.zip", route())).await?;
    assert!([200, 409].contains(&early.status.as_u16()));
    let report = ended(&api, &begun).await?;
    assert_eq!(report["state"], "ready", "{report}");
    let file = api.get(report["file"].as_str().unwrap()).await?;
    assert_eq!(file.status.as_u16(), 200);
    assert_eq!(file.body.len() as u64, report["bytes"].as_u64().unwrap());
    assert!(file.body.starts_with(b"PK"), "a file that everybody can open");
    // Whoever may see another treasury sees nothing of it, and nobody guesses.
    let elsewhere = format!("/v1/treasuries/{}/reports/{id}", address(0x66));
    for path in [elsewhere, format!("{}/{}", route(), "00000000-0000-4000-8000-000000000000")] {
        assert_eq!(api.get(&path).await?.status.as_u16(), 404, "{path}");
        assert_eq!(api.get(&format!("{path}/report.zip")).await?.status.as_u16(), 404, "{path}");
    }
    // The next one takes its place.
    let (_, next) = asked(&api, &json!({ "words": false })).await?;
    assert_eq!(ended(&api, &next).await?["words"], json!(false));
    assert_eq!(api.get(&format!("{}/{id}", route())).await?.status.as_u16(), 404);
    Ok(())
}

async fn one_is_made_at_a_time(stores: Stores) -> anyhow::Result<()> {
    let api = api(stores).await?;
    let wish = json!({});
    let both = futures::future::join(asked(&api, &wish), asked(&api, &wish)).await;
    let (one, other) = (both.0?, both.1?);
    let mut codes = [one.0, other.0];
    codes.sort_unstable();
    assert_eq!(codes, [202, 409], "{one:?}, {other:?}");
    let refused = if one.0 == 409 { one.1 } else { other.1 };
    assert_eq!(refused["code"], "report_busy");
    Ok(())
}

async fn what_cannot_be_reported_is_told_at_once(stores: Stores) -> anyhow::Result<()> {
    let api = api(stores).await?;
    for (wish, status, code) in [
        (json!({ "height": 999_999_999 }), 422, "no_such_height"),
        (json!({ "height": 0 }), 422, "no_such_height"),
        (json!({ "height": -1 }), 422, "invalid_body"),
        (json!({ "wordz": true }), 422, "invalid_body"),
    ] {
        let (got, told) = asked(&api, &wish).await?;
        assert_eq!((got, &told["code"]), (status, &json!(code)), "{wish}: {told}");
    }
    let unknown = format!("/v1/treasuries/{}/reports", address(0x66));
    let answer = api.post(&unknown, &json!({})).await?;
    assert_eq!((answer.status.as_u16(), answer.json()["code"].clone()), (422, json!("nothing_to_report")));
    assert_eq!(api.get("/audit/report").await?.status.as_u16(), 200);
    Ok(())
}
