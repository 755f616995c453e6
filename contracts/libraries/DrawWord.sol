// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

/// @notice What a session drew, when and from where, in one storage slot: needed to give back what it did not
/// spend. `group (24) | expiry (32) | openedAt (40) | budget (96)`.
type DrawWord is uint256;

using {DrawWordLib.budget, DrawWordLib.openedAt, DrawWordLib.expiry, DrawWordLib.group} for DrawWord global;

library DrawWordLib {
    function pack(uint96 budget_, uint256 openedAt_, uint32 expiry_, uint24 group_)
        internal
        pure
        returns (DrawWord)
    {
        return DrawWord.wrap(
            uint256(group_) << 168 | uint256(expiry_) << 136 | openedAt_ << 96 | uint256(budget_)
        );
    }

    /// @return In the asset's atomic units.
    function budget(DrawWord word) internal pure returns (uint256) {
        return uint96(DrawWord.unwrap(word));
    }

    /// @return Unix seconds.
    function openedAt(DrawWord word) internal pure returns (uint256) {
        return uint40(DrawWord.unwrap(word) >> 96);
    }

    /// @return Unix seconds (exclusive); unlike the session's word, it outlives a freeze.
    function expiry(DrawWord word) internal pure returns (uint256) {
        return uint32(DrawWord.unwrap(word) >> 136);
    }

    /// @return The group it was drawn from as well, or 0.
    function group(DrawWord word) internal pure returns (uint24) {
        return uint24(DrawWord.unwrap(word) >> 168);
    }
}
