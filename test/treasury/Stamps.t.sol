// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Refusal, Role, SessionRequest} from "../../contracts/libraries/Types.sol";
import {Base} from "../Base.t.sol";

contract StampsTest is Base {
    bytes32 internal constant STAMP = keccak256("stamp");
    bytes32 internal constant OTHER = keccak256("another stamp");

    /* REVOKED */

    function test_GivenRevoked_NoSessionOpensUnderIt() public {
        vm.expectEmit(address(treasury));
        emit StampRevoked(STAMP, guardian);
        vm.prank(guardian);
        desk.revokeStamp(STAMP);
        assertTrue(views.isStampRevoked(STAMP));
        assertFalse(views.isStampRevoked(OTHER));
        assertOpeningRefused(_under(STAMP), Refusal.StampRevoked, 0, uint256(STAMP));
        assertOpens(_under(OTHER));
    }

    function test_GivenRevokedAfterTheAgentSigned_ItDoesNotOpen() public {
        SessionRequest memory r = _under(STAMP);
        bytes memory signature = signRequest(r);
        vm.prank(owner);
        desk.revokeStamp(STAMP);
        vm.expectRevert(
            abi.encodeWithSelector(SessionRefused.selector, Refusal.StampRevoked, 0, uint256(STAMP))
        );
        treasury.openSession(r, signature);
    }

    /// @dev Whoever submits an opening cannot name another stamp: the agent signed which one.
    function test_RevertWhen_StampIsSwapped() public {
        SessionRequest memory r = _under(STAMP);
        bytes memory signature = signRequest(r);
        bytes32[2] memory others = [OTHER, bytes32(0)];
        for (uint256 i; i < 2; ++i) {
            r.stampHash = others[i];
            vm.expectRevert(
                abi.encodeWithSelector(
                    SessionRefused.selector, Refusal.AgentSignatureInvalid, uint160(agent), 0
                )
            );
            treasury.openSession(r, signature);
        }
    }

    /// @dev A session that is open runs on: a guardian who wants it stopped freezes it.
    function test_GivenRevokedMeanwhile_TheOpenSessionPaysAndTheNextOneDoesNotOpen() public {
        assertOpens(_under(STAMP));
        vm.prank(guardian);
        desk.revokeStamp(STAMP);
        pay(purse, payee, UNIT, DECISION);
        nextSessionKey();
        assertOpeningRefused(_under(STAMP), Refusal.StampRevoked, 0, uint256(STAMP));
    }

    /// @dev Zero stands for no stamp at all, and nobody can revoke that.
    function test_GivenZeroRevoked_SessionsWithoutAStampOpen() public {
        vm.prank(guardian);
        desk.revokeStamp(0);
        assertOpens(_under(0));
    }

    function test_GivenRevokedTwice_ItStaysSo() public {
        vm.startPrank(guardian);
        desk.revokeStamp(STAMP);
        desk.revokeStamp(STAMP);
        assertTrue(views.isStampRevoked(STAMP));
    }

    function test_GivenStamper_ItRevokes() public {
        vm.prank(owner);
        desk.grantRole(stranger, Role.STAMPER);
        vm.startPrank(stranger);
        desk.revokeStamp(STAMP);
        desk.setStampEpoch(1);
        assertTrue(views.isStampRevoked(STAMP));
        // And that is all it may: not even stop anything.
        vm.expectRevert();
        treasury.freezeEnvelope(envelope);
        vm.expectRevert();
        desk.anchor(STAMP, 1);
    }

    /* EPOCHS */

    function testFuzz_EpochOnlyRises(uint32 epoch, uint32 next) public {
        epoch = uint32(bound(epoch, 1, type(uint32).max));
        vm.startPrank(guardian);
        vm.expectEmit(address(treasury));
        emit StampEpochSet(epoch, guardian);
        desk.setStampEpoch(epoch);
        assertEq(views.organisation().stampEpoch, epoch);
        if (next <= epoch) vm.expectRevert(abi.encodeWithSelector(EpochNotLater.selector, epoch, next));
        desk.setStampEpoch(next);
        assertEq(views.organisation().stampEpoch, next <= epoch ? epoch : next);
    }

    function test_RevertWhen_EpochIsTheCurrentOne() public {
        vm.startPrank(guardian);
        vm.expectRevert(abi.encodeWithSelector(EpochNotLater.selector, 0, 0));
        desk.setStampEpoch(0);
        desk.setStampEpoch(type(uint32).max);
        vm.expectRevert(abi.encodeWithSelector(EpochNotLater.selector, type(uint32).max, type(uint32).max));
        desk.setStampEpoch(type(uint32).max);
    }

    /// @dev Verifiers look for it; what shares its slot, payments and openings, they do not.
    function test_GivenEpochRaised_NothingElseOfTheOrganisationMoves() public {
        setDelay(1 days);
        open(20 * UNIT);
        bytes32 nonce = nonceOf(purse, DECISION);
        vm.prank(guardian);
        desk.setStampEpoch(type(uint32).max);
        assertEq(nonceOf(purse, DECISION), nonce);
        assertEq(views.organisation().epoch, 0);
        assertEq(views.organisation().groups, 0);
        assertEq(views.organisation().delay, 1 days);
        assertEq(views.organisation().envelopes, 1);
        pay(purse, payee, UNIT, DECISION);
    }

    /* THE LOG */

    function test_GivenReviewerOrOwner_TheRootIsAnchored() public {
        address[2] memory callers = [reviewer, owner];
        for (uint256 i; i < 2; ++i) {
            vm.expectEmit(address(treasury));
            emit Anchored(keccak256("root"), uint64(i), callers[i]);
            vm.prank(callers[i]);
            desk.anchor(keccak256("root"), uint64(i));
        }
    }

    function test_RevertWhen_AnyoneElseAnchors() public {
        address[4] memory callers = [manager, guardian, agent, stranger];
        for (uint256 i; i < 4; ++i) {
            vm.expectRevert(
                abi.encodeWithSelector(RoleMissing.selector, callers[i], Role.OWNER | Role.REVIEWER)
            );
            vm.prank(callers[i]);
            desk.anchor(keccak256("root"), 1);
        }
    }

    function _under(bytes32 stamp) private view returns (SessionRequest memory r) {
        r = request(20 * UNIT);
        r.stampHash = stamp;
    }
}
