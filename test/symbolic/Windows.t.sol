// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {WindowWord} from "../../contracts/libraries/WindowWord.sol";
import {Windows} from "../../contracts/libraries/Windows.sol";
import {Arithmetic} from "./Arithmetic.sol";

/// @notice Window arithmetic, for every period and every second from the anchor to 2106 (both uint32).
/// @dev A panic of any kind fails these proofs, so they also show that nothing overflows or divides by zero.
/// @custom:halmos --panic-error-codes *
contract WindowsProof is Arithmetic {
    /* FACTS */

    function testFuzz_factsOfArithmeticHold(uint256 a, uint256 b, uint256 c) external {
        assert(_commutes(a, b));
        if (b != 0) assert(_quotientIsClose(a, b));
        assert(_oneMore(a, b));
        assert(_divides(uint64(a), uint64(b)));
        assert(_grows(uint64(a), uint64(b), uint64(c)));
    }

    /// @return index The number of the window; what the solver has to be told about it is told.
    function _index(uint32 period, uint256 timestamp) private returns (uint256 index) {
        vm.assume(timestamp >= Windows.ANCHOR);
        if (period == 0) return 0;
        uint256 sinceAnchor = timestamp - Windows.ANCHOR;
        index = sinceAnchor / period;
        vm.assume(_quotientIsClose(sinceAnchor, period));
        vm.assume(_oneMore(index, period));
        vm.assume(_commutes(index, period));
        vm.assume(_commutes(index + 1, period));
        vm.assume(_divides(index + 1, period));
    }

    function _endAt(uint256 period, uint256 timestamp) private pure returns (uint256) {
        return Windows.endOf(period, Windows.indexAt(period, timestamp));
    }

    /* PROOFS */

    /// @dev Inside its window: the window starts at or before it and ends after it.
    function check_timestampIsInsideItsWindow(uint32 period, uint32 timestamp) external {
        vm.assume(period != 0);
        _index(period, timestamp);
        uint256 end = _endAt(period, timestamp);
        assert(end > timestamp);
        assert(end - period <= timestamp);
    }

    /// @dev The second at which a window ends is the first of the next one, which is just as long.
    function check_windowsTile(uint32 period, uint32 timestamp) external {
        vm.assume(period != 0);
        uint256 index = _index(period, timestamp);
        uint256 end = _endAt(period, timestamp);
        vm.assume(_oneMore(index + 1, period));
        vm.assume(_commutes(index + 2, period));
        vm.assume(_divides(index + 2, period));
        assert(Windows.indexAt(period, end) == index + 1);
        assert(_endAt(period, end) == end + period);
    }

    /// @dev Up to its last second, a window is one.
    function check_windowLastsToItsLastSecond(uint32 period, uint32 timestamp) external {
        vm.assume(period != 0);
        uint256 index = _index(period, timestamp);
        uint256 last = _endAt(period, timestamp) - 1;
        uint256 lastIndex = _index(period, last);
        vm.assume(_grows(index + 1, lastIndex, period));
        vm.assume(_grows(lastIndex + 1, index, period));
        assert(lastIndex == index);
        assert(Windows.indexAt(period, last) == index);
    }

    /// @dev A window's number fits its 32 bits, so that storing it loses nothing.
    function check_indexFits(uint32 period, uint32 timestamp) external {
        _index(period, timestamp);
        assert(Windows.indexAt(period, timestamp) <= type(uint32).max);
    }

    /// @dev A later time is in no earlier window.
    function check_indexGrowsWithTime(uint32 period, uint32 earlier, uint32 later) external {
        vm.assume(earlier <= later);
        uint256 first = _index(period, earlier);
        uint256 second = _index(period, later);
        vm.assume(_grows(second + 1, first, period));
        assert(first == Windows.indexAt(period, earlier));
        assert(second == Windows.indexAt(period, later));
        assert(first <= second);
    }

    /// @dev Two times are in one window just where their windows end together.
    function check_oneWindowHasOneEnd(uint32 period, uint32 earlier, uint32 later) external {
        vm.assume(earlier <= later);
        uint256 first = _index(period, earlier);
        uint256 second = _index(period, later);
        vm.assume(_grows(second + 1, first, period));
        vm.assume(_grows(first + 1, second, period));
        bool oneEnd = _endAt(period, earlier) == _endAt(period, later);
        assert((Windows.indexAt(period, earlier) == Windows.indexAt(period, later)) == oneEnd);
    }

    /// @dev A lifetime is one window that never ends.
    function check_lifetimeNeverEnds(uint256 timestamp) external {
        assert(Windows.indexAt(0, timestamp) == 0);
        assert(_endAt(0, timestamp) == type(uint256).max);
    }

    /// @dev What comes back lowers what is counted by no more than itself, and raises nothing.
    function check_returnStaysWithinItsDraw(
        WindowWord window,
        uint32 timestamp,
        uint32 drawnAt,
        uint96 unspent
    ) external {
        uint256 index = _index(uint32(window.period()), timestamp);
        _index(uint32(window.period()), drawnAt);
        uint256 used = Windows.usedAt(window, timestamp);
        uint256 left = Windows.usedAfterReturn(window, index, drawnAt, unspent);
        assert(used <= window.used());
        assert(left <= used);
        assert(left + unspent >= used);
    }

    /// @dev What was drawn in another window gives nothing back to this one.
    function check_returnOfAnotherWindowCountsNothing(
        WindowWord window,
        uint32 timestamp,
        uint32 drawnAt,
        uint96 unspent
    ) external {
        uint256 index = _index(uint32(window.period()), timestamp);
        vm.assume(_index(uint32(window.period()), drawnAt) != index);
        uint256 left = Windows.usedAfterReturn(window, index, drawnAt, unspent);
        assert(left == Windows.usedAt(window, timestamp));
    }

    /// @dev A new window starts from nothing; the current one from what it has counted.
    function check_usedIsOfTheCurrentWindow(WindowWord window, uint32 timestamp) external {
        bool current = window.index() == _index(uint32(window.period()), timestamp);
        assert(Windows.usedAt(window, timestamp) == (current ? window.used() : 0));
    }
}
