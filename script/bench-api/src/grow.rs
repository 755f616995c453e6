//! More payments than anybody wants to wait for: copies of those there are, at other log indexes of the same blocks, in
//! other transactions and under other nonces. Indexes are made anew afterwards: that gives the same ones, sooner.

use anyhow::{Context as _, Result, ensure};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, Row as _, SqliteConnection};

/// How far apart the log indexes of copies are: further than those of one block.
const APART: u64 = 100_000;
/// Most copies of each payment: one byte tells them apart.
const MOST: u64 = 255;

/// How many payments there are.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Grown {
    pub(crate) payments: u64,
    pub(crate) indexed: u64,
}

/// A connection that does as it is told.
enum On {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

const PAYMENTS: &str = "SELECT count(*) FROM payment";

/// Whether a server keeps the ledger; a file does otherwise.
pub(crate) fn is_postgres(url: &str) -> bool {
    url.starts_with("postgres")
}

/// How many payments a ledger has.
pub(crate) async fn count(url: &str) -> Result<u64> {
    let mut on = On::connect(url).await?;
    let payments = on.count(PAYMENTS).await?;
    on.close().await?;
    Ok(payments)
}

/// Copies payments until there are about so many, settlements of others as often, and puts in beside them what the replayed chain
/// has none of: groups, stops, lists of payees and requests for approval.
pub(crate) async fn grow(url: &str, payments: u64) -> Result<Grown> {
    let mut on = On::connect(url).await?;
    let indexed = on.count(PAYMENTS).await?;
    let copies = (payments / indexed.max(1)).saturating_sub(1);
    ensure!(copies <= MOST, "expected at most {MOST} copies of {indexed} payments, got {copies}");
    on.run(on.settings()).await?;
    let indexes = on.indexes().await?;
    for (name, _) in &indexes {
        on.run(&format!("DROP INDEX {name}")).await?;
    }
    on.run(&on.copies(copies)).await?;
    on.run(&on.copy("payment", &["tx_hash", "decision_hash"], COLUMNS)).await?;
    for (name, sql) in &indexes {
        eprintln!("  index {name}");
        on.run(sql).await?;
    }
    // These are fewer: their indexes stay.
    on.run(&on.copy("settlement", &["tx_hash"], OF_OTHERS)).await?;
    on.run("DROP TABLE copy").await?;
    on.run(&format!("UPDATE envelope SET payments = payments * {0}", copies + 1)).await?;
    on.run(&format!("UPDATE session SET payments = payments * {0}", copies + 1)).await?;
    for sql in BESIDE.iter().chain(THEN) {
        on.run(sql).await.with_context(|| (*sql).to_owned())?;
    }
    on.run(on.settle()).await?;
    let payments = on.count(PAYMENTS).await?;
    on.close().await?;
    Ok(Grown { payments, indexed })
}

/// What copies have as the original has it.
const COLUMNS: &str = "block_number, block_hash, timestamp, treasury, envelope, agent, purse, session, policy_version, asset, payee, \
                       amount, approver, facilitator, rail, standing";

/// The same of settlements.
const OF_OTHERS: &str = "block_number, block_hash, timestamp, payer, asset, payee, amount, rail, facilitator";

/// What stands beside payments.
const BESIDE: &[&str] = &[
    "INSERT INTO unexplained (block_number, log_index, treasury, envelope) \
     SELECT block_number, log_index, treasury, envelope FROM payment WHERE log_index >= 100000",
    "INSERT INTO envelope_group (treasury, number, parent, asset, frozen, epoch, created_block) \
     SELECT treasury, 1, 0, asset, (1 = 0), 0, min(created_block) FROM envelope GROUP BY treasury, asset",
    "UPDATE envelope SET group_number = 1 WHERE number > 25",
    "INSERT INTO payee (treasury, list, payee) SELECT t.address, 1, p.payee FROM treasury t CROSS JOIN \
     (SELECT DISTINCT payee FROM (SELECT payee FROM payment ORDER BY block_number, log_index LIMIT 5000) q) p",
    "INSERT INTO stop (block_number, log_index, tx_hash, timestamp, treasury, envelope, level, stopped, by) \
     SELECT block_number, log_index, tx_hash, timestamp, treasury, envelope, 'envelope', \
     (log_index % 2 = 0), facilitator FROM payment WHERE block_number % 50 = 0 AND log_index < 100000 \
     ORDER BY block_number, log_index LIMIT 20000",
    "INSERT INTO approval_request (digest, treasury, purse, payee, amount, valid_after, valid_before, nonce, \
     decision_hash, requested_at, agent, answer, answered_by, answered_at, signature) SELECT p.tx_hash, p.treasury, \
     p.purse, p.payee, p.amount, 0, CASE WHEN p.block_number % 200 = 1 THEN 4000000000 ELSE p.timestamp + 600 END, \
     p.nonce, p.decision_hash, p.timestamp, p.agent, CASE WHEN p.block_number % 200 = 1 THEN NULL ELSE 'eoa' END, \
     CASE WHEN p.block_number % 200 = 1 THEN NULL ELSE p.facilitator END, \
     CASE WHEN p.block_number % 200 = 1 THEN NULL ELSE p.timestamp + 60 END, \
     CASE WHEN p.block_number % 200 = 1 THEN NULL ELSE p.tx_hash END \
     FROM payment p JOIN (SELECT tx_hash, min(log_index) AS first FROM payment WHERE log_index < 100000 \
     AND block_number % 20 = 1 GROUP BY tx_hash ORDER BY tx_hash LIMIT 10000) o \
     ON o.tx_hash = p.tx_hash AND o.first = p.log_index",
];

/// How rows stood, as an indexer of such a chain keeps it (`ledger/then.rs`): what had been paid after each block that has payments,
/// and of that what has passed a multiple of 64. Amounts are small here.
const THEN: &[&str] = &[
    "UPDATE envelope_then SET group_number = 1 WHERE number > 25",
    "INSERT INTO payee_then (treasury, list, payee, block_number, listed) SELECT p.treasury, p.list, p.payee, t.created_block, (1 = 1) \
     FROM payee p JOIN treasury t ON t.address = p.treasury WHERE NOT EXISTS (SELECT 1 FROM payee_then o \
     WHERE o.treasury = p.treasury AND o.list = p.list AND o.payee = p.payee)",
    "CREATE TABLE had_paid AS SELECT treasury, envelope, block_number, payments AS here, \
     CAST(SUM(payments) OVER w AS BIGINT) AS payments, CAST(SUM(amount) OVER w AS BIGINT) AS amount FROM \
     (SELECT treasury, envelope, block_number, COUNT(*) AS payments, CAST(SUM(CAST(amount AS BIGINT)) AS BIGINT) AS amount FROM payment \
     GROUP BY treasury, envelope, block_number) p WINDOW w AS (PARTITION BY treasury, envelope ORDER BY block_number)",
    "CREATE INDEX had_paid_by_block ON had_paid (treasury, envelope, block_number)",
    "UPDATE envelope_then SET payments = COALESCE((SELECT c.payments FROM had_paid c WHERE c.treasury = envelope_then.treasury \
     AND c.envelope = envelope_then.number AND c.block_number <= envelope_then.block_number ORDER BY c.block_number DESC LIMIT 1), 0), \
     paid = COALESCE((SELECT substr('00000000000000000000000000000' || CAST(c.amount AS TEXT), length(CAST(c.amount AS TEXT)) + 1) \
     FROM had_paid c WHERE c.treasury = envelope_then.treasury AND c.envelope = envelope_then.number \
     AND c.block_number <= envelope_then.block_number ORDER BY c.block_number DESC LIMIT 1), '00000000000000000000000000000')",
    "INSERT INTO envelope_then (treasury, number, block_number, agent, group_number, permit2, frozen, under_review, policy_version, \
     score_life, score, scored_at, funded, withdrawn, drawn, returned, donated, paid, payments) SELECT v.treasury, v.number, \
     c.block_number, v.agent, v.group_number, v.permit2, v.frozen, v.under_review, v.policy_version, v.score_life, v.score, \
     v.scored_at, v.funded, v.withdrawn, v.drawn, v.returned, v.donated, \
     substr('00000000000000000000000000000' || CAST(c.amount AS TEXT), length(CAST(c.amount AS TEXT)) + 1), c.payments \
     FROM had_paid c JOIN envelope_then v ON v.treasury = c.treasury AND v.number = c.envelope AND v.block_number = \
     (SELECT MAX(w.block_number) FROM envelope_then w WHERE w.treasury = c.treasury AND w.number = c.envelope \
     AND w.block_number <= c.block_number) WHERE c.payments / 64 <> (c.payments - c.here) / 64 AND v.block_number < c.block_number",
    "DROP TABLE had_paid",
    "CREATE TABLE had_paid AS SELECT session, block_number, payments AS here, \
     CAST(SUM(payments) OVER w AS BIGINT) AS payments, CAST(SUM(amount) OVER w AS BIGINT) AS amount FROM \
     (SELECT session, block_number, COUNT(*) AS payments, CAST(SUM(CAST(amount AS BIGINT)) AS BIGINT) AS amount FROM payment \
     GROUP BY session, block_number) p WINDOW w AS (PARTITION BY session ORDER BY block_number)",
    "CREATE INDEX had_paid_by_block ON had_paid (session, block_number)",
    "UPDATE session_then SET payments = COALESCE((SELECT c.payments FROM session s JOIN had_paid c ON c.session = s.id \
     WHERE s.purse = session_then.purse AND s.sequence = session_then.sequence AND c.block_number <= session_then.block_number \
     ORDER BY c.block_number DESC LIMIT 1), 0), paid = COALESCE((SELECT \
     substr('00000000000000000000000000000' || CAST(c.amount AS TEXT), length(CAST(c.amount AS TEXT)) + 1) \
     FROM session s JOIN had_paid c ON c.session = s.id WHERE s.purse = session_then.purse AND s.sequence = session_then.sequence \
     AND c.block_number <= session_then.block_number ORDER BY c.block_number DESC LIMIT 1), '00000000000000000000000000000')",
    "INSERT INTO session_then (purse, sequence, block_number, frozen, closed, paid, payments) SELECT v.purse, v.sequence, \
     c.block_number, v.frozen, v.closed, \
     substr('00000000000000000000000000000' || CAST(c.amount AS TEXT), length(CAST(c.amount AS TEXT)) + 1), c.payments \
     FROM had_paid c JOIN session s ON s.id = c.session JOIN session_then v ON v.purse = s.purse AND v.sequence = s.sequence \
     AND v.block_number = (SELECT MAX(w.block_number) FROM session_then w WHERE w.purse = s.purse AND w.sequence = s.sequence \
     AND w.block_number <= c.block_number) WHERE c.payments / 64 <> (c.payments - c.here) / 64 AND v.block_number < c.block_number",
    "DROP TABLE had_paid",
];

impl On {
    async fn connect(url: &str) -> Result<Self> {
        Ok(if is_postgres(url) {
            Self::Postgres(PgConnection::connect(url).await?)
        } else {
            Self::Sqlite(
                SqliteConnection::connect(&format!("sqlite:{}", url.trim_start_matches("sqlite:"))).await?,
            )
        })
    }

    async fn run(&mut self, sql: &str) -> Result<()> {
        let sql = sqlx::raw_sql(AssertSqlSafe(sql.to_owned()));
        match self {
            Self::Sqlite(on) => sql.execute(on).await.map(|_| ())?,
            Self::Postgres(on) => sql.execute(on).await.map(|_| ())?,
        }
        Ok(())
    }

    async fn count(&mut self, sql: &'static str) -> Result<u64> {
        let count: i64 = match self {
            Self::Sqlite(on) => sqlx::query(sql).fetch_one(on).await?.try_get(0)?,
            Self::Postgres(on) => sqlx::query(sql).fetch_one(on).await?.try_get(0)?,
        };
        Ok(count.try_into()?)
    }

    /// The indexes of payments, by name, and how they are made.
    async fn indexes(&mut self) -> Result<Vec<(String, String)>> {
        let mut found = Vec::new();
        match self {
            Self::Sqlite(on) => {
                let sql = "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND tbl_name = 'payment' \
                           AND sql IS NOT NULL";
                for row in sqlx::query(sql).fetch_all(on).await? {
                    found.push((row.try_get(0)?, row.try_get(1)?));
                }
            }
            Self::Postgres(on) => {
                let sql = "SELECT indexname::TEXT, indexdef FROM pg_indexes WHERE tablename = 'payment' \
                           AND indexname <> 'payment_pkey'";
                for row in sqlx::query(sql).fetch_all(on).await? {
                    found.push((row.try_get(0)?, row.try_get(1)?));
                }
            }
        }
        Ok(found)
    }

    fn settings(&self) -> &'static str {
        match self {
            // Without a log to write beside the file; whoever opens it next turns that on again.
            Self::Sqlite(_) => {
                "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -2000000; \
                 PRAGMA temp_store = FILE"
            }
            Self::Postgres(_) => "SELECT 1",
        }
    }

    /// Nothing is left to be done by who reads first.
    fn settle(&self) -> &'static str {
        match self {
            Self::Sqlite(_) => "PRAGMA journal_mode = WAL",
            Self::Postgres(_) => "VACUUM ANALYZE",
        }
    }

    /// How often something is copied, and the byte that tells each copy apart.
    fn copies(&self, copies: u64) -> String {
        let (start, end) = match self {
            Self::Sqlite(_) => ("x'", "'"),
            Self::Postgres(_) => ("'\\x", "'::BYTEA"),
        };
        let rows: Vec<String> = (1..=copies).map(|n| format!("({n}, {start}{n:02x}{end})")).collect();
        let rows = if rows.is_empty() {
            String::new()
        } else {
            format!("INSERT INTO copy VALUES {}", rows.join(", "))
        };
        format!("CREATE TABLE copy (n BIGINT, byte {}); {rows}", self.bytes())
    }

    /// Copies of a row stand near to it: they come almost in the table's order. These hashes are the copy's own, as its place and its
    /// nonce are; these columns are the same.
    fn copy(&self, table: &str, hashes: &[&str], columns: &str) -> String {
        let kind = self.bytes();
        let own: Vec<String> =
            hashes.iter().map(|hash| format!("CAST(c.byte || substr(o.{hash}, 2) AS {kind})")).collect();
        // The last bytes of a nonce are zero, whoever made it.
        format!(
            "CREATE TABLE original AS SELECT * FROM {table} ORDER BY block_number, log_index; \
             INSERT INTO {table} (log_index, transfer_log_index, nonce, {}, {columns}) \
             SELECT o.log_index + c.n * {APART}, o.transfer_log_index + c.n * {APART}, \
             CAST(substr(o.nonce, 1, 31) || c.byte AS {kind}), {}, {columns} FROM original o CROSS JOIN copy c; \
             DROP TABLE original",
            hashes.join(", "),
            own.join(", ")
        )
    }

    fn bytes(&self) -> &'static str {
        match self {
            Self::Sqlite(_) => "BLOB",
            Self::Postgres(_) => "BYTEA",
        }
    }

    async fn close(self) -> Result<()> {
        match self {
            Self::Sqlite(on) => on.close().await?,
            Self::Postgres(on) => on.close().await?,
        }
        Ok(())
    }
}
