//! Payments in the traces of their agents: the span from when a payment could be seen to when its row was there.
//!
//! Only of decisions that came with a `traceparent`, and only where something exports spans. Whichever comes last tells:
//! the block of the payment, or the decision. Both look in the transaction that brings it, and tell after its commit.

use std::time::SystemTime;

use alloy::primitives::{Address, B256};
use bursar_sdk::telemetry::{TARGET, TraceParent};
use opentelemetry::{
    KeyValue, global,
    trace::{Span as _, SpanKind, Tracer as _},
};

use crate::db::{DbError, DbRow, Query, Tx};

/// A payment whose decision came with a context.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Traced {
    parent: TraceParent,
    purse: Address,
    nonce: B256,
    block: u64,
    tx_hash: B256,
    log_index: u64,
}

const OF: &str = "SELECT d.traceparent, p.purse, p.nonce, p.block_number, p.tx_hash, p.log_index \
                  FROM payment p CROSS JOIN decision d WHERE d.purse = p.purse AND d.nonce = p.nonce \
                  AND d.traceparent IS NOT NULL AND ";

/// Those of one block.
pub(super) async fn of_block(tx: &mut Tx, number: u64) -> Result<Vec<Traced>, DbError> {
    read(Query::made(format!("{OF} p.block_number = $1"), Vec::new()).bind(number).rows(tx).await?)
}

/// The one that a decision stands for, where it is there already.
pub(super) async fn of_decision(tx: &mut Tx, hash: B256) -> Result<Vec<Traced>, DbError> {
    read(Query::made(format!("{OF} d.hash = $1"), Vec::new()).bind(hash).rows(tx).await?)
}

fn read(rows: Vec<DbRow>) -> Result<Vec<Traced>, DbError> {
    let mut found = Vec::with_capacity(rows.len());
    for row in rows {
        // Whatever else stands there is nobody's parent.
        let Ok(parent) = row.text("traceparent")?.parse() else { continue };
        found.push(Traced {
            parent,
            purse: row.address("purse")?,
            nonce: row.hash("nonce")?,
            block: row.number("block_number")?,
            tx_hash: row.hash("tx_hash")?,
            log_index: row.number("log_index")?,
        });
    }
    Ok(found)
}

/// Tells of payments that are committed now, and of when the last of what made them whole was `seen`.
pub(super) fn tell(traced: Vec<Traced>, seen: SystemTime) {
    if traced.is_empty() {
        return;
    }
    let tracer = global::tracer(TARGET);
    for payment in traced {
        let attributes = vec![
            KeyValue::new("bursar.purse", payment.purse.to_checksum(None)),
            KeyValue::new("bursar.nonce", payment.nonce.to_string()),
            KeyValue::new("bursar.block", i64::try_from(payment.block).unwrap_or(i64::MAX)),
            KeyValue::new("bursar.tx_hash", payment.tx_hash.to_string()),
            KeyValue::new("bursar.log_index", i64::try_from(payment.log_index).unwrap_or(i64::MAX)),
            KeyValue::new("bursar.state", "settled"),
        ];
        let span = tracer.span_builder("payment.indexed").with_kind(SpanKind::Consumer);
        let span = span.with_start_time(seen).with_attributes(attributes);
        span.start_with_context(&tracer, &payment.parent.context()).end();
    }
}
