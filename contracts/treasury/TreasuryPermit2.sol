// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {HeadWordLib} from "../libraries/HeadWord.sol";
import {Permit2Digest} from "../libraries/Permit2Digest.sol";
import {Envelope, Role} from "../libraries/Types.sol";
import {TreasuryRecovery} from "./TreasuryRecovery.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

/// @notice Which envelopes pay through Permit2 as well. Their purses' signatures decide over each payment all the
/// same: the allowance alone lets nobody take anything.
abstract contract TreasuryPermit2 is TreasuryRecovery {
    /// @notice Lets the purses of an envelope pay through Permit2, or no more. Letting them is loosening.
    /// @dev The policy gets a new version with it, so that no decision settles once on each side of the change.
    function setPermit2(uint24 envelope, bool on) external only(Role.POLICY_MANAGER) {
        Envelope storage record = _existing(envelope);
        if (on) {
            _requireAnnounced();
            if (Permit2Digest.PERMIT2.code.length == 0) revert CodeMissing(Permit2Digest.PERMIT2);
        }
        record.head = on ? record.head.with(HeadWordLib.PERMIT2) : record.head.without(HeadWordLib.PERMIT2);
        emit Permit2Set(envelope, on, msg.sender);
        _renewPolicy(envelope, record);
    }

    /// @notice Makes a purse's allowance to Permit2 what its envelope says: all, or nothing. Anyone may.
    function levelPermit2(uint24 envelope, uint16 purseIndex) external nonReentrant {
        (Envelope storage record, address purse) = _existingPurse(envelope, purseIndex);
        uint256 allowance = record.head.has(HeadWordLib.PERMIT2) ? type(uint256).max : 0;
        address token = _assets[record.books.asset()].token;
        _callFromPurse(purse, token, abi.encodeCall(IERC20.approve, (Permit2Digest.PERMIT2, allowance)));
    }
}
