// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {TopUpAuthorization} from "../../contracts/libraries/Types.sol";
import {Base} from "../Base.t.sol";
import {FeeToken} from "../mocks/FeeToken.sol";
import {TestUSDC} from "../mocks/TestUSDC.sol";
import {Wallet} from "../mocks/Wallets.sol";
import {IERC20Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";
import {ERC3009} from "@openzeppelin/contracts/token/ERC20/extensions/draft-ERC3009.sol";

/// @notice Top-ups that the payer only signs: for one envelope, once, and no relayer changes a word of it.
contract TopUpWithAuthorizationTest is Base {
    bytes32 internal constant RECEIVE_TYPEHASH = keccak256(
        "ReceiveWithAuthorization(address from,address to,uint256 value,uint256 validAfter,uint256 validBefore,bytes32 nonce)"
    );
    bytes32 internal constant TRANSFER_TYPEHASH = keccak256(
        "TransferWithAuthorization(address from,address to,uint256 value,uint256 validAfter,uint256 validBefore,bytes32 nonce)"
    );

    address internal payer;
    uint256 internal payerKey;
    uint24 internal second;
    TopUpAuthorization internal authorization;
    bytes internal signature;

    function setUp() public override {
        super.setUp();
        (payer, payerKey) = makeAddrAndKey("payer");
        usdc.mint(payer, 100 * UNIT);
        vm.prank(manager);
        (second,) = desk.createEnvelope(makeAddr("second agent"), address(usdc), defaultPolicy());
        authorization = TopUpAuthorization({
            from: payer, amount: 30 * UNIT, validAfter: 0, validBefore: time() + 1 hours, salt: "first"
        });
        signature = _sign(envelope, authorization);
    }

    /* WHAT COUNTS */

    function test_GivenSignature_AnyoneSubmitsAndTheEnvelopeCountsIt() public {
        bytes32 nonce = views.topUpNonce(envelope, "first");
        vm.expectEmit(address(treasury));
        emit ToppedUp(envelope, payer, 30 * UNIT);
        vm.prank(stranger);
        treasury.topUpWithAuthorization(envelope, authorization, signature);
        assertEq(escrowOf(envelope), 1030 * UNIT);
        (, uint256 escrowed,) = views.asset(0);
        assertEq(escrowed, 1030 * UNIT);
        assertEq(usdc.balanceOf(address(treasury)), escrowed);
        assertEq(usdc.balanceOf(payer), 70 * UNIT);
        assertTrue(usdc.authorizationState(payer, nonce));
    }

    function testFuzz_GivenAnyAmount_ExactlyThatIsCounted(uint96 amount, bytes32 salt) public {
        amount = uint96(bound(amount, 1, type(uint96).max - 1000 * UNIT));
        usdc.mint(payer, amount);
        (authorization.amount, authorization.salt) = (amount, salt);
        treasury.topUpWithAuthorization(envelope, authorization, _sign(envelope, authorization));
        assertEq(escrowOf(envelope), 1000 * UNIT + amount);
        assertEq(usdc.balanceOf(payer), 100 * UNIT);
    }

    function test_GivenContractPayer_ItsAnswerCounts() public {
        authorization.from = address(new Wallet(payer));
        usdc.mint(authorization.from, 30 * UNIT);
        treasury.topUpWithAuthorization(envelope, authorization, _sign(envelope, authorization));
        assertEq(usdc.balanceOf(authorization.from), 0);
        authorization.salt = "other";
        bytes memory forged = _sign(envelope, authorization, agentKey, RECEIVE_TYPEHASH, address(treasury));
        _assertRefused(envelope, authorization, forged);
    }

    function test_GivenAllFrozen_StillTakesMoney() public {
        vm.startPrank(guardian);
        treasury.freezeOrganisation();
        treasury.freezeEnvelope(envelope);
        vm.stopPrank();
        treasury.topUpWithAuthorization(envelope, authorization, signature);
        assertEq(escrowOf(envelope), 1030 * UNIT);
    }

    function test_GivenOneSaltForTwoEnvelopes_TheyAreTwoTopUps() public {
        treasury.topUpWithAuthorization(envelope, authorization, signature);
        treasury.topUpWithAuthorization(second, authorization, _sign(second, authorization));
        assertEq(escrowOf(second), 30 * UNIT);
    }

    function testFuzz_NoncesTellEnvelopesAndSaltsApart(uint24 a, bytes32 saltA, uint24 b, bytes32 saltB)
        public
        view
    {
        bool same = a == b && saltA == saltB;
        assertEq(views.topUpNonce(a, saltA) == views.topUpNonce(b, saltB), same);
        assertEq(uint64(uint256(views.topUpNonce(a, saltA))), 0, "low bits");
    }

    /* WHAT NOBODY CAN DO WITH IT */

    function test_RevertWhen_RedirectedToAnotherEnvelope() public {
        _assertRefused(second, authorization, signature);
        // Nothing is used up by the attempt.
        treasury.topUpWithAuthorization(envelope, authorization, signature);
        assertEq(escrowOf(second), 0);
    }

    function test_RevertWhen_AnyWordIsAnother() public {
        TopUpAuthorization memory other = authorization;
        other.amount += 1;
        _assertRefused(envelope, other, signature);
        other = authorization;
        other.validAfter += 1;
        _assertRefused(envelope, other, signature);
        other = authorization;
        other.validBefore += 1;
        _assertRefused(envelope, other, signature);
        other = authorization;
        other.salt = "second";
        _assertRefused(envelope, other, signature);
        other = authorization;
        other.from = stranger;
        _assertRefused(envelope, other, signature);
    }

    function test_RevertWhen_SignedForAnythingElse() public {
        // A transfer instead of a receipt; another treasury; somebody else's key; a nonce of no envelope.
        _assertRefused(
            envelope,
            authorization,
            _sign(envelope, authorization, payerKey, TRANSFER_TYPEHASH, address(treasury))
        );
        _assertRefused(
            envelope, authorization, _sign(envelope, authorization, payerKey, RECEIVE_TYPEHASH, stranger)
        );
        _assertRefused(
            envelope,
            authorization,
            _sign(envelope, authorization, agentKey, RECEIVE_TYPEHASH, address(treasury))
        );
        _assertRefused(envelope, authorization, "");
    }

    function test_RevertWhen_Replayed() public {
        treasury.topUpWithAuthorization(envelope, authorization, signature);
        bytes32 nonce = views.topUpNonce(envelope, "first");
        bytes memory used = abi.encodeWithSelector(ERC3009.ERC3009UsedAuthorization.selector, payer, nonce);
        vm.expectRevert(used);
        treasury.topUpWithAuthorization(envelope, authorization, signature);
        // Nor with another amount under the same salt.
        authorization.amount = UNIT;
        signature = _sign(envelope, authorization);
        vm.expectRevert(used);
        treasury.topUpWithAuthorization(envelope, authorization, signature);
        assertEq(escrowOf(envelope), 1030 * UNIT);
    }

    /// @dev Settled behind the treasury's back, the money would be there and no envelope would count it.
    function test_RevertWhen_SubmittedToTheTokenByOthers() public {
        bytes32 nonce = views.topUpNonce(envelope, "first");
        address[2] memory callers = [stranger, payer];
        for (uint256 i; i < 2; ++i) {
            vm.expectRevert(
                abi.encodeWithSelector(IERC20Errors.ERC20InvalidReceiver.selector, address(treasury))
            );
            vm.prank(callers[i]);
            usdc.receiveWithAuthorization(
                payer, address(treasury), 30 * UNIT, 0, authorization.validBefore, nonce, signature
            );
            vm.expectRevert(ERC3009.ERC3009InvalidSignature.selector);
            vm.prank(callers[i]);
            usdc.transferWithAuthorization(
                payer, address(treasury), 30 * UNIT, 0, authorization.validBefore, nonce, signature
            );
        }
    }

    function test_RevertWhen_PayerIsAPurse() public {
        address from = open(50 * UNIT);
        authorization.from = from;
        _assertRefused(
            envelope,
            authorization,
            _sign(envelope, authorization, sessionSecret, RECEIVE_TYPEHASH, address(treasury))
        );
        bytes32 digest = _digest(envelope, authorization, RECEIVE_TYPEHASH, address(treasury));
        _assertRefused(
            envelope, authorization, blobOf(paymentOf(address(treasury), 30 * UNIT), digest, sessionSecret)
        );
    }

    /* BOUNDS */

    function test_TimeBound() public {
        authorization.validAfter = time() + 10;
        signature = _sign(envelope, authorization);
        uint256[3] memory refused =
            [authorization.validAfter, authorization.validBefore, authorization.validBefore + 1];
        for (uint256 i; i < 3; ++i) {
            vm.warp(refused[i]);
            vm.expectRevert(
                abi.encodeWithSelector(
                    ERC3009.ERC3009InvalidAuthorizationTime.selector,
                    authorization.validAfter,
                    authorization.validBefore
                )
            );
            treasury.topUpWithAuthorization(envelope, authorization, signature);
        }
        uint256 snapshot = vm.snapshotState();
        vm.warp(authorization.validAfter + 1);
        treasury.topUpWithAuthorization(envelope, authorization, signature);
        vm.revertToState(snapshot);
        vm.warp(authorization.validBefore - 1);
        treasury.topUpWithAuthorization(envelope, authorization, signature);
    }

    function test_RevertWhen_PayerHoldsTooLittle() public {
        authorization.amount = 100 * UNIT + 1;
        signature = _sign(envelope, authorization);
        vm.expectRevert(
            abi.encodeWithSelector(
                IERC20Errors.ERC20InsufficientBalance.selector, payer, 100 * UNIT, 100 * UNIT + 1
            )
        );
        treasury.topUpWithAuthorization(envelope, authorization, signature);
        authorization.amount = 100 * UNIT;
        treasury.topUpWithAuthorization(envelope, authorization, _sign(envelope, authorization));
    }

    function test_RevertWhen_AmountIsZero() public {
        authorization.amount = 0;
        signature = _sign(envelope, authorization);
        vm.expectRevert(AmountZero.selector);
        treasury.topUpWithAuthorization(envelope, authorization, signature);
    }

    function test_RevertWhen_EnvelopeIsUnknown() public {
        vm.expectRevert(abi.encodeWithSelector(EnvelopeUnknown.selector, 0, 2));
        treasury.topUpWithAuthorization(0, authorization, signature);
        vm.expectRevert(abi.encodeWithSelector(EnvelopeUnknown.selector, 3, 2));
        treasury.topUpWithAuthorization(3, authorization, signature);
    }

    function test_RevertWhen_EscrowOverflows() public {
        uint256 amount = type(uint96).max;
        usdc.mint(payer, amount);
        authorization.amount = amount;
        signature = _sign(envelope, authorization);
        vm.expectRevert(abi.encodeWithSelector(Overflow.selector, 1000 * UNIT + amount, amount));
        treasury.topUpWithAuthorization(envelope, authorization, signature);
    }

    function test_RevertWhen_TokenTakesAFee() public {
        FeeToken token = new FeeToken();
        vm.prank(owner);
        desk.addAsset(address(token));
        vm.prank(manager);
        (uint24 number,) = desk.createEnvelope(makeAddr("third agent"), address(token), defaultPolicy());
        token.mint(payer, 100 * UNIT);
        usdc = TestUSDC(address(token));
        authorization.amount = 100 * UNIT;
        signature = _sign(number, authorization);
        vm.expectRevert(abi.encodeWithSelector(TransferMismatch.selector, 100 * UNIT, 99 * UNIT));
        treasury.topUpWithAuthorization(number, authorization, signature);
        assertEq(token.balanceOf(payer), 100 * UNIT);
    }

    /* HELPERS */

    function _sign(uint24 number, TopUpAuthorization memory what) private view returns (bytes memory) {
        return _sign(number, what, payerKey, RECEIVE_TYPEHASH, address(treasury));
    }

    function _sign(uint24 number, TopUpAuthorization memory what, uint256 key, bytes32 typehash, address to)
        private
        view
        returns (bytes memory)
    {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, _digest(number, what, typehash, to));
        return abi.encodePacked(r, s, v);
    }

    function _digest(uint24 number, TopUpAuthorization memory what, bytes32 typehash, address to)
        private
        view
        returns (bytes32)
    {
        bytes32 nonce = keccak256(abi.encode(number, what.salt)) & ~bytes32(uint256(type(uint64).max));
        bytes32 structHash = keccak256(
            abi.encode(typehash, what.from, to, what.amount, what.validAfter, what.validBefore, nonce)
        );
        return keccak256(abi.encodePacked(hex"1901", usdc.DOMAIN_SEPARATOR(), structHash));
    }

    function _assertRefused(uint24 number, TopUpAuthorization memory what, bytes memory by) private {
        vm.expectRevert(ERC3009.ERC3009InvalidSignature.selector);
        treasury.topUpWithAuthorization(number, what, by);
    }
}
