// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {TreasuryDesk} from "../../contracts/TreasuryDesk.sol";
import {TreasuryFactory} from "../../contracts/TreasuryFactory.sol";
import {TreasuryViews} from "../../contracts/TreasuryViews.sol";
import {Role} from "../../contracts/libraries/Types.sol";
import {CreateTreasury} from "../../script/CreateTreasury.s.sol";
import {Deploy} from "../../script/Deploy.s.sol";
import {TestUSDC} from "../mocks/TestUSDC.sol";
import {Test} from "forge-std/Test.sol";

contract DeployTest is Test {
    /// The code of the canonical deployer: salt, then creation code.
    bytes internal constant DEPLOYER =
        hex"7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffe03601600081602082378035828234f58015156039578182fd5b8082525050506014600cf3";

    Deploy internal script;

    function setUp() public {
        vm.etch(CREATE2_FACTORY, DEPLOYER);
        script = new Deploy();
    }

    function test_GivenNoFactory_DeploysItWhereItSaid() public {
        address predicted = script.factoryAddress();
        assertEq(predicted.code.length, 0);
        assertEq(address(script.run()), predicted);
        assertGt(predicted.code.length, 0);
        assertGt(TreasuryFactory(predicted).DESK().code.length, 0);
    }

    function test_GivenFactory_OnlyVerifies() public {
        TreasuryFactory first = script.run();
        assertEq(address(script.run()), address(first));
    }

    function test_RevertWhen_DeployerIsMissing() public {
        vm.etch(CREATE2_FACTORY, "");
        vm.expectRevert(
            abi.encodeWithSelector(Deploy.DeployerMissing.selector, block.chainid, CREATE2_FACTORY)
        );
        script.run();
    }

    function test_RevertWhen_DeskIsAnother() public {
        TreasuryFactory factory = script.run();
        vm.mockCall(address(factory), abi.encodeCall(factory.DESK, ()), abi.encode(address(this)));
        vm.expectPartialRevert(Deploy.PartMismatch.selector);
        script.run();
    }

    /// @dev One test, because the environment is the whole process's.
    function test_CreateTreasury() public {
        TreasuryFactory factory = script.run();
        address owner = makeAddr("owner");
        address manager = makeAddr("manager");
        address first = makeAddr("first guardian");
        address second = makeAddr("second guardian");
        TestUSDC usdc = new TestUSDC();
        vm.setEnv("BURSAR_FACTORY", vm.toString(address(factory)));
        vm.setEnv("BURSAR_OWNER", vm.toString(owner));
        vm.setEnv("BURSAR_ASSETS", vm.toString(address(usdc)));
        vm.setEnv("BURSAR_POLICY_MANAGERS", vm.toString(manager));
        vm.setEnv("BURSAR_GUARDIANS", string.concat(vm.toString(first), ",", vm.toString(second)));
        vm.setEnv("BURSAR_DELAY", "86400");

        // Somebody else may create it, and do no more.
        CreateTreasury creation = new CreateTreasury();
        TreasuryViews treasury = TreasuryViews(address(creation.run()));
        assertEq(address(treasury), factory.treasuryAddress(owner, 0));
        assertEq(treasury.account(manager).roles, 0);
        assertEq(treasury.organisation().delay, 0);

        // The owner does the rest, also where it is there already.
        owner = address(this);
        vm.setEnv("BURSAR_OWNER", vm.toString(owner));
        address there = address(factory.createTreasury(owner, 0));
        creation = new CreateTreasury();
        treasury = TreasuryViews(address(creation.run()));
        assertEq(address(treasury), there);
        assertEq(treasury.account(manager).roles, Role.POLICY_MANAGER);
        assertEq(treasury.account(first).roles, Role.GUARDIAN);
        assertEq(treasury.account(second).roles, Role.GUARDIAN);
        assertEq(treasury.account(owner).roles, Role.OWNER);
        (address token,,) = treasury.asset(0);
        assertEq(token, address(usdc));
        assertTrue(treasury.organisation().separateDuties);
        assertEq(treasury.organisation().delay, 1 days);
    }
}
