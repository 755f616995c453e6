// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Refusal, SessionRequest, SessionView} from "../../contracts/libraries/Types.sol";
import {Base} from "../Base.t.sol";
import {Payment} from "../Digests.sol";
import {LyingToken} from "../mocks/LyingToken.sol";
import {Wallet} from "../mocks/Wallets.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

contract CloseSessionTest is Base {
    uint256 internal expiry;

    function setUp() public override {
        super.setUp();
        open(50 * UNIT);
        expiry = views.session(purse).expiry;
    }

    /* WHO MAY, AND WHEN */

    function test_GivenAgentOrTreasurysPeople_TheyCloseAtAnyTime() public {
        address[4] memory may = [agent, owner, manager, guardian];
        for (uint256 i; i < may.length; ++i) {
            uint256 snapshot = vm.snapshotState();
            vm.prank(may[i]);
            treasury.closeSession(purse, "");
            _assertClosed(0);
            vm.revertToState(snapshot);
        }
    }

    function test_RevertWhen_OthersCloseBeforeExpiry() public {
        address[5] memory mayNot = [stranger, reviewer, approver, sessionKey, payee];
        vm.warp(expiry - 1);
        for (uint256 i; i < mayNot.length; ++i) {
            vm.expectRevert(abi.encodeWithSelector(CloseNotAllowed.selector, mayNot[i], expiry));
            vm.prank(mayNot[i]);
            treasury.closeSession(purse, "");
        }
    }

    function test_GivenExpired_AnyoneCloses() public {
        vm.warp(expiry);
        vm.prank(stranger);
        treasury.closeSession(purse, "");
        _assertClosed(0);
    }

    function test_GivenExpiredLongAgo_AnyoneClosesWhateverElseHappened() public {
        for (uint256 i; i < 3; ++i) {
            uint256 snapshot = vm.snapshotState();
            if (i == 1) setPolicy(defaultPolicy());
            if (i == 2) {
                vm.prank(guardian);
                treasury.freezeSession(purse);
            }
            vm.warp(expiry + 1);
            vm.prank(stranger);
            treasury.closeSession(purse, "");
            _assertClosed(0);
            vm.revertToState(snapshot);
        }
    }

    function test_GivenAgentsSignature_AnyoneCloses() public {
        bytes memory signature = signClose(purse, 1, agentKey);
        vm.prank(stranger);
        treasury.closeSession(purse, signature);
        _assertClosed(0);
    }

    /// @dev Else the agent would replace a frozen session by the next one.
    function test_RevertWhen_AgentClosesOrReplacesFrozenSession() public {
        vm.prank(guardian);
        treasury.freezeSession(purse);
        bytes memory frozen = abi.encodeWithSelector(SessionRefused.selector, Refusal.SessionFrozen, 0, 0);
        vm.prank(agent);
        vm.expectRevert(frozen);
        treasury.closeSession(purse, "");
        bytes memory signature = signClose(purse, 1, agentKey);
        vm.expectRevert(frozen);
        treasury.closeSession(purse, signature);
        nextSessionKey();
        SessionRequest memory r = request(10 * UNIT);
        signature = signRequest(r);
        vm.expectRevert(frozen);
        treasury.openSession(r, signature);
        // Once it would have ended, it is over like any other.
        vm.warp(expiry);
        r.expiry = uint32(expiry + 1 hours);
        treasury.openSession(r, signRequest(r));
    }

    function test_RevertWhen_SignatureIsAnothersOrOfAnotherSession() public {
        vm.chainId(OTHER_CHAIN);
        bytes memory otherChain = signClose(purse, 1, agentKey);
        vm.chainId(CHAIN);
        bytes[6] memory bad = [
            signClose(purse, 1, sessionSecret),
            signClose(purse, 2, agentKey),
            signClose(stranger, 1, agentKey),
            signRequest(request(UNIT)),
            otherChain,
            bytes(hex"00")
        ];
        for (uint256 i; i < bad.length; ++i) {
            vm.expectRevert(
                abi.encodeWithSelector(
                    SessionRefused.selector, Refusal.AgentSignatureInvalid, uint160(agent), 0
                )
            );
            treasury.closeSession(purse, bad[i]);
        }
    }

    function test_RevertWhen_CloseIsReplayedOnTheNextSession() public {
        bytes memory signature = signClose(purse, 1, agentKey);
        treasury.closeSession(purse, signature);
        nextSessionKey();
        open(50 * UNIT);
        vm.expectRevert(
            abi.encodeWithSelector(SessionRefused.selector, Refusal.AgentSignatureInvalid, uint160(agent), 0)
        );
        treasury.closeSession(purse, signature);
    }

    function test_GivenContractAgent_ItsSignatureCloses() public {
        address wallet = address(new Wallet(agent));
        vm.prank(owner);
        desk.setAgent(envelope, wallet);
        bytes memory signature = signClose(purse, 1, agentKey);
        treasury.closeSession(purse, signature);
        _assertClosed(0);
    }

    function test_RevertWhen_NoSessionIsOpen() public {
        vm.startPrank(agent);
        treasury.closeSession(purse, "");
        vm.expectRevert(abi.encodeWithSelector(SessionNotOpen.selector, purse));
        treasury.closeSession(purse, "");
        vm.expectRevert(abi.encodeWithSelector(SessionNotOpen.selector, stranger));
        treasury.closeSession(stranger, "");
    }

    /* WHAT RETURNS */

    function test_GivenPartlySpent_TheRestReturns() public {
        pay(purse, payee, 10 * UNIT, DECISION);
        vm.expectEmit(address(treasury));
        emit SessionClosed(envelope, purse, 1, 40 * UNIT, 40 * UNIT);
        vm.prank(agent);
        treasury.closeSession(purse, "");
        _assertClosed(10 * UNIT);
    }

    function test_GivenAllSpent_NothingReturns() public {
        for (uint256 i; i < 5; ++i) {
            pay(purse, payee, 10 * UNIT, bytes32(i + 1));
        }
        vm.expectEmit(address(treasury));
        emit SessionClosed(envelope, purse, 1, 0, 0);
        // Some tokens refuse a transfer of nothing.
        vm.expectCall(address(usdc), abi.encodeWithSelector(IERC20.transfer.selector), 0);
        vm.prank(agent);
        treasury.closeSession(purse, "");
        _assertClosed(50 * UNIT);
    }

    function test_GivenDonation_EscrowGetsItAndWindowsDoNot() public {
        usdc.mint(purse, 30 * UNIT);
        vm.expectEmit(address(treasury));
        emit SessionClosed(envelope, purse, 1, 80 * UNIT, 50 * UNIT);
        vm.prank(agent);
        treasury.closeSession(purse, "");
        assertEq(escrowOf(envelope), 1030 * UNIT);
        assertEq(usedOf(envelope, 0), 0);
        assertEq(usdc.balanceOf(address(treasury)), 1030 * UNIT);
    }

    function test_GivenNextDay_OnlyTheWeekGetsItBack() public {
        vm.warp(time() + 1 days);
        treasury.closeSession(purse, "");
        assertEq(usedOf(envelope, 0), 0);
        assertEq(usedOf(envelope, 1), 0);
        assertEq(escrowOf(envelope), 1000 * UNIT);
    }

    function test_GivenFrozenAtEveryLevel_MoneyStillReturns() public {
        vm.startPrank(guardian);
        treasury.freezeSession(purse);
        treasury.freezeEnvelope(envelope);
        treasury.freezeOrganisation();
        treasury.closeSession(purse, "");
        vm.stopPrank();
        _assertClosed(0);
    }

    /// @dev A freeze hides the expiry in the session's word; closing goes by the one that was drawn for.
    function test_RevertWhen_StrangerClosesFrozenSessionEarly() public {
        vm.prank(guardian);
        treasury.freezeSession(purse);
        vm.expectRevert(abi.encodeWithSelector(SessionRefused.selector, Refusal.SessionFrozen, 0, 0));
        vm.prank(stranger);
        treasury.closeSession(purse, "");
    }

    /* WHAT IS LEFT */

    function test_GivenClosed_OutstandingPaymentDies() public {
        Payment memory p = paymentOf(payee, UNIT);
        (bytes32 digest, bytes memory blob) = signed(purse, p);
        vm.prank(agent);
        treasury.closeSession(purse, "");
        // Even with money in the purse.
        usdc.mint(purse, UNIT);
        assertRefused(purse, p, digest, blob, Refusal.SessionUnknown);
    }

    function test_GivenClosed_SequenceStaysAndAllElseIsGone() public {
        vm.prank(agent);
        treasury.closeSession(purse, "");
        SessionView memory s = views.session(purse);
        assertEq(s.sequence, 1);
        assertEq(s.key, address(0));
        assertEq(s.envelope, 0);
        assertEq(s.expiry, 0);
        assertEq(s.budget, 0);
        assertFalse(s.frozen);
    }

    function test_RevertWhen_TokenAnswersFalse() public {
        LyingToken token = new LyingToken();
        vm.prank(owner);
        desk.addAsset(address(token));
        (address second, uint256 secondKey) = makeAddrAndKey("second agent");
        vm.prank(manager);
        (uint24 number, address other) = desk.createEnvelope(second, address(token), defaultPolicy());
        token.mint(address(this), UNIT);
        token.approve(address(treasury), UNIT);
        treasury.topUp(number, UNIT);
        SessionRequest memory r = request(UNIT);
        (r.envelope, r.sequence) = (number, 1);
        treasury.openSession(r, signRequest(r, secondKey));
        token.lie(true);
        vm.expectRevert(abi.encodeWithSelector(PurseCallFailed.selector, other));
        vm.prank(second);
        treasury.closeSession(other, "");
        assertEq(escrowOf(number), 0, "counted what did not come");
    }

    /// @dev Whatever was spent and donated: all that the purse holds returns, and no window gains room.
    function testFuzz_ReturnsAllAndFreesNoMoreThanWasDrawn(uint256 spend, uint96 donation) public {
        spend = bound(spend, 0, 10 * UNIT);
        if (spend != 0) pay(purse, payee, spend, DECISION);
        donation = uint96(bound(donation, 0, type(uint96).max - 2000 * UNIT));
        usdc.mint(purse, donation);
        vm.prank(agent);
        treasury.closeSession(purse, "");
        assertEq(usdc.balanceOf(purse), 0);
        assertEq(escrowOf(envelope), 1000 * UNIT - spend + donation);
        assertEq(usedOf(envelope, 0), spend > donation ? spend - donation : 0);
    }

    function _assertClosed(uint256 spent) private view {
        assertEq(usdc.balanceOf(purse), 0);
        assertEq(escrowOf(envelope), 1000 * UNIT - spent);
        assertEq(usdc.balanceOf(address(treasury)), 1000 * UNIT - spent);
        assertEq(usedOf(envelope, 0), spent);
        assertEq(usedOf(envelope, 1), spent);
        assertEq(views.session(purse).key, address(0));
    }
}
