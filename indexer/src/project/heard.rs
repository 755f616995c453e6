//! Who paid whom in a block, told by the block alone: what is heard at the head while the ledger is still far behind it.
//!
//! It is less than what the ledger tells. Sessions, policies and decisions follow from all blocks before; and so does that a
//! purse pays through Permit2 where no call in the transaction says so: of such a payment only the ledger tells.

use std::collections::{HashMap, HashSet};

use alloy::primitives::{Address, B256, U256};
use bursar_sdk::{abi::Eip3009::Transfer, amount::Amount, payment::Rail};

use crate::{
    decode::{Event, find_permit2_calls, pair_settlements, proxied, unannounced},
    ledger::{BlockFacts, WatchList},
    source::RawLog,
};

/// A payment as its block alone tells of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heard {
    /// Index of the token's `AuthorizationUsed` log; of its `Transfer` log where Permit2 moved it.
    pub log_index: u64,
    /// The settling transaction.
    pub tx_hash: B256,
    /// Who paid.
    pub payer: Address,
    /// Whether that is a purse; else an account on the watch list.
    pub purse: bool,
    /// The token.
    pub asset: Address,
    /// Who was paid.
    pub payee: Address,
    /// How much, in the asset's atomic units: one that a treasury could count.
    pub amount: U256,
    /// The authorization's nonce; `None` where it settled through Permit2, which logs none.
    pub nonce: Option<B256>,
    /// How it settled, as `payment` and `settlement` spell it.
    pub rail: &'static str,
}

/// The payments of a block, in order: those of purses, and those of accounts that `list` covers there.
pub fn heard(block: &BlockFacts, list: &WatchList, is_purse: impl Fn(Address) -> bool) -> Vec<Heard> {
    let pairs = pair_settlements(&block.entries);
    let (proxied, silent) = (proxied(&block.entries), unannounced(&block.entries, &pairs, &is_purse));
    let is_looked_at = |payer, log: &RawLog| list.covers(payer, log.address, block.header.number);
    let transfers = block.entries.iter().filter_map(|(log, decoded)| match decoded {
        Ok(Event::Moved(moved)) => Some((log.log_index, moved)),
        _ => None,
    });
    let transfers: HashMap<u64, &Transfer> = transfers.collect();
    let mut told = HashSet::new();
    let mut found = Vec::new();
    for (log, decoded) in &block.entries {
        let settled = match decoded {
            Ok(Event::Settled(used)) => {
                let purse = is_purse(used.authorizer);
                let moved = pairs.get(&log.log_index).and_then(|beside| transfers.get(beside));
                let moved = moved.filter(|_| purse || is_looked_at(used.authorizer, log));
                moved.map(|moved| (purse, *moved, Some(used.nonce), Rail::Eip3009.code()))
            }
            Ok(Event::Moved(moved)) if is_purse(moved.from) => {
                let is_silent = silent.contains(&log.log_index);
                let rail = if is_silent { permit2(block, log, moved, &mut told) } else { None };
                rail.map(|rail| (true, moved, None, rail))
            }
            Ok(Event::Moved(moved)) => {
                let proxy = proxied.get(&log.log_index).filter(|_| is_looked_at(moved.from, log));
                proxy.map(|proxy| (false, moved, None, proxy.rail()))
            }
            _ => None,
        };
        let Some((purse, moved, nonce, rail)) = settled else { continue };
        if Amount::try_from(moved.value).is_err() {
            continue;
        }
        found.push(Heard {
            log_index: log.log_index,
            tx_hash: log.tx_hash,
            payer: moved.from,
            purse,
            asset: log.address,
            payee: moved.to,
            amount: moved.value,
            nonce,
            rail,
        });
    }
    found
}

/// The rail of the call to an x402 proxy that moved a purse's money, each call for one transfer. Whose signature it bears only the
/// ledger can tell, and so whether that nonce was used.
fn permit2(
    block: &BlockFacts,
    log: &RawLog,
    moved: &Transfer,
    told: &mut HashSet<(Address, B256)>,
) -> Option<&'static str> {
    let calls = find_permit2_calls(&block.transactions.get(&log.tx_hash)?.input, moved.from);
    let call = calls
        .into_iter()
        .find(|call| call.pays(moved.to, moved.value) && !told.contains(&(moved.from, call.nonce)))?;
    told.insert((moved.from, call.nonce));
    Some(call.blob.rail.code())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::collections::HashMap;

    use alloy::{
        primitives::{Bytes, Signature, aliases::U24},
        sol_types::SolCall as _,
    };
    use bursar_sdk::{
        abi::{
            Eip3009::AuthorizationUsed,
            Treasury::{SessionClosed, TreasuryEvents},
        },
        payment::PaymentBlob,
    };

    use super::*;
    use crate::{
        decode::Proxy,
        ledger::WatchKind,
        source::{BlockHeader, TransactionInput},
    };

    const PURSE: Address = Address::repeat_byte(0xaa);
    const PAYER: Address = Address::repeat_byte(0xbb);
    const STRANGER: Address = Address::repeat_byte(0xcc);
    const PAYEE: Address = Address::repeat_byte(0xdd);
    const TOKEN: Address = Address::repeat_byte(0x05);
    const TREASURY: Address = Address::repeat_byte(0x71);

    mod exact {
        alloy::sol! {
            struct TokenPermissions { address token; uint256 amount; }
            struct Permit { TokenPermissions permitted; uint256 nonce; uint256 deadline; }
            struct Witness { address to; uint256 validAfter; }
            function settle(Permit permit, address owner, Witness witness, bytes signature) external;
        }
    }

    /// Logs of one transaction, each at its place.
    fn block(events: Vec<(Address, Event)>, input: Vec<u8>) -> BlockFacts {
        let header = BlockHeader { number: 9, hash: B256::ZERO, parent_hash: None, timestamp: 1 };
        let tx_hash = B256::repeat_byte(1);
        let entries = (0..).zip(events).map(|(log_index, (address, event))| {
            let log = RawLog {
                address,
                topics: vec![],
                data: Bytes::new(),
                block_number: 9,
                block_hash: B256::ZERO,
                block_timestamp: None,
                tx_hash,
                log_index,
            };
            (log, Ok(event))
        });
        let input = TransactionInput { from: STRANGER, input: input.into() };
        BlockFacts { header, entries: entries.collect(), transactions: HashMap::from([(tx_hash, input)]) }
    }

    fn used(authorizer: Address) -> (Address, Event) {
        (TOKEN, Event::Settled(AuthorizationUsed { authorizer, nonce: B256::repeat_byte(7) }))
    }

    fn moved(from: Address, value: u64) -> (Address, Event) {
        (TOKEN, Event::Moved(Transfer { from, to: PAYEE, value: U256::from(value) }))
    }

    fn said() -> (Address, Event) {
        (Address::ZERO, Event::Proxied(Proxy::Upto))
    }

    fn call(value: u64) -> Vec<u8> {
        let permitted = exact::TokenPermissions { token: TOKEN, amount: U256::from(value) };
        let permit = exact::Permit { permitted, nonce: U256::from(5), deadline: U256::from(9) };
        let blob = PaymentBlob {
            rail: Rail::Permit2Exact,
            payee: PAYEE,
            amount: Amount::new(value),
            valid_after: 1,
            valid_before: 9,
            decision_hash: B256::ZERO,
            signature: Signature::new(U256::from(5), U256::from(6), true),
            approval: None,
        };
        let witness = exact::Witness { to: PAYEE, validAfter: U256::from(1) };
        let signature = blob.encode().unwrap();
        exact::settleCall { permit, owner: PURSE, witness, signature }.abi_encode()
    }

    /// Place, payer, amount, whether a purse, rail.
    fn found(block: &BlockFacts, from: u64) -> Vec<(u64, Address, u64, bool, &'static str)> {
        let list = [(WatchKind::Payer, PAYER, from), (WatchKind::Token, TOKEN, 0)];
        let all = heard(block, &WatchList::new(1, list), |account| account == PURSE);
        all.iter().map(|it| (it.log_index, it.payer, it.amount.to(), it.purse, it.rail)).collect()
    }

    #[test]
    fn authorizations_of_purses_and_of_watched_payers_are_heard() {
        let events = vec![
            used(PURSE),
            moved(PURSE, 10),
            used(PAYER),
            moved(PAYER, 20),
            used(STRANGER),
            moved(STRANGER, 30),
            moved(PAYER, 40),
            used(PURSE),
        ];
        let all = [(0, PURSE, 10, true, "eip3009"), (2, PAYER, 20, false, "eip3009")];
        assert_eq!(found(&block(events.clone(), vec![]), 0), all, "the last has no transfer");
        assert_eq!(found(&block(events.clone(), vec![]), 9), all);
        assert_eq!(found(&block(events, vec![]), 10), all[..1], "watched from the next block on");
    }

    #[test]
    fn of_permit2_a_proxy_tells_and_for_purses_the_call() {
        let proxied = block(vec![moved(PAYER, 10), said(), moved(STRANGER, 10), said()], vec![]);
        assert_eq!(found(&proxied, 0), [(0, PAYER, 10, false, "permit2_upto")]);
        // One call moves money once.
        let of_purse = block(vec![moved(PURSE, 10), moved(PURSE, 10), moved(PURSE, 11)], call(10));
        assert_eq!(found(&of_purse, 0), [(0, PURSE, 10, true, "permit2_exact")]);
        assert_eq!(found(&block(vec![moved(PURSE, 10)], vec![]), 0), [], "only the ledger could tell");
    }

    #[test]
    fn what_goes_back_to_the_treasury_is_no_payment() {
        let closed = SessionClosed {
            envelope: U24::from(1),
            purse: PURSE,
            sequence: Default::default(),
            returned: U256::ZERO,
            unspent: U256::ZERO,
        };
        let closed = (TREASURY, Event::Treasury(Box::new(TreasuryEvents::SessionClosed(closed))));
        let home = Transfer { from: PURSE, to: TREASURY, value: U256::from(10) };
        let of = |before: Vec<(Address, Event)>| {
            let events = before.into_iter().chain([(TOKEN, Event::Moved(home.clone()))]).collect();
            let mut input = call(10);
            // The same call, paying the treasury.
            while let Some(at) = input.windows(20).position(|bytes| bytes == PAYEE.as_slice()) {
                input[at..at + 20].copy_from_slice(TREASURY.as_slice());
            }
            found(&block(events, input), 0).len()
        };
        assert_eq!((of(vec![closed]), of(vec![])), (0, 1));
    }

    #[test]
    fn more_than_a_treasury_could_count_is_left_out() {
        let most = (TOKEN, Event::Moved(Transfer { from: PURSE, to: PAYEE, value: U256::MAX }));
        assert_eq!(found(&block(vec![used(PURSE), most], vec![]), 0), []);
    }
}
