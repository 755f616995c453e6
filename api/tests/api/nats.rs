//! Events published to a NATS server's stream: each once, in order, whatever server and service do.

mod desk;

use std::time::Duration;

use bursar_api::nats::{Config, Credentials};
use bursar_indexer::{
    db::Query,
    query::events::Filter,
    store::{Begin, PUBLISHER, Secret, Wish},
};
use bursar_test_nats::{Keeper, Server};
use bursar_test_stores::{Stores, on_both_stores};
use serde_json::{Value, json};

use crate::{events::refuse, seed};
use desk::{Desk, config_of, kept, told_by};

on_both_stores!(
    everything_is_published_once_in_order_as_the_list_tells_it,
    what_a_reorg_takes_back_is_published_as_taken_back,
    a_server_that_dies_in_the_middle_has_everything_once_it_is_back,
    what_was_published_and_not_noted_is_not_published_twice,
    a_server_that_lost_what_it_had_is_told_again,
    a_server_that_lost_what_is_no_longer_kept_here_is_told_of,
    what_was_purged_is_not_taken_for_kept,
    of_two_services_one_publishes,
    what_is_to_be_published_is_kept_and_no_webhook,
    a_stream_that_is_there_is_taken_as_it_is,
    what_the_server_does_not_do_is_told_and_nothing_is_skipped,
    an_event_that_does_not_fit_waits_until_it_does,
    another_ledgers_events_and_a_store_put_back_are_told_apart,
);

async fn everything_is_published_once_in_order_as_the_list_tells_it(stores: Stores) -> anyhow::Result<()> {
    let mut desk = Desk::new(stores, Server::start()?).await?;
    desk.run(config_of(&desk.server)?);
    desk.published(8).await?;
    refuse(desk.store(), 1).await?;
    desk.published(9).await?;
    let told = desk.api.items("/v1/events?limit=100").await?;
    let messages = kept(&desk.server).await?;
    let bodies: Vec<&Value> = messages.iter().map(|message| &message.body).collect();
    assert_eq!(bodies, told.iter().collect::<Vec<_>>(), "each once, in order, and the same");
    let ledger = desk.store().ledger_name().await?;
    for (message, event) in messages.iter().zip(&told) {
        let (treasury, kind) = (event["treasury"].as_str(), event["kind"].as_str());
        let subject =
            format!("bursar.{}.{}.{}", seed::CHAIN_ID, treasury.unwrap_or("-"), kind.unwrap_or_default());
        assert_eq!((&message.subject, &message.id), (&subject, &format!("{ledger}-{}", event["seq"])));
    }
    let keeper = Keeper::of(&desk.server).await?;
    let made = keeper.api("STREAM.INFO.bursar", Value::Null).await?["config"].take();
    let (days, minutes) = (30 * 86_400 * 1_000_000_000u64, 10 * 60 * 1_000_000_000u64);
    assert_eq!((&made["subjects"], &made["discard"]), (&json!(["bursar.>"]), &json!("old")));
    assert_eq!((&made["max_age"], &made["duplicate_window"]), (&json!(days), &json!(minutes)));

    // What comes again under an id that the server has seen is not kept twice.
    assert_eq!(keeper.publish(&messages[8]).await?["duplicate"], true);
    assert_eq!(kept(&desk.server).await?.len(), 9);
    desk.stop().await
}

async fn what_a_reorg_takes_back_is_published_as_taken_back(stores: Stores) -> anyhow::Result<()> {
    let mut desk = Desk::new(stores, Server::start()?).await?;
    desk.run(config_of(&desk.server)?);
    desk.published(8).await?;
    for (seq, kind, retracts) in [(9u64, "freeze.set", None), (10, "retracted", Some(9u64))] {
        let told = "INSERT INTO outbox (seq, kind, at, subject, block_number, block_hash, retracts, body) \
                    VALUES ($1, $2, 5, 'stops/x', $3, $4, $5, '{}')";
        let block = retracts.is_none().then_some(seed::HEAD);
        let hash = block.map(|_| alloy::primitives::B256::repeat_byte(7));
        let query = Query::new(told).bind(seq).bind(kind).bind(block).bind(hash).bind(retracts);
        query.execute(desk.store().db()).await?;
    }
    desk.published(10).await?;
    let messages = kept(&desk.server).await?;
    let ends: Vec<_> = messages[8..].iter().map(|it| it.subject.clone()).collect();
    let subject = |kind: &str| format!("bursar.{}.-.{kind}", seed::CHAIN_ID);
    assert_eq!(ends, [subject("freeze.set"), subject("retracted")]);
    assert_eq!(messages[9].body["retracts"], 9);
    desk.agrees().await?;
    desk.stop().await
}

async fn a_server_that_dies_in_the_middle_has_everything_once_it_is_back(
    stores: Stores,
) -> anyhow::Result<()> {
    let mut desk = Desk::new(stores, Server::start()?).await?;
    desk.run(config_of(&desk.server)?);
    desk.published(8).await?;
    for round in 0..3 {
        desk.server.kill()?;
        desk.tell(100).await?;
        let failing = desk.until(|place| place.failures >= 2).await?;
        assert_eq!((failing.failing_since, failing.disabled_at), (Some(seed::NOW), None));
        let told = failing.last_error.unwrap_or_default();
        assert!(told.contains("expected a NATS server at nats://127.0.0.1:"), "{told}");
        desk.server.revive()?;
        // Killed again in the middle of what is left.
        desk.kept(8 + 100 * round + 1).await?;
    }
    let done = desk.published(8 + 300).await?;
    assert_eq!((done.failures, done.failing_since, done.last_error), (0, None, None));
    desk.agrees().await?;
    desk.stop().await
}

/// A process that dies after the server has kept events, and before that is noted.
async fn what_was_published_and_not_noted_is_not_published_twice(stores: Stores) -> anyhow::Result<()> {
    let mut desk = Desk::new(stores, Server::start()?).await?;
    desk.run(config_of(&desk.server)?);
    desk.published(8).await?;
    desk.pause().await?;
    Query::new("UPDATE webhook SET cursor = 3").execute(desk.store().db()).await?;
    desk.later();
    // By the newest message, not by the server's memory of ids: it lasts as long as the stream.
    let metrics = desk.run(config_of(&desk.server)?);
    desk.published(8).await?;
    assert!(told_by(&metrics)?.contains("nats_published_total 0"), "what the stream has is not sent");
    refuse(desk.store(), 1).await?;
    desk.published(9).await?;
    desk.agrees().await?;
    desk.stop().await
}

async fn a_server_that_lost_what_it_had_is_told_again(stores: Stores) -> anyhow::Result<()> {
    let mut desk = Desk::new(stores, Server::start()?).await?;
    desk.run(config_of(&desk.server)?);
    desk.published(8).await?;
    desk.server.kill()?;
    let copies = tempfile::tempdir()?;
    let copy = copies.path().join("store");
    desk::copy(&desk.server.store(), &copy)?;
    desk.server.revive()?;
    for seq in 1..=3 {
        refuse(desk.store(), seq).await?;
    }
    desk.published(11).await?;
    desk.server.kill()?;
    std::fs::remove_dir_all(desk.server.store())?;
    desk::copy(&copy, &desk.server.store())?;
    desk.server.revive()?;
    desk.kept(11).await?;
    desk.agrees().await?;
    desk.stop().await
}

async fn a_server_that_lost_what_is_no_longer_kept_here_is_told_of(stores: Stores) -> anyhow::Result<()> {
    let mut desk = Desk::new(stores, Server::start()?).await?;
    let metrics = desk.run(config_of(&desk.server)?);
    desk.published(8).await?;
    desk.server.kill()?;
    let copies = tempfile::tempdir()?;
    let copy = copies.path().join("store");
    desk::copy(&desk.server.store(), &copy)?;
    desk.server.revive()?;
    for seq in 1..=3 {
        refuse(desk.store(), seq).await?;
    }
    desk.published(11).await?;
    desk.server.kill()?;
    // Those before the newest are too old.
    Query::new("DELETE FROM outbox WHERE seq < 11").execute(desk.store().db()).await?;
    std::fs::remove_dir_all(desk.server.store())?;
    desk::copy(&copy, &desk.server.store())?;
    desk.server.revive()?;
    desk.fails("expected the events after 8, got none before 11").await?;
    let before = desk.place().await?.failures;
    let failing = desk.until(|place| place.failures >= before + 2).await?;
    assert_eq!((failing.cursor, failing.failing_since), (11, Some(seed::NOW)), "what is noted stays");
    // Where a human gives up what is lost, it goes on.
    Keeper::of(&desk.server).await?.api("STREAM.PURGE.bursar", Value::Null).await?;
    let healed = desk.until(|place| place.failures == 0).await?;
    assert_eq!((healed.cursor, healed.failing_since, healed.last_error), (11, None, None));
    refuse(desk.store(), 4).await?;
    desk.published(12).await?;
    assert_eq!(kept(&desk.server).await?.len(), 1);
    desk.tells(&metrics, "nats_behind 0").await?;
    desk.stop().await
}

async fn what_was_purged_is_not_taken_for_kept(stores: Stores) -> anyhow::Result<()> {
    let mut desk = Desk::new(stores, Server::start()?).await?;
    desk.run(config_of(&desk.server)?);
    desk.published(8).await?;
    desk.pause().await?;
    // As the manual has it; the server knows the ids of what is gone for a while.
    let chain = json!({ "filter": "bursar.31337.>" });
    Keeper::of(&desk.server).await?.api("STREAM.PURGE.bursar", chain).await?;
    assert!(kept(&desk.server).await?.is_empty());
    let db = desk.store().db().clone();
    Query::new("UPDATE webhook SET cursor = 0 WHERE id = $1").bind(PUBLISHER).execute(&db).await?;
    desk.later();
    desk.run(config_of(&desk.server)?);
    desk.fails("knows its id and has it no longer").await?;
    assert_eq!(desk.place().await?.cursor, 0);
    desk.stop().await
}

async fn of_two_services_one_publishes(stores: Stores) -> anyhow::Result<()> {
    let mut desk = Desk::new(stores, Server::start()?).await?;
    let both = [desk.run(config_of(&desk.server)?), desk.run(config_of(&desk.server)?)];
    for seq in 1..=20 {
        refuse(desk.store(), seq).await?;
    }
    desk.published(28).await?;
    desk.agrees().await?;
    desk.pause().await?;
    let mut sum = 0;
    for metrics in &both {
        let told = told_by(metrics)?;
        let total = told.lines().find_map(|line| line.strip_prefix("nats_published_total "));
        sum += total.unwrap_or_default().parse::<u64>()?;
    }
    assert_eq!(sum, 28, "each was sent once, by one of them");
    desk.stop().await
}

async fn what_is_to_be_published_is_kept_and_no_webhook(stores: Stores) -> anyhow::Result<()> {
    let mut desk = Desk::new(stores, Server::with("")?).await?;
    // It fails once: a second failure that it is about to note when it is ended may be noted after that.
    let day = Duration::from_secs(86_400);
    desk.run(Config { first_pause: day, longest_pause: day, ..config_of(&desk.server)? });
    desk.until(|place| place.failures >= 1).await?;
    assert_eq!(desk.store().prune_events(u64::MAX >> 1).await?, 0);
    desk.pause().await?;
    let failures = desk.place().await?.failures;
    // Webhooks are delivered beside it: one that nobody answers, and not this.
    let url = "http://127.0.0.1:1/".parse()?;
    let wish = Wish { url, private: false, filter: Filter::default() };
    desk.store().add_webhook("wh_one", &wish, &Secret::new(vec![7]), Begin::After(0), seed::NOW).await?;
    desk.later();
    desk.deliver();
    desk.webhook("wh_one", |webhook| webhook.failures >= 2).await?;
    assert_eq!(desk.place().await?.failures, failures);
    desk.stop().await
}

async fn a_stream_that_is_there_is_taken_as_it_is(stores: Stores) -> anyhow::Result<()> {
    let mut desk = Desk::new(stores, Server::start()?).await?;
    let keeper = Keeper::of(&desk.server).await?;
    keeper.make("mine", "*.pay.31337.>", json!({ "max_bytes": 1 << 20 })).await?;
    let mut config = config_of(&desk.server)?;
    (config.settings.stream, config.settings.subject_prefix) = ("mine".into(), "acme.pay".into());
    desk.run(config);
    desk.published(8).await?;
    let info = keeper.api("STREAM.INFO.mine", Value::Null).await?;
    assert_eq!((&info["config"]["max_bytes"], &info["state"]["messages"]), (&json!(1 << 20), &json!(8)));
    desk.stop().await
}

async fn what_the_server_does_not_do_is_told_and_nothing_is_skipped(stores: Stores) -> anyhow::Result<()> {
    const OPEN: &str = "jetstream { max_memory_store: 16MB, max_file_store: 256MB }\n";
    let guarded = format!("{OPEN}authorization {{ token: \"opensesame\" }}\n");
    let mut desk = Desk::new(stores, Server::with("")?).await?;
    let metrics = desk.run(config_of(&desk.server)?);
    desk.fails("expected a NATS server with JetStream").await?;
    desk.restart(&guarded)?;
    desk.fails("refuses the credentials").await?;
    desk.restart(OPEN)?;
    desk.published(8).await?;
    let told = desk.tells(&metrics, "nats_behind 0").await?;
    for told_of in [
        "nats_published_total 8",
        "nats_failures_total{code=\"no_jetstream\"}",
        "nats_failures_total{code=\"refused\"}",
    ] {
        assert!(told.contains(told_of), "{told_of}: {told}");
    }
    desk.pause().await?;

    // Who is known is let in; who is not, is not.
    desk.restart(&guarded)?;
    let mut config = config_of(&desk.server)?;
    config.credentials = Credentials::Token("opensesame".into());
    refuse(desk.store(), 1).await?;
    desk.later();
    desk.run(config);
    desk.published(9).await?;
    desk.pause().await?;
    desk.restart(OPEN)?;
    let keeper = Keeper::of(&desk.server).await?;
    assert_eq!(kept(&desk.server).await?.len(), 9);

    // A stream of that name for something else; and one of another name that has our subjects.
    keeper.api("STREAM.DELETE.bursar", Value::Null).await?;
    for (name, subject, told) in [
        (
            "bursar",
            "bursar.1.>",
            "expected a stream bursar that takes bursar.31337.>, got one that takes bursar.1.>",
        ),
        ("other", "bursar.31337.*.payment.>", "the server does not make a stream bursar of bursar.31337.>: "),
    ] {
        keeper.make(name, subject, json!({})).await?;
        desk.later();
        desk.run(config_of(&desk.server)?);
        desk.fails(told).await?;
        desk.pause().await?;
        keeper.api(&format!("STREAM.DELETE.{name}"), Value::Null).await?;
    }
    assert_eq!(desk.place().await?.cursor, 9);
    refuse(desk.store(), 2).await?;
    desk.later();
    desk.run(config_of(&desk.server)?);
    desk.published(10).await?;
    assert_eq!(kept(&desk.server).await?.len(), 1, "a stream that is new begins where the last one ended");
    desk.stop().await
}

async fn an_event_that_does_not_fit_waits_until_it_does(stores: Stores) -> anyhow::Result<()> {
    const STORE: &str = "jetstream { max_memory_store: 16MB, max_file_store: 256MB }\n";
    let mut desk = Desk::new(stores, Server::start()?).await?;
    desk.run(config_of(&desk.server)?);
    desk.published(8).await?;
    desk.server.kill()?;
    let long = "x".repeat(4_000);
    let told = "INSERT INTO outbox (seq, kind, at, subject, body) VALUES (9, 'freeze.set', 5, 'x', $1)";
    let body = json!({ "long": long }).to_string();
    Query::new(told).bind(body.as_str()).execute(desk.store().db()).await?;
    refuse(desk.store(), 1).await?;
    desk.server.configure(&format!("{STORE}max_payload: 2048\n"))?;
    desk.server.revive()?;
    let told = desk.fails("event 9 takes ").await?;
    assert!(told.contains("messages of 2048 at most: raise its max_payload"), "{told}");
    // That the server can be asked is no success.
    let failing = desk.until(|place| place.failures >= 3).await?;
    assert_eq!(failing.failing_since, Some(seed::NOW));
    assert_eq!((desk.place().await?.cursor, kept(&desk.server).await?.len()), (8, 8), "nothing was skipped");
    desk.restart(STORE)?;
    let done = desk.published(10).await?;
    assert_eq!((done.failures, done.failing_since, done.last_error), (0, None, None));
    desk.agrees().await?;
    desk.stop().await
}

async fn another_ledgers_events_and_a_store_put_back_are_told_apart(stores: Stores) -> anyhow::Result<()> {
    let mut desk = Desk::new(stores, Server::start()?).await?;
    desk.run(config_of(&desk.server)?);
    desk.published(8).await?;
    desk.pause().await?;
    // The store of yesterday, which has gone on otherwise.
    let db = desk.store().db().clone();
    Query::new("DELETE FROM outbox WHERE seq = 8").execute(&db).await?;
    refuse(desk.store(), 1).await?;
    refuse(desk.store(), 2).await?;
    Query::new("UPDATE webhook SET cursor = 7").execute(&db).await?;
    desk.later();
    desk.run(config_of(&desk.server)?);
    desk.fails("to be event 8 as the ledger has it").await?;
    desk.pause().await?;
    // Or has not come so far at all.
    Query::new("DELETE FROM outbox WHERE seq > 6").execute(&db).await?;
    Query::new("UPDATE webhook SET cursor = 5, last_error = NULL").execute(&db).await?;
    desk.later();
    desk.run(config_of(&desk.server)?);
    desk.fails("to be event 8 as the ledger has it").await?;
    desk.pause().await?;
    // Another ledger altogether.
    Query::new("UPDATE meta SET value = 'ab' WHERE key = 'ledger'").execute(&db).await?;
    desk.later();
    desk.run(config_of(&desk.server)?);
    desk.fails("to be of this ledger (ab)").await?;
    assert_eq!(kept(&desk.server).await?.len(), 8);
    // Where a human wants it so, it begins again.
    Query::new("UPDATE webhook SET cursor = 0 WHERE id = $1").bind(PUBLISHER).execute(&db).await?;
    Keeper::of(&desk.server).await?.api("STREAM.PURGE.bursar", Value::Null).await?;
    desk.published(6).await?;
    desk.agrees().await?;
    desk.stop().await
}
