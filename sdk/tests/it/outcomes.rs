//! What came of payments, recorded by the client that paid.

use std::{
    io,
    sync::{Arc, Mutex},
};

use alloy::{
    primitives::{Address, B256, U256, keccak256},
    signers::SignerSync as _,
    sol,
    sol_types::{SolStruct as _, eip712_domain},
};
use anyhow::{Context as _, Result};
use async_trait::async_trait;
use axum::{body::Body, http::StatusCode};
use bursar_sdk::{
    Agent, AgentError, MAX_RESULT, Purpose,
    decision::DecisionRecord,
    delivery::{RecordSink, SealedRecord},
    offer::OfferRefusal,
    outcome::OutcomeRecord,
    record::{RecordKind, sealed_by},
    session::SessionTerms,
    spool::SpoolError,
    testing::signer,
};
use futures::StreamExt as _;
use serde_json::{Value, json};

use crate::{
    common::{PAYEE, Stage, dollars},
    shop::{Manner, Shop, get_request, required},
};

sol! {
    struct Receipt {
        uint256 version;
        string network;
        string resourceUrl;
        string payer;
        uint256 issuedAt;
        string transaction;
    }

    struct Offer {
        uint256 version;
        string resourceUrl;
        string scheme;
        string network;
        string asset;
        string payTo;
        string amount;
        uint256 validUntil;
    }
}

/// Keeps what it is handed.
#[derive(Debug, Clone, Default)]
struct Drawer(Arc<Mutex<Vec<SealedRecord>>>);

#[async_trait]
impl RecordSink for Drawer {
    async fn deliver(&self, record: &SealedRecord) -> Result<(), AgentError> {
        self.0.lock().unwrap().push(record.clone());
        Ok(())
    }
}

impl Drawer {
    /// The outcomes in the order they came, each sealed by `agent`.
    fn outcomes(&self, agent: &Agent) -> Result<Vec<(B256, OutcomeRecord)>> {
        let (chain_id, treasury) = (agent.view().chain_id(), agent.view().treasury());
        let kept = self.0.lock().unwrap();
        for kept in kept.iter() {
            let by = sealed_by(kept.kind, chain_id, treasury, kept.hash, &kept.seal);
            assert_eq!(by, Some(agent.identity()), "{:?}", kept.kind);
        }
        let outcomes = kept.iter().filter(|kept| kept.kind == RecordKind::Outcome);
        outcomes.map(|kept| Ok((kept.hash, OutcomeRecord::verified(&kept.canonical, kept.hash)?))).collect()
    }

    fn decisions(&self) -> Result<Vec<DecisionRecord>> {
        let kept = self.0.lock().unwrap();
        let decisions = kept.iter().filter(|kept| kept.kind == RecordKind::Decision);
        decisions.map(|kept| Ok(DecisionRecord::verified(&kept.canonical, kept.hash)?)).collect()
    }
}

async fn agent(stage: &Stage, drawer: &Drawer) -> Result<Agent> {
    let agent = stage.builder(1).sink(Arc::new(drawer.clone())).connect().await?;
    agent.open_session(&SessionTerms::new(dollars(50))).await?;
    Ok(agent)
}

/// A receipt by the key of that number, with something changed.
fn receipts(key: u64, change: impl Fn(&mut Receipt) + Send + Sync + 'static) -> Manner {
    let sign = move |payment: &Value, settled: &Value| {
        let field = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let mut receipt = Receipt {
            version: U256::from(1),
            network: field(&settled["network"]),
            resourceUrl: field(&payment["resource"]["url"]),
            payer: field(&payment["payload"]["authorization"]["from"]),
            issuedAt: U256::from(
                field(&payment["payload"]["authorization"]["validAfter"]).parse::<u64>().unwrap() + 600,
            ),
            transaction: field(&settled["transaction"]),
        };
        change(&mut receipt);
        let domain = eip712_domain! { name: "x402 receipt", version: "1", chain_id: 1, };
        let signature = signer(key).unwrap().sign_hash_sync(&receipt.eip712_signing_hash(&domain)).unwrap();
        Some(json!({
            "format": "eip712",
            "payload": {
                "version": 1,
                "network": receipt.network,
                "resourceUrl": receipt.resourceUrl,
                "payer": receipt.payer,
                "issuedAt": receipt.issuedAt.to::<u64>(),
                "transaction": receipt.transaction,
            },
            "signature": alloy::hex::encode_prefixed(signature.as_bytes()),
        }))
    };
    Manner { receipt: Some(Arc::new(sign)), ..Manner::default() }
}

/// The signed offer of a challenge, by the key of that number.
fn offer(challenge: &Value, key: u64, amount: &str) -> Result<Value> {
    let text = |name: &str| challenge[name].as_str().unwrap_or_default().to_owned();
    let terms = Offer {
        version: U256::from(1),
        resourceUrl: "https://shop/data".into(),
        scheme: text("scheme"),
        network: text("network"),
        asset: text("asset"),
        payTo: text("payTo"),
        amount: amount.into(),
        validUntil: U256::ZERO,
    };
    let domain = eip712_domain! { name: "x402 offer", version: "1", chain_id: 1, };
    let signature = signer(key)?.sign_hash_sync(&terms.eip712_signing_hash(&domain))?;
    Ok(json!({
        "format": "eip712",
        "acceptIndex": 0,
        "payload": {
            "version": 1, "resourceUrl": terms.resourceUrl, "scheme": terms.scheme, "network": terms.network,
            "asset": terms.asset, "payTo": terms.payTo, "amount": terms.amount, "validUntil": 0,
        },
        "signature": alloy::hex::encode_prefixed(signature.as_bytes()),
    }))
}

fn offered(challenge: &Value, key: u64, amount: &str) -> Result<Value> {
    let mut offered = required(json!([challenge]));
    offered["extensions"] = json!({
        "offer-receipt": { "info": { "offers": [offer(challenge, key, amount)?] }, "schema": {} },
    });
    Ok(offered)
}

#[tokio::test]
async fn what_was_delivered_is_recorded_and_the_task_closed_later() -> Result<()> {
    let (stage, drawer) = (Stage::set().await?, Drawer::default());
    let (agent, shop) = (agent(&stage, &drawer).await?, Shop::open(&stage).await?);
    let challenge = stage.challenge(PAYEE, dollars(3));
    let url = shop.offer("data", offered(&challenge, 0x5e11, &dollars(3).to_string())?);
    shop.answer(receipts(0x5e11, |_| {}));

    let paid = agent.pay(get_request(url)?, Purpose::new("task 9", "why")).await?;
    let (payment, body) = (paid.payment.context("no payment")?, paid.response.text().await?);
    assert_eq!(body, r#"{"data":42}"#);
    let receipt = paid.receipt.context("no receipt")??;
    assert_eq!(receipt.signer.to_string(), signer(0x5e11)?.address().to_string());
    let hash = paid.outcome.context("no outcome")?;
    let closed = agent.task_done(payment.decision_hash, true).await?;
    assert_eq!(agent.flush().await?.waiting, 0);

    let outcomes = drawer.outcomes(&agent)?;
    let [(first_hash, first), (second_hash, second)] = &outcomes[..] else { panic!("{outcomes:?}") };
    assert_eq!((*first_hash, *second_hash), (hash, closed));
    assert_eq!((first.revision, first.prev_hash, first.task_done), (1, B256::ZERO, None));
    assert_eq!((second.revision, second.prev_hash, second.task_done), (2, hash, Some(true)));
    assert_eq!((first.decision_hash, first.nonce), (payment.decision_hash, payment.authorization.nonce));
    assert_eq!((first.http_status, first.delivered), (Some(200), true));
    assert_eq!((first.result_hash, first.result_bytes), (Some(keccak256(&body)), Some(body.len() as u64)));
    assert_eq!(first.receipt_check.as_deref(), Some("verified"));
    assert_eq!(first.receipt.as_ref(), Some(&receipt.signed));
    let settled = first.settlement.as_ref().context("no settlement")?;
    assert!(settled.success && settled.transaction.is_some());

    // The offer is in the decision: what was asked, in the server's own signature.
    let decisions = drawer.decisions()?;
    assert_eq!(decisions[0].offer, Some(offer(&challenge, 0x5e11, &dollars(3).to_string())?));
    Ok(())
}

#[tokio::test]
async fn a_receipt_that_is_not_in_order_is_kept_with_what_is_wrong() -> Result<()> {
    let (stage, drawer) = (Stage::set().await?, Drawer::default());
    let (agent, shop) = (agent(&stage, &drawer).await?, Shop::open(&stage).await?);
    let challenge = stage.challenge(PAYEE, dollars(1));
    let url = shop.offer("data", offered(&challenge, 0x5e11, &dollars(1).to_string())?);
    let cases: [(OfferRefusal, Manner); 5] = [
        (OfferRefusal::OtherSigner, receipts(0xbad, |_| {})),
        (OfferRefusal::OtherPayer, receipts(0x5e11, |receipt| receipt.payer = Address::ZERO.to_string())),
        (
            OfferRefusal::OtherResource,
            receipts(0x5e11, |receipt| receipt.resourceUrl = "https://shop/".into()),
        ),
        (
            OfferRefusal::OtherTransaction,
            receipts(0x5e11, |receipt| receipt.transaction = B256::ZERO.to_string()),
        ),
        // A server whose clock is off by four hours.
        (OfferRefusal::OtherTime, receipts(0x5e11, |receipt| receipt.issuedAt += U256::from(4 * 3600))),
    ];
    for (expected, manner) in cases {
        shop.answer(manner);
        let paid = agent.pay(get_request(url.clone())?, Purpose::default()).await?;
        let refused = paid.receipt.context("no receipt")?.unwrap_err();
        assert_eq!(refused.reason, expected);
        agent.flush().await?;
        let (_, outcome) = drawer.outcomes(&agent)?.pop().context("no outcome")?;
        assert_eq!(outcome.receipt_check.as_deref(), Some(expected.code()));
        assert!(outcome.receipt.is_some() && outcome.delivered);
    }
    // One that is too large to keep is not kept, and said so.
    shop.answer(receipts(0x5e11, |receipt| receipt.payer = "x".repeat(9000)));
    agent.pay(get_request(url)?, Purpose::default()).await?;
    agent.flush().await?;
    let (_, outcome) = drawer.outcomes(&agent)?.pop().context("no outcome")?;
    assert_eq!((outcome.receipt_check.as_deref(), outcome.receipt), (Some("too_large"), None));
    Ok(())
}

#[tokio::test]
async fn an_offer_that_contradicts_the_challenge_is_not_paid() -> Result<()> {
    let (stage, drawer) = (Stage::set().await?, Drawer::default());
    let (agent, shop) = (agent(&stage, &drawer).await?, Shop::open(&stage).await?);
    let challenge = stage.challenge(PAYEE, dollars(3));
    let url = shop.offer("data", offered(&challenge, 0x5e11, &dollars(2).to_string())?);
    let told = agent.pay(get_request(url)?, Purpose::default()).await.unwrap_err();
    assert!(
        matches!(&told, AgentError::Offer(refused) if refused.reason == OfferRefusal::OtherTerms),
        "{told:?}"
    );
    assert!(told.is_challenge());
    assert_eq!(shop.seen(), 0);
    Ok(())
}

#[tokio::test]
async fn what_was_paid_for_and_did_not_come_is_recorded_too() -> Result<()> {
    let (stage, drawer) = (Stage::set().await?, Drawer::default());
    let (agent, shop) = (agent(&stage, &drawer).await?, Shop::open(&stage).await?);
    let url = shop.offer("data", required(json!([stage.challenge(PAYEE, dollars(1))])));
    let last = async || {
        agent.flush().await?;
        anyhow::Ok(drawer.outcomes(&agent)?.pop().context("no outcome")?.1)
    };

    shop.answer(Manner { status: StatusCode::INTERNAL_SERVER_ERROR, ..Manner::default() });
    let paid = agent.pay(get_request(url.clone())?, Purpose::default()).await?;
    assert_eq!(paid.response.status(), 500);
    let outcome = last().await?;
    assert_eq!((outcome.http_status, outcome.delivered), (Some(500), false));
    assert!(outcome.settlement.is_some_and(|settled| settled.success));

    // The body breaks off.
    let torn = || {
        // Headers and the first half are out before the rest fails.
        let rest = futures::stream::once(async {
            tokio::task::yield_now().await;
            Err(io::Error::other("gone"))
        });
        Body::from_stream(futures::stream::iter([Ok("half")]).chain(rest))
    };
    shop.answer(Manner { body: Arc::new(torn), ..Manner::default() });
    let told = agent.pay(get_request(url.clone())?, Purpose::default()).await.unwrap_err();
    assert!(matches!(told, AgentError::Http(_)), "{told:?}");
    let outcome = last().await?;
    assert_eq!((outcome.http_status, outcome.delivered, outcome.result_hash), (Some(200), false, None));

    // The server says 402 again: what was signed may still settle.
    stage.chain.guardian().freeze_envelope(stage.envelope).await?;
    let unchecked = agent.with_checks(bursar_sdk::Checks::ChainOnly);
    unchecked.pay(get_request(url)?, Purpose::default()).await.unwrap_err();
    let outcome = last().await?;
    assert_eq!((outcome.http_status, outcome.delivered), (Some(402), false));
    assert_eq!(outcome.settlement, None);
    Ok(())
}

#[tokio::test]
async fn a_result_beyond_the_limit_is_passed_on_whole_and_not_hashed() -> Result<()> {
    let (stage, drawer) = (Stage::set().await?, Drawer::default());
    let (agent, shop) = (agent(&stage, &drawer).await?, Shop::open(&stage).await?);
    let url = shop.offer("data", required(json!([stage.challenge(PAYEE, dollars(1))])));
    const CHUNK: usize = 1 << 20;
    for (chunks, hashed) in [(MAX_RESULT as usize / CHUNK, true), (MAX_RESULT as usize / CHUNK + 1, false)] {
        let body = move || {
            let chunk = axum::body::Bytes::from(vec![7u8; CHUNK]);
            Body::from_stream(futures::stream::iter(
                (0..chunks).map(move |_| Ok::<_, io::Error>(chunk.clone())),
            ))
        };
        shop.answer(Manner { body: Arc::new(body), ..Manner::default() });
        let paid = agent.pay(get_request(url.clone())?, Purpose::default()).await?;
        assert_eq!(paid.response.url(), &url);
        let bytes = paid.response.bytes().await?;
        assert!(bytes.len() == chunks * CHUNK && bytes.iter().all(|byte| *byte == 7));
        agent.flush().await?;
        let (_, outcome) = drawer.outcomes(&agent)?.pop().context("no outcome")?;
        assert_eq!(outcome.result_hash, hashed.then(|| keccak256(&bytes)));
        assert!(outcome.delivered);
    }
    Ok(())
}

#[tokio::test]
async fn outcomes_outlive_the_process_and_an_unknown_one_is_named() -> Result<()> {
    let stage = Stage::set().await?;
    let shop = Shop::open(&stage).await?;
    let url = shop.offer("data", required(json!([stage.challenge(PAYEE, dollars(1))])));
    let first = stage.agent().await?;
    let paid = first.pay(get_request(url)?, Purpose::default()).await?;
    let decision = paid.payment.context("no payment")?.decision_hash;
    drop(first);

    let drawer = Drawer::default();
    let second = stage.builder(2).sink(Arc::new(drawer.clone())).connect().await?;
    let closed = second.task_done(decision, false).await?;
    assert_eq!(second.flush().await?.waiting, 0);
    let outcomes = drawer.outcomes(&second)?;
    assert_eq!((outcomes.len(), outcomes[1].0, outcomes[1].1.task_done), (2, closed, Some(false)));

    let unknown = B256::repeat_byte(9);
    let told = second.task_done(unknown, true).await;
    assert!(
        matches!(told, Err(AgentError::DecisionSpool(SpoolError::OutcomeUnknown { decision })) if decision == unknown)
    );
    Ok(())
}
