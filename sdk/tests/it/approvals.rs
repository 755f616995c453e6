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
    routing::{get, post},
};
use bursar_sdk::{
    Agent, AgentError, Purpose, Refusal,
    approval::{ApprovalRequest, ApprovalSource, HttpApprovals, LocalApprover},
    payment::{Approval, Authorization},
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
    polls: Arc<AtomicUsize>,
}

#[derive(Clone)]
enum Answer {
    /// As the stage's approver.
    Sign,
    Reject,
    Never,
}

impl Desk {
    async fn open(answer: Answer) -> Result<(Self, HttpApprovals, Stage)> {
        let stage = Stage::set().await?;
        let approver = stage.chain.people.approver.clone();
        let (treasury, chain_id) = (stage.chain.treasury, stage.chain.chain_id);
        let desk =
            Self { answer, approver, treasury, chain_id, asked: Arc::default(), polls: Arc::default() };
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

    async fn ask(State(desk): State<Self>, Json(body): Json<Value>) -> axum::http::StatusCode {
        *desk.asked.lock().unwrap() = Some(body);
        axum::http::StatusCode::CREATED
    }

    async fn tell(
        State(desk): State<Self>,
        Path(digest): Path<String>,
    ) -> (axum::http::StatusCode, Json<Value>) {
        let polled = desk.polls.fetch_add(1, Ordering::SeqCst);
        let pending = json!({"state": "pending", "approver": null, "approval": null, "approvalKind": null, "reason": null});
        let answer = match (&desk.answer, polled) {
            // An outage in the middle is waited out.
            (_, 0) => return (axum::http::StatusCode::SERVICE_UNAVAILABLE, Json(json!({}))),
            (_, 1) | (Answer::Never, _) => pending,
            (Answer::Reject, _) => json!({"state": "rejected", "reason": "not this vendor"}),
            (Answer::Sign, _) => {
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
        (axum::http::StatusCode::OK, Json(answer))
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
        decision_hash: serde_json::from_value(field("decisionHash")).unwrap(),
        digest: serde_json::from_value(field("digest")).unwrap(),
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
