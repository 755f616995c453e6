//! What a node says: of the sender, of an announcement, and of what would come of a transaction.

use std::time::Duration;

use alloy::{
    primitives::{Address, B256, U256},
    providers::{DynProvider, Provider as _},
    rpc::types::TransactionRequest,
    transports::{RpcError, TransportError},
};
use bursar_sdk::{
    abi::{
        Eip3009,
        Treasury::{self, TreasuryErrors},
    },
    error::AgentError,
};

use super::{money::Purchasing, words::in_words};
use crate::{
    model::transaction::{Call, Outcome, Simulation},
    web::text::said,
};

/// Longest that a node may take; people wait.
const PATIENCE: Duration = Duration::from_secs(4);
/// Most characters of a node's own words that are shown.
const MAX_WORDS: usize = 200;

/// What an account holds of a token, and has allowed a treasury; nothing where the node does not say.
pub(super) async fn purchasing(
    node: Option<&DynProvider>,
    token: Address,
    from: Address,
    treasury: Address,
) -> Option<Purchasing> {
    let token = Eip3009::new(token, node?.clone());
    let asked = async {
        let held = token.balanceOf(from).call().await?;
        let allowance = token.allowance(from, treasury).call().await?;
        Ok::<_, alloy::contract::Error>(Purchasing { held, allowance })
    };
    told(tokio::time::timeout(PATIENCE, asked).await)
}

/// When an announced call may run, in unix seconds, 0 where it is not announced; nothing where the node does not say.
pub(super) async fn announced_for(node: Option<&DynProvider>, treasury: Address, id: B256) -> Option<U256> {
    let contract = Treasury::new(treasury, node?.clone());
    told(tokio::time::timeout(PATIENCE, async { contract.announcedFor(id).call().await }).await)
}

fn told<T>(answer: Result<Result<T, alloy::contract::Error>, tokio::time::error::Elapsed>) -> Option<T> {
    match answer {
        Ok(Ok(value)) => Some(value),
        Ok(Err(error)) => {
            tracing::warn!(error = %AgentError::from(error), "the node cannot be asked");
            None
        }
        Err(_) => {
            tracing::warn!("the node does not answer in time");
            None
        }
    }
}

/// Tries the calls at the node's latest block, from who will send them. Only the first can be tried where others build
/// on it.
pub(super) async fn simulated(node: Option<&DynProvider>, from: Address, calls: &[Call]) -> Simulation {
    let unknown = |detail: &str| Simulation { outcome: Outcome::Unknown, detail: detail.to_owned() };
    let Some(node) = node else {
        return unknown("This service has no node to try it on: whether it passes shows when it is sent.");
    };
    let Some(first) = calls.first() else { return unknown("There is nothing to send.") };
    let request = TransactionRequest::default().from(from).to(first.to.0).input(first.data.0.clone().into());
    match tokio::time::timeout(PATIENCE, async { node.call(request).await }).await {
        Ok(Ok(_)) if calls.len() == 1 => {
            Simulation { outcome: Outcome::Passes, detail: "It would pass now.".into() }
        }
        Ok(Ok(_)) => Simulation {
            outcome: Outcome::Passes,
            detail: "The first would pass now; what comes after it can be tried only then.".into(),
        },
        Ok(Err(error)) => refused(error),
        Err(_) => unknown("The node did not answer in time: whether it passes shows when it is sent."),
    }
}

fn refused(error: TransportError) -> Simulation {
    if let RpcError::ErrorResp(payload) = &error {
        let reason = match payload.as_decoded_interface_error::<TreasuryErrors>() {
            Some(error) => in_words(&error),
            None => said(&payload.message, MAX_WORDS),
        };
        return Simulation { outcome: Outcome::Reverts, detail: format!("It would fail now: {reason}") };
    }
    let error = AgentError::from(error);
    tracing::warn!(%error, "the node cannot try a transaction");
    Simulation {
        outcome: Outcome::Unknown,
        detail: "The node does not answer: whether it passes shows when it is sent.".into(),
    }
}
