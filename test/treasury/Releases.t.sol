// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Refusal} from "../../contracts/libraries/Types.sol";
import {Payment} from "../Digests.sol";
import {Fleet} from "../Fleet.t.sol";

/// @notice What was signed before a release never settles after it, whatever was released and how often.
contract ReleasesTest is Fleet {
    uint24 internal top;
    uint24 internal group;

    function setUp() public override {
        super.setUp();
        top = newGroup(0, 300);
        group = newGroup(top, 300);
        put(members[0], group);
        put(members[1], top);
    }

    /* EPOCHS */

    function test_GivenOrganisationReleased_SessionsRunOnUnderANewEpoch() public {
        openOf(members[2], 20 * UNIT);
        (, bytes32 digest, bytes memory blob) = signedFrom(members[2], UNIT);
        _freezeAndRelease(0);
        assertEq(views.organisation().epoch, 1);
        assertEq(views.session(purseOf(members[2])).epoch, 1);
        assertEq(views.envelope(members[2]).policyVersion, 1);
        assertJudged(members[2], digest, blob, Refusal.DigestMismatch);
        payFrom(members[2], UNIT, DECISION);
    }

    function test_GivenGroupReleased_SessionsInItAndBelowRunOnUnderANewEpoch() public {
        openOf(members[0], 20 * UNIT);
        (, bytes32 digest, bytes memory blob) = signedFrom(members[0], UNIT);
        openOf(members[1], 20 * UNIT);
        (, bytes32 ofTop, bytes memory blobOfTop) = signedFrom(members[1], UNIT);
        _freezeAndRelease(group);
        assertEq(views.group(group).epoch, 1);
        assertEq(views.group(top).epoch, 0);
        assertEq(views.session(purseOf(members[0])).epoch, 1);
        assertJudged(members[0], digest, blob, Refusal.DigestMismatch);
        assertJudged(members[1], ofTop, blobOfTop, Refusal.None);

        vm.prank(guardian);
        treasury.freezeGroup(top);
        vm.expectEmit(address(treasury));
        emit GroupUnfrozen(top, owner, 1);
        vm.prank(owner);
        desk.unfreezeGroup(top);
        assertEq(views.session(purseOf(members[0])).epoch, 2);
        assertJudged(members[1], ofTop, blobOfTop, Refusal.DigestMismatch);
        payFrom(members[1], UNIT, DECISION);
    }

    function test_GivenAnotherGroupReleased_NothingOfThisOneDies() public {
        openOf(members[0], 20 * UNIT);
        (, bytes32 digest, bytes memory blob) = signedFrom(members[0], UNIT);
        _freezeAndRelease(newGroup(top, 10));
        assertJudged(members[0], digest, blob, Refusal.None);
    }

    /// @dev The epochs of a chain are added up: under one policy version their sum only rises, so no two releases look
    /// alike, in whatever order and wherever they come.
    /// forge-config: default.fuzz.runs = 64
    function testFuzz_WhatWasSignedBeforeAnyReleaseNeverSettles(uint256 seed) public {
        openOf(members[0], 50 * UNIT);
        bytes32[9] memory digests;
        bytes[9] memory blobs;
        for (uint256 i; i < 9; ++i) {
            (, digests[i], blobs[i]) = signedFrom(members[0], UNIT);
            for (uint256 j; j < i; ++j) {
                assertJudged(members[0], digests[j], blobs[j], Refusal.DigestMismatch);
            }
            assertJudged(members[0], digests[i], blobs[i], Refusal.None);
            uint24[3] memory stops = [uint24(0), top, group];
            _freezeAndRelease(stops[uint256(keccak256(abi.encode(seed, i))) % 3]);
        }
    }

    /// @dev The nonce is another one after a release, so the key's holder may sign for one decision again: of the same
    /// budget, and of nothing else.
    function test_GivenReleased_APaidDecisionMayBeSignedAgainWithinTheBudget() public {
        openOf(members[0], 20 * UNIT);
        address purse = purseOf(members[0]);
        payFrom(members[0], 10 * UNIT, DECISION);
        bytes32 before = nonceOf(purse, DECISION);
        _freezeAndRelease(group);
        assertFalse(usdc.authorizationState(purse, nonceOf(purse, DECISION)));
        payFrom(members[0], 10 * UNIT, DECISION);
        assertTrue(usdc.authorizationState(purse, nonceOf(purse, DECISION)));
        assertTrue(usdc.authorizationState(purse, before));
        assertEq(usdc.balanceOf(purse), 0);
    }

    function test_GivenFrozenTwice_OneReleaseLetsGo() public {
        openOf(members[0], 20 * UNIT);
        vm.startPrank(guardian);
        treasury.freezeGroup(group);
        treasury.freezeGroup(group);
        vm.stopPrank();
        vm.startPrank(owner);
        desk.unfreezeGroup(group);
        vm.expectRevert(NotFrozen.selector);
        desk.unfreezeGroup(group);
        vm.stopPrank();
        assertEq(views.group(group).epoch, 1);
        payFrom(members[0], UNIT, DECISION);
    }

    function test_GivenFrozenAtSeveralLevels_AllMustLetGo() public {
        openOf(members[0], 20 * UNIT);
        vm.startPrank(guardian);
        treasury.freezeOrganisation();
        treasury.freezeGroup(top);
        treasury.freezeGroup(group);
        vm.stopPrank();
        _assertPreviewed(Refusal.OrganisationFrozen);
        vm.startPrank(owner);
        desk.unfreezeOrganisation();
        _assertPreviewed(Refusal.GroupFrozen);
        desk.unfreezeGroup(group);
        _assertPreviewed(Refusal.GroupFrozen);
        desk.unfreezeGroup(top);
        vm.stopPrank();
        assertEq(views.session(purseOf(members[0])).epoch, 3);
        payFrom(members[0], UNIT, DECISION);
    }

    function test_GivenApprovedBefore_TheApprovalDiesToo() public {
        envelope = members[2];
        address from = openOf(members[2], 50 * UNIT);
        Payment memory p = paymentOf(payee, 15 * UNIT);
        (bytes32 digest, bytes memory blob) = signedWithApproval(from, p, approverKey);
        assertJudged(members[2], digest, blob, Refusal.None);
        _freezeAndRelease(0);
        assertJudged(members[2], digest, blob, Refusal.DigestMismatch);
        // Nor may the agent take the old approval along.
        (bytes32 anew, bytes memory blobAnew) = signedWithApproval(from, p, approverKey);
        for (uint256 i = 139; i < blob.length; ++i) {
            blobAnew[i] = blob[i];
        }
        assertJudged(members[2], anew, blobAnew, Refusal.ApproverNotAuthorized);
    }

    /// @dev A group's epochs leave with it, but the policy's version moves on: no sum comes back.
    function test_GivenMovedAwayAfterReleases_NothingSignedBeforeRevives() public {
        openOf(members[0], 20 * UNIT);
        (, bytes32 first, bytes memory blobFirst) = signedFrom(members[0], UNIT);
        _freezeAndRelease(group);
        (, bytes32 second, bytes memory blobSecond) = signedFrom(members[0], UNIT);
        put(members[0], 0);
        assertJudged(members[0], first, blobFirst, Refusal.PolicyChanged);
        openOf(members[0], 20 * UNIT);
        assertEq(views.session(purseOf(members[0])).epoch, 0);
        assertJudged(members[0], first, blobFirst, Refusal.DigestMismatch);
        assertJudged(members[0], second, blobSecond, Refusal.DigestMismatch);
        put(members[0], group);
        openOf(members[0], 20 * UNIT);
        assertJudged(members[0], second, blobSecond, Refusal.DigestMismatch);
    }

    /* ENVELOPES AND SESSIONS */

    function test_GivenEnvelopeReleased_ItsSessionsEndAndTheirMoneyReturns() public {
        openOf(members[2], 30 * UNIT);
        payFrom(members[2], 10 * UNIT, DECISION);
        (, bytes32 digest, bytes memory blob) = signedFrom(members[2], UNIT);
        vm.prank(guardian);
        treasury.freezeEnvelope(members[2]);
        vm.prank(owner);
        desk.unfreezeEnvelope(members[2]);
        assertJudged(members[2], digest, blob, Refusal.PolicyChanged);
        // Its policy is gone, so anyone may close it; what was drawn counts on under the same limits.
        address from = purseOf(members[2]);
        vm.prank(stranger);
        treasury.closeSession(from, "");
        assertEq(escrowOf(members[2]), 990 * UNIT);
        assertEq(usedOf(members[2], 0), 10 * UNIT);
        openOf(members[2], 30 * UNIT);
        assertJudged(members[2], digest, blob, Refusal.DigestMismatch);
        payFrom(members[2], UNIT, DECISION);
    }

    function test_GivenAnotherEnvelopeReleased_NothingOfThisOneDies() public {
        openOf(members[0], 20 * UNIT);
        (, bytes32 digest, bytes memory blob) = signedFrom(members[0], UNIT);
        vm.prank(guardian);
        treasury.freezeEnvelope(members[1]);
        vm.prank(owner);
        desk.unfreezeEnvelope(members[1]);
        assertJudged(members[0], digest, blob, Refusal.None);
    }

    /// @dev A release of what stands above lets a frozen session go no more than anything else does.
    function test_GivenSessionFrozen_NoReleaseLetsItGo() public {
        address from = openOf(members[0], 20 * UNIT);
        vm.prank(guardian);
        treasury.freezeSession(from);
        _freezeAndRelease(0);
        _freezeAndRelease(group);
        _assertPreviewed(Refusal.SessionFrozen);
        (, bytes32 digest, bytes memory blob) = signedFrom(members[0], UNIT);
        assertJudged(members[0], digest, blob, Refusal.SessionFrozen);
        assertDrawRefused(requestFor(members[0], UNIT), Refusal.SessionFrozen, 0, 0);
    }

    function test_RevertWhen_NothingIsFrozen() public {
        vm.startPrank(owner);
        vm.expectRevert(NotFrozen.selector);
        desk.unfreezeOrganisation();
        vm.expectRevert(NotFrozen.selector);
        desk.unfreezeGroup(group);
        vm.expectRevert(NotFrozen.selector);
        desk.unfreezeEnvelope(members[0]);
        // A freeze above or below is another one.
        treasury.freezeGroup(top);
        vm.expectRevert(NotFrozen.selector);
        desk.unfreezeGroup(group);
        vm.expectRevert(NotFrozen.selector);
        desk.unfreezeOrganisation();
    }

    /// @param which A group, or 0 for the organisation.
    function _freezeAndRelease(uint24 which) private {
        vm.prank(guardian);
        which == 0 ? treasury.freezeOrganisation() : treasury.freezeGroup(which);
        vm.prank(owner);
        which == 0 ? desk.unfreezeOrganisation() : desk.unfreezeGroup(which);
    }

    function _assertPreviewed(Refusal expected) private view {
        (Refusal reason,,) = views.previewPayment(purseOf(members[0]), payee, UNIT, false);
        assertEq(uint8(reason), uint8(expected), "preview");
    }
}
