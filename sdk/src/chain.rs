//! What the chain says about one envelope: everything an agent reads, in one place.

use alloy::{
    eips::BlockNumberOrTag,
    primitives::{Address, B256, U256, aliases::U24},
    providers::{DynProvider, Provider},
    sol_types::Eip712Domain,
};

use crate::{
    abi::{Eip3009, Permit2, Treasury},
    amount::Amount,
    error::AgentError,
    payment::{Rail, permit2},
    refusal::Refusal,
};

/// The token an envelope holds, with the EIP-712 domain that its payments are signed under.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asset {
    /// The token's address.
    pub address: Address,
    /// The domain's name (for USDC: "USDC" or "USD Coin").
    pub name: String,
    /// The domain's version (for USDC: "2").
    pub version: String,
    /// The domain.
    pub domain: Eip712Domain,
}

/// One envelope of one treasury, read through a node.
#[derive(Debug, Clone)]
pub struct ChainView {
    provider: DynProvider,
    chain_id: u64,
    treasury: Address,
    envelope: u32,
    asset: Asset,
}

/// A verdict of one of the treasury's views: the reason with both values, or nothing against it.
pub type Verdict = Option<(Refusal, U256, U256)>;

impl ChainView {
    /// Reads what never changes about an envelope: its chain, its asset and that asset's domain.
    ///
    /// # Errors
    /// When the node fails, the envelope does not exist, or the token's `name` and `version` do not make its
    /// `DOMAIN_SEPARATOR`.
    pub async fn connect(
        provider: DynProvider,
        treasury: Address,
        envelope: u32,
    ) -> Result<Self, AgentError> {
        let chain_id = provider.get_chain_id().await?;
        let contract = Treasury::new(treasury, provider.clone());
        let token = contract.envelope(envelope_number(envelope)?).call().await?.asset;
        let asset = read_asset(&provider, chain_id, token).await?;
        Ok(Self { provider, chain_id, treasury, envelope, asset })
    }

    /// EIP-155 chain id.
    pub fn chain_id(&self) -> u64 {
        self.chain_id
    }

    /// The treasury's address.
    pub fn treasury(&self) -> Address {
        self.treasury
    }

    /// The envelope's number in its treasury.
    pub fn envelope(&self) -> u32 {
        self.envelope
    }

    /// The envelope's token.
    pub fn asset(&self) -> &Asset {
        &self.asset
    }

    /// The node.
    pub fn provider(&self) -> &DynProvider {
        &self.provider
    }

    /// The treasury's bindings, reading through this view's node.
    pub fn contract(&self) -> Treasury::TreasuryInstance<DynProvider> {
        Treasury::new(self.treasury, self.provider.clone())
    }

    /// The envelope as it stands.
    ///
    /// # Errors
    /// When the node fails.
    pub async fn envelope_state(&self) -> Result<Treasury::EnvelopeView, AgentError> {
        Ok(self.contract().envelope(envelope_number(self.envelope)?).call().await?)
    }

    /// What each limit has left, in the contract's order; the lifetime limit has period 0.
    ///
    /// # Errors
    /// When the node fails.
    pub async fn headroom(&self) -> Result<Vec<Treasury::Headroom>, AgentError> {
        Ok(self.contract().headroom(envelope_number(self.envelope)?).call().await?)
    }

    /// What each limit of a group, and of every group above it, has left; nothing for group 0.
    ///
    /// # Errors
    /// When the node fails.
    pub async fn group_headroom(&self, group: u32) -> Result<Vec<Treasury::Headroom>, AgentError> {
        let (contract, mut number) = (self.contract(), envelope_number(group)?);
        let mut rooms = Vec::new();
        while !number.is_zero() {
            let (of, parent) = (contract.groupHeadroom(number), contract.group(number));
            let (of, above) = futures::try_join!(async { of.call().await }, async { parent.call().await })?;
            rooms.extend(of);
            number = U24::from_limbs_slice(&[above.parent.saturating_to::<u64>() & 0x00ff_ffff]);
        }
        Ok(rooms)
    }

    /// The address of the envelope's purse with that index.
    ///
    /// # Errors
    /// When the node fails.
    pub async fn purse(&self, index: u16) -> Result<Address, AgentError> {
        Ok(self.contract().purseOf(envelope_number(self.envelope)?, index).call().await?)
    }

    /// A purse's session as it stands.
    ///
    /// # Errors
    /// When the node fails.
    pub async fn session(&self, purse: Address) -> Result<Treasury::SessionView, AgentError> {
        Ok(self.contract().session(purse).call().await?)
    }

    /// What an account holds of the asset.
    ///
    /// # Errors
    /// When the node fails, or the balance is beyond 96 bits.
    pub async fn balance(&self, account: Address) -> Result<Amount, AgentError> {
        let token = Eip3009::new(self.asset.address, self.provider.clone());
        Ok(token.balanceOf(account).call().await?.try_into()?)
    }

    /// Whether a payment would be within the rules now, before anybody signs it.
    ///
    /// # Errors
    /// When the node fails.
    pub async fn preview_payment(
        &self,
        purse: Address,
        payee: Address,
        amount: Amount,
        approved: bool,
    ) -> Result<Verdict, AgentError> {
        let answer = self.contract().previewPayment(purse, payee, amount.to_u256(), approved).call().await?;
        verdict(answer.reason, answer.limit, answer.actual)
    }

    /// Why a purse refuses a signature, if it does.
    ///
    /// # Errors
    /// When the node fails.
    pub async fn diagnose_payment(
        &self,
        purse: Address,
        digest: B256,
        signature: alloy::primitives::Bytes,
    ) -> Result<Verdict, AgentError> {
        let answer = self.contract().diagnosePayment(purse, digest, signature).call().await?;
        verdict(answer.reason, answer.limit, answer.actual)
    }

    /// Why a session request would be refused, its signature aside, if it would.
    ///
    /// # Errors
    /// When the node fails.
    pub async fn diagnose_session(&self, request: Treasury::SessionRequest) -> Result<Verdict, AgentError> {
        let answer = self.contract().diagnoseSession(request).call().await?;
        verdict(answer.reason, answer.limit, answer.actual)
    }

    /// Whether a payment's nonce has settled on a rail: token and Permit2 count nonces apart.
    ///
    /// # Errors
    /// When the node fails.
    pub async fn has_settled(&self, rail: Rail, purse: Address, nonce: B256) -> Result<bool, AgentError> {
        if rail == Rail::Eip3009 {
            let token = Eip3009::new(self.asset.address, self.provider.clone());
            return Ok(token.authorizationState(purse, nonce).call().await?);
        }
        let (permit2, nonce) =
            (Permit2::new(permit2::PERMIT2, self.provider.clone()), U256::from_be_bytes(nonce.0));
        Ok(permit2.nonceBitmap(purse, nonce >> 8).call().await?.bit(usize::from(nonce.byte(0))))
    }

    /// What Permit2 may move of an account's asset.
    ///
    /// # Errors
    /// When the node fails.
    pub async fn permit2_allowance(&self, account: Address) -> Result<U256, AgentError> {
        let token = Eip3009::new(self.asset.address, self.provider.clone());
        Ok(token.allowance(account, permit2::PERMIT2).call().await?)
    }

    /// The timestamp of the latest block, unix seconds.
    ///
    /// # Errors
    /// When the node fails.
    pub async fn latest_timestamp(&self) -> Result<u64, AgentError> {
        let block = self.provider.get_block_by_number(BlockNumberOrTag::Latest).await?;
        block
            .map(|block| block.header.timestamp)
            .ok_or_else(|| AgentError::Rpc("the node has no latest block".into()))
    }
}

/// An envelope's number as the contract takes it.
///
/// # Errors
/// Beyond 24 bits.
pub(crate) fn envelope_number(envelope: u32) -> Result<U24, AgentError> {
    U24::checked_from_limbs_slice(&[u64::from(envelope)]).ok_or_else(|| AgentError::Config {
        what: "envelope",
        expected: "a number of at most 24 bits".into(),
        got: envelope.to_string(),
    })
}

fn verdict(reason: u8, limit: U256, actual: U256) -> Result<Verdict, AgentError> {
    match (reason, Refusal::from_number(reason)) {
        (0, _) => Ok(None),
        (_, Some(reason)) => Ok(Some((reason, limit, actual))),
        (got, None) => Err(AgentError::Config {
            what: "the treasury's refusal",
            expected: format!("a number from 1 to {}", Refusal::ALL.len()),
            got: got.to_string(),
        }),
    }
}

async fn read_asset(provider: &DynProvider, chain_id: u64, address: Address) -> Result<Asset, AgentError> {
    let token = Eip3009::new(address, provider.clone());
    let (name, version, separator) = futures::try_join!(
        async { token.name().call().await },
        async { token.version().call().await },
        async { token.DOMAIN_SEPARATOR().call().await },
    )?;
    let domain = Eip712Domain::new(
        Some(name.clone().into()),
        Some(version.clone().into()),
        Some(U256::from(chain_id)),
        Some(address),
        None,
    );
    if domain.separator() != separator {
        return Err(AgentError::AssetDomain {
            field: "separator",
            expected: separator.to_string(),
            got: format!("{} of name {name:?}, version {version:?}", domain.separator()),
        });
    }
    Ok(Asset { address, name, version, domain })
}
