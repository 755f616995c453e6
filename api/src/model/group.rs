//! Groups, as clients read them.

use bursar_indexer::query::{groups, headroom};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{model::envelope::Headroom, wire::Addr};

/// A budget that several envelopes draw against, beside their own: a team, a task, the whole fleet.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Group {
    /// The treasury.
    pub treasury: Addr,
    /// Counts the treasury's groups from 1.
    pub number: u32,
    /// The group above; null at the top. Sessions count in all groups above their envelope's.
    pub parent: Option<u32>,
    /// The token.
    pub asset: Addr,
    /// Whether it is frozen itself, and with it all that is in or below it.
    pub frozen: bool,
    /// How often it was released; what was signed before the last release is void.
    pub epoch: u32,
    /// How many envelopes are right in it.
    pub envelopes: u64,
    /// What each limit has left, shortest window first, the lifetime last.
    pub headroom: Vec<Headroom>,
    /// The block that created it.
    pub created_block: u64,
}

impl Group {
    /// A group with its limits as they stand.
    pub fn new(row: &groups::Group, headroom: Vec<headroom::Headroom>) -> Self {
        Self {
            treasury: row.treasury.into(),
            number: row.number,
            parent: (row.parent != 0).then_some(row.parent),
            asset: row.asset.into(),
            frozen: row.frozen,
            epoch: row.epoch,
            envelopes: row.envelopes,
            headroom: headroom.into_iter().map(Headroom::from).collect(),
            created_block: row.created_block,
        }
    }
}
