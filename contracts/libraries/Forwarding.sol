// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

/// @notice Hands a whole call on to code that runs in the caller's storage.
library Forwarding {
    /// @dev Never returns to its caller: what `code` answers is the call's answer.
    function delegate(address code) internal {
        // Not marked memory-safe on purpose: it overwrites memory from 0, and nothing runs after it.
        assembly {
            calldatacopy(0, 0, calldatasize())
            let success := delegatecall(gas(), code, 0, calldatasize(), 0, 0)
            returndatacopy(0, 0, returndatasize())
            if success { return(0, returndatasize()) }
            revert(0, returndatasize())
        }
    }
}
