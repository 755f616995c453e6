// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {BooksWord} from "../libraries/BooksWord.sol";
import {Asset, Envelope, Role} from "../libraries/Types.sol";
import {TreasuryGroups} from "./TreasuryGroups.sol";
import {SafeTransferLib} from "solady/utils/SafeTransferLib.sol";

/// @notice Money out: what envelopes count, by withdrawal alone; what was sent here by mistake, all of it.
abstract contract TreasuryRecovery is TreasuryGroups {
    /// @notice Takes money out of an envelope's escrow. Frozen or not: an owner can always withdraw.
    function withdraw(uint24 envelope, address to, uint256 amount) external only(Role.OWNER) nonReentrant {
        Envelope storage record = _existing(envelope);
        BooksWord books = record.books;
        Asset storage asset = _assets[books.asset()];
        if (to == address(0)) revert AddressZero();
        if (amount == 0) revert AmountZero();
        if (amount > books.escrow()) revert EscrowTooSmall(books.escrow(), amount);

        record.books = books.withEscrow(uint96(books.escrow() - amount));
        asset.escrowed -= uint96(amount);
        emit Withdrawn(envelope, to, amount, msg.sender);
        SafeTransferLib.safeTransfer(asset.token, to, amount);
    }

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
    function recoverFromPurse(uint24 envelope, uint16 purseIndex, address token, address to)
        external
        only(Role.OWNER)
        nonReentrant
    {
        (Envelope storage record, address purse) = _existingPurse(envelope, purseIndex);
        if (to == address(0)) revert AddressZero();
        if (token == _assets[record.books.asset()].token) revert AssetKnown(token);
        uint256 amount = SafeTransferLib.balanceOf(token, purse);
        if (amount == 0) revert AmountZero();
        emit Recovered(token, purse, to, amount);
        _pull(purse, token, to, amount);
    }

    /// @notice Puts the asset that strangers sent to a purse without a session into the escrow. Anyone may.
    /// @dev With a session open, its close does the same.
    function sweepPurse(uint24 envelope, uint16 purseIndex) external nonReentrant {
        (Envelope storage record, address purse) = _existingPurse(envelope, purseIndex);
        if (_sessions[purse].key() != address(0)) revert SessionOpen(purse);
        BooksWord books = record.books;
        Asset storage asset = _assets[books.asset()];
        uint256 amount = SafeTransferLib.balanceOf(asset.token, purse);
        if (amount == 0) revert AmountZero();
        record.books = books.withEscrow(_u96(books.escrow() + amount));
        asset.escrowed = _u96(asset.escrowed + amount);
        emit PurseSwept(envelope, purse, amount);
        _pull(purse, asset.token, address(this), amount);
    }

    function _existingPurse(uint24 envelope, uint16 purseIndex)
        internal
        view
        returns (Envelope storage record, address purse)
    {
        record = _existing(envelope);
        BooksWord books = record.books;
        if (purseIndex > books.morePurses()) revert PurseUnknown(purseIndex, books.morePurses());
        purse = _purseAddress(envelope, purseIndex, books.asset());
    }
}
