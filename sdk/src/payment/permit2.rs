//! What a session key signs where a payment settles through Permit2 and an x402 proxy: the twin of
//! `contracts/libraries/Permit2Digest.sol`.

use alloy::{
    primitives::{Address, B256, U256, address},
    sol_types::{Eip712Domain, SolStruct},
};

use super::Authorization;

/// Permit2, at the same address on every chain.
pub const PERMIT2: Address = address!("0x000000000022D473030F116dDEE9F6B43aC78BA3");
/// The x402 proxy that moves exactly what was signed.
pub const EXACT_PROXY: Address = address!("0x402085c248EeA27D92E8b30b2C58ed07f9E20001");
/// The x402 proxy that moves at most what was signed.
pub const UPTO_PROXY: Address = address!("0x4020A4f3b7b90ccA423B9fabCc0CE57C6C240002");

// Both proxies call their struct `Witness`, and EIP-712 hashes the name.
mod exact {
    alloy::sol! {
        struct TokenPermissions { address token; uint256 amount; }
        struct Witness { address to; uint256 validAfter; }
        struct PermitWitnessTransferFrom {
            TokenPermissions permitted;
            address spender;
            uint256 nonce;
            uint256 deadline;
            Witness witness;
        }
    }
}

mod upto {
    alloy::sol! {
        struct TokenPermissions { address token; uint256 amount; }
        struct Witness { address to; address facilitator; uint256 validAfter; }
        struct PermitWitnessTransferFrom {
            TokenPermissions permitted;
            address spender;
            uint256 nonce;
            uint256 deadline;
            Witness witness;
        }
    }
}

/// Permit2's EIP-712 domain; it has no version.
pub fn domain(chain_id: u64) -> Eip712Domain {
    Eip712Domain::new(Some("Permit2".into()), None, Some(U256::from(chain_id)), Some(PERMIT2), None)
}

/// The digest of a payment of exactly its amount. Its `valid_before` is Permit2's deadline, inclusive there.
pub(super) fn exact_digest(authorization: &Authorization, token: Address, chain_id: u64) -> B256 {
    exact::PermitWitnessTransferFrom {
        permitted: exact::TokenPermissions { token, amount: authorization.amount.to_u256() },
        spender: EXACT_PROXY,
        nonce: authorization.nonce.into(),
        deadline: U256::from(authorization.valid_before),
        witness: exact::Witness {
            to: authorization.payee,
            validAfter: U256::from(authorization.valid_after),
        },
    }
    .eip712_signing_hash(&domain(chain_id))
}

/// The digest of a payment of at most its amount, which only `facilitator` may settle.
pub(super) fn upto_digest(
    authorization: &Authorization,
    facilitator: Address,
    token: Address,
    chain_id: u64,
) -> B256 {
    upto::PermitWitnessTransferFrom {
        permitted: upto::TokenPermissions { token, amount: authorization.amount.to_u256() },
        spender: UPTO_PROXY,
        nonce: authorization.nonce.into(),
        deadline: U256::from(authorization.valid_before),
        witness: upto::Witness {
            to: authorization.payee,
            facilitator,
            validAfter: U256::from(authorization.valid_after),
        },
    }
    .eip712_signing_hash(&domain(chain_id))
}

#[cfg(test)]
mod tests {
    use alloy::primitives::{b256, keccak256};

    use super::*;
    use crate::amount::Amount;

    #[test]
    fn types_are_the_contracts() {
        let source = include_str!("../../../contracts/libraries/Permit2Digest.sol");
        let text = |of: String| source.contains(&format!("\"{of}\""));
        assert!(text(exact::PermitWitnessTransferFrom::eip712_encode_type().into_owned()));
        assert!(text(upto::PermitWitnessTransferFrom::eip712_encode_type().into_owned()));
        for address in [PERMIT2, EXACT_PROXY, UPTO_PROXY] {
            assert!(source.contains(&format!(" = {address};")), "{address}");
        }
    }

    #[test]
    fn the_rail_the_token_and_the_facilitator_are_signed() {
        let payment = Authorization {
            purse: Address::repeat_byte(1),
            payee: Address::repeat_byte(2),
            amount: Amount::new(5),
            valid_after: 1,
            valid_before: 2,
            nonce: keccak256("nonce"),
        };
        let (token, other) = (Address::repeat_byte(3), Address::repeat_byte(4));
        let digests = [
            exact_digest(&payment, token, 1),
            exact_digest(&payment, other, 1),
            exact_digest(&payment, token, 2),
            upto_digest(&payment, token, token, 1),
            upto_digest(&payment, other, token, 1),
        ];
        for (i, digest) in digests.iter().enumerate() {
            assert!(!digests[..i].contains(digest));
        }
        // As Permit2 itself has it on chain 1.
        let separator = b256!("0x866a5aba21966af95d6c7ab78eb2b2fc913915c28be3b9aa07cc04ff903e3f28");
        assert_eq!(domain(1).separator(), separator);
    }
}
