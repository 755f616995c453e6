//! The transparency log from the binary: signed, proven, and found out where somebody changed something.
#![allow(clippy::unwrap_used, unreachable_pub, missing_docs)]

#[path = "../../test/ledger/story/record.rs"]
mod record;

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path, process::Command};

use alloy::primitives::{Address, B256};
use anyhow::{Context as _, Result, ensure};
use bursar_indexer::{Store, StoreUrl, db::Query};
use bursar_sdk::{
    decision::DecisionRecord,
    transparency::{Checkpoint, Consistency, Inclusion},
};
use serde_json::Value;

const TREASURY: Address = Address::repeat_byte(0x71);
const PURSE: Address = Address::repeat_byte(3);

fn decision(seq: u64, why: &str) -> DecisionRecord {
    DecisionRecord {
        id: format!("0198c0de-0000-7000-8000-{seq:012}"),
        seq,
        prev_hash: B256::left_padding_from(&(seq - 1).to_be_bytes()),
        treasury: TREASURY,
        rationale: why.into(),
        ..record::record()
    }
}

async fn take_in(store: &Store, decision: &DecisionRecord) -> Result<()> {
    store.insert_decision(decision, &record::sealed(decision)?, 1_767_787_200 + decision.seq).await?;
    Ok(())
}

/// What a command prints, whether it ended well, and what it complains of.
fn bursar(dir: &Path, args: &[&str]) -> Result<(Value, bool, String)> {
    let treasury = TREASURY.to_string();
    let of = ["--json", "--store", "ledger.sqlite", "--treasury", &treasury, "--log-key-file", "log.key"];
    let mut command = Command::new(env!("CARGO_BIN_EXE_bursar"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("BURSAR_")) {
        command.env_remove(name);
    }
    let output = command.current_dir(dir).args(of).arg("log").args(args).output()?;
    let value = serde_json::from_slice(&output.stdout).unwrap_or_default();
    Ok((value, output.status.success(), String::from_utf8(output.stderr)?))
}

fn done(dir: &Path, args: &[&str]) -> Result<Value> {
    let (value, success, error) = bursar(dir, args)?;
    ensure!(success, "{args:?}: {error}{value:#}");
    Ok(value)
}

fn hashes(value: &Value) -> Result<Vec<B256>> {
    Ok(serde_json::from_value(value.clone())?)
}

fn hash(value: &Value) -> Result<B256> {
    Ok(serde_json::from_value(value.clone())?)
}

#[tokio::test]
async fn a_log_is_signed_proven_and_held_against_what_was_seen() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let dir = dir.path();
    let key = dir.join("log.key");
    fs::write(&key, format!("{}\n", B256::repeat_byte(0x42)))?;
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644))?;
    let store = Store::connect(&StoreUrl::file(dir.join("ledger.sqlite"))?).await?;
    let (_, success, error) = bursar(dir, &["checkpoint"])?;
    ensure!(!success && error.contains("readable by others"), "{error}");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600))?;
    assert_eq!(done(dir, &["checkpoint"])?["size"], 0);
    ensure!(done(dir, &["verify"])?["holds"] == true);

    for seq in 1..=5 {
        take_in(&store, &decision(seq, "needed")).await?;
    }
    let said = done(dir, &["checkpoint"])?;
    let (note, verifier) = (said["checkpoint"].as_str().unwrap(), said["verifier"].as_str().unwrap());
    ensure!(!said.to_string().contains("4242424242424242"), "the key is printed");
    let five = Checkpoint::open(note, verifier)?;
    assert_eq!((five.size, five.root), (5, hash(&said["root"])?));
    assert_eq!(five.origin, format!("bursar/eip155:31337/{TREASURY:#x}"));
    fs::write(dir.join("five"), note)?;

    let subject = decision(3, "needed").hash()?.to_string();
    for what in [["--entry", "2"], ["--subject", subject.as_str()]] {
        let proof = done(dir, &["prove", what[0], what[1]])?;
        let held = Inclusion { number: 2, size: 5, path: hashes(&proof["path"])? };
        held.check(hash(&proof["leafHash"])?, five.root)?;
    }
    let proof = done(dir, &["prove", "--from", "3"])?;
    let held = Consistency { from: 3, size: 5, path: hashes(&proof["path"])? };
    held.check(hash(&proof["fromRoot"])?, five.root)?;
    for (args, says) in [
        (["prove", "--entry", "5"], "the log has no such entry"),
        (["prove", "--from", "6"], "within the log's 5 entries"),
    ] {
        let (_, success, error) = bursar(dir, &args)?;
        ensure!(!success && error.contains(says), "{args:?}: {error}");
    }

    // It has grown since, and is still what it was.
    take_in(&store, &decision(6, "needed")).await?;
    let against = ["verify", "--checkpoint", "five", "--verifier", verifier];
    let held = done(dir, &against)?;
    assert_eq!((&held["holds"], &held["size"], &held["roots"]), (&true.into(), &6.into(), &1.into()));
    let other = verifier.replace(&format!("{TREASURY:#x}"), &format!("{PURSE:#x}"));
    let (_, success, error) = bursar(dir, &["verify", "--checkpoint", "five", "--verifier", &other])?;
    ensure!(!success && error.contains("key"), "{error}");

    // A record is changed: named, with its entry.
    let changed =
        Query::new("UPDATE decision SET record = replace(record, 'needed', 'wanted') WHERE seq = 3");
    changed.execute(store.db()).await?;
    let (found, success, _) = bursar(dir, &["verify"])?;
    let findings = found["findings"].as_array().context("findings")?;
    ensure!(!success && found["holds"] == false && findings.len() == 1, "{found:#}");
    let finding = findings[0].as_str().unwrap();
    ensure!(finding.starts_with(&format!("entry 2, about {subject}")), "{finding}");
    store.close().await;

    // The whole store is made anew, with that record told otherwise: nothing in it is wrong, but the checkpoint knows.
    for file in ["ledger.sqlite", "ledger.sqlite-wal", "ledger.sqlite-shm"] {
        let _ = fs::remove_file(dir.join(file));
    }
    let forged = Store::connect(&StoreUrl::file(dir.join("ledger.sqlite"))?).await?;
    for seq in 1..=6 {
        take_in(&forged, &decision(seq, if seq == 3 { "wanted" } else { "needed" })).await?;
    }
    ensure!(done(dir, &["verify"])?["holds"] == true);
    let (found, success, _) = bursar(dir, &against)?;
    let told = found["findings"][0].as_str().unwrap();
    ensure!(
        !success && told.contains("entries from 0 on were changed") && told.contains("five"),
        "{found:#}"
    );
    forged.close().await;
    Ok(())
}
