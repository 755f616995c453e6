//! What happens in a block: transactions, and the logs that they leave.

use alloy::{
    primitives::{Address, B256, Bytes, LogData, Signature, U256},
    sol_types::{SolCall as _, SolEvent as _},
};
use bursar_sdk::{
    abi::Eip3009::{AuthorizationUsed, Transfer, transferWithAuthorizationCall},
    amount::Amount,
    payment::{PaymentBlob, Rail, commitment, permit2, session_id, terms},
};

use crate::{
    params::Params,
    seed::{Use, address, mix, mix3, word},
    setup::{self, TOKEN},
};

/// Payments of the synthetic chain are valid for ever.
const VALID_BEFORE: u64 = 4_000_000_000;
/// Hides the block's number in its transactions' hashes, so that they are found again without an index.
const PLACE: u64 = 0x5bd1_e995_c3a5_c85c;

/// What x402's proxies log behind the transfer that they had Permit2 make.
mod proxy {
    alloy::sol! {
        event Settled();
    }
}

/// Money that moves; a settlement where an authorization was used, or where a proxy had it moved.
#[derive(Debug, Clone)]
pub(crate) struct Item {
    pub(crate) tx: usize,
    pub(crate) payer: Address,
    pub(crate) payee: Address,
    pub(crate) value: u64,
    pub(crate) nonce: Option<B256>,
    /// Which one had it moved.
    pub(crate) proxy: Option<Address>,
    /// Where a purse pays: what its nonce commits to.
    pub(crate) decision: Option<B256>,
}

impl Item {
    /// How many logs it leaves.
    pub(crate) fn logs(&self) -> u64 {
        1 + u64::from(self.nonce.is_some()) + u64::from(self.proxy.is_some())
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Tx {
    pub(crate) hash: B256,
    pub(crate) sender: Address,
    pub(crate) to: Address,
}

/// A log, and the transaction that left it.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) tx: usize,
    pub(crate) address: Address,
    pub(crate) data: LogData,
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Body {
    pub(crate) txs: Vec<Tx>,
    pub(crate) setup: Option<u64>,
    pub(crate) items: Vec<Item>,
}

/// How much happens in a block, and on which branch of the chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Shape {
    pub(crate) number: u64,
    pub(crate) fork: u32,
    pub(crate) settlements: u32,
    pub(crate) noise: u32,
}

impl Body {
    pub(crate) fn of(params: &Params, shape: Shape) -> Self {
        let mut body = Self { setup: params.created_in(shape.number), ..Self::default() };
        if let Some(treasury) = body.setup {
            let hash = tx_hash(mix3(params.seed, 0x5e7, treasury), shape.number);
            body.txs.push(Tx { hash, sender: setup::owner(treasury), to: setup::FACTORY });
        }
        let (settlements, all) =
            (u64::from(shape.settlements), u64::from(shape.settlements) + u64::from(shape.noise));
        for place in 0..all {
            // On an odd branch the order turns: the same transactions, at other log indexes.
            let slot = if shape.fork & 1 == 1 { all - 1 - place } else { place };
            body.happen(params, shape, slot, slot < settlements);
        }
        body
    }

    fn happen(&mut self, params: &Params, shape: Shape, slot: u64, settles: bool) {
        let draw = mix3(params.seed, shape.number, slot);
        // On a branch one slot in five is another transaction; the others are included again.
        let other = shape.fork > 0 && mix3(draw, 3, shape.fork.into()).is_multiple_of(5);
        let key = mix3(draw, 11, if other { shape.fork.into() } else { 0 });
        let joins = settles && shape.fork == 0 && key % 100 < params.batch_pct && !self.items.is_empty();
        if !joins {
            self.begin(params, shape.number, key, settles);
        }
        let purses = params.created_before(shape.number) * params.envelopes;
        let governed = settles && purses > 0 && mix(key ^ 5) % 100 < params.governed_pct;
        let moved = settles && !governed && mix(key ^ 7) % 100 < params.permit2_pct;
        let proxy = if mix(key ^ 8) & 1 == 0 { permit2::EXACT_PROXY } else { permit2::UPTO_PROXY };
        let pick = mix(key ^ 1);
        let (payer, nonce, decision) = if governed {
            let purse = setup::purse(pick % purses);
            let decision = word(key ^ 6);
            (purse, commitment(terms(0, 1), session_id(purse, 1), decision), Some(decision))
        } else {
            (address(Use::Payer, pick % params.payers.max(1)), word(key ^ 4), None)
        };
        // Few are paid often, many seldom.
        let pick = mix(key ^ 2);
        let payees = params.payees.max(1);
        let payee = address(Use::Payee, (pick % payees).min((pick >> 32) % payees));
        self.items.push(Item {
            tx: self.txs.len() - 1,
            payer,
            payee,
            value: 1_000 + mix(key ^ 3) % 100_000,
            nonce: (settles && !moved).then_some(nonce),
            proxy: moved.then_some(proxy),
            decision,
        });
    }

    fn begin(&mut self, params: &Params, number: u64, key: u64, settles: bool) {
        let key = mix(key ^ 0x7a);
        let sender = if !settles {
            address(Use::Payer, key % params.payers.max(1))
        } else if key % 100 < params.foreign_pct {
            address(Use::Stranger, (key >> 8) & 1023)
        } else {
            address(Use::Facilitator, (key >> 8) % params.facilitators.max(1))
        };
        self.txs.push(Tx { hash: tx_hash(key, number), sender, to: TOKEN });
    }

    /// All logs, in order; the place of each is its log index.
    pub(crate) fn logs(&self, params: &Params, timestamp: u64) -> Vec<Entry> {
        let mut logs = Vec::with_capacity(2 * self.items.len());
        if let Some(treasury) = self.setup {
            let made = setup::logs(params, treasury, timestamp);
            logs.extend(made.into_iter().map(|(address, data)| Entry { tx: 0, address, data }));
        }
        for item in &self.items {
            let mut push = |data| logs.push(Entry { tx: item.tx, address: TOKEN, data });
            if let Some(nonce) = item.nonce {
                push(AuthorizationUsed { authorizer: item.payer, nonce }.encode_log_data());
            }
            let moved = Transfer { from: item.payer, to: item.payee, value: U256::from(item.value) };
            push(moved.encode_log_data());
            if let Some(address) = item.proxy {
                logs.push(Entry { tx: item.tx, address, data: proxy::Settled {}.encode_log_data() });
            }
        }
        logs
    }

    /// A transaction's call data: the calls to the token, one after another behind a selector where they are several.
    pub(crate) fn input(&self, tx: usize) -> Vec<u8> {
        let calls: Vec<Vec<u8>> =
            self.items.iter().filter(|item| item.tx == tx && item.nonce.is_some()).map(call).collect();
        match calls.as_slice() {
            [] => vec![0xa9, 0x05, 0x9c, 0xbb],
            [call] => call.clone(),
            several => [vec![0x82, 0xad, 0x56, 0xcb], several.concat()].concat(),
        }
    }
}

/// The block that a transaction would be in, and whether its hash is one of ours at all is for the block to say.
pub(crate) fn block_of(tx: B256) -> u64 {
    let mut tail = [0; 8];
    tail.copy_from_slice(&tx[24..]);
    u64::from_be_bytes(tail) ^ PLACE
}

fn tx_hash(key: u64, block: u64) -> B256 {
    let mut hash = word(key);
    hash[24..].copy_from_slice(&(block ^ PLACE).to_be_bytes());
    hash
}

fn call(item: &Item) -> Vec<u8> {
    let signature = Signature::new(U256::from(item.value), U256::from(7), false);
    let signature = match item.decision {
        None => Bytes::copy_from_slice(&signature.as_bytes()),
        Some(decision_hash) => {
            let blob = PaymentBlob {
                rail: Rail::Eip3009,
                payee: item.payee,
                amount: Amount::new(item.value),
                valid_after: 0,
                valid_before: VALID_BEFORE,
                decision_hash,
                signature,
                approval: None,
            };
            // A blob without an approval is always short enough.
            blob.encode().unwrap_or_default()
        }
    };
    let call = transferWithAuthorizationCall {
        from: item.payer,
        to: item.payee,
        value: U256::from(item.value),
        validAfter: U256::ZERO,
        validBefore: U256::from(VALID_BEFORE),
        nonce: item.nonce.unwrap_or_default(),
        signature,
    };
    call.abi_encode()
}
