// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Refusal, SessionRequest} from "../../contracts/libraries/Types.sol";
import {Base} from "../Base.t.sol";
import {Payment} from "../Digests.sol";

/// @notice What the views say before anybody signs is what the chain does.
contract PreviewTest is Base {
    /// @dev Random session, random standing, random payment, honest signatures: view, purse and token agree.
    function testFuzz_ViewsPurseAndTokenAgree(uint256 seed) public {
        _standing(seed);
        Payment memory p =
            paymentOf(_dice(seed, "payee", 4) == 0 ? otherPayee : payee, _dice(seed, "amount", 25) * UNIT);
        if (_dice(seed, "odd", 2) == 0) p.amount += 1;
        bool approved = _dice(seed, "approved", 2) == 0;
        (bytes32 digest, bytes memory blob) =
            approved ? signedWithApproval(purse, p, approverKey) : signed(purse, p);

        (Refusal previewed,,) = views.previewPayment(purse, p.payee, p.amount, approved);
        (Refusal diagnosed,,) = views.diagnosePayment(purse, digest, blob);
        bool yes = answer(purse, digest, blob) == VALID;
        uint256 before = paidTo(p.payee);
        bool settled = _tryToSettle(p, blob);

        assertEq(yes, diagnosed == Refusal.None, "purse and diagnosis");
        assertEq(settled, previewed == Refusal.None, "token and preview");
        assertEq(paidTo(p.payee) - before, settled ? p.amount : 0, "money");
        if (previewed != Refusal.SessionBudgetExceeded) {
            assertEq(uint8(previewed), uint8(diagnosed), "preview and diagnosis");
        } else {
            // A view cannot count: what the purse holds is the token's to refuse.
            assertGt(p.amount, usdc.balanceOf(purse));
        }
    }

    /// @dev The fuzz above is worth something only if it sees both ends.
    function test_FuzzReachesEveryOutcome() public {
        uint256 seen;
        for (uint256 seed; seed < 150; ++seed) {
            uint256 snapshot = vm.snapshotState();
            _standing(seed);
            address to = _dice(seed, "payee", 4) == 0 ? otherPayee : payee;
            uint256 amount = _dice(seed, "amount", 25) * UNIT;
            (Refusal reason,,) = views.previewPayment(purse, to, amount, _dice(seed, "approved", 2) == 0);
            vm.revertToState(snapshot);
            seen |= 1 << uint8(reason);
        }
        Refusal[11] memory all = [
            Refusal.None,
            Refusal.OrganisationFrozen,
            Refusal.EnvelopeFrozen,
            Refusal.SessionUnknown,
            Refusal.SessionFrozen,
            Refusal.SessionExpired,
            Refusal.PolicyChanged,
            Refusal.AmountZero,
            Refusal.PaymentCapExceeded,
            Refusal.PayeeNotListed,
            Refusal.ApprovalMissing
        ];
        for (uint256 i; i < all.length; ++i) {
            assertTrue(seen & (1 << uint8(all[i])) != 0, vm.toString(uint8(all[i])));
        }
        assertTrue(seen & (1 << uint8(Refusal.SessionBudgetExceeded)) != 0, "budget");
    }

    function test_GivenUnknownPurse_AllSaySo() public view {
        (Refusal reason,,) = views.previewPayment(stranger, payee, UNIT, true);
        assertEq(uint8(reason), uint8(Refusal.SessionUnknown));
        (reason,,) = views.diagnosePayment(stranger, 0, "");
        assertEq(uint8(reason), uint8(Refusal.SessionUnknown));
    }

    function test_GivenHugeAmount_PreviewRefusesIt() public {
        open(50 * UNIT);
        (Refusal reason, uint256 limit, uint256 actual) =
            views.previewPayment(purse, payee, type(uint256).max, true);
        assertEq(uint8(reason), uint8(Refusal.PaymentCapExceeded));
        assertEq(limit, 20 * UNIT);
        assertEq(actual, type(uint256).max);
    }

    function test_PreviewBound() public {
        open(15 * UNIT);
        _assertPreviewed(10 * UNIT - 1, false, Refusal.None, 0);
        _assertPreviewed(10 * UNIT, false, Refusal.None, 0);
        _assertPreviewed(10 * UNIT, true, Refusal.None, 0);
        _assertPreviewed(10 * UNIT + 1, false, Refusal.ApprovalMissing, 10 * UNIT);
        _assertPreviewed(15 * UNIT, false, Refusal.ApprovalMissing, 10 * UNIT);
        _assertPreviewed(15 * UNIT, true, Refusal.None, 0);
        _assertPreviewed(15 * UNIT + 1, true, Refusal.SessionBudgetExceeded, 15 * UNIT);
        _assertPreviewed(15 * UNIT + 1, false, Refusal.SessionBudgetExceeded, 15 * UNIT);
    }

    function _assertPreviewed(uint256 amount, bool approved, Refusal expected, uint256 bound_) private view {
        (Refusal reason, uint256 limit, uint256 actual) = views.previewPayment(purse, payee, amount, approved);
        assertEq(uint8(reason), uint8(expected), "reason");
        assertEq(limit, bound_, "limit");
        assertEq(actual, expected == Refusal.None ? 0 : amount, "actual");
    }

    /// @dev A session in some state, often enough a good one.
    function _standing(uint256 seed) private {
        if (_dice(seed, "none", 12) == 0) return;
        SessionRequest memory r = request((5 + _dice(seed, "budget", 46)) * UNIT);
        if (_dice(seed, "scoped", 3) == 0) {
            r.scope.paymentCap = uint96(_dice(seed, "scoped cap", 21) * UNIT);
            r.scope.approvalThreshold = uint96(_dice(seed, "scoped threshold", 11) * UNIT);
            r.scope.payeeList = uint16(_dice(seed, "scoped list", 2));
        }
        treasury.openSession(r, signRequest(r));
        if (_dice(seed, "spent", 2) == 0 && _tryToPay(5 * UNIT)) {}
        uint256 event_ = _dice(seed, "event", 14);
        if (event_ == 0) setPolicy(defaultPolicy());
        vm.startPrank(guardian);
        if (event_ == 1) treasury.freezeOrganisation();
        if (event_ == 2) treasury.freezeEnvelope(envelope);
        if (event_ == 3) treasury.freezeSession(purse);
        if (event_ == 4) treasury.closeSession(purse, "");
        vm.stopPrank();
        if (event_ == 5) vm.warp(r.expiry);
        if (event_ == 6) usdc.mint(purse, 100 * UNIT);
    }

    function _tryToPay(uint256 amount) private returns (bool) {
        Payment memory p = paymentOf(payee, amount);
        p.decisionHash = keccak256("spent before");
        (, bytes memory blob) = signed(purse, p);
        return _tryToSettle(p, blob);
    }

    function _tryToSettle(Payment memory p, bytes memory blob) private returns (bool success) {
        (success,) = address(usdc)
            .call(
                abi.encodeWithSignature(
                    "transferWithAuthorization(address,address,uint256,uint256,uint256,bytes32,bytes)",
                    purse,
                    p.payee,
                    p.amount,
                    p.validAfter,
                    p.validBefore,
                    nonceOf(purse, p.decisionHash),
                    blob
                )
            );
    }

    function _dice(uint256 seed, string memory what, uint256 sides) private pure returns (uint256) {
        return uint256(keccak256(abi.encode(seed, what))) % sides;
    }
}
