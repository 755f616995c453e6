//! What people sign from the command line, with a key or elsewhere: approvals, rejections, erasures.
#![allow(clippy::unwrap_used, missing_docs)]

mod desk;

use std::{sync::Arc, time::Duration};

use alloy::{
    dyn_abi::TypedData,
    hex,
    primitives::{Address, address},
    signers::{SignerSync as _, local::PrivateKeySigner},
};
use anyhow::{Context as _, Result, ensure};
use bursar_sdk::{
    Agent, AgentError, Amount, Purpose,
    approval::HttpApprovals,
    clock::Clock,
    delivery::HttpSink,
    session::SessionTerms,
    testing::{DOLLAR, LocalChain},
};
use serde_json::{Value, json};
use x402_types::proto::OriginalJson;

use desk::{Desk, service::Service};

const PAYEE: Address = address!("0x00000000000000000000000000000000000FA4EE");

/// An agent that asks humans, with an open session, and whose records arrive.
async fn asking(chain: &LocalChain, service: &Service, spool: &std::path::Path) -> Result<Agent> {
    let identity = Arc::new(PrivateKeySigner::random());
    let (envelope, _) =
        chain.envelope(identity.address(), &chain.policy(), &[PAYEE], Amount::new(400 * DOLLAR)).await?;
    let http = reqwest::Client::new();
    let every = Duration::from_millis(100);
    let approvals = HttpApprovals::new(http.clone(), service.url.clone(), Clock::system(), every);
    let agent = Agent::builder(chain.provider.clone(), chain.treasury, envelope, identity, spool)
        .approvals(Arc::new(approvals))
        .sink(Arc::new(HttpSink::new(http, service.url.clone())))
        .connect()
        .await?;
    agent.open_session(&SessionTerms::new(Amount::new(50 * DOLLAR))).await?;
    Ok(agent)
}

/// What it pays where a human has to say yes.
async fn pay(chain: &LocalChain, agent: &Agent) -> Result<(), AgentError> {
    let challenge = json!({
        "scheme": "exact", "network": format!("eip155:{}", chain.chain_id), "amount": Amount::new(15 * DOLLAR),
        "payTo": PAYEE, "maxTimeoutSeconds": 300, "asset": chain.usdc, "extra": { "name": "USDC", "version": "2" },
    });
    let challenge: OriginalJson = serde_json::from_str(&challenge.to_string()).unwrap();
    let requirement = agent.means().read(&challenge)?;
    chain.settle(&agent.authorize(&requirement, Purpose::default()).await?).await?;
    Ok(())
}

/// The one request that waits, once it does.
async fn waiting(desk: &Desk, api: &[&str]) -> Result<String> {
    for _ in 0..600 {
        let page = desk.done("approver", &[api, &["treasury", "requests"]].concat())?;
        if let Some(digest) = page["items"][0]["digest"].as_str() {
            return Ok(digest.to_owned());
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    anyhow::bail!("nothing waits")
}

/// As a wallet signs it.
fn signed(typed: &Value, by: &PrivateKeySigner) -> Result<String> {
    let typed: TypedData = serde_json::from_value(typed.clone())?;
    Ok(hex::encode_prefixed(by.sign_hash_sync(&typed.eip712_signing_hash()?)?.as_bytes()))
}

#[tokio::test(flavor = "multi_thread")]
async fn an_approver_and_an_owner_sign_here_or_elsewhere() -> Result<()> {
    let chain = LocalChain::start().await?;
    let desk = Desk::new(&chain)?;
    let service = Service::start(&desk)?;
    let api = ["--api-url", service.url.as_str()];
    let spool = tempfile::tempdir()?;
    let agent = asking(&chain, &service, spool.path()).await?;
    let people = &chain.people;
    let with = |args: &[&str]| [&api, args].concat().iter().map(|arg| arg.to_string()).collect::<Vec<_>>();
    let done = |who: &str, args: &[&str]| {
        let args = with(args);
        desk.done(who, &args.iter().map(String::as_str).collect::<Vec<_>>())
    };
    let refused = |who: &str, args: &[&str]| {
        let args = with(args);
        desk.refused(who, &args.iter().map(String::as_str).collect::<Vec<_>>())
    };

    // Rejected, by a wallet somewhere else: only an approver's, and only for that reason.
    let ask = async || {
        tokio::try_join!(async { Ok(pay(&chain, &agent).await) }, async {
            let digest = waiting(&desk, &api).await?;
            let reject = ["treasury", "reject", &digest, "--reason", "too & dear"];
            let typed = done("approver", &[&reject[..], &["--typed-data"]].concat())?;
            assert_eq!(typed["primaryType"], "PaymentRejection");
            assert_eq!(typed["message"]["reason"], "too & dear");
            let by = people.approver.address().to_string();
            let stranger = signed(&typed, &people.guardian)?;
            let says =
                refused("approver", &[&reject[..], &["--by", &by, "--signature", &stranger]].concat())?;
            ensure!(says.contains("not the approver's"), "{says}");
            let signature = signed(&typed, &people.approver)?;
            let other = [
                "treasury",
                "reject",
                &digest,
                "--reason",
                "another",
                "--by",
                &by,
                "--signature",
                &signature,
            ];
            let says = refused("approver", &other)?;
            ensure!(says.contains("not the approver's"), "{says}");
            let half = refused("approver", &[&reject[..], &["--signature", &signature]].concat())?;
            ensure!(half.contains("--by"), "{half}");
            done("approver", &[&reject[..], &["--by", &by, "--signature", &signature]].concat())
        })
    };
    let (paid, answered) = ask().await?;
    assert_eq!(answered["rejectedBy"], json!(people.approver.address()));
    assert!(
        matches!(paid, Err(AgentError::ApprovalRejected { ref reason, .. }) if reason == "too & dear"),
        "{paid:?}"
    );

    // Approved, the same way.
    let (paid, _) = tokio::try_join!(async { Ok(pay(&chain, &agent).await) }, async {
        let digest = waiting(&desk, &api).await?;
        let approve = ["treasury", "approve", &digest, "--yes"];
        let typed = done("approver", &[&approve[..], &["--typed-data"]].concat())?;
        assert_eq!(typed["primaryType"], "PaymentApproval");
        let (by, signature) = (people.approver.address().to_string(), signed(&typed, &people.approver)?);
        done("approver", &[&approve[..], &["--by", &by, "--signature", &signature]].concat())
    })?;
    paid?;
    agent.flush().await?;

    // An owner has a record erased: by a signature from elsewhere, and by a key.
    let decisions = service.json("v1/decisions").await?;
    let hashes: Vec<&str> = decisions["items"]
        .as_array()
        .context("decisions")?
        .iter()
        .filter_map(|item| item["hash"].as_str())
        .collect();
    // What was asked for and rejected, that it was, and what was paid.
    ensure!(hashes.len() == 3, "{decisions}");
    let erase = ["ledger", "erase", hashes[0], "--category", "subject_request"];
    let typed = done("owner", &[&erase[..], &["--typed-data"]].concat())?;
    let by = people.owner.address().to_string();
    let forged = signed(&typed, &people.policy_manager)?;
    let says = refused("owner", &[&erase[..], &["--by", &by, "--signature", &forged]].concat())?;
    ensure!(says.contains("not the owner's"), "{says}");
    let gone = done(
        "owner",
        &[&erase[..], &["--by", &by, "--signature", &signed(&typed, &people.owner)?]].concat(),
    )?;
    assert_eq!((gone["hash"].as_str(), gone["erasedBy"].as_str()), (Some(hashes[0]), Some(by.as_str())));
    let says = refused("manager", &["ledger", "erase", hashes[1], "--category", "mistake"])?;
    ensure!(says.contains("owner"), "{says}");
    let gone = done("owner", &["ledger", "erase", hashes[1], "--category", "mistake"])?;
    assert_eq!(gone["category"], "mistake");
    let left = service.json("v1/decisions").await?;
    assert_eq!(left["items"].as_array().map(Vec::len), Some(1), "{left}");
    assert_eq!(left["items"][0]["hash"], hashes[2]);
    Ok(())
}
