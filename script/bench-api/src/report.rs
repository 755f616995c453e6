//! The figures on paper, and lines for a person.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    time::Duration,
};

use anyhow::Result;
use bursar_bench::figures::{millis, save};
use hdrhistogram::Histogram;
use serde_json::{Value, json};

use crate::{ask::Ran, load::Pace};

/// Most for an answer at the 99th percentile, in microseconds.
const TARGET: u64 = 50_000;
/// Failures that are shown.
const SHOWN: usize = 10;

/// Writes the report and says what it holds; whether every route is within the target, nothing failed, and no plan reads
/// what it must not.
pub(crate) fn write(out: &Path, ran: &[Ran], pace: Pace) -> Result<bool> {
    let (mut stores, mut good, mut worst, mut peak_kib) = (Vec::new(), true, 0, 0);
    for one in ran {
        let all = one.times.sum(|_| true)?;
        worst = worst.max(all.value_at_quantile(0.99));
        peak_kib = peak_kib.max(one.took.peak_kib);
        stores.push(store(one, &all)?);
        good &= say(one, &all)?;
    }
    let payments = ran.iter().map(|one| one.made.payments).min();
    let report = json!({
        "payments": payments,
        "rps": pace.rps,
        "p99_ms": millis(Duration::from_micros(worst)),
        "peak_rss_mib": peak_kib / 1024,
        "seconds": pace.lasts.as_secs(),
        "stores": stores,
    });
    save(&out.join("api.json"), &report)?;
    Ok(good)
}

fn store(ran: &Ran, all: &Histogram<u64>) -> Result<Value> {
    let made = &ran.made;
    let kinds = ran.times.kinds.iter().map(|(kind, times)| (kind.clone(), quantiles(times)));
    let routes = routes(ran)?.into_iter().map(|(route, times)| (route, quantiles(&times)));
    Ok(json!({
        "name": made.name,
        "payments": made.payments,
        "payments_indexed": made.indexed,
        "decisions": made.records.map(|records| records.decisions),
        "refusals": made.records.map(|records| records.refusals),
        "outcomes": made.records.map(|records| records.outcomes),
        "all": quantiles(all),
        "failures": ran.times.failures.len(),
        "peak_rss_mib": ran.took.peak_kib / 1024,
        "rss_mib_by_quarter": ran.took.quarters_kib.iter().map(|kib| kib / 1024).collect::<Vec<_>>(),
        "routes": routes.collect::<BTreeMap<_, _>>(),
        "questions": kinds.collect::<BTreeMap<_, _>>(),
        "plans": ran.plans.iter().map(crate::plan::Plan::value).collect::<Vec<_>>(),
    }))
}

/// How long each route took, whatever was asked of it.
fn routes(ran: &Ran) -> Result<BTreeMap<String, Histogram<u64>>> {
    let route = |kind: &str| kind.split('?').next().unwrap_or_default().to_owned();
    let mut routes = BTreeMap::new();
    for of in ran.times.kinds.keys().map(|kind| route(kind)).collect::<BTreeSet<_>>() {
        let times = ran.times.sum(|kind| route(kind) == of)?;
        routes.insert(of, times);
    }
    Ok(routes)
}

fn quantiles(times: &Histogram<u64>) -> Value {
    let at = |quantile: f64| millis(Duration::from_micros(times.value_at_quantile(quantile)));
    json!({ "count": times.len(), "p50_ms": at(0.5), "p99_ms": at(0.99), "max_ms": at(1.0) })
}

fn say(ran: &Ran, all: &Histogram<u64>) -> Result<bool> {
    let (made, failures) = (&ran.made, &ran.times.failures);
    println!(
        "{}: {} payments; {} answers, {} failed; {} MiB at most",
        made.name,
        made.payments,
        all.len(),
        failures.len(),
        ran.took.peak_kib / 1024
    );
    let mut good = line("all", all) && failures.is_empty();
    for (route, times) in routes(ran)? {
        good &= line(&route, &times);
    }
    for (kind, times) in &ran.times.kinds {
        if times.value_at_quantile(0.99) > TARGET {
            line(&format!("  {kind}"), times);
        }
    }
    failures.iter().take(SHOWN).for_each(|failure| println!("  FAILED {failure}"));
    for plan in ran.plans.iter().filter(|plan| plan.wrong.is_some()) {
        println!("  WRONG PLAN {} in {}", plan.wrong.as_deref().unwrap_or_default(), plan.sql);
        good = false;
    }
    Ok(good)
}

fn line(name: &str, times: &Histogram<u64>) -> bool {
    let [p50, p99, max] =
        [0.5, 0.99, 1.0].map(|quantile| millis(Duration::from_micros(times.value_at_quantile(quantile))));
    let within = times.value_at_quantile(0.99) <= TARGET;
    let verdict = if within { "" } else { "  ABOVE 50 ms" };
    let [p50, p99, max] = [p50, p99, max].map(|value| value.to_string());
    println!("  {name:<60} p50 {p50:>8} ms  p99 {p99:>8} ms  most {max:>8} ms{verdict}");
    within
}
