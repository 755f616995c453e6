// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Refusal, SessionRequest} from "../../contracts/libraries/Types.sol";
import {Base} from "../Base.t.sol";
import {Vm} from "forge-std/Vm.sol";

/// @notice The ledger rebuilt from logs alone is the chain's own.
contract LedgerTest is Base {
    struct Agent {
        uint24 envelope;
        uint256 key;
        address[2] purses;
    }

    Agent[2] internal agents;
    uint256 internal minted;

    function setUp() public override {
        vm.recordLogs();
        super.setUp();
        minted = 1000 * UNIT;
        vm.startPrank(manager);
        (address second, uint256 secondKey) = makeAddrAndKey("second agent");
        (uint24 number,) = desk.createEnvelope(second, address(usdc), defaultPolicy());
        desk.createPurses(envelope, 1);
        desk.createPurses(number, 1);
        vm.stopPrank();
        agents[0] = Agent(envelope, agentKey, [purse, views.purseOf(envelope, 1)]);
        agents[1] = Agent(number, secondKey, [views.purseOf(number, 0), views.purseOf(number, 1)]);
    }

    /// @dev escrow = ToppedUp - Withdrawn - SessionOpened.budget + SessionClosed.returned + PurseSwept.amount
    function testFuzz_EventsRebuildTheEscrow(uint256 seed) public {
        uint256 done;
        for (uint256 i; i < 30; ++i) {
            if (_step(uint256(keccak256(abi.encode(seed, i))))) ++done;
        }
        assertGt(done, 3, "the fuzz does nothing");
        _assertEscrows(vm.getRecordedLogs());
        _assertConserved();
    }

    /* RANDOM VERBS */

    function _step(uint256 dice) private returns (bool) {
        Agent memory who = agents[dice & 1];
        uint16 index = uint16((dice >> 1) & 1);
        uint256 amount = 1 + (dice >> 32) % (60 * UNIT);
        uint256 verb = (dice >> 8) % 9;
        (envelope, purse, agentKey) = (who.envelope, who.purses[index], who.key);
        if (verb < 3) return _tryToOpen(index, amount);
        if (verb == 3) return _tryToPay(amount % (12 * UNIT), dice);
        if (verb == 4) return _try(agentKey, abi.encodeCall(treasury.closeSession, (purse, "")));
        if (verb == 5) fund(envelope, amount);
        if (verb == 5 || verb == 6) minted += amount;
        if (verb == 6) usdc.mint(purse, amount);
        if (verb == 7) {
            vm.prank(owner);
            (bool done,) = address(treasury).call(abi.encodeCall(desk.withdraw, (envelope, owner, amount)));
            return done;
        }
        if (verb == 8) {
            vm.warp(time() + (dice >> 16) % 20 hours);
            if ((dice >> 20) & 3 == 0) setPolicy(defaultPolicy());
        }
        return true;
    }

    function _tryToOpen(uint16 index, uint256 budget) private returns (bool) {
        nextSessionKey();
        SessionRequest memory r = request(budget);
        r.purseIndex = index;
        (Refusal reason,,) = views.diagnoseSession(r);
        if (reason != Refusal.None) return false;
        treasury.openSession(r, signRequest(r));
        _secrets[purse] = sessionSecret;
        return true;
    }

    mapping(address purse => uint256) private _secrets;

    function _tryToPay(uint256 amount, uint256 dice) private returns (bool) {
        (Refusal reason,,) = views.previewPayment(purse, payee, amount, false);
        if (reason != Refusal.None) return false;
        sessionSecret = _secrets[purse];
        pay(purse, payee, amount, bytes32(dice));
        return true;
    }

    function _try(uint256 key, bytes memory call) private returns (bool done) {
        vm.prank(vm.addr(key));
        (done,) = address(treasury).call(call);
    }

    /* THE EQUATIONS */

    function _assertEscrows(Vm.Log[] memory logs) private view {
        uint256 sum;
        for (uint256 a; a < 2; ++a) {
            uint256 escrow;
            bytes32 topic = bytes32(uint256(agents[a].envelope));
            for (uint256 i; i < logs.length; ++i) {
                if (logs[i].emitter != address(treasury) || logs[i].topics.length < 2) continue;
                if (logs[i].topics[1] != topic) continue;
                bytes32 name = logs[i].topics[0];
                bytes memory data = logs[i].data;
                if (name == ToppedUp.selector) escrow += abi.decode(data, (uint256));
                if (name == Withdrawn.selector) escrow -= _word(data, 0);
                if (name == SessionOpened.selector) escrow -= _word(data, 1);
                if (name == SessionClosed.selector) escrow += _word(data, 0);
                if (name == PurseSwept.selector) escrow += _word(data, 0);
            }
            assertEq(escrow, escrowOf(agents[a].envelope), "escrow");
            sum += escrow;
        }
        (, uint256 escrowed,) = views.asset(0);
        assertEq(sum, escrowed, "asset's sum");
        assertEq(usdc.balanceOf(address(treasury)), escrowed, "treasury's balance");
    }

    /// @dev Escrow, purses, paid and withdrawn are all that ever came in.
    function _assertConserved() private view {
        uint256 held = usdc.balanceOf(address(treasury)) + paidTo(payee) + usdc.balanceOf(owner);
        for (uint256 a; a < 2; ++a) {
            held += usdc.balanceOf(agents[a].purses[0]) + usdc.balanceOf(agents[a].purses[1]);
        }
        assertEq(held, minted);
    }

    function _word(bytes memory data, uint256 at) private pure returns (uint256 word) {
        assembly {
            word := mload(add(add(data, 32), mul(at, 32)))
        }
    }
}
