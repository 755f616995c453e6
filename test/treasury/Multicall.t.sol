// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Policy, Refusal, Role, SessionRequest} from "../../contracts/libraries/Types.sol";
import {Base} from "../Base.t.sol";
import {ReentrantToken} from "../mocks/ReentrantToken.sol";
import {ReentrancyGuardTransient} from "solady/utils/ReentrancyGuardTransient.sol";

/// @notice Many calls in one transaction: each as if its caller had made it alone, all of them or none.
contract MulticallTest is Base {
    bytes[] internal calls;

    /* WHAT IT IS FOR */

    function test_GivenManyTopUps_AllAreCounted() public {
        uint24[3] memory numbers = _fleet();
        usdc.mint(stranger, 60 * UNIT);
        vm.startPrank(stranger);
        usdc.approve(address(treasury), 60 * UNIT);
        for (uint256 i; i < 3; ++i) {
            calls.push(abi.encodeCall(treasury.topUp, (numbers[i], (i + 1) * 10 * UNIT)));
        }
        treasury.multicall(calls);
        for (uint256 i; i < 3; ++i) {
            assertEq(escrowOf(numbers[i]), (i + 1) * 10 * UNIT);
        }
    }

    function test_GivenManyOpenings_OneRelayerPaysForAll() public {
        vm.prank(manager);
        desk.createPurses(envelope, 2);
        for (uint16 i; i < 2; ++i) {
            calls.push(_opening(i, 1, 20 * UNIT));
        }
        vm.prank(stranger);
        bytes[] memory answers = treasury.multicall(calls);
        for (uint16 i; i < 2; ++i) {
            address opened = abi.decode(answers[i], (address));
            assertEq(opened, views.purseOf(envelope, i));
            assertEq(usdc.balanceOf(opened), 20 * UNIT);
        }
        assertEq(usedOf(envelope, 0), 40 * UNIT);
    }

    function test_GivenManyFreezes_AllStop() public {
        uint24[3] memory numbers = _fleet();
        for (uint256 i; i < 3; ++i) {
            calls.push(abi.encodeCall(treasury.freezeEnvelope, (numbers[i])));
        }
        vm.prank(guardian);
        treasury.multicall(calls);
        for (uint256 i; i < 3; ++i) {
            assertTrue(views.envelope(numbers[i]).frozen);
        }
    }

    function test_GivenCallsOfEveryPart_AllRunAndAnswer() public {
        calls = [
            abi.encodeCall(treasury.listPayee, (LIST, otherPayee)),
            abi.encodeCall(desk.createPurses, (envelope, 1)),
            abi.encodeCall(views.isPayeeListed, (LIST, otherPayee)),
            abi.encodeCall(desk.createEnvelope, (makeAddr("new agent"), address(usdc), defaultPolicy()))
        ];
        vm.prank(manager);
        bytes[] memory answers = treasury.multicall(calls);
        assertTrue(abi.decode(answers[2], (bool)));
        (uint24 number, address first) = abi.decode(answers[3], (uint24, address));
        assertEq(number, 2);
        assertEq(first, views.purseOf(2, 0));
        assertEq(views.envelope(envelope).purses, 2);
    }

    function test_GivenABatchInABatch_Runs() public {
        bytes[] memory inside = new bytes[](1);
        inside[0] = abi.encodeCall(treasury.freezeEnvelope, (envelope));
        calls.push(abi.encodeCall(treasury.multicall, (inside)));
        vm.prank(guardian);
        treasury.multicall(calls);
        assertTrue(views.envelope(envelope).frozen);
    }

    function test_GivenNoCalls_NothingHappens() public {
        assertEq(treasury.multicall(calls).length, 0);
    }

    /* WHAT IT IS NOT */

    function test_RevertWhen_OneCallFails() public {
        calls = [
            abi.encodeCall(treasury.freezeEnvelope, (envelope)), abi.encodeCall(treasury.freezeEnvelope, (9))
        ];
        vm.expectRevert(abi.encodeWithSelector(EnvelopeUnknown.selector, 9, 1));
        vm.prank(guardian);
        treasury.multicall(calls);
        assertFalse(views.envelope(envelope).frozen);
    }

    /// @dev The caller stays who it is: neither the treasury's own rights nor an earlier call's.
    function test_RevertWhen_CallerLacksARole() public {
        calls = [abi.encodeCall(desk.grantRole, (stranger, Role.OWNER))];
        address[5] memory callers = [stranger, manager, guardian, agent, approver];
        for (uint256 i; i < 5; ++i) {
            vm.expectRevert(abi.encodeWithSelector(RoleMissing.selector, callers[i], Role.OWNER));
            vm.prank(callers[i]);
            treasury.multicall(calls);
        }
        calls = [
            abi.encodeCall(treasury.freezeEnvelope, (envelope)),
            abi.encodeCall(desk.unfreezeEnvelope, (envelope))
        ];
        vm.expectRevert(abi.encodeWithSelector(RoleMissing.selector, guardian, Role.OWNER));
        vm.prank(guardian);
        treasury.multicall(calls);
    }

    function test_RevertWhen_EtherIsSent() public {
        vm.deal(owner, 1 ether);
        vm.prank(owner);
        (bool success,) = address(treasury).call{value: 1}(abi.encodeCall(treasury.multicall, (calls)));
        assertFalse(success);
    }

    /// @dev Announced is the call, not the batch that it comes in; and it is used up by the first.
    function test_RevertWhen_LooseningIsAnnouncedOnceAndUsedTwice() public {
        setDelay(1 days);
        Policy memory looser = defaultPolicy();
        looser.sessionLimit = uint96(60 * UNIT);
        bytes memory call = abi.encodeCall(desk.setPolicy, (envelope, looser));
        Policy memory back = defaultPolicy();
        announce(manager, call);
        vm.warp(time() + 1 days);
        calls = [call, abi.encodeCall(desk.setPolicy, (envelope, back)), call];
        vm.expectRevert(abi.encodeWithSelector(NotAnnounced.selector, keccak256(call), 0));
        vm.prank(manager);
        treasury.multicall(calls);
        calls.pop();
        vm.prank(manager);
        treasury.multicall(calls);
        assertEq(views.envelope(envelope).policyVersion, 3);
    }

    function test_RevertWhen_OnlyTheBatchIsAnnounced() public {
        setDelay(1 days);
        bytes memory call = abi.encodeCall(treasury.listPayee, (LIST, otherPayee));
        calls = [call];
        announce(manager, abi.encodeCall(treasury.multicall, (calls)));
        vm.warp(time() + 1 days);
        vm.expectRevert(abi.encodeWithSelector(NotAnnounced.selector, keccak256(call), 0));
        vm.prank(manager);
        treasury.multicall(calls);
    }

    function test_RevertWhen_OneOpeningIsBatchedTwice() public {
        bytes memory opening = _opening(0, 1, 20 * UNIT);
        calls = [opening, opening];
        vm.expectRevert(abi.encodeWithSelector(SessionRefused.selector, Refusal.SequenceMismatch, 2, 1));
        treasury.multicall(calls);
    }

    /// @dev What a batch draws together, its limits see together.
    function test_RevertWhen_ABatchDrawsPastAWindow() public {
        vm.prank(manager);
        desk.createPurses(envelope, 2);
        calls = [_opening(0, 1, 50 * UNIT), _opening(1, 1, 50 * UNIT), _opening(2, 1, 1)];
        vm.expectRevert(
            abi.encodeWithSelector(
                SessionRefused.selector, Refusal.WindowLimitExceeded, 100 * UNIT, 100 * UNIT + 1
            )
        );
        treasury.multicall(calls);
        calls.pop();
        treasury.multicall(calls);
        assertEq(usedOf(envelope, 0), 100 * UNIT);
    }

    /// @dev A purse passes questions on to its treasury: none of them writes, batched or not.
    function test_RevertWhen_ABatchComesThroughAPurse() public {
        open(20 * UNIT);
        calls = [abi.encodeCall(treasury.closeSession, (purse, ""))];
        vm.warp(time() + 2 hours);
        (bool success,) = purse.call(abi.encodeCall(treasury.multicall, (calls)));
        assertFalse(success);
        assertEq(usdc.balanceOf(purse), 20 * UNIT);
    }

    function test_RevertWhen_TokenCallsBackIntoABatch() public {
        ReentrantToken token = new ReentrantToken();
        vm.prank(owner);
        desk.addAsset(address(token));
        vm.prank(manager);
        (uint24 number,) = desk.createEnvelope(makeAddr("new agent"), address(token), defaultPolicy());
        token.mint(address(this), 10 * UNIT);
        token.approve(address(treasury), 10 * UNIT);
        calls = [abi.encodeCall(treasury.topUp, (number, UNIT))];
        token.callBack(address(treasury), abi.encodeCall(treasury.multicall, (calls)));
        treasury.multicall(calls);
        assertTrue(token.called());
        assertFalse(token.success());
        assertEq(token.result(), abi.encodeWithSelector(ReentrancyGuardTransient.Reentrancy.selector));
        assertEq(escrowOf(number), UNIT);
    }

    function _opening(uint16 index, uint24 sequence, uint256 budget) private returns (bytes memory) {
        nextSessionKey();
        SessionRequest memory r = request(budget);
        (r.purseIndex, r.sequence) = (index, sequence);
        return abi.encodeCall(treasury.openSession, (r, signRequest(r)));
    }

    function _fleet() private returns (uint24[3] memory numbers) {
        for (uint256 i; i < 3; ++i) {
            address who = makeAddr(string.concat("agent ", vm.toString(i)));
            vm.prank(manager);
            (numbers[i],) = desk.createEnvelope(who, address(usdc), defaultPolicy());
        }
    }
}
