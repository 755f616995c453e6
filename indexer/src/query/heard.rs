//! Payments heard at the head that the ledger has not reached yet.
//!
//! What stands at or below the checkpoint is left out, whether it was taken away already or not: in one statement a payment is
//! here or in the ledger, and never in both.

use alloy::primitives::{Address, B256};
use bursar_sdk::amount::Amount;

use super::{COUNTED, Position, select::Select};
use crate::db::{Db, DbError, DbRow};

/// A payment as its block alone tells of it. No decision is bound to it yet, and the chain may take it back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heard {
    /// Where it stands: block, and index of the token's `AuthorizationUsed` log; of its `Transfer` log where Permit2 moved it.
    pub position: Position,
    /// That block.
    pub block_hash: B256,
    /// The settling transaction.
    pub tx_hash: B256,
    /// When, in unix seconds.
    pub timestamp: u64,
    /// Who paid.
    pub payer: Address,
    /// The treasury and envelope of the purse that it is; `None` where it is none.
    pub place: Option<(Address, u32)>,
    /// What people call a payer who is no purse.
    pub payer_label: Option<String>,
    /// The token.
    pub asset: Address,
    /// Who was paid.
    pub payee: Address,
    /// How much, in the asset's atomic units.
    pub amount: Amount,
    /// How it settled: `eip3009`, `permit2_exact` or `permit2_upto`.
    pub rail: String,
    /// The authorization's nonce; `None` where it settled through Permit2, which logs none.
    pub nonce: Option<B256>,
}

/// Which payments.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// From purses of this treasury.
    pub treasury: Option<Address>,
    /// From purses of the envelope with this number.
    pub envelope: Option<u32>,
    /// By this account.
    pub payer: Option<Address>,
    /// To this payee.
    pub payee: Option<Address>,
}

/// What payments heard come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// How many there are: at least one; one more than [`COUNTED`] where there are more than that.
    pub payments: u64,
    /// The first block with one, and the last.
    pub blocks: (u64, u64),
    /// The time of the first, in unix seconds.
    pub since: u64,
}

const COLUMNS: &str = "SELECT h.block_number, h.log_index, h.block_hash, h.tx_hash, h.timestamp, h.payer, \
                       u.address AS purse, u.treasury, u.envelope, w.label AS payer_label, h.asset, h.payee, h.amount, \
                       h.rail, h.nonce";

/// A label tells that its payer is on the watch list, which is not for those who see a purse of theirs.
const LABEL: &str = " LEFT JOIN watched w ON w.kind = 'payer' AND w.address = h.payer AND u.address IS NULL";

const FROM: &str = " FROM heard h LEFT JOIN purse u ON u.address = h.payer \
                    LEFT JOIN envelope e ON e.treasury = u.treasury AND e.number = u.envelope";

fn read(row: &DbRow) -> Result<Heard, DbError> {
    let purse = row.maybe_address("purse")?;
    let place = purse.map(|_| Ok::<_, DbError>((row.address("treasury")?, row.number("envelope")?)));
    Ok(Heard {
        position: Position::read(row)?,
        block_hash: row.hash("block_hash")?,
        tx_hash: row.hash("tx_hash")?,
        timestamp: row.number("timestamp")?,
        payer: row.address("payer")?,
        place: place.transpose()?,
        payer_label: row.maybe_text("payer_label")?,
        asset: row.address("asset")?,
        payee: row.address("payee")?,
        amount: row.amount("amount")?,
        rail: row.text("rail")?,
        nonce: row.maybe_hash("nonce")?,
    })
}

/// Payments, newest first.
///
/// # Errors
/// When the database fails.
pub async fn list(
    db: &Db,
    filter: &Filter,
    after: Option<Position>,
    limit: u32,
) -> Result<Vec<Heard>, DbError> {
    select_list(filter, after, limit).rows(db, read).await
}

/// What all payments come to, of a treasury's purses or of everybody; `None` where there are none.
///
/// # Errors
/// When the database fails.
pub async fn span(db: &Db, treasury: Option<Address>) -> Result<Option<Span>, DbError> {
    let read = |row: &DbRow| {
        let blocks = (row.number("first")?, row.number("last")?);
        Ok(Span { payments: row.number("payments")?, blocks, since: row.number("since")? })
    };
    select_span(treasury).row(db, read).await
}

/// No more rows are counted than it takes, and the first one is where the same index begins; of a treasury, its own purses'
/// payments are read.
pub(super) fn select_span(treasury: Option<Address>) -> Select {
    let mut select =
        Select::new("WITH standing AS NOT MATERIALIZED (SELECT h.block_number, h.log_index, h.timestamp");
    select.push(FROM);
    standing(&mut select)
        .filter("u.treasury = ", treasury)
        .push(
            ") SELECT newest.payments, newest.last, oldest.block_number AS first, oldest.timestamp AS since FROM \
             (SELECT block_number, timestamp FROM standing ORDER BY block_number, log_index LIMIT 1) oldest, \
             (SELECT COUNT(*) AS payments, MAX(block_number) AS last FROM \
             (SELECT block_number FROM standing",
        )
        .order_and_limit(" ORDER BY block_number DESC, log_index DESC", COUNTED + 1)
        .push(") few) newest");
    select
}

/// What the ledger has not reached, of purses that it knows and of others that are none. Whose a purse is that it does not know, and
/// which token is that purse's own, nobody can say: any treasury may name a token that lies.
fn standing(select: &mut Select) -> &mut Select {
    select
        .condition("h.block_number > (SELECT number FROM checkpoint)")
        .condition("(e.asset = h.asset OR (u.address IS NULL AND NOT h.purse))")
}

pub(super) fn select_list(filter: &Filter, after: Option<Position>, limit: u32) -> Select {
    let mut select = Select::new(COLUMNS);
    select.push(FROM).push(LABEL);
    standing(&mut select)
        .filter("u.treasury = ", filter.treasury)
        .filter("u.envelope = ", filter.envelope)
        .filter("h.payer = ", filter.payer)
        .filter("h.payee = ", filter.payee)
        .after("(h.block_number, h.log_index) < ", after.map(Position::cells))
        .order_and_limit(" ORDER BY h.block_number DESC, h.log_index DESC", limit);
    select
}
