// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Refusal, SessionRequest} from "../../contracts/libraries/Types.sol";
import {Base} from "../Base.t.sol";

contract CreatePursesTest is Base {
    function test_GivenCount_CreatesThemAtPredictedAddresses() public {
        for (uint16 i = 1; i <= 3; ++i) {
            address predicted = views.purseOf(envelope, i);
            vm.expectEmit(address(treasury));
            emit PurseCreated(envelope, predicted, i);
        }
        vm.prank(manager);
        desk.createPurses(envelope, 3);
        assertEq(views.envelope(envelope).purses, 4);
        for (uint16 i; i < 4; ++i) {
            assertGt(views.purseOf(envelope, i).code.length, 0);
        }
        assertEq(views.purseOf(envelope, 4).code.length, 0);
        assertEq(views.purseOf(envelope, 0), purse);
    }

    function test_GivenCalledAgain_GoesOnCounting() public {
        vm.startPrank(manager);
        desk.createPurses(envelope, 2);
        desk.createPurses(envelope, 0);
        desk.createPurses(envelope, 2);
        assertEq(views.envelope(envelope).purses, 5);
        assertGt(views.purseOf(envelope, 4).code.length, 0);
    }

    function test_GivenNewPurse_ItsOwnSessionsCountFromOne() public {
        open(UNIT);
        vm.prank(manager);
        desk.createPurses(envelope, 1);
        SessionRequest memory r = request(UNIT);
        (r.purseIndex, r.key) = (1, makeAddr("second session key"));
        assertOpeningRefused(r, Refusal.SequenceMismatch, 1, 2);
        r.sequence = 1;
        assertOpens(r);
    }

    function test_RevertWhen_EnvelopeIsUnknown() public {
        vm.expectRevert(abi.encodeWithSelector(EnvelopeUnknown.selector, 2, 1));
        vm.prank(manager);
        desk.createPurses(2, 1);
    }

    function test_RevertWhen_MorePursesThanCounted() public {
        vm.startPrank(manager);
        desk.createPurses(envelope, 1);
        vm.expectRevert(abi.encodeWithSelector(TooMany.selector, 65_535));
        desk.createPurses(envelope, 65_535);
    }

    function testFuzz_AddressesAreDistinct(uint16 a, uint16 b) public view {
        vm.assume(a != b);
        assertTrue(views.purseOf(envelope, a) != views.purseOf(envelope, b));
    }
}
