// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {BooksWord} from "../libraries/BooksWord.sol";
import {HeadWordLib} from "../libraries/HeadWord.sol";
import {Policies} from "../libraries/Policies.sol";
import {Envelope, Group, Role, WindowLimit} from "../libraries/Types.sol";
import {WindowWord, WindowWordLib} from "../libraries/WindowWord.sol";
import {TreasuryReleases} from "./TreasuryReleases.sol";
import {TreasuryStanding} from "./TreasuryStanding.sol";

/// @notice Budgets of the organisation: a session draws against its envelope's limits and against those of its
/// group and of every group above, so a fleet cannot exceed what its organisation allows.
abstract contract TreasuryGroups is TreasuryReleases, TreasuryStanding {
    /// @dev Groups above one another: each costs every opening of its envelopes storage reads and writes.
    uint8 private constant MAX_DEPTH = 4;

    /// @notice Creates a group of envelopes in one asset.
    /// @param parent The group above, or 0.
    /// @param windows Up to four calendar windows, shortest period first; the periods never change.
    /// @param lifetimeLimit In the asset's atomic units; 0 means none.
    /// @return group Its number, from 1.
    function createGroup(uint24 parent, address asset, WindowLimit[] memory windows, uint96 lifetimeLimit)
        external
        only(Role.POLICY_MANAGER)
        returns (uint24 group)
    {
        uint8 assetIndex = _assetIndex(asset);
        uint8 depth;
        // Before the new group counts: none is above itself.
        if (parent != 0) {
            Group storage above = _existingGroup(parent);
            if (above.asset != assetIndex) revert AssetMismatch(_assets[above.asset].token, asset);
            depth = above.depth + 1;
            if (depth == MAX_DEPTH) revert TooMany(MAX_DEPTH);
        }
        group = _organisation.groups;
        if (group == type(uint24).max) revert TooMany(type(uint24).max);
        _organisation.groups = ++group;

        Group storage record = _groups[group];
        (record.parent, record.depth, record.asset) = (parent, depth, assetIndex);
        Policies.validateLimits(windows, lifetimeLimit, 1);
        uint256 count = windows.length;
        if (count == 0 && lifetimeLimit == 0) revert Policies.PolicyInvalid("limits", 1, 0);
        for (uint256 i; i < count; ++i) {
            record.windows[i] = WindowWordLib.limiting(windows[i].period, windows[i].limit);
        }
        if (lifetimeLimit != 0) record.windows[count] = WindowWordLib.limiting(0, lifetimeLimit);
        emit GroupCreated(group, parent, asset, msg.sender);
        emit GroupLimitsSet(group, windows, lifetimeLimit, msg.sender);
    }

    /// @notice Changes a group's limits, not their periods. At once when none rises, otherwise announced.
    function setGroupLimits(uint24 group, WindowLimit[] memory windows, uint96 lifetimeLimit)
        external
        only(Role.POLICY_MANAGER)
    {
        Group storage record = _existingGroup(group);
        Policies.validateLimits(windows, lifetimeLimit, 1);
        uint256 count = windows.length;
        bool loosens;
        uint256 i;
        for (; i < 5 && record.windows[i].limit() != 0; ++i) {
            WindowWord window = record.windows[i];
            uint256 period = window.period();
            if (period != 0 && (i == count || windows[i].period != period)) revert PeriodsFixed(group);
            uint96 limit = period == 0 ? lifetimeLimit : windows[i].limit;
            if (limit == 0) revert PeriodsFixed(group);
            if (limit > window.limit()) loosens = true;
            record.windows[i] = window.withLimit(limit);
        }
        if (i != count + (lifetimeLimit == 0 ? 0 : 1)) revert PeriodsFixed(group);
        if (loosens) _requireAnnounced();
        emit GroupLimitsSet(group, windows, lifetimeLimit, msg.sender);
    }

    /// @notice Puts an envelope under a group, or under none (0). Loosening where it was under one before.
    /// @dev The policy gets a new version with it: what sessions drew under the group before, they pay no more.
    function setGroup(uint24 envelope, uint24 group) external only(Role.POLICY_MANAGER) {
        Envelope storage record = _existing(envelope);
        BooksWord books = record.books;
        if (books.group() != 0) {
            _requireAnnounced();
            // Only an owner releases: nobody is led out of a frozen group.
            (uint256 frozen,) = _standingOf(books.group());
            if (frozen != 0) revert GroupIsFrozen(frozen);
        }
        if (group != 0) {
            uint8 asset = _existingGroup(group).asset;
            if (asset != books.asset()) {
                revert AssetMismatch(_assets[asset].token, _assets[books.asset()].token);
            }
        }
        record.books = books.withGroup(group);
        record.head =
            group == 0 ? record.head.without(HeadWordLib.GROUPED) : record.head.with(HeadWordLib.GROUPED);
        emit GroupSet(envelope, group, msg.sender);
        _renewPolicy(envelope, record);
    }
}
