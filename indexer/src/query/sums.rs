//! Amounts `p.amount` that the database adds up: the two halves of their digits apart, since no integer of a database holds all of
//! them.

use alloy::primitives::U256;

use crate::db::{DbError, DbRow};

/// The first 14 digits.
macro_rules! high {
    () => {
        "CAST(SUM(CAST(substr(p.amount, 1, 14) AS BIGINT)) AS BIGINT)"
    };
}
pub(super) use high;

/// The other 15.
macro_rules! low {
    () => {
        "CAST(SUM(CAST(substr(p.amount, 15, 15) AS BIGINT)) AS BIGINT)"
    };
}
pub(super) use low;

/// 10^15: the lower half has so many digits.
const HALF: U256 = U256::from_limbs([1_000_000_000_000_000, 0, 0, 0]);

/// What they come to, from the columns of both halves; of none, nothing.
pub(super) fn read(row: &DbRow, [high, low]: [&'static str; 2]) -> Result<U256, DbError> {
    let high: u64 = row.maybe_number(high)?.unwrap_or_default();
    let low: u64 = row.maybe_number(low)?.unwrap_or_default();
    Ok(U256::from(high).saturating_mul(HALF).saturating_add(U256::from(low)))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use bursar_sdk::amount::Amount;
    use bursar_test_stores::Stores;

    use super::*;
    use crate::{Store, query::select::Select};

    async fn sum(store: &Store, amounts: &[Amount]) -> U256 {
        let mut select = Select::new(concat!("SELECT ", high!(), " AS high, ", low!(), " AS low FROM ("));
        for (amount, before) in
            amounts.iter().zip(std::iter::once("SELECT ").chain(std::iter::repeat(" UNION ALL SELECT ")))
        {
            select.push(before).bind(*amount).push(" AS amount");
        }
        if amounts.is_empty() {
            select.push("SELECT '00000000000000000000000000000' AS amount WHERE 1 = 0");
        }
        select.push(") p");
        select.row(store.db(), |row| read(row, ["high", "low"])).await.unwrap().unwrap()
    }

    /// Past what 63 bits hold, past what an amount is, and across the halves.
    #[tokio::test]
    async fn amounts_add_up_to_the_last_digit() -> anyhow::Result<()> {
        for stores in [Stores::sqlite()?, Stores::postgres()?] {
            let store = Store::connect(&stores.url("ledger").await?.parse()?).await?;
            let of = |amount: u128| Amount::try_from(U256::from(amount)).unwrap();
            for amounts in [
                vec![],
                vec![of(1)],
                vec![of(999_999_999_999_999), of(1)],
                vec![of(1_000_000_000_000_000), of(999_999_999_999_999), of(7)],
                vec![Amount::MAX; 3],
            ] {
                let expected: U256 = amounts.iter().map(|amount| amount.to_u256()).sum();
                assert_eq!(sum(&store, &amounts).await, expected, "{amounts:?}");
            }
            store.close().await;
        }
        Ok(())
    }
}
