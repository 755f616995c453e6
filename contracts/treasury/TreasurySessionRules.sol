// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {HeadWord, HeadWordLib} from "../libraries/HeadWord.sol";
import {SessionWord, SessionWordLib} from "../libraries/SessionWord.sol";
import {Draw, Envelope, Refusal, SessionRequest, Window} from "../libraries/Types.sol";
import {Verdict} from "../libraries/Verdict.sol";
import {WindowWord, WindowWordLib} from "../libraries/WindowWord.sol";
import {Windows} from "../libraries/Windows.sol";
import {TreasuryStanding} from "./TreasuryStanding.sol";
import {SafeTransferLib} from "solady/utils/SafeTransferLib.sol";

/// @notice What opening a session must satisfy, and what it would do: asked by the verb and by the views.
abstract contract TreasurySessionRules is TreasuryStanding {
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
        uint16 policyVersion;
        uint24 group;
        uint8 asset;
        Returned returned;
        // As they will be stored.
        WindowWord[5] windows;
    }

    /// @dev What a purse gives back before anything else happens.
    struct Returned {
        // All it holds.
        uint256 held;
        // The part of it that its last session had drawn.
        uint256 unspent;
        // When that session drew, and from which group.
        uint256 drawnAt;
        uint24 group;
        // Whether the envelope's windows were counting then.
        bool counted;
    }

    /* DIGESTS */

    /// @dev The EIP-712 digest that the agent signs to open a session.
    function _openSessionDigest(SessionRequest calldata request) internal view returns (bytes32) {
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

    /// @dev The EIP-712 digest that the agent signs to close a session.
    function _closeSessionDigest(address purse, uint24 sequence) internal view returns (bytes32) {
        return _hashTypedData(keccak256(abi.encode(CLOSE_SESSION_TYPEHASH, purse, sequence)));
    }

    /* RULES */

    /// @dev Every rule of an opening but the signature.
    function _plan(SessionRequest calldata request) internal view returns (Opening memory opening) {
        Envelope storage envelope = _envelopes[request.envelope];
        HeadWord head = envelope.head;
        opening.policyVersion = head.policyVersion();
        if (opening.policyVersion == 0) {
            return _refuse(opening, Refusal.EnvelopeUnknown, _organisation.envelopes, request.envelope);
        }
        (Verdict stopped,) = _judgeStops(request.envelope, head);
        if (stopped.refuses()) {
            (opening.reason, opening.limit, opening.actual) = stopped.reasons();
            return opening;
        }
        if (head.has(HeadWordLib.REVIEW)) return _refuse(opening, Refusal.UnderReview, 0, 0);
        if (request.stampHash != 0 && _revokedStamps[request.stampHash]) {
            return _refuse(opening, Refusal.StampRevoked, 0, uint256(request.stampHash));
        }
        opening.asset = envelope.asset;
        opening.group = envelope.group;
        if (request.purseIndex > envelope.morePurses) {
            return _refuse(opening, Refusal.PurseUnknown, envelope.morePurses, request.purseIndex);
        }
        opening.purse = _purseAddress(request.envelope, request.purseIndex, opening.asset);
        opening.before = _sessions[opening.purse];
        // A frozen session is the treasury's to end: an agent that could replace it would unfreeze itself.
        if (_isHeldFrozen(opening.purse, opening.before)) {
            return _refuse(opening, Refusal.SessionFrozen, 0, 0);
        }
        return _planRequest(envelope, opening, request, head);
    }

    /// @dev The rules over what is asked for.
    function _planRequest(
        Envelope storage envelope,
        Opening memory opening,
        SessionRequest calldata request,
        HeadWord head
    ) private view returns (Opening memory) {
        uint256 next = uint256(opening.before.sequence()) + 1;
        if (request.sequence != next || next > SessionWordLib.MAX_SEQUENCE) {
            return _refuse(opening, Refusal.SequenceMismatch, next, request.sequence);
        }
        address agent = envelope.agent;
        // A key that is the agent's own or the last session's would blur who signed what.
        if (request.key == address(0) || request.key == agent || request.key == opening.before.key()) {
            return _refuse(opening, Refusal.SessionKeyInvalid, uint160(agent), uint160(request.key));
        }
        if (request.budget == 0) return _refuse(opening, Refusal.BudgetZero, 1, 0);
        if (request.budget > envelope.sessionLimit) {
            return _refuse(opening, Refusal.SessionLimitExceeded, envelope.sessionLimit, request.budget);
        }
        if (request.expiry <= block.timestamp) {
            return _refuse(opening, Refusal.ExpiryInPast, block.timestamp, request.expiry);
        }
        uint256 longest = head.maxSessionSeconds();
        if (request.expiry - block.timestamp > longest) {
            return _refuse(opening, Refusal.SessionTooLong, block.timestamp + longest, request.expiry);
        }
        if (request.scope.paymentCap > head.paymentCap()) {
            return _refuse(opening, Refusal.ScopeWidens, head.paymentCap(), request.scope.paymentCap);
        }
        if (request.scope.approvalThreshold > head.approvalThreshold()) {
            return
                _refuse(
                    opening, Refusal.ScopeWidens, head.approvalThreshold(), request.scope.approvalThreshold
                );
        }
        opening.returned = _measureReturn(envelope, opening.purse, opening.before);
        uint256 available = envelope.escrow + opening.returned.held;
        if (request.budget > available) {
            return _refuse(opening, Refusal.EscrowExceeded, available, request.budget);
        }
        _planWindows(envelope, opening, request);
        if (opening.reason == Refusal.None && opening.group != 0) _planGroups(opening, request);
        return opening;
    }

    /// @dev Whether a purse's session is frozen and would otherwise still run.
    function _isHeldFrozen(address purse, SessionWord word) internal view returns (bool) {
        return word.key() != address(0) && word.expiry() == 0 && block.timestamp < _draws[purse].expiry;
    }

    /// @dev The envelope's own limits.
    function _planWindows(Envelope storage envelope, Opening memory opening, SessionRequest calldata request)
        private
        view
    {
        Returned memory returned = opening.returned;
        uint256 unspent = returned.counted ? returned.unspent : 0;
        for (uint256 i; i < 5; ++i) {
            Window memory window = envelope.windows[i].unpack();
            if (window.limit == 0) break;
            uint256 used = _planWindow(window, opening, request, returned.drawnAt, unspent);
            if (used > window.limit) {
                bool lifetime = window.period == 0;
                Refusal reason = lifetime ? Refusal.LifetimeLimitExceeded : Refusal.WindowLimitExceeded;
                _refuse(opening, reason, window.limit, used);
            }
            if (opening.reason != Refusal.None) return;
            opening.windows[i] = _used(window, used);
        }
    }

    /// @dev The limits of the envelope's group and of every group above it.
    function _planGroups(Opening memory opening, SessionRequest calldata request) private view {
        Returned memory returned = opening.returned;
        for (uint24 number = opening.group; number != 0; number = _groups[number].parent) {
            // What the last session gives back, it gives to the groups that it was drawn from.
            uint256 unspent = _isWithin(returned.group, number) ? returned.unspent : 0;
            for (uint256 i; i < 5; ++i) {
                Window memory window = _groups[number].windows[i].unpack();
                if (window.limit == 0) break;
                uint256 used = _planWindow(window, opening, request, returned.drawnAt, unspent);
                if (used > window.limit) {
                    bool lifetime = window.period == 0;
                    _refuse(
                        opening,
                        lifetime ? Refusal.GroupLifetimeLimitExceeded : Refusal.GroupWindowLimitExceeded,
                        window.limit,
                        used
                    );
                }
                if (opening.reason != Refusal.None) return;
            }
        }
    }

    /// @return used What the window would count; refuses a session that would outlive it.
    function _planWindow(
        Window memory window,
        Opening memory opening,
        SessionRequest calldata request,
        uint256 drawnAt,
        uint256 unspent
    ) private view returns (uint256 used) {
        uint256 end = Windows.endAt(window.period, block.timestamp);
        // What a session spends must be spent in the window that counted it.
        if (request.expiry > end) _refuse(opening, Refusal.ExpiryPastWindow, end, request.expiry);
        else used = Windows.usedAfterReturn(window, block.timestamp, drawnAt, unspent) + request.budget;
    }

    function _refuse(Opening memory opening, Refusal reason, uint256 limit, uint256 actual)
        private
        pure
        returns (Opening memory)
    {
        opening.reason = reason;
        opening.limit = limit;
        opening.actual = actual;
        return opening;
    }

    /// @dev What the purse holds, and how much of that its last session drew and did not spend.
    function _measureReturn(Envelope storage envelope, address purse, SessionWord before)
        internal
        view
        returns (Returned memory returned)
    {
        returned.held = SafeTransferLib.balanceOf(_assets[envelope.asset].token, purse);
        if (before.key() == address(0)) return returned;
        Draw storage draw = _draws[purse];
        uint256 budget = draw.budget;
        returned.unspent = returned.held < budget ? returned.held : budget;
        returned.drawnAt = draw.openedAt;
        returned.group = draw.group;
        // A session of a policy with other periods was not counted in these windows: it gives nothing back.
        returned.counted = before.policyVersion() >= envelope.windowsSince;
    }

    /// @dev The window as it is stored once it counts `used`.
    function _used(Window memory window, uint256 used) internal view returns (WindowWord) {
        window.used = uint96(used);
        window.index = uint32(Windows.indexAt(window.period, block.timestamp));
        return WindowWordLib.pack(window);
    }

    /// @dev Whether a group is `above` itself or stands anywhere below it.
    function _isWithin(uint24 group, uint24 above) private view returns (bool) {
        while (group != 0 && group != above) group = _groups[group].parent;
        return group != 0;
    }
}
