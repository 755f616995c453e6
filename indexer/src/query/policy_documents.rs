//! The documents that policies are hashes of. Whoever hands one in, it is the one: its hash stands on the chain.

use alloy::primitives::B256;

use crate::{
    Inserted,
    db::{Db, DbError, Query, table},
};

table! {
    POLICY_DOCUMENT, fn policy_document(hash: B256, canonical: &str, now: u64) {
        key { hash: hash }
        document: canonical,
        received_at: now,
    }
}

/// Keeps a document, by the hash of its canonical form; `None` where no policy that the ledger knows has that. `now` is in
/// unix seconds.
///
/// # Errors
/// When the database fails.
pub async fn store(db: &Db, hash: B256, canonical: &str, now: u64) -> Result<Option<Inserted>, DbError> {
    let of = Query::new("SELECT 1 AS one FROM policy WHERE policy_hash = $1 LIMIT 1").bind(hash);
    if of.row(db).await?.is_none() {
        return Ok(None);
    }
    let written = POLICY_DOCUMENT.insert_new(policy_document(hash, canonical, now)).execute(db).await?;
    Ok(Some(if written == 0 { Inserted::Existing } else { Inserted::New }))
}
