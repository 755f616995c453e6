// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Base} from "../Base.t.sol";
import {TestUSDC} from "../mocks/TestUSDC.sol";

contract AddAssetTest is Base {
    function test_GivenNewToken_AddsItWithItsDomain() public {
        TestUSDC other = new TestUSDC();
        bytes32 domain = other.DOMAIN_SEPARATOR();
        vm.expectEmit(address(treasury));
        emit AssetAdded(address(other), 1, domain);
        vm.prank(owner);
        desk.addAsset(address(other));

        (address token, uint256 escrowed, bytes32 separator) = views.asset(1);
        assertEq(token, address(other));
        assertEq(escrowed, 0);
        assertEq(separator, domain);
        assertEq(views.organisation().assets, 2);
    }

    function test_RevertWhen_AssetIsKnown() public {
        vm.expectRevert(abi.encodeWithSelector(AssetKnown.selector, address(usdc)));
        vm.prank(owner);
        desk.addAsset(address(usdc));
    }

    function test_RevertWhen_TokenHasNoDomain() public {
        address[3] memory rubbish = [address(0), stranger, address(factory)];
        for (uint256 i; i < rubbish.length; ++i) {
            vm.expectRevert(bytes(""));
            vm.prank(owner);
            desk.addAsset(rubbish[i]);
        }
        assertEq(views.organisation().assets, 1);
    }

    function test_RevertWhen_TooManyAssets() public {
        vm.startPrank(owner);
        for (uint256 i = 1; i < 255; ++i) {
            address token = address(uint160(0xa55e70000 + i));
            vm.mockCall(token, abi.encodeCall(usdc.DOMAIN_SEPARATOR, ()), abi.encode(bytes32(i)));
            desk.addAsset(token);
        }
        address oneMore = address(new TestUSDC());
        vm.expectRevert(abi.encodeWithSelector(TooMany.selector, 255));
        desk.addAsset(oneMore);
    }
}
