//! An agent with a score, beside those of `seed`.

use bursar_indexer::{Store, db::Query};
use bursar_sdk::{
    amount::Amount,
    score::{Event, Standing, State},
    windows::{Window, index_at},
};

use crate::seed::{NOW, treasury};

const WEEK: u32 = 604_800;

/// Envelope 1 after 30 payments of a tenth of its week's limit together, one every two minutes, each explained and
/// delivered; then a burst of ten without a word of why.
pub(crate) async fn scored(store: &Store) -> anyhow::Result<State> {
    let start = NOW - 7_200;
    let mut state = State::new(start);
    let limit = Amount::new(40_000_000);
    let week = Window { period: WEEK, limit, used: Amount::new(14_000_000), index: index_at(WEEK, start) };
    state.apply(start, &Event::Limits(&[week]));
    keep(store, 900, &state).await?;
    let standing = Standing::Known;
    for n in 0..30 {
        let settled_at = start + n * 120;
        let amount = Amount::new(133_333);
        state.apply(settled_at, &Event::Settled { amount, standing });
        state.apply(settled_at, &Event::Explained { settled_at, standing, latency: Some(2) });
        state.apply(settled_at, &Event::Delivered { settled_at, standing });
    }
    keep(store, 940, &state).await?;
    for n in 0..10 {
        state.apply(NOW - 3_000 + n, &Event::Settled { amount: Amount::new(100_000), standing });
    }
    keep(store, 990, &state).await?;
    Query::new("INSERT INTO score (treasury, envelope, at, value, state) VALUES ($1, 1, $2, $3, $4)")
        .bind(treasury())
        .bind(state.at())
        .bind(state.evaluate(state.at()).value)
        .bind(serde_json::to_string(&state)?)
        .execute(store.db())
        .await?;
    Ok(state)
}

async fn keep(store: &Store, block: u64, state: &State) -> anyhow::Result<()> {
    let evaluation = state.evaluate(state.at());
    Query::new(
        "INSERT INTO score_history (treasury, envelope, block_number, at, value, inputs, review) \
         VALUES ($1, 1, $2, $3, $4, $5, $6)",
    )
    .bind(treasury())
    .bind(block)
    .bind(evaluation.at)
    .bind(evaluation.value)
    .bind(serde_json::to_string(&evaluation.inputs)?)
    .bind(state.review(state.at()).map(|trigger| serde_json::to_string(&trigger)).transpose()?)
    .execute(store.db())
    .await?;
    Ok(())
}
