// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Policies} from "../../contracts/libraries/Policies.sol";
import {Headroom, Refusal, WindowLimit} from "../../contracts/libraries/Types.sol";
import {Fleet} from "../Fleet.t.sol";
import {TestUSDC} from "../mocks/TestUSDC.sol";

/// @notice Groups themselves: their making, their limits, who is in them. Draws are in {GroupDrawsTest}.
contract GroupsTest is Fleet {
    /* MAKING */

    function test_GivenLimits_CreatesGroup() public {
        WindowLimit[] memory windows = limits(0, 60, 150);
        vm.expectEmit(address(treasury));
        emit GroupCreated(1, 0, address(usdc), manager);
        vm.expectEmit(address(treasury));
        emit GroupLimitsSet(1, windows, uint96(400 * UNIT), manager);
        uint24 group = newGroup(0, windows, 400);
        assertEq(group, 1);
        assertEq(newGroup(group, 60), 2);

        assertEq(views.group(1).parent, 0);
        assertEq(views.group(1).asset, address(usdc));
        assertFalse(views.group(1).frozen);
        assertEq(views.group(2).parent, 1);
        Headroom[] memory rooms = views.groupHeadroom(1);
        assertEq(rooms.length, 3);
        assertEq(rooms[0].period, DAY);
        assertEq(rooms[1].limit, 150 * UNIT);
        assertEq(rooms[2].period, 0);
        assertEq(rooms[2].limit, 400 * UNIT);
        assertEq(rooms[0].used + rooms[1].used + rooms[2].used, 0);
        assertEq(views.organisation().groups, 2);
    }

    function test_RevertWhen_GroupOrAssetIsUnknown() public {
        newGroup(0, 60);
        vm.expectRevert(abi.encodeWithSelector(AssetUnknown.selector, stranger));
        vm.prank(manager);
        desk.createGroup(0, stranger, limits(0, 60, 0), 0);
        vm.expectRevert(abi.encodeWithSelector(GroupUnknown.selector, 0, 1));
        views.group(0);
        vm.expectRevert(abi.encodeWithSelector(GroupUnknown.selector, 2, 1));
        views.groupHeadroom(2);
    }

    /// @dev Above itself it would have no end: every payment and every opening below it would run out of gas.
    function test_RevertWhen_ParentIsUnknownOrTheGroupItself() public {
        newGroup(0, 60);
        for (uint24 parent = 2; parent < 5; ++parent) {
            vm.expectRevert(abi.encodeWithSelector(GroupUnknown.selector, parent, 1));
            vm.prank(manager);
            desk.createGroup(parent, address(usdc), limits(0, 60, 0), 0);
        }
    }

    function test_RevertWhen_ParentCountsAnotherAsset() public {
        uint24 parent = newGroup(0, 60);
        address other = _otherAsset();
        vm.expectRevert(abi.encodeWithSelector(AssetMismatch.selector, address(usdc), other));
        vm.prank(manager);
        desk.createGroup(parent, other, limits(0, 60, 0), 0);
        vm.startPrank(manager);
        parent = desk.createGroup(0, other, limits(0, 60, 0), 0);
        vm.expectRevert(abi.encodeWithSelector(AssetMismatch.selector, other, address(usdc)));
        desk.createGroup(parent, address(usdc), limits(0, 60, 0), 0);
    }

    function test_RevertWhen_ItWouldBeFiveDeep() public {
        uint24 group;
        for (uint256 i; i < 4; ++i) {
            group = newGroup(group, 60);
        }
        vm.expectRevert(abi.encodeWithSelector(TooMany.selector, 4));
        newGroup(group, 60);
    }

    function test_RevertWhen_LimitsContradictThemselves() public {
        _assertInvalid("limits", 1, 0, limits(0, 0, 0), 0);
        WindowLimit[] memory windows = new WindowLimit[](5);
        _assertInvalid("windows", 4, 5, windows, 0);
        windows = limits(0, 60, 150);
        windows[1].period = DAY;
        _assertInvalid("window period not longer than the one before", DAY + 1, DAY, windows, 0);
        windows = limits(0, 60, 59);
        string memory below = "window limit below sessionLimit or a shorter window";
        _assertInvalid(below, 60 * UNIT, 59 * UNIT, windows, 0);
        windows = limits(0, 60, 0);
        windows[0].limit = 0;
        _assertInvalid(below, 1, 0, windows, 0);
        windows = limits(0, 60, 0);
        _assertInvalid("lifetimeLimit below sessionLimit or a window", 60 * UNIT, 59 * UNIT, windows, 59);
    }

    /* LIMITS */

    function test_GivenLowered_ItBindsAtOnceAndUseIsKept() public {
        uint24 group = newGroup(0, 60);
        put(members[0], group);
        openOf(members[0], 40 * UNIT);
        setDelay(1 days);
        vm.expectEmit(address(treasury));
        emit GroupLimitsSet(group, limits(0, 41, 0), 0, manager);
        _setLimits(group, limits(0, 41, 0), 0);
        assertEq(usedOfGroup(group, 0), 40 * UNIT);
        put(members[1], group);
        assertDrawRefused(
            requestFor(members[1], UNIT + 1), Refusal.GroupWindowLimitExceeded, 41 * UNIT, 41 * UNIT + 1
        );
        openOf(members[1], UNIT);
        // Below what is drawn already: nothing more is, and what is out stays out.
        _setLimits(group, limits(0, 5, 0), 0);
        put(members[2], group);
        assertDrawRefused(
            requestFor(members[2], 1), Refusal.GroupWindowLimitExceeded, 5 * UNIT, 41 * UNIT + 1
        );
        assertEq(usdc.balanceOf(purseOf(members[0])), 40 * UNIT);
    }

    function test_GivenSameLimits_NothingNeedBeAnnounced() public {
        uint24 group = newGroup(0, limits(0, 60, 150), 400);
        setDelay(1 days);
        _setLimits(group, limits(0, 60, 150), 400);
    }

    function test_RevertWhen_AnyLimitRisesUnannounced() public {
        uint24 group = newGroup(0, limits(0, 60, 150), 400);
        setDelay(1 days);
        _assertWaits(group, limits(0, 60, 151), 400);
        _assertWaits(group, limits(0, 61, 150), 400);
        _assertWaits(group, limits(0, 60, 150), 401);
        // Lower elsewhere makes up for nothing.
        _assertWaits(group, limits(0, 1, 1), 401);
        _assertWaits(group, limits(0, 1, 151), 151);
    }

    function test_RevertWhen_LoweredLimitsContradictThemselves() public {
        uint24 group = newGroup(0, limits(0, 60, 150), 400);
        string memory below = "window limit below sessionLimit or a shorter window";
        vm.startPrank(manager);
        vm.expectRevert(abi.encodeWithSelector(Policies.PolicyInvalid.selector, below, 60 * UNIT, 59 * UNIT));
        desk.setGroupLimits(group, limits(0, 60, 59), uint96(400 * UNIT));
        WindowLimit[] memory windows = limits(0, 60, 150);
        windows[0].limit = 0;
        vm.expectRevert(abi.encodeWithSelector(Policies.PolicyInvalid.selector, below, 1, 0));
        desk.setGroupLimits(group, windows, uint96(400 * UNIT));
    }

    function test_GivenAnnouncedAndWaited_LimitRises() public {
        uint24 group = newGroup(0, 60);
        setDelay(1 days);
        announce(manager, abi.encodeCall(desk.setGroupLimits, (group, limits(0, 90, 0), 0)));
        vm.warp(time() + 1 days);
        _setLimits(group, limits(0, 90, 0), 0);
        assertEq(views.groupHeadroom(group)[0].limit, 90 * UNIT);
    }

    function test_RevertWhen_PeriodsChange() public {
        uint24 group = newGroup(0, limits(0, 60, 150), 400);
        _assertPeriodsFixed(group, limits(0, 60, 0), 400);
        _assertPeriodsFixed(group, limits(1, 60, 150), 400);
        _assertPeriodsFixed(group, limits(1, 60, 0), 400);
        _assertPeriodsFixed(group, limits(0, 60, 150), 0);
        _assertPeriodsFixed(group, limits(0, 0, 0), 400);
        _assertPeriodsFixed(group, limits(0, 0, 0), 0);
        group = newGroup(0, limits(0, 60, 150), 0);
        _assertPeriodsFixed(group, limits(0, 60, 150), 400);
        _assertPeriodsFixed(group, limits(0, 60, 0), 0);
        _assertPeriodsFixed(group, limits(0, 60, 0), 150);
        _assertPeriodsFixed(newGroup(0, limits(0, 60, 0), 0), limits(0, 0, 60), 0);
        group = newGroup(0, limits(0, 0, 0), 400);
        _assertPeriodsFixed(group, limits(0, 60, 0), 400);
        _assertPeriodsFixed(group, limits(0, 60, 0), 0);
    }

    function test_RevertWhen_GroupIsUnknown() public {
        vm.startPrank(manager);
        bytes memory unknown = abi.encodeWithSelector(GroupUnknown.selector, 1, 0);
        vm.expectRevert(unknown);
        desk.setGroupLimits(1, limits(0, 60, 0), 0);
        vm.expectRevert(unknown);
        desk.setGroup(envelope, 1);
        vm.expectRevert(unknown);
        treasury.freezeGroup(1);
        vm.stopPrank();
        vm.expectRevert(unknown);
        vm.prank(owner);
        desk.unfreezeGroup(1);
    }

    /* MEMBERS */

    function test_GivenEnvelope_ItIsPutUnderTheGroupWithANewVersion() public {
        uint24 group = newGroup(0, 60);
        setDelay(1 days);
        openOf(members[0], 30 * UNIT);
        (, bytes32 digest, bytes memory blob) = signedFrom(members[0], UNIT);
        vm.expectEmit(address(treasury));
        emit GroupSet(envelope, group, manager);
        put(envelope, group);
        assertEq(views.envelope(envelope).group, group);
        assertEq(views.envelope(envelope).policyVersion, 2);
        assertEq(views.policyHash(envelope, 2), views.policyHash(envelope, 1));
        assertJudged(members[0], digest, blob, Refusal.PolicyChanged);
    }

    function test_RevertWhen_MovedUnannounced() public {
        uint24 group = newGroup(0, 60);
        put(envelope, group);
        uint24 other = newGroup(0, 600);
        setDelay(1 days);
        uint24[3] memory targets = [uint24(0), other, group];
        for (uint256 i; i < 3; ++i) {
            bytes32 id = keccak256(abi.encodeCall(desk.setGroup, (envelope, targets[i])));
            vm.expectRevert(abi.encodeWithSelector(NotAnnounced.selector, id, 0));
            put(envelope, targets[i]);
        }
        announce(manager, abi.encodeCall(desk.setGroup, (envelope, 0)));
        vm.warp(time() + 1 days);
        put(envelope, 0);
        assertEq(views.envelope(envelope).group, 0);
    }

    function test_RevertWhen_EnvelopeHoldsAnotherAsset() public {
        address other = _otherAsset();
        vm.startPrank(manager);
        uint24 group = desk.createGroup(0, other, limits(0, 60, 0), 0);
        vm.expectRevert(abi.encodeWithSelector(AssetMismatch.selector, other, address(usdc)));
        desk.setGroup(envelope, group);
        (uint24 another,) = desk.createEnvelope(makeAddr("another agent"), other, defaultPolicy());
        group = desk.createGroup(0, address(usdc), limits(0, 60, 0), 0);
        vm.expectRevert(abi.encodeWithSelector(AssetMismatch.selector, address(usdc), other));
        desk.setGroup(another, group);
    }

    function test_RevertWhen_EnvelopeIsUnknown() public {
        uint24 group = newGroup(0, 60);
        vm.expectRevert(abi.encodeWithSelector(EnvelopeUnknown.selector, 4, 3));
        put(4, group);
    }

    /// @dev Only an owner releases: a policy manager leads nobody out, from below a frozen group neither.
    function test_RevertWhen_LeavingAFrozenGroup() public {
        uint24 top = newGroup(0, 200);
        uint24 below = newGroup(top, 200);
        uint24 free = newGroup(0, 200);
        put(members[0], below);
        put(members[1], top);
        vm.prank(guardian);
        treasury.freezeGroup(top);
        uint24[3] memory targets = [uint24(0), free, top];
        for (uint256 i; i < 2; ++i) {
            for (uint256 j; j < 3; ++j) {
                vm.expectRevert(abi.encodeWithSelector(GroupIsFrozen.selector, top));
                put(members[i], targets[j]);
            }
        }
        vm.prank(owner);
        desk.unfreezeGroup(top);
        put(members[0], free);
        assertEq(views.envelope(members[0]).group, free);
    }

    /* STOPPING */

    function test_GivenGroupFrozen_NothingInItOrBelowPaysOrOpens() public {
        uint24 top = newGroup(0, 200);
        uint24 below = newGroup(top, 200);
        uint24 beside = newGroup(0, 200);
        put(members[0], below);
        put(members[1], top);
        put(members[2], beside);
        bytes32[3] memory digests;
        bytes[3] memory blobs;
        for (uint256 i; i < 3; ++i) {
            openOf(members[i], 20 * UNIT);
            (, digests[i], blobs[i]) = signedFrom(members[i], UNIT);
        }
        vm.expectEmit(address(treasury));
        emit GroupFrozen(top, guardian);
        vm.prank(guardian);
        treasury.freezeGroup(top);
        assertTrue(views.group(top).frozen);
        for (uint256 i; i < 2; ++i) {
            assertJudged(members[i], digests[i], blobs[i], Refusal.GroupFrozen);
            (Refusal reason, uint256 limit,) = views.previewPayment(purseOf(members[i]), payee, UNIT, false);
            assertEq(uint8(reason), uint8(Refusal.GroupFrozen));
            assertEq(limit, top, "which group");
            assertDrawRefused(requestFor(members[i], UNIT), Refusal.GroupFrozen, top, 0);
        }
        assertJudged(members[2], digests[2], blobs[2], Refusal.None);
        // Closing takes money off agents, so it goes on.
        closeOf(members[0]);
        assertEq(usedOfGroup(top, 0), 20 * UNIT);
    }

    function test_GivenGroupBelowFrozen_TheOneAbovePays() public {
        uint24 top = newGroup(0, 200);
        uint24 below = newGroup(top, 200);
        put(members[0], below);
        put(members[1], top);
        vm.prank(guardian);
        treasury.freezeGroup(below);
        openOf(members[1], 20 * UNIT);
        payFrom(members[1], UNIT, DECISION);
        assertDrawRefused(requestFor(members[0], UNIT), Refusal.GroupFrozen, below, 0);
    }

    /* HELPERS */

    function _otherAsset() private returns (address other) {
        other = address(new TestUSDC());
        vm.prank(owner);
        desk.addAsset(other);
    }

    function _setLimits(uint24 group, WindowLimit[] memory windows, uint256 lifetime) private {
        vm.prank(manager);
        desk.setGroupLimits(group, windows, uint96(lifetime * UNIT));
    }

    function _assertInvalid(
        string memory field,
        uint256 limit,
        uint256 value,
        WindowLimit[] memory windows,
        uint256 lifetime
    ) private {
        vm.expectRevert(abi.encodeWithSelector(Policies.PolicyInvalid.selector, field, limit, value));
        newGroup(0, windows, lifetime);
    }

    function _assertWaits(uint24 group, WindowLimit[] memory windows, uint256 lifetime) private {
        bytes32 id = keccak256(abi.encodeCall(desk.setGroupLimits, (group, windows, uint96(lifetime * UNIT))));
        vm.expectRevert(abi.encodeWithSelector(NotAnnounced.selector, id, 0));
        _setLimits(group, windows, lifetime);
    }

    function _assertPeriodsFixed(uint24 group, WindowLimit[] memory windows, uint256 lifetime) private {
        vm.expectRevert(abi.encodeWithSelector(PeriodsFixed.selector, group));
        _setLimits(group, windows, lifetime);
    }
}
