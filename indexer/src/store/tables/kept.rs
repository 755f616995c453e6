//! How far the ledger is, and how it goes back.

use crate::{db::table, query::checkpoint::Checkpoint, source::BlockHeader};

table! {
    BLOCK, fn block(it: &BlockHeader) {
        key { number: it.number }
        hash: it.hash,
        timestamp: it.timestamp,
    }
}

table! {
    CHECKPOINT, fn checkpoint(at: &Checkpoint, keeps_then: bool) {
        key { id: 1u8 }
        number: at.number,
        hash: at.hash,
        timestamp: at.timestamp,
        head: at.head,
        final_number: at.final_number,
        safe_number: at.safe_number,
        then_hash: keeps_then.then_some(at.hash),
    }
}

table! {
    JOURNAL, fn journal(block: u64, number: u64, row: String, was: Option<String>) {
        key { block_number: block, seq: number }
        row_key: row,
        before: was,
    }
}
