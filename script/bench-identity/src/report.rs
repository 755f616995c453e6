//! The figures on paper: one document that others read, one with everything, and lines for a person.

use std::path::Path;

use anyhow::{Context as _, Result};
use hdrhistogram::Histogram;
use serde_json::{Map, Value, json};

use crate::figures::{Figures, Kind, Times};

/// Most for one verification at the 99th percentile, in nanoseconds, cold and with prefixes cached.
const TARGETS: (u64, u64) = (200_000, 20_000);

/// Writes both reports; whether every spoof was refused for its reason and nothing good was.
pub(crate) fn write(out: &Path, figures: &Figures, compared: Option<&Figures>) -> Result<bool> {
    std::fs::create_dir_all(out).with_context(|| format!("creating {}", out.display()))?;
    let (spoofs, refused) = figures.spoofs();
    let per_s = u128::from(figures.good + spoofs) * 1_000_000_000 / figures.verifying.as_nanos().max(1);
    let report = json!({
        "verifications": figures.good + spoofs,
        "spoofs": spoofs,
        "spoofs_refused": refused,
        "good": figures.good,
        "good_refused": figures.good_refused,
        "p99_cold_us": us(figures.of(Kind::Cold).all.wall.value_at_quantile(0.99)),
        "p99_warm_us": us(figures.of(Kind::Warm).all.wall.value_at_quantile(0.99)),
        "per_s": u64::try_from(per_s)?,
    });
    save(&out.join("identity.json"), &report)?;
    let all: Vec<Value> = [Some(figures), compared].into_iter().flatten().map(detail).collect();
    save(&out.join("identity-detail.json"), &json!({ "curves": all, "report": report }))?;

    println!("{} verifications, {spoofs} of them spoofs", figures.good + spoofs);
    println!("  spoofs refused for the right reason  {refused} of {spoofs}");
    println!("  good ones refused                    {} of {}", figures.good_refused, figures.good);
    for figures in [Some(figures), compared].into_iter().flatten() {
        println!("  {}", figures.curve);
        line("cold", &figures.of(Kind::Cold).all, Some(TARGETS.0));
        line("warm", &figures.of(Kind::Warm).all, Some(TARGETS.1));
        for kind in [Kind::Cold, Kind::ColdProven] {
            for (links, times) in (1..).zip(&figures.of(kind).by_links) {
                line(&format!("{}, {links} links", kind.name().replace('_', " ")), times, None);
            }
        }
        line("warm, payment's signature checked too", &figures.checked, None);
    }
    println!("  {per_s} verifications per second on one core");
    for (spoof, tally) in &figures.by_spoof {
        if let Some(wrong) = &tally.wrong {
            println!("  WRONG: {spoof:?} was expected to be refused as {}, got {wrong}", spoof.reason());
        }
    }
    Ok(spoofs == refused && figures.good_refused == 0)
}

fn line(name: &str, times: &Times, target: Option<u64>) {
    let (p50, p99) = (times.wall.value_at_quantile(0.5), times.wall.value_at_quantile(0.99));
    let cpu = times.cpu.value_at_quantile(0.99);
    let verdict = match target {
        Some(target) if p99 <= target => format!("  within {} us", us(target)),
        Some(target) => format!("  ABOVE {} us", us(target)),
        None => String::new(),
    };
    let [p50, p99, cpu] = [p50, p99, cpu].map(|nanos| us(nanos).to_string());
    println!("    {name:<37} p50 {p50:>8} us  p99 {p99:>8} us  p99 on its core {cpu:>8} us{verdict}");
}

fn detail(figures: &Figures) -> Value {
    let spoofs: Map<String, Value> = figures
        .by_spoof
        .iter()
        .map(|(spoof, tally)| {
            let value = json!({
                "reason": spoof.reason().code(), "shown": tally.shown, "refused": tally.refused,
            });
            (format!("{spoof:?}"), value)
        })
        .collect();
    let mut document = json!({
        "curve": figures.curve,
        "warm_with_payment_signature": quantiles(&figures.checked),
        "wall_ms": u64::try_from(figures.wall.as_millis()).unwrap_or(u64::MAX),
        "spoofs": spoofs,
    });
    for kind in Kind::ALL {
        let times = figures.of(kind);
        let by_links: Vec<Value> = times.by_links.iter().map(quantiles).collect();
        document[kind.name()] = json!({ "all": quantiles(&times.all), "by_links": by_links });
    }
    document
}

/// Wall-clock times, and the time on the core, which leaves out waiting for one.
fn quantiles(times: &Times) -> Value {
    let of = |times: &Histogram<u64>| {
        let at = |quantile: f64| us(times.value_at_quantile(quantile));
        json!({ "p50_us": at(0.5), "p99_us": at(0.99), "p999_us": at(0.999) })
    };
    json!({ "count": times.wall.len(), "wall": of(&times.wall), "cpu": of(&times.cpu) })
}

/// Nanoseconds as a number of microseconds, without arithmetic that rounds.
fn us(nanos: u64) -> Value {
    format!("{}.{:03}", nanos / 1_000, nanos % 1_000).parse::<f64>().map_or(Value::Null, Value::from)
}

fn save(path: &Path, value: &Value) -> Result<()> {
    let text = serde_json::to_string_pretty(value)? + "\n";
    std::fs::write(path, text).with_context(|| format!("writing {}", path.display()))
}
