//! Which logs a question admits.

use std::hash::Hash;

use alloy::{
    eips::BlockNumberOrTag,
    primitives::{Address, B256, Bloom, BloomInput, map::HashSet},
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

/// Beyond so many, to work out what is in a block takes no longer than to look for all of them in its bloom.
const LOOKED_FOR: usize = 16;

/// What a log may have in one place; an empty set admits anything.
#[derive(Debug, Default)]
struct Wanted<T> {
    set: HashSet<T>,
    /// Of each of them; none where there are too many.
    blooms: Vec<Bloom>,
}

impl<T: Hash + Eq + AsRef<[u8]>> From<Option<OneOrMany<T>>> for Wanted<T> {
    fn from(of: Option<OneOrMany<T>>) -> Self {
        let set: HashSet<T> = match of {
            None => HashSet::default(),
            Some(OneOrMany::One(one)) => HashSet::from_iter([one]),
            Some(OneOrMany::Many(many)) => many.into_iter().collect(),
        };
        let blooms =
            |some: &HashSet<T>| some.iter().map(|one| BloomInput::Raw(one.as_ref()).into()).collect();
        Self { blooms: if set.len() > LOOKED_FOR { Vec::new() } else { blooms(&set) }, set }
    }
}

impl<T: Hash + Eq> Wanted<T> {
    fn admits(&self, got: &T) -> bool {
        self.set.is_empty() || self.set.contains(got)
    }

    fn may_be_in(&self, block: &Bloom) -> bool {
        self.blooms.is_empty() || self.blooms.iter().any(|bloom| block.contains(bloom))
    }
}

fn addresses<'de, D: Deserializer<'de>>(from: D) -> Result<Wanted<Address>, D::Error> {
    Ok(Option::deserialize(from)?.into())
}

fn topics<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<Wanted<B256>>, D::Error> {
    let positions: Option<Vec<Option<OneOrMany<B256>>>> = Option::deserialize(from)?;
    Ok(positions.unwrap_or_default().into_iter().map(Wanted::from).collect())
}

/// A question for logs.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct LogFilter {
    pub(crate) block_hash: Option<B256>,
    pub(crate) from_block: Option<BlockNumberOrTag>,
    pub(crate) to_block: Option<BlockNumberOrTag>,
    #[serde(default, deserialize_with = "addresses")]
    address: Wanted<Address>,
    #[serde(default, deserialize_with = "topics")]
    topics: Vec<Wanted<B256>>,
}

impl LogFilter {
    pub(crate) fn admits(&self, log: &Entry) -> bool {
        let has = log.data.topics();
        self.address.admits(&log.address)
            && self.topics.iter().enumerate().all(|(place, wanted)| match has.get(place) {
                Some(topic) => wanted.admits(topic),
                // A position that may be anything still has to be there.
                None => false,
            })
    }

    /// Whether a block of that bloom may have such a log: where it has none for sure, nobody has to look, as in real nodes.
    pub(crate) fn may_be_in(&self, block: &Bloom) -> bool {
        self.address.may_be_in(block) && self.topics.iter().all(|wanted| wanted.may_be_in(block))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Chain, Params};

    #[test]
    fn no_block_is_passed_over_that_has_what_is_asked_for() -> anyhow::Result<()> {
        let chain = Chain::new(Params::small());
        let (mut passed_over, mut admitted) = (0, 0);
        for number in 0..=chain.head() {
            let Some(block) = chain.block(number) else { continue };
            let logs = chain.logs(block, &chain.body(block));
            for log in &logs {
                let topics: Vec<_> =
                    log.data.topics().iter().map(|topic| serde_json::json!([topic])).collect();
                let asked = serde_json::json!({ "address": log.address, "topics": topics });
                let filter: LogFilter = serde_json::from_value(asked)?;
                assert!(filter.admits(log) && filter.may_be_in(&block.bloom), "block {number}");
                admitted += 1;
            }
            let other = serde_json::json!({ "address": [Address::repeat_byte(7)] });
            let filter: LogFilter = serde_json::from_value(other)?;
            assert!(!logs.iter().any(|log| filter.admits(log)));
            passed_over += u64::from(!filter.may_be_in(&block.bloom));
        }
        assert!(admitted > 100 && passed_over > chain.head() / 2, "{admitted}, {passed_over}");
        Ok(())
    }
}
