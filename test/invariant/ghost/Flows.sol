// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Scope} from "../../../contracts/libraries/Types.sol";
import {Vm} from "forge-std/Vm.sol";

/// @notice What must never be seen. The order is of no meaning; the report names them.
enum Breach {
    Window, // more left within a window of a limit than the limit
    GroupWindow, // the same of a group's limit
    Budget, // more left in a session than its budget and what was sent to its purse
    Frozen,
    Expired,
    OldPolicy,
    OldSession,
    OldEpoch, // signed before something that stopped it was released
    Key,
    Nonce,
    Tampered,
    Twice,
    OtherRail, // a decision paid for on one rail, again on another
    Rail, // Permit2 where the envelope does not allow it
    Approval,
    Approver,
    Cap,
    Payee,
    Scope,
    Time, // the token's own bounds
    Float, // more than the purse held
    Escape, // money moved where no verb explains it
    Opening, // a session opened against the rules
    Closing, // a session closed by somebody who may not
    Role, // a verb ran for somebody without its role
    Announcement, // a loosening ran that had not waited
    View, // a view said otherwise than the verb did
    Donation, // a donation moved a limit
    Refused // something within the rules was refused
}

/// @notice Money as the tokens saw it: by envelope, by session, by calendar window. It reads no counter of the
/// treasury's, so it is what the treasury's limits are compared with.
abstract contract Flows {
    Vm internal constant VM = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));

    uint256 public constant PERIODS = 5;
    uint256 internal constant LIFETIME = 4;
    /// What tells a group's number from an envelope's, where both have limits.
    uint256 public constant GROUP = 1 << 24;
    /// Monday 1970-01-05.
    uint256 private constant FIRST_MONDAY = 4 days;

    /// @notice A purse's session, the last one where none is open.
    struct Book {
        uint24 envelope;
        uint24 sequence;
        uint16 version;
        bool open;
        bool frozen;
        address key;
        uint256 budget;
        uint256 openedAt;
        uint256 expiry;
        Scope scope;
        // The group it was drawn from as well, or 0.
        uint24 group;
        uint256 paid;
        uint256 gifts;
    }

    /// @notice An envelope's money, all of it since its creation.
    struct Money {
        uint256 toppedUp;
        uint256 withdrawn;
        uint256 toPurses;
        uint256 fromPurses;
        uint256 paid;
        uint256 gifts;
    }

    uint256[PERIODS] private _periods = [uint256(12 hours), 1 days, 7 days, 30 days, 0];

    address public treasury;
    uint24[] public envelopes;
    address[] public purses;
    mapping(address purse => uint24) public envelopeOf;
    mapping(address purse => uint16) public indexOf;
    mapping(uint24 envelope => address) public tokenOf;
    mapping(address purse => Book) internal _books;
    mapping(uint24 envelope => Money) internal _money;

    mapping(uint24 group => uint24) public parentOf;

    // Per envelope or group, period and window: what payees got net of what came back, and what sessions drew.
    mapping(uint256 => mapping(uint256 => mapping(uint256 => uint256))) private _netOut;
    mapping(uint256 => mapping(uint256 => mapping(uint256 => uint256))) private _drawn;
    /// @notice The limit in force for a period of the menu; 0 where there is none.
    mapping(uint256 id => mapping(uint256 => uint256)) public limitOf;
    // A limit that came in the middle of a window answers for what happens from then on.
    mapping(uint256 => mapping(uint256 => uint256)) private _sinceWindow;
    mapping(uint256 => mapping(uint256 => uint256)) private _netOutBefore;
    mapping(uint256 => mapping(uint256 => uint256)) private _drawnBefore;
    // The highest that a group's limit was in a window: a lower one binds the next draw, not what was drawn.
    mapping(uint256 => mapping(uint256 => uint256)) private _highest;
    mapping(uint256 => mapping(uint256 => uint256)) private _highestWindow;

    mapping(Breach => uint256) public breaches;
    /// @notice The verb under way, as its handler announced it: what may move money, and where.
    bool public settling;
    bool public releasing;
    address public opening;

    event Broken(Breach what);

    function breach(Breach what) public {
        ++breaches[what];
        emit Broken(what);
    }

    function expectRelease(bool on) external {
        releasing = on;
    }

    function expectOpening(address purse) external {
        opening = purse;
    }

    /* THE TOKENS' REPORT */

    /// @notice Called by a watched token after each move.
    function moved(address from, address to, uint256 value, bool direct) public virtual {
        uint24 source = _purseFor(from);
        uint24 target = _purseFor(to);
        if (from == treasury) {
            if (target == 0 ? !releasing : to != opening) breach(Breach.Escape);
            _money[target].toPurses += value;
        } else if (source != 0 && direct) {
            if (to != treasury) breach(Breach.Escape);
            _money[source].fromPurses += value;
        } else if (source != 0) {
            if (!settling) breach(Breach.Escape);
            _left(from, source, value);
        } else if (envelopeOf[from] != 0 && !releasing) {
            breach(Breach.Escape);
        }
        if (target != 0 && from != treasury) _arrived(to, target, value);
    }

    /// @dev The envelope of a purse, where the calling token is the one that it pays in.
    function _purseFor(address who) private view returns (uint24 envelope) {
        envelope = envelopeOf[who];
        if (envelope != 0 && tokenOf[envelope] != msg.sender) envelope = 0;
    }

    function _left(address purse, uint24 envelope, uint256 value) private {
        Book storage book = _books[purse];
        uint256 before = _net(book);
        book.paid += value;
        _money[envelope].paid += value;
        if (book.paid > book.budget + book.gifts) breach(Breach.Budget);
        _countNet(book, before, _net(book));
        _checkLimits(envelope);
        for (uint24 group = book.group; group != 0; group = parentOf[group]) {
            _checkLimits(GROUP | group);
        }
    }

    function _checkLimits(uint256 id) private {
        for (uint256 i; i < PERIODS; ++i) {
            uint256 limit = ceilingOf(id, i);
            if (limit != 0 && netOut(id, i) > limit) breach(id < GROUP ? Breach.Window : Breach.GroupWindow);
        }
    }

    function _arrived(address purse, uint24 envelope, uint256 value) private {
        _money[envelope].gifts += value;
        Book storage book = _books[purse];
        if (!book.open) return;
        uint256 before = _net(book);
        book.gifts += value;
        _countNet(book, before, _net(book));
    }

    /// @dev What a session took out of its envelope for good: never less than nothing.
    function _net(Book storage book) private view returns (uint256) {
        return book.paid > book.gifts ? book.paid - book.gifts : 0;
    }

    function _countNet(Book storage book, uint256 before, uint256 afterwards) private {
        _countNetOf(book.envelope, book.openedAt, before, afterwards);
        for (uint24 group = book.group; group != 0; group = parentOf[group]) {
            _countNetOf(GROUP | group, book.openedAt, before, afterwards);
        }
    }

    function _countNetOf(uint256 id, uint256 openedAt, uint256 before, uint256 afterwards) private {
        for (uint256 i; i < PERIODS; ++i) {
            uint256 window = windowAt(i, openedAt);
            _netOut[id][i][window] = _netOut[id][i][window] + afterwards - before;
        }
    }

    /* WINDOWS */

    function windowAt(uint256 i, uint256 timestamp) public view returns (uint256) {
        return _periods[i] == 0 ? 0 : (timestamp - FIRST_MONDAY) / _periods[i];
    }

    /// @notice When the current window of a period ends.
    function windowEnd(uint256 i) public view returns (uint256) {
        if (_periods[i] == 0) return type(uint256).max;
        return FIRST_MONDAY + (windowAt(i, clock()) + 1) * _periods[i];
    }

    function periodAt(uint256 i) external view returns (uint256) {
        return _periods[i];
    }

    function slotOf(uint256 period) public view returns (uint256 i) {
        while (_periods[i] != period) ++i;
    }

    /// @notice What payees got in the current window, net; since the limit came, where it came in it.
    function netOut(uint256 id, uint256 i) public view returns (uint256) {
        uint256 window = windowAt(i, clock());
        return _since(_netOut[id][i][window], _netOutBefore[id][i], id, i, window);
    }

    /// @notice What sessions drew in the current window, less what they gave back in it.
    function drawn(uint256 id, uint256 i) public view returns (uint256) {
        uint256 window = windowAt(i, clock());
        return _since(_drawn[id][i][window], _drawnBefore[id][i], id, i, window);
    }

    function _since(uint256 all, uint256 before, uint256 id, uint256 i, uint256 window)
        private
        view
        returns (uint256)
    {
        if (_sinceWindow[id][i] != window) return all;
        return all > before ? all - before : 0;
    }

    /// @notice What may have left in the current window: the limit, or a group's limit before it was lowered in it.
    function ceilingOf(uint256 id, uint256 i) public view returns (uint256) {
        uint256 limit = limitOf[id][i];
        if (id < GROUP || limit == 0 || _highestWindow[id][i] != windowAt(i, clock())) return limit;
        return _highest[id][i] > limit ? _highest[id][i] : limit;
    }

    function _setLimit(uint256 id, uint256 i, uint256 limit, bool first) internal {
        uint256 window = windowAt(i, clock());
        if (limit != 0 && limitOf[id][i] == 0 && !first) {
            _sinceWindow[id][i] = window;
            _netOutBefore[id][i] = _netOut[id][i][window];
            _drawnBefore[id][i] = _drawn[id][i][window];
        }
        (_highest[id][i], _highestWindow[id][i]) = (ceilingOf(id, i), window);
        limitOf[id][i] = limit;
    }

    /* SESSIONS */

    /// @notice A session has opened, after the one before was settled with what the purse held.
    function _drawFor(address purse, Book memory next, uint256 held) internal {
        if (_books[purse].open) _giveBack(purse, held);
        _books[purse] = next;
        _countDraw(next.envelope, next.budget);
        for (uint24 group = next.group; group != 0; group = parentOf[group]) {
            _countDraw(GROUP | group, next.budget);
        }
    }

    function _giveBack(address purse, uint256 held) internal {
        Book storage book = _books[purse];
        book.open = false;
        uint256 unspent = held < book.budget ? held : book.budget;
        _countReturn(book.envelope, book.openedAt, unspent);
        for (uint24 group = book.group; group != 0; group = parentOf[group]) {
            _countReturn(GROUP | group, book.openedAt, unspent);
        }
    }

    function _countDraw(uint256 id, uint256 budget) private {
        for (uint256 i; i < PERIODS; ++i) {
            _drawn[id][i][windowAt(i, clock())] += budget;
        }
    }

    function _countReturn(uint256 id, uint256 openedAt, uint256 unspent) private {
        for (uint256 i; i < PERIODS; ++i) {
            uint256 window = windowAt(i, clock());
            if (windowAt(i, openedAt) == window) _drawn[id][i][window] -= unspent;
        }
    }

    /// @notice Whether a group is `above` or stands anywhere below it.
    function isWithin(uint24 group, uint24 above) public view returns (bool) {
        while (group != 0 && group != above) group = parentOf[group];
        return group != 0;
    }

    /* QUESTIONS */

    function clock() public view returns (uint256) {
        return VM.getBlockTimestamp();
    }

    function bookOf(address purse) external view returns (Book memory) {
        return _books[purse];
    }

    function moneyOf(uint24 envelope) external view returns (Money memory) {
        return _money[envelope];
    }

    function escrowOf(uint24 envelope) public view returns (uint256) {
        Money memory money = _money[envelope];
        uint256 came = money.toppedUp + money.fromPurses;
        uint256 went = money.withdrawn + money.toPurses;
        return came > went ? came - went : 0;
    }

    function purseCount() external view returns (uint256) {
        return purses.length;
    }

    function envelopeCount() external view returns (uint256) {
        return envelopes.length;
    }
}
