// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Policy, Refusal, SessionRequest, WindowLimit} from "../../contracts/libraries/Types.sol";
import {Base} from "../Base.t.sol";
import {Payment} from "../Digests.sol";

/// @notice No pair of policies where a loosening passes as a tightening.
contract PolicyOrderTest is Base {
    uint256 private _state;

    function setUp() public override {
        super.setUp();
        setDelay(1 days);
    }

    /* FIELD BY FIELD */

    function test_RevertWhen_OneFieldIsLooser() public {
        for (uint256 field; field < 10; ++field) {
            Policy memory policy = _ruled();
            if (field == 0) policy.paymentCap += 1;
            else if (field == 1) policy.approvalThreshold += 1;
            else if (field == 2) policy.sessionLimit += 1;
            else if (field == 3) policy.maxSessionSeconds += 1;
            else if (field == 4) policy.payeeList = 0;
            else if (field == 5) policy.payeeList = LIST + 1;
            else if (field == 6) policy.windows[0].limit += 1;
            else if (field == 7) policy.windows[1].limit += 1;
            else if (field == 8) policy.lifetimeLimit += 1;
            else policy.lifetimeLimit = 0;
            _assertWaits(envelope, policy);
        }
    }

    function test_RevertWhen_AWindowIsGoneOrLonger() public {
        Policy memory policy = _ruled();
        policy.windows[0] = policy.windows[1];
        policy.windows = _shorter(policy.windows);
        _assertWaits(envelope, policy);
        policy = _ruled();
        policy.windows = _shorter(policy.windows);
        _assertWaits(envelope, policy);
        policy = _ruled();
        policy.windows[0].period += 1;
        _assertWaits(envelope, policy);
        policy = _ruled();
        policy.windows[0].period -= 1;
        _assertWaits(envelope, policy);
    }

    function test_RevertWhen_TighterElsewhereButLooserInOne() public {
        Policy memory policy = _ruled();
        policy.paymentCap = 1;
        policy.approvalThreshold = 1;
        policy.sessionLimit = 1;
        policy.windows[0].limit = 1;
        policy.windows[1].limit = 1;
        policy.lifetimeLimit = 1;
        policy.maxSessionSeconds += 1;
        _assertWaits(envelope, policy);
    }

    function test_GivenEachFieldTighter_RunsAtOnce() public {
        Policy memory policy = _ruled();
        policy.approvalThreshold -= 1;
        setPolicy(policy);
        policy.paymentCap -= 1;
        setPolicy(policy);
        policy.sessionLimit -= 1;
        setPolicy(policy);
        policy.maxSessionSeconds -= 1;
        setPolicy(policy);
        policy.windows[0].limit -= 1;
        setPolicy(policy);
        policy.windows[1].limit -= 1;
        setPolicy(policy);
        policy.lifetimeLimit -= 1;
        setPolicy(policy);
        assertEq(views.envelope(envelope).policyVersion, 9);
    }

    /// @dev Whether it waits is decided here from the two policies alone.
    function testFuzz_WaitsExactlyWhenSomeFieldIsLooser(uint256 seed) public {
        _state = seed;
        Policy memory old = _random();
        Policy memory next = _mutated(old);
        vm.prank(manager);
        (uint24 number,) = desk.createEnvelope(makeAddr("fuzzed agent"), address(usdc), old);
        if (_someFieldLooser(old, next)) {
            _assertWaits(number, next);
        } else {
            vm.prank(manager);
            desk.setPolicy(number, next);
            assertEq(views.envelope(number).policyVersion, 2);
        }
    }

    /// @dev And by what it means: what the new policy lets through, the old one let through as well.
    function testFuzz_GivenTightening_NothingNewIsAllowed(uint256 seed) public {
        _state = seed;
        Policy memory old = _random();
        Policy memory next = _mutated(old);
        vm.startPrank(manager);
        (uint24 before,) = desk.createEnvelope(makeAddr("agent under the old"), address(usdc), old);
        (uint24 later,) = desk.createEnvelope(makeAddr("agent under the new"), address(usdc), old);
        (bool tightened,) = address(desk).call(abi.encodeCall(desk.setPolicy, (later, next)));
        vm.stopPrank();
        if (!tightened) return;
        fund(before, 1000);
        fund(later, 1000);
        for (uint256 i; i < 8; ++i) {
            SessionRequest memory r = SessionRequest({
                envelope: later,
                purseIndex: 0,
                sequence: 1,
                key: sessionKey,
                budget: uint96(_dice(30)),
                expiry: uint32(time() + _dice(12)),
                scope: request(0).scope,
                stampHash: 0
            });
            (Refusal now_,,) = views.diagnoseSession(r);
            r.envelope = before;
            (Refusal then,,) = views.diagnoseSession(r);
            if (now_ == Refusal.None) assertEq(uint8(then), uint8(Refusal.None), "a session got looser");
        }
    }

    /* INDEPENDENT OF THE CONTRACT'S CODE */

    function _someFieldLooser(Policy memory old, Policy memory next) private pure returns (bool) {
        bool looser = next.paymentCap > old.paymentCap || next.approvalThreshold > old.approvalThreshold
            || next.sessionLimit > old.sessionLimit || next.maxSessionSeconds > old.maxSessionSeconds;
        looser = looser || (old.payeeList != 0 && next.payeeList != old.payeeList);
        looser = looser
            || (old.lifetimeLimit != 0 && (next.lifetimeLimit == 0 || next.lifetimeLimit > old.lifetimeLimit));
        for (uint256 i; i < old.windows.length; ++i) {
            bool kept;
            for (uint256 j; j < next.windows.length; ++j) {
                kept = kept
                    || (next.windows[j].period == old.windows[i].period
                        && next.windows[j].limit <= old.windows[i].limit);
            }
            looser = looser || !kept;
        }
        return looser;
    }

    /* POLICIES */

    function _ruled() private returns (Policy memory policy) {
        policy = defaultPolicy();
        policy.lifetimeLimit = uint96(500 * UNIT);
        if (views.envelope(envelope).policyVersion == 1) setPolicy(policy);
    }

    function _random() private returns (Policy memory policy) {
        policy.paymentCap = uint96(1 + _dice(6));
        policy.approvalThreshold = uint96(_dice(8));
        policy.sessionLimit = uint96(1 + _dice(12));
        policy.maxSessionSeconds = uint24(1 + _dice(10));
        policy.payeeList = uint16(_dice(3));
        policy.policyHash = keccak256(abi.encode(_dice(1000)));
        policy.windows = new WindowLimit[](_dice(5));
        for (uint256 i; i < policy.windows.length; ++i) {
            policy.windows[i] = WindowLimit(uint32(1 + _dice(6)), uint96(1 + _dice(20)));
        }
        policy.lifetimeLimit = uint96(_dice(2) * _dice(40));
        _repair(policy);
    }

    /// @dev Few fields change, so that tightenings come up about as often as loosenings.
    function _mutated(Policy memory old) private returns (Policy memory policy) {
        policy = abi.decode(abi.encode(old), (Policy));
        for (uint256 n = 1 + _dice(3); n > 0; --n) {
            uint256 field = _dice(9);
            if (field == 0) policy.paymentCap = uint96(_moved(policy.paymentCap));
            if (field == 1) policy.approvalThreshold = uint96(_moved(policy.approvalThreshold));
            if (field == 2) policy.sessionLimit = uint96(_moved(policy.sessionLimit));
            if (field == 3) policy.maxSessionSeconds = uint24(_moved(policy.maxSessionSeconds));
            if (field == 4) policy.payeeList = uint16(_dice(3));
            if (field == 5) policy.lifetimeLimit = uint96(_dice(2) * _moved(policy.lifetimeLimit));
            if (field == 6 && policy.windows.length != 0) {
                WindowLimit memory window = policy.windows[_dice(policy.windows.length)];
                window.limit = uint96(_moved(window.limit));
            }
            if (field == 7 && policy.windows.length != 0) policy.windows = _shorter(policy.windows);
            if (field == 8 && policy.windows.length < 4) policy.windows = _longer(policy.windows);
        }
        _repair(policy);
    }

    /// @dev Makes it sound: the fuzz is about order, not about validity.
    function _repair(Policy memory policy) private pure {
        if (policy.paymentCap == 0) policy.paymentCap = 1;
        if (policy.approvalThreshold > policy.paymentCap) policy.approvalThreshold = policy.paymentCap;
        if (policy.sessionLimit < policy.paymentCap) policy.sessionLimit = policy.paymentCap;
        if (policy.maxSessionSeconds == 0) policy.maxSessionSeconds = 1;
        uint32 period;
        uint96 limit = policy.sessionLimit;
        for (uint256 i; i < policy.windows.length; ++i) {
            WindowLimit memory window = policy.windows[i];
            if (window.period <= period) window.period = period + 1;
            if (window.limit < limit) window.limit = limit;
            (period, limit) = (window.period, window.limit);
        }
        if (policy.lifetimeLimit != 0 && policy.lifetimeLimit < limit) policy.lifetimeLimit = limit;
    }

    function _longer(WindowLimit[] memory windows) private returns (WindowLimit[] memory more) {
        more = new WindowLimit[](windows.length + 1);
        uint256 at = _dice(windows.length + 1);
        for (uint256 i; i < windows.length; ++i) {
            more[i < at ? i : i + 1] = windows[i];
        }
        more[at] = WindowLimit(uint32(1 + _dice(8)), uint96(1 + _dice(20)));
    }

    function _shorter(WindowLimit[] memory windows) private pure returns (WindowLimit[] memory fewer) {
        fewer = new WindowLimit[](windows.length - 1);
        for (uint256 i; i < fewer.length; ++i) {
            fewer[i] = windows[i];
        }
    }

    function _moved(uint256 value) private returns (uint256) {
        uint256 by = _dice(3);
        return _dice(3) == 0 ? value + by : (value > by ? value - by : value);
    }

    function _dice(uint256 sides) private returns (uint256) {
        _state = uint256(keccak256(abi.encode(_state)));
        return _state % sides;
    }

    function _assertWaits(uint24 number, Policy memory policy) private {
        bytes32 id = keccak256(abi.encodeCall(desk.setPolicy, (number, policy)));
        vm.expectRevert(abi.encodeWithSelector(NotAnnounced.selector, id, 0));
        vm.prank(manager);
        desk.setPolicy(number, policy);
    }
}
