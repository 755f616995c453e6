//! From a log to a typed event.

use alloy::{
    primitives::Address,
    sol_types::{SolEvent, SolEventInterface},
};
use bursar_sdk::abi::{
    Eip3009::{AuthorizationUsed, Transfer},
    Treasury::TreasuryEvents,
    TreasuryFactory::TreasuryCreated,
};

use super::{Proxy, SETTLED};
use crate::source::RawLog;

/// A log that concerns us, as it reads.
#[derive(Debug, Clone)]
pub enum Event {
    /// The factory deployed a treasury.
    Created(TreasuryCreated),
    /// A treasury says something.
    Treasury(Box<TreasuryEvents>),
    /// A token settled an authorization.
    Settled(AuthorizationUsed),
    /// A token moved money.
    Moved(Transfer),
    /// An x402 proxy had Permit2 move money: the transfer just before it.
    Proxied(Proxy),
}

/// What became of a log: an event, or why it is none.
pub type Decoded = Result<Event, String>;

/// Reads a log. Who emitted it decides how: the factory, a token (`is_token`), an x402 proxy, or else a treasury.
///
/// A log that does not decode is a value, not an error: it is data that somebody will want to look at.
pub fn decode_log(log: &RawLog, factory: Address, is_token: impl Fn(Address) -> bool) -> Decoded {
    let topics = || log.topics.iter().copied();
    let signature = log.topics.first().copied().unwrap_or_default();
    if let Some(proxy) = Proxy::at(log.address).filter(|_| SETTLED.contains(&signature)) {
        return Ok(Event::Proxied(proxy));
    }
    let decoded = if log.address == factory {
        TreasuryCreated::decode_raw_log(topics(), &log.data).map(Event::Created)
    } else if is_token(log.address) && signature == AuthorizationUsed::SIGNATURE_HASH {
        AuthorizationUsed::decode_raw_log(topics(), &log.data).map(Event::Settled)
    } else if is_token(log.address) && signature == Transfer::SIGNATURE_HASH {
        Transfer::decode_raw_log(topics(), &log.data).map(Event::Moved)
    } else {
        TreasuryEvents::decode_raw_log(&log.topics, &log.data).map(|event| Event::Treasury(Box::new(event)))
    };
    decoded.map_err(|error| format!("log with topic {signature} does not decode: {error}"))
}

#[cfg(test)]
mod tests {
    use alloy::primitives::{B256, Bytes, U256};
    use proptest::prelude::*;

    use super::*;

    fn log(address: Address, topics: Vec<B256>, data: Bytes) -> RawLog {
        RawLog {
            address,
            topics,
            data,
            block_number: 1,
            block_hash: B256::ZERO,
            block_timestamp: None,
            tx_hash: B256::ZERO,
            log_index: 0,
        }
    }

    #[test]
    fn reads_a_token_by_who_emitted_it() {
        let token = Address::repeat_byte(9);
        let event = Transfer { from: Address::ZERO, to: Address::repeat_byte(1), value: U256::from(7) };
        let data = event.encode_log_data();
        let log = log(token, data.topics().to_vec(), data.data.clone());
        let read = decode_log(&log, Address::ZERO, |address| address == token);
        assert!(matches!(read, Ok(Event::Moved(moved)) if moved == event));
        assert!(decode_log(&log, Address::ZERO, |_| false).is_err());
    }

    proptest! {
        #[test]
        fn any_log_is_an_event_or_a_reason_and_never_a_panic(
            pick in 0usize..200,
            topics in prop::collection::vec(any::<[u8; 32]>(), 0..4),
            data in prop::collection::vec(any::<u8>(), 0..600),
            token in any::<bool>(),
        ) {
            let mut all: Vec<B256> = topics.into_iter().map(B256::from).collect();
            let known = TreasuryEvents::SELECTORS;
            if let Some(selector) = known.get(pick) {
                all.insert(0, B256::from(*selector));
                all.truncate(4);
            }
            let _ = decode_log(&log(Address::repeat_byte(1), all, data.into()), Address::ZERO, |_| token);
        }
    }
}
