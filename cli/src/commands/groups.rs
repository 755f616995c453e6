//! `bursar treasury group`: a group, as the chain has it.

use anyhow::{Context as _, Result};
use serde_json::json;

use super::Context;

pub(crate) async fn show(context: &Context, group: u32) -> Result<()> {
    let contract = context.treasury_view().await?;
    let number = alloy::primitives::aliases::U24::try_from(group).context("group number")?;
    let found = contract.group(number).call().await.with_context(|| format!("asking about group {group}"))?;
    let rooms = contract.groupHeadroom(number).call().await?;
    let limits: Vec<_> = rooms
        .iter()
        .map(|room| {
            json!({
                "period": room.period.to_string(),
                "limit": room.limit.to_string(),
                "used": room.used.to_string(),
                "left": room.limit.saturating_sub(room.used).to_string(),
            })
        })
        .collect();
    let mut lines = vec![
        format!("group {group}{}", if found.frozen { "  FROZEN" } else { "" }),
        format!("  above     {}", found.parent),
        format!("  asset     {}", found.asset),
        format!("  released  {} times", found.epoch),
    ];
    for room in &rooms {
        let window = if room.period.is_zero() { "lifetime".into() } else { format!("{} s", room.period) };
        lines.push(format!("  {window:<9} {} used of {}", room.used, room.limit));
    }
    let value = json!({
        "group": group, "parent": found.parent.to_string(), "asset": found.asset, "frozen": found.frozen,
        "epoch": found.epoch.to_string(), "limits": limits,
    });
    context.output.done(&value, &lines)
}
