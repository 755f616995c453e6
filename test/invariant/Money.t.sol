// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Headroom, SessionView} from "../../contracts/libraries/Types.sol";
import {Stage} from "./Stage.sol";
import {Breach, Flows} from "./ghost/Flows.sol";

/// @notice Where money goes, and how much of it. Numbers are those of docs/INVARIANTS.md.
contract MoneyInvariants is Stage {
    /* LIMITS */

    /// @dev 1. Of every limit that an envelope has: half a day, day, week, 30 days, lifetime, all at once.
    function invariant_NetOutflowStaysWithinEveryLimitOfEveryWindow() public view {
        _never(Breach.Window, "outflow above a limit");
        for (uint256 e; e < ghost.envelopeCount(); ++e) {
            uint24 number = ghost.envelopes(e);
            for (uint256 i; i < ghost.PERIODS(); ++i) {
                uint256 limit = ghost.limitOf(number, i);
                // A limit lowered below what has left lets nothing more out; that is the breach above.
                if (limit != 0 && ghost.drawn(number, i) <= limit) {
                    assertLe(ghost.netOut(number, i), limit, "outflow in a window");
                }
            }
        }
    }

    /// @dev 1. Of every group and of every group above it, whatever each envelope may.
    function invariant_AGroupsOutflowStaysWithinEveryLimitOfEveryWindow() public view {
        _never(Breach.GroupWindow, "outflow above a group's limit");
        for (uint24 group = 1; group <= ghost.groups(); ++group) {
            uint256 id = ghost.GROUP() | group;
            for (uint256 i; i < ghost.PERIODS(); ++i) {
                uint256 limit = ghost.ceilingOf(id, i);
                if (limit != 0) assertLe(ghost.netOut(id, i), limit, "a group's outflow in a window");
            }
        }
    }

    /// @dev 20. A group's counters too, to the unit: its periods never change.
    function invariant_AGroupCountsWhatItsEnvelopesDraw() public view {
        for (uint24 group = 1; group <= ghost.groups(); ++group) {
            uint256 id = ghost.GROUP() | group;
            Headroom[] memory rooms = views.groupHeadroom(group);
            for (uint256 i; i < rooms.length; ++i) {
                uint256 slot = ghost.slotOf(rooms[i].period);
                assertEq(rooms[i].limit, ghost.limitOf(id, slot), "a limit nobody set");
                assertEq(rooms[i].used, ghost.drawn(id, slot), "another count than its draws");
                assertGe(rooms[i].used, ghost.netOut(id, slot), "counted too little");
            }
        }
    }

    /// @dev 19.
    function invariant_ASessionPaysNoMoreThanItsBudgetAndWhatWasSentToItsPurse() public view {
        _never(Breach.Budget, "a session overspent");
    }

    /// @dev 20. What the contract counts covers what the tokens saw leave.
    function invariant_NoCounterIsBelowWhatLeft() public view {
        for (uint256 e; e < ghost.envelopeCount(); ++e) {
            uint24 number = ghost.envelopes(e);
            Headroom[] memory rooms = views.headroom(number);
            for (uint256 i; i < rooms.length; ++i) {
                uint256 slot = ghost.slotOf(rooms[i].period);
                assertEq(rooms[i].limit, ghost.limitOf(number, slot), "a limit nobody set");
                assertEq(rooms[i].endsAt, ghost.windowEnd(slot), "a window's end");
                assertGe(rooms[i].used, ghost.netOut(number, slot), "counted too little");
            }
        }
    }

    /// @dev 20. Drawn less given back, to the unit, by a recount; never less than it where periods have changed.
    function invariant_CountersAreTheRecountOfDrawsAndReturns() public view {
        for (uint256 e; e < ghost.envelopeCount(); ++e) {
            uint24 number = ghost.envelopes(e);
            Headroom[] memory rooms = views.headroom(number);
            for (uint256 i; i < rooms.length; ++i) {
                uint256 recount = ghost.drawn(number, ghost.slotOf(rooms[i].period));
                assertGe(rooms[i].used, recount, "counted less than was drawn");
                if (!ghost.periodsChanged(number)) {
                    assertEq(rooms[i].used, recount, "counted more than was drawn");
                }
            }
        }
    }

    /// @dev 21.
    function invariant_ADonationRaisesNoLimit() public view {
        _never(Breach.Donation, "a donation moved a limit or a policy");
    }

    /* CONSERVATION */

    /// @dev 2.
    function invariant_MoneyIsConserved() public view {
        for (uint256 e; e < ghost.envelopeCount(); ++e) {
            uint24 number = ghost.envelopes(e);
            Flows.Money memory money = ghost.moneyOf(number);
            uint256 here = views.envelope(number).escrow;
            for (uint256 i; i < ghost.purseCount(); ++i) {
                address at = ghost.purses(i);
                if (ghost.envelopeOf(at) == number) here += ghost.heldBy(at);
            }
            assertEq(here + money.paid + money.withdrawn, money.toppedUp + money.gifts);
        }
    }

    /// @dev 2. The books against the tokens' own account of what went to purses and came back.
    function invariant_EscrowIsWhatTheTokensSawComeAndGo() public view {
        for (uint256 e; e < ghost.envelopeCount(); ++e) {
            uint24 number = ghost.envelopes(e);
            assertEq(views.envelope(number).escrow, ghost.escrowOf(number));
        }
    }

    /// @dev 3.
    function invariant_EscrowsSumToNoMoreThanTheTreasuryHolds() public view {
        for (uint256 a = 1; a < 3; ++a) {
            (address token, uint256 escrowed,) = views.asset(a);
            uint256 sum;
            for (uint256 e; e < ghost.envelopeCount(); ++e) {
                uint24 number = ghost.envelopes(e);
                if (ghost.tokenOf(number) == token) sum += views.envelope(number).escrow;
            }
            assertEq(sum, escrowed, "the asset's sum");
            assertLe(escrowed, tokens[a - 1].balanceOf(address(treasury)), "the treasury's balance");
        }
    }

    /// @dev 22. To the unit, for every purse with a session open.
    function invariant_APurseHoldsItsBudgetAndGiftsLessWhatItPaid() public view {
        for (uint256 i; i < ghost.purseCount(); ++i) {
            address at = ghost.purses(i);
            Flows.Book memory book = ghost.bookOf(at);
            if (book.open) assertEq(ghost.heldBy(at), book.budget + book.gifts - book.paid);
        }
    }

    /// @dev 11. Escrow goes to purses of its own envelope when they open, to owners when they withdraw; what
    /// leaves a purse leaves by a settled payment or goes back.
    function invariant_EscrowGoesOnlyToItsOwnPursesAndOwners() public view {
        _never(Breach.Escape, "money moved and no verb explains it");
    }

    /// @dev 23. What goes on around it moves nothing of an envelope that nobody touches.
    function invariant_ABystandersEnvelopeStaysAsItWas() public view {
        assertEq(views.envelope(envelope).escrow, 1000 * UNIT);
        assertEq(views.envelope(envelope).policyVersion, 1);
        assertEq(usdc.balanceOf(address(treasury)), 1000 * UNIT);
        assertEq(views.headroom(envelope)[0].used, 0);
        assertEq(views.session(purse).sequence, 0);
    }

    /* SESSIONS */

    /// @dev 24. Sequences count up by one with each opening, and only then.
    function invariant_SequencesCountOpenings() public view {
        for (uint256 i; i < ghost.purseCount(); ++i) {
            assertEq(views.session(ghost.purses(i)).sequence, ghost.bookOf(ghost.purses(i)).sequence);
        }
    }

    /// @dev 11. Neither limits, escrow, freezes, reviews, order, expiry nor signature can be talked around.
    function invariant_NoSessionOpensAgainstTheRules() public view {
        _never(Breach.Opening, "an opening that the rules forbid");
    }

    /// @dev 25. A session is what its agent asked for and the policy in force then: nothing changes it but an end.
    function invariant_ASessionIsWhatItsAgentSigned() public view {
        for (uint256 i; i < ghost.purseCount(); ++i) {
            SessionView memory view_ = views.session(ghost.purses(i));
            Flows.Book memory book = ghost.bookOf(ghost.purses(i));
            assertEq(view_.key != address(0), book.open, "open");
            if (!book.open) continue;
            assertEq(view_.key, book.key, "key");
            assertEq(view_.budget, book.budget, "budget");
            assertEq(view_.expiry, book.expiry, "expiry");
            assertEq(view_.openedAt, book.openedAt, "opened at");
            assertEq(view_.policyVersion, book.version, "policy version");
            assertEq(view_.frozen, book.frozen, "frozen");
            assertEq(view_.group, book.group, "group");
            assertEq(keccak256(abi.encode(view_.scope)), keccak256(abi.encode(book.scope)), "scope");
        }
    }

    /// @dev 25.
    function invariant_NobodyClosesASessionOutOfTurn() public view {
        _never(Breach.Closing, "closed or swept by somebody who may not");
    }
}
