// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Role} from "../libraries/Types.sol";
import {TreasuryStorage} from "./TreasuryStorage.sol";

/// @notice What verifiers of identity stamps and of the transparency log look for on chain.
abstract contract TreasuryStamps is TreasuryStorage {
    uint256 private constant MAY_REVOKE = Role.OWNER | Role.GUARDIAN | Role.STAMPER;

    /// @notice Revokes a stamp, and with it all that are chained to it, from this block on and for good.
    function revokeStamp(bytes32 stampHash) external only(MAY_REVOKE) {
        _revokedStamps[stampHash] = true;
        emit StampRevoked(stampHash, msg.sender);
    }

    /// @notice Revokes every stamp of an earlier epoch; epochs only rise.
    function setStampEpoch(uint32 epoch) external only(MAY_REVOKE) {
        uint32 current = _organisation.stampEpoch;
        if (epoch <= current) revert EpochNotLater(current, epoch);
        _organisation.stampEpoch = epoch;
        emit StampEpochSet(epoch, msg.sender);
    }

    /// @notice Puts the root of the organisation's transparency log on chain.
    /// @param root RFC 6962 Merkle tree hash over the first `size` entries.
    function anchor(bytes32 root, uint64 size) external only(Role.OWNER | Role.REVIEWER) {
        emit Anchored(root, size, msg.sender);
    }
}
