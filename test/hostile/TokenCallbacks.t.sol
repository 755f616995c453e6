// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Permit2Digest} from "../../contracts/libraries/Permit2Digest.sol";
import {Role, SessionRequest, TopUpAuthorization} from "../../contracts/libraries/Types.sol";
import {Base} from "../Base.t.sol";
import {CallingBackToken} from "../mocks/OddTokens.sol";
import {ReentrancyGuardTransient} from "solady/utils/ReentrancyGuardTransient.sol";

/// @notice Beside the verbs of {ReentrancyTest}: sweeps, recoveries from purses, allowances, gasless top-ups and
/// batches, each entered and each called back into, by a token that holds every role.
contract TokenCallbacksTest is Base {
    bytes32 private constant RECEIVE_TYPEHASH = keccak256(
        "ReceiveWithAuthorization(address from,address to,uint256 value,uint256 validAfter,uint256 validBefore,bytes32 nonce)"
    );

    CallingBackToken internal token;
    bytes[] internal verbs;
    string[] internal names;

    function setUp() public override {
        super.setUp();
        CallingBackToken other = new CallingBackToken();
        token = other;
        (usdc, token) = (other, other);
        vm.etch(Permit2Digest.PERMIT2, hex"00");
        vm.startPrank(owner);
        desk.addAsset(address(token));
        desk.grantRole(address(token), Role.OWNER);
        desk.grantRole(address(token), Role.POLICY_MANAGER);
        desk.grantRole(address(this), Role.OWNER);
        vm.stopPrank();
        (agent, agentKey) = makeAddrAndKey("agent of the hostile token");
        vm.startPrank(manager);
        (envelope, purse) = desk.createEnvelope(agent, address(token), defaultPolicy());
        desk.createPurses(envelope, 3);
        vm.stopPrank();
        fund(envelope, 1000 * UNIT);
        token.mint(views.purseOf(envelope, 2), UNIT);
        // Of the first envelope, whose asset is another one.
        token.mint(views.purseOf(1, 0), UNIT);
        token.mint(address(treasury), UNIT);
        token.mint(address(this), 10 * UNIT);
        token.approve(address(treasury), 10 * UNIT);
        open(50 * UNIT);

        _verb("sweepPurse", abi.encodeCall(desk.sweepPurse, (envelope, 2)));
        _verb("recoverFromPurse", abi.encodeCall(desk.recoverFromPurse, (1, 0, address(token), owner)));
        _verb("levelPermit2", abi.encodeCall(desk.levelPermit2, (envelope, 3)));
        _verb("topUpWithAuthorization", _topUp());
        _verb("openSession", _opening());
        _verb("closeSession", abi.encodeCall(treasury.closeSession, (purse, "")));
        _verb("withdraw", abi.encodeCall(desk.withdraw, (envelope, owner, UNIT)));
        _verb("recover", abi.encodeCall(desk.recover, (address(token), owner)));
        uint256 count = verbs.length;
        for (uint256 i; i < count; ++i) {
            bytes[] memory batch = new bytes[](1);
            batch[0] = verbs[i];
            _verb(string.concat("batched ", names[i]), abi.encodeCall(treasury.multicall, (batch)));
        }
        vm.prank(manager);
        desk.setPermit2(envelope, true);
    }

    function test_RevertWhen_TokenCallsBack() public {
        for (uint256 i; i < verbs.length; ++i) {
            for (uint256 j; j < verbs.length; ++j) {
                uint256 snapshot = vm.snapshotState();
                token.callBack(address(treasury), verbs[j]);
                (bool success,) = address(treasury).call(verbs[i]);
                string memory pair = string.concat(names[j], " within ", names[i]);
                assertTrue(success, pair);
                assertTrue(token.called(), pair);
                assertFalse(token.success(), pair);
                assertEq(
                    token.result(), abi.encodeWithSelector(ReentrancyGuardTransient.Reentrancy.selector), pair
                );
                vm.revertToState(snapshot);
            }
        }
    }

    /// @dev Each verb is sound by itself, for the token as for anybody: only the guard stopped it.
    function test_GivenNoReentrancy_EachVerbRuns() public {
        for (uint256 i; i < verbs.length; ++i) {
            uint256 snapshot = vm.snapshotState();
            vm.prank(address(token));
            (bool success,) = address(treasury).call(verbs[i]);
            assertTrue(success, names[i]);
            vm.revertToState(snapshot);
        }
    }

    function _verb(string memory name, bytes memory call) private {
        names.push(name);
        verbs.push(call);
    }

    function _opening() private returns (bytes memory call) {
        (address key, uint256 secret) = (sessionKey, sessionSecret);
        nextSessionKey();
        SessionRequest memory r = request(20 * UNIT);
        (r.purseIndex, r.sequence) = (1, 1);
        call = abi.encodeCall(treasury.openSession, (r, signRequest(r)));
        (sessionKey, sessionSecret) = (key, secret);
    }

    function _topUp() private returns (bytes memory) {
        (address payer, uint256 key) = makeAddrAndKey("payer");
        token.mint(payer, UNIT);
        bytes32 nonce = views.topUpNonce(envelope, 0);
        bytes32 structHash = keccak256(
            abi.encode(RECEIVE_TYPEHASH, payer, address(treasury), UNIT, 0, time() + 1 hours, nonce)
        );
        (uint8 v, bytes32 r, bytes32 s) =
            vm.sign(key, keccak256(abi.encodePacked(hex"1901", token.DOMAIN_SEPARATOR(), structHash)));
        TopUpAuthorization memory authorization = TopUpAuthorization(payer, UNIT, 0, time() + 1 hours, 0);
        return
            abi.encodeCall(
                treasury.topUpWithAuthorization, (envelope, authorization, abi.encodePacked(r, s, v))
            );
    }
}
