//! Which transfer moved the money of which authorization.

use alloy::primitives::{
    Address,
    map::{HashMap, HashSet},
};
use bursar_sdk::abi::Treasury::TreasuryEvents;

use super::{Decoded, Event, Proxy};
use crate::source::RawLog;

/// Pairs each `AuthorizationUsed` of a block with the `Transfer` that it settled: of the same token and payer
/// in the same transaction, the next one after it that is not taken, else the last one before it.
///
/// Tokens log the authorization first; the other order is taken as well. Returns log indices.
pub fn pair_settlements(entries: &[(RawLog, Decoded)]) -> HashMap<u64, u64> {
    let mut taken: HashSet<u64> = HashSet::default();
    let mut pairs = HashMap::default();
    for (place, (log, decoded)) in entries.iter().enumerate() {
        let Ok(Event::Settled(used)) = decoded else { continue };
        let same_tx = |(other, _): &&(RawLog, Decoded)| other.tx_hash == log.tx_hash;
        let fits = |(other, decoded): &&(RawLog, Decoded)| {
            other.address == log.address
                && !taken.contains(&other.log_index)
                && matches!(decoded, Ok(Event::Moved(moved)) if moved.from == used.authorizer)
        };
        let (before, after) = entries.split_at(place);
        let mut next = after.iter().take_while(same_tx);
        let mut last = before.iter().rev().take_while(same_tx);
        if let Some((transfer, _)) = next.find(fits).or_else(|| last.find(fits)) {
            taken.insert(transfer.log_index);
            pairs.insert(log.log_index, transfer.log_index);
        }
    }
    pairs
}

/// The transfers that an x402 proxy had Permit2 make, by log index: a proxy logs that it settled just after the token
/// has logged the transfer. What is not just before it belongs to somebody else, whom nobody has asked for.
pub fn proxied(entries: &[(RawLog, Decoded)]) -> HashMap<u64, Proxy> {
    let pairs = entries.iter().zip(entries.iter().skip(1));
    let found = pairs.filter_map(|((transfer, moved), (log, said))| match (moved, said) {
        (Ok(Event::Moved(_)), Ok(Event::Proxied(proxy)))
            if transfer.tx_hash == log.tx_hash
                && transfer.log_index.checked_add(1) == Some(log.log_index) =>
        {
            Some((transfer.log_index, *proxy))
        }
        _ => None,
    });
    found.collect()
}

/// Log indices of transfers out of `payers` that nothing before them in their transaction announces: no
/// authorization, and no session of the payer's that ends. What Permit2 moves looks like this.
pub fn unannounced(
    entries: &[(RawLog, Decoded)],
    pairs: &HashMap<u64, u64>,
    payers: impl Fn(Address) -> bool,
) -> HashSet<u64> {
    let paired: HashSet<u64> = pairs.values().copied().collect();
    let mut found = HashSet::default();
    for (place, (log, decoded)) in entries.iter().enumerate() {
        let Ok(Event::Moved(moved)) = decoded else { continue };
        if paired.contains(&log.log_index) || !payers(moved.from) {
            continue;
        }
        let before = entries[..place].iter().rev().take_while(|(other, _)| other.tx_hash == log.tx_hash);
        let mut ends = before.filter(|(other, decoded)| {
            let Ok(Event::Treasury(event)) = decoded else { return false };
            other.address == moved.to
                && match event.as_ref() {
                    TreasuryEvents::SessionClosed(closed) => closed.purse == moved.from,
                    TreasuryEvents::PurseSwept(swept) => swept.purse == moved.from,
                    _ => false,
                }
        });
        if ends.next().is_none() {
            found.insert(log.log_index);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use alloy::primitives::{Address, B256, Bytes, U256};
    use bursar_sdk::abi::Eip3009::{AuthorizationUsed, Transfer};

    use super::*;

    fn entry(index: u64, tx: u8, event: Event) -> (RawLog, Decoded) {
        let log = RawLog {
            address: Address::repeat_byte(1),
            topics: vec![],
            data: Bytes::new(),
            block_number: 1,
            block_hash: B256::ZERO,
            block_timestamp: None,
            tx_hash: B256::repeat_byte(tx),
            log_index: index,
        };
        (log, Ok(event))
    }

    fn used(by: u8) -> Event {
        Event::Settled(AuthorizationUsed { authorizer: Address::repeat_byte(by), nonce: B256::ZERO })
    }

    fn moved(from: u8) -> Event {
        let to = Address::repeat_byte(99);
        Event::Moved(Transfer { from: Address::repeat_byte(from), to, value: U256::from(1) })
    }

    #[test]
    fn pairs_each_authorization_with_its_own_transfer() {
        let block = [
            entry(0, 1, used(7)),
            entry(1, 1, moved(7)),
            entry(2, 1, used(7)),
            entry(3, 1, used(8)),
            entry(4, 1, moved(8)),
            entry(5, 1, moved(7)),
            entry(6, 1, moved(7)),
        ];
        assert_eq!(pair_settlements(&block), HashMap::from_iter([(0, 1), (2, 5), (3, 4)]));
    }

    #[test]
    fn takes_the_transfer_before_it_where_none_follows() {
        let block = [entry(0, 1, moved(7)), entry(1, 1, moved(7)), entry(2, 1, used(7))];
        assert_eq!(pair_settlements(&block), HashMap::from_iter([(2, 1)]));
    }

    #[test]
    fn what_nothing_announces_stands_out() {
        let closed = |purse: u8, by: u8| {
            let event = bursar_sdk::abi::Treasury::SessionClosed {
                envelope: Default::default(),
                purse: Address::repeat_byte(purse),
                sequence: Default::default(),
                returned: U256::ZERO,
                unspent: U256::ZERO,
            };
            let (mut log, said) =
                entry(2, 1, Event::Treasury(Box::new(TreasuryEvents::SessionClosed(event))));
            log.address = Address::repeat_byte(by);
            (log, said)
        };
        let found = |before: (RawLog, Decoded), payer: u8| {
            let block = [entry(0, 1, used(7)), entry(1, 1, moved(7)), before, entry(3, 1, moved(payer))];
            let pairs = pair_settlements(&block);
            unannounced(&block, &pairs, |purse| purse != Address::repeat_byte(8)).contains(&3)
        };
        assert!(!found(closed(7, 99), 7), "its session ended, and it went to the treasury");
        assert!(found(closed(6, 99), 7), "another's session ended");
        assert!(found(closed(7, 98), 7), "it went elsewhere");
        assert!(!found(closed(6, 99), 8), "of no interest");
        assert!(!found(entry(2, 1, used(7)), 7), "authorized");
    }

    #[test]
    fn a_proxy_has_moved_what_was_just_before_it_and_nothing_else() {
        let said = || Event::Proxied(Proxy::Exact);
        let block = [
            entry(0, 1, moved(7)),
            entry(1, 1, said()),
            // Its own transfer was of nobody we asked for.
            entry(2, 1, moved(7)),
            entry(4, 1, said()),
            entry(5, 1, moved(7)),
            entry(6, 2, said()),
            entry(7, 2, Event::Proxied(Proxy::Upto)),
            entry(8, 2, moved(8)),
            entry(9, 2, Event::Proxied(Proxy::Upto)),
        ];
        assert_eq!(proxied(&block), HashMap::from_iter([(0, Proxy::Exact), (8, Proxy::Upto)]));
    }

    #[test]
    fn never_pairs_across_transactions_or_payers() {
        let block = [entry(0, 1, used(7)), entry(1, 1, moved(8)), entry(2, 2, moved(7))];
        assert_eq!(pair_settlements(&block), HashMap::default());
    }
}
