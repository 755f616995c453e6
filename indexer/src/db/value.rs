//! What goes into a cell, whatever the database: three kinds of value and a flag, each of which may be missing.

use alloy::primitives::{Address, B256, Bytes, U256};
use bursar_sdk::amount::Amount;
use sqlx::{Arguments, Encode, Type};

use super::DbError;

/// The value of one cell. A missing one keeps its kind: PostgreSQL wants to know.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Value {
    /// A whole number of at most 63 bits.
    Number(Option<u64>),
    /// Yes or no.
    Flag(Option<bool>),
    /// Text; amounts, too, see [`Cell`].
    Text(Option<String>),
    /// Addresses, hashes and other bytes.
    Bytes(Option<Vec<u8>>),
}

/// What is kept in a cell.
///
/// Amounts are text of 29 digits, padded with zeros, so that text compares as the numbers do: 2^96 - 1 has 29.
pub trait Cell {
    /// Where there is none.
    const NONE: Value;

    /// As it is kept.
    fn value(self) -> Value;
}

macro_rules! cells {
    ($($kind:ty => $of:ident, |$it:ident| $as:expr;)*) => {
        $(impl Cell for $kind {
            const NONE: Value = Value::$of(None);

            fn value(self) -> Value {
                let $it = self;
                Value::$of(Some($as))
            }
        })*
    };
}

cells! {
    u8 => Number, |it| it.into();
    u16 => Number, |it| it.into();
    u32 => Number, |it| it.into();
    u64 => Number, |it| it;
    bool => Flag, |it| it;
    &str => Text, |it| it.to_owned();
    String => Text, |it| it;
    Amount => Text, |it| digits(it.to_u256());
    U256 => Text, |it| digits(it);
    Address => Bytes, |it| it.to_vec();
    B256 => Bytes, |it| it.to_vec();
    Bytes => Bytes, |it| it.to_vec();
}

impl<T: Cell> Cell for Option<T> {
    const NONE: Value = T::NONE;

    fn value(self) -> Value {
        self.map_or(Self::NONE, Cell::value)
    }
}

impl Cell for Value {
    const NONE: Value = Self::Bytes(None);

    fn value(self) -> Value {
        self
    }
}

fn digits(amount: U256) -> String {
    match (u64::try_from(amount), u128::try_from(amount)) {
        // Dividing by ten is one instruction here, and most of what amounts take.
        (Ok(amount), _) => format!("{amount:029}"),
        (_, Ok(amount)) => format!("{amount:029}"),
        _ => format!("{:0>29}", amount.to_string()),
    }
}

/// The values as a database takes them.
pub(super) fn arguments<A>(values: Vec<Value>) -> Result<A, DbError>
where
    A: Arguments,
    Option<i64>: for<'t> Encode<'t, A::Database> + Type<A::Database>,
    Option<bool>: for<'t> Encode<'t, A::Database> + Type<A::Database>,
    Option<String>: for<'t> Encode<'t, A::Database> + Type<A::Database>,
    Option<Vec<u8>>: for<'t> Encode<'t, A::Database> + Type<A::Database>,
{
    let mut arguments = A::default();
    for value in values {
        match value {
            Value::Number(number) => arguments.add(number.map(signed).transpose()?),
            Value::Flag(flag) => arguments.add(flag),
            Value::Text(text) => arguments.add(text),
            Value::Bytes(bytes) => arguments.add(bytes),
        }
        .map_err(sqlx::Error::Encode)?;
    }
    Ok(arguments)
}

/// Both databases keep numbers with a sign.
pub(super) fn signed(number: u64) -> Result<i64, DbError> {
    i64::try_from(number).map_err(|_| DbError::TooLarge { got: number })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_as_long_as_each_other_whatever_they_are() {
        let kept = |amount: U256| match amount.value() {
            Value::Text(Some(text)) => text,
            other => format!("{other:?}"),
        };
        assert_eq!(kept(U256::ZERO), "0".repeat(29));
        assert_eq!(kept(U256::from(1_234_567_u64)), format!("{}1234567", "0".repeat(22)));
        for amount in [U256::from(u128::MAX), U256::from(u128::MAX) + U256::ONE, U256::MAX] {
            assert_eq!(kept(amount), amount.to_string());
        }
    }
}
