// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Payment} from "./PaymentBlob.sol";

/// @notice What a purse's signature is over: the token's own digest, with a nonce that commits.
library PaymentDigest {
    bytes32 internal constant TRANSFER_WITH_AUTHORIZATION_TYPEHASH = keccak256(
        "TransferWithAuthorization(address from,address to,uint256 value,uint256 validAfter,uint256 validBefore,bytes32 nonce)"
    );

    bytes32 internal constant PAYMENT_APPROVAL_TYPEHASH = keccak256(
        "PaymentApproval(address purse,address payee,uint256 amount,uint256 validBefore,bytes32 decisionHash,bytes32 digest)"
    );

    /// @dev Zero in a nonce: tokens with keyed sequential nonces count there, from zero.
    uint256 internal constant NONCE_SEQUENCE_MASK = type(uint64).max;

    /// @notice The session's identity: `purse (160) | zero (72) | sequence (24)`.
    function sessionId(address purse, uint256 sequence) internal pure returns (bytes32) {
        return bytes32(uint256(uint160(purse)) << 96 | sequence);
    }

    /// @notice What a payment is signed under: `epoch (32..) | policy version (16)`.
    /// @param epoch How often the organisation, the envelope's group and the groups above it were released.
    function terms(uint256 epoch, uint256 policyVersion) internal pure returns (uint256) {
        return epoch << 16 | policyVersion;
    }

    /// @notice The payment nonce: keccak-256 of terms, session and decision, low 64 bits zero.
    /// @dev The version, not the policy's hash: a payment then needs no extra storage read (2,100 gas), and
    /// the treasury maps each version of an envelope to its hash for good.
    function commitment(uint256 terms_, bytes32 session, bytes32 decisionHash)
        internal
        pure
        returns (bytes32 nonce)
    {
        uint256 mask = ~NONCE_SEQUENCE_MASK;
        assembly ("memory-safe") {
            let free := mload(0x40)
            mstore(free, terms_)
            mstore(add(free, 0x20), session)
            mstore(add(free, 0x40), decisionHash)
            nonce := and(keccak256(free, 0x60), mask)
        }
    }

    /// @notice The EIP-712 digest of `transferWithAuthorization` (EIP-3009).
    function eip3009(bytes32 domainSeparator, address from, Payment payment, bytes32 nonce)
        internal
        pure
        returns (bytes32 digest)
    {
        // By hand, since it is on the path of every payment: type hash, from, payee, amount, validAfter, validBefore
        // and nonce, in a row.
        bytes32 typehash = TRANSFER_WITH_AUTHORIZATION_TYPEHASH;
        assembly ("memory-safe") {
            let free := mload(0x40)
            mstore(free, typehash)
            mstore(add(free, 0x20), from)
            mstore(add(free, 0x40), shr(96, calldataload(add(payment, 1))))
            mstore(add(free, 0x60), shr(160, calldataload(add(payment, 21))))
            mstore(add(free, 0x80), shr(216, calldataload(add(payment, 33))))
            mstore(add(free, 0xa0), shr(216, calldataload(add(payment, 38))))
            mstore(add(free, 0xc0), nonce)
            let structHash := keccak256(free, 0xe0)
            mstore(free, hex"1901")
            mstore(add(free, 0x02), domainSeparator)
            mstore(add(free, 0x22), structHash)
            digest := keccak256(free, 0x42)
        }
    }

    /// @notice The EIP-712 struct hash of a human's approval of one payment.
    function approval(address purse, Payment payment, bytes32 digest)
        internal
        pure
        returns (bytes32 structHash)
    {
        // By hand, as above: type hash, purse, payee, amount, validBefore, decision hash and digest, in a row.
        bytes32 typehash = PAYMENT_APPROVAL_TYPEHASH;
        assembly ("memory-safe") {
            let free := mload(0x40)
            mstore(free, typehash)
            mstore(add(free, 0x20), purse)
            mstore(add(free, 0x40), shr(96, calldataload(add(payment, 1))))
            mstore(add(free, 0x60), shr(160, calldataload(add(payment, 21))))
            mstore(add(free, 0x80), shr(216, calldataload(add(payment, 38))))
            mstore(add(free, 0xa0), calldataload(add(payment, 43)))
            mstore(add(free, 0xc0), digest)
            structHash := keccak256(free, 0xe0)
        }
    }

    /// @notice The EIP-3009 nonce of a gasless top-up: it commits to the envelope, its low 64 bits are zero.
    function topUpNonce(uint24 envelope, bytes32 salt) internal pure returns (bytes32) {
        return keccak256(abi.encode(envelope, salt)) & ~bytes32(NONCE_SEQUENCE_MASK);
    }
}
