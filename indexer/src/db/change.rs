//! Rows that are there, as they were and as they are: only what differs is written, so that indexes of the rest are left
//! alone.

use sqlx::AssertSqlSafe;

use super::{
    DbError, Query, Table, Tx, Value,
    bulk::filled,
    columns::columns,
    table::{places, unnumbered},
};

/// Rows as they are, and in which columns one of them is not what it was.
#[derive(Debug, Default)]
pub(crate) struct Changes {
    rows: Vec<Vec<Value>>,
    differs: Vec<bool>,
}

impl Changes {
    /// A row as it was, and as it is.
    pub(crate) fn add(&mut self, was: &[Value], is: Vec<Value>) {
        self.differs.resize(self.differs.len().max(is.len()), false);
        for ((differs, was), is) in self.differs.iter_mut().zip(was).zip(&is) {
            *differs |= was != is;
        }
        self.rows.push(is);
    }
}

impl Table {
    /// Writes what differs in rows that are there. A row keeps its key, and no two of them have the same.
    pub(crate) async fn change_all(&'static self, tx: &mut Tx, changes: Changes) -> Result<(), DbError> {
        let Changes { rows, differs } = changes;
        let key = self.key().len();
        let columns_of = differs.iter().enumerate().skip(key);
        let differing: Vec<usize> = columns_of.filter(|(_, differs)| **differs).map(|(at, _)| at).collect();
        if differing.is_empty() {
            return Ok(());
        }
        let names: Vec<&str> =
            (0..key).chain(differing.iter().copied()).map(|place| self.column(place)).collect();
        let rows: Vec<Vec<Value>> = rows.into_iter().map(|row| cells(row, key, &differing)).collect();
        match tx {
            Tx::Postgres(tx) => {
                let rows_of = format!("SELECT * FROM unnest({})", places(names.len()));
                let sql = self.change("UPDATE", &names, &rows_of);
                sqlx::query_with(AssertSqlSafe(sql), columns(rows)?).execute(&mut **tx).await?;
            }
            tx => {
                // It undoes no part of a statement that fails: all of the transaction is undone then.
                let sql = |rows| {
                    self.change(
                        "UPDATE OR FAIL",
                        &names,
                        &format!("VALUES {}", unnumbered(rows, names.len())),
                    )
                };
                let (one, together) = (sql(1), sql(Self::TOGETHER));
                for some in rows.chunks(Self::TOGETHER) {
                    // Always as many, the last again in the places left over, so that few statements are kept ready.
                    let (sql, count) = if some.len() == 1 { (&one, 1) } else { (&together, Self::TOGETHER) };
                    Query::made(sql.clone(), filled(some, count)).execute(&mut *tx).await?;
                }
            }
        }
        Ok(())
    }

    /// Writes the cells of these columns, the key first among them, where the key is found.
    fn change(&self, update: &str, names: &[&str], rows: &str) -> String {
        let (name, key) = (self.name(), self.key().len());
        let found = names.iter().take(key).map(|column| format!("{name}.{column} = now.{column}"));
        let written = names.iter().skip(key).map(|column| format!("{column} = now.{column}"));
        let (found, written): (Vec<_>, Vec<_>) = (found.collect(), written.collect());
        format!(
            "WITH now ({}) AS ({rows}) {update} {name} SET {} FROM now WHERE {}",
            names.join(", "),
            written.join(", "),
            found.join(" AND ")
        )
    }
}

/// The cells of the key, and of these columns behind it.
fn cells(row: Vec<Value>, key: usize, columns: &[usize]) -> Vec<Value> {
    let cells = row.into_iter().enumerate();
    cells.filter(|(place, _)| *place < key || columns.contains(place)).map(|(_, cell)| cell).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::table;

    table! {
        SEEN, fn seen(id: u64, kind: &str, count: u64, until: Option<u64>) {
            key { id: id }
            kind: kind,
            count: count,
            until: until,
        }
    }

    #[test]
    fn only_what_differs_is_written() {
        let sql = "WITH now (id, count) AS (VALUES (?, ?)) UPDATE seen SET count = now.count FROM now \
                   WHERE seen.id = now.id";
        assert_eq!(SEEN.change("UPDATE", &["id", "count"], "VALUES (?, ?)"), sql);
        let row = seen(7, "a", 2, None);
        assert_eq!(cells(row.clone(), 1, &[2]), [row[0].clone(), row[2].clone()]);
        assert_eq!(cells(row.clone(), 1, &[1, 2, 3]), row);
    }

    #[test]
    fn a_column_differs_where_it_does_in_one_row() {
        let mut changes = Changes::default();
        changes.add(&seen(7, "a", 1, None), seen(7, "a", 2, None));
        assert_eq!(changes.differs, [false, false, true, false]);
        changes.add(&seen(8, "b", 5, Some(1)), seen(8, "b", 5, None));
        assert_eq!(changes.differs, [false, false, true, true]);
        assert_eq!(changes.rows, [seen(7, "a", 2, None), seen(8, "b", 5, None)]);
    }
}
