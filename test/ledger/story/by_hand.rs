//! Somebody else at the same PostgreSQL: an administrator, or another process, with a connection of their own.

use std::time::Duration;

use anyhow::{Context, Result};
use bursar_test_stores::Stores;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

/// A connection to the store that is called `ledger`.
pub async fn connection(stores: &Stores) -> Result<PgConnection> {
    Ok(PgConnection::connect(&stores.url("ledger").await?).await?)
}

pub async fn run(on: &mut PgConnection, sql: impl Into<String>) -> Result<()> {
    sqlx::raw_sql(AssertSqlSafe(sql.into())).execute(on).await?;
    Ok(())
}

/// Waits until somebody waits for a table.
pub async fn somebody_waits(on: &mut PgConnection, table: &str) -> Result<()> {
    let waits = "SELECT COUNT(*) FROM pg_locks WHERE relation = $1::REGCLASS AND NOT granted";
    let waiting = async {
        while sqlx::query_scalar::<_, i64>(waits).bind(table).fetch_one(&mut *on).await? == 0 {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        Ok(())
    };
    tokio::time::timeout(Duration::from_secs(60), waiting).await.context("nobody waits")?
}
