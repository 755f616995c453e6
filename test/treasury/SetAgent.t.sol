// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Refusal, SessionRequest} from "../../contracts/libraries/Types.sol";
import {Base} from "../Base.t.sol";
import {Payment} from "../Digests.sol";

contract SetAgentTest is Base {
    function test_GivenNewAgent_TheOldOneIsFree() public {
        (address next, uint256 nextKey) = makeAddrAndKey("next agent");
        vm.expectEmit(address(treasury));
        emit AgentSet(envelope, next, owner);
        vm.prank(owner);
        desk.setAgent(envelope, next);
        assertEq(views.envelope(envelope).agent, next);
        assertEq(views.account(next).agentOf, envelope);
        assertEq(views.account(agent).agentOf, 0);

        SessionRequest memory r = request(UNIT);
        bytes memory old = signRequest(r, agentKey);
        vm.expectRevert(
            abi.encodeWithSelector(SessionRefused.selector, Refusal.AgentSignatureInvalid, uint160(next), 0)
        );
        treasury.openSession(r, old);
        treasury.openSession(r, signRequest(r, nextKey));
    }

    function test_GivenSameAgent_OnlyItsSessionsEnd() public {
        vm.expectEmit(address(treasury));
        emit PolicySet(envelope, 2, defaultPolicy(), owner);
        vm.prank(owner);
        desk.setAgent(envelope, agent);
        assertEq(views.account(agent).agentOf, envelope);
        open(UNIT);
    }

    /// @dev Replaced after a compromise, an agent must not pay on from what it opened.
    function test_GivenSessionOfTheOldAgent_ItPaysNoMore() public {
        open(20 * UNIT);
        Payment memory p = paymentOf(payee, UNIT);
        bytes32 nonce = nonceOf(purse, p.decisionHash);
        (bytes32 digest, bytes memory blob) = signed(purse, p);
        assertAccepted(purse, digest, blob);
        bytes32 policy = views.policyHash(envelope, 1);

        vm.prank(owner);
        desk.setAgent(envelope, makeAddr("next agent"));
        assertEq(answer(purse, digest, blob), INVALID);
        (Refusal reason,,) = views.diagnosePayment(purse, digest, blob);
        assertEq(uint8(reason), uint8(Refusal.PolicyChanged));
        vm.expectRevert();
        usdc.transferWithAuthorization(purse, p.payee, p.amount, p.validAfter, p.validBefore, nonce, blob);
        // The same policy, under a new version; anyone may send the money home.
        assertEq(views.envelope(envelope).policyVersion, 2);
        assertEq(views.policyHash(envelope, 2), policy);
        vm.prank(stranger);
        treasury.closeSession(purse, "");
        assertEq(usdc.balanceOf(purse), 0);
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
