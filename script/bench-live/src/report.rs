//! The figures on paper.

use std::{path::Path, time::Duration};

use anyhow::Result;
use bursar_bench::figures::{millis, per_second, save, seconds};
use serde_json::{Value, json};

/// What is asked for, at the 99th percentile.
const WANTED: Duration = Duration::from_millis(100);

/// A block, from its arrival until the API told of it.
pub(crate) struct Sample {
    pub(crate) settlements: u64,
    pub(crate) after: Duration,
    /// Whether the next block was there first.
    pub(crate) behind: bool,
}

/// What came of a store.
pub(crate) struct Ran {
    pub(crate) name: &'static str,
    pub(crate) samples: Vec<Sample>,
    pub(crate) settlements: u64,
    pub(crate) wall: Duration,
    pub(crate) peak_kib: u64,
    pub(crate) rpc_calls: u64,
}

impl Ran {
    /// What so many of a thousand settlements are read within: every settlement of a block counts.
    fn within(&self, per_mille: u64) -> Duration {
        let mut samples: Vec<_> = self.samples.iter().map(|one| (one.after, one.settlements)).collect();
        samples.sort_unstable();
        let due = (self.settlements * per_mille).div_ceil(1_000);
        let mut seen = 0;
        let found = samples.iter().find(|(_, settlements)| {
            seen += settlements;
            seen >= due
        });
        found.or(samples.last()).map(|(after, _)| *after).unwrap_or_default()
    }

    fn behind(&self) -> usize {
        self.samples.iter().filter(|sample| sample.behind).count()
    }

    fn value(&self) -> Value {
        json!({
            "name": self.name,
            "blocks": self.samples.len(),
            "settlements": self.settlements,
            "settlements_per_s": per_second(self.settlements, self.wall),
            "wall_s": seconds(self.wall),
            "p50_ms": millis(self.within(500)),
            "p99_ms": millis(self.within(990)),
            "max_ms": millis(self.within(1_000)),
            "blocks_behind": self.behind(),
            "peak_rss_mib": self.peak_kib / 1024,
            "rpc_calls": self.rpc_calls,
        })
    }
}

/// Writes `live.json`, prints the lines, and says whether it is what is asked for.
pub(crate) fn write(out: &Path, rate: u64, ran: &[Ran]) -> Result<bool> {
    let path = out.join("live.json");
    let runs: Vec<Value> = ran.iter().map(Ran::value).collect();
    save(&path, &json!({ "settlements_per_s_asked": rate, "runs": runs }))?;
    let mut good = true;
    for one in ran {
        let [half, most, all] = [500, 990, 1_000].map(|share| one.within(share).as_millis());
        println!(
            "{:<16} {:>7} settlements, {}/s: p50 {half} ms, p99 {most} ms, max {all} ms, {} blocks late, {} MiB at most, \
             {} calls for {} blocks",
            one.name,
            one.settlements,
            per_second(one.settlements, one.wall),
            one.behind(),
            one.peak_kib / 1024,
            one.rpc_calls,
            one.samples.len(),
        );
        good &=
            one.within(990) <= WANTED && one.behind() == 0 && per_second(one.settlements, one.wall) >= rate;
    }
    println!("written to {}", path.display());
    Ok(good)
}
