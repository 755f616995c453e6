//! What a peer's rows come to, whatever it calls its tables.

use anyhow::Result;
use bursar_replay::Tally;
use futures::TryStreamExt as _;
use sqlx::{Connection as _, PgConnection, Row as _};
use url::Url;

/// Counts settlements: `sql` gives `tx_hash` as hex, and `log_index`, `amount` and `block_number` as BIGINT.
pub(crate) async fn came_to(database: &Url, sql: &'static str) -> Result<Tally> {
    let mut connection = PgConnection::connect(database.as_str()).await?;
    let mut rows = sqlx::query(sql).fetch(&mut connection);
    let mut tally = Tally::default();
    while let Some(row) = rows.try_next().await? {
        let number = |column| Ok::<_, anyhow::Error>(u64::try_from(row.try_get::<i64, _>(column)?)?);
        let tx_hash: String = row.try_get("tx_hash")?;
        tally.add(tx_hash.parse()?, number("log_index")?, number("amount")?, number("block_number")?);
    }
    Ok(tally)
}
