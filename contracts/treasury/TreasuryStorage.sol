// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {ITreasuryErrors} from "../interfaces/ITreasuryErrors.sol";
import {ITreasuryEvents} from "../interfaces/ITreasuryEvents.sol";
import {DrawWord} from "../libraries/DrawWord.sol";
import {HeadWord} from "../libraries/HeadWord.sol";
import {SessionWord} from "../libraries/SessionWord.sol";
import {
    Account,
    Announcement,
    Asset,
    Envelope,
    Group,
    Organisation,
    Policy,
    Role,
    Scope,
    WindowLimit
} from "../libraries/Types.sol";
import {WindowWord} from "../libraries/WindowWord.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {Create2} from "@openzeppelin/contracts/utils/Create2.sol";
import {EIP712} from "solady/utils/EIP712.sol";
import {ReentrancyGuardTransient} from "solady/utils/ReentrancyGuardTransient.sol";

/// @notice The state of a treasury and what every part of it needs.
abstract contract TreasuryStorage is ITreasuryErrors, ITreasuryEvents, EIP712, ReentrancyGuardTransient {
    /* CONSTANTS */

    uint256 internal constant MAY_FREEZE = Role.OWNER | Role.POLICY_MANAGER | Role.GUARDIAN;

    /// @dev An announcement that nobody used for this long, in seconds, is void: the world has moved on.
    uint256 private constant ANNOUNCEMENT_LIFE = 14 days;

    /* STORAGE */

    Organisation internal _organisation;
    mapping(address account => Account) internal _accounts;
    mapping(uint256 index => Asset) internal _assets;
    mapping(uint256 envelope => Envelope) internal _envelopes;
    mapping(address purse => SessionWord) internal _sessions;
    mapping(address purse => Scope) internal _scopes;
    mapping(address purse => DrawWord) internal _draws;
    // Keyed by `list << 160 | payee`: one hash per payment, not two.
    mapping(uint256 listAndPayee => uint256 listed) internal _payees;
    mapping(bytes32 callHash => Announcement) internal _announcements;
    mapping(uint256 group => Group) internal _groups;
    mapping(bytes32 stampHash => bool) internal _revokedStamps;

    /* CHECKS */

    modifier only(uint256 anyOf) {
        _checkRole(anyOf);
        _;
    }

    function _checkRole(uint256 anyOf) internal view {
        if (_accounts[msg.sender].roles & anyOf == 0) revert RoleMissing(msg.sender, uint8(anyOf));
    }

    function _existing(uint256 envelope) internal view returns (Envelope storage) {
        uint256 count = _organisation.envelopes;
        if (envelope == 0 || envelope > count) revert EnvelopeUnknown(envelope, count);
        return _envelopes[envelope];
    }

    function _existingGroup(uint24 group) internal view returns (Group storage) {
        uint256 count = _organisation.groups;
        if (group == 0 || group > count) revert GroupUnknown(group, count);
        return _groups[group];
    }

    function _u96(uint256 value) internal pure returns (uint96) {
        if (value > type(uint96).max) revert Overflow(value, type(uint96).max);
        return uint96(value);
    }

    function _isListed(uint256 list, address payee) internal view returns (bool) {
        return _payees[_entry(list, payee)] != 0;
    }

    function _entry(uint256 list, address payee) internal pure returns (uint256) {
        return list << 160 | uint160(payee);
    }

    /* THE POLICY IN FORCE */

    function _policyInForce(Envelope storage record) internal view returns (Policy memory policy) {
        HeadWord head = record.head;
        policy.paymentCap = uint96(head.paymentCap());
        policy.approvalThreshold = uint96(head.approvalThreshold());
        policy.sessionLimit = record.sessionLimit;
        policy.maxSessionSeconds = uint24(head.maxSessionSeconds());
        policy.payeeList = uint16(head.payeeList());
        policy.policyHash = record.policyHashes[head.policyVersion()];
        (policy.windows, policy.lifetimeLimit) = _limits(record.windows);
    }

    function _limits(WindowWord[5] storage words)
        internal
        view
        returns (WindowLimit[] memory windows, uint96 lifetimeLimit)
    {
        uint256 count;
        while (count < 5 && words[count].limit() != 0) {
            if (words[count].period() == 0) {
                lifetimeLimit = uint96(words[count].limit());
                break;
            }
            ++count;
        }
        windows = new WindowLimit[](count);
        for (uint256 i; i < count; ++i) {
            WindowWord window = words[i];
            windows[i] = WindowLimit({period: uint32(window.period()), limit: uint96(window.limit())});
        }
    }

    /* SHARED EFFECTS */

    function _grant(address account, uint8 role) internal {
        Account storage record = _accounts[account];
        if (record.roles & role != 0) return;
        if (role == Role.OWNER) _organisation.owners += 1;
        record.roles |= role;
        emit RoleGranted(account, role, msg.sender);
    }

    /// @dev When an announced call may run; 0 where it is not announced. A delay that got longer since binds too.
    function _readyAt(bytes32 id) internal view returns (uint256) {
        Announcement memory announcement = _announcements[id];
        if (announcement.madeAt == 0) return 0;
        uint256 byDelay = uint256(announcement.madeAt) + _organisation.delay;
        return byDelay > announcement.readyAt ? byDelay : announcement.readyAt;
    }

    /// @dev Uses up the announcement of the current call, unless the organisation asks for no delay.
    function _requireAnnounced() internal {
        if (_organisation.delay != 0) _useAnnouncement();
    }

    function _useAnnouncement() private {
        bytes32 id = keccak256(msg.data);
        uint256 readyAt = _readyAt(id);
        if (readyAt == 0 || block.timestamp < readyAt) revert NotAnnounced(id, readyAt);
        uint256 staleAt = readyAt + ANNOUNCEMENT_LIFE;
        if (block.timestamp >= staleAt) revert AnnouncementStale(id, staleAt);
        delete _announcements[id];
        emit AnnouncementUsed(id, msg.sender);
    }

    function _purseAddress(uint256 envelope, uint256 index, uint256 asset) internal view returns (address) {
        return Create2.computeAddress(bytes32(envelope << 16 | index), _assets[asset].purseCodeHash);
    }

    /// @dev Makes a purse transfer what it holds; fails where the token says false.
    function _pull(address purse, address token, address to, uint256 amount) internal {
        _callFromPurse(purse, token, abi.encodeCall(IERC20.transfer, (to, amount)));
    }

    /// @dev Makes a purse call a token; fails where the token says false.
    function _callFromPurse(address purse, address token, bytes memory call) internal {
        (bool success, bytes memory answer) =
            purse.call(abi.encodePacked(bytes32(uint256(uint160(token))), call));
        // Tokens answer true, or nothing at all where they are older.
        if (!success || (answer.length != 0 && (answer.length < 32 || abi.decode(answer, (uint256)) != 1))) {
            revert PurseCallFailed(purse);
        }
    }

    /* EIP-712 */

    function _domainNameAndVersion() internal pure override returns (string memory, string memory) {
        return ("Bursar Treasury", "1");
    }

    /// @dev The guard is on every chain: all that Bursar runs on have transient storage.
    function _useTransientReentrancyGuardOnlyOnMainnet() internal pure override returns (bool) {
        return false;
    }
}
