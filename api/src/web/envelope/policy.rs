//! An envelope's policy as a decision tree, as the ledger knows it.

use bursar_indexer::query::{envelopes::Envelope, policies};
use bursar_sdk::{
    tree::{GroupSetting, Setting, Tree, Unit},
    windows::Limit,
};

use super::Above;
use crate::{AppState, error::ApiError};

/// The tree at `now` (unix seconds); `None` where the ledger has no policy of it.
pub(super) async fn tree(
    state: &AppState,
    row: &Envelope,
    above: &[Above],
    now: u64,
) -> Result<Option<Tree>, ApiError> {
    let key = (row.treasury, row.number, row.policy_version);
    let Some(policy) = policies::get(&state.db, key).await? else { return Ok(None) };
    let label = state.config.label(row.asset);
    let unit = label.map(|label| Unit { decimals: label.decimals, symbol: label.symbol.clone() });
    Ok(Some(Tree::of(&setting(row, &policy, above, now), &unit.unwrap_or_default())))
}

fn setting(row: &Envelope, policy: &policies::Policy, above: &[Above], now: u64) -> Setting {
    let scored_at = row.score.map_or(0, |(_, at)| at);
    let groups = above.iter().map(|(group, rooms)| GroupSetting {
        number: group.number,
        frozen: group.frozen,
        limits: rooms.iter().map(|room| Limit { period: room.period, limit: room.limit }).collect(),
    });
    Setting {
        name: policy.document.as_ref().map(|document| document.name.clone()),
        policy: policy.rules.to_chain(policy.policy_hash),
        organisation_frozen: row.organisation_frozen,
        envelope_frozen: row.frozen,
        under_review: row.under_review,
        score_life: row.score_life,
        score_stale: row.score_life != 0 && now >= scored_at.saturating_add(u64::from(row.score_life)),
        permit2: row.permit2,
        groups: groups.collect(),
        ..Setting::default()
    }
}
