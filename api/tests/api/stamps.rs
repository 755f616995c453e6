//! Stamps as agents hand them in: kept where a session was opened under them, and their links hold together.

use alloy::{
    primitives::{Address, B256},
    signers::{SignerSync as _, local::PrivateKeySigner},
};
use bursar_indexer::db::Query;
use bursar_sdk::{
    amount::Amount,
    stamp::{Scope, StampBundle, StampDomain, StampSignature, StampTerms, UnsignedStamp, Windows},
};
use bursar_test_stores::{Stores, on_both_stores};
use serde_json::{Value, json};

use crate::{
    client::{Api, api},
    seed::{self, agent, payee, treasury},
};

on_both_stores!(
    a_stamp_is_kept_once_a_session_names_it,
    what_does_not_hold_together_is_refused,
    a_payments_page_tells_who_vouched,
);

fn stamper() -> PrivateKeySigner {
    PrivateKeySigner::from_bytes(&B256::repeat_byte(0x77)).unwrap()
}

async fn stamp(chain_id: u64, subject: Address) -> anyhow::Result<StampBundle> {
    let terms = StampTerms {
        subject,
        agent_ref: B256::ZERO,
        scope: Scope::any().payees([payee(1)]).hosts(["api.example"]),
        per_payment_max: Amount::new(5_000_000),
        total_max: Amount::new(50_000_000),
        windows: Windows::default(),
        not_before: 0,
        not_after: 4_000_000_000,
        depth_left: 0,
        policy_hash: B256::ZERO,
        httpsig_jkt: B256::ZERO,
        workload_hash: B256::ZERO,
        epoch: 0,
    };
    let domain = StampDomain::new(chain_id, treasury());
    Ok(UnsignedStamp::root(domain, &terms, stamper().address(), B256::ZERO)?.sign(&stamper()).await?)
}

async fn hand_in(api: &Api, stamp: &StampBundle) -> anyhow::Result<(u16, Value)> {
    let answer = api.post("/v1/stamps", &json!({ "stamp": stamp.to_text()? })).await?;
    Ok((answer.status.as_u16(), answer.json()))
}

/// The first envelope's sessions were opened under it.
async fn named(api: &Api, hash: B256) -> anyhow::Result<()> {
    let named = Query::new("UPDATE session SET stamp_hash = $1 WHERE envelope = 1").bind(hash);
    named.execute(api.seeded.store.db()).await?;
    Ok(())
}

async fn a_stamp_is_kept_once_a_session_names_it(stores: Stores) -> anyhow::Result<()> {
    let api = api(stores).await?;
    let stamp = stamp(seed::CHAIN_ID, agent(1)).await?;
    let hash = stamp.hash();
    let (status, told) = hand_in(&api, &stamp).await?;
    assert_eq!((status, &told["code"]), (409, &json!("stamp_unknown")));
    assert_eq!(api.get(&format!("/v1/stamps/{hash}")).await?.status.as_u16(), 404);
    named(&api, hash).await?;
    assert_eq!(hand_in(&api, &stamp).await?, (201, json!({ "hash": hash, "stored": true })));
    assert_eq!(hand_in(&api, &stamp).await?, (200, json!({ "hash": hash, "stored": false })));
    let kept = api.json(&format!("/v1/stamps/{hash}")).await?;
    assert_eq!(kept["bundle"], json!(stamp.to_text()?));
    let link = &kept["links"][0];
    assert_eq!(link["issuer"], json!(stamper().address().to_checksum(None)));
    assert_eq!(link["subject"], json!(agent(1).to_checksum(None)));
    assert_eq!(link["perPaymentMax"], json!("5000000"));
    assert_eq!(link["byContract"], json!(false));
    Ok(())
}

async fn what_does_not_hold_together_is_refused(stores: Stores) -> anyhow::Result<()> {
    let api = api(stores).await?;
    let good = stamp(seed::CHAIN_ID, agent(1)).await?;
    named(&api, good.hash()).await?;
    let mut forged = good.clone();
    let other = PrivateKeySigner::from_bytes(&B256::repeat_byte(0x78))?;
    forged.links[0].signature = StampSignature::by_key(&other.sign_hash_sync(&good.hash())?, &good.hash());
    let mut wider = good.clone();
    wider.links[0].scope = Scope::any();
    let elsewhere = stamp(seed::CHAIN_ID + 1, agent(1)).await?;
    for (bundle, code) in [(forged, "stamp_refused"), (wider, "stamp_refused"), (elsewhere, "chain_mismatch")]
    {
        let (status, told) = hand_in(&api, &bundle).await?;
        assert_eq!((status, &told["code"]), (422, &json!(code)), "{told}");
    }
    // Its subject is the agent whose session it was.
    let of_another = stamp(seed::CHAIN_ID, agent(2)).await?;
    named(&api, of_another.hash()).await?;
    assert_eq!(hand_in(&api, &of_another).await?.0, 409);
    for text in ["", "AAAA", "not base64url!"] {
        let answer = api.post("/v1/stamps", &json!({ "stamp": text })).await?;
        assert_eq!(
            (answer.status.as_u16(), &answer.json()["code"]),
            (422, &json!("stamp_malformed")),
            "{text}"
        );
    }
    Ok(())
}

async fn a_payments_page_tells_who_vouched(stores: Stores) -> anyhow::Result<()> {
    let api = api(stores).await?;
    let payment = api.json("/v1/payments?envelope=1&limit=1").await?["items"][0].clone();
    let page =
        format!("/payments/{}/{}", payment["purse"].as_str().unwrap(), payment["nonce"].as_str().unwrap());
    let stamp = stamp(seed::CHAIN_ID, agent(1)).await?;
    named(&api, stamp.hash()).await?;
    let before = api.get(&page).await?.text();
    assert!(before.contains("Its links were not handed in"), "{before}");
    hand_in(&api, &stamp).await?;
    let after = api.get(&page).await?.text();
    for told in ["vouched for", "1 payee", "valid then", &format!("{:#x}", stamp.hash())] {
        assert!(after.contains(told), "{told}: {after}");
    }
    let evidence = api.json(&format!("/v1{page}/evidence")).await?;
    assert_eq!(evidence["stamps"]["links"][0]["hash"], json!(stamp.hash()));
    Ok(())
}
