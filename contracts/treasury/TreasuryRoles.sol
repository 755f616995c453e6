// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Account, Announcement, Role} from "../libraries/Types.sol";
import {TreasuryStorage} from "./TreasuryStorage.sol";

/// @notice Who may do what, and how a loosening waits its turn.
abstract contract TreasuryRoles is TreasuryStorage {
    /// @dev A longer delay could not be taken back in any useful time.
    uint256 private constant MAX_DELAY = 30 days;
    uint8 private constant ALL_ROLES = 63;
    // Granting one of these only adds somebody who can stop things, so it is never a loosening.
    uint8 private constant STOPPING_ROLES = Role.GUARDIAN | Role.REVIEWER;

    /* ROLES */

    /// @notice Gives `account` a role. Loosening, but for guardian and reviewer.
    function grantRole(address account, uint8 role) external only(Role.OWNER) {
        _checkOneRole(role);
        if (account == address(0)) revert AddressZero();
        if (role & STOPPING_ROLES == 0) _requireAnnounced();
        _grant(account, role);
    }

    /// @notice Takes a role from `account`. Loosening for guardian and reviewer; at once for the others.
    function revokeRole(address account, uint8 role) external only(Role.OWNER) {
        _checkOneRole(role);
        if (role & STOPPING_ROLES != 0) _requireAnnounced();
        Account storage record = _accounts[account];
        if (record.roles & role == 0) return;
        if (role == Role.OWNER) {
            if (_organisation.owners == 1) revert LastOwner(account);
            _organisation.owners -= 1;
        }
        record.roles &= ~role;
        emit RoleRevoked(account, role, msg.sender);
    }

    /// @notice Sets how long a loosening waits, in seconds, at most {MAX_DELAY}. Shortening it is a loosening itself;
    /// what is announced already waits by the delay in force.
    function setDelay(uint32 delay) external only(Role.OWNER) {
        if (delay > MAX_DELAY) revert Overflow(delay, MAX_DELAY);
        if (delay < _organisation.delay) _requireAnnounced();
        _organisation.delay = delay;
        emit DelaySet(delay, msg.sender);
    }

    /// @notice Whether an approver must never have set a policy here. Turning it off is a loosening.
    function setSeparationOfDuties(bool on) external only(Role.OWNER) {
        if (!on) _requireAnnounced();
        _organisation.separateDuties = on;
        emit SeparationOfDutiesSet(on, msg.sender);
    }

    /* ANNOUNCEMENTS */

    /// @notice Announces a loosening: the exact call data of a later call to this treasury.
    /// @dev Announcing gives no right to make the call: roles are checked when it is made.
    /// @return id keccak-256 of the call data.
    function announce(bytes calldata call)
        external
        only(Role.OWNER | Role.POLICY_MANAGER)
        returns (bytes32 id)
    {
        id = keccak256(call);
        uint256 readyAt = block.timestamp + _organisation.delay;
        _announcements[id] = Announcement({madeAt: uint64(block.timestamp), readyAt: uint64(readyAt)});
        emit Announced(id, msg.sender, readyAt, call);
    }

    /// @notice Takes an announcement back.
    function cancelAnnouncement(bytes32 id) external only(Role.OWNER | Role.POLICY_MANAGER | Role.GUARDIAN) {
        if (_announcements[id].madeAt == 0) revert NotAnnounced(id, 0);
        delete _announcements[id];
        emit AnnouncementCancelled(id, msg.sender);
    }

    function _checkOneRole(uint8 role) private pure {
        if (role == 0 || role & (role - 1) != 0 || role > ALL_ROLES) revert RoleUnknown(role);
    }
}
