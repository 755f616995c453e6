// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Payment, PaymentBlob} from "../libraries/PaymentBlob.sol";
import {PaymentDigest} from "../libraries/PaymentDigest.sol";
import {SessionWord} from "../libraries/SessionWord.sol";
import {Account, EnvelopeHead, Refusal, Role, Scope} from "../libraries/Types.sol";
import {TreasuryStorage} from "./TreasuryStorage.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";

/// @notice What a payment must satisfy: asked by the token through the purse, and by the views.
abstract contract TreasuryPaymentRules is TreasuryStorage {
    /// @dev Why not, with the value that binds and the one that came.
    struct Verdict {
        Refusal reason;
        uint256 limit;
        uint256 actual;
    }

    function _judge(address purse, bytes32 domainSeparator, bytes32 digest, bytes calldata signature)
        internal
        view
        returns (Verdict memory verdict)
    {
        SessionWord word = _sessions[purse];
        verdict = _judgeStanding(word);
        if (verdict.reason != Refusal.None) return verdict;

        if (!PaymentBlob.isWellFormed(signature)) {
            return Verdict(Refusal.SignatureMalformed, PaymentBlob.BASE_LENGTH, signature.length);
        }
        Payment memory payment = PaymentBlob.decode(signature);
        if (payment.rail != PaymentBlob.RAIL_EIP3009) {
            return Verdict(Refusal.RailUnknown, PaymentBlob.RAIL_EIP3009, payment.rail);
        }
        bytes32 nonce = PaymentDigest.commitment(
            word.policyVersion(), PaymentDigest.sessionId(purse, word.sequence()), payment.decisionHash
        );
        bytes32 expected = PaymentDigest.eip3009(domainSeparator, purse, payment, nonce);
        if (digest != expected) return Verdict(Refusal.DigestMismatch, uint256(expected), uint256(digest));

        EnvelopeHead memory head = _envelopes[word.envelope()].head;
        uint256 threshold;
        (verdict, threshold) = _judgeRules(purse, word, head, payment.payee, payment.amount);
        if (verdict.reason != Refusal.None) return verdict;

        (address signer, ECDSA.RecoverError err,) = ECDSA.tryRecover(digest, payment.r, payment.vs);
        if (err != ECDSA.RecoverError.NoError || signer != word.key()) {
            return Verdict(Refusal.SessionKeyMismatch, uint160(word.key()), uint160(signer));
        }
        if (payment.amount > threshold) {
            return _judgeApproval(purse, word, payment, digest, signature, threshold);
        }
    }

    /// @dev Whether the session may pay at all.
    function _judgeStanding(SessionWord word) internal view returns (Verdict memory) {
        if (word.key() == address(0)) return Verdict(Refusal.SessionUnknown, 0, 0);
        EnvelopeHead storage head = _envelopes[word.envelope()].head;
        if (_organisation.frozen) return Verdict(Refusal.OrganisationFrozen, 0, 0);
        if (head.flags & FLAG_FROZEN != 0) return Verdict(Refusal.EnvelopeFrozen, 0, 0);
        if (head.policyVersion != word.policyVersion()) {
            return Verdict(Refusal.PolicyChanged, head.policyVersion, word.policyVersion());
        }
        uint256 expiry = word.expiry();
        if (expiry == 0) return Verdict(Refusal.SessionFrozen, 0, 0);
        if (block.timestamp >= expiry) return Verdict(Refusal.SessionExpired, expiry, block.timestamp);
        return Verdict(Refusal.None, 0, 0);
    }

    /// @dev Cap, payee lists and threshold: the policy's, and the session's where it narrows them.
    /// @return verdict What speaks against it.
    /// @return threshold The amount above which a human has to approve.
    function _judgeRules(
        address purse,
        SessionWord word,
        EnvelopeHead memory head,
        address payee,
        uint256 amount
    ) internal view returns (Verdict memory verdict, uint256 threshold) {
        uint256 cap = head.paymentCap;
        threshold = head.approvalThreshold;
        uint256 scopeList;
        if (word.scoped()) {
            Scope memory scope = _scopes[purse];
            if (scope.paymentCap != 0 && scope.paymentCap < cap) cap = scope.paymentCap;
            if (scope.approvalThreshold != 0 && scope.approvalThreshold < threshold) {
                threshold = scope.approvalThreshold;
            }
            scopeList = scope.payeeList;
        }
        if (amount == 0) return (Verdict(Refusal.AmountZero, 1, 0), 0);
        if (amount > cap) return (Verdict(Refusal.PaymentCapExceeded, cap, amount), 0);
        uint256 list = head.payeeList;
        if (list != 0 && !_payees[list][payee]) {
            return (Verdict(Refusal.PayeeNotListed, list, uint160(payee)), 0);
        }
        if (scopeList != 0 && !_payees[scopeList][payee]) {
            return (Verdict(Refusal.PayeeNotListed, scopeList, uint160(payee)), 0);
        }
    }

    /// @dev A human's EIP-712 approval of this very digest, by somebody who may.
    function _judgeApproval(
        address purse,
        SessionWord word,
        Payment memory payment,
        bytes32 digest,
        bytes calldata signature,
        uint256 threshold
    ) internal view returns (Verdict memory) {
        if (payment.approvalKind == PaymentBlob.APPROVAL_NONE) {
            return Verdict(Refusal.ApprovalMissing, threshold, payment.amount);
        }
        bytes32 approvalDigest = _hashTypedData(PaymentDigest.approval(purse, payment, digest));
        address approver;
        if (payment.approvalKind == PaymentBlob.APPROVAL_EOA) {
            (bytes32 r, bytes32 vs) = PaymentBlob.eoaApproval(signature);
            ECDSA.RecoverError err;
            (approver, err,) = ECDSA.tryRecover(approvalDigest, r, vs);
            if (err != ECDSA.RecoverError.NoError) return Verdict(Refusal.ApprovalInvalid, 0, 0);
            if (!_mayApprove(approver, word)) {
                return Verdict(Refusal.ApproverNotAuthorized, Role.APPROVER, uint160(approver));
            }
        } else {
            bytes calldata approverSignature;
            (approver, approverSignature) = PaymentBlob.contractApproval(signature);
            // Asked before it is called: only an approver's own contract ever runs here.
            if (!_mayApprove(approver, word)) {
                return Verdict(Refusal.ApproverNotAuthorized, Role.APPROVER, uint160(approver));
            }
            if (!SignatureChecker.isValidERC1271SignatureNow(approver, approvalDigest, approverSignature)) {
                return Verdict(Refusal.ApprovalInvalid, 0, uint160(approver));
            }
        }
        return Verdict(Refusal.None, 0, 0);
    }

    /// @dev Not an agent, not the session key; and never an author of policies where duties are separate.
    function _mayApprove(address approver, SessionWord word) internal view returns (bool) {
        Account memory account = _accounts[approver];
        if (account.roles & Role.APPROVER == 0 || account.agentOf != 0 || approver == word.key()) {
            return false;
        }
        return !(account.author && _organisation.separateDuties);
    }
}
