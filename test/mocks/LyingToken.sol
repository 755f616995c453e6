// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {TestUSDC} from "./TestUSDC.sol";

/// @notice Once told to, moves nothing and answers false, as tokens from before ERC-20's final form do.
contract LyingToken is TestUSDC {
    bool private _lies;

    function lie(bool lies) external {
        _lies = lies;
    }

    function transfer(address to, uint256 value) public override returns (bool) {
        return !_lies && super.transfer(to, value);
    }

    function transferFrom(address from, address to, uint256 value) public override returns (bool) {
        return !_lies && super.transferFrom(from, to, value);
    }
}
