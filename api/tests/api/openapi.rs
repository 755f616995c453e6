//! The document, and that it says what the routes do.

use bursar_test_stores::{Stores, on_both_stores};
use serde_json::Value;

use crate::client::api;

on_both_stores!(
    the_served_document_is_the_generated_one,
    every_documented_parameter_is_taken,
    the_documentation_is_served_from_here,
);

const COMMITTED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/openapi.json");

/// `BURSAR_REWRITE=1 cargo test` writes the document instead of comparing it.
#[test]
fn the_committed_document_is_the_generated_one() -> anyhow::Result<()> {
    let generated = bursar_api::document().to_pretty_json()? + "\n";
    if std::env::var_os("BURSAR_REWRITE").is_some() {
        std::fs::write(COMMITTED, &generated)?;
    }
    let committed = std::fs::read_to_string(COMMITTED)?;
    assert!(committed == generated, "api/openapi.json is stale: run BURSAR_REWRITE=1 cargo test");
    Ok(())
}

/// And so the committed one, by the test above: that may be about to write the file.
async fn the_served_document_is_the_generated_one(stores: Stores) -> anyhow::Result<()> {
    let api = api(stores).await?;
    assert_eq!(api.json("/openapi.json").await?, serde_json::to_value(bursar_api::document())?);
    Ok(())
}

/// Every `$ref` of the document leads somewhere, every operation is tagged and can fail as told.
#[test]
fn the_document_is_whole() -> anyhow::Result<()> {
    let document = serde_json::to_value(bursar_api::document())?;
    let mut refs = Vec::new();
    collect_refs(&document, &mut refs);
    assert!(!refs.is_empty());
    for reference in refs {
        let pointer = reference.trim_start_matches('#');
        assert!(document.pointer(pointer).is_some(), "{reference} leads nowhere");
    }
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            assert!(operation["tags"].is_array(), "{method} {path} has no tag");
            assert!(operation["summary"].is_string(), "{method} {path} has no summary");
            if path.starts_with("/v1") {
                assert!(operation["responses"]["5XX"].is_object(), "{method} {path} claims never to fail");
            }
        }
    }
    Ok(())
}

fn collect_refs<'a>(value: &'a Value, refs: &mut Vec<&'a str>) {
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                match (key.as_str(), value) {
                    ("$ref", Value::String(reference)) => refs.push(reference),
                    _ => collect_refs(value, refs),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect_refs(item, refs)),
        _ => {}
    }
}

async fn every_documented_parameter_is_taken(stores: Stores) -> anyhow::Result<()> {
    let api = api(stores).await?;
    let document = serde_json::to_value(bursar_api::document())?;
    let mut tried = 0;
    for (path, item) in document["paths"].as_object().unwrap() {
        let parameters = item["get"]["parameters"].as_array().cloned().unwrap_or_default();
        for parameter in parameters.iter().filter(|parameter| parameter["in"] == "query") {
            let name = parameter["name"].as_str().unwrap();
            let answer = api.get(&format!("{path}?{name}=%00")).await?;
            assert_ne!(answer.json()["code"], "unknown_parameter", "{path}?{name}");
            assert_eq!(parameter["required"], false, "{path}?{name}");
            tried += 1;
        }
    }
    assert!(tried > 50, "only {tried} parameters are documented");
    Ok(())
}

async fn the_documentation_is_served_from_here(stores: Stores) -> anyhow::Result<()> {
    let api = api(stores).await?;
    let page = api.get("/docs/").await?;
    assert_eq!(page.status, 200);
    assert!(!page.text().contains("https://"), "the page loads from elsewhere");
    let setup = api.get("/docs/swagger-initializer.js").await?;
    assert!(setup.text().contains("/openapi.json"), "{}", setup.text());
    assert_eq!(api.get("/docs/swagger-ui-bundle.js").await?.status, 200);
    Ok(())
}
