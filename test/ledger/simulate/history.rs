//! One history: lives of an indexer over one chain and one store, until it is let live to the end.

use alloy::primitives::Address;
use anyhow::{Context as _, Result, bail};
use bursar_indexer::{
    Config, Store,
    ledger::WatchKind::{Facilitator, Payer, Token},
    outbox::Kind,
    query::events::Told,
    source::Landmark,
};
use bursar_replay::{FACTORY, Params, Provider, Replay, TOKEN};

use crate::{
    dump::{difference, dump},
    life::{Count, Death, Dice, Life, config, live as one},
    node::assert_right,
    nodes::Nodes,
    outside::{assert_watched, some_payers},
    told::{all, assert_followers_know, first_told, standing},
};

/// Lives the history of a seed in the empty store that is there; gives what happened in it.
///
/// # Errors
/// Where the ledger is not what the chain says.
pub async fn live(seed: u64, url: &str) -> Result<Count> {
    let mut dice = Dice::new(seed);
    let blocks = 12 + dice.below(40);
    let params = Params {
        seed: dice.below(1 << 40),
        blocks,
        settlements: blocks * (1 + dice.below(3)),
        governed_pct: 40,
        permit2_pct: dice.below(2) * 15,
        payers: 12,
        payees: 6,
        facilitators: 3,
        treasuries: 2,
        envelopes: 2,
        jumps_pct: dice.below(2) * 30,
        ..Params::default()
    };
    let finality = 4 + dice.below(12);
    let provider = Provider {
        // Ranges are too much now and then, and come in parts.
        max_range: [10_000, 3 + dice.below(20)][usize::from(dice.below(4) == 0)],
        max_results: [20_000, 4][usize::from(dice.below(4) == 0)],
        hints: dice.below(2) == 0,
        finality,
        ..Provider::default()
    };
    // Where several have to agree, one of them lies.
    let quorum = 1 + usize::from(dice.below(8) == 0);
    let nodes = Nodes::of(&params, &provider, quorum).await?;
    let replay = nodes.replay()?;
    let final_at = (dice.below(4) == 0).then_some(Landmark::Finalized);
    let usual = Config { finality, final_at, ..Config::new(params.chain_id, FACTORY, 0) };
    let watched = if dice.below(2) == 0 { some_payers(replay) } else { Vec::new() };
    let senders = !watched.is_empty() && dice.below(2) == 0;
    watch(url, &watched, senders).await?;
    let (mut count, mut first) = (Count::default(), None);
    for _ in 0..1 + dice.below(4) {
        let life = Life { death: Death::drawn(&mut dice), faults: dice.below(3) * 4, events: dice.below(4) };
        one(&config(&usual, &mut dice), &nodes, url, life, &mut dice, &mut count).await?;
        if dice.below(6) == 0 {
            // Somebody has the chain read again.
            let store = Store::connect(&url.parse()?).await?;
            first = first.or(first_told(&store).await?);
            store.forget_chain().await?;
            store.close().await;
            count.again += 1;
        }
        // Nobody watches the chain while the indexer is dead.
        match dice.below(4) {
            0 => replay.change(|chain| chain.mine(1 + dice.below(5))),
            1 => count.turns += turn(replay, finality, &mut dice),
            _ => {}
        }
    }
    let last = Life { death: Death::Never, faults: 0, events: dice.below(3) };
    one(&config(&usual, &mut dice), &nodes, url, last, &mut dice, &mut count).await?;

    let store = Store::connect(&url.parse()?).await?;
    assert_right(&store, replay).await.context("payments")?;
    let outside = assert_watched(&store, replay, senders, |one| watched.contains(&one.payer)).await;
    count.outside += outside.context("what was paid outside any envelope")? as u64;
    let first = first.or(first_told(&store).await?).context("nobody was told anything")?;
    count.told += assert_followers_know(&store, first).await.context("what followers were told")?;
    // Everything else: as an indexer has it that read the chain at once, without any of this.
    let (lived, heard) = (dump(&store).await?, heard(&store).await?);
    store.forget_chain().await?;
    let quiet = Life { death: Death::Never, faults: 0, events: 0 };
    store.close().await;
    one(&usual_pace(&usual), &nodes, url, quiet, &mut dice, &mut Count::default()).await?;
    let store = Store::connect(&url.parse()?).await?;
    let again = dump(&store).await?;
    assert_followers_know(&store, first).await.context("what followers were told of what was read again")?;
    let heard_again = self::heard(&store).await?;
    store.close().await;
    if let Some(difference) = difference(&heard, &heard_again) {
        bail!(
            "left of what was told of all that, right of what is told once it was read at once: {difference}"
        );
    }
    if let Some(difference) = difference(&lived, &again) {
        bail!("left after all that, right read at once: {difference}");
    }
    count.blocks += replay.chain().head();
    count.rows += lived.len() as u64;
    Ok(count)
}

/// What a follower takes for true, as lines: where a log tells it, its place; else what it is about. Not what is settled, which goes by
/// what is final: where several nodes have to agree of that, they are asked every few blocks.
async fn heard(store: &Store) -> Result<Vec<String>> {
    let told = all(store).await?;
    let standing = standing(&told)?;
    let lasting = standing.values().filter(|told| told.event.kind != Kind::PaymentSettled);
    let mut lines: Vec<String> = lasting
        .map(|Told { event, .. }| {
            let place = event.origin.and_then(|origin| Some((origin.block, origin.log?.1)));
            let about = event.body.get("id").or(event.body.get("hash")).or(event.body.get("digest"));
            format!("{:?} of {} at {place:?}: {about:?}", event.kind, event.subject)
        })
        .collect();
    lines.sort();
    Ok(lines)
}

/// Puts who is to be watched outside any envelope on the list, before anything is read.
async fn watch(url: &str, payers: &[Address], senders: bool) -> Result<()> {
    let store = Store::connect(&url.parse()?).await?;
    if !payers.is_empty() {
        store.put_watched(Token, &[TOKEN], None).await?;
        store.put_watched(Payer, payers, None).await?;
    }
    if senders {
        // Nobody on this chain is that facilitator; but settlements tell who sent them.
        store.put_watched(Facilitator, &[Address::repeat_byte(9)], Some(&"the usual one".parse()?)).await?;
    }
    store.close().await;
    Ok(())
}

fn usual_pace(usual: &Config) -> Config {
    Config { poll: std::time::Duration::from_millis(1), ..usual.clone() }
}

/// Turns the chain, not below what is final to anybody.
pub fn turn(replay: &Replay, finality: u64, dice: &mut Dice) -> u64 {
    let depth = 1 + dice.below(finality.saturating_sub(1).max(1));
    replay.change(|chain| chain.turn(depth));
    1
}
