// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Role} from "../libraries/Types.sol";
import {TreasuryStorage} from "./TreasuryStorage.sol";

/// @notice Payee lists: shared by the policies and scopes that name them by number. Several at once by multicall;
/// off again in {TreasuryAdmissions}.
abstract contract TreasuryPayees is TreasuryStorage {
    /// @notice Adds a payee to a list. Loosening.
    function listPayee(uint16 list, address payee) external only(Role.POLICY_MANAGER) {
        _requireAnnounced();
        if (list == 0) revert PayeeListZero();
        _payees[uint256(list) << 160 | uint160(payee)] = 1;
        emit PayeeListed(list, payee);
    }
}
