//! Many rows as PostgreSQL's arrays, one for each column: one statement, whatever their number.

use sqlx::{Arguments as _, postgres::PgArguments};

use super::{DbError, Value, value::signed};

/// One column of several rows.
enum Column {
    Numbers(Vec<Option<i64>>),
    Flags(Vec<Option<bool>>),
    Texts(Vec<Option<String>>),
    Bytes(Vec<Option<Vec<u8>>>),
}

impl Column {
    /// For cells of the kind of this one.
    fn like(cell: &Value, rows: usize) -> Self {
        match cell {
            Value::Number(_) => Self::Numbers(Vec::with_capacity(rows)),
            Value::Flag(_) => Self::Flags(Vec::with_capacity(rows)),
            Value::Text(_) => Self::Texts(Vec::with_capacity(rows)),
            Value::Bytes(_) => Self::Bytes(Vec::with_capacity(rows)),
        }
    }

    fn push(&mut self, cell: Value) -> Result<(), DbError> {
        match (self, cell) {
            (Self::Numbers(all), Value::Number(cell)) => all.push(cell.map(signed).transpose()?),
            (Self::Flags(all), Value::Flag(cell)) => all.push(cell),
            (Self::Texts(all), Value::Text(cell)) => all.push(cell),
            (Self::Bytes(all), Value::Bytes(cell)) => all.push(cell),
            (_, cell) => {
                let error = format!("expected a cell of its column's kind, got {cell:?}");
                return Err(sqlx::Error::Encode(error.into()).into());
            }
        }
        Ok(())
    }
}

/// Rows of one table as arguments, an array for each column.
pub(super) fn columns(rows: Vec<Vec<Value>>) -> Result<PgArguments, DbError> {
    let count = rows.len();
    let first = rows.first().map(Vec::as_slice).unwrap_or_default();
    let mut columns: Vec<Column> = first.iter().map(|cell| Column::like(cell, count)).collect();
    for row in rows {
        columns.iter_mut().zip(row).try_for_each(|(column, cell)| column.push(cell))?;
    }
    let mut arguments = PgArguments::default();
    for column in columns {
        match column {
            Column::Numbers(all) => arguments.add(all),
            Column::Flags(all) => arguments.add(all),
            Column::Texts(all) => arguments.add(all),
            Column::Bytes(all) => arguments.add(all),
        }
        .map_err(sqlx::Error::Encode)?;
    }
    Ok(arguments)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::Cell as _;

    #[test]
    fn a_row_becomes_a_place_in_each_column() {
        let rows = vec![vec![1u64.value(), "a".value()], vec![None::<u64>.value(), "b".value()]];
        assert_eq!(columns(rows).map(|arguments| arguments.len()).ok(), Some(2));
        assert_eq!(columns(Vec::new()).map(|arguments| arguments.len()).ok(), Some(0));
    }

    #[test]
    fn a_column_has_cells_of_one_kind_that_the_database_takes() {
        assert!(columns(vec![vec![1u64.value()], vec!["a".value()]]).is_err());
        let large = columns(vec![vec![u64::MAX.value()]]);
        assert!(matches!(large, Err(DbError::TooLarge { got: u64::MAX })));
    }
}
