//! The node on a socket, and what a benchmark asks beside JSON-RPC.

use std::{collections::HashMap, net::SocketAddr, sync::Arc, time::Duration};

use anyhow::Result;
use axum::{
    Json as AsJson, Router,
    body::Bytes,
    extract::{
        DefaultBodyLimit, Query, State,
        ws::{Message, WebSocket, WebSocketUpgrade},
    },
    http::{
        StatusCode,
        header::{CONTENT_TYPE, RETRY_AFTER},
    },
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde_json::{Value, json};
use tokio::{net::TcpListener, task::JoinHandle};

use crate::rpc::Replay;

/// What the one subscription of a connection is called.
const SUBSCRIPTION: &str = "0x1";

/// A node at work; it stops where this is dropped.
#[derive(Debug)]
pub struct Served {
    /// Where it listens.
    pub address: SocketAddr,
    task: JoinHandle<std::io::Result<()>>,
}

impl Served {
    /// Its address, as clients want it.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The same over WebSocket, where it tells of new heads to who subscribes to them.
    pub fn socket(&self) -> String {
        format!("ws://{}", self.address)
    }

    /// Until it fails.
    ///
    /// # Errors
    /// When the socket does.
    pub async fn wait(mut self) -> Result<()> {
        Ok((&mut self.task).await??)
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Serves on a loopback port; 0: any that is free.
///
/// # Errors
/// When the port is taken.
pub async fn serve(replay: Arc<Replay>, port: u16) -> Result<Served> {
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    let address = listener.local_addr()?;
    let task = tokio::spawn(async move { axum::serve(listener, router(replay)).await });
    Ok(Served { address, task })
}

/// JSON-RPC at `/`; below `/control` what stands in no standard: `calls`, `truth?to=`, `mine?n=`, `turn?depth=`.
pub fn router(replay: Arc<Replay>) -> Router {
    Router::new()
        .route("/", post(ask).get(connect))
        .route("/control/calls", get(calls).delete(forget))
        .route("/control/truth", get(truth))
        .route("/control/mine", post(mine))
        .route("/control/turn", post(turn))
        .layer(DefaultBodyLimit::max(64 << 20))
        .with_state(replay)
}

async fn ask(State(replay): State<Arc<Replay>>, body: Bytes) -> Response {
    replay.begins();
    let (reply, wait) = replay.answer(&body);
    if wait > 0 {
        tokio::time::sleep(Duration::from_millis(wait)).await;
    }
    replay.ends();
    let status = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut answer = (status, [(CONTENT_TYPE, "application/json")], reply.body).into_response();
    if let Some(seconds) = reply.retry_after {
        answer.headers_mut().insert(RETRY_AFTER, seconds.into());
    }
    answer
}

async fn connect(State(replay): State<Arc<Replay>>, upgrade: WebSocketUpgrade) -> Response {
    upgrade.on_upgrade(async move |socket| {
        // Whoever is there sees how it ends.
        let _ = talk(&replay, socket).await;
    })
}

/// Answers questions, and tells of heads from when somebody subscribes to them.
async fn talk(replay: &Replay, mut socket: WebSocket) -> Result<()> {
    let mut heads = replay.heads();
    let mut told = false;
    loop {
        tokio::select! {
            said = socket.recv() => {
                let text = match said.transpose()? {
                    Some(Message::Text(text)) => text,
                    Some(Message::Close(_)) | None => return Ok(()),
                    Some(_) => continue,
                };
                let question: Value = serde_json::from_str(&text)?;
                let answer = if question["method"] == "eth_subscribe" {
                    told = true;
                    json!({ "jsonrpc": "2.0", "id": question["id"], "result": SUBSCRIPTION }).to_string()
                } else {
                    let (reply, wait) = replay.answer(text.as_bytes());
                    tokio::time::sleep(Duration::from_millis(wait)).await;
                    String::from_utf8(reply.body)?
                };
                socket.send(Message::Text(answer.into())).await?;
            }
            changed = heads.changed(), if told => {
                changed?;
                let params = json!({ "subscription": SUBSCRIPTION, "result": replay.latest() });
                let news = json!({ "jsonrpc": "2.0", "method": "eth_subscription", "params": params });
                socket.send(Message::Text(news.to_string().into())).await?;
            }
        }
    }
}

async fn calls(State(replay): State<Arc<Replay>>) -> AsJson<Value> {
    AsJson(json!(replay.calls()))
}

async fn forget(State(replay): State<Arc<Replay>>) -> StatusCode {
    replay.forget_calls();
    StatusCode::NO_CONTENT
}

type Numbers = Query<HashMap<String, u64>>;

async fn truth(State(replay): State<Arc<Replay>>, Query(query): Numbers) -> AsJson<Value> {
    let to = query.get("to").copied().unwrap_or(u64::MAX);
    AsJson(json!(replay.chain().truth(to)))
}

async fn mine(State(replay): State<Arc<Replay>>, Query(query): Numbers) -> AsJson<Value> {
    replay.change(|chain| chain.mine(query.get("n").copied().unwrap_or(1)));
    AsJson(json!({ "head": replay.chain().head() }))
}

async fn turn(State(replay): State<Arc<Replay>>, Query(query): Numbers) -> AsJson<Value> {
    replay.change(|chain| chain.turn(query.get("depth").copied().unwrap_or(1)));
    AsJson(json!({ "head": replay.chain().head() }))
}
