// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Base} from "../Base.t.sol";
import {FeeToken} from "../mocks/FeeToken.sol";
import {LyingToken} from "../mocks/LyingToken.sol";
import {TestUSDC} from "../mocks/TestUSDC.sol";
import {SafeTransferLib} from "solady/utils/SafeTransferLib.sol";

contract TopUpTest is Base {
    function testFuzz_GivenStranger_MoneyIsCounted(uint96 amount) public {
        amount = uint96(bound(amount, 1, type(uint96).max - 1000 * UNIT));
        usdc.mint(stranger, amount);
        vm.startPrank(stranger);
        usdc.approve(address(treasury), amount);
        vm.expectEmit(address(treasury));
        emit ToppedUp(envelope, stranger, amount);
        treasury.topUp(envelope, amount);

        assertEq(escrowOf(envelope), 1000 * UNIT + amount);
        (, uint256 escrowed,) = views.asset(0);
        assertEq(escrowed, 1000 * UNIT + amount);
        assertEq(usdc.balanceOf(address(treasury)), escrowed);
    }

    function test_GivenFrozen_StillTakesMoney() public {
        vm.prank(guardian);
        treasury.freezeOrganisation();
        fund(envelope, UNIT);
        assertEq(escrowOf(envelope), 1001 * UNIT);
    }

    /// @dev Money sent without a top-up is nobody's escrow.
    function test_GivenPlainTransfer_CountsNothing() public {
        usdc.mint(address(treasury), 5 * UNIT);
        assertEq(escrowOf(envelope), 1000 * UNIT);
        fund(envelope, UNIT);
        assertEq(escrowOf(envelope), 1001 * UNIT);
    }

    function test_RevertWhen_AmountIsZero() public {
        vm.expectRevert(AmountZero.selector);
        treasury.topUp(envelope, 0);
    }

    function test_RevertWhen_EnvelopeIsUnknown() public {
        vm.expectRevert(abi.encodeWithSelector(EnvelopeUnknown.selector, 0, 1));
        treasury.topUp(0, 1);
        vm.expectRevert(abi.encodeWithSelector(EnvelopeUnknown.selector, 2, 1));
        treasury.topUp(2, 1);
    }

    function test_RevertWhen_NothingIsAllowed() public {
        usdc.mint(stranger, UNIT);
        vm.expectRevert(SafeTransferLib.TransferFromFailed.selector);
        vm.prank(stranger);
        treasury.topUp(envelope, UNIT);
    }

    function test_RevertWhen_EscrowOverflows() public {
        uint256 amount = type(uint96).max;
        usdc.mint(address(this), amount);
        usdc.approve(address(treasury), amount);
        vm.expectRevert(
            abi.encodeWithSelector(Overflow.selector, 1000 * UNIT + amount, uint256(type(uint96).max))
        );
        treasury.topUp(envelope, amount);
    }

    /// @dev The books take 96 bits to the last unit, and not one more.
    function test_GivenEscrowAtItsMost_TakesTheLastUnit() public {
        uint256 amount = type(uint96).max - 1000 * UNIT;
        usdc.mint(address(this), amount + 1);
        usdc.approve(address(treasury), amount + 1);
        treasury.topUp(envelope, amount);
        assertEq(escrowOf(envelope), type(uint96).max);
        vm.expectRevert(
            abi.encodeWithSelector(Overflow.selector, uint256(1 << 96), uint256(type(uint96).max))
        );
        treasury.topUp(envelope, 1);
    }

    function test_RevertWhen_TokenTakesAFee() public {
        FeeToken token = new FeeToken();
        uint24 number = _envelopeIn(token);
        token.mint(address(this), 100 * UNIT);
        token.approve(address(treasury), 100 * UNIT);
        vm.expectRevert(abi.encodeWithSelector(TransferMismatch.selector, 100 * UNIT, 99 * UNIT));
        treasury.topUp(number, 100 * UNIT);
        assertEq(escrowOf(number), 0);
    }

    function test_RevertWhen_TokenAnswersFalse() public {
        LyingToken token = new LyingToken();
        uint24 number = _envelopeIn(token);
        token.mint(address(this), UNIT);
        token.approve(address(treasury), UNIT);
        token.lie(true);
        vm.expectRevert(SafeTransferLib.TransferFromFailed.selector);
        treasury.topUp(number, UNIT);
        assertEq(escrowOf(number), 0);
    }

    function _envelopeIn(TestUSDC token) private returns (uint24 number) {
        vm.prank(owner);
        desk.addAsset(address(token));
        vm.prank(manager);
        (number,) = desk.createEnvelope(makeAddr("agent of another token"), address(token), defaultPolicy());
    }
}
