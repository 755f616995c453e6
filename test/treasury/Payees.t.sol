// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Payment} from "../../contracts/libraries/PaymentBlob.sol";
import {Refusal} from "../../contracts/libraries/Types.sol";
import {Base} from "../Base.t.sol";

contract PayeesTest is Base {
    function test_GivenPayees_ListsEach() public {
        address[] memory both = new address[](2);
        (both[0], both[1]) = (otherPayee, stranger);
        vm.expectEmit(address(treasury));
        emit PayeeListed(LIST, otherPayee, manager);
        vm.expectEmit(address(treasury));
        emit PayeeListed(LIST, stranger, manager);
        vm.prank(manager);
        treasury.listPayees(LIST, both);
        assertTrue(views.isPayeeListed(LIST, otherPayee));
        assertTrue(views.isPayeeListed(LIST, stranger));
        assertFalse(views.isPayeeListed(LIST + 1, otherPayee), "listed elsewhere");
    }

    function test_RevertWhen_ListIsZero() public {
        vm.expectRevert(PayeeListZero.selector);
        vm.prank(manager);
        treasury.listPayees(0, _one(payee));
    }

    function test_GivenUnlisted_OutstandingPaymentDies() public {
        open(50 * UNIT);
        Payment memory p = paymentOf(payee, UNIT);
        (bytes32 digest, bytes memory blob) = signed(purse, p);
        assertAccepted(purse, digest, blob);
        vm.expectEmit(address(treasury));
        emit PayeeUnlisted(LIST, payee, guardian);
        vm.prank(guardian);
        treasury.unlistPayees(LIST, _one(payee));
        assertRefused(purse, p, digest, blob, Refusal.PayeeNotListed);
    }

    function test_GivenListedLater_PaymentPasses() public {
        open(50 * UNIT);
        Payment memory p = paymentOf(otherPayee, UNIT);
        (bytes32 digest, bytes memory blob) = signed(purse, p);
        assertRefused(purse, p, digest, blob, Refusal.PayeeNotListed);
        vm.prank(manager);
        treasury.listPayees(LIST, _one(otherPayee));
        assertAccepted(purse, digest, blob);
    }
}
