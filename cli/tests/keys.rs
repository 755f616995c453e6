//! Keys as an operator makes and revokes them, with the service that asks for them; and that they are nobody else's.
#![allow(clippy::unwrap_used, missing_docs)]

use std::{
    io::{BufRead as _, BufReader, Read as _},
    os::unix::fs::PermissionsExt as _,
    path::Path,
    process::{Command, Stdio},
};

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

const TREASURY: &str = "0x7171717171717171717171717171717171717171";

fn command(dir: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bursar"));
    command.current_dir(dir).env_clear();
    command
}

fn run(dir: &Path, args: &[&str]) -> Result<(bool, String)> {
    let output = command(dir).args(["--json", "key"]).args(args).output()?;
    Ok((output.status.success(), String::from_utf8([output.stdout, output.stderr].concat())?))
}

fn done(dir: &Path, args: &[&str]) -> Result<Value> {
    let (worked, text) = run(dir, args)?;
    ensure!(worked, "bursar key {args:?} failed: {text}");
    Ok(serde_json::from_str(&text)?)
}

#[test]
fn a_key_is_for_what_its_role_is() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let create = ["create", "--name", "x", "--role"];
    for (args, why) in [
        (&["owner", "--all-treasuries"][..], "expected auditor, treasury, agent or approver"),
        (&["auditor"], "--of-treasury"),
        (&["auditor", "--of-treasury", TREASURY, "--all-treasuries"], "cannot be used with"),
        (&["treasury", "--all-treasuries"], "only an auditor may be of all treasuries"),
        (&["agent", "--of-treasury", TREASURY], "expected the account of the agent"),
        (&["approver", "--of-treasury", TREASURY], "expected the account of the approver"),
        (&["auditor", "--of-treasury", TREASURY, "--account", TREASURY], "speaks for none"),
        (&["auditor", "--all-treasuries", "--days", "0"], "1..="),
    ] {
        let (worked, text) = run(dir.path(), &[&create[..], args].concat())?;
        ensure!(!worked && text.contains(why), "{args:?}: {text}");
    }
    for name in ["", " ", "a\nb", &"x".repeat(81)] {
        let args = ["create", "--name", name, "--role", "auditor", "--all-treasuries"];
        let (worked, text) = run(dir.path(), &args)?;
        ensure!(!worked && text.contains("expected a name"), "{name:?}: {text}");
    }
    assert_eq!(done(dir.path(), &["list"])?["items"], serde_json::json!([]));
    ensure!(run(dir.path(), &["revoke", "0000000000000000"])?.1.contains("there is no key"));
    Ok(())
}

/// The service in `dir`, and where it is.
fn service(dir: &Path, log: &str) -> Result<(std::process::Child, String, std::thread::JoinHandle<String>)> {
    let mut service = command(dir)
        .envs([("NO_COLOR", "1"), ("BURSAR_LISTEN", "127.0.0.1:0")])
        .envs([("BURSAR_ACCESS_MODE", "keys"), ("BURSAR_LOG", log)])
        .arg("api")
        .stderr(Stdio::piped())
        .spawn()?;
    let mut stderr = BufReader::new(service.stderr.take().context("no log")?);
    let (mut told, mut line) = (String::new(), String::new());
    let address = loop {
        line.clear();
        ensure!(stderr.read_line(&mut line)? != 0, "the service ended: {told}");
        told.push_str(&line);
        if let Some((_, rest)) = line.split_once("address=").filter(|_| line.contains("serving")) {
            break rest.split_whitespace().next().unwrap_or_default().to_owned();
        }
    };
    let log = std::thread::spawn(move || {
        let _ = stderr.read_to_string(&mut told);
        told
    });
    Ok((service, format!("http://{address}/"), log))
}

#[test]
fn a_key_from_the_command_line_to_the_service_and_its_end() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let wanted = ["--role", "auditor", "--of-treasury", TREASURY, "--days", "30"];
    let made = done(dir.path(), &[&["create", "--name", "Ada, audit"][..], &wanted].concat())?;
    let (id, key) = (made["id"].as_str().unwrap_or_default(), made["key"].as_str().unwrap_or_default());
    ensure!(key.starts_with(&format!("bursar_{id}_")), "{made}");
    let listed = done(dir.path(), &["list"])?;
    assert_eq!((&listed["items"][0]["id"], &listed["items"][0]["name"]), (&id.into(), &"Ada, audit".into()));
    let secret = &key[24..];
    ensure!(!listed.to_string().contains(secret), "{listed}");
    let kept = std::fs::read(dir.path().join("bursar.sqlite"))?;
    let raw = (0..secret.len()).step_by(2).map(|at| u8::from_str_radix(&secret[at..at + 2], 16));
    let raw: Vec<u8> = raw.collect::<Result<_, _>>()?;
    ensure!(!kept.windows(32).any(|bytes| bytes == raw), "the store keeps the secret");
    ensure!(!kept.windows(64).any(|bytes| bytes == secret.as_bytes()), "the store keeps the secret");

    let (mut service, url, log) = service(dir.path(), "trace")?;
    let ask = |key: Option<(&str, &str)>, path: &Path| -> Result<(bool, String)> {
        let mut asking = command(path);
        asking.args(["--json", "--api-url", &url, "ledger", "agents"]).envs(key);
        let output = asking.output()?;
        Ok((output.status.success(), String::from_utf8([output.stdout, output.stderr].concat())?))
    };
    let asked = (|| -> Result<()> {
        let (worked, text) = ask(None, dir.path())?;
        ensure!(!worked && text.contains("a key is asked for here"), "{text}");
        let (worked, text) = ask(Some(("BURSAR_API_KEY", key)), dir.path())?;
        ensure!(worked, "{text}");
        let file = dir.path().join("api.key");
        std::fs::write(&file, format!("{key}\n"))?;
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644))?;
        let (worked, text) = ask(Some(("BURSAR_API_KEY_FILE", "api.key")), dir.path())?;
        ensure!(!worked && text.contains("readable by others"), "{text}");
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600))?;
        let (worked, text) = ask(Some(("BURSAR_API_KEY_FILE", "api.key")), dir.path())?;
        ensure!(worked, "{text}");
        let (worked, text) = ask(Some(("BURSAR_API_KEY", &key.replace('_', "\n"))), dir.path())?;
        ensure!(!worked && !text.contains(secret), "{text}");
        done(dir.path(), &["revoke", id])?;
        let (worked, text) = ask(Some(("BURSAR_API_KEY", key)), dir.path())?;
        ensure!(!worked && text.contains("was revoked"), "{text}");
        let revoked = done(dir.path(), &["revoke", id])?;
        ensure!(revoked["revokedAt"].is_u64(), "a second time changes nothing: {revoked}");
        Ok(())
    })();
    // As a supervisor ends it: what was asked is kept first.
    let ended = Command::new("kill").args(["-TERM", &service.id().to_string()]).status()?;
    ensure!(ended.success() && service.wait()?.success(), "it did not end as it should");
    asked?;
    let files = ["bursar.sqlite", "bursar.sqlite-wal"].map(|name| std::fs::read(dir.path().join(name)));
    let kept: Vec<u8> = files.into_iter().flatten().flatten().collect();
    for told in ["/v1/ledger", &format!("key:{id}"), "bursar key revoke"] {
        ensure!(kept.windows(told.len()).any(|bytes| bytes == told.as_bytes()), "{told} is not kept");
    }
    ensure!(!kept.windows(64).any(|bytes| bytes == secret.as_bytes()), "the store keeps the secret");
    let log = log.join().unwrap();
    ensure!(log.contains("TRACE") && log.contains("answered"), "{log}");
    let line = log.lines().find(|line| line.contains(secret));
    ensure!(line.is_none(), "the log has the secret: {line:?}");
    Ok(())
}

#[test]
fn keys_are_sent_to_nobody_who_could_be_overheard() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let mut asking = command(dir.path());
    asking.args(["--api-url", "http://api.example/", "ledger", "agents"]).env("BURSAR_API_KEY", "canary");
    let output = asking.output()?;
    let text = String::from_utf8(output.stderr)?;
    ensure!(!output.status.success() && text.contains("https") && !text.contains("canary"), "{text}");
    Ok(())
}

#[test]
fn an_open_service_listens_on_this_machine_alone() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let output = command(dir.path()).env("BURSAR_LISTEN", "0.0.0.0:0").arg("api").output()?;
    let text = String::from_utf8(output.stderr)?;
    ensure!(!output.status.success() && text.contains("access.mode = \"keys\""), "{text}");
    Ok(())
}
