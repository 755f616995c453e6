// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {PaymentDigest} from "../../contracts/libraries/PaymentDigest.sol";
import {Policy, Refusal, SessionRequest} from "../../contracts/libraries/Types.sol";
import {Base} from "../Base.t.sol";
import {Digests, Payment} from "../Digests.sol";
import {IERC3009} from "@openzeppelin/contracts/interfaces/draft-IERC3009.sol";
import {IERC20Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";
import {ERC3009} from "@openzeppelin/contracts/token/ERC20/extensions/draft-ERC3009.sol";

/// @notice Payments that need no approval, settled through the token's stock `transferWithAuthorization`.
contract PayTest is Base {
    function setUp() public override {
        super.setUp();
        open(50 * UNIT);
    }

    /* WHAT PASSES */

    function test_GivenHonestPayment_SettlesAndCommits() public {
        Payment memory p = paymentOf(payee, 10 * UNIT);
        (bytes32 digest, bytes memory blob) = signed(purse, p);
        assertEq(blob.length, 139);
        assertAccepted(purse, digest, blob);
        bytes32 nonce = nonceOf(purse, DECISION);
        assertEq(uint64(uint256(nonce)), 0, "low 64 bits");
        vm.expectEmit(address(usdc));
        emit IERC3009.AuthorizationUsed(purse, nonce);
        settle(purse, p, blob);
        assertEq(paidTo(payee), 10 * UNIT);
        assertEq(usdc.balanceOf(purse), 40 * UNIT);
    }

    /* AMOUNT */

    function test_RevertWhen_AmountIsZero() public {
        _assertRefused(paymentOf(payee, 0), Refusal.AmountZero, 1, 0);
    }

    function test_CapBound() public {
        // The threshold lies below the cap: approval is another test's concern, so take it away.
        _noApprovals();
        _assertRefused(paymentOf(payee, 20 * UNIT + 1), Refusal.PaymentCapExceeded, 20 * UNIT, 20 * UNIT + 1);
        pay(purse, payee, 20 * UNIT, DECISION);
        assertEq(paidTo(payee), 20 * UNIT);
    }

    function test_ThresholdBound() public {
        _assertRefused(paymentOf(payee, 10 * UNIT + 1), Refusal.ApprovalMissing, 10 * UNIT, 10 * UNIT + 1);
        pay(purse, payee, 10 * UNIT, DECISION);
    }

    function test_RevertWhen_PurseHoldsTooLittle() public {
        for (uint256 i; i < 5; ++i) {
            pay(purse, payee, 10 * UNIT, bytes32(i + 1));
        }
        Payment memory p = paymentOf(payee, 1);
        (, bytes memory blob) = signed(purse, p);
        (Refusal reason, uint256 limit, uint256 actual) = views.previewPayment(purse, payee, 1, false);
        assertEq(uint8(reason), uint8(Refusal.SessionBudgetExceeded));
        assertEq(limit, 0);
        assertEq(actual, 1);
        bytes32 nonce = nonceOf(purse, DECISION);
        vm.expectRevert(abi.encodeWithSelector(IERC20Errors.ERC20InsufficientBalance.selector, purse, 0, 1));
        usdc.transferWithAuthorization(purse, payee, 1, 0, p.validBefore, nonce, blob);
    }

    /* PAYEE */

    function test_RevertWhen_PayeeIsNotListed() public {
        _assertRefused(paymentOf(otherPayee, UNIT), Refusal.PayeeNotListed, LIST, uint160(otherPayee));
    }

    /* TIME */

    function test_GivenAPolicyWithoutAList_AnybodyIsPaid() public {
        vm.prank(agent);
        treasury.closeSession(purse, "");
        Policy memory policy = defaultPolicy();
        policy.payeeList = 0;
        setPolicy(policy);
        nextSessionKey();
        open(50 * UNIT);
        pay(purse, otherPayee, UNIT, DECISION);
        assertEq(paidTo(otherPayee), UNIT);
    }

    function test_ExpiryBound() public {
        uint256 expiry = views.session(purse).expiry;
        Payment memory p = paymentOf(payee, UNIT);
        p.validBefore = expiry + 1 days;
        vm.warp(expiry - 1);
        (bytes32 digest, bytes memory blob) = signed(purse, p);
        assertAccepted(purse, digest, blob);
        vm.warp(expiry);
        _assertRefused(p, Refusal.SessionExpired, expiry, expiry);
        vm.warp(expiry + 1);
        _assertRefused(p, Refusal.SessionExpired, expiry, expiry + 1);
        vm.warp(expiry - 1);
        settle(purse, p, blob);
    }

    function test_RevertWhen_AuthorizationIsNotInItsTime() public {
        Payment memory p = paymentOf(payee, UNIT);
        (p.validAfter, p.validBefore) = (time() + 10, time() + 20);
        (, bytes memory blob) = signed(purse, p);
        bytes32 nonce = nonceOf(purse, DECISION);
        uint256[4] memory at = [p.validAfter, p.validAfter + 1, p.validBefore - 1, p.validBefore];
        for (uint256 i; i < 4; ++i) {
            uint256 snapshot = vm.snapshotState();
            vm.warp(at[i]);
            if (i == 0 || i == 3) {
                vm.expectRevert(
                    abi.encodeWithSelector(
                        ERC3009.ERC3009InvalidAuthorizationTime.selector, p.validAfter, p.validBefore
                    )
                );
            }
            usdc.transferWithAuthorization(purse, payee, UNIT, p.validAfter, p.validBefore, nonce, blob);
            vm.revertToState(snapshot);
        }
    }

    /* KEY */

    function test_RevertWhen_KeyIsForged() public {
        Payment memory p = paymentOf(payee, UNIT);
        bytes32 digest = digestOf(purse, p);
        uint256[3] memory keys = [agentKey, approverKey, uint256(0xbad)];
        for (uint256 i; i < keys.length; ++i) {
            assertRefused(purse, p, digest, blobOf(p, digest, keys[i]), Refusal.SessionKeyMismatch);
        }
    }

    function test_RevertWhen_SignatureIsZero() public {
        Payment memory p = paymentOf(payee, UNIT);
        (bytes32 digest, bytes memory blob) = signed(purse, p);
        for (uint256 i = 75; i < 139; ++i) {
            blob[i] = 0;
        }
        assertRefused(purse, p, digest, blob, Refusal.SessionKeyMismatch);
    }

    /// @dev One payment has one signature, not the twin as well that the curve gives for it. Beside the parity
    /// bit only an s barely above half the order can be written: so choose it first, then whose key it is.
    function test_RevertWhen_SIsHigh() public {
        uint256 order = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141;
        uint256 high = order / 2 + 1;
        vm.prank(agent);
        treasury.closeSession(purse, "");
        Payment memory p = paymentOf(payee, UNIT);
        bytes32 nonce = PaymentDigest.commitment(1, PaymentDigest.sessionId(purse, 2), DECISION);
        bytes32 digest = Digests.eip3009(usdc.DOMAIN_SEPARATOR(), purse, p, nonce);
        (, bytes32 r,) = vm.sign(0xa11ce, "a point on the curve");
        sessionKey = ecrecover(digest, 27, r, bytes32(high));
        assertTrue(sessionKey != address(0), "nobody's");
        open(50 * UNIT);

        bytes memory head = _head(blobOf(p, digest, sessionSecret));
        assertRefused(purse, p, digest, abi.encodePacked(head, r, high), Refusal.SessionKeyMismatch);
        bytes memory low = abi.encodePacked(head, r, 1 << 255 | (order - high));
        assertAccepted(purse, digest, low);
        settle(purse, p, low);
    }

    function test_GivenTheHighestOfLowS_Settles() public {
        uint256 half = 0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0;
        vm.prank(agent);
        treasury.closeSession(purse, "");
        Payment memory p = paymentOf(payee, UNIT);
        bytes32 nonce = PaymentDigest.commitment(1, PaymentDigest.sessionId(purse, 2), DECISION);
        bytes32 digest = Digests.eip3009(usdc.DOMAIN_SEPARATOR(), purse, p, nonce);
        (, bytes32 r,) = vm.sign(0xa11ce, "a point on the curve");
        sessionKey = ecrecover(digest, 28, r, bytes32(half));
        assertTrue(sessionKey != address(0), "nobody's");
        open(50 * UNIT);
        settle(purse, p, abi.encodePacked(_head(blobOf(p, digest, sessionSecret)), r, 1 << 255 | half));
        assertEq(paidTo(payee), UNIT);
    }

    /* NONCE */

    function test_RevertWhen_NonceIsRandom() public {
        Payment memory p = paymentOf(payee, UNIT);
        bytes32 digest = Digests.eip3009(usdc.DOMAIN_SEPARATOR(), purse, p, OTHER_NONCE);
        assertRefused(purse, p, digest, blobOf(p, digest, sessionSecret), Refusal.DigestMismatch);
    }

    function test_RevertWhen_NonceCommitsToAnotherPolicyOrSession() public {
        Payment memory p = paymentOf(payee, UNIT);
        bytes32 mine = PaymentDigest.sessionId(purse, 1);
        bytes32[4] memory nonces = [
            PaymentDigest.commitment(2, mine, DECISION),
            PaymentDigest.commitment(1, PaymentDigest.sessionId(purse, 2), DECISION),
            PaymentDigest.commitment(1, PaymentDigest.sessionId(stranger, 1), DECISION),
            bytes32(uint256(PaymentDigest.commitment(1, mine, DECISION)) | 1)
        ];
        for (uint256 i; i < nonces.length; ++i) {
            bytes32 digest = Digests.eip3009(usdc.DOMAIN_SEPARATOR(), purse, p, nonces[i]);
            bytes memory blob = blobOf(p, digest, sessionSecret);
            assertEq(answer(purse, digest, blob), INVALID);
            vm.expectRevert(ERC3009.ERC3009InvalidSignature.selector);
            usdc.transferWithAuthorization(purse, payee, UNIT, 0, p.validBefore, nonces[i], blob);
        }
    }

    function test_RevertWhen_ASettledPaymentIsReplayed() public {
        Payment memory p = paymentOf(payee, UNIT);
        (, bytes memory blob) = signed(purse, p);
        settle(purse, p, blob);
        bytes32 nonce = nonceOf(purse, DECISION);
        vm.expectRevert(abi.encodeWithSelector(ERC3009.ERC3009UsedAuthorization.selector, purse, nonce));
        usdc.transferWithAuthorization(purse, payee, UNIT, 0, p.validBefore, nonce, blob);
    }

    /// @dev One decision settles at most once, however it is written down again.
    function test_RevertWhen_ADecisionPaysTwice() public {
        pay(purse, payee, UNIT, DECISION);
        Payment memory again = paymentOf(payee, 2 * UNIT);
        again.validBefore += 1;
        (, bytes memory blob) = signed(purse, again);
        bytes32 nonce = nonceOf(purse, DECISION);
        vm.expectRevert(abi.encodeWithSelector(ERC3009.ERC3009UsedAuthorization.selector, purse, nonce));
        usdc.transferWithAuthorization(purse, payee, 2 * UNIT, 0, again.validBefore, nonce, blob);
    }

    /* ANOTHER SESSION */

    function test_RevertWhen_SignedForAnotherPurse() public {
        address second = _openSecondPurse();
        // Both purses are the same agent's, and here they even have the same session key.
        Payment memory p = paymentOf(payee, UNIT);
        (bytes32 digest, bytes memory blob) = signed(purse, p);
        assertAccepted(purse, digest, blob);
        assertEq(answer(second, digest, blob), INVALID);
        assertRefused(second, p, digestOf(second, p), blob, Refusal.SessionKeyMismatch);
    }

    function test_RevertWhen_KeyIsOfTheLastSession() public {
        uint256 oldSecret = sessionSecret;
        Payment memory p = paymentOf(payee, UNIT);
        (bytes32 oldDigest, bytes memory oldBlob) = signed(purse, p);
        nextSessionKey();
        open(50 * UNIT);
        assertEq(answer(purse, oldDigest, oldBlob), INVALID, "signed before");
        bytes32 digest = digestOf(purse, p);
        assertRefused(purse, p, digest, blobOf(p, digest, oldSecret), Refusal.SessionKeyMismatch);
        pay(purse, payee, UNIT, DECISION);
    }

    /* SCOPE */

    function test_ScopeNarrowsTheCap() public {
        _reopenScoped(5 * UNIT, 0, 0);
        _assertRefused(paymentOf(payee, 5 * UNIT + 1), Refusal.PaymentCapExceeded, 5 * UNIT, 5 * UNIT + 1);
        pay(purse, payee, 5 * UNIT, DECISION);
    }

    function test_ScopeNarrowsTheThreshold() public {
        _reopenScoped(0, 3 * UNIT, 0);
        _assertRefused(paymentOf(payee, 3 * UNIT + 1), Refusal.ApprovalMissing, 3 * UNIT, 3 * UNIT + 1);
        pay(purse, payee, 3 * UNIT, DECISION);
    }

    function test_ScopeNarrowsTheList() public {
        vm.prank(manager);
        treasury.listPayee(7, otherPayee);
        _reopenScoped(0, 0, 7);
        // Each is on one of the two lists; a payee must be on both.
        _assertRefused(paymentOf(payee, UNIT), Refusal.PayeeNotListed, 7, uint160(payee));
        _assertRefused(paymentOf(otherPayee, UNIT), Refusal.PayeeNotListed, LIST, uint160(otherPayee));
        vm.prank(manager);
        treasury.listPayee(7, payee);
        pay(purse, payee, UNIT, DECISION);
    }

    /* KNOWN EDGE */

    /// @dev A donation to a purse is spendable, within the very same rules.
    function test_GivenDonation_ItIsSpendableWithinTheRules() public {
        usdc.mint(purse, 10 * UNIT);
        for (uint256 i; i < 6; ++i) {
            pay(purse, payee, 10 * UNIT, bytes32(i + 1));
        }
        assertEq(paidTo(payee), 60 * UNIT);
        _assertRefused(paymentOf(otherPayee, UNIT), Refusal.PayeeNotListed, LIST, uint160(otherPayee));
    }

    function _head(bytes memory blob) private pure returns (bytes memory head) {
        head = new bytes(75);
        for (uint256 i; i < 75; ++i) {
            head[i] = blob[i];
        }
    }

    function _assertRefused(Payment memory p, Refusal reason, uint256 limit, uint256 actual) private {
        (bytes32 digest, bytes memory blob) = signed(purse, p);
        assertRefused(purse, p, digest, blob, reason);
        (, uint256 toldLimit, uint256 toldActual) = views.diagnosePayment(purse, digest, blob);
        assertEq(toldLimit, limit, "limit");
        assertEq(toldActual, actual, "actual");
        (Refusal told,,) = views.previewPayment(purse, p.payee, p.amount, false);
        assertEq(uint8(told), uint8(reason), "preview");
    }

    function _noApprovals() private {
        Policy memory policy = defaultPolicy();
        policy.approvalThreshold = policy.paymentCap;
        setPolicy(policy);
        nextSessionKey();
        open(50 * UNIT);
    }

    function _reopenScoped(uint256 cap, uint256 threshold, uint16 list) private {
        nextSessionKey();
        SessionRequest memory r = request(50 * UNIT);
        (r.scope.paymentCap, r.scope.approvalThreshold, r.scope.payeeList) =
        (uint96(cap), uint96(threshold), list);
        assertOpens(r);
    }

    function _openSecondPurse() private returns (address second) {
        vm.prank(manager);
        desk.createPurses(envelope, 1);
        SessionRequest memory r = request(50 * UNIT);
        (r.purseIndex, r.sequence) = (1, 1);
        second = treasury.openSession(r, signRequest(r));
    }
}
