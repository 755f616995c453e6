// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {SessionWord, SessionWordLib} from "../libraries/SessionWord.sol";
import {
    Asset,
    Draw,
    Envelope,
    Group,
    Refusal,
    Role,
    Scope,
    SessionRequest,
    Window
} from "../libraries/Types.sol";
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
    function openSession(SessionRequest calldata request, bytes calldata signature)
        external
        nonReentrant
        returns (address purse)
    {
        Opening memory opening = _plan(request);
        if (opening.reason != Refusal.None) {
            revert SessionRefused(opening.reason, opening.limit, opening.actual);
        }
        address agent = _envelopes[request.envelope].agent;
        if (!SignatureChecker.isValidSignatureNow(agent, _openSessionDigest(request), signature)) {
            revert SessionRefused(Refusal.AgentSignatureInvalid, uint160(agent), 0);
        }
        purse = opening.purse;

        _settle(request.envelope, purse, opening.before, opening.returned);
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
        _level(opening.asset, purse, opening.returned.held, request.budget);
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

        Returned memory returned = _measureReturn(envelope, purse, word);
        _returnToWindows(envelope, returned);
        envelope.escrow = _u96(envelope.escrow + returned.held);
        uint8 asset = envelope.asset;
        _assets[asset].escrowed = _u96(_assets[asset].escrowed + returned.held);
        _settle(number, purse, word, returned);
        _sessions[purse] = word.closed();
        _level(asset, purse, returned.held, 0);
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
        uint256 expiry = _draws[purse].expiry;
        if (block.timestamp >= expiry || word.policyVersion() != envelope.head.policyVersion()) return;
        revert CloseNotAllowed(msg.sender, expiry);
    }

    /// @dev Tells of what a purse gives back, and gives it back to the groups that it was drawn from.
    function _settle(uint24 envelope, address purse, SessionWord before, Returned memory returned) private {
        if (before.key() != address(0)) {
            emit SessionClosed(envelope, purse, before.sequence(), returned.held, returned.unspent);
            if (returned.group != 0 && returned.unspent != 0) _returnToGroups(returned);
        } else if (returned.held != 0) {
            emit PurseSwept(envelope, purse, returned.held);
        }
    }

    function _draw(SessionRequest calldata request, Opening memory opening) private {
        Envelope storage envelope = _envelopes[request.envelope];
        for (uint256 i; i < 5 && opening.windows[i].limit() != 0; ++i) {
            envelope.windows[i] = opening.windows[i];
        }
        if (opening.group != 0) _drawFromGroups(opening.group, request.budget);
        uint256 held = opening.returned.held;
        if (held != request.budget) {
            Asset storage asset = _assets[opening.asset];
            envelope.escrow = _u96(envelope.escrow + held - request.budget);
            asset.escrowed = _u96(asset.escrowed + held - request.budget);
        }

        Scope calldata scope = request.scope;
        bool scoped = scope.paymentCap != 0 || scope.approvalThreshold != 0 || scope.payeeList != 0;
        if (scoped) _scopes[opening.purse] = scope;
        _draws[opening.purse] = Draw({
            budget: request.budget,
            openedAt: uint40(block.timestamp),
            expiry: request.expiry,
            group: opening.group
        });
        _sessions[opening.purse] = SessionWordLib.pack(
            request.key, request.expiry, request.envelope, opening.policyVersion, scoped, request.sequence
        );
    }

    /* WINDOWS */

    function _returnToWindows(Envelope storage envelope, Returned memory returned) private {
        if (!returned.counted || returned.unspent == 0) return;
        for (uint256 i; i < 5; ++i) {
            Window memory window = envelope.windows[i].unpack();
            if (window.limit == 0) break;
            envelope.windows[i] = _used(window, _afterReturn(window, returned));
        }
    }

    function _returnToGroups(Returned memory returned) private {
        for (uint24 number = returned.group; number != 0; number = _groups[number].parent) {
            Group storage group = _groups[number];
            for (uint256 i; i < 5; ++i) {
                Window memory window = group.windows[i].unpack();
                if (window.limit == 0) break;
                group.windows[i] = _used(window, _afterReturn(window, returned));
            }
        }
    }

    function _afterReturn(Window memory window, Returned memory returned) private view returns (uint256) {
        return Windows.usedAfterReturn(window, block.timestamp, returned.drawnAt, returned.unspent);
    }

    function _drawFromGroups(uint24 number, uint256 budget) private {
        for (; number != 0; number = _groups[number].parent) {
            Group storage group = _groups[number];
            for (uint256 i; i < 5; ++i) {
                Window memory window = group.windows[i].unpack();
                if (window.limit == 0) break;
                group.windows[i] = _used(window, Windows.usedAt(window, block.timestamp) + budget);
            }
        }
    }

    /// @dev Moves the difference between what the purse holds and what it shall hold.
    function _level(uint256 assetIndex, address purse, uint256 held, uint256 target) private {
        address token = _assets[assetIndex].token;
        if (target > held) SafeTransferLib.safeTransfer(token, purse, target - held);
        else if (target < held) _pull(purse, token, address(this), held - target);
    }
}
