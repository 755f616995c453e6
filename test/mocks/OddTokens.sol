// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {TestUSDC} from "./TestUSDC.sol";

/// @notice Moves what it is asked to, and answers whatever it was told to: nothing at all, half a word, two.
contract OddlyAnsweringToken is TestUSDC {
    bytes private _answer;

    function answerWith(bytes calldata answer) external {
        _answer = answer;
    }

    function transfer(address to, uint256 value) public override returns (bool) {
        super.transfer(to, value);
        _leave();
    }

    function transferFrom(address from, address to, uint256 value) public override returns (bool) {
        super.transferFrom(from, to, value);
        _leave();
    }

    function approve(address spender, uint256 value) public override returns (bool) {
        super.approve(spender, value);
        _leave();
    }

    function _leave() private view {
        bytes memory answer = _answer;
        assembly ("memory-safe") {
            return(add(answer, 32), mload(answer))
        }
    }
}

/// @notice Stops altogether, or for one account, as regulated tokens do.
contract StoppingToken is TestUSDC {
    bool private _paused;
    mapping(address account => bool) private _blocked;

    error Stopped();

    function pause(bool on) external {
        _paused = on;
    }

    function block_(address account, bool on) external {
        _blocked[account] = on;
    }

    function _update(address from, address to, uint256 value) internal override {
        if (_paused || _blocked[from] || _blocked[to]) revert Stopped();
        super._update(from, to, value);
    }
}

/// @notice Once told to, moves another amount than it is asked to, and says that all is well.
contract PretendingToken is TestUSDC {
    bool private _pretends;
    uint256 private _moved;

    function move(uint256 amount) external {
        (_pretends, _moved) = (true, amount);
    }

    function _update(address from, address to, uint256 value) internal override {
        super._update(from, to, _pretends ? _moved : value);
    }
}

/// @notice Calls back once from the middle of any change of a balance or of an allowance.
contract CallingBackToken is TestUSDC {
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
        _callOnce();
    }

    function _approve(address owner, address spender, uint256 value, bool emits) internal override {
        super._approve(owner, spender, value, emits);
        _callOnce();
    }

    function _callOnce() private {
        address target = _target;
        if (target == address(0)) return;
        _target = address(0);
        called = true;
        (success, result) = target.call(_call);
    }
}
