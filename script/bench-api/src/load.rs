//! Requests at a steady rate, whether or not the answers keep up: latency counts from when a request was due.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use anyhow::{Result, ensure};
use bursar_bench::Measured;
use bursar_replay::mix;
use hdrhistogram::Histogram;
use tokio::{task::JoinSet, time::Instant};

/// The longest that is told apart, in microseconds: as long as the API takes at most.
const LONGEST: u64 = 60_000_000;

/// How much is asked.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pace {
    pub(crate) rps: u32,
    pub(crate) lasts: Duration,
}

/// Where a question is asked, and of which kind it is.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) kind: String,
    pub(crate) url: String,
}

/// How long answers took, in microseconds, by kind of question; and what went wrong.
#[derive(Debug, Default)]
pub(crate) struct Times {
    pub(crate) kinds: BTreeMap<String, Histogram<u64>>,
    pub(crate) failures: Vec<String>,
}

impl Times {
    fn add(&mut self, kind: &str, took: Duration, failed: Option<String>) -> Result<()> {
        if !self.kinds.contains_key(kind) {
            self.kinds.insert(kind.to_owned(), empty()?);
        }
        if let Some(times) = self.kinds.get_mut(kind) {
            times.saturating_record(u64::try_from(took.as_micros()).unwrap_or(LONGEST));
        }
        self.failures.extend(failed);
        Ok(())
    }

    /// All of those whose kind passes.
    pub(crate) fn sum(&self, passes: impl Fn(&str) -> bool) -> Result<Histogram<u64>> {
        let mut sum = empty()?;
        for (kind, times) in &self.kinds {
            if passes(kind) {
                sum.add(times)?;
            }
        }
        Ok(sum)
    }
}

fn empty() -> Result<Histogram<u64>> {
    Ok(Histogram::new_with_max(LONGEST, 3)?)
}

/// Asks, in an order that is the same every time, and looks at the process meanwhile.
pub(crate) async fn load(
    client: &reqwest::Client,
    asked: &[Asked],
    pace: Pace,
    api: &mut Measured,
) -> Result<Times> {
    ensure!(!asked.is_empty(), "there is nothing to ask");
    let times = Arc::new(Mutex::new(Times::default()));
    let many = u64::from(pace.rps) * pace.lasts.as_secs();
    let (sent, client) = (Instant::now(), client.clone());
    let asked: Arc<[Asked]> = asked.into();
    let results = Arc::clone(&times);
    let mut sender = tokio::spawn(async move {
        let mut waiting = JoinSet::new();
        for number in 0..many {
            let due = sent + Duration::from_nanos(number * 1_000_000_000 / u64::from(pace.rps));
            tokio::time::sleep_until(due).await;
            let place = usize::try_from(mix(number) % asked.len() as u64).unwrap_or_default();
            let (client, asked, results) = (client.clone(), Arc::clone(&asked), Arc::clone(&results));
            waiting.spawn(async move {
                let Some(Asked { kind, url }) = asked.get(place) else { return Ok(()) };
                let failed = fetch(&client, url).await.err().map(|error| format!("{url}: {error:#}"));
                results.lock().unwrap_or_else(PoisonError::into_inner).add(kind, due.elapsed(), failed)
            });
            while let Some(done) = waiting.try_join_next() {
                done??;
            }
        }
        while let Some(done) = waiting.join_next().await {
            done??;
        }
        anyhow::Ok(())
    });
    loop {
        tokio::select! {
            done = &mut sender => break done??,
            looked = api.look() => looked?,
        }
    }
    Ok(std::mem::take(&mut *times.lock().unwrap_or_else(PoisonError::into_inner)))
}

/// An answer, to its last byte.
pub(crate) async fn fetch(client: &reqwest::Client, url: &str) -> Result<Vec<u8>> {
    let answer = client.get(url).send().await?;
    let status = answer.status();
    let body = answer.bytes().await?;
    ensure!(status.is_success(), "{status}: {}", String::from_utf8_lossy(&body));
    Ok(body.to_vec())
}
