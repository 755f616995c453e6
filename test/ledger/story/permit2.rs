//! Payments through Permit2, of which no log names the nonce: the transaction's input tells which decision it was.
//!
//! Permit2 and the proxy are stood in for by a contract at Permit2's address that makes the transfers it is told;
//! the proxy's call travels behind each, as it does when a facilitator wraps it.

use std::sync::Arc;

use alloy::{
    primitives::{Address, B256, Bytes, U256, aliases::U24, hex, keccak256},
    providers::ext::AnvilApi,
    sol,
    sol_types::SolCall,
};
use anyhow::Result;
use bursar_indexer::source::Source;
use bursar_sdk::{
    abi::Treasury,
    amount::Amount,
    payment::{Authorization, PaymentBlob, Rail, Token, commitment, permit2, session_id, terms},
};
use bursar_test_stores::{Stores, on_both_stores};

use crate::{
    agrees::assert_agrees,
    ledger::{config, count, index, money, open, rows},
    world::{Agent, BATCHER, DAY, World, sign, units},
};

on_both_stores!(
    each_payment_finds_the_decision_that_the_session_key_signed,
    an_envelope_without_permit2_has_no_such_payments,
);

const PAYEE: Address = Address::repeat_byte(0x77);

sol! {
    struct TokenPermissions { address token; uint256 amount; }
    struct Permit { TokenPermissions permitted; uint256 nonce; uint256 deadline; }
    struct Witness { address to; address facilitator; uint256 validAfter; }
    function settle(Permit permit, uint256 amount, address owner, Witness witness, bytes signature) external;
    function transferFrom(address from, address to, uint256 amount) external;
}

/// An agent whose purse pays through Permit2, with an open session.
async fn set_up(world: &mut World) -> Result<Agent> {
    world.provider.anvil_set_code(permit2::PERMIT2, hex::decode(BATCHER)?.into()).await?;
    let mut agent = world.agent(World::policy(&[(DAY, 100)], 0), 100).await?;
    let envelope = U24::from(agent.number);
    world.call(world.manager, Treasury::setPermit2Call { envelope, on: true }).await?;
    agent.policy_version += 1;
    world.call(world.stranger, Treasury::levelPermit2Call { envelope, purseIndex: 0 }).await?;
    world.open(&mut agent, 50).await?;
    Ok(agent)
}

/// A proxy's call for a payment of at most `most`, signed by `signer`.
fn told(world: &World, agent: &Agent, why: &str, most: u64, by_agent: bool) -> Result<Vec<u8>> {
    let (decision_hash, token) = (keccak256(why), *world.usdc.address());
    let session = session_id(agent.purse, agent.sequence);
    let authorization = Authorization {
        purse: agent.purse,
        payee: PAYEE,
        amount: Amount::try_from(units(most))?,
        valid_after: 0,
        valid_before: 2_000_000_000,
        nonce: commitment(terms(agent.epoch, agent.policy_version), session, decision_hash),
    };
    let facilitator = world.facilitator;
    let rail = Rail::Permit2Upto { facilitator };
    // Permit2 has a domain of its own: the token's separator does not come in.
    let of = Token { chain_id: world.anvil.chain_id(), address: token, domain_separator: B256::ZERO };
    let digest = authorization.digest(rail, of);
    let signer = if by_agent { &agent.session_key } else { &agent.identity };
    let blob = PaymentBlob {
        rail,
        payee: PAYEE,
        amount: authorization.amount,
        valid_after: 0,
        valid_before: authorization.valid_before,
        decision_hash,
        signature: sign(signer, digest)?,
        approval: None,
    };
    let permitted = TokenPermissions { token, amount: units(most) };
    let call = settleCall {
        permit: Permit {
            permitted,
            nonce: authorization.nonce.into(),
            deadline: U256::from(authorization.valid_before),
        },
        amount: units(most),
        owner: agent.purse,
        witness: Witness { to: PAYEE, facilitator, validAfter: U256::ZERO },
        signature: blob.encode()?,
    };
    Ok(call.abi_encode())
}

/// Moves each amount out of the purse, in one transaction that tells what it is told to.
async fn settle(world: &World, agent: &Agent, payments: &[(u64, Vec<u8>)]) -> Result<()> {
    let mut input = world.usdc.address().into_word().to_vec();
    for (dollars, told) in payments {
        let transfer = transferFromCall { from: agent.purse, to: PAYEE, amount: units(*dollars) };
        let call = [transfer.abi_encode(), told.clone()].concat();
        input.extend(U256::from(call.len()).to_be_bytes::<32>());
        input.extend(call);
    }
    world.send(world.facilitator, permit2::PERMIT2, Bytes::from(input)).await?;
    Ok(())
}

async fn each_payment_finds_the_decision_that_the_session_key_signed(stores: Stores) -> Result<()> {
    let mut world = World::new().await?;
    let agent = set_up(&mut world).await?;
    settle(&world, &agent, &[(3, told(&world, &agent, "at most five", 5, true)?)]).await?;
    // Two that look alike, in one transaction: each its own decision.
    let alike = [(4, told(&world, &agent, "one", 4, true)?), (4, told(&world, &agent, "other", 4, true)?)];
    settle(&world, &agent, &alike).await?;
    // Nobody's word, somebody else's, one of another amount, and one that was used: none explains.
    settle(&world, &agent, &[(1, Vec::new())]).await?;
    settle(&world, &agent, &[(1, told(&world, &agent, "forged", 1, false)?)]).await?;
    settle(&world, &agent, &[(2, told(&world, &agent, "too little", 1, true)?)]).await?;
    settle(&world, &agent, &[(3, told(&world, &agent, "at most five", 5, true)?)]).await?;
    // What goes back to the escrow is no payment.
    world.close(&agent).await?;

    let store = open(&stores, "ledger").await?;
    let source: Arc<dyn Source> = Arc::new(world.source());
    index(config(world.anvil.chain_id(), world.factory), source, &store).await?;
    assert_agrees(&world, &store).await?;
    assert_eq!(count(&store, "SELECT COUNT(*) FROM undecoded").await?, 0);

    let mut seen = Vec::new();
    for row in rows(&store, "SELECT * FROM payment ORDER BY block_number, log_index").await? {
        let decision = row.maybe_hash("decision_hash")?;
        let nonce = row.maybe_hash("nonce")?;
        assert_eq!(nonce.is_some(), decision.is_some());
        seen.push((decision, money(&row, "amount")?, row.text("rail")?));
    }
    let explained = |why: &str, dollars| (Some(keccak256(why)), units(dollars), "permit2_upto".to_owned());
    let silent = |dollars| (None, units(dollars), "permit2".to_owned());
    let expected = [
        explained("at most five", 3),
        explained("one", 4),
        explained("other", 4),
        silent(1),
        silent(1),
        silent(2),
        silent(3),
    ];
    assert_eq!(seen, expected);
    Ok(())
}

async fn an_envelope_without_permit2_has_no_such_payments(stores: Stores) -> Result<()> {
    let mut world = World::new().await?;
    let mut agent = set_up(&mut world).await?;
    // The allowance stands until it is levelled; here the token lies, since a real Permit2 asks the purse.
    let off = Treasury::setPermit2Call { envelope: U24::from(agent.number), on: false };
    world.call(world.manager, off).await?;
    agent.policy_version += 1;
    world.open(&mut agent, 20).await?;
    settle(&world, &agent, &[(3, told(&world, &agent, "not allowed", 3, true)?)]).await?;
    let store = open(&stores, "ledger").await?;
    index(config(world.anvil.chain_id(), world.factory), Arc::new(world.source()), &store).await?;
    assert_eq!(count(&store, "SELECT COUNT(*) FROM payment").await?, 0);
    Ok(())
}
