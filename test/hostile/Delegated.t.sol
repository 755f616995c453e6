// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Refusal, SessionRequest} from "../../contracts/libraries/Types.sol";
import {Base} from "../Base.t.sol";
import {Payment} from "../Digests.sol";
import {YesMan} from "../mocks/CuriousWallet.sol";
import {HostileWallet, Wallet} from "../mocks/Wallets.sol";

interface IEvmVersion {
    function setEvmVersion(string calldata version) external;
}

/// @notice Accounts with a key and, by EIP-7702, code as well: as agent, approver, session key and payee.
contract DelegatedTest is Base {
    function setUp() public override {
        super.setUp();
        IEvmVersion(address(vm)).setEvmVersion("prague");
    }

    /// @dev Code decides over an account that has some: an agent delegates to code that knows its key, or opens nothing.
    function test_GivenDelegatedAgent_ItsCodesAnswerCounts() public {
        SessionRequest memory r = request(20 * UNIT);
        bytes memory signature = signRequest(r);
        _delegate(agent, address(factory));
        bytes memory why =
            abi.encodeWithSelector(SessionRefused.selector, Refusal.AgentSignatureInvalid, uint160(agent), 0);
        vm.expectRevert(why);
        treasury.openSession(r, signature);
        _delegate(agent, address(new Wallet(stranger)));
        vm.expectRevert(why);
        treasury.openSession(r, signature);
        _delegate(agent, address(new Wallet(agent)));
        treasury.openSession(r, signature);
        // And back: the delegation gone, the key signs again.
        vm.etch(agent, "");
        nextSessionKey();
        open(20 * UNIT);
    }

    function test_GivenDelegatedAgent_ItClosesByCallAndBySignature() public {
        open(20 * UNIT);
        _delegate(agent, address(factory));
        bytes memory signature = signClose(purse, 1, agentKey);
        vm.expectRevert(
            abi.encodeWithSelector(SessionRefused.selector, Refusal.AgentSignatureInvalid, uint160(agent), 0)
        );
        treasury.closeSession(purse, signature);
        vm.prank(agent);
        treasury.closeSession(purse, "");
        assertEq(escrowOf(envelope), 1000 * UNIT);
    }

    /// @dev An agent's code that says yes to anybody opens sessions for anybody, within the envelope's limits.
    function test_GivenAgentDelegatedToAYesMan_TheLimitsHold() public {
        _delegate(agent, address(new YesMan()));
        SessionRequest memory r = request(50 * UNIT + 1);
        vm.expectRevert(
            abi.encodeWithSelector(
                SessionRefused.selector, Refusal.SessionLimitExceeded, 50 * UNIT, 50 * UNIT + 1
            )
        );
        treasury.openSession(r, "");
        r.budget = uint96(50 * UNIT);
        treasury.openSession(r, "");
        assertEq(usedOf(envelope, 0), 50 * UNIT);
    }

    /// @dev A person signs with their key, whatever code their account has, and cannot be spoken for by it unless the
    /// payment names the account as a contract.
    function test_GivenDelegatedApprover_ItsKeyApprovesAndItsCodeOnlyAsAContract() public {
        open(50 * UNIT);
        Payment memory p = paymentOf(payee, 15 * UNIT);
        _delegate(approver, address(new HostileWallet()));
        (bytes32 digest, bytes memory blob) = signedWithApproval(purse, p, approverKey);
        assertAccepted(purse, digest, blob);

        p.approvalKind = 2;
        (digest, blob) = signed(purse, p);
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(approverKey, approvalDigest(purse, p, digest));
        blob = abi.encodePacked(blob, approver, r, s, v);
        assertRefused(purse, p, digest, blob, Refusal.ApprovalInvalid);
        _delegate(approver, address(new Wallet(approver)));
        assertAccepted(purse, digest, blob);
        settle(purse, p, blob);
        assertEq(paidTo(payee), 15 * UNIT);
    }

    function test_GivenDelegatedSessionKey_ItsKeyPaysAndItsCodeDoesNot() public {
        open(50 * UNIT);
        Payment memory p = paymentOf(payee, UNIT);
        _delegate(sessionKey, address(new YesMan()));
        (bytes32 digest, bytes memory blob) = signed(purse, p);
        assertAccepted(purse, digest, blob);
        bytes memory forged = blobOf(p, digest, agentKey);
        assertRefused(purse, p, digest, forged, Refusal.SessionKeyMismatch);
    }

    /// @dev What a payee is, or does with the money, is nothing to the treasury.
    function test_GivenDelegatedPayeeThatGivesBack_OnlyTheMoneyCounts() public {
        open(50 * UNIT);
        _delegate(payee, address(new YesMan()));
        pay(purse, payee, 10 * UNIT, DECISION);
        vm.prank(payee);
        usdc.transfer(purse, 4 * UNIT);
        assertEq(usdc.balanceOf(purse), 44 * UNIT);
        vm.prank(manager);
        treasury.closeSession(purse, "");
        assertEq(escrowOf(envelope), 994 * UNIT);
        assertEq(usedOf(envelope, 0), 6 * UNIT);
    }

    function _delegate(address account, address code) private {
        vm.etch(account, abi.encodePacked(hex"ef0100", code));
    }
}
