//! What watched accounts paid outside any envelope.

use alloy::primitives::{Address, B256};
use bursar_sdk::{amount::Amount, payment::Rail};

use super::{AmountRange, Position, TimeRange, select::Select};
use crate::db::{Db, DbError, DbRow};

/// One x402 settlement that no envelope, policy or decision stands behind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settlement {
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
    /// What people call the payer.
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
    /// Who sent the settling transaction; `None` where no facilitator was watched at that time.
    pub facilitator: Option<Address>,
    /// What people call the facilitator.
    pub facilitator_label: Option<String>,
}

/// Which settlements.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// By this account.
    pub payer: Option<Address>,
    /// To this payee.
    pub payee: Option<Address>,
    /// On this rail.
    pub rail: Option<&'static str>,
    /// Settled then.
    pub time: TimeRange,
    /// Of such an amount.
    pub amount: AmountRange,
    /// Up to this block (inclusive): what is final.
    pub up_to_block: Option<u64>,
    /// From beyond this block: what is not.
    pub beyond_block: Option<u64>,
}

const SELECT: &str = "SELECT s.block_number, s.log_index, s.block_hash, s.tx_hash, s.timestamp, s.payer, \
                      p.label AS payer_label, s.asset, s.payee, s.amount, s.rail, s.nonce, s.facilitator, \
                      f.label AS facilitator_label FROM settlement s \
                      LEFT JOIN watched p ON p.kind = 'payer' AND p.address = s.payer \
                      LEFT JOIN watched f ON f.kind = 'facilitator' AND f.address = s.facilitator";

fn read(row: &DbRow) -> Result<Settlement, DbError> {
    Ok(Settlement {
        position: Position::read(row)?,
        block_hash: row.hash("block_hash")?,
        tx_hash: row.hash("tx_hash")?,
        timestamp: row.number("timestamp")?,
        payer: row.address("payer")?,
        payer_label: row.maybe_text("payer_label")?,
        asset: row.address("asset")?,
        payee: row.address("payee")?,
        amount: row.amount("amount")?,
        rail: row.text("rail")?,
        nonce: row.maybe_hash("nonce")?,
        facilitator: row.maybe_address("facilitator")?,
        facilitator_label: row.maybe_text("facilitator_label")?,
    })
}

/// Settlements, newest first.
///
/// # Errors
/// When the database fails.
pub async fn list(
    db: &Db,
    filter: &Filter,
    after: Option<Position>,
    limit: u32,
) -> Result<Vec<Settlement>, DbError> {
    select_list(filter, after, limit).rows(db, read).await
}

pub(super) fn select_list(filter: &Filter, after: Option<Position>, limit: u32) -> Select {
    let mut select = Select::new(SELECT);
    if filter.rail.is_some_and(|rail| rail != Rail::Eip3009.code()) {
        // What the index of rails says of its rows, so that databases see that it has these.
        select.condition("s.rail <> 'eip3009'");
    }
    select
        .filter("s.payer = ", filter.payer)
        .filter("s.payee = ", filter.payee)
        .filter("s.rail = ", filter.rail)
        .amounts("s.amount >= ", "s.amount <= ", filter.amount)
        .filter("s.block_number <= ", filter.up_to_block)
        .filter("s.block_number > ", filter.beyond_block);
    select
        .blocks_of(["s.block_number", "settlement"], filter.time)
        .after("(s.block_number, s.log_index) < ", after.map(Position::cells))
        .order_and_limit(" ORDER BY s.block_number DESC, s.log_index DESC", limit);
    select
}
