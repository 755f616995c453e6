// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Policy, Role, SessionRequest} from "../../../contracts/libraries/Types.sol";
import {Payment} from "../../Digests.sol";
import {IWatcher} from "../WatchedToken.sol";
import {Breach, Flows} from "./Flows.sol";
import {Mirror} from "./Mirror.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

/// @notice A payment somebody signed: it may settle now, much later, never, or twice if something is wrong.
struct Signed {
    address purse;
    uint24 sequence;
    uint16 version;
    uint256 epoch;
    // Who is said to have approved; zero where nobody is.
    address approver;
    // What was wrong with it from the start, one bit per {Breach}.
    uint256 flaws;
    Payment payment;
    // What a facilitator takes: the amount, or some of it on rail 3.
    uint256 charge;
    bytes32 nonce;
    bytes blob;
}

/// @notice An opening that an agent signed once: relayed now, late, or again.
struct Asked {
    SessionRequest request;
    address signer;
    bytes signature;
}

/// @notice The ghost store: what was signed, what came of it, and what the rules say of it, worked out from
/// {Flows} and {Mirror} without the treasury.
contract Ghost is Mirror, IWatcher {
    enum Answer {
        No,
        Yes,
        // The counters are upper bounds here: a refusal may be right.
        Perhaps
    }

    uint256 private constant KEPT = 48;

    Signed[] private _signed;
    Signed[] private _settled;
    Asked[] private _asked;
    uint256 private _kept;
    // On which kind of rail: 1 for the token's own, 2 for Permit2.
    mapping(address purse => mapping(bytes32 nonce => uint256)) private _nonceUsed;
    /// @notice Whether a purse's allowance to Permit2 was levelled while its envelope allowed it.
    mapping(address purse => bool) public allowsPermit2;
    mapping(bytes32 sessionEpochAndDecision => bool) private _decisionSettled;

    address[] public agents;
    mapping(address agent => uint256) public agentSecret;

    uint256 public calls;
    uint256 public attempts;
    uint256 public settlements;
    uint256 public openings;
    uint256 public openingAttempts;
    /// @notice Openings refused because a limit was used up to the last unit.
    uint256 public fullWindows;
    /// @notice A digest of everything that was tried: two runs are the same only if it is.
    bytes32 public history;
    mapping(uint256 broken => uint256) private _refusedFor;

    function moved(address from, address to, uint256 value, bool direct) public override(Flows, IWatcher) {
        super.moved(from, to, value, direct);
    }

    /* SETTING UP */

    function watch(address treasury_, address[] calldata who, uint8[] calldata held) external {
        treasury = treasury_;
        for (uint256 i; i < who.length; ++i) {
            people.push(who[i]);
            roles[who[i]] = held[i];
        }
    }

    function startedWith(bool separate, address firstAuthor) external {
        dutiesSeparate = separate;
        author[firstAuthor] = true;
    }

    function knows(address agent, uint256 secret) external {
        agents.push(agent);
        agentSecret[agent] = secret;
    }

    function createdEnvelope(
        uint24 envelope,
        address agent,
        address token,
        Policy calldata policy,
        address by
    ) external {
        envelopes.push(envelope);
        (agentIn[envelope], agentOf[agent], tokenOf[envelope]) = (agent, envelope, token);
        author[by] = true;
        _putInForce(envelope, policy);
    }

    function createdPurse(uint24 envelope, uint16 index, address purse) external {
        purses.push(purse);
        (envelopeOf[purse], indexOf[purse]) = (envelope, index);
    }

    function levelled(address purse) external {
        allowsPermit2[purse] = permit2[envelopeOf[purse]];
    }

    function called() external {
        ++calls;
    }

    function toppedUp(uint24 envelope, uint256 amount) external {
        _money[envelope].toppedUp += amount;
    }

    function withdrew(uint24 envelope, uint256 amount) external {
        _money[envelope].withdrawn += amount;
    }

    /* PAYMENTS */

    function sign(Signed calldata s) external {
        _keep(_signed, s);
    }

    function signedCount() external view returns (uint256) {
        return _signed.length;
    }

    function signedAt(uint256 i) external view returns (Signed memory) {
        return _signed[i % _signed.length];
    }

    function settledCount() external view returns (uint256) {
        return _settled.length;
    }

    function settledAt(uint256 i) external view returns (Signed memory) {
        return _settled[i % _settled.length];
    }

    /// @notice A settlement is about to be tried.
    /// @return broken The rules that it breaks, one bit per {Breach}; 0 where it must settle.
    function trying(Signed calldata s) external returns (uint256 broken) {
        ++attempts;
        settling = true;
        return brokenBy(s);
    }

    function tried(Signed calldata s, uint256 broken, bool settled) external {
        settling = false;
        history = keccak256(abi.encode(history, s.nonce, broken));
        if (!settled) {
            if (broken == 0) breach(Breach.Refused);
            else if (broken & (broken - 1) == 0) ++_refusedFor[broken];
            return;
        }
        ++settlements;
        for (uint256 i; broken != 0; (++i, broken >>= 1)) {
            if (broken & 1 != 0) breach(Breach(i));
        }
        bytes32 decision = keccak256(abi.encode(s.purse, s.sequence, s.epoch, s.payment.decisionHash));
        if (_decisionSettled[decision]) breach(Breach.Twice);
        _decisionSettled[decision] = true;
        _nonceUsed[s.purse][s.nonce] = _kind(s.payment.rail);
        _keep(_settled, s);
    }

    /// @notice How many payments were refused for this one reason and no other.
    function refusedFor(Breach what) external view returns (uint256) {
        return _refusedFor[_bit(what)];
    }

    /// @notice Every rule that a payment breaks now.
    function brokenBy(Signed calldata s) public view returns (uint256 broken) {
        Book memory book = _books[s.purse];
        uint24 envelope = envelopeOf[s.purse];
        Payment calldata p = s.payment;
        broken = s.flaws;
        if (stopped(envelope) || book.frozen) broken |= _bit(Breach.Frozen);
        if (epochOf(envelope) != s.epoch) broken |= _bit(Breach.OldEpoch);
        if (!book.open || book.sequence != s.sequence) broken |= _bit(Breach.OldSession);
        if (clock() >= book.expiry) broken |= _bit(Breach.Expired);
        if (versionOf[envelope] != s.version) broken |= _bit(Breach.OldPolicy);
        broken |= _brokenRules(_rules[envelope], book, p.payee, p.amount);
        broken |= _brokenOutside(s, envelope);
        uint256 threshold = _least(_rules[envelope].threshold, book.scope.approvalThreshold);
        if (s.approver == address(0)) {
            if (p.amount > threshold) broken |= _bit(Breach.Approval);
        } else if (!_mayApprove(s.approver, book.key)) {
            broken |= _bit(Breach.Approver);
        }
    }

    /// @dev What the token and Permit2 see to: time, nonces, balance, allowance.
    function _brokenOutside(Signed calldata s, uint24 envelope) private view returns (uint256 broken) {
        Payment calldata p = s.payment;
        bool early = p.rail == 1 ? clock() <= p.validAfter : clock() < p.validAfter;
        bool late = p.rail == 1 ? clock() >= p.validBefore : clock() > p.validBefore;
        if (early || late) broken |= _bit(Breach.Time);
        uint256 used = _nonceUsed[s.purse][s.nonce];
        if (used == _kind(p.rail)) broken |= _bit(Breach.Twice);
        else if (used != 0) broken |= _bit(Breach.OtherRail);
        if (heldBy(s.purse) < s.charge) broken |= _bit(Breach.Float);
        if (p.rail == 1) return broken;
        if (!allowsPermit2[s.purse]) broken |= _bit(Breach.Float);
        if (!permit2[envelope]) broken |= _bit(Breach.Rail);
    }

    function _brokenRules(Rules memory rules, Book memory book, address payee, uint256 amount)
        private
        view
        returns (uint256 broken)
    {
        if (amount == 0 || amount > rules.cap) broken |= _bit(Breach.Cap);
        if (amount > _least(rules.cap, book.scope.paymentCap)) broken |= _bit(Breach.Scope);
        if (rules.list != 0 && !listed[rules.list][payee]) broken |= _bit(Breach.Payee);
        if (book.scope.payeeList != 0 && !listed[book.scope.payeeList][payee]) broken |= _bit(Breach.Scope);
    }

    function _mayApprove(address who, address key) private view returns (bool) {
        if (roles[who] & Role.APPROVER == 0 || agentOf[who] != 0 || who == key) return false;
        return !author[who] || !dutiesSeparate;
    }

    /* SESSIONS */

    function ask(Asked calldata a) external {
        if (_asked.length < KEPT) _asked.push(a);
        else _asked[++_kept % KEPT] = a;
    }

    function askedCount() external view returns (uint256) {
        return _asked.length;
    }

    function askedAt(uint256 i) external view returns (Asked memory) {
        return _asked[i % _asked.length];
    }

    function purseAt(uint24 envelope, uint16 index) public view returns (address) {
        for (uint256 i; i < purses.length; ++i) {
            if (envelopeOf[purses[i]] == envelope && indexOf[purses[i]] == index) return purses[i];
        }
        return address(0);
    }

    /// @notice Whether the rules let this session open now, its signature aside.
    function mayOpen(SessionRequest calldata r) external view returns (Answer) {
        address purse = purseAt(r.envelope, r.purseIndex);
        if (purse == address(0)) return Answer.No;
        Book memory book = _books[purse];
        Rules memory rules = _rules[r.envelope];
        if (stopped(r.envelope) || underReview[r.envelope] || revoked[r.stampHash]) return Answer.No;
        uint256 life = scoreLife[r.envelope];
        if (life != 0 && clock() >= scoredAt[r.envelope] + life) return Answer.No;
        if (book.open && book.frozen && clock() < book.expiry) return Answer.No;
        if (r.sequence != book.sequence + 1) return Answer.No;
        if (r.key == address(0) || r.key == agentIn[r.envelope] || (book.open && r.key == book.key)) {
            return Answer.No;
        }
        if (r.budget == 0 || r.budget > rules.session) return Answer.No;
        if (r.expiry <= clock() || r.expiry > clock() + rules.longest) return Answer.No;
        if (r.scope.paymentCap > rules.cap || r.scope.approvalThreshold > rules.threshold) return Answer.No;
        if (r.budget > escrowOf(r.envelope) + heldBy(purse)) return Answer.No;
        (uint256 room, uint256 end) = roomFor(purse);
        if (r.expiry > end || r.budget > room) return Answer.No;
        return periodsChanged[r.envelope] ? Answer.Perhaps : Answer.Yes;
    }

    /// @notice What all limits leave for the next session of a purse, and until when it may run.
    function roomFor(address purse) public view returns (uint256 room, uint256 end) {
        uint24 envelope = envelopeOf[purse];
        (room, end) = (type(uint256).max, type(uint256).max);
        (room, end) = _roomIn(purse, envelope, true, room, end);
        for (uint24 group = groupOf[envelope]; group != 0; group = parentOf[group]) {
            bool returns_ = isWithin(_books[purse].group, group);
            (room, end) = _roomIn(purse, GROUP | group, returns_, room, end);
        }
    }

    /// @dev What the limits of an envelope or a group leave, once the purse's last session is settled.
    function _roomIn(address purse, uint256 id, bool returns_, uint256 room, uint256 end)
        private
        view
        returns (uint256, uint256)
    {
        Book storage book = _books[purse];
        uint256 held = heldBy(purse);
        uint256 unspent = !book.open || !returns_ ? 0 : held < book.budget ? held : book.budget;
        for (uint256 i; i < PERIODS; ++i) {
            uint256 limit = limitOf[id][i];
            if (limit == 0) continue;
            uint256 count = drawn(id, i);
            if (unspent != 0 && windowAt(i, book.openedAt) == windowAt(i, clock())) {
                count = count > unspent ? count - unspent : 0;
            }
            uint256 left = limit > count ? limit - count : 0;
            if (left < room) room = left;
            if (windowEnd(i) < end) end = windowEnd(i);
        }
        return (room, end);
    }

    function opened(SessionRequest calldata r, address purse, uint256 held) external {
        ++openings;
        Book memory next;
        (next.envelope, next.sequence, next.version) = (r.envelope, r.sequence, versionOf[r.envelope]);
        (next.open, next.key, next.budget) = (true, r.key, r.budget);
        (next.openedAt, next.expiry, next.scope) = (clock(), r.expiry, r.scope);
        next.group = groupOf[r.envelope];
        _drawFor(purse, next, held);
    }

    function askedOnce(address purse) external {
        ++openingAttempts;
        if (purse == address(0)) return;
        (uint256 room,) = roomFor(purse);
        if (room == 0) ++fullWindows;
    }

    /// @param signature 0: none, 1: the agent's, 2: another.
    function mayClose(address purse, address by, uint256 signature) external view returns (bool) {
        Book memory book = _books[purse];
        if (!book.open) return false;
        if (roles[by] & STOP != 0) return true;
        if (book.frozen && clock() < book.expiry) return false;
        if (signature != 0) return signature == 1;
        uint24 envelope = envelopeOf[purse];
        return by == agentIn[envelope] || clock() >= book.expiry || book.version != versionOf[envelope];
    }

    function closed(address purse, uint256 held) external {
        _giveBack(purse, held);
    }

    /* INTERNAL */

    function heldBy(address purse) public view returns (uint256) {
        return IERC20(tokenOf[envelopeOf[purse]]).balanceOf(purse);
    }

    function _kind(uint256 rail) private pure returns (uint256) {
        return rail == 1 ? 1 : 2;
    }

    function _bit(Breach what) private pure returns (uint256) {
        return 1 << uint8(what);
    }

    function _least(uint256 rule, uint256 narrowed) private pure returns (uint256) {
        return narrowed != 0 && narrowed < rule ? narrowed : rule;
    }

    function _keep(Signed[] storage list, Signed calldata s) private {
        if (list.length < KEPT) list.push(s);
        else list[++_kept % KEPT] = s;
    }
}
