//! Tables as they are written: their columns beside the values that go there, once, and the SQL made from it.

use std::{borrow::Cow, sync::OnceLock};

use super::{Cell, Query, Value};

/// A table. Its key comes first among its columns.
#[derive(Debug)]
pub(crate) struct Table {
    name: &'static str,
    key: &'static [&'static str],
    columns: &'static [&'static str],
    /// The SQL of each verb, made when it is first used.
    made: [OnceLock<String>; 10],
}

/// Describes a table: a `static`, and a function of the table's name that gives a row's values.
macro_rules! table {
    ($(#[$doc:meta])* $table:ident, fn $row:ident($($arg:ident: $kind:ty),* $(,)?) {
        key { $($key:ident: $part:expr),* $(,)? } $($column:ident: $cell:expr),* $(,)?
    }) => {
        $(#[$doc])*
        pub(crate) static $table: $crate::db::Table = $crate::db::Table::new(
            stringify!($row),
            &[$(stringify!($key)),*],
            &[$(stringify!($key),)* $(stringify!($column)),*],
        );

        pub(crate) fn $row($($arg: $kind),*) -> Vec<$crate::db::Value> {
            use $crate::db::Cell as _;
            vec![$($part.value(),)* $($cell.value()),*]
        }
    };
}

pub(crate) use table;

/// What is done to a table.
#[derive(Debug, Clone, Copy)]
pub(super) enum Verb {
    Insert,
    InsertNew,
    Put,
    Find,
    Delete,
    InsertTogether,
    PutTogether,
    Stream,
    InsertColumns,
    PutColumns,
}

impl Table {
    /// How many rows one statement writes that writes several.
    pub(super) const TOGETHER: usize = 32;

    pub(crate) const fn new(
        name: &'static str,
        key: &'static [&'static str],
        columns: &'static [&'static str],
    ) -> Self {
        Self { name, key, columns, made: [const { OnceLock::new() }; 10] }
    }

    /// Adds a row that is not there yet.
    pub(crate) fn insert(&'static self, row: Vec<Value>) -> Query {
        self.query(Verb::Insert, row)
    }

    /// Adds a row, unless there is one with its key.
    pub(crate) fn insert_new(&'static self, row: Vec<Value>) -> Query {
        self.query(Verb::InsertNew, row)
    }

    /// Adds a row, or writes it over the one with its key.
    pub(crate) fn put(&'static self, row: Vec<Value>) -> Query {
        self.query(Verb::Put, row)
    }

    /// Reads what has that key.
    pub(crate) fn find(&'static self, key: Vec<Value>) -> Query {
        self.query(Verb::Find, key)
    }

    /// Deletes what has that key.
    pub(crate) fn delete(&'static self, key: Vec<Value>) -> Query {
        self.query(Verb::Delete, key)
    }

    /// Deletes what came after a block.
    pub(crate) fn delete_after(&self, block: u64) -> Query {
        let column = if self.columns.contains(&"block_number") { "block_number" } else { "number" };
        Query::made(format!("DELETE FROM {} WHERE {column} > $1", self.name), vec![block.value()])
    }

    /// Deletes every row.
    pub(crate) fn clear(&self) -> Query {
        Query::made(format!("DELETE FROM {}", self.name), Vec::new())
    }

    pub(super) fn query(&'static self, verb: Verb, values: Vec<Value>) -> Query {
        Query::made(self.text(verb), values)
    }

    pub(super) fn text(&'static self, verb: Verb) -> &'static str {
        self.made[verb as usize].get_or_init(|| self.sql(verb))
    }

    pub(super) fn name(&self) -> &'static str {
        self.name
    }

    /// The columns of its key.
    pub(crate) fn key(&self) -> &'static [&'static str] {
        self.key
    }

    pub(super) fn column(&self, place: usize) -> &'static str {
        self.columns.get(place).copied().unwrap_or_default()
    }

    pub(super) fn columns(&self) -> &'static [&'static str] {
        self.columns
    }

    pub(super) fn width(&self) -> usize {
        self.columns.len()
    }

    fn sql(&self, verb: Verb) -> String {
        let values = match verb {
            Verb::InsertColumns | Verb::PutColumns => {
                format!("SELECT * FROM unnest({})", places(self.width()))
            }
            Verb::InsertTogether | Verb::PutTogether => self.values(Self::TOGETHER),
            _ => format!("VALUES ({})", places(self.width())),
        };
        self.sql_of(verb, &values)
    }

    /// The SQL that writes so many rows.
    pub(super) fn together(&'static self, verb: Verb, rows: usize) -> Cow<'static, str> {
        match rows {
            Self::TOGETHER => self.text(verb).into(),
            rows => self.sql_of(verb, &self.values(rows)).into(),
        }
    }

    fn values(&self, rows: usize) -> String {
        format!("VALUES {}", unnumbered(rows, self.width()))
    }

    /// The SQL of a verb, for rows that are spelled like that.
    fn sql_of(&self, verb: Verb, values: &str) -> String {
        let (name, columns) = (self.name, self.columns.join(", "));
        let key = self.key.iter().zip(1..).map(|(column, n)| format!("{column} = ${n}"));
        let key = key.collect::<Vec<_>>().join(" AND ");
        let insert = format!("INSERT INTO {name} ({columns}) {values}");
        let conflict = format!("{insert} ON CONFLICT ({}) DO", self.key.join(", "));
        let rest = self.columns.iter().filter(|column| !self.key.contains(column));
        let rest: Vec<String> = rest.map(|column| format!("{column} = excluded.{column}")).collect();
        match verb {
            Verb::Insert | Verb::InsertColumns => insert,
            // SQLite undoes no part of the statement where it fails: all of the transaction is undone then.
            Verb::InsertTogether => insert.replacen("INSERT", "INSERT OR FAIL", 1),
            Verb::Put | Verb::PutTogether | Verb::PutColumns if !rest.is_empty() => {
                format!("{conflict} UPDATE SET {}", rest.join(", "))
            }
            Verb::InsertNew | Verb::Put | Verb::PutTogether | Verb::PutColumns => {
                format!("{conflict} NOTHING")
            }
            Verb::Find => format!("SELECT {columns} FROM {name} WHERE {key}"),
            Verb::Delete => format!("DELETE FROM {name} WHERE {key}"),
            Verb::Stream => format!("COPY {name} ({columns}) FROM STDIN WITH (FORMAT binary)"),
        }
    }
}

/// `$1, $2` and so on.
pub(super) fn places(count: usize) -> String {
    (1..=count).map(|n| format!("${n}")).collect::<Vec<_>>().join(", ")
}

/// Rows of places without numbers: SQLite looks a number up among all of a statement's, each time it is bound.
pub(super) fn unnumbered(count: usize, width: usize) -> String {
    vec![format!("({})", vec!["?"; width].join(", ")); count].join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    table! {
        ROLE, fn role(account: &str, role: u8) { key { account: account, role: role } }
    }

    table! {
        PURSE, fn purse(address: &str, open: bool) { key { address: address } open: open }
    }

    #[test]
    fn several_rows_are_written_as_one_is() {
        let sql = PURSE.sql(Verb::PutTogether);
        assert!(sql.starts_with("INSERT INTO purse (address, open) VALUES (?, ?), (?, ?), "), "{sql}");
        assert!(sql.ends_with("(?, ?) ON CONFLICT (address) DO UPDATE SET open = excluded.open"), "{sql}");
        let sql = "INSERT INTO purse (address, open) SELECT * FROM unnest($1, $2) \
                   ON CONFLICT (address) DO UPDATE SET open = excluded.open";
        assert_eq!(PURSE.sql(Verb::PutColumns), sql);
        let sql = "INSERT OR FAIL INTO purse (address, open) VALUES (?, ?), (?, ?)";
        assert_eq!(PURSE.together(Verb::InsertTogether, 2), sql);
        assert_eq!(PURSE.together(Verb::PutTogether, Table::TOGETHER), PURSE.sql(Verb::PutTogether));
        assert_eq!(PURSE.sql(Verb::Stream), "COPY purse (address, open) FROM STDIN WITH (FORMAT binary)");
    }

    #[test]
    fn writing_over_changes_all_but_the_key() {
        let sql = "INSERT INTO purse (address, open) VALUES ($1, $2) \
                   ON CONFLICT (address) DO UPDATE SET open = excluded.open";
        assert_eq!(PURSE.sql(Verb::Put), sql);
        assert_eq!(purse("a", true), ["a".value(), true.value()]);
        let sql = "INSERT INTO role (account, role) VALUES ($1, $2) ON CONFLICT (account, role) DO NOTHING";
        assert_eq!(ROLE.sql(Verb::Put), sql, "there is nothing but the key");
        assert_eq!(role("a", 8), ["a".value(), 8u8.value()]);
        assert_eq!(ROLE.sql(Verb::Delete), "DELETE FROM role WHERE account = $1 AND role = $2");
    }
}
