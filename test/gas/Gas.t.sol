// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Policy, SessionRequest} from "../../contracts/libraries/Types.sol";
import {Base} from "../Base.t.sol";
import {Payment} from "../Digests.sol";

/// @notice Total gas of whole transactions, calldata and base fee included, in the steady state: each test runs
/// with `--isolate`, its warm-up done in `setUp`.
contract GasTest is Base {
    function setUp() public override {
        super.setUp();
        open(50 * UNIT);
        pay(purse, payee, UNIT, keccak256("warm up"));
        usdc.mint(address(this), 1000 * UNIT);
        usdc.approve(address(treasury), type(uint256).max);
        (address eoa,) = makeAddrAndKey("eoa payer");
        usdc.mint(eoa, 1000 * UNIT);
    }

    function test_payment() public {
        Payment memory p = paymentOf(payee, 5 * UNIT);
        (, bytes memory blob) = signed(purse, p);
        bytes32 nonce = nonceOf(purse, p.decisionHash);
        usdc.transferWithAuthorization(purse, p.payee, p.amount, p.validAfter, p.validBefore, nonce, blob);
        vm.snapshotGasLastCall("bursar", "payment");
    }

    function test_paymentWithApproval() public {
        Payment memory p = paymentOf(payee, 15 * UNIT);
        (, bytes memory blob) = signedWithApproval(purse, p, approverKey);
        bytes32 nonce = nonceOf(purse, p.decisionHash);
        usdc.transferWithAuthorization(purse, p.payee, p.amount, p.validAfter, p.validBefore, nonce, blob);
        vm.snapshotGasLastCall("bursar", "payment_with_approval");
    }

    function test_eoaPayment() public {
        (address eoa, uint256 key) = makeAddrAndKey("eoa payer");
        Payment memory p = paymentOf(payee, 5 * UNIT);
        bytes32 nonce = keccak256("eoa");
        bytes32 digest = keccak256(
            abi.encodePacked(
                hex"1901",
                usdc.DOMAIN_SEPARATOR(),
                keccak256(
                    abi.encode(
                        keccak256(
                            "TransferWithAuthorization(address from,address to,uint256 value,uint256 validAfter,uint256 validBefore,bytes32 nonce)"
                        ),
                        eoa,
                        p.payee,
                        p.amount,
                        p.validAfter,
                        p.validBefore,
                        nonce
                    )
                )
            )
        );
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, digest);
        usdc.transferWithAuthorization(eoa, p.payee, p.amount, p.validAfter, p.validBefore, nonce, v, r, s);
        vm.snapshotGasLastCall("bursar", "eoa_payment");
    }

    function test_openSession() public {
        nextSessionKey();
        SessionRequest memory r = request(50 * UNIT);
        bytes memory signature = signRequest(r);
        treasury.openSession(r, signature);
        vm.snapshotGasLastCall("bursar", "open_session");
    }

    function test_openFirstSession() public {
        vm.prank(manager);
        desk.createPurses(envelope, 1);
        SessionRequest memory r = request(50 * UNIT);
        r.purseIndex = 1;
        r.sequence = 1;
        bytes memory signature = signRequest(r);
        treasury.openSession(r, signature);
        vm.snapshotGasLastCall("bursar", "open_first_session");
    }

    function test_envelopeSetup() public {
        Policy memory policy = defaultPolicy();
        vm.prank(manager);
        desk.createEnvelope(makeAddr("second agent"), address(usdc), policy);
        vm.snapshotGasLastCall("bursar", "envelope_setup");
    }

    function test_newPayee() public {
        vm.prank(manager);
        treasury.listPayee(LIST, makeAddr("new payee"));
        vm.snapshotGasLastCall("bursar", "new_payee");
    }

    function test_freeze() public {
        vm.prank(guardian);
        treasury.freezeEnvelope(envelope);
        vm.snapshotGasLastCall("bursar", "freeze");
    }

    function test_topUp() public {
        treasury.topUp(envelope, 10 * UNIT);
        vm.snapshotGasLastCall("bursar", "top_up");
    }
}
