// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Refusal} from "../../contracts/libraries/Types.sol";
import {Base} from "../Base.t.sol";
import {Payment} from "../Digests.sol";

contract PayeesTest is Base {
    function test_GivenPayees_ListsEach() public {
        bytes[] memory both = new bytes[](2);
        both[0] = abi.encodeCall(treasury.listPayee, (LIST, otherPayee));
        both[1] = abi.encodeCall(treasury.listPayee, (LIST, stranger));
        vm.expectEmit(address(treasury));
        emit PayeeListed(LIST, otherPayee);
        vm.expectEmit(address(treasury));
        emit PayeeListed(LIST, stranger);
        vm.prank(manager);
        treasury.multicall(both);
        assertTrue(views.isPayeeListed(LIST, otherPayee));
        assertTrue(views.isPayeeListed(LIST, stranger));
        assertFalse(views.isPayeeListed(LIST + 1, otherPayee), "listed elsewhere");
    }

    function test_RevertWhen_ListIsZero() public {
        vm.expectRevert(PayeeListZero.selector);
        vm.prank(manager);
        treasury.listPayee(0, payee);
    }

    function test_GivenUnlisted_OutstandingPaymentDies() public {
        open(50 * UNIT);
        Payment memory p = paymentOf(payee, UNIT);
        (bytes32 digest, bytes memory blob) = signed(purse, p);
        assertAccepted(purse, digest, blob);
        vm.expectEmit(address(treasury));
        emit PayeeUnlisted(LIST, payee, guardian);
        vm.prank(guardian);
        desk.unlistPayee(LIST, payee);
        assertRefused(purse, p, digest, blob, Refusal.PayeeNotListed);
    }

    function test_GivenListedLater_PaymentPasses() public {
        open(50 * UNIT);
        Payment memory p = paymentOf(otherPayee, UNIT);
        (bytes32 digest, bytes memory blob) = signed(purse, p);
        assertRefused(purse, p, digest, blob, Refusal.PayeeNotListed);
        vm.prank(manager);
        treasury.listPayee(LIST, otherPayee);
        assertAccepted(purse, digest, blob);
    }
}
