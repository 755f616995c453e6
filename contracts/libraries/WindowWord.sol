// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Window} from "./Types.sol";

/// @notice A {Window} in one storage slot: `index (32) | period (32) | used (96) | limit (96)`.
/// @dev By hand: a struct would be read and written field by field, four times the storage operations.
type WindowWord is uint256;

using {WindowWordLib.unpack, WindowWordLib.limit} for WindowWord global;

library WindowWordLib {
    function pack(Window memory window) internal pure returns (WindowWord) {
        return WindowWord.wrap(
            uint256(window.index) << 224 | uint256(window.period) << 192 | uint256(window.used) << 96
                | window.limit
        );
    }

    function unpack(WindowWord word) internal pure returns (Window memory) {
        uint256 packed = WindowWord.unwrap(word);
        return Window({
            limit: uint96(packed),
            used: uint96(packed >> 96),
            period: uint32(packed >> 192),
            index: uint32(packed >> 224)
        });
    }

    /// @return In the asset's atomic units; zero where there is no window.
    function limit(WindowWord word) internal pure returns (uint256) {
        return uint96(WindowWord.unwrap(word));
    }
}
