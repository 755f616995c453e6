//! The ledger as it was: at a block, or at a time.
//!
//! What the chain told has its block. What others handed in has the time when it came, and counts up to the time of that
//! block, or up to the time that is asked for.

use bursar_indexer::{
    db::Db,
    query::{
        Past,
        blocks::{self, KeptBlock},
    },
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::{
    AsOf,
    error::ApiError,
    extract::{Number, Time},
    wire::Hash,
};

/// A block's number in a query.
pub type Height = Number<0, { i64::MAX as u64 }>;

/// As of when one thing is asked for.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Then {
    /// As of this block: what the chain told up to it, and what had been handed in by its time.
    #[param(inline)]
    as_of: Option<Height>,
    /// As of this time (inclusive, unix seconds).
    #[param(inline)]
    as_of_time: Option<Time>,
}

impl Then {
    pub(crate) fn at(&self) -> Result<Option<At>, ApiError> {
        At::of(self.as_of, self.as_of_time)
    }
}

/// One thing, and as of when it is told.
#[derive(Debug, Serialize, ToSchema)]
pub struct Told<T> {
    /// It.
    #[serde(flatten)]
    pub it: T,
    /// As of when it is, where another time than now was asked for.
    #[serde(skip_serializing_if = "Option::is_none", rename = "asOf")]
    pub as_of: Option<ToldAsOf>,
}

impl<T> Told<T> {
    pub(crate) fn new(it: T, as_of: &AsOf) -> Self {
        Self { it, as_of: as_of.at.map(Into::into) }
    }
}

/// A moment that is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum At {
    /// After all of a block.
    Block(u64),
    /// At a time, in unix seconds (inclusive).
    Time(u64),
}

impl At {
    /// Reads `as_of` and `as_of_time`; `None` where now is asked for.
    pub(crate) fn of(block: Option<Height>, time: Option<Time>) -> Result<Option<Self>, ApiError> {
        match (block, time) {
            (None, None) => Ok(None),
            (Some(block), None) => Ok(Some(Self::Block(block.0))),
            (None, Some(time)) => Ok(Some(Self::Time(time.0))),
            (Some(_), Some(time)) => {
                Err(ApiError::invalid_parameter("as_of_time", "no time beside the block in `as_of`", time.0))
            }
        }
    }
}

/// A moment in the ledger's past.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Point {
    /// The height that was asked for; of a time, the height of [`Self::block`].
    pub height: u64,
    /// The last block up to it that the ledger keeps: one that tells something, or one that is not final yet.
    pub block: KeptBlock,
    /// The time, in unix seconds.
    pub time: u64,
}

impl Point {
    /// The query that asks for the same moment.
    pub(crate) fn query(&self) -> String {
        // By height, records count up to the block's time.
        if self.time == self.block.timestamp {
            format!("as_of={}", self.height)
        } else {
            format!("as_of_time={}", self.time)
        }
    }

    /// The same, as queries take it.
    pub fn past(&self) -> Past {
        Past { height: self.height, records_until: self.time }
    }
}

/// As of when it is told: the last block up to there that the ledger keeps (one that tells something, or that is not final
/// yet), and what had been handed in by then.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ToldAsOf {
    /// The height that was asked for; of a time, the height of the block.
    pub height: u64,
    /// The block.
    pub block_number: u64,
    /// That block's hash.
    pub block_hash: Hash,
    /// That block's time, in unix seconds.
    pub timestamp: u64,
    /// What others handed in counts up to then (inclusive, unix seconds): the block's time, or the time that was asked for.
    pub records_until: u64,
}

impl From<Point> for ToldAsOf {
    fn from(Point { height, block, time }: Point) -> Self {
        Self {
            height,
            block_number: block.number,
            block_hash: block.hash.into(),
            timestamp: block.timestamp,
            records_until: time,
        }
    }
}

/// Where in the ledger, as it stands now, a moment is.
pub(crate) async fn find(db: &Db, now: &AsOf, at: At) -> Result<Point, ApiError> {
    let (name, got) = match at {
        At::Block(height) => ("as_of", height),
        At::Time(time) => ("as_of_time", time),
    };
    let nothing = || ApiError::invalid_parameter(name, "nothing: the ledger holds no block yet", got);
    let last = now.checkpoint.ok_or_else(nothing)?;
    let last = KeptBlock { number: last.number, hash: last.hash, timestamp: last.timestamp };
    let first = blocks::first(db).await?.unwrap_or(last);
    match at {
        At::Block(height) => {
            if !(first.number..=last.number).contains(&height) {
                let expected = format!("a height from {} to {}", first.number, last.number);
                return Err(ApiError::invalid_parameter(name, expected, height));
            }
            let kept = if height == last.number { None } else { blocks::up_to(db, height).await? };
            let block = kept.unwrap_or(last);
            Ok(Point { height, block, time: block.timestamp })
        }
        At::Time(time) => {
            if !(first.timestamp..=now.now).contains(&time) {
                let expected = format!("a time from {} to {}", first.timestamp, now.now);
                return Err(ApiError::invalid_parameter(name, expected, time));
            }
            let block = match time {
                _ if time >= last.timestamp => last,
                _ => blocks::by_time(db, first, last.number, time).await?,
            };
            Ok(Point { height: block.number, block, time })
        }
    }
}
