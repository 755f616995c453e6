// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Refusal, Role} from "../../contracts/libraries/Types.sol";
import {Base} from "../Base.t.sol";

contract ScoresTest is Base {
    uint32 internal constant LIFE = 1 hours;

    function test_GivenNoScoreLife_SessionsOpenUnscored() public {
        assertEq(views.envelope(envelope).scoreLife, 0);
        assertOpens(request(UNIT));
    }

    function test_GivenScoreLife_NoSessionOpensUnscored() public {
        _setLife(LIFE);
        assertOpeningRefused(request(UNIT), Refusal.ScoreStale, LIFE, time());
    }

    function test_GivenFreshScore_SessionsOpenUntilItIsStale() public {
        _setLife(LIFE);
        uint256 scored = time();
        vm.expectEmit(address(treasury));
        emit ScoreReported(envelope, 650, reviewer);
        vm.prank(reviewer);
        desk.reportScore(envelope, 650);
        assertEq(views.envelope(envelope).score, 650);
        assertEq(views.envelope(envelope).scoredAt, scored);

        vm.warp(scored + LIFE - 1);
        assertOpens(request(UNIT));
        vm.warp(scored + LIFE);
        nextSessionKey();
        assertOpeningRefused(request(UNIT), Refusal.ScoreStale, scored + LIFE, scored + LIFE);
        vm.prank(reviewer);
        desk.reportScore(envelope, 0);
        assertOpens(request(UNIT));
    }

    function test_GivenStaleScore_OpenSessionsRunOn() public {
        open(50 * UNIT);
        _setLife(1);
        pay(purse, payee, UNIT, DECISION);
        assertEq(paidTo(payee), UNIT);
    }

    function test_GivenScores_NothingElseInTheBooksChanges() public {
        uint256 escrow = escrowOf(envelope);
        _setLife(type(uint32).max);
        vm.prank(reviewer);
        desk.reportScore(envelope, type(uint16).max);
        assertEq(escrowOf(envelope), escrow);
        assertEq(views.envelope(envelope).purses, 1);
        assertEq(views.envelope(envelope).group, 0);
        assertEq(views.envelope(envelope).scoreLife, type(uint32).max);
        assertEq(views.envelope(envelope).score, type(uint16).max);
    }

    function test_GivenDelay_OnlyShorterIsAtOnce() public {
        setDelay(1 days);
        _setLife(LIFE);
        _setLife(LIFE);
        _setLife(LIFE - 1);
        uint32[2] memory looser = [LIFE, 0];
        for (uint256 i; i < looser.length; ++i) {
            bytes memory call = abi.encodeCall(desk.setScoreLife, (envelope, looser[i]));
            vm.expectRevert(abi.encodeWithSelector(NotAnnounced.selector, keccak256(call), 0));
            vm.prank(manager);
            desk.setScoreLife(envelope, looser[i]);
        }
    }

    function test_RevertWhen_CallerIsAnother() public {
        vm.expectRevert(abi.encodeWithSelector(RoleMissing.selector, agent, Role.REVIEWER));
        vm.prank(agent);
        desk.reportScore(envelope, 850);
        vm.expectRevert(abi.encodeWithSelector(RoleMissing.selector, reviewer, Role.POLICY_MANAGER));
        vm.prank(reviewer);
        desk.setScoreLife(envelope, 0);
    }

    function test_RevertWhen_EnvelopeIsUnknown() public {
        vm.expectRevert(abi.encodeWithSelector(EnvelopeUnknown.selector, 2, 1));
        vm.prank(manager);
        desk.setScoreLife(2, LIFE);
        vm.expectRevert(abi.encodeWithSelector(EnvelopeUnknown.selector, 2, 1));
        vm.prank(reviewer);
        desk.reportScore(2, 1);
    }

    function _setLife(uint32 life) private {
        vm.expectEmit(address(treasury));
        emit ScoreLifeSet(envelope, life, manager);
        vm.prank(manager);
        desk.setScoreLife(envelope, life);
    }
}
