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
/// | 139..    | approval: nothing; r and vs of an EOA; or an EIP-1271 approver and its signature |
library PaymentBlob {
    /// @dev EIP-3009 `transferWithAuthorization`.
    uint8 internal constant RAIL_EIP3009 = 1;

    uint8 internal constant APPROVAL_NONE = 0;
    uint8 internal constant APPROVAL_EOA = 1;
    uint8 internal constant APPROVAL_CONTRACT = 2;

    uint256 internal constant BASE_LENGTH = 139;
    uint256 internal constant EOA_LENGTH = BASE_LENGTH + 64;
    uint256 internal constant CONTRACT_LENGTH = BASE_LENGTH + 20;
    /// @dev Room for a Safe with dozens of owners; a longer blob is not read at all.
    uint256 internal constant MAX_LENGTH = 4096;

    /// @notice Whether the blob has the shape that its first byte announces. Never reverts.
    function isWellFormed(bytes calldata blob) internal pure returns (bool) {
        uint256 length = blob.length;
        if (length < BASE_LENGTH || length > MAX_LENGTH) return false;
        uint256 approvalKind;
        assembly ("memory-safe") {
            approvalKind := shr(252, calldataload(blob.offset))
        }
        if (approvalKind == APPROVAL_NONE) return length == BASE_LENGTH;
        if (approvalKind == APPROVAL_EOA) return length == EOA_LENGTH;
        return approvalKind == APPROVAL_CONTRACT && length >= CONTRACT_LENGTH;
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

    /// @notice The EOA approver's signature of a blob of that kind.
    function eoaApproval(bytes calldata blob) internal pure returns (bytes32 r, bytes32 vs) {
        assembly ("memory-safe") {
            r := calldataload(add(blob.offset, 139))
            vs := calldataload(add(blob.offset, 171))
        }
    }

    /// @notice The contract approver and its signature, of a blob of that kind.
    function contractApproval(bytes calldata blob)
        internal
        pure
        returns (address approver, bytes calldata signature)
    {
        approver = address(bytes20(blob[BASE_LENGTH:CONTRACT_LENGTH]));
        signature = blob[CONTRACT_LENGTH:];
    }
}
