// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

/// @notice One limit with what was drawn in its current window, in one storage slot:
/// `index (32) | period (32) | used (96) | limit (96)`.
/// @dev By hand: a struct would be read and written field by field, four times the storage operations.
type WindowWord is uint256;

using {
    WindowWordLib.limit,
    WindowWordLib.used,
    WindowWordLib.period,
    WindowWordLib.index,
    WindowWordLib.counting,
    WindowWordLib.withLimit
} for WindowWord global;

library WindowWordLib {
    uint256 private constant PERIOD_AND_LIMIT = uint256(type(uint32).max) << 192 | uint256(type(uint96).max);

    /// @return A window that counts nothing yet.
    function limiting(uint256 period_, uint256 limit_) internal pure returns (WindowWord) {
        return WindowWord.wrap(period_ << 192 | limit_);
    }

    /// @return In the asset's atomic units; zero where there is no window.
    function limit(WindowWord word) internal pure returns (uint256) {
        return uint96(WindowWord.unwrap(word));
    }

    /// @return What was drawn in the window of that index, in atomic units.
    function used(WindowWord word) internal pure returns (uint256) {
        return uint96(WindowWord.unwrap(word) >> 96);
    }

    /// @return Length of the window, in seconds; zero for the lifetime limit.
    function period(WindowWord word) internal pure returns (uint256) {
        return uint32(WindowWord.unwrap(word) >> 192);
    }

    /// @return Which window `used` was counted in.
    function index(WindowWord word) internal pure returns (uint256) {
        return WindowWord.unwrap(word) >> 224;
    }

    /// @return The same limit, counting `used_` in the window `index_`.
    /// @dev Warning: both must fit; what is counted is at most the limit, and indices pass 32 bits in 2106.
    function counting(WindowWord word, uint256 used_, uint256 index_) internal pure returns (WindowWord) {
        return WindowWord.wrap(WindowWord.unwrap(word) & PERIOD_AND_LIMIT | used_ << 96 | index_ << 224);
    }

    /// @return The same count under another limit.
    function withLimit(WindowWord word, uint96 limit_) internal pure returns (WindowWord) {
        return WindowWord.wrap(WindowWord.unwrap(word) & ~uint256(type(uint96).max) | limit_);
    }
}
