// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Policy, WindowLimit} from "./Types.sol";
import {WindowWord, WindowWordLib} from "./WindowWord.sol";
import {Windows} from "./Windows.sol";

/// @notice What makes a policy sound, and what makes one tighter than another.
library Policies {
    uint256 internal constant MAX_WINDOWS = 4;

    /// @notice A policy contradicts itself: `field` must satisfy its bound.
    /// @param field What is wrong.
    /// @param bound The value that `field` has to respect.
    /// @param value The value that came.
    error PolicyInvalid(string field, uint256 bound, uint256 value);

    /// @notice Reverts when the policy contradicts itself.
    function validate(Policy memory policy) internal pure {
        uint256 cap = policy.paymentCap;
        uint256 session = policy.sessionLimit;
        if (cap == 0) revert PolicyInvalid("paymentCap", 1, cap);
        if (policy.approvalThreshold > cap) {
            revert PolicyInvalid("approvalThreshold exceeds paymentCap", cap, policy.approvalThreshold);
        }
        if (session < cap) revert PolicyInvalid("sessionLimit below paymentCap", cap, session);
        if (policy.maxSessionSeconds == 0) revert PolicyInvalid("maxSessionSeconds", 1, 0);
        if (policy.policyHash == 0) revert PolicyInvalid("policyHash", 1, 0);
        validateLimits(policy.windows, policy.lifetimeLimit, session);
    }

    /// @notice Reverts when limits contradict each other: periods must rise, and limits must not fall with them.
    /// @param least The least that the first limit may be, in atomic units.
    function validateLimits(WindowLimit[] memory windows, uint256 lifetimeLimit, uint256 least)
        internal
        pure
    {
        if (windows.length > MAX_WINDOWS) {
            revert PolicyInvalid("windows", MAX_WINDOWS, windows.length);
        }
        uint256 period;
        for (uint256 i; i < windows.length; ++i) {
            WindowLimit memory window = windows[i];
            if (window.period <= period) {
                revert PolicyInvalid(
                    "window period not longer than the one before", period + 1, window.period
                );
            }
            if (window.limit < least) {
                revert PolicyInvalid(
                    "window limit below sessionLimit or a shorter window", least, window.limit
                );
            }
            period = window.period;
            least = window.limit;
        }
        if (lifetimeLimit != 0 && lifetimeLimit < least) {
            revert PolicyInvalid("lifetimeLimit below sessionLimit or a window", least, lifetimeLimit);
        }
    }

    /// @notice Lays a policy's limits out as storage windows, carrying over what was drawn.
    /// @dev A limit whose period was there before keeps its count. A new period starts at the least that
    /// an old window containing it had counted (an upper bound of what was drawn in it); where none contains
    /// it, at the most that any old window had counted. So a new limit never starts too low but for
    /// draws of earlier windows that no limit was counting.
    /// @return next The windows to store; a zero limit ends the list.
    /// @return samePeriods Whether the same periods are counted as before.
    function layOut(Policy memory policy, WindowWord[5] memory old, uint256 timestamp)
        internal
        pure
        returns (WindowWord[5] memory next, bool samePeriods)
    {
        uint256 count = policy.windows.length;
        samePeriods = true;
        for (uint256 i; i < count; ++i) {
            WindowLimit memory window = policy.windows[i];
            next[i] = _carried(window.period, window.limit, old, timestamp);
            if (old[i].limit() == 0 || old[i].period() != window.period) samePeriods = false;
        }
        if (policy.lifetimeLimit != 0) {
            next[count] = _carried(0, policy.lifetimeLimit, old, timestamp);
            if (old[count].limit() == 0 || old[count].period() != 0) samePeriods = false;
            ++count;
        }
        if (count < 5 && old[count].limit() != 0) samePeriods = false;
    }

    /// @notice Whether `policy` allows nothing that the policy in force does not allow.
    /// @param old The windows in force.
    /// @param cap, threshold, session, seconds_, list The other rules in force.
    function tightens(
        Policy memory policy,
        WindowWord[5] memory old,
        uint256 cap,
        uint256 threshold,
        uint256 session,
        uint256 seconds_,
        uint256 list
    ) internal pure returns (bool) {
        if (policy.paymentCap > cap) return false;
        // A threshold at the cap means that no payment needs approval, so compare what escapes approval.
        if (policy.approvalThreshold > threshold) return false;
        if (policy.sessionLimit > session) return false;
        if (policy.maxSessionSeconds > seconds_) return false;
        if (list != 0 && policy.payeeList != list) return false;
        // Every limit in force must still be there, no higher.
        for (uint256 i; i < 5 && old[i].limit() != 0; ++i) {
            uint256 limit = limitOf(policy, old[i].period());
            if (limit == 0 || limit > old[i].limit()) return false;
        }
        return true;
    }

    /// @return The policy's limit for a period (0: the lifetime), or 0 where it has none.
    function limitOf(Policy memory policy, uint256 period) internal pure returns (uint256) {
        if (period == 0) return policy.lifetimeLimit;
        for (uint256 i; i < policy.windows.length; ++i) {
            if (policy.windows[i].period == period) return policy.windows[i].limit;
        }
        return 0;
    }

    function _carried(uint32 period, uint96 limit, WindowWord[5] memory old, uint256 timestamp)
        private
        pure
        returns (WindowWord)
    {
        uint256 containing = type(uint256).max;
        uint256 contained;
        for (uint256 i; i < 5 && old[i].limit() != 0; ++i) {
            uint256 used = Windows.usedAt(old[i], timestamp);
            uint256 oldPeriod = old[i].period();
            if (oldPeriod == period) {
                contained = used;
                containing = used;
                break;
            }
            // A window contains another only where the periods nest: both are aligned to the same anchor.
            bool contains = oldPeriod == 0 || (period != 0 && oldPeriod % period == 0);
            if (contains && used < containing) containing = used;
            if (used > contained) contained = used;
        }
        return WindowWordLib.limiting(period, limit)
            .counting(
                containing != type(uint256).max ? containing : contained, Windows.indexAt(period, timestamp)
            );
    }
}
