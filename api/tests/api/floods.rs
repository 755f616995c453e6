//! Floods of approval requests: bounded, told so, and nothing lost.

use alloy::primitives::B256;
use bursar_indexer::{db::Query, query::approvals::Room};
use bursar_sdk::payment::Authorization;
use bursar_test_stores::{Stores, on_both_stores};
use serde_json::{Value, json};

use crate::{
    approvals::{authorization, submission_by},
    client::{Answer, Api, config, state},
    sealed,
    seed::{self, purse, seeded},
};

on_both_stores!(
    an_agent_has_so_many_requests_open_and_no_more,
    a_treasurys_agents_share_its_room,
    many_at_once_take_no_more_than_there_is,
    nobody_fills_an_agents_room_but_the_agent,
);

async fn desk(stores: Stores, per_agent: u32, per_treasury: u32) -> anyhow::Result<Api> {
    let seeded = seeded(stores).await?;
    let mut config = config();
    config.room = Room { per_agent, per_treasury };
    Ok(Api { router: bursar_api::router(state(&seeded, config)), seeded })
}

/// The nth request of an envelope's agent.
fn request(envelope: u32, n: u64) -> Value {
    let payment = Authorization {
        purse: purse(envelope),
        nonce: B256::left_padding_from(&n.to_be_bytes()),
        ..authorization(3_000_000 + n)
    };
    submission_by(&sealed::key(envelope), &payment)
}

async fn ask(api: &Api, body: &Value) -> anyhow::Result<Answer> {
    api.post("/v1/approval-requests", body).await
}

async fn an_agent_has_so_many_requests_open_and_no_more(stores: Stores) -> anyhow::Result<()> {
    let api = desk(stores, 3, 100).await?;
    for n in 0..3 {
        assert_eq!(ask(&api, &request(1, n)).await?.status, 201);
    }
    let told = ask(&api, &request(1, 3)).await?;
    assert_eq!((told.status.as_u16(), told.json()["code"].clone()), (429, json!("agent_requests_full")));
    assert_eq!(told.json()["expected"], "fewer than 3 open requests");
    let until = format!("3 open, the next of which runs out at {} (unix seconds)", seed::NOW + 600);
    assert_eq!(told.json()["got"], until);
    assert!(told.headers.contains_key("retry-after"));

    // What is open stays, and asking for it again is no new request; other agents are not concerned.
    assert_eq!(ask(&api, &request(1, 0)).await?.status, 200);
    assert_eq!(ask(&api, &request(2, 9)).await?.status, 201);
    assert_eq!(api.items("/v1/approval-requests?state=pending").await?.len(), 4);
    assert_eq!(api.items(&format!("/v1/approval-requests?agent={}", seed::agent(1))).await?.len(), 3);

    // An answer makes room for one, and so does time.
    let db = api.seeded.store.db();
    for (change, n) in [
        ("UPDATE approval_request SET answer = 'rejected', answered_by = treasury WHERE digest = $1", 0),
        ("UPDATE approval_request SET valid_before = requested_at WHERE digest = $1", 1),
    ] {
        let digest: B256 = request(1, n)["digest"].as_str().unwrap().parse()?;
        assert_eq!(ask(&api, &request(1, 10 + n)).await?.status, 429);
        Query::new(change).bind(digest).execute(db).await?;
        assert_eq!(ask(&api, &request(1, 10 + n)).await?.status, 201);
    }
    assert_eq!(ask(&api, &request(1, 20)).await?.status, 429);
    Ok(())
}

async fn a_treasurys_agents_share_its_room(stores: Stores) -> anyhow::Result<()> {
    let api = desk(stores, 2, 3).await?;
    for (envelope, n) in [(1, 0), (1, 1), (2, 0)] {
        assert_eq!(ask(&api, &request(envelope, n)).await?.status, 201);
    }
    let told = ask(&api, &request(2, 1)).await?;
    assert_eq!((told.status.as_u16(), told.json()["code"].clone()), (429, json!("treasury_requests_full")));
    assert_eq!(told.json()["expected"], "fewer than 3 open requests");
    Ok(())
}

async fn many_at_once_take_no_more_than_there_is(stores: Stores) -> anyhow::Result<()> {
    let api = desk(stores, 4, 100).await?;
    let bodies: Vec<Value> = (0..24).map(|n| request(1, n)).collect();
    let told = futures::future::try_join_all(bodies.iter().map(|body| ask(&api, body))).await?;
    let count = |status: u16| told.iter().filter(|answer| answer.status.as_u16() == status).count();
    assert_eq!((count(201), count(429)), (4, 20));
    assert_eq!(api.items("/v1/approval-requests").await?.len(), 4);
    Ok(())
}

async fn nobody_fills_an_agents_room_but_the_agent(stores: Stores) -> anyhow::Result<()> {
    let api = desk(stores, 1, 100).await?;
    let payment = authorization(3_000_000);
    let stranger = submission_by(&sealed::key(2), &payment);
    assert_eq!(ask(&api, &stranger).await?.status, 422);
    assert_eq!(ask(&api, &submission_by(&sealed::key(1), &payment)).await?.status, 201);
    Ok(())
}
