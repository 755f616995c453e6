//! The lease on following the chain: of several indexers on one store, one works and the others wait until it is over.
//!
//! Nothing depends on it but that no work is done twice: whoever writes checks where the ledger stands, in the transaction
//! that writes. The database's own clock counts, so machines may disagree about the time.

use std::time::Duration;

use alloy::primitives::B256;

use super::{Store, StoreError};
use crate::db::{Db, Query};

const SQLITE: &str = "INSERT INTO lease (name, holder, until) \
                      VALUES ('chain', $1, CAST(unixepoch('subsec') * 1000 AS INTEGER) + $2) \
                      ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, until = excluded.until \
                      WHERE lease.holder = excluded.holder \
                      OR lease.until <= CAST(unixepoch('subsec') * 1000 AS INTEGER)";

const POSTGRES: &str = "INSERT INTO lease (name, holder, until) \
                        VALUES ('chain', $1, (EXTRACT(EPOCH FROM clock_timestamp()) * 1000)::BIGINT + $2) \
                        ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, until = excluded.until \
                        WHERE lease.holder = excluded.holder \
                        OR lease.until <= (EXTRACT(EPOCH FROM clock_timestamp()) * 1000)::BIGINT";

impl Store {
    /// Takes the lease for `holder`, or renews it, from now for so long; `false` where it is somebody else's still.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn take_lease(&self, holder: B256, life: Duration) -> Result<bool, StoreError> {
        let sql = match self.db {
            Db::Sqlite(_) => SQLITE,
            Db::Postgres(_) => POSTGRES,
        };
        let life = u64::try_from(life.as_millis()).unwrap_or(u64::MAX);
        Ok(Query::new(sql).bind(holder).bind(life).execute(&self.db).await? == 1)
    }

    /// Gives the lease back, where it is this holder's: whoever waits need not wait it out.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn give_back_lease(&self, holder: B256) -> Result<(), StoreError> {
        Query::new("DELETE FROM lease WHERE holder = $1").bind(holder).execute(&self.db).await?;
        Ok(())
    }
}
