//! Stores that tests work on, in SQLite and in PostgreSQL: each test has its own, and nothing of them stays.
//!
//! PostgreSQL is where `DATABASE_URL` says, or else a cluster of this process. Where there is neither, tests fail:
//! half of them passing would look like all of them.

mod binaries;
mod cluster;

pub use cluster::Cluster;

use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Context, Result};
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use tempfile::TempDir;
use url::Url;

/// Makes two tests of each story, which takes [`Stores`]: `sqlite::STORY` and `postgres::STORY`.
#[macro_export]
macro_rules! on_both_stores {
    ($($story:ident),+ $(,)?) => {
        mod sqlite {
            $(#[tokio::test]
            async fn $story() -> anyhow::Result<()> {
                super::$story($crate::Stores::sqlite()?).await
            })+
        }

        mod postgres {
            $(#[tokio::test]
            async fn $story() -> anyhow::Result<()> {
                super::$story($crate::Stores::postgres()?).await
            })+
        }
    };
}

/// The stores of one test. They go away with it.
#[derive(Debug)]
pub struct Stores {
    place: Place,
    others: AtomicU32,
}

#[derive(Debug)]
enum Place {
    Directory(TempDir),
    /// Schemas whose names begin like that, in a database that may be somebody's.
    Server {
        url: Url,
        prefix: String,
        temporary: bool,
    },
}

static TESTS: AtomicU32 = AtomicU32::new(0);

impl Stores {
    /// In files.
    ///
    /// # Errors
    /// When no directory can be made.
    pub fn sqlite() -> Result<Self> {
        Ok(Self { place: Place::Directory(tempfile::tempdir()?), others: AtomicU32::new(0) })
    }

    /// In PostgreSQL.
    ///
    /// # Errors
    /// When there is none, or `DATABASE_URL` does not read.
    pub fn postgres() -> Result<Self> {
        let (url, temporary) = match std::env::var("DATABASE_URL") {
            Ok(url) => (Url::parse(&url).context("DATABASE_URL does not read")?, false),
            Err(_) => (cluster::url()?, true),
        };
        let prefix = format!("test_{}_{}", std::process::id(), TESTS.fetch_add(1, Ordering::Relaxed));
        Ok(Self { place: Place::Server { url, prefix, temporary }, others: AtomicU32::new(0) })
    }

    /// Where the store of that name is: as `bursar_indexer::StoreUrl` reads it. The same name is the same store.
    ///
    /// # Errors
    /// When the server does not do as asked.
    pub async fn url(&self, name: &str) -> Result<String> {
        match &self.place {
            Place::Directory(directory) => {
                Ok(format!("sqlite:{}", directory.path().join(name).with_extension("sqlite").display()))
            }
            Place::Server { url, prefix, .. } => {
                let schema = format!("{prefix}_{name}");
                run(url, format!("CREATE SCHEMA IF NOT EXISTS \"{schema}\"")).await?;
                let mut url = url.clone();
                url.query_pairs_mut().append_pair("options[search_path]", &schema);
                Ok(url.into())
            }
        }
    }

    /// Where there is a store that nobody has used yet.
    ///
    /// # Errors
    /// When the server does not do as asked.
    pub async fn another(&self) -> Result<String> {
        self.url(&format!("other{}", self.others.fetch_add(1, Ordering::Relaxed))).await
    }
}

impl Drop for Stores {
    fn drop(&mut self) {
        // A cluster of our own goes as a whole.
        let Place::Server { url, prefix, temporary: false } = &self.place else { return };
        let (url, prefix) = (url.clone(), prefix.clone());
        // A test's own runtime cannot wait while it is being left.
        let dropped = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(drop_schemas(&url, &prefix))
        });
        match dropped.join() {
            Ok(Ok(())) => {}
            failed => eprintln!("schemas of a test stay in DATABASE_URL: {failed:?}"),
        }
    }
}

async fn drop_schemas(url: &Url, prefix: &str) -> Result<()> {
    // A connection that a failed test left in a transaction is not waited for.
    let sql = format!(
        "SET lock_timeout = '5s'; DO $$ DECLARE name TEXT; BEGIN \
         FOR name IN SELECT nspname FROM pg_namespace WHERE starts_with(nspname, '{prefix}_') LOOP \
         EXECUTE format('DROP SCHEMA %I CASCADE', name); END LOOP; END $$"
    );
    run(url, sql).await
}

async fn run(url: &Url, sql: String) -> Result<()> {
    let mut connection = PgConnection::connect(url.as_str()).await.context("connecting to PostgreSQL")?;
    // The text is made of this crate's own names.
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await?;
    Ok(connection.close().await?)
}
