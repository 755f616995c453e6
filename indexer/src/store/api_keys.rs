//! API keys, as people make and revoke them. Not from the chain: no reorg touches them.

use alloy::primitives::B256;

use super::{Store, StoreError};
use crate::{
    access::Grant,
    db::{DbRow, Query, table},
};

/// A key to the API, as it is kept: its secret is not. Times are in unix seconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKey {
    /// Which one: part of the key, and no secret.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// SHA-256 of its secret.
    pub hash: B256,
    /// What its holder may.
    pub grant: Grant,
    /// Since when there is it.
    pub created_at: u64,
    /// The first second at which it is no longer taken; `None`: it does not run out.
    pub expires_at: Option<u64>,
    /// Since when it is no longer taken.
    pub revoked_at: Option<u64>,
}

impl Store {
    /// Keeps a key under an id that is not taken.
    ///
    /// # Errors
    /// When the id is taken, or the database fails.
    pub async fn add_api_key(&self, key: &ApiKey) -> Result<(), StoreError> {
        API_KEY.insert(api_key(key)).execute(&self.db).await?;
        Ok(())
    }

    /// Every key, the oldest first, those that are no longer taken among them.
    ///
    /// # Errors
    /// When the database fails or holds what does not read.
    pub async fn api_keys(&self) -> Result<Vec<ApiKey>, StoreError> {
        let rows = Query::new("SELECT * FROM api_key ORDER BY created_at, id").rows(&self.db).await?;
        rows.iter().map(read).collect()
    }

    /// The key with that id; `None` where there is none.
    ///
    /// # Errors
    /// When the database fails or holds what does not read.
    pub async fn api_key(&self, id: &str) -> Result<Option<ApiKey>, StoreError> {
        let row = Query::new("SELECT * FROM api_key WHERE id = $1").bind(id).row(&self.db).await?;
        row.as_ref().map(read).transpose()
    }

    /// Has a key no longer taken, from now on and for good; since when, or `None` where there is none. A second time
    /// changes nothing.
    ///
    /// # Errors
    /// When the database fails or holds what does not read.
    pub async fn revoke_api_key(&self, id: &str, now: u64) -> Result<Option<u64>, StoreError> {
        let sql = "UPDATE api_key SET revoked_at = $1 WHERE id = $2 AND revoked_at IS NULL";
        Query::new(sql).bind(now).bind(id).execute(&self.db).await?;
        Ok(self.api_key(id).await?.and_then(|key| key.revoked_at))
    }
}

fn read(row: &DbRow) -> Result<ApiKey, StoreError> {
    let role = row.text("role")?;
    let corrupt = |what: &'static str| move |got: String| StoreError::Corrupt { what, got };
    let role = role.parse().map_err(|_| corrupt("role of a key")(role))?;
    let grant = Grant::new(role, row.maybe_address("treasury")?, row.maybe_address("account")?);
    Ok(ApiKey {
        id: row.text("id")?,
        name: row.text("name")?,
        hash: row.hash("hash")?,
        grant: grant.map_err(|error| corrupt("key's bounds")(error.to_string()))?,
        created_at: row.number("created_at")?,
        expires_at: row.maybe_number("expires_at")?,
        revoked_at: row.maybe_number("revoked_at")?,
    })
}

table! {
    API_KEY, fn api_key(it: &ApiKey) {
        key { id: it.id.as_str() }
        name: it.name.as_str(),
        hash: it.hash,
        role: it.grant.role().code(),
        treasury: it.grant.treasury(),
        account: it.grant.account(),
        created_at: it.created_at,
        expires_at: it.expires_at,
        revoked_at: it.revoked_at,
    }
}
