// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Treasury} from "../../../contracts/Treasury.sol";
import {SessionRequest} from "../../../contracts/libraries/Types.sol";
import {Flows} from "../ghost/Flows.sol";
import {Asked, Ghost, Signed} from "../ghost/Ghost.sol";
import {Cast, Handler} from "./Handler.sol";
import {Settler} from "./Settler.sol";

/// @notice Whoever holds the agents' keys: honest, careless, or out for more than it was given.
contract Agent is Settler {
    constructor(Ghost ghost_, Treasury treasury_, Cast memory cast_) Handler(ghost_, treasury_, cast_) {}

    /* SESSIONS */

    /// @notice Opens a session with all or some of what the limits leave; some requests are kept for later.
    function opensASession(uint256 seed) external counted {
        _open(seed, _somePurse(seed));
    }

    function _open(uint256 seed, address purse) private {
        SessionRequest memory r = _honestRequest(seed, purse);
        bytes memory signature = _signRequest(r, _agentSecret(r.envelope));
        ghost.ask(Asked(r, ghost.agentIn(r.envelope), signature));
        if (_dice(seed, "late", 5) != 0) _submit(r, signature, true);
    }

    /// @notice Relays a request signed some time ago, whatever has happened since.
    function replaysARequest(uint256 seed) external counted {
        if (ghost.askedCount() == 0) return;
        Asked memory a = ghost.askedAt(seed);
        _submit(a.request, a.signature, a.signer == ghost.agentIn(a.request.envelope));
    }

    /// @notice Asks for more than there is: every field pushed over its bound.
    function overreaches(uint256 seed) external counted {
        address purse = _somePurse(seed);
        SessionRequest memory r = _honestRequest(seed, purse);
        uint256 dice = _dice(seed, "how", 16);
        Ghost.Rules memory rules = ghost.rulesOf(r.envelope);
        if (dice == 0) r.budget += 1;
        else if (dice == 1) r.budget = rules.session + 1;
        else if (dice == 2) r.budget = 0;
        else if (dice == 3) r.expiry += 1;
        else if (dice == 4) r.expiry = uint32(ghost.clock() + rules.longest + 1);
        else if (dice == 5) r.expiry = uint32(ghost.clock());
        else if (dice == 6) r.expiry = uint32(ghost.windowEnd(1) + 1);
        else if (dice == 7) r.sequence -= 1;
        else if (dice == 8) r.sequence += 1;
        else if (dice == 9) r.key = ghost.agentIn(r.envelope);
        else if (dice == 10 && ghost.bookOf(purse).open) r.key = ghost.bookOf(purse).key;
        else if (dice == 11) r.scope.paymentCap = rules.cap + 1;
        else if (dice == 12) r.scope.approvalThreshold = rules.threshold + 1;
        else if (dice == 13) r.purseIndex += 7;
        else if (dice == 14) r.stampHash = keccak256(abi.encode("stamp", uint256(0)));
        else r.envelope += 100;
        uint256 signer = _agentSecret(ghost.envelopeOf(purse));
        _submit(r, _signRequest(r, signer), true);
    }

    /// @notice Forges: another's key, or a request changed after it was signed.
    function forgesARequest(uint256 seed) external counted {
        address purse = _somePurse(seed);
        SessionRequest memory r = _honestRequest(seed, purse);
        uint256 dice = _dice(seed, "how", 7);
        uint256 secret = _agentSecret(r.envelope);
        if (dice == 0) secret = _secret("nobody", 0);
        if (dice == 1) secret = _sessionSecret(purse, ghost.bookOf(purse).sequence);
        if (dice == 2) secret = _agentSecret(r.envelope) ^ 1;
        bytes memory signature = _signRequest(r, secret);
        if (dice == 3) r.scope.paymentCap = r.scope.paymentCap == 0 ? 1 : 0;
        if (dice == 4) r.key = vm.addr(_secret("nobody", seed));
        if (dice == 5) r.budget = r.budget > 1 ? r.budget - 1 : 2;
        if (dice == 6) signature = abi.encodePacked(seed);
        _submit(r, signature, false);
    }

    /// @notice Closes its session, or one that it should not be able to close.
    function closesASession(uint256 seed) external counted {
        address purse = _somePurse(seed);
        address by = ghost.agentIn(ghost.envelopeOf(purse));
        uint256 dice = _dice(seed, "how", 4);
        if (dice == 0) by = ghost.agentIn(_someEnvelope(seed));
        _close(by, purse, dice < 2 ? 0 : dice - 1);
    }

    /* PAYMENTS */

    /// @notice Draws what it can get and spends it as fast as the caps allow.
    function goesOnASpree(uint256 seed) external counted {
        address purse = _somePurse(seed);
        _open(seed, purse);
        for (uint256 i; i < 6; ++i) {
            _pay(uint256(keccak256(abi.encode(seed, i))), purse);
        }
    }

    /// @notice Pays within the rules, as far as it knows them.
    function pays(uint256 seed) external counted {
        for (uint256 i; i < 3; ++i) {
            _pay(uint256(keccak256(abi.encode(seed, i))), _livePurse(seed));
        }
    }

    function _pay(uint256 seed, address purse) private {
        Flows.Book memory book = ghost.bookOf(purse);
        if (book.sequence == 0) return;
        Ghost.Rules memory rules = ghost.rulesOf(ghost.envelopeOf(purse));
        uint256 held = ghost.heldBy(purse);
        uint256 amount = book.scope.paymentCap == 0 ? rules.cap : book.scope.paymentCap;
        if (_dice(seed, "small", 4) == 0) amount = 1 + _dice(seed, "amount", amount);
        if (amount > held) amount = held;
        Signed memory s = _draft(seed, purse, _goodPayee(seed, rules.list, book.scope.payeeList), amount);
        _signWith(s, _sessionSecret(purse, book.sequence));
        if (amount > rules.threshold || book.scope.approvalThreshold != 0) {
            _approveWith(s, cast.approvers[0], _secret("approver", 0), false);
        }
        ghost.sign(s);
        _attempt(s);
    }

    /// @dev Somebody whom policy and scope allow, where there is anybody.
    function _goodPayee(uint256 seed, uint16 list, uint16 scopeList) private view returns (address payee) {
        uint256 first = _dice(seed, "payee", 4);
        for (uint256 i; i < 4; ++i) {
            payee = cast.payees[(first + i) % 4];
            bool good = list == 0 || ghost.listed(list, payee);
            if (good && (scopeList == 0 || ghost.listed(scopeList, payee))) return payee;
        }
    }

    /// @notice Signs anything, for somebody to settle some time: any amount, payee, time, decision, key and nonce.
    function signsAPayment(uint256 seed) external counted {
        address purse = _dice(seed, "live", 4) == 0 ? _somePurse(seed) : _livePurse(seed);
        if (ghost.bookOf(purse).sequence == 0) return;
        Signed memory s = _draft(seed, purse, _somePayee(seed), _anyAmount(seed, purse));
        if (_dice(seed, "early", 6) == 0) {
            s.payment.validAfter = ghost.clock() + _dice(seed, "after", 2 hours);
        }
        if (_dice(seed, "again", 6) == 0 && ghost.signedCount() != 0) {
            s.payment.decisionHash = ghost.signedAt(seed).payment.decisionHash;
            s.nonce = _nonce(s);
        }
        uint256 secret = _sessionSecret(purse, s.sequence);
        uint256 dice = _dice(seed, "flaw", 18);
        if (dice == 6) {
            // For after a release that has not come yet: no good before it.
            s.epoch += 1;
            s.nonce = _nonce(s);
        }
        if (dice < 3) _bendNonce(s, dice);
        else if (dice < 6) (secret, s.flaws) = (_wrongKey(dice, purse, s.sequence), KEY);
        _signWith(s, secret);
        ghost.sign(s);
    }

    function _anyAmount(uint256 seed, address purse) private view returns (uint256) {
        Ghost.Rules memory rules = ghost.rulesOf(ghost.envelopeOf(purse));
        uint256 dice = _dice(seed, "amount", 8);
        if (dice == 0) return 0;
        if (dice == 1) return uint256(rules.cap) + 1;
        if (dice == 2) return rules.cap;
        if (dice == 3) return uint256(rules.threshold) + 1;
        if (dice == 4) return ghost.heldBy(purse) + 1;
        return 1 + _dice(seed, "any amount", rules.cap);
    }

    /// @dev A nonce that commits to another version, another session, or another decision.
    function _bendNonce(Signed memory s, uint256 how) private pure {
        s.flaws = NONCE;
        if (how == 0) {
            s.version += 1;
            s.nonce = _nonce(s);
            s.version -= 1;
        } else if (how == 1) {
            s.sequence += 1;
            s.nonce = _nonce(s);
            s.sequence -= 1;
        } else {
            s.nonce = bytes32(uint256(s.nonce) | 1);
        }
    }

    function _wrongKey(uint256 dice, address purse, uint24 sequence) private view returns (uint256) {
        if (dice == 3) return _agentSecret(ghost.envelopeOf(purse));
        if (dice == 4) return _sessionSecret(purse, sequence - 1);
        return _secret("nobody", 0);
    }
}
