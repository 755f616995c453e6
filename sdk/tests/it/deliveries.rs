//! Decision records reach the API at least once, and never hold a payment up.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use anyhow::Result;
use axum::{Json, Router, extract::State, http::StatusCode, routing::post};
use bursar_sdk::{
    AgentError, Outcome, Purpose,
    decision::{DecisionRecord, Verdict},
    delivery::HttpSink,
    outcome::OutcomeRecord,
    record::{RecordKind, sealed_by},
    session::SessionTerms,
};
use serde_json::Value;

use crate::common::{PAYEE, Stage, dollars};

/// The API's side: takes what matches its hash, after a few failures.
#[derive(Clone, Default)]
struct Keeper {
    failures: Arc<Mutex<usize>>,
    kept: Arc<Mutex<HashMap<String, String>>>,
    refuse: bool,
}

impl Keeper {
    async fn open(self) -> Result<url::Url> {
        let router = Router::new()
            .route("/v1/decisions", post(Self::take))
            .route("/v1/outcomes", post(Self::take_outcome))
            .with_state(self);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let base = format!("http://{}", listener.local_addr()?).parse()?;
        tokio::spawn(async move { axum::serve(listener, router).await });
        Ok(base)
    }

    async fn take_outcome(State(keeper): State<Self>, Json(body): Json<Value>) -> StatusCode {
        let (hash, record) = (body["hash"].as_str().unwrap(), body["record"].as_str().unwrap());
        let read = OutcomeRecord::verified(record, hash.parse().unwrap()).unwrap();
        let seal = body["seal"].as_str().unwrap().parse().unwrap();
        let (kind, hash_of) = (RecordKind::Outcome, hash.parse().unwrap());
        assert_eq!(sealed_by(kind, read.chain_id, read.treasury, hash_of, &seal), Some(read.agent));
        let mut kept = keeper.kept.lock().unwrap();
        if !kept.contains_key(&read.decision_hash.to_string()) {
            return StatusCode::CONFLICT;
        }
        kept.insert(hash.to_owned(), record.to_owned());
        StatusCode::CREATED
    }

    async fn take(State(keeper): State<Self>, Json(body): Json<Value>) -> StatusCode {
        let mut failures = keeper.failures.lock().unwrap();
        if *failures != 0 {
            *failures -= 1;
            return StatusCode::SERVICE_UNAVAILABLE;
        }
        if keeper.refuse {
            return StatusCode::UNPROCESSABLE_ENTITY;
        }
        let (hash, record) = (body["hash"].as_str().unwrap(), body["record"].as_str().unwrap());
        let read = DecisionRecord::verified(record, hash.parse().unwrap()).unwrap();
        let seal = body["seal"].as_str().unwrap().parse().unwrap();
        let (kind, hash_of) = (RecordKind::Decision, hash.parse().unwrap());
        assert_eq!(sealed_by(kind, read.chain_id, read.treasury, hash_of, &seal), Some(read.agent));
        match keeper.kept.lock().unwrap().insert(hash.to_owned(), record.to_owned()) {
            None => StatusCode::CREATED,
            Some(_) => StatusCode::OK,
        }
    }
}

async fn pay(stage: &Stage, agent: &bursar_sdk::Agent) -> Result<String> {
    let requirement = stage.requirement(agent, PAYEE, dollars(1))?;
    Ok(agent.authorize(&requirement, Purpose::new("task", "why")).await?.decision_hash.to_string())
}

#[tokio::test]
async fn a_stumbling_api_gets_every_record() -> Result<()> {
    let stage = Stage::set().await?;
    let keeper = Keeper { failures: Arc::new(Mutex::new(2)), ..Keeper::default() };
    let base = keeper.clone().open().await?;
    let agent =
        stage.builder(1).sink(Arc::new(HttpSink::new(reqwest::Client::new(), base))).connect().await?;
    agent.open_session(&SessionTerms::new(dollars(10))).await?;
    let hashes = [pay(&stage, &agent).await?, pay(&stage, &agent).await?];
    assert_eq!(agent.flush().await?.waiting, 0);
    let kept = keeper.kept.lock().unwrap();
    assert!(hashes.iter().all(|hash| kept.contains_key(hash)) && kept.len() == 2);
    Ok(())
}

#[tokio::test]
async fn an_api_that_is_down_holds_no_payment_up_and_gets_the_records_after_a_crash() -> Result<()> {
    let stage = Stage::set().await?;
    let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    let nobody: url::Url = format!("http://{}", listener.local_addr()?).parse()?;
    drop(listener);
    let down = HttpSink::new(reqwest::Client::new(), nobody);
    let agent = stage.builder(1).sink(Arc::new(down)).connect().await?;
    agent.open_session(&SessionTerms::new(dollars(10))).await?;
    let hash = pay(&stage, &agent).await?;
    assert!(agent.flush().await.unwrap_err().is_transient());
    // The process dies here: nothing but the spool is left.
    drop(agent);

    let keeper = Keeper::default();
    let base = keeper.clone().open().await?;
    let up = HttpSink::new(reqwest::Client::new(), base);
    // The last agent's background task may hold the spool for one more moment.
    let agent = loop {
        match stage.builder(2).sink(Arc::new(up.clone())).connect().await {
            Err(AgentError::DecisionSpool(bursar_sdk::spool::SpoolError::Locked { .. })) => {
                tokio::task::yield_now().await;
            }
            other => break other?,
        }
    };
    assert_eq!(agent.flush().await?.waiting, 0);
    assert!(keeper.kept.lock().unwrap().contains_key(&hash));
    Ok(())
}

#[tokio::test]
async fn a_record_the_api_refuses_stays_for_a_human_and_stops_nobody() -> Result<()> {
    let stage = Stage::set().await?;
    let base = Keeper { refuse: true, ..Keeper::default() }.open().await?;
    let agent =
        stage.builder(1).sink(Arc::new(HttpSink::new(reqwest::Client::new(), base))).connect().await?;
    agent.open_session(&SessionTerms::new(dollars(10))).await?;
    pay(&stage, &agent).await?;
    pay(&stage, &agent).await?;
    let report = agent.flush().await?;
    assert_eq!((report.delivered, report.waiting, report.refused.len()), (0, 2, 2));
    assert!(matches!(report.refused[0].1, AgentError::NotAccepted { status: 422, .. }));
    Ok(())
}

/// What comes of a payment is handed in after the decision that allowed it, each revision on its own.
#[tokio::test]
async fn outcomes_follow_their_decisions() -> Result<()> {
    let stage = Stage::set().await?;
    let keeper = Keeper { failures: Arc::new(Mutex::new(1)), ..Keeper::default() };
    let sink = HttpSink::new(reqwest::Client::new(), keeper.clone().open().await?);
    let agent = stage.builder(1).sink(Arc::new(sink)).connect().await?;
    agent.open_session(&SessionTerms::new(dollars(10))).await?;
    let requirement = stage.requirement(&agent, PAYEE, dollars(1))?;
    let signed = agent.authorize(&requirement, Purpose::new("task", "why")).await?;
    let first = agent.record_outcome(&signed, Outcome::default()).await?;
    let second = agent.task_done(signed.decision_hash, true).await?;
    assert_eq!(agent.flush().await?.waiting, 0);
    let kept = keeper.kept.lock().unwrap();
    assert!([signed.decision_hash, first, second].iter().all(|hash| kept.contains_key(&hash.to_string())));
    Ok(())
}

/// A refusal is a decision too: handed in with the agent's seal, also where there is no session to pay from.
#[tokio::test]
async fn refusals_are_handed_in_under_the_agents_seal() -> Result<()> {
    let stage = Stage::set().await?;
    let keeper = Keeper::default();
    let sink = HttpSink::new(reqwest::Client::new(), keeper.clone().open().await?);
    let agent = stage.builder(1).sink(Arc::new(sink)).connect().await?;
    let requirement = stage.requirement(&agent, PAYEE, dollars(1))?;
    assert!(matches!(agent.authorize(&requirement, Purpose::default()).await, Err(AgentError::NoSession)));
    agent.open_session(&SessionTerms::new(dollars(10))).await?;
    let over = stage.requirement(&agent, PAYEE, dollars(21))?;
    assert!(agent.authorize(&over, Purpose::default()).await.unwrap_err().is_refused());
    assert_eq!(agent.flush().await?.waiting, 0);

    let kept = keeper.kept.lock().unwrap();
    let mut read: Vec<DecisionRecord> =
        kept.values().map(|text| DecisionRecord::from_canonical(text)).collect::<Result<_, _>>()?;
    read.sort_by_key(|record| record.seq);
    let told: Vec<_> = read.iter().map(|record| (record.verdict, record.reason_codes[0])).collect();
    let denied = |reason| (Verdict::Denied, reason);
    use bursar_sdk::Refusal::{PaymentCapExceeded, SessionUnknown};
    assert_eq!(told, [denied(SessionUnknown), denied(PaymentCapExceeded)]);
    assert_eq!((read[0].session.is_zero(), read[0].purse), (true, stage.purse));
    Ok(())
}
