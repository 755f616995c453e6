// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

/// @notice A payment as a well-formed signature blob carries it: where in the call data that blob starts.
/// @dev Each field is read where it stands: as a struct in memory, a payment cost 400 gas more.
type Payment is uint256;

using {
    PaymentBlob.rail,
    PaymentBlob.approvalKind,
    PaymentBlob.payee,
    PaymentBlob.amount,
    PaymentBlob.validAfter,
    PaymentBlob.validBefore,
    PaymentBlob.decisionHash,
    PaymentBlob.signature
} for Payment global;

/// @notice The compact signature blob: what an agent hands to a facilitator as "the signature".
///
/// | bytes    | field |
/// | -------- | ----- |
/// | 0        | rail (low four bits) and approval kind (high four bits) |
/// | 1..21    | payee |
/// | 21..33   | amount, in the asset's atomic units |
/// | 33..38   | validAfter, unix seconds (exclusive) |
/// | 38..43   | validBefore, unix seconds (exclusive) |
/// | 43..75   | decision hash |
/// | 75..139  | session key signature over the digest: r, then s with the parity in its top bit (EIP-2098) |
/// | 139..159 | only on rail 3: the facilitator that may settle |
/// | 139.. or 159.. | approval: nothing; r and vs of an EOA; or an EIP-1271 approver and its signature |
library PaymentBlob {
    /// @dev EIP-3009 `transferWithAuthorization`.
    uint256 internal constant RAIL_EIP3009 = 1;
    /// @dev Permit2 through the x402 `exact` proxy.
    uint256 internal constant RAIL_PERMIT2_EXACT = 2;
    /// @dev Permit2 through the x402 `upto` proxy: the amount is the most that may be charged.
    uint256 internal constant RAIL_PERMIT2_UPTO = 3;

    uint256 internal constant APPROVAL_NONE = 0;
    uint256 internal constant APPROVAL_EOA = 1;
    uint256 internal constant APPROVAL_CONTRACT = 2;

    uint256 internal constant BASE_LENGTH = 139;
    /// @dev Of the facilitator on rail 3, and of a contract approver.
    uint256 internal constant ADDRESS_LENGTH = 20;
    uint256 internal constant EOA_APPROVAL_LENGTH = 64;
    /// @dev Room for a Safe with dozens of owners; a longer blob is not read at all.
    uint256 internal constant MAX_LENGTH = 4096;

    /// @notice Whether the blob has the shape that its first byte announces. Never reverts.
    function isWellFormed(bytes calldata blob) internal pure returns (bool) {
        uint256 length = blob.length;
        uint256 kinds;
        // Zero, or whatever follows, where the blob has no first byte: the length decides in the end.
        assembly ("memory-safe") {
            kinds := byte(0, calldataload(blob.offset))
        }
        // Sums of lengths: nothing overflows.
        unchecked {
            // The common cases first.
            if (kinds == RAIL_EIP3009) return length == BASE_LENGTH;
            if (kinds == (APPROVAL_EOA << 4 | RAIL_EIP3009)) {
                return length == BASE_LENGTH + EOA_APPROVAL_LENGTH;
            }
            if (length > MAX_LENGTH) return false;
            uint256 kind = kinds >> 4;
            uint256 base = approvalOffset(kinds & 0x0f);
            if (kind == APPROVAL_NONE) return length == base;
            if (kind == APPROVAL_EOA) return length == base + EOA_APPROVAL_LENGTH;
            return kind == APPROVAL_CONTRACT && length >= base + ADDRESS_LENGTH;
        }
    }

    /// @notice Where the approval of a blob of that rail starts.
    function approvalOffset(uint256 rail_) internal pure returns (uint256) {
        return rail_ == RAIL_PERMIT2_UPTO ? BASE_LENGTH + ADDRESS_LENGTH : BASE_LENGTH;
    }

    /* FIELDS */

    /// @notice The payment that a blob carries.
    /// @dev Warning: its fields are anything unless {isWellFormed} holds.
    function read(bytes calldata blob) internal pure returns (Payment payment) {
        assembly ("memory-safe") {
            payment := blob.offset
        }
    }

    function rail(Payment payment) internal pure returns (uint256 value) {
        assembly ("memory-safe") {
            value := and(byte(0, calldataload(payment)), 0x0f)
        }
    }

    function approvalKind(Payment payment) internal pure returns (uint256 value) {
        assembly ("memory-safe") {
            value := shr(252, calldataload(payment))
        }
    }

    function payee(Payment payment) internal pure returns (address value) {
        assembly ("memory-safe") {
            value := shr(96, calldataload(add(payment, 1)))
        }
    }

    /// @return value In the asset's atomic units; of 96 bits.
    function amount(Payment payment) internal pure returns (uint256 value) {
        assembly ("memory-safe") {
            value := shr(160, calldataload(add(payment, 21)))
        }
    }

    /// @return value Unix seconds (exclusive).
    function validAfter(Payment payment) internal pure returns (uint256 value) {
        assembly ("memory-safe") {
            value := shr(216, calldataload(add(payment, 33)))
        }
    }

    /// @return value Unix seconds (exclusive).
    function validBefore(Payment payment) internal pure returns (uint256 value) {
        assembly ("memory-safe") {
            value := shr(216, calldataload(add(payment, 38)))
        }
    }

    function decisionHash(Payment payment) internal pure returns (bytes32 value) {
        assembly ("memory-safe") {
            value := calldataload(add(payment, 43))
        }
    }

    /// @notice The session key's signature.
    function signature(Payment payment) internal pure returns (bytes32 r, bytes32 vs) {
        assembly ("memory-safe") {
            r := calldataload(add(payment, 75))
            vs := calldataload(add(payment, 107))
        }
    }

    /// @notice Who may settle a blob of rail 3.
    function facilitator(bytes calldata blob) internal pure returns (address) {
        return address(bytes20(blob[BASE_LENGTH:BASE_LENGTH + ADDRESS_LENGTH]));
    }

    /// @notice The EOA approver's signature of a blob of that kind: whatever the rail, the blob ends in it.
    function eoaApproval(bytes calldata blob) internal pure returns (bytes32 r, bytes32 vs) {
        assembly ("memory-safe") {
            let end := add(blob.offset, blob.length)
            r := calldataload(sub(end, 64))
            vs := calldataload(sub(end, 32))
        }
    }

    /// @notice The contract approver and its signature, of a blob of that kind.
    function contractApproval(bytes calldata blob, uint256 rail_)
        internal
        pure
        returns (address approver, bytes calldata approval)
    {
        uint256 offset = approvalOffset(rail_);
        approver = address(bytes20(blob[offset:offset + ADDRESS_LENGTH]));
        approval = blob[offset + ADDRESS_LENGTH:];
    }
}
