// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Policies} from "../../contracts/libraries/Policies.sol";
import {Policy, WindowLimit} from "../../contracts/libraries/Types.sol";
import {WindowWord, WindowWordLib} from "../../contracts/libraries/WindowWord.sol";
import {Windows} from "../../contracts/libraries/Windows.sol";
import {Test} from "forge-std/Test.sol";

/// @notice What a new policy's limits start with, from every set of limits to every other.
contract CarryOverTest is Test {
    uint256 private constant NOW = 1_800_000_000;
    uint96 private constant LIMIT = 1000;
    /// @dev A week contains no whole number of two or four days; of the others each longer one contains the shorter ones.
    uint32[5] private _periods = [1 days, 2 days, 4 days, 7 days, 0];

    function test_GivenRisingCounts_EachLimitStartsAtItsBound() external view {
        _assertAllPairs([uint256(10), 20, 30, 40, 50], 0);
    }

    /// @dev Counts of longer windows are lower where they started under a later policy.
    function test_GivenFallingCounts_EachLimitStartsAtItsBound() external view {
        _assertAllPairs([uint256(50), 40, 30, 20, 10], 0);
    }

    function test_GivenWindowsRolledOver_TheyCountNothing() external view {
        _assertAllPairs([uint256(30), 10, 50, 20, 40], 5);
        _assertAllPairs([uint256(30), 10, 50, 20, 40], 10);
    }

    /// @dev However many limits there are, all are looked at, and nothing else.
    function test_GivenAsManyLimitsAsThereAre_AnotherPeriodStartsAtItsBound() external view {
        (WindowWord[5] memory old,) = _stored(31, [uint256(10), 20, 30, 40, 50], 0);
        Policy memory policy = _policy(1);
        policy.windows[0].period = 3 days;
        (WindowWord[5] memory next,) = Policies.layOut(policy, old, NOW);
        assertEq(next[0].used(), 50, "only the lifetime contains three days");
    }

    /// @param counted What each limit counted, were it there.
    /// @param past Those that counted it in the window before, as bits.
    function _assertAllPairs(uint256[5] memory counted, uint256 past) private view {
        for (uint256 before; before < 32; ++before) {
            (WindowWord[5] memory old,) = _stored(before, counted, past);
            for (uint256 later; later < 32; ++later) {
                (WindowWord[5] memory next, bool same) = Policies.layOut(_policy(later), old, NOW);
                assertEq(same, before == later, "same periods");
                uint256[5] memory expected;
                for (uint256 i; i < 5; ++i) {
                    expected[i] = _expected(i, before, counted, past);
                }
                (WindowWord[5] memory wanted, uint256 count) = _stored(later, expected, 0);
                for (uint256 i; i < count; ++i) {
                    assertEq(WindowWord.unwrap(next[i]), WindowWord.unwrap(wanted[i]), "as stored");
                }
                if (count < 5) assertEq(next[count].limit(), 0, "the end of the list");
            }
        }
    }

    /// @dev The same period's count; or the least of what contains it; or the most there is.
    function _expected(uint256 which, uint256 before, uint256[5] memory counted, uint256 past)
        private
        view
        returns (uint256 most)
    {
        uint256 least = type(uint256).max;
        for (uint256 i; i < 5; ++i) {
            if (before >> i & 1 == 0) continue;
            uint256 used = past >> i & 1 == 0 ? counted[i] : 0;
            if (i == which) return used;
            if (used > most) most = used;
            bool contains = i > which && !(i == 3 && which != 0);
            if (contains && used < least) least = used;
        }
        if (least != type(uint256).max) return least;
    }

    /// @dev The limits of a set of periods (as bits), as a treasury stores them.
    function _stored(uint256 set, uint256[5] memory counted, uint256 past)
        private
        view
        returns (WindowWord[5] memory words, uint256 count)
    {
        for (uint256 i; i < 5; ++i) {
            if (set >> i & 1 == 0) continue;
            uint256 index = Windows.indexAt(_periods[i], NOW) - (past >> i & 1);
            words[count++] = WindowWordLib.limiting(_periods[i], LIMIT).counting(counted[i], index);
        }
    }

    function _policy(uint256 set) private view returns (Policy memory policy) {
        policy.windows = new WindowLimit[](4);
        uint256 count;
        for (uint256 i; i < 4; ++i) {
            if (set >> i & 1 != 0) policy.windows[count++] = WindowLimit(_periods[i], LIMIT);
        }
        WindowLimit[] memory windows = policy.windows;
        assembly ("memory-safe") {
            mstore(windows, count)
        }
        if (set >> 4 != 0) policy.lifetimeLimit = LIMIT;
    }
}
