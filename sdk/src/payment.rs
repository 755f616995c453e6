//! A payment as it travels: the nonce that commits to the decision, and the signature blob a purse reads.

use alloy::{
    hex,
    primitives::{Address, B256, Bytes, Signature, U256, keccak256},
    sol_types::{Eip712Domain, SolStruct},
};

use crate::{abi, amount::Amount};

/// EIP-3009 `transferWithAuthorization`.
pub const RAIL_EIP3009: u8 = 1;

const BASE_LENGTH: usize = 139;
const EOA_LENGTH: usize = BASE_LENGTH + 64;
const CONTRACT_LENGTH: usize = BASE_LENGTH + 20;
/// The longest blob that a treasury reads.
pub const MAX_LENGTH: usize = 4096;

/// The suffix that makes facilitators take a signature for an EIP-6492 wrapper.
const EIP6492_SUFFIX: [u8; 32] = hex!("6492649264926492649264926492649264926492649264926492649264926492");

/// The identity of a session: `purse (160 bits) | zero (72) | sequence (24)`.
pub fn session_id(purse: Address, sequence: u32) -> B256 {
    let mut id = [0u8; 32];
    id[..20].copy_from_slice(purse.as_slice());
    id[28..].copy_from_slice(&sequence.to_be_bytes());
    B256::from(id)
}

/// The purse and the sequence number of a session's identity.
pub fn split_session_id(id: B256) -> (Address, u32) {
    let mut sequence = [0u8; 4];
    sequence.copy_from_slice(&id[28..]);
    (Address::from_slice(&id[..20]), u32::from_be_bytes(sequence))
}

/// The payment nonce: keccak-256 of policy version, session and decision, with its low 64 bits zero so that
/// tokens with keyed sequential nonces take it too.
pub fn commitment(policy_version: u16, session: B256, decision_hash: B256) -> B256 {
    let mut preimage = [0u8; 96];
    preimage[30..32].copy_from_slice(&policy_version.to_be_bytes());
    preimage[32..64].copy_from_slice(session.as_slice());
    preimage[64..].copy_from_slice(decision_hash.as_slice());
    let mut nonce = keccak256(preimage);
    nonce[24..].fill(0);
    nonce
}

/// What an EIP-3009 payment says, before anybody signs it. Times in unix seconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authorization {
    /// The purse that pays: the x402 `from`.
    pub purse: Address,
    /// Who is paid.
    pub payee: Address,
    /// How much, in the asset's atomic units.
    pub amount: Amount,
    /// Valid after this time (exclusive).
    pub valid_after: u64,
    /// Valid before this time (exclusive).
    pub valid_before: u64,
    /// The commitment; see [`commitment`].
    pub nonce: B256,
}

impl Authorization {
    /// The digest that the session key signs and the token recomputes.
    ///
    /// `domain` is the token's own EIP-712 domain (for USDC: name "USDC", version "2").
    pub fn digest(&self, domain: &Eip712Domain) -> B256 {
        abi::TransferWithAuthorization {
            from: self.purse,
            to: self.payee,
            value: self.amount.to_u256(),
            validAfter: U256::from(self.valid_after),
            validBefore: U256::from(self.valid_before),
            nonce: self.nonce,
        }
        .eip712_signing_hash(domain)
    }

    /// What a human signs to approve this payment, under the treasury's domain ([`treasury_domain`]).
    pub fn approval(&self, decision_hash: B256, digest: B256) -> abi::PaymentApproval {
        abi::PaymentApproval {
            purse: self.purse,
            payee: self.payee,
            amount: self.amount.to_u256(),
            validBefore: U256::from(self.valid_before),
            decisionHash: decision_hash,
            digest,
        }
    }
}

/// The EIP-712 domain of a treasury: sessions, closes and approvals are signed under it.
pub fn treasury_domain(chain_id: u64, treasury: Address) -> Eip712Domain {
    Eip712Domain::new(
        Some("Bursar Treasury".into()),
        Some("1".into()),
        Some(U256::from(chain_id)),
        Some(treasury),
        None,
    )
}

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
    /// The rail; [`RAIL_EIP3009`].
    pub rail: u8,
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
        let mut blob = Vec::with_capacity(EOA_LENGTH);
        blob.push(kind << 4 | (self.rail & 0x0f));
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
        let kind = blob[0] >> 4;
        let approval = match kind {
            0 if got == BASE_LENGTH => None,
            0 => return Err(BlobError::Length { expected: "exactly 139, without approval", got }),
            1 if got == EOA_LENGTH => Some(Approval::Eoa(Signature::from_erc2098(&blob[BASE_LENGTH..]))),
            1 => return Err(BlobError::Length { expected: "exactly 203, with an EOA's approval", got }),
            2 if got >= CONTRACT_LENGTH => Some(Approval::Contract {
                approver: Address::from_slice(&blob[BASE_LENGTH..CONTRACT_LENGTH]),
                signature: Bytes::copy_from_slice(&blob[CONTRACT_LENGTH..]),
            }),
            2 => return Err(BlobError::Length { expected: "at least 159, with a contract's approval", got }),
            got => return Err(BlobError::ApprovalKind { got }),
        };
        let time = |at: usize| blob[at..at + 5].iter().fold(0u64, |time, byte| time << 8 | u64::from(*byte));
        let mut amount = [0u8; 12];
        amount.copy_from_slice(&blob[21..33]);
        Ok(Self {
            rail: blob[0] & 0x0f,
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
    use proptest::prelude::*;

    use super::*;

    fn blob(approval: Option<Approval>) -> PaymentBlob {
        PaymentBlob {
            rail: RAIL_EIP3009,
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
            let blob = blob(approval);
            assert_eq!(blob.encode().and_then(|bytes| PaymentBlob::decode(&bytes)), Ok(blob));
        }
    }

    #[test]
    fn never_ends_like_an_eip6492_wrapper() {
        let approval =
            Approval::Contract { approver: Address::ZERO, signature: EIP6492_SUFFIX.to_vec().into() };
        assert_eq!(blob(Some(approval)).encode(), Err(BlobError::Eip6492Suffix));
    }

    #[test]
    fn nonces_leave_the_sequence_bits_zero_and_commit_to_all_three() {
        let session = session_id(Address::repeat_byte(1), 4);
        let nonce = commitment(1, session, B256::repeat_byte(2));
        assert_eq!(nonce[24..], [0; 8]);
        assert_ne!(nonce, commitment(2, session, B256::repeat_byte(2)));
        assert_ne!(nonce, commitment(1, session_id(Address::repeat_byte(1), 5), B256::repeat_byte(2)));
        assert_ne!(nonce, commitment(1, session, B256::repeat_byte(3)));
        assert_eq!(split_session_id(session), (Address::repeat_byte(1), 4));
    }

    proptest! {
        #[test]
        fn reading_any_bytes_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
            let _ = PaymentBlob::decode(&bytes);
        }
    }
}
