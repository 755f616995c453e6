// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {TestUSDC} from "../mocks/TestUSDC.sol";

interface IWatcher {
    function moved(address from, address to, uint256 value, bool direct) external;
}

/// @notice Tells a watcher of every move: what left a purse is known from the token, whoever made it move.
contract WatchedToken is TestUSDC {
    IWatcher private immutable WATCHER;

    constructor(IWatcher watcher) {
        WATCHER = watcher;
    }

    /// @dev `direct` where the holder itself called, as a purse does for its treasury; an authorization that
    /// somebody submits is not.
    function _update(address from, address to, uint256 value) internal override {
        super._update(from, to, value);
        WATCHER.moved(from, to, value, msg.sender == from);
    }
}
