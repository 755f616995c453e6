// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Role} from "../../contracts/libraries/Types.sol";
import {Base} from "../Base.t.sol";

contract RolesTest is Base {
    /* GRANT */

    function test_GivenKnownRole_GrantsIt() public {
        for (uint8 bit; bit < 6; ++bit) {
            uint8 role = uint8(1 << bit);
            vm.expectEmit(address(treasury));
            emit RoleGranted(stranger, role, owner);
            vm.prank(owner);
            desk.grantRole(stranger, role);
        }
        assertEq(views.account(stranger).roles, 63);
    }

    function test_GivenRoleHeldAlready_GrantsNothingAgain() public {
        vm.prank(owner);
        desk.grantRole(owner, Role.OWNER);
        assertEq(views.organisation().owners, 1, "counted twice");
    }

    function testFuzz_RevertWhen_RoleIsNotOneKnownBit(uint8 role) public {
        vm.assume(role == 0 || role > 32 || (role & (role - 1)) != 0);
        vm.startPrank(owner);
        vm.expectRevert(abi.encodeWithSelector(RoleUnknown.selector, role));
        desk.grantRole(stranger, role);
        vm.expectRevert(abi.encodeWithSelector(RoleUnknown.selector, role));
        desk.revokeRole(stranger, role);
    }

    /// @dev Each edge by itself, as no fuzzer has to come upon it: none at all, the bit after the last, all of them.
    function test_RevertWhen_RoleIsAtAnEdge() public {
        uint8[5] memory edges = [0, 64, 128, 63, 255];
        vm.startPrank(owner);
        for (uint256 i; i < edges.length; ++i) {
            vm.expectRevert(abi.encodeWithSelector(RoleUnknown.selector, edges[i]));
            desk.grantRole(stranger, edges[i]);
            vm.expectRevert(abi.encodeWithSelector(RoleUnknown.selector, edges[i]));
            desk.revokeRole(stranger, edges[i]);
        }
    }

    function test_RevertWhen_GrantingToZero() public {
        vm.expectRevert(AddressZero.selector);
        vm.prank(owner);
        desk.grantRole(address(0), Role.APPROVER);
    }

    /* REVOKE */

    function test_GivenRoleHeld_RevokesIt() public {
        vm.expectEmit(address(treasury));
        emit RoleRevoked(approver, Role.APPROVER, owner);
        vm.prank(owner);
        desk.revokeRole(approver, Role.APPROVER);
        assertEq(views.account(approver).roles, 0);
    }

    function test_GivenOtherRolesHeld_RevokesOnlyTheNamedOne() public {
        vm.startPrank(owner);
        desk.grantRole(approver, Role.REVIEWER);
        desk.revokeRole(approver, Role.APPROVER);
        assertEq(views.account(approver).roles, Role.REVIEWER);
    }

    function test_GivenRoleNotHeld_RevokesNothing() public {
        vm.recordLogs();
        vm.prank(owner);
        desk.revokeRole(stranger, Role.OWNER);
        assertEq(vm.getRecordedLogs().length, 0);
        assertEq(views.organisation().owners, 1);
    }

    function test_RevertWhen_LastOwnerIsRevoked() public {
        vm.expectRevert(abi.encodeWithSelector(LastOwner.selector, owner));
        vm.prank(owner);
        desk.revokeRole(owner, Role.OWNER);
    }

    function test_GivenTwoOwners_EitherMayGoButNotBoth() public {
        vm.startPrank(owner);
        desk.grantRole(stranger, Role.OWNER);
        desk.revokeRole(owner, Role.OWNER);
        vm.expectRevert(abi.encodeWithSelector(RoleMissing.selector, owner, Role.OWNER));
        desk.grantRole(owner, Role.OWNER);
        vm.stopPrank();
        vm.expectRevert(abi.encodeWithSelector(LastOwner.selector, stranger));
        vm.prank(stranger);
        desk.revokeRole(stranger, Role.OWNER);
    }

    /// @dev However roles are granted and revoked, somebody owns the treasury and the count is right.
    function testFuzz_OwnersAreCounted(uint256 seed) public {
        address[3] memory people = [owner, stranger, guardian];
        for (uint256 i; i < 20; ++i) {
            uint256 dice = uint256(keccak256(abi.encode(seed, i)));
            address acting = people[0];
            for (uint256 j; j < 3; ++j) {
                if (views.account(people[j]).roles & Role.OWNER != 0) acting = people[j];
            }
            address who = people[dice % 3];
            vm.prank(acting);
            if (dice & 256 == 0) {
                desk.grantRole(who, Role.OWNER);
            } else {
                (bool done,) = address(desk).call(abi.encodeCall(desk.revokeRole, (who, Role.OWNER)));
                done;
            }
            uint256 count;
            for (uint256 j; j < 3; ++j) {
                if (views.account(people[j]).roles & Role.OWNER != 0) ++count;
            }
            assertGe(count, 1, "nobody owns it");
            assertEq(views.organisation().owners, count);
        }
    }

    function test_GivenSeparationOfDuties_ItIsSetAndTold() public {
        vm.startPrank(owner);
        vm.expectEmit(address(treasury));
        emit SeparationOfDutiesSet(false, owner);
        desk.setSeparationOfDuties(false);
        assertFalse(views.organisation().separateDuties);
        desk.setSeparationOfDuties(true);
        assertTrue(views.organisation().separateDuties);
    }
}
