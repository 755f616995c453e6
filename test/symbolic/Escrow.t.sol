// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Purse} from "../../contracts/Purse.sol";
import {SessionRequest} from "../../contracts/libraries/Types.sol";
import {Symbolic} from "./Symbolic.sol";
import {AnyWallet, OpenTreasury} from "./TreasuryState.sol";

/// @notice A token with any balances, which remembers who last sent what to whom.
contract AnyToken {
    mapping(address => uint256) private _balances;
    uint256 public transfers;
    address public from;
    address public to;
    uint256 public amount;

    function balanceOf(address who) external view returns (uint256) {
        return _balances[who];
    }

    function transfer(address to_, uint256 amount_) external returns (bool) {
        unchecked {
            ++transfers;
        }
        (from, to, amount) = (msg.sender, to_, amount_);
        return true;
    }
}

/// @notice Whatever the treasury's storage holds and whoever calls: escrow leaves only for a purse, by a session
/// that the envelope's agent signed, and what the ledger counts follows the money to the unit.
/// @dev Without windows and groups: they can only refuse. The agent is a contract that answers as its storage, any storage, has it.
contract EscrowProof is Symbolic {
    OpenTreasury private treasury;
    AnyToken private token;
    AnyWallet private agent;

    function setUp() external {
        token = new AnyToken();
        agent = new AnyWallet();
        treasury = new OpenTreasury(address(this), address(token));
        svm.enableSymbolicStorage(address(treasury));
        svm.enableSymbolicStorage(address(token));
        svm.enableSymbolicStorage(address(agent));
    }

    function _anyTime() private {
        vm.warp(svm.createUint(40, "time"));
    }

    function _assumeAsset(uint256 envelope) private view returns (bytes32 separator) {
        address asset;
        bytes32 codeHash;
        (asset, separator, codeHash) = treasury.assetOf(envelope);
        // As it is stored when an asset is added, and never again.
        vm.assume(codeHash == keccak256(abi.encodePacked(type(Purse).creationCode, separator)));
        vm.assume(asset == address(token));
        vm.assume(treasury.agentOf(envelope) == address(agent));
        vm.assume(treasury.groupOf(envelope) == 0);
        vm.assume(treasury.windowOf(envelope, 0).limit() == 0);
    }

    /// @dev CREATE2, said again.
    function _purse(uint256 envelope, uint256 index, bytes32 separator) private view returns (address) {
        bytes32 code = keccak256(abi.encodePacked(type(Purse).creationCode, separator));
        bytes32 salt = bytes32(envelope << 16 | index);
        return address(uint160(uint256(keccak256(abi.encodePacked(hex"ff", address(treasury), salt, code)))));
    }

    function check_openingPaysOnlyItsPurse(SessionRequest calldata request) external {
        _anyTime();
        bytes32 separator = _assumeAsset(request.envelope);
        address purse = _purse(request.envelope, request.purseIndex, separator);
        vm.assume(treasury.drawnFrom(purse) == 0);
        uint256 escrow = treasury.escrowOf(request.envelope);
        uint256 held = token.balanceOf(purse);
        uint256 transfers = token.transfers();
        vm.assume(transfers == 0);

        vm.prank(svm.createAddress("relayer"));
        address opened = treasury.openSession(request, "");
        assert(opened == purse);
        assert(treasury.escrowOf(request.envelope) + request.budget == escrow + held);
        if (token.transfers() != 0 && token.from() == address(treasury)) {
            assert(token.transfers() == 1);
            assert(token.to() == purse);
            assert(token.amount() == request.budget - held);
            assert(token.amount() <= escrow);
        }
    }

    function check_closingPaysNobody(address purse) external {
        _anyTime();
        _assumeAsset(treasury.wordOf(purse).envelope());
        vm.assume(treasury.drawnFrom(purse) == 0);
        vm.assume(token.transfers() == 0);
        vm.prank(svm.createAddress("anybody"));
        treasury.closeSession(purse, "");
        assert(token.transfers() == 0 || token.from() != address(treasury));
    }

    /// @dev Money leaves for another address than a purse by an owner only.
    function check_onlyAnOwnerWithdraws(uint24 envelope, address to, uint256 amount) external {
        _anyTime();
        address caller = svm.createAddress("caller");
        _assumeAsset(envelope);
        vm.assume(treasury.accountOf(caller).roles & 1 == 0);
        vm.prank(caller);
        (bool success,) = address(treasury)
            .call(abi.encodeWithSignature("withdraw(uint24,address,uint256)", envelope, to, amount));
        assert(!success);
    }
}
