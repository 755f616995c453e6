//! Reports that are asked for: one at a time, of a height that is final, for whoever may see the treasury.

use std::{fs, io::Cursor, path::PathBuf, time::Duration};

use alloy::primitives::{Address, B256, keccak256};
use bursar_indexer::db::Query;
use bursar_report::verify;
use bursar_test_stores::{Stores, on_both_stores};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;
use zip::ZipArchive;

use crate::{
    client::{self, Api},
    seed::{self, address},
};

on_both_stores!(
    a_report_is_made_and_found_by_its_id_alone,
    one_is_made_at_a_time,
    what_cannot_be_reported_is_told_at_once,
);

/// A treasury of which the ledger has what the chain told: that there is one.
fn treasury() -> Address {
    address(0x99)
}

async fn api(stores: Stores) -> anyhow::Result<Api> {
    let api = client::api(stores).await?;
    let db = api.seeded.store.db();
    let made = Query::new(
        "INSERT INTO treasury (address, factory, owner, delay, separation, created_block) VALUES ($1, $2, $3, 0, FALSE, $4)",
    );
    let made = made.bind(treasury()).bind(address(0x0f)).bind(address(0x01)).bind(seed::FIRST);
    made.execute(db).await?;
    let told = Query::new(
        "INSERT INTO event (block_number, log_index, block_hash, tx_hash, address, treasury, envelope, kind, args) \
         VALUES ($1, 900, $2, $3, $4, $5, NULL, 'treasury_created', $6)",
    );
    let hash = keccak256(seed::FIRST.to_be_bytes());
    let told = told.bind(seed::FIRST).bind(hash).bind(B256::repeat_byte(0x31)).bind(address(0x0f));
    let args = json!({ "treasury": treasury(), "owner": address(0x01) }).to_string();
    told.bind(treasury()).bind(args.as_str()).execute(db).await?;
    Ok(api)
}

fn route() -> String {
    format!("/v1/treasuries/{}/reports", treasury())
}

async fn asked(api: &Api, wish: &Value) -> anyhow::Result<(u16, Value)> {
    let answer = api.post(&route(), wish).await?;
    Ok((answer.status.as_u16(), answer.json()))
}

async fn ended(api: &Api, report: &Value) -> anyhow::Result<Value> {
    let of = format!("{}/{}", route(), report["id"].as_str().unwrap());
    // Paper is drawn slowly by a build for tests.
    for _ in 0..30_000 {
        let told = api.json(&of).await?;
        if told["state"] != "working" {
            return Ok(told);
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    anyhow::bail!("the report is still made after ten minutes")
}

/// A report that was taken away, and the names in its folder.
struct Unpacked {
    to: TempDir,
    folder: PathBuf,
    names: Vec<String>,
}

async fn unpacked(api: &Api, report: &Value) -> anyhow::Result<Unpacked> {
    let file = api.get(report["file"].as_str().unwrap()).await?;
    assert_eq!(file.status.as_u16(), 200);
    assert_eq!(file.headers["content-type"], "application/zip");
    assert_eq!(file.body.len() as u64, report["bytes"].as_u64().unwrap());
    let to = tempfile::tempdir()?;
    ZipArchive::new(Cursor::new(&file.body))?.extract(to.path())?;
    let name = format!("report-{:#x}-{}", treasury(), report["height"]);
    assert_eq!(file.headers["content-disposition"], format!("attachment; filename=\"{name}.zip\"").as_str());
    let folder = to.path().join(&name);
    assert_eq!(fs::read_dir(to.path())?.count(), 1, "one folder, and nothing beside it");
    let digest = hex::encode(Sha256::digest(fs::read(folder.join("report.json"))?));
    assert_eq!(report["sha256"], json!(digest));
    let mut names = fs::read_dir(&folder)?
        .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
        .collect::<anyhow::Result<Vec<_>>>()?;
    names.sort();
    Ok(Unpacked { to, folder, names })
}

async fn a_report_is_made_and_found_by_its_id_alone(stores: Stores) -> anyhow::Result<()> {
    let api = api(stores).await?;
    let (status, begun) = asked(&api, &json!({ "words": true })).await?;
    assert_eq!((status, &begun["words"]), (202, &json!(true)), "{begun}");
    let id = begun["id"].as_str().unwrap();
    // Nothing has had time to make it: nobody else runs before this thread waits for something.
    assert_eq!(
        (&begun["state"], &begun["sha256"], &begun["file"]),
        (&json!("working"), &json!(null), &json!(null))
    );
    let early = api.get(&format!("{}/{id}/report.zip", route())).await?;
    assert_eq!((early.status.as_u16(), early.json()["code"].clone()), (409, json!("report_not_ready")));
    let report = ended(&api, &begun).await?;
    assert_eq!(report["state"], "ready", "{report}");
    let whole = unpacked(&api, &report).await?;
    for name in ["report.json", "report.html", "underwriting.json", "payments.csv", "records.jsonl"] {
        assert!(whole.names.iter().any(|it| it == name), "{name}: {:?}", whole.names);
    }
    let (verification, _) = verify::offline(&whole.folder)?;
    assert!(verification.holds(), "{verification:?}");
    whole.to.close()?;
    // Whoever may see another treasury sees nothing of it, and nobody guesses.
    let elsewhere = format!("/v1/treasuries/{}/reports/{id}", address(0x66));
    for path in [elsewhere, format!("{}/{}", route(), "00000000-0000-4000-8000-000000000000")] {
        assert_eq!(api.get(&path).await?.status.as_u16(), 404, "{path}");
        assert_eq!(api.get(&format!("{path}/report.zip")).await?.status.as_u16(), 404, "{path}");
    }
    // The next one takes its place.
    let (_, next) = asked(&api, &json!({ "words": false })).await?;
    let silent = ended(&api, &next).await?;
    assert_eq!(silent["words"], json!(false));
    // The same report, and what agents said in words is not handed out.
    assert_eq!(silent["sha256"], report["sha256"]);
    let without: Vec<_> = whole.names.into_iter().filter(|name| name != "records.jsonl").collect();
    assert_eq!(unpacked(&api, &silent).await?.names, without);
    assert_eq!(api.get(&format!("{}/{id}", route())).await?.status.as_u16(), 404);
    Ok(())
}

async fn one_is_made_at_a_time(stores: Stores) -> anyhow::Result<()> {
    let api = api(stores).await?;
    let wish = json!({ "words": true });
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
        (json!({ "height": 999_999_999, "words": true }), 422, "no_such_height"),
        (json!({ "height": 0, "words": true }), 422, "no_such_height"),
        (json!({ "height": -1, "words": true }), 422, "invalid_body"),
        (json!({}), 422, "invalid_body"),
        (json!({ "wordz": true }), 422, "invalid_body"),
    ] {
        let (got, told) = asked(&api, &wish).await?;
        assert_eq!((got, &told["code"]), (status, &json!(code)), "{wish}: {told}");
    }
    let unknown = format!("/v1/treasuries/{}/reports", address(0x66));
    let answer = api.post(&unknown, &json!({ "words": true })).await?;
    assert_eq!((answer.status.as_u16(), answer.json()["code"].clone()), (422, json!("nothing_to_report")));
    assert_eq!(api.get("/audit/report").await?.status.as_u16(), 200);
    Ok(())
}
