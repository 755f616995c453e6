// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Policy, Scope, WindowLimit} from "../libraries/Types.sol";

/// @notice A treasury's story. The ledger is rebuilt from these and the token's own events, and nothing else:
/// `escrow = ToppedUp - Withdrawn - SessionOpened.budget + SessionClosed.returned + PurseSwept.amount`.
/// Amounts are in the asset's atomic units, times in unix seconds.
interface ITreasuryEvents {
    event RoleGranted(address indexed account, uint8 indexed role, address indexed by);
    event RoleRevoked(address indexed account, uint8 indexed role, address indexed by);
    event DelaySet(uint32 delay, address indexed by);
    event SeparationOfDutiesSet(bool on, address indexed by);
    /// @notice A loosening was announced: the call whose keccak-256 is `id` may run from `readyAt`.
    event Announced(bytes32 indexed id, address indexed by, uint256 readyAt, bytes call);
    event AnnouncementCancelled(bytes32 indexed id, address indexed by);
    event AnnouncementUsed(bytes32 indexed id, address indexed by);

    event AssetAdded(address indexed asset, uint8 index, bytes32 domainSeparator);
    event EnvelopeCreated(uint24 indexed envelope, address indexed agent, address indexed asset, address by);
    event AgentSet(uint24 indexed envelope, address indexed agent, address by);
    event PolicySet(uint24 indexed envelope, uint16 indexed version, Policy policy, address by);
    event PurseCreated(uint24 indexed envelope, address indexed purse, uint16 index);
    /// @notice Whether the envelope's purses pay through Permit2 as well.
    event Permit2Set(uint24 indexed envelope, bool on, address by);
    event GroupCreated(uint24 indexed group, uint24 indexed parent, address indexed asset, address by);
    event GroupLimitsSet(uint24 indexed group, WindowLimit[] windows, uint96 lifetimeLimit, address by);
    /// @notice The envelope draws against the group, or against none (0).
    event GroupSet(uint24 indexed envelope, uint24 indexed group, address by);
    /// @dev Lean, since a fleet lists many: who did it is the caller, who announced it where there is a delay.
    event PayeeListed(uint16 list, address payee);
    event PayeeUnlisted(uint16 list, address payee, address by);

    event ToppedUp(uint24 indexed envelope, address indexed from, uint256 amount);
    event Withdrawn(uint24 indexed envelope, address indexed to, uint256 amount, address by);
    /// @notice Tokens that no envelope counts left: sent here, or to a purse in another token, by mistake.
    event Recovered(address indexed token, address indexed holder, address indexed to, uint256 amount);

    event SessionOpened(
        uint24 indexed envelope,
        address indexed purse,
        uint24 indexed sequence,
        address key,
        uint96 budget,
        uint32 expiry,
        uint16 policyVersion,
        Scope scope,
        bytes32 stampHash
    );
    /// @param returned What the purse held and gave back to the escrow.
    /// @param unspent The part of `returned` that the session had drawn itself; the rest was donated.
    event SessionClosed(
        uint24 indexed envelope,
        address indexed purse,
        uint24 indexed sequence,
        uint256 returned,
        uint256 unspent
    );
    /// @notice What strangers sent to a purse without a session was put into the escrow.
    event PurseSwept(uint24 indexed envelope, address indexed purse, uint256 amount);

    event OrganisationFrozen(address indexed by);
    /// @param epoch What payment nonces commit to from now on.
    event OrganisationUnfrozen(address indexed by, uint32 epoch);
    event GroupFrozen(uint24 indexed group, address indexed by);
    event GroupUnfrozen(uint24 indexed group, address indexed by, uint32 epoch);
    event EnvelopeFrozen(uint24 indexed envelope, address indexed by);
    event EnvelopeUnfrozen(uint24 indexed envelope, address indexed by);
    event SessionFrozen(uint24 indexed envelope, address indexed purse, uint24 indexed sequence, address by);
    /// @param life For how long a score lets sessions open, in seconds; 0 asks for none.
    event ScoreLifeSet(uint24 indexed envelope, uint32 life, address by);
    event ScoreReported(uint24 indexed envelope, uint16 score, address indexed by);
    event ReviewSet(uint24 indexed envelope, address indexed by, bytes32 reason);
    event ReviewCleared(uint24 indexed envelope, address indexed by, bytes32 reason);

    /// @notice The stamp, and all that are chained to it, are void from this block on.
    event StampRevoked(bytes32 indexed stampHash, address indexed by);
    /// @notice Every stamp of an earlier epoch is void from this block on.
    event StampEpochSet(uint32 epoch, address indexed by);
    /// @notice The root of the organisation's transparency log over its first `size` entries.
    event Anchored(bytes32 indexed root, uint64 size, address indexed by);
}
