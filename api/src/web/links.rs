//! Where things are: pages, and the JSON of what has none.

use alloy::primitives::{Address, B256};
use bursar_indexer::query::{decisions::Decision, payments::Payment};

/// An envelope's page.
pub(super) fn envelope(treasury: Address, number: u32) -> String {
    format!("/envelopes/{}/{number}", treasury.to_checksum(None))
}

/// A payment's page; what tells no nonce stands in the list of its transaction.
pub(super) fn payment(row: &Payment) -> String {
    match row.nonce {
        Some(nonce) => story(row.purse, nonce),
        None => format!("/audit/payments?tx={:#x}", row.tx_hash),
    }
}

/// The page of the payment that a decision led to; `None` where none is on chain.
pub(super) fn settled(row: &Decision) -> Option<String> {
    row.payment.as_ref().zip(row.nonce).map(|(payment, nonce)| story(payment.purse, nonce))
}

fn story(purse: Address, nonce: B256) -> String {
    format!("/payments/{}/{nonce:#x}", purse.to_checksum(None))
}

/// A decision record.
pub(super) fn decision(hash: B256) -> String {
    format!("/v1/decisions/{hash:#x}")
}

/// A session.
pub(super) fn session(id: B256) -> String {
    format!("/v1/sessions/{id:#x}")
}

/// A version of an envelope's policy.
pub(super) fn policy(treasury: Address, envelope: u32, version: u16) -> String {
    format!("/v1/policies/{}/{envelope}/{version}", treasury.to_checksum(None))
}
