// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Permit2Digest} from "../../contracts/libraries/Permit2Digest.sol";
import {EnvelopeView, Refusal, Role} from "../../contracts/libraries/Types.sol";
import {Stage} from "./Stage.sol";
import {WatchedToken} from "./WatchedToken.sol";
import {Breach} from "./ghost/Flows.sol";
import {Mirror} from "./ghost/Mirror.sol";

/// @notice What a payment must satisfy, and who may change what. Numbers are those of docs/INVARIANTS.md.
contract RulesInvariants is Stage {
    /* PAYMENTS */

    /// @dev 4. Organisation, envelope or session.
    function invariant_NothingLeavesWhileFrozen() public view {
        _never(Breach.Frozen, "settled while frozen");
    }

    /// @dev 4.
    function invariant_NothingLeavesAfterExpiry() public view {
        _never(Breach.Expired, "settled after the session's expiry");
        _never(Breach.Time, "settled outside its own time");
    }

    /// @dev 5.
    function invariant_NothingLeavesUnderAnOldPolicy() public view {
        _never(Breach.OldPolicy, "settled under a policy no longer in force");
    }

    /// @dev 5.
    function invariant_NothingLeavesUnderAnotherSession() public view {
        _never(Breach.OldSession, "settled under a session no longer open");
    }

    /// @dev 5. What was signed before a release of the organisation or a group stays void after it.
    function invariant_NothingSignedBeforeAReleaseLeavesAfterIt() public view {
        _never(Breach.OldEpoch, "settled though it was signed before a release");
    }

    /// @dev 6.
    function invariant_NothingLeavesWithoutTheSessionKey() public view {
        _never(Breach.Key, "settled with another key");
    }

    /// @dev 6. Not a bit of what was signed changes on the way.
    function invariant_NothingLeavesThatWasTamperedWith() public view {
        _never(Breach.Tampered, "settled after it was changed");
    }

    /// @dev 7.
    function invariant_EveryNonceCommitsToVersionSessionAndDecision() public view {
        _never(Breach.Nonce, "settled with a nonce that commits to something else");
    }

    /// @dev 7. Replayed, batched, re-ordered or signed twice.
    function invariant_ADecisionSettlesAtMostOncePerSessionAndEpoch() public view {
        _never(Breach.Twice, "a decision settled twice");
        _never(Breach.OtherRail, "a decision settled on two rails");
    }

    /// @dev 14. Permit2 only where the envelope allows it, whatever allowance a purse has.
    function invariant_NothingLeavesThroughPermit2WhereItIsNotAllowed() public view {
        _never(Breach.Rail, "settled on a rail that is not allowed");
        for (uint256 e; e < ghost.envelopeCount(); ++e) {
            uint24 number = ghost.envelopes(e);
            assertEq(views.envelope(number).permit2, ghost.permit2(number), "Permit2 allowed");
        }
    }

    /// @dev 8.
    function invariant_NothingAboveTheThresholdLeavesUnapproved() public view {
        _never(Breach.Approval, "settled without the approval that was due");
    }

    /// @dev 9.
    function invariant_AnApprovalThatSettledIsBySomebodyWhoMay() public view {
        _never(Breach.Approver, "settled with an approval that does not count");
    }

    /// @dev 10. The policy's cap and list.
    function invariant_NothingLeavesAboveTheCapOrOffTheList() public view {
        _never(Breach.Cap, "settled above the cap");
        _never(Breach.Payee, "settled to a payee off the list");
        _never(Breach.Float, "settled more than there was");
    }

    /// @dev 10.
    function invariant_AScopeOnlyNarrows() public view {
        _never(Breach.Scope, "settled beyond the session's scope");
    }

    /// @dev 26. Stopping everything would satisfy the rest: what is within the rules works, every time.
    function invariant_WhatIsWithinTheRulesIsNotRefused() public view {
        _never(Breach.Refused, "refused within the rules");
    }

    /// @dev 16.
    function invariant_ViewsSayWhatVerbsDo() public view {
        _never(Breach.View, "a view and a verb disagree");
    }

    /* POWER */

    /// @dev 11. No verb runs for somebody without its role, whoever calls and with what.
    function invariant_NoVerbRunsWithoutItsRole() public view {
        _never(Breach.Role, "ran for somebody without the role");
    }

    /// @dev 12.
    function invariant_ALooseningIsAnnouncedAndWaits() public view {
        _never(Breach.Announcement, "loosened unannounced or too early");
        assertEq(views.organisation().delay, ghost.delay(), "delay");
    }

    /// @dev 11. Roles are what owners granted, less what owners revoked.
    function invariant_RolesAreWhatOwnersMadeThem() public view {
        for (uint256 i; i < ghost.peopleCount(); ++i) {
            address who = ghost.people(i);
            assertEq(views.account(who).roles, ghost.roles(who), "somebody's roles");
        }
        for (uint256 i; i < 16; ++i) {
            address who = ghost.agents(i);
            assertEq(views.account(who).roles, ghost.roles(who), "an agent's roles");
        }
        assertEq(views.account(stranger).roles, 0, "a stranger's roles");
        assertEq(views.account(address(treasury)).roles, 0, "the treasury's own roles");
        assertEq(views.organisation().separateDuties, ghost.dutiesSeparate(), "separation of duties");
    }

    /// @dev 11, 13. Whatever is stopped stays so until an owner releases it, and nothing else is.
    function invariant_StopsStandUntilAnOwnerReleases() public view {
        assertEq(views.organisation().frozen, ghost.organisationFrozen(), "organisation");
        assertEq(views.organisation().epoch, ghost.organisationEpoch(), "organisation's releases");
        assertEq(views.organisation().stampEpoch, ghost.stampEpoch(), "stamps' epoch");
        for (uint24 group = 1; group <= ghost.groups(); ++group) {
            assertEq(views.group(group).frozen, ghost.groupFrozen(group), "group frozen");
            assertEq(views.group(group).epoch, ghost.groupEpoch(group), "group's releases");
            assertEq(views.group(group).parent, ghost.parentOf(group), "group's parent");
        }
        for (uint256 i; i < 40; ++i) {
            bytes32 stamp = keccak256(abi.encode("stamp", i));
            assertEq(views.isStampRevoked(stamp), ghost.revoked(stamp), "stamp revoked");
        }
        for (uint256 e; e < ghost.envelopeCount(); ++e) {
            uint24 number = ghost.envelopes(e);
            EnvelopeView memory view_ = views.envelope(number);
            assertEq(view_.frozen, ghost.frozen(number), "envelope frozen");
            assertEq(view_.underReview, ghost.underReview(number), "under review");
        }
    }

    /// @dev 11. The rules in force are those that policy managers put there.
    function invariant_RulesAreWhatPolicyManagersSet() public view {
        for (uint256 e; e < ghost.envelopeCount(); ++e) {
            uint24 number = ghost.envelopes(e);
            EnvelopeView memory view_ = views.envelope(number);
            Mirror.Rules memory rules = ghost.rulesOf(number);
            assertEq(view_.group, ghost.groupOf(number), "group");
            assertEq(view_.scoreLife, ghost.scoreLife(number), "score life");
            assertEq(view_.scoredAt, ghost.scoredAt(number), "scored at");
            assertEq(view_.policy.paymentCap, rules.cap, "cap");
            assertEq(view_.policy.approvalThreshold, rules.threshold, "threshold");
            assertEq(view_.policy.sessionLimit, rules.session, "session limit");
            assertEq(view_.policy.maxSessionSeconds, rules.longest, "longest session");
            assertEq(view_.policy.payeeList, rules.list, "list");
            for (uint256 i; i < view_.policy.windows.length; ++i) {
                uint256 slot = ghost.slotOf(view_.policy.windows[i].period);
                assertEq(view_.policy.windows[i].limit, ghost.limitOf(number, slot), "a limit");
            }
            assertEq(view_.policy.lifetimeLimit, ghost.limitOf(number, 4), "lifetime limit");
        }
        for (uint16 list = 1; list < 3; ++list) {
            for (uint256 i; i < 4; ++i) {
                address who = cast.payees[i];
                assertEq(views.isPayeeListed(list, who), ghost.listed(list, who), "a payee");
            }
        }
    }

    /// @dev 27. A version's document is for good, and versions only count up.
    function invariant_PolicyVersionsKeepTheirDocuments() public view {
        for (uint256 e; e < ghost.envelopeCount(); ++e) {
            uint24 number = ghost.envelopes(e);
            uint16 latest = ghost.versionOf(number);
            assertEq(views.envelope(number).policyVersion, latest, "version");
            for (uint16 version; version <= latest; ++version) {
                assertEq(views.policyHash(number, version), ghost.hashOf(number, version), "document");
            }
            assertEq(views.policyHash(number, latest + 1), 0, "a document before its version");
        }
    }

    /// @dev 28. One envelope an agent, one agent an envelope.
    function invariant_AgentsAndEnvelopesAreOneToOne() public view {
        for (uint256 i; i < 16; ++i) {
            address who = ghost.agents(i);
            uint24 number = views.account(who).agentOf;
            assertEq(number, ghost.agentOf(who), "an agent's envelope");
            if (number != 0) assertEq(views.envelope(number).agent, who, "an envelope's agent");
        }
        for (uint256 e; e < ghost.envelopeCount(); ++e) {
            uint24 number = ghost.envelopes(e);
            assertEq(views.account(views.envelope(number).agent).agentOf, number);
        }
    }

    /// @dev 13. From wherever the story has got to: one call by a guardian, and no session pays or opens.
    function invariant_AGuardianCanAlwaysStopEverything() public {
        vm.prank(guardian);
        treasury.freezeOrganisation();
        for (uint256 i; i < ghost.purseCount(); ++i) {
            (Refusal reason,,) = views.previewPayment(ghost.purses(i), payee, 1, true);
            assertTrue(reason == Refusal.OrganisationFrozen || reason == Refusal.SessionUnknown, "pays on");
        }
        vm.prank(guardian);
        vm.expectRevert(abi.encodeWithSelector(RoleMissing.selector, guardian, Role.OWNER));
        desk.unfreezeOrganisation();
        // A group's guardian needs one call as well.
        vm.prank(guardian);
        treasury.freezeGroup(1);
        assertTrue(views.group(1).frozen);
    }

    /// @dev 13. Frozen or not, session or not: people close every session, and an owner takes all of it out.
    function invariant_AnOwnerCanAlwaysTakeEverythingOut() public {
        ghost.expectRelease(true);
        for (uint256 i; i < ghost.purseCount(); ++i) {
            address at = ghost.purses(i);
            if (!ghost.bookOf(at).open) continue;
            vm.prank(guardian);
            treasury.closeSession(at, "");
        }
        for (uint256 e; e < ghost.envelopeCount(); ++e) {
            uint24 number = ghost.envelopes(e);
            uint256 escrow = views.envelope(number).escrow;
            vm.prank(owner);
            if (escrow != 0) desk.withdraw(number, owner, escrow);
            assertEq(views.envelope(number).escrow, 0);
        }
    }

    /// @dev 14. No allowance, no code but its own, no answer to anything but a payment.
    function invariant_PursesHoldNoOtherPower() public view {
        for (uint256 i; i < ghost.purseCount(); ++i) {
            address at = ghost.purses(i);
            uint24 number = ghost.envelopeOf(at);
            assertEq(at, views.purseOf(number, ghost.indexOf(at)), "address");
            assertEq(at.balance, 0, "ether");
            for (uint256 t; t < 2; ++t) {
                assertEq(tokens[t].allowance(at, stranger), 0, "allowance to a stranger");
                assertEq(tokens[t].allowance(at, ghost.agentIn(number)), 0, "allowance to the agent");
                assertEq(tokens[t].allowance(at, address(treasury)), 0, "allowance to the treasury");
            }
            bool levelled = ghost.allowsPermit2(at);
            uint256 allowed = WatchedToken(ghost.tokenOf(number)).allowance(at, Permit2Digest.PERMIT2);
            assertEq(allowed, levelled ? type(uint256).max : 0, "allowance to Permit2");
            for (uint256 k; k < ghost.purseCount(); ++k) {
                bool same = ghost.tokenOf(number) == ghost.tokenOf(ghost.envelopeOf(ghost.purses(k)));
                if (same) assertEq(at.codehash, ghost.purses(k).codehash, "code");
            }
        }
    }
}
