//! What is asked of the database, kept so that its plans can be looked at. Only with the feature `testing`.

use std::{cell::RefCell, collections::BTreeMap};

use super::{Db, DbError, Query};

tokio::task_local! {
    static ASKED: RefCell<BTreeMap<String, Query>>;
}

/// Does something and keeps what it asks: each text once, with the first values that it came with. What tasks ask that
/// it starts is not kept.
pub async fn traced<T>(work: impl Future<Output = T>) -> (T, Vec<Query>) {
    ASKED
        .scope(RefCell::default(), async {
            let done = work.await;
            (done, ASKED.with(RefCell::take).into_values().collect())
        })
        .await
}

pub(super) fn note(query: &Query) {
    // Nobody looks on where there is no such scope.
    let _ = ASKED.try_with(|asked| {
        asked.borrow_mut().entry(query.sql.to_string()).or_insert_with(|| query.clone());
    });
}

impl Query {
    /// Its text.
    pub fn text(&self) -> &str {
        &self.sql
    }

    /// How the database goes about it with these values, a step a line.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn explain(&self, db: &Db) -> Result<Vec<String>, DbError> {
        let (how, column) = match db {
            Db::Sqlite(_) => ("EXPLAIN QUERY PLAN", "detail"),
            Db::Postgres(_) => ("EXPLAIN", "QUERY PLAN"),
        };
        let query = Self::made(format!("{how} {}", self.sql), self.values.clone());
        query.rows(db).await?.iter().map(|row| row.text(column)).collect()
    }
}
