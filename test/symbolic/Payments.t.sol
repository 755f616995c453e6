// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {HeadWord} from "../../contracts/libraries/HeadWord.sol";
import {SessionWord} from "../../contracts/libraries/SessionWord.sol";
import {Account, Role, Scope} from "../../contracts/libraries/Types.sol";
import {Symbolic} from "./Symbolic.sol";
import {AnyNonces, AnyWallet, OpenTreasury} from "./TreasuryState.sol";

/// @notice Whatever the treasury's storage holds, whoever asks, whatever the digest, the blob and the time: if
/// `isValidSignature` says yes, then every rule was kept. The rules are said again here, without the contract's code.
/// @dev A blob's length bounds its shape: 139 bytes without approval, 64 more with an EOA's, 20 or more with a
/// contract's; on the `upto` rail all have 20 more.
contract PaymentsProof is Symbolic {
    uint256 private constant FROZEN = 1;
    uint256 private constant PERMIT2_ALLOWED = 4;
    uint256 private constant GROUPED = 8;
    address private constant PERMIT2 = 0x000000000022D473030F116dDEE9F6B43aC78BA3;
    address private constant EXACT_PROXY = 0x402085c248EeA27D92E8b30b2C58ed07f9E20001;
    address private constant UPTO_PROXY = 0x4020A4f3b7b90ccA423B9fabCc0CE57C6C240002;
    bytes4 private constant VALID = 0x1626ba7e;
    uint256 private constant HALF_N = 0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0;

    OpenTreasury private treasury;
    AnyWallet private wallet;
    AnyNonces private token;

    struct Paid {
        address purse;
        bytes32 domain;
        bytes32 digest;
        uint256 time;
        uint256 rail;
        uint256 kind;
        address payee;
        uint256 amount;
        uint256 validAfter;
        uint256 validBefore;
        bytes32 decision;
        SessionWord word;
        HeadWord head;
        Scope scope;
        bytes blob;
        uint256 epoch;
    }

    function setUp() external {
        wallet = new AnyWallet();
        token = new AnyNonces();
        treasury = new OpenTreasury(address(this), address(wallet));
        vm.etch(PERMIT2, address(token).code);
        svm.enableSymbolicStorage(address(treasury));
        svm.enableSymbolicStorage(address(wallet));
        svm.enableSymbolicStorage(address(token));
        svm.enableSymbolicStorage(PERMIT2);
    }

    /* WHAT IS ASSUMED */

    /// @dev Every payment that a purse says yes to, with what the treasury held when it was asked.
    function _anyPaid(uint256 length) private returns (Paid memory) {
        return _anyPaidOf(length, 0, false);
    }

    /// @param depth How many groups there may be above the envelope.
    /// @param plain Whether to ask about plain payments only: rail 1, no scope, no list, no Permit2.
    function _anyPaidOf(uint256 length, uint256 depth, bool plain) private returns (Paid memory paid) {
        paid.purse = svm.createAddress("purse");
        paid.domain = svm.createBytes32("domain");
        paid.digest = svm.createBytes32("digest");
        paid.blob = svm.createBytes(length, "blob");
        paid.time = svm.createUint(40, "time");
        vm.warp(paid.time);
        paid.word = treasury.wordOf(paid.purse);
        paid.head = treasury.headOf(paid.word.envelope());
        (address asset,,) = treasury.assetOf(paid.word.envelope());
        vm.assume(asset == address(token));
        paid.epoch = _epoch(paid, depth);
        if (plain) {
            vm.assume(uint8(paid.blob[0]) == 1 && !paid.word.scoped());
            vm.assume(!paid.head.has(PERMIT2_ALLOWED) && paid.head.payeeList() == 0);
        }
        _assumeContractApprover(paid.blob);
        bytes memory call = abi.encodePacked(
            abi.encodeWithSignature("isValidSignature(bytes32,bytes)", paid.digest, paid.blob), paid.domain
        );
        vm.prank(paid.purse);
        (bool success, bytes memory answer) = address(treasury).staticcall(call);
        vm.assume(success);
        vm.assume(abi.decode(answer, (bytes4)) == VALID);

        bytes memory blob = paid.blob;
        paid.kind = uint8(blob[0]) >> 4;
        paid.rail = uint8(blob[0]) & 0x0f;
        paid.payee = address(uint160(_read(blob, 1, 20)));
        paid.amount = _read(blob, 21, 12);
        paid.validAfter = _read(blob, 33, 5);
        paid.validBefore = _read(blob, 38, 5);
        paid.decision = bytes32(_read(blob, 43, 32));
        if (paid.word.scoped()) paid.scope = treasury.scopeOf(paid.purse);
    }

    /// @dev A contract that approves is the wallet: it stands for every contract, as its answers and its account in the
    /// treasury are any. Assumed before anything is called: the prover would ask every contract it knows, the treasury too.
    function _assumeContractApprover(bytes memory blob) private view {
        if (uint8(blob[0]) >> 4 != 2 || blob.length < _contractApproverAt(blob) + 20) return;
        vm.assume(_contractApprover(blob) == address(wallet));
    }

    function _contractApprover(bytes memory blob) private pure returns (address) {
        return address(uint160(_read(blob, _contractApproverAt(blob), 20)));
    }

    function _contractApproverAt(bytes memory blob) private pure returns (uint256) {
        return uint8(blob[0]) & 0x0f == 3 ? 159 : 139;
    }

    /// @dev The epoch of the organisation and the groups above the envelope, of which there are at most `depth`.
    function _epoch(Paid memory paid, uint256 depth) private view returns (uint256 epoch) {
        (,, epoch) = treasury.standing();
        if (!paid.head.has(GROUPED)) return epoch;
        uint256 group = treasury.groupOf(paid.word.envelope());
        for (uint256 i; i < depth && group != 0; ++i) {
            uint256 released;
            (, released, group) = treasury.groupAt(group);
            epoch += released;
        }
        vm.assume(group == 0);
    }

    function _read(bytes memory blob, uint256 from, uint256 size) private pure returns (uint256 value) {
        assembly ("memory-safe") {
            value := shr(sub(256, mul(8, size)), mload(add(add(blob, 32), from)))
        }
    }

    /* PROOFS */

    /// @dev Under up to four groups, as the contract bounds them. On rail 1, any payee, no narrower session: none of which
    /// groups have to do with, and each of which is judged below.
    function check_nothingIsPaidAgainstTheGroups() external {
        Paid memory paid = _anyPaidOf(139, 4, true);
        _checkStanding(paid, 4);
        _checkNonce(paid);
    }

    /// @dev Rails 1 and 2 without approval.
    function check_nothingIsPaidAgainstTheRules() external {
        Paid memory paid = _anyPaid(139);
        assert(paid.kind == 0);
        _checkRules(paid);
        _checkThreshold(paid);
    }

    /// @dev Rails 1 and 2 with the approval of an EOA (and rail 3 with that of a contract: its 24 bytes).
    function check_nothingIsPaidAgainstTheRules_approved() external {
        Paid memory paid = _anyPaid(203);
        assert(paid.kind == 1 || paid.kind == 2);
        _checkRules(paid);
        if (paid.kind == 1) _checkApproval(paid, 139);
        else _checkContractApproval(paid);
    }

    /// @dev Rail 3 without approval (and the others with a contract's, of no bytes).
    function check_nothingIsPaidAgainstTheRules_upto() external {
        Paid memory paid = _anyPaid(159);
        assert(paid.kind == 0 ? paid.rail == 3 : paid.kind == 2 && paid.rail < 3);
        _checkRules(paid);
        if (paid.kind == 0) _checkThreshold(paid);
        else _checkContractApproval(paid);
    }

    /// @dev Rail 3 with the approval of an EOA (and all rails with a contract's, of 64 and 44 bytes).
    function check_nothingIsPaidAgainstTheRules_uptoApproved() external {
        Paid memory paid = _anyPaid(223);
        assert(paid.kind == 2 || paid.rail == 3 && paid.kind == 1);
        _checkRules(paid);
        if (paid.kind == 1) _checkApproval(paid, 159);
        else _checkContractApproval(paid);
    }

    /// @dev What is not of the length that its first byte announces is not paid.
    function check_noOtherShapeIsPaid() external {
        // One of them, any: one after the other would multiply their paths.
        uint256 which = svm.createUint(8, "which");
        if (which == 0) return _checkShape(0);
        if (which == 1) return _checkShape(1);
        if (which == 2) return _checkShape(138);
        if (which == 3) return _checkShape(140);
        if (which == 4) return _checkShape(202);
        _checkShape(204);
    }

    /* WHAT IS ASSERTED */

    function _checkRules(Paid memory paid) private view {
        _checkStanding(paid, 0);
        _checkLimits(paid);
        _checkKey(paid);
        _checkRails(paid);
        _checkNonce(paid);
    }

    /// @dev The contract that the blob names may approve, and says yes to this payment.
    function _checkContractApproval(Paid memory paid) private view {
        _checkApprover(paid, _contractApprover(paid.blob));
        assert(wallet.answerTo(_approvalDigest(paid)) == bytes32(VALID));
    }

    function _checkShape(uint256 length) private {
        vm.warp(svm.createUint(40, "time"));
        bytes memory blob = svm.createBytes(length, "blob");
        bytes memory call = abi.encodePacked(
            abi.encodeWithSignature("isValidSignature(bytes32,bytes)", svm.createBytes32("digest"), blob),
            svm.createBytes32("domain")
        );
        // A contract's approval may have any length: it is judged above.
        vm.assume(length == 0 || uint8(blob[0]) >> 4 != 2);
        // Groups have nothing to do with shapes, and are judged before them.
        address purse = svm.createAddress("purse");
        vm.assume(!treasury.headOf(treasury.wordOf(purse).envelope()).has(GROUPED));
        vm.prank(purse);
        (bool success, bytes memory answer) = address(treasury).staticcall(call);
        assert(!success || abi.decode(answer, (bytes4)) != VALID);
    }

    function _checkStanding(Paid memory paid, uint256 depth) private view {
        (bool frozen,,) = treasury.standing();
        assert(!frozen);
        uint256 group = paid.head.has(GROUPED) ? treasury.groupOf(paid.word.envelope()) : 0;
        for (uint256 i; i < depth && group != 0; ++i) {
            (frozen,, group) = treasury.groupAt(group);
            assert(!frozen);
        }
        assert(!paid.head.has(FROZEN));
        // A frozen session has no expiry, and no second is before that.
        assert(paid.time < paid.word.expiry());
        assert(paid.word.policyVersion() == paid.head.policyVersion());
    }

    function _checkLimits(Paid memory paid) private view {
        assert(paid.amount != 0);
        assert(paid.amount <= paid.head.paymentCap());
        assert(paid.scope.paymentCap == 0 || paid.amount <= paid.scope.paymentCap);
        assert(paid.head.payeeList() == 0 || treasury.isListed(paid.head.payeeList(), paid.payee));
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

    function _checkThreshold(Paid memory paid) private pure {
        assert(paid.amount <= paid.head.approvalThreshold());
        assert(paid.scope.approvalThreshold == 0 || paid.amount <= paid.scope.approvalThreshold);
    }

    function _checkApproval(Paid memory paid, uint256 at) private view {
        bytes32 r = bytes32(_read(paid.blob, at, 32));
        uint256 vs = _read(paid.blob, at + 32, 32);
        assert((vs << 1) >> 1 <= HALF_N);
        address approver =
            ecrecover(_approvalDigest(paid), uint8(27 + (vs >> 255)), r, bytes32((vs << 1) >> 1));
        assert(approver != address(0));
        _checkApprover(paid, approver);
    }

    function _nonce(Paid memory paid) private pure returns (bytes32) {
        bytes32 session = bytes32(uint256(uint160(paid.purse)) << 96 | paid.word.sequence());
        uint256 terms = paid.epoch << 16 | paid.word.policyVersion();
        return keccak256(abi.encode(terms, session, paid.decision)) & ~bytes32(uint256(type(uint64).max));
    }

    function _checkRails(Paid memory paid) private view {
        assert(paid.rail == 1 || paid.rail == 2 || paid.rail == 3);
        if (!paid.head.has(PERMIT2_ALLOWED)) {
            assert(paid.rail == 1);
            return;
        }
        bytes32 nonce = _nonce(paid);
        if (paid.rail == 1) {
            uint256 used = AnyNonces(PERMIT2).nonceBitmap(paid.purse, uint256(nonce) >> 8);
            assert(used >> uint8(uint256(nonce)) & 1 == 0);
        } else {
            assert(!token.authorizationState(paid.purse, nonce));
        }
    }

    /// @dev The digest is of this very payment from this purse, on the nonce of terms, session and decision.
    function _checkNonce(Paid memory paid) private view {
        bytes32 structHash;
        bytes32 domain = paid.domain;
        if (paid.rail == 1) {
            structHash = keccak256(
                abi.encode(
                    keccak256(
                        "TransferWithAuthorization(address from,address to,uint256 value,uint256 validAfter,uint256 validBefore,bytes32 nonce)"
                    ),
                    paid.purse,
                    paid.payee,
                    paid.amount,
                    paid.validAfter,
                    paid.validBefore,
                    _nonce(paid)
                )
            );
        } else {
            domain = keccak256(
                abi.encode(
                    keccak256("EIP712Domain(string name,uint256 chainId,address verifyingContract)"),
                    keccak256("Permit2"),
                    block.chainid,
                    PERMIT2
                )
            );
            structHash = paid.rail == 2 ? _exact(paid) : _upto(paid);
        }
        assert(paid.digest == keccak256(abi.encodePacked(hex"1901", domain, structHash)));
    }

    function _permitted(Paid memory paid) private view returns (bytes32) {
        return keccak256(
            abi.encode(
                keccak256("TokenPermissions(address token,uint256 amount)"), address(token), paid.amount
            )
        );
    }

    function _exact(Paid memory paid) private view returns (bytes32) {
        bytes32 witness = keccak256(
            abi.encode(keccak256("Witness(address to,uint256 validAfter)"), paid.payee, paid.validAfter)
        );
        return keccak256(
            abi.encode(
                keccak256(
                    "PermitWitnessTransferFrom(TokenPermissions permitted,address spender,uint256 nonce,uint256 deadline,Witness witness)TokenPermissions(address token,uint256 amount)Witness(address to,uint256 validAfter)"
                ),
                _permitted(paid),
                EXACT_PROXY,
                _nonce(paid),
                paid.validBefore,
                witness
            )
        );
    }

    function _upto(Paid memory paid) private view returns (bytes32) {
        bytes32 witness = keccak256(
            abi.encode(
                keccak256("Witness(address to,address facilitator,uint256 validAfter)"),
                paid.payee,
                address(uint160(_read(paid.blob, 139, 20))),
                paid.validAfter
            )
        );
        return keccak256(
            abi.encode(
                keccak256(
                    "PermitWitnessTransferFrom(TokenPermissions permitted,address spender,uint256 nonce,uint256 deadline,Witness witness)TokenPermissions(address token,uint256 amount)Witness(address to,address facilitator,uint256 validAfter)"
                ),
                _permitted(paid),
                UPTO_PROXY,
                _nonce(paid),
                paid.validBefore,
                witness
            )
        );
    }

    function _checkApprover(Paid memory paid, address approver) private view {
        Account memory account = treasury.accountOf(approver);
        (, bool separateDuties,) = treasury.standing();
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
