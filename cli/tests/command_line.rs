//! The binary as a treasury team and an agent developer use it, against a real node.
#![allow(clippy::unwrap_used, missing_docs)]

mod desk;

use std::{os::unix::fs::PermissionsExt as _, process::Command};

use alloy::{primitives::Address, providers::Provider as _, signers::local::PrivateKeySigner};
use anyhow::{Result, ensure};
use bursar_sdk::testing::LocalChain;
use serde_json::Value;

use desk::{Desk, command};

#[tokio::test(flavor = "multi_thread")]
async fn a_treasury_and_an_agent_from_the_command_line() -> Result<()> {
    let chain = LocalChain::start().await?;
    let desk = Desk::new(&chain)?;
    let agent = PrivateKeySigner::random();
    desk.key("agent", &agent)?;

    // A policy document: printed, checked, put in force.
    let example = command(desk.dir.path()).args(["policy", "example"]).output()?;
    ensure!(example.status.success());
    std::fs::write(desk.path("policy.json"), &example.stdout)?;
    let checked = desk.done("manager", &["policy", "check", "policy.json"])?;
    let made = desk.done(
        "manager",
        &["treasury", "create-envelope", &agent.address().to_string(), "--policy", "policy.json"],
    )?;
    let envelope = made["envelope"].to_string();
    assert!(made["transaction"].as_str().is_some_and(|hash| hash.len() == 66));
    let compared = desk.done("manager", &["policy", "compare", &envelope, "policy.json"])?;
    assert_eq!((compared["matches"].as_bool(), checked["policyHash"].is_string()), (Some(true), true));

    // The same agent twice is refused, with both values.
    let twice = ["treasury", "create-envelope", &agent.address().to_string(), "--policy", "policy.json"];
    assert!(desk.refused("manager", &twice)?.contains("AgentTaken"));

    // Money in, a session, money back.
    bursar_sdk::deploy::mint_test_usdc(
        &chain.provider,
        chain.usdc,
        chain.people.gas.address(),
        bursar_sdk::Amount::new(50_000_000),
    )
    .await?;
    desk.done("gas", &["treasury", "top-up", &envelope, "50000000"])?;
    let on_envelope = ["--envelope", &envelope, "--gas-key-file", "gas.key"];
    let open = [&["agent", "open", "--budget", "5000000"][..], &on_envelope].concat();
    let session = desk.done("agent", &open)?;
    assert_eq!(session["budget"], "5000000");
    let shown = desk.done("agent", &[&["agent", "show"][..], &on_envelope].concat())?;
    assert_eq!((shown["escrow"].as_str(), shown["held"].as_str()), (Some("45000000"), Some("5000000")));

    // A guardian stops and cannot release; the owner releases.
    desk.done("guardian", &["treasury", "freeze", "--envelope", &envelope])?;
    assert!(desk.refused("agent", &open)?.contains("envelope_frozen"));
    let release = ["treasury", "unfreeze", "--envelope", &envelope];
    assert!(desk.refused("guardian", &release)?.contains("RoleMissing"));
    desk.done("owner", &release)?;

    let closed = desk.done("agent", &[&["agent", "close"][..], &on_envelope].concat())?;
    assert_eq!(closed["returned"], "5000000");
    let to = Address::repeat_byte(0x77).to_string();
    desk.done("owner", &["treasury", "withdraw", &envelope, "50000000", "--to", &to])?;
    assert!(
        desk.refused("owner", &["treasury", "withdraw", &envelope, "1", "--to", &to])?
            .contains("EscrowTooSmall")
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_input_is_named_and_keys_are_never_repeated() -> Result<()> {
    let chain = LocalChain::start().await?;
    let desk = Desk::new(&chain)?;

    // Another chain than the node's.
    let output = command(desk.dir.path())
        .args(["--network", "base", "--rpc-url", &chain.url, "treasury", "show"])
        .output()?;
    let error = String::from_utf8(output.stderr)?;
    assert!(error.contains("expected chain 8453") && error.contains("31337"), "{error}");

    // No treasury where one is expected.
    let nowhere = Address::repeat_byte(1).to_string();
    assert!(desk.refused("owner", &["--treasury", &nowhere, "treasury", "show"])?.contains("no code"));

    // A key that others can read, and one that is none; neither is repeated.
    std::fs::set_permissions(desk.path("owner.key"), std::fs::Permissions::from_mode(0o644))?;
    assert!(desk.refused("owner", &["treasury", "delay", "5"])?.contains("readable by others"));
    std::fs::write(desk.path("gas.key"), "0xnot-a-key-but-secret")?;
    let error = desk.refused("gas", &["treasury", "delay", "5"])?;
    assert!(error.contains("32 bytes") && !error.contains("secret"), "{error}");

    // A policy that contradicts itself, with both values.
    let example = command(desk.dir.path()).args(["policy", "example"]).output()?;
    let mut policy: Value = serde_json::from_slice(&example.stdout)?;
    policy["sessionLimit"] = "1".into();
    std::fs::write(desk.path("bad.json"), policy.to_string())?;
    let error = desk.refused("manager", &["policy", "check", "bad.json"])?;
    assert!(error.contains("5000000") && error.contains("got 1"), "{error}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stamp_is_issued_delegated_shown_and_verified_here_and_offline() -> Result<()> {
    let chain = LocalChain::start().await?;
    let desk = Desk::new(&chain)?;
    let (stamper, agent, sub) =
        (PrivateKeySigner::random(), PrivateKeySigner::random(), PrivateKeySigner::random());
    for (name, key) in [("stamper", &stamper), ("agent", &agent)] {
        desk.key(name, key)?;
    }
    let now = chain.provider.get_block_by_number(Default::default()).await?.unwrap().header.timestamp;
    let terms = |subject: Address, most: u64, depth: u8| {
        serde_json::json!({
            "subject": subject, "perPaymentMax": most.to_string(), "totalMax": "1000", "depthLeft": depth,
            "notBefore": now, "notAfter": now + 86_400, "scope": { "hosts": ["api.example.com"] },
            "windows": [{ "period": 86_400, "limit": "500" }],
        })
        .to_string()
    };
    std::fs::write(desk.path("root.json"), terms(agent.address(), 100, 1))?;
    std::fs::write(desk.path("sub.json"), terms(sub.address(), 50, 0))?;
    std::fs::write(desk.path("wider.json"), terms(sub.address(), 101, 0))?;

    let issue = |who: &str, args: &[&str], to: &str| -> Result<Value> {
        let issued = desk.done(who, &[&["stamp", "issue"][..], args].concat())?;
        std::fs::write(desk.path(to), issued["stamp"].as_str().unwrap_or_default())?;
        Ok(issued["stampHash"].clone())
    };
    issue("stamper", &["root.json"], "agent.stamp")?;
    let hash = issue("agent", &["sub.json", "--parent", "agent.stamp"], "sub.stamp")?;
    let wider = ["stamp", "issue", "wider.json", "--parent", "agent.stamp"];
    assert!(desk.refused("agent", &wider)?.contains("limit_wider"));
    let not_theirs = ["stamp", "issue", "sub.json", "--parent", "agent.stamp"];
    assert!(desk.refused("stamper", &not_theirs)?.contains("issuer_not_parent"));

    let shown = desk.done("agent", &["stamp", "show", "sub.stamp"])?;
    assert_eq!((&shown["links"][1]["stampHash"], shown["links"].as_array().map(Vec::len)), (&hash, Some(2)));

    // Issued by somebody who is no stamper yet.
    let verify = ["stamp", "verify", "sub.stamp"];
    assert!(desk.refused("agent", &verify)?.contains("issued_at_call_time"));
    desk.done("owner", &["treasury", "grant", &stamper.address().to_string(), "stamper"])?;
    let verified = desk.done("agent", &verify)?;
    assert_eq!((&verified["stampHash"], verified["valid"].as_bool()), (&hash, Some(true)));

    // Offline: the state is all it takes, and it is what it takes.
    let mut state = desk.done("agent", &["stamp", "state"])?;
    std::fs::write(desk.path("state.json"), state.to_string())?;
    let offline =
        ["--rpc-url", "http://127.0.0.1:1", "stamp", "verify", "sub.stamp", "--state", "state.json"];
    assert_eq!(desk.done("agent", &offline)?["stampHash"], hash);
    let late = [&offline[..], &["--at", "99999999999"]].concat();
    assert!(desk.refused("agent", &late)?.contains("expired"));
    state["revoked"] = serde_json::json!([shown["links"][0]["stampHash"]]);
    std::fs::write(desk.path("state.json"), state.to_string())?;
    assert!(desk.refused("agent", &offline)?.contains("revoked"));

    std::fs::write(desk.path("bad.stamp"), "not a stamp")?;
    assert!(desk.refused("agent", &["stamp", "show", "bad.stamp"])?.contains("base64url"));
    Ok(())
}

#[test]
fn the_password_of_a_store_is_never_printed() -> Result<()> {
    let config = |store| {
        let dir = tempfile::tempdir()?;
        let mut bursar = Command::new(env!("CARGO_BIN_EXE_bursar"));
        let output = bursar.current_dir(dir.path()).args(["--json", "--store", store, "config"]).output()?;
        let text = [output.stdout, output.stderr].concat();
        anyhow::Ok((output.status.success(), String::from_utf8(text)?))
    };
    let (read, text) = config("postgres://ada:hunter2@db.example/ledger")?;
    assert!(read && text.contains("postgres://ada@db.example/ledger") && !text.contains("hunter2"), "{text}");
    let (read, text) = config("postgres://ada:hunter2@db.example:99999/ledger")?;
    assert!(!read && text.contains("postgres://USER@HOST/DATABASE") && !text.contains("hunter2"), "{text}");
    Ok(())
}
