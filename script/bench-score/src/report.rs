//! The figures on paper: one document that others read, one with everything, and lines for a person.

use std::{path::Path, time::Duration};

use anyhow::{Context as _, Result};
use serde_json::{Map, Value, json};

use crate::{
    agent::Kind,
    fleet::Figures,
    peer::{self, Scored},
};

/// Writes both reports; whether every runaway was stopped in time.
pub(crate) fn write(out: &Path, ours: &Figures, peer: Option<&peer::Figures>) -> Result<bool> {
    std::fs::create_dir_all(out).with_context(|| format!("creating {}", out.display()))?;
    let updates_per_s = per_second(ours.sessions, ours.wall);
    let events_per_s = per_second(ours.events, ours.wall);
    let peer_updates_per_s =
        peer.map(|peer| per_second(peer.updates, Duration::from_nanos(peer.updating_ns)));
    let report = json!({
        "agents": ours.agents,
        "sessions": ours.sessions,
        "wall_s": seconds(ours.wall),
        "updates_per_s": updates_per_s,
        "peer_updates_per_s": peer_updates_per_s,
    });
    save(&out.join("score.json"), &report)?;
    let detail = json!({
        "report": report,
        "events": ours.events,
        "events_per_s": events_per_s,
        "threads": ours.threads,
        "by_kind": by_kind(ours),
        "peer": peer.map(|peer| beside(ours, peer)),
    });
    save(&out.join("score-detail.json"), &detail)?;

    println!("{} sessions of {} agents in {} s", ours.sessions, ours.agents, seconds(ours.wall));
    println!("  {updates_per_s} sessions and {events_per_s} events per second, on {} threads", ours.threads);
    for (kind, tally) in &ours.by_kind {
        println!(
            "  {:<12} {:>6} agents  score {} to {}, {} on average  {} under review",
            kind.name(),
            tally.agents,
            tally.lowest.unwrap_or(0),
            tally.highest,
            tally.scores / tally.agents.max(1),
            tally.reviews,
        );
    }
    if let (Some(peer), Some(rate)) = (peer, peer_updates_per_s) {
        println!("  the peer, of the first {} agents: {rate} sessions per second", peer.agents.len());
        for scored in &peer.agents {
            let kind = Kind::of(scored.agent);
            if scored.agent < 7 {
                println!(
                    "    {:<12} score {}, asked for a human {} times",
                    kind.name(),
                    scored.score,
                    scored.asked
                );
            }
        }
    }
    let (runaways, in_time) = runaways(ours);
    println!("  runaways under review before 5 % of the week's limit: {in_time} of {runaways}");
    Ok(runaways == in_time)
}

fn runaways(ours: &Figures) -> (u64, u64) {
    ours.by_kind
        .values()
        .fold((0, 0), |(all, in_time), tally| (all + tally.runaways, in_time + tally.in_time))
}

fn by_kind(ours: &Figures) -> Value {
    let kinds = ours.by_kind.iter().map(|(kind, tally)| {
        let value = json!({
            "agents": tally.agents,
            "under_review": tally.reviews,
            "mean": tally.scores / tally.agents.max(1),
            "lowest": tally.lowest,
            "highest": tally.highest,
            "runaways": tally.runaways,
            "runaways_in_time": tally.in_time,
        });
        (kind.name().to_owned(), value)
    });
    Value::Object(kinds.collect::<Map<_, _>>())
}

/// The same agents, as both score them at the end.
fn beside(ours: &Figures, peer: &peer::Figures) -> Value {
    let row = |scored: &Scored| {
        let mine = ours.first.iter().find(|(agent, ..)| *agent == scored.agent);
        json!({
            "agent": scored.agent,
            "kind": Kind::of(scored.agent).name(),
            "score": mine.map(|(_, score, _)| score),
            "under_review": mine.map(|(.., review)| review),
            "peer_score": scored.score,
            "peer_asked_for_a_human": scored.asked,
        })
    };
    json!({
        "agents": peer.agents.iter().map(row).collect::<Vec<_>>(),
        "updates": peer.updates,
        "us_per_update": peer.updating_ns / 1_000 / peer.updates.max(1),
        "us_per_agent_from_scratch": peer.scratch_ns / 1_000 / (peer.agents.len() as u64).max(1),
    })
}

fn per_second(count: u64, time: Duration) -> u64 {
    u64::try_from(u128::from(count) * 1_000_000_000 / time.as_nanos().max(1)).unwrap_or(u64::MAX)
}

/// Seconds with three digits, without arithmetic that rounds.
fn seconds(time: Duration) -> Value {
    let millis = time.as_millis();
    let text = format!("{}.{:03}", millis / 1_000, millis % 1_000);
    text.parse::<f64>().map_or(Value::Null, Value::from)
}

fn save(path: &Path, value: &Value) -> Result<()> {
    let text = serde_json::to_string_pretty(value)? + "\n";
    std::fs::write(path, text).with_context(|| format!("writing {}", path.display()))
}
