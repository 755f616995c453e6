//! The figures on paper: one document that others read, one with everything, and lines for a person.

use std::{path::Path, time::Duration};

use anyhow::Result;
use bursar_bench::{
    Took,
    figures::{per_second, save, seconds},
};
use bursar_replay::Tally;
use serde_json::{Value, json};

use crate::limits::Wrote;

/// An indexer that has caught up.
#[derive(Debug, Clone)]
pub(crate) struct Ran {
    pub(crate) name: &'static str,
    pub(crate) version: String,
    pub(crate) took: Took,
    pub(crate) rpc_calls: u64,
    /// What it has come to, and what it should have.
    pub(crate) got: Tally,
    pub(crate) truth: Tally,
}

/// What the databases take by themselves.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Limits {
    pub(crate) copied: Option<Wrote>,
    pub(crate) inserted: Option<Wrote>,
}

/// What each of them promises for its figures.
const GUARANTEES: [(&str, &str); 3] = [
    (
        "bursar",
        "authorization and transfer paired, keyed by block and log; rows, projections and checkpoint in one transaction; \
         every answer checked against the question, its blocks and its own transfers",
    ),
    (
        "ponder",
        "paired in the memory of the process by the index written for it; rows checkpointed by event; block by block \
         with parents",
    ),
    ("rindexer", "raw events, unpaired; rows and cursor apart in backfill: a crash repeats rows"),
];

/// What was measured elsewhere, with a replay of the same kind; not in this run.
fn peer_reported(ran: &[Ran]) -> Value {
    if ran.iter().any(|ran| ran.name == "rindexer") {
        return json!([]);
    }
    json!([{
        "name": "rindexer",
        "version": "0.41",
        "settlements": 1_000_000,
        "settlements_per_s": 69_600,
        "peak_rss_mib": 391,
        "rpc_calls": 288,
    }])
}

impl Ran {
    /// Whether it has come to what the chain says.
    pub(crate) fn is_right(&self) -> bool {
        self.got == self.truth
    }

    fn per_s(&self) -> u64 {
        per_second(self.got.settlements, self.took.wall)
    }

    fn value(&self) -> Value {
        json!({
            "name": self.name,
            "settlements": self.got.settlements,
            "settlements_per_s": self.per_s(),
            "wall_s": seconds(self.took.wall),
            "peak_rss_mib": self.took.peak_kib / 1024,
            "rpc_calls": self.rpc_calls,
        })
    }

    fn detail(&self) -> Value {
        json!({
            "run": self.value(),
            "version": self.version,
            "right": self.is_right(),
            "cpu_s": seconds(Duration::from_millis(self.took.cpu_ticks * 10)),
            "rss_mib_by_quarter": self.took.quarters_kib.iter().map(|kib| kib / 1024).collect::<Vec<_>>(),
            "calls_per_1000_settlements": self.rpc_calls * 1_000 / self.got.settlements.max(1),
        })
    }
}

/// Of each indexer the run that counts: the one in the middle.
fn middle(ran: &[Ran]) -> Vec<&Ran> {
    let mut found: Vec<&Ran> = Vec::new();
    for one in ran {
        if found.iter().all(|found| found.name != one.name) {
            let mut rounds: Vec<&Ran> = ran.iter().filter(|other| other.name == one.name).collect();
            rounds.sort_by_key(|ran| ran.took.wall);
            found.extend(rounds.get(rounds.len() / 2));
        }
    }
    found
}

/// How many times as fast the first is as the second, round by round, and in the middle of them; in hundredths.
fn times(ran: &[Ran], one: &str, other: &str) -> Option<(u128, Vec<u128>)> {
    let took = |name| ran.iter().filter(move |ran| ran.name == name).map(|ran| ran.took.wall.as_millis());
    let rounds: Vec<u128> = took(one).zip(took(other)).map(|(one, other)| other * 100 / one.max(1)).collect();
    let mut sorted = rounds.clone();
    sorted.sort_unstable();
    Some((*sorted.get(sorted.len() / 2)?, rounds))
}

/// Writes both reports and says what they hold.
pub(crate) fn write(out: &Path, all: &[Ran], limits: &Limits) -> Result<()> {
    let ran = middle(all);
    let rate = |wrote: Option<Wrote>| wrote.map(|wrote| per_second(wrote.rows, wrote.wall));
    let (copy, insert) = (rate(limits.copied), rate(limits.inserted));
    let report = json!({
        "runs": ran.iter().map(|ran| ran.value()).collect::<Vec<_>>(),
        "copy_rows_per_s": copy,
        "sqlite_rows_per_s": insert,
        "peer_reported": peer_reported(all),
    });
    save(&out.join("indexer.json"), &report)?;
    let guarantees: serde_json::Map<_, _> =
        GUARANTEES.iter().map(|(name, what)| ((*name).to_owned(), json!(what))).collect();
    let detail = json!({
        "report": report,
        "runs": all.iter().map(Ran::detail).collect::<Vec<_>>(),
        "guarantees": guarantees,
    });
    save(&out.join("indexer-detail.json"), &detail)?;

    for ran in &ran {
        let (wrong, quarters) = (if ran.is_right() { "" } else { "  WRONG" }, &ran.took.quarters_kib);
        println!(
            "{:<16} {:>8} settlements in {:>7} s  {:>7}/s  {:>6} calls  {:>4} MiB at most{wrong}",
            ran.name,
            ran.got.settlements,
            seconds(ran.took.wall).to_string(),
            ran.per_s(),
            ran.rpc_calls,
            ran.took.peak_kib / 1024,
        );
        let held: Vec<String> = quarters.iter().map(|kib| (kib / 1024).to_string()).collect();
        println!(
            "{:<16} {} s of processor time; MiB by quarter: {}",
            "",
            seconds(Duration::from_millis(ran.took.cpu_ticks * 10)),
            held.join(", ")
        );
        if !ran.is_right() {
            println!("  expected {:?}, got {:?}", ran.truth, ran.got);
        }
    }
    let took = |name| ran.iter().find(|ran| ran.name == name).map(|ran| ran.took.wall.as_millis());
    if let (Some(alone), Some(divided)) = (took("bursar-alone"), took("bursar-divided")) {
        println!("divided among three: in {} % of the time", divided * 100 / alone.max(1));
    }
    for name in ["bursar-postgres", "bursar-sqlite"] {
        if let Some((middle, rounds)) = times(all, name, "rindexer") {
            let shown = |times: &u128| format!("{}.{:02}", times / 100, times % 100);
            let rounds: Vec<String> = rounds.iter().map(shown).collect();
            println!("{name}: {} times rindexer (of rounds: {})", shown(&middle), rounds.join(", "));
        }
    }
    for (what, rate) in [("a bare COPY", copy), ("bare inserts into SQLite", insert)] {
        if let Some(rate) = rate {
            println!("{what}: {rate} rows per second");
        }
    }
    for reported in peer_reported(all).as_array().into_iter().flatten() {
        println!("as reported elsewhere, and not run here: {reported}");
    }
    for (name, what) in GUARANTEES {
        println!("{name}: {what}");
    }
    Ok(())
}
