//! Events as the service publishes them; and that who publishes is nobody else's business.
#![allow(clippy::unwrap_used, missing_docs)]

mod desk;

use std::{
    fs::Permissions,
    io::Read as _,
    os::unix::fs::PermissionsExt as _,
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Result, ensure};
use bursar_indexer::{
    Store,
    db::Query,
    store::{PUBLISHER, Webhook},
};
use bursar_test_nats::{Keeper, Server};
use desk::service::Process;
use serde_json::Value;

const GUARDED: &str = "jetstream { max_memory_store: 16MB, max_file_store: 256MB }\n\
    authorization { user: bursar, password: \"canary-password\" }\n";

/// Longest that a test waits for something.
const PATIENCE: Duration = Duration::from_secs(120);

fn command(dir: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bursar"));
    command.current_dir(dir).env_clear();
    command
}

fn webhook(dir: &Path, args: &[&str]) -> Result<(bool, String)> {
    let output = command(dir).args(["--json", "webhook"]).args(args).output()?;
    Ok((output.status.success(), String::from_utf8([output.stdout, output.stderr].concat())?))
}

async fn tell(store: &Store, seq: u64) -> Result<()> {
    let told = "INSERT INTO outbox (seq, kind, at, subject, body) VALUES ($1, 'freeze.set', 5, 'treasuries/x', '{}')";
    Query::new(told).bind(seq).execute(store.db()).await?;
    Ok(())
}

async fn until(store: &Store, is: impl Fn(&Webhook) -> bool) -> Result<()> {
    let waits = Instant::now();
    loop {
        let place = store.webhook(PUBLISHER).await?;
        if place.as_ref().is_some_and(&is) {
            return Ok(());
        }
        let error = place.as_ref().and_then(|place| place.last_error.as_ref());
        ensure!(waits.elapsed() < PATIENCE, "it last failed by {error:?}, and is at {place:?}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn events_from_the_store_to_the_stream() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let mut server = Server::with(GUARDED)?;
    let secret = dir.path().join("password");
    std::fs::write(&secret, "canary-password\n")?;
    let config =
        format!("[nats]\nurl = \"{}\"\nuser = \"bursar\"\npassword_file = \"password\"\n", server.url());
    std::fs::write(dir.path().join("bursar.toml"), config)?;
    std::fs::set_permissions(&secret, Permissions::from_mode(0o644))?;
    let refused = command(dir.path()).env("BURSAR_LISTEN", "127.0.0.1:0").arg("api").output()?;
    let said = String::from_utf8(refused.stderr)?;
    ensure!(!refused.status.success() && said.contains("chmod 600"), "{said}");
    std::fs::set_permissions(&secret, Permissions::from_mode(0o600))?;

    let store =
        Store::connect(&format!("sqlite:{}", dir.path().join("bursar.sqlite").display()).parse()?).await?;
    tell(&store, 1).await?;
    let service = command(dir.path())
        .env("BURSAR_LISTEN", "127.0.0.1:0")
        .env("BURSAR_LOG", "trace")
        .env("NO_COLOR", "1")
        .arg("api")
        .stderr(Stdio::piped())
        .spawn()?;
    let mut service = Process(service);
    let mut stderr = service.0.stderr.take().unwrap();
    let log = std::thread::spawn(move || {
        let mut log = String::new();
        stderr.read_to_string(&mut log).map(|_| log)
    });
    until(&store, |place| place.cursor == 1).await?;
    tell(&store, 2).await?;
    until(&store, |place| place.cursor == 2).await?;
    let messages = Keeper::by(&server, "bursar", "canary-password").await?.kept("bursar").await?;
    assert_eq!((messages.len(), messages[1].subject.as_str()), (2, "bursar.31337.-.freeze.set"));
    assert_eq!((&messages[1].body["seq"], &messages[1].body["kind"]), (&2.into(), &"freeze.set".into()));

    server.kill()?;
    until(&store, |place| place.failures != 0).await?;
    let (worked, listed) = webhook(dir.path(), &["list"])?;
    let items: Value = serde_json::from_str(&listed)?;
    let place = &items["items"][0];
    ensure!(worked && place["id"] == PUBLISHER && place["endpoint"] == server.url(), "{listed}");
    ensure!(place["lastError"].as_str().is_some_and(|error| error.contains("NATS server")), "{listed}");
    let (worked, said) = webhook(dir.path(), &["replay", PUBLISHER, "--from", "0"])?;
    ensure!(!worked && said.contains("read again from its stream"), "{said}");
    let (worked, said) = webhook(dir.path(), &["test", PUBLISHER])?;
    ensure!(!worked && said.contains("goes to a stream"), "{said}");
    drop(service);
    let log = log.join().unwrap()?;
    for told in ["write operation: CONNECT", "published seq=2", "events are not published"] {
        ensure!(log.contains(told), "the log lacks {told}: {log}");
    }
    let line = log.lines().find(|line| line.contains("canary"));
    ensure!(line.is_none(), "the log has the password: {line:?}");
    ensure!(webhook(dir.path(), &["remove", PUBLISHER])?.0, "who publishes no more is forgotten");
    Ok(())
}
