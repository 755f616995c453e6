//! An agent pays for one HTTP request from its envelope.
//!
//! ```sh
//! RPC_URL=http://127.0.0.1:8545 TREASURY=0x… ENVELOPE=1 AGENT_KEY=0x… GAS_KEY=0x… \
//!     cargo run -p bursar-sdk --example quickstart -- https://api.example.com/prices
//! ```
//!
//! `AGENT_KEY` is the envelope's agent, `GAS_KEY` any account with a little gas: it submits the session and
//! has no other power. `BURSAR_API`, where set, gets the decision records.

use std::{env, sync::Arc};

use alloy::{
    providers::{Provider as _, ProviderBuilder},
    signers::local::PrivateKeySigner,
};
use anyhow::{Context as _, Result};
use bursar_sdk::{Agent, AgentError, Amount, Purpose, delivery::HttpSink, session::SessionTerms};

#[tokio::main]
async fn main() -> Result<()> {
    let url = env::args().nth(1).context("expected the address of a paid resource as argument")?;
    let gas: PrivateKeySigner = setting("GAS_KEY")?.parse()?;
    let identity: PrivateKeySigner = setting("AGENT_KEY")?.parse()?;
    let node = ProviderBuilder::new().wallet(gas).connect(&setting("RPC_URL")?).await?.erased();
    let (treasury, envelope) = (setting("TREASURY")?.parse()?, setting("ENVELOPE")?.parse()?);

    let mut builder = Agent::builder(node, treasury, envelope, Arc::new(identity), "bursar-spool");
    if let Ok(api) = env::var("BURSAR_API") {
        builder = builder.sink(Arc::new(HttpSink::new(reqwest::Client::new(), api.parse()?)));
    }
    let agent = builder.connect().await?;

    // One dollar of USDC, for as long as policy and calendar windows allow.
    let session = agent.open_session(&SessionTerms::new(Amount::new(1_000_000))).await?.value;
    println!("session {} of purse {} until {}", session.sequence, session.purse, session.expiry);

    let request = reqwest::Client::new().get(url).build()?;
    let why = Purpose::new("quickstart", "to see one payment end to end");
    match agent.pay(request, why).await {
        Ok(paid) => {
            if let Some(payment) = &paid.payment {
                let told = &payment.authorization;
                println!("paid {} to {} under decision {}", told.amount, told.payee, payment.decision_hash);
            }
            println!("{}", paid.response.text().await?);
        }
        Err(AgentError::Refused { reason, limit, actual, help }) => {
            println!("refused ({reason}): limit {limit}, asked {actual}. {help}");
        }
        Err(other) => return Err(other.into()),
    }

    let returned = agent.close_session().await?.value;
    println!("{returned} went back to the envelope; {} records wait", agent.flush().await?.waiting);
    Ok(())
}

fn setting(name: &str) -> Result<String> {
    env::var(name).with_context(|| format!("expected {name} in the environment"))
}
