//! The documents that policies are hashes of. Whoever hands one in, it is the one: its hash stands on the chain.

use alloy::primitives::{Address, B256};

use super::select::Select;
use crate::{
    Inserted,
    db::{Db, DbError, table},
};

table! {
    POLICY_DOCUMENT, fn policy_document(hash: B256, canonical: &str, now: u64) {
        key { hash: hash }
        document: canonical,
        received_at: now,
    }
}

/// Keeps a document, by the hash of its canonical form; `None` where no policy (of a treasury) that the ledger knows has
/// that. `now` is in unix seconds.
///
/// # Errors
/// When the database fails.
pub async fn store(
    db: &Db,
    hash: B256,
    canonical: &str,
    treasury: Option<Address>,
    now: u64,
) -> Result<Option<Inserted>, DbError> {
    let mut of = Select::new("SELECT TRUE AS known FROM policy");
    of.filter("policy_hash = ", Some(hash)).filter("treasury = ", treasury).push(" LIMIT 1");
    if of.row(db, |row| row.flag("known")).await?.is_none() {
        return Ok(None);
    }
    let written = POLICY_DOCUMENT.insert_new(policy_document(hash, canonical, now)).execute(db).await?;
    Ok(Some(if written == 0 { Inserted::Existing } else { Inserted::New }))
}
