// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Role, SessionRequest} from "../../contracts/libraries/Types.sol";
import {Payment} from "../Digests.sol";
import {Permit2Base} from "../Permit2Base.t.sol";
import {HostileWallet} from "../mocks/Wallets.sol";

/// @notice However little gas a question comes with, and whatever an approver burns of it: a no never becomes a yes.
/// @dev Whoever settles chooses the gas, and a call passes on at most 63 of 64 parts of it, so what runs inside can be
/// starved while what is around it goes on.
contract GasGriefingTest is Permit2Base {
    /// @dev Far above what any of these questions needs.
    uint256 private constant PLENTY = 400_000;

    bytes32[] internal digests;
    bytes[] internal blobs;

    function setUp() public override {
        super.setUp();
        open(50 * UNIT);
        HostileWallet wallet = new HostileWallet();
        wallet.set(HostileWallet.Mode.BurnsGas);
        vm.prank(owner);
        desk.grantRole(address(wallet), Role.APPROVER);

        // Each is refused for a reason that some call inside the question finds out.
        Payment memory p = paymentOn(EIP3009, payee, 15 * UNIT);
        _refused(p, agentKey);
        p.approvalKind = 2;
        (bytes32 digest, bytes memory blob) = signed(purse, p);
        _push(digest, abi.encodePacked(blob, address(wallet), "signature"));
        p = paymentOn(EIP3009, payee, UNIT);
        (digest,) = signed(purse, p);
        _push(digest, blobOf(p, digest, agentKey));
        p = paymentOn(EIP3009, otherPayee, UNIT);
        (digest, blob) = signed(purse, p);
        _push(digest, blob);
        // Settled through Permit2: the bitmap says so.
        p = paymentOn(EXACT, payee, UNIT);
        p.decisionHash = "settled";
        (, blob) = signedOn(purse, p);
        settleOn(purse, p, blob);
        p.rail = EIP3009;
        (digest, blob) = signedOn(purse, p);
        _push(digest, blob);
        // And the other way round: the token says so.
        p.decisionHash = "settled too";
        pay(purse, payee, UNIT, p.decisionHash);
        p.rail = UPTO;
        (digest, blob) = signedOn(purse, p);
        _push(digest, blob);
    }

    /// forge-config: default.fuzz.runs = 512
    function testFuzz_GivenAnyGas_ANoIsNeverAYes(uint256 gasLimit) public view {
        gasLimit = bound(gasLimit, 2000, PLENTY);
        for (uint256 i; i < digests.length; ++i) {
            (, bool yes) = _ask(i, gasLimit);
            assertFalse(yes, vm.toString(i));
        }
    }

    /// @dev The steps where one call more is starved are narrow: none is skipped where questions are dearest.
    function test_GivenEachStepOfGas_ANoIsNeverAYes() public view {
        for (uint256 gasLimit = 3000; gasLimit < 60_000; gasLimit += 97) {
            for (uint256 i; i < digests.length; ++i) {
                (, bool yes) = _ask(i, gasLimit);
                assertFalse(yes, vm.toString(i));
            }
        }
    }

    function test_GivenPlentyOfGas_EachIsAnsweredNo() public view {
        for (uint256 i; i < digests.length; ++i) {
            (bool answered, bool yes) = _ask(i, PLENTY);
            assertTrue(answered, vm.toString(i));
            assertFalse(yes, vm.toString(i));
        }
    }

    /// @dev Starved, an honest payment is refused or fails; it is not spoilt, and settles with enough gas.
    function testFuzz_GivenStarvedHonestPayment_ItSettlesLater(uint256 gasLimit) public {
        Payment memory p = paymentOn(EIP3009, payee, 15 * UNIT);
        (, bytes memory blob) = signedWithApproval(purse, p, approverKey);
        bytes32 nonce = nonceOf(purse, DECISION);
        bytes memory call = abi.encodeWithSignature(
            "transferWithAuthorization(address,address,uint256,uint256,uint256,bytes32,bytes)",
            purse,
            payee,
            p.amount,
            0,
            p.validBefore,
            nonce,
            blob
        );
        uint256 before = paidTo(payee);
        (bool success,) = address(usdc).call{gas: bound(gasLimit, 5000, 80_000)}(call);
        assertEq(paidTo(payee), success ? before + p.amount : before);
        if (!success) settle(purse, p, blob);
        assertEq(paidTo(payee), before + p.amount);
    }

    /// @dev An agent that burns or bombs spoils its own openings, at a cost that its caller's gas bounds.
    function test_GivenAgentThatBombs_TheCallerPaysForNoCopy() public {
        HostileWallet wallet = new HostileWallet();
        vm.prank(owner);
        desk.setAgent(envelope, address(wallet));
        nextSessionKey();
        SessionRequest memory r = request(UNIT);
        HostileWallet.Mode[2] memory bombs =
            [HostileWallet.Mode.ReturnsBomb, HostileWallet.Mode.ReturnsBombInRevert];
        for (uint256 i; i < 2; ++i) {
            wallet.set(bombs[i]);
            bytes memory call = abi.encodeCall(treasury.openSession, (r, ""));
            uint256 before = gasleft();
            (bool success,) = address(treasury).call(call);
            assertFalse(success);
            // A million bytes of memory cost 2 million once, in the wallet; a copy would cost them again.
            assertLt(before - gasleft(), 2_400_000);
        }
    }

    function _ask(uint256 i, uint256 gasLimit) private view returns (bool answered, bool yes) {
        bytes memory result;
        (answered, result) =
            purse.staticcall{gas: gasLimit}(abi.encodeWithSelector(VALID, digests[i], blobs[i]));
        yes = answered && result.length >= 32 && bytes4(result) == VALID;
    }

    function _refused(Payment memory p, uint256 key) private {
        (bytes32 digest, bytes memory blob) = signedWithApproval(purse, p, key);
        _push(digest, blob);
    }

    function _push(bytes32 digest, bytes memory blob) private {
        digests.push(digest);
        blobs.push(blob);
    }
}
