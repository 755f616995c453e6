// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Refusal} from "../../contracts/libraries/Types.sol";
import {Base} from "../Base.t.sol";
import {Payment} from "../Digests.sol";

/// @notice Signature blobs that are not what they should be: never a yes, never dear.
contract PayBlobTest is Base {
    /// @dev Cold storage, a recovery and two words of calldata per word: far above it something is unbounded.
    uint256 internal constant GAS_BOUND = 60_000;

    Payment internal payment;
    bytes32 internal digest;
    bytes internal blob;

    function setUp() public override {
        super.setUp();
        open(50 * UNIT);
        payment = paymentOf(payee, UNIT);
        (digest, blob) = signed(purse, payment);
    }

    function testFuzz_RubbishOfAnyLengthIsNeverValidAndNeverDear(uint256 seed, uint256 length, uint8 first)
        public
        view
    {
        bytes memory rubbish = _rubbish(seed, bound(length, 0, 4200));
        // Most first bytes announce no known shape: steer half of them to one that does.
        if (rubbish.length != 0 && first & 1 == 0) rubbish[0] = bytes1(1 | ((first >> 1) % 3) << 4);
        _assertNoAndCheap(digest, rubbish);
        _assertNoAndCheap(keccak256(rubbish), rubbish);
    }

    function test_RubbishAtEachEdgeOfLength() public view {
        uint256[11] memory lengths = [uint256(0), 1, 64, 65, 138, 139, 140, 159, 203, 4096, 4097];
        for (uint256 i; i < lengths.length; ++i) {
            bytes memory rubbish = _rubbish(i, lengths[i]);
            for (uint256 kind; kind < 16; ++kind) {
                if (rubbish.length != 0) rubbish[0] = bytes1(uint8(kind << 4 | 1));
                _assertNoAndCheap(digest, rubbish);
            }
        }
    }

    function test_RevertWhen_LengthDoesNotFitTheKind() public {
        _assertMalformed("");
        _assertMalformed(_cut(blob, 138));
        _assertMalformed(abi.encodePacked(blob, uint8(0)));
        bytes memory announced = bytes.concat(blob);
        announced[0] = 0x11;
        _assertMalformed(announced);
        _assertMalformed(abi.encodePacked(announced, new bytes(63)));
        _assertMalformed(abi.encodePacked(announced, new bytes(65)));
        announced[0] = 0x21;
        _assertMalformed(abi.encodePacked(announced, new bytes(19)));
        _assertMalformed(abi.encodePacked(announced, new bytes(4096 - 139 + 1)));
        announced[0] = 0x31;
        _assertMalformed(announced);
    }

    /// @dev The table of {PaymentBlob}, with each length one less and one more than there.
    function test_LengthBound() public view {
        for (uint8 rail; rail < 5; ++rail) {
            uint256 base = rail == 3 ? 159 : 139;
            uint256[5] memory edges = [base, base + 20, base + 64, 4096, 139];
            for (uint8 kind; kind < 4; ++kind) {
                for (uint256 i; i < 15; ++i) {
                    uint256 length = edges[i / 3] + i % 3 - 1;
                    bool fits = kind == 0 && length == base || kind == 1 && length == base + 64 || kind == 2
                        && length >= base + 20 && length <= 4096;
                    bytes memory other = new bytes(length);
                    other[0] = bytes1(kind << 4 | rail);
                    (Refusal reason,,) = views.diagnosePayment(purse, digest, other);
                    string memory what = string.concat(vm.toString(other[0]), " ", vm.toString(length));
                    assertEq(reason != Refusal.SignatureMalformed, fits, what);
                }
            }
        }
    }

    function test_RevertWhen_SignatureIsAnOrdinaryEoas() public {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(sessionSecret, digest);
        _assertMalformed(abi.encodePacked(r, s, v));
        _assertMalformed(abi.encodePacked(r, s));
    }

    function test_RevertWhen_BlobIsWrappedAsEip6492() public {
        bytes memory wrapped = abi.encodePacked(
            abi.encode(address(factory), bytes("deploy"), blob),
            bytes32(hex"6492649264926492649264926492649264926492649264926492649264926492")
        );
        _assertMalformed(wrapped);
        _assertMalformed(
            abi.encodePacked(
                blob, bytes32(hex"6492649264926492649264926492649264926492649264926492649264926492")
            )
        );
    }

    function test_RevertWhen_RailIsUnknown() public {
        for (uint8 rail; rail < 16; ++rail) {
            if (rail == 1) continue;
            bytes memory other = bytes.concat(blob);
            other[0] = bytes1(rail);
            Refusal reason = Refusal.RailUnknown;
            if (rail == 2) reason = Refusal.RailNotAllowed;
            // A blob of rail 3 names its facilitator as well.
            if (rail == 3) reason = Refusal.SignatureMalformed;
            assertRefused(purse, payment, digest, other, reason);
        }
    }

    /// @dev Every bit counts: whichever one is turned, the answer is no.
    function test_RevertWhen_AnyBitIsTurned() public view {
        for (uint256 bit; bit < 139 * 8; ++bit) {
            bytes memory turned = bytes.concat(blob);
            turned[bit / 8] ^= bytes1(uint8(1 << (bit % 8)));
            _assertNoAndCheap(digest, turned);
        }
    }

    function testFuzz_RevertWhen_DigestIsAnother(bytes32 other) public view {
        vm.assume(other != digest);
        _assertNoAndCheap(other, blob);
    }

    /// @dev A purse signs payments, nothing else.
    function test_RevertWhen_DigestIsOfAPermitOrACancellation() public view {
        bytes32 permit = keccak256(
            abi.encode(
                keccak256(
                    "Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)"
                ),
                purse,
                payee,
                UNIT,
                0,
                payment.validBefore
            )
        );
        bytes32 cancel = keccak256(
            abi.encode(
                keccak256("CancelAuthorization(address authorizer,bytes32 nonce)"),
                purse,
                nonceOf(purse, DECISION)
            )
        );
        bytes32 receive_ = keccak256(
            abi.encode(
                keccak256(
                    "ReceiveWithAuthorization(address from,address to,uint256 value,uint256 validAfter,uint256 validBefore,bytes32 nonce)"
                ),
                purse,
                payee,
                UNIT,
                0,
                payment.validBefore,
                nonceOf(purse, DECISION)
            )
        );
        bytes32[3] memory structs = [permit, cancel, receive_];
        for (uint256 i; i < 3; ++i) {
            bytes32 other = keccak256(abi.encodePacked(hex"1901", usdc.DOMAIN_SEPARATOR(), structs[i]));
            // Signed in all earnest by the live session key.
            _assertNoAndCheap(other, blobOf(payment, other, sessionSecret));
        }
    }

    function test_RevertWhen_TokenIsAnother() public view {
        bytes32 domain = keccak256("another token's domain");
        bytes32 typehash = keccak256(
            "TransferWithAuthorization(address from,address to,uint256 value,uint256 validAfter,uint256 validBefore,bytes32 nonce)"
        );
        bytes32 other = keccak256(
            abi.encodePacked(
                hex"1901",
                domain,
                keccak256(
                    abi.encode(typehash, purse, payee, UNIT, 0, payment.validBefore, nonceOf(purse, DECISION))
                )
            )
        );
        _assertNoAndCheap(other, blobOf(payment, other, sessionSecret));
    }

    /// @dev The treasury itself is no payer: asked directly, it knows no session of the caller's.
    function test_RevertWhen_StrangersAskTheTreasuryDirectly() public {
        address[3] memory callers = [stranger, address(usdc), agent];
        for (uint256 i; i < callers.length; ++i) {
            vm.prank(callers[i]);
            assertEq(treasury.isValidSignature(digest, blob), INVALID);
        }
        // With what a purse would append, too.
        bytes memory call = abi.encodePacked(
            abi.encodeCall(treasury.isValidSignature, (digest, blob)), usdc.DOMAIN_SEPARATOR()
        );
        (, bytes memory result) = address(treasury).staticcall(call);
        assertEq(bytes4(result), INVALID);
    }

    /// @dev A caller may add bytes to the call, but the purse's own come last and they decide.
    function test_GivenExtraBytesFromTheCaller_ThePursesDomainDecides() public view {
        bytes memory call = abi.encodeCall(treasury.isValidSignature, (digest, blob));
        (, bytes memory result) = purse.staticcall(abi.encodePacked(call, keccak256("mine")));
        assertEq(bytes4(result), VALID, "honest call with a tail");
        bytes32 other = keccak256("digest in another domain");
        call = abi.encodeCall(treasury.isValidSignature, (other, blobOf(payment, other, sessionSecret)));
        (, result) = purse.staticcall(abi.encodePacked(call, keccak256("mine")));
        assertEq(bytes4(result), INVALID, "another domain");
    }

    /// @dev Broken ABI encodings revert or say no, but never yes.
    function testFuzz_BrokenCallDataIsNeverValid(
        bytes32 digest_,
        uint256 offset,
        uint256 length,
        bytes memory tail
    ) public view {
        (bool success, bytes memory result) = purse.staticcall{gas: 1_000_000}(
            abi.encodePacked(VALID, digest_, offset % 300, length % 5000, tail)
        );
        assertFalse(success && result.length >= 32 && bytes4(result) == VALID);
    }

    function _assertMalformed(bytes memory other) private {
        assertRefused(purse, payment, digest, other, Refusal.SignatureMalformed);
        (, uint256 limit, uint256 actual) = views.diagnosePayment(purse, digest, other);
        assertEq(limit, 139);
        assertEq(actual, other.length);
    }

    function _assertNoAndCheap(bytes32 digest_, bytes memory other) private view {
        bytes memory call = abi.encodeCall(treasury.isValidSignature, (digest_, other));
        uint256 before = gasleft();
        (bool success, bytes memory result) = purse.staticcall(call);
        uint256 used = before - gasleft();
        assertFalse(success && bytes4(result) == VALID, "said yes");
        assertLt(used, GAS_BOUND, "gas");
    }

    function _rubbish(uint256 seed, uint256 length) private pure returns (bytes memory out) {
        out = new bytes(length);
        for (uint256 i; i < length; i += 32) {
            bytes32 word = keccak256(abi.encode(seed, i));
            for (uint256 j; j < 32 && i + j < length; ++j) {
                out[i + j] = word[j];
            }
        }
    }

    function _cut(bytes memory from, uint256 length) private pure returns (bytes memory out) {
        out = new bytes(length);
        for (uint256 i; i < length; ++i) {
            out[i] = from[i];
        }
    }
}
