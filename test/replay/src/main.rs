//! Serves the chain of a seed on a loopback port, for benchmarks and for looking at it by hand.

use std::sync::{Arc, RwLock};

use anyhow::Result;
use bursar_replay::{Chain, Fault, Params, Provider, Replay, mix3, serve};
use clap::Parser;

#[derive(Debug, Parser)]
#[command(about)]
struct Cli {
    #[command(flatten)]
    params: Params,
    #[command(flatten)]
    provider: Provider,
    /// The port; 0: any that is free.
    #[arg(long, default_value_t = 8545)]
    port: u16,
    /// Mine a block every so many milliseconds; 0: never.
    #[arg(long, default_value_t = 0)]
    mine_every: u64,
    /// Turn the chain at every so many blocks mined; 0: never.
    #[arg(long, default_value_t = 0)]
    turn_every: u64,
    /// How deep it turns, in blocks.
    #[arg(long, default_value_t = 3)]
    turn_depth: u64,
    /// One request in so many fails; 0: none.
    #[arg(long, default_value_t = 0)]
    fault_every: u64,
    /// How: unavailable, rate-limited, rate-limited-for:SECONDS, slow:MS, cut-short, stops:LOGS, leaves-out,
    /// leaves-out-transfers, other-chain, contradicts, strays, false-time, false-log-time, false-parent,
    /// false-sender, false-input, false-head:BLOCKS, false-final, lags:BLOCKS, other-chain-id. Several take turns.
    #[arg(long, value_delimiter = ',', default_value = "unavailable")]
    fault: Vec<Fault>,
}

#[tokio::main]
async fn main() -> Result<()> {
    let cli = Cli::parse();
    let chain = Chain::new(cli.params);
    eprintln!("{} settlements in {} blocks", chain.params().settlements, chain.head());
    let replay = Arc::new(Replay::new(Arc::new(RwLock::new(chain)), cli.provider));
    if cli.fault_every > 0 {
        let (every, faults) = (cli.fault_every, cli.fault);
        replay.misbehave(move |request| {
            let draw = mix3(1, request.number, 0);
            let pick = usize::try_from(draw / every).unwrap_or_default();
            draw.is_multiple_of(every).then(|| faults.get(pick % faults.len().max(1)).copied()).flatten()
        });
    }
    let served = serve(Arc::clone(&replay), cli.port).await?;
    println!("{}", served.url());
    if cli.mine_every > 0 {
        let mut ticks = tokio::time::interval(std::time::Duration::from_millis(cli.mine_every));
        let (every, depth) = (cli.turn_every, cli.turn_depth);
        tokio::spawn(async move {
            for tick in 1u64.. {
                ticks.tick().await;
                let turns = every > 0 && tick.is_multiple_of(every);
                replay.change(|chain| if turns { chain.turn(depth) } else { chain.mine(1) });
            }
        });
    }
    served.wait().await
}
