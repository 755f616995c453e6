//! What a node says about one payment: asked here, judged elsewhere.

use std::collections::{BTreeMap, btree_map::Entry};

use alloy::{
    eips::BlockId,
    primitives::{Address, B256, Bytes, LogData, U256, aliases::U24},
    providers::{DynProvider, Provider as _},
};
use bursar_sdk::{
    abi::{Eip3009, Treasury},
    eip1271,
    role::Role,
};

use super::settled;
use crate::model::evidence::Evidence;

/// What a node said, or why it is not known.
pub(crate) type Told<T> = Result<T, String>;

/// How something stood at the payment's block; or stands now, where the node keeps no older state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stood<T> {
    pub(crate) value: T,
    /// Whether it is of that block.
    pub(crate) then: bool,
}

/// A transaction, as it came out.
#[derive(Debug, Clone)]
pub(crate) struct Receipt {
    pub(crate) success: bool,
    pub(crate) block_hash: B256,
    /// Index in the block, who logged, and what.
    pub(crate) logs: Vec<(u64, Address, LogData)>,
}

/// What a node says about one payment.
#[derive(Debug)]
pub(crate) struct Facts {
    /// Hash and time of the canonical block of the payment's number.
    pub(crate) block: Told<Option<(B256, u64)>>,
    /// The transactions that the evidence names.
    pub(crate) receipts: BTreeMap<B256, Told<Option<Receipt>>>,
    /// The settling transaction's input.
    pub(crate) input: Told<Option<Bytes>>,
    /// The token's own domain.
    pub(crate) domain_separator: Told<B256>,
    /// The envelope's agent.
    pub(crate) agent: Told<Stood<Address>>,
    /// The envelope's token, which never changes.
    pub(crate) asset: Told<Address>,
    /// Whether the payment's approver holds that role.
    pub(crate) may_approve: Told<Stood<bool>>,
    /// Whether the session's stamp is revoked.
    pub(crate) stamp_revoked: Told<Stood<bool>>,
    /// The treasury's stamp epoch: stamps of an earlier one are revoked.
    pub(crate) stamp_epoch: Told<Stood<u32>>,
    /// Whether who issued the root stamp holds that role.
    pub(crate) may_stamp: Told<Stood<bool>>,
    /// Whether any of the stamps that the session's is delegated from is revoked.
    pub(crate) parents_revoked: Told<Stood<bool>>,
    /// Whether the approver's contract takes the approval for its own; `None` where there is no contract.
    pub(crate) confirmed: Told<Option<bool>>,
}

impl Facts {
    /// Without a node nothing is known.
    pub(crate) fn none(why: &str) -> Self {
        let why = || why.to_owned();
        Self {
            block: Err(why()),
            receipts: BTreeMap::new(),
            input: Err(why()),
            domain_separator: Err(why()),
            agent: Err(why()),
            asset: Err(why()),
            may_approve: Err(why()),
            stamp_revoked: Err(why()),
            stamp_epoch: Err(why()),
            may_stamp: Err(why()),
            parents_revoked: Err(why()),
            confirmed: Err(why()),
        }
    }

    /// What happened in a transaction.
    pub(crate) fn receipt(&self, hash: B256) -> Told<Option<&Receipt>> {
        match self.receipts.get(&hash) {
            Some(told) => told.as_ref().map(Option::as_ref).map_err(Clone::clone),
            // Nothing is asked for without a node.
            None => Err(self.block.as_ref().err().cloned().unwrap_or_else(|| "it was not asked for".into())),
        }
    }

    /// Asks a node. What it does not answer is not known, and why; the rest is.
    pub(crate) async fn ask(node: &DynProvider, evidence: &Evidence) -> Self {
        match node.get_chain_id().await {
            Ok(id) if id == evidence.chain_id => {}
            Ok(id) => return Self::none(&format!("the node is on chain {id}, not {}", evidence.chain_id)),
            Err(error) => return Self::none(&silent(&error)),
        }
        let payment = &evidence.payment;
        let at = BlockId::number(payment.block_number);
        let block = node.get_block(at).await.map_err(|error| silent(&error));
        let block = block.map(|block| block.map(|block| (block.header.hash, block.header.timestamp)));
        let mut receipts = BTreeMap::new();
        for hash in named(evidence) {
            if let Entry::Vacant(place) = receipts.entry(hash) {
                place.insert(receipt(node, hash).await);
            }
        }
        let input = node.get_transaction_by_hash(payment.tx_hash.0).await.map_err(|error| silent(&error));
        let input = input.map(|tx| tx.map(|tx| alloy::consensus::Transaction::input(&tx).clone()));
        let token = Eip3009::new(payment.asset.0, node.clone());
        let domain_separator = token.DOMAIN_SEPARATOR().call().await.map_err(|error| silent(&error));
        let mut facts =
            Self { block, receipts, input, domain_separator, ..Self::none("it was not asked for") };
        facts.stood(node, evidence, at).await;
        if let Some((approver, digest, signature)) = settled::contract_approval(evidence, &facts) {
            let told = eip1271::confirms(node, approver, digest, signature, at).await;
            facts.confirmed = told.map_err(|error| silent(&error));
        }
        facts
    }

    /// How the treasury stood at the payment's block.
    async fn stood(&mut self, node: &DynProvider, evidence: &Evidence, at: BlockId) {
        let payment = &evidence.payment;
        let treasury = Treasury::new(payment.treasury.0, node.clone());
        let number = U24::from(payment.envelope & 0x00ff_ffff);
        let envelope = stood(at, |block| {
            let treasury = treasury.clone();
            async move {
                let envelope = treasury.envelope(number).block(block).call().await?;
                Ok((envelope.agent, envelope.asset))
            }
        })
        .await;
        self.asset = envelope.as_ref().map(|stood| stood.value.1).map_err(Clone::clone);
        self.agent = envelope.map(|stood| Stood { value: stood.value.0, then: stood.then });
        let holds = |account: Address, role: Role| {
            let treasury = &treasury;
            stood(at, move |block| {
                let treasury = treasury.clone();
                async move {
                    let roles = treasury.account(account).block(block).call().await?.roles;
                    Ok(U256::from(roles) & U256::from(role.bit()) != U256::ZERO)
                }
            })
        };
        if let Some(approver) = payment.approver.as_ref() {
            self.may_approve = holds(approver.0, Role::Approver).await;
        }
        let chain = evidence.stamps.as_ref().map_or(&[][..], |chain| &chain.links);
        if let Some(root) = chain.first() {
            self.may_stamp = holds(root.issuer.0, Role::Stamper).await;
        }
        let stamp = evidence.session.as_ref().map(|session| session.stamp_hash.0);
        if let Some(stamp) = stamp.filter(|stamp| !stamp.is_zero()) {
            let revoked = |stamp: B256| {
                let treasury = &treasury;
                stood(at, move |block| {
                    let treasury = treasury.clone();
                    async move { treasury.isStampRevoked(stamp).block(block).call().await }
                })
            };
            self.stamp_revoked = revoked(stamp).await;
            let parents = chain.iter().map(|link| link.hash.0).filter(|hash| *hash != stamp);
            self.parents_revoked = Ok(Stood { value: false, then: true });
            for parent in parents {
                let told = revoked(parent).await;
                // One is enough; and what is not told of one is not known of all.
                if !matches!(told, Ok(Stood { value: false, .. })) {
                    self.parents_revoked = told;
                    break;
                }
            }
            self.stamp_epoch = stood(at, |block| {
                let treasury = treasury.clone();
                async move { Ok(treasury.organisation().block(block).call().await?.stampEpoch) }
            })
            .await;
        }
    }
}

/// The transactions that the evidence names.
fn named(evidence: &Evidence) -> Vec<B256> {
    let mut all = vec![evidence.payment.tx_hash.0];
    all.extend(evidence.session.as_ref().map(|session| session.opened_tx.0));
    all.extend(evidence.policy.as_ref().map(|policy| policy.set_tx.0));
    let entries = evidence.log.iter().flat_map(|log| &log.entries);
    all.extend(entries.filter_map(|entry| entry.anchor.as_ref().map(|anchor| anchor.tx_hash.0)));
    all
}

async fn receipt(node: &DynProvider, hash: B256) -> Told<Option<Receipt>> {
    let told = node.get_transaction_receipt(hash).await.map_err(|error| silent(&error))?;
    Ok(told.map(|receipt| Receipt {
        success: receipt.status(),
        block_hash: receipt.block_hash.unwrap_or_default(),
        logs: receipt
            .logs()
            .iter()
            .map(|log| (log.log_index.unwrap_or(u64::MAX), log.address(), log.data().clone()))
            .collect(),
    }))
}

async fn stood<T, Answer>(at: BlockId, ask: impl Fn(BlockId) -> Answer) -> Told<Stood<T>>
where
    Answer: Future<Output = Result<T, alloy::contract::Error>>,
{
    // Many nodes keep the state of the last blocks only.
    match ask(at).await {
        Ok(value) => Ok(Stood { value, then: true }),
        Err(_) => match ask(BlockId::latest()).await {
            Ok(value) => Ok(Stood { value, then: false }),
            Err(error) => Err(silent(&error)),
        },
    }
}

/// Providers put their keys into what they say.
fn silent(error: &dyn std::error::Error) -> String {
    tracing::warn!(%error, "the node does not answer what a payment is held against");
    "the node does not answer".to_owned()
}
