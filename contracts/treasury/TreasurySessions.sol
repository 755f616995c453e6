// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {SessionWord, SessionWordLib} from "../libraries/SessionWord.sol";
import {
    Asset,
    Draw,
    Envelope,
    EnvelopeHead,
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
        Envelope storage envelope = _envelopes[request.envelope];
        if (!SignatureChecker.isValidSignatureNow(envelope.agent, openSessionDigest(request), signature)) {
            revert SessionRefused(Refusal.AgentSignatureInvalid, uint160(envelope.agent), 0);
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
            opening.head.policyVersion,
            request.scope,
            request.stampHash
        );
        _level(envelope.asset, purse, opening.held, request.budget);
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

        Opening memory opening;
        opening.purse = purse;
        opening.before = word;
        opening.head = envelope.head;
        opening.windows = envelope.windows;
        _measureReturn(envelope, opening);
        for (uint256 i; i < 5 && opening.windows[i].limit != 0; ++i) {
            _storeUse(envelope, i, opening.windows[i], _usedAfterReturn(envelope, opening, i));
        }
        envelope.escrow = _u96(envelope.escrow + opening.held);
        _assets[envelope.asset].escrowed = _u96(_assets[envelope.asset].escrowed + opening.held);
        _settle(number, opening);
        _sessions[purse] = word.closed();
        _level(envelope.asset, purse, opening.held, 0);
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
            bytes32 digest = closeSessionDigest(purse, word.sequence());
            if (SignatureChecker.isValidSignatureNow(envelope.agent, digest, signature)) return;
            revert SessionRefused(Refusal.AgentSignatureInvalid, uint160(envelope.agent), 0);
        }
        if (msg.sender == envelope.agent) return;
        uint256 expiry = _draws[purse].expiry;
        if (block.timestamp >= expiry || word.policyVersion() != envelope.head.policyVersion) return;
        revert CloseNotAllowed(msg.sender, expiry);
    }

    function _settle(uint24 envelope, Opening memory opening) private {
        if (opening.before.key() != address(0)) {
            emit SessionClosed(
                envelope, opening.purse, opening.before.sequence(), opening.held, opening.unspent
            );
        } else if (opening.held != 0) {
            emit PurseSwept(envelope, opening.purse, opening.held);
        }
    }

    function _draw(SessionRequest calldata request, Opening memory opening) private {
        Envelope storage envelope = _envelopes[request.envelope];
        for (uint256 i; i < 5 && opening.windows[i].limit != 0; ++i) {
            envelope.windows[i] = opening.windows[i];
        }
        Asset storage asset = _assets[envelope.asset];
        envelope.escrow = _u96(envelope.escrow + opening.held - request.budget);
        asset.escrowed = _u96(asset.escrowed + opening.held - request.budget);

        Scope calldata scope = request.scope;
        bool scoped = scope.paymentCap != 0 || scope.approvalThreshold != 0 || scope.payeeList != 0;
        if (scoped) _scopes[opening.purse] = scope;
        _draws[opening.purse] =
            Draw({budget: request.budget, openedAt: uint40(block.timestamp), expiry: request.expiry});
        _sessions[opening.purse] = SessionWordLib.pack(
            request.key,
            request.expiry,
            request.envelope,
            opening.head.policyVersion,
            scoped,
            request.sequence
        );
    }

    function _storeUse(Envelope storage envelope, uint256 i, Window memory window, uint256 used) private {
        window.used = uint96(used);
        window.index = uint32(Windows.indexAt(window.period, block.timestamp));
        envelope.windows[i] = window;
    }

    /// @dev Moves the difference between what the purse holds and what it shall hold.
    function _level(uint256 assetIndex, address purse, uint256 held, uint256 target) private {
        address token = _assets[assetIndex].token;
        if (target > held) SafeTransferLib.safeTransfer(token, purse, target - held);
        else if (target < held) _pull(purse, token, address(this), held - target);
    }
}
