// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Refusal, SessionRequest} from "../../contracts/libraries/Types.sol";
import {Base} from "../Base.t.sol";

contract SetAgentTest is Base {
    function test_GivenNewAgent_TheOldOneIsFree() public {
        (address next, uint256 nextKey) = makeAddrAndKey("next agent");
        vm.expectEmit(address(treasury));
        emit AgentSet(envelope, next, owner);
        vm.prank(owner);
        desk.setAgent(envelope, next);
        assertEq(desk.envelope(envelope).agent, next);
        assertEq(desk.account(next).agentOf, envelope);
        assertEq(desk.account(agent).agentOf, 0);

        SessionRequest memory r = request(UNIT);
        bytes memory old = signRequest(r, agentKey);
        vm.expectRevert(
            abi.encodeWithSelector(SessionRefused.selector, Refusal.AgentSignatureInvalid, uint160(next), 0)
        );
        treasury.openSession(r, old);
        treasury.openSession(r, signRequest(r, nextKey));
    }

    function test_GivenSameAgent_NothingChanges() public {
        vm.prank(owner);
        desk.setAgent(envelope, agent);
        assertEq(desk.account(agent).agentOf, envelope);
        open(UNIT);
    }

    function test_RevertWhen_AgentHasAnotherEnvelope() public {
        address second = makeAddr("second agent");
        vm.prank(manager);
        desk.createEnvelope(second, address(usdc), defaultPolicy());
        vm.expectRevert(abi.encodeWithSelector(AgentTaken.selector, second, 2));
        vm.prank(owner);
        desk.setAgent(envelope, second);
    }

    function test_RevertWhen_AgentIsZero() public {
        vm.expectRevert(AddressZero.selector);
        vm.prank(owner);
        desk.setAgent(envelope, address(0));
    }

    function test_RevertWhen_EnvelopeIsUnknown() public {
        vm.expectRevert(abi.encodeWithSelector(EnvelopeUnknown.selector, 2, 1));
        vm.prank(owner);
        desk.setAgent(2, stranger);
    }
}
