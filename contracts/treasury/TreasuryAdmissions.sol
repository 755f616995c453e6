// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {HeadWord, HeadWordLib} from "../libraries/HeadWord.sol";
import {Role} from "../libraries/Types.sol";
import {TreasuryStorage} from "./TreasuryStorage.sol";

/// @notice Who is let in no more: a payee off its list, an envelope whose next session waits for a human.
abstract contract TreasuryAdmissions is TreasuryStorage {
    /// @notice Takes a payee off a list, at once: payments to it that are outstanding die.
    function unlistPayee(uint16 list, address payee) external only(Role.POLICY_MANAGER | Role.GUARDIAN) {
        delete _payees[_entry(list, payee)];
        emit PayeeUnlisted(list, payee, msg.sender);
    }

    /// @notice Stops new sessions of an envelope until a human clears it; open sessions run on.
    /// @param reason The scorer's reason code, or a hash of an explanation.
    function setReview(uint24 envelope, bytes32 reason) external only(Role.REVIEWER | MAY_FREEZE) {
        HeadWord head = _existing(envelope).head;
        _envelopes[envelope].head = head.with(HeadWordLib.REVIEW);
        emit ReviewSet(envelope, msg.sender, reason);
    }
}
