//! How values are spelled on the wire: checksummed addresses, 0x hex, amounts as decimal strings.

use std::{borrow::Cow, fmt, str::FromStr};

use alloy::{
    hex,
    primitives::{Address, B256, Bytes, U256},
};
use bursar_sdk::{amount::Amount, decision::Verdict, refusal::Refusal};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{ObjectBuilder, RefOr, Schema, Type},
};

/// What a text should have been.
#[derive(Debug)]
pub struct Expected(pub Cow<'static, str>);

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "expected {}", self.0)
    }
}

impl From<&'static str> for Expected {
    fn from(text: &'static str) -> Self {
        Self(Cow::Borrowed(text))
    }
}

/// A type that travels as text: how it is called and shaped in the OpenAPI document.
macro_rules! text {
    ($(#[$doc:meta])* $name:ident($inner:ty), $schema:literal, $pattern:literal, $example:literal, $about:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub struct $name(pub $inner);

        impl From<$inner> for $name {
            fn from(inner: $inner) -> Self {
                Self(inner)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
            }
        }

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                ObjectBuilder::new()
                    .schema_type(Type::String)
                    .pattern(Some($pattern))
                    .examples([$example])
                    .description(Some($about))
                    .into()
            }
        }

        impl ToSchema for $name {
            fn name() -> Cow<'static, str> {
                $schema.into()
            }
        }
    };
}

text! {
    /// An address, EIP-55 checksummed on the way out.
    Addr(Address), "Address", "^0x[0-9a-fA-F]{40}$", "0xd8dA6BF26964aF9D7eEd9e03E53415D37aA96045",
    "20 bytes as 0x hex. Checksummed (EIP-55) in answers; taken in lower case, upper case or checksummed."
}
text! {
    /// A hash or other 32 bytes.
    Hash(B256), "Hash", "^0x[0-9a-fA-F]{64}$",
    "0x9c22ff5f21f0b81b113e63f7db6da94fedef11b2119b4088b89664fb9a3cb658", "32 bytes as 0x hex."
}
text! {
    /// Bytes of any length.
    Hex(Bytes), "Hex", "^0x([0-9a-fA-F]{2})*$", "0x00ff", "Bytes as 0x hex."
}
text! {
    /// Money.
    Units(Amount), "Amount", "^[0-9]{1,29}$", "1500000",
    "A whole number of the asset's atomic units, 0 to 2^96 - 1, as a decimal string."
}
text! {
    /// Money summed over many envelopes.
    Sum(U256), "Sum", "^[0-9]{1,78}$", "1500000",
    "A whole number of the asset's atomic units, 0 to 2^256 - 1, as a decimal string."
}
text! {
    /// Why a payment or a session is refused.
    Reason(Refusal), "Refusal", "^[a-z_]+$", "payee_not_listed", "A refusal by its stable name."
}

impl fmt::Display for Addr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.to_checksum(None))
    }
}

impl FromStr for Addr {
    type Err = Expected;

    fn from_str(text: &str) -> Result<Self, Expected> {
        let digits = prefixed(text, 40).ok_or("an address: 0x and 40 hex digits")?;
        let address = Address::from_str(text).map_err(|_| "an address: 0x and 40 hex digits")?;
        let mixed =
            digits.bytes().any(|b| b.is_ascii_lowercase()) && digits.bytes().any(|b| b.is_ascii_uppercase());
        if mixed && address.to_checksum(None) != text {
            let checksummed = address.to_checksum(None);
            return Err(Expected(format!("an address whose checksum holds ({checksummed})").into()));
        }
        Ok(Self(address))
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#x}", self.0)
    }
}

impl FromStr for Hash {
    type Err = Expected;

    fn from_str(text: &str) -> Result<Self, Expected> {
        prefixed(text, 64).ok_or("32 bytes: 0x and 64 hex digits")?;
        B256::from_str(text).map(Self).map_err(|_| "32 bytes: 0x and 64 hex digits".into())
    }
}

impl fmt::Display for Hex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode_prefixed(&self.0))
    }
}

impl FromStr for Hex {
    type Err = Expected;

    fn from_str(text: &str) -> Result<Self, Expected> {
        let expected = "bytes: 0x and an even number of hex digits";
        let digits = text.strip_prefix("0x").ok_or(expected)?;
        hex::decode(digits).map(|bytes| Self(bytes.into())).map_err(|_| expected.into())
    }
}

impl fmt::Display for Units {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for Units {
    type Err = Expected;

    fn from_str(text: &str) -> Result<Self, Expected> {
        text.parse()
            .map(Self)
            .map_err(|_| "an amount in atomic units: a whole number from 0 to 2^96 - 1".into())
    }
}

impl fmt::Display for Sum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for Sum {
    type Err = Expected;

    fn from_str(text: &str) -> Result<Self, Expected> {
        U256::from_str_radix(text, 10).map(Self).map_err(|_| "a whole number from 0 to 2^256 - 1".into())
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for Reason {
    type Err = Expected;

    fn from_str(text: &str) -> Result<Self, Expected> {
        Refusal::from_code(text).map(Self).ok_or_else(|| {
            let codes: Vec<&str> = Refusal::ALL.iter().map(|refusal| refusal.code()).collect();
            Expected(format!("a refusal, one of {}", codes.join(", ")).into())
        })
    }
}

/// To pay, or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = Verdict)]
pub enum VerdictText {
    /// The agent signed.
    Approved,
    /// It did not.
    Denied,
}

impl From<Verdict> for VerdictText {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Approved => Self::Approved,
            Verdict::Denied => Self::Denied,
        }
    }
}

impl From<VerdictText> for Verdict {
    fn from(verdict: VerdictText) -> Self {
        match verdict {
            VerdictText::Approved => Self::Approved,
            VerdictText::Denied => Self::Denied,
        }
    }
}

fn prefixed(text: &str, digits: usize) -> Option<&str> {
    let rest = text.strip_prefix("0x")?;
    (rest.len() == digits && rest.bytes().all(|b| b.is_ascii_hexdigit())).then_some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    const VITALIK: &str = "0xd8dA6BF26964aF9D7eEd9e03E53415D37aA96045";

    #[test]
    fn addresses_come_in_any_case_and_go_out_checksummed() {
        for text in [VITALIK, &VITALIK.to_lowercase(), &VITALIK.to_uppercase().replace("0X", "0x")] {
            assert_eq!(
                text.parse::<Addr>().ok().map(|address| address.to_string()).as_deref(),
                Some(VITALIK)
            );
        }
    }

    #[test]
    fn a_mistyped_checksum_is_named() {
        let mistyped = VITALIK.replace("d8dA", "D8dA");
        let error = mistyped.parse::<Addr>().map_err(|error| error.to_string());
        assert!(error.is_err_and(|text| text.contains(VITALIK)));
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for text in ["", "0x", "d8dA6BF26964aF9D7eEd9e03E53415D37aA96045", "0x12", &format!("{VITALIK}00")] {
            assert!(text.parse::<Addr>().is_err(), "{text:?} was taken");
        }
    }
}
