// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Policies} from "../../contracts/libraries/Policies.sol";
import {EnvelopeView, Policy, WindowLimit} from "../../contracts/libraries/Types.sol";
import {Base} from "../Base.t.sol";

contract CreateEnvelopeTest is Base {
    address internal newAgent = makeAddr("new agent");

    function test_GivenNewAgent_CreatesEnvelopeWithPurse() public {
        address predicted = _predictPurse();
        Policy memory policy = defaultPolicy();
        vm.expectEmit(address(treasury));
        emit EnvelopeCreated(2, newAgent, address(usdc), manager);
        vm.expectEmit(address(treasury));
        emit PolicySet(2, 1, policy, manager);
        vm.expectEmit(address(treasury));
        emit PurseCreated(2, predicted, 0);
        (uint24 number, address created) = _create(newAgent, address(usdc), policy);

        assertEq(number, 2);
        assertEq(created, predicted);
        assertGt(created.code.length, 0, "no purse");
        EnvelopeView memory made = views.envelope(number);
        assertEq(made.agent, newAgent);
        assertEq(made.asset, address(usdc));
        assertEq(made.escrow, 0);
        assertEq(made.policyVersion, 1);
        assertEq(made.purses, 1);
        assertEq(keccak256(abi.encode(made.policy)), keccak256(abi.encode(policy)));
        assertEq(views.policyHash(number, 1), policy.policyHash);
        assertEq(views.account(newAgent).agentOf, number);
        assertTrue(views.account(manager).author);
    }

    function test_RevertWhen_AssetIsUnknown() public {
        vm.expectRevert(abi.encodeWithSelector(AssetUnknown.selector, stranger));
        _create(newAgent, stranger, defaultPolicy());
        vm.expectRevert(abi.encodeWithSelector(AssetUnknown.selector, address(0)));
        _create(newAgent, address(0), defaultPolicy());
    }

    function test_RevertWhen_AgentHasAnEnvelope() public {
        vm.expectRevert(abi.encodeWithSelector(AgentTaken.selector, agent, envelope));
        _create(agent, address(usdc), defaultPolicy());
    }

    function test_RevertWhen_AgentIsZero() public {
        vm.expectRevert(AddressZero.selector);
        _create(address(0), address(usdc), defaultPolicy());
    }

    /* POLICIES THAT CONTRADICT THEMSELVES: both values are told */

    function test_RevertWhen_PaymentCapIsZero() public {
        Policy memory policy = defaultPolicy();
        policy.paymentCap = 0;
        _assertInvalid(policy, "paymentCap", 1, 0);
    }

    function test_RevertWhen_ThresholdExceedsCap() public {
        Policy memory policy = defaultPolicy();
        policy.approvalThreshold = policy.paymentCap + 1;
        _assertInvalid(
            policy, "approvalThreshold exceeds paymentCap", policy.paymentCap, policy.paymentCap + 1
        );
    }

    function test_RevertWhen_SessionLimitIsBelowCap() public {
        Policy memory policy = defaultPolicy();
        policy.sessionLimit = policy.paymentCap - 1;
        _assertInvalid(policy, "sessionLimit below paymentCap", policy.paymentCap, policy.paymentCap - 1);
    }

    function test_RevertWhen_SessionsHaveNoTime() public {
        Policy memory policy = defaultPolicy();
        policy.maxSessionSeconds = 0;
        _assertInvalid(policy, "maxSessionSeconds", 1, 0);
    }

    function test_RevertWhen_PolicyHashIsZero() public {
        Policy memory policy = defaultPolicy();
        policy.policyHash = 0;
        _assertInvalid(policy, "policyHash", 1, 0);
    }

    function test_RevertWhen_MoreThanFourWindows() public {
        Policy memory policy = defaultPolicy();
        policy.windows = new WindowLimit[](5);
        for (uint32 i; i < 5; ++i) {
            policy.windows[i] = WindowLimit(i + 1, policy.sessionLimit);
        }
        _assertInvalid(policy, "windows", 4, 5);
    }

    function test_RevertWhen_PeriodIsZero() public {
        Policy memory policy = defaultPolicy();
        policy.windows[0].period = 0;
        _assertInvalid(policy, "window period not longer than the one before", 1, 0);
    }

    function test_RevertWhen_PeriodsAreNotAscending() public {
        Policy memory policy = defaultPolicy();
        policy.windows[1].period = DAY;
        _assertInvalid(policy, "window period not longer than the one before", DAY + 1, DAY);
        policy.windows[1].period = DAY - 1;
        _assertInvalid(policy, "window period not longer than the one before", DAY + 1, DAY - 1);
    }

    function test_RevertWhen_WindowIsBelowSessionLimit() public {
        Policy memory policy = defaultPolicy();
        policy.windows[0].limit = policy.sessionLimit - 1;
        _assertInvalid(
            policy,
            "window limit below sessionLimit or a shorter window",
            policy.sessionLimit,
            policy.sessionLimit - 1
        );
    }

    function test_RevertWhen_LongerWindowAllowsLess() public {
        Policy memory policy = defaultPolicy();
        policy.windows[1].limit = policy.windows[0].limit - 1;
        _assertInvalid(
            policy,
            "window limit below sessionLimit or a shorter window",
            policy.windows[0].limit,
            policy.windows[0].limit - 1
        );
    }

    function test_RevertWhen_LifetimeAllowsLessThanAWindow() public {
        Policy memory policy = defaultPolicy();
        policy.lifetimeLimit = policy.windows[1].limit - 1;
        _assertInvalid(
            policy,
            "lifetimeLimit below sessionLimit or a window",
            policy.windows[1].limit,
            policy.windows[1].limit - 1
        );
    }

    function test_GivenBounds_PoliciesAtTheBoundAreSound() public {
        Policy memory policy = defaultPolicy();
        policy.paymentCap = 1;
        policy.approvalThreshold = 1;
        policy.sessionLimit = 1;
        policy.maxSessionSeconds = 1;
        policy.lifetimeLimit = 1;
        policy.windows = new WindowLimit[](4);
        for (uint32 i; i < 4; ++i) {
            policy.windows[i] = WindowLimit(i + 1, 1);
        }
        (uint24 number,) = _create(newAgent, address(usdc), policy);
        assertEq(keccak256(abi.encode(views.envelope(number).policy)), keccak256(abi.encode(policy)));
        assertEq(views.headroom(number).length, 5);
    }

    function testFuzz_StoresThePolicyAsGiven(Policy memory policy) public {
        policy.paymentCap = uint96(bound(policy.paymentCap, 1, type(uint96).max));
        policy.approvalThreshold = uint96(bound(policy.approvalThreshold, 0, policy.paymentCap));
        policy.sessionLimit = uint96(bound(policy.sessionLimit, policy.paymentCap, type(uint96).max));
        policy.maxSessionSeconds = uint24(bound(policy.maxSessionSeconds, 1, type(uint24).max));
        if (policy.policyHash == 0) policy.policyHash = bytes32(uint256(1));
        WindowLimit[] memory windows = new WindowLimit[](policy.windows.length % 5);
        uint32 period;
        uint96 limit = policy.sessionLimit;
        for (uint256 i; i < windows.length; ++i) {
            period = uint32(bound(policy.windows[i].period, period + 1, 1e9 + i));
            limit = uint96(bound(policy.windows[i].limit, limit, type(uint96).max));
            windows[i] = WindowLimit(period, limit);
        }
        policy.windows = windows;
        if (policy.lifetimeLimit != 0) {
            policy.lifetimeLimit = uint96(bound(policy.lifetimeLimit, limit, type(uint96).max));
        }
        (uint24 number,) = _create(newAgent, address(usdc), policy);
        assertEq(keccak256(abi.encode(views.envelope(number).policy)), keccak256(abi.encode(policy)));
    }

    function _create(address who, address asset, Policy memory policy) private returns (uint24, address) {
        vm.prank(manager);
        return desk.createEnvelope(who, asset, policy);
    }

    function _assertInvalid(Policy memory policy, string memory field, uint256 limit, uint256 value) private {
        bytes memory why = abi.encodeWithSelector(Policies.PolicyInvalid.selector, field, limit, value);
        vm.expectRevert(why);
        _create(newAgent, address(usdc), policy);
        vm.expectRevert(why);
        setPolicy(policy);
    }

    /// @dev What {purseOf} will say once the envelope is there.
    function _predictPurse() private returns (address predicted) {
        uint256 snapshot = vm.snapshotState();
        (uint24 number,) = _create(newAgent, address(usdc), defaultPolicy());
        predicted = views.purseOf(number, 0);
        vm.revertToState(snapshot);
    }
}
