// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Permit2Digest} from "../../contracts/libraries/Permit2Digest.sol";
import {SessionRequest} from "../../contracts/libraries/Types.sol";
import {Role} from "../../contracts/libraries/Types.sol";
import {Base} from "../Base.t.sol";
import {TestUSDC} from "../mocks/TestUSDC.sol";

/// @notice Every verb with a role, called by a holder of each single role, by nobody's friend, and by the agent.
contract RoleMatrixTest is Base {
    struct Verb {
        string name;
        uint8 allowed;
        bytes call;
    }

    uint8 internal constant STOP = Role.OWNER | Role.POLICY_MANAGER | Role.GUARDIAN;

    Verb[] internal verbs;
    address[7] internal holders;

    function setUp() public override {
        super.setUp();
        for (uint8 bit; bit < 6; ++bit) {
            holders[bit] = makeAddr(string.concat("holder of role ", vm.toString(1 << bit)));
            vm.prank(owner);
            desk.grantRole(holders[bit], uint8(1 << bit));
        }
        holders[6] = agent;

        open(50 * UNIT);
        vm.prank(manager);
        desk.createPurses(envelope, 1);
        SessionRequest memory r = request(50 * UNIT);
        (r.purseIndex, r.sequence, r.key) = (1, 1, makeAddr("second session key"));
        address frozen = treasury.openSession(r, signRequest(r));
        vm.prank(guardian);
        treasury.freezeSession(frozen);

        TestUSDC other = new TestUSDC();
        other.mint(address(treasury), 1);
        other.mint(purse, 1);
        address somebody = makeAddr("somebody");
        vm.etch(Permit2Digest.PERMIT2, hex"00");
        vm.prank(manager);
        uint24 group = desk.createGroup(0, address(usdc), defaultPolicy().windows, 0);
        vm.startPrank(guardian);
        treasury.freezeOrganisation();
        treasury.freezeEnvelope(envelope);
        treasury.freezeGroup(group);
        vm.stopPrank();
        bytes32 announced = announce(owner, hex"aa");

        _verb("grantRole", Role.OWNER, abi.encodeCall(desk.grantRole, (somebody, Role.APPROVER)));
        _verb("revokeRole", Role.OWNER, abi.encodeCall(desk.revokeRole, (approver, Role.APPROVER)));
        _verb("setDelay", Role.OWNER, abi.encodeCall(desk.setDelay, (1 days)));
        _verb("setSeparationOfDuties", Role.OWNER, abi.encodeCall(desk.setSeparationOfDuties, (false)));
        _verb("addAsset", Role.OWNER, abi.encodeCall(desk.addAsset, (address(other))));
        _verb("setAgent", Role.OWNER, abi.encodeCall(desk.setAgent, (envelope, somebody)));
        _verb("withdraw", Role.OWNER, abi.encodeCall(desk.withdraw, (envelope, somebody, 1)));
        _verb("recover", Role.OWNER, abi.encodeCall(desk.recover, (address(other), somebody)));
        _verb(
            "recoverFromPurse",
            Role.OWNER,
            abi.encodeCall(desk.recoverFromPurse, (envelope, 0, address(other), somebody))
        );
        _verb("unfreezeOrganisation", Role.OWNER, abi.encodeCall(desk.unfreezeOrganisation, ()));
        _verb("unfreezeEnvelope", Role.OWNER, abi.encodeCall(desk.unfreezeEnvelope, (envelope)));
        _verb("unfreezeGroup", Role.OWNER, abi.encodeCall(desk.unfreezeGroup, (group)));
        _verb("clearReview", Role.OWNER, abi.encodeCall(desk.clearReview, (envelope, 0)));

        _verb("announce", Role.OWNER | Role.POLICY_MANAGER, abi.encodeCall(desk.announce, (hex"bb")));
        _verb(
            "createEnvelope",
            Role.POLICY_MANAGER,
            abi.encodeCall(desk.createEnvelope, (somebody, address(usdc), defaultPolicy()))
        );
        _verb("setPolicy", Role.POLICY_MANAGER, abi.encodeCall(desk.setPolicy, (envelope, defaultPolicy())));
        _verb("createPurses", Role.POLICY_MANAGER, abi.encodeCall(desk.createPurses, (envelope, 1)));
        _verb("listPayee", Role.POLICY_MANAGER, abi.encodeCall(treasury.listPayee, (LIST, somebody)));

        _verb(
            "createGroup",
            Role.POLICY_MANAGER,
            abi.encodeCall(desk.createGroup, (group, address(usdc), defaultPolicy().windows, 0))
        );
        _verb(
            "setGroupLimits",
            Role.POLICY_MANAGER,
            abi.encodeCall(desk.setGroupLimits, (group, defaultPolicy().windows, 0))
        );
        _verb("setGroup", Role.POLICY_MANAGER, abi.encodeCall(desk.setGroup, (envelope, group)));
        _verb("setPermit2", Role.POLICY_MANAGER, abi.encodeCall(desk.setPermit2, (envelope, true)));

        _verb(
            "revokeStamp",
            Role.OWNER | Role.GUARDIAN | Role.STAMPER,
            abi.encodeCall(desk.revokeStamp, (bytes32(uint256(1))))
        );
        _verb(
            "setStampEpoch",
            Role.OWNER | Role.GUARDIAN | Role.STAMPER,
            abi.encodeCall(desk.setStampEpoch, (1))
        );
        _verb("anchor", Role.OWNER | Role.REVIEWER, abi.encodeCall(desk.anchor, (bytes32(uint256(1)), 1)));
        _verb(
            "unlistPayee",
            Role.POLICY_MANAGER | Role.GUARDIAN,
            abi.encodeCall(desk.unlistPayee, (LIST, payee))
        );
        _verb("cancelAnnouncement", STOP, abi.encodeCall(desk.cancelAnnouncement, (announced)));
        _verb("freezeOrganisation", STOP, abi.encodeCall(treasury.freezeOrganisation, ()));
        _verb("freezeGroup", STOP, abi.encodeCall(treasury.freezeGroup, (group)));
        _verb("freezeEnvelope", STOP, abi.encodeCall(treasury.freezeEnvelope, (envelope)));
        _verb("freezeSession", STOP, abi.encodeCall(treasury.freezeSession, (purse)));
        _verb("setReview", STOP | Role.REVIEWER, abi.encodeCall(desk.setReview, (envelope, 0)));
    }

    function test_GivenRoleThatVerbAsksFor_ItRuns() public {
        for (uint256 i; i < verbs.length; ++i) {
            for (uint256 bit; bit < 6; ++bit) {
                if (verbs[i].allowed & (1 << bit) == 0) continue;
                (bool success,) = _callAs(holders[bit], verbs[i]);
                assertTrue(success, string.concat(verbs[i].name, " refused to role ", vm.toString(1 << bit)));
            }
        }
    }

    function test_RevertWhen_RoleIsAnother() public {
        for (uint256 i; i < verbs.length; ++i) {
            for (uint256 bit; bit < 7; ++bit) {
                // The agent, in the last place, has no role at all.
                if (bit < 6 && verbs[i].allowed & (1 << bit) != 0) continue;
                (bool success, bytes memory why) = _callAs(holders[bit], verbs[i]);
                assertFalse(success, string.concat(verbs[i].name, " runs for role ", vm.toString(1 << bit)));
                assertEq(
                    why,
                    abi.encodeWithSelector(RoleMissing.selector, holders[bit], verbs[i].allowed),
                    verbs[i].name
                );
            }
        }
    }

    function _callAs(address who, Verb memory verb) private returns (bool success, bytes memory result) {
        uint256 snapshot = vm.snapshotState();
        vm.prank(who);
        (success, result) = address(treasury).call(verb.call);
        vm.revertToState(snapshot);
    }

    function _verb(string memory name, uint8 allowed, bytes memory call) private {
        verbs.push(Verb(name, allowed, call));
    }
}
