// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Refusal, SessionRequest, SessionView, WindowLimit} from "../../contracts/libraries/Types.sol";
import {Fleet} from "../Fleet.t.sol";

/// @notice A session draws against its envelope's limits, its group's, and those of every group above.
contract GroupDrawsTest is Fleet {
    /* DRAWING */

    function test_GivenGroup_TogetherItsEnvelopesStayWithinItsWindow() public {
        uint24 group = newGroup(0, 60);
        put(members[0], group);
        put(members[1], group);
        openOf(members[0], 40 * UNIT);
        SessionRequest memory r = requestFor(members[1], 20 * UNIT + 1);
        assertDrawRefused(r, Refusal.GroupWindowLimitExceeded, 60 * UNIT, 60 * UNIT + 1);
        openOf(members[1], 20 * UNIT);
        assertEq(usedOfGroup(group, 0), 60 * UNIT);
        r = requestFor(members[1], 20 * UNIT + 1);
        assertDrawRefused(r, Refusal.GroupWindowLimitExceeded, 60 * UNIT, 60 * UNIT + 1);
        // An envelope outside is not held by it.
        openOf(members[2], 50 * UNIT);
    }

    function test_GivenNestedGroups_EachOneBinds() public {
        uint24 top = newGroup(0, 70);
        uint24 left = newGroup(top, 45);
        uint24 right = newGroup(top, 45);
        put(members[0], left);
        put(members[1], right);
        put(members[2], top);
        SessionRequest memory r = requestFor(members[0], 45 * UNIT + 1);
        assertDrawRefused(r, Refusal.GroupWindowLimitExceeded, 45 * UNIT, 45 * UNIT + 1);
        openOf(members[0], 45 * UNIT);
        assertEq(usedOfGroup(top, 0), 45 * UNIT);
        assertEq(usedOfGroup(right, 0), 0);
        r = requestFor(members[1], 25 * UNIT + 1);
        assertDrawRefused(r, Refusal.GroupWindowLimitExceeded, 70 * UNIT, 70 * UNIT + 1);
        openOf(members[1], 25 * UNIT);
        r = requestFor(members[2], 1);
        assertDrawRefused(r, Refusal.GroupWindowLimitExceeded, 70 * UNIT, 70 * UNIT + 1);
    }

    function test_GivenFourDeep_TheTopBinds() public {
        uint24 group = newGroup(0, 30);
        uint24 top = group;
        for (uint256 i; i < 3; ++i) {
            group = newGroup(group, 100);
        }
        put(members[0], group);
        SessionRequest memory r = requestFor(members[0], 30 * UNIT + 1);
        assertDrawRefused(r, Refusal.GroupWindowLimitExceeded, 30 * UNIT, 30 * UNIT + 1);
        openOf(members[0], 30 * UNIT);
        assertEq(usedOfGroup(top, 0), 30 * UNIT);
    }

    function test_LifetimeBound() public {
        uint24 group = newGroup(0, limits(0, 0, 0), 30);
        put(members[0], group);
        SessionRequest memory r = requestFor(members[0], 30 * UNIT + 1);
        assertDrawRefused(r, Refusal.GroupLifetimeLimitExceeded, 30 * UNIT, 30 * UNIT + 1);
        openOf(members[0], 30 * UNIT);
        payFrom(members[0], 10 * UNIT, DECISION);
        vm.warp(time() + 365 days);
        r = requestFor(members[0], 20 * UNIT + 1);
        assertDrawRefused(r, Refusal.GroupLifetimeLimitExceeded, 30 * UNIT, 30 * UNIT + 1);
        openOf(members[0], 20 * UNIT);
    }

    function test_GivenSeveralWindows_EachOneBinds() public {
        uint24 group = newGroup(0, limits(20, 50, 60), 0);
        put(members[0], group);
        openOf(members[0], 20 * UNIT);
        payFrom(members[0], 10 * UNIT, "1");
        payFrom(members[0], 10 * UNIT, "2");
        SessionRequest memory r = requestFor(members[0], 1);
        assertDrawRefused(r, Refusal.GroupWindowLimitExceeded, 20 * UNIT, 20 * UNIT + 1);
        for (uint256 i; i < 2; ++i) {
            vm.warp(time() + 1 hours);
            openOf(members[0], (i == 0 ? 20 : 10) * UNIT);
            payFrom(members[0], 10 * UNIT, "3");
            if (i == 0) payFrom(members[0], 10 * UNIT, "4");
        }
        vm.warp(time() + 1 hours);
        r = requestFor(members[0], 1);
        assertDrawRefused(r, Refusal.GroupWindowLimitExceeded, 50 * UNIT, 50 * UNIT + 1);
        vm.warp(time() + 1 days);
        r = requestFor(members[0], 10 * UNIT + 1);
        assertDrawRefused(r, Refusal.GroupWindowLimitExceeded, 60 * UNIT, 60 * UNIT + 1);
        openOf(members[0], 10 * UNIT);
    }

    function test_RevertWhen_SessionCrossesTheEndOfAGroupsWindow() public {
        put(members[0], newGroup(newGroup(0, limits(50, 0, 0), 0), 50));
        SessionRequest memory r = requestFor(members[0], UNIT);
        // It is noon: the hour ends with the session.
        uint256 end = r.expiry;
        r.expiry += 1;
        assertDrawRefused(r, Refusal.ExpiryPastWindow, end, end + 1);
        r.expiry -= 1;
        treasury.openSession(r, signatureFor(r));
    }

    function test_GivenBothExceeded_TheEnvelopesOwnLimitIsTold() public {
        put(members[0], newGroup(0, 30));
        openOf(members[0], 30 * UNIT);
        vm.prank(manager);
        desk.createPurses(members[0], 2);
        SessionRequest memory r = requestFor(members[0], 50 * UNIT);
        (r.purseIndex, r.sequence) = (1, 1);
        assertDrawRefused(r, Refusal.GroupWindowLimitExceeded, 30 * UNIT, 80 * UNIT);
        put(members[0], newGroup(0, 60));
        treasury.openSession(r, signatureFor(r));
        r = requestFor(members[0], 50 * UNIT);
        (r.purseIndex, r.sequence) = (2, 1);
        assertDrawRefused(r, Refusal.WindowLimitExceeded, 100 * UNIT, 130 * UNIT);
    }

    /* GIVING BACK */

    function test_GivenClosed_UnspentReturnsToTheWholeChain() public {
        uint24 top = newGroup(0, 100);
        uint24 group = newGroup(top, 100);
        put(members[0], group);
        openOf(members[0], 40 * UNIT);
        payFrom(members[0], 7 * UNIT, DECISION);
        closeOf(members[0]);
        assertEq(usedOfGroup(group, 0), 7 * UNIT);
        assertEq(usedOfGroup(top, 0), 7 * UNIT);
    }

    function test_GivenReopened_UnspentReturnsFirst() public {
        uint24 group = newGroup(0, 50);
        put(members[0], group);
        openOf(members[0], 50 * UNIT);
        payFrom(members[0], 10 * UNIT, DECISION);
        SessionRequest memory r = requestFor(members[0], 40 * UNIT + 1);
        assertDrawRefused(r, Refusal.GroupWindowLimitExceeded, 50 * UNIT, 50 * UNIT + 1);
        openOf(members[0], 40 * UNIT);
        assertEq(usedOfGroup(group, 0), 50 * UNIT);
    }

    function test_GivenNextDay_UnspentReturnsToTheWeekAndTheLifetimeOnly() public {
        uint24 group = newGroup(0, limits(0, 60, 100), 200);
        put(members[0], group);
        put(members[1], group);
        openOf(members[0], 30 * UNIT);
        vm.warp(time() + 1 days);
        openOf(members[1], 20 * UNIT);
        closeOf(members[0]);
        assertEq(usedOfGroup(group, 0), 20 * UNIT, "today gave something back");
        assertEq(usedOfGroup(group, 1), 20 * UNIT);
        assertEq(usedOfGroup(group, 2), 20 * UNIT);
    }

    /// @dev What strangers send to a purse counts as money that came back, up to what the session had drawn.
    function test_GivenDonation_NoGroupsLimitRises() public {
        uint24 group = newGroup(0, 50);
        put(members[0], group);
        address open_ = openOf(members[0], 30 * UNIT);
        payFrom(members[0], 10 * UNIT, DECISION);
        usdc.mint(open_, 500 * UNIT);
        closeOf(members[0]);
        assertEq(usedOfGroup(group, 0), 0);
        usdc.mint(open_, 500 * UNIT);
        SessionRequest memory r = requestFor(members[0], 50 * UNIT + 1);
        assertDrawRefused(r, Refusal.SessionLimitExceeded, 50 * UNIT, 50 * UNIT + 1);
        openOf(members[0], 50 * UNIT);
        put(members[1], group);
        r = requestFor(members[1], 1);
        assertDrawRefused(r, Refusal.GroupWindowLimitExceeded, 50 * UNIT, 50 * UNIT + 1);
    }

    /// @dev However many limits there are, each counts, and nothing else.
    function test_TheViewOfASessionTellsWhatItDrewWhileItIsOpen() public {
        uint24 group = newGroup(0, 60);
        put(members[0], group);
        openOf(members[0], 20 * UNIT);
        SessionView memory open = views.session(purseOf(members[0]));
        assertEq(open.group, group);
        assertEq(open.budget, 20 * UNIT);
        assertEq(open.openedAt, time());
        assertEq(open.expiry, time() + 1 hours);
        closeOf(members[0]);
        SessionView memory closed = views.session(purseOf(members[0]));
        assertEq(closed.group, 0);
        assertEq(closed.budget, 0);
        assertEq(closed.openedAt, 0);
        assertEq(closed.expiry, 0);
    }

    /// @dev What a closed session had drawn is settled: money that a stranger sends to its purse is nobody's return.
    function test_GivenDonationAfterTheClose_NoGroupsLimitRises() public {
        uint24 group = newGroup(0, 20);
        put(members[0], group);
        openOf(members[0], 20 * UNIT);
        payFrom(members[0], 10 * UNIT, keccak256("first"));
        payFrom(members[0], 10 * UNIT, keccak256("second"));
        closeOf(members[0]);
        usdc.mint(purseOf(members[0]), 20 * UNIT);
        SessionRequest memory r = requestFor(members[0], 1);
        assertDrawRefused(r, Refusal.GroupWindowLimitExceeded, 20 * UNIT, 20 * UNIT + 1);
    }

    function test_GivenAsManyLimitsAsThereAre_EachCounts() public {
        WindowLimit[] memory windows = new WindowLimit[](4);
        uint32[4] memory periods = [HOUR, DAY, WEEK, 4 * WEEK];
        for (uint256 i; i < 4; ++i) {
            windows[i] = WindowLimit(periods[i], uint96(60 * UNIT));
        }
        uint24 group = newGroup(0, windows, 60);
        put(members[0], group);
        openOf(members[0], 40 * UNIT);
        for (uint256 i; i < 5; ++i) {
            assertEq(usedOfGroup(group, i), 40 * UNIT);
        }
        vm.prank(manager);
        desk.setGroupLimits(group, windows, uint96(60 * UNIT));
        closeOf(members[0]);
        for (uint256 i; i < 5; ++i) {
            assertEq(usedOfGroup(group, i), 0);
        }
    }

    /* MOVING */

    function test_GivenMoved_UnspentReturnsToTheGroupItWasDrawnFrom() public {
        uint24 from = newGroup(0, 100);
        uint24 to = newGroup(0, 100);
        put(members[0], from);
        put(members[1], to);
        openOf(members[1], 20 * UNIT);
        openOf(members[0], 30 * UNIT);
        payFrom(members[0], 10 * UNIT, DECISION);
        put(members[0], to);
        closeOf(members[0]);
        assertEq(usedOfGroup(from, 0), 10 * UNIT);
        assertEq(usedOfGroup(to, 0), 20 * UNIT, "the new group got what it never gave");
    }

    function test_GivenReopenedAfterMoving_TheNewGroupCountsAllOfIt() public {
        uint24 from = newGroup(0, 100);
        uint24 to = newGroup(0, 30);
        put(members[0], from);
        openOf(members[0], 30 * UNIT);
        put(members[0], to);
        SessionRequest memory r = requestFor(members[0], 30 * UNIT + 1);
        assertDrawRefused(r, Refusal.GroupWindowLimitExceeded, 30 * UNIT, 30 * UNIT + 1);
        openOf(members[0], 30 * UNIT);
        assertEq(usedOfGroup(from, 0), 0);
        assertEq(usedOfGroup(to, 0), 30 * UNIT);
        closeOf(members[0]);
        assertEq(usedOfGroup(to, 0), 0);
    }

    /// @dev What others drew from a group, nobody brings back who comes from another.
    function test_GivenMovedToAnEarlierGroup_ItGivesThatOneNothing() public {
        uint24 to = newGroup(0, 30);
        uint24 from = newGroup(0, 100);
        put(members[0], from);
        put(members[1], to);
        openOf(members[1], 20 * UNIT);
        openOf(members[0], 30 * UNIT);
        put(members[0], to);
        SessionRequest memory r = requestFor(members[0], 10 * UNIT + 1);
        assertDrawRefused(r, Refusal.GroupWindowLimitExceeded, 30 * UNIT, 30 * UNIT + 1);
    }

    /// @dev The group above both neither counts the budget twice nor refuses it.
    /// @dev Numbers tell nothing of who stands above whom: the group between the old one and the one above that is
    /// given nothing.
    function test_GivenMovedToAGroupNumberedBetween_ItGivesThatOneNothing() public {
        uint24 above = newGroup(0, 100);
        uint24 between = newGroup(0, 20);
        put(members[0], newGroup(above, 100));
        put(members[1], between);
        openOf(members[0], 20 * UNIT);
        openOf(members[1], 15 * UNIT);
        put(members[0], between);
        SessionRequest memory r = requestFor(members[0], 5 * UNIT + 1);
        assertDrawRefused(r, Refusal.GroupWindowLimitExceeded, 20 * UNIT, 20 * UNIT + 1);
    }

    function test_GivenMovedToASibling_TheGroupAboveCountsItOnce() public {
        uint24 top = newGroup(0, 30);
        uint24 left = newGroup(top, 30);
        uint24 right = newGroup(top, 30);
        put(members[0], left);
        openOf(members[0], 30 * UNIT);
        put(members[0], right);
        openOf(members[0], 30 * UNIT);
        assertEq(usedOfGroup(top, 0), 30 * UNIT);
        assertEq(usedOfGroup(left, 0), 0);
        assertEq(usedOfGroup(right, 0), 30 * UNIT);
        // Up a level, and down again.
        put(members[0], top);
        openOf(members[0], 30 * UNIT);
        put(members[0], left);
        openOf(members[0], 30 * UNIT);
        assertEq(usedOfGroup(top, 0), 30 * UNIT);
        assertEq(usedOfGroup(left, 0), 30 * UNIT);
        assertEq(usedOfGroup(right, 0), 0);
    }

    function test_GivenTakenOut_UnspentReturnsAndNoGroupBinds() public {
        uint24 group = newGroup(0, 30);
        put(members[0], group);
        openOf(members[0], 30 * UNIT);
        put(members[0], 0);
        openOf(members[0], 50 * UNIT);
        assertEq(usedOfGroup(group, 0), 0);
        closeOf(members[0]);
        assertEq(usedOfGroup(group, 0), 0);
    }

    function test_GivenSessionFromBeforeTheGroup_ItGivesTheGroupNothing() public {
        uint24 group = newGroup(0, 100);
        put(members[1], group);
        openOf(members[1], 40 * UNIT);
        openOf(members[0], 30 * UNIT);
        put(members[0], group);
        closeOf(members[0]);
        assertEq(usedOfGroup(group, 0), 40 * UNIT);
    }

    /* ALL TOGETHER */

    /// @dev Whatever a fleet does, with whatever moves and days between: what it paid within a day stays within what
    /// each group allows a day, and what groups count never falls below what their envelopes paid.
    /// forge-config: default.fuzz.runs = 64
    function testFuzz_OutflowStaysWithinEveryGroup(uint256 seed) public {
        uint24 top = newGroup(0, 60);
        uint24 left = newGroup(top, 40);
        put(members[0], left);
        put(members[1], left);
        put(members[2], top);
        uint256[2] memory paid;
        uint256 day = time() / 1 days;
        uint256[3] memory secrets;
        for (uint256 i; i < 24; ++i) {
            uint256 draw = uint256(keccak256(abi.encode(seed, i)));
            uint256 who = draw % 3;
            uint256 verb = (draw >> 8) % 8;
            uint256 amount = bound(draw >> 16, 1, 50 * UNIT);
            if (verb < 3) {
                SessionRequest memory r = requestFor(members[who], amount);
                bytes memory signature = signatureFor(r);
                try treasury.openSession(r, signature) {
                    secrets[who] = sessionSecret;
                } catch {}
            } else if (verb < 6) {
                if (amount > 10 * UNIT) amount = 10 * UNIT;
                if (secrets[who] == 0 || usdc.balanceOf(purseOf(members[who])) < amount) continue;
                (Refusal reason,,) = views.previewPayment(purseOf(members[who]), payee, amount, false);
                if (reason != Refusal.None) continue;
                sessionSecret = secrets[who];
                payFrom(members[who], amount, bytes32(draw));
                paid[0] += amount;
                if (who != 2) paid[1] += amount;
            } else if (verb == 6) {
                if (views.session(purseOf(members[who])).key == address(0)) continue;
                closeOf(members[who]);
            } else {
                vm.warp(time() + bound(draw >> 16, 1 hours, 20 hours));
                if (time() / 1 days != day) (paid[0], paid[1]) = (0, 0);
                day = time() / 1 days;
            }
            assertLe(paid[0], 60 * UNIT, "the fleet paid more than its organisation allows");
            assertLe(paid[1], 40 * UNIT, "the team paid more than its group allows");
            assertGe(usedOfGroup(top, 0), paid[0], "forgot");
            assertGe(usedOfGroup(left, 0), paid[1], "forgot");
            assertLe(usedOfGroup(top, 0), 60 * UNIT);
            assertLe(usedOfGroup(left, 0), 40 * UNIT);
        }
    }
}
