//! What every command needs, and one module per group of verbs.

pub(crate) mod agent;
pub(crate) mod approvals;
mod erase;
mod groups;
pub(crate) mod key;
pub(crate) mod ledger;
pub(crate) mod log;
pub(crate) mod policy;
mod progress;
pub(crate) mod report;
pub(crate) mod review;
pub(crate) mod serve;
mod session_keys;
pub(crate) mod signed;
pub(crate) mod stamp;
pub(crate) mod treasury;
pub(crate) mod verify;
pub(crate) mod watch;
pub(crate) mod webhook;

use alloy::{
    primitives::Address,
    providers::{DynProvider, Provider as _},
};
use anyhow::{Context as _, Result, bail, ensure};
use bursar_api::webhook::target;
use bursar_sdk::{abi::Treasury, transparency::Keeper};
use http::{HeaderMap, header};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::{config::Config, keys::KeyArgs, output::Output};

/// Configuration, keys and output of one run.
#[derive(Debug)]
pub(crate) struct Context {
    pub(crate) config: Config,
    pub(crate) keys: KeyArgs,
    pub(crate) output: Output,
    /// Whether this process exports traces.
    pub(crate) traced: bool,
}

impl Context {
    /// The same for each chain that services follow.
    pub(crate) fn each_chain(&self) -> Vec<Self> {
        let of = |config| Self { config, keys: self.keys.clone(), output: self.output, traced: self.traced };
        self.config.each_chain().into_iter().map(of).collect()
    }

    /// Who signs checkpoints of transparency logs; `None` where no key is given.
    pub(crate) fn log_keeper(&self) -> Result<Option<Keeper>> {
        let key = self.keys.log_key()?;
        key.map(|key| Keeper::new(&self.config.log_name, key)).transpose().context("log_name")
    }

    /// A provider without a wallet, on the configured chain and no other.
    pub(crate) async fn reader(&self) -> Result<DynProvider> {
        let url = &self.config.rpc_url;
        let provider = self.config.node();
        let chain_id = provider.get_chain_id().await.with_context(|| format!("asking the node at {url}"))?;
        let expected = self.config.chain_id;
        ensure!(chain_id == expected, "expected chain {expected}, the node at {url} is on chain {chain_id}");
        Ok(provider)
    }

    /// The configured treasury, to read.
    pub(crate) async fn treasury_view(&self) -> Result<Treasury::TreasuryInstance<DynProvider>> {
        let treasury: Address = self.config.treasury()?;
        let provider = self.reader().await?;
        let code = provider.get_code_at(treasury).await?;
        ensure!(!code.is_empty(), "expected a treasury at {treasury}, there is no code");
        Ok(Treasury::new(treasury, provider))
    }

    /// Who asks the API, with the key where one is given.
    pub(crate) fn api_client(&self) -> Result<reqwest::Client> {
        let mut headers = HeaderMap::new();
        if let Some(key) = self.keys.api_key()? {
            target::check(&self.config.api_url, true).context("api_url: keys are sent to nobody else")?;
            headers.insert(header::AUTHORIZATION, key);
        }
        Ok(reqwest::Client::builder().default_headers(headers).build()?)
    }

    /// Asks the API.
    pub(crate) async fn api_get<T: DeserializeOwned>(&self, path: &str) -> Result<T> {
        let url = self.config.api_url.join(path)?;
        let sent = self.api_client()?.get(url.clone()).send().await;
        let response = sent.with_context(|| format!("asking the API at {url}"))?;
        Ok(serde_json::from_value(answer(response).await?)?)
    }

    /// Tells the API.
    pub(crate) async fn api_post(&self, path: &str, body: &Value) -> Result<Value> {
        let url = self.config.api_url.join(path)?;
        let sent = self.api_client()?.post(url.clone()).json(body).send().await;
        answer(sent.with_context(|| format!("telling the API at {url}"))?).await
    }
}

/// The API's answer, or what it says was wrong.
async fn answer(response: reqwest::Response) -> Result<Value> {
    let status = response.status();
    let text = response.text().await?;
    if !status.is_success() {
        let problem: Value = serde_json::from_str(&text).unwrap_or_default();
        let message = problem.get("message").and_then(Value::as_str).unwrap_or("(no explanation)");
        bail!("the API refused ({status}): {message}");
    }
    if text.is_empty() { Ok(Value::Null) } else { Ok(serde_json::from_str(&text)?) }
}
