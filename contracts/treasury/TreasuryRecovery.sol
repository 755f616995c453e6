// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Envelope, Role} from "../libraries/Types.sol";
import {TreasuryEnvelopes} from "./TreasuryEnvelopes.sol";
import {SafeTransferLib} from "solady/utils/SafeTransferLib.sol";

/// @notice What was sent here by mistake finds its way out; what envelopes count never does.
abstract contract TreasuryRecovery is TreasuryEnvelopes {
    /// @notice Sends on what was sent to this treasury by mistake: whatever no envelope's escrow counts.
    function recover(address token, address to) external only(Role.OWNER) nonReentrant {
        if (to == address(0)) revert AddressZero();
        uint256 counted;
        for (uint256 i; i < _organisation.assets; ++i) {
            if (_assets[i].token == token) counted = _assets[i].escrowed;
        }
        uint256 amount = SafeTransferLib.balanceOf(token, address(this)) - counted;
        if (amount == 0) revert AmountZero();
        emit Recovered(token, address(this), to, amount);
        SafeTransferLib.safeTransfer(token, to, amount);
    }

    /// @notice Sends on another token than the envelope's asset that was sent to a purse by mistake.
    /// @dev The asset itself comes back through the session's close, or the next opening.
    function recoverFromPurse(uint24 envelope, uint16 purseIndex, address token, address to)
        external
        only(Role.OWNER)
        nonReentrant
    {
        Envelope storage record = _existing(envelope);
        if (to == address(0)) revert AddressZero();
        if (token == _assets[record.asset].token) revert AssetKnown(token);
        address purse = _purseAddress(envelope, purseIndex, record.asset);
        uint256 amount = SafeTransferLib.balanceOf(token, purse);
        if (amount == 0) revert AmountZero();
        emit Recovered(token, purse, to, amount);
        _pull(purse, token, to, amount);
    }
}
