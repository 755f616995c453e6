// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Treasury} from "../../../contracts/Treasury.sol";
import {TreasuryDesk} from "../../../contracts/TreasuryDesk.sol";
import {Policy, Role} from "../../../contracts/libraries/Types.sol";
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
        if (verb == HOT.setReview.selector) return STOP | Role.REVIEWER;
        if (verb == HOT.freezeOrganisation.selector) return STOP;
        if (verb == HOT.freezeEnvelope.selector) return STOP;
        if (verb == HOT.freezeSession.selector) return STOP;
        if (verb == DESK.cancelAnnouncement.selector) return STOP;
        if (verb == HOT.unlistPayees.selector) return Role.POLICY_MANAGER | Role.GUARDIAN;
        if (verb == DESK.announce.selector) return Role.OWNER | Role.POLICY_MANAGER;
        if (
            verb == DESK.setPolicy.selector || verb == HOT.listPayees.selector
                || verb == DESK.createPurses.selector || verb == DESK.createEnvelope.selector
        ) return Role.POLICY_MANAGER;
        return Role.OWNER;
    }

    /// @notice Whether a call makes anything looser than it is.
    function loosens(bytes calldata call) public view returns (bool) {
        bytes4 verb = bytes4(call);
        if (verb == HOT.listPayees.selector || verb == DESK.setAgent.selector) {
            return true;
        }
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
        if (verb == HOT.listPayees.selector || verb == HOT.unlistPayees.selector) {
            (uint16 list, address[] memory whom) = abi.decode(arguments, (uint16, address[]));
            for (uint256 i; i < whom.length; ++i) {
                listed[list][whom[i]] = verb == HOT.listPayees.selector;
            }
        } else if (verb == HOT.freezeOrganisation.selector) {
            organisationFrozen = true;
        } else if (verb == HOT.unfreezeOrganisation.selector) {
            organisationFrozen = false;
        } else if (verb == HOT.freezeEnvelope.selector) {
            frozen[abi.decode(arguments, (uint24))] = true;
        } else if (verb == HOT.unfreezeEnvelope.selector) {
            frozen[abi.decode(arguments, (uint24))] = false;
        } else if (verb == HOT.freezeSession.selector) {
            _books[abi.decode(arguments, (address))].frozen = true;
        } else if (verb == HOT.unfreezeSession.selector) {
            _books[abi.decode(arguments, (address))].frozen = false;
        } else if (verb == HOT.setReview.selector) {
            (uint24 envelope,) = abi.decode(arguments, (uint24, bytes32));
            underReview[envelope] = true;
        } else if (verb == HOT.clearReview.selector) {
            (uint24 envelope,) = abi.decode(arguments, (uint24, bytes32));
            underReview[envelope] = false;
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

    function _limits(Policy memory policy) private view returns (uint256[PERIODS] memory limits) {
        for (uint256 i; i < policy.windows.length; ++i) {
            limits[slotOf(policy.windows[i].period)] = policy.windows[i].limit;
        }
        limits[LIFETIME] = policy.lifetimeLimit;
    }
}
