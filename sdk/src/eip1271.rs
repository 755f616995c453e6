//! Contracts that sign: a Safe for one. Only they can say what they signed.

use alloy::{
    primitives::{Address, B256, Bytes},
    providers::{DynProvider, Provider as _},
    rpc::types::BlockId,
    sol,
};

use crate::error::AgentError;

sol! {
    /// EIP-1271, as contracts answer it.
    #[sol(rpc)]
    interface Eip1271 {
        function isValidSignature(bytes32 digest, bytes signature) external view returns (bytes4);
    }
}

/// What a contract answers that takes a signature.
const MAGIC: [u8; 4] = alloy::hex!("1626ba7e");

/// Whether a contract takes a signature for its own, at a block; `None` where there is no contract.
///
/// A contract that reverts, or answers anything else, said no.
///
/// # Errors
/// When the node fails.
pub async fn confirms(
    provider: &DynProvider,
    account: Address,
    digest: B256,
    signature: Bytes,
    block: BlockId,
) -> Result<Option<bool>, AgentError> {
    if provider.get_code_at(account).block_id(block).await?.is_empty() {
        return Ok(None);
    }
    let contract = Eip1271::new(account, provider.clone());
    match contract.isValidSignature(digest, signature).block(block).call().await {
        Ok(answer) => Ok(Some(answer.0 == MAGIC)),
        Err(alloy::contract::Error::TransportError(error)) if error.as_error_resp().is_none() => {
            Err(error.into())
        }
        Err(_) => Ok(Some(false)),
    }
}
