// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Policies} from "../../contracts/libraries/Policies.sol";
import {Policy} from "../../contracts/libraries/Types.sol";
import {WindowWord} from "../../contracts/libraries/WindowWord.sol";
import {Symbolic} from "./Symbolic.sol";

/// @notice What counts as a tightening: for every policy in force
/// and every policy of up to four windows.
contract PoliciesProof is Symbolic {
    /// @dev The rules in force that are not windows, in one struct: the stack has no room for more.
    struct Rules {
        uint96 cap;
        uint96 threshold;
        uint96 session;
        uint24 seconds_;
        uint16 list;
    }

    /// @dev What the tighter policy allows, the one in force allows: payments by amount, approval and payee list,
    /// sessions by budget and life; and every limit in force stays, over the same period, no higher.
    function check_tighterAllowsNothingMore(
        Policy calldata policy,
        WindowWord[5] calldata old,
        Rules calldata rules
    ) external view {
        _assumeSound(policy, old);
        WindowWord[5] memory windows = old;
        vm.assume(
            Policies.tightens(
                policy, windows, rules.cap, rules.threshold, rules.session, rules.seconds_, rules.list
            )
        );
        assert(policy.paymentCap <= rules.cap);
        assert(policy.approvalThreshold <= rules.threshold);
        assert(policy.sessionLimit <= rules.session);
        assert(policy.maxSessionSeconds <= rules.seconds_);
        assert(rules.list == 0 || policy.payeeList == rules.list);
        for (uint256 i; i < 5; ++i) {
            if (old[i].limit() == 0) break;
            uint256 limit = _limitFor(policy, old[i].period());
            assert(limit != 0 && limit <= old[i].limit());
        }
    }

    /// @dev Said again, and not asked of the library that is on trial.
    function _limitFor(Policy calldata policy, uint256 period) private pure returns (uint256) {
        if (period == 0) return policy.lifetimeLimit;
        for (uint256 i; i < policy.windows.length; ++i) {
            if (policy.windows[i].period == period) return policy.windows[i].limit;
        }
        return 0;
    }

    /* WHAT IS ASSUMED */

    /// @dev A sound policy in force: no period twice, the lifetime last, nothing counted above 96 bits.
    function _assumeSound(Policy calldata policy, WindowWord[5] calldata old) private view {
        this.validate(policy);
        bool ended;
        for (uint256 i; i < 5; ++i) {
            if (old[i].limit() == 0) break;
            vm.assume(!ended);
            if (old[i].period() == 0) ended = true;
            else vm.assume(i < 4 && (i == 0 || old[i - 1].period() < old[i].period()));
        }
    }

    /// @dev By call, so that a policy that contradicts itself ends the path.
    function validate(Policy calldata policy) external pure {
        Policies.validate(policy);
    }
}
