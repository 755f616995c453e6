//! A human's yes: by an EOA, by a contract, over the API, too late, or not at all.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use alloy::{
    hex,
    primitives::{Address, Bytes, address},
    providers::ext::AnvilApi as _,
    signers::{SignerSync as _, local::PrivateKeySigner},
};
use anyhow::Result;
use async_trait::async_trait;
use axum::{
    Json, Router,
    extract::{Path, State},
    http::StatusCode,
    routing::{get, post},
};
use bursar_sdk::{
    Agent, AgentError, Purpose, Refusal,
    approval::{ApprovalRequest, ApprovalSource, HttpApprovals, LocalApprover, asked_by},
    payment::{Approval, Authorization, Rail},
    role::Role,
    session::SessionTerms,
};
use serde_json::{Value, json};

use crate::common::{PAYEE, Stage, dollars};

/// A contract that says yes to everything (EIP-1271), and one that says nothing.
const YES: &[u8] = &hex!("631626ba7e60e01b60005260206000f3");
const NOTHING: &[u8] = &hex!("60006000f3");
const WALLET: Address = address!("0x0000000000000000000000000000000000005AFE");

async fn agent(stage: &Stage, source: Arc<dyn ApprovalSource>) -> Result<Agent> {
    let agent = stage.builder(1).approvals(source).connect().await?;
    agent.open_session(&SessionTerms::new(dollars(50))).await?;
    Ok(agent)
}

#[tokio::test]
async fn an_approved_payment_settles_and_the_same_approval_serves_no_other() -> Result<()> {
    let stage = Stage::set().await?;
    let approver = Arc::new(stage.chain.people.approver.clone());
    let agent = agent(&stage, Arc::new(LocalApprover(approver))).await?;
    let requirement = stage.requirement(&agent, PAYEE, dollars(15))?;
    let signed = agent.authorize(&requirement, Purpose::new("task", "big")).await?;
    stage.chain.settle(&signed).await?;
    assert_eq!(stage.chain.balance(PAYEE).await?, dollars(15));

    let mut moved = agent.authorize(&requirement, Purpose::new("task", "big")).await?;
    let approval = signed.blob.slice(139..);
    moved.blob = [&moved.blob[..139], &approval].concat().into();
    let told = agent.diagnose(&moved).await.err().and_then(|error| error.refusal());
    assert_eq!(told, Some(Refusal::ApproverNotAuthorized), "the signature recovers to nobody in particular");
    assert!(stage.chain.settle(&moved).await.is_err());
    Ok(())
}

#[tokio::test]
async fn who_may_not_approve_is_refused_before_the_payment_leaves() -> Result<()> {
    let stage = Stage::set().await?;
    let people = &stage.chain.people;
    for (seed, person) in [&people.guardian, &people.policy_manager, &*stage.identity].into_iter().enumerate()
    {
        let source = Arc::new(LocalApprover(Arc::new(person.clone())));
        let agent = stage.builder(seed as u64).approvals(source).connect().await?;
        agent.open_session(&SessionTerms::new(dollars(50))).await?;
        let requirement = stage.requirement(&agent, PAYEE, dollars(15))?;
        let refused = agent.authorize(&requirement, Purpose::default()).await;
        assert_eq!(refused.err().and_then(|error| error.refusal()), Some(Refusal::ApproverNotAuthorized));
    }
    Ok(())
}

#[derive(Debug)]
struct Wallet;

#[async_trait]
impl ApprovalSource for Wallet {
    async fn approve(&self, _: &ApprovalRequest) -> Result<Approval, AgentError> {
        Ok(Approval::Contract { approver: WALLET, signature: Bytes::from_static(b"two of three") })
    }
}

#[tokio::test]
async fn a_contract_approves() -> Result<()> {
    let stage = Stage::set().await?;
    stage.chain.provider.anvil_set_code(WALLET, Bytes::from_static(NOTHING)).await?;
    stage.chain.owner().grant_role(WALLET, Role::Approver).await?;
    let agent = agent(&stage, Arc::new(Wallet)).await?;
    let requirement = stage.requirement(&agent, PAYEE, dollars(15))?;
    let refused = agent.authorize(&requirement, Purpose::default()).await;
    assert_eq!(refused.err().and_then(|error| error.refusal()), Some(Refusal::ApprovalInvalid));

    stage.chain.provider.anvil_set_code(WALLET, Bytes::from_static(YES)).await?;
    stage.chain.settle(&agent.authorize(&requirement, Purpose::default()).await?).await?;
    assert_eq!(stage.chain.balance(PAYEE).await?, dollars(15));
    Ok(())
}

/// The API's side of an approval, as it is agreed.
#[derive(Clone)]
struct Desk {
    answer: Answer,
    approver: PrivateKeySigner,
    treasury: Address,
    chain_id: u64,
    asked: Arc<Mutex<Option<Value>>>,
    tries: Arc<AtomicUsize>,
    polls: Arc<AtomicUsize>,
}

#[derive(Clone)]
enum Answer {
    /// As the stage's approver.
    Sign,
    /// The same, once others that wait have made room.
    SignLater,
    /// Others wait, and go on waiting.
    Crowded,
    Reject,
    Never,
}

impl Desk {
    async fn open(answer: Answer) -> Result<(Self, HttpApprovals, Stage)> {
        let stage = Stage::set().await?;
        let approver = stage.chain.people.approver.clone();
        let (treasury, chain_id) = (stage.chain.treasury, stage.chain.chain_id);
        let (tries, polls) = (Arc::default(), Arc::default());
        let desk = Self { answer, approver, treasury, chain_id, asked: Arc::default(), tries, polls };
        let router = Router::new()
            .route("/v1/approval-requests", post(Self::ask))
            .route("/v1/approval-requests/{digest}", get(Self::tell))
            .with_state(desk.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let base = format!("http://{}", listener.local_addr()?).parse()?;
        tokio::spawn(async move { axum::serve(listener, router).await });
        let source =
            HttpApprovals::new(reqwest::Client::new(), base, stage.clock.clock(), Duration::from_millis(5));
        Ok((desk, source, stage))
    }

    async fn ask(State(desk): State<Self>, Json(body): Json<Value>) -> (StatusCode, &'static str) {
        *desk.asked.lock().unwrap() = Some(body);
        let tries = desk.tries.fetch_add(1, Ordering::SeqCst);
        match (&desk.answer, tries) {
            (Answer::SignLater, 0) => (StatusCode::CONFLICT, "no such purse yet"),
            (Answer::SignLater, 1) => (StatusCode::BAD_GATEWAY, "restarting"),
            (Answer::SignLater, 2) | (Answer::Crowded, _) => (StatusCode::TOO_MANY_REQUESTS, "16 are open"),
            _ => (StatusCode::CREATED, ""),
        }
    }

    async fn tell(State(desk): State<Self>, Path(digest): Path<String>) -> (StatusCode, Json<Value>) {
        let polled = desk.polls.fetch_add(1, Ordering::SeqCst);
        let pending = json!({"state": "pending", "approver": null, "approval": null, "approvalKind": null, "reason": null});
        let answer = match (&desk.answer, polled) {
            // An outage in the middle is waited out.
            (_, 0) => return (StatusCode::SERVICE_UNAVAILABLE, Json(json!({}))),
            (_, 1) | (Answer::Never | Answer::Crowded, _) => pending,
            (Answer::Reject, _) => json!({"state": "rejected", "reason": "not this vendor"}),
            (Answer::Sign | Answer::SignLater, _) => {
                let asked = desk.asked.lock().unwrap().clone().unwrap();
                assert_eq!(asked["digest"], digest);
                json!({
                    "state": "approved",
                    "approver": desk.approver.address(),
                    "approval": sign(&desk.approver, desk.treasury, desk.chain_id, &asked),
                    "approvalKind": "eoa",
                    "reason": null,
                })
            }
        };
        (StatusCode::OK, Json(answer))
    }
}

/// Signs from nothing but what the agent posted, as a human's wallet would.
fn sign(key: &PrivateKeySigner, treasury: Address, chain_id: u64, asked: &Value) -> Bytes {
    assert_eq!(asked["treasury"], json!(treasury));
    assert_eq!(asked["chainId"], json!(chain_id));
    let field = |name: &str| asked[name].clone();
    let request = ApprovalRequest {
        chain_id,
        treasury,
        authorization: Authorization {
            purse: serde_json::from_value(field("purse")).unwrap(),
            payee: serde_json::from_value(field("payee")).unwrap(),
            amount: serde_json::from_value(field("amount")).unwrap(),
            valid_after: asked["validAfter"].as_u64().unwrap(),
            valid_before: asked["validBefore"].as_u64().unwrap(),
            nonce: serde_json::from_value(field("nonce")).unwrap(),
        },
        rail: Rail::from_code(asked["rail"].as_str().unwrap(), None).unwrap(),
        decision_hash: serde_json::from_value(field("decisionHash")).unwrap(),
        digest: serde_json::from_value(field("digest")).unwrap(),
        seal: serde_json::from_value(field("seal")).unwrap(),
        deadline: 0,
    };
    key.sign_hash_sync(&request.approval_digest()).unwrap().as_bytes().into()
}

#[tokio::test]
async fn asked_over_the_api_and_approved() -> Result<()> {
    let (desk, source, stage) = Desk::open(Answer::Sign).await?;
    let agent = agent(&stage, Arc::new(source)).await?;
    let requirement = stage.requirement(&agent, PAYEE, dollars(15))?;
    let signed = agent.authorize(&requirement, Purpose::new("task", "big")).await?;
    stage.chain.settle(&signed).await?;
    assert_eq!(desk.polls.load(Ordering::SeqCst), 3);
    let seal = serde_json::from_value(desk.asked.lock().unwrap().clone().unwrap()["seal"].clone())?;
    let asked = |digest| asked_by(stage.chain.chain_id, stage.chain.treasury, digest, &seal);
    assert_eq!(asked(signed.digest), Some(stage.identity.address()));
    assert_ne!(
        asked(signed.decision_hash),
        Some(stage.identity.address()),
        "the seal is of this request alone"
    );
    Ok(())
}

#[tokio::test]
async fn a_desk_that_is_full_or_away_is_asked_again() -> Result<()> {
    let (desk, source, stage) = Desk::open(Answer::SignLater).await?;
    let agent = agent(&stage, Arc::new(source)).await?;
    let requirement = stage.requirement(&agent, PAYEE, dollars(15))?;
    let signed = agent.authorize(&requirement, Purpose::new("task", "big")).await?;
    stage.chain.settle(&signed).await?;
    assert_eq!(desk.tries.load(Ordering::SeqCst), 4);
    Ok(())
}

#[tokio::test]
async fn a_desk_that_stays_full_is_a_refusal_of_its_own() -> Result<()> {
    let (desk, source, stage) = Desk::open(Answer::Crowded).await?;
    let agent = agent(&stage, Arc::new(source)).await?;
    let requirement = stage.requirement(&agent, PAYEE, dollars(15))?;
    let waiting = tokio::spawn({
        let (agent, requirement) = (agent.clone(), requirement.clone());
        async move { agent.authorize(&requirement, Purpose::default()).await }
    });
    while desk.tries.load(Ordering::SeqCst) < 3 {
        tokio::task::yield_now().await;
    }
    stage.clock.advance(&stage.chain, 20 * 60).await?;
    match waiting.await? {
        Err(AgentError::ApprovalsCrowded { message, .. }) => {
            assert!(message.contains("16 are open"), "{message}")
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(desk.polls.load(Ordering::SeqCst), 0);
    assert_eq!(agent.flush().await?.waiting, 2, "the decision to ask, and the denial");
    Ok(())
}

#[tokio::test]
async fn a_rejection_is_typed_and_recorded() -> Result<()> {
    let (_, source, stage) = Desk::open(Answer::Reject).await?;
    let agent = agent(&stage, Arc::new(source)).await?;
    let requirement = stage.requirement(&agent, PAYEE, dollars(15))?;
    match agent.authorize(&requirement, Purpose::default()).await {
        Err(AgentError::ApprovalRejected { reason }) => assert_eq!(reason, "not this vendor"),
        other => panic!("{other:?}"),
    }
    assert_eq!(agent.flush().await?.waiting, 2, "the decision to ask, and the denial");
    Ok(())
}

#[tokio::test]
async fn the_wait_ends_with_the_payments_validity() -> Result<()> {
    let (desk, source, stage) = Desk::open(Answer::Never).await?;
    let agent = agent(&stage, Arc::new(source)).await?;
    let requirement = stage.requirement(&agent, PAYEE, dollars(15))?;
    let waiting = tokio::spawn({
        let (agent, requirement) = (agent.clone(), requirement.clone());
        async move { agent.authorize(&requirement, Purpose::default()).await }
    });
    while desk.polls.load(Ordering::SeqCst) < 3 {
        tokio::task::yield_now().await;
    }
    stage.clock.advance(&stage.chain, 20 * 60).await?;
    match waiting.await? {
        Err(AgentError::ApprovalExpired { deadline, .. }) => {
            let asked = desk.asked.lock().unwrap().clone().unwrap();
            assert_eq!(asked["validBefore"].as_u64(), Some(deadline + 6));
        }
        other => panic!("{other:?}"),
    }
    Ok(())
}
