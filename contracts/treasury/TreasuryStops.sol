// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {HeadWord, HeadWordLib} from "../libraries/HeadWord.sol";
import {SessionWord} from "../libraries/SessionWord.sol";
import {Role} from "../libraries/Types.sol";
import {TreasuryEscrow} from "./TreasuryEscrow.sol";

/// @notice The kill switches: a guardian stops. Only an owner releases, in {TreasuryReleases}. Nothing here moves
/// money.
abstract contract TreasuryStops is TreasuryEscrow {
    /// @notice Stops every payment and every opening of the organisation, in one storage write.
    function freezeOrganisation() external only(MAY_FREEZE) {
        _organisation.frozen = true;
        emit OrganisationFrozen(msg.sender);
    }

    /// @notice Stops every payment and every opening of a group's envelopes, and of the groups' below it, in one
    /// storage write.
    function freezeGroup(uint24 group) external only(MAY_FREEZE) {
        _existingGroup(group).frozen = true;
        emit GroupFrozen(group, msg.sender);
    }

    /// @notice Stops every payment and every opening of one envelope, whatever is outstanding.
    function freezeEnvelope(uint24 envelope) external only(MAY_FREEZE) {
        HeadWord head = _envelopes[envelope].head;
        // Existence shows in the slot that is written anyway: a freeze must be cheap, and never miss.
        if (head.policyVersion() == 0) revert EnvelopeUnknown(envelope, _organisation.envelopes);
        _envelopes[envelope].head = head.with(HeadWordLib.FROZEN);
        emit EnvelopeFrozen(envelope, msg.sender);
    }

    /// @notice Stops the payments of one purse's session for good: the treasury's people close it, or its expiry.
    function freezeSession(address purse) external only(MAY_FREEZE) {
        SessionWord word = _openSession(purse);
        _sessions[purse] = word.withExpiry(0);
        emit SessionFrozen(word.envelope(), purse, word.sequence(), msg.sender);
    }

    function _openSession(address purse) internal view returns (SessionWord word) {
        word = _sessions[purse];
        if (word.key() == address(0)) revert SessionNotOpen(purse);
    }
}
