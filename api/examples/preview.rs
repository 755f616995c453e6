//! Serves the pages over made-up data, to look at them: `cargo run --example preview`, with a port
//! and `keys` where it is to ask for the key that it prints.
#![allow(clippy::unwrap_used, dead_code)]

#[path = "../tests/api/alerted.rs"]
mod alerted;
#[path = "../tests/api/scored.rs"]
mod scored;
#[path = "../tests/api/sealed.rs"]
mod sealed;
#[path = "../tests/api/seed.rs"]
mod seed;

use alloy::primitives::{B256, Bytes};
use bursar_api::{
    AppState, AssetLabel, Config,
    access::{Mode, key::Key},
};
use bursar_indexer::{
    access::{Grant, Role},
    query::approvals::{self, Answer, Request, Room},
    store::ApiKey,
};
use bursar_sdk::{
    clock::Entropy,
    payment::{Authorization, Rail},
};
use tokio_util::sync::CancellationToken;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let seeded = seed::seeded(bursar_test_stores::Stores::sqlite()?).await?;
    scored::scored(&seeded.store).await?;
    alerted::alerted(&seeded.store).await?;
    let mut config = Config::new(seed::CHAIN_ID, "Local chain");
    config.assets = vec![AssetLabel { address: seed::token(), symbol: "USDC".into(), decimals: 6 }];
    let names = [
        (seed::agent(1), "research-agent"),
        (seed::agent(2), "travel-agent"),
        (seed::payee(1), "Market data"),
        (seed::payee(2), "Filings archive"),
        (seed::payee(3), "Satellite images"),
        (seed::address(4), "Ada (treasury)"),
        (seed::treasury(), "Example Ltd"),
    ];
    let rejected = Answer::Rejected {
        by: seed::address(4),
        reason: "Last quarter's will do: the client pays for one brief.".into(),
        signature: None,
    };
    let approved =
        Answer::Approved { approver: seed::address(4), signature: Bytes::from([1; 65]), contract: false };
    for (seq, payee, units, why, answer) in [
        (40, 3, 2_200_000, "Images of the two other yards, for completeness.", Some(rejected)),
        (41, 1, 4_500_000, "The full data set, as the analyst asked for.", Some(approved)),
        (
            42,
            3,
            2_750_000,
            "A fresh satellite image: the brief calls the inventory \"record high\", and the one we have is from before the strike.",
            None,
        ),
        (
            43,
            2,
            3_250_000,
            "The archive's certified copy of the filing. The free summary leaves out the covenant that the brief is about.",
            None,
        ),
    ] {
        request(&seeded, (seq, payee), units, why, answer).await?;
    }
    config.names = names.into_iter().map(|(address, name)| (address, name.to_owned())).collect();
    let port = std::env::args().nth(1).unwrap_or_else(|| "0".into());
    if std::env::args().nth(2).as_deref() == Some("keys") {
        config.access = Mode::Keys;
        println!("{}", auditors_key(&seeded).await?);
    }
    let listener = tokio::net::TcpListener::bind(format!("127.0.0.1:{port}")).await?;
    println!("http://{}/", listener.local_addr()?);
    let state = AppState::new(seeded.store.clone(), config, None).with_clock(|| seed::NOW);
    bursar_api::serve(listener, state, CancellationToken::new()).await?;
    Ok(())
}

/// A key for all that there is to see.
async fn auditors_key(seeded: &seed::Seeded) -> anyhow::Result<String> {
    let key = Key::new(&Entropy::system());
    let kept = ApiKey {
        id: key.id().to_owned(),
        name: "preview".into(),
        hash: key.hash(),
        grant: Grant::new(Role::Auditor, None, None)?,
        created_at: seed::NOW,
        expires_at: None,
        revoked_at: None,
    };
    seeded.store.add_api_key(&kept).await?;
    Ok(key.shown())
}

/// Asks for the approval of a payment, with its record, and answers.
async fn request(
    seeded: &seed::Seeded,
    (seq, payee): (u64, u8),
    units: u64,
    why: &str,
    answer: Option<Answer>,
) -> anyhow::Result<()> {
    let decision = seed::record(1, seq, seed::payee(payee), units, why);
    seeded.store.insert_decision(&decision, &sealed::decision(&decision), seed::NOW).await?;
    let payment = Authorization {
        purse: decision.purse,
        payee: decision.payee,
        amount: decision.amount,
        valid_after: 0,
        valid_before: seed::NOW + 60 * seq,
        nonce: decision.nonce()?.unwrap(),
    };
    let digest: B256 = payment.digest(Rail::Eip3009, &seed::token_domain());
    let request = Request {
        rail: Rail::Eip3009,
        digest,
        treasury: decision.treasury,
        purse: payment.purse,
        payee: payment.payee,
        amount: payment.amount,
        valid_after: payment.valid_after,
        valid_before: payment.valid_before,
        nonce: payment.nonce,
        decision_hash: decision.hash()?,
        agent: Some(decision.agent),
        seal: None,
    };
    let room = Room { per_agent: 16, per_treasury: 256 };
    approvals::store(seeded.store.db(), &request, room, seed::NOW - 4_000 + 80 * seq).await?;
    if let Some(answer) = answer {
        seeded.store.answer_request(digest, None, &answer, seed::NOW).await?;
    }
    Ok(())
}
