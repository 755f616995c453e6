// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

/// @notice A smart account that says yes to everything, and makes a call of its own each time it is asked.
contract CuriousWallet {
    address private _target;
    bytes private _call;

    function wonder(address target, bytes calldata data) external {
        (_target, _call) = (target, data);
    }

    /// @dev Not `view`, so that it may try; asked by a static call, its call cannot write.
    function isValidSignature(bytes32, bytes calldata) external returns (bytes4) {
        if (_target == address(0)) return this.isValidSignature.selector;
        // A write in a static call burns all that it was given.
        (bool success,) = _target.call{gas: 500_000}(_call);
        // What was wanted got through: say no, so that a test sees it.
        return success ? bytes4(0xffffffff) : this.isValidSignature.selector;
    }
}

/// @notice A smart account that says yes to everybody.
contract YesMan {
    function isValidSignature(bytes32, bytes calldata) external pure returns (bytes4) {
        return this.isValidSignature.selector;
    }
}
