//! Records of decisions and outcomes: what is no record, what breaks their chain, and whose seal counts.

use alloy::{
    primitives::{Address, B256, Bytes, U256, keccak256},
    signers::SignerSync as _,
};
use anyhow::Result;
use bursar_sdk::{
    decision::{ChainError, DecisionRecord, RecordChain, Verdict},
    outcome::OutcomeRecord,
    payment::session_id,
    record::{MAX_BYTES, RecordError, RecordKind, seal_digest, sealed_by},
    testing::signer,
};
use proptest::prelude::*;

use crate::common;

const PURSE: Address = Address::repeat_byte(3);
const CANARY: &str = "canary-rationale";

fn decision(seq: u64, prev_hash: B256) -> DecisionRecord {
    common::decision(seq, prev_hash, CANARY)
}

fn outcome() -> OutcomeRecord {
    OutcomeRecord {
        schema: bursar_sdk::outcome::SCHEMA.into(),
        decision_hash: B256::repeat_byte(1),
        revision: 1,
        prev_hash: B256::ZERO,
        chain_id: 31337,
        treasury: Address::repeat_byte(1),
        envelope: 1,
        agent: Address::repeat_byte(2),
        nonce: B256::repeat_byte(3),
        purse: PURSE,
        settlement: None,
        receipt: None,
        receipt_check: None,
        http_status: Some(200),
        result_hash: Some(B256::repeat_byte(4)),
        result_bytes: Some(5),
        delivered: true,
        task_done: None,
        created_at: 1,
    }
}

/// Every way in which text is no record, whatever kind it is of.
fn bad_input(good: &str, schema: &str, read: impl Fn(&str) -> Option<RecordError>) {
    assert_eq!(read(good), None);
    let malformed = |error: &Option<RecordError>| matches!(error, Some(RecordError::Malformed(_)));
    for text in ["", "{", "null", "[]", "7", "{}", &good[..good.len() - 1], &format!("{good}{{}}")] {
        assert!(malformed(&read(text)), "{text:?}: {:?}", read(text));
    }
    let more = good.replacen('{', r#"{"zzz":1,"#, 1);
    assert!(malformed(&read(&more)), "a field that the schema has not");
    let twice = good.replacen('{', &format!(r#"{{"schema":"{schema}","#), 1);
    assert!(malformed(&read(&twice)), "a field that comes twice");
    let deep = good.replacen('{', &format!(r#"{{"zzz":{}{},"#, "[".repeat(10_000), "]".repeat(10_000)), 1);
    assert!(malformed(&read(&deep)));

    let later = good.replace(schema, &schema.replace("/1", "/2")).replacen('{', r#"{"zzz":1,"#, 1);
    let Some(RecordError::Schema { expected, got }) = read(&later) else { panic!("{:?}", read(&later)) };
    assert_eq!((expected, got), (schema, schema.replace("/1", "/2")));

    for text in [format!(" {good}"), format!("{good}\n"), good.replacen(':', ": ", 1)] {
        assert_eq!(read(&text), Some(RecordError::NotCanonical), "{text:?}");
    }
    let (first, rest) = good.split_once(',').expect("one field");
    let swapped = format!("{{{},{}}}", &rest[..rest.len() - 1], &first[1..]);
    assert_eq!(read(&swapped), Some(RecordError::NotCanonical), "fields in another order");

    let large = " ".repeat(MAX_BYTES + 1);
    assert_eq!(read(&large), Some(RecordError::TooLarge { got: MAX_BYTES + 1 }));
}

#[test]
fn what_is_no_record_is_refused_by_name() -> Result<()> {
    let good = decision(1, B256::ZERO).canonical()?;
    bad_input(&good, bursar_sdk::decision::SCHEMA, |text| DecisionRecord::from_canonical(text).err());
    let good = outcome().canonical()?;
    bad_input(&good, bursar_sdk::outcome::SCHEMA, |text| OutcomeRecord::from_canonical(text).err());
    Ok(())
}

#[test]
fn a_record_is_held_against_the_hash_it_came_with() -> Result<()> {
    let good = decision(1, B256::ZERO).canonical()?;
    let (hash, wrong) = (keccak256(&good), B256::repeat_byte(9));
    DecisionRecord::verified(&good, hash)?;
    let told = DecisionRecord::verified(&good, wrong);
    assert_eq!(told.err(), Some(RecordError::HashMismatch { expected: wrong, got: hash }));
    let good = outcome().canonical()?;
    let hash = keccak256(&good);
    OutcomeRecord::verified(&good, hash)?;
    let told = OutcomeRecord::verified(&good, wrong);
    assert_eq!(told.err(), Some(RecordError::HashMismatch { expected: wrong, got: hash }));
    Ok(())
}

/// An error goes into logs: it names the place, not what stands there.
#[test]
fn errors_do_not_quote_the_record() -> Result<()> {
    let good = decision(1, B256::ZERO).canonical()?;
    for (from, to) in [
        (r#""envelope":1"#, format!(r#""envelope":"{CANARY}""#)),
        (r#""verdict":"approved""#, format!(r#""verdict":"{CANARY}""#)),
        (r#""seq":1"#, format!(r#""seq":1,"{CANARY}":1"#)),
    ] {
        let error = DecisionRecord::from_canonical(&good.replacen(from, &to, 1)).unwrap_err();
        assert!(matches!(error, RecordError::Malformed(_)), "{error:?}");
        assert!(!format!("{error} {error:?}").contains(CANARY), "{error}");
    }
    Ok(())
}

#[test]
fn records_that_contradict_themselves_are_refused() {
    let wrong = |change: fn(&mut DecisionRecord)| {
        let mut record = decision(1, B256::ZERO);
        change(&mut record);
        let read = record.canonical().and_then(|text| DecisionRecord::from_canonical(&text));
        assert!(matches!(read, Err(RecordError::Inconsistent(_))), "{read:?}");
    };
    wrong(|record| record.seq = 0);
    wrong(|record| record.prev_hash = B256::repeat_byte(1));
    wrong(|record| record.seq = 2);
    wrong(|record| record.session = B256::ZERO);
    wrong(|record| record.verdict = Verdict::Denied);
    wrong(|record| record.reason_codes = vec![bursar_sdk::Refusal::AmountZero]);
    wrong(|record| record.purse = Address::ZERO);
    wrong(|record| record.purse = Address::repeat_byte(9));
    wrong(|record| record.session = B256::repeat_byte(3));

    let wrong = |change: fn(&mut OutcomeRecord)| {
        let mut record = outcome();
        change(&mut record);
        let read = record.canonical().and_then(|text| OutcomeRecord::from_canonical(&text));
        assert!(matches!(read, Err(RecordError::Inconsistent(_))), "{read:?}");
    };
    wrong(|record| record.revision = 0);
    wrong(|record| record.revision = 2);
    wrong(|record| record.prev_hash = B256::repeat_byte(1));
    wrong(|record| record.receipt = Some(true.into()));
    wrong(|record| record.result_bytes = None);
    wrong(|record| record.http_status = Some(500));
    wrong(|record| record.http_status = None);
}

#[test]
fn the_chain_names_what_is_missing_doubled_or_put_in_later() -> Result<()> {
    let first = decision(1, B256::ZERO);
    let second = decision(2, first.hash()?);
    let third = decision(3, second.hash()?);
    let mut chain = RecordChain::default();
    chain.push(&first, first.hash()?)?;
    let whole = chain;
    assert_eq!(chain.push(&third, third.hash()?), Err(ChainError::Sequence { expected: 2, got: 3 }));
    assert_eq!(chain.push(&first, first.hash()?), Err(ChainError::Sequence { expected: 2, got: 1 }));
    let forked = decision(2, B256::repeat_byte(8));
    let expected = ChainError::Forked { seq: 2, expected: first.hash()?, got: B256::repeat_byte(8) };
    assert_eq!(chain.push(&forked, forked.hash()?), Err(expected));
    let mut other = second.clone();
    (other.purse, other.session) = (Address::repeat_byte(9), session_id(Address::repeat_byte(9), 1));
    let expected = ChainError::OtherPurse { expected: PURSE, got: other.purse };
    assert_eq!(chain.push(&other, other.hash()?), Err(expected));
    assert_eq!(chain, whole, "what does not continue it leaves it as it was");
    chain.push(&second, second.hash()?)?;
    chain.push(&third, third.hash()?)?;
    assert_eq!((chain.seq, chain.last), (3, third.hash()?));
    Ok(())
}

#[test]
fn a_seal_is_of_one_record_of_one_kind_in_one_treasury() -> Result<()> {
    let (key, treasury, hash) = (signer(0xa9e27)?, Address::repeat_byte(1), B256::repeat_byte(2));
    let digest = seal_digest(RecordKind::Decision, 1, treasury, hash);
    let seal: Bytes = key.sign_hash_sync(&digest)?.as_bytes().into();
    let by = |kind, chain_id, treasury, hash, seal: &Bytes| {
        sealed_by(kind, chain_id, treasury, hash, seal) == Some(key.address())
    };
    assert!(by(RecordKind::Decision, 1, treasury, hash, &seal));
    assert!(!by(RecordKind::Outcome, 1, treasury, hash, &seal));
    assert!(!by(RecordKind::Decision, 2, treasury, hash, &seal));
    assert!(!by(RecordKind::Decision, 1, Address::repeat_byte(9), hash, &seal));
    assert!(!by(RecordKind::Decision, 1, treasury, B256::repeat_byte(9), &seal));
    // One record, one seal: not its other form, not with bytes behind it, not without its last.
    let signature = key.sign_hash_sync(&digest)?;
    let order: U256 = "0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141".parse()?;
    let high = alloy::primitives::Signature::new(signature.r(), order - signature.s(), !signature.v());
    for other in [
        Bytes::from(high.as_bytes()),
        Bytes::from([&seal[..], &[0]].concat()),
        Bytes::copy_from_slice(&seal[..64]),
        Bytes::new(),
    ] {
        assert_eq!(sealed_by(RecordKind::Decision, 1, treasury, hash, &other), None, "{other}");
    }
    Ok(())
}

/// What a server signed is kept as it came, whatever numbers are in it.
#[test]
fn an_offer_of_odd_numbers_does_not_spoil_its_record() -> Result<()> {
    let mut record = decision(1, B256::ZERO);
    for number in ["18446744073709551615", "-0.0", "1e300", "0.1", "1e-7", "-9223372036854775808"] {
        record.offer = Some(serde_json::from_str(&format!(r#"{{"n":{number}}}"#))?);
        DecisionRecord::from_canonical(&record.canonical()?)?;
    }
    Ok(())
}

proptest! {
    /// Whatever comes in: an answer, never a panic; and what is read is what was written.
    #[test]
    fn any_text_gets_an_answer(text in "\\PC{0,200}") {
        let _ = DecisionRecord::from_canonical(&text);
        let _ = OutcomeRecord::from_canonical(&text);
    }

    #[test]
    fn any_words_survive_the_way_there_and_back(rationale in "\\PC{0,100}", trigger in any::<String>()) {
        let mut record = decision(1, B256::ZERO);
        (record.rationale, record.trigger) = (rationale, trigger);
        let text = record.canonical().unwrap();
        prop_assert_eq!(DecisionRecord::from_canonical(&text).unwrap(), record);
    }
}
