//! A paid API, of whatever manners a test needs.

use std::sync::{Arc, Mutex};

use alloy::{
    primitives::{Address, B256, U256},
    providers::DynProvider,
};
use anyhow::Result;
use axum::{
    Router,
    body::{Body, Bytes},
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::get,
};
use bursar_sdk::{Amount, abi::Eip3009};
use serde_json::{Value, json};
use url::Url;
use x402_types::util::Base64Bytes;

use crate::{common::Stage, proxies};

/// Signs a receipt, or none, of a payment and its settlement.
type Sign = Arc<dyn Fn(&Value, &Value) -> Option<Value> + Send + Sync>;

/// How a paid API answers a payment that settled.
#[derive(Clone)]
pub(crate) struct Manner {
    pub(crate) status: StatusCode,
    pub(crate) body: Arc<dyn Fn() -> Body + Send + Sync>,
    pub(crate) receipt: Option<Sign>,
}

impl Default for Manner {
    fn default() -> Self {
        let body = || Body::from(json!({ "data": 42 }).to_string());
        Self { status: StatusCode::OK, body: Arc::new(body), receipt: None }
    }
}

/// A paid API that settles by itself, as server and facilitator do together, and keeps what it was sent.
#[derive(Clone)]
pub(crate) struct Shop {
    pub(crate) base: Url,
    provider: DynProvider,
    usdc: Address,
    gas: Address,
    offers: Arc<Mutex<Vec<(String, Value)>>>,
    pub(crate) payments: Arc<Mutex<Vec<Value>>>,
    manner: Arc<Mutex<Manner>>,
    /// What it charges of an `upto` payment; all of it where it does not say.
    charge: Arc<Mutex<Option<Amount>>>,
}

impl Shop {
    pub(crate) async fn open(stage: &Stage) -> Result<Self> {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let shop = Self {
            base: format!("http://{}", listener.local_addr()?).parse()?,
            provider: stage.chain.provider.clone(),
            usdc: stage.chain.usdc,
            gas: stage.chain.people.gas.address(),
            offers: Arc::default(),
            payments: Arc::default(),
            manner: Arc::default(),
            charge: Arc::default(),
        };
        let router = Router::new().route("/{offer}", get(Self::sell)).with_state(shop.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Ok(shop)
    }

    /// Sells under a path whatever the offer says; returns the address.
    pub(crate) fn offer(&self, path: &str, challenge: Value) -> Url {
        self.offers.lock().unwrap().push((path.to_owned(), challenge));
        self.base.join(path).unwrap()
    }

    pub(crate) fn seen(&self) -> usize {
        self.payments.lock().unwrap().len()
    }

    /// Charges so much of `upto` payments from now on.
    pub(crate) fn charge(&self, amount: Amount) {
        *self.charge.lock().unwrap() = Some(amount);
    }

    fn charged(&self) -> Option<Amount> {
        *self.charge.lock().unwrap()
    }

    /// Answers payments in another way from now on.
    pub(crate) fn answer(&self, manner: Manner) {
        *self.manner.lock().unwrap() = manner;
    }

    async fn sell(State(shop): State<Self>, Path(path): Path<String>, headers: HeaderMap) -> Response {
        let found = shop.offers.lock().unwrap().iter().find(|offer| offer.0 == path).cloned();
        let Some((_, offer)) = found else { return "free".into_response() };
        let header = Base64Bytes::encode(offer.to_string()).to_string();
        let required =
            || (StatusCode::PAYMENT_REQUIRED, [("payment-required", header.clone())], Bytes::new());
        let Some(paid) = headers.get("payment-signature") else { return required().into_response() };
        let json = Base64Bytes::from(paid.as_bytes()).decode().unwrap();
        let payment: Value = serde_json::from_slice(&json).unwrap();
        shop.payments.lock().unwrap().push(payment.clone());
        assert_eq!(payment["accepted"], offer["accepts"][0], "servers compare what comes back");
        match shop.settle(&payment["payload"]).await {
            Ok(transaction) => {
                let mut told =
                    json!({ "success": true, "transaction": transaction, "network": "eip155:31337" });
                let manner = shop.manner.lock().unwrap().clone();
                if let Some(receipt) = manner.receipt.as_ref().and_then(|sign| sign(&payment, &told)) {
                    told["extensions"] = json!({ "offer-receipt": { "info": { "receipt": receipt } } });
                }
                let header = Base64Bytes::encode(told.to_string()).to_string();
                (manner.status, [("payment-response", header)], (manner.body)()).into_response()
            }
            // A facilitator's only words.
            Err(_) => required().into_response(),
        }
    }

    async fn settle(&self, payload: &Value) -> Result<B256> {
        if !payload["permit2Authorization"].is_null() {
            return proxies::settle(&self.provider, self.gas, payload, self.charged()).await;
        }
        let told = &payload["authorization"];
        let field = |name: &str| told[name].as_str().unwrap().to_owned();
        let token = Eip3009::new(self.usdc, self.provider.clone());
        let number = |name: &str| field(name).parse::<U256>();
        let call = token
            .transferWithAuthorization(
                field("from").parse()?,
                field("to").parse()?,
                number("value")?,
                number("validAfter")?,
                number("validBefore")?,
                field("nonce").parse()?,
                payload["signature"].as_str().unwrap().parse()?,
            )
            .from(self.gas);
        // A failed send would use up a nonce of the wallet all the same.
        call.estimate_gas().await?;
        let receipt = call.send().await?.get_receipt().await?;
        Ok(receipt.transaction_hash)
    }
}

pub(crate) fn required(accepts: Value) -> Value {
    json!({ "x402Version": 2, "resource": { "url": "https://shop/data" }, "accepts": accepts })
}

pub(crate) fn get_request(url: Url) -> Result<reqwest::Request> {
    Ok(reqwest::Client::new().get(url).build()?)
}
