// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Role, SessionRequest} from "../../contracts/libraries/Types.sol";
import {Base} from "../Base.t.sol";
import {Payment} from "../Digests.sol";
import {ReentrantToken} from "../mocks/ReentrantToken.sol";
import {ReentrancyGuardTransient} from "solady/utils/ReentrancyGuardTransient.sol";

/// @notice A token that calls back, even with every role there is, finds each verb that moves money shut.
contract ReentrancyTest is Base {
    ReentrantToken internal token;
    bytes[] internal inner;
    bytes[] internal outer;
    address[] internal callers;

    function setUp() public override {
        super.setUp();
        token = new ReentrantToken();
        usdc = token;
        vm.startPrank(owner);
        desk.addAsset(address(token));
        desk.grantRole(address(token), Role.OWNER);
        desk.grantRole(address(token), Role.POLICY_MANAGER);
        vm.stopPrank();
        (agent, agentKey) = makeAddrAndKey("agent of the hostile token");
        vm.startPrank(manager);
        (envelope, purse) = desk.createEnvelope(agent, address(token), defaultPolicy());
        desk.createPurses(envelope, 2);
        vm.stopPrank();
        fund(envelope, 1000 * UNIT);
        token.mint(address(this), 100 * UNIT);
        token.approve(address(treasury), type(uint256).max);
        token.mint(address(treasury), 3 * UNIT);
        open(50 * UNIT);
        (address openKey, uint256 openSecret) = (sessionKey, sessionSecret);

        SessionRequest memory r = _onPurse(1);
        bytes memory openFirst = abi.encodeCall(treasury.openSession, (r, signRequest(r)));
        r = _onPurse(2);
        bytes memory openSecond = abi.encodeCall(treasury.openSession, (r, signRequest(r)));
        bytes memory close = abi.encodeCall(treasury.closeSession, (purse, ""));
        bytes memory topUp = abi.encodeCall(treasury.topUp, (envelope, UNIT));
        bytes memory withdraw = abi.encodeCall(desk.withdraw, (envelope, owner, UNIT));
        bytes memory recover = abi.encodeCall(desk.recover, (address(token), owner));

        inner = [openSecond, close, topUp, withdraw, recover];
        outer = [openFirst, close, topUp, withdraw, recover];
        callers = [stranger, agent, address(this), owner, owner];
        (sessionKey, sessionSecret) = (openKey, openSecret);
    }

    function test_RevertWhen_TokenCallsBackIntoAnyVerbThatMovesMoney() public {
        for (uint256 i; i < outer.length; ++i) {
            for (uint256 j; j < inner.length; ++j) {
                uint256 snapshot = vm.snapshotState();
                token.callBack(address(treasury), inner[j]);
                vm.prank(callers[i]);
                (bool success,) = address(treasury).call(outer[i]);
                assertTrue(success, "the outer call is sound");
                assertTrue(token.called(), "no callback");
                assertFalse(token.success(), string.concat(vm.toString(i), " let in ", vm.toString(j)));
                assertEq(token.result(), abi.encodeWithSelector(ReentrancyGuardTransient.Reentrancy.selector));
                vm.revertToState(snapshot);
            }
        }
    }

    /// @dev Each of the inner calls is sound by itself: only the guard stopped it.
    function test_GivenNoReentrancy_TheInnerCallsPass() public {
        token.mint(address(token), UNIT);
        vm.prank(address(token));
        token.approve(address(treasury), UNIT);
        for (uint256 j; j < inner.length; ++j) {
            uint256 snapshot = vm.snapshotState();
            vm.prank(address(token));
            (bool success,) = address(treasury).call(inner[j]);
            assertTrue(success, vm.toString(j));
            vm.revertToState(snapshot);
        }
    }

    /// @dev In the middle of a payment nothing is locked, and nothing need be: the books are not touched.
    function test_GivenCallbackInAPayment_TheBooksStayWhole() public {
        token.callBack(address(treasury), inner[1]);
        pay(purse, payee, 10 * UNIT, DECISION);
        assertTrue(token.success());
        assertEq(escrowOf(envelope), 990 * UNIT);
        assertEq(usedOf(envelope, 0), 10 * UNIT);
        assertEq(token.balanceOf(purse), 0);
    }

    /// @dev While a session is being settled, the old one is gone and the new one pays by its own rules only.
    function test_GivenPaymentInTheMiddleOfReopening_OldSignatureIsDead() public {
        Payment memory p = paymentOf(payee, UNIT);
        (, bytes memory blob) = signed(purse, p);
        bytes32 nonce = nonceOf(purse, DECISION);
        assertAccepted(purse, digestOf(purse, p), blob);
        nextSessionKey();
        SessionRequest memory r = request(20 * UNIT);
        bytes memory signature = signRequest(r);
        token.callBack(
            address(token),
            abi.encodeWithSignature(
                "transferWithAuthorization(address,address,uint256,uint256,uint256,bytes32,bytes)",
                purse,
                payee,
                UNIT,
                0,
                p.validBefore,
                nonce,
                blob
            )
        );
        treasury.openSession(r, signature);
        assertTrue(token.called());
        assertFalse(token.success());
        assertEq(token.balanceOf(purse), 20 * UNIT);
    }

    function _onPurse(uint16 index) private returns (SessionRequest memory r) {
        nextSessionKey();
        r = request(20 * UNIT);
        (r.purseIndex, r.sequence) = (index, 1);
    }
}
