// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {TreasuryDesk} from "../contracts/TreasuryDesk.sol";
import {TreasuryFactory} from "../contracts/TreasuryFactory.sol";
import {Role} from "../contracts/libraries/Types.sol";
import {Script} from "forge-std/Script.sol";
import {console} from "forge-std/console.sol";

/// @notice Creates a treasury and hands out its roles. A dry run unless forge is told to `--broadcast`.
/// @dev From the environment; lists are separated by commas, and what is left out is left as it is:
///   BURSAR_FACTORY, BURSAR_OWNER      required
///   BURSAR_SALT                       tells several treasuries of one owner apart (0)
///   BURSAR_ASSETS                     tokens that envelopes may hold
///   BURSAR_POLICY_MANAGERS, BURSAR_GUARDIANS, BURSAR_APPROVERS, BURSAR_REVIEWERS, BURSAR_STAMPERS
///   BURSAR_SEPARATE_DUTIES            whether approvers must never have set a policy (true)
///   BURSAR_DELAY                      how long a loosening waits, in seconds (0)
/// Only the owner can do more than create. Where somebody else sends this, the owner's calls are printed, for
/// its Safe or timelock to make, in this order.
contract CreateTreasury is Script {
    bytes[] internal _calls;

    error AddressMismatch(address expected, address actual);
    error DelayTooLong(uint256 delay, uint256 max);

    function run() external returns (TreasuryDesk treasury) {
        TreasuryFactory factory = TreasuryFactory(vm.envAddress("BURSAR_FACTORY"));
        address owner = vm.envAddress("BURSAR_OWNER");
        bytes32 salt = vm.envOr("BURSAR_SALT", bytes32(0));
        treasury = TreasuryDesk(factory.treasuryAddress(owner, salt));
        console.log("treasury", address(treasury), "of owner", owner);

        if (address(treasury).code.length == 0) {
            vm.broadcast(msg.sender);
            address created = address(factory.createTreasury(owner, salt));
            if (created != address(treasury)) revert AddressMismatch(address(treasury), created);
        } else {
            console.log("is there already");
        }
        _collect(treasury);
        if (msg.sender == owner) _make(treasury);
        else _print();
    }

    function _collect(TreasuryDesk treasury) private {
        address[] memory none;
        address[] memory assets = vm.envOr("BURSAR_ASSETS", ",", none);
        for (uint256 i; i < assets.length; ++i) {
            _calls.push(abi.encodeCall(treasury.addAsset, (assets[i])));
        }
        _grant(treasury, "BURSAR_POLICY_MANAGERS", Role.POLICY_MANAGER);
        _grant(treasury, "BURSAR_GUARDIANS", Role.GUARDIAN);
        _grant(treasury, "BURSAR_APPROVERS", Role.APPROVER);
        _grant(treasury, "BURSAR_REVIEWERS", Role.REVIEWER);
        _grant(treasury, "BURSAR_STAMPERS", Role.STAMPER);
        if (vm.envOr("BURSAR_SEPARATE_DUTIES", true)) {
            _calls.push(abi.encodeCall(treasury.setSeparationOfDuties, (true)));
        }
        // Last: from here on a loosening waits.
        uint256 delay = vm.envOr("BURSAR_DELAY", uint256(0));
        if (delay > type(uint32).max) revert DelayTooLong(delay, type(uint32).max);
        if (delay != 0) _calls.push(abi.encodeCall(treasury.setDelay, (uint32(delay))));
    }

    function _grant(TreasuryDesk treasury, string memory variable, uint8 role) private {
        address[] memory none;
        address[] memory accounts = vm.envOr(variable, ",", none);
        for (uint256 i; i < accounts.length; ++i) {
            _calls.push(abi.encodeCall(treasury.grantRole, (accounts[i], role)));
        }
    }

    function _make(TreasuryDesk treasury) private {
        for (uint256 i; i < _calls.length; ++i) {
            vm.broadcast(msg.sender);
            (bool success, bytes memory why) = address(treasury).call(_calls[i]);
            if (!success) {
                assembly {
                    revert(add(why, 32), mload(why))
                }
            }
        }
        console.log("calls made by the owner:", _calls.length);
    }

    function _print() private view {
        console.log("calls for the owner to make, in this order:");
        for (uint256 i; i < _calls.length; ++i) {
            console.logBytes(_calls[i]);
        }
    }
}
