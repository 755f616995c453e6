// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Treasury} from "../../../contracts/Treasury.sol";
import {Ghost, Signed} from "../ghost/Ghost.sol";
import {Cast, Handler} from "./Handler.sol";
import {Settler} from "./Settler.sol";

/// @notice Whoever submits payments: late, again, in any order, in batches, or with a few bits changed.
contract Facilitator is Settler {
    constructor(Ghost ghost_, Treasury treasury_, Cast memory cast_) Handler(ghost_, treasury_, cast_) {}

    /// @notice Settles one payment that is in flight, whatever has happened since it was signed.
    function settles(uint256 seed) external counted {
        if (ghost.signedCount() != 0) _attempt(ghost.signedAt(seed));
    }

    /// @notice Settles a handful in any order, in one transaction.
    function settlesABatch(uint256 seed) external counted {
        if (ghost.signedCount() == 0) return;
        for (uint256 i; i < 8; ++i) {
            _attempt(ghost.signedAt(_dice(seed, "batch", 2 ** 32) + i * 7));
        }
    }

    /// @notice Settles again what has settled before.
    function replays(uint256 seed) external counted {
        if (ghost.settledCount() != 0) _attempt(ghost.settledAt(seed));
    }

    /// @notice Changes what was signed before it settles it.
    function tampers(uint256 seed) external counted {
        if (ghost.signedCount() == 0) return;
        for (uint256 i; i < 4; ++i) {
            _attempt(_tampered(uint256(keccak256(abi.encode(seed, i)))));
        }
    }

    function _tampered(uint256 seed) private view returns (Signed memory s) {
        s = ghost.signedAt(seed);
        s.flaws |= TAMPERED;
        uint256 dice = _dice(seed, "how", 10);
        if (dice == 0) s.payment.payee = cast.payees[2];
        else if (dice == 1) (s.payment.amount, s.charge) = (s.payment.amount + 1, s.payment.amount + 1);
        else if (dice == 2) s.payment.validBefore += 1 days;
        else if (dice == 3) s.payment.validAfter += 1;
        else if (dice == 4) s.nonce = keccak256(abi.encode(seed));
        else if (dice == 5) s.purse = _otherPurse(seed, s.purse);
        else if (dice == 6) s.blob = abi.encodePacked(s.blob, uint8(seed));
        else if (dice == 7) _shorten(s.blob, 1 + _dice(seed, "cut", s.blob.length));
        else if (dice == 8 && s.approver == address(0)) _dress(s, seed);
        else _flip(s.blob, _dice(seed, "bit", s.blob.length * 8));
        // Sent to a payee that it was signed for, it is not tampered with at all.
        if (dice == 0 && ghost.signedAt(seed).payment.payee == cast.payees[2]) {
            s.flaws = ghost.signedAt(seed).flaws;
        }
    }

    function _otherPurse(uint256 seed, address purse) private view returns (address other) {
        other = _somePurse(seed);
        if (other == purse) other = ghost.purses(0) == purse ? ghost.purses(1) : ghost.purses(0);
    }

    /// @dev An approval that nobody gave, in the name of somebody who could.
    function _dress(Signed memory s, uint256 seed) private view {
        s.blob[0] = bytes1(uint8(s.payment.rail) | 2 << 4);
        s.blob = abi.encodePacked(s.blob, cast.approverWallet, seed, seed, uint8(27));
        s.approver = cast.approverWallet;
    }

    function _shorten(bytes memory blob, uint256 by) private pure {
        assembly {
            mstore(blob, sub(mload(blob), by))
        }
    }

    function _flip(bytes memory blob, uint256 bit) private pure {
        blob[bit / 8] = blob[bit / 8] ^ bytes1(uint8(1 << (bit % 8)));
    }
}
