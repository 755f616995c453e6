//! Reading and writing fixed-width fields. Nothing here trusts a length it was told.

use alloy::primitives::{Address, B256, aliases::U96};

use crate::amount::Amount;

/// What a reader ran into: the field it was after, in words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected {expected}")]
pub struct Malformed {
    /// What should have been there.
    pub expected: &'static str,
}

pub(crate) fn malformed<T>(expected: &'static str) -> Result<T, Malformed> {
    Err(Malformed { expected })
}

/// Takes fields off the front of some bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(crate) fn bytes(&mut self, length: usize, expected: &'static str) -> Result<&'a [u8], Malformed> {
        let Some((taken, rest)) = self.0.split_at_checked(length) else { return malformed(expected) };
        self.0 = rest;
        Ok(taken)
    }

    pub(crate) fn array<const N: usize>(&mut self, expected: &'static str) -> Result<[u8; N], Malformed> {
        let Some((taken, rest)) = self.0.split_first_chunk() else { return malformed(expected) };
        self.0 = rest;
        Ok(*taken)
    }

    pub(crate) fn u8(&mut self, expected: &'static str) -> Result<u8, Malformed> {
        Ok(u8::from_be_bytes(self.array(expected)?))
    }

    pub(crate) fn u16(&mut self, expected: &'static str) -> Result<u16, Malformed> {
        Ok(u16::from_be_bytes(self.array(expected)?))
    }

    pub(crate) fn u32(&mut self, expected: &'static str) -> Result<u32, Malformed> {
        Ok(u32::from_be_bytes(self.array(expected)?))
    }

    pub(crate) fn u64(&mut self, expected: &'static str) -> Result<u64, Malformed> {
        Ok(u64::from_be_bytes(self.array(expected)?))
    }

    pub(crate) fn word(&mut self, expected: &'static str) -> Result<B256, Malformed> {
        Ok(B256::new(self.array(expected)?))
    }

    pub(crate) fn address(&mut self, expected: &'static str) -> Result<Address, Malformed> {
        Ok(Address::new(self.array(expected)?))
    }

    pub(crate) fn amount(&mut self, expected: &'static str) -> Result<Amount, Malformed> {
        Ok(U96::from_be_bytes::<12>(self.array(expected)?).into())
    }

    pub(crate) fn end(self, expected: &'static str) -> Result<(), Malformed> {
        if self.0.is_empty() { Ok(()) } else { malformed(expected) }
    }
}

pub(crate) fn put_amount(out: &mut Vec<u8>, amount: Amount) {
    out.extend_from_slice(&amount.to_u96().to_be_bytes::<12>());
}
