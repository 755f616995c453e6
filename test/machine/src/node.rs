//! A node that answers from the machine's state: what the SDK asks is answered by the contracts' bytecode.

use alloy::{
    primitives::{Address, Bytes},
    providers::{DynProvider, Provider as _, ProviderBuilder},
};
use anyhow::Result;
use axum::{Json, Router, extract::State, routing::post};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::chain::{CHAIN_ID, Chain, State as OnChain};

/// A chain as it stands at a time.
#[derive(Clone)]
struct Standing {
    state: OnChain,
    now: u64,
}

#[derive(Deserialize)]
struct Call {
    #[serde(default)]
    from: Address,
    to: Address,
    #[serde(alias = "data")]
    input: Bytes,
}

/// A provider over a chain as it stands at `now`; its server ends with the runtime.
///
/// # Errors
/// When it gets no port of this machine.
pub async fn over(state: OnChain, now: u64) -> Result<DynProvider> {
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await?;
    let url = format!("http://{}", listener.local_addr()?).parse()?;
    let node = Router::new().route("/", post(answer)).with_state(Standing { state, now });
    tokio::spawn(async move { axum::serve(listener, node).await });
    Ok(ProviderBuilder::new().connect_http(url).erased())
}

async fn answer(State(standing): State<Standing>, Json(asked): Json<Value>) -> Json<Value> {
    Json(match asked {
        Value::Array(all) => all.iter().map(|request| standing.reply(request)).collect(),
        request => standing.reply(&request),
    })
}

impl Standing {
    fn reply(&self, request: &Value) -> Value {
        let mut reply = match self.ask(request) {
            Ok(result) => json!({ "result": result }),
            Err((message, data)) => json!({ "error": { "code": 3, "message": message, "data": data } }),
        };
        reply["jsonrpc"] = "2.0".into();
        reply["id"] = request["id"].clone();
        reply
    }

    fn ask(&self, request: &Value) -> Result<Value, (String, Option<Bytes>)> {
        let wrong = |error: &dyn std::fmt::Display| (error.to_string(), None);
        match request["method"].as_str() {
            Some("eth_chainId") => Ok(json!(format!("{CHAIN_ID:#x}"))),
            Some("eth_call") => {
                let call: Call =
                    serde_json::from_value(request["params"][0].clone()).map_err(|error| wrong(&error))?;
                let mut chain = Chain::new(self.state.clone());
                match chain.call(self.now, call.from, call.to, call.input).map_err(|error| wrong(&error))? {
                    Ok(output) => Ok(json!(output)),
                    Err(data) => Err(("execution reverted".into(), Some(data))),
                }
            }
            other => Err(wrong(&format!("no {other:?} here"))),
        }
    }
}
