//! One vector's last question, put to the contracts' bytecode, to the SDK and to the model.

use std::sync::Arc;

use alloy::{
    primitives::{Address, B256, Bytes},
    sol_types::{SolCall as _, SolInterface as _, SolStruct as _},
};
use anyhow::{Context as _, Result, bail, ensure};
use bursar_sdk::{
    Agent, AgentError, Refusal, SignedPayment,
    abi::Treasury::{self, TreasuryErrors},
    payment::{Authorization, PaymentBlob},
    tree::Answer,
};
use bursar_test_machine::{Chain, node};
use tokio::runtime::Runtime;

use crate::{
    leaves,
    payments::{Signed, message},
    steps::{Opening, Paying},
    world::World,
};

pub(super) fn open(runtime: &Runtime, world: &mut World, opening: &Opening, leaf: &str) -> Result<()> {
    let call = world.opening(opening);
    let found = leaves::of_opening(&world.model, world.now, &call)?;
    ensure!(found.id == leaf, "the model ends at {}", found.id);

    let (from, treasury) = (world.at(opening.relay), world.model.address);
    let data = Bytes::from(call.abi_encode());
    let answer = Chain::new(world.chain.fork()).call(world.now, from, treasury, data)?;
    let reason = match answer {
        Ok(_) => None,
        Err(data) => match TreasuryErrors::abi_decode(&data)? {
            TreasuryErrors::SessionRefused(refused) => Refusal::from_number(refused.reason),
            other => bail!("the contract reverts with {other:?}"),
        },
    };
    same("the contract", reason, found.answer)?;

    let asked = runtime.block_on(async {
        let node = node::over(world.chain.fork(), world.now).await?;
        let contract = Treasury::new(treasury, node);
        let told = contract.openSession(call.request.clone(), call.signature.clone());
        anyhow::Ok(told.from(from).call().await.map_err(AgentError::from))
    })?;
    same("the SDK", refusal(asked)?, found.answer)?;

    // And then it is done, and both have to hold the same.
    let before = world.tally.sessions_opened;
    world.open(opening)?;
    let opened = world.tally.sessions_opened > before;
    ensure!(opened == (found.answer == Answer::Allowed), "opened: {opened}");
    Ok(())
}

pub(super) fn pay(runtime: &Runtime, world: &mut World, paying: &Paying, leaf: &str) -> Result<()> {
    let (envelope, _, purse) = world.purse(paying.purse);
    let payee = world.at(paying.payee);
    let amount = world.sum(paying.amount, envelope, Some(purse));
    let signed = world.sign(paying, envelope, purse, payee, amount)?;
    let (digest, blob, authorization) = asked_about(world, &signed, purse);
    let found = leaves::of_payment(&world.model, world.now, purse, digest, &blob)?;
    ensure!(found.id == leaf, "the model ends at {}", found.id);

    let ask = Treasury::diagnosePaymentCall { purse, digest, signature: blob.clone() };
    let told = world.chain.ask(world.now, world.model.address, &ask)?;
    let reason = match Refusal::from_number(told.reason) {
        None => {
            let ask = Treasury::previewPaymentCall { purse, payee, amount, approved: true };
            Refusal::from_number(world.chain.ask(world.now, world.model.address, &ask)?.reason)
        }
        refused => refused,
    };
    same("the contract", reason, found.answer)?;

    let identity = Arc::new(identity(world, envelope)?);
    let (treasury, spool) = (world.model.address, tempfile::tempdir()?);
    let asked = runtime.block_on(async {
        let node = node::over(world.chain.fork(), world.now).await?;
        let agent = Agent::builder(node, treasury, envelope, identity, spool.path()).connect().await?;
        let payment = SignedPayment {
            decision_hash: B256::with_last_byte(paying.decision),
            authorization,
            rail: PaymentBlob::decode(&blob).map(|blob| blob.rail).unwrap_or_default(),
            digest,
            blob: blob.clone(),
            payload: String::new(),
        };
        anyhow::Ok(agent.diagnose(&payment).await)
    })?;
    same("the SDK", refusal(asked)?, found.answer)?;

    let before = world.tally.payments_settled;
    world.settle(paying.relay, &signed)?;
    let settled = world.tally.payments_settled > before;
    ensure!(settled == (found.answer == Answer::Allowed), "settled: {settled}");
    Ok(())
}

/// What the token, or Permit2, asks the purse.
fn asked_about(world: &World, signed: &Signed, purse: Address) -> (B256, Bytes, Authorization) {
    match signed {
        Signed::Permit2(payment) => (payment.digest, payment.blob.clone(), payment.authorization.clone()),
        Signed::Eip3009(token, call) => {
            let domain = world.model.tokens.get(token).map(|token| token.domain.clone());
            let digest = message(call).eip712_signing_hash(&domain.unwrap_or_default());
            let authorization = Authorization {
                purse,
                payee: call.to,
                amount: call.value.try_into().unwrap_or_default(),
                valid_after: call.validAfter.to(),
                valid_before: call.validBefore.to(),
                nonce: call.nonce,
            };
            (digest, call.signature.clone(), authorization)
        }
    }
}

fn identity(world: &World, envelope: u32) -> Result<alloy::signers::local::PrivateKeySigner> {
    let agent = world.model.envelope(envelope).context("no such envelope")?.agent;
    world.cast.signer(agent).context("nobody has the agent's key")
}

fn refusal<T>(asked: Result<T, AgentError>) -> Result<Option<Refusal>> {
    match asked {
        Ok(_) => Ok(None),
        Err(error) => Ok(Some(error.refusal().with_context(|| format!("no refusal, but {error}"))?)),
    }
}

fn same(who: &str, told: Option<Refusal>, answer: Answer) -> Result<()> {
    let told = told.map_or(Answer::Allowed, Answer::Refused);
    ensure!(told == answer, "{who} says {told:?}, the leaf {answer:?}");
    Ok(())
}
