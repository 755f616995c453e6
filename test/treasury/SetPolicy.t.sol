// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Policy, Refusal, SessionRequest, WindowLimit} from "../../contracts/libraries/Types.sol";
import {Base} from "../Base.t.sol";
import {Payment} from "../Digests.sol";

contract SetPolicyTest is Base {
    /* VERSIONS */

    function test_GivenNewPolicy_VersionMovesAndHashesStay() public {
        Policy memory policy = defaultPolicy();
        policy.policyHash = keccak256("second document");
        vm.expectEmit(address(treasury));
        emit PolicySet(envelope, 2, policy, manager);
        setPolicy(policy);
        assertEq(views.envelope(envelope).policyVersion, 2);
        assertEq(views.policyHash(envelope, 1), keccak256("policy document"));
        assertEq(views.policyHash(envelope, 2), keccak256("second document"));
    }

    function test_RevertWhen_EnvelopeIsUnknown() public {
        for (uint24 i; i < 3; i += 2) {
            vm.expectRevert(abi.encodeWithSelector(EnvelopeUnknown.selector, i, 1));
            vm.prank(manager);
            desk.setPolicy(i, defaultPolicy());
        }
    }

    function test_GivenFrozenAndUnderReview_FlagsStay() public {
        vm.startPrank(guardian);
        treasury.freezeEnvelope(envelope);
        desk.setReview(envelope, 0);
        vm.stopPrank();
        setPolicy(defaultPolicy());
        assertTrue(views.envelope(envelope).frozen);
        assertTrue(views.envelope(envelope).underReview);
    }

    /* WHAT IS OUTSTANDING DIES */

    function test_GivenOpenSession_ItPaysNoMore() public {
        open(50 * UNIT);
        Payment memory p = paymentOf(payee, UNIT);
        (bytes32 digest, bytes memory blob) = signed(purse, p);
        assertAccepted(purse, digest, blob);
        setPolicy(defaultPolicy());

        (Refusal reason, uint256 limit, uint256 actual) = views.diagnosePayment(purse, digest, blob);
        assertEq(uint8(reason), uint8(Refusal.PolicyChanged));
        assertEq(limit, 2);
        assertEq(actual, 1);
        assertEq(answer(purse, digest, blob), INVALID);
        // Signed anew for the version in force, it still is of a session that drew under another.
        (digest, blob) = signed(purse, p);
        assertRefused(purse, p, digest, blob, Refusal.PolicyChanged);
    }

    function test_GivenSessionReopened_OldSignatureStaysDead() public {
        open(50 * UNIT);
        Payment memory p = paymentOf(payee, UNIT);
        (bytes32 digest, bytes memory blob) = signed(purse, p);
        setPolicy(defaultPolicy());
        nextSessionKey();
        open(50 * UNIT);
        assertEq(answer(purse, digest, blob), INVALID);
        (digest, blob) = signed(purse, p);
        assertAccepted(purse, digest, blob);
        settle(purse, p, blob);
        assertEq(paidTo(payee), UNIT);
    }

    function test_GivenPolicyChanged_AnyoneMayCloseAndMoneyReturns() public {
        open(50 * UNIT);
        setPolicy(defaultPolicy());
        vm.prank(stranger);
        treasury.closeSession(purse, "");
        assertEq(escrowOf(envelope), 1000 * UNIT);
        assertEq(usedOf(envelope, 0), 0);
        assertEq(usedOf(envelope, 1), 0);
    }

    /* WHAT WAS DRAWN IS CARRIED OVER */

    function test_GivenSamePeriods_UseIsKept() public {
        open(50 * UNIT);
        Policy memory policy = defaultPolicy();
        policy.windows[0].limit = uint96(60 * UNIT);
        setPolicy(policy);
        assertEq(usedOf(envelope, 0), 50 * UNIT);
        assertEq(usedOf(envelope, 1), 50 * UNIT);
    }

    function test_GivenSamePeriods_UnspentOfTheOldSessionReturns() public {
        open(50 * UNIT);
        pay(purse, payee, 10 * UNIT, DECISION);
        setPolicy(defaultPolicy());
        nextSessionKey();
        open(20 * UNIT);
        assertEq(usedOf(envelope, 0), 30 * UNIT);
        assertEq(usedOf(envelope, 1), 30 * UNIT);
    }

    function test_GivenLimitBelowUse_NothingMoreIsDrawn() public {
        open(50 * UNIT);
        for (uint256 i; i < 5; ++i) {
            pay(purse, payee, 10 * UNIT, bytes32(i + 1));
        }
        Policy memory policy = defaultPolicy();
        policy.sessionLimit = uint96(20 * UNIT);
        policy.windows[0].limit = uint96(40 * UNIT);
        setPolicy(policy);
        nextSessionKey();
        assertOpeningRefused(request(1), Refusal.WindowLimitExceeded, 40 * UNIT, 50 * UNIT + 1);
    }

    function test_GivenNewLongerPeriod_StartsAtTheMostCounted() public {
        open(50 * UNIT);
        Policy memory policy = _withWindows(DAY, 100, WEEK, 300);
        policy.windows = new WindowLimit[](3);
        policy.windows[0] = WindowLimit(DAY, uint96(100 * UNIT));
        policy.windows[1] = WindowLimit(WEEK, uint96(300 * UNIT));
        policy.windows[2] = WindowLimit(2 * WEEK, uint96(400 * UNIT));
        vm.warp(time() + 1 days);
        // The day rolled over, the week did not: what the week counted is the most that is known.
        setPolicy(policy);
        assertEq(usedOf(envelope, 0), 0);
        assertEq(usedOf(envelope, 1), 50 * UNIT);
        assertEq(usedOf(envelope, 2), 50 * UNIT);
    }

    function test_GivenNewShorterPeriod_StartsAtTheContainingCount() public {
        open(50 * UNIT);
        Policy memory policy = defaultPolicy();
        policy.windows = new WindowLimit[](3);
        policy.windows[0] = WindowLimit(1 hours, uint96(50 * UNIT));
        policy.windows[1] = WindowLimit(DAY, uint96(100 * UNIT));
        policy.windows[2] = WindowLimit(WEEK, uint96(300 * UNIT));
        setPolicy(policy);
        assertEq(usedOf(envelope, 0), 50 * UNIT, "an hour of the day that counted 50");
        vm.warp(time() + 1 hours);
        assertEq(usedOf(envelope, 0), 0, "next hour");
        assertEq(usedOf(envelope, 1), 50 * UNIT);
    }

    function test_GivenNewLifetime_StartsAtTheMostCounted() public {
        open(50 * UNIT);
        Policy memory policy = defaultPolicy();
        policy.lifetimeLimit = uint96(310 * UNIT);
        setPolicy(policy);
        assertEq(views.headroom(envelope)[2].period, 0);
        assertEq(usedOf(envelope, 2), 50 * UNIT);
    }

    function test_GivenLifetime_UseIsKeptOverPolicies() public {
        Policy memory policy = defaultPolicy();
        policy.lifetimeLimit = uint96(310 * UNIT);
        setPolicy(policy);
        open(50 * UNIT);
        vm.warp(time() + 30 days);
        policy.lifetimeLimit = uint96(300 * UNIT);
        setPolicy(policy);
        assertEq(usedOf(envelope, 2), 50 * UNIT);
        assertEq(usedOf(envelope, 1), 0);
    }

    /// @dev A session that other windows counted gives these nothing back.
    function test_GivenOtherPeriods_OldSessionGivesNothingBack() public {
        open(50 * UNIT);
        setPolicy(_withWindows(DAY, 100, 2 * WEEK, 300));
        treasury.closeSession(purse, "");
        assertEq(escrowOf(envelope), 1000 * UNIT);
        assertEq(usedOf(envelope, 0), 50 * UNIT);
        assertEq(usedOf(envelope, 1), 50 * UNIT);

        // One opened under the new policy does.
        nextSessionKey();
        open(50 * UNIT);
        vm.prank(agent);
        treasury.closeSession(purse, "");
        assertEq(usedOf(envelope, 0), 50 * UNIT);
    }

    function test_GivenFewerWindows_NothingIsLeftOfTheOldOnes() public {
        open(50 * UNIT);
        Policy memory policy = defaultPolicy();
        policy.windows = new WindowLimit[](0);
        setPolicy(policy);
        assertEq(views.headroom(envelope).length, 0);
        setPolicy(defaultPolicy());
        assertEq(views.headroom(envelope).length, 2);
        assertEq(usedOf(envelope, 0), 0, "there was nothing to carry over");
    }

    /// @dev With the same windows, no number of policy changes forgets what was drawn.
    function testFuzz_PolicyChangesForgetNothing(uint256 seed) public {
        uint256 spent;
        for (uint256 i; i < 6; ++i) {
            uint256 dice = uint256(keccak256(abi.encode(seed, i)));
            uint256 budget = bound(dice, 1, 20 * UNIT);
            open(budget);
            if (dice & 1 == 0) {
                uint256 amount = budget > 10 * UNIT ? 10 * UNIT : budget;
                pay(purse, payee, amount, bytes32(dice));
                spent += amount;
            }
            setPolicy(defaultPolicy());
            nextSessionKey();
        }
        treasury.closeSession(purse, "");
        assertEq(usedOf(envelope, 0), spent);
        assertEq(usedOf(envelope, 1), spent);
        assertEq(paidTo(payee), spent);
    }

    function _withWindows(uint32 first, uint256 firstUnits, uint32 second, uint256 secondUnits)
        private
        pure
        returns (Policy memory policy)
    {
        policy = defaultPolicy();
        policy.windows[0] = WindowLimit(first, uint96(firstUnits * UNIT));
        policy.windows[1] = WindowLimit(second, uint96(secondUnits * UNIT));
    }
}
