//! The signature blob of a purse: what a facilitator passes on as "the signature".

use alloy::{
    hex,
    primitives::{Address, B256, Bytes, Signature},
};

use super::Rail;
use crate::amount::Amount;

const BASE_LENGTH: usize = 139;
/// Of the facilitator on rail 3, and of a contract approver.
const ADDRESS_LENGTH: usize = 20;
const EOA_LENGTH: usize = 64;
/// The longest blob that a treasury reads.
pub const MAX_LENGTH: usize = 4096;

/// The suffix that makes facilitators take a signature for an EIP-6492 wrapper.
const EIP6492_SUFFIX: [u8; 32] = hex!("6492649264926492649264926492649264926492649264926492649264926492");

/// A human's approval as a payment carries it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Approval {
    /// By an externally owned account; the contract recovers who.
    Eoa(Signature),
    /// By a contract (EIP-1271), a Safe for one.
    Contract {
        /// The approver.
        approver: Address,
        /// What the approver's `isValidSignature` is asked about.
        signature: Bytes,
    },
}

/// The signature blob of a purse: what a facilitator passes on as "the signature".
///
/// See `contracts/libraries/PaymentBlob.sol` for the layout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaymentBlob {
    /// How it settles.
    pub rail: Rail,
    /// Who is paid.
    pub payee: Address,
    /// How much, in the asset's atomic units.
    pub amount: Amount,
    /// Valid after, unix seconds (exclusive); at most 40 bits.
    pub valid_after: u64,
    /// Valid before, unix seconds (exclusive); at most 40 bits.
    pub valid_before: u64,
    /// keccak-256 of the decision record.
    pub decision_hash: B256,
    /// The session key's signature over the digest.
    pub signature: Signature,
    /// The approval, where the payment needs one.
    pub approval: Option<Approval>,
}

/// A signature blob that no purse would read, or that a facilitator would misread.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BlobError {
    /// The length does not fit the kind of approval.
    #[error("expected a payment blob of {expected} bytes, got {got}")]
    Length {
        /// What the first byte announces.
        expected: &'static str,
        /// The length that came.
        got: usize,
    },
    /// The first byte announces an unknown rail.
    #[error("expected rail 1, 2 or 3, got {got}")]
    Rail {
        /// The rail that came.
        got: u8,
    },
    /// The first byte announces an approval of an unknown kind.
    #[error("expected approval kind 0, 1 or 2, got {got}")]
    ApprovalKind {
        /// The kind that came.
        got: u8,
    },
    /// A time does not fit in 40 bits.
    #[error("expected a time of at most 40 bits, got {got}")]
    Time {
        /// The time that came, in unix seconds.
        got: u64,
    },
    /// The approver's signature ends like an EIP-6492 wrapper, which facilitators would unwrap.
    #[error("the approver's signature ends in the EIP-6492 suffix, which facilitators take for a wrapper")]
    Eip6492Suffix,
}

impl PaymentBlob {
    /// The bytes that travel. Never 65 bytes long, and never ending in the EIP-6492 suffix: both would make
    /// a facilitator take another path than EIP-1271.
    ///
    /// # Errors
    /// When a time or the approver's signature does not fit.
    pub fn encode(&self) -> Result<Bytes, BlobError> {
        let kind = match &self.approval {
            None => 0u8,
            Some(Approval::Eoa(_)) => 1,
            Some(Approval::Contract { .. }) => 2,
        };
        let mut blob = Vec::with_capacity(BASE_LENGTH + EOA_LENGTH);
        blob.push(kind << 4 | self.rail.number());
        blob.extend_from_slice(self.payee.as_slice());
        blob.extend_from_slice(&self.amount.to_u96().to_be_bytes::<12>());
        for time in [self.valid_after, self.valid_before] {
            if time >> 40 != 0 {
                return Err(BlobError::Time { got: time });
            }
            blob.extend_from_slice(&time.to_be_bytes()[3..]);
        }
        blob.extend_from_slice(self.decision_hash.as_slice());
        blob.extend_from_slice(&self.signature.as_erc2098());
        if let Rail::Permit2Upto { facilitator } = self.rail {
            blob.extend_from_slice(facilitator.as_slice());
        }
        match &self.approval {
            None => {}
            Some(Approval::Eoa(signature)) => blob.extend_from_slice(&signature.as_erc2098()),
            Some(Approval::Contract { approver, signature }) => {
                blob.extend_from_slice(approver.as_slice());
                blob.extend_from_slice(signature);
            }
        }
        if blob.len() > MAX_LENGTH {
            return Err(BlobError::Length { expected: "at most 4096", got: blob.len() });
        }
        if blob.ends_with(&EIP6492_SUFFIX) {
            return Err(BlobError::Eip6492Suffix);
        }
        Ok(blob.into())
    }

    /// Reads a blob, as a purse's treasury does.
    ///
    /// # Errors
    /// When the shape is not the one the first byte announces. Says nothing about validity.
    pub fn decode(blob: &[u8]) -> Result<Self, BlobError> {
        let got = blob.len();
        if !(BASE_LENGTH..=MAX_LENGTH).contains(&got) {
            return Err(BlobError::Length { expected: "139 to 4096", got });
        }
        let (rail, base) = match blob[0] & 0x0f {
            1 => (Rail::Eip3009, BASE_LENGTH),
            2 => (Rail::Permit2Exact, BASE_LENGTH),
            3 => {
                let base = BASE_LENGTH + ADDRESS_LENGTH;
                let Some(facilitator) = blob.get(BASE_LENGTH..base) else {
                    return Err(BlobError::Length { expected: "at least 159, with a facilitator", got });
                };
                (Rail::Permit2Upto { facilitator: Address::from_slice(facilitator) }, base)
            }
            got => return Err(BlobError::Rail { got }),
        };
        let rest = &blob[base..];
        let approval = match (blob[0] >> 4, rest.len()) {
            (0, 0) => None,
            (0, _) => return Err(BlobError::Length { expected: "nothing after the payment", got }),
            (1, EOA_LENGTH) => Some(Approval::Eoa(Signature::from_erc2098(rest))),
            (1, _) => return Err(BlobError::Length { expected: "64 more, of an EOA's approval", got }),
            (2, ADDRESS_LENGTH..) => Some(Approval::Contract {
                approver: Address::from_slice(&rest[..ADDRESS_LENGTH]),
                signature: Bytes::copy_from_slice(&rest[ADDRESS_LENGTH..]),
            }),
            (2, _) => {
                return Err(BlobError::Length {
                    expected: "at least 20 more, of a contract's approval",
                    got,
                });
            }
            (got, _) => return Err(BlobError::ApprovalKind { got }),
        };
        let time = |at: usize| blob[at..at + 5].iter().fold(0u64, |time, byte| time << 8 | u64::from(*byte));
        let mut amount = [0u8; 12];
        amount.copy_from_slice(&blob[21..33]);
        Ok(Self {
            rail,
            payee: Address::from_slice(&blob[1..21]),
            amount: alloy::primitives::aliases::U96::from_be_bytes(amount).into(),
            valid_after: time(33),
            valid_before: time(38),
            decision_hash: B256::from_slice(&blob[43..75]),
            signature: Signature::from_erc2098(&blob[75..BASE_LENGTH]),
            approval,
        })
    }
}

#[cfg(test)]
mod tests {
    use alloy::primitives::U256;
    use proptest::prelude::*;

    use super::*;

    const RAILS: [Rail; 3] =
        [Rail::Eip3009, Rail::Permit2Exact, Rail::Permit2Upto { facilitator: Address::repeat_byte(8) }];

    fn blob(rail: Rail, approval: Option<Approval>) -> PaymentBlob {
        PaymentBlob {
            rail,
            payee: Address::repeat_byte(7),
            amount: Amount::new(1_000_000),
            valid_after: 0,
            valid_before: 1_800_000_000,
            decision_hash: B256::repeat_byte(9),
            signature: Signature::new(U256::from(5), U256::from(6), true),
            approval,
        }
    }

    #[test]
    fn every_kind_survives_the_journey() {
        let signature = Signature::new(U256::from(1), U256::from(2), false);
        for approval in [
            None,
            Some(Approval::Eoa(signature)),
            Some(Approval::Contract { approver: Address::repeat_byte(3), signature: vec![1; 130].into() }),
        ] {
            for rail in RAILS {
                let blob = blob(rail, approval.clone());
                assert_eq!(blob.encode().and_then(|bytes| PaymentBlob::decode(&bytes)), Ok(blob));
            }
        }
    }

    #[test]
    fn never_ends_like_an_eip6492_wrapper() {
        let approval =
            Approval::Contract { approver: Address::ZERO, signature: EIP6492_SUFFIX.to_vec().into() };
        assert_eq!(blob(Rail::Eip3009, Some(approval)).encode(), Err(BlobError::Eip6492Suffix));
    }

    #[test]
    fn a_blob_of_one_rail_is_none_of_another() -> Result<(), BlobError> {
        let exact = blob(Rail::Permit2Exact, None).encode()?;
        let upto = blob(RAILS[2], None).encode()?;
        assert_eq!((exact.len(), upto.len()), (139, 159));
        for (blob, rail) in [(&exact, 3), (&upto, 2), (&upto, 1), (&exact, 0), (&exact, 4), (&upto, 15)] {
            let mut bytes = blob.to_vec();
            bytes[0] = rail;
            assert!(PaymentBlob::decode(&bytes).is_err(), "rail {rail}, {} bytes", bytes.len());
        }
        Ok(())
    }

    proptest! {
        #[test]
        fn reading_any_bytes_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
            let _ = PaymentBlob::decode(&bytes);
        }
    }
}
