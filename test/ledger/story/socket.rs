//! A node over WebSocket: the same answers as over HTTP, new blocks when it tells of them, and a connection that comes back.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use alloy::providers::{Provider as _, ext::AnvilApi as _};
use anyhow::{Context, Result};
use bursar_indexer::{
    Config,
    source::{RpcConfig, RpcSource, Source},
};
use bursar_test_stores::{Stores, on_both_stores};
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    task::{JoinHandle, JoinSet},
};

use crate::{
    agrees::live,
    ledger::{Running, assert_same, config, dump, fresh, open},
    world::World,
};

on_both_stores!(new_blocks_are_in_the_ledger_without_being_asked_for);

const LONG: Duration = Duration::from_secs(3_600);

/// A socket of that node's.
fn socket(address: SocketAddr) -> Result<RpcSource> {
    Ok(RpcSource::new(format!("ws://{address}").parse()?, RpcConfig::default()))
}

fn address(world: &World) -> Result<SocketAddr> {
    Ok(SocketAddr::from(([127, 0, 0, 1], world.anvil.port())))
}

async fn new_blocks_are_in_the_ledger_without_being_asked_for(stores: Stores) -> Result<()> {
    let mut world = World::new().await?;
    live(&mut world).await?;
    let usual = config(world.anvil.chain_id(), world.factory);
    let source: Arc<dyn Source> = Arc::new(socket(address(&world)?)?);
    let store = open(&stores, "ledger").await?;
    // It looks for nothing by itself: what it has of later blocks, the node has told it.
    let patient = Config { poll: LONG, ..usual.clone() };
    let mut running = Running::start(patient, Arc::clone(&source), store.clone());
    let head = source.head().await?;
    running.until(head.hash).await?;
    for _ in 0..5 {
        world.provider.anvil_mine(Some(1), None).await?;
        let head = source.head().await?;
        running.until(head.hash).await?;
    }
    running.stop().await?;
    assert_same(&dump(&store).await?, &fresh(usual, Arc::new(world.source()), &stores).await?);
    Ok(())
}

/// Something between us and a node, which may drop all that goes through it.
struct Between {
    address: SocketAddr,
    task: JoinHandle<()>,
}

impl Between {
    async fn of(node: SocketAddr) -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        Self::on(listener, node)
    }

    fn on(listener: TcpListener, node: SocketAddr) -> Result<Self> {
        let address = listener.local_addr()?;
        let task = tokio::spawn(async move {
            let mut through = JoinSet::new();
            while let Ok((mut from, _)) = listener.accept().await {
                through.spawn(async move {
                    if let Ok(mut to) = TcpStream::connect(node).await {
                        let _ = copy_bidirectional(&mut from, &mut to).await;
                    }
                });
            }
        });
        Ok(Self { address, task })
    }

    /// Drops it, connections and all.
    async fn gone(self) -> Result<SocketAddr> {
        self.task.abort();
        let _ = self.task.await;
        Ok(self.address)
    }
}

#[tokio::test]
async fn a_connection_that_was_lost_is_made_anew() -> Result<()> {
    let world = World::new().await?;
    let node = address(&world)?;
    let between = Between::of(node).await?;
    let source = socket(between.address)?;
    let id = world.provider.get_chain_id().await?;
    assert_eq!(source.chain_id().await?, id);
    let at = between.gone().await?;
    assert!(source.head().await.is_err(), "there is nobody");
    assert!(source.head().await.is_err(), "and still nobody");
    let _between = Between::on(TcpListener::bind(at).await?, node)?;
    assert_eq!(source.chain_id().await?, id, "it is there again");
    for _ in 0..2 {
        world.provider.anvil_mine(Some(1), None).await?;
        let told = tokio::time::timeout(Duration::from_secs(30), source.news());
        told.await.context("it tells of heads again")?;
    }
    Ok(())
}
