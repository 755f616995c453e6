// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {BooksWord} from "../libraries/BooksWord.sol";
import {DrawWord, DrawWordLib} from "../libraries/DrawWord.sol";
import {SessionWord, SessionWordLib} from "../libraries/SessionWord.sol";
import {Asset, Envelope, Refusal, Role, Scope, SessionRequest} from "../libraries/Types.sol";
import {WindowWord} from "../libraries/WindowWord.sol";
import {Windows} from "../libraries/Windows.sol";
import {TreasurySessionRules} from "./TreasurySessionRules.sol";
import {TreasuryStops} from "./TreasuryStops.sol";
import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";
import {SafeTransferLib} from "solady/utils/SafeTransferLib.sol";

/// @notice Sessions draw: all that counts across sessions is counted here, where state can be written.
abstract contract TreasurySessions is TreasurySessionRules, TreasuryStops {
    /* VERBS */

    /// @notice Opens a session: settles what the purse still holds, then tops it up to exactly the budget.
    /// @dev Relayable: whoever submits it, the agent's identity key has signed it.
    /// @param request What is asked for.
    /// @param signature EIP-712 `OpenSession` by the envelope's agent (EOA or EIP-1271).
    /// @return purse The purse to pay from.
    function openSession(SessionRequest memory request, bytes calldata signature)
        external
        nonReentrant
        returns (address purse)
    {
        Opening memory opening = _plan(request);
        if (opening.verdict.refuses()) {
            (Refusal reason, uint256 limit, uint256 actual) = opening.verdict.reasons();
            revert SessionRefused(reason, limit, actual);
        }
        if (!SignatureChecker.isValidSignatureNow(opening.agent, _openSessionDigest(request), signature)) {
            revert SessionRefused(Refusal.AgentSignatureInvalid, uint160(opening.agent), 0);
        }
        purse = opening.purse;

        _settle(request.envelope, opening);
        _draw(request, opening);
        emit SessionOpened(
            request.envelope,
            purse,
            request.sequence,
            request.key,
            request.budget,
            request.expiry,
            opening.policyVersion,
            request.scope,
            request.stampHash
        );
        _level(opening, request.budget);
    }

    /// @notice Closes a purse's session: what it holds returns to the escrow, what it did not spend to the
    /// windows it was drawn in, where they are current.
    /// @dev The agent, the treasury's people and anyone with the agent's signature may at any time; anyone
    /// once it has expired or its policy is gone. While the session itself is frozen, only the treasury's people.
    /// @param signature EIP-712 `CloseSession` by the agent, or empty where the caller needs none.
    function closeSession(address purse, bytes calldata signature) external nonReentrant {
        SessionWord word = _openSession(purse);
        uint24 number = word.envelope();
        Envelope storage envelope = _envelopes[number];
        _checkMayClose(envelope, purse, word, signature);

        Opening memory closing;
        closing.purse = purse;
        closing.before = word;
        closing.books = envelope.books;
        _measureReturn(closing);
        if (closing.counted && closing.unspent != 0) {
            _count(envelope.windows, 0, closing.draw, closing.unspent);
        }
        _settle(number, closing);
        _book(envelope, closing, 0);
        _sessions[purse] = word.closed();
        _level(closing, 0);
    }

    /* CHECKS AND EFFECTS */

    function _checkMayClose(
        Envelope storage envelope,
        address purse,
        SessionWord word,
        bytes calldata signature
    ) private view {
        if (_accounts[msg.sender].roles & (Role.OWNER | Role.POLICY_MANAGER | Role.GUARDIAN) != 0) return;
        // Closed by its agent, a frozen session could be replaced by the next one.
        if (_isHeldFrozen(purse, word)) revert SessionRefused(Refusal.SessionFrozen, 0, 0);
        if (signature.length != 0) {
            bytes32 digest = _closeSessionDigest(purse, word.sequence());
            if (SignatureChecker.isValidSignatureNow(envelope.agent, digest, signature)) return;
            revert SessionRefused(Refusal.AgentSignatureInvalid, uint160(envelope.agent), 0);
        }
        if (msg.sender == envelope.agent) return;
        uint256 expiry = _draws[purse].expiry();
        if (block.timestamp >= expiry || word.policyVersion() != envelope.head.policyVersion()) return;
        revert CloseNotAllowed(msg.sender, expiry);
    }

    /// @dev Tells of what a purse gives back, and gives it back to the groups that it was drawn from.
    function _settle(uint24 envelope, Opening memory opening) private {
        SessionWord before = opening.before;
        if (before.key() != address(0)) {
            emit SessionClosed(envelope, opening.purse, before.sequence(), opening.held, opening.unspent);
            uint24 group = opening.unspent == 0 ? 0 : opening.draw.group();
            for (; group != 0; group = _groups[group].parent) {
                _count(_groups[group].windows, 0, opening.draw, opening.unspent);
            }
        } else if (opening.held != 0) {
            emit PurseSwept(envelope, opening.purse, opening.held);
        }
    }

    function _draw(SessionRequest memory request, Opening memory opening) private {
        Envelope storage envelope = _envelopes[request.envelope];
        for (uint256 i; i < 5; ++i) {
            WindowWord window = opening.windows[i];
            if (window.limit() == 0) break;
            envelope.windows[i] = window;
        }
        uint96 budget = request.budget;
        for (uint24 group = opening.books.group(); group != 0; group = _groups[group].parent) {
            _count(_groups[group].windows, budget, opening.draw, 0);
        }
        if (opening.held != budget) _book(envelope, opening, budget);

        Scope memory scope = request.scope;
        bool scoped = (uint256(scope.paymentCap) | scope.approvalThreshold | scope.payeeList) != 0;
        if (scoped) _scopes[opening.purse] = scope;
        _draws[opening.purse] =
            DrawWordLib.pack(budget, block.timestamp, request.expiry, opening.books.group());
        _sessions[opening.purse] = SessionWordLib.pack(
            request.key, request.expiry, request.envelope, opening.policyVersion, scoped, request.sequence
        );
    }

    /// @dev The escrow takes what the purse held, and gives what it shall hold.
    function _book(Envelope storage envelope, Opening memory opening, uint256 target) private {
        BooksWord books = opening.books;
        uint256 held = opening.held;
        envelope.books = books.withEscrow(_u96(books.escrow() + held - target));
        Asset storage asset = _assets[books.asset()];
        asset.escrowed = _u96(asset.escrowed + held - target);
    }

    /// @dev Moves the difference between what the purse holds and what it shall hold.
    function _level(Opening memory opening, uint256 target) private {
        uint256 held = opening.held;
        if (target > held) {
            SafeTransferLib.safeTransfer(opening.token, opening.purse, target - held);
        } else if (target < held) {
            _pull(opening.purse, opening.token, address(this), held - target);
        }
    }

    /* WINDOWS */

    /// @dev Counts a budget in every window, and no longer what an earlier draw did not spend, where the windows that
    /// counted that are current.
    function _count(WindowWord[5] storage windows, uint256 budget, DrawWord draw, uint256 unspent) private {
        for (uint256 i; i < 5; ++i) {
            WindowWord window = windows[i];
            if (window.limit() == 0) break;
            uint256 index = Windows.indexAt(window.period(), block.timestamp);
            uint256 used = Windows.usedAfterReturn(window, index, draw.openedAt(), unspent);
            windows[i] = window.counting(used + budget, index);
        }
    }
}
