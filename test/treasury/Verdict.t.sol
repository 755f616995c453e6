// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Refusal} from "../../contracts/libraries/Types.sol";
import {Verdict, Verdicts} from "../../contracts/libraries/Verdict.sol";
import {Test} from "forge-std/Test.sol";

/// @notice A verdict is a place in memory: whatever is worked out after it leaves it as it was.
contract VerdictTest is Test {
    function test_ReasonsStandWhateverIsAllocatedAfterThem() external pure {
        Verdict first = Verdicts.refused(Refusal.WindowLimitExceeded, 7, 8);
        Verdict second = Verdicts.refused(Refusal.BudgetZero, 1, 0);
        bytes memory more = abi.encode(type(uint256).max, type(uint256).max, type(uint256).max);
        _assertReasons(first, Refusal.WindowLimitExceeded, 7, 8);
        _assertReasons(second, Refusal.BudgetZero, 1, 0);
        assertEq(more.length, 96);
    }

    function test_NothingAgainstIt() external pure {
        assertFalse(Verdicts.FINE.refuses());
        _assertReasons(Verdicts.FINE, Refusal.None, 0, 0);
    }

    function _assertReasons(Verdict verdict, Refusal reason, uint256 limit, uint256 actual) private pure {
        (Refusal told, uint256 toldLimit, uint256 toldActual) = verdict.reasons();
        assertEq(uint8(told), uint8(reason));
        assertEq(toldLimit, limit);
        assertEq(toldActual, actual);
    }
}
