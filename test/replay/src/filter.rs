//! Which logs a question admits.

use std::collections::HashSet;

use alloy::{
    eips::BlockNumberOrTag,
    primitives::{Address, B256},
};
use serde::{Deserialize, Deserializer};

use crate::body::Entry;

/// One value, several, or any.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum OneOrMany<T> {
    Many(Vec<T>),
    One(T),
}

fn set<T: std::hash::Hash + Eq>(of: Option<OneOrMany<T>>) -> HashSet<T> {
    match of {
        None => HashSet::new(),
        Some(OneOrMany::One(one)) => HashSet::from([one]),
        Some(OneOrMany::Many(many)) => many.into_iter().collect(),
    }
}

fn addresses<'de, D: Deserializer<'de>>(from: D) -> Result<HashSet<Address>, D::Error> {
    Ok(set(Option::deserialize(from)?))
}

fn topics<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<HashSet<B256>>, D::Error> {
    let positions: Option<Vec<Option<OneOrMany<B256>>>> = Option::deserialize(from)?;
    Ok(positions.unwrap_or_default().into_iter().map(set).collect())
}

/// A question for logs. An empty set admits anything.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct LogFilter {
    pub(crate) block_hash: Option<B256>,
    pub(crate) from_block: Option<BlockNumberOrTag>,
    pub(crate) to_block: Option<BlockNumberOrTag>,
    #[serde(default, deserialize_with = "addresses")]
    address: HashSet<Address>,
    #[serde(default, deserialize_with = "topics")]
    topics: Vec<HashSet<B256>>,
}

impl LogFilter {
    pub(crate) fn admits(&self, log: &Entry) -> bool {
        let has = log.data.topics();
        (self.address.is_empty() || self.address.contains(&log.address))
            && self.topics.iter().enumerate().all(|(place, wanted)| match has.get(place) {
                Some(topic) => wanted.is_empty() || wanted.contains(topic),
                // A position that may be anything still has to be there.
                None => false,
            })
    }
}
