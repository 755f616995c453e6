// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {WindowWord} from "./WindowWord.sol";

/// @notice Limit arithmetic over calendar-aligned windows. Pure: time is an argument.
library Windows {
    /// @dev Windows are aligned to Monday 1970-01-05 00:00 UTC, so that a week of 604,800 s starts on a
    /// Monday; whole days and hours are aligned to UTC all the same.
    uint256 internal constant ANCHOR = 345_600;

    /// @notice The number of the window that `timestamp` falls into; a period of 0 has one window, 0.
    function indexAt(uint256 period, uint256 timestamp) internal pure returns (uint256) {
        return period == 0 ? 0 : (timestamp - ANCHOR) / period;
    }

    /// @notice When the window of that number ends, in unix seconds (exclusive).
    function endOf(uint256 period, uint256 index) internal pure returns (uint256) {
        return period == 0 ? type(uint256).max : ANCHOR + (index + 1) * period;
    }

    /// @notice What was drawn in the window that `timestamp` falls into, in atomic units.
    function usedAt(WindowWord window, uint256 timestamp) internal pure returns (uint256) {
        return window.index() == indexAt(window.period(), timestamp) ? window.used() : 0;
    }

    /// @notice What is still counted in the window `index` once `unspent` of a draw at `drawnAt` comes back.
    /// @dev A draw from an earlier window gives nothing back: it was never counted in this one.
    function usedAfterReturn(WindowWord window, uint256 index, uint256 drawnAt, uint256 unspent)
        internal
        pure
        returns (uint256 used)
    {
        used = window.index() == index ? window.used() : 0;
        if (unspent == 0 || indexAt(window.period(), drawnAt) != index) return used;
        return used > unspent ? used - unspent : 0;
    }
}
