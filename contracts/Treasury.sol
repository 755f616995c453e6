// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Role} from "./libraries/Types.sol";
import {TreasuryPayments} from "./treasury/TreasuryPayments.sol";
import {TreasurySessions} from "./treasury/TreasurySessions.sol";

/// @title Treasury
/// @notice One organisation's contract: the escrow, the roles, the policies, the ledgers, the kill switch.
/// @dev Built up in layers, each one idea. What must be cheap or moves money is here: payments, sessions,
/// escrow, payee lists and stops. All else is in {TreasuryDesk}, whose code runs in this contract's storage.
/// No proxy and no upgrade path: the desk's address is part of this code, and an organisation that wants
/// other rules moves by withdrawing.
contract Treasury is TreasuryPayments, TreasurySessions {
    address private immutable DESK;

    /// @param owner The account that holds the owner role at first: a Safe or a timelock in production.
    /// @param desk The {TreasuryDesk}.
    constructor(address owner, address desk) {
        if (owner == address(0) || desk.code.length == 0) revert AddressZero();
        DESK = desk;
        _grant(owner, Role.OWNER);
    }

    /// @notice Where the desk's code is; fixed for good.
    function deskCode() external view returns (address) {
        return DESK;
    }

    fallback() external {
        address desk = DESK;
        // Not marked memory-safe on purpose: it overwrites memory from 0, and nothing runs after it.
        assembly {
            calldatacopy(0, 0, calldatasize())
            let success := delegatecall(gas(), desk, 0, calldatasize(), 0, 0)
            returndatacopy(0, 0, returndatasize())
            if success { return(0, returndatasize()) }
            revert(0, returndatasize())
        }
    }
}
