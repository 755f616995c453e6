//! Webhooks: signed, in order, at least once, and nobody waits for anybody else.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use alloy::primitives::B256;
use axum::{
    Router,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::IntoResponse,
};
use bursar_api::{
    AppState,
    webhook::{
        self,
        send::{Failure, Message, Sender},
        sign::shown,
        target::TargetError,
    },
};
use bursar_indexer::{
    Store,
    db::Query,
    outbox::Kind,
    query::events::{self, Filter, Page},
    store::{Begin, Missed, Secret, Webhook, WebhookError, Wish},
};
use bursar_sdk::clock::{Clock, Entropy};
use bursar_test_stores::{Stores, on_both_stores};
use serde_json::Value;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::{
    client::config,
    sealed,
    seed::{self, Seeded, denied, seeded},
};

on_both_stores!(
    what_is_delivered_is_signed_and_in_order,
    an_endpoint_that_fails_gets_everything_once_it_works,
    what_was_delivered_and_not_noted_comes_again_with_the_same_id,
    a_slow_endpoint_keeps_nobody_waiting,
    redirects_are_not_followed,
    an_endpoint_that_is_gone_is_told_nothing_more,
    an_endpoint_that_fails_for_too_long_is_given_up_and_that_is_told,
    of_two_services_one_delivers,
    a_webhook_gets_what_it_wished_for_and_begins_where_told,
    private_addresses_are_not_delivered_to,
);

/// What came: headers and body.
#[derive(Debug, Clone)]
struct Got {
    headers: HeaderMap,
    body: String,
}

impl Got {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_default()
    }

    fn seq(&self) -> u64 {
        self.json()["data"]["seq"].as_u64().unwrap_or_default()
    }
}

type Answer = Box<dyn Fn(usize) -> Option<StatusCode> + Send + Sync>;

/// An endpoint that answers as told, by how many came before; `None`: never.
struct Endpoint {
    got: Mutex<Vec<Got>>,
    news: Notify,
    answer: Mutex<Answer>,
}

impl Endpoint {
    async fn open(
        answer: impl Fn(usize) -> Option<StatusCode> + Send + Sync + 'static,
    ) -> anyhow::Result<(Arc<Self>, Wish)> {
        let endpoint = Arc::new(Self {
            got: Mutex::default(),
            news: Notify::new(),
            answer: Mutex::new(Box::new(answer)),
        });
        let router = Router::new().fallback(take).with_state(Arc::clone(&endpoint));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}/hook?token=t", listener.local_addr()?).parse()?;
        tokio::spawn(async move { axum::serve(listener, router).await });
        Ok((endpoint, Wish { url, private: false, filter: Filter::default() }))
    }

    async fn good() -> anyhow::Result<(Arc<Self>, Wish)> {
        Self::open(|_| Some(StatusCode::NO_CONTENT)).await
    }

    fn now(&self, answer: impl Fn(usize) -> Option<StatusCode> + Send + Sync + 'static) {
        *self.answer.lock().unwrap() = Box::new(answer);
    }

    fn got(&self) -> Vec<Got> {
        self.got.lock().unwrap().clone()
    }

    /// Waits until so many messages have come.
    async fn until(&self, count: usize) -> Vec<Got> {
        loop {
            let news = self.news.notified();
            let got = self.got();
            if got.len() >= count {
                return got;
            }
            news.await;
        }
    }
}

async fn take(State(endpoint): State<Arc<Endpoint>>, headers: HeaderMap, body: String) -> impl IntoResponse {
    let before = {
        let mut got = endpoint.got.lock().unwrap();
        got.push(Got { headers, body });
        got.len() - 1
    };
    endpoint.news.notify_waiters();
    let answer = endpoint.answer.lock().unwrap()(before);
    match answer {
        Some(status) => (status, [(header::LOCATION, "/elsewhere")]),
        None => std::future::pending().await,
    }
}

fn quick() -> webhook::Config {
    webhook::Config {
        timeout: Duration::from_secs(20),
        look: Duration::from_millis(5),
        first_pause: Duration::ZERO,
        longest_pause: Duration::ZERO,
        ..Default::default()
    }
}

fn secret() -> Secret {
    Secret::new(vec![0x5e; 32])
}

/// Delivering, over a seeded store that tells of eight things.
struct Desk {
    cancel: CancellationToken,
    tasks: Vec<tokio::task::JoinHandle<Result<(), reqwest::Error>>>,
    seeded: Seeded,
    state: AppState,
}

impl Desk {
    async fn new(stores: Stores) -> anyhow::Result<Self> {
        let seeded = seeded(stores).await?;
        let state = AppState::new(seeded.store.clone(), config(), None).with_clock(|| seed::NOW);
        Ok(Self { cancel: CancellationToken::new(), tasks: Vec::new(), seeded, state })
    }

    fn store(&self) -> &Store {
        &self.seeded.store
    }

    async fn add(&self, id: &str, wish: &Wish, begin: Begin) -> anyhow::Result<()> {
        Ok(self.store().add_webhook(id, wish, &secret(), begin, seed::NOW).await?)
    }

    fn run(&mut self, config: webhook::Config) {
        let run = webhook::run(self.state.clone(), config, Entropy::system(), self.cancel.clone());
        self.tasks.push(tokio::spawn(run));
    }

    async fn webhook(&self, id: &str) -> anyhow::Result<Webhook> {
        self.store().webhook(id).await?.ok_or_else(|| anyhow::anyhow!("no webhook {id}"))
    }

    /// Waits until the store says so of a webhook.
    async fn until(&self, id: &str, is: impl Fn(&Webhook) -> bool) -> anyhow::Result<Webhook> {
        loop {
            let webhook = self.webhook(id).await?;
            if is(&webhook) {
                return Ok(webhook);
            }
            tokio::task::yield_now().await;
        }
    }

    async fn refuse(&self, seq: u64) -> anyhow::Result<()> {
        let decision = denied(1, 100 + seq, 1, bursar_sdk::refusal::Refusal::PayeeNotListed, "canary");
        self.store().insert_decision(&decision, &sealed::decision(&decision), seed::NOW).await?;
        Ok(())
    }

    async fn stop(self) -> anyhow::Result<()> {
        self.cancel.cancel();
        for task in self.tasks {
            task.await??;
        }
        Ok(())
    }
}

/// As a receiver with the specification's own library does, at the time of the message.
fn verify(got: &Got, secret: &Secret) -> bool {
    let peer = standardwebhooks::Webhook::new(&shown(secret)).unwrap();
    let Ok(at) = got.header("webhook-timestamp").parse() else { return false };
    let theirs = peer.sign(got.header("webhook-id"), at, got.body.as_bytes()).unwrap();
    theirs == got.header("webhook-signature")
}

async fn what_is_delivered_is_signed_and_in_order(stores: Stores) -> anyhow::Result<()> {
    let mut desk = Desk::new(stores).await?;
    let (endpoint, wish) = Endpoint::good().await?;
    desk.add("wh_one", &wish, Begin::After(0)).await?;
    desk.run(quick());
    let got = endpoint.until(8).await;
    assert_eq!(got.iter().map(Got::seq).collect::<Vec<_>>(), (1..=8).collect::<Vec<_>>());
    let listed = events::after(&desk.state.db, &Filter::default(), None, 9).await?;
    assert!(matches!(listed, Page::Events { events, .. } if events.len() == 8));
    for got in &got {
        assert!(verify(got, &secret()), "{got:?}");
        assert_eq!(got.header("webhook-timestamp"), seed::NOW.to_string());
        assert_eq!(got.header("webhook-id"), format!("wh_one_{}", got.seq()));
        assert_eq!(got.header("content-type"), "application/json");
        let body = got.json();
        assert_eq!(body["type"], body["data"]["kind"]);
        assert!(
            body["timestamp"].as_str().is_some_and(|at| at.starts_with("2026-11-2") && at.ends_with('Z'))
        );
        // Anything else than what was sent is not what was signed.
        let mut forged = vec![got.clone(); 4];
        forged[0].body = got.body.replace("\"seq\":", "\"seq\":1");
        for (forged, header) in
            forged[1..].iter_mut().zip(["webhook-id", "webhook-timestamp", "webhook-signature"])
        {
            let value = format!("{}1", got.header(header).trim_end_matches('='));
            forged.headers.insert(header, value.parse()?);
        }
        for forged in &forged {
            assert!(!verify(forged, &secret()), "{forged:?}");
        }
        assert!(!verify(got, &Secret::new(vec![0x5f; 32])));
    }
    desk.refuse(1).await?;
    assert_eq!(endpoint.until(9).await[8].seq(), 9);
    let webhook = desk.until("wh_one", |webhook| webhook.cursor == 9).await?;

    // One of now, by the library's whole check; and one of an hour ago, which it refuses.
    let now = Clock::system().now();
    let peer = standardwebhooks::Webhook::new(&shown(&secret()))?;
    for (at, fresh) in [(now, true), (now - 3_600, false)] {
        let message = Message::test(&webhook, at)?;
        Sender::new(&quick())?.send(&wish, &secret(), &message, at).await?;
        let got = endpoint.got().pop().expect("it came");
        assert_eq!(peer.verify(got.body.as_bytes(), &got.headers).is_ok(), fresh);
    }
    desk.stop().await
}

async fn an_endpoint_that_fails_gets_everything_once_it_works(stores: Stores) -> anyhow::Result<()> {
    let mut desk = Desk::new(stores).await?;
    let (endpoint, wish) = Endpoint::open(|_| Some(StatusCode::INTERNAL_SERVER_ERROR)).await?;
    desk.add("wh_one", &wish, Begin::After(0)).await?;
    desk.run(quick());
    let failing = desk.until("wh_one", |webhook| webhook.failures >= 3).await?;
    assert_eq!((failing.cursor, failing.failing_since), (0, Some(seed::NOW)));
    assert_eq!(failing.last_error.as_deref(), Some("expected a status of 200 to 299, got 500"));
    endpoint.now(|_| Some(StatusCode::OK));
    let done = desk.until("wh_one", |webhook| webhook.cursor == 8).await?;
    assert_eq!((done.failures, done.failing_since, done.last_error), (0, None, None));
    let got = endpoint.got();
    let mut bodies = BTreeMap::new();
    for got in &got {
        assert!(verify(got, &secret()));
        let first = bodies.entry(got.header("webhook-id").to_owned()).or_insert(got.body.clone());
        assert_eq!(*first, got.body, "the same id is the same message");
    }
    assert_eq!(bodies.len(), 8, "nothing was lost");
    assert!(got.iter().map(Got::seq).is_sorted(), "nor overtaken");
    desk.stop().await
}

/// A crash after the endpoint has it and before that is noted.
async fn what_was_delivered_and_not_noted_comes_again_with_the_same_id(stores: Stores) -> anyhow::Result<()> {
    let mut desk = Desk::new(stores).await?;
    // It has the first message and never says so.
    let (endpoint, wish) = Endpoint::open(|_| None).await?;
    desk.add("wh_one", &wish, Begin::After(0)).await?;
    desk.run(quick());
    let first = endpoint.until(1).await.remove(0);
    desk.cancel.cancel();
    for task in std::mem::take(&mut desk.tasks) {
        task.await??;
    }
    assert_eq!(desk.webhook("wh_one").await?.cursor, 0);
    endpoint.now(|_| Some(StatusCode::OK));
    desk.cancel = CancellationToken::new();
    // Another process: it waits until the first one's hold has run out, unless a human begins again.
    desk.state = desk.state.clone().with_clock(|| seed::NOW + 3_600);
    desk.run(quick());
    let again = endpoint.until(9).await;
    assert_eq!(again[1].header("webhook-id"), first.header("webhook-id"));
    assert_eq!(again[1].body, first.body);
    assert!(verify(&first, &secret()) && verify(&again[1], &secret()));
    desk.until("wh_one", |webhook| webhook.cursor == 8).await?;
    // So does what is told again on purpose.
    assert!(desk.store().replay_webhook("wh_one", Begin::After(6)).await?);
    let replayed = endpoint.until(11).await;
    assert_eq!(replayed[9..].iter().map(Got::seq).collect::<Vec<_>>(), [7, 8]);
    assert_eq!(replayed[9].header("webhook-id"), again[7].header("webhook-id"));
    desk.stop().await
}

async fn a_slow_endpoint_keeps_nobody_waiting(stores: Stores) -> anyhow::Result<()> {
    let mut desk = Desk::new(stores).await?;
    let (slow, slow_wish) = Endpoint::open(|_| None).await?;
    let (good, good_wish) = Endpoint::good().await?;
    desk.add("wh_a_slow", &slow_wish, Begin::After(0)).await?;
    desk.add("wh_b_good", &good_wish, Begin::After(0)).await?;
    desk.run(quick());
    assert_eq!(good.until(8).await.len(), 8);
    assert_eq!(slow.until(1).await.len(), 1, "one message is under way, not more");
    assert_eq!(desk.webhook("wh_a_slow").await?.cursor, 0);
    desk.stop().await
}

async fn redirects_are_not_followed(stores: Stores) -> anyhow::Result<()> {
    let mut desk = Desk::new(stores).await?;
    let (endpoint, wish) = Endpoint::open(|_| Some(StatusCode::TEMPORARY_REDIRECT)).await?;
    desk.add("wh_one", &wish, Begin::After(7)).await?;
    desk.run(quick());
    let failing = desk.until("wh_one", |webhook| webhook.failures >= 2).await?;
    assert_eq!(failing.last_error.as_deref(), Some("expected a status of 200 to 299, got 307"));
    assert!(endpoint.got().iter().all(|got| got.seq() == 8));
    desk.stop().await
}

async fn an_endpoint_that_is_gone_is_told_nothing_more(stores: Stores) -> anyhow::Result<()> {
    let mut desk = Desk::new(stores).await?;
    let (endpoint, wish) = Endpoint::open(|_| Some(StatusCode::GONE)).await?;
    let (watcher, watching) = Endpoint::good().await?;
    desk.add("wh_gone", &wish, Begin::After(0)).await?;
    desk.add(
        "wh_watch",
        &Wish { filter: Filter { kinds: vec![Kind::WebhookDisabled], ..Default::default() }, ..watching },
        Begin::Now,
    )
    .await?;
    desk.run(quick());
    let told = watcher.until(1).await.remove(0).json();
    assert_eq!((&told["type"], &told["data"]["body"]["id"]), (&"webhook.disabled".into(), &"wh_gone".into()));
    assert!(!told.to_string().contains("token"), "addresses may be secrets: {told}");
    assert_eq!(desk.webhook("wh_gone").await?.disabled_at, Some(seed::NOW));
    assert_eq!(endpoint.got().len(), 1);
    // A human begins it again.
    endpoint.now(|_| Some(StatusCode::OK));
    assert!(desk.store().replay_webhook("wh_gone", Begin::After(0)).await?);
    endpoint.until(1 + 9).await;
    desk.stop().await
}

async fn an_endpoint_that_fails_for_too_long_is_given_up_and_that_is_told(
    stores: Stores,
) -> anyhow::Result<()> {
    let mut desk = Desk::new(stores).await?;
    let (endpoint, wish) = Endpoint::open(|_| Some(StatusCode::BAD_GATEWAY)).await?;
    desk.add("wh_one", &wish, Begin::After(0)).await?;
    desk.run(webhook::Config { give_up: Duration::from_secs(86_400), ..quick() });
    let since = async |ago: u64| -> anyhow::Result<()> {
        let sql = "UPDATE webhook SET failures = 0, failing_since = $1";
        Query::new(sql).bind(seed::NOW - ago).execute(desk.store().db()).await?;
        Ok(())
    };
    since(86_400 - 1).await?;
    let failing = desk.until("wh_one", |webhook| webhook.failures >= 3).await?;
    assert_eq!(failing.disabled_at, None, "not a second early");
    since(86_400).await?;
    let given_up = desk.until("wh_one", |webhook| webhook.disabled_at.is_some()).await?;
    assert_eq!(given_up.disabled_at, Some(seed::NOW));
    let filter = Filter { kinds: vec![Kind::WebhookDisabled], ..Default::default() };
    let page = events::after(&desk.state.db, &filter, None, 9).await?;
    let Page::Events { events, .. } = page else { anyhow::bail!("{page:?}") };
    assert_eq!(events.len(), 1);
    assert!(endpoint.got().iter().all(|got| got.seq() == 1), "what failed was not skipped");
    desk.stop().await
}

async fn of_two_services_one_delivers(stores: Stores) -> anyhow::Result<()> {
    let mut desk = Desk::new(stores).await?;
    let (endpoint, wish) = Endpoint::good().await?;
    desk.add("wh_one", &wish, Begin::After(0)).await?;
    desk.run(quick());
    desk.run(quick());
    for seq in 1..=20 {
        desk.refuse(seq).await?;
    }
    desk.until("wh_one", |webhook| webhook.cursor == 28).await?;
    let seqs: Vec<u64> = endpoint.got().iter().map(Got::seq).collect();
    assert_eq!(seqs, (1..=28).collect::<Vec<_>>(), "each once, in order");
    desk.stop().await
}

async fn a_webhook_gets_what_it_wished_for_and_begins_where_told(stores: Stores) -> anyhow::Result<()> {
    let mut desk = Desk::new(stores).await?;
    let (endpoint, wish) = Endpoint::good().await?;
    let filter =
        Filter { treasury: Some(seed::treasury()), envelope: Some(1), kinds: vec![Kind::PaymentRefused] };
    desk.add("wh_one", &Wish { filter, ..wish.clone() }, Begin::Now).await?;
    let early = desk.add("wh_two", &wish, Begin::After(9)).await.unwrap_err();
    assert!(
        matches!(early.downcast_ref(), Some(WebhookError::Missed(Missed::Ahead { newest: 8 }))),
        "{early}"
    );
    desk.refuse(1).await?;
    desk.run(quick());
    assert_eq!(endpoint.until(1).await[0].seq(), 9);
    desk.until("wh_one", |webhook| webhook.cursor == 9).await?;
    // What a webhook has still to get is kept.
    desk.store().add_webhook("wh_late", &wish, &secret(), Begin::After(4), seed::NOW).await?;
    endpoint.until(1 + 5).await;
    desk.store().remove_webhook("wh_late").await?;
    assert_eq!(desk.store().prune_events(u64::MAX >> 1).await?, 8);
    let late = desk.store().replay_webhook("wh_one", Begin::After(0)).await;
    assert!(matches!(late, Err(WebhookError::Missed(Missed::Gone { oldest: 9 }))), "{late:?}");
    assert!(!desk.store().replay_webhook("wh_none", Begin::Now).await?);
    desk.stop().await
}

async fn private_addresses_are_not_delivered_to(stores: Stores) -> anyhow::Result<()> {
    let desk = Desk::new(stores).await?;
    let sender = Sender::new(&quick())?;
    let of = |url: &str| -> anyhow::Result<Webhook> {
        let wish = Wish { url: url.parse()?, private: false, filter: Filter::default() };
        Ok(Webhook {
            id: "wh_x".into(),
            wish,
            secret: secret(),
            cursor: 0,
            created_at: 0,
            failures: 0,
            failing_since: None,
            last_error: None,
            next_at: 0,
            disabled_at: None,
        })
    };
    for (url, why) in [
        ("https://10.0.0.7/", TargetError::Private),
        ("https://169.254.169.254/latest/meta-data", TargetError::Private),
        ("http://hooks.example/", TargetError::NotHttps),
    ] {
        let webhook = of(url)?;
        let message = Message::test(&webhook, seed::NOW)?;
        let sent = sender.send(&webhook.wish, &webhook.secret, &message, seed::NOW).await;
        assert_eq!(sent, Err(Failure::Target(why)), "{url}");
    }
    let shown = format!("{:?}", of("https://hooks.example/secret-path?token=t")?);
    assert!(
        shown.contains("hooks.example") && !shown.contains("token") && !shown.contains("secret-path"),
        "{shown}"
    );
    assert!(
        !shown.contains(&B256::repeat_byte(0x5e).to_string()[2..]) && !shown.contains("94, 94"),
        "{shown}"
    );
    desk.stop().await
}
