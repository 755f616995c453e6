// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {HeadWordLib} from "../libraries/HeadWord.sol";
import {Envelope, Group, Role} from "../libraries/Types.sol";
import {TreasuryEnvelopes} from "./TreasuryEnvelopes.sol";

/// @notice Only an owner lets go of what {TreasuryStops} stopped. What was signed before a release never settles
/// after it: the release changes what payment nonces commit to.
abstract contract TreasuryReleases is TreasuryEnvelopes {
    /// @notice Sessions run on; what they had signed is void.
    function unfreezeOrganisation() external only(Role.OWNER) {
        if (!_organisation.frozen) revert NotFrozen();
        _organisation.frozen = false;
        uint32 epoch = ++_organisation.epoch;
        emit OrganisationUnfrozen(msg.sender, epoch);
    }

    /// @notice Sessions run on; what they had signed is void.
    function unfreezeGroup(uint24 group) external only(Role.OWNER) {
        Group storage record = _existingGroup(group);
        if (!record.frozen) revert NotFrozen();
        record.frozen = false;
        uint32 epoch = ++record.epoch;
        emit GroupUnfrozen(group, msg.sender, epoch);
    }

    /// @notice The policy gets a new version with it: open sessions pay no more, the agent opens new ones.
    function unfreezeEnvelope(uint24 envelope) external only(Role.OWNER) {
        Envelope storage record = _existing(envelope);
        if (!record.head.has(HeadWordLib.FROZEN)) revert NotFrozen();
        record.head = record.head.without(HeadWordLib.FROZEN);
        emit EnvelopeUnfrozen(envelope, msg.sender);
        _renewPolicy(envelope, record);
    }

    /// @param reason A hash of the human's explanation.
    function clearReview(uint24 envelope, bytes32 reason) external only(Role.OWNER) {
        Envelope storage record = _existing(envelope);
        record.head = record.head.without(HeadWordLib.REVIEW);
        emit ReviewCleared(envelope, msg.sender, reason);
    }
}
