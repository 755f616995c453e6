// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {TreasuryDesk} from "../contracts/TreasuryDesk.sol";
import {TreasuryFactory} from "../contracts/TreasuryFactory.sol";
import {TreasuryViews} from "../contracts/TreasuryViews.sol";
import {Script} from "forge-std/Script.sol";
import {console} from "forge-std/console.sol";

/// @notice Deploys views, desk and factory at the same addresses on every chain, through the canonical CREATE2
/// deployer.
/// @dev A dry run unless forge is told to `--broadcast`:
///   forge script script/Deploy.s.sol --rpc-url $RPC_URL
///   forge script script/Deploy.s.sol --rpc-url $RPC_URL --account deployer --broadcast
contract Deploy is Script {
    bytes32 public constant SALT = keccak256("Bursar TreasuryFactory 1");

    error DeployerMissing(uint256 chainId, address deployer);
    error DeployFailed(address predicted);
    error PartMismatch(string part, address expected, address actual);

    function run() external returns (TreasuryFactory factory) {
        console.log("chain          ", block.chainid);
        if (CREATE2_FACTORY.code.length == 0) revert DeployerMissing(block.chainid, CREATE2_FACTORY);
        _deploy("views", viewsCode());
        _deploy("desk", deskCode());
        factory = TreasuryFactory(_deploy("factory", factoryCode()));
        verify(factory);
    }

    /// @notice Where the factory of this very source is, on every chain.
    function factoryAddress() public view returns (address) {
        return _addressOf(factoryCode());
    }

    function viewsCode() public view returns (bytes memory) {
        return type(TreasuryViews).creationCode;
    }

    function deskCode() public view returns (bytes memory) {
        return abi.encodePacked(type(TreasuryDesk).creationCode, abi.encode(_addressOf(viewsCode())));
    }

    function factoryCode() public view returns (bytes memory) {
        return abi.encodePacked(type(TreasuryFactory).creationCode, abi.encode(_addressOf(deskCode())));
    }

    /// @dev The addresses are the proof: CREATE2 commits to the code, of every part and of what it is built on.
    function verify(TreasuryFactory factory) public view {
        address desk = _addressOf(deskCode());
        if (factory.DESK() != desk || desk.code.length == 0) {
            revert PartMismatch("desk", desk, factory.DESK());
        }
        address views = _addressOf(viewsCode());
        address actual = TreasuryDesk(desk).viewsCode();
        if (actual != views || views.code.length == 0) revert PartMismatch("views", views, actual);
        console.log("verified: the factory's desk and its views are of this source");
    }

    function _deploy(string memory part, bytes memory code) private returns (address predicted) {
        predicted = _addressOf(code);
        if (predicted.code.length != 0) {
            console.log("is there already", part, predicted);
            return predicted;
        }
        console.log("to deploy       ", part, predicted);
        vm.broadcast(msg.sender);
        (bool success,) = CREATE2_FACTORY.call(bytes.concat(SALT, code));
        if (!success || predicted.code.length == 0) revert DeployFailed(predicted);
    }

    function _addressOf(bytes memory code) private view returns (address) {
        return vm.computeCreate2Address(SALT, keccak256(code), CREATE2_FACTORY);
    }
}
