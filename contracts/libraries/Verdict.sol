// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Refusal} from "./Types.sol";

/// @notice What a rule says: nothing against it (zero), or where in memory it says why not.
/// @dev One word on the stack instead of three: a payment passes a dozen rules, and is refused by at most one.
type Verdict is uint256;

using {Verdicts.refuses, Verdicts.reasons} for Verdict global;

library Verdicts {
    Verdict internal constant FINE = Verdict.wrap(0);

    /// @param reason Why not.
    /// @param limit The value that binds, in the unit of what is limited.
    /// @param actual The value that came, in the same unit.
    function refused(Refusal reason, uint256 limit, uint256 actual) internal pure returns (Verdict verdict) {
        assembly ("memory-safe") {
            verdict := mload(0x40)
            mstore(verdict, reason)
            mstore(add(verdict, 0x20), limit)
            mstore(add(verdict, 0x40), actual)
            mstore(0x40, add(verdict, 0x60))
        }
    }

    function refuses(Verdict verdict) internal pure returns (bool) {
        return Verdict.unwrap(verdict) != 0;
    }

    /// @return reason `None` where nothing speaks against it.
    /// @return limit The value that binds.
    /// @return actual The value that came.
    function reasons(Verdict verdict) internal pure returns (Refusal reason, uint256 limit, uint256 actual) {
        if (!refuses(verdict)) return (Refusal.None, 0, 0);
        assembly ("memory-safe") {
            reason := mload(verdict)
            limit := mload(add(verdict, 0x20))
            actual := mload(add(verdict, 0x40))
        }
    }
}
