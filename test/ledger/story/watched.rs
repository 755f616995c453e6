//! Accounts that pay outside any envelope, beside a treasury that does not.

use std::sync::Arc;

use alloy::{
    primitives::{Address, Bytes, U256, hex},
    providers::ext::AnvilApi,
    sol_types::SolCall,
};
use anyhow::{Result, ensure};
use bursar_indexer::{
    ledger::WatchKind,
    query::{Position, settlements},
    source::Source,
};
use bursar_sdk::{abi::Eip3009, payment::permit2};
use bursar_test_stores::{Stores, on_both_stores};

use crate::{
    agrees::{assert_agrees, live},
    ledger::{Running, assert_same, config, count, dump, open},
    world::{BATCHER, World, units},
};

on_both_stores!(what_a_proxy_moves_is_a_settlement_and_what_is_sent_is_not);

const PAYEE: Address = Address::repeat_byte(0x79);

alloy::sol! {
    function transferFrom(address from, address to, uint256 amount) external;
    function transfer(address to, uint256 amount) external;
    event Settled();
}

/// Stands in for an x402 proxy: calls a token, as Permit2 would, and logs that it has settled. Takes
/// `token (32 bytes) | call`.
fn proxy() -> Result<Bytes> {
    let call = hex::decode("602036038060206000376000600082600060006000355af150")?;
    let topic = <Settled as alloy::sol_types::SolEvent>::SIGNATURE_HASH;
    Ok([call.as_slice(), &[0x7f], topic.as_slice(), &hex::decode("60006000a100")?].concat().into())
}

struct Stage {
    world: World,
    payer: Address,
    other: Address,
}

impl Stage {
    /// Two accounts with money, that let both proxies move it.
    async fn new() -> Result<Self> {
        let world = World::new().await?;
        let (payer, other) = (world.stranger, world.guardian);
        for (at, code) in [
            (permit2::EXACT_PROXY, proxy()?),
            (permit2::UPTO_PROXY, proxy()?),
            (Address::repeat_byte(0xba), hex::decode(BATCHER)?.into()),
        ] {
            world.provider.anvil_set_code(at, code).await?;
        }
        for account in [payer, other] {
            world.donate(account, 100).await?;
            for spender in [permit2::EXACT_PROXY, permit2::UPTO_PROXY] {
                let approve = Eip3009::approveCall { spender, amount: units(100) };
                world.send(account, *world.usdc.address(), approve.abi_encode().into()).await?;
            }
        }
        Ok(Self { world, payer, other })
    }

    fn payment(&self, from: Address, dollars: u64) -> Vec<u8> {
        let call = transferFromCall { from, to: PAYEE, amount: units(dollars) };
        [self.world.usdc.address().into_word().as_slice(), &call.abi_encode()].concat()
    }

    async fn settle(&self, proxy: Address, from: Address, dollars: u64) -> Result<()> {
        self.world.send(self.world.facilitator, proxy, self.payment(from, dollars).into()).await?;
        Ok(())
    }

    /// Several in one transaction.
    async fn settle_together(&self, proxy: Address, payments: &[(Address, u64)]) -> Result<()> {
        let mut input = proxy.into_word().to_vec();
        for (from, dollars) in payments {
            let payment = self.payment(*from, *dollars);
            input.extend(U256::from(payment.len()).to_be_bytes::<32>());
            input.extend(payment);
        }
        self.world.send(self.world.facilitator, Address::repeat_byte(0xba), input.into()).await?;
        Ok(())
    }
}

/// Rail and amount in dollars, oldest first.
async fn found(store: &bursar_indexer::Store) -> Result<Vec<(String, u64)>> {
    let mut rows = settlements::list(store.db(), &settlements::Filter::default(), None, 100).await?;
    rows.reverse();
    let mut last = Position { block: 0, log: 0 };
    rows.into_iter()
        .map(|row| {
            ensure!(row.position > last, "{:?} is not after {last:?}", row.position);
            last = row.position;
            ensure!((row.nonce, row.facilitator) == (None, None), "{row:?}");
            ensure!(row.payer_label.as_deref() == Some("the old bot"), "{row:?}");
            Ok((row.rail, (row.amount.to_u256() / units(1)).to()))
        })
        .collect()
}

async fn what_a_proxy_moves_is_a_settlement_and_what_is_sent_is_not(stores: Stores) -> Result<()> {
    let mut stage = Stage::new().await?;
    let (payer, other) = (stage.payer, stage.other);
    let agents = live(&mut stage.world).await?;
    let (exact, upto) = (permit2::EXACT_PROXY, permit2::UPTO_PROXY);
    let token = *stage.world.usdc.address();
    let store = open(&stores, "ledger").await?;
    let label = "the old bot".parse()?;
    store.put_watched(WatchKind::Token, &[token], None).await?;
    // A purse that is listed is governed all the same.
    store.put_watched(WatchKind::Payer, &[payer, agents[0].purse], Some(&label)).await?;

    stage.settle(exact, payer, 3).await?;
    stage.settle(upto, payer, 4).await?;
    stage.settle(exact, other, 5).await?;
    stage.settle_together(exact, &[(payer, 6), (other, 7), (payer, 6), (payer, 8)]).await?;
    let sent = transferCall { to: PAYEE, amount: units(9) };
    stage.world.send(payer, token, sent.abi_encode().into()).await?;

    let source: Arc<dyn Source> = Arc::new(stage.world.source());
    let config = config(stage.world.anvil.chain_id(), stage.world.factory);
    let mut running = Running::start(config.clone(), Arc::clone(&source), store.clone());
    running.until(source.head().await?.hash).await?;
    let [exactly, upto_most] = ["permit2_exact", "permit2_upto"].map(str::to_owned);
    let expected = [(&exactly, 3), (&upto_most, 4), (&exactly, 6), (&exactly, 6), (&exactly, 8)]
        .map(|(r, n)| (r.clone(), n));
    assert_eq!(found(&store).await?, expected);
    assert_agrees(&stage.world, &store).await?;

    // What a turn takes back is gone, and the ledger is what it was.
    let trunk = dump(&store).await?;
    let snapshot = stage.world.snapshot().await?;
    let head = stage.world.head().await?;
    stage.settle(exact, payer, 2).await?;
    running.until(source.head().await?.hash).await?;
    assert_eq!(count(&store, "SELECT COUNT(*) FROM settlement").await?, 6);
    stage.world.revert(snapshot).await?;
    stage.world.mine(2).await?;
    running.until(source.head().await?.hash).await?;
    assert_eq!(found(&store).await?, expected);
    running.stop().await?;
    store.unwind(head).await?;
    assert_same(&dump(&store).await?, &trunk);

    // Read again from the start: the same.
    let standing: Vec<String> = trunk.into_iter().filter(|line| !line.starts_with("checkpoint")).collect();
    store.forget_chain().await?;
    crate::ledger::index(config, source, &store).await?;
    let again: Vec<String> =
        dump(&store).await?.into_iter().filter(|line| !line.starts_with("checkpoint")).collect();
    assert_same(&again, &standing);
    ensure!(again.iter().any(|line| line.contains(&hex::encode(PAYEE))), "it paid nobody");
    Ok(())
}
