//! Money into and out of an envelope's escrow.

use alloy::{
    primitives::{Address, B256, Bytes, U256},
    sol_types::SolStruct,
};

use super::{Sent, TreasuryAdmin};
use crate::{
    abi::{Eip3009, ReceiveWithAuthorization, Treasury},
    amount::Amount,
    chain::{Asset, envelope_number},
    error::AgentError,
    payment::top_up_nonce,
    session::SignerObject,
};

/// A gasless top-up, before it is signed. Times in unix seconds (exclusive).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GaslessTopUp {
    /// Which envelope.
    pub envelope: u32,
    /// How much, in the asset's atomic units.
    pub amount: Amount,
    /// Valid after.
    pub valid_after: u64,
    /// Valid before.
    pub valid_before: u64,
    /// Tells top-ups of one envelope by one account apart.
    pub salt: B256,
}

impl GaslessTopUp {
    /// What `from` signs under the token's domain: money for this envelope of this treasury, nobody else's.
    pub fn authorization(&self, treasury: Address, from: Address) -> ReceiveWithAuthorization {
        ReceiveWithAuthorization {
            from,
            to: treasury,
            value: self.amount.to_u256(),
            validAfter: U256::from(self.valid_after),
            validBefore: U256::from(self.valid_before),
            nonce: top_up_nonce(self.envelope, self.salt),
        }
    }
}

/// See [`TreasuryAdmin`] for when these fail.
#[allow(clippy::missing_errors_doc)]
impl TreasuryAdmin {
    /// Adds to an envelope's escrow from the caller's own tokens; grants the treasury the allowance first
    /// where it is too small. Anyone may.
    pub async fn top_up(&self, envelope: u32, amount: Amount) -> Result<Sent<()>, AgentError> {
        let number = envelope_number(envelope)?;
        let provider = self.contract.provider();
        let asset = self.contract.envelope(number).call().await?.asset;
        let token = Eip3009::new(asset, provider.clone());
        if token.allowance(self.sender, self.address()).call().await? < amount.to_u256() {
            self.send(token.approve(self.address(), amount.to_u256())).await?;
        }
        self.send(self.contract.topUp(number, amount.to_u256())).await
    }

    /// Takes money out of an envelope's escrow. Owner only.
    pub async fn withdraw(&self, envelope: u32, to: Address, amount: Amount) -> Result<Sent<()>, AgentError> {
        self.send(self.contract.withdraw(envelope_number(envelope)?, to, amount.to_u256())).await
    }

    /// Sends on tokens that came to the treasury by mistake. Owner only.
    pub async fn recover(&self, token: Address, to: Address) -> Result<Sent<()>, AgentError> {
        self.send(self.contract.recover(token, to)).await
    }

    /// Adds to an envelope's escrow what `payer` signs for; this treasury's caller pays the gas. Anyone may.
    pub async fn top_up_with_authorization(
        &self,
        top_up: &GaslessTopUp,
        asset: &Asset,
        payer: &SignerObject,
    ) -> Result<Sent<()>, AgentError> {
        let authorization = top_up.authorization(self.address(), payer.address());
        let digest = authorization.eip712_signing_hash(&asset.domain);
        let signature = payer.sign_hash(&digest).await?.normalized_s();
        let told = Treasury::TopUpAuthorization {
            from: authorization.from,
            amount: authorization.value,
            validAfter: authorization.validAfter,
            validBefore: authorization.validBefore,
            salt: top_up.salt,
        };
        let number = envelope_number(top_up.envelope)?;
        let signature = Bytes::from(signature.as_bytes());
        self.send(self.contract.topUpWithAuthorization(number, told, signature)).await
    }

    /// Puts what strangers sent to a purse without a session into the escrow. Anyone may.
    pub async fn sweep_purse(&self, envelope: u32, purse_index: u16) -> Result<Sent<Amount>, AgentError> {
        let sent = self.send(self.contract.sweepPurse(envelope_number(envelope)?, purse_index)).await?;
        let swept = sent.event::<Treasury::PurseSwept>("PurseSwept")?.amount.try_into()?;
        Ok(sent.with(swept))
    }

    /* PERMIT2 */

    /// Lets an envelope's purses pay through Permit2 as well, or no more. Its policy gets a new version. Letting
    /// them is loosening. Policy manager only.
    pub async fn set_permit2(&self, envelope: u32, on: bool) -> Result<Sent<()>, AgentError> {
        self.send(self.contract.setPermit2(envelope_number(envelope)?, on)).await
    }

    /// Makes a purse's allowance to Permit2 what its envelope says: all, or nothing. Anyone may.
    pub async fn level_permit2(&self, envelope: u32, purse_index: u16) -> Result<Sent<()>, AgentError> {
        self.send(self.contract.levelPermit2(envelope_number(envelope)?, purse_index)).await
    }
}
