//! Transactions prepared for people's wallets: the call asked for, by who may, with what it changes.

use alloy::{
    primitives::{Address, B256, Bytes, U256, keccak256},
    providers::{Provider as _, ProviderBuilder, mock::Asserter},
    sol_types::{SolCall as _, SolError as _, SolInterface as _},
};
use bursar_indexer::db::{Db, Query};
use bursar_sdk::{
    abi::{
        Eip3009::approveCall,
        Treasury::{EscrowTooSmall, TreasuryCalls, announceCall, setPolicyCall},
    },
    policy::PolicyDocument,
};
use bursar_test_stores::{Stores, on_both_stores};
use serde_json::{Value, json};

use crate::{
    client::{Answer, Api, api, config, state},
    seed::{self, address, purse, token, treasury},
};

on_both_stores!(
    every_action_is_the_call_that_was_asked_for,
    only_who_may_gets_a_transaction,
    figures_are_shown_before_and_after,
    amounts_end_at_the_boundary,
    a_stop_is_never_refused_and_a_release_needs_a_stop,
    a_looser_policy_is_announced_and_waits,
    what_is_of_no_use_is_refused_with_both_sides,
    a_safe_gets_the_same_calls,
    a_node_says_what_would_come_of_it,
);

const OWNER: u8 = 1;
const MANAGER: u8 = 2;
const GUARDIAN: u8 = 3;

async fn ask(api: &Api, from: Address, action: Value) -> anyhow::Result<Answer> {
    let request = json!({ "treasury": treasury(), "from": from, "action": action });
    api.post("/v1/transactions", &request).await
}

async fn prepared(api: &Api, from: u8, action: Value) -> anyhow::Result<Value> {
    let told = ask(api, address(from), action.clone()).await?;
    anyhow::ensure!(told.status == 200, "{action}: {}", told.text());
    Ok(told.json())
}

async fn refused(api: &Api, from: u8, action: Value) -> anyhow::Result<(u16, String)> {
    let told = ask(api, address(from), action).await?;
    Ok((told.status.as_u16(), told.json()["code"].as_str().unwrap_or_default().to_owned()))
}

fn call(prepared: &Value, n: usize) -> Bytes {
    serde_json::from_value(prepared["calls"][n]["data"].clone()).unwrap()
}

/// What the treasury is called with.
fn asked_of_treasury(prepared: &Value) -> TreasuryCalls {
    assert_eq!(prepared["calls"].as_array().unwrap().len(), 1, "{prepared}");
    assert_eq!(prepared["calls"][0]["to"], json!(treasury().to_checksum(None)));
    assert_eq!(prepared["calls"][0]["value"], "0");
    TreasuryCalls::abi_decode(&call(prepared, 0)).unwrap()
}

fn document(payment_cap: u64) -> PolicyDocument {
    serde_json::from_value(json!({
        "schema": "bursar.policy/1", "name": "Research", "purpose": "Buys data", "chainId": seed::CHAIN_ID,
        "asset": token(), "paymentCap": payment_cap.to_string(), "approvalThreshold": "2000000",
        "sessionLimit": "6000000", "maxSessionSeconds": 86_400, "payeeList": 1, "lifetimeLimit": "500000000",
        "windows": [{"period": 86_400, "limit": "10000000"}, {"period": 604_800, "limit": "40000000"}],
    }))
    .unwrap()
}

fn set_policy(payment_cap: u64) -> Value {
    json!({ "kind": "set_policy", "envelope": 1, "policy": document(payment_cap) })
}

async fn group(db: &Db, frozen: bool) -> anyhow::Result<()> {
    Query::new(
        "INSERT INTO envelope_group (treasury, number, parent, asset, frozen, epoch, created_block) \
         VALUES ($1, 1, 0, $2, $3, 0, 30)",
    )
    .bind(treasury())
    .bind(token())
    .bind(frozen)
    .execute(db)
    .await?;
    Ok(())
}

async fn stop_organisation(db: &Db) -> anyhow::Result<()> {
    Query::new("UPDATE treasury SET frozen = TRUE").execute(db).await?;
    Ok(())
}

async fn announce(db: &Db, id: B256, ready_at: u64) -> anyhow::Result<()> {
    Query::new("DELETE FROM alert").execute(db).await?;
    Query::new(
        "INSERT INTO alert (id, kind, severity, treasury, envelope, subject, raised_at, block_number, block_hash, \
         foreseen, closed_at, closed_block, count, detail) \
         VALUES ($1, 'policy_drift', 'notice', $2, NULL, $3, $4, 990, NULL, FALSE, NULL, NULL, 1, $5)",
    )
    .bind(id)
    .bind(treasury())
    .bind(format!("announcements/{id}"))
    .bind(seed::NOW - 20)
    .bind(json!({ "announced": "setPolicy", "readyAt": ready_at.to_string() }).to_string())
    .execute(db)
    .await?;
    Ok(())
}

/// Everything that can be asked for where the organisation is frozen and so is its group, with one who may.
fn actions() -> Vec<(u8, Value)> {
    vec![
        (GUARDIAN, json!({ "kind": "freeze_envelope", "envelope": 1 })),
        (OWNER, json!({ "kind": "unfreeze_envelope", "envelope": 2 })),
        (GUARDIAN, json!({ "kind": "freeze_session", "purse": purse(1) })),
        (GUARDIAN, json!({ "kind": "freeze_group", "group": 1 })),
        (OWNER, json!({ "kind": "unfreeze_group", "group": 1 })),
        (GUARDIAN, json!({ "kind": "freeze_organisation" })),
        (OWNER, json!({ "kind": "unfreeze_organisation" })),
        (OWNER, json!({ "kind": "clear_review", "envelope": 3, "reason": "looked at" })),
        (OWNER, json!({ "kind": "withdraw", "envelope": 1, "to": address(9), "amount": "7" })),
        (MANAGER, set_policy(4_000_000)),
        (GUARDIAN, json!({ "kind": "cancel_announcement", "id": B256::repeat_byte(3) })),
    ]
}

async fn stopped(stores: Stores) -> anyhow::Result<Api> {
    let api = api(stores).await?;
    let db = api.seeded.store.db();
    group(db, true).await?;
    stop_organisation(db).await?;
    announce(db, B256::repeat_byte(3), seed::NOW + 60).await?;
    Ok(api)
}

async fn every_action_is_the_call_that_was_asked_for(stores: Stores) -> anyhow::Result<()> {
    use TreasuryCalls as C;
    let api = stopped(stores).await?;
    let mut decoded = Vec::new();
    for (from, action) in actions() {
        let it = prepared(&api, from, action).await?;
        assert_eq!((it["chainId"].as_u64(), &it["from"]), (Some(31_337), &json!(address(from).to_string())));
        decoded.push(asked_of_treasury(&it));
    }
    let decoded: [TreasuryCalls; 11] = decoded.try_into().unwrap();
    let [freeze, release, session, group, group_release, all, all_release, clear, withdraw, policy, cancel] =
        decoded;
    assert!(matches!(freeze, C::freezeEnvelope(call) if call.envelope.to::<u32>() == 1));
    assert!(matches!(release, C::unfreezeEnvelope(call) if call.envelope.to::<u32>() == 2));
    assert!(matches!(session, C::freezeSession(call) if call.purse == purse(1)));
    assert!(matches!(group, C::freezeGroup(call) if call.group.to::<u32>() == 1));
    assert!(matches!(group_release, C::unfreezeGroup(call) if call.group.to::<u32>() == 1));
    assert!(matches!((all, all_release), (C::freezeOrganisation(_), C::unfreezeOrganisation(_))));
    assert!(
        matches!(clear, C::clearReview(call) if call.envelope.to::<u32>() == 3 && call.reason == keccak256("looked at"))
    );
    assert!(matches!(withdraw, C::withdraw(call)
        if (call.envelope.to::<u32>(), call.to, call.amount) == (1, address(9), U256::from(7))));
    let expected = document(4_000_000).to_chain()?;
    assert!(
        matches!(policy, C::setPolicy(call) if call.envelope.to::<u32>() == 1 && call.policy == expected)
    );
    assert!(matches!(cancel, C::cancelAnnouncement(call) if call.id == B256::repeat_byte(3)));

    // Anybody may top up, out of their own tokens: what the treasury may take is set first.
    let top_up = prepared(&api, 0x99, json!({ "kind": "top_up", "envelope": 1, "amount": "5" })).await?;
    let approve = approveCall::abi_decode(&call(&top_up, 0))?;
    assert_eq!((approve.spender, approve.amount), (treasury(), U256::from(5)));
    assert_eq!(top_up["calls"][0]["to"], json!(token().to_checksum(None)));
    let C::topUp(paid_in) = TreasuryCalls::abi_decode(&call(&top_up, 1))? else { panic!("no top-up") };
    assert_eq!((paid_in.envelope.to::<u32>(), paid_in.amount), (1, U256::from(5)));
    assert_eq!(top_up["needs"], json!([]));
    Ok(())
}

async fn only_who_may_gets_a_transaction(stores: Stores) -> anyhow::Result<()> {
    let api = stopped(stores).await?;
    // Owner, policy manager, guardian, approver, reviewer, nobody.
    let people = [1u8, 2, 3, 4, 6, 9];
    for (_, action) in actions() {
        let may: &[u8] = match action["kind"].as_str().unwrap() {
            kind if kind.starts_with("freeze") || kind == "cancel_announcement" => &[1, 2, 3],
            "set_policy" => &[2],
            _ => &[1],
        };
        for from in people {
            let told = ask(&api, address(from), action.clone()).await?;
            if may.contains(&from) {
                assert_eq!(told.status, 200, "{action} from {from}: {}", told.text());
                continue;
            }
            let problem = told.json();
            assert_eq!((told.status.as_u16(), &problem["code"]), (409, &json!("role_missing")), "{action}");
            assert!(!problem["expected"].as_str().unwrap_or_default().is_empty());
            assert_eq!(problem["got"] == "no role", from == 9, "{problem}");
        }
    }
    Ok(())
}

/// The change of that name.
fn change(prepared: &Value, what: &str) -> (String, String) {
    let changes = prepared["changes"].as_array().unwrap();
    let found = changes.iter().find(|change| change["what"] == what);
    let found = found.unwrap_or_else(|| panic!("no {what}: {prepared}"));
    let text = |side: &str| found[side].as_str().unwrap().to_owned();
    (text("before"), text("after"))
}

fn pair(before: &str, after: &str) -> (String, String) {
    (before.into(), after.into())
}

async fn figures_are_shown_before_and_after(stores: Stores) -> anyhow::Result<()> {
    let api = api(stores).await?;
    let top_up = prepared(&api, 9, json!({ "kind": "top_up", "envelope": 1, "amount": "1500000" })).await?;
    assert_eq!(change(&top_up, "Escrow"), pair("40.00 USDC", "41.50 USDC"));
    assert_eq!(change(&top_up, "Funded in all"), pair("50.00 USDC", "51.50 USDC"));
    let out = json!({ "kind": "withdraw", "envelope": 1, "to": address(9), "amount": "1500000" });
    let withdraw = prepared(&api, OWNER, out).await?;
    assert_eq!(change(&withdraw, "Escrow"), pair("40.00 USDC", "38.50 USDC"));
    assert_eq!(change(&withdraw, "Withdrawn in all"), pair("1.00 USDC", "2.50 USDC"));
    assert!(withdraw["what"].as_str().unwrap().contains(&address(9).to_checksum(None)));
    let freeze = prepared(&api, GUARDIAN, json!({ "kind": "freeze_envelope", "envelope": 3 })).await?;
    assert_eq!(change(&freeze, "Standing"), pair("Under review", "Frozen, Under review"));
    let clear = json!({ "kind": "clear_review", "envelope": 3, "reason": "looked at" });
    assert_eq!(change(&prepared(&api, OWNER, clear).await?, "Standing"), pair("Under review", "Active"));
    let policy = prepared(&api, MANAGER, set_policy(4_000_000)).await?;
    assert_eq!(change(&policy, "Policy"), pair("version 2", "version 3"));
    assert_eq!(change(&policy, "Most a payment"), pair("5.00 USDC", "4.00 USDC"));
    assert_eq!(policy["changes"].as_array().unwrap().len(), 2, "what stays is not told: {policy}");
    let same = prepared(&api, MANAGER, set_policy(5_000_000)).await?;
    assert!(same["warnings"].to_string().contains("No rule changes"));
    Ok(())
}

async fn amounts_end_at_the_boundary(stores: Stores) -> anyhow::Result<()> {
    let api = api(stores).await?;
    let withdraw =
        |amount: &str| json!({ "kind": "withdraw", "envelope": 1, "to": address(9), "amount": amount });
    let all = prepared(&api, OWNER, withdraw("40000000")).await?;
    assert_eq!(change(&all, "Escrow").1, "0.00 USDC");
    let over = ask(&api, address(OWNER), withdraw("40000001")).await?;
    assert_eq!((over.status.as_u16(), &over.json()["code"]), (409, &json!("escrow_too_small")));
    assert_eq!(
        (&over.json()["expected"], &over.json()["got"]),
        (&json!("at most 40000000"), &json!("40000001"))
    );
    assert_eq!(refused(&api, OWNER, withdraw("0")).await?, (422, "amount_zero".into()));
    let top_up = |amount: String| json!({ "kind": "top_up", "envelope": 1, "amount": amount });
    assert_eq!(refused(&api, 9, top_up("0".into())).await?, (422, "amount_zero".into()));
    let most = (1u128 << 96) - 1 - 40_000_000;
    prepared(&api, 9, top_up(most.to_string())).await?;
    assert_eq!(refused(&api, 9, top_up((most + 1).to_string())).await?, (422, "amount_too_large".into()));
    for nowhere in [Address::ZERO, treasury(), token()] {
        let lost = json!({ "kind": "withdraw", "envelope": 1, "to": nowhere, "amount": "1" });
        assert_eq!(refused(&api, OWNER, lost).await?, (422, "receiver_unfit".into()));
    }
    Ok(())
}

async fn a_stop_is_never_refused_and_a_release_needs_a_stop(stores: Stores) -> anyhow::Result<()> {
    let api = api(stores).await?;
    group(api.seeded.store.db(), false).await?;
    let again = prepared(&api, GUARDIAN, json!({ "kind": "freeze_envelope", "envelope": 2 })).await?;
    assert!(again["warnings"].to_string().contains("frozen already"), "{again}");
    for running in [
        json!({ "kind": "unfreeze_envelope", "envelope": 1 }),
        json!({ "kind": "unfreeze_group", "group": 1 }),
        json!({ "kind": "unfreeze_organisation" }),
    ] {
        assert_eq!(refused(&api, OWNER, running).await?, (409, "not_frozen".into()));
    }
    stop_organisation(api.seeded.store.db()).await?;
    let release = prepared(&api, OWNER, json!({ "kind": "unfreeze_envelope", "envelope": 2 })).await?;
    assert_eq!(
        change(&release, "Standing"),
        pair("Frozen, Frozen with its organisation", "Frozen with its organisation")
    );
    assert!(release["warnings"].to_string().contains("stays frozen with what is above it"));
    let clear = json!({ "kind": "clear_review", "envelope": 1, "reason": "nothing there" });
    assert_eq!(refused(&api, OWNER, clear).await?, (409, "not_under_review".into()));
    Query::new("UPDATE session SET closed_at = expiry").execute(api.seeded.store.db()).await?;
    let closed = json!({ "kind": "freeze_session", "purse": purse(1) });
    assert_eq!(refused(&api, GUARDIAN, closed).await?, (409, "session_not_open".into()));
    Ok(())
}

async fn a_looser_policy_is_announced_and_waits(stores: Stores) -> anyhow::Result<()> {
    let api = api(stores).await?;
    let db = api.seeded.store.db();
    let set = setPolicyCall {
        envelope: alloy::primitives::aliases::U24::from(1u8),
        policy: document(5_000_001).to_chain()?,
    };
    let looser = prepared(&api, MANAGER, set_policy(5_000_001)).await?;
    let announced = announceCall::abi_decode(&call(&looser, 0))?;
    assert_eq!((&announced.call[..], looser["delay"].as_u64()), (&set.abi_encode()[..], Some(3_600)));
    assert_eq!(change(&looser, "Policy"), pair("version 2", "version 2; another is announced"));

    let id = keccak256(set.abi_encode());
    let now = seed::NOW;
    let fortnight = 14 * 86_400;
    for (ready_at, outcome) in [
        (now + 1, "waits"),
        (now, "set"),
        (now - fortnight + 1, "set"),
        // Nobody used it for two weeks: it is void.
        (now - fortnight, "announced"),
    ] {
        announce(db, id, ready_at).await?;
        let told = ask(&api, address(MANAGER), set_policy(5_000_001)).await?;
        let json = told.json();
        match outcome {
            "waits" => assert_eq!((told.status.as_u16(), &json["code"]), (409, &json!("announcement_waits"))),
            "set" => {
                assert!(matches!(asked_of_treasury(&json), TreasuryCalls::setPolicy(call) if call == set))
            }
            _ => assert!(matches!(asked_of_treasury(&json), TreasuryCalls::announce(_))),
        }
    }
    // An announcement of another document is none of this one.
    announce(db, B256::repeat_byte(1), now).await?;
    let other = prepared(&api, MANAGER, set_policy(5_000_001)).await?;
    assert!(matches!(asked_of_treasury(&other), TreasuryCalls::announce(_)));

    Query::new("UPDATE treasury SET delay = 0").execute(db).await?;
    let at_once = prepared(&api, MANAGER, set_policy(5_000_001)).await?;
    assert!(matches!(asked_of_treasury(&at_once), TreasuryCalls::setPolicy(_)));
    assert!(at_once["warnings"].to_string().contains("no delay"));
    Ok(())
}

async fn what_is_of_no_use_is_refused_with_both_sides(stores: Stores) -> anyhow::Result<()> {
    let api = api(stores).await?;
    let other_chain = PolicyDocument { chain_id: 1, ..document(1) };
    let other_asset = PolicyDocument { asset: address(8), ..document(1) };
    let contradicts = document(1);
    for (from, action, status, code) in [
        (OWNER, json!({ "kind": "freeze_envelope", "envelope": 9 }), 404, "not_found"),
        (OWNER, json!({ "kind": "freeze_envelope", "envelope": 0 }), 404, "not_found"),
        (OWNER, json!({ "kind": "freeze_envelope", "envelope": u32::MAX }), 404, "not_found"),
        (OWNER, json!({ "kind": "freeze_group", "group": 1 }), 404, "not_found"),
        (OWNER, json!({ "kind": "freeze_session", "purse": address(8) }), 404, "not_found"),
        (OWNER, json!({ "kind": "cancel_announcement", "id": B256::ZERO }), 404, "not_found"),
        (OWNER, json!({ "kind": "clear_review", "envelope": 3, "reason": "  " }), 422, "reason_unfit"),
        (
            OWNER,
            json!({ "kind": "clear_review", "envelope": 3, "reason": "x".repeat(1_001) }),
            422,
            "reason_unfit",
        ),
        (
            MANAGER,
            json!({ "kind": "set_policy", "envelope": 1, "policy": other_chain }),
            422,
            "policy_misfit",
        ),
        (
            MANAGER,
            json!({ "kind": "set_policy", "envelope": 1, "policy": other_asset }),
            422,
            "policy_misfit",
        ),
        // A threshold above the cap.
        (
            MANAGER,
            json!({ "kind": "set_policy", "envelope": 1, "policy": contradicts }),
            422,
            "policy_document_invalid",
        ),
        (OWNER, json!({ "kind": "burn" }), 422, "invalid_body"),
        (OWNER, json!({ "kind": "freeze_envelope" }), 422, "invalid_body"),
        (OWNER, json!({ "kind": "freeze_envelope", "envelope": 1, "also": 2 }), 422, "invalid_body"),
        (
            OWNER,
            json!({ "kind": "withdraw", "envelope": 1, "to": address(9), "amount": 7 }),
            422,
            "invalid_body",
        ),
        (
            OWNER,
            json!({ "kind": "withdraw", "envelope": 1, "to": "0x1", "amount": "7" }),
            422,
            "invalid_body",
        ),
    ] {
        let told = ask(&api, address(from), action.clone()).await?;
        let got = (told.status.as_u16(), told.json()["code"].clone());
        assert_eq!(got, (status, json!(code)), "{action}: {}", told.text());
    }
    let elsewhere = json!({ "treasury": address(0x72), "from": address(OWNER),
                            "action": { "kind": "freeze_organisation" } });
    assert_eq!(api.post("/v1/transactions", &elsewhere).await?.status, 404);
    // Somebody else's treasury, in which our owner is nobody.
    seed::named_by_a_stranger(api.seeded.store.db(), address(0x72), seed::agent(1)).await?;
    assert_eq!(api.post("/v1/transactions", &elsewhere).await?.json()["code"], "role_missing");
    Ok(())
}

async fn a_safe_gets_the_same_calls(stores: Stores) -> anyhow::Result<()> {
    let api = api(stores).await?;
    let top_up = prepared(&api, 9, json!({ "kind": "top_up", "envelope": 1, "amount": "5" })).await?;
    let safe = &top_up["safe"];
    assert_eq!(
        (&safe["version"], &safe["chainId"], safe["createdAt"].as_u64()),
        (&json!("1.0"), &json!("31337"), Some(seed::NOW * 1000))
    );
    assert_eq!(safe["meta"]["createdFromSafeAddress"], json!(address(9).to_checksum(None)));
    assert_eq!(safe["meta"]["description"], top_up["what"]);
    let (calls, batch) = (top_up["calls"].as_array().unwrap(), safe["transactions"].as_array().unwrap());
    assert_eq!((calls.len(), batch.len()), (2, 2));
    for (call, transaction) in calls.iter().zip(batch) {
        for field in ["to", "value", "data"] {
            assert_eq!(call[field], transaction[field]);
        }
    }
    Ok(())
}

async fn a_node_says_what_would_come_of_it(stores: Stores) -> anyhow::Result<()> {
    let mut api = api(stores).await?;
    let withdraw = json!({ "kind": "withdraw", "envelope": 1, "to": address(9), "amount": "7" });
    let outcome = |prepared: &Value| prepared["simulation"]["outcome"].as_str().unwrap().to_owned();
    assert_eq!(outcome(&prepared(&api, OWNER, withdraw.clone()).await?), "unknown", "there is no node");

    let asserter = Asserter::new();
    let node = ProviderBuilder::new().connect_mocked_client(asserter.clone()).erased();
    api.router = bursar_api::router(state(&api.seeded, config()).with_node(node));
    asserter.push_success(&"0x");
    assert_eq!(outcome(&prepared(&api, OWNER, withdraw.clone()).await?), "passes");

    // The chain knows more than the ledger: it is said, not hidden.
    let revert = EscrowTooSmall { escrow: U256::from(6), asked: U256::from(7) }.abi_encode();
    let error = json!({ "code": 3, "message": "execution reverted", "data": Bytes::from(revert) });
    asserter.push_failure(serde_json::from_str(&error.to_string())?);
    let told = prepared(&api, OWNER, withdraw.clone()).await?;
    assert_eq!(outcome(&told), "reverts");
    let detail = told["simulation"]["detail"].as_str().unwrap();
    assert!(detail.contains("the escrow holds 6 atomic units, 7 are asked for"), "{detail}");

    asserter.push_failure_msg("nothing a treasury says");
    let told = prepared(&api, OWNER, withdraw.clone()).await?;
    assert!(told["simulation"].to_string().contains("nothing a treasury says"));
    // A node that answers nothing at all.
    assert_eq!(outcome(&prepared(&api, OWNER, withdraw).await?), "unknown");

    // What the sender holds and has allowed.
    let word = |n: u64| json!(B256::from(U256::from(n)));
    let top_up = |amount: &str| json!({ "kind": "top_up", "envelope": 1, "amount": amount });
    for (held, allowed, amount, calls) in
        [(10, 10, "10", Some(1)), (10, 9, "10", Some(2)), (9, 10, "10", None)]
    {
        asserter.push_success(&word(held));
        asserter.push_success(&word(allowed));
        match calls {
            Some(calls) => {
                asserter.push_success(&"0x");
                let told = prepared(&api, 9, top_up(amount)).await?;
                assert_eq!(
                    (told["calls"].as_array().unwrap().len(), outcome(&told)),
                    (calls, "passes".into())
                );
            }
            None => {
                assert_eq!(refused(&api, 9, top_up(amount)).await?, (409, "balance_too_small".into()));
            }
        }
    }
    Ok(())
}
