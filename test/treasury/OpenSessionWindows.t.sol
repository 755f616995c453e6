// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Policy, Refusal, SessionRequest, WindowLimit} from "../../contracts/libraries/Types.sol";
import {Base} from "../Base.t.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {Vm} from "forge-std/Vm.sol";

/// @notice What counts across sessions: windows, the lifetime, and what comes back to them.
contract OpenSessionWindowsTest is Base {
    uint256 internal constant MIDNIGHT = 1_767_830_400; // Thursday 2026-01-08 00:00 UTC
    uint256 internal constant MONDAY = 1_768_176_000; // Monday 2026-01-12 00:00 UTC

    /* SEVERAL PURSES, ONE WINDOW */

    function test_GivenSeveralPurses_TogetherTheyStayWithinTheWindow() public {
        vm.prank(manager);
        desk.createPurses(envelope, 2);
        _openOn(0, 50 * UNIT);
        _openOn(1, 50 * UNIT);
        SessionRequest memory third = _requestOn(2, 1);
        assertOpeningRefused(third, Refusal.WindowLimitExceeded, 100 * UNIT, 100 * UNIT + 1);
    }

    function test_WindowBound() public {
        vm.prank(manager);
        desk.createPurses(envelope, 2);
        _openOn(0, 50 * UNIT);
        _openOn(1, 30 * UNIT);
        SessionRequest memory third = _requestOn(2, 20 * UNIT + 1);
        assertOpeningRefused(third, Refusal.WindowLimitExceeded, 100 * UNIT, 100 * UNIT + 1);
        third.budget = uint96(20 * UNIT);
        assertOpens(third);
        assertEq(usedOf(envelope, 0), 100 * UNIT);
    }

    /* ROLL-OVER */

    function test_GivenLastSecondOfTheDay_DayIsStillFull() public {
        vm.warp(MIDNIGHT - 1 hours);
        _spendTheDay();
        vm.warp(MIDNIGHT - 1);
        SessionRequest memory r = request(1);
        r.expiry = uint32(MIDNIGHT);
        assertOpeningRefused(r, Refusal.WindowLimitExceeded, 100 * UNIT, 100 * UNIT + 1);
    }

    function test_GivenFirstSecondOfTheNextDay_DayIsEmptyAndWeekIsNot() public {
        vm.warp(MIDNIGHT - 1 hours);
        _spendTheDay();
        vm.warp(MIDNIGHT);
        assertEq(usedOf(envelope, 0), 0);
        assertEq(usedOf(envelope, 1), 100 * UNIT);
        assertEq(views.headroom(envelope)[0].endsAt, MIDNIGHT + 1 days);
        open(50 * UNIT);
        assertEq(usedOf(envelope, 0), 50 * UNIT);
        assertEq(usedOf(envelope, 1), 150 * UNIT);
    }

    function test_GivenMonday_WeekIsEmpty() public {
        vm.warp(MONDAY - 2 hours);
        _spendTheDay();
        vm.warp(MONDAY - 1);
        assertEq(usedOf(envelope, 1), 100 * UNIT);
        vm.warp(MONDAY);
        assertEq(usedOf(envelope, 1), 0);
        assertEq(views.headroom(envelope)[1].endsAt, MONDAY + 7 days);
    }

    function test_GivenThreeFullDays_TheWeekIsFull() public {
        for (uint256 i; i < 3; ++i) {
            vm.warp(MIDNIGHT + i * 1 days);
            _spendTheDay();
        }
        vm.warp(MIDNIGHT + 3 days);
        nextSessionKey();
        assertOpeningRefused(request(1), Refusal.WindowLimitExceeded, 300 * UNIT, 300 * UNIT + 1);
    }

    function test_RevertWhen_SessionCrossesTheEndOfAWindow() public {
        vm.warp(MIDNIGHT - 30 minutes);
        SessionRequest memory r = request(UNIT);
        r.expiry = uint32(MIDNIGHT + 1);
        assertOpeningRefused(r, Refusal.ExpiryPastWindow, MIDNIGHT, MIDNIGHT + 1);
        r.expiry = uint32(MIDNIGHT);
        assertOpens(r);
    }

    function test_RevertWhen_SessionCrossesTheEndOfALongerWindowOnly() public {
        Policy memory policy = defaultPolicy();
        // Three days and a half: ends within a day, at Thursday noon or at Monday.
        policy.windows[0].period = 3.5 days;
        setPolicy(policy);
        uint256 end = MIDNIGHT + 12 hours;
        vm.warp(end - 10 minutes);
        SessionRequest memory r = request(UNIT);
        assertOpeningRefused(r, Refusal.ExpiryPastWindow, end, r.expiry);
        r.expiry = uint32(end);
        assertOpens(r);
    }

    function testFuzz_EndsAreAlignedToMonday(uint32 at) public {
        vm.warp(bound(at, 1_700_000_000, 4_000_000_000));
        uint256 dayEnd = views.headroom(envelope)[0].endsAt;
        uint256 weekEnd = views.headroom(envelope)[1].endsAt;
        assertEq(dayEnd % 1 days, 0);
        assertGt(dayEnd, time());
        assertLe(dayEnd, time() + 1 days);
        // 1970-01-05 was a Monday.
        assertEq((weekEnd - 4 days) % 7 days, 0);
        assertGt(weekEnd, time());
        assertLe(weekEnd, time() + 7 days);
    }

    /* LIFETIME */

    function test_LifetimeBound() public {
        Policy memory policy = defaultPolicy();
        policy.lifetimeLimit = uint96(300 * UNIT);
        setPolicy(policy);
        for (uint256 week; week < 3; ++week) {
            vm.warp(MONDAY + week * 7 days);
            _spendTheDay();
        }
        vm.warp(MONDAY + 21 days);
        nextSessionKey();
        assertOpeningRefused(request(1), Refusal.LifetimeLimitExceeded, 300 * UNIT, 300 * UNIT + 1);
        assertEq(views.headroom(envelope)[2].endsAt, type(uint256).max);
    }

    function test_GivenUnspent_LifetimeGetsItBackWhenever() public {
        Policy memory policy = defaultPolicy();
        policy.lifetimeLimit = uint96(300 * UNIT);
        setPolicy(policy);
        open(50 * UNIT);
        pay(purse, payee, 10 * UNIT, DECISION);
        vm.warp(MONDAY + 70 days);
        treasury.closeSession(purse, "");
        assertEq(usedOf(envelope, 2), 10 * UNIT);
    }

    /* SETTLE ON REOPEN */

    function test_GivenReopened_UnspentReturnsFirst() public {
        open(50 * UNIT);
        pay(purse, payee, 20 * UNIT / 2, DECISION);
        nextSessionKey();
        SessionRequest memory r = request(50 * UNIT);
        bytes memory signature = signRequest(r);
        vm.expectEmit(address(treasury));
        emit SessionClosed(envelope, purse, 1, 40 * UNIT, 40 * UNIT);
        treasury.openSession(r, signature);
        assertEq(usdc.balanceOf(purse), 50 * UNIT, "exactly the budget");
        assertEq(escrowOf(envelope), 940 * UNIT);
        assertEq(usedOf(envelope, 0), 60 * UNIT);
    }

    function test_GivenSmallerBudget_PurseGivesBack() public {
        open(50 * UNIT);
        nextSessionKey();
        open(UNIT);
        assertEq(usdc.balanceOf(purse), UNIT);
        assertEq(escrowOf(envelope), 999 * UNIT);
        assertEq(usedOf(envelope, 0), UNIT);
    }

    function test_GivenSameBudget_NothingMoves() public {
        open(50 * UNIT);
        nextSessionKey();
        open(50 * UNIT);
        assertEq(usdc.balanceOf(purse), 50 * UNIT);
        assertEq(usedOf(envelope, 0), 50 * UNIT);
    }

    /// @dev Some tokens refuse a transfer of nothing.
    function test_GivenSameBudget_TheTokenIsNotEvenAsked() public {
        open(50 * UNIT);
        nextSessionKey();
        vm.expectCall(address(usdc), abi.encodeWithSelector(IERC20.transfer.selector), 0);
        open(50 * UNIT);
    }

    function test_GivenNothingInThePurse_NothingIsSwept() public {
        vm.recordLogs();
        open(50 * UNIT);
        Vm.Log[] memory logs = vm.getRecordedLogs();
        for (uint256 i; i < logs.length; ++i) {
            assertTrue(logs[i].topics[0] != PurseSwept.selector, "swept");
        }
    }

    /// @dev Windows of other periods carried over what the old ones had counted: what comes back was never drawn from
    /// them, and must not make room for more.
    function test_GivenOtherPeriodsSince_UnspentGoesToNoWindow() public {
        vm.warp(MONDAY);
        vm.prank(manager);
        desk.createPurses(envelope, 1);
        _openOn(0, 50 * UNIT);
        Policy memory policy = defaultPolicy();
        policy.windows[0].period = 3.5 days;
        setPolicy(policy);
        _openOn(1, 50 * UNIT);
        assertEq(usedOf(envelope, 0), 100 * UNIT);

        assertOpeningRefused(_requestOn(0, 1), Refusal.WindowLimitExceeded, 100 * UNIT, 100 * UNIT + 1);
    }

    /// @dev However many limits there are, each counts, and nothing else.
    function test_GivenAsManyLimitsAsThereAre_EachCounts() public {
        Policy memory policy = defaultPolicy();
        policy.windows = new WindowLimit[](4);
        uint32[4] memory periods = [uint32(1 hours), DAY, WEEK, 4 * WEEK];
        for (uint256 i; i < 4; ++i) {
            policy.windows[i] = WindowLimit(periods[i], uint96(100 * UNIT));
        }
        policy.lifetimeLimit = uint96(100 * UNIT);
        setPolicy(policy);
        open(50 * UNIT);
        _assertUsed(50 * UNIT);
        nextSessionKey();
        open(20 * UNIT);
        _assertUsed(20 * UNIT);
        vm.prank(agent);
        treasury.closeSession(purse, "");
        _assertUsed(0);
    }

    function _assertUsed(uint256 expected) private view {
        for (uint256 i; i < 5; ++i) {
            assertEq(usedOf(envelope, i), expected);
        }
    }

    /// @dev A donation is the escrow's, and no limit gets it back.
    function test_GivenDonation_EscrowGrowsAndWindowsDoNot() public {
        open(50 * UNIT);
        pay(purse, payee, 10 * UNIT, DECISION);
        usdc.mint(purse, 25 * UNIT);
        nextSessionKey();
        SessionRequest memory r = request(50 * UNIT);
        bytes memory signature = signRequest(r);
        vm.expectEmit(address(treasury));
        emit SessionClosed(envelope, purse, 1, 65 * UNIT, 50 * UNIT);
        treasury.openSession(r, signature);
        assertEq(usdc.balanceOf(purse), 50 * UNIT);
        assertEq(escrowOf(envelope), 965 * UNIT);
        // 50 drawn, at most 50 given back, 50 drawn again.
        assertEq(usedOf(envelope, 0), 50 * UNIT);
    }

    function test_GivenDonationToClosedPurse_ItIsSwept() public {
        usdc.mint(purse, 3 * UNIT);
        SessionRequest memory r = request(UNIT);
        bytes memory signature = signRequest(r);
        vm.expectEmit(address(treasury));
        emit PurseSwept(envelope, purse, 3 * UNIT);
        treasury.openSession(r, signature);
        assertEq(usdc.balanceOf(purse), UNIT);
        assertEq(escrowOf(envelope), 1002 * UNIT);
        assertEq(usedOf(envelope, 0), UNIT);
    }

    function test_GivenEmptyEscrow_WhatThePurseHoldsSuffices() public {
        open(50 * UNIT);
        vm.prank(owner);
        desk.withdraw(envelope, owner, 950 * UNIT);
        pay(purse, payee, 10 * UNIT, DECISION);
        nextSessionKey();
        SessionRequest memory r = request(40 * UNIT + 1);
        assertOpeningRefused(r, Refusal.EscrowExceeded, 40 * UNIT, 40 * UNIT + 1);
        r.budget = uint96(40 * UNIT);
        assertOpens(r);
    }

    /* WHAT COMES BACK COMES BACK TO CURRENT WINDOWS ONLY */

    function test_GivenNextDay_UnspentReturnsToTheWeekOnly() public {
        open(50 * UNIT);
        pay(purse, payee, 10 * UNIT, DECISION);
        vm.warp(MIDNIGHT);
        nextSessionKey();
        open(20 * UNIT);
        assertEq(usedOf(envelope, 0), 20 * UNIT, "day");
        assertEq(usedOf(envelope, 1), 30 * UNIT, "week");
    }

    function test_GivenNextWeek_UnspentReturnsToNoWindow() public {
        open(50 * UNIT);
        vm.warp(MONDAY);
        nextSessionKey();
        open(20 * UNIT);
        assertEq(usedOf(envelope, 0), 20 * UNIT);
        assertEq(usedOf(envelope, 1), 20 * UNIT);
    }

    /// @dev A late return must not free room that another purse used in the meantime.
    function test_GivenOtherPurseDrewToday_LateReturnTakesNothingOffToday() public {
        vm.prank(manager);
        desk.createPurses(envelope, 1);
        _openOn(0, 50 * UNIT);
        vm.warp(MIDNIGHT);
        _openOn(1, 50 * UNIT);
        treasury.closeSession(purse, "");
        assertEq(usedOf(envelope, 0), 50 * UNIT);
        assertEq(usedOf(envelope, 1), 50 * UNIT);
    }

    /// @dev INV: what payees get within a day and a week never exceeds the day's and the week's limit.
    function testFuzz_OutflowStaysWithinEveryWindow(uint256 seed) public {
        vm.prank(manager);
        desk.createPurses(envelope, 2);
        uint256[30] memory byDay;
        uint256[5] memory byWeek;
        for (uint256 i; i < 40; ++i) {
            uint256 dice = uint256(keccak256(abi.encode(seed, i)));
            vm.warp(time() + dice % 9 hours);
            uint16 index = uint16((dice >> 32) % 3);
            purse = views.purseOf(envelope, index);
            SessionRequest memory r = _requestOn(index, 1 + (dice >> 64) % (50 * UNIT));
            (Refusal reason,,) = views.diagnoseSession(r);
            if (reason != Refusal.None) continue;
            treasury.openSession(r, signRequest(r));
            uint256 held = usdc.balanceOf(purse);
            uint256 amount = held > 10 * UNIT ? 10 * UNIT : held;
            for (uint256 n; n < (dice >> 128) % 6 && usdc.balanceOf(purse) >= amount; ++n) {
                pay(purse, payee, amount, keccak256(abi.encode(seed, i, n)));
                byDay[(time() - 1_767_744_000) / 1 days] += amount;
                byWeek[(time() - 1_767_571_200) / 7 days] += amount;
            }
        }
        for (uint256 i; i < byDay.length; ++i) {
            assertLe(byDay[i], 100 * UNIT, "a day");
        }
        for (uint256 i; i < byWeek.length; ++i) {
            assertLe(byWeek[i], 300 * UNIT, "a week");
        }
    }

    function _requestOn(uint16 index, uint256 budget) private returns (SessionRequest memory r) {
        nextSessionKey();
        r = request(budget);
        r.purseIndex = index;
        r.sequence = uint24(views.session(views.purseOf(envelope, index)).sequence + 1);
    }

    function _openOn(uint16 index, uint256 budget) private {
        SessionRequest memory r = _requestOn(index, budget);
        treasury.openSession(r, signRequest(r));
    }

    /// @dev Draws and spends all of the day's 100.
    function _spendTheDay() private {
        for (uint256 i; i < 2; ++i) {
            nextSessionKey();
            open(50 * UNIT);
            for (uint256 n; n < 5; ++n) {
                pay(purse, payee, 10 * UNIT, keccak256(abi.encode(time(), i, n)));
            }
        }
        nextSessionKey();
    }
}
