// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {HeadWord, HeadWordLib} from "../libraries/HeadWord.sol";
import {Group, Refusal} from "../libraries/Types.sol";
import {Verdict, Verdicts} from "../libraries/Verdict.sol";
import {TreasuryStorage} from "./TreasuryStorage.sol";

/// @notice Whether somebody stopped an envelope, itself or with a group or the whole organisation.
abstract contract TreasuryStanding is TreasuryStorage {
    /// @dev Where `epoch` stands in the slot of {Organisation}, in bits; `frozen` stands at 0.
    uint256 private constant EPOCH_OFFSET = 120;

    /// @return verdict Fine where nobody did; otherwise its limit is the number of the frozen group, if one is.
    /// @return epoch How often what stands above the envelope was released: whatever was signed before the last
    /// release committed to a smaller one, and is void.
    function _judgeStops(uint24 envelope, HeadWord head)
        internal
        view
        returns (Verdict verdict, uint256 epoch)
    {
        uint256 organisation;
        // One read of {Organisation} for both fields: they share their slot, and this is on every payment's path.
        assembly ("memory-safe") {
            organisation := sload(_organisation.slot)
        }
        epoch = uint32(organisation >> EPOCH_OFFSET);
        if (organisation & 0xff != 0) return (Verdicts.refused(Refusal.OrganisationFrozen, 0, 0), 0);
        if (head.has(HeadWordLib.FROZEN)) return (Verdicts.refused(Refusal.EnvelopeFrozen, 0, 0), 0);
        if (head.has(HeadWordLib.GROUPED)) {
            (uint256 frozen, uint256 released) = _standingOf(_envelopes[envelope].books.group());
            if (frozen != 0) return (Verdicts.refused(Refusal.GroupFrozen, frozen, 0), 0);
            epoch += released;
        }
    }

    /// @return frozen The group itself or the first one above it that is frozen, or 0.
    /// @return epoch How often they were released, it and all above it, where none is frozen.
    function _standingOf(uint256 group) internal view returns (uint256 frozen, uint256 epoch) {
        while (group != 0) {
            Group storage record = _groups[group];
            if (record.frozen) return (group, 0);
            epoch += record.epoch;
            group = record.parent;
        }
    }
}
