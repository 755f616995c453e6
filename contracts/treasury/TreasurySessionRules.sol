// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {BooksWord} from "../libraries/BooksWord.sol";
import {DrawWord} from "../libraries/DrawWord.sol";
import {HeadWord, HeadWordLib} from "../libraries/HeadWord.sol";
import {SessionWord, SessionWordLib} from "../libraries/SessionWord.sol";
import {Envelope, Refusal, SessionRequest} from "../libraries/Types.sol";
import {Verdict, Verdicts} from "../libraries/Verdict.sol";
import {WindowWord} from "../libraries/WindowWord.sol";
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
        Verdict verdict;
        address purse;
        address agent;
        address token;
        SessionWord before;
        BooksWord books;
        uint16 policyVersion;
        // What the purse gives back before anything else happens: all it holds.
        uint256 held;
        // The part of it that its last session had drawn.
        uint256 unspent;
        // What that session drew, when, and from which group.
        DrawWord draw;
        // Whether the envelope's windows were counting then.
        bool counted;
        // As they will be stored.
        WindowWord[5] windows;
    }

    /* DIGESTS */

    /// @dev The EIP-712 digest that the agent signs to open a session.
    function _openSessionDigest(SessionRequest memory request) internal view returns (bytes32) {
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
    function _plan(SessionRequest memory request) internal view returns (Opening memory opening) {
        Envelope storage envelope = _envelopes[request.envelope];
        HeadWord head = envelope.head;
        opening.policyVersion = head.policyVersion();
        opening.verdict = _judgeEnvelope(request, head);
        if (opening.verdict.refuses()) return opening;
        opening.books = envelope.books;
        opening.verdict = _judgePurse(request, opening);
        if (opening.verdict.refuses()) return opening;
        opening.agent = envelope.agent;
        opening.verdict = _judgeRequest(request, opening, head, envelope.sessionLimit);
        if (opening.verdict.refuses()) return opening;
        _measureReturn(opening);
        opening.verdict = _judgeLimits(request, opening, envelope);
    }

    /// @dev Whether the envelope opens sessions at all.
    function _judgeEnvelope(SessionRequest memory request, HeadWord head)
        private
        view
        returns (Verdict verdict)
    {
        if (head.policyVersion() == 0) {
            return Verdicts.refused(Refusal.EnvelopeUnknown, _organisation.envelopes, request.envelope);
        }
        (verdict,) = _judgeStops(request.envelope, head);
        if (verdict.refuses()) return verdict;
        if (head.has(HeadWordLib.REVIEW)) return Verdicts.refused(Refusal.UnderReview, 0, 0);
        if (request.stampHash != 0 && _revokedStamps[request.stampHash]) {
            return Verdicts.refused(Refusal.StampRevoked, 0, uint256(request.stampHash));
        }
    }

    /// @dev Whether the score is fresh, where one is asked for; the purse is there; and its turn is this one.
    function _judgePurse(SessionRequest memory request, Opening memory opening)
        private
        view
        returns (Verdict)
    {
        uint256 life = opening.books.scoreLife();
        if (life != 0 && block.timestamp >= opening.books.scoredAt() + life) {
            return Verdicts.refused(Refusal.ScoreStale, opening.books.scoredAt() + life, block.timestamp);
        }
        uint256 last = opening.books.morePurses();
        if (request.purseIndex > last) {
            return Verdicts.refused(Refusal.PurseUnknown, last, request.purseIndex);
        }
        opening.purse = _purseAddress(request.envelope, request.purseIndex, opening.books.asset());
        SessionWord before = _sessions[opening.purse];
        opening.before = before;
        // A frozen session is the treasury's to end: an agent that could replace it would unfreeze itself.
        if (_isHeldFrozen(opening.purse, before)) return Verdicts.refused(Refusal.SessionFrozen, 0, 0);
        uint256 next = uint256(before.sequence()) + 1;
        if (request.sequence != next || next > SessionWordLib.MAX_SEQUENCE) {
            return Verdicts.refused(Refusal.SequenceMismatch, next, request.sequence);
        }
        return Verdicts.FINE;
    }

    /// @dev Whether what is asked for is within the policy, limits that count aside.
    function _judgeRequest(
        SessionRequest memory request,
        Opening memory opening,
        HeadWord head,
        uint256 sessionLimit
    ) private view returns (Verdict) {
        address key = request.key;
        // A key that is the agent's own or the last session's would blur who signed what.
        if (key == address(0) || key == opening.agent || key == opening.before.key()) {
            return Verdicts.refused(Refusal.SessionKeyInvalid, uint160(opening.agent), uint160(key));
        }
        uint256 budget = request.budget;
        if (budget == 0) return Verdicts.refused(Refusal.BudgetZero, 1, 0);
        if (budget > sessionLimit) {
            return Verdicts.refused(Refusal.SessionLimitExceeded, sessionLimit, budget);
        }
        uint256 expiry = request.expiry;
        if (expiry <= block.timestamp) {
            return Verdicts.refused(Refusal.ExpiryInPast, block.timestamp, expiry);
        }
        uint256 latest = block.timestamp + head.maxSessionSeconds();
        if (expiry > latest) return Verdicts.refused(Refusal.SessionTooLong, latest, expiry);
        uint256 narrowed = request.scope.paymentCap;
        if (narrowed > head.paymentCap()) {
            return Verdicts.refused(Refusal.ScopeWidens, head.paymentCap(), narrowed);
        }
        narrowed = request.scope.approvalThreshold;
        if (narrowed > head.approvalThreshold()) {
            return Verdicts.refused(Refusal.ScopeWidens, head.approvalThreshold(), narrowed);
        }
        return Verdicts.FINE;
    }

    /// @dev Whether the escrow and every limit have room for the budget.
    function _judgeLimits(SessionRequest memory request, Opening memory opening, Envelope storage envelope)
        private
        view
        returns (Verdict verdict)
    {
        uint256 available = opening.books.escrow() + opening.held;
        if (request.budget > available) {
            return Verdicts.refused(Refusal.EscrowExceeded, available, request.budget);
        }
        uint256 unspent = opening.counted ? opening.unspent : 0;
        for (uint256 i; i < 5; ++i) {
            WindowWord window = envelope.windows[i];
            if (window.limit() == 0) break;
            (verdict, opening.windows[i]) =
                _judgeWindow(window, request, opening.draw, unspent, Refusal.WindowLimitExceeded);
            if (verdict.refuses()) return verdict;
        }
        if (opening.books.group() != 0) return _judgeGroups(request, opening);
    }

    /// @dev The limits of the envelope's group and of every group above it.
    function _judgeGroups(SessionRequest memory request, Opening memory opening)
        private
        view
        returns (Verdict verdict)
    {
        DrawWord draw = opening.draw;
        for (uint24 number = opening.books.group(); number != 0; number = _groups[number].parent) {
            // What the last session gives back, it gives to the groups that it was drawn from.
            uint256 unspent = _isWithin(draw.group(), number) ? opening.unspent : 0;
            for (uint256 i; i < 5; ++i) {
                WindowWord window = _groups[number].windows[i];
                if (window.limit() == 0) break;
                (verdict,) = _judgeWindow(window, request, draw, unspent, Refusal.GroupWindowLimitExceeded);
                if (verdict.refuses()) return verdict;
            }
        }
    }

    /// @param over What to say where a calendar window is exceeded; a lifetime limit has the reason after it.
    /// @return The window as it counts the budget.
    function _judgeWindow(
        WindowWord window,
        SessionRequest memory request,
        DrawWord draw,
        uint256 unspent,
        Refusal over
    ) private view returns (Verdict, WindowWord) {
        uint256 period = window.period();
        uint256 index = Windows.indexAt(period, block.timestamp);
        uint256 end = Windows.endOf(period, index);
        // What a session spends must be spent in the window that counted it.
        if (request.expiry > end) {
            return (Verdicts.refused(Refusal.ExpiryPastWindow, end, request.expiry), window);
        }
        uint256 used = Windows.usedAfterReturn(window, index, draw.openedAt(), unspent) + request.budget;
        if (used > window.limit()) {
            Refusal reason = period == 0 ? Refusal(uint8(over) + 1) : over;
            return (Verdicts.refused(reason, window.limit(), used), window);
        }
        return (Verdicts.FINE, window.counting(used, index));
    }

    /* WHAT COMES BACK */

    /// @dev Whether a purse's session is frozen and would otherwise still run.
    function _isHeldFrozen(address purse, SessionWord word) internal view returns (bool) {
        return word.key() != address(0) && word.expiry() == 0 && block.timestamp < _draws[purse].expiry();
    }

    /// @dev What the purse holds, and how much of that its last session drew and did not spend.
    function _measureReturn(Opening memory opening) internal view {
        BooksWord books = opening.books;
        address token = _assets[books.asset()].token;
        opening.token = token;
        uint256 held = SafeTransferLib.balanceOf(token, opening.purse);
        opening.held = held;
        SessionWord before = opening.before;
        if (before.key() == address(0)) return;
        DrawWord draw = _draws[opening.purse];
        opening.draw = draw;
        opening.unspent = held < draw.budget() ? held : draw.budget();
        // A session of a policy with other periods was not counted in these windows: it gives nothing back.
        opening.counted = before.policyVersion() >= books.windowsSince();
    }

    /// @dev Whether a group is `above` itself or stands anywhere below it.
    function _isWithin(uint24 group, uint24 above) private view returns (bool) {
        while (group != 0 && group != above) group = _groups[group].parent;
        return group != 0;
    }
}
