// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {TreasuryDesk} from "../contracts/TreasuryDesk.sol";
import {TreasuryFactory} from "../contracts/TreasuryFactory.sol";
import {Script} from "forge-std/Script.sol";
import {console} from "forge-std/console.sol";

/// @notice Deploys the factory at the same address on every chain, through the canonical CREATE2 deployer.
/// @dev A dry run unless forge is told to `--broadcast`:
///   forge script script/Deploy.s.sol --rpc-url $RPC_URL
///   forge script script/Deploy.s.sol --rpc-url $RPC_URL --account deployer --broadcast
contract Deploy is Script {
    bytes32 public constant SALT = keccak256("Bursar TreasuryFactory 1");

    error DeployerMissing(uint256 chainId, address deployer);
    error DeployFailed(address predicted);
    error DeskMismatch(address expected, address actual);

    function run() external returns (TreasuryFactory factory) {
        address predicted = factoryAddress();
        console.log("chain          ", block.chainid);
        console.log("factory        ", predicted);
        if (CREATE2_FACTORY.code.length == 0) revert DeployerMissing(block.chainid, CREATE2_FACTORY);

        if (predicted.code.length != 0) {
            console.log("is there already; nothing to deploy");
        } else {
            console.log("to deploy, through", CREATE2_FACTORY);
            vm.broadcast(msg.sender);
            (bool success,) = CREATE2_FACTORY.call(bytes.concat(SALT, type(TreasuryFactory).creationCode));
            if (!success || predicted.code.length == 0) revert DeployFailed(predicted);
        }
        factory = TreasuryFactory(predicted);
        verify(factory);
    }

    /// @notice Where the factory of this very source is, on every chain.
    function factoryAddress() public view returns (address) {
        return vm.computeCreate2Address(SALT, keccak256(type(TreasuryFactory).creationCode), CREATE2_FACTORY);
    }

    /// @dev The addresses are the proof: CREATE2 commits to the code, of the factory and of its desk.
    function verify(TreasuryFactory factory) public view {
        address desk =
            vm.computeCreate2Address(0, keccak256(type(TreasuryDesk).creationCode), address(factory));
        if (factory.DESK() != desk || desk.code.length == 0) revert DeskMismatch(desk, factory.DESK());
        console.log("verified: desk ", desk);
    }
}
