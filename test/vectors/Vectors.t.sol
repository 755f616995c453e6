// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {TreasuryDesk} from "../../contracts/TreasuryDesk.sol";
import {TreasuryViews} from "../../contracts/TreasuryViews.sol";
import {Payment as BlobPayment, PaymentBlob} from "../../contracts/libraries/PaymentBlob.sol";
import {PaymentDigest} from "../../contracts/libraries/PaymentDigest.sol";
import {Permit2Digest} from "../../contracts/libraries/Permit2Digest.sol";
import {Scope, SessionRequest} from "../../contracts/libraries/Types.sol";
import {Digests, Payment} from "../Digests.sol";
import {Test} from "forge-std/Test.sol";

/// @notice The contracts' wire format against vectors that were computed elsewhere (`test/vectors/build.mjs`).
contract VectorsTest is Test {
    string private json;

    function setUp() public {
        json = vm.readFile("test/vectors/payment.json");
    }

    function test_PaymentsAreAsTheVectorsSay() public {
        uint256 i;
        for (; vm.keyExistsJson(json, _at("payments", i)); ++i) {
            _checkPayment(_at("payments", i));
        }
        assertGe(i, 15, "vectors went missing");
    }

    function test_MalformedBlobsAreNotRead() public view {
        uint256 i;
        for (; vm.keyExistsJson(json, _at("malformed", i)); ++i) {
            string memory at = _at("malformed", i);
            assertFalse(
                this.isWellFormed(_bytes(at, ".blob")), vm.parseJsonString(json, string.concat(at, ".name"))
            );
        }
        assertGe(i, 16, "vectors went missing");
    }

    function test_SessionDigestsAreAsTheVectorsSay() public {
        json = vm.readFile("test/vectors/session.json");
        uint256 i;
        for (; vm.keyExistsJson(json, _at("openings", i)); ++i) {
            string memory at = _at("openings", i);
            bytes32 digest = _treasury(at).openSessionDigest(_request(string.concat(at, ".request")));
            assertEq(
                digest, _word(at, ".expected.digest"), vm.parseJsonString(json, string.concat(at, ".name"))
            );
        }
        assertGe(i, 3, "vectors went missing");
        for (i = 0; vm.keyExistsJson(json, _at("closings", i)); ++i) {
            string memory at = _at("closings", i);
            bytes32 digest =
                _treasury(at).closeSessionDigest(_address(at, ".purse"), uint24(_uint(at, ".sequence")));
            assertEq(
                digest, _word(at, ".expected.digest"), vm.parseJsonString(json, string.concat(at, ".name"))
            );
        }
        assertGe(i, 2, "vectors went missing");
    }

    /// @dev The domain is the treasury's own, so it has to stand where the vector says, on that chain.
    function _treasury(string memory at) private returns (TreasuryViews treasury) {
        vm.chainId(_uint(at, ".chainId"));
        treasury = TreasuryViews(_address(at, ".treasury"));
        address desk = address(new TreasuryDesk(address(new TreasuryViews())));
        deployCodeTo("Treasury.sol:Treasury", abi.encode(address(this), desk), address(treasury));
    }

    function _request(string memory at) private view returns (SessionRequest memory) {
        return SessionRequest({
            envelope: uint24(_uint(at, ".envelope")),
            purseIndex: uint16(_uint(at, ".purseIndex")),
            sequence: uint24(_uint(at, ".sequence")),
            key: _address(at, ".key"),
            budget: uint96(_uint(at, ".budget")),
            expiry: uint32(_uint(at, ".expiry")),
            scope: Scope({
                paymentCap: uint96(_uint(at, ".scope.paymentCap")),
                approvalThreshold: uint96(_uint(at, ".scope.approvalThreshold")),
                payeeList: uint16(_uint(at, ".scope.payeeList"))
            }),
            stampHash: _word(at, ".stampHash")
        });
    }

    function _checkPayment(string memory at) private {
        string memory name = vm.parseJsonString(json, string.concat(at, ".name"));
        bytes memory blob = _bytes(at, ".expected.blob");
        assertTrue(this.isWellFormed(blob), name);
        Payment memory payment = this.decode(blob);
        assertEq(payment.rail, _uint(at, ".rail"), name);
        assertEq(payment.payee, _address(at, ".payee"), name);
        assertEq(payment.amount, _uint(at, ".amount"), name);
        assertEq(payment.validAfter, _uint(at, ".validAfter"), name);
        assertEq(payment.validBefore, _uint(at, ".validBefore"), name);
        assertEq(payment.decisionHash, _word(at, ".decisionHash"), name);

        _checkDigests(at, name, blob, payment);
    }

    function _checkDigests(string memory at, string memory name, bytes memory blob, Payment memory payment)
        private
    {
        // Permit2's domain is of the chain that asks.
        vm.chainId(_uint(at, ".chainId"));
        address purse = _address(at, ".purse");
        bytes32 session = PaymentDigest.sessionId(purse, _uint(at, ".sequence"));
        assertEq(session, _word(at, ".expected.sessionId"), name);
        uint256 terms = PaymentDigest.terms(_uint(at, ".epoch"), _uint(at, ".policyVersion"));
        payment.nonce = PaymentDigest.commitment(terms, session, payment.decisionHash);
        assertEq(payment.nonce, _word(at, ".expected.nonce"), name);
        bytes32 digest = _digest(at, purse, blob, payment);
        assertEq(digest, _word(at, ".expected.digest"), name);
        bytes32 structHash = this.approvalOf(purse, digest, blob);
        assertEq(structHash, Digests.approval(purse, payment, digest), name);
        bytes32 approval = Digests.typed(_word(at, ".expected.treasuryDomainSeparator"), structHash);
        assertEq(approval, _word(at, ".expected.approvalDigest"), name);
        assertEq(_recover(digest, payment.r, payment.vs), _address(at, ".expected.sessionKey"), name);
        _checkApproval(at, name, blob, payment.approvalKind, approval);
    }

    /// @dev By the contracts' code, and by the tests' own.
    function _digest(string memory at, address purse, bytes memory blob, Payment memory payment)
        private
        view
        returns (bytes32 digest)
    {
        if (payment.rail == PaymentBlob.RAIL_EIP3009) {
            bytes32 domain = _word(at, ".expected.tokenDomainSeparator");
            digest = this.eip3009Of(domain, purse, payment.nonce, blob);
            assertEq(digest, Digests.eip3009(domain, purse, payment, payment.nonce));
            return digest;
        }
        address token = _address(at, ".token.address");
        digest = this.permit2Of(token, payment.nonce, blob);
        bool exact = payment.rail == PaymentBlob.RAIL_PERMIT2_EXACT;
        assertEq(
            digest,
            exact ? Digests.exact(token, payment) : Digests.upto(token, payment, _address(at, ".facilitator"))
        );
    }

    function _checkApproval(
        string memory at,
        string memory name,
        bytes memory blob,
        uint256 kind,
        bytes32 digest
    ) private view {
        bool byContract = vm.keyExistsJson(json, string.concat(at, ".approver"));
        bool byPerson = vm.keyExistsJson(json, string.concat(at, ".approverSecret"));
        assertEq(kind, byContract ? 2 : byPerson ? 1 : 0, name);
        if (byPerson) {
            (bytes32 r, bytes32 vs) = this.eoaApproval(blob);
            assertEq(_recover(digest, r, vs), _address(at, ".expected.approver"), name);
        }
        if (byContract) {
            (address approver, bytes memory signature) = this.contractApproval(blob);
            assertEq(approver, _address(at, ".approver"), name);
            assertEq(signature, _bytes(at, ".approverSignature"), name);
        }
    }

    /* CALLDATA */

    function isWellFormed(bytes calldata blob) external pure returns (bool) {
        return PaymentBlob.isWellFormed(blob);
    }

    function decode(bytes calldata blob) external pure returns (Payment memory p) {
        BlobPayment payment = PaymentBlob.read(blob);
        (p.rail, p.approvalKind) = (uint8(payment.rail()), uint8(payment.approvalKind()));
        (p.payee, p.amount) = (payment.payee(), payment.amount());
        (p.validAfter, p.validBefore) = (payment.validAfter(), payment.validBefore());
        p.decisionHash = payment.decisionHash();
        (p.r, p.vs) = payment.signature();
    }

    function eip3009Of(bytes32 domain, address purse, bytes32 nonce, bytes calldata blob)
        external
        pure
        returns (bytes32)
    {
        return PaymentDigest.eip3009(domain, purse, PaymentBlob.read(blob), nonce);
    }

    function permit2Of(address token, bytes32 nonce, bytes calldata blob) external view returns (bytes32) {
        if (PaymentBlob.read(blob).rail() == PaymentBlob.RAIL_PERMIT2_EXACT) {
            return Permit2Digest.exact(token, PaymentBlob.read(blob), nonce);
        }
        return Permit2Digest.upto(token, PaymentBlob.read(blob), nonce, PaymentBlob.facilitator(blob));
    }

    function approvalOf(address purse, bytes32 digest, bytes calldata blob) external pure returns (bytes32) {
        return PaymentDigest.approval(purse, PaymentBlob.read(blob), digest);
    }

    function eoaApproval(bytes calldata blob) external pure returns (bytes32 r, bytes32 vs) {
        return PaymentBlob.eoaApproval(blob);
    }

    function contractApproval(bytes calldata blob) external pure returns (address, bytes memory) {
        return PaymentBlob.contractApproval(blob, PaymentBlob.read(blob).rail());
    }

    /* JSON */

    function _at(string memory list, uint256 i) private pure returns (string memory) {
        return string.concat(".", list, "[", vm.toString(i), "]");
    }

    function _uint(string memory at, string memory key) private view returns (uint256) {
        return vm.parseJsonUint(json, string.concat(at, key));
    }

    function _word(string memory at, string memory key) private view returns (bytes32) {
        return vm.parseJsonBytes32(json, string.concat(at, key));
    }

    function _address(string memory at, string memory key) private view returns (address) {
        return vm.parseJsonAddress(json, string.concat(at, key));
    }

    function _bytes(string memory at, string memory key) private view returns (bytes memory) {
        return vm.parseJsonBytes(json, string.concat(at, key));
    }

    function _recover(bytes32 digest, bytes32 r, bytes32 vs) private pure returns (address) {
        uint8 v = uint8(27 + (uint256(vs) >> 255));
        return ecrecover(digest, v, r, bytes32(uint256(vs) & (type(uint256).max >> 1)));
    }
}
