// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {SessionWord} from "../../contracts/libraries/SessionWord.sol";
import {Account, EnvelopeHead, Role, Scope} from "../../contracts/libraries/Types.sol";
import {Symbolic} from "./Symbolic.sol";
import {AnyWallet, OpenTreasury} from "./TreasuryState.sol";

/// @notice Whatever the treasury's storage holds, whoever asks, whatever the digest, the blob and the time: if
/// `isValidSignature` says yes, then every rule was kept. The rules are said again here, without the contract's code.
/// @dev Blobs without approval, with an EOA's, and with a contract's (of 65 bytes); the shapes are told by length.
contract PaymentsProof is Symbolic {
    uint8 private constant FROZEN = 1;
    bytes4 private constant VALID = 0x1626ba7e;
    uint256 private constant HALF_N = 0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0;

    OpenTreasury private treasury;
    AnyWallet private wallet;

    struct Paid {
        address purse;
        bytes32 domain;
        bytes32 digest;
        uint256 time;
        uint256 kind;
        address payee;
        uint256 amount;
        uint256 validAfter;
        uint256 validBefore;
        bytes32 decision;
        SessionWord word;
        EnvelopeHead head;
        Scope scope;
        bytes blob;
    }

    function setUp() external {
        wallet = new AnyWallet();
        treasury = new OpenTreasury(address(this), address(wallet));
        svm.enableSymbolicStorage(address(treasury));
        svm.enableSymbolicStorage(address(wallet));
    }

    /* WHAT IS ASSUMED */

    /// @dev Every payment that a purse says yes to, with what the treasury held when it was asked.
    function _anyPaid(uint256 length) private returns (Paid memory paid) {
        paid.purse = svm.createAddress("purse");
        paid.domain = svm.createBytes32("domain");
        paid.digest = svm.createBytes32("digest");
        paid.blob = svm.createBytes(length, "blob");
        paid.time = svm.createUint(40, "time");
        vm.warp(paid.time);
        bytes memory call = abi.encodePacked(
            abi.encodeWithSignature("isValidSignature(bytes32,bytes)", paid.digest, paid.blob), paid.domain
        );
        vm.prank(paid.purse);
        (bool success, bytes memory answer) = address(treasury).staticcall(call);
        vm.assume(success);
        vm.assume(abi.decode(answer, (bytes4)) == VALID);

        bytes memory blob = paid.blob;
        paid.kind = uint8(blob[0]) >> 4;
        paid.payee = address(uint160(_read(blob, 1, 20)));
        paid.amount = _read(blob, 21, 12);
        paid.validAfter = _read(blob, 33, 5);
        paid.validBefore = _read(blob, 38, 5);
        paid.decision = bytes32(_read(blob, 43, 32));
        paid.word = treasury.wordOf(paid.purse);
        paid.head = treasury.headOf(paid.word.envelope());
        if (paid.word.scoped()) paid.scope = treasury.scopeOf(paid.purse);
    }

    function _read(bytes memory blob, uint256 from, uint256 size) private pure returns (uint256 value) {
        assembly ("memory-safe") {
            value := shr(sub(256, mul(8, size)), mload(add(add(blob, 32), from)))
        }
    }

    /* PROOFS */

    function check_nothingIsPaidWhileFrozenOrExpired_plain() external {
        _checkStanding(_anyPaid(139));
    }

    function check_nothingIsPaidWhileFrozenOrExpired_approved() external {
        _checkStanding(_anyPaid(203));
    }

    function check_nothingIsPaidWhileFrozenOrExpired_approvedByContract() external {
        _checkStanding(_anyPaid(224));
    }

    function check_nothingIsPaidAboveItsLimits_plain() external {
        _checkLimits(_anyPaid(139));
    }

    function check_nothingIsPaidAboveItsLimits_approved() external {
        _checkLimits(_anyPaid(203));
    }

    function check_nothingIsPaidAboveItsLimits_approvedByContract() external {
        _checkLimits(_anyPaid(224));
    }

    function check_nothingIsPaidWithoutTheSessionKey_plain() external {
        _checkKey(_anyPaid(139));
    }

    function check_nothingIsPaidWithoutTheSessionKey_approved() external {
        _checkKey(_anyPaid(203));
    }

    function check_nothingIsPaidWithoutTheSessionKey_approvedByContract() external {
        _checkKey(_anyPaid(224));
    }

    function check_nothingIsPaidOnAnotherNonce_plain() external {
        _checkNonce(_anyPaid(139));
    }

    function check_nothingIsPaidOnAnotherNonce_approved() external {
        _checkNonce(_anyPaid(203));
    }

    function check_nothingIsPaidOnAnotherNonce_approvedByContract() external {
        _checkNonce(_anyPaid(224));
    }

    /// @dev Without an approval, no more than the threshold: the policy's, and the session's where that is lower.
    function check_nothingAboveTheThresholdIsPaidUnapproved() external {
        Paid memory paid = _anyPaid(139);
        assert(paid.kind == 0);
        assert(paid.amount <= paid.head.approvalThreshold);
        assert(paid.scope.approvalThreshold == 0 || paid.amount <= paid.scope.approvalThreshold);
    }

    /// @dev An approval by an EOA is over this payment, by somebody who may.
    function check_approvalIsBySomebodyWhoMay() external {
        Paid memory paid = _anyPaid(203);
        assert(paid.kind == 1);
        bytes32 r = bytes32(_read(paid.blob, 139, 32));
        uint256 vs = _read(paid.blob, 171, 32);
        assert((vs << 1) >> 1 <= HALF_N);
        address approver =
            ecrecover(_approvalDigest(paid), uint8(27 + (vs >> 255)), r, bytes32((vs << 1) >> 1));
        assert(approver != address(0));
        _checkApprover(paid, approver);
    }

    /// @dev An approval by a contract: the one that the blob names may, and says yes to this payment.
    function check_approvalIsByAContractThatMay() external {
        Paid memory paid = _anyPaid(224);
        assert(paid.kind == 2);
        address approver = address(uint160(_read(paid.blob, 139, 20)));
        _checkApprover(paid, approver);
        vm.assume(approver == address(wallet));
        assert(wallet.answerTo(_approvalDigest(paid)) == bytes32(VALID));
    }

    /// @dev No other shape of blob is ever paid: the longest read is bounded, and nothing is read past its end.
    function check_noOtherShapeIsPaid() external {
        uint256[6] memory lengths = [uint256(0), 1, 138, 140, 202, 204];
        for (uint256 i; i < 6; ++i) {
            _checkShape(lengths[i]);
        }
    }

    /* WHAT IS ASSERTED */

    function _checkShape(uint256 length) private {
        vm.warp(svm.createUint(40, "time"));
        bytes memory blob = svm.createBytes(length, "blob");
        bytes memory call = abi.encodePacked(
            abi.encodeWithSignature("isValidSignature(bytes32,bytes)", svm.createBytes32("digest"), blob),
            svm.createBytes32("domain")
        );
        // A contract's approval may have any length: it is judged above.
        vm.assume(length == 0 || uint8(blob[0]) >> 4 != 2);
        vm.prank(svm.createAddress("purse"));
        (bool success, bytes memory answer) = address(treasury).staticcall(call);
        assert(!success || abi.decode(answer, (bytes4)) != VALID);
    }

    function _checkStanding(Paid memory paid) private view {
        (bool frozen,) = treasury.standing();
        assert(!frozen);
        assert(paid.head.flags & FROZEN == 0);
        // A frozen session has no expiry, and no second is before that.
        assert(paid.time < paid.word.expiry());
        assert(paid.word.policyVersion() == paid.head.policyVersion);
    }

    function _checkLimits(Paid memory paid) private view {
        assert(uint8(paid.blob[0]) & 0x0f == 1);
        assert(paid.amount != 0);
        assert(paid.amount <= paid.head.paymentCap);
        assert(paid.scope.paymentCap == 0 || paid.amount <= paid.scope.paymentCap);
        assert(paid.head.payeeList == 0 || treasury.isListed(paid.head.payeeList, paid.payee));
        assert(paid.scope.payeeList == 0 || treasury.isListed(paid.scope.payeeList, paid.payee));
    }

    function _checkKey(Paid memory paid) private pure {
        bytes32 r = bytes32(_read(paid.blob, 75, 32));
        uint256 vs = _read(paid.blob, 107, 32);
        assert(paid.word.key() != address(0));
        // A signature has one form: the low s.
        assert((vs << 1) >> 1 <= HALF_N);
        address signer = ecrecover(paid.digest, uint8(27 + (vs >> 255)), r, bytes32((vs << 1) >> 1));
        assert(signer == paid.word.key());
    }

    /// @dev The digest is of this very payment from this purse, on the nonce of policy, session and decision.
    function _checkNonce(Paid memory paid) private pure {
        bytes32 session = bytes32(uint256(uint160(paid.purse)) << 96 | paid.word.sequence());
        bytes32 nonce = keccak256(abi.encode(uint256(paid.word.policyVersion()), session, paid.decision));
        nonce &= ~bytes32(uint256(type(uint64).max));
        bytes32 structHash = keccak256(
            abi.encode(
                keccak256(
                    "TransferWithAuthorization(address from,address to,uint256 value,uint256 validAfter,uint256 validBefore,bytes32 nonce)"
                ),
                paid.purse,
                paid.payee,
                paid.amount,
                paid.validAfter,
                paid.validBefore,
                nonce
            )
        );
        assert(paid.digest == keccak256(abi.encodePacked(hex"1901", paid.domain, structHash)));
    }

    function _checkApprover(Paid memory paid, address approver) private view {
        Account memory account = treasury.accountOf(approver);
        (, bool separateDuties) = treasury.standing();
        assert(account.roles & Role.APPROVER != 0);
        assert(account.agentOf == 0);
        assert(approver != paid.word.key());
        assert(!separateDuties || !account.author);
    }

    function _approvalDigest(Paid memory paid) private view returns (bytes32) {
        bytes32 structHash = keccak256(
            abi.encode(
                keccak256(
                    "PaymentApproval(address purse,address payee,uint256 amount,uint256 validBefore,bytes32 decisionHash,bytes32 digest)"
                ),
                paid.purse,
                paid.payee,
                paid.amount,
                paid.validBefore,
                paid.decision,
                paid.digest
            )
        );
        return keccak256(abi.encodePacked(hex"1901", treasury.domain(), structHash));
    }
}
