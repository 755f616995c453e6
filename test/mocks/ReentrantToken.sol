// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {TestUSDC} from "./TestUSDC.sol";

/// @notice Calls back once, in the middle of its next transfer, and remembers how that went.
contract ReentrantToken is TestUSDC {
    address private _target;
    bytes private _call;
    bool public called;
    bool public success;
    bytes public result;

    function callBack(address target, bytes calldata data) external {
        (_target, _call, called) = (target, data, false);
    }

    function _update(address from, address to, uint256 value) internal override {
        super._update(from, to, value);
        address target = _target;
        if (target == address(0)) return;
        _target = address(0);
        called = true;
        (success, result) = target.call(_call);
    }
}
