// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {TreasuryViews} from "../../contracts/TreasuryViews.sol";
import {Policy, Refusal, Scope, SessionRequest, SessionView} from "../../contracts/libraries/Types.sol";
import {Base} from "../Base.t.sol";
import {HostileWallet, Wallet} from "../mocks/Wallets.sol";

contract OpenSessionTest is Base {
    /* WHAT IT DOES */

    function test_GivenRequestOfAgent_AnyoneOpensIt() public {
        SessionRequest memory r = request(50 * UNIT);
        r.stampHash = keccak256("stamp");
        bytes memory signature = signRequest(r);
        vm.expectEmit(address(treasury));
        emit SessionOpened(
            envelope, purse, 1, sessionKey, uint96(50 * UNIT), r.expiry, 1, r.scope, r.stampHash
        );
        vm.prank(stranger);
        assertEq(treasury.openSession(r, signature), purse);

        assertEq(usdc.balanceOf(purse), 50 * UNIT);
        assertEq(escrowOf(envelope), 950 * UNIT);
        assertEq(usedOf(envelope, 0), 50 * UNIT);
        assertEq(usedOf(envelope, 1), 50 * UNIT);
        SessionView memory s = views.session(purse);
        assertEq(s.envelope, envelope);
        assertEq(s.sequence, 1);
        assertEq(s.key, sessionKey);
        assertEq(s.expiry, r.expiry);
        assertEq(s.policyVersion, 1);
        assertFalse(s.frozen);
        assertEq(s.budget, 50 * UNIT);
        assertEq(s.openedAt, time());
    }

    /* ENVELOPE AND PURSE */

    function test_RevertWhen_EnvelopeIsUnknown() public {
        SessionRequest memory r = request(UNIT);
        r.envelope = 2;
        assertOpeningRefused(r, Refusal.EnvelopeUnknown, 1, 2);
        r.envelope = 0;
        assertOpeningRefused(r, Refusal.EnvelopeUnknown, 1, 0);
    }

    function test_RevertWhen_PurseIsUnknown() public {
        SessionRequest memory r = request(UNIT);
        r.purseIndex = 1;
        assertOpeningRefused(r, Refusal.PurseUnknown, 0, 1);
        vm.prank(manager);
        desk.createPurses(envelope, 1);
        assertOpens(r);
    }

    function test_RevertWhen_SequenceIsNotTheNext() public {
        SessionRequest memory r = request(UNIT);
        r.sequence = 0;
        assertOpeningRefused(r, Refusal.SequenceMismatch, 1, 0);
        r.sequence = 2;
        assertOpeningRefused(r, Refusal.SequenceMismatch, 1, 2);
        r.sequence = 1;
        assertOpens(r);
    }

    /* NUMBERS, AT THE BOUND AND ONE BEYOND */

    function test_BudgetBound() public {
        SessionRequest memory r = request(0);
        assertOpeningRefused(r, Refusal.BudgetZero, 1, 0);
        r.budget = uint96(50 * UNIT + 1);
        assertOpeningRefused(r, Refusal.SessionLimitExceeded, 50 * UNIT, 50 * UNIT + 1);
        r.budget = uint96(50 * UNIT);
        assertOpens(r);
    }

    function test_EscrowBound() public {
        vm.prank(owner);
        desk.withdraw(envelope, owner, 960 * UNIT);
        SessionRequest memory r = request(40 * UNIT + 1);
        assertOpeningRefused(r, Refusal.EscrowExceeded, 40 * UNIT, 40 * UNIT + 1);
        r.budget = uint96(40 * UNIT);
        assertOpens(r);
        assertEq(escrowOf(envelope), 0);
    }

    function test_ExpiryBound() public {
        SessionRequest memory r = request(UNIT);
        r.expiry = uint32(time());
        assertOpeningRefused(r, Refusal.ExpiryInPast, time(), time());
        r.expiry = uint32(time() - 1);
        assertOpeningRefused(r, Refusal.ExpiryInPast, time(), time() - 1);
        r.expiry = uint32(time() + 4 hours + 1);
        assertOpeningRefused(r, Refusal.SessionTooLong, time() + 4 hours, time() + 4 hours + 1);
        r.expiry = uint32(time() + 4 hours);
        assertOpens(r);
    }

    function test_ShortestSessionIsOneSecond() public {
        SessionRequest memory r = request(UNIT);
        r.expiry = uint32(time() + 1);
        assertOpens(r);
    }

    function test_ScopeBound() public {
        Policy memory policy = defaultPolicy();
        SessionRequest memory r = request(UNIT);
        r.scope.paymentCap = policy.paymentCap + 1;
        assertOpeningRefused(r, Refusal.ScopeWidens, policy.paymentCap, policy.paymentCap + 1);
        r.scope.paymentCap = policy.paymentCap;
        r.scope.approvalThreshold = policy.approvalThreshold + 1;
        assertOpeningRefused(r, Refusal.ScopeWidens, policy.approvalThreshold, policy.approvalThreshold + 1);
        r.scope.approvalThreshold = policy.approvalThreshold;
        r.scope.payeeList = 7;
        assertOpens(r);
        Scope memory stored = views.session(purse).scope;
        assertEq(keccak256(abi.encode(stored)), keccak256(abi.encode(r.scope)));
    }

    /// @dev A scope of an earlier session narrows nothing of a later one.
    function test_GivenUnscopedAfterScoped_NothingIsNarrowed() public {
        SessionRequest memory r = request(20 * UNIT);
        r.scope.paymentCap = 1;
        assertOpens(r);
        nextSessionKey();
        open(20 * UNIT);
        assertEq(views.session(purse).scope.paymentCap, 0);
        pay(purse, payee, 10 * UNIT, DECISION);
    }

    /* KEYS */

    function test_RevertWhen_SessionKeyIsInvalid() public {
        SessionRequest memory r = request(UNIT);
        r.key = address(0);
        assertOpeningRefused(r, Refusal.SessionKeyInvalid, uint160(agent), 0);
        r.key = agent;
        assertOpeningRefused(r, Refusal.SessionKeyInvalid, uint160(agent), uint160(agent));
        r.key = sessionKey;
        assertOpens(r);
        r = request(UNIT);
        assertOpeningRefused(r, Refusal.SessionKeyInvalid, uint160(agent), uint160(sessionKey));
        // Nobody's is as little one to replace a key with.
        r.key = address(0);
        assertOpeningRefused(r, Refusal.SessionKeyInvalid, uint160(agent), 0);
    }

    /* THE AGENT'S SIGNATURE */

    function test_RevertWhen_SignatureIsAnothers() public {
        SessionRequest memory r = request(UNIT);
        _assertSignatureRefused(r, signRequest(r, sessionSecret));
        _assertSignatureRefused(r, signRequest(r, approverKey));
        _assertSignatureRefused(r, "");
        _assertSignatureRefused(r, new bytes(65));
        _assertSignatureRefused(r, signClose(purse, 1, agentKey));
    }

    function test_RevertWhen_AnyFieldIsAnotherThanSigned() public {
        vm.prank(manager);
        desk.createPurses(envelope, 1);
        SessionRequest memory honest = request(UNIT);
        bytes memory signature = signRequest(honest);
        for (uint256 field; field < 8; ++field) {
            SessionRequest memory r = abi.decode(abi.encode(honest), (SessionRequest));
            if (field == 0) r.purseIndex = 1;
            else if (field == 1) r.key = stranger;
            else if (field == 2) r.budget += 1;
            else if (field == 3) r.expiry += 1;
            else if (field == 4) r.scope.paymentCap = 1;
            else if (field == 5) r.scope.approvalThreshold = 1;
            else if (field == 6) r.scope.payeeList = 1;
            else r.stampHash = bytes32(uint256(1));
            _assertSignatureRefused(r, signature);
        }
        treasury.openSession(honest, signature);
    }

    function testFuzz_RevertWhen_SignatureIsRubbish(bytes calldata signature) public {
        _assertSignatureRefused(request(UNIT), signature);
    }

    function test_RevertWhen_RequestIsReplayed() public {
        SessionRequest memory r = request(UNIT);
        bytes memory signature = signRequest(r);
        treasury.openSession(r, signature);
        vm.expectRevert(abi.encodeWithSelector(SessionRefused.selector, Refusal.SequenceMismatch, 2, 1));
        treasury.openSession(r, signature);
        // Closing does not make it fresh again.
        vm.prank(agent);
        treasury.closeSession(purse, "");
        vm.expectRevert(abi.encodeWithSelector(SessionRefused.selector, Refusal.SequenceMismatch, 2, 1));
        treasury.openSession(r, signature);
    }

    function test_RevertWhen_SignedForAnotherChain() public {
        SessionRequest memory r = request(UNIT);
        bytes memory signature = signRequest(r);
        vm.chainId(OTHER_CHAIN);
        _assertSignatureRefused(r, signature);
        // Signed for the chain it is on now, it passes: the domain is not frozen in.
        treasury.openSession(r, signRequest(r));
    }

    function test_RevertWhen_SignedForAnotherTreasury() public {
        TreasuryViews mine = views;
        SessionRequest memory r = request(UNIT);
        views = TreasuryViews(address(factory.createTreasury(owner, bytes32(uint256(1)))));
        bytes memory signature = signRequest(r);
        views = mine;
        _assertSignatureRefused(r, signature);
    }

    function test_GivenContractAgent_ItsAnswerCounts() public {
        address wallet = address(new Wallet(agent));
        vm.prank(owner);
        desk.setAgent(envelope, wallet);
        SessionRequest memory r = request(UNIT);
        bytes memory stranger_ = signRequest(r, sessionSecret);
        vm.expectRevert(
            abi.encodeWithSelector(SessionRefused.selector, Refusal.AgentSignatureInvalid, uint160(wallet), 0)
        );
        treasury.openSession(r, stranger_);
        assertOpens(r);
    }

    function test_RevertWhen_ContractAgentMisbehaves() public {
        HostileWallet wallet = new HostileWallet();
        vm.prank(owner);
        desk.setAgent(envelope, address(wallet));
        SessionRequest memory r = request(UNIT);
        for (uint8 mode; mode <= uint8(type(HostileWallet.Mode).max); ++mode) {
            wallet.set(HostileWallet.Mode(mode));
            (bool success,) =
                address(treasury).call{gas: 10_000_000}(abi.encodeCall(treasury.openSession, (r, "anything")));
            assertFalse(success, vm.toString(mode));
        }
    }

    /// @dev However a request is made up, the view and the verb agree, and what opens is within the rules.
    function testFuzz_ViewAndVerbAgree(SessionRequest memory r, bool tame) public {
        if (tame) {
            r.envelope = uint24(bound(r.envelope, 1, 2));
            r.purseIndex = r.purseIndex % 2;
            r.sequence = uint24(bound(r.sequence, 1, 2));
            r.budget = uint96(bound(r.budget, 0, 55 * UNIT));
            r.expiry = uint32(bound(r.expiry, time(), time() + 5 hours));
            r.scope.paymentCap = uint96(r.scope.paymentCap % (21 * UNIT));
            r.scope.approvalThreshold = uint96(r.scope.approvalThreshold % (11 * UNIT));
        }
        (Refusal reason, uint256 limit, uint256 actual) = views.diagnoseSession(r);
        bytes memory signature = signRequest(r);
        if (reason != Refusal.None) {
            vm.expectRevert(abi.encodeWithSelector(SessionRefused.selector, reason, limit, actual));
            treasury.openSession(r, signature);
            return;
        }
        treasury.openSession(r, signature);
        assertEq(usdc.balanceOf(purse), r.budget);
        assertLe(r.budget, 50 * UNIT);
        assertLe(r.expiry, time() + 4 hours);
    }

    function _assertSignatureRefused(SessionRequest memory r, bytes memory signature) private {
        vm.expectRevert(
            abi.encodeWithSelector(SessionRefused.selector, Refusal.AgentSignatureInvalid, uint160(agent), 0)
        );
        treasury.openSession(r, signature);
    }
}
