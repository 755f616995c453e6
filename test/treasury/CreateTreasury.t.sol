// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Treasury} from "../../contracts/Treasury.sol";
import {TreasuryDesk} from "../../contracts/TreasuryDesk.sol";
import {TreasuryFactory} from "../../contracts/TreasuryFactory.sol";
import {TreasuryViews} from "../../contracts/TreasuryViews.sol";
import {Role} from "../../contracts/libraries/Types.sol";
import {Base} from "../Base.t.sol";

contract CreateTreasuryTest is Base {
    bytes32 internal constant SALT = keccak256("second treasury");

    function test_GivenOwnerAndSalt_DeploysAtPredictedAddress() public {
        address predicted = factory.treasuryAddress(owner, SALT);
        assertEq(predicted.code.length, 0, "there before");

        vm.expectEmit(address(factory));
        emit TreasuryFactory.TreasuryCreated(predicted, owner, SALT);
        vm.prank(stranger);
        Treasury created = factory.createTreasury(owner, SALT);

        assertEq(address(created), predicted);
        assertEq(created.deskCode(), factory.DESK());
        assertEq(factory.treasuryAddress(owner, SALT), predicted, "moves once deployed");
    }

    function test_GivenDesk_ItTellsWhoseViewsItAsks() public {
        address code = address(new TreasuryViews());
        assertEq(new TreasuryDesk(code).viewsCode(), code);
    }

    function test_GivenNewTreasury_OnlyOwnerHasRoles() public {
        vm.prank(stranger);
        TreasuryViews created = TreasuryViews(address(factory.createTreasury(owner, SALT)));
        assertEq(created.account(owner).roles, Role.OWNER);
        assertEq(created.account(stranger).roles, 0);
        assertEq(created.account(address(factory)).roles, 0);
        assertEq(created.organisation().owners, 1);
        assertEq(created.organisation().delay, 0);
    }

    function test_GivenSameSaltOfAnotherOwner_TakesAnotherAddress() public {
        address meant = factory.treasuryAddress(owner, SALT);
        vm.prank(stranger);
        address squatter = address(factory.createTreasury(stranger, SALT));
        assertTrue(squatter != meant, "squatted");
        assertEq(address(factory.createTreasury(owner, SALT)), meant);
    }

    function test_RevertWhen_SaltIsUsedTwice() public {
        factory.createTreasury(owner, SALT);
        // A collision eats all gas it is given.
        vm.expectRevert();
        factory.createTreasury{gas: 5_000_000}(owner, SALT);
    }

    function test_RevertWhen_OwnerIsZero() public {
        vm.expectRevert(AddressZero.selector);
        factory.createTreasury(address(0), SALT);
    }

    function test_RevertWhen_DeskHasNoCode() public {
        vm.expectRevert(abi.encodeWithSelector(CodeMissing.selector, stranger));
        new Treasury(owner, stranger);
        vm.expectRevert(abi.encodeWithSelector(CodeMissing.selector, stranger));
        new TreasuryDesk(stranger);
        vm.expectRevert(abi.encodeWithSelector(CodeMissing.selector, stranger));
        new TreasuryFactory(stranger);
    }

    function testFuzz_AddressesAreDistinctAndPredicted(address owner_, bytes32 salt, bytes32 otherSalt)
        public
    {
        vm.assume(owner_ != address(0) && salt != otherSalt);
        address first = factory.treasuryAddress(owner_, salt);
        vm.assume(first.code.length == 0);
        assertTrue(first != factory.treasuryAddress(owner_, otherSalt));
        assertEq(address(factory.createTreasury(owner_, salt)), first);
    }

    function test_GivenDeskCalledDirectly_NobodyHasRoles() public {
        TreasuryDesk bare = TreasuryDesk(factory.DESK());
        vm.expectRevert(abi.encodeWithSelector(RoleMissing.selector, owner, Role.OWNER));
        vm.prank(owner);
        bare.addAsset(address(usdc));
        assertEq(TreasuryViews(address(bare)).organisation().owners, 0);
    }

    function test_RevertWhen_EtherIsSentToTreasury() public {
        vm.deal(address(this), 1 ether);
        (bool success,) = address(treasury).call{value: 1}("");
        assertFalse(success, "bare transfer");
        (success,) = address(treasury).call{value: 1}(abi.encodeCall(views.organisation, ()));
        assertFalse(success, "with a call");
    }

    function test_RevertWhen_SelectorIsUnknown() public {
        (bool success,) = address(treasury).call(abi.encodeWithSignature("upgradeTo(address)", stranger));
        assertFalse(success);
    }

    /// @dev Limits of mainnet code (EIP-170, EIP-3860).
    function test_CodeFitsOnChain() public view {
        assertLe(address(treasury).code.length, 24_576);
        assertLe(factory.DESK().code.length, 24_576);
        assertLe(desk.viewsCode().code.length, 24_576);
        assertLe(address(factory).code.length, 24_576);
        assertLe(vm.getCode("TreasuryFactory.sol:TreasuryFactory").length, 49_152);
    }
}
