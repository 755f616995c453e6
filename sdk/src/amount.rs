//! Money, as what it is: an integer of an asset's atomic units.

use std::{fmt, str::FromStr};

use alloy::primitives::{U256, aliases::U96};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// An amount in the asset's atomic units (for USDC: millionths of a dollar).
///
/// At most 2^96 - 1, the width in which a treasury keeps its ledger. Serialises as a decimal string, since
/// JSON numbers lose digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Amount(U96);

/// A number that is no amount.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected an amount in atomic units, a whole number from 0 to 2^96 - 1, got {got:?}")]
pub struct AmountError {
    /// What came instead.
    pub got: String,
}

impl Amount {
    /// Nothing.
    pub const ZERO: Self = Self(U96::ZERO);
    /// The most there can be: 2^96 - 1.
    pub const MAX: Self = Self(U96::MAX);

    /// An amount of that many atomic units.
    pub fn new(units: u64) -> Self {
        Self(U96::from(units))
    }

    /// As the contracts take it in packed fields.
    pub fn to_u96(self) -> U96 {
        self.0
    }

    /// As integer arithmetic takes it.
    pub fn to_u128(self) -> u128 {
        self.0.to()
    }

    /// As EIP-20 and EIP-3009 take it.
    pub fn to_u256(self) -> U256 {
        self.0.to()
    }

    /// The sum, or `None` beyond 2^96 - 1.
    pub fn checked_add(self, other: Self) -> Option<Self> {
        self.0.checked_add(other.0).map(Self)
    }

    /// The difference, or `None` below zero.
    pub fn checked_sub(self, other: Self) -> Option<Self> {
        self.0.checked_sub(other.0).map(Self)
    }

    /// The difference, or zero.
    pub fn saturating_sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }

    /// Whether this is nothing.
    pub fn is_zero(self) -> bool {
        self.0.is_zero()
    }
}

impl TryFrom<U256> for Amount {
    type Error = AmountError;

    fn try_from(value: U256) -> Result<Self, AmountError> {
        U96::checked_from_limbs_slice(value.as_limbs())
            .map(Self)
            .ok_or_else(|| AmountError { got: value.to_string() })
    }
}

impl From<U96> for Amount {
    fn from(value: U96) -> Self {
        Self(value)
    }
}

impl FromStr for Amount {
    type Err = AmountError;

    fn from_str(text: &str) -> Result<Self, AmountError> {
        let error = || AmountError { got: text.chars().take(80).collect() };
        if text.is_empty() || !text.bytes().all(|b| b.is_ascii_digit()) {
            return Err(error());
        }
        U96::from_str_radix(text, 10).map(Self).map_err(|_| error())
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Serialize for Amount {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holds_up_to_96_bits_and_no_more() {
        let max = (U256::from(1) << 96) - U256::from(1);
        assert_eq!(Amount::try_from(max).map(|a| a.to_u256()), Ok(max));
        assert!(Amount::try_from(max + U256::from(1)).is_err());
        assert!("79228162514264337593543950336".parse::<Amount>().is_err());
    }

    #[test]
    fn sums_and_differences_stay_within_bounds() {
        let [zero, two, five] = [0, 2, 5].map(Amount::new);
        assert_eq!((five.checked_sub(two), two.checked_sub(five)), (Some(Amount::new(3)), None));
        assert_eq!((five.saturating_sub(two), two.saturating_sub(five)), (Amount::new(3), zero));
        assert_eq!(five.checked_sub(five), Some(zero));
        let most = Amount::from(U96::MAX);
        assert_eq!((two.checked_add(five), most.checked_add(zero)), (Some(Amount::new(7)), Some(most)));
        assert_eq!(most.checked_add(Amount::new(1)), None);
        assert_eq!((zero.is_zero(), two.is_zero()), (true, false));
    }

    #[test]
    fn refuses_what_is_no_whole_number() {
        for bad in ["", "-1", "+1", "1.0", "0x10", "1e6", " 1", "１"] {
            assert!(bad.parse::<Amount>().is_err(), "{bad:?} was taken");
        }
    }

    #[test]
    fn travels_as_a_string() {
        assert_eq!(serde_json::to_string(&Amount::new(5)).ok().as_deref(), Some("\"5\""));
        assert_eq!(serde_json::from_str::<Amount>("\"5\"").ok(), Some(Amount::new(5)));
        assert_eq!(Amount::new(5).to_string(), "5");
        assert!(serde_json::from_str::<Amount>("5").is_err());
    }
}
