// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Permit2Digest} from "../../contracts/libraries/Permit2Digest.sol";
import {Policy, Role, WindowLimit} from "../../contracts/libraries/Types.sol";
import {Base} from "../Base.t.sol";
import {Wallet} from "../mocks/Wallets.sol";
import {ThinPermit2} from "./ThinPermit2.sol";
import {WatchedToken} from "./WatchedToken.sol";
import {Breach} from "./ghost/Flows.sol";
import {Ghost} from "./ghost/Ghost.sol";
import {Agent} from "./handlers/Agent.sol";
import {Facilitator} from "./handlers/Facilitator.sol";
import {Cast} from "./handlers/Handler.sol";
import {Office} from "./handlers/Office.sol";
import {Outsiders} from "./handlers/Outsiders.sol";

/// @notice Sets the stage: the treasury of all other tests, with four more envelopes in two watched tokens, ten
/// purses, and everybody who calls. The first envelope is nobody's to touch: a bystander.
abstract contract Stage is Base {
    Ghost internal ghost;
    Cast internal cast;
    WatchedToken[2] internal tokens;

    function setUp() public virtual override {
        super.setUp();
        ghost = new Ghost();
        tokens = [new WatchedToken(ghost), new WatchedToken(ghost)];
        _cast();
        _people();
        for (uint256 i; i < 4; ++i) {
            _envelope(i);
        }
        _groups();
        _permit2();
        targetContract(address(new Office(ghost, treasury, cast)));
        targetContract(address(new Outsiders(ghost, treasury, cast)));
        // Calls are spread evenly over contracts and their verbs, so what happens more often is there more often.
        for (uint256 i; i < 3; ++i) {
            targetContract(address(new Agent(ghost, treasury, cast)));
            targetContract(address(new Facilitator(ghost, treasury, cast)));
        }
    }

    function _cast() private {
        (cast.owner, cast.manager, cast.guardian, cast.reviewer) = (owner, manager, guardian, reviewer);
        (cast.stranger, cast.stamper) = (stranger, makeAddr("stamper"));
        cast.approverWallet = address(new Wallet(vm.addr(_secret("wallet", 0))));
        cast.approvers = [vm.addr(_secret("approver", 0)), vm.addr(_secret("approver", 1))];
        cast.payees = [payee, makeAddr("second payee"), otherPayee, makeAddr("fourth payee")];
    }

    function _people() private {
        address[] memory who = new address[](10);
        (who[0], who[1], who[2], who[3], who[4]) = (owner, manager, guardian, reviewer, cast.stamper);
        (who[5], who[6], who[7]) = (cast.approvers[0], cast.approvers[1], cast.approverWallet);
        (who[8], who[9]) = (makeAddr("first newcomer"), makeAddr("second newcomer"));
        uint8[] memory held = new uint8[](10);
        for (uint256 i; i < 8; ++i) {
            held[i] = i < 3 ? uint8(1 << i) : i == 3 ? Role.REVIEWER : i == 4 ? Role.STAMPER : Role.APPROVER;
        }
        vm.startPrank(owner);
        for (uint256 i = 4; i < 8; ++i) {
            desk.grantRole(who[i], held[i]);
        }
        desk.addAsset(address(tokens[0]));
        desk.addAsset(address(tokens[1]));
        vm.stopPrank();
        ghost.watch(address(treasury), who, held);
        ghost.startedWith(true, manager);
        for (uint16 list = 1; list < 3; ++list) {
            for (uint256 i; i < 2; ++i) {
                vm.prank(manager);
                treasury.listPayee(list, cast.payees[i]);
                ghost.ran(manager, abi.encodeCall(treasury.listPayee, (list, cast.payees[i])));
            }
        }
        for (uint256 i; i < 16; ++i) {
            uint256 secret = _secret("agent", i);
            ghost.knows(vm.addr(secret), secret);
        }
    }

    /// @dev Day and week in the first two, half days and lifetimes in the others; the list varies.
    function _envelope(uint256 i) private {
        Policy memory policy = defaultPolicy();
        policy.payeeList = uint16(i % 3);
        policy.windows[1].limit = uint96((150 + i * 50) * UNIT);
        if (i == 2) policy.lifetimeLimit = uint96(900 * UNIT);
        if (i == 2) policy.windows = _withHalfDays(policy);
        address token = address(tokens[i & 1]);
        address by = ghost.agents(i);
        vm.startPrank(manager);
        (uint24 number, address first) = desk.createEnvelope(by, token, policy);
        desk.createPurses(number, i < 2 ? 2 : 1);
        vm.stopPrank();
        ghost.createdEnvelope(number, by, token, policy, manager);
        ghost.createdPurse(number, 0, first);
        for (uint16 index = 1; index < (i < 2 ? 3 : 2); ++index) {
            ghost.createdPurse(number, index, views.purseOf(number, index));
        }
        tokens[i & 1].mint(address(this), 1000 * UNIT);
        tokens[i & 1].approve(address(treasury), 1000 * UNIT);
        treasury.topUp(number, 1000 * UNIT);
        ghost.toppedUp(number, 1000 * UNIT);
    }

    /// @dev A team within a department in the first token, a department in the second; one envelope is in none.
    function _groups() private {
        _group(0, tokens[0], 150, 7 days, 0);
        _group(1, tokens[0], 80, 12 hours, 900);
        _group(0, tokens[1], 90, 7 days, 0);
        uint24[3] memory into = [uint24(2), 3, 1];
        for (uint256 i; i < 3; ++i) {
            bytes memory call = abi.encodeCall(desk.setGroup, (ghost.envelopes(i), into[i]));
            vm.prank(manager);
            (bool done,) = address(treasury).call(call);
            assertTrue(done);
            ghost.ran(manager, call);
        }
    }

    function _group(uint24 parent, WatchedToken token, uint256 limit, uint32 period, uint96 lifetime)
        private
    {
        bool long = period == 7 days;
        WindowLimit[] memory windows = new WindowLimit[](long ? 2 : 1);
        windows[0] = WindowLimit({period: long ? DAY : period, limit: uint96(limit * UNIT)});
        if (long) windows[1] = WindowLimit({period: period, limit: uint96(2 * limit * UNIT)});
        lifetime *= uint96(UNIT);
        vm.prank(manager);
        uint24 group = desk.createGroup(parent, address(token), windows, lifetime);
        ghost.createdGroup(group, parent, address(token), windows, lifetime);
    }

    /// @dev Allowed in the last envelope from the start; anywhere else when a policy manager says so.
    function _permit2() private {
        vm.etch(Permit2Digest.PERMIT2, address(new ThinPermit2()).code);
        uint24 number = ghost.envelopes(3);
        vm.prank(manager);
        desk.setPermit2(number, true);
        ghost.ran(manager, abi.encodeCall(desk.setPermit2, (number, true)));
        for (uint16 index; index < 2; ++index) {
            desk.levelPermit2(number, index);
            ghost.levelled(ghost.purseAt(number, index));
        }
    }

    function _withHalfDays(Policy memory policy) private pure returns (WindowLimit[] memory windows) {
        windows = new WindowLimit[](3);
        windows[0] = WindowLimit({period: 12 hours, limit: uint96(70 * UNIT)});
        (windows[1], windows[2]) = (policy.windows[0], policy.windows[1]);
    }

    function _secret(string memory what, uint256 number) internal pure returns (uint256) {
        return uint256(keccak256(abi.encode(what, number)));
    }

    function _never(Breach what, string memory why) internal view {
        assertEq(ghost.breaches(what), 0, why);
    }

    /// @dev Whatever a campaign is about, at the end of each of its runs nothing at all may have been breached.
    function afterInvariant() public {
        for (uint256 i; i <= uint256(type(Breach).max); ++i) {
            _never(Breach(i), string.concat("by the end of the run, breach ", vm.toString(i)));
        }
        _report();
    }

    /// @dev What a run did, for `make fuzz` to sum; nothing where nobody asks.
    function _report() private {
        string memory report = vm.envOr("BURSAR_FUZZ_REPORT", string(""));
        if (bytes(report).length == 0) return;
        uint256[9] memory figures = [
            ghost.calls(),
            ghost.attempts(),
            ghost.settlements(),
            ghost.openingAttempts(),
            ghost.openings(),
            ghost.fullWindows(),
            ghost.breaches(Breach.Window),
            ghost.breaches(Breach.GroupWindow),
            // Tells two runs apart that did as much.
            uint256(ghost.history()) >> 192
        ];
        string memory line = vm.toString(figures[0]);
        for (uint256 i = 1; i < figures.length; ++i) {
            line = string.concat(line, " ", vm.toString(figures[i]));
        }
        for (uint256 i; i <= uint256(type(Breach).max); ++i) {
            line = string.concat(line, " ", vm.toString(ghost.refusedFor(Breach(i))));
        }
        vm.writeLine(report, line);
    }
}
