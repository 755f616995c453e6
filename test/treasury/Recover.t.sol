// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Base} from "../Base.t.sol";
import {LyingToken} from "../mocks/LyingToken.sol";
import {TestUSDC} from "../mocks/TestUSDC.sol";

contract RecoverTest is Base {
    address internal to = makeAddr("vault");

    /* FROM THE TREASURY */

    function testFuzz_GivenStrayAsset_SendsOnOnlyTheStray(uint96 stray) public {
        stray = uint96(bound(stray, 1, type(uint96).max));
        open(50 * UNIT);
        usdc.mint(address(treasury), stray);
        vm.expectEmit(address(treasury));
        emit Recovered(address(usdc), address(treasury), to, stray);
        _recover(address(usdc));
        assertEq(usdc.balanceOf(to), stray);
        assertEq(usdc.balanceOf(address(treasury)), 950 * UNIT);
        assertEq(escrowOf(envelope), 950 * UNIT);
    }

    function test_GivenUnknownToken_SendsOnAll() public {
        TestUSDC other = new TestUSDC();
        other.mint(address(treasury), 7);
        _recover(address(other));
        assertEq(other.balanceOf(to), 7);
    }

    function test_RevertWhen_NothingIsStray() public {
        vm.expectRevert(AmountZero.selector);
        _recover(address(usdc));
        vm.expectRevert(AmountZero.selector);
        _recover(stranger);
    }

    function test_RevertWhen_ReceiverIsZero() public {
        usdc.mint(address(treasury), 1);
        to = address(0);
        vm.expectRevert(AddressZero.selector);
        _recover(address(usdc));
        vm.expectRevert(AddressZero.selector);
        _recoverFromPurse(0, address(factory));
    }

    /* FROM A PURSE */

    function test_GivenOtherTokenInPurse_SendsItOn() public {
        TestUSDC other = new TestUSDC();
        other.mint(purse, 7);
        vm.expectEmit(address(treasury));
        emit Recovered(address(other), purse, to, 7);
        _recoverFromPurse(0, address(other));
        assertEq(other.balanceOf(to), 7);
    }

    /// @dev Whether it is the envelope's asset does not hang on whose address is the larger.
    function test_GivenOtherTokenOnEitherSideOfTheAsset_SendsItOn() public {
        for (uint160 i; i < 2; ++i) {
            address other = i == 0 ? address(uint160(address(usdc)) - 1) : address(uint160(address(usdc)) + 1);
            deployCodeTo("TestUSDC.sol:TestUSDC", other);
            TestUSDC(other).mint(purse, 7);
            _recoverFromPurse(0, other);
            assertEq(TestUSDC(other).balanceOf(to), 7);
        }
    }

    function test_RevertWhen_PurseWasNeverCreated() public {
        vm.expectRevert(abi.encodeWithSelector(PurseUnknown.selector, 1, 0));
        _recoverFromPurse(1, address(usdc));
        vm.expectRevert(abi.encodeWithSelector(PurseUnknown.selector, 1, 0));
        desk.sweepPurse(envelope, 1);
    }

    function test_GivenStrayAssetInPurseWithoutSession_AnyoneSweepsItIntoTheEscrow() public {
        uint256 escrow = escrowOf(envelope);
        vm.expectRevert(AmountZero.selector);
        desk.sweepPurse(envelope, 0);
        usdc.mint(purse, 7);
        vm.expectEmit(address(treasury));
        emit PurseSwept(envelope, purse, 7);
        vm.prank(stranger);
        desk.sweepPurse(envelope, 0);
        assertEq(escrowOf(envelope), escrow + 7);
        assertEq(usdc.balanceOf(purse), 0);
    }

    function test_RevertWhen_SweptPurseHasASession() public {
        open(10 * UNIT);
        vm.expectRevert(abi.encodeWithSelector(SessionOpen.selector, purse));
        desk.sweepPurse(envelope, 0);
    }

    function test_RevertWhen_TokenIsTheEnvelopesAsset() public {
        open(50 * UNIT);
        vm.expectRevert(abi.encodeWithSelector(AssetKnown.selector, address(usdc)));
        _recoverFromPurse(0, address(usdc));
    }

    function test_RevertWhen_PurseHoldsNothing() public {
        TestUSDC other = new TestUSDC();
        vm.expectRevert(AmountZero.selector);
        _recoverFromPurse(0, address(other));
    }

    function test_RevertWhen_TokenAnswersFalse() public {
        LyingToken other = new LyingToken();
        other.mint(purse, 7);
        other.lie(true);
        vm.expectRevert(abi.encodeWithSelector(PurseCallFailed.selector, purse));
        _recoverFromPurse(0, address(other));
    }

    function test_RevertWhen_EnvelopeIsUnknown() public {
        vm.expectRevert(abi.encodeWithSelector(EnvelopeUnknown.selector, 2, 1));
        vm.prank(owner);
        desk.recoverFromPurse(2, 0, address(factory), to);
    }

    function _recover(address token) private {
        vm.prank(owner);
        desk.recover(token, to);
    }

    function _recoverFromPurse(uint16 index, address token) private {
        vm.prank(owner);
        desk.recoverFromPurse(envelope, index, token, to);
    }
}
