//! Outcome records as they come in, and beside the payments they are of.

use alloy::primitives::{B256, Bytes, keccak256};
use bursar_sdk::{
    delivery::SealedRecord,
    outcome::OutcomeRecord,
    record::{MAX_BYTES, RecordKind},
};
use bursar_test_stores::{Stores, on_both_stores};
use serde_json::{Value, json};

use crate::{
    client::{Api, api},
    sealed::{body, key, outcome, outcome_of, seal},
    seed::{self, payee, record},
};

on_both_stores!(
    an_outcome_is_stored_once_and_stands_beside_its_payment,
    the_latest_revision_counts,
    revisions_come_in_their_order_and_are_never_told_otherwise,
    an_outcome_of_an_unknown_decision_may_come_again,
    outcomes_that_do_not_match_are_refused_and_not_kept,
    an_outcome_that_its_agent_did_not_seal_is_refused,
    an_outcome_of_another_payment_is_refused,
);

async fn hand_in(api: &Api, record: &OutcomeRecord) -> anyhow::Result<(u16, Value)> {
    let answer = api.post("/v1/outcomes", &body(&outcome(record))).await?;
    Ok((answer.status.as_u16(), answer.json()))
}

async fn refused(api: &Api, record: &OutcomeRecord) -> anyhow::Result<(u16, String)> {
    let (status, answer) = hand_in(api, record).await?;
    Ok((status, answer["code"].as_str().unwrap_or_default().to_owned()))
}

async fn outcome_beside(api: &Api, decision: B256) -> anyhow::Result<Value> {
    Ok(api.json(&format!("/v1/decisions/{decision}")).await?["outcome"].clone())
}

async fn an_outcome_is_stored_once_and_stands_beside_its_payment(stores: Stores) -> anyhow::Result<()> {
    let api = api(stores).await?;
    let decision = api.seeded.decisions[0].clone();
    let hash = decision.hash()?;
    assert_eq!(outcome_beside(&api, hash).await?, Value::Null);
    let told = outcome_of(&decision);
    let (status, receipt) = hand_in(&api, &told).await?;
    assert_eq!((status, receipt), (201, json!({ "hash": outcome(&told).hash, "stored": true })));
    let (status, receipt) = hand_in(&api, &told).await?;
    assert_eq!((status, receipt), (200, json!({ "hash": outcome(&told).hash, "stored": false })));

    let kept = outcome_beside(&api, hash).await?;
    assert_eq!(kept["hash"], json!(outcome(&told).hash));
    assert_eq!((&kept["httpStatus"], &kept["delivered"]), (&json!(200), &json!(true)));
    assert_eq!((&kept["resultHash"], &kept["resultBytes"]), (&json!(told.result_hash), &json!(1_234)));
    assert_eq!(kept["taskDone"], Value::Null);
    let nonce = decision.nonce()?.unwrap();
    let payment = api.json(&format!("/v1/payments/{}/{nonce}", decision.purse)).await?;
    assert_eq!(payment["outcome"], kept);
    let with = api.items("/v1/payments").await?.into_iter().filter(|payment| !payment["outcome"].is_null());
    assert_eq!(with.count(), 1, "no other payment has it");
    Ok(())
}

async fn the_latest_revision_counts(stores: Stores) -> anyhow::Result<()> {
    let api = api(stores).await?;
    let decision = api.seeded.decisions[0].clone();
    let mut told = outcome_of(&decision);
    // More than nine: numbers, not text.
    for _ in 0..11 {
        assert_eq!(hand_in(&api, &told).await?.0, 201);
        told = told.revised(outcome(&told).hash, told.created_at + 1);
    }
    let last = OutcomeRecord { task_done: Some(true), ..told };
    assert_eq!(hand_in(&api, &last).await?.0, 201);
    let kept = outcome_beside(&api, decision.hash()?).await?;
    assert_eq!((&kept["revision"], &kept["taskDone"]), (&json!(12), &json!(true)));
    assert_eq!(kept["hash"], json!(outcome(&last).hash));
    assert_eq!(
        api.items("/v1/decisions").await?.len(),
        8,
        "a decision comes once, however often it is revised"
    );
    Ok(())
}

async fn revisions_come_in_their_order_and_are_never_told_otherwise(stores: Stores) -> anyhow::Result<()> {
    let api = api(stores).await?;
    let first = outcome_of(&api.seeded.decisions[0]);
    let second = first.revised(outcome(&first).hash, first.created_at + 1);
    let third = second.revised(outcome(&second).hash, second.created_at + 1);
    assert_eq!(refused(&api, &second).await?, (409, "revision_missing".into()));
    assert_eq!(hand_in(&api, &first).await?.0, 201);
    assert_eq!(refused(&api, &third).await?, (409, "revision_missing".into()));
    let astray = OutcomeRecord { prev_hash: B256::repeat_byte(1), ..second.clone() };
    let (status, answer) = hand_in(&api, &astray).await?;
    assert_eq!((status, &answer["code"]), (422, &json!("revision_forked")));
    assert_eq!((&answer["expected"], &answer["got"]), (&json!(second.prev_hash), &json!(astray.prev_hash)));
    assert_eq!(hand_in(&api, &second).await?.0, 201);
    assert_eq!(hand_in(&api, &third).await?.0, 201);

    let otherwise = OutcomeRecord { task_done: Some(true), ..second.clone() };
    let (status, answer) = hand_in(&api, &otherwise).await?;
    assert_eq!((status, &answer["code"]), (422, &json!("revision_forked")));
    assert_eq!(answer["expected"], json!(outcome(&second).hash));
    assert_eq!(hand_in(&api, &first).await?.0, 200, "an old one may still come again");
    assert_eq!(outcome_beside(&api, first.decision_hash).await?["hash"], json!(outcome(&third).hash));
    Ok(())
}

async fn an_outcome_of_an_unknown_decision_may_come_again(stores: Stores) -> anyhow::Result<()> {
    let api = api(stores).await?;
    let late = api.seeded.decisions[2].clone();
    let told = outcome_of(&late);
    let answer = api.post("/v1/outcomes", &body(&outcome(&told))).await?;
    assert_eq!((answer.status.as_u16(), answer.json()["code"].clone()), (409, json!("decision_unknown")));
    assert!(answer.headers.contains_key("retry-after"));
    assert_eq!(api.post("/v1/decisions", &body(&crate::sealed::decision(&late))).await?.status, 201);
    assert_eq!(hand_in(&api, &told).await?.0, 201);
    Ok(())
}

async fn outcomes_that_do_not_match_are_refused_and_not_kept(stores: Stores) -> anyhow::Result<()> {
    let api = api(stores).await?;
    let good = outcome_of(&api.seeded.decisions[0]);
    let canonical = good.canonical()?;
    let elsewhere = OutcomeRecord { chain_id: 1, ..good.clone() }.canonical()?;
    let torn = OutcomeRecord { revision: 0, ..good.clone() }.canonical()?;
    let dated = OutcomeRecord { schema: "bursar.outcome/9".into(), ..good.clone() }.canonical()?;
    let spaced = canonical.replacen(':', ": ", 1);
    let long = canonical.clone() + &" ".repeat(MAX_BYTES);
    let decision = api.seeded.decisions[0].canonical()?;
    for (text, status, code) in [
        (spaced.as_str(), 422, "not_canonical"),
        (&elsewhere, 422, "chain_mismatch"),
        (&torn, 422, "record_inconsistent"),
        (&dated, 422, "schema_unknown"),
        (&decision, 422, "schema_unknown"),
        (&long, 413, "record_too_large"),
        ("{}", 422, "record_malformed"),
    ] {
        let record = SealedRecord { hash: keccak256(text), canonical: text.into(), ..outcome(&good) };
        let answer = api.post("/v1/outcomes", &body(&record)).await?;
        let got = (answer.status.as_u16(), answer.json()["code"].clone());
        assert_eq!(got, (status, json!(code)), "{}", answer.text());
    }
    let misnamed = SealedRecord { hash: B256::repeat_byte(1), ..outcome(&good) };
    let answer = api.post("/v1/outcomes", &body(&misnamed)).await?;
    assert_eq!((answer.status.as_u16(), answer.json()["code"].clone()), (422, json!("hash_mismatch")));
    assert_eq!(outcome_beside(&api, good.decision_hash).await?, Value::Null);
    Ok(())
}

async fn an_outcome_that_its_agent_did_not_seal_is_refused(stores: Stores) -> anyhow::Result<()> {
    let api = api(stores).await?;
    let good = outcome_of(&api.seeded.decisions[0]);
    let (hash, treasury) = (outcome(&good).hash, good.treasury);
    for wrong in [
        seal(&key(2), RecordKind::Outcome, treasury, hash),
        seal(&key(1), RecordKind::Decision, treasury, hash),
        seal(&key(1), RecordKind::Outcome, treasury, B256::repeat_byte(1)),
        Bytes::new(),
    ] {
        let answer = api.post("/v1/outcomes", &body(&SealedRecord { seal: wrong, ..outcome(&good) })).await?;
        assert_eq!((answer.status.as_u16(), answer.json()["code"].clone()), (422, json!("seal_invalid")));
    }
    assert_eq!(outcome_beside(&api, good.decision_hash).await?, Value::Null);
    Ok(())
}

/// Properly sealed by somebody, and still not what came of that decision.
async fn an_outcome_of_another_payment_is_refused(stores: Stores) -> anyhow::Result<()> {
    let api = api(stores).await?;
    let good = outcome_of(&api.seeded.decisions[0]);
    for other in [
        OutcomeRecord { agent: seed::agent(2), envelope: 2, ..good.clone() },
        OutcomeRecord { treasury: seed::address(0x99), ..good.clone() },
        OutcomeRecord { purse: seed::purse(2), ..good.clone() },
        OutcomeRecord { nonce: B256::repeat_byte(1), ..good.clone() },
    ] {
        assert_eq!(refused(&api, &other).await?, (422, "decision_mismatch".into()));
    }
    let mut denied = record(1, 70, payee(1), 1_000, "no");
    denied.verdict = bursar_sdk::decision::Verdict::Denied;
    denied.reason_codes = vec![bursar_sdk::Refusal::PaymentCapExceeded];
    assert_eq!(api.post("/v1/decisions", &body(&crate::sealed::decision(&denied))).await?.status, 201);
    assert_eq!(refused(&api, &outcome_of(&denied)).await?, (422, "decision_denied".into()));
    Ok(())
}
