// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Refusal, SessionRequest} from "../../contracts/libraries/Types.sol";
import {Base} from "../Base.t.sol";
import {Payment} from "../Digests.sol";

contract FreezeTest is Base {
    Payment internal outstanding;
    bytes32 internal digest;
    bytes internal blob;

    function setUp() public override {
        super.setUp();
        open(50 * UNIT);
        outstanding = paymentOf(payee, UNIT);
        (digest, blob) = signed(purse, outstanding);
    }

    /* ORGANISATION */

    function test_GivenOrganisationFrozen_NothingPaysOrOpens() public {
        vm.expectEmit(address(treasury));
        emit OrganisationFrozen(guardian);
        vm.prank(guardian);
        treasury.freezeOrganisation();
        assertTrue(views.organisation().frozen);
        assertRefused(purse, outstanding, digest, blob, Refusal.OrganisationFrozen);
        _assertPreview(Refusal.OrganisationFrozen);
        nextSessionKey();
        assertOpeningRefused(request(UNIT), Refusal.OrganisationFrozen, 0, 0);
    }

    function test_GivenOrganisationUnfrozen_OnlyNewPaymentsSettle() public {
        vm.prank(guardian);
        treasury.freezeOrganisation();
        vm.expectEmit(address(treasury));
        emit OrganisationUnfrozen(owner, 1);
        vm.prank(owner);
        desk.unfreezeOrganisation();
        assertRefused(purse, outstanding, digest, blob, Refusal.DigestMismatch);
        (digest, blob) = signed(purse, outstanding);
        settle(purse, outstanding, blob);
        assertEq(paidTo(payee), UNIT);
    }

    /* ENVELOPE */

    /// @dev The reason that a human can do something about comes first.
    function test_GivenFrozenAndExpired_TheFreezeIsTold() public {
        vm.prank(guardian);
        treasury.freezeOrganisation();
        vm.warp(views.session(purse).expiry);
        outstanding = paymentOf(payee, UNIT);
        (digest, blob) = signed(purse, outstanding);
        assertRefused(purse, outstanding, digest, blob, Refusal.OrganisationFrozen);
    }

    function test_GivenEnvelopeFrozen_NothingPaysOrOpens() public {
        vm.expectEmit(address(treasury));
        emit EnvelopeFrozen(envelope, guardian);
        vm.prank(guardian);
        treasury.freezeEnvelope(envelope);
        assertTrue(views.envelope(envelope).frozen);
        assertRefused(purse, outstanding, digest, blob, Refusal.EnvelopeFrozen);
        _assertPreview(Refusal.EnvelopeFrozen);
        nextSessionKey();
        assertOpeningRefused(request(UNIT), Refusal.EnvelopeFrozen, 0, 0);
    }

    function test_GivenEnvelopeUnfrozen_OnlyNewSessionsPay() public {
        vm.prank(guardian);
        treasury.freezeEnvelope(envelope);
        vm.expectEmit(address(treasury));
        emit EnvelopeUnfrozen(envelope, owner);
        vm.prank(owner);
        desk.unfreezeEnvelope(envelope);
        assertEq(views.envelope(envelope).policyVersion, 2);
        assertEq(views.policyHash(envelope, 2), views.policyHash(envelope, 1));
        assertRefused(purse, outstanding, digest, blob, Refusal.PolicyChanged);
        nextSessionKey();
        open(50 * UNIT);
        pay(purse, payee, UNIT, DECISION);
        assertEq(paidTo(payee), UNIT);
    }

    function test_GivenAnotherEnvelopeFrozen_ThisOnePays() public {
        vm.prank(manager);
        (uint24 second,) = desk.createEnvelope(stranger, address(usdc), defaultPolicy());
        vm.prank(guardian);
        treasury.freezeEnvelope(second);
        assertAccepted(purse, digest, blob);
    }

    function test_RevertWhen_EnvelopeIsUnknown() public {
        vm.expectRevert(abi.encodeWithSelector(EnvelopeUnknown.selector, 2, 1));
        vm.prank(guardian);
        treasury.freezeEnvelope(2);
        vm.expectRevert(abi.encodeWithSelector(EnvelopeUnknown.selector, 0, 1));
        vm.prank(guardian);
        treasury.freezeEnvelope(0);
        vm.expectRevert(abi.encodeWithSelector(EnvelopeUnknown.selector, 2, 1));
        vm.prank(owner);
        desk.unfreezeEnvelope(2);
    }

    /* SESSION */

    function test_GivenSessionFrozen_ItPaysNoMore() public {
        vm.expectEmit(address(treasury));
        emit SessionFrozen(envelope, purse, 1, guardian);
        vm.prank(guardian);
        treasury.freezeSession(purse);
        assertTrue(views.session(purse).frozen);
        assertRefused(purse, outstanding, digest, blob, Refusal.SessionFrozen);
        _assertPreview(Refusal.SessionFrozen);
    }

    function test_GivenSessionFrozen_OtherPursesPay() public {
        vm.prank(manager);
        desk.createPurses(envelope, 1);
        vm.prank(guardian);
        treasury.freezeSession(purse);
        nextSessionKey();
        SessionRequest memory r = request(UNIT);
        (r.purseIndex, r.sequence) = (1, 1);
        address second = treasury.openSession(r, signRequest(r));
        pay(second, payee, UNIT, DECISION);
        assertEq(paidTo(payee), UNIT);
    }

    function test_GivenSessionFrozen_ItIsClosedAndReplaced() public {
        vm.startPrank(guardian);
        treasury.freezeSession(purse);
        treasury.closeSession(purse, "");
        vm.stopPrank();
        nextSessionKey();
        open(50 * UNIT);
        assertRefused(purse, outstanding, digest, blob, Refusal.DigestMismatch);
        pay(purse, payee, UNIT, DECISION);
        assertEq(paidTo(payee), UNIT);
    }

    function test_RevertWhen_NoSessionIsOpen() public {
        vm.prank(agent);
        treasury.closeSession(purse, "");
        vm.expectRevert(abi.encodeWithSelector(SessionNotOpen.selector, purse));
        vm.prank(guardian);
        treasury.freezeSession(purse);
    }

    function test_RevertWhen_NothingIsFrozen() public {
        vm.startPrank(owner);
        vm.expectRevert(NotFrozen.selector);
        desk.unfreezeOrganisation();
        vm.expectRevert(NotFrozen.selector);
        desk.unfreezeEnvelope(envelope);
    }

    /* ALL */

    /// @dev What was signed passes until the first freeze, and never again, in whatever order things are done.
    function testFuzz_PaysOnlyWhenNothingEverWasFrozen(uint256 seed) public {
        bool[2] memory frozen;
        bool ever;
        for (uint256 i; i < 10; ++i) {
            uint256 which = uint256(keccak256(abi.encode(seed, i))) % 3;
            if (which < 2) {
                frozen[which] = !frozen[which];
                ever = true;
                vm.prank(frozen[which] ? guardian : owner);
            }
            if (which == 0) frozen[0] ? treasury.freezeOrganisation() : desk.unfreezeOrganisation();
            if (which == 1) {
                frozen[1] ? treasury.freezeEnvelope(envelope) : desk.unfreezeEnvelope(envelope);
            }
            assertEq(answer(purse, digest, blob) == VALID, !ever);
        }
    }

    /// @dev Closing only takes money off an agent, so a freeze never stops it.
    function test_GivenAllFrozen_MoneyStillReturns() public {
        vm.startPrank(guardian);
        treasury.freezeOrganisation();
        treasury.freezeEnvelope(envelope);
        treasury.freezeSession(purse);
        treasury.closeSession(purse, "");
        vm.stopPrank();
        assertEq(escrowOf(envelope), 1000 * UNIT);
    }

    function _assertPreview(Refusal expected) private view {
        (Refusal reason,,) = views.previewPayment(purse, payee, UNIT, false);
        assertEq(uint8(reason), uint8(expected), "preview");
    }
}
