// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Base} from "../Base.t.sol";
import {LyingToken} from "../mocks/LyingToken.sol";
import {SafeTransferLib} from "solady/utils/SafeTransferLib.sol";

contract WithdrawTest is Base {
    address internal to = makeAddr("vault");

    function testFuzz_GivenEscrow_MovesExactly(uint256 amount) public {
        amount = bound(amount, 1, 1000 * UNIT);
        vm.expectEmit(address(treasury));
        emit Withdrawn(envelope, to, amount, owner);
        _withdraw(amount);
        assertEq(usdc.balanceOf(to), amount);
        assertEq(escrowOf(envelope), 1000 * UNIT - amount);
        (, uint256 escrowed,) = views.asset(0);
        assertEq(escrowed, 1000 * UNIT - amount);
    }

    function test_GivenFrozenAndDelayed_OwnerStillWithdrawsAtOnce() public {
        setDelay(30 days);
        vm.startPrank(guardian);
        treasury.freezeOrganisation();
        treasury.freezeEnvelope(envelope);
        vm.stopPrank();
        _withdraw(1000 * UNIT);
        assertEq(usdc.balanceOf(to), 1000 * UNIT);
    }

    function test_RevertWhen_MoreThanTheEscrow() public {
        // Another envelope's money is in the same balance, and out of reach.
        vm.prank(manager);
        (uint24 second,) = desk.createEnvelope(stranger, address(usdc), defaultPolicy());
        fund(second, UNIT);
        vm.expectRevert(abi.encodeWithSelector(EscrowTooSmall.selector, 1000 * UNIT, 1000 * UNIT + 1));
        _withdraw(1000 * UNIT + 1);
    }

    function test_RevertWhen_MoneyIsInAPurse() public {
        open(50 * UNIT);
        vm.expectRevert(abi.encodeWithSelector(EscrowTooSmall.selector, 950 * UNIT, 950 * UNIT + 1));
        _withdraw(950 * UNIT + 1);
    }

    function test_RevertWhen_AmountIsZero() public {
        vm.expectRevert(AmountZero.selector);
        _withdraw(0);
    }

    function test_RevertWhen_ReceiverIsZero() public {
        to = address(0);
        vm.expectRevert(AddressZero.selector);
        _withdraw(1);
    }

    function test_RevertWhen_EnvelopeIsUnknown() public {
        vm.expectRevert(abi.encodeWithSelector(EnvelopeUnknown.selector, 2, 1));
        vm.prank(owner);
        desk.withdraw(2, to, 1);
    }

    function test_RevertWhen_TokenAnswersFalse() public {
        LyingToken token = new LyingToken();
        vm.prank(owner);
        desk.addAsset(address(token));
        vm.prank(manager);
        (envelope,) = desk.createEnvelope(stranger, address(token), defaultPolicy());
        token.mint(address(this), UNIT);
        token.approve(address(treasury), UNIT);
        treasury.topUp(envelope, UNIT);
        token.lie(true);
        vm.expectRevert(SafeTransferLib.TransferFailed.selector);
        _withdraw(UNIT);
        assertEq(escrowOf(envelope), UNIT);
    }

    function _withdraw(uint256 amount) private {
        vm.prank(owner);
        desk.withdraw(envelope, to, amount);
    }
}
