//! Treasury verbs: what owners, policy managers, guardians and reviewers do.

pub mod groups;
pub mod money;
mod stamps;
mod stops;

use std::time::Duration;

use alloy::{
    contract::{CallBuilder, CallDecoder},
    network::Ethereum,
    primitives::{Address, B256, Bytes, TxHash},
    providers::{DynProvider, Provider},
    rpc::types::TransactionReceipt,
    sol_types::{SolCall, SolEvent},
};

use crate::{abi::Treasury, chain::envelope_number, error::AgentError, policy::PolicyDocument, role::Role};

/// How long a transaction may take to be mined.
const CONFIRMATION: Duration = Duration::from_secs(180);

/// A transaction that stands on chain, with what it brought about.
#[derive(Debug, Clone)]
pub struct Sent<T> {
    /// What came of it.
    pub value: T,
    /// Its receipt.
    pub receipt: TransactionReceipt,
}

impl<T> Sent<T> {
    /// The transaction's hash.
    pub fn hash(&self) -> TxHash {
        self.receipt.transaction_hash
    }

    pub(crate) fn with<U>(self, value: U) -> Sent<U> {
        Sent { value, receipt: self.receipt }
    }

    pub(crate) fn event<E: SolEvent>(&self, name: &str) -> Result<E, AgentError> {
        self.receipt
            .logs()
            .iter()
            .find_map(|log| E::decode_log(&log.inner).ok())
            .map(|log| log.data)
            .ok_or_else(|| AgentError::Rpc(format!("the receipt of {} has no {name} event", self.hash())))
    }
}

/// Sends a call, waits for its receipt, and makes a revert an error.
pub(crate) async fn confirm<P: Provider<Ethereum>, D: CallDecoder>(
    call: CallBuilder<P, D>,
) -> Result<Sent<()>, AgentError> {
    // Estimated first: a revert then surfaces before the wallet has used up a nonce, which would leave every
    // later transaction of that sender waiting for it.
    let gas = call.estimate_gas().await?;
    let pending = call.gas(gas.saturating_add(gas / 5)).send().await?;
    let receipt = pending.with_timeout(Some(CONFIRMATION)).get_receipt().await?;
    if !receipt.status() {
        // The simulation passed and the transaction did not: state changed in between.
        return Err(AgentError::Reverted(format!("transaction {} reverted", receipt.transaction_hash)));
    }
    Ok(Sent { value: (), receipt })
}

/// A treasury in the hands of one of its people.
///
/// Loosening verbs need their announcement first where the organisation set a delay
/// ([`TreasuryAdmin::announce`]).
#[derive(Debug, Clone)]
pub struct TreasuryAdmin {
    contract: Treasury::TreasuryInstance<DynProvider>,
    sender: Address,
}

/// Everything below fails when the node fails, the caller lacks the role, or the treasury refuses; the error
/// then carries the contract's own ([`AgentError::Reverted`]).
#[allow(clippy::missing_errors_doc)]
impl TreasuryAdmin {
    /// The treasury at that address, in the hands of `sender`, whose key `provider`'s wallet holds.
    pub fn new(treasury: Address, provider: DynProvider, sender: Address) -> Self {
        Self { contract: Treasury::new(treasury, provider), sender }
    }

    /// Its address.
    pub fn address(&self) -> Address {
        *self.contract.address()
    }

    /// Its bindings.
    pub fn contract(&self) -> &Treasury::TreasuryInstance<DynProvider> {
        &self.contract
    }

    /// An envelope as it stands.
    pub async fn envelope(&self, envelope: u32) -> Result<Treasury::EnvelopeView, AgentError> {
        Ok(self.contract.envelope(envelope_number(envelope)?).call().await?)
    }

    /* ROLES */

    /// Gives an account a role. Loosening, but for guardian and reviewer. Owner only.
    pub async fn grant_role(&self, account: Address, role: Role) -> Result<Sent<()>, AgentError> {
        self.send(self.contract.grantRole(account, role.bit())).await
    }

    /// Takes a role from an account. Loosening for guardian and reviewer. Owner only.
    pub async fn revoke_role(&self, account: Address, role: Role) -> Result<Sent<()>, AgentError> {
        self.send(self.contract.revokeRole(account, role.bit())).await
    }

    /// Sets how many seconds a loosening waits. Owner only.
    pub async fn set_delay(&self, seconds: u32) -> Result<Sent<()>, AgentError> {
        self.send(self.contract.setDelay(seconds)).await
    }

    /// Whether an approver must never have set a policy here. Owner only.
    pub async fn set_separation_of_duties(&self, on: bool) -> Result<Sent<()>, AgentError> {
        self.send(self.contract.setSeparationOfDuties(on)).await
    }

    /// Announces a loosening; the call may run once the delay is over. Returns the announcement's id.
    pub async fn announce<C: SolCall>(&self, call: &C) -> Result<Sent<B256>, AgentError> {
        let sent = self.send(self.contract.announce(Bytes::from(call.abi_encode()))).await?;
        let event = sent.event::<Treasury::Announced>("Announced")?;
        Ok(sent.with(event.id))
    }

    /// Takes an announcement back. Owner, policy manager or guardian.
    pub async fn cancel_announcement(&self, id: B256) -> Result<Sent<()>, AgentError> {
        self.send(self.contract.cancelAnnouncement(id)).await
    }

    /* ENVELOPES */

    /// Lets envelopes hold a token. Owner only.
    pub async fn add_asset(&self, token: Address) -> Result<Sent<()>, AgentError> {
        self.send(self.contract.addAsset(token)).await
    }

    /// Creates an agent's envelope with its first purse; returns the envelope's number and the purse.
    /// Policy manager only.
    pub async fn create_envelope(
        &self,
        agent: Address,
        asset: Address,
        policy: &PolicyDocument,
    ) -> Result<Sent<(u32, Address)>, AgentError> {
        let sent = self.send(self.contract.createEnvelope(agent, asset, policy.to_chain()?)).await?;
        let event = sent.event::<Treasury::PurseCreated>("PurseCreated")?;
        Ok(sent.with((event.envelope.to::<u32>(), event.purse)))
    }

    /// Puts a policy in force; outstanding payments die, open sessions pay no more. At once when nothing gets
    /// looser, otherwise after its announcement. Returns the version. Policy manager only.
    pub async fn set_policy(&self, envelope: u32, policy: &PolicyDocument) -> Result<Sent<u16>, AgentError> {
        let call = self.contract.setPolicy(envelope_number(envelope)?, policy.to_chain()?);
        let sent = self.send(call).await?;
        let event = sent.event::<Treasury::PolicySet>("PolicySet")?;
        Ok(sent.with(event.version))
    }

    /// Replaces an agent's identity key. Loosening. Owner only.
    pub async fn set_agent(&self, envelope: u32, agent: Address) -> Result<Sent<()>, AgentError> {
        self.send(self.contract.setAgent(envelope_number(envelope)?, agent)).await
    }

    /// Creates further purses, for replicas of one agent; returns them. Policy manager only.
    pub async fn create_purses(&self, envelope: u32, count: u16) -> Result<Sent<Vec<Address>>, AgentError> {
        let sent = self.send(self.contract.createPurses(envelope_number(envelope)?, count)).await?;
        let logs = sent.receipt.logs().iter();
        let created = logs.filter_map(|log| Treasury::PurseCreated::decode_log(&log.inner).ok());
        let purses = created.map(|log| log.data.purse).collect();
        Ok(sent.with(purses))
    }

    /* PAYEES */

    /// Puts a payee on a list. Loosening. Policy manager only.
    pub async fn list_payee(&self, list: u16, payee: Address) -> Result<Sent<()>, AgentError> {
        self.send(self.contract.listPayee(list, payee)).await
    }

    /// Takes a payee off a list, at once. Policy manager or guardian.
    pub async fn unlist_payee(&self, list: u16, payee: Address) -> Result<Sent<()>, AgentError> {
        self.send(self.contract.unlistPayee(list, payee)).await
    }

    /// Puts payees on a list, in one transaction. Loosening: each needs its own announcement where there is a
    /// delay. Policy manager only.
    pub async fn list_payees(&self, list: u16, payees: &[Address]) -> Result<Sent<()>, AgentError> {
        let call = |payee: &Address| Treasury::listPayeeCall { list, payee: *payee }.abi_encode().into();
        self.multicall(payees.iter().map(call).collect()).await
    }

    /// Takes payees off a list, in one transaction. Policy manager or guardian.
    pub async fn unlist_payees(&self, list: u16, payees: &[Address]) -> Result<Sent<()>, AgentError> {
        let call = |payee: &Address| Treasury::unlistPayeeCall { list, payee: *payee }.abi_encode().into();
        self.multicall(payees.iter().map(call).collect()).await
    }

    /* BATCHES */

    /// Makes several of the treasury's calls in one transaction: all, or none. What a call alone would ask of its
    /// sender, it asks here.
    pub async fn multicall(&self, calls: Vec<Bytes>) -> Result<Sent<()>, AgentError> {
        self.send(self.contract.multicall(calls)).await
    }

    async fn send<P: Provider<Ethereum>, D: CallDecoder>(
        &self,
        call: CallBuilder<P, D>,
    ) -> Result<Sent<()>, AgentError> {
        confirm(call.from(self.sender)).await
    }
}
