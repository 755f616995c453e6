// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Permit2Digest} from "../../contracts/libraries/Permit2Digest.sol";
import {SessionRequest, TopUpAuthorization} from "../../contracts/libraries/Types.sol";
import {Base} from "../Base.t.sol";
import {YesMan} from "../mocks/CuriousWallet.sol";
import {LyingToken} from "../mocks/LyingToken.sol";
import {OddlyAnsweringToken, PretendingToken, StoppingToken} from "../mocks/OddTokens.sol";
import {TestUSDC} from "../mocks/TestUSDC.sol";
import {SafeTransferLib} from "solady/utils/SafeTransferLib.sol";

/// @notice Tokens that answer oddly, pretend or stop: the books say what is there, or nothing happens at all.
contract OddTokensTest is Base {
    /* ANSWERS */

    /// @dev As tokens from before ERC-20's final form do.
    function test_GivenNoAnswer_EverythingWorks() public {
        OddlyAnsweringToken token = new OddlyAnsweringToken();
        _use(token);
        token.answerWith(abi.encode(true));
        token.mint(address(this), 100 * UNIT);
        token.approve(address(treasury), 100 * UNIT);
        token.answerWith("");
        treasury.topUp(envelope, 100 * UNIT);
        open(50 * UNIT);
        pay(purse, payee, 10 * UNIT, DECISION);
        desk.levelPermit2(envelope, 0);
        vm.prank(manager);
        treasury.closeSession(purse, "");
        token.mint(purse, UNIT);
        desk.sweepPurse(envelope, 0);
        vm.prank(owner);
        desk.withdraw(envelope, owner, 91 * UNIT);
        assertEq(escrowOf(envelope), 0);
        assertEq(token.balanceOf(owner), 91 * UNIT);
    }

    function test_RevertWhen_TheAnswerIsNotYes() public {
        OddlyAnsweringToken token = new OddlyAnsweringToken();
        token.answerWith(abi.encode(true));
        _use(token);
        fund(envelope, 100 * UNIT);
        open(50 * UNIT);
        bytes[4] memory answers = [
            abi.encode(0),
            abi.encode(2),
            abi.encodePacked(bytes31(type(uint248).max)),
            abi.encodePacked(uint8(1))
        ];
        for (uint256 i; i < 4; ++i) {
            token.answerWith(answers[i]);
            vm.expectRevert(abi.encodeWithSelector(PurseCallFailed.selector, purse));
            vm.prank(manager);
            treasury.closeSession(purse, "");
            vm.expectRevert(abi.encodeWithSelector(PurseCallFailed.selector, purse));
            desk.levelPermit2(envelope, 0);
            vm.expectRevert(SafeTransferLib.TransferFailed.selector);
            vm.prank(owner);
            desk.withdraw(envelope, owner, UNIT);
        }
        assertEq(escrowOf(envelope), 50 * UNIT);
        // More than a word that starts with yes is a yes.
        token.answerWith(abi.encode(1, 2));
        vm.prank(manager);
        treasury.closeSession(purse, "");
        assertEq(escrowOf(envelope), 100 * UNIT);
    }

    function test_RevertWhen_TokenAnswersFalseToAnOpeningOrASweep() public {
        LyingToken token = new LyingToken();
        _use(token);
        fund(envelope, 100 * UNIT);
        SessionRequest memory r = request(50 * UNIT);
        bytes memory signature = signRequest(r);
        token.mint(purse, UNIT);
        token.lie(true);
        vm.expectRevert(SafeTransferLib.TransferFailed.selector);
        treasury.openSession(r, signature);
        vm.expectRevert(abi.encodeWithSelector(PurseCallFailed.selector, purse));
        desk.sweepPurse(envelope, 0);
        assertEq(usedOf(envelope, 0), 0);
        assertEq(views.session(purse).sequence, 0);
        token.lie(false);
        treasury.openSession(r, signature);
    }

    /// @dev A refusal without a word is still one.
    function test_RevertWhen_TokenRefusesWithoutAWord() public {
        open(50 * UNIT);
        vm.mockCallRevert(address(usdc), abi.encodeWithSelector(usdc.transfer.selector), "");
        vm.prank(manager);
        vm.expectRevert(abi.encodeWithSelector(PurseCallFailed.selector, purse));
        treasury.closeSession(purse, "");
    }

    /* PRETENCE */

    function test_RevertWhen_TokenOnlyPretendsToReceive() public {
        PretendingToken token = new PretendingToken();
        _use(token);
        address payer = address(new YesMan());
        token.mint(payer, 100 * UNIT);
        TopUpAuthorization memory authorization = _anyTime(payer, 10 * UNIT);
        uint256[3] memory moved = [uint256(0), 10 * UNIT - 1, 10 * UNIT + 1];
        for (uint256 i; i < 3; ++i) {
            token.move(moved[i]);
            vm.expectRevert(abi.encodeWithSelector(TransferMismatch.selector, 10 * UNIT, moved[i]));
            treasury.topUpWithAuthorization(envelope, authorization, "");
        }
        assertEq(escrowOf(envelope), 0);
    }

    /// @dev What one token does moves nothing in the books of another.
    function test_GivenHostileToken_TheOthersBooksStayWhole() public {
        (uint24 honest, TestUSDC honestToken) = (envelope, usdc);
        PretendingToken token = new PretendingToken();
        _use(token);
        address payer = address(new YesMan());
        token.mint(payer, 100 * UNIT);
        treasury.topUpWithAuthorization(envelope, _anyTime(payer, 100 * UNIT), "");
        token.move(500 * UNIT);
        assertEq(escrowOf(envelope), 100 * UNIT);
        assertEq(escrowOf(honest), 1000 * UNIT);
        vm.startPrank(owner);
        vm.expectRevert(abi.encodeWithSelector(EscrowTooSmall.selector, 100 * UNIT, 100 * UNIT + 1));
        desk.withdraw(envelope, owner, 100 * UNIT + 1);
        vm.expectRevert(AmountZero.selector);
        desk.recover(address(honestToken), owner);
        desk.withdraw(honest, owner, 1000 * UNIT);
        assertEq(honestToken.balanceOf(owner), 1000 * UNIT);
    }

    /* STOPS */

    function test_GivenPaused_NothingIsLostAndAllGoesOnLater() public {
        StoppingToken token = new StoppingToken();
        _use(token);
        fund(envelope, 100 * UNIT);
        open(50 * UNIT);
        token.pause(true);
        vm.startPrank(manager);
        vm.expectRevert(abi.encodeWithSelector(PurseCallFailed.selector, purse));
        treasury.closeSession(purse, "");
        vm.stopPrank();
        vm.prank(owner);
        vm.expectRevert(SafeTransferLib.TransferFailed.selector);
        desk.withdraw(envelope, owner, UNIT);
        // A budget that moves nothing needs no token: the session opens, and pays once the token does.
        nextSessionKey();
        open(50 * UNIT);
        token.pause(false);
        pay(purse, payee, 10 * UNIT, DECISION);
        vm.prank(manager);
        treasury.closeSession(purse, "");
        assertEq(escrowOf(envelope), 90 * UNIT);
        assertEq(usedOf(envelope, 0), 10 * UNIT);
    }

    /// @dev A purse that the token blocks keeps what it holds; the envelope's other purses go on without it.
    function test_GivenPurseBlocked_TheOtherPursesGoOn() public {
        StoppingToken token = new StoppingToken();
        _use(token);
        fund(envelope, 100 * UNIT);
        open(30 * UNIT);
        token.block_(purse, true);
        vm.expectRevert(abi.encodeWithSelector(PurseCallFailed.selector, purse));
        vm.prank(manager);
        treasury.closeSession(purse, "");
        vm.prank(manager);
        desk.createPurses(envelope, 1);
        nextSessionKey();
        SessionRequest memory r = request(30 * UNIT);
        (r.purseIndex, r.sequence) = (1, 1);
        pay(treasury.openSession(r, signRequest(r)), payee, 10 * UNIT, DECISION);
        assertEq(escrowOf(envelope), 40 * UNIT);
        token.block_(purse, false);
        vm.prank(manager);
        treasury.closeSession(purse, "");
        assertEq(escrowOf(envelope), 70 * UNIT);
    }

    function _anyTime(address payer, uint256 amount) private view returns (TopUpAuthorization memory) {
        return TopUpAuthorization(payer, amount, 0, time() + 1 hours, 0);
    }

    /// @dev From here on `envelope`, `purse`, `agent` and `usdc` are of an envelope in this token.
    function _use(TestUSDC token) private {
        vm.etch(Permit2Digest.PERMIT2, hex"00");
        vm.prank(owner);
        desk.addAsset(address(token));
        (agent, agentKey) = makeAddrAndKey("agent of the odd token");
        vm.prank(manager);
        (envelope, purse) = desk.createEnvelope(agent, address(token), defaultPolicy());
        usdc = token;
    }
}
