// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Treasury} from "./Treasury.sol";
import {ITreasuryErrors} from "./interfaces/ITreasuryErrors.sol";

/// @title TreasuryFactory
/// @notice Deploys treasuries at predictable addresses. No proxy, no upgrade path, no owner of its own.
contract TreasuryFactory {
    /// @notice A treasury was deployed.
    event TreasuryCreated(address indexed treasury, address indexed owner, bytes32 salt);

    /// @notice The code that every treasury of this factory shares beside its own.
    address public immutable DESK;

    /// @param desk The {TreasuryDesk}.
    constructor(address desk) {
        if (desk.code.length == 0) revert ITreasuryErrors.CodeMissing(desk);
        DESK = desk;
    }

    /// @notice Deploys the treasury of `owner` for `salt`; anyone may pay for it.
    /// @param owner The account that holds the owner role at first.
    /// @param salt Tells several treasuries of one owner apart.
    /// @return treasury Its address, the same on every chain where this factory has the same address.
    function createTreasury(address owner, bytes32 salt) external returns (Treasury treasury) {
        treasury = new Treasury{salt: _salt(owner, salt)}(owner, DESK);
        emit TreasuryCreated(address(treasury), owner, salt);
    }

    /// @notice Where {createTreasury} deploys, or has deployed, the treasury of `owner` for `salt`.
    function treasuryAddress(address owner, bytes32 salt) external view returns (address) {
        bytes32 initHash = keccak256(abi.encodePacked(type(Treasury).creationCode, abi.encode(owner, DESK)));
        return address(
            uint160(
                uint256(keccak256(abi.encodePacked(hex"ff", address(this), _salt(owner, salt), initHash)))
            )
        );
    }

    /// @dev The owner is part of the salt, so that nobody takes an address meant for somebody else.
    function _salt(address owner, bytes32 salt) private pure returns (bytes32) {
        return keccak256(abi.encode(owner, salt));
    }
}
