// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Refusal, SessionRequest} from "../../contracts/libraries/Types.sol";
import {Payment} from "../Digests.sol";
import {Permit2Base} from "../Permit2Base.t.sol";

/// @notice Whether the purses of an envelope pay through Permit2 is the treasury's decision.
contract Permit2AllowedTest is Permit2Base {
    function test_GivenAllowed_AnyoneLevelsThePursesAllowance() public {
        vm.prank(manager);
        desk.createPurses(envelope, 1);
        address other = views.purseOf(envelope, 1);
        assertEq(usdc.allowance(other, address(PERMIT2)), 0);
        vm.prank(stranger);
        desk.levelPermit2(envelope, 1);
        assertEq(usdc.allowance(other, address(PERMIT2)), type(uint256).max);
        assertTrue(views.envelope(envelope).permit2);
    }

    function test_GivenDisallowed_TheRailsShutAndTheAllowanceGoes() public {
        open(50 * UNIT);
        Payment[2] memory payments = [paymentOn(EXACT, payee, UNIT), paymentOn(UPTO, payee, UNIT)];
        (bytes32 before, bytes memory blob) = signedOn(purse, payments[0]);
        vm.expectEmit(address(treasury));
        emit Permit2Set(envelope, false, manager);
        vm.prank(manager);
        desk.setPermit2(envelope, false);
        assertFalse(views.envelope(envelope).permit2);
        assertRailRefused(payments[0], before, blob, Refusal.PolicyChanged);

        // Before anybody levels the allowance, the signature is what stops it.
        nextSessionKey();
        open(50 * UNIT);
        for (uint256 i; i < 2; ++i) {
            bytes32 digest;
            (digest, blob) = signedOn(purse, payments[i]);
            assertRailRefused(payments[i], digest, blob, Refusal.RailNotAllowed);
            (, uint256 limit, uint256 actual) = views.diagnosePayment(purse, digest, blob);
            assertEq(limit, EIP3009);
            assertEq(actual, payments[i].rail);
        }
        assertEq(usdc.allowance(purse, address(PERMIT2)), type(uint256).max);
        vm.prank(stranger);
        desk.levelPermit2(envelope, 0);
        assertEq(usdc.allowance(purse, address(PERMIT2)), 0);
        pay(purse, payee, UNIT, DECISION);
    }

    function test_GivenAnotherEnvelope_ItIsNotAllowedWithThisOne() public {
        (address who, uint256 key) = makeAddrAndKey("another agent");
        vm.prank(manager);
        (uint24 second, address from) = desk.createEnvelope(who, address(usdc), defaultPolicy());
        fund(second, 100 * UNIT);
        desk.levelPermit2(second, 0);
        assertEq(usdc.allowance(from, address(PERMIT2)), 0);
        (envelope, purse) = (second, from);
        SessionRequest memory r = request(50 * UNIT);
        treasury.openSession(r, signRequest(r, key));
        Payment memory p = paymentOn(EXACT, payee, UNIT);
        (bytes32 digest, bytes memory blob) = signedOn(purse, p);
        assertRailRefused(p, digest, blob, Refusal.RailNotAllowed);
    }

    /// @dev A new version each way: no decision settles once before and once after.
    function test_GivenSwitched_ThePolicyHasANewVersion() public {
        open(50 * UNIT);
        Payment memory p = paymentOn(EIP3009, payee, UNIT);
        (bytes32 digest, bytes memory blob) = signedOn(purse, p);
        assertEq(views.envelope(envelope).policyVersion, 2);
        vm.startPrank(manager);
        desk.setPermit2(envelope, false);
        desk.setPermit2(envelope, true);
        vm.stopPrank();
        assertEq(views.envelope(envelope).policyVersion, 4);
        assertEq(views.policyHash(envelope, 4), views.policyHash(envelope, 1));
        assertEq(answer(purse, digest, blob), INVALID);
    }

    function test_RevertWhen_AllowedUnannounced() public {
        vm.prank(manager);
        desk.setPermit2(envelope, false);
        setDelay(1 days);
        bytes memory call = abi.encodeCall(desk.setPermit2, (envelope, true));
        vm.expectRevert(abi.encodeWithSelector(NotAnnounced.selector, keccak256(call), 0));
        vm.prank(manager);
        desk.setPermit2(envelope, true);
        announce(manager, call);
        vm.warp(time() + 1 days);
        vm.startPrank(manager);
        desk.setPermit2(envelope, true);
        // Off again at once.
        desk.setPermit2(envelope, false);
    }

    function test_RevertWhen_ThereIsNoPermit2() public {
        vm.etch(address(PERMIT2), "");
        vm.expectRevert(abi.encodeWithSelector(CodeMissing.selector, address(PERMIT2)));
        vm.prank(manager);
        desk.setPermit2(envelope, true);
    }

    function test_RevertWhen_EnvelopeOrPurseIsUnknown() public {
        vm.expectRevert(abi.encodeWithSelector(EnvelopeUnknown.selector, 2, 1));
        vm.prank(manager);
        desk.setPermit2(2, true);
        vm.expectRevert(abi.encodeWithSelector(EnvelopeUnknown.selector, 0, 1));
        desk.levelPermit2(0, 0);
        vm.expectRevert(abi.encodeWithSelector(PurseUnknown.selector, 1, 0));
        desk.levelPermit2(envelope, 1);
    }
}
