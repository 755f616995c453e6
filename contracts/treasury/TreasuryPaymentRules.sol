// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {HeadWord, HeadWordLib} from "../libraries/HeadWord.sol";
import {Payment, PaymentBlob} from "../libraries/PaymentBlob.sol";
import {PaymentDigest} from "../libraries/PaymentDigest.sol";
import {Permit2Digest} from "../libraries/Permit2Digest.sol";
import {SessionWord} from "../libraries/SessionWord.sol";
import {Account, Refusal, Role, Scope} from "../libraries/Types.sol";
import {Verdict, Verdicts} from "../libraries/Verdict.sol";
import {TreasuryStanding} from "./TreasuryStanding.sol";
import {IERC3009} from "@openzeppelin/contracts/interfaces/draft-IERC3009.sol";
import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";
import {ECDSA} from "solady/utils/ECDSA.sol";

interface IPermit2Nonces {
    /// @notice 256 one-time nonces, as bits: those of `owner` that share `wordPosition`.
    function nonceBitmap(address owner, uint256 wordPosition) external view returns (uint256);
}

/// @notice What a payment must satisfy: asked by the token through the purse, and by the views.
/// @dev Every rule answers with a {Verdict}. The session's word and the envelope's head are read once and passed on.
/// What every payment passes is nested instead of joined by `&&`, and falls through: both cost less gas.
abstract contract TreasuryPaymentRules is TreasuryStanding {
    /// @dev Half the order of secp256k1, rounded down: what a low s is at most.
    uint256 private constant HALF_N = 0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0;

    /// @dev The bits of {Account} that say who may approve: the role is set, and nothing of `agentOf`.
    uint256 private constant APPROVER_OR_AGENT = ~uint256(0xffff) | Role.APPROVER;

    /// @dev All the rules, over one signature of one purse.
    function _judge(address purse, bytes32 domainSeparator, bytes32 digest, bytes calldata signature)
        internal
        view
        returns (Verdict verdict)
    {
        SessionWord word = _sessions[purse];
        HeadWord head = _envelopes[word.envelope()].head;
        uint256 epoch;
        (verdict, epoch) = _judgeStanding(word, head);
        if (verdict.refuses()) return verdict;

        if (!PaymentBlob.isWellFormed(signature)) {
            return Verdicts.refused(Refusal.SignatureMalformed, PaymentBlob.BASE_LENGTH, signature.length);
        }
        Payment payment = PaymentBlob.read(signature);
        // A block of its own: the stack has no room for all of this and the rules below.
        {
            bytes32 nonce = PaymentDigest.commitment(
                PaymentDigest.terms(epoch, word.policyVersion()),
                PaymentDigest.sessionId(purse, word.sequence()),
                payment.decisionHash()
            );
            bytes32 expected;
            if (payment.rail() == PaymentBlob.RAIL_EIP3009) {
                expected = PaymentDigest.eip3009(domainSeparator, purse, payment, nonce);
            } else {
                uint256 rail = payment.rail();
                if (rail == 0 || rail > PaymentBlob.RAIL_PERMIT2_UPTO) {
                    return Verdicts.refused(Refusal.RailUnknown, PaymentBlob.RAIL_PERMIT2_UPTO, rail);
                }
                if (!head.has(HeadWordLib.PERMIT2)) {
                    return Verdicts.refused(Refusal.RailNotAllowed, PaymentBlob.RAIL_EIP3009, rail);
                }
                expected = _permit2Digest(word, nonce, signature);
            }
            if (digest != expected) {
                return Verdicts.refused(Refusal.DigestMismatch, uint256(expected), uint256(digest));
            }
            if (head.has(HeadWordLib.PERMIT2)) {
                if (_settledElsewhere(purse, word, payment, nonce)) {
                    return Verdicts.refused(Refusal.DecisionSettled, 1, 2);
                }
            }
        }

        // The digest is about this payment: limits, session key, approval.
        uint256 threshold;
        (verdict, threshold) = _judgeRules(purse, word, head, payment.payee(), payment.amount());
        if (verdict.refuses()) return verdict;
        (bytes32 r, bytes32 vs) = payment.signature();
        address signer;
        if (_isLow(vs)) signer = ECDSA.tryRecover(digest, r, vs);
        // The key of an open session is never zero, what nobody signed recovers to zero.
        if (signer != word.key()) {
            return Verdicts.refused(Refusal.SessionKeyMismatch, uint160(word.key()), uint160(signer));
        }
        if (payment.approvalKind() != PaymentBlob.APPROVAL_NONE) {
            // Judged even where none is due: whoever submits a payment must not be able to write an approver into it.
            return _judgeApproval(purse, word, digest, signature);
        }
        if (payment.amount() > threshold) {
            return Verdicts.refused(Refusal.ApprovalMissing, threshold, payment.amount());
        }
    }

    /// @dev What Permit2 must be asking about.
    function _permit2Digest(SessionWord word, bytes32 nonce, bytes calldata signature)
        private
        view
        returns (bytes32)
    {
        Payment payment = PaymentBlob.read(signature);
        address token = _assets[_envelopes[word.envelope()].books.asset()].token;
        if (payment.rail() == PaymentBlob.RAIL_PERMIT2_EXACT) {
            return Permit2Digest.exact(token, payment, nonce);
        }
        return Permit2Digest.upto(token, payment, nonce, PaymentBlob.facilitator(signature));
    }

    /// @dev Whether the decision has settled on the other rail: token and Permit2 count nonces apart.
    function _settledElsewhere(address purse, SessionWord word, Payment payment, bytes32 nonce)
        private
        view
        returns (bool)
    {
        if (payment.rail() == PaymentBlob.RAIL_EIP3009) {
            uint256 used = IPermit2Nonces(Permit2Digest.PERMIT2).nonceBitmap(purse, uint256(nonce) >> 8);
            return used >> (uint256(nonce) & 0xff) & 1 != 0;
        }
        address token = _assets[_envelopes[word.envelope()].books.asset()].token;
        return IERC3009(token).authorizationState(purse, nonce);
    }

    /// @dev Whether the session may pay at all, and the epoch that its payments commit to.
    function _judgeStanding(SessionWord word, HeadWord head)
        internal
        view
        returns (Verdict verdict, uint256 epoch)
    {
        if (word.key() == address(0)) return (Verdicts.refused(Refusal.SessionUnknown, 0, 0), 0);
        (verdict, epoch) = _judgeStops(word.envelope(), head);
        if (verdict.refuses()) return (verdict, 0);
        if (head.policyVersion() != word.policyVersion()) {
            return (Verdicts.refused(Refusal.PolicyChanged, head.policyVersion(), word.policyVersion()), 0);
        }
        uint256 expiry = word.expiry();
        if (block.timestamp >= expiry) {
            if (expiry == 0) return (Verdicts.refused(Refusal.SessionFrozen, 0, 0), 0);
            return (Verdicts.refused(Refusal.SessionExpired, expiry, block.timestamp), 0);
        }
    }

    /// @dev Cap, payee lists and threshold: the policy's, and the session's where it narrows them.
    /// @return verdict What speaks against it.
    /// @return threshold The amount above which a human has to approve.
    function _judgeRules(address purse, SessionWord word, HeadWord head, address payee, uint256 amount)
        internal
        view
        returns (Verdict verdict, uint256 threshold)
    {
        uint256 cap = head.paymentCap();
        threshold = head.approvalThreshold();
        uint256 list = head.payeeList();
        if (word.scoped()) {
            Scope memory scope = _scopes[purse];
            if (scope.paymentCap != 0 && scope.paymentCap < cap) cap = scope.paymentCap;
            if (scope.approvalThreshold != 0 && scope.approvalThreshold < threshold) {
                threshold = scope.approvalThreshold;
            }
            if (scope.payeeList != 0 && !_isListed(scope.payeeList, payee)) {
                return (Verdicts.refused(Refusal.PayeeNotListed, scope.payeeList, uint160(payee)), 0);
            }
        }
        if (amount == 0) return (Verdicts.refused(Refusal.AmountZero, 1, 0), 0);
        if (amount > cap) return (Verdicts.refused(Refusal.PaymentCapExceeded, cap, amount), 0);
        if (list != 0 && !_isListed(list, payee)) {
            return (Verdicts.refused(Refusal.PayeeNotListed, list, uint160(payee)), 0);
        }
    }

    /// @dev A human's EIP-712 approval of this very digest, by somebody who may.
    function _judgeApproval(address purse, SessionWord word, bytes32 digest, bytes calldata signature)
        private
        view
        returns (Verdict verdict)
    {
        Payment payment = PaymentBlob.read(signature);
        bytes32 approvalDigest = _hashTypedData(PaymentDigest.approval(purse, payment, digest));
        if (payment.approvalKind() == PaymentBlob.APPROVAL_EOA) {
            (bytes32 r, bytes32 vs) = PaymentBlob.eoaApproval(signature);
            address signer;
            if (_isLow(vs)) signer = ECDSA.tryRecover(approvalDigest, r, vs);
            if (signer == address(0)) return Verdicts.refused(Refusal.ApprovalInvalid, 0, 0);
            if (!_mayApprove(signer, word)) {
                return Verdicts.refused(Refusal.ApproverNotAuthorized, Role.APPROVER, uint160(signer));
            }
        } else {
            (address approver, bytes calldata approverSignature) =
                PaymentBlob.contractApproval(signature, payment.rail());
            // Asked before it is called: only an approver's own contract ever runs here.
            if (!_mayApprove(approver, word)) {
                return Verdicts.refused(Refusal.ApproverNotAuthorized, Role.APPROVER, uint160(approver));
            }
            if (!SignatureChecker.isValidERC1271SignatureNow(approver, approvalDigest, approverSignature)) {
                return Verdicts.refused(Refusal.ApprovalInvalid, 0, uint160(approver));
            }
        }
    }

    /// @dev Not an agent, not the session key; and never an author of policies where duties are separate.
    function _mayApprove(address approver, SessionWord word) private view returns (bool) {
        Account storage record = _accounts[approver];
        uint256 account;
        // One read for the three fields of {Account}: `agentOf (24) | author (8) | roles (8)`.
        assembly ("memory-safe") {
            account := sload(record.slot)
        }
        if (account & APPROVER_OR_AGENT != Role.APPROVER) return false;
        if (account >> 8 != 0) {
            if (_organisation.separateDuties) return false;
        }
        return approver != word.key();
    }

    /// @dev Whether the s of a compact signature is low: a payment has one signature, not its mirror image as well.
    function _isLow(bytes32 vs) private pure returns (bool) {
        return uint256(vs) & type(uint256).max >> 1 <= HALF_N;
    }
}
