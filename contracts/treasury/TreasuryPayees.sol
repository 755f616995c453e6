// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Role} from "../libraries/Types.sol";
import {TreasuryStorage} from "./TreasuryStorage.sol";

/// @notice Payee lists: shared by the policies and scopes that name them by number. Several at once by multicall;
/// off again in {TreasuryAdmissions}.
abstract contract TreasuryPayees is TreasuryStorage {
    /// @notice Adds a payee to a list. Loosening.
    function listPayee(uint16 list, address payee) external only(Role.POLICY_MANAGER) {
        if (list == 0) revert PayeeListZero();
        _requireAnnounced();
        emit PayeeListed(list, payee);
        _payees[_entry(list, payee)] = 1;
    }
}
