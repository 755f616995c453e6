// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {WindowWord, WindowWordLib} from "../../contracts/libraries/WindowWord.sol";
import {Windows} from "../../contracts/libraries/Windows.sol";
import {Test} from "forge-std/Test.sol";

/// @notice The arithmetic of windows for any time, also where a treasury's own clock does not lead.
contract WindowsTest is Test {
    uint32 private constant DAY = 1 days;
    /// @dev A day long after the first one.
    uint256 private constant TODAY = 20_000;

    function test_UsedIsOfTheCountedWindowAlone() external pure {
        WindowWord window = _counting(70, TODAY);
        assertEq(Windows.usedAt(window, _during(TODAY)), 70, "of its own window");
        assertEq(Windows.usedAt(window, _during(TODAY + 1)), 0, "of the next");
        assertEq(Windows.usedAt(window, _during(TODAY - 1)), 0, "of the one before");
    }

    function test_ReturnLowersTheWindowThatCountedTheDraw() external pure {
        WindowWord window = _counting(70, TODAY);
        assertEq(Windows.usedAfterReturn(window, TODAY, _during(TODAY), 30), 40, "drawn in it");
        assertEq(Windows.usedAfterReturn(window, TODAY, _during(TODAY - 1), 30), 70, "drawn before it");
        assertEq(Windows.usedAfterReturn(window, TODAY, _during(TODAY + 1), 30), 70, "drawn after it");
        assertEq(Windows.usedAfterReturn(window, TODAY + 1, _during(TODAY), 30), 0, "counts another by now");
        assertEq(Windows.usedAfterReturn(window, TODAY - 1, _during(TODAY), 30), 0, "counted another then");
    }

    /// @dev What comes back may be more than what is counted, where a policy started the count lower.
    function test_ReturnOfMoreThanCountedLeavesNothing() external pure {
        WindowWord window = _counting(70, TODAY);
        assertEq(Windows.usedAfterReturn(window, TODAY, _during(TODAY), 69), 1);
        assertEq(Windows.usedAfterReturn(window, TODAY, _during(TODAY), 70), 0);
        assertEq(Windows.usedAfterReturn(window, TODAY, _during(TODAY), 71), 0);
    }

    function _counting(uint256 used, uint256 index) private pure returns (WindowWord) {
        return WindowWordLib.limiting(DAY, 100).counting(used, index);
    }

    /// @dev Noon of the window of that number.
    function _during(uint256 index) private pure returns (uint256) {
        return Windows.endOf(DAY, index) - DAY / 2;
    }
}
