// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {BooksWord} from "./BooksWord.sol";
import {HeadWord} from "./HeadWord.sol";
import {WindowWord} from "./WindowWord.sol";

/// @notice Why a payment or a session is refused. `None` means it is not.
/// @dev The order is part of the interface: clients map the number to a name. Append, never reorder.
enum Refusal {
    None,
    // Standing: somebody stopped it.
    OrganisationFrozen,
    EnvelopeFrozen,
    UnderReview,
    // The session behind a purse.
    SessionUnknown,
    SessionFrozen,
    SessionExpired,
    PolicyChanged,
    // The signature blob of a payment.
    SignatureMalformed,
    RailUnknown,
    DigestMismatch,
    SessionKeyMismatch,
    // The payment itself.
    AmountZero,
    PaymentCapExceeded,
    PayeeNotListed,
    SessionBudgetExceeded,
    // The human's approval.
    ApprovalMissing,
    ApproverNotAuthorized,
    ApprovalInvalid,
    // Opening a session.
    EnvelopeUnknown,
    PurseUnknown,
    SequenceMismatch,
    SessionKeyInvalid,
    BudgetZero,
    SessionLimitExceeded,
    EscrowExceeded,
    ExpiryInPast,
    SessionTooLong,
    ExpiryPastWindow,
    WindowLimitExceeded,
    LifetimeLimitExceeded,
    ScopeWidens,
    AgentSignatureInvalid,
    // The group that an envelope draws against, or one above it.
    GroupFrozen,
    GroupWindowLimitExceeded,
    GroupLifetimeLimitExceeded,
    // The envelope does not let its purses pay through Permit2.
    RailNotAllowed,
    // The decision was paid for on another rail.
    DecisionSettled,
    // The identity stamp that the session names.
    StampRevoked,
    // The reviewer's score, where the envelope asks for a fresh one.
    ScoreStale
}

/// @notice Roles of a treasury, as bits of an account's role set.
library Role {
    /// @dev Releases, withdraws, grants: a Safe or a timelock in production.
    uint8 internal constant OWNER = 1;
    /// @dev Sets policies, payee lists and purses.
    uint8 internal constant POLICY_MANAGER = 2;
    /// @dev Freezes, revokes, cancels announcements; never releases.
    uint8 internal constant GUARDIAN = 4;
    /// @dev Approves single payments above a policy's threshold.
    uint8 internal constant APPROVER = 8;
    /// @dev Sets the review flag; an automatic scorer holds this.
    uint8 internal constant REVIEWER = 16;
    /// @dev Issues and revokes root identity stamps.
    uint8 internal constant STAMPER = 32;
}

/// @notice A calendar-aligned limit: at most `limit` is drawn within any one window of `period`.
struct WindowLimit {
    /// Length of the window, in seconds; windows are aligned to Monday 1970-01-05 00:00 UTC.
    uint32 period;
    /// Most that may be drawn within one window, in the asset's atomic units (inclusive).
    uint96 limit;
}

/// @notice The limits and rules of an envelope, with the hash of the document a human reads.
struct Policy {
    /// Most that one payment may move, in the asset's atomic units (inclusive).
    uint96 paymentCap;
    /// A payment above this amount needs a human's approval; equal to `paymentCap` means none does.
    uint96 approvalThreshold;
    /// Most that one session may draw, in the asset's atomic units (inclusive).
    uint96 sessionLimit;
    /// Longest life of a session, in seconds (inclusive).
    uint24 maxSessionSeconds;
    /// The payee list that payments must be on; 0 allows any payee.
    uint16 payeeList;
    /// Most that may be drawn over the envelope's life, in atomic units; 0 means no lifetime limit.
    uint96 lifetimeLimit;
    /// keccak-256 of the canonical policy document (RFC 8785).
    bytes32 policyHash;
    /// Up to four calendar windows, shortest period first.
    WindowLimit[] windows;
}

/// @notice What a session narrows of its envelope's policy. A zero field narrows nothing.
struct Scope {
    /// Lower cap per payment, in atomic units.
    uint96 paymentCap;
    /// Lower approval threshold, in atomic units.
    uint96 approvalThreshold;
    /// A further payee list that payments must be on as well.
    uint16 payeeList;
}

/// @notice The agent's request to open a session; signed by its identity key, submitted by anyone.
struct SessionRequest {
    /// The envelope that the budget is drawn from.
    uint24 envelope;
    /// Which of the envelope's purses to pay from, counted from 0.
    uint16 purseIndex;
    /// The purse's session sequence number after this opening: the current one plus 1.
    uint24 sequence;
    /// The session key: the address whose signature authorizes payments.
    address key;
    /// What the purse holds once the session is open, in the asset's atomic units.
    uint96 budget;
    /// When the session ends, in unix seconds (exclusive).
    uint32 expiry;
    /// What the session narrows.
    Scope scope;
    /// Hash of the identity stamp that authorizes the session, or zero.
    bytes32 stampHash;
}

/// @notice One agent's budget inside a treasury.
struct Envelope {
    HeadWord head;
    address agent;
    uint96 sessionLimit;
    BooksWord books;
    // Calendar windows, then the lifetime limit as a window of period 0; a zero limit ends the list.
    WindowWord[5] windows;
    // Version => hash of the policy document; never overwritten.
    mapping(uint256 => bytes32) policyHashes;
}

/// @notice A budget that several envelopes draw against, beside their own: a team, a task, the whole fleet.
struct Group {
    /// The group above, or 0.
    uint24 parent;
    /// How many groups stand above.
    uint8 depth;
    uint8 asset;
    bool frozen;
    /// How often it was released; part of what payment nonces of its envelopes commit to.
    uint32 epoch;
    // As an envelope's; the periods never change.
    WindowWord[5] windows;
}

/// @notice A gasless top-up: an EIP-3009 `ReceiveWithAuthorization`, whose nonce the treasury works out.
struct TopUpAuthorization {
    /// Who pays.
    address from;
    /// In the asset's atomic units.
    uint256 amount;
    /// Unix seconds (exclusive).
    uint256 validAfter;
    /// Unix seconds (exclusive).
    uint256 validBefore;
    /// Tells top-ups of one envelope by one account apart.
    bytes32 salt;
}

/// @notice Facts about the whole organisation: one storage slot.
struct Organisation {
    bool frozen;
    bool separateDuties;
    uint8 assets;
    uint16 owners;
    uint24 envelopes;
    uint32 delay;
    uint24 groups;
    /// How often the organisation was released; part of what payment nonces commit to.
    uint32 epoch;
    /// Stamps of an earlier epoch are revoked.
    uint32 stampEpoch;
}

/// @notice What one address is to a treasury: one storage slot.
struct Account {
    uint8 roles;
    /// Whether the account ever set a policy here; sticky, for the separation of duties.
    bool author;
    /// The envelope whose agent this account is, or 0.
    uint24 agentOf;
}

/// @notice An announced loosening.
struct Announcement {
    uint64 madeAt;
    uint64 readyAt;
}

/// @notice A token that envelopes may hold.
struct Asset {
    address token;
    /// Sum of the escrow of all envelopes in this asset, in atomic units.
    uint96 escrowed;
    /// The token's EIP-712 domain separator when it was added.
    bytes32 domainSeparator;
    /// keccak-256 of the creation code of a purse in this asset: purse addresses follow from it.
    bytes32 purseCodeHash;
}

/// @notice An envelope as it stands. Amounts in the asset's atomic units.
struct EnvelopeView {
    address agent;
    address asset;
    uint256 escrow;
    uint256 policyVersion;
    bool frozen;
    bool underReview;
    uint256 purses;
    uint256 group;
    bool permit2;
    /// How long a score lets sessions open, in seconds; 0 where none is asked for.
    uint256 scoreLife;
    /// When the last score was reported, in unix seconds, and what it was.
    uint256 scoredAt;
    uint256 score;
    Policy policy;
}

/// @notice A group as it stands.
struct GroupView {
    uint256 parent;
    address asset;
    bool frozen;
    uint256 epoch;
}

/// @notice A limit as it stands now. Amounts in the asset's atomic units, times in unix seconds.
struct Headroom {
    /// Length of the window in seconds; 0 for the lifetime limit.
    uint256 period;
    uint256 limit;
    uint256 used;
    /// When the window ends (exclusive).
    uint256 endsAt;
}

/// @notice A purse's session as it stands.
struct SessionView {
    uint256 envelope;
    uint256 sequence;
    address key;
    uint256 expiry;
    uint256 policyVersion;
    bool frozen;
    uint256 budget;
    uint256 openedAt;
    Scope scope;
    /// What payment nonces commit to beside the policy version: see {PaymentDigest-terms}.
    uint256 epoch;
    uint256 group;
}
