//! The figures, as `target/reports/alerts.json`.

use std::{collections::BTreeMap, fs, path::Path, time::Duration};

use anyhow::Result;
use serde_json::{Value, json};

/// The most that the 99th percentile may be.
const MOST: Duration = Duration::from_secs(1);

/// One violation that was told.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sample {
    pub(crate) kind: &'static str,
    /// From the block's arrival at the node.
    pub(crate) after: Duration,
    /// Whether it was there before the next block was.
    pub(crate) before_next: bool,
}

/// Writes and prints them; whether they are as promised.
pub(crate) fn write(out: &Path, samples: &[Sample], block_time: Duration) -> Result<bool> {
    let mut kinds: BTreeMap<&str, Vec<Sample>> = BTreeMap::new();
    for sample in samples {
        kinds.entry(sample.kind).or_default().push(*sample);
    }
    let by_kind: BTreeMap<&str, Value> = kinds.iter().map(|(kind, of)| (*kind, figures(of))).collect();
    let mut report = figures(samples);
    report["block_time_ms"] = json!(millis(block_time));
    report["kinds"] = json!(by_kind);
    fs::create_dir_all(out)?;
    let path = out.join("alerts.json");
    fs::write(&path, serde_json::to_string_pretty(&report)? + "\n")?;
    println!("{report:#}");
    println!("written to {}", path.display());
    Ok(percentile(samples, 99) <= MOST && samples.iter().all(|sample| sample.before_next))
}

fn figures(samples: &[Sample]) -> Value {
    let late = samples.iter().filter(|sample| !sample.before_next).count();
    json!({
        "samples": samples.len(),
        "p50_ms": millis(percentile(samples, 50)),
        "p99_ms": millis(percentile(samples, 99)),
        "max_ms": millis(percentile(samples, 100)),
        "after_next_block": late,
    })
}

/// The least of which so many per cent are at most as long.
fn percentile(samples: &[Sample], percent: usize) -> Duration {
    let mut all: Vec<Duration> = samples.iter().map(|sample| sample.after).collect();
    all.sort_unstable();
    let rank = (all.len() * percent).div_ceil(100).saturating_sub(1);
    all.get(rank).copied().unwrap_or_default()
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_samples() {
        let sample = |n: u64| Sample { kind: "review", after: Duration::from_millis(n), before_next: true };
        let samples: Vec<Sample> = (1..=100).rev().map(sample).collect();
        assert_eq!([50, 99, 100].map(|percent| millis(percentile(&samples, percent))), [50, 99, 100]);
        assert_eq!(percentile(&[], 99), Duration::ZERO);
    }
}
