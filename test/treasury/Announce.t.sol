// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Policy, Role} from "../../contracts/libraries/Types.sol";
import {Base} from "../Base.t.sol";

contract AnnounceTest is Base {
    uint32 internal constant DELAY = 2 days;
    uint256 internal constant LIFE = 14 days;

    struct Change {
        string name;
        address by;
        bytes call;
    }

    Change[] internal loosenings;
    Change[] internal tightenings;

    function setUp() public override {
        super.setUp();
        setDelay(DELAY);
        address somebody = makeAddr("somebody");
        Policy memory looser = defaultPolicy();
        looser.sessionLimit += 1;
        Policy memory tighter = defaultPolicy();
        tighter.sessionLimit -= 1;

        _loosening("grant owner", owner, abi.encodeCall(desk.grantRole, (somebody, Role.OWNER)));
        _loosening("grant manager", owner, abi.encodeCall(desk.grantRole, (somebody, Role.POLICY_MANAGER)));
        _loosening("grant approver", owner, abi.encodeCall(desk.grantRole, (somebody, Role.APPROVER)));
        _loosening("grant stamper", owner, abi.encodeCall(desk.grantRole, (somebody, Role.STAMPER)));
        _loosening("revoke guardian", owner, abi.encodeCall(desk.revokeRole, (guardian, Role.GUARDIAN)));
        _loosening("revoke reviewer", owner, abi.encodeCall(desk.revokeRole, (reviewer, Role.REVIEWER)));
        _loosening("shorten delay", owner, abi.encodeCall(desk.setDelay, (DELAY - 1)));
        _loosening("join duties", owner, abi.encodeCall(desk.setSeparationOfDuties, (false)));
        _loosening("set agent", owner, abi.encodeCall(desk.setAgent, (envelope, somebody)));
        _loosening("loosen policy", manager, abi.encodeCall(desk.setPolicy, (envelope, looser)));
        _loosening("list payee", manager, abi.encodeCall(treasury.listPayee, (LIST, somebody)));

        _tightening("grant guardian", owner, abi.encodeCall(desk.grantRole, (somebody, Role.GUARDIAN)));
        _tightening("grant reviewer", owner, abi.encodeCall(desk.grantRole, (somebody, Role.REVIEWER)));
        _tightening("revoke approver", owner, abi.encodeCall(desk.revokeRole, (approver, Role.APPROVER)));
        _tightening("revoke manager", owner, abi.encodeCall(desk.revokeRole, (manager, Role.POLICY_MANAGER)));
        _tightening("lengthen delay", owner, abi.encodeCall(desk.setDelay, (DELAY + 1)));
        _tightening("keep delay", owner, abi.encodeCall(desk.setDelay, (DELAY)));
        _tightening("separate duties", owner, abi.encodeCall(desk.setSeparationOfDuties, (true)));
        _tightening("tighten policy", manager, abi.encodeCall(desk.setPolicy, (envelope, tighter)));
        _tightening("same policy", manager, abi.encodeCall(desk.setPolicy, (envelope, defaultPolicy())));
        _tightening("unlist payee", guardian, abi.encodeCall(desk.unlistPayee, (LIST, payee)));
        _tightening("freeze", guardian, abi.encodeCall(treasury.freezeOrganisation, ()));
    }

    function test_GivenTightening_RunsAtOnce() public {
        for (uint256 i; i < tightenings.length; ++i) {
            uint256 snapshot = vm.snapshotState();
            _run(tightenings[i]);
            vm.revertToState(snapshot);
        }
    }

    function test_RevertWhen_LooseningIsNotAnnounced() public {
        for (uint256 i; i < loosenings.length; ++i) {
            _assertNotReady(loosenings[i], 0);
        }
    }

    function test_RevertWhen_LooseningIsEarly() public {
        for (uint256 i; i < loosenings.length; ++i) {
            uint256 snapshot = vm.snapshotState();
            uint256 readyAt = _announce(loosenings[i]);
            assertEq(readyAt, time() + DELAY);
            vm.warp(readyAt - 1);
            _assertNotReady(loosenings[i], readyAt);
            vm.revertToState(snapshot);
        }
    }

    function test_GivenAnnouncedAndWaited_RunsOnce() public {
        for (uint256 i; i < loosenings.length; ++i) {
            uint256 snapshot = vm.snapshotState();
            vm.warp(_announce(loosenings[i]));
            vm.expectEmit(address(treasury));
            emit AnnouncementUsed(keccak256(loosenings[i].call), loosenings[i].by);
            _run(loosenings[i]);
            assertEq(views.announcedFor(keccak256(loosenings[i].call)), 0, "left over");
            vm.revertToState(snapshot);
        }
    }

    function test_RevertWhen_AnnouncementIsUsedTwice() public {
        Change memory change = loosenings[loosenings.length - 1];
        vm.warp(_announce(change));
        _run(change);
        _assertNotReady(change, 0);
    }

    function test_GivenLastSecondOfItsLife_Runs() public {
        for (uint256 i; i < loosenings.length; ++i) {
            uint256 snapshot = vm.snapshotState();
            vm.warp(_announce(loosenings[i]) + LIFE - 1);
            _run(loosenings[i]);
            vm.revertToState(snapshot);
        }
    }

    function test_RevertWhen_AnnouncementIsStale() public {
        for (uint256 i; i < loosenings.length; ++i) {
            uint256 snapshot = vm.snapshotState();
            uint256 staleAt = _announce(loosenings[i]) + LIFE;
            vm.warp(staleAt);
            vm.expectRevert(
                abi.encodeWithSelector(AnnouncementStale.selector, keccak256(loosenings[i].call), staleAt)
            );
            this.run(loosenings[i]);
            vm.revertToState(snapshot);
        }
    }

    function test_RevertWhen_AnnouncementIsLongStale() public {
        uint256 staleAt = _announce(loosenings[0]) + LIFE;
        vm.warp(staleAt + 1);
        vm.expectRevert(
            abi.encodeWithSelector(AnnouncementStale.selector, keccak256(loosenings[0].call), staleAt)
        );
        this.run(loosenings[0]);
    }

    function test_GivenStaleAnnouncement_MayBeAnnouncedAgain() public {
        vm.warp(_announce(loosenings[0]) + LIFE);
        vm.warp(_announce(loosenings[0]));
        _run(loosenings[0]);
    }

    function test_RevertWhen_GuardianCancelled() public {
        for (uint256 i; i < loosenings.length; ++i) {
            uint256 snapshot = vm.snapshotState();
            uint256 readyAt = _announce(loosenings[i]);
            bytes32 id = keccak256(loosenings[i].call);
            vm.warp(readyAt - 1);
            vm.expectEmit(address(treasury));
            emit AnnouncementCancelled(id, guardian);
            vm.prank(guardian);
            desk.cancelAnnouncement(id);
            vm.warp(readyAt);
            _assertNotReady(loosenings[i], 0);
            vm.revertToState(snapshot);
        }
    }

    function test_RevertWhen_CancellingWhatIsNotAnnounced() public {
        vm.expectRevert(abi.encodeWithSelector(NotAnnounced.selector, bytes32(uint256(7)), 0));
        vm.prank(guardian);
        desk.cancelAnnouncement(bytes32(uint256(7)));
    }

    function test_RevertWhen_CallDataIsAnother() public {
        uint256 readyAt = _announceCall(manager, abi.encodeCall(treasury.listPayee, (LIST, otherPayee)));
        vm.warp(readyAt);
        bytes memory other = abi.encodeCall(treasury.listPayee, (LIST + 1, otherPayee));
        _assertNotReady(Change("", manager, other), 0);
        // Call data that decodes to the same but is not the same is another call.
        bytes memory padded =
            abi.encodePacked(abi.encodeCall(treasury.listPayee, (LIST, otherPayee)), uint256(0));
        _assertNotReady(Change("", manager, padded), 0);
    }

    function test_RevertWhen_AnnouncerLacksRoleOfTheCall() public {
        bytes memory call = abi.encodeCall(desk.grantRole, (manager, Role.OWNER));
        vm.warp(_announceCall(manager, call));
        vm.expectRevert(abi.encodeWithSelector(RoleMissing.selector, manager, Role.OWNER));
        vm.prank(manager);
        desk.grantRole(manager, Role.OWNER);
    }

    function test_GivenAnnouncement_TellsTheWholeCall() public {
        bytes memory call = loosenings[0].call;
        vm.expectEmit(address(treasury));
        emit Announced(keccak256(call), owner, time() + DELAY, call);
        assertEq(announce(owner, call), keccak256(call));
    }

    function test_GivenNoDelay_LooseningRunsAtOnce() public {
        vm.warp(_announceCall(owner, abi.encodeCall(desk.setDelay, (0))));
        setDelay(0);
        for (uint256 i; i < loosenings.length; ++i) {
            // Shortening the delay is no longer one, and the rest needs no announcement.
            uint256 snapshot = vm.snapshotState();
            _run(loosenings[i]);
            vm.revertToState(snapshot);
        }
    }

    /// @dev The wait is the one in force when it was announced: a later, shorter delay does not hasten it.
    function test_GivenDelayShortenedMeanwhile_OldAnnouncementStillWaits() public {
        uint256 shortenAt = _announceCall(owner, abi.encodeCall(desk.setDelay, (1 hours)));
        vm.warp(shortenAt - 1);
        Change memory late = loosenings[loosenings.length - 1];
        uint256 readyAt = _announce(late);
        vm.warp(shortenAt);
        setDelay(1 hours);
        vm.warp(readyAt - 1);
        _assertNotReady(late, readyAt);
        vm.warp(readyAt);
        _run(late);
    }

    function test_GivenDelayLengthenedMeanwhile_OldAnnouncementWaitsLonger() public {
        Change memory change = loosenings[0];
        uint256 readyAt = _announce(change);
        setDelay(30 days);
        vm.warp(readyAt);
        uint256 later = readyAt - DELAY + 30 days;
        _assertNotReady(change, later);
        vm.warp(later);
        _run(change);
    }

    function test_GivenDelay_SaysSo() public {
        vm.expectEmit(address(treasury));
        emit DelaySet(DELAY + 1, owner);
        vm.prank(owner);
        desk.setDelay(DELAY + 1);
        assertEq(views.organisation().delay, DELAY + 1);
    }

    function test_RevertWhen_DelayIsLongerThanAMonth() public {
        vm.prank(owner);
        vm.expectRevert(abi.encodeWithSelector(Overflow.selector, 30 days + 1, 30 days));
        desk.setDelay(30 days + 1);
    }

    function testFuzz_LooseningRunsOnlyWithinItsTime(uint32 delay, uint32 wait) public {
        delay = uint32(bound(delay, DELAY, 30 days));
        setDelay(delay);
        Change memory change = loosenings[0];
        uint256 readyAt = _announce(change);
        uint256 at = time() + bound(wait, 0, uint256(delay) + 30 days);
        vm.warp(at);
        vm.prank(change.by);
        (bool success,) = address(treasury).call(change.call);
        assertEq(success, at >= readyAt && at < readyAt + LIFE);
    }

    /* VERBS */

    function run(Change memory change) external {
        _run(change);
    }

    function _run(Change memory change) private {
        vm.prank(change.by);
        (bool success, bytes memory why) = address(treasury).call(change.call);
        if (success) return;
        assembly {
            revert(add(why, 32), mload(why))
        }
    }

    function _assertNotReady(Change memory change, uint256 readyAt) private {
        vm.expectRevert(abi.encodeWithSelector(NotAnnounced.selector, keccak256(change.call), readyAt));
        this.run(change);
    }

    function _announce(Change memory change) private returns (uint256) {
        return _announceCall(change.by, change.call);
    }

    function _announceCall(address by, bytes memory call) private returns (uint256 readyAt) {
        return views.announcedFor(announce(by, call));
    }

    function _loosening(string memory name, address by, bytes memory call) private {
        loosenings.push(Change(name, by, call));
    }

    function _tightening(string memory name, address by, bytes memory call) private {
        tightenings.push(Change(name, by, call));
    }
}
