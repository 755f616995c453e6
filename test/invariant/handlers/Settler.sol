// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {PaymentDigest} from "../../../contracts/libraries/PaymentDigest.sol";
import {Permit2Digest} from "../../../contracts/libraries/Permit2Digest.sol";
import {Refusal} from "../../../contracts/libraries/Types.sol";
import {Digests, Payment} from "../../Digests.sol";
import {ThinPermit2} from "../ThinPermit2.sol";
import {WatchedToken} from "../WatchedToken.sol";
import {Breach, Flows} from "../ghost/Flows.sol";
import {Signed} from "../ghost/Ghost.sol";
import {Handler} from "./Handler.sol";

/// @notice Signing a payment, and trying to settle one: the token's answer held against the ghost's and the views'.
abstract contract Settler is Handler {
    uint256 internal constant KEY = 1 << uint256(Breach.Key);
    uint256 internal constant NONCE = 1 << uint256(Breach.Nonce);
    uint256 internal constant TAMPERED = 1 << uint256(Breach.Tampered);
    uint256 private constant OLD_EPOCH = 1 << uint256(Breach.OldEpoch);
    uint256 internal constant APPROVER = 1 << uint256(Breach.Approver);
    // What only the token knows: a view of the treasury's cannot.
    uint256 private constant TOKENS_OWN =
        1 << uint256(Breach.Twice) | 1 << uint256(Breach.Time) | 1 << uint256(Breach.Float);
    bytes4 private constant VALID = 0x1626ba7e;

    /* SIGNING */

    /// @dev A payment of the purse's latest session, open or not, by its key.
    function _draft(uint256 seed, address purse, address payee, uint256 amount)
        internal
        view
        returns (Signed memory s)
    {
        Flows.Book memory book = ghost.bookOf(purse);
        (s.purse, s.sequence, s.version) = (purse, book.sequence, book.version);
        s.epoch = ghost.epochOf(book.envelope);
        s.payment.rail = _rail(seed, book.envelope);
        s.payment.payee = payee;
        (s.payment.amount, s.charge) = (amount, amount);
        if (s.payment.rail == 3 && amount != 0) s.charge = 1 + _dice(seed, "charge", amount);
        s.payment.validBefore = ghost.clock() + 1 + _dice(seed, "validBefore", 3 days);
        s.payment.decisionHash = keccak256(abi.encode("decision", seed));
        s.nonce = _nonce(s);
    }

    /// @dev Permit2 where the envelope lets it, the token's own otherwise; the other way round now and then.
    function _rail(uint256 seed, uint24 envelope) private view returns (uint8) {
        uint256 dice = _dice(seed, "rail", 12);
        if (ghost.permit2(envelope)) return dice < 4 ? 1 : dice < 8 ? 2 : 3;
        return dice == 0 ? 2 : dice == 1 ? 3 : 1;
    }

    function _nonce(Signed memory s) internal pure returns (bytes32) {
        bytes32 session = PaymentDigest.sessionId(s.purse, s.sequence);
        return
            PaymentDigest.commitment(PaymentDigest.terms(s.epoch, s.version), session, s.payment.decisionHash);
    }

    function _digest(Signed memory s) internal view returns (bytes32) {
        WatchedToken token = _token(ghost.envelopeOf(s.purse));
        s.payment.nonce = s.nonce;
        if (s.payment.rail == 2) return Digests.exact(address(token), s.payment);
        if (s.payment.rail == 3) return Digests.upto(address(token), s.payment, cast.stranger);
        return Digests.eip3009(token.DOMAIN_SEPARATOR(), s.purse, s.payment, s.nonce);
    }

    function _signWith(Signed memory s, uint256 secret) internal view {
        Payment memory p = s.payment;
        (bytes32 r, bytes32 vs) = vm.signCompact(secret, _digest(s));
        s.blob = abi.encodePacked(
            uint8(p.rail),
            p.payee,
            uint96(p.amount),
            uint40(p.validAfter),
            uint40(p.validBefore),
            p.decisionHash,
            r,
            vs
        );
        // Who may settle, where less than the amount may be taken.
        if (p.rail == 3) s.blob = abi.encodePacked(s.blob, cast.stranger);
    }

    /// @dev Adds a human's approval to a signed payment; an EOA's, or a wallet's by the key of its owner.
    function _approveWith(Signed memory s, address approver, uint256 secret, bool wallet) internal view {
        bytes32 domain = keccak256(
            abi.encode(
                keccak256(
                    "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
                ),
                keccak256("Bursar Treasury"),
                keccak256("1"),
                block.chainid,
                address(treasury)
            )
        );
        bytes32 digest = Digests.typed(domain, Digests.approval(s.purse, s.payment, _digest(s)));
        s.approver = approver;
        s.blob[0] = bytes1(uint8(s.payment.rail) | (wallet ? 2 : 1) << 4);
        if (wallet) {
            (uint8 v, bytes32 r, bytes32 s_) = vm.sign(secret, digest);
            s.blob = abi.encodePacked(s.blob, approver, r, s_, v);
        } else {
            (bytes32 r, bytes32 vs) = vm.signCompact(secret, digest);
            s.blob = abi.encodePacked(s.blob, r, vs);
        }
    }

    /* SETTLING */

    function _attempt(Signed memory s) internal returns (bool settled) {
        uint256 broken = ghost.trying(s);
        bool diagnosed = _checkViews(s, broken);
        (address target, bytes memory call) = _settlement(s);
        vm.prank(cast.stranger);
        (settled,) = target.call(call);
        if (settled && !diagnosed) ghost.breach(Breach.View);
        ghost.tried(s, broken, settled);
    }

    function _settlement(Signed memory s) private view returns (address target, bytes memory call) {
        Payment memory p = s.payment;
        target = ghost.tokenOf(ghost.envelopeOf(s.purse));
        if (p.rail != 1) {
            p.nonce = s.nonce;
            call = abi.encodeCall(ThinPermit2.settle, (target, s.purse, p, s.charge, s.blob));
            return (Permit2Digest.PERMIT2, call);
        }
        call = abi.encodeWithSignature(
            "transferWithAuthorization(address,address,uint256,uint256,uint256,bytes32,bytes)",
            s.purse,
            p.payee,
            p.amount,
            p.validAfter,
            p.validBefore,
            s.nonce,
            s.blob
        );
    }

    /// @dev Purse, diagnosis and preview say of the payment what the rules say, the token's own rules aside.
    /// @return yes What they say.
    function _checkViews(Signed memory s, uint256 broken) private returns (bool yes) {
        bytes32 digest = _digest(s);
        (Refusal diagnosed,,) = views.diagnosePayment(s.purse, digest, s.blob);
        yes = diagnosed == Refusal.None;
        (bool answered, bytes memory answer) =
            s.purse.staticcall(abi.encodeWithSelector(VALID, digest, s.blob));
        bool said = answered && answer.length == 32 && bytes4(answer) == VALID;
        if (said != yes || yes != (broken & ~TOKENS_OWN == 0)) ghost.breach(Breach.View);
        // A preview is about the session as it is, on the token's own rail, and assumes honest new signatures.
        if (s.payment.rail != 1 || s.flaws != 0) return yes;
        if (s.sequence != ghost.bookOf(s.purse).sequence || broken & (APPROVER | OLD_EPOCH) != 0) {
            return yes;
        }
        (Refusal previewed,,) =
            views.previewPayment(s.purse, s.payment.payee, s.payment.amount, s.approver != address(0));
        uint256 blind = 1 << uint256(Breach.Twice) | 1 << uint256(Breach.Time);
        if ((previewed == Refusal.None) != (broken & ~blind == 0)) ghost.breach(Breach.View);
    }
}
