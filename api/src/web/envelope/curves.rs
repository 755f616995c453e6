//! Curves of envelopes: what is read for them, and what they say.

use alloy::primitives::{Address, U256};
use bursar_indexer::query::{envelopes::Envelope, headroom::Headroom, policies, spending};
use bursar_sdk::amount::Amount;

use super::super::{
    curve::{Curve, Known, Size, Span, draw, history, spans},
    text::{money, per_mille, when},
    view::{Chart, Sample},
};
use crate::{AppState, Config, error::ApiError};

/// Payments that are read for an agent's page; and for each envelope of the overview.
const PAYMENTS: u32 = 2_000;
const PAYMENTS_OF_MANY: u32 = 120;
/// Sessions that are added up where payments are too many to read.
const SESSIONS: u32 = 5_000;
/// Policies that are looked back for what a limit was.
const POLICIES: u16 = 32;

/// The curves of one envelope, the longest window first.
pub(in crate::web) async fn of_envelope(
    state: &AppState,
    row: &Envelope,
    rooms: &[Headroom],
    now: u64,
) -> Result<Vec<Chart>, ApiError> {
    let mut spans = spans(rooms, row.funded, now);
    let filter = policies::Filter { treasury: Some(row.treasury), envelope: Some(row.number), past: None };
    let after = row.policy_version.saturating_sub(POLICIES);
    let known =
        policies::list(&state.db, &filter, Some((row.treasury, row.number, after)), u32::from(POLICIES))
            .await?;
    for (span, room) in spans.iter_mut().zip(rooms.iter().rev().filter(|room| room.period != 0)) {
        let limits = history(&known, room.period);
        if limits.last().is_some_and(|(_, limit)| *limit == span.limit()) {
            span.limits = limits;
        }
    }
    drawn(state, row, spans, now, (PAYMENTS, Size::Full)).await
}

/// The curve of one envelope of many: of its longest window.
pub(in crate::web) async fn of_many(
    state: &AppState,
    row: &Envelope,
    rooms: &[Headroom],
    now: u64,
) -> Result<Option<Chart>, ApiError> {
    let spans = spans(rooms, row.funded, now).into_iter().take(1).collect();
    Ok(drawn(state, row, spans, now, (PAYMENTS_OF_MANY, Size::Small)).await?.pop())
}

async fn drawn(
    state: &AppState,
    row: &Envelope,
    spans: Vec<Span>,
    now: u64,
    (most, size): (u32, Size),
) -> Result<Vec<Chart>, ApiError> {
    let (db, key) = (&state.db, (row.treasury, row.number));
    let from = spans.iter().map(|span| span.from).min().unwrap_or(now);
    let newest = spending::since(db, key, from, most).await?;
    let full = newest.len() >= usize::try_from(most).unwrap_or(usize::MAX);
    let mut charts = Vec::with_capacity(spans.len());
    for span in spans {
        let all = !full || newest.last().is_some_and(|oldest| oldest.at < span.from);
        let inside = || newest.iter().filter(|spent| spent.at >= span.from).map(|spent| spent.amount);
        let total = match (span.even, all) {
            // What counts from the beginning.
            (false, _) => Some(row.paid),
            (true, true) => inside().try_fold(Amount::ZERO, |sum, amount| sum.checked_add(amount)),
            (true, false) => spending::of_sessions(db, key, span.from, SESSIONS).await?,
        };
        let Some(total) = total else { continue };
        let curve = Curve::new(span, now, Known { newest: &newest, total, all });
        charts.push(chart(&state.config, row, &curve, size)?);
    }
    Ok(charts)
}

fn chart(config: &Config, row: &Envelope, curve: &Curve, size: Size) -> Result<Chart, ApiError> {
    let span = &curve.span;
    let show = |amount: Amount| money(config, row.asset, amount.to_u256());
    let label = config.label(row.asset);
    let drawing = draw(curve, size, label.map_or(0, |label| label.decimals)).map_err(|error| {
        tracing::error!(%error, "a curve is missing from a page");
        ApiError::internal()
    })?;
    let in_step = span.in_step_at(curve.now);
    let (paid, limit) = (curve.paid(), span.limit());
    let level = match in_step {
        _ if paid >= limit => "full",
        Some(in_step) if paid > in_step => "near",
        None if per_mille(paid.to_u256(), limit.to_u256()) >= 800 => "near",
        _ => "ok",
    };
    let (width, height) = size.pixels();
    Ok(Chart {
        name: span.name.clone(),
        paid: show(paid),
        limit: show(limit),
        in_step: in_step.map(|amount| rough(config, row.asset, amount)),
        level,
        begins: (curve.begins.0 > span.from).then(|| when(curve.begins.0)),
        samples: samples(config, row, curve),
        drawing,
        width,
        height,
    })
}

/// The same numbers at the marks under the picture, and now.
fn samples(config: &Config, row: &Envelope, curve: &Curve) -> Vec<Sample> {
    let span = &curve.span;
    let show = |amount: Amount| money(config, row.asset, amount.to_u256());
    let (_, mut times) = span.marks();
    times.push(curve.now);
    times.sort_unstable();
    times.dedup();
    let sample = |at: u64| Sample {
        at: when(at),
        paid: curve.paid_at(at).map(show),
        in_step: span.in_step_at(at).map(|amount| rough(config, row.asset, amount)),
        limit: show(span.limit_at(at)),
        now: at == curve.now,
    };
    times.into_iter().map(sample).collect()
}

/// Rounded down to hundredths of the token: a share of something has digits that nobody means.
fn rough(config: &Config, asset: Address, amount: Amount) -> String {
    let label = config.label(asset);
    let beyond = label.map_or(0, |label| label.decimals.saturating_sub(2));
    let unit = U256::from(10).checked_pow(U256::from(beyond)).unwrap_or(U256::MAX);
    money(config, asset, amount.to_u256() / unit * unit)
}
