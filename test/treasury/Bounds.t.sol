// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Policy, Refusal, SessionRequest, WindowLimit} from "../../contracts/libraries/Types.sol";
import {Base} from "../Base.t.sol";

/// @notice What is counted in few bits ends with an error, and never starts over.
contract BoundsTest is Base {
    /// @dev Where {Organisation} is stored, and where its counts stand in it, in bits.
    bytes32 private constant ORGANISATION = bytes32(0);
    uint256 private constant ENVELOPES_OFFSET = 40;
    uint256 private constant GROUPS_OFFSET = 96;
    uint256 private constant ENVELOPES_SLOT = 3;
    uint256 private constant SESSIONS_SLOT = 4;
    uint256 private constant BOOKS_SLOT = 2;
    uint256 private constant VERSION_OFFSET = 24;
    uint256 private constant PURSES_OFFSET = 96;

    function _fill(bytes32 slot, uint256 offset, uint256 ones) private {
        uint256 word = uint256(vm.load(address(treasury), slot));
        vm.store(address(treasury), slot, bytes32(word | ones << offset));
    }

    function test_RevertWhen_ThereAreAsManyEnvelopesAsNumbers() external {
        _fill(ORGANISATION, ENVELOPES_OFFSET, type(uint24).max);
        assertEq(views.organisation().envelopes, type(uint24).max, "not where envelopes are counted");
        Policy memory policy = defaultPolicy();
        vm.prank(manager);
        vm.expectRevert(abi.encodeWithSelector(TooMany.selector, type(uint24).max));
        desk.createEnvelope(makeAddr("another agent"), address(usdc), policy);
    }

    function test_RevertWhen_ThereAreAsManyGroupsAsNumbers() external {
        _fill(ORGANISATION, GROUPS_OFFSET, type(uint24).max);
        assertEq(views.organisation().groups, type(uint24).max, "not where groups are counted");
        vm.prank(manager);
        vm.expectRevert(abi.encodeWithSelector(TooMany.selector, type(uint24).max));
        desk.createGroup(0, address(usdc), new WindowLimit[](0), 1);
    }

    function test_RevertWhen_ThereAreAsManyPursesAsNumbers() external {
        uint256 last = type(uint16).max;
        _fill(
            bytes32(uint256(keccak256(abi.encode(envelope, ENVELOPES_SLOT))) + BOOKS_SLOT),
            PURSES_OFFSET,
            last - 1
        );
        assertEq(views.envelope(envelope).purses, last, "not where purses are counted");
        vm.startPrank(manager);
        desk.createPurses(envelope, 1);
        assertGt(views.purseOf(envelope, uint16(last)).code.length, 0, "the last one");
        vm.expectRevert(abi.encodeWithSelector(TooMany.selector, last));
        desk.createPurses(envelope, 1);
    }

    function test_RevertWhen_APolicyHasAsManyVersionsAsNumbers() external {
        _fill(keccak256(abi.encode(envelope, ENVELOPES_SLOT)), VERSION_OFFSET, type(uint16).max);
        assertEq(views.envelope(envelope).policyVersion, type(uint16).max, "not where versions are counted");
        Policy memory policy = defaultPolicy();
        policy.paymentCap -= 1;
        policy.approvalThreshold -= 1;
        vm.prank(manager);
        vm.expectRevert(abi.encodeWithSelector(TooMany.selector, type(uint16).max));
        desk.setPolicy(envelope, policy);
    }

    /// @dev It is counted in 23 bits, and asked for in 24.
    function test_RevertWhen_APurseHadAsManySessionsAsNumbers() external {
        uint256 last = (1 << 23) - 1;
        _fill(keccak256(abi.encode(purse, SESSIONS_SLOT)), 0, last - 1);
        assertEq(views.session(purse).sequence, last - 1, "not where sessions are counted");
        assertOpens(request(UNIT));
        assertEq(views.session(purse).sequence, last, "the last one");
        nextSessionKey();
        SessionRequest memory r = request(UNIT);
        assertOpeningRefused(r, Refusal.SequenceMismatch, last + 1, last + 1);
        r.sequence = 1;
        assertOpeningRefused(r, Refusal.SequenceMismatch, last + 1, 1);
    }
}
