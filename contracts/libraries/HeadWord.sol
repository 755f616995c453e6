// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

/// @notice The part of an envelope that every payment reads, packed into one storage slot:
/// `paymentCap (96) | approvalThreshold (96) | maxSessionSeconds (24) | policyVersion (16) | payeeList (16) |
/// flags (8)`.
/// @dev By hand: a struct would be unpacked field by field, on the path of every payment.
type HeadWord is uint256;

using {
    HeadWordLib.paymentCap,
    HeadWordLib.approvalThreshold,
    HeadWordLib.maxSessionSeconds,
    HeadWordLib.policyVersion,
    HeadWordLib.payeeList,
    HeadWordLib.flags,
    HeadWordLib.has,
    HeadWordLib.with,
    HeadWordLib.without,
    HeadWordLib.withVersion
} for HeadWord global;

library HeadWordLib {
    /// @dev Stopped by a freeze.
    uint256 internal constant FROZEN = 1;
    /// @dev Under review: no new session.
    uint256 internal constant REVIEW = 2;
    /// @dev Purses may pay through Permit2.
    uint256 internal constant PERMIT2 = 4;
    /// @dev The envelope draws against a group.
    uint256 internal constant GROUPED = 8;

    uint256 private constant VERSION_MASK = uint256(type(uint16).max) << 24;

    function pack(
        uint96 paymentCap_,
        uint96 approvalThreshold_,
        uint24 maxSessionSeconds_,
        uint16 policyVersion_,
        uint16 payeeList_,
        uint256 flags_
    ) internal pure returns (HeadWord) {
        return HeadWord.wrap(
            uint256(paymentCap_) << 160 | uint256(approvalThreshold_) << 64 | uint256(maxSessionSeconds_)
                << 40 | uint256(policyVersion_) << 24 | uint256(payeeList_) << 8 | flags_
        );
    }

    /// @return In the asset's atomic units (inclusive).
    function paymentCap(HeadWord word) internal pure returns (uint256) {
        return HeadWord.unwrap(word) >> 160;
    }

    /// @return In the asset's atomic units: more than that needs an approval.
    function approvalThreshold(HeadWord word) internal pure returns (uint256) {
        return uint96(HeadWord.unwrap(word) >> 64);
    }

    function maxSessionSeconds(HeadWord word) internal pure returns (uint256) {
        return uint24(HeadWord.unwrap(word) >> 40);
    }

    /// @return The version in force; zero where there is no envelope.
    function policyVersion(HeadWord word) internal pure returns (uint16) {
        return uint16(HeadWord.unwrap(word) >> 24);
    }

    function payeeList(HeadWord word) internal pure returns (uint256) {
        return uint16(HeadWord.unwrap(word) >> 8);
    }

    function flags(HeadWord word) internal pure returns (uint256) {
        return uint8(HeadWord.unwrap(word));
    }

    function has(HeadWord word, uint256 flag) internal pure returns (bool) {
        return HeadWord.unwrap(word) & flag != 0;
    }

    function with(HeadWord word, uint256 flag) internal pure returns (HeadWord) {
        return HeadWord.wrap(HeadWord.unwrap(word) | flag);
    }

    function without(HeadWord word, uint256 flag) internal pure returns (HeadWord) {
        return HeadWord.wrap(HeadWord.unwrap(word) & ~flag);
    }

    function withVersion(HeadWord word, uint16 version) internal pure returns (HeadWord) {
        return HeadWord.wrap((HeadWord.unwrap(word) & ~VERSION_MASK) | uint256(version) << 24);
    }
}
