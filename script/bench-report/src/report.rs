//! The figures on paper, and lines for a person.

use std::path::Path;

use anyhow::Result;
use bursar_bench::{
    Foreseen, Took,
    figures::{save, seconds},
};
use serde_json::json;

use crate::runs::Written;

/// Most for a million payments and more: seconds, and MiB.
const TARGETS: (u64, u64) = (600, 1_000);

/// What was measured.
#[derive(Debug)]
pub(crate) struct Figures {
    pub(crate) records: Foreseen,
    pub(crate) indexed: Took,
    pub(crate) first: Written,
    pub(crate) second: Written,
    pub(crate) same_bytes: bool,
    pub(crate) verified: Took,
}

/// Writes the report and says what it holds; whether it is within the targets, and the second the same as the first.
pub(crate) fn write(out: &Path, figures: &Figures) -> Result<bool> {
    let Figures { records, indexed, first, second, same_bytes, verified } = figures;
    let report = json!({
        "payments": first.payments,
        "wall_s": seconds(first.took.wall),
        "peak_rss_mib": first.took.peak_kib / 1024,
        "store": "sqlite",
        "decisions": records.decisions,
        "refusals": records.refusals,
        "outcomes": records.outcomes,
        "bytes": first.bytes,
        "again": { "wall_s": seconds(second.took.wall), "peak_rss_mib": second.took.peak_kib / 1024 },
        "same_bytes": same_bytes,
        "verify": { "wall_s": seconds(verified.wall), "peak_rss_mib": verified.peak_kib / 1024 },
        "index": { "wall_s": seconds(indexed.wall), "peak_rss_mib": indexed.peak_kib / 1024 },
    });
    save(&out.join("report.json"), &report)?;
    println!("{} payments, {} decisions, {} outcomes", first.payments, records.decisions, records.outcomes);
    line("indexed", indexed, false);
    let within = line("reported", &first.took, true);
    line("reported again", &second.took, false);
    println!("  {:<16} {}", "same bytes", if *same_bytes { "yes" } else { "NO" });
    line("verified", verified, false);
    Ok(within && *same_bytes)
}

fn line(name: &str, took: &Took, targeted: bool) -> bool {
    let (wall, mib) = (took.wall.as_secs(), took.peak_kib / 1024);
    let within = wall < TARGETS.0 && mib <= TARGETS.1;
    let verdict = match (targeted, within) {
        (false, _) => String::new(),
        (true, true) => format!("  within {} s and {} MiB", TARGETS.0, TARGETS.1),
        (true, false) => format!("  ABOVE {} s or {} MiB", TARGETS.0, TARGETS.1),
    };
    println!("  {name:<16} {:>8} s  {mib:>5} MiB{verdict}", seconds(took.wall).to_string());
    within
}
