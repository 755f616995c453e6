//! Every list and every single thing, as it should be.

use bursar_indexer::db::Query;
use bursar_test_stores::{Stores, on_both_stores};
use serde_json::{Value, json};

use crate::{
    client::api,
    seed::{self, agent, payee, purse, treasury},
};

on_both_stores!(
    a_treasury_tells_who_may_do_what,
    an_envelope_adds_up_and_shows_what_its_limits_have_left,
    a_window_that_is_over_has_everything_left,
    envelopes_and_agents_are_found_by_what_they_are,
    of_an_agent_that_strangers_name_too_only_so_much_is_shown,
    sessions_stand_where_time_and_people_put_them,
    payments_are_found_by_everything_an_auditor_asks,
    a_payment_tells_who_paid_whom_under_which_policy_and_why,
    a_record_that_disagrees_with_the_chain_is_told,
    decisions_and_refusals_are_told_apart,
    policies_keep_their_history,
    stops_and_payees_are_listed,
    the_books_add_up_per_agent_and_per_token,
    what_is_not_there_is_not_found,
    a_group_shows_what_it_has_left_and_stops_its_envelopes,
);

fn checksummed(address: alloy::primitives::Address) -> String {
    address.to_checksum(None)
}

async fn a_treasury_tells_who_may_do_what(stores: Stores) -> anyhow::Result<()> {
    let api = api(stores).await?;
    let path = format!("/v1/treasuries/{}", treasury());
    let detail = api.json(&path).await?;
    assert_eq!(detail["address"], checksummed(treasury()));
    assert_eq!(detail["separationOfDuties"], true);
    let roles: Vec<&Value> = detail["roles"].as_array().unwrap().iter().map(|grant| &grant["role"]).collect();
    assert_eq!(roles, ["owner", "policy_manager", "guardian", "approver", "reviewer"]);
    assert_eq!(api.items("/v1/treasuries").await?.len(), 1);
    Ok(())
}

async fn an_envelope_adds_up_and_shows_what_its_limits_have_left(stores: Stores) -> anyhow::Result<()> {
    let api = api(stores).await?;
    let envelope = api.json(&format!("/v1/envelopes/{}/1", treasury())).await?;
    // 50 funded - 1 withdrawn - 12 drawn + 3 returned; 12 drawn - 3 returned - 6.15 paid.
    assert_eq!(envelope["balance"], json!({"escrow": "40000000", "inPurses": "2850000", "left": "42850000"}));
    assert_eq!(envelope["state"], "active");
    assert_eq!(envelope["policy"]["version"], 2);
    assert_eq!(envelope["policy"]["rules"]["windows"][0], json!({"period": 86400, "limit": "10000000"}));
    let day = json!({"period": 86400, "limit": "10000000", "used": "9200000", "left": "800000",
                     "endsAt": seed::MIDNIGHT + 86_400});
    assert_eq!(envelope["headroom"][0], day);
    assert_eq!(envelope["headroom"][2]["period"], 0);
    assert_eq!(envelope["headroom"][2]["endsAt"], Value::Null);
    Ok(())
}

async fn a_window_that_is_over_has_everything_left(stores: Stores) -> anyhow::Result<()> {
    let api = api(stores).await?;
    Query::new("UPDATE limit_use SET window_index = window_index - 1 WHERE period = 86400")
        .execute(api.seeded.store.db())
        .await?;
    let envelope = api.json(&format!("/v1/envelopes/{}/1", treasury())).await?;
    assert_eq!(envelope["headroom"][0]["used"], "0");
    assert_eq!(envelope["headroom"][1]["used"], "14000000");
    Ok(())
}

async fn envelopes_and_agents_are_found_by_what_they_are(stores: Stores) -> anyhow::Result<()> {
    let api = api(stores).await?;
    for (query, numbers) in [
        (String::new(), vec![1, 2, 3]),
        ("?state=active".into(), vec![1]),
        ("?state=frozen".into(), vec![2]),
        ("?state=under_review".into(), vec![3]),
        (format!("?agent={}", agent(2)), vec![2]),
        (format!("?treasury={}", treasury()), vec![1, 2, 3]),
        (format!("?treasury={}", agent(2)), vec![]),
        (format!("?asset={}", seed::token()), vec![1, 2, 3]),
    ] {
        let found = api.items(&format!("/v1/envelopes{query}")).await?;
        let found: Vec<i64> = found.iter().filter_map(|envelope| envelope["number"].as_i64()).collect();
        assert_eq!(found, numbers, "{query}");
    }
    let agents = api.items("/v1/agents").await?;
    assert_eq!(agents.len(), 3);
    let one = api.json(&format!("/v1/agents/{}", agent(1))).await?;
    assert!(agents.contains(&one));
    assert_eq!(one["address"], checksummed(agent(1)));
    assert_eq!(one["envelopes"][0]["number"], 1);
    Ok(())
}

async fn of_an_agent_that_strangers_name_too_only_so_much_is_shown(stores: Stores) -> anyhow::Result<()> {
    let api = api(stores).await?;
    let db = api.seeded.store.db();
    for stranger in 1..=205u16 {
        let treasury = alloy::primitives::Address::left_padding_from(&stranger.to_be_bytes());
        seed::named_by_a_stranger(db, treasury, agent(1)).await?;
    }
    let all = api.json(&format!("/v1/agents/{}", agent(1))).await?;
    let shown = all["envelopes"].as_array().unwrap();
    assert_eq!(shown.len(), 200);
    assert_eq!(shown[199]["treasury"], checksummed(alloy::primitives::Address::with_last_byte(200)));
    // Nobody else loses by it.
    let of = api.items(&format!("/v1/agents?treasury={}", treasury())).await?;
    assert_eq!(
        of.iter().map(|one| one["envelopes"].as_array().unwrap().len()).collect::<Vec<_>>(),
        [1, 1, 1]
    );
    let agents = api.items("/v1/agents").await?;
    let second = agents.iter().find(|one| one["address"] == checksummed(agent(2))).unwrap();
    assert_eq!(second["envelopes"].as_array().unwrap().len(), 1);
    Ok(())
}

async fn sessions_stand_where_time_and_people_put_them(stores: Stores) -> anyhow::Result<()> {
    let api = api(stores).await?;
    let db = api.seeded.store.db();
    Query::new("UPDATE session SET frozen = TRUE WHERE envelope = 2 AND sequence = 2").execute(db).await?;
    Query::new("UPDATE envelope SET policy_version = 9 WHERE number = 3").execute(db).await?;
    Query::new("UPDATE session SET closed_at = NULL WHERE envelope = 1 AND sequence = 1").execute(db).await?;
    for (state, count) in [("open", 1), ("frozen", 1), ("outdated", 1), ("expired", 1), ("closed", 2)] {
        let found = api.items(&format!("/v1/sessions?state={state}")).await?;
        assert_eq!(found.len(), count, "{state}");
        assert!(found.iter().all(|session| session["state"] == state), "{state}");
    }
    let open = &api.items("/v1/sessions?state=open").await?[0];
    assert_eq!(&api.json(&format!("/v1/sessions/{}", open["id"].as_str().unwrap())).await?, open);
    assert_eq!(open["purse"], checksummed(purse(1)));
    assert_eq!(api.items(&format!("/v1/sessions?agent={}", agent(2))).await?.len(), 2);
    assert_eq!(api.items(&format!("/v1/sessions?purse={}", purse(2))).await?.len(), 2);
    assert_eq!(api.items(&format!("/v1/sessions?from={}", seed::MIDNIGHT + 2_000)).await?.len(), 3);
    assert_eq!(api.items(&format!("/v1/sessions?until={}", seed::MIDNIGHT + 2_000)).await?.len(), 3);
    assert_eq!(api.items("/v1/sessions?min_amount=6000001").await?.len(), 0);
    Ok(())
}

async fn payments_are_found_by_everything_an_auditor_asks(stores: Stores) -> anyhow::Result<()> {
    let api = api(stores).await?;
    let block = |number: u64| seed::MIDNIGHT + number * 10;
    let session = api.items("/v1/payments").await?[0]["session"].as_str().unwrap().to_owned();
    let tx = api.items("/v1/payments").await?[2]["txHash"].as_str().unwrap().to_owned();
    for (query, count) in [
        (String::new(), 7),
        (format!("?treasury={}&envelope=1", treasury()), 6),
        (format!("?agent={}", agent(2)), 1),
        (format!("?payee={}", payee(1)), 3),
        (format!("?session={session}"), 6),
        (format!("?tx={tx}"), 1),
        (format!("?from={}", block(960)), 5),
        (format!("?until={}", block(960)), 2),
        (format!("?from={}&until={}", block(950), block(970)), 2),
        (format!("?from={}", block(1001)), 0),
        (format!("?until={}", block(940)), 0),
        (format!("?from={}&until={}", block(970), block(950)), 0),
        ("?min_amount=4500000".into(), 1),
        ("?max_amount=100000".into(), 2),
        ("?min_amount=100000&max_amount=150000".into(), 2),
        ("?explained=true".into(), 5),
        ("?explained=false".into(), 2),
        ("?state=final".into(), 3),
        ("?state=safe".into(), 2),
        ("?state=seen".into(), 2),
    ] {
        assert_eq!(api.items(&format!("/v1/payments{query}")).await?.len(), count, "{query}");
    }
    Ok(())
}

async fn a_payment_tells_who_paid_whom_under_which_policy_and_why(stores: Stores) -> anyhow::Result<()> {
    let api = api(stores).await?;
    let decision = &api.seeded.decisions[6];
    let (hash, nonce) = (decision.hash()?, decision.nonce()?.unwrap());
    let payment = api.json(&format!("/v1/payments/{}/{nonce}", purse(1))).await?;
    assert_eq!(payment["amount"], "4500000");
    assert_eq!(payment["approver"], checksummed(seed::address(0x04)));
    assert_eq!(payment["policyVersion"], 2);
    assert_eq!(payment["policyHash"], format!("{}", seed::policy_hash(2)));
    assert_eq!(payment["explained"], true);
    assert_eq!(payment["disagreements"], json!([]));
    assert_eq!(payment["decisionHash"], format!("{hash}"));
    assert_eq!(payment["decision"]["rationale"], decision.rationale);
    assert_eq!(payment["state"], "seen");
    assert_eq!(payment["facilitator"], checksummed(seed::address(0xfa)));
    let unexplained = &api.items("/v1/payments?explained=false").await?[0];
    assert_eq!(unexplained["decision"], Value::Null);
    // The blob still names it.
    assert!(unexplained["decisionHash"].is_string());
    Ok(())
}

async fn a_record_that_disagrees_with_the_chain_is_told(stores: Stores) -> anyhow::Result<()> {
    let api = api(stores).await?;
    Query::new("UPDATE payment SET amount = $1, payee = $2 WHERE block_number = 1000")
        .bind(seed::padded(1))
        .bind(payee(7))
        .execute(api.seeded.store.db())
        .await?;
    let payment = &api.items("/v1/payments?limit=1").await?[0];
    assert_eq!(payment["disagreements"], json!(["payee", "amount"]));
    Ok(())
}

async fn decisions_and_refusals_are_told_apart(stores: Stores) -> anyhow::Result<()> {
    let api = api(stores).await?;
    for (path, count) in [
        ("/v1/decisions".to_owned(), 8),
        ("/v1/decisions?verdict=denied".into(), 3),
        ("/v1/decisions?verdict=approved&settled=true".into(), 5),
        ("/v1/decisions?settled=false".into(), 3),
        (format!("/v1/decisions?agent={}", agent(2)), 2),
        ("/v1/refusals".into(), 3),
        ("/v1/refusals?reason=payee_not_listed".into(), 1),
        (format!("/v1/refusals?payee={}", payee(9)), 3),
        (format!("/v1/refusals?treasury={}&envelope=2", treasury()), 1),
        ("/v1/refusals?min_amount=100000".into(), 2),
        (format!("/v1/refusals?until={}", seed::MIDNIGHT + 3_000 + 21 * 60), 1),
    ] {
        assert_eq!(api.items(&path).await?.len(), count, "{path}");
    }
    let refusal = &api.items("/v1/refusals?reason=payee_not_listed").await?[0];
    assert_eq!(refusal["record"]["reasonCodes"], json!(["payee_not_listed"]));
    assert_eq!(refusal["payment"], Value::Null);
    Ok(())
}

async fn policies_keep_their_history(stores: Stores) -> anyhow::Result<()> {
    let api = api(stores).await?;
    let history = api.items(&format!("/v1/policies?treasury={}&envelope=1", treasury())).await?;
    assert_eq!(history.len(), 2);
    assert_eq!(history[0]["version"], 1);
    let second = api.json(&format!("/v1/policies/{}/1/2", treasury())).await?;
    assert_eq!(second, history[1]);
    assert_eq!(second["policyHash"], format!("{}", seed::policy_hash(2)));
    assert_eq!(api.items("/v1/policies").await?.len(), 4);
    Ok(())
}

async fn stops_and_payees_are_listed(stores: Stores) -> anyhow::Result<()> {
    let api = api(stores).await?;
    for (query, count) in [
        (String::new(), 4),
        ("?level=review".into(), 1),
        ("?stopped=false".into(), 1),
        (format!("?agent={}", agent(2)), 3),
        (format!("?treasury={}&envelope=3", treasury()), 1),
        (format!("?from={}", seed::MIDNIGHT + 9_000), 2),
    ] {
        assert_eq!(api.items(&format!("/v1/stops{query}")).await?.len(), count, "{query}");
    }
    assert_eq!(api.items("/v1/payees").await?.len(), 4);
    assert_eq!(api.items("/v1/payees?list=2").await?.len(), 0);
    assert_eq!(api.items(&format!("/v1/payees?list=1&payee={}", payee(2))).await?.len(), 1);
    Ok(())
}

async fn the_books_add_up_per_agent_and_per_token(stores: Stores) -> anyhow::Result<()> {
    let api = api(stores).await?;
    let ledger = api.json("/v1/ledger").await?;
    assert_eq!(ledger["asOfBlock"], seed::HEAD);
    let total = &ledger["totals"][0];
    assert_eq!(total["funded"], "150000000");
    assert_eq!(total["paid"], "6570000");
    // 150 funded - 3 withdrawn - 6.57 paid.
    assert_eq!(total["left"], "140430000");
    let lines = ledger["lines"]["items"].as_array().unwrap();
    assert_eq!(lines.len(), 3);
    assert_eq!(lines[0]["refused"], json!({"count": 2, "amount": "9100000"}));
    assert_eq!(lines[1]["refused"], json!({"count": 1, "amount": "50000"}));
    assert_eq!(lines[2]["refused"], json!({"count": 0, "amount": "0"}));
    assert_eq!(lines[0]["totals"]["drawn"], "12000000");
    let one = api.json(&format!("/v1/ledger?agent={}", agent(2))).await?;
    assert_eq!(one["totals"][0]["paid"], "420000");
    assert_eq!(one["lines"]["items"][0]["envelope"], 2);
    Ok(())
}

async fn what_is_not_there_is_not_found(stores: Stores) -> anyhow::Result<()> {
    let api = api(stores).await?;
    let (nobody, nothing) = (seed::address(0x99), alloy::primitives::B256::repeat_byte(0x99));
    for path in [
        format!("/v1/treasuries/{nobody}"),
        format!("/v1/agents/{nobody}"),
        format!("/v1/envelopes/{}/9", treasury()),
        format!("/v1/policies/{}/1/9", treasury()),
        format!("/v1/sessions/{nothing}"),
        format!("/v1/payments/{nobody}/{nothing}"),
        format!("/v1/decisions/{nothing}"),
        format!("/v1/approval-requests/{nothing}"),
    ] {
        let answer = api.get(&path).await?;
        assert_eq!(answer.status, 404, "{path}");
        assert_eq!(answer.json()["code"], "not_found", "{path}");
    }
    Ok(())
}

async fn a_group_shows_what_it_has_left_and_stops_its_envelopes(stores: Stores) -> anyhow::Result<()> {
    let api = api(stores).await?;
    let db = api.seeded.store.db();
    let group = "INSERT INTO envelope_group (treasury, number, parent, asset, frozen, epoch, created_block) \
                 VALUES ($1, $2, $3, $4, $5, 2, 30)";
    for (number, parent, frozen) in [(1u32, 0u32, true), (2, 1, false)] {
        Query::new(group)
            .bind(treasury())
            .bind(number)
            .bind(parent)
            .bind(seed::token())
            .bind(frozen)
            .execute(db)
            .await?;
    }
    let today = bursar_sdk::windows::index_at(86_400, seed::NOW);
    Query::new("INSERT INTO group_limit_use VALUES ($1, 2, 0, 86400, $2, $3, $4)")
        .bind(treasury())
        .bind(seed::padded(10_000_000))
        .bind(seed::padded(4_000_000))
        .bind(today)
        .execute(db)
        .await?;
    Query::new("UPDATE envelope SET group_number = 2 WHERE number = 1").execute(db).await?;

    let groups = api.items("/v1/groups").await?;
    assert_eq!((groups.len(), &groups[0]["parent"], &groups[0]["frozen"]), (2, &Value::Null, &json!(true)));
    assert_eq!(api.items("/v1/groups?parent=1").await?, [groups[1].clone()]);
    let team = api.json(&format!("/v1/groups/{}/2", treasury())).await?;
    assert_eq!((&team["parent"], &team["epoch"], &team["envelopes"]), (&json!(1), &json!(2), &json!(1)));
    let day = json!({"period": 86400, "limit": "10000000", "used": "4000000", "left": "6000000",
                     "endsAt": seed::MIDNIGHT + 86_400});
    assert_eq!(team["headroom"], json!([day]));

    // The group above is frozen, so nothing below it pays.
    let envelope = api.json(&format!("/v1/envelopes/{}/1", treasury())).await?;
    assert_eq!((&envelope["group"], &envelope["groupFrozen"]), (&json!(2), &json!(true)));
    assert_eq!((&envelope["frozen"], &envelope["state"]), (&json!(false), &json!("frozen")));
    let frozen = api.items("/v1/envelopes?state=frozen").await?;
    assert_eq!(frozen.iter().map(|it| &it["number"]).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(api.items("/v1/envelopes?state=active").await?, [] as [Value; 0]);
    assert_eq!(api.items("/v1/envelopes?group=2").await?.len(), 1);
    let missing = api.get(&format!("/v1/groups/{}/3", treasury())).await?;
    assert_eq!(missing.status, axum::http::StatusCode::NOT_FOUND);
    Ok(())
}
