// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Role} from "../libraries/Types.sol";
import {TreasuryStorage} from "./TreasuryStorage.sol";

/// @notice Payee lists: shared by the policies and scopes that name them by number.
abstract contract TreasuryPayees is TreasuryStorage {
    /// @notice Adds payees to a list. Loosening.
    function listPayees(uint16 list, address[] calldata payees) external only(Role.POLICY_MANAGER) {
        _requireAnnounced();
        if (list == 0) revert PayeeListZero();
        for (uint256 i; i < payees.length; ++i) {
            _payees[list][payees[i]] = true;
            emit PayeeListed(list, payees[i], msg.sender);
        }
    }

    /// @notice Takes payees off a list, at once: payments to them that are outstanding die.
    function unlistPayees(uint16 list, address[] calldata payees)
        external
        only(Role.POLICY_MANAGER | Role.GUARDIAN)
    {
        for (uint256 i; i < payees.length; ++i) {
            delete _payees[list][payees[i]];
            emit PayeeUnlisted(list, payees[i], msg.sender);
        }
    }
}
