// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {BooksWord} from "../libraries/BooksWord.sol";
import {PaymentDigest} from "../libraries/PaymentDigest.sol";
import {Asset, Envelope, TopUpAuthorization} from "../libraries/Types.sol";
import {TreasuryPayees} from "./TreasuryPayees.sol";
import {SafeTransferLib} from "solady/utils/SafeTransferLib.sol";

interface IReceiveWithAuthorization {
    function receiveWithAuthorization(
        address from,
        address to,
        uint256 value,
        uint256 validAfter,
        uint256 validBefore,
        bytes32 nonce,
        bytes calldata signature
    ) external;
}

/// @notice Money into the escrow, other than from sessions; out again in {TreasuryRecovery}.
abstract contract TreasuryEscrow is TreasuryPayees {
    /// @notice Adds to an envelope's escrow, from an ERC-20 allowance of the caller. Anyone may.
    /// @param amount In the asset's atomic units.
    function topUp(uint24 envelope, uint256 amount) external nonReentrant {
        (address token, uint256 held) = _beforeTopUp(envelope, amount);
        SafeTransferLib.safeTransferFrom(token, msg.sender, address(this), amount);
        _credit(envelope, msg.sender, token, held, amount);
    }

    /// @notice Adds to an envelope's escrow by an EIP-3009 `ReceiveWithAuthorization` that `from` signed. Whoever
    /// submits it pays the gas.
    /// @dev The nonce is {PaymentDigest-topUpNonce}: `from` has signed which envelope it is for.
    /// @param authorization What `from` signed, but for the nonce.
    /// @param signature By `from`: 65 bytes of an EOA, or whatever its EIP-1271 contract takes.
    function topUpWithAuthorization(
        uint24 envelope,
        TopUpAuthorization calldata authorization,
        bytes calldata signature
    ) external nonReentrant {
        (address token, uint256 held) = _beforeTopUp(envelope, authorization.amount);
        IReceiveWithAuthorization(token)
            .receiveWithAuthorization(
                authorization.from,
                address(this),
                authorization.amount,
                authorization.validAfter,
                authorization.validBefore,
                PaymentDigest.topUpNonce(envelope, authorization.salt),
                signature
            );
        _credit(envelope, authorization.from, token, held, authorization.amount);
    }

    function _beforeTopUp(uint24 envelope, uint256 amount)
        private
        view
        returns (address token, uint256 held)
    {
        token = _assets[_existing(envelope).books.asset()].token;
        if (amount == 0) revert AmountZero();
        held = SafeTransferLib.balanceOf(token, address(this));
    }

    function _credit(uint24 envelope, address from, address token, uint256 held, uint256 amount) private {
        uint256 received = SafeTransferLib.balanceOf(token, address(this)) - held;
        // A token that takes a fee would leave the ledger richer than the treasury.
        if (received != amount) revert TransferMismatch(amount, received);
        Envelope storage record = _envelopes[envelope];
        BooksWord books = record.books;
        Asset storage asset = _assets[books.asset()];
        record.books = books.withEscrow(_u96(books.escrow() + amount));
        asset.escrowed = _u96(asset.escrowed + amount);
        emit ToppedUp(envelope, from, amount);
    }
}
