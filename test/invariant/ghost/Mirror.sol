// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Treasury} from "../../../contracts/Treasury.sol";
import {TreasuryDesk} from "../../../contracts/TreasuryDesk.sol";
import {Policy, Role, WindowLimit} from "../../../contracts/libraries/Types.sol";
import {Flows} from "./Flows.sol";

/// @notice What the treasury's people have done, as their calls say: roles, rules, stops and announcements.
/// Kept from call data alone, never read back from the treasury.
abstract contract Mirror is Flows {
    // For the names of their verbs alone.
    Treasury private constant HOT = Treasury(address(0));
    TreasuryDesk private constant DESK = TreasuryDesk(address(0));
    uint8 internal constant STOP = Role.OWNER | Role.POLICY_MANAGER | Role.GUARDIAN;
    uint256 private constant ANNOUNCEMENT_LIFE = 14 days;

    /// @notice The rules of an envelope beside its limits.
    struct Rules {
        uint96 cap;
        uint96 threshold;
        uint96 session;
        uint24 longest;
        uint16 list;
    }

    bool public organisationFrozen;
    bool public dutiesSeparate;
    uint256 public delay;
    mapping(address => uint8) public roles;
    mapping(address => bool) public author;
    mapping(address agent => uint24) public agentOf;
    mapping(uint24 envelope => address) public agentIn;
    mapping(uint24 envelope => Rules) internal _rules;
    mapping(uint24 envelope => uint16) public versionOf;
    mapping(uint24 envelope => mapping(uint16 version => bytes32)) public hashOf;
    mapping(uint24 envelope => bool) public frozen;
    mapping(uint24 envelope => bool) public underReview;
    /// @notice Whether the envelope ever counted other periods: its counters are then upper bounds.
    mapping(uint24 envelope => bool) public periodsChanged;
    mapping(uint24 envelope => uint24) public groupOf;
    mapping(uint24 envelope => bool) public permit2;
    mapping(uint24 envelope => uint256) public scoreLife;
    mapping(uint24 envelope => uint256) public scoredAt;
    uint24 public groups;
    mapping(uint24 group => address) public groupToken;
    mapping(uint24 group => bool) public groupFrozen;
    mapping(uint24 group => uint256) public groupEpoch;
    uint256 public organisationEpoch;
    uint256 public stampEpoch;
    mapping(bytes32 stamp => bool) public revoked;
    mapping(uint16 list => mapping(address payee => bool)) public listed;
    mapping(bytes32 id => uint256) internal _madeAt;
    mapping(bytes32 id => uint256) internal _readyAt;
    address[] public people;

    function rulesOf(uint24 envelope) external view returns (Rules memory) {
        return _rules[envelope];
    }

    function peopleCount() external view returns (uint256) {
        return people.length;
    }

    /* WHO MAY, AND WHEN */

    /// @notice The roles of which one is asked for by a verb.
    function rolesFor(bytes4 verb) public pure returns (uint8) {
        if (verb == DESK.setReview.selector) return STOP | Role.REVIEWER;
        if (verb == HOT.freezeOrganisation.selector || verb == HOT.freezeGroup.selector) return STOP;
        if (verb == HOT.freezeEnvelope.selector || verb == HOT.freezeSession.selector) return STOP;
        if (verb == DESK.cancelAnnouncement.selector) return STOP;
        if (verb == DESK.unlistPayee.selector) return Role.POLICY_MANAGER | Role.GUARDIAN;
        if (verb == DESK.announce.selector) return Role.OWNER | Role.POLICY_MANAGER;
        if (verb == DESK.reportScore.selector) return Role.REVIEWER;
        if (verb == DESK.anchor.selector) return Role.OWNER | Role.REVIEWER;
        if (verb == DESK.revokeStamp.selector || verb == DESK.setStampEpoch.selector) {
            return Role.OWNER | Role.GUARDIAN | Role.STAMPER;
        }
        if (
            verb == DESK.setPolicy.selector || verb == HOT.listPayee.selector
                || verb == DESK.createPurses.selector || verb == DESK.createEnvelope.selector
                || verb == DESK.createGroup.selector || verb == DESK.setGroupLimits.selector
                || verb == DESK.setGroup.selector || verb == DESK.setPermit2.selector
                || verb == DESK.setScoreLife.selector
        ) return Role.POLICY_MANAGER;
        return Role.OWNER;
    }

    /// @notice Whether a call makes anything looser than it is.
    function loosens(bytes calldata call) public view returns (bool) {
        bytes4 verb = bytes4(call);
        if (verb == HOT.listPayee.selector || verb == DESK.setAgent.selector) return true;
        if (verb == DESK.setGroup.selector) {
            (uint24 envelope,) = abi.decode(call[4:], (uint24, uint24));
            return groupOf[envelope] != 0;
        }
        if (verb == DESK.setScoreLife.selector) {
            (uint24 envelope, uint32 life) = abi.decode(call[4:], (uint24, uint32));
            return scoreLife[envelope] != 0 && (life == 0 || life > scoreLife[envelope]);
        }
        if (verb == DESK.setPermit2.selector) {
            (, bool on) = abi.decode(call[4:], (uint24, bool));
            return on;
        }
        if (verb == DESK.setGroupLimits.selector) return _raisesAGroup(call[4:]);
        if (verb == DESK.setSeparationOfDuties.selector) return !abi.decode(call[4:], (bool));
        if (verb == DESK.setDelay.selector) return abi.decode(call[4:], (uint32)) < delay;
        if (verb == DESK.setPolicy.selector) {
            (uint24 envelope, Policy memory policy) = abi.decode(call[4:], (uint24, Policy));
            return _loosensPolicy(envelope, policy);
        }
        bool grants = verb == DESK.grantRole.selector;
        if (!grants && verb != DESK.revokeRole.selector) return false;
        (, uint8 role) = abi.decode(call[4:], (address, uint8));
        bool stops = role == Role.GUARDIAN || role == Role.REVIEWER;
        return grants != stops;
    }

    function _loosensPolicy(uint24 envelope, Policy memory policy) private view returns (bool) {
        Rules memory rules = _rules[envelope];
        if (policy.paymentCap > rules.cap || policy.approvalThreshold > rules.threshold) return true;
        if (policy.sessionLimit > rules.session || policy.maxSessionSeconds > rules.longest) return true;
        if (rules.list != 0 && policy.payeeList != rules.list) return true;
        uint256[PERIODS] memory next = _limits(policy);
        for (uint256 i; i < PERIODS; ++i) {
            uint256 limit = limitOf[envelope][i];
            if (limit != 0 && (next[i] == 0 || next[i] > limit)) return true;
        }
        return false;
    }

    function _raisesAGroup(bytes calldata arguments) private view returns (bool) {
        (uint24 group, WindowLimit[] memory windows, uint96 lifetime) =
            abi.decode(arguments, (uint24, WindowLimit[], uint96));
        uint256[PERIODS] memory next = _limits(windows, lifetime);
        for (uint256 i; i < PERIODS; ++i) {
            if (next[i] > limitOf[GROUP | group][i]) return true;
        }
        return false;
    }

    /// @notice How often what stands above an envelope was released.
    function epochOf(uint24 envelope) public view returns (uint256 epoch) {
        epoch = organisationEpoch;
        for (uint24 group = groupOf[envelope]; group != 0; group = parentOf[group]) {
            epoch += groupEpoch[group];
        }
    }

    /// @notice How many groups stand above one another, this one the lowest.
    function depthOf(uint24 group) external view returns (uint256 depth) {
        for (; group != 0; group = parentOf[group]) {
            ++depth;
        }
    }

    /// @notice Whether a group or one above it is frozen.
    function isGroupStopped(uint24 group) public view returns (bool) {
        for (; group != 0; group = parentOf[group]) {
            if (groupFrozen[group]) return true;
        }
        return false;
    }

    /// @notice Whether an envelope is stopped: itself, with a group that it is in, or with everybody.
    function stopped(uint24 envelope) public view returns (bool) {
        return organisationFrozen || frozen[envelope] || isGroupStopped(groupOf[envelope]);
    }

    /// @notice Whether an announced call has waited long enough, and not too long.
    function ripe(bytes32 id) public view returns (bool) {
        if (_madeAt[id] == 0) return false;
        uint256 byDelay = _madeAt[id] + delay;
        uint256 readyAt = byDelay > _readyAt[id] ? byDelay : _readyAt[id];
        return clock() >= readyAt && clock() < readyAt + ANNOUNCEMENT_LIFE;
    }

    function announced(bytes32 id) external view returns (bool) {
        return _madeAt[id] != 0;
    }

    /* WHAT HAS HAPPENED */

    /// @notice A call ran for `by`: what it means.
    function ran(address by, bytes calldata call) external {
        bytes4 verb = bytes4(call);
        bytes calldata arguments = call[4:];
        if (delay != 0 && loosens(call)) _madeAt[keccak256(call)] = 0;
        if (verb == DESK.grantRole.selector) {
            (address account, uint8 role) = abi.decode(arguments, (address, uint8));
            roles[account] |= role;
        } else if (verb == DESK.revokeRole.selector) {
            (address account, uint8 role) = abi.decode(arguments, (address, uint8));
            roles[account] &= ~role;
        } else if (verb == DESK.setDelay.selector) {
            delay = abi.decode(arguments, (uint32));
        } else if (verb == DESK.setSeparationOfDuties.selector) {
            dutiesSeparate = abi.decode(arguments, (bool));
        } else if (verb == DESK.announce.selector) {
            bytes32 id = keccak256(abi.decode(arguments, (bytes)));
            (_madeAt[id], _readyAt[id]) = (clock(), clock() + delay);
        } else if (verb == DESK.cancelAnnouncement.selector) {
            _madeAt[abi.decode(arguments, (bytes32))] = 0;
        } else if (verb == DESK.setPolicy.selector) {
            (uint24 envelope, Policy memory policy) = abi.decode(arguments, (uint24, Policy));
            _putInForce(envelope, policy);
            author[by] = true;
        } else if (verb == DESK.setAgent.selector) {
            (uint24 envelope, address agent) = abi.decode(arguments, (uint24, address));
            agentOf[agentIn[envelope]] = 0;
            (agentIn[envelope], agentOf[agent]) = (agent, envelope);
            _nextVersion(envelope, hashOf[envelope][versionOf[envelope]]);
        } else {
            _ranHot(verb, arguments);
        }
    }

    function _ranHot(bytes4 verb, bytes calldata arguments) private {
        if (verb == HOT.listPayee.selector || verb == DESK.unlistPayee.selector) {
            (uint16 list, address payee) = abi.decode(arguments, (uint16, address));
            listed[list][payee] = verb == HOT.listPayee.selector;
        } else if (verb == HOT.freezeOrganisation.selector) {
            organisationFrozen = true;
        } else if (verb == DESK.unfreezeOrganisation.selector) {
            organisationFrozen = false;
            ++organisationEpoch;
        } else if (verb == HOT.freezeSession.selector) {
            _books[abi.decode(arguments, (address))].frozen = true;
        } else if (verb == DESK.revokeStamp.selector) {
            revoked[abi.decode(arguments, (bytes32))] = true;
        } else if (verb == DESK.setStampEpoch.selector) {
            stampEpoch = abi.decode(arguments, (uint32));
        } else if (verb == HOT.freezeGroup.selector) {
            groupFrozen[abi.decode(arguments, (uint24))] = true;
        } else if (verb == DESK.unfreezeGroup.selector) {
            uint24 group = abi.decode(arguments, (uint24));
            groupFrozen[group] = false;
            ++groupEpoch[group];
        } else if (verb == DESK.setGroupLimits.selector) {
            (uint24 group, WindowLimit[] memory windows, uint96 lifetime) =
                abi.decode(arguments, (uint24, WindowLimit[], uint96));
            _setGroup(group, windows, lifetime, false);
        } else if (verb != DESK.anchor.selector) {
            _ranOnEnvelope(verb, abi.decode(arguments, (uint24)), arguments);
        }
    }

    function _ranOnEnvelope(bytes4 verb, uint24 envelope, bytes calldata arguments) private {
        uint256 value = arguments.length > 32 ? uint256(bytes32(arguments[32:64])) : 0;
        if (verb == HOT.freezeEnvelope.selector) frozen[envelope] = true;
        if (verb == DESK.unfreezeEnvelope.selector) frozen[envelope] = false;
        if (verb == DESK.setReview.selector) underReview[envelope] = true;
        if (verb == DESK.clearReview.selector) underReview[envelope] = false;
        if (verb == DESK.reportScore.selector) scoredAt[envelope] = clock();
        if (verb == DESK.setScoreLife.selector) scoreLife[envelope] = value;
        if (verb == DESK.setGroup.selector) groupOf[envelope] = uint24(value);
        if (verb == DESK.setPermit2.selector) permit2[envelope] = value != 0;
        bool renews = verb == DESK.unfreezeEnvelope.selector || verb == DESK.setGroup.selector
            || verb == DESK.setPermit2.selector;
        if (renews) _nextVersion(envelope, hashOf[envelope][versionOf[envelope]]);
    }

    /// @notice A group was created.
    function createdGroup(
        uint24 group,
        uint24 parent,
        address token,
        WindowLimit[] calldata windows,
        uint96 lifetime
    ) external {
        groups = group;
        (parentOf[group], groupToken[group]) = (parent, token);
        _setGroup(group, windows, lifetime, true);
    }

    function _setGroup(uint24 group, WindowLimit[] memory windows, uint96 lifetime, bool first) private {
        uint256[PERIODS] memory next = _limits(windows, lifetime);
        for (uint256 i; i < PERIODS; ++i) {
            _setLimit(GROUP | group, i, next[i], first);
        }
    }

    function _putInForce(uint24 envelope, Policy memory policy) internal {
        _rules[envelope] = Rules({
            cap: policy.paymentCap,
            threshold: policy.approvalThreshold,
            session: policy.sessionLimit,
            longest: policy.maxSessionSeconds,
            list: policy.payeeList
        });
        bool first = versionOf[envelope] == 0;
        uint256[PERIODS] memory next = _limits(policy);
        for (uint256 i; i < PERIODS; ++i) {
            if (!first && (next[i] == 0) != (limitOf[envelope][i] == 0)) periodsChanged[envelope] = true;
            _setLimit(envelope, i, next[i], first);
        }
        _nextVersion(envelope, policy.policyHash);
    }

    function _nextVersion(uint24 envelope, bytes32 hash) internal {
        hashOf[envelope][++versionOf[envelope]] = hash;
    }

    function _limits(Policy memory policy) private view returns (uint256[PERIODS] memory) {
        return _limits(policy.windows, policy.lifetimeLimit);
    }

    function _limits(WindowLimit[] memory windows, uint96 lifetime)
        private
        view
        returns (uint256[PERIODS] memory limits)
    {
        for (uint256 i; i < windows.length; ++i) {
            limits[slotOf(windows[i].period)] = windows[i].limit;
        }
        limits[LIFETIME] = lifetime;
    }
}
