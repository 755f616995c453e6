//! Following what happens: a list with a cursor, and a stream.

use std::time::Duration;

use axum::{body::Body, http::Request};
use bursar_indexer::Store;
use bursar_sdk::payment::Rail;
use bursar_test_stores::{Stores, on_both_stores};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::{
    approvals::{answer_to, approver, authorization, submission_of},
    client::{Api, api, config, state},
    sealed,
    seed::{self, Seeded, denied, payee, seeded},
};

on_both_stores!(
    events_are_read_on_from_a_cursor,
    cursors_that_lead_nowhere_are_told_so,
    what_people_answer_is_told_with_the_page,
    a_stream_begins_where_its_client_was_and_goes_on,
    a_stream_from_now_on_tells_no_history,
    only_so_many_follow_at_a_time,
    the_service_ends_though_clients_follow,
    a_client_that_takes_too_long_is_let_go,
);

/// What the seeded store tells: five decisions and three refusals.
const SEEDED: u64 = 8;

pub(crate) async fn refuse(store: &Store, seq: u64) -> anyhow::Result<()> {
    let decision =
        denied(1, 100 + seq, 1, bursar_sdk::refusal::Refusal::PayeeNotListed, "canary of a rationale");
    store.insert_decision(&decision, &sealed::decision(&decision), seed::NOW).await?;
    Ok(())
}

fn seqs(items: &Value) -> Vec<u64> {
    items.as_array().into_iter().flatten().filter_map(|item| item["seq"].as_u64()).collect()
}

async fn events_are_read_on_from_a_cursor(stores: Stores) -> anyhow::Result<()> {
    let api = api(stores).await?;
    let first = api.json("/v1/events?limit=5").await?;
    assert_eq!((seqs(&first["items"]), &first["next"]), ((1..=5).collect(), &json!(5)));
    let rest = api.json("/v1/events?limit=5&cursor=5").await?;
    assert_eq!((seqs(&rest["items"]), &rest["next"]), ((6..=8).collect(), &json!(8)));
    let end = api.json("/v1/events?cursor=8").await?;
    assert_eq!((&end["items"], &end["next"]), (&json!([]), &json!(8)));
    refuse(&api.seeded.store, 1).await?;
    let news = api.json("/v1/events?cursor=8").await?;
    let event = &news["items"][0];
    assert_eq!((&event["seq"], &event["kind"]), (&json!(9), &json!("payment.refused")));
    assert_eq!(event["treasury"], json!(seed::treasury().to_checksum(None)));
    assert_eq!((&event["envelope"], &event["at"]), (&json!(1), &json!(seed::NOW)));
    assert_eq!(event["body"]["reasons"], json!(["payee_not_listed"]));
    let subject = event["subject"].as_str().unwrap_or_default();
    assert_eq!(api.get(&format!("/v1/{subject}")).await?.status, 200, "{subject}");
    assert!(!news.to_string().contains("canary"));

    let refused = api.json("/v1/events?kinds=payment.refused,payment.seen&envelope=2").await?;
    assert_eq!(seqs(&refused["items"]), [8]);
    assert_eq!(refused["next"], 9, "what does not fit is behind");
    let other = format!("/v1/events?treasury={}", payee(1));
    assert_eq!(api.json(&other).await?["items"], json!([]));
    Ok(())
}

async fn cursors_that_lead_nowhere_are_told_so(stores: Stores) -> anyhow::Result<()> {
    let api = api(stores).await?;
    for path in ["/v1/events", "/v1/events/stream"] {
        for (query, status, code) in [
            ("cursor=9", 400, "cursor_unknown"),
            ("cursor=-1", 400, "invalid_parameter"),
            ("cursor=99999999999999999999", 400, "invalid_parameter"),
            ("kinds=payment.lost", 400, "invalid_parameter"),
            ("kinds=", 400, "invalid_parameter"),
            ("kind=payment.seen", 400, "unknown_parameter"),
        ] {
            let answer = api.get(&format!("{path}?{query}")).await?;
            let got = (answer.status.as_u16(), answer.json()["code"].clone());
            assert_eq!(got, (status, json!(code)), "{path}?{query}: {}", answer.text());
        }
    }
    api.seeded.store.prune_events(u64::MAX >> 1).await?;
    for path in ["/v1/events", "/v1/events/stream"] {
        let answer = api.get(&format!("{path}?cursor=3")).await?;
        assert_eq!((answer.status.as_u16(), answer.json()["code"].clone()), (410, json!("cursor_gone")));
        assert_eq!(answer.json()["expected"], "a cursor of 7 at least");
    }
    let request = Request::get("/v1/events/stream").header("last-event-id", "x").body(Body::empty())?;
    assert_eq!(api.send(request).await?.status, 400);
    Ok(())
}

async fn what_people_answer_is_told_with_the_page(stores: Stores) -> anyhow::Result<()> {
    let seeded = seeded(stores).await?;
    let mut config = config();
    config.base_url = Some("https://bursar.example/desk/".parse()?);
    let api = Api { router: bursar_api::router(state(&seeded, config)), seeded };
    let approver = approver(&api).await?;
    let (payment, decision) = (authorization(7), alloy::primitives::B256::repeat_byte(0x43));
    for _ in 0..2 {
        let asked = api.post("/v1/approval-requests", &submission_of(&payment, decision)).await?;
        assert!(asked.status.is_success(), "{}", asked.text());
    }
    let digest = payment.digest(Rail::Eip3009, &seed::token_domain());
    for _ in 0..2 {
        let path = format!("/v1/approval-requests/{digest}/approval");
        let answer = api.post(&path, &answer_to(&approver, &payment, decision)).await?;
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
    let told = api.items(&format!("/v1/events?cursor={SEEDED}")).await?;
    let kinds: Vec<_> = told.iter().map(|event| event["kind"].as_str().unwrap_or_default()).collect();
    assert_eq!(kinds, ["approval.requested", "approval.granted"], "each once");
    assert_eq!(told[0]["page"], format!("https://bursar.example/desk/approvals/{digest}"));
    assert_eq!((&told[0]["body"]["amount"], &told[0]["envelope"]), (&json!("7"), &json!(1)));
    assert_eq!(told[1]["body"]["by"], approver.address().to_checksum(None));
    Ok(())
}

/// The service on a port of its own.
struct Service {
    url: String,
    cancel: CancellationToken,
    task: tokio::task::JoinHandle<Result<(), bursar_api::ServeError>>,
    seeded: Seeded,
}

impl Service {
    async fn start(stores: Stores, change: impl FnOnce(&mut bursar_api::Config)) -> anyhow::Result<Self> {
        let seeded = seeded(stores).await?;
        let mut config = config();
        change(&mut config);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}/v1/events/stream", listener.local_addr()?);
        let cancel = CancellationToken::new();
        let task = tokio::spawn(bursar_api::serve(listener, state(&seeded, config), cancel.clone()));
        Ok(Self { url, cancel, task, seeded })
    }

    async fn follow(&self, query: &str, last: Option<u64>) -> anyhow::Result<Client> {
        let mut request = reqwest::Client::new().get(format!("{}?{query}", self.url));
        if let Some(last) = last {
            request = request.header("last-event-id", last);
        }
        Ok(Client { response: request.send().await?.error_for_status()?, text: String::new() })
    }

    async fn stop(self) -> anyhow::Result<()> {
        self.cancel.cancel();
        Ok(self.task.await??)
    }
}

struct Client {
    response: reqwest::Response,
    text: String,
}

impl Client {
    /// The fields of the next event; `None` where the stream ends.
    async fn next(&mut self) -> anyhow::Result<Option<(u64, String, Value)>> {
        loop {
            if let Some((block, rest)) = self.text.split_once("\n\n") {
                let (block, rest) = (block.to_owned(), rest.to_owned());
                self.text = rest;
                let field =
                    |name: &str| block.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
                let Some(id) = field("id:") else { continue };
                let data = serde_json::from_str(field("data:").unwrap_or_default())?;
                return Ok(Some((id.parse()?, field("event:").unwrap_or_default().to_owned(), data)));
            }
            match self.response.chunk().await? {
                Some(chunk) => self.text.push_str(std::str::from_utf8(&chunk)?),
                None => return Ok(None),
            }
        }
    }

    async fn ids(&mut self, count: usize) -> anyhow::Result<Vec<u64>> {
        let mut ids = Vec::new();
        while ids.len() < count {
            let Some((id, ..)) = self.next().await? else { anyhow::bail!("the stream ended after {ids:?}") };
            ids.push(id);
        }
        Ok(ids)
    }
}

async fn a_stream_begins_where_its_client_was_and_goes_on(stores: Stores) -> anyhow::Result<()> {
    let service = Service::start(stores, |_| {}).await?;
    let mut client = service.follow("cursor=0", None).await?;
    let head = |name: &str| {
        client
            .response
            .headers()
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
            .to_owned()
    };
    assert_eq!(head("content-type"), "text/event-stream");
    assert_eq!((head("cache-control").as_str(), head("x-accel-buffering").as_str()), ("no-cache", "no"));
    assert_eq!(client.ids(8).await?, (1..=8).collect::<Vec<_>>());
    refuse(&service.seeded.store, 1).await?;
    let (id, kind, data) = client.next().await?.expect("news");
    assert_eq!((id, kind.as_str(), &data["seq"]), (9, "payment.refused", &json!(9)));
    drop(client);
    refuse(&service.seeded.store, 2).await?;
    // The header of a browser that comes back wins over the address it was given first.
    let mut again = service.follow("cursor=0", Some(9)).await?;
    refuse(&service.seeded.store, 3).await?;
    assert_eq!(again.ids(2).await?, [10, 11]);
    // More than one page, without a gap.
    for seq in 4..150 {
        refuse(&service.seeded.store, seq).await?;
    }
    assert_eq!(again.ids(146).await?, (12..158).collect::<Vec<_>>());
    service.stop().await
}

async fn a_stream_from_now_on_tells_no_history(stores: Stores) -> anyhow::Result<()> {
    let service = Service::start(stores, |_| {}).await?;
    let mut client = service.follow("kinds=payment.refused", None).await?;
    refuse(&service.seeded.store, 1).await?;
    assert_eq!(client.ids(1).await?, [SEEDED + 1]);
    service.stop().await
}

async fn only_so_many_follow_at_a_time(stores: Stores) -> anyhow::Result<()> {
    let service = Service::start(stores, |config| config.streams = 2).await?;
    let one = service.follow("", None).await?;
    let _two = service.follow("", None).await?;
    let third = reqwest::get(&service.url).await?;
    assert_eq!(third.status(), 503);
    assert!(third.headers().contains_key("retry-after"));
    assert_eq!(third.json::<Value>().await?["code"], "streams_full");
    drop(one);
    // Its room is free once the service has noticed.
    while reqwest::get(&service.url).await?.status() == 503 {
        tokio::task::yield_now().await;
    }
    service.stop().await
}

async fn the_service_ends_though_clients_follow(stores: Stores) -> anyhow::Result<()> {
    let service = Service::start(stores, |_| {}).await?;
    let mut client = service.follow("", None).await?;
    service.cancel.cancel();
    assert!(client.next().await?.is_none());
    service.stop().await
}

async fn a_client_that_takes_too_long_is_let_go(stores: Stores) -> anyhow::Result<()> {
    let service = Service::start(stores, |config| config.stream_patience = Duration::ZERO).await?;
    let mut client = service.follow("cursor=0", None).await?;
    // Any time at all is too long here: after the first event nothing more comes.
    assert_eq!(client.ids(1).await?, [1]);
    assert!(client.next().await?.is_none());
    // It comes back and misses nothing.
    let mut again = service.follow("cursor=0", Some(1)).await?;
    assert_eq!(again.ids(1).await?, [2]);
    service.stop().await
}
