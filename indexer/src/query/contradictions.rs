//! Payments beside a decision record, known by their nonce, that says otherwise.

use alloy::primitives::{Address, B256};

use crate::db::{Db, DbError, Query};

/// A payment that may contradict its record: what the columns tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Suspect {
    /// The purse that paid.
    pub purse: Address,
    /// Under which nonce.
    pub nonce: B256,
    /// The block at whose height both were known.
    pub known_at: u64,
}

/// Payments of a treasury whose record names another payee, amount, agent, envelope or treasury, or was a refusal; where
/// payment or record came after block `beyond`. By when they were known.
///
/// # Errors
/// When the database fails.
pub async fn list(db: &Db, treasury: Address, beyond: Option<u64>) -> Result<Vec<Suspect>, DbError> {
    let query = Query::new(
        "SELECT p.purse, p.nonce, p.block_number, i.block_number AS taken_in FROM payment p \
         JOIN decision d ON d.purse = p.purse AND d.nonce = p.nonce JOIN intake i ON i.subject = d.hash \
         WHERE p.treasury = $1 AND (p.block_number > $2 OR i.block_number > $2) \
         AND (d.verdict = 'denied' OR d.payee <> p.payee OR d.amount <> p.amount OR d.agent <> p.agent \
         OR d.envelope <> p.envelope OR d.treasury <> p.treasury)",
    );
    // Nothing of ours stands in block 0.
    let rows = query.bind(treasury).bind(beyond.unwrap_or_default()).rows(db).await?;
    let read = |row: &crate::db::DbRow| {
        let known_at = row.number::<u64>("block_number")?.max(row.number("taken_in")?);
        Ok(Suspect { purse: row.address("purse")?, nonce: row.hash("nonce")?, known_at })
    };
    let mut found = rows.iter().map(read).collect::<Result<Vec<_>, DbError>>()?;
    found.sort_by_key(|suspect| suspect.known_at);
    Ok(found)
}
