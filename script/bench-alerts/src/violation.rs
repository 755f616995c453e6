//! Every kind of violation, as somebody commits it.

use alloy::{
    primitives::{Address, Bytes, U256, keccak256},
    signers::SignerSync as _,
};
use anyhow::{Context as _, Result, ensure};
use bursar_sdk::{
    Amount, Purpose,
    abi::Eip3009,
    admin::Sent,
    deploy,
    payment::{Authorization, Rail},
    testing::DOLLAR,
};
use futures::future::try_join_all;

use crate::stage::{Envelope, Stage};

/// Payments at once that make a burst of new payees.
const NEW_PAYEES: u32 = 10;

/// One kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Violation {
    Donation,
    Unexplained,
    Drift,
    Burst,
    Trajectory,
    Ungoverned,
    Silence,
    Review,
    Freeze,
}

impl Violation {
    pub(crate) const ALL: [Self; 9] = [
        Self::Donation,
        Self::Unexplained,
        Self::Drift,
        Self::Burst,
        Self::Trajectory,
        Self::Ungoverned,
        Self::Silence,
        Self::Review,
        Self::Freeze,
    ];

    /// As the API calls its alert.
    pub(crate) fn kind(self) -> &'static str {
        match self {
            Self::Donation => "donation",
            Self::Unexplained => "unexplained_payment",
            Self::Drift => "policy_drift",
            Self::Burst => "payee_burst",
            Self::Trajectory => "off_trajectory",
            Self::Ungoverned => "ungoverned_payer",
            Self::Silence => "score_silent",
            Self::Review => "review",
            Self::Freeze => "frozen",
        }
    }

    /// Commits it; gives the block that tells of it.
    pub(crate) async fn seed(self, stage: &Stage, round: u32) -> Result<u64> {
        let chain = &stage.chain;
        let envelope = |kind: usize| stage.envelope(round, kind);
        match self {
            Self::Donation => {
                let purse = envelope(0)?.agent.purse();
                let cents = Amount::new(DOLLAR);
                block(&deploy::mint_test_usdc(&chain.provider, chain.usdc, purse, cents).await?)
            }
            Self::Unexplained => pay(stage, envelope(0)?, stage.payee(0), 1).await,
            Self::Drift => {
                let mut policy = stage.policy();
                policy.session_limit =
                    policy.session_limit.checked_add(Amount::new(DOLLAR)).context("an amount")?;
                block(&chain.policy_manager().set_policy(envelope(1)?.number, &policy).await?)
            }
            Self::Burst => {
                let envelope = envelope(2)?;
                let paid = (0..NEW_PAYEES).map(|n| pay(stage, envelope, stage.payee(100 + n), 1));
                try_join_all(paid).await?.into_iter().max().context("a payment")
            }
            // A fifteenth of the week at once.
            Self::Trajectory => pay(stage, envelope(3)?, stage.payee(0), 20).await,
            Self::Ungoverned => outside(stage, round).await,
            Self::Silence => block(&chain.policy_manager().set_score_life(envelope(4)?.number, 60).await?),
            Self::Review => pay(stage, envelope(5)?, stage.payee(0), 20).await,
            Self::Freeze => block(&chain.guardian().freeze_envelope(envelope(6)?.number).await?),
        }
    }
}

fn block<T>(sent: &Sent<T>) -> Result<u64> {
    sent.receipt.block_number.context("a block")
}

/// A payment whose record nobody gets.
async fn pay(stage: &Stage, of: &Envelope, payee: Address, dollars: u64) -> Result<u64> {
    let requirement = stage.requirement(of, payee, Amount::new(dollars * DOLLAR))?;
    let signed = of.agent.authorize(&requirement, Purpose::new("bench", "a violation")).await?;
    block(&stage.chain.settle(&signed).await?)
}

/// A payment of an account that is no purse.
async fn outside(stage: &Stage, round: u32) -> Result<u64> {
    let (chain, payer) = (&stage.chain, &stage.payer);
    let authorization = Authorization {
        purse: payer.address(),
        payee: stage.payee(0),
        amount: Amount::new(DOLLAR),
        valid_after: 0,
        valid_before: u64::from(u32::MAX),
        nonce: keccak256(round.to_be_bytes()),
    };
    let domain = &stage.envelope(round, 0)?.agent.view().asset().domain;
    let signature = payer.sign_hash_sync(&authorization.digest(Rail::Eip3009, domain))?;
    let token = Eip3009::new(chain.usdc, chain.provider.clone());
    let call = token.transferWithAuthorization(
        authorization.purse,
        authorization.payee,
        authorization.amount.to_u256(),
        U256::ZERO,
        U256::from(authorization.valid_before),
        authorization.nonce,
        Bytes::from(signature.as_bytes()),
    );
    let receipt = call.from(chain.people.gas.address()).send().await?.get_receipt().await?;
    ensure!(receipt.status(), "the token refused");
    receipt.block_number.context("a block")
}
