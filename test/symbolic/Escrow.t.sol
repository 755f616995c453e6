// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Scope, SessionRequest} from "../../contracts/libraries/Types.sol";
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

/// @notice Whatever the treasury's storage holds and whoever calls: opening a session sends escrow to the
/// envelope's own purse, and closing one to nobody.
/// @dev Without windows and groups. The agent is a contract that answers as its storage, any storage, has it.
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

    function _assumeAsset(uint256 envelope) private view {
        (address asset,,) = treasury.assetOf(envelope);
        vm.assume(asset == address(token));
        vm.assume(treasury.agentOf(envelope) == address(agent));
        vm.assume(treasury.groupOf(envelope) == 0);
        vm.assume(treasury.windowOf(envelope, 0).limit() == 0);
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

    /// @dev What an opening sends goes to the envelope's own purse, and is no more than the budget. Without a scope, whose
    /// fields narrow and are read nowhere else here.
    function check_openingPaysItsPurseAlone(
        uint24 envelope,
        uint16 index,
        uint24 sequence,
        address key,
        uint96 budget,
        uint32 expiry
    ) external {
        _anyTime();
        _assumeAsset(envelope);
        address purse = treasury.purseAt(envelope, index);
        vm.assume(treasury.wordOf(purse).key() == address(0) || treasury.drawnFrom(purse) == 0);
        vm.assume(token.transfers() == 0);
        Scope memory none;
        vm.prank(svm.createAddress("anybody"));
        treasury.openSession(SessionRequest(envelope, index, sequence, key, budget, expiry, none, 0), "");
        assert(token.transfers() <= 1);
        if (token.transfers() == 1 && token.from() == address(treasury)) {
            assert(token.to() == purse);
            assert(token.amount() <= budget);
        }
    }
}
