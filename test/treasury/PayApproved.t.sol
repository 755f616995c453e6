// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Refusal, Role, SessionRequest} from "../../contracts/libraries/Types.sol";
import {Base} from "../Base.t.sol";
import {Digests, Payment} from "../Digests.sol";
import {HostileWallet, Wallet} from "../mocks/Wallets.sol";

/// @notice Payments above the threshold: a human's signature on this very payment.
contract PayApprovedTest is Base {
    Payment internal large;

    function setUp() public override {
        super.setUp();
        open(50 * UNIT);
        large = paymentOf(payee, 15 * UNIT);
    }

    /* AN EOA APPROVES */

    function test_GivenApproval_Settles() public {
        (bytes32 digest, bytes memory blob) = signedWithApproval(purse, large, approverKey);
        assertEq(blob.length, 203);
        assertAccepted(purse, digest, blob);
        settle(purse, large, blob);
        assertEq(paidTo(payee), 15 * UNIT);
    }

    function test_GivenApprovalThatIsNotNeeded_Settles() public {
        Payment memory small = paymentOf(payee, UNIT);
        (, bytes memory blob) = signedWithApproval(purse, small, approverKey);
        settle(purse, small, blob);
    }

    /// @dev The approval is outside the digest: whoever submits a payment must not write an approver into it.
    function test_RevertWhen_ApprovalThatIsNotNeededIsMadeUp() public {
        Payment memory small = paymentOf(payee, UNIT);
        (bytes32 digest, bytes memory blob) = signedWithApproval(purse, small, 0xbad);
        assertRefused(purse, small, digest, blob, Refusal.ApproverNotAuthorized);
        small.approvalKind = 0;
        (digest, blob) = signed(purse, small);
        blob[0] = 0x21;
        bytes memory dressed = abi.encodePacked(blob, approver, "made up");
        assertRefused(purse, small, digest, dressed, Refusal.ApprovalInvalid);
    }

    function test_RevertWhen_ApprovalIsMissing() public {
        (bytes32 digest, bytes memory blob) = signed(purse, large);
        assertRefused(purse, large, digest, blob, Refusal.ApprovalMissing);
    }

    function test_RevertWhen_ApprovalIsForged() public {
        (bytes32 digest, bytes memory blob) = signedWithApproval(purse, large, 0xbad);
        assertRefused(purse, large, digest, blob, Refusal.ApproverNotAuthorized);
        // Bytes that recover to nobody at all.
        large.approvalKind = 1;
        (digest, blob) = signed(purse, large);
        assertRefused(purse, large, digest, abi.encodePacked(blob, new bytes(64)), Refusal.ApprovalInvalid);
    }

    /// @dev As with the session key's own: see {PayTest-test_RevertWhen_SIsHigh}.
    function test_RevertWhen_SOfTheApprovalIsHigh() public {
        uint256 order = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141;
        uint256 high = order / 2 + 1;
        large.approvalKind = 1;
        (bytes32 digest, bytes memory blob) = signed(purse, large);
        (, bytes32 r,) = vm.sign(0xa11ce, "a point on the curve");
        address other = ecrecover(approvalDigest(purse, large, digest), 27, r, bytes32(high));
        assertTrue(other != address(0), "nobody's");
        vm.prank(owner);
        desk.grantRole(other, Role.APPROVER);
        assertRefused(purse, large, digest, abi.encodePacked(blob, r, high), Refusal.ApprovalInvalid);
        assertAccepted(purse, digest, abi.encodePacked(blob, r, 1 << 255 | (order - high)));
    }

    function test_RevertWhen_ApproverHasNotTheRole() public {
        vm.prank(owner);
        desk.revokeRole(approver, Role.APPROVER);
        (bytes32 digest, bytes memory blob) = signedWithApproval(purse, large, approverKey);
        assertRefused(purse, large, digest, blob, Refusal.ApproverNotAuthorized);
    }

    function test_GivenRoleRevokedMeanwhile_OutstandingApprovalDies() public {
        (bytes32 digest, bytes memory blob) = signedWithApproval(purse, large, approverKey);
        assertAccepted(purse, digest, blob);
        vm.prank(owner);
        desk.revokeRole(approver, Role.APPROVER);
        assertRefused(purse, large, digest, blob, Refusal.ApproverNotAuthorized);
    }

    function test_RevertWhen_ApproverIsAnAgent() public {
        vm.prank(owner);
        desk.grantRole(agent, Role.APPROVER);
        (bytes32 digest, bytes memory blob) = signedWithApproval(purse, large, agentKey);
        assertRefused(purse, large, digest, blob, Refusal.ApproverNotAuthorized);
    }

    function test_RevertWhen_ApproverIsAnotherEnvelopesAgent() public {
        (bytes32 digest, bytes memory blob) = signedWithApproval(purse, large, approverKey);
        assertAccepted(purse, digest, blob);
        vm.prank(manager);
        desk.createEnvelope(approver, address(usdc), defaultPolicy());
        assertRefused(purse, large, digest, blob, Refusal.ApproverNotAuthorized);
    }

    /// @dev An agent is one that pays: it approves nothing, whatever else is joined.
    function test_RevertWhen_ApproverIsAnAgentAndDutiesAreJoined() public {
        vm.startPrank(owner);
        desk.setSeparationOfDuties(false);
        desk.grantRole(agent, Role.APPROVER);
        vm.stopPrank();
        (bytes32 digest, bytes memory blob) = signedWithApproval(purse, large, agentKey);
        assertRefused(purse, large, digest, blob, Refusal.ApproverNotAuthorized);
    }

    function test_RevertWhen_ApproverIsTheSessionKey() public {
        vm.prank(owner);
        desk.grantRole(sessionKey, Role.APPROVER);
        (bytes32 digest, bytes memory blob) = signedWithApproval(purse, large, sessionSecret);
        assertRefused(purse, large, digest, blob, Refusal.ApproverNotAuthorized);
    }

    /* SEPARATION OF DUTIES */

    function test_RevertWhen_ApproverSetAPolicyAndDutiesAreSeparate() public {
        (bytes32 digest, bytes memory blob) = _approvedByAnAuthor();
        assertRefused(purse, large, digest, blob, Refusal.ApproverNotAuthorized);
    }

    function test_GivenDutiesAreJoined_AuthorApproves() public {
        (bytes32 digest, bytes memory blob) = _approvedByAnAuthor();
        vm.prank(owner);
        desk.setSeparationOfDuties(false);
        assertAccepted(purse, digest, blob);
    }

    function test_RevertWhen_AuthorGaveTheManagerRoleUp() public {
        (bytes32 digest, bytes memory blob) = _approvedByAnAuthor();
        vm.prank(owner);
        desk.revokeRole(approver, Role.POLICY_MANAGER);
        assertRefused(purse, large, digest, blob, Refusal.ApproverNotAuthorized);
    }

    /* OVER ANOTHER PAYMENT */

    function test_RevertWhen_ApprovalIsOverAnotherPayment() public {
        for (uint256 field; field < 6; ++field) {
            Payment memory approved = abi.decode(abi.encode(large), (Payment));
            address from = purse;
            bytes32 digest = digestOf(purse, large);
            if (field == 0) approved.payee = otherPayee;
            else if (field == 1) approved.amount += 1;
            else if (field == 2) approved.validBefore += 1;
            else if (field == 3) approved.decisionHash = keccak256("another decision");
            else if (field == 4) from = stranger;
            else digest = keccak256("another digest");
            bytes32 approval = Digests.typed(treasuryDomain(), Digests.approval(from, approved, digest));
            _assertApprovalRefused(approval);
        }
    }

    function test_RevertWhen_ApprovalIsOfAnotherPaymentAltogether() public {
        Payment memory other = paymentOf(payee, 15 * UNIT);
        other.decisionHash = keccak256("decision 2");
        bytes32 digest = digestOf(purse, other);
        _assertApprovalRefused(approvalDigest(purse, other, digest));
    }

    function test_RevertWhen_ApproverSignedTheBareDigest() public {
        _assertApprovalRefused(digestOf(purse, large));
    }

    function test_RevertWhen_ApprovedForAnotherChainOrTreasury() public {
        bytes32 approval = Digests.approval(purse, large, digestOf(purse, large));
        bytes32 mine = treasuryDomain(CHAIN, address(treasury));
        assertEq(Digests.typed(mine, approval), approvalDigest(purse, large, digestOf(purse, large)));
        _assertApprovalRefused(Digests.typed(treasuryDomain(OTHER_CHAIN, address(treasury)), approval));
        _assertApprovalRefused(Digests.typed(treasuryDomain(CHAIN, stranger), approval));
    }

    function test_RevertWhen_ApprovalIsUsedForTheNextSession() public {
        bytes32 approval = approvalDigest(purse, large, digestOf(purse, large));
        nextSessionKey();
        open(50 * UNIT);
        _assertApprovalRefused(approval);
    }

    function test_GivenApproved_StillOnlyOnce() public {
        (, bytes memory blob) = signedWithApproval(purse, large, approverKey);
        settle(purse, large, blob);
        bytes32 nonce = nonceOf(purse, DECISION);
        vm.expectRevert();
        usdc.transferWithAuthorization(purse, payee, large.amount, 0, large.validBefore, nonce, blob);
    }

    function test_GivenApproved_CapAndListStillHold() public {
        large.amount = 20 * UNIT + 1;
        (bytes32 digest, bytes memory blob) = signedWithApproval(purse, large, approverKey);
        assertRefused(purse, large, digest, blob, Refusal.PaymentCapExceeded);
        large.amount = 20 * UNIT;
        large.payee = otherPayee;
        (digest, blob) = signedWithApproval(purse, large, approverKey);
        assertRefused(purse, large, digest, blob, Refusal.PayeeNotListed);
    }

    function test_RevertWhen_ApprovedButKeyIsForged() public {
        large.approvalKind = 1;
        bytes32 digest = digestOf(purse, large);
        bytes memory blob = blobOf(large, digest, 0xbad);
        (bytes32 r, bytes32 vs) = vm.signCompact(approverKey, approvalDigest(purse, large, digest));
        assertRefused(purse, large, digest, abi.encodePacked(blob, r, vs), Refusal.SessionKeyMismatch);
    }

    /* A CONTRACT APPROVES */

    function test_GivenContractApprover_ItsAnswerCounts() public {
        address wallet = address(new Wallet(approver));
        (bytes32 digest, bytes memory blob) = _signedByContract(wallet, approverKey);
        assertRefused(purse, large, digest, blob, Refusal.ApproverNotAuthorized);
        vm.prank(owner);
        desk.grantRole(wallet, Role.APPROVER);
        assertAccepted(purse, digest, blob);
        (, bytes memory forged) = _signedByContract(wallet, 0xbad);
        assertRefused(purse, large, digest, forged, Refusal.ApprovalInvalid);
        settle(purse, large, blob);
        assertEq(paidTo(payee), 15 * UNIT);
    }

    function test_RevertWhen_ContractKindNamesAnAccountWithoutCode() public {
        (bytes32 digest, bytes memory blob) = _signedByContract(approver, approverKey);
        assertRefused(purse, large, digest, blob, Refusal.ApprovalInvalid);
    }

    /// @dev Reverts, endless loops, return bombs, short and odd answers: each is a no, and the answer comes.
    function test_RevertWhen_ContractApproverMisbehaves() public {
        HostileWallet wallet = new HostileWallet();
        vm.prank(owner);
        desk.grantRole(address(wallet), Role.APPROVER);
        (bytes32 digest, bytes memory blob) = _signedByContract(address(wallet), approverKey);
        for (uint8 mode; mode <= uint8(type(HostileWallet.Mode).max); ++mode) {
            wallet.set(HostileWallet.Mode(mode));
            bytes memory call = abi.encodeWithSelector(VALID, digest, blob);
            (bool success, bytes memory result) = purse.staticcall{gas: 10_000_000}(call);
            bool yes = success && result.length >= 32 && bytes4(result) == VALID;
            assertFalse(yes, vm.toString(mode));
            (bool settled,) = address(usdc).call{gas: 12_000_000}(
                abi.encodeWithSignature(
                    "transferWithAuthorization(address,address,uint256,uint256,uint256,bytes32,bytes)",
                    purse,
                    payee,
                    large.amount,
                    0,
                    large.validBefore,
                    nonceOf(purse, DECISION),
                    blob
                )
            );
            assertFalse(settled, vm.toString(mode));
        }
    }

    /// @dev What a return bomb makes is the approver's own bill, not the caller's memory.
    function test_GivenReturnBomb_AnswerStaysCheap() public {
        HostileWallet wallet = new HostileWallet();
        vm.prank(owner);
        desk.grantRole(address(wallet), Role.APPROVER);
        (bytes32 digest, bytes memory blob) = _signedByContract(address(wallet), approverKey);
        wallet.set(HostileWallet.Mode.ReturnsBomb);
        uint256 before = gasleft();
        assertEq(answer(purse, digest, blob), INVALID);
        // Expanding memory to the bomb's million bytes costs 2 million once; copying it would again.
        assertLt(before - gasleft(), 2_300_000);
    }

    function test_GivenScopedThreshold_ApprovalIsAskedAboveIt() public {
        nextSessionKey();
        SessionRequest memory r = request(50 * UNIT);
        r.scope.approvalThreshold = uint96(UNIT);
        assertOpens(r);
        Payment memory p = paymentOf(payee, 2 * UNIT);
        (bytes32 digest, bytes memory blob) = signed(purse, p);
        assertRefused(purse, p, digest, blob, Refusal.ApprovalMissing);
        (digest, blob) = signedWithApproval(purse, p, approverKey);
        settle(purse, p, blob);
    }

    /* HELP */

    function _assertApprovalRefused(bytes32 approval) private {
        large.approvalKind = 1;
        (bytes32 digest, bytes memory blob) = signed(purse, large);
        (bytes32 r, bytes32 vs) = vm.signCompact(approverKey, approval);
        assertRefused(purse, large, digest, abi.encodePacked(blob, r, vs), Refusal.ApproverNotAuthorized);
    }

    function _approvedByAnAuthor() private returns (bytes32 digest, bytes memory blob) {
        vm.prank(owner);
        desk.grantRole(approver, Role.POLICY_MANAGER);
        vm.prank(approver);
        desk.setPolicy(envelope, defaultPolicy());
        nextSessionKey();
        open(50 * UNIT);
        return signedWithApproval(purse, large, approverKey);
    }

    function _signedByContract(address wallet, uint256 key)
        private
        returns (bytes32 digest, bytes memory blob)
    {
        large.approvalKind = 2;
        (digest, blob) = signed(purse, large);
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, approvalDigest(purse, large, digest));
        blob = abi.encodePacked(blob, wallet, r, s, v);
    }
}
