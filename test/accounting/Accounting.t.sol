// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Policy, Refusal, SessionRequest, WindowLimit} from "../../contracts/libraries/Types.sol";
import {Base} from "../Base.t.sol";

/// @notice The worked numbers of docs/ACCOUNTING.md, section by section: a number changed there fails here.
contract AccountingTest is Base {
    uint256 private constant WEDNESDAY_NOON = 1_767_787_200;
    uint256 private constant THURSDAY = 1_767_830_400;
    uint256 private constant MONDAY = 1_768_176_000;

    /* WINDOWS */

    function test_WindowsEndAtMidnightAndOnMonday() public view {
        assertEq(block.timestamp, WEDNESDAY_NOON);
        assertEq(views.headroom(envelope)[0].endsAt, THURSDAY);
        assertEq(views.headroom(envelope)[1].endsAt, MONDAY);
    }

    function test_SessionEndsWithTheWindow() public {
        vm.warp(THURSDAY - 30 minutes);
        SessionRequest memory r = request(10 * UNIT);
        r.expiry = uint32(THURSDAY + 1);
        bytes memory signature = signRequest(r);
        vm.expectRevert(
            abi.encodeWithSelector(SessionRefused.selector, Refusal.ExpiryPastWindow, THURSDAY, THURSDAY + 1)
        );
        treasury.openSession(r, signature);
        r.expiry = uint32(THURSDAY);
        treasury.openSession(r, signRequest(r));
    }

    /* ONE SESSION */

    function test_OneSession() public {
        open(40 * UNIT);
        _assertMoney({escrow: 960, held: 40, day: 40, week: 40});
        _pay(15);
        _assertMoney({escrow: 960, held: 25, day: 40, week: 40});
        _close();
        _assertMoney({escrow: 985, held: 0, day: 15, week: 15});
    }

    function test_OpeningSettlesTheSessionBefore() public {
        open(40 * UNIT);
        _pay(15);
        nextSessionKey();
        open(50 * UNIT);
        _assertMoney({escrow: 935, held: 50, day: 65, week: 65});
    }

    function test_DaysLimitHoldsAcrossSessions() public {
        _spendSession(50);
        _spendSession(40);
        nextSessionKey();
        _refuse(20, Refusal.WindowLimitExceeded, 100, 110);
        open(10 * UNIT);
        _assertMoney({escrow: 900, held: 10, day: 100, week: 100});
    }

    /* ACROSS A BOUNDARY */

    function test_ReturnAfterMidnightCountsForTheWeekOnly() public {
        vm.warp(THURSDAY - 30 minutes);
        SessionRequest memory r = request(40 * UNIT);
        r.expiry = uint32(THURSDAY);
        treasury.openSession(r, signRequest(r));
        _pay(15);
        vm.warp(THURSDAY + 10 minutes);
        _assertMoney({escrow: 960, held: 25, day: 0, week: 40});
        _close();
        _assertMoney({escrow: 985, held: 0, day: 0, week: 15});
    }

    function test_MondayStartsBothAfresh() public {
        _spendSession(50);
        vm.warp(MONDAY);
        _assertMoney({escrow: 950, held: 0, day: 0, week: 0});
    }

    /* POLICY CHANGES */

    function test_SamePeriodsKeepTheirCountsAndTakeReturns() public {
        open(40 * UNIT);
        _pay(15);
        Policy memory policy = defaultPolicy();
        policy.windows[0].limit = uint96(60 * UNIT);
        _setPolicy(policy);
        _close();
        _assertMoney({escrow: 985, held: 0, day: 15, week: 15});
    }

    function test_LimitBelowTheCountLeavesNoRoom() public {
        _spendSession(50);
        Policy memory policy = defaultPolicy();
        policy.paymentCap = uint96(10 * UNIT);
        policy.sessionLimit = uint96(30 * UNIT);
        policy.windows[0].limit = uint96(30 * UNIT);
        _setPolicy(policy);
        nextSessionKey();
        _refuse(1, Refusal.WindowLimitExceeded, 30, 51);
        vm.warp(THURSDAY);
        open(30 * UNIT);
    }

    function test_NewPeriodsStartAtAnUpperBound() public {
        // Yesterday 80, today 40: the day counts 40, the week 120.
        vm.warp(WEDNESDAY_NOON - 1 days);
        _spendSession(50);
        _spendSession(30);
        vm.warp(WEDNESDAY_NOON);
        _spendSession(40);
        _assertMoney({escrow: 880, held: 0, day: 40, week: 120});

        Policy memory policy = defaultPolicy();
        policy.windows = new WindowLimit[](4);
        policy.windows[0] = WindowLimit({period: 12 hours, limit: uint96(60 * UNIT)});
        policy.windows[1] = WindowLimit({period: DAY, limit: uint96(100 * UNIT)});
        policy.windows[2] = WindowLimit({period: WEEK, limit: uint96(300 * UNIT)});
        policy.windows[3] = WindowLimit({period: 30 days, limit: uint96(800 * UNIT)});
        policy.lifetimeLimit = uint96(2000 * UNIT);
        _setPolicy(policy);
        uint256[5] memory expected = [uint256(40), 40, 120, 120, 120];
        for (uint256 i; i < 5; ++i) {
            assertEq(usedOf(envelope, i), expected[i] * UNIT);
        }
    }

    function test_OtherPeriodsTakeNothingBackFromOlderSessions() public {
        open(40 * UNIT);
        _pay(15);
        Policy memory policy = defaultPolicy();
        policy.lifetimeLimit = uint96(2000 * UNIT);
        _setPolicy(policy);
        vm.expectEmit(address(treasury));
        emit SessionClosed(envelope, purse, 1, 25 * UNIT, 25 * UNIT);
        _close();
        _assertMoney({escrow: 985, held: 0, day: 40, week: 40});
        assertEq(usedOf(envelope, 2), 40 * UNIT);
    }

    /* DONATIONS */

    function test_DonationToAnOpenSession() public {
        open(40 * UNIT);
        _pay(15);
        usdc.mint(purse, 30 * UNIT);
        _assertMoney({escrow: 960, held: 55, day: 40, week: 40});
        vm.expectEmit(address(treasury));
        emit SessionClosed(envelope, purse, 1, 55 * UNIT, 40 * UNIT);
        _close();
        _assertMoney({escrow: 1015, held: 0, day: 0, week: 0});
    }

    function test_DonationToAPurseWithoutSession() public {
        usdc.mint(purse, 30 * UNIT);
        vm.expectEmit(address(treasury));
        emit PurseSwept(envelope, purse, 30 * UNIT);
        open(40 * UNIT);
        _assertMoney({escrow: 990, held: 40, day: 40, week: 40});
    }

    function test_DonationToTheTreasuryIsNobodysEscrow() public {
        usdc.mint(address(treasury), 30 * UNIT);
        _assertMoney({escrow: 1000, held: 0, day: 0, week: 0});
        vm.prank(owner);
        desk.recover(address(usdc), owner);
        assertEq(usdc.balanceOf(owner), 30 * UNIT);
        assertEq(usdc.balanceOf(address(treasury)), 1000 * UNIT);
    }

    /* VERBS, IN WHOLE DOLLARS */

    function _assertMoney(uint256 escrow, uint256 held, uint256 day, uint256 week) private view {
        assertEq(escrowOf(envelope), escrow * UNIT, "escrow");
        assertEq(usdc.balanceOf(purse), held * UNIT, "held");
        assertEq(usedOf(envelope, 0), day * UNIT, "day");
        assertEq(usedOf(envelope, 1), week * UNIT, "week");
    }

    /// @dev What leaves the purse to a payee is all that the books see of a payment.
    function _pay(uint256 dollars) private {
        vm.prank(purse);
        usdc.transfer(payee, dollars * UNIT);
    }

    function _close() private {
        vm.prank(agent);
        treasury.closeSession(purse, "");
    }

    function _spendSession(uint256 dollars) private {
        nextSessionKey();
        open(dollars * UNIT);
        _pay(dollars);
        _close();
    }

    function _setPolicy(Policy memory policy) private {
        vm.prank(manager);
        desk.setPolicy(envelope, policy);
    }

    function _refuse(uint256 budget, Refusal reason, uint256 limit, uint256 actual) private {
        SessionRequest memory r = request(budget * UNIT);
        bytes memory signature = signRequest(r);
        vm.expectRevert(abi.encodeWithSelector(SessionRefused.selector, reason, limit * UNIT, actual * UNIT));
        treasury.openSession(r, signature);
    }
}
