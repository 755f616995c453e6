// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Refusal} from "../libraries/Types.sol";

/// @notice Everything a treasury reverts with, beside {Policies-PolicyInvalid}. A mismatch names both sides.
interface ITreasuryErrors {
    /// @notice A session may not be opened.
    /// @param reason Why.
    /// @param limit The value that binds, in the unit of what is limited (atomic units or unix seconds).
    /// @param actual What was asked for, in the same unit.
    error SessionRefused(Refusal reason, uint256 limit, uint256 actual);
    /// @notice The caller holds none of the roles that the call asks for (bits of {Role}).
    error RoleMissing(address caller, uint8 anyOf);
    /// @notice The last owner cannot be removed.
    error LastOwner(address owner);
    /// @notice Exactly one known role bit is expected.
    error RoleUnknown(uint8 role);
    /// @notice An address that must not be zero is.
    error AddressZero();
    /// @notice The envelope does not exist; envelopes are numbered from 1 to `count`.
    error EnvelopeUnknown(uint256 envelope, uint256 count);
    /// @notice The agent already has an envelope in this treasury.
    error AgentTaken(address agent, uint256 envelope);
    /// @notice The asset was never added to this treasury.
    error AssetUnknown(address asset);
    /// @notice The asset is there already.
    error AssetKnown(address asset);
    /// @notice More assets, envelopes, purses, policy versions or groups above one another than a treasury counts.
    error TooMany(uint256 limit);
    /// @notice An amount of zero moves nothing.
    error AmountZero();
    /// @notice The token moved another amount than asked: it takes a fee, or lies.
    error TransferMismatch(uint256 expected, uint256 actual);
    /// @notice The escrow of the envelope is smaller than what was asked for.
    error EscrowTooSmall(uint256 escrow, uint256 asked);
    /// @notice No session is open on the purse.
    error SessionNotOpen(address purse);
    /// @notice A session is open on the purse.
    error SessionOpen(address purse);
    /// @notice The envelope has no such purse; purses are numbered from 0 to `last`.
    error PurseUnknown(uint256 index, uint256 last);
    /// @notice The caller may not close the session before it ends.
    error CloseNotAllowed(address caller, uint256 expiry);
    /// @notice Nothing is frozen that could be released.
    error NotFrozen();
    /// @notice The group does not exist; groups are numbered from 1 to `count`.
    error GroupUnknown(uint256 group, uint256 count);
    /// @notice The group, above the envelope that would leave it, is frozen: an owner releases it first.
    error GroupIsFrozen(uint256 group);
    /// @notice A group counts one asset, the same as the groups above it and the envelopes below it.
    error AssetMismatch(address expected, address actual);
    /// @notice A group's limits change, their periods never: create another group.
    error PeriodsFixed(uint256 group);
    /// @notice There is no code where it is expected.
    error CodeMissing(address expected);
    /// @notice The epoch of stamps only rises.
    error EpochNotLater(uint256 current, uint256 epoch);
    /// @notice A loosening must be announced first and wait.
    /// @param id keccak-256 of the call data.
    /// @param readyAt When it may run, in unix seconds; 0 where it was not announced.
    error NotAnnounced(bytes32 id, uint256 readyAt);
    /// @notice The announcement ran out unused.
    error AnnouncementStale(bytes32 id, uint256 staleAt);
    /// @notice Payee list 0 stands for "any payee" and has no entries.
    error PayeeListZero();
    /// @notice The purse call failed or the token answered false.
    error PurseCallFailed(address purse);
    /// @notice A value does not fit the width the ledger keeps it in.
    error Overflow(uint256 value, uint256 max);
}
