//! A payment as it travels: the nonce that commits to the decision, and what is signed.

mod blob;
pub mod permit2;

use alloy::{
    primitives::{Address, B256, U256, keccak256},
    sol_types::{Eip712Domain, SolStruct, SolValue},
};

use crate::{abi, amount::Amount};

pub use self::blob::{Approval, BlobError, MAX_LENGTH, PaymentBlob};

/// How a payment settles: what a purse's signature is asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Rail {
    /// The token's own `transferWithAuthorization` (EIP-3009).
    #[default]
    Eip3009,
    /// Permit2 through the x402 `exact` proxy.
    Permit2Exact,
    /// Permit2 through the x402 `upto` proxy: the amount is the most that may be charged.
    Permit2Upto {
        /// The only account that may settle.
        facilitator: Address,
    },
}

impl Rail {
    /// The rail's number in a blob.
    pub fn number(self) -> u8 {
        match self {
            Self::Eip3009 => 1,
            Self::Permit2Exact => 2,
            Self::Permit2Upto { .. } => 3,
        }
    }

    /// The rail of that name; `None` for no name of a rail, or where a facilitator is named on a rail that has none, or
    /// none where it has one.
    pub fn from_code(code: &str, facilitator: Option<Address>) -> Option<Self> {
        let rail = match facilitator {
            None if code == Self::Eip3009.code() => Self::Eip3009,
            None => Self::Permit2Exact,
            Some(facilitator) => Self::Permit2Upto { facilitator },
        };
        (rail.code() == code).then_some(rail)
    }

    /// The only account that may settle, where the rail knows one.
    pub fn facilitator(self) -> Option<Address> {
        match self {
            Self::Permit2Upto { facilitator } => Some(facilitator),
            Self::Eip3009 | Self::Permit2Exact => None,
        }
    }

    /// The x402 scheme.
    pub fn scheme(self) -> &'static str {
        match self {
            Self::Eip3009 | Self::Permit2Exact => "exact",
            Self::Permit2Upto { .. } => "upto",
        }
    }

    /// The stable name used in tables and routes.
    pub fn code(self) -> &'static str {
        match self {
            Self::Eip3009 => "eip3009",
            Self::Permit2Exact => "permit2_exact",
            Self::Permit2Upto { .. } => "permit2_upto",
        }
    }
}

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

/// What a payment is signed under: `epoch (32 bits and more) | policy version (16)`.
///
/// `epoch` is how often the organisation, the envelope's group and the groups above it were released; what was
/// signed under an earlier one is void.
pub fn terms(epoch: u64, policy_version: u16) -> u128 {
    u128::from(epoch) << 16 | u128::from(policy_version)
}

/// The payment nonce: keccak-256 of [`terms`], session and decision, with its low 64 bits zero so that tokens
/// with keyed sequential nonces take it too.
pub fn commitment(terms: u128, session: B256, decision_hash: B256) -> B256 {
    let mut preimage = [0u8; 96];
    preimage[16..32].copy_from_slice(&terms.to_be_bytes());
    preimage[32..64].copy_from_slice(session.as_slice());
    preimage[64..].copy_from_slice(decision_hash.as_slice());
    without_sequence(keccak256(preimage))
}

/// The EIP-3009 nonce of a gasless top-up: it commits to the envelope, so that nobody can redirect the money.
pub fn top_up_nonce(envelope: u32, salt: B256) -> B256 {
    without_sequence(keccak256((U256::from(envelope), salt).abi_encode()))
}

fn without_sequence(mut nonce: B256) -> B256 {
    nonce[24..].fill(0);
    nonce
}

/// The token that a payment moves, as far as its signature names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Token {
    /// EIP-155 chain id.
    pub chain_id: u64,
    /// The token's address.
    pub address: Address,
    /// Its own EIP-712 domain separator (for USDC: of name "USDC", version "2").
    pub domain_separator: B256,
}

/// By the token's own domain; what that leaves out is zero.
impl From<&Eip712Domain> for Token {
    fn from(domain: &Eip712Domain) -> Self {
        Self {
            chain_id: domain.chain_id.unwrap_or_default().saturating_to(),
            address: domain.verifying_contract.unwrap_or_default(),
            domain_separator: domain.separator(),
        }
    }
}

/// What a payment says, before anybody signs it. Times in unix seconds.
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
    /// The digest that the session key signs, and that the token recomputes, or on its rails [`permit2`].
    pub fn digest(&self, rail: Rail, token: impl Into<Token>) -> B256 {
        let token = token.into();
        match rail {
            Rail::Eip3009 => self.eip3009_digest(token.domain_separator),
            Rail::Permit2Exact => permit2::exact_digest(self, token.address, token.chain_id),
            Rail::Permit2Upto { facilitator } => {
                permit2::upto_digest(self, facilitator, token.address, token.chain_id)
            }
        }
    }

    fn eip3009_digest(&self, domain_separator: B256) -> B256 {
        let hash = abi::TransferWithAuthorization {
            from: self.purse,
            to: self.payee,
            value: self.amount.to_u256(),
            validAfter: U256::from(self.valid_after),
            validBefore: U256::from(self.valid_before),
            nonce: self.nonce,
        }
        .eip712_hash_struct();
        let mut preimage = [0u8; 66];
        preimage[..2].copy_from_slice(&[0x19, 0x01]);
        preimage[2..34].copy_from_slice(domain_separator.as_slice());
        preimage[34..].copy_from_slice(hash.as_slice());
        keccak256(preimage)
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

    /// What a human signs to reject this payment, for a reason, under the treasury's domain.
    pub fn rejection(&self, digest: B256, reason: &str) -> abi::PaymentRejection {
        abi::PaymentRejection {
            purse: self.purse,
            payee: self.payee,
            amount: self.amount.to_u256(),
            digest,
            reason: reason.to_owned(),
        }
    }
}

/// The EIP-712 domain of a treasury: sessions, closes, approvals and rejections are signed under it.
pub fn treasury_domain(chain_id: u64, treasury: Address) -> Eip712Domain {
    Eip712Domain::new(
        Some("Bursar Treasury".into()),
        Some("1".into()),
        Some(U256::from(chain_id)),
        Some(treasury),
        None,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nonces_leave_the_sequence_bits_zero_and_commit_to_all_four() {
        let session = session_id(Address::repeat_byte(1), 4);
        let nonce = commitment(terms(0, 1), session, B256::repeat_byte(2));
        assert_eq!(nonce[24..], [0; 8]);
        assert_ne!(nonce, commitment(terms(0, 2), session, B256::repeat_byte(2)));
        assert_ne!(nonce, commitment(terms(1, 1), session, B256::repeat_byte(2)));
        assert_ne!(
            nonce,
            commitment(terms(0, 1), session_id(Address::repeat_byte(1), 5), B256::repeat_byte(2))
        );
        assert_ne!(nonce, commitment(terms(0, 1), session, B256::repeat_byte(3)));
        assert_eq!(split_session_id(session), (Address::repeat_byte(1), 4));
    }

    #[test]
    fn rails_have_names_and_only_upto_a_facilitator() {
        let facilitator = Address::repeat_byte(5);
        for rail in [Rail::Eip3009, Rail::Permit2Exact, Rail::Permit2Upto { facilitator }] {
            assert_eq!(Rail::from_code(rail.code(), rail.facilitator()), Some(rail));
            let other = if rail.facilitator().is_some() { None } else { Some(facilitator) };
            assert_eq!(Rail::from_code(rail.code(), other), None);
            assert_eq!(rail.scheme(), if rail.facilitator().is_some() { "upto" } else { "exact" });
        }
        assert_eq!(Rail::from_code("permit2", None), None);
    }

    #[test]
    fn top_ups_commit_to_their_envelope() {
        let salt = B256::repeat_byte(7);
        assert_ne!(top_up_nonce(1, salt), top_up_nonce(2, salt));
        assert_eq!(top_up_nonce(1, salt)[24..], [0; 8]);
    }
}
