// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Refusal, Role, SessionRequest} from "../../contracts/libraries/Types.sol";
import {Base} from "../Base.t.sol";
import {Payment} from "../Digests.sol";
import {CuriousWallet} from "../mocks/CuriousWallet.sol";

/// @notice Agents and approvers that are contracts run while they are asked; nothing that they try then gets through.
contract WalletCallbacksTest is Base {
    CuriousWallet internal wallet;
    bytes[] internal tries;

    function setUp() public override {
        super.setUp();
        wallet = new CuriousWallet();
        vm.startPrank(owner);
        desk.setAgent(envelope, address(wallet));
        desk.grantRole(address(wallet), Role.OWNER);
        desk.grantRole(address(wallet), Role.POLICY_MANAGER);
        vm.stopPrank();
        tries = [
            abi.encodeCall(treasury.freezeOrganisation, ()),
            abi.encodeCall(treasury.listPayee, (LIST, otherPayee)),
            abi.encodeCall(desk.withdraw, (envelope, address(wallet), UNIT)),
            abi.encodeCall(desk.setAgent, (envelope, stranger)),
            abi.encodeCall(desk.setPolicy, (envelope, defaultPolicy())),
            abi.encodeCall(desk.grantRole, (stranger, Role.OWNER))
        ];
    }

    function test_GivenAgentAsked_NothingThatItTriesGetsThrough() public {
        for (uint256 i; i < tries.length; ++i) {
            _wonder(tries[i]);
            nextSessionKey();
            treasury.openSession(request(20 * UNIT), "");
        }
        // The opening it is being asked about, once more; and the end of the session that it replaces.
        nextSessionKey();
        SessionRequest memory r = request(20 * UNIT);
        _wonder(abi.encodeCall(treasury.openSession, (r, "")));
        treasury.openSession(r, "");
        nextSessionKey();
        r = request(20 * UNIT);
        _wonder(abi.encodeCall(treasury.closeSession, (purse, "")));
        treasury.openSession(r, "");
        assertEq(usedOf(envelope, 0), 20 * UNIT);
        assertEq(escrowOf(envelope), 980 * UNIT);
    }

    function test_GivenAgentAskedAboutAClose_NothingThatItTriesGetsThrough() public {
        for (uint256 i; i < tries.length; ++i) {
            nextSessionKey();
            treasury.openSession(request(20 * UNIT), "");
            _wonder(tries[i]);
            vm.prank(stranger);
            treasury.closeSession(purse, "please");
        }
        assertEq(escrowOf(envelope), 1000 * UNIT);
        assertFalse(views.organisation().frozen);
    }

    function test_GivenApproverAsked_NothingThatItTriesGetsThrough() public {
        // Its agency would bar it from approving, so somebody else is the agent here.
        vm.startPrank(owner);
        desk.setAgent(envelope, agent);
        desk.grantRole(address(wallet), Role.APPROVER);
        vm.stopPrank();
        nextSessionKey();
        open(50 * UNIT);
        Payment memory p = paymentOf(payee, 15 * UNIT);
        p.approvalKind = 2;
        (bytes32 digest, bytes memory blob) = signed(purse, p);
        blob = abi.encodePacked(blob, address(wallet));
        tries.push(abi.encodeCall(treasury.closeSession, (purse, "")));
        for (uint256 i; i < tries.length; ++i) {
            _wonder(tries[i]);
            assertAccepted(purse, digest, blob);
        }
        // The payment that it is being asked about, once more.
        wallet.wonder(
            address(usdc),
            abi.encodeWithSignature(
                "transferWithAuthorization(address,address,uint256,uint256,uint256,bytes32,bytes)",
                purse,
                payee,
                p.amount,
                0,
                p.validBefore,
                nonceOf(purse, DECISION),
                blob
            )
        );
        settle(purse, p, blob);
        assertEq(paidTo(payee), 15 * UNIT);
        assertEq(usdc.balanceOf(purse), 35 * UNIT);
    }

    function _wonder(bytes memory call) private {
        wallet.wonder(address(treasury), call);
    }
}
