// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Refusal} from "../../contracts/libraries/Types.sol";
import {Base} from "../Base.t.sol";
import {Payment} from "../Digests.sol";

contract ReviewTest is Base {
    bytes32 internal constant REASON = keccak256("velocity");

    function test_GivenReview_NoNewSessionButOpenOnesRunOn() public {
        open(50 * UNIT);
        vm.expectEmit(address(treasury));
        emit ReviewSet(envelope, reviewer, REASON);
        vm.prank(reviewer);
        desk.setReview(envelope, REASON);
        assertTrue(views.envelope(envelope).underReview);

        pay(purse, payee, UNIT, DECISION);
        assertEq(paidTo(payee), UNIT);
        nextSessionKey();
        assertOpeningRefused(request(UNIT), Refusal.UnderReview, 0, 0);
    }

    function test_GivenReviewCleared_SessionsOpen() public {
        vm.prank(reviewer);
        desk.setReview(envelope, REASON);
        vm.expectEmit(address(treasury));
        emit ReviewCleared(envelope, owner, REASON);
        vm.prank(owner);
        desk.clearReview(envelope, REASON);
        assertFalse(views.envelope(envelope).underReview);
        open(UNIT);
    }

    function test_GivenFreezeAndReview_EachIsClearedAlone() public {
        vm.prank(reviewer);
        desk.setReview(envelope, REASON);
        vm.prank(guardian);
        treasury.freezeEnvelope(envelope);
        assertOpeningRefused(request(UNIT), Refusal.EnvelopeFrozen, 0, 0);
        vm.prank(owner);
        desk.clearReview(envelope, REASON);
        assertTrue(views.envelope(envelope).frozen);
        vm.prank(reviewer);
        desk.setReview(envelope, REASON);
        vm.prank(owner);
        desk.unfreezeEnvelope(envelope);
        assertTrue(views.envelope(envelope).underReview);
        assertOpeningRefused(request(UNIT), Refusal.UnderReview, 0, 0);
    }

    function test_RevertWhen_EnvelopeIsUnknown() public {
        vm.expectRevert(abi.encodeWithSelector(EnvelopeUnknown.selector, 2, 1));
        vm.prank(reviewer);
        desk.setReview(2, REASON);
        vm.expectRevert(abi.encodeWithSelector(EnvelopeUnknown.selector, 0, 1));
        vm.prank(owner);
        desk.clearReview(0, REASON);
    }
}
