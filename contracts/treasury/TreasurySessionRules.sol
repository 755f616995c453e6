// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {SessionWord, SessionWordLib} from "../libraries/SessionWord.sol";
import {Envelope, EnvelopeHead, Refusal, SessionRequest, Window} from "../libraries/Types.sol";
import {Windows} from "../libraries/Windows.sol";
import {TreasuryStorage} from "./TreasuryStorage.sol";
import {SafeTransferLib} from "solady/utils/SafeTransferLib.sol";

/// @notice What opening a session must satisfy, and what it would do: asked by the verb and by the views.
abstract contract TreasurySessionRules is TreasuryStorage {
    bytes32 internal constant OPEN_SESSION_TYPEHASH = keccak256(
        "OpenSession(uint24 envelope,uint16 purseIndex,uint24 sequence,address key,uint96 budget,uint32 expiry,Scope scope,bytes32 stampHash)Scope(uint96 paymentCap,uint96 approvalThreshold,uint16 payeeList)"
    );
    bytes32 internal constant SCOPE_TYPEHASH =
        keccak256("Scope(uint96 paymentCap,uint96 approvalThreshold,uint16 payeeList)");
    bytes32 internal constant CLOSE_SESSION_TYPEHASH =
        keccak256("CloseSession(address purse,uint24 sequence)");

    /// @dev What an opening would do: worked out once, for the views that ask and the call that does.
    struct Opening {
        Refusal reason;
        uint256 limit;
        uint256 actual;
        address purse;
        SessionWord before;
        // What the purse holds and gives back first.
        uint256 held;
        // The part of it that its last session had drawn.
        uint256 unspent;
        EnvelopeHead head;
        Window[5] windows;
    }

    /* DIGESTS */

    /// @notice The EIP-712 digest that the agent signs to open a session.
    function openSessionDigest(SessionRequest calldata request) public view returns (bytes32) {
        bytes32 scopeHash = keccak256(abi.encode(SCOPE_TYPEHASH, request.scope));
        return _hashTypedData(
            keccak256(
                abi.encode(
                    OPEN_SESSION_TYPEHASH,
                    request.envelope,
                    request.purseIndex,
                    request.sequence,
                    request.key,
                    request.budget,
                    request.expiry,
                    scopeHash,
                    request.stampHash
                )
            )
        );
    }

    /// @notice The EIP-712 digest that the agent signs to close a session.
    function closeSessionDigest(address purse, uint24 sequence) public view returns (bytes32) {
        return _hashTypedData(keccak256(abi.encode(CLOSE_SESSION_TYPEHASH, purse, sequence)));
    }

    /* RULES */

    /// @dev Every rule of an opening but the signature. `opening.windows` come out as they will be stored.
    function _plan(SessionRequest calldata request) internal view returns (Opening memory opening) {
        Envelope storage envelope = _envelopes[request.envelope];
        EnvelopeHead memory head = envelope.head;
        opening.head = head;
        if (head.policyVersion == 0) {
            return _refuse(opening, Refusal.EnvelopeUnknown, _organisation.envelopes, request.envelope);
        }
        if (_organisation.frozen) return _refuse(opening, Refusal.OrganisationFrozen, 0, 0);
        if (head.flags & FLAG_FROZEN != 0) return _refuse(opening, Refusal.EnvelopeFrozen, 0, 0);
        if (head.flags & FLAG_REVIEW != 0) return _refuse(opening, Refusal.UnderReview, 0, 0);
        if (request.purseIndex > envelope.morePurses) {
            return _refuse(opening, Refusal.PurseUnknown, envelope.morePurses, request.purseIndex);
        }
        opening.purse = _purseAddress(request.envelope, request.purseIndex, envelope.asset);
        opening.before = _sessions[opening.purse];
        // A frozen session is the treasury's to end: an agent that could replace it would unfreeze itself.
        if (_isHeldFrozen(opening.purse, opening.before)) {
            return _refuse(opening, Refusal.SessionFrozen, 0, 0);
        }
        uint256 next = uint256(opening.before.sequence()) + 1;
        if (request.sequence != next || next > SessionWordLib.MAX_SEQUENCE) {
            return _refuse(opening, Refusal.SequenceMismatch, next, request.sequence);
        }
        // A key that is the agent's own or the last session's would blur who signed what.
        if (request.key == address(0) || request.key == envelope.agent || request.key == opening.before.key())
        {
            return _refuse(opening, Refusal.SessionKeyInvalid, uint160(envelope.agent), uint160(request.key));
        }
        if (request.budget == 0) return _refuse(opening, Refusal.BudgetZero, 1, 0);
        if (request.budget > envelope.sessionLimit) {
            return _refuse(opening, Refusal.SessionLimitExceeded, envelope.sessionLimit, request.budget);
        }
        if (request.expiry <= block.timestamp) {
            return _refuse(opening, Refusal.ExpiryInPast, block.timestamp, request.expiry);
        }
        if (request.expiry - block.timestamp > head.maxSessionSeconds) {
            return _refuse(
                opening, Refusal.SessionTooLong, block.timestamp + head.maxSessionSeconds, request.expiry
            );
        }
        if (_widens(request.scope.paymentCap, head.paymentCap)) {
            return _refuse(opening, Refusal.ScopeWidens, head.paymentCap, request.scope.paymentCap);
        }
        if (_widens(request.scope.approvalThreshold, head.approvalThreshold)) {
            return
                _refuse(opening, Refusal.ScopeWidens, head.approvalThreshold, request.scope.approvalThreshold);
        }
        _measureReturn(envelope, opening);
        uint256 available = envelope.escrow + opening.held;
        if (request.budget > available) {
            return _refuse(opening, Refusal.EscrowExceeded, available, request.budget);
        }
        return _planWindows(envelope, opening, request);
    }

    /// @dev Whether a purse's session is frozen and would otherwise still run.
    function _isHeldFrozen(address purse, SessionWord word) internal view returns (bool) {
        return word.key() != address(0) && word.expiry() == 0 && block.timestamp < _draws[purse].expiry;
    }

    function _planWindows(Envelope storage envelope, Opening memory opening, SessionRequest calldata request)
        internal
        view
        returns (Opening memory)
    {
        for (uint256 i; i < 5; ++i) {
            Window memory window = envelope.windows[i];
            if (window.limit == 0) break;
            opening.windows[i] = window;
            uint256 end = Windows.endAt(window.period, block.timestamp);
            // What a session spends must be spent in the window that counted it.
            if (request.expiry > end) return _refuse(opening, Refusal.ExpiryPastWindow, end, request.expiry);
            uint256 used = _usedAfterReturn(envelope, opening, i) + request.budget;
            if (used > window.limit) {
                Refusal reason =
                    window.period == 0 ? Refusal.LifetimeLimitExceeded : Refusal.WindowLimitExceeded;
                return _refuse(opening, reason, window.limit, used);
            }
            window.used = uint96(used);
            window.index = uint32(Windows.indexAt(window.period, block.timestamp));
        }
        return opening;
    }

    function _widens(uint256 narrowed, uint256 bound) internal pure returns (bool) {
        return narrowed > bound;
    }

    function _refuse(Opening memory opening, Refusal reason, uint256 limit, uint256 actual)
        internal
        pure
        returns (Opening memory)
    {
        opening.reason = reason;
        opening.limit = limit;
        opening.actual = actual;
        return opening;
    }

    /// @dev What the purse holds, and how much of that its last session drew and did not spend.
    function _measureReturn(Envelope storage envelope, Opening memory opening) internal view {
        opening.held = SafeTransferLib.balanceOf(_assets[envelope.asset].token, opening.purse);
        if (opening.before.key() == address(0)) return;
        uint256 budget = _draws[opening.purse].budget;
        opening.unspent = opening.held < budget ? opening.held : budget;
    }

    /// @dev A session of a policy with other periods was not counted in these windows: it gives nothing back.
    function _usedAfterReturn(Envelope storage envelope, Opening memory opening, uint256 i)
        internal
        view
        returns (uint256)
    {
        bool counted = opening.unspent != 0 && opening.before.policyVersion() >= envelope.windowsSince;
        uint256 unspent = counted ? opening.unspent : 0;
        uint256 drawnAt = counted ? _draws[opening.purse].openedAt : block.timestamp;
        return Windows.usedAfterReturn(opening.windows[i], block.timestamp, drawnAt, unspent);
    }
}
