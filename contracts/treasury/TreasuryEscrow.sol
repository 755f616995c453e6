// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Asset, Envelope, Role} from "../libraries/Types.sol";
import {TreasuryPayees} from "./TreasuryPayees.sol";
import {SafeTransferLib} from "solady/utils/SafeTransferLib.sol";

/// @notice Money in and out of the escrow, other than through sessions.
abstract contract TreasuryEscrow is TreasuryPayees {
    /// @notice Adds to an envelope's escrow, from an ERC-20 allowance of the caller. Anyone may.
    /// @param amount In the asset's atomic units.
    function topUp(uint24 envelope, uint256 amount) external nonReentrant {
        Envelope storage record = _existing(envelope);
        Asset storage asset = _assets[record.asset];
        address token = asset.token;
        if (amount == 0) revert AmountZero();

        uint256 held = SafeTransferLib.balanceOf(token, address(this));
        SafeTransferLib.safeTransferFrom(token, msg.sender, address(this), amount);
        uint256 received = SafeTransferLib.balanceOf(token, address(this)) - held;
        // A token that takes a fee would leave the ledger richer than the treasury.
        if (received != amount) revert TransferMismatch(amount, received);

        record.escrow = _u96(record.escrow + amount);
        asset.escrowed = _u96(asset.escrowed + amount);
        emit ToppedUp(envelope, msg.sender, amount);
    }

    /// @notice Takes money out of an envelope's escrow. Frozen or not: an owner can always withdraw.
    function withdraw(uint24 envelope, address to, uint256 amount) external only(Role.OWNER) nonReentrant {
        Envelope storage record = _existing(envelope);
        Asset storage asset = _assets[record.asset];
        if (to == address(0)) revert AddressZero();
        if (amount == 0) revert AmountZero();
        if (amount > record.escrow) revert EscrowTooSmall(record.escrow, amount);

        record.escrow -= uint96(amount);
        asset.escrowed -= uint96(amount);
        emit Withdrawn(envelope, to, amount, msg.sender);
        SafeTransferLib.safeTransfer(asset.token, to, amount);
    }
}
