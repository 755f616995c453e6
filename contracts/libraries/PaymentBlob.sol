// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

/// @notice A payment as the signature blob of a purse carries it.
struct Payment {
    uint8 rail;
    uint8 approvalKind;
    address payee;
    uint256 amount;
    uint256 validAfter;
    uint256 validBefore;
    bytes32 decisionHash;
    bytes32 r;
    bytes32 vs;
    // Not in the blob: what it must have been signed with.
    bytes32 nonce;
}

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
    uint8 internal constant RAIL_EIP3009 = 1;
    /// @dev Permit2 through the x402 `exact` proxy.
    uint8 internal constant RAIL_PERMIT2_EXACT = 2;
    /// @dev Permit2 through the x402 `upto` proxy: the amount is the most that may be charged.
    uint8 internal constant RAIL_PERMIT2_UPTO = 3;

    uint8 internal constant APPROVAL_NONE = 0;
    uint8 internal constant APPROVAL_EOA = 1;
    uint8 internal constant APPROVAL_CONTRACT = 2;

    uint256 internal constant BASE_LENGTH = 139;
    /// @dev Of the facilitator on rail 3, and of a contract approver.
    uint256 internal constant ADDRESS_LENGTH = 20;
    uint256 internal constant EOA_APPROVAL_LENGTH = 64;
    /// @dev Room for a Safe with dozens of owners; a longer blob is not read at all.
    uint256 internal constant MAX_LENGTH = 4096;

    /// @notice Whether the blob has the shape that its first byte announces. Never reverts.
    function isWellFormed(bytes calldata blob) internal pure returns (bool) {
        uint256 length = blob.length;
        if (length < BASE_LENGTH || length > MAX_LENGTH) return false;
        uint256 kinds;
        assembly ("memory-safe") {
            kinds := byte(0, calldataload(blob.offset))
        }
        // The common cases first.
        if (kinds == RAIL_EIP3009) return length == BASE_LENGTH;
        if (kinds == (APPROVAL_EOA << 4 | RAIL_EIP3009)) return length == BASE_LENGTH + EOA_APPROVAL_LENGTH;
        uint256 approvalKind = kinds >> 4;
        uint256 base = approvalOffset(kinds & 0x0f);
        if (approvalKind == APPROVAL_NONE) return length == base;
        if (approvalKind == APPROVAL_EOA) return length == base + EOA_APPROVAL_LENGTH;
        return approvalKind == APPROVAL_CONTRACT && length >= base + ADDRESS_LENGTH;
    }

    /// @notice Where the approval of a blob of that rail starts.
    function approvalOffset(uint256 rail) internal pure returns (uint256) {
        return rail == RAIL_PERMIT2_UPTO ? BASE_LENGTH + ADDRESS_LENGTH : BASE_LENGTH;
    }

    /// @notice Reads a well-formed blob.
    /// @dev Warning: reads past the end unless {isWellFormed} holds.
    function decode(bytes calldata blob) internal pure returns (Payment memory payment) {
        assembly ("memory-safe") {
            let head := calldataload(blob.offset)
            mstore(payment, and(byte(0, head), 0x0f))
            mstore(add(payment, 0x20), shr(4, byte(0, head)))
            mstore(add(payment, 0x40), shr(96, shl(8, head)))
            let middle := calldataload(add(blob.offset, 21))
            mstore(add(payment, 0x60), shr(160, middle))
            mstore(add(payment, 0x80), and(shr(120, middle), 0xffffffffff))
            mstore(add(payment, 0xa0), and(shr(80, middle), 0xffffffffff))
            calldatacopy(add(payment, 0xc0), add(blob.offset, 43), 0x60)
        }
    }

    /// @notice Who may settle a blob of rail 3.
    function facilitator(bytes calldata blob) internal pure returns (address) {
        return address(bytes20(blob[BASE_LENGTH:BASE_LENGTH + ADDRESS_LENGTH]));
    }

    /// @notice The EOA approver's signature of a blob of that kind.
    function eoaApproval(bytes calldata blob, uint256 rail) internal pure returns (bytes32 r, bytes32 vs) {
        uint256 offset = approvalOffset(rail);
        assembly ("memory-safe") {
            r := calldataload(add(blob.offset, offset))
            vs := calldataload(add(add(blob.offset, offset), 32))
        }
    }

    /// @notice The contract approver and its signature, of a blob of that kind.
    function contractApproval(bytes calldata blob, uint256 rail)
        internal
        pure
        returns (address approver, bytes calldata signature)
    {
        uint256 offset = approvalOffset(rail);
        approver = address(bytes20(blob[offset:offset + ADDRESS_LENGTH]));
        signature = blob[offset + ADDRESS_LENGTH:];
    }
}
