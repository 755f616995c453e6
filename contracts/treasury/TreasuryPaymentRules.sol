// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Payment, PaymentBlob} from "../libraries/PaymentBlob.sol";
import {PaymentDigest} from "../libraries/PaymentDigest.sol";
import {SessionWord} from "../libraries/SessionWord.sol";
import {Account, EnvelopeHead, Refusal, Role, Scope} from "../libraries/Types.sol";
import {TreasuryStorage} from "./TreasuryStorage.sol";
import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";
import {ECDSA} from "solady/utils/ECDSA.sol";

/// @notice What a payment must satisfy: asked by the token through the purse, and by the views.
/// @dev Every rule answers `(reason, limit, actual)`: `None` where it holds, otherwise why not, with the value
/// that binds and the one that came. The session's word and the envelope's head are read once and passed on.
abstract contract TreasuryPaymentRules is TreasuryStorage {
    /// @dev All the rules, over one signature of one purse.
    function _judge(address purse, bytes32 domainSeparator, bytes32 digest, bytes calldata signature)
        internal
        view
        returns (Refusal reason, uint256 limit, uint256 actual)
    {
        SessionWord word = _sessions[purse];
        EnvelopeHead memory head = _envelopes[word.envelope()].head;
        (reason, limit, actual) = _judgeStanding(word, head);
        if (reason != Refusal.None) return (reason, limit, actual);

        if (!PaymentBlob.isWellFormed(signature)) {
            return (Refusal.SignatureMalformed, PaymentBlob.BASE_LENGTH, signature.length);
        }
        Payment memory payment = PaymentBlob.decode(signature);
        if (payment.rail != PaymentBlob.RAIL_EIP3009) {
            return (Refusal.RailUnknown, PaymentBlob.RAIL_EIP3009, payment.rail);
        }
        bytes32 expected = _digest(purse, word, domainSeparator, payment);
        if (digest != expected) return (Refusal.DigestMismatch, uint256(expected), uint256(digest));
        return _judgePayment(purse, word, head, payment, digest, signature);
    }

    /// @dev What the token must be asking about, if the blob is to be believed.
    function _digest(address purse, SessionWord word, bytes32 domainSeparator, Payment memory payment)
        private
        pure
        returns (bytes32)
    {
        bytes32 session = PaymentDigest.sessionId(purse, word.sequence());
        bytes32 nonce = PaymentDigest.commitment(word.policyVersion(), session, payment.decisionHash);
        return PaymentDigest.eip3009(domainSeparator, purse, payment, nonce);
    }

    /// @dev The rules over a payment that the digest is about: limits, session key, approval.
    function _judgePayment(
        address purse,
        SessionWord word,
        EnvelopeHead memory head,
        Payment memory payment,
        bytes32 digest,
        bytes calldata signature
    ) private view returns (Refusal reason, uint256 limit, uint256 actual) {
        uint256 threshold;
        (reason, limit, actual, threshold) = _judgeRules(purse, word, head, payment.payee, payment.amount);
        if (reason != Refusal.None) return (reason, limit, actual);

        address signer = _recover(digest, payment.r, payment.vs);
        if (signer == address(0) || signer != word.key()) {
            return (Refusal.SessionKeyMismatch, uint160(word.key()), uint160(signer));
        }
        if (payment.approvalKind == PaymentBlob.APPROVAL_NONE) {
            if (payment.amount <= threshold) return (Refusal.None, 0, 0);
            return (Refusal.ApprovalMissing, threshold, payment.amount);
        }
        // Judged even where none is due: whoever submits a payment must not be able to write an approver into it.
        return _judgeApproval(purse, word, payment, digest, signature);
    }

    /// @dev Whether the session may pay at all.
    function _judgeStanding(SessionWord word, EnvelopeHead memory head)
        internal
        view
        returns (Refusal, uint256, uint256)
    {
        if (word.key() == address(0)) return (Refusal.SessionUnknown, 0, 0);
        if (_organisation.frozen) return (Refusal.OrganisationFrozen, 0, 0);
        if (head.flags & FLAG_FROZEN != 0) return (Refusal.EnvelopeFrozen, 0, 0);
        if (head.policyVersion != word.policyVersion()) {
            return (Refusal.PolicyChanged, head.policyVersion, word.policyVersion());
        }
        uint256 expiry = word.expiry();
        if (expiry == 0) return (Refusal.SessionFrozen, 0, 0);
        if (block.timestamp >= expiry) return (Refusal.SessionExpired, expiry, block.timestamp);
        return (Refusal.None, 0, 0);
    }

    /// @dev Cap, payee lists and threshold: the policy's, and the session's where it narrows them.
    /// @return reason What speaks against it.
    /// @return limit The value that binds.
    /// @return actual The value that came.
    /// @return threshold The amount above which a human has to approve.
    function _judgeRules(
        address purse,
        SessionWord word,
        EnvelopeHead memory head,
        address payee,
        uint256 amount
    ) internal view returns (Refusal reason, uint256 limit, uint256 actual, uint256 threshold) {
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
        if (amount == 0) return (Refusal.AmountZero, 1, 0, 0);
        if (amount > cap) return (Refusal.PaymentCapExceeded, cap, amount, 0);
        uint256 list = head.payeeList;
        if (list != 0 && !_payees[list][payee]) return (Refusal.PayeeNotListed, list, uint160(payee), 0);
        if (scopeList != 0 && !_payees[scopeList][payee]) {
            return (Refusal.PayeeNotListed, scopeList, uint160(payee), 0);
        }
    }

    /// @dev A human's EIP-712 approval of this very digest, by somebody who may.
    function _judgeApproval(
        address purse,
        SessionWord word,
        Payment memory payment,
        bytes32 digest,
        bytes calldata signature
    ) internal view returns (Refusal, uint256, uint256) {
        bytes32 approvalDigest = _hashTypedData(PaymentDigest.approval(purse, payment, digest));
        if (payment.approvalKind == PaymentBlob.APPROVAL_EOA) {
            (bytes32 r, bytes32 vs) = PaymentBlob.eoaApproval(signature);
            address signer = _recover(approvalDigest, r, vs);
            if (signer == address(0)) return (Refusal.ApprovalInvalid, 0, 0);
            if (!_mayApprove(signer, word)) {
                return (Refusal.ApproverNotAuthorized, Role.APPROVER, uint160(signer));
            }
            return (Refusal.None, 0, 0);
        }
        (address approver, bytes calldata approverSignature) = PaymentBlob.contractApproval(signature);
        // Asked before it is called: only an approver's own contract ever runs here.
        if (!_mayApprove(approver, word)) {
            return (Refusal.ApproverNotAuthorized, Role.APPROVER, uint160(approver));
        }
        if (!SignatureChecker.isValidERC1271SignatureNow(approver, approvalDigest, approverSignature)) {
            return (Refusal.ApprovalInvalid, 0, uint160(approver));
        }
        return (Refusal.None, 0, 0);
    }

    /// @dev Not an agent, not the session key; and never an author of policies where duties are separate.
    function _mayApprove(address approver, SessionWord word) internal view returns (bool) {
        Account storage account = _accounts[approver];
        if (account.roles & Role.APPROVER == 0 || account.agentOf != 0 || approver == word.key()) {
            return false;
        }
        return !account.author || !_organisation.separateDuties;
    }

    /// @dev Zero where the signature is nobody's, or has a high s: one payment has one signature.
    function _recover(bytes32 digest, bytes32 r, bytes32 vs) private view returns (address) {
        if (uint256(vs << 1) >> 1 > ECDSA.N / 2) return address(0);
        return ECDSA.tryRecover(digest, r, vs);
    }
}
