// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Treasury} from "../../../contracts/Treasury.sol";
import {TreasuryDesk} from "../../../contracts/TreasuryDesk.sol";
import {TreasuryViews} from "../../../contracts/TreasuryViews.sol";
import {ITreasuryErrors} from "../../../contracts/interfaces/ITreasuryErrors.sol";
import {PaymentDigest} from "../../../contracts/libraries/PaymentDigest.sol";
import {
    Policy,
    Refusal,
    SessionRequest,
    TopUpAuthorization,
    WindowLimit
} from "../../../contracts/libraries/Types.sol";
import {Digests} from "../../Digests.sol";
import {WatchedToken} from "../WatchedToken.sol";
import {Breach, Flows} from "../ghost/Flows.sol";
import {Asked, Ghost} from "../ghost/Ghost.sol";
import {Vm} from "forge-std/Vm.sol";

/// @notice Who plays: addresses that every handler knows.
struct Cast {
    address owner;
    address manager;
    address guardian;
    address reviewer;
    address stamper;
    address stranger;
    address approverWallet;
    address[2] approvers;
    // The first two are listed at first.
    address[4] payees;
}

/// @notice What every handler can do: choose, call for somebody, and hold the answer against the ghost's.
/// A handler never lets a refusal pass unexplained, and never reverts itself.
abstract contract Handler {
    Vm internal constant vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));
    uint256 internal constant UNIT = 1e6;

    Ghost internal immutable ghost;
    Treasury internal immutable treasury;
    /// The same address as `treasury`.
    TreasuryDesk internal immutable desk;
    TreasuryViews internal immutable views;
    Cast internal cast;

    constructor(Ghost ghost_, Treasury treasury_, Cast memory cast_) {
        (ghost, treasury, desk) = (ghost_, treasury_, TreasuryDesk(address(treasury_)));
        views = TreasuryViews(address(treasury_));
        cast = cast_;
    }

    modifier counted() {
        ghost.called();
        _;
    }

    /* CHOOSING */

    function _dice(uint256 seed, string memory what, uint256 sides) internal pure returns (uint256) {
        return uint256(keccak256(abi.encode(seed, what))) % sides;
    }

    function _somePurse(uint256 seed) internal view returns (address) {
        return ghost.purses(_dice(seed, "purse", ghost.purseCount()));
    }

    /// @dev A purse that can pay, where there is one.
    function _livePurse(uint256 seed) internal view returns (address purse) {
        uint256 count = ghost.purseCount();
        uint256 first = _dice(seed, "purse", count);
        for (uint256 i; i < count; ++i) {
            purse = ghost.purses((first + i) % count);
            Flows.Book memory book = ghost.bookOf(purse);
            bool runs = book.open && !book.frozen && ghost.clock() < book.expiry;
            if (runs && book.version == ghost.versionOf(book.envelope) && ghost.heldBy(purse) != 0) {
                return purse;
            }
        }
    }

    function _someEnvelope(uint256 seed) internal view returns (uint24) {
        return ghost.envelopes(_dice(seed, "envelope", ghost.envelopeCount()));
    }

    /// @dev Somebody who holds one of the roles; the first of each never loses it.
    function _holder(uint256 seed, uint8 anyOf) internal view returns (address who) {
        uint256 count = ghost.peopleCount();
        uint256 first = _dice(seed, "holder", count);
        for (uint256 i; i < count; ++i) {
            who = ghost.people((first + i) % count);
            if (ghost.roles(who) & anyOf != 0) return who;
        }
    }

    function _someGroup(uint256 seed) internal view returns (uint24) {
        return uint24(1 + _dice(seed, "group", ghost.groups()));
    }

    function _somebody(uint256 seed) internal view returns (address) {
        return ghost.people(_dice(seed, "who", ghost.peopleCount()));
    }

    function _somePayee(uint256 seed) internal view returns (address) {
        uint256 dice = _dice(seed, "payee", 12);
        if (dice < 9) return cast.payees[dice % 2];
        if (dice == 9) return cast.payees[2];
        return dice == 10 ? address(treasury) : _somePurse(seed >> 1);
    }

    function _token(uint24 envelope) internal view returns (WatchedToken) {
        return WatchedToken(ghost.tokenOf(envelope));
    }

    /* KEYS */

    /// @dev Every key is worked out from what it is for, so that none has to be kept.
    function _secret(string memory what, uint256 number) internal pure returns (uint256) {
        return uint256(keccak256(abi.encode(what, number)));
    }

    function _sessionSecret(address purse, uint256 sequence) internal pure returns (uint256) {
        return _secret("session", uint256(uint160(purse)) << 32 | sequence);
    }

    function _agentSecret(uint24 envelope) internal view returns (uint256) {
        return ghost.agentSecret(ghost.agentIn(envelope));
    }

    /* PEOPLE'S VERBS */

    /// @dev Calls a verb that asks for a role; the arguments are good, so role and announcement decide. Now and
    /// then in a batch of one: that must make no difference.
    function _administer(address by, bytes memory call) internal returns (bool done) {
        bytes32 id = keccak256(call);
        bool allowed = ghost.roles(by) & ghost.rolesFor(bytes4(call)) != 0;
        bool waited = ghost.delay() == 0 || !ghost.loosens(call) || ghost.ripe(id);
        vm.prank(by);
        (done,) = address(treasury).call(uint256(id) % 4 == 0 ? _batched(call) : call);
        if (done && !allowed) ghost.breach(Breach.Role);
        if (done && !waited) ghost.breach(Breach.Announcement);
        if (!done && allowed && waited) ghost.breach(Breach.Refused);
        if (done) ghost.ran(by, call);
    }

    function _batched(bytes memory call) private view returns (bytes memory) {
        bytes[] memory batch = new bytes[](1);
        batch[0] = call;
        return abi.encodeCall(treasury.multicall, (batch));
    }

    /* SESSIONS */

    /// @dev An opening that the rules allow, where any is: all that is left, or some of it.
    function _honestRequest(uint256 seed, address purse) internal view returns (SessionRequest memory r) {
        Flows.Book memory book = ghost.bookOf(purse);
        Ghost.Rules memory rules = ghost.rulesOf(ghost.envelopeOf(purse));
        r.envelope = ghost.envelopeOf(purse);
        r.purseIndex = ghost.indexOf(purse);
        r.sequence = book.sequence + 1;
        r.key = vm.addr(_sessionSecret(purse, r.sequence));

        uint256 budget = rules.session;
        uint256 available = ghost.escrowOf(r.envelope) + ghost.heldBy(purse);
        uint256 expiry = ghost.clock() + 1 + _dice(seed, "expiry", rules.longest);
        if (available < budget) budget = available;
        (uint256 room, uint256 end) = ghost.roomFor(purse);
        if (room < budget) budget = room;
        if (end < expiry) expiry = end;
        if (budget > 1 && _dice(seed, "less", 3) == 0) budget = 1 + _dice(seed, "budget", budget);
        (r.budget, r.expiry) = (uint96(budget), uint32(expiry));
        if (_dice(seed, "stamped", 3) == 0) r.stampHash = _stamp(seed);
        if (_dice(seed, "scoped", 4) != 0) return r;
        r.scope.paymentCap = uint96(_dice(seed, "scope cap", uint256(rules.cap) + 1));
        r.scope.approvalThreshold = uint96(_dice(seed, "scope threshold", uint256(rules.threshold) + 1));
        r.scope.payeeList = uint16(_dice(seed, "scope list", 3));
    }

    /// @dev One of a few: most are never revoked.
    function _stamp(uint256 seed) internal pure returns (bytes32) {
        return keccak256(abi.encode("stamp", _dice(seed, "stamp", 40)));
    }

    function _signRequest(SessionRequest memory r, uint256 secret) internal view returns (bytes memory) {
        (uint8 v, bytes32 r_, bytes32 s) = vm.sign(secret, views.openSessionDigest(r));
        return abi.encodePacked(r_, s, v);
    }

    /// @dev Submits an opening, and holds what the verb, the view and the ghost say of it against each other.
    function _submit(SessionRequest memory r, bytes memory signature, bool agents)
        internal
        returns (bool opened)
    {
        Ghost.Answer may = ghost.mayOpen(r);
        if (!agents) may = Ghost.Answer.No;
        (Refusal told,,) = views.diagnoseSession(r);
        address purse = ghost.purseAt(r.envelope, r.purseIndex);
        uint256 held = purse == address(0) ? 0 : ghost.heldBy(purse);

        ghost.askedOnce(purse);
        ghost.expectOpening(purse);
        vm.prank(cast.stranger);
        bytes memory answer;
        (opened, answer) = address(treasury).call(abi.encodeCall(treasury.openSession, (r, signature)));
        ghost.expectOpening(address(0));

        if (opened && may == Ghost.Answer.No) ghost.breach(Breach.Opening);
        if (!opened && may == Ghost.Answer.Yes) ghost.breach(Breach.Refused);
        if (opened != (agents && told == Refusal.None)) ghost.breach(Breach.View);
        if (!opened && told != Refusal.None && !_saysWhy(answer, told)) ghost.breach(Breach.View);
        if (opened) ghost.opened(r, purse, held);
    }

    function _saysWhy(bytes memory answer, Refusal told) private pure returns (bool) {
        if (answer.length != 100 || bytes4(answer) != ITreasuryErrors.SessionRefused.selector) return false;
        uint256 reason;
        assembly {
            reason := mload(add(answer, 36))
        }
        return reason == uint8(told);
    }

    /// @param kind 0: no signature, 1: the agent's, 2: another's.
    function _close(address by, address purse, uint256 kind) internal {
        bytes memory signature;
        if (kind != 0) {
            Flows.Book memory book = ghost.bookOf(purse);
            uint256 secret = kind == 1 ? _agentSecret(ghost.envelopeOf(purse)) : _secret("nobody", 0);
            (uint8 v, bytes32 r, bytes32 s) = vm.sign(secret, views.closeSessionDigest(purse, book.sequence));
            signature = abi.encodePacked(r, s, v);
        }
        bool may = ghost.mayClose(purse, by, kind);
        uint256 held = ghost.heldBy(purse);
        vm.prank(by);
        (bool done,) = address(treasury).call(abi.encodeCall(treasury.closeSession, (purse, signature)));
        if (done && !may) ghost.breach(Breach.Closing);
        if (!done && may) ghost.breach(Breach.Refused);
        if (done) ghost.closed(purse, held);
    }

    /* MONEY */

    function _topUp(address by, uint24 envelope, uint256 amount) internal {
        WatchedToken token = _token(envelope);
        token.mint(by, amount);
        vm.prank(by);
        token.approve(address(treasury), amount);
        vm.prank(by);
        treasury.topUp(envelope, amount);
        ghost.toppedUp(envelope, amount);
    }

    /// @dev Submitted by a stranger: first for another envelope than it was signed for, then for its own.
    function _topUpGasless(uint256 seed, uint24 envelope, uint24 other, uint256 amount) internal {
        TopUpAuthorization memory a;
        (a.from, a.amount, a.validBefore) = (cast.approvers[0], amount, ghost.clock() + 1);
        a.salt = keccak256(abi.encode(ghost.calls(), seed));
        _token(envelope).mint(a.from, amount);
        bytes memory signature = _signTopUp(envelope, a);
        if (other != envelope && _submitTopUp(other, a, signature)) ghost.breach(Breach.Escape);
        if (_submitTopUp(envelope, a, signature)) ghost.toppedUp(envelope, amount);
        else ghost.breach(Breach.Refused);
    }

    function _submitTopUp(uint24 envelope, TopUpAuthorization memory a, bytes memory signature)
        private
        returns (bool done)
    {
        bytes memory call = abi.encodeCall(treasury.topUpWithAuthorization, (envelope, a, signature));
        (done,) = address(treasury).call(call);
    }

    function _signTopUp(uint24 envelope, TopUpAuthorization memory a) private view returns (bytes memory) {
        bytes32 typehash = keccak256(
            "ReceiveWithAuthorization(address from,address to,uint256 value,uint256 validAfter,uint256 validBefore,bytes32 nonce)"
        );
        bytes32 nonce = PaymentDigest.topUpNonce(envelope, a.salt);
        bytes32 structHash =
            keccak256(abi.encode(typehash, a.from, treasury, a.amount, a.validAfter, a.validBefore, nonce));
        bytes32 digest = Digests.typed(_token(envelope).DOMAIN_SEPARATOR(), structHash);
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(_secret("approver", 0), digest);
        return abi.encodePacked(r, s, v);
    }

    /// @dev Limits of a group: a day and a week, or a half day and a lifetime.
    function _groupLimits(uint256 seed, bool short)
        internal
        pure
        returns (WindowLimit[] memory windows, uint96 life)
    {
        uint256 limit = (60 + _dice(seed, "group limit", 120)) * UNIT;
        windows = new WindowLimit[](short ? 1 : 2);
        windows[0] = WindowLimit({period: short ? 12 hours : 1 days, limit: uint96(limit)});
        if (short) return (windows, uint96(limit * (4 + _dice(seed, "group life", 8))));
        windows[1] =
            WindowLimit({period: 7 days, limit: uint96(limit * (10 + _dice(seed, "group week", 20)) / 10)});
    }

    /* POLICIES */

    /// @dev A sound policy in the proportions of 20 per payment, 10 unapproved, 50 a session, 100 and more a window.
    /// @param shape 0: day and week; 1: half a day, day, week, lifetime; 2: as 1, periods at random.
    function _policy(uint256 seed, uint256 shape) internal view returns (Policy memory policy) {
        uint256 size = UNIT * (50 + _dice(seed, "size", 100)) / 100;
        policy.paymentCap = uint96(20 * size);
        policy.approvalThreshold = uint96(_dice(seed, "threshold", 5) * 5 * size);
        policy.sessionLimit = uint96(20 * size + _dice(seed, "session", 40) * size);
        policy.maxSessionSeconds = uint24(1 hours + _dice(seed, "longest", 8 hours));
        policy.payeeList = uint16(_dice(seed, "list", 3));
        policy.policyHash = keccak256(abi.encode("document", seed));
        uint256 kept = shape == 0 ? 6 : shape == 1 ? 23 : 1 + _dice(seed, "periods", 31);
        uint256 count;
        for (uint256 i; i < 4; ++i) {
            if (kept & (1 << i) != 0) ++count;
        }
        policy.windows = new WindowLimit[](count);
        uint256 limit = policy.sessionLimit;
        count = 0;
        for (uint256 i; i < 4; ++i) {
            if (kept & (1 << i) == 0) continue;
            limit += (10 + _dice(seed >> i, "limit", 60)) * size;
            policy.windows[count++] = WindowLimit({period: uint32(ghost.periodAt(i)), limit: uint96(limit)});
        }
        if (kept & 16 != 0) policy.lifetimeLimit = uint96(limit * (2 + _dice(seed, "lifetime", 8)));
    }

    /// @dev The shape that an envelope's policies keep: only the last ones change their periods.
    function _shapeOf(uint24 envelope) internal pure returns (uint256) {
        return envelope < 4 ? 0 : envelope % 3;
    }
}
