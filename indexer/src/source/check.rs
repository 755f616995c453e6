//! Whether an answer can be true, as far as it tells itself.

use super::{Answer, Blocks, Limit, LogQuery, Nonsense, SourceError};

/// Providers stop at round numbers; some do not say so.
const ROUND: usize = 1_000;

/// Refuses logs that were not asked for or contradict each other; takes repetitions out.
pub(super) fn check(query: &LogQuery, mut answer: Answer) -> Result<Answer, SourceError> {
    if let Some(log) = answer.logs.iter().find(|log| !query.matches(log)) {
        return Err(Nonsense::Unasked { address: log.address, block: log.block_number }.into());
    }
    answer.logs.sort_by_key(|log| (log.block_number, log.log_index));
    answer.logs.dedup_by(|again, log| {
        let is_again = log.is_same(again);
        if is_again {
            log.complete(again);
        }
        is_again
    });
    for pair in answer.logs.windows(2) {
        let [one, next] = pair else { continue };
        if one.block_number != next.block_number {
            continue;
        }
        if one.log_index == next.log_index {
            return Err(Nonsense::Contradicts { block: one.block_number, index: one.log_index }.into());
        }
        if one.block_hash != next.block_hash {
            let (number, expected, got) = (one.block_number, one.block_hash, next.block_hash);
            return Err(Nonsense::OtherChain { number, expected, got }.into());
        }
    }
    let Blocks::Range(from, to) = query.blocks else { return Ok(answer) };
    let tip = answer.tip.ok_or_else(|| SourceError::NotFound(format!("block {to}, whose logs it gives")))?;
    if tip.number != to {
        return Err(Nonsense::OtherBlock { expected: to, got: tip.number }.into());
    }
    if let Some(log) = answer.logs.last().filter(|log| log.block_number == to && log.block_hash != tip.hash) {
        return Err(Nonsense::OtherChain { number: to, expected: tip.hash, got: log.block_hash }.into());
    }
    let count = answer.logs.len();
    if from < to && count >= ROUND && count.is_multiple_of(ROUND) {
        let said = format!("{count} logs exactly, as if it had stopped there");
        return Err(SourceError::TooManyResults(Limit { said, fits: None, most: None }));
    }
    Ok(answer)
}

#[cfg(test)]
mod tests {
    use alloy::primitives::{Address, B256, Bytes};

    use super::*;
    use crate::source::{BlockHeader, RawLog};

    fn log(block: u64, index: u64) -> RawLog {
        RawLog {
            address: Address::repeat_byte(1),
            topics: vec![],
            data: Bytes::new(),
            block_number: block,
            block_hash: B256::from(alloy::primitives::U256::from(block)),
            block_timestamp: None,
            tx_hash: B256::ZERO,
            log_index: index,
        }
    }

    fn query(from: u64, to: u64) -> LogQuery {
        let addresses = vec![Address::repeat_byte(1)];
        LogQuery { blocks: Blocks::Range(from, to), addresses, topics: Default::default() }
    }

    fn answer(to: u64, logs: Vec<RawLog>) -> Answer {
        let hash = B256::from(alloy::primitives::U256::from(to));
        Answer { logs, tip: Some(BlockHeader { number: to, hash, parent_hash: None, timestamp: 0 }) }
    }

    #[test]
    fn brings_logs_in_order_and_takes_repetitions_out() {
        let checked = check(&query(1, 3), answer(3, vec![log(2, 1), log(1, 0), log(2, 1), log(3, 0)]));
        let places: Vec<_> = checked
            .map(|answer| answer.logs.iter().map(|log| (log.block_number, log.log_index)).collect())
            .unwrap_or_default();
        assert_eq!(places, [(1, 0), (2, 1), (3, 0)]);
    }

    #[test]
    fn names_what_is_wrong() {
        let code = |logs: Vec<RawLog>| match check(&query(1, 3), answer(3, logs)) {
            Ok(_) => "fine",
            Err(error) => error.code(),
        };
        assert_eq!(code(vec![log(1, 0), log(3, 9)]), "fine");
        assert_eq!(code(vec![log(0, 0)]), "unasked");
        assert_eq!(code(vec![log(4, 0)]), "unasked");
        let other = RawLog { address: Address::ZERO, ..log(2, 0) };
        assert_eq!(code(vec![other]), "unasked");
        let differs = RawLog { data: Bytes::from_static(&[1]), ..log(2, 0) };
        assert_eq!(code(vec![log(2, 0), differs]), "contradicts");
        let elsewhere = |block| RawLog { block_hash: B256::repeat_byte(9), ..log(block, 1) };
        assert_eq!(code(vec![log(2, 0), elsewhere(2)]), "other_chains_logs");
        assert_eq!(code(vec![elsewhere(3)]), "other_chains_logs", "the last block is known");
    }

    #[test]
    fn a_node_that_has_not_come_that_far_has_not_answered() {
        let lags = Answer { logs: vec![], tip: None };
        assert!(matches!(check(&query(1, 3), lags), Err(SourceError::NotFound(_))));
        let other = check(&query(1, 3), answer(2, vec![]));
        assert_eq!(other, Err(Nonsense::OtherBlock { expected: 3, got: 2 }.into()));
    }

    #[test]
    fn a_round_number_of_logs_is_asked_for_in_parts() {
        let logs = |count: u64| (0..count).map(|index| log(2, index)).collect();
        for (count, believed) in [(999, true), (1_000, false), (1_001, true), (10_000, false)] {
            assert_eq!(check(&query(1, 3), answer(3, logs(count))).is_ok(), believed, "{count}");
        }
        assert!(check(&query(2, 2), answer(2, logs(1_000))).is_ok(), "a block has no parts");
    }
}
