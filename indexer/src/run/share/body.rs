//! What came of a range, as bytes. They are written by one indexer and read by another, through a database that others may
//! write to: nothing in them is believed that is not held against the question or follows from the logs.

use std::collections::HashMap;

use alloy::primitives::{Address, B256, Bytes, Keccak256, map::AddressSet};

use super::wire::{Block, Body, Header, Log, Question, Transaction};
use crate::{
    decode::{decode_log, pair_settlements},
    ledger::{BlockFacts, WatchList},
    run::{
        assemble::{Entries, to_read},
        fetch::{Fetched, discover},
    },
    source::{BlockHeader, RawLog, TransactionInput},
    store::{BlockRange, Watch},
};

/// What the digest begins with: one that another version of this format has made is another.
const FORMAT: &[u8] = b"bursar backfill range 1";

/// The most that a database keeps as a number.
const MOST: u64 = i64::MAX.unsigned_abs();

/// The most topics that a log has.
const MOST_TOPICS: usize = 4;

/// Why bytes are no answer to a question.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum BodyError {
    /// Cut short, changed, or written by another version.
    #[error("expected a body that begins with its digest, {expected}, got {got}")]
    Digest { expected: B256, got: B256 },
    #[error("expected a digest and what it is of, got {got} bytes")]
    TooShort { got: usize },
    #[error("a body that does not read: {0}")]
    Unreadable(#[from] postcard::Error),
    #[error("expected nothing behind a body, got {got} bytes")]
    LeftOver { got: usize },
    #[error("expected the answer to {expected:?}, got the one to {got:?}")]
    OtherQuestion { expected: Box<Question>, got: Box<Question> },
    /// A range is asked for with its last block.
    #[error("expected block {expected} as the last one, got {got:?}")]
    Tip { expected: u64, got: Option<u64> },
    #[error("expected blocks from {from} to {to}, each after the one before, got {got}")]
    Block { from: u64, to: u64, got: u64 },
    /// One block, told in two ways.
    #[error("expected block {number} to be {expected}, got {got}")]
    OtherBlock { number: u64, expected: B256, got: B256 },
    #[error("expected block {number} with logs, each after the one before, got {got:?}")]
    Log { number: u64, got: Option<u64> },
    #[error("expected at most 4 topics, got {got}")]
    Topics { got: usize },
    #[error(
        "expected of block {number} the transactions that its logs ask for, {expected} of them, got {got}"
    )]
    Transactions { number: u64, expected: usize, got: usize },
    #[error("expected a number of at most 63 bits as {what}, got {got}")]
    TooLarge { what: &'static str, got: u64 },
}

/// What came of a range that was asked for `whom`, as bytes.
pub(super) fn write(question: Question, whom: &Watch, fetched: &Fetched) -> Result<Bytes, BodyError> {
    let tip = fetched.tip.ok_or(BodyError::Tip { expected: question.to, got: None })?;
    let sorted = |of: &AddressSet| {
        let mut all: Vec<Address> = of.iter().copied().collect();
        all.sort_unstable();
        all
    };
    let body = Body {
        question,
        whom: [sorted(&whom.treasuries), sorted(&whom.assets), sorted(&whom.purses)],
        tip: tip.into(),
        logs: fetched.logs,
        blocks: fetched.facts.iter().map(Block::from).collect(),
    };
    Ok(sealed(&postcard::to_allocvec(&body)?))
}

/// With the digest in front.
fn sealed(written: &[u8]) -> Bytes {
    [digest(written).as_slice(), written].concat().into()
}

fn digest(written: &[u8]) -> B256 {
    let mut hasher = Keccak256::new();
    hasher.update(FORMAT);
    hasher.update(written);
    hasher.finalize()
}

/// What these bytes say came of a range, and whom it was asked for.
pub(super) fn read(
    bytes: &[u8],
    question: Question,
    list: &WatchList,
) -> Result<(Watch, Fetched), BodyError> {
    let (claimed, written) =
        bytes.split_first_chunk::<32>().ok_or(BodyError::TooShort { got: bytes.len() })?;
    let (expected, got) = (digest(written), B256::from(*claimed));
    if expected != got {
        return Err(BodyError::Digest { expected, got });
    }
    let (body, rest) = postcard::take_from_bytes::<Body>(written)?;
    if !rest.is_empty() {
        return Err(BodyError::LeftOver { got: rest.len() });
    }
    body.checked(question, list)
}

impl Body {
    fn checked(self, question: Question, list: &WatchList) -> Result<(Watch, Fetched), BodyError> {
        if self.question != question {
            let (expected, got) = (Box::new(question), Box::new(self.question));
            return Err(BodyError::OtherQuestion { expected, got });
        }
        let tip = self.tip.checked()?;
        if tip.number != question.to {
            return Err(BodyError::Tip { expected: question.to, got: Some(tip.number) });
        }
        let [treasuries, assets, purses] = self.whom.map(|some| some.into_iter().collect());
        let whom = Watch { treasuries, assets, purses };
        let BlockRange { from, to } = question.range();
        let mut after = None;
        let mut blocks = Vec::with_capacity(self.blocks.len());
        for block in self.blocks {
            let header = block.header.checked()?;
            let got = header.number;
            if !(from..=to).contains(&got) || after.is_some_and(|after| got <= after) {
                return Err(BodyError::Block { from, to, got });
            }
            if got == tip.number && header.hash != tip.hash {
                return Err(BodyError::OtherBlock { number: got, expected: tip.hash, got: header.hash });
            }
            after = Some(got);
            blocks.push((header, raw(header, block.logs)?, block.transactions));
        }
        let logs: Vec<&RawLog> = blocks.iter().flat_map(|(_, logs, _)| logs).collect();
        // All of it, whomever it was asked for: of what the other one knew, this one may have forgotten some since.
        let found = discover(question.factory, logs);
        let mut all = whom.clone();
        all.add(&found);
        let facts = blocks.into_iter().map(|(header, logs, transactions)| {
            facts(question.factory, list, &all, header, logs, transactions)
        });
        let facts = facts.collect::<Result<_, _>>()?;
        Ok((whom, Fetched { facts, tip: Some(tip), found, logs: self.logs }))
    }
}

/// The logs of a block, in their order.
fn raw(header: BlockHeader, logs: Vec<Log>) -> Result<Vec<RawLog>, BodyError> {
    let number = header.number;
    if logs.is_empty() {
        return Err(BodyError::Log { number, got: None });
    }
    let mut after = None;
    let raw = logs.into_iter().map(|log| {
        let index = bounded("the place of a log", log.index)?;
        if after.is_some_and(|after| index <= after) {
            return Err(BodyError::Log { number, got: Some(index) });
        }
        after = Some(index);
        if log.topics.len() > MOST_TOPICS {
            return Err(BodyError::Topics { got: log.topics.len() });
        }
        Ok(RawLog {
            address: log.address,
            topics: log.topics,
            data: log.data,
            block_number: number,
            block_hash: header.hash,
            block_timestamp: log.timestamp,
            tx_hash: log.tx_hash,
            log_index: index,
        })
    });
    raw.collect()
}

/// A block as it is fetched, with exactly the transactions that are read for such logs.
fn facts(
    factory: Address,
    list: &WatchList,
    watch: &Watch,
    header: BlockHeader,
    logs: Vec<RawLog>,
    transactions: Vec<Transaction>,
) -> Result<BlockFacts, BodyError> {
    let is_token = |address| watch.assets.contains(&address) || list.has_token(address);
    let entries: Entries = logs
        .into_iter()
        .map(|log| {
            let decoded = decode_log(&log, factory, is_token);
            (log, decoded)
        })
        .collect();
    let wanted = to_read(list, watch, header.number, &entries, &pair_settlements(&entries));
    let got = transactions.len();
    let transactions: HashMap<B256, TransactionInput> = transactions
        .into_iter()
        .map(|it| (it.hash, TransactionInput { from: it.from, input: it.input }))
        .collect();
    let has_all = wanted.iter().all(|hash| transactions.contains_key(hash));
    if got != wanted.len() || !has_all {
        let (number, expected) = (header.number, wanted.len());
        return Err(BodyError::Transactions { number, expected, got });
    }
    Ok(BlockFacts { header, entries, transactions })
}

fn bounded(what: &'static str, got: u64) -> Result<u64, BodyError> {
    if got <= MOST { Ok(got) } else { Err(BodyError::TooLarge { what, got }) }
}

impl Header {
    fn checked(self) -> Result<BlockHeader, BodyError> {
        Ok(BlockHeader {
            number: bounded("the height of a block", self.number)?,
            hash: self.hash,
            parent_hash: self.parent_hash,
            timestamp: bounded("the time of a block", self.timestamp)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use alloy::{
        primitives::{LogData, U256},
        sol_types::SolEvent,
    };
    use bursar_sdk::abi::{
        Eip3009::{AuthorizationUsed, Transfer},
        TreasuryFactory::TreasuryCreated,
    };
    use proptest::prelude::*;

    use super::*;

    const FACTORY: Address = Address::repeat_byte(1);
    const TOKEN: Address = Address::repeat_byte(2);
    const PURSE: Address = Address::repeat_byte(3);
    const TREASURY: Address = Address::repeat_byte(4);

    fn question() -> Question {
        Question { chain_id: 8453, factory: FACTORY, from: 10, to: 20, revision: 3 }
    }

    fn header(number: u64) -> BlockHeader {
        let hash = B256::with_last_byte(number.to_le_bytes()[0]);
        BlockHeader { number, hash, parent_hash: None, timestamp: number * 2 }
    }

    fn block(number: u64, logs: &[(Address, LogData)], transactions: &[B256]) -> BlockFacts {
        let header = header(number);
        let entries = (3..).zip(logs).map(|(log_index, (address, data))| {
            let log = RawLog {
                address: *address,
                topics: data.topics().to_vec(),
                data: data.data.clone(),
                block_number: number,
                block_hash: header.hash,
                block_timestamp: Some(header.timestamp),
                tx_hash: header.hash,
                log_index,
            };
            let decoded = decode_log(&log, FACTORY, |address| address == TOKEN);
            (log, decoded)
        });
        let input = TransactionInput { from: Address::repeat_byte(9), input: vec![1, 2, 3].into() };
        let transactions = transactions.iter().map(|hash| (*hash, input.clone())).collect();
        BlockFacts { header, entries: entries.collect(), transactions }
    }

    /// A purse pays in block 12, and the range's last block creates a treasury.
    fn answer() -> (Watch, Fetched) {
        let nonce = B256::repeat_byte(7);
        let used = AuthorizationUsed { authorizer: PURSE, nonce }.encode_log_data();
        let moved = Transfer { from: PURSE, to: TREASURY, value: U256::from(5) }.encode_log_data();
        let created = TreasuryCreated { treasury: TREASURY, owner: PURSE, salt: nonce }.encode_log_data();
        let facts = vec![
            block(12, &[(TOKEN, used), (TOKEN, moved)], &[header(12).hash]),
            block(20, &[(FACTORY, created)], &[]),
        ];
        let mut whom = Watch::default();
        whom.assets.insert(TOKEN);
        whom.purses.insert(PURSE);
        let mut found = Watch::default();
        found.treasuries.insert(TREASURY);
        (whom, Fetched { facts, tip: Some(header(20)), found, logs: 4 })
    }

    fn written() -> Bytes {
        let (whom, fetched) = answer();
        write(question(), &whom, &fetched).expect("an answer is written")
    }

    fn list() -> WatchList {
        WatchList::new(3, [])
    }

    /// What is read where somebody has changed what was written, and its digest with it.
    fn lied(lie: impl FnOnce(&mut Body)) -> Result<(Watch, Fetched), BodyError> {
        let bytes = written();
        let mut body: Body = postcard::from_bytes(&bytes[32..]).expect("a body");
        lie(&mut body);
        read(&sealed(&postcard::to_allocvec(&body).expect("a body")), question(), &list())
    }

    #[test]
    fn an_answer_reads_as_it_was_written() {
        let (watch, fetched) = read(&written(), question(), &list()).expect("an answer");
        let (whom, expected) = answer();
        assert_eq!(watch, whom);
        assert_eq!(format!("{:?}", fetched.facts), format!("{:?}", expected.facts));
        assert_eq!((fetched.tip, fetched.logs), (expected.tip, expected.logs));
        assert_eq!(fetched.found, expected.found);
    }

    /// The other one may know of it from a ledger that was forgotten since.
    #[test]
    fn what_is_created_in_a_range_is_found_whomever_it_was_asked_for() {
        let (mut whom, fetched) = answer();
        whom.treasuries.insert(TREASURY);
        let bytes = write(question(), &whom, &fetched).expect("an answer is written");
        let (_, read) = read(&bytes, question(), &list()).expect("an answer");
        assert_eq!(read.found, fetched.found);
    }

    #[test]
    fn the_answer_to_another_question_is_refused() {
        let asked = question();
        let bytes = written();
        for other in [
            Question { chain_id: 1, ..asked },
            Question { factory: TOKEN, ..asked },
            Question { from: 9, ..asked },
            Question { to: 21, ..asked },
            Question { revision: 4, ..asked },
        ] {
            let got = read(&bytes, other, &list()).err();
            let expected = BodyError::OtherQuestion { expected: Box::new(other), got: Box::new(asked) };
            assert_eq!(got, Some(expected));
        }
    }

    #[test]
    fn blocks_are_within_the_range_in_order_and_of_one_chain() {
        let of = |lie: fn(&mut Body)| lied(lie).err();
        let block = |got| Some(BodyError::Block { from: 10, to: 20, got });
        assert_eq!(of(|body| body.blocks[0].header.number = 9), block(9));
        assert_eq!(of(|body| body.blocks[1].header.number = 21), block(21));
        assert_eq!(of(|body| body.blocks.swap(0, 1)), block(12));
        assert_eq!(of(|body| body.blocks[1].header.number = 12), block(12));
        assert_eq!(of(|body| body.tip.number = 19), Some(BodyError::Tip { expected: 20, got: Some(19) }));
        let (number, expected, got) = (20, header(20).hash, B256::ZERO);
        let other = Some(BodyError::OtherBlock { number, expected, got });
        assert_eq!(of(|body| body.blocks[1].header.hash = B256::ZERO), other);
    }

    #[test]
    fn logs_are_in_order_and_transactions_those_of_their_payments() {
        let of = |lie: fn(&mut Body)| lied(lie).err();
        let log = |got| Some(BodyError::Log { number: 12, got });
        assert_eq!(of(|body| body.blocks[0].logs.swap(0, 1)), log(Some(3)));
        assert_eq!(of(|body| body.blocks[0].logs[1].index = 3), log(Some(3)));
        assert_eq!(of(|body| body.blocks[0].logs.clear()), log(None));
        assert_eq!(
            of(|body| body.blocks[0].logs[0].topics = vec![B256::ZERO; 5]),
            Some(BodyError::Topics { got: 5 })
        );
        let few = |expected, got| Some(BodyError::Transactions { number: 12, expected, got });
        assert_eq!(of(|body| body.blocks[0].transactions.clear()), few(1, 0));
        assert_eq!(of(|body| body.blocks[0].transactions[0].hash = B256::ZERO), few(1, 1));
    }

    #[test]
    fn numbers_are_those_that_a_database_keeps() {
        let of = |lie: fn(&mut Body)| lied(lie).err();
        let large = |what| Some(BodyError::TooLarge { what, got: MOST + 1 });
        assert_eq!(of(|body| body.blocks[0].header.timestamp = MOST + 1), large("the time of a block"));
        assert_eq!(of(|body| body.tip.timestamp = MOST + 1), large("the time of a block"));
        assert_eq!(of(|body| body.tip.number = MOST + 1), large("the height of a block"));
        assert_eq!(of(|body| body.blocks[0].logs[1].index = MOST + 1), large("the place of a log"));
        assert_eq!(of(|body| body.blocks[0].logs[1].index = MOST), None);
    }

    #[test]
    fn nothing_stands_behind_it() {
        let bytes = written();
        let longer = sealed(&[&bytes[32..], &[0]].concat());
        assert_eq!(read(&longer, question(), &list()).err(), Some(BodyError::LeftOver { got: 1 }));
        assert_eq!(read(&bytes[..31], question(), &list()).err(), Some(BodyError::TooShort { got: 31 }));
    }

    proptest! {
        #[test]
        fn whatever_is_changed_shows(at in 0usize..10_000, bit in 0u32..8) {
            let mut bytes = written().to_vec();
            let at = at % bytes.len();
            bytes[at] ^= 1 << bit;
            let is_seen = matches!(read(&bytes, question(), &list()), Err(BodyError::Digest { .. }));
            prop_assert!(is_seen);
            prop_assert!(read(&bytes[..at], question(), &list()).is_err());
        }

        #[test]
        fn any_bytes_are_an_answer_or_a_reason_and_never_a_panic(
            bytes in prop::collection::vec(any::<u8>(), 0..400),
            kept in 0usize..600,
        ) {
            // Some of them begin as an answer does.
            let begun = written().slice(32..);
            let mixed = [&begun[..kept.min(begun.len())], bytes.as_slice()].concat();
            for bytes in [sealed(&bytes), sealed(&mixed)] {
                let _ = read(&bytes, question(), &list());
            }
        }
    }
}
