// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {SessionWord} from "../libraries/SessionWord.sol";
import {Envelope, EnvelopeHead, Role} from "../libraries/Types.sol";
import {TreasuryEscrow} from "./TreasuryEscrow.sol";

/// @notice The kill switches. A guardian stops; only an owner releases. Nothing here moves money.
abstract contract TreasuryStops is TreasuryEscrow {
    uint8 private constant MAY_FREEZE = Role.OWNER | Role.POLICY_MANAGER | Role.GUARDIAN;

    /// @notice Stops every payment and every opening of the organisation, in one storage write.
    function freezeOrganisation() external only(MAY_FREEZE) {
        _organisation.frozen = true;
        emit OrganisationFrozen(msg.sender);
    }

    function unfreezeOrganisation() external only(Role.OWNER) {
        _organisation.frozen = false;
        emit OrganisationUnfrozen(msg.sender);
    }

    /// @notice Stops every payment and every opening of one envelope, whatever is outstanding.
    function freezeEnvelope(uint24 envelope) external only(MAY_FREEZE) {
        EnvelopeHead storage head = _envelopes[envelope].head;
        // Existence shows in the slot that is written anyway: a freeze must be cheap, and never miss.
        if (head.policyVersion == 0) revert EnvelopeUnknown(envelope, _organisation.envelopes);
        head.flags |= FLAG_FROZEN;
        emit EnvelopeFrozen(envelope, msg.sender);
    }

    function unfreezeEnvelope(uint24 envelope) external only(Role.OWNER) {
        _existing(envelope).head.flags &= ~FLAG_FROZEN;
        emit EnvelopeUnfrozen(envelope, msg.sender);
    }

    /// @notice Stops the payments of one purse's session.
    function freezeSession(address purse) external only(MAY_FREEZE) {
        SessionWord word = _openSession(purse);
        _sessions[purse] = word.withExpiry(0);
        emit SessionFrozen(word.envelope(), purse, word.sequence(), msg.sender);
    }

    function unfreezeSession(address purse) external only(Role.OWNER) {
        SessionWord word = _openSession(purse);
        if (word.expiry() != 0) revert SessionNotFrozen(purse);
        _sessions[purse] = word.withExpiry(_draws[purse].expiry);
        emit SessionUnfrozen(word.envelope(), purse, word.sequence(), msg.sender);
    }

    /// @notice Stops new sessions of an envelope until a human clears it; open sessions run on.
    /// @param reason The scorer's reason code, or a hash of an explanation.
    function setReview(uint24 envelope, bytes32 reason) external only(Role.REVIEWER | MAY_FREEZE) {
        Envelope storage record = _existing(envelope);
        record.head.flags |= FLAG_REVIEW;
        emit ReviewSet(envelope, msg.sender, reason);
    }

    /// @param reason A hash of the human's explanation.
    function clearReview(uint24 envelope, bytes32 reason) external only(Role.OWNER) {
        Envelope storage record = _existing(envelope);
        record.head.flags &= ~FLAG_REVIEW;
        emit ReviewCleared(envelope, msg.sender, reason);
    }

    function _openSession(address purse) internal view returns (SessionWord word) {
        word = _sessions[purse];
        if (word.key() == address(0)) revert SessionNotOpen(purse);
    }
}
