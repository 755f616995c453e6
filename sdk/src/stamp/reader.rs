//! Reads a [`StampState`] from a node: the edge, where the network is.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::RangeInclusive,
};

use alloy::{
    primitives::{Address, B256, Bytes, LogData, U256},
    providers::{DynProvider, Provider as _},
    rpc::types::{BlockId, BlockNumberOrTag, Filter},
    sol_types::SolEvent as _,
};

use super::{
    bundle::StampBundle,
    signature::{ContractQuestion, StampSignature},
    state::{KnownSession, StampState},
};
use crate::{abi::Treasury, chain::envelope_number, eip1271, error::AgentError, payment::terms, role::Role};

/// How many blocks one request for logs spans; public nodes take no more.
const SPAN: u64 = 9_000;

impl StampState {
    /// Reads a treasury's roles, revocations and policies from its events, `from_block` to the latest block.
    ///
    /// `from_block` is the treasury's first block or an earlier one.
    ///
    /// # Errors
    /// When the node fails.
    pub async fn read(
        provider: &DynProvider,
        treasury: Address,
        from_block: u64,
    ) -> Result<Self, AgentError> {
        let (chain_id, latest) = futures::try_join!(async { provider.get_chain_id().await }, async {
            provider.get_block_number().await
        })?;
        let mut state = Self::new(chain_id, treasury);
        state.block = latest;
        let mut policies = BTreeMap::new();
        for blocks in spans(from_block, latest) {
            for log in logs(provider, treasury, blocks).await? {
                state.take(&log, &mut policies);
            }
        }
        state.policies = policies.into_values().collect();
        Ok(state)
    }

    /// Follows one event; others than those it knows change nothing.
    fn take(&mut self, log: &LogData, policies: &mut BTreeMap<u32, B256>) {
        let holders = |role: u8, state: &mut Self| match role {
            role if role == Role::Stamper.bit() => Some(std::mem::take(&mut state.stampers)),
            role if role == Role::Approver.bit() => Some(std::mem::take(&mut state.approvers)),
            _ => None,
        };
        let keep = |role: u8, state: &mut Self, held: BTreeSet<Address>| match role {
            role if role == Role::Stamper.bit() => state.stampers = held,
            _ => state.approvers = held,
        };
        if let Ok(granted) = Treasury::RoleGranted::decode_log_data(log) {
            if let Some(mut held) = holders(granted.role, self) {
                held.insert(granted.account);
                keep(granted.role, self, held);
            }
        } else if let Ok(revoked) = Treasury::RoleRevoked::decode_log_data(log) {
            if let Some(mut held) = holders(revoked.role, self) {
                held.remove(&revoked.account);
                keep(revoked.role, self, held);
            }
        } else if let Ok(revoked) = Treasury::StampRevoked::decode_log_data(log) {
            self.revoked.insert(revoked.stampHash);
        } else if let Ok(set) = Treasury::StampEpochSet::decode_log_data(log) {
            self.epoch = set.epoch;
        } else if let Ok(set) = Treasury::PolicySet::decode_log_data(log) {
            policies.insert(set.envelope.to(), set.policy.policyHash);
        }
    }

    /// Asks the chain for a purse's open session, and forgets what was known of it before.
    ///
    /// # Errors
    /// When the node fails.
    pub async fn ask_session(
        &mut self,
        provider: &DynProvider,
        purse: Address,
        from_block: u64,
    ) -> Result<(), AgentError> {
        self.sessions.remove(&purse);
        let contract = Treasury::new(self.treasury, provider.clone());
        let view = contract.session(purse).call().await?;
        if view.key.is_zero() {
            return Ok(());
        }
        let (envelope, sequence) = (view.envelope.saturating_to(), view.sequence.saturating_to::<u32>());
        let state = contract.envelope(envelope_number(envelope)?).call().await?;
        let opened = Filter::new()
            .address(self.treasury)
            .event_signature(Treasury::SessionOpened::SIGNATURE_HASH)
            .topic2(purse.into_word())
            .topic3(U256::from(sequence));
        let mut found = None;
        for blocks in spans(from_block, provider.get_block_number().await?) {
            let logs = provider
                .get_logs(&opened.clone().from_block(*blocks.start()).to_block(*blocks.end()))
                .await?;
            found = logs
                .last()
                .and_then(|log| Treasury::SessionOpened::decode_log_data(&log.inner.data).ok())
                .or(found);
        }
        let Some(opened) = found else { return Ok(()) };
        let known = KnownSession {
            agent: state.agent,
            sequence,
            key: view.key,
            terms: u64::try_from(terms(view.epoch.saturating_to(), opened.policyVersion)).unwrap_or(u64::MAX),
            stamp_hash: opened.stampHash,
            expiry: view.expiry.saturating_to(),
        };
        self.sessions.insert(purse, known);
        Ok(())
    }

    /// Asks the contracts that are said to have signed a bundle (EIP-1271), at this state's block.
    ///
    /// A contract that reverts, or answers anything else, said no.
    ///
    /// # Errors
    /// When the node fails.
    pub async fn ask_contracts(
        &mut self,
        provider: &DynProvider,
        bundle: &StampBundle,
    ) -> Result<(), AgentError> {
        let links = bundle
            .links
            .iter()
            .map(|link| (link.stamp.issuer, link.stamp.hash(&bundle.domain), &link.signature));
        let subject = bundle.leaf().map(|leaf| leaf.stamp.subject).unwrap_or_default();
        let session =
            bundle.session.iter().map(|proof| (subject, proof.digest(&bundle.domain), &proof.signature));
        for (signer, digest, signature) in links.chain(session) {
            if let StampSignature::Contract(bytes) = signature {
                self.ask_contract(provider, signer, digest, bytes.clone()).await?;
            }
        }
        Ok(())
    }

    async fn ask_contract(
        &mut self,
        provider: &DynProvider,
        signer: Address,
        digest: B256,
        signature: Bytes,
    ) -> Result<(), AgentError> {
        let block = BlockId::Number(BlockNumberOrTag::Number(self.block));
        let question = ContractQuestion::new(signer, &digest, &signature).question;
        let Some(yes) = eip1271::confirms(provider, signer, digest, signature, block).await? else {
            self.contracts.remove(&signer);
            return Ok(());
        };
        self.contracts.entry(signer).or_default().insert(question, yes);
        Ok(())
    }
}

/// The blocks `from` to `to` in parts that nodes take.
fn spans(from: u64, to: u64) -> impl Iterator<Item = RangeInclusive<u64>> {
    let starts = std::iter::successors(Some(from), |start| start.checked_add(SPAN));
    starts
        .take_while(move |start| *start <= to)
        .map(move |start| start..=to.min(start.saturating_add(SPAN - 1)))
}

async fn logs(
    provider: &DynProvider,
    treasury: Address,
    blocks: RangeInclusive<u64>,
) -> Result<Vec<LogData>, AgentError> {
    let topics = vec![
        Treasury::RoleGranted::SIGNATURE_HASH,
        Treasury::RoleRevoked::SIGNATURE_HASH,
        Treasury::PolicySet::SIGNATURE_HASH,
        Treasury::StampRevoked::SIGNATURE_HASH,
        Treasury::StampEpochSet::SIGNATURE_HASH,
    ];
    let filter = Filter::new()
        .address(treasury)
        .event_signature(topics)
        .from_block(*blocks.start())
        .to_block(*blocks.end());
    let found = provider.get_logs(&filter).await?;
    Ok(found.into_iter().map(|log| log.inner.data).collect())
}

#[cfg(test)]
mod tests {
    use alloy::sol_types::SolEvent;

    use super::*;

    fn follow(state: &mut StampState, policies: &mut BTreeMap<u32, B256>, event: &impl SolEvent) {
        state.take(&event.encode_log_data(), policies);
    }

    #[test]
    fn follows_roles_and_revocations_as_the_treasury_tells_them() {
        let (mut state, mut policies) = (StampState::new(1, Address::ZERO), BTreeMap::new());
        let (account, by) = (Address::repeat_byte(1), Address::repeat_byte(2));
        for role in Role::ALL {
            let granted = Treasury::RoleGranted { account, role: role.bit(), by };
            follow(&mut state, &mut policies, &granted);
        }
        assert_eq!((state.stampers.len(), state.approvers.len()), (1, 1));
        let revoked = Treasury::RoleRevoked { account, role: Role::Stamper.bit(), by };
        follow(&mut state, &mut policies, &revoked);
        assert_eq!((state.stampers.len(), state.approvers.len()), (0, 1));

        follow(&mut state, &mut policies, &Treasury::StampRevoked { stampHash: B256::repeat_byte(3), by });
        follow(&mut state, &mut policies, &Treasury::StampEpochSet { epoch: 7, by });
        assert_eq!((state.revoked.contains(&B256::repeat_byte(3)), state.epoch), (true, 7));
        let before = state.clone();
        follow(&mut state, &mut policies, &Treasury::OrganisationFrozen { by });
        assert_eq!(state, before, "an event that says nothing of stamps");
    }

    #[test]
    fn spans_cover_every_block_once() {
        for (from, to) in [(0, 0), (0, SPAN - 1), (0, SPAN), (7, 3 * SPAN), (u64::MAX - 1, u64::MAX)] {
            let mut next = Some(from);
            for span in spans(from, to) {
                assert_eq!(Some(*span.start()), next);
                assert!(span.end() - span.start() < SPAN);
                next = span.end().checked_add(1);
            }
            assert_eq!(next, to.checked_add(1));
        }
        assert_eq!(spans(5, 4).count(), 0);
    }
}
