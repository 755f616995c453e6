//! The peer, unmodified, in its own process: it gets the same histories and says how long it took.

use std::{
    io::{BufWriter, Write as _},
    path::Path,
    process::{Command, Stdio},
};

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;
use serde_json::json;

use crate::{
    agent::{LIMIT, Script},
    fleet::{MONDAY, Week},
};

/// What the peer says.
#[derive(Debug, Deserialize)]
pub(crate) struct Figures {
    pub(crate) agents: Vec<Scored>,
    pub(crate) updates: u64,
    pub(crate) updating_ns: u64,
    pub(crate) scratch_ns: u64,
}

/// One agent, as the peer scores it at the end.
#[derive(Debug, Deserialize)]
pub(crate) struct Scored {
    pub(crate) agent: u64,
    pub(crate) score: u16,
    /// How many of its scores asked for a human.
    pub(crate) asked: u64,
}

/// Scores the first `agents` after every session of theirs.
pub(crate) fn score(directory: &Path, agents: u64, week: Week) -> Result<Figures> {
    let mut peer = Command::new("node")
        .arg(directory.join("score.mjs"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .context("starting node")?;
    let stdin = peer.stdin.take().context("the peer has no input")?;
    let mut lines = BufWriter::new(stdin);
    for agent in 0..agents {
        writeln!(lines, "{}", history(agent, week)).context("the peer stopped reading")?;
    }
    drop(lines);
    let output = peer.wait_with_output().context("waiting for the peer")?;
    ensure!(output.status.success(), "the peer ended with {}", output.status);
    serde_json::from_slice(&output.stdout).context("reading what the peer says")
}

/// Amounts in whole units of USDC, which is what the peer reckons in.
fn history(agent: u64, week: Week) -> serde_json::Value {
    let mut script = Script::new(agent, week);
    let payments = (0..week.all()).map(|_| {
        let session = script.session();
        json!({
            "at": session.at,
            "amount": usdc(session.units),
            "payee": format!("{agent}-{}", session.payee),
            "latency": session.latency,
            "delivered": session.delivered,
        })
    });
    let payments: Vec<_> = payments.collect();
    json!({ "agent": agent, "start": MONDAY, "limit": usdc(LIMIT), "payments": payments })
}

fn usdc(units: u64) -> serde_json::Value {
    let text = format!("{}.{:06}", units / 1_000_000, units % 1_000_000);
    text.parse::<f64>().map_or(serde_json::Value::Null, Into::into)
}
