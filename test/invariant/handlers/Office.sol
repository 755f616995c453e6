// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Treasury} from "../../../contracts/Treasury.sol";
import {Policy, Role, WindowLimit} from "../../../contracts/libraries/Types.sol";
import {Breach} from "../ghost/Flows.sol";
import {Ghost, Signed} from "../ghost/Ghost.sol";
import {Cast, Handler} from "./Handler.sol";
import {Settler} from "./Settler.sol";

/// @notice The treasury's people at work: owner, policy manager, guardian, reviewer, stamper and approvers.
contract Office is Settler {
    uint8 private constant STOP = Role.OWNER | Role.POLICY_MANAGER | Role.GUARDIAN;
    uint256 private constant MOST_ENVELOPES = 6;
    uint256 private constant MOST_PURSES = 14;
    uint256 private constant MOST_GROUPS = 6;

    bytes[] private _announcedCalls;

    constructor(Ghost ghost_, Treasury treasury_, Cast memory cast_) Handler(ghost_, treasury_, cast_) {}

    /* STOPPING AND RELEASING */

    /// @notice Somebody who may stops something; the whole organisation now and then.
    function stops(uint256 seed) external counted {
        uint256 dice = _dice(seed, "what", 12);
        address by = _holder(seed, STOP);
        if (dice == 0) _administer(by, abi.encodeCall(treasury.freezeOrganisation, ()));
        if (dice == 1) _administer(by, abi.encodeCall(treasury.freezeEnvelope, (_someEnvelope(seed))));
        if (dice < 5 && dice > 1) {
            address purse = _somePurse(seed);
            if (ghost.bookOf(purse).open) _administer(by, abi.encodeCall(treasury.freezeSession, (purse)));
        }
        if (dice == 5) _administer(by, abi.encodeCall(treasury.freezeGroup, (_someGroup(seed))));
        if (dice != 6) return;
        by = _holder(seed, Role.REVIEWER);
        _administer(by, abi.encodeCall(desk.setReview, (_someEnvelope(seed), bytes32(seed))));
    }

    /// @notice An owner releases most of what is stopped.
    function releases(uint256 seed) external counted {
        address by = _holder(seed, Role.OWNER);
        for (uint24 group = 1; group <= ghost.groups(); ++group) {
            if (ghost.groupFrozen(group)) _administer(by, abi.encodeCall(desk.unfreezeGroup, (group)));
        }
        if (ghost.organisationFrozen()) _administer(by, abi.encodeCall(desk.unfreezeOrganisation, ()));
        for (uint256 i; i < ghost.envelopeCount(); ++i) {
            uint24 envelope = ghost.envelopes(i);
            if (ghost.frozen(envelope) && (seed >> i) & 3 != 0) {
                _administer(by, abi.encodeCall(desk.unfreezeEnvelope, (envelope)));
            }
            if (ghost.underReview(envelope) && (seed >> i) & 6 != 0) {
                _administer(by, abi.encodeCall(desk.clearReview, (envelope, bytes32(seed))));
            }
        }
        for (uint256 i; i < ghost.purseCount(); ++i) {
            address purse = ghost.purses(i);
            // A frozen session is not released: the treasury's people close it.
            if (ghost.bookOf(purse).open && ghost.bookOf(purse).frozen) _close(by, purse, 0);
        }
    }

    /// @notice The treasury's people close a session, whatever its agent thinks of it.
    function closesASession(uint256 seed) external counted {
        if (_dice(seed, "at all", 2) == 0) return;
        _close(_holder(seed, STOP), _somePurse(seed), 0);
    }

    /* CHANGING RULES */

    /// @notice A policy, a list, a role or the delay changes; what loosens is announced where it has to be.
    function changesARule(uint256 seed) external counted {
        bytes memory call = _change(seed);
        address by = _holder(seed, ghost.rolesFor(bytes4(call)));
        bool waits = ghost.delay() != 0 && ghost.loosens(call);
        if (waits) _announce(seed, call);
        // Tried at once all the same: it must be refused.
        if (_stillSound(call) && (!waits || _dice(seed, "impatient", 3) == 0)) _administer(by, call);
    }

    /// @notice What was announced is run: early, in time, late, or after somebody cancelled it.
    function runsWhatWasAnnounced(uint256 seed) external counted {
        if (_announcedCalls.length == 0) return;
        bytes memory call = _announcedCalls[seed % _announcedCalls.length];
        if (!_stillSound(call)) return;
        _administer(_holder(seed, ghost.rolesFor(bytes4(call))), call);
    }

    function cancelsAnAnnouncement(uint256 seed) external counted {
        if (_announcedCalls.length == 0 || _dice(seed, "at all", 3) != 0) return;
        bytes32 id = keccak256(_announcedCalls[seed % _announcedCalls.length]);
        if (ghost.announced(id)) {
            _administer(_holder(seed, STOP), abi.encodeCall(desk.cancelAnnouncement, (id)));
        }
    }

    function _announce(uint256 seed, bytes memory call) private {
        address by = _holder(seed >> 1, Role.OWNER | Role.POLICY_MANAGER);
        if (_administer(by, abi.encodeCall(desk.announce, (call)))) _announcedCalls.push(call);
    }

    function _change(uint256 seed) private view returns (bytes memory) {
        uint256 dice = _dice(seed, "change", 30);
        if (dice < 7) {
            uint24 envelope = _someEnvelope(seed);
            return abi.encodeCall(desk.setPolicy, (envelope, _policy(seed, _shapeOf(envelope))));
        }
        if (dice < 12) return _changeOfPayees(seed, dice < 10);
        if (dice < 14) return abi.encodeCall(desk.grantRole, (_grantee(seed), _role(seed)));
        if (dice == 14) return abi.encodeCall(desk.revokeRole, (_grantee(seed), _role(seed)));
        if (dice == 15) return abi.encodeCall(desk.revokeRole, (cast.approvers[1], Role.APPROVER));
        if (dice == 16) return abi.encodeCall(desk.setSeparationOfDuties, (seed & 1 == 0));
        if (dice == 17) {
            uint24[4] memory delays = [uint24(0), 1 hours, 6 hours, 1 days];
            return abi.encodeCall(desk.setDelay, (delays[_dice(seed, "delay", 4)]));
        }
        if (dice == 18) return abi.encodeCall(desk.grantRole, (cast.approvers[1], Role.APPROVER));
        if (dice == 19) return abi.encodeCall(desk.setAgent, (_someEnvelope(seed), _freeAgent(seed)));
        if (dice < 24) {
            uint24 group = _someGroup(seed);
            bool short = ghost.limitOf(ghost.GROUP() | group, 0) != 0;
            (WindowLimit[] memory windows, uint96 lifetime) = _groupLimits(seed, short);
            return abi.encodeCall(desk.setGroupLimits, (group, windows, lifetime));
        }
        uint24 envelope_ = _someEnvelope(seed);
        if (dice > 27) return abi.encodeCall(desk.setScoreLife, (envelope_, uint32(seed % 3 * 3 days)));
        if (dice > 25) return abi.encodeCall(desk.setPermit2, (envelope_, seed % 3 != 0));
        return abi.encodeCall(desk.setGroup, (envelope_, _groupFor(seed, envelope_)));
    }

    /// @dev Any group in the envelope's token, or none.
    function _groupFor(uint256 seed, uint24 envelope) private view returns (uint24 group) {
        group = uint24(_dice(seed, "group for", ghost.groups() + 1));
        if (group != 0 && ghost.groupToken(group) != ghost.tokenOf(envelope)) group = 0;
    }

    /// @dev The first payees of both lists mostly stay on, so that there is somebody to pay.
    function _changeOfPayees(uint256 seed, bool lists) private view returns (bytes memory) {
        address who = cast.payees[_dice(seed, "whom", lists ? 4 : 3)];
        uint16 list = uint16(1 + _dice(seed, "list", 2));
        return lists
            ? abi.encodeCall(treasury.listPayee, (list, who))
            : abi.encodeCall(desk.unlistPayee, (list, who));
    }

    /// @dev Somebody whose roles the story can do without: the first holder of each role keeps it.
    function _grantee(uint256 seed) private view returns (address) {
        uint256 dice = _dice(seed, "grantee", 4);
        if (dice == 0) return ghost.agents(_dice(seed, "agent", 4));
        return dice == 1 ? cast.approverWallet : ghost.people(ghost.peopleCount() - dice + 1);
    }

    function _role(uint256 seed) private pure returns (uint8) {
        return uint8(1 << _dice(seed, "role", 6));
    }

    function _freeAgent(uint256 seed) private view returns (address agent) {
        for (uint256 i; i < 16; ++i) {
            agent = ghost.agents((seed % 16 + i) % 16);
            if (ghost.agentOf(agent) == 0) return agent;
        }
    }

    /// @dev Announced or not, an agent that has got another envelope since cannot be set any more, and nobody is
    /// led out of a frozen group.
    function _stillSound(bytes memory announced) private view returns (bool) {
        uint256 first;
        uint256 second;
        assembly {
            first := mload(add(announced, 36))
            second := mload(add(announced, 68))
        }
        if (bytes4(announced) == desk.setAgent.selector) return ghost.agentOf(address(uint160(second))) == 0;
        if (bytes4(announced) != desk.setGroup.selector) return true;
        return !ghost.isGroupStopped(ghost.groupOf(uint24(first)));
    }

    /* ENVELOPES AND PURSES */

    function createsAnEnvelope(uint256 seed) external counted {
        if (ghost.envelopeCount() >= MOST_ENVELOPES || _dice(seed, "at all", 3) != 0) return;
        address by = _holder(seed, Role.POLICY_MANAGER);
        address agent = _freeAgent(seed);
        address token = ghost.tokenOf(ghost.envelopes(seed & 1));
        uint256 shape = _shapeOf(ghost.envelopes(ghost.envelopeCount() - 1) + 1);
        Policy memory policy = _policy(seed, shape);
        vm.prank(by);
        (uint24 envelope, address purse) = desk.createEnvelope(agent, token, policy);
        ghost.createdEnvelope(envelope, agent, token, policy, by);
        ghost.createdPurse(envelope, 0, purse);
        _topUp(cast.owner, envelope, 500 * UNIT);
    }

    function createsAPurse(uint256 seed) external counted {
        if (ghost.purseCount() >= MOST_PURSES || _dice(seed, "at all", 3) != 0) return;
        uint24 envelope = _someEnvelope(seed);
        address by = _holder(seed, Role.POLICY_MANAGER);
        vm.prank(by);
        desk.createPurses(envelope, 1);
        uint16 index = 1;
        while (ghost.purseAt(envelope, index) != address(0)) ++index;
        ghost.createdPurse(envelope, index, views.purseOf(envelope, index));
    }

    /// @notice A group for one of the tokens, under another or on top.
    function createsAGroup(uint256 seed) external counted {
        if (ghost.groups() >= MOST_GROUPS || _dice(seed, "at all", 3) != 0) return;
        uint24 parent = uint24(_dice(seed, "parent", ghost.groups() + 1));
        address token = parent == 0 ? ghost.tokenOf(_someEnvelope(seed)) : ghost.groupToken(parent);
        (WindowLimit[] memory windows, uint96 lifetime) = _groupLimits(seed, seed & 1 == 0);
        address by = _holder(seed, Role.POLICY_MANAGER);
        vm.prank(by);
        (bool done, bytes memory answer) =
            address(treasury).call(abi.encodeCall(desk.createGroup, (parent, token, windows, lifetime)));
        // Four above one another, no more.
        if (done != (ghost.depthOf(parent) < 4)) ghost.breach(Breach.Refused);
        if (done) ghost.createdGroup(abi.decode(answer, (uint24)), parent, token, windows, lifetime);
    }

    /// @notice The scorer reports, on one envelope or on all.
    function scores(uint256 seed) external counted {
        address by = _holder(seed, Role.REVIEWER);
        for (uint256 i; i < ghost.envelopeCount(); ++i) {
            if ((seed >> i) & 3 == 0) continue;
            _administer(by, abi.encodeCall(desk.reportScore, (ghost.envelopes(i), uint16(seed >> 16))));
        }
    }

    /// @notice Stamps are revoked, epochs raised, roots anchored.
    function keepsStamps(uint256 seed) external counted {
        uint256 dice = _dice(seed, "what", 4);
        address by = _holder(seed, Role.STAMPER | Role.GUARDIAN | Role.OWNER);
        if (dice == 0) _administer(by, abi.encodeCall(desk.revokeStamp, (_stamp(seed))));
        uint32 next = uint32(ghost.stampEpoch() + 1);
        if (dice == 1) _administer(by, abi.encodeCall(desk.setStampEpoch, (next)));
        by = _holder(seed, Role.REVIEWER | Role.OWNER);
        if (dice == 2) _administer(by, abi.encodeCall(desk.anchor, (bytes32(seed), uint64(seed))));
    }

    /* MONEY */

    function topsUp(uint256 seed) external counted {
        _topUp(_somebody(seed), _someEnvelope(seed), 1 + _dice(seed, "amount", 200 * UNIT));
    }

    /// @notice An owner withdraws, sometimes more than there is.
    function withdraws(uint256 seed) external counted {
        uint24 envelope = _someEnvelope(seed);
        uint256 escrow = ghost.escrowOf(envelope);
        uint256 amount = _dice(seed, "too much", 4) == 0 ? escrow + 1 : _dice(seed, "amount", escrow / 4 + 1);
        address by = _holder(seed, Role.OWNER);
        ghost.expectRelease(true);
        vm.prank(by);
        (bool done,) = address(treasury).call(abi.encodeCall(desk.withdraw, (envelope, by, amount)));
        ghost.expectRelease(false);
        if (done && amount > escrow) ghost.breach(Breach.Escape);
        if (done != (amount != 0 && amount <= escrow)) ghost.breach(Breach.Refused);
        if (done) ghost.withdrew(envelope, amount);
    }

    /// @notice An owner takes out what was sent to the treasury by mistake, whatever no escrow counts.
    function recovers(uint256 seed) external counted {
        uint24 envelope = _someEnvelope(seed);
        uint256 stray = _token(envelope).balanceOf(address(treasury));
        for (uint256 i; i < ghost.envelopeCount(); ++i) {
            uint24 other = ghost.envelopes(i);
            uint256 counted = ghost.tokenOf(other) == ghost.tokenOf(envelope) ? ghost.escrowOf(other) : 0;
            // Where less is there than envelopes count, an invariant says so, not a panic here.
            stray = stray > counted ? stray - counted : 0;
        }
        address by = _holder(seed, Role.OWNER);
        _recover(by, abi.encodeCall(desk.recover, (ghost.tokenOf(envelope), by)), stray);
    }

    /// @notice An owner takes a token out of a purse that the purse does not pay in.
    function recoversFromAPurse(uint256 seed) external counted {
        address purse = _somePurse(seed);
        uint24 own = ghost.envelopeOf(purse);
        uint24 other = ghost.envelopes(ghost.tokenOf(own) == ghost.tokenOf(ghost.envelopes(0)) ? 1 : 0);
        address by = _holder(seed, Role.OWNER);
        uint256 stray = _token(other).balanceOf(purse);
        uint16 index = ghost.indexOf(purse);
        _recover(by, abi.encodeCall(desk.recoverFromPurse, (own, index, ghost.tokenOf(other), by)), stray);
        // Its own token is the escrow's, and no owner's to take.
        _recover(by, abi.encodeCall(desk.recoverFromPurse, (own, index, ghost.tokenOf(own), by)), 0);
    }

    function _recover(address by, bytes memory call, uint256 stray) private {
        ghost.expectRelease(true);
        vm.prank(by);
        (bool done,) = address(treasury).call(call);
        ghost.expectRelease(false);
        if (done && stray == 0) ghost.breach(Breach.Escape);
        if (!done && stray != 0) ghost.breach(Breach.Refused);
    }

    /* APPROVING */

    /// @notice Signs for a payment in flight: an approver, a wallet, or somebody who may not.
    function approves(uint256 seed) external counted {
        if (ghost.signedCount() == 0) return;
        Signed memory s = ghost.signedAt(seed);
        if (s.approver != address(0)) return;
        uint256 dice = _dice(seed, "who", 8);
        if (dice < 4) {
            _approveWith(s, cast.approvers[dice & 1], _secret("approver", dice & 1), false);
        } else if (dice < 6) {
            // The wallet answers for its owner's key only.
            _approveWith(s, cast.approverWallet, _secret("wallet", dice - 4), true);
            if (dice == 5) s.flaws |= APPROVER;
        } else if (dice == 6) {
            address agent = ghost.agentIn(ghost.envelopeOf(s.purse));
            _approveWith(s, agent, ghost.agentSecret(agent), false);
        } else {
            uint256 secret = _sessionSecret(s.purse, s.sequence);
            _approveWith(s, vm.addr(secret), secret, false);
        }
        ghost.sign(s);
    }
}
