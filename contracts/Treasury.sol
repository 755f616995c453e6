// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Forwarding} from "./libraries/Forwarding.sol";
import {Role} from "./libraries/Types.sol";
import {TreasuryPayments} from "./treasury/TreasuryPayments.sol";
import {TreasurySessions} from "./treasury/TreasurySessions.sol";
import {Multicallable} from "solady/utils/Multicallable.sol";

/// @title Treasury
/// @notice One organisation's contract: the escrow, the roles, the policies, the ledgers, the kill switch.
/// @dev Built up in layers, each one idea. What must be cheap or moves money is here: payments, sessions,
/// escrow, payee lists and stops. All else is in {TreasuryDesk} and {TreasuryViews}, whose code runs in this
/// contract's storage. No proxy and no upgrade path: the desk's address is part of this code, and an
/// organisation that wants other rules moves by withdrawing.
contract Treasury is TreasuryPayments, TreasurySessions, Multicallable {
    address private immutable DESK;

    /// @param owner The account that holds the owner role at first: a Safe or a timelock in production.
    /// @param desk The {TreasuryDesk}.
    constructor(address owner, address desk) {
        if (owner == address(0)) revert AddressZero();
        if (desk.code.length == 0) revert CodeMissing(desk);
        DESK = desk;
        _grant(owner, Role.OWNER);
    }

    /// @notice Where the desk's code is; fixed for good.
    function deskCode() external view returns (address) {
        return DESK;
    }

    fallback() external {
        Forwarding.delegate(DESK);
    }
}
