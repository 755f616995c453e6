// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Refusal} from "../../contracts/libraries/Types.sol";
import {Digests, Payment} from "../Digests.sol";
import {IPermit2, Permit2Base} from "../Permit2Base.t.sol";
import {ISignatureTransfer, X402ExactPermit2Proxy, X402Permit2Proxy} from "../mocks/X402Permit2Proxies.sol";

/// @notice Payments through Permit2 and the x402 proxies: the very rules of the other rail, and each decision once.
contract Permit2Test is Permit2Base {
    uint8[2] internal rails = [EXACT, UPTO];

    function setUp() public override {
        super.setUp();
        open(50 * UNIT);
    }

    /* WHAT SETTLES */

    function test_GivenHonestPayment_SettlesOnEachRail() public {
        for (uint256 i; i < 2; ++i) {
            Payment memory p = paymentOn(rails[i], payee, 10 * UNIT);
            p.decisionHash = bytes32(i);
            (bytes32 digest, bytes memory blob) = signedOn(purse, p);
            assertAccepted(purse, digest, blob);
            vm.expectEmit(rails[i] == EXACT ? address(EXACT_PROXY) : address(UPTO_PROXY));
            emit X402Permit2Proxy.Settled();
            settleOn(purse, p, blob);
            assertEq(paidTo(payee), (i + 1) * 10 * UNIT);
            uint256 nonce = uint256(nonceOf(purse, p.decisionHash));
            assertEq(PERMIT2.nonceBitmap(purse, nonce >> 8), 1);
        }
        assertEq(usdc.balanceOf(purse), 30 * UNIT);
        assertEq(usdc.allowance(purse, address(PERMIT2)), type(uint256).max);
    }

    function test_GivenApproval_SettlesAboveTheThreshold() public {
        for (uint256 i; i < 2; ++i) {
            Payment memory p = paymentOn(rails[i], payee, 20 * UNIT);
            p.decisionHash = bytes32(i);
            (, bytes memory blob) = approvedOn(purse, p, approverKey);
            settleOn(purse, p, blob);
        }
        assertEq(paidTo(payee), 40 * UNIT);
    }

    function testFuzz_GivenUpto_AnythingUpToTheMaximumIsCharged(uint256 max, uint256 amount) public {
        max = bound(max, 1, 10 * UNIT);
        amount = bound(amount, 0, max);
        Payment memory p = paymentOn(UPTO, payee, max);
        (, bytes memory blob) = signedOn(purse, p);
        charge(purse, p, amount, blob);
        assertEq(paidTo(payee), amount);
        assertEq(usdc.balanceOf(purse), 50 * UNIT - amount);
    }

    function test_GivenUncharged_TheRestReturnsToTheWindows() public {
        Payment memory p = paymentOn(UPTO, payee, 10 * UNIT);
        (, bytes memory blob) = signedOn(purse, p);
        charge(purse, p, 3 * UNIT, blob);
        vm.prank(agent);
        treasury.closeSession(purse, "");
        assertEq(usedOf(envelope, 0), 3 * UNIT);
        assertEq(escrowOf(envelope), 997 * UNIT);
    }

    function test_RevertWhen_MoreThanTheMaximumIsCharged() public {
        Payment memory p = paymentOn(UPTO, payee, 5 * UNIT);
        (, bytes memory blob) = signedOn(purse, p);
        bytes32 nonce = nonceOf(purse, DECISION);
        // Without the proxy's check, Permit2's own.
        vm.prank(address(UPTO_PROXY));
        vm.expectRevert(abi.encodeWithSelector(IPermit2.InvalidAmount.selector, 5 * UNIT));
        PERMIT2.permitWitnessTransferFrom(
            permitOf(p, nonce),
            ISignatureTransfer.SignatureTransferDetails(payee, 5 * UNIT + 1),
            purse,
            0,
            "",
            blob
        );
    }

    /// @dev An EOA that signs what the library works out is understood by Permit2: so the digests are the same.
    function testFuzz_DigestsAreThoseOfPermit2(Payment memory p, uint256 key, bool upto) public {
        key = bound(key, 1, type(uint128).max);
        address from = vm.addr(key);
        vm.assume(from.code.length == 0 && p.payee != address(0) && p.payee != from);
        p.rail = upto ? UPTO : EXACT;
        p.amount = bound(p.amount, 1, type(uint96).max);
        p.validAfter = bound(p.validAfter, 0, time());
        p.validBefore = bound(p.validBefore, time(), type(uint256).max);
        usdc.mint(from, p.amount);
        vm.prank(from);
        usdc.approve(address(PERMIT2), p.amount);
        uint256 before = usdc.balanceOf(p.payee);
        p.nonce = nonceOf(from, p.decisionHash);
        bytes32 digest = upto ? Digests.upto(address(usdc), p, facilitator) : Digests.exact(address(usdc), p);
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, digest);
        settleOn(from, p, abi.encodePacked(r, s, v));
        assertEq(usdc.balanceOf(p.payee), before + p.amount);
    }

    function test_GivenAnotherChainId_TheDomainFollows() public {
        Payment memory p = paymentOn(EXACT, payee, UNIT);
        (bytes32 digest, bytes memory blob) = signedOn(purse, p);
        vm.chainId(OTHER_CHAIN);
        assertRailRefused(p, digest, blob, Refusal.DigestMismatch);
        (digest, blob) = signedOn(purse, p);
        settleOn(purse, p, blob);
        assertEq(paidTo(payee), UNIT);
    }

    function test_GivenSettleWithPermit_TheMadeUpPermitChangesNothing() public {
        Payment memory p = paymentOn(EXACT, payee, UNIT);
        (, bytes memory blob) = signedOn(purse, p);
        ISignatureTransfer.PermitTransferFrom memory permit = permitOf(p, nonceOf(purse, DECISION));
        X402Permit2Proxy.EIP2612Permit memory madeUp =
            X402Permit2Proxy.EIP2612Permit(UNIT, type(uint256).max, "r", "s", 27);
        EXACT_PROXY.settleWithPermit(madeUp, permit, purse, X402ExactPermit2Proxy.Witness(payee, 0), blob);
        assertEq(paidTo(payee), UNIT);
    }

    /* EACH RULE BROKEN */

    function test_RevertWhen_AboveTheCap() public {
        for (uint256 i; i < 2; ++i) {
            Payment memory p = paymentOn(rails[i], payee, 20 * UNIT + 1);
            (bytes32 digest, bytes memory blob) = approvedOn(purse, p, approverKey);
            assertRailRefused(p, digest, blob, Refusal.PaymentCapExceeded);
        }
    }

    function test_RevertWhen_AboveTheThresholdWithoutApproval() public {
        for (uint256 i; i < 2; ++i) {
            _assertRefusedFor(paymentOn(rails[i], payee, 10 * UNIT + 1), Refusal.ApprovalMissing);
        }
    }

    /// @dev However little would be charged: the maximum is what the envelope is asked for.
    function test_RevertWhen_OnlyTheMaximumIsTooMuch() public {
        Payment memory p = paymentOn(UPTO, payee, 10 * UNIT + 1);
        (, bytes memory blob) = signedOn(purse, p);
        vm.expectRevert(IPermit2.InvalidContractSignature.selector);
        this.chargeFor(p, 1, blob);
        p.amount = 10 * UNIT;
        (, blob) = signedOn(purse, p);
        this.chargeFor(p, 1, blob);
        assertEq(paidTo(payee), 1);
    }

    function test_RevertWhen_ApprovalIsForgedOrOfTheOtherRail() public {
        for (uint256 i; i < 2; ++i) {
            Payment memory p = paymentOn(rails[i], payee, 15 * UNIT);
            (bytes32 digest, bytes memory blob) = approvedOn(purse, p, agentKey);
            assertRailRefused(p, digest, blob, Refusal.ApproverNotAuthorized);
            Payment memory other = paymentOn(rails[1 - i], payee, 15 * UNIT);
            (, bytes memory approved) = approvedOn(purse, other, approverKey);
            for (uint256 j; j < 64; ++j) {
                blob[blob.length - 64 + j] = approved[approved.length - 64 + j];
            }
            assertRailRefused(p, digest, blob, Refusal.ApproverNotAuthorized);
        }
    }

    function test_RevertWhen_AmountIsZeroOrPayeeUnlisted() public {
        _assertRefusedFor(paymentOn(UPTO, payee, 0), Refusal.AmountZero);
        for (uint256 i; i < 2; ++i) {
            _assertRefusedFor(paymentOn(rails[i], otherPayee, UNIT), Refusal.PayeeNotListed);
        }
    }

    function test_RevertWhen_KeyIsForged() public {
        sessionSecret = agentKey;
        for (uint256 i; i < 2; ++i) {
            _assertRefusedFor(paymentOn(rails[i], payee, UNIT), Refusal.SessionKeyMismatch);
        }
    }

    function test_RevertWhen_Stopped() public {
        for (uint256 i; i < 2; ++i) {
            _assertDies(rails[i], Refusal.OrganisationFrozen, abi.encodeCall(treasury.freezeOrganisation, ()));
            _assertDies(rails[i], Refusal.EnvelopeFrozen, abi.encodeCall(treasury.freezeEnvelope, (envelope)));
            _assertDies(rails[i], Refusal.SessionFrozen, abi.encodeCall(treasury.freezeSession, (purse)));
            _assertDies(rails[i], Refusal.PayeeNotListed, abi.encodeCall(desk.unlistPayee, (LIST, payee)));
            _assertDies(rails[i], Refusal.SessionUnknown, abi.encodeCall(treasury.closeSession, (purse, "")));
        }
    }

    function test_RevertWhen_ReleasedSince() public {
        for (uint256 i; i < 2; ++i) {
            Payment memory p = paymentOn(rails[i], payee, UNIT);
            (bytes32 digest, bytes memory blob) = signedOn(purse, p);
            vm.prank(guardian);
            treasury.freezeOrganisation();
            vm.prank(owner);
            desk.unfreezeOrganisation();
            assertRailRefused(p, digest, blob, Refusal.DigestMismatch);
        }
    }

    function test_ExpiryBound() public {
        uint256 expiry = views.session(purse).expiry;
        for (uint256 i; i < 2; ++i) {
            vm.warp(expiry - 1);
            Payment memory p = paymentOn(rails[i], payee, UNIT);
            p.decisionHash = bytes32(i);
            (bytes32 digest, bytes memory blob) = signedOn(purse, p);
            assertAccepted(purse, digest, blob);
            vm.warp(expiry);
            assertRailRefused(p, digest, blob, Refusal.SessionExpired);
        }
    }

    /// @dev `validBefore` is Permit2's deadline, inclusive there; `validAfter` is the proxy's, inclusive as well.
    function test_TimeBound() public {
        for (uint256 i; i < 2; ++i) {
            Payment memory p = paymentOn(rails[i], payee, UNIT);
            (p.decisionHash, p.validAfter, p.validBefore) = (bytes32(i), time() + 10, time() + 20);
            (, bytes memory blob) = signedOn(purse, p);
            vm.warp(p.validAfter - 1);
            vm.expectRevert(X402Permit2Proxy.PaymentTooEarly.selector);
            this.chargeFor(p, UNIT, blob);
            vm.warp(p.validBefore + 1);
            vm.expectRevert(abi.encodeWithSelector(IPermit2.SignatureExpired.selector, p.validBefore));
            this.chargeFor(p, UNIT, blob);
            uint256 snapshot = vm.snapshotState();
            vm.warp(p.validAfter);
            this.chargeFor(p, UNIT, blob);
            vm.revertToState(snapshot);
            vm.warp(p.validBefore);
            this.chargeFor(p, UNIT, blob);
            vm.warp(p.validAfter - 10);
        }
    }

    /* WHO SETTLES, AND WHAT */

    function test_RevertWhen_AnotherFacilitatorSettles() public {
        Payment memory p = paymentOn(UPTO, payee, UNIT);
        (bytes32 digest, bytes memory blob) = signedOn(purse, p);
        address honest = facilitator;
        // By its own name, over what was signed for another; and with itself written into the blob.
        facilitator = makeAddr("another facilitator");
        vm.expectRevert(IPermit2.InvalidContractSignature.selector);
        this.chargeFor(p, UNIT, blob);
        for (uint256 i; i < 20; ++i) {
            blob[139 + i] = bytes20(facilitator)[i];
        }
        assertRailRefused(p, railDigest(purse, p), blob, Refusal.SessionKeyMismatch);
        assertEq(answer(purse, digest, blob), INVALID);
        facilitator = honest;
    }

    function test_RevertWhen_LengthDoesNotFitTheRail() public {
        for (uint256 i; i < 2; ++i) {
            Payment memory p = paymentOn(rails[i], payee, UNIT);
            (bytes32 digest, bytes memory blob) = signedOn(purse, p);
            assertRailRefused(p, digest, abi.encodePacked(blob, uint8(0)), Refusal.SignatureMalformed);
            assertRailRefused(p, digest, abi.encodePacked(blob, facilitator), Refusal.SignatureMalformed);
            assembly ("memory-safe") {
                mstore(blob, sub(mload(blob), 1))
            }
            assertRailRefused(p, digest, blob, Refusal.SignatureMalformed);
        }
        // Rail 3 in the length of rail 2.
        (bytes32 short_, bytes memory plain) = signedOn(purse, paymentOn(EXACT, payee, UNIT));
        plain[0] = bytes1(UPTO);
        assertEq(answer(purse, short_, plain), INVALID);
    }

    function test_RevertWhen_RailIsAnotherThanSigned() public {
        for (uint8 i = 1; i < 4; ++i) {
            Payment memory p = paymentOn(i, payee, UNIT);
            (bytes32 digest,) = signedOn(purse, p);
            for (uint8 j = 1; j < 4; ++j) {
                if (i == j) continue;
                (, bytes memory other) = signedOn(purse, paymentOn(j, payee, UNIT));
                assertEq(answer(purse, digest, other), INVALID);
            }
        }
    }

    /// @dev Everything else that Permit2 does on a signature, signed in all earnest by the live session key.
    function test_RevertWhen_SignedForAnythingElseOfPermit2() public {
        bytes32 permissions = keccak256(
            abi.encode(keccak256("TokenPermissions(address token,uint256 amount)"), address(usdc), UNIT)
        );
        bytes32 nonce = nonceOf(purse, DECISION);
        bytes32 plain = keccak256(
            abi.encode(
                keccak256(
                    "PermitTransferFrom(TokenPermissions permitted,address spender,uint256 nonce,uint256 deadline)TokenPermissions(address token,uint256 amount)"
                ),
                permissions,
                stranger,
                nonce,
                time() + 1 hours
            )
        );
        bytes32 details = keccak256(
            abi.encode(
                keccak256("PermitDetails(address token,uint160 amount,uint48 expiration,uint48 nonce)"),
                address(usdc),
                UNIT,
                time() + 1 hours,
                0
            )
        );
        bytes32 allowance = keccak256(
            abi.encode(
                keccak256(
                    "PermitSingle(PermitDetails details,address spender,uint256 sigDeadline)PermitDetails(address token,uint160 amount,uint48 expiration,uint48 nonce)"
                ),
                details,
                stranger,
                time() + 1 hours
            )
        );
        bytes32[2] memory structs = [plain, allowance];
        Payment memory p = paymentOn(EXACT, payee, UNIT);
        for (uint256 i; i < 2; ++i) {
            bytes32 digest = keccak256(abi.encodePacked(hex"1901", PERMIT2.DOMAIN_SEPARATOR(), structs[i]));
            bytes memory blob = blobOf(p, digest, sessionSecret);
            (Refusal told,,) = views.diagnosePayment(purse, digest, blob);
            assertEq(uint8(told), uint8(Refusal.DigestMismatch));
            assertEq(answer(purse, digest, blob), INVALID);
        }
    }

    /// @dev The allowance alone moves nothing: Permit2 has its own, and nobody can sign that for a purse.
    function test_RevertWhen_SomebodyPullsOnTheAllowance() public {
        vm.prank(stranger);
        vm.expectRevert();
        PERMIT2.transferFrom(purse, stranger, uint160(UNIT), address(usdc));
        vm.prank(stranger);
        vm.expectRevert();
        usdc.transferFrom(purse, stranger, UNIT);
        assertEq(usdc.balanceOf(purse), 50 * UNIT);
    }

    /* ONCE */

    function test_RevertWhen_ReplayedOrDecidedOnceAndSignedAgain() public {
        for (uint256 i; i < 2; ++i) {
            Payment memory p = paymentOn(rails[i], payee, UNIT);
            p.decisionHash = bytes32(i);
            (, bytes memory blob) = signedOn(purse, p);
            settleOn(purse, p, blob);
            vm.expectRevert(IPermit2.InvalidNonce.selector);
            this.chargeFor(p, UNIT, blob);
            p.validBefore += 1;
            (, blob) = signedOn(purse, p);
            vm.expectRevert(IPermit2.InvalidNonce.selector);
            this.chargeFor(p, UNIT, blob);
        }
    }

    /// @dev One decision signed on all rails, submitted in any order, any number of times: settles once.
    function testFuzz_ADecisionSettlesOnce(uint256 seed) public {
        Payment[3] memory payments;
        bytes[3] memory blobs;
        for (uint8 i; i < 3; ++i) {
            payments[i] = paymentOn(i + 1, payee, UNIT);
            (, blobs[i]) = signedOn(purse, payments[i]);
        }
        for (uint256 i; i < 8; ++i) {
            uint256 rail = uint256(keccak256(abi.encode(seed, i))) % 3;
            try this.chargeFor(payments[rail], UNIT, blobs[rail]) {
                assertEq(i, 0, "settled again");
            } catch {
                assertGt(i, 0, "the first one is sound");
            }
            assertEq(paidTo(payee), UNIT);
        }
    }

    function test_RevertWhen_DecisionSettledOnTheOtherRail() public {
        for (uint256 i; i < 2; ++i) {
            Payment memory p = paymentOn(rails[i], payee, UNIT);
            p.decisionHash = bytes32(i);
            (bytes32 digest, bytes memory blob) = signedOn(purse, p);
            pay(purse, payee, UNIT, p.decisionHash);
            assertRailRefused(p, digest, blob, Refusal.DecisionSettled);

            p.decisionHash = bytes32(i + 2);
            (, blob) = signedOn(purse, p);
            settleOn(purse, p, blob);
            p.rail = EIP3009;
            (digest, blob) = signedOn(purse, p);
            assertRefused(purse, p, digest, blob, Refusal.DecisionSettled);
        }
        assertEq(paidTo(payee), 4 * UNIT);
    }

    /// @dev Permit2 keeps 256 nonces in a word: a payment's is its lowest bit, and no other.
    function test_GivenOtherNoncesOfTheWord_TheyAreNotThisDecisions() public {
        Payment memory p = paymentOn(EIP3009, payee, UNIT);
        (bytes32 digest, bytes memory blob) = signedOn(purse, p);
        uint256 word = uint256(nonceOf(purse, DECISION)) >> 8;
        bytes memory question = abi.encodeCall(PERMIT2.nonceBitmap, (purse, word));
        vm.mockCall(address(PERMIT2), question, abi.encode(type(uint256).max - 1));
        assertAccepted(purse, digest, blob);
        vm.mockCall(address(PERMIT2), question, abi.encode(1));
        assertRefused(purse, p, digest, blob, Refusal.DecisionSettled);
    }

    /* HELPERS */

    function chargeFor(Payment memory p, uint256 amount, bytes memory blob) external {
        charge(purse, p, amount, blob);
    }

    function _assertRefusedFor(Payment memory p, Refusal reason) private {
        (bytes32 digest, bytes memory blob) = signedOn(purse, p);
        if (p.rail == EXACT && p.amount == 0) return;
        assertRailRefused(p, digest, blob, reason);
    }

    /// @dev What was signed with everything in order dies by what a guardian does next; which is undone then.
    function _assertDies(uint8 rail, Refusal reason, bytes memory call) private {
        uint256 snapshot = vm.snapshotState();
        Payment memory p = paymentOn(rail, payee, UNIT);
        (bytes32 digest, bytes memory blob) = signedOn(purse, p);
        assertAccepted(purse, digest, blob);
        vm.prank(guardian);
        (bool success,) = address(treasury).call(call);
        assertTrue(success);
        assertRailRefused(p, digest, blob, reason);
        vm.revertToState(snapshot);
    }
}
