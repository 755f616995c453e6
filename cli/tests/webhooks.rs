//! Webhooks as an operator keeps them, with the service that delivers them; and that their secrets are nobody else's.
#![allow(clippy::unwrap_used, missing_docs)]

use std::{
    io::Read as _,
    path::Path,
    process::{Command, Stdio},
    sync::{Arc, Mutex},
};

use anyhow::{Result, ensure};
use axum::{Router, extract::State, http::StatusCode};
use bursar_indexer::{Store, db::Query};
use serde_json::Value;
use tokio::sync::Notify;

fn command(dir: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bursar"));
    command.current_dir(dir).env_clear();
    command
}

fn run(dir: &Path, args: &[&str]) -> Result<(bool, String)> {
    let output = command(dir).args(["--json", "webhook"]).args(args).output()?;
    Ok((output.status.success(), String::from_utf8([output.stdout, output.stderr].concat())?))
}

fn done(dir: &Path, args: &[&str]) -> Result<Value> {
    let (worked, text) = run(dir, args)?;
    ensure!(worked, "bursar webhook {args:?} failed: {text}");
    Ok(serde_json::from_str(&text)?)
}

#[derive(Default)]
struct Endpoint {
    got: Mutex<Vec<String>>,
    news: Notify,
}

async fn take(State(endpoint): State<Arc<Endpoint>>, body: String) -> StatusCode {
    endpoint.got.lock().unwrap().push(body);
    endpoint.news.notify_one();
    StatusCode::OK
}

impl Endpoint {
    async fn until(&self, count: usize) -> Vec<String> {
        loop {
            let got = self.got.lock().unwrap().clone();
            if got.len() >= count {
                return got;
            }
            self.news.notified().await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_from_the_command_line_to_its_endpoint() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let endpoint = Arc::new(Endpoint::default());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}/canary-path?token=canary-token", listener.local_addr()?);
    let router = Router::new().fallback(take).with_state(Arc::clone(&endpoint));
    let serving = tokio::spawn(async move { axum::serve(listener, router).await });

    for (bad, why) in [
        ("http://hooks.example/canary-path", "https"),
        ("https://10.0.0.1/canary-path", "--allow-private"),
        ("https://ada:canary-path@hooks.example/", "without user"),
        ("canary-path", "expected the address"),
    ] {
        let (worked, text) = run(dir.path(), &["add", bad])?;
        ensure!(!worked && text.contains(why) && !text.contains("canary"), "{bad}: {text}");
    }
    let (worked, text) = run(dir.path(), &["add", &url, "--kinds", "payment.lost"])?;
    ensure!(!worked && text.contains("payment.seen"), "{text}");

    let added = done(dir.path(), &["add", &url, "--from", "0"])?;
    let (id, secret) =
        (added["id"].as_str().unwrap_or_default(), added["secret"].as_str().unwrap_or_default());
    ensure!(secret.starts_with("whsec_") && id.starts_with("wh_"), "{added}");
    let listed = done(dir.path(), &["list"])?;
    assert_eq!((&listed["items"][0]["id"], &listed["items"][0]["cursor"]), (&id.into(), &0.into()));
    ensure!(!listed.to_string().contains("whsec") && !listed.to_string().contains("canary"), "{listed}");
    done(dir.path(), &["test", id])?;
    let test: Value = serde_json::from_str(&endpoint.until(1).await[0])?;
    assert_eq!(test["type"], "webhook.test");

    // The service delivers what is in the outbox, and says everything it ever says.
    let store =
        Store::connect(&format!("sqlite:{}", dir.path().join("bursar.sqlite").display()).parse()?).await?;
    let told =
        "INSERT INTO outbox (seq, kind, at, subject, body) VALUES (1, 'freeze.set', 5, 'treasuries/x', '{}')";
    Query::new(told).execute(store.db()).await?;
    let mut service = command(dir.path())
        .env("BURSAR_LISTEN", "127.0.0.1:0")
        .env("BURSAR_LOG", "trace")
        .arg("api")
        .stderr(Stdio::piped())
        .spawn()?;
    let mut stderr = service.stderr.take().unwrap();
    let log = std::thread::spawn(move || {
        let mut log = String::new();
        stderr.read_to_string(&mut log).map(|_| log)
    });
    let got: Value = serde_json::from_str(&endpoint.until(2).await[1])?;
    assert_eq!((&got["type"], &got["data"]["seq"]), (&"freeze.set".into(), &1.into()));
    while store.webhook(id).await?.is_some_and(|webhook| webhook.cursor != 1) {
        tokio::task::yield_now().await;
    }
    // And goes on about an endpoint that is not there.
    serving.abort();
    let _ = serving.await;
    Query::new("INSERT INTO outbox (seq, kind, at, subject, body) VALUES (2, 'freeze.set', 5, 'x', '{}')")
        .execute(store.db())
        .await?;
    while store.webhook(id).await?.is_some_and(|webhook| webhook.failures == 0) {
        tokio::task::yield_now().await;
    }
    service.kill()?;
    service.wait()?;
    let log = log.join().unwrap()?;
    ensure!(
        log.contains("TRACE") && log.contains("delivered") && log.contains("a webhook's endpoint failed")
    );
    let key = secret.trim_start_matches("whsec_");
    for canary in [key, "canary-path", "canary-token"] {
        let line = log.lines().find(|line| line.contains(canary));
        ensure!(line.is_none(), "the log has {canary}: {line:?}");
    }

    let replayed = done(dir.path(), &["replay", id, "--from", "1"])?;
    assert_eq!(replayed["cursor"], 1);
    let (worked, text) = run(dir.path(), &["replay", id, "--from", "3"])?;
    ensure!(!worked && text.contains("a cursor of 2 at most"), "{text}");
    done(dir.path(), &["remove", id])?;
    ensure!(!run(dir.path(), &["remove", id])?.0, "it was removed twice");
    Ok(())
}
