//! The stand-ins of the x402 proxies, and settling through them as facilitators do.

use alloy::{
    primitives::{Address, B256, U256},
    providers::DynProvider,
};
use anyhow::{Context as _, Result};
use bursar_sdk::{
    Amount,
    payment::permit2::{EXACT_PROXY, UPTO_PROXY},
};
use serde_json::Value;
use x402_chain_eip155::chain::permit2::{ExactPermit2Payload, UptoPermit2Payload};

/// Anyone settles; exactly what was signed.
pub(crate) mod exact {
    alloy::sol!(
        #[sol(rpc)]
        X402ExactPermit2Proxy,
        "abi/X402ExactPermit2Proxy.json"
    );
}

/// The facilitator that was signed settles; at most what was signed.
pub(crate) mod upto {
    alloy::sol!(
        #[sol(rpc)]
        X402UptoPermit2Proxy,
        "abi/X402UptoPermit2Proxy.json"
    );
}

/// Settles as a facilitator does, from the reference's own types; of an `upto` payment what is charged.
pub(crate) async fn settle(
    provider: &DynProvider,
    from: Address,
    payload: &Value,
    charge: Option<Amount>,
) -> Result<B256> {
    let told = payload["permit2Authorization"]["spender"].as_str().context("no spender")?;
    let receipt = if told.parse::<Address>()? == UPTO_PROXY {
        let UptoPermit2Payload { permit_2_authorization: told, signature } =
            serde_json::from_value(payload.clone())?;
        let permit = upto::ISignatureTransfer::PermitTransferFrom {
            permitted: upto::ISignatureTransfer::TokenPermissions {
                token: told.permitted.token.0,
                amount: told.permitted.amount,
            },
            nonce: told.nonce,
            deadline: U256::from(told.deadline.as_secs()),
        };
        let witness = upto::X402UptoPermit2Proxy::Witness {
            to: told.witness.to.0,
            facilitator: told.witness.facilitator.0,
            validAfter: U256::from(told.witness.valid_after.as_secs()),
        };
        let amount = charge.map_or(told.permitted.amount, Amount::to_u256);
        let proxy = upto::X402UptoPermit2Proxy::new(UPTO_PROXY, provider.clone());
        let call = proxy.settle(permit, amount, told.from.0, witness, signature).from(from);
        call.estimate_gas().await?;
        call.send().await?.get_receipt().await?
    } else {
        let ExactPermit2Payload { permit_2_authorization: told, signature } =
            serde_json::from_value(payload.clone())?;
        let permit = exact::ISignatureTransfer::PermitTransferFrom {
            permitted: exact::ISignatureTransfer::TokenPermissions {
                token: told.permitted.token.0,
                amount: told.permitted.amount,
            },
            nonce: told.nonce,
            deadline: U256::from(told.deadline.as_secs()),
        };
        let witness = exact::X402ExactPermit2Proxy::Witness {
            to: told.witness.to.0,
            validAfter: U256::from(told.witness.valid_after.as_secs()),
        };
        let proxy = exact::X402ExactPermit2Proxy::new(EXACT_PROXY, provider.clone());
        let call = proxy.settle(permit, told.from.0, witness, signature).from(from);
        call.estimate_gas().await?;
        call.send().await?.get_receipt().await?
    };
    anyhow::ensure!(receipt.status(), "reverted");
    Ok(receipt.transaction_hash)
}
