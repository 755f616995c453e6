//! What is held against what other nodes say, and what counts as the same.

use std::collections::HashMap;

use alloy::primitives::B256;

use super::{Answer, BlockHeader, TransactionInput};

/// What is held against what others say.
pub(super) trait Voice: PartialEq {
    /// Whether both say the same.
    fn agrees(&self, other: &Self) -> bool {
        self == other
    }

    /// Takes in what another one says that agrees.
    fn join(&mut self, _other: &Self) {}
}

impl Voice for bool {}
impl Voice for BlockHeader {}
impl Voice for HashMap<B256, TransactionInput> {}

/// A height that all have come to who name one as high: nobody raises it alone.
#[derive(PartialEq)]
pub(super) struct Lowest(pub(super) u64);

impl Voice for Lowest {
    fn agrees(&self, _: &Self) -> bool {
        true
    }

    fn join(&mut self, other: &Self) {
        self.0 = self.0.min(other.0);
    }
}

impl Voice for Answer {
    fn agrees(&self, other: &Self) -> bool {
        self.tip == other.tip
            && self.logs.len() == other.logs.len()
            && self.logs.iter().zip(&other.logs).all(|(one, other)| one.is_same(other))
    }

    /// Not every node tells the time of a log's block. What only some tell, others have not confirmed: the block is asked
    /// for it.
    fn join(&mut self, other: &Self) {
        for (log, other) in self.logs.iter_mut().zip(&other.logs) {
            log.block_timestamp = log.block_timestamp.filter(|told| other.block_timestamp == Some(*told));
        }
    }
}

#[cfg(test)]
mod tests {
    use alloy::primitives::{Address, Bytes};

    use super::*;
    use crate::source::RawLog;

    fn answer(times: &[Option<u64>]) -> Answer {
        let log = |(log_index, block_timestamp): (u64, &Option<u64>)| RawLog {
            address: Address::ZERO,
            topics: vec![],
            data: Bytes::new(),
            block_number: 1,
            block_hash: B256::ZERO,
            block_timestamp: *block_timestamp,
            tx_hash: B256::ZERO,
            log_index,
        };
        Answer { logs: (0..).zip(times).map(log).collect(), tip: None }
    }

    #[test]
    fn a_time_that_is_missing_fits_any_and_what_is_left_is_what_all_tell() {
        let mut one = answer(&[Some(1), Some(2), None, None]);
        let other = answer(&[Some(1), None, Some(3), None]);
        assert!(one.agrees(&other) && other.agrees(&one));
        one.join(&other);
        assert_eq!(one, answer(&[Some(1), None, None, None]));
        assert!(!answer(&[Some(1)]).agrees(&answer(&[Some(2)])));
        assert!(!answer(&[None]).agrees(&answer(&[None, None])));
    }
}
