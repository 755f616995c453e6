// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {SessionWord, SessionWordLib} from "../../contracts/libraries/SessionWord.sol";
import {Symbolic} from "./Symbolic.sol";

/// @notice The session's packed slot: what goes in comes out, and nothing spills into a neighbour.
contract SessionWordProof is Symbolic {
    function check_whatIsPackedComesOut(
        address key,
        uint32 expiry,
        uint24 envelope,
        uint16 policyVersion,
        bool scoped,
        uint24 sequence
    ) external pure {
        vm.assume(sequence <= SessionWordLib.MAX_SEQUENCE);
        SessionWord word = SessionWordLib.pack(key, expiry, envelope, policyVersion, scoped, sequence);
        assert(word.key() == key);
        assert(word.expiry() == expiry);
        assert(word.envelope() == envelope);
        assert(word.policyVersion() == policyVersion);
        assert(word.scoped() == scoped);
        assert(word.sequence() == sequence);
    }

    /// @dev Every word is the packing of what it reads as: no bit is outside a field.
    function check_everyBitIsOfOneField(uint256 raw) external pure {
        SessionWord word = SessionWord.wrap(raw);
        SessionWord again = SessionWordLib.pack(
            word.key(),
            uint32(word.expiry()),
            word.envelope(),
            word.policyVersion(),
            word.scoped(),
            word.sequence()
        );
        assert(SessionWord.unwrap(again) == raw);
    }

    function check_withExpiryChangesOnlyTheExpiry(uint256 raw, uint32 expiry) external pure {
        SessionWord word = SessionWord.wrap(raw);
        SessionWord changed = word.withExpiry(expiry);
        assert(changed.expiry() == expiry);
        assert(changed.key() == word.key());
        assert(changed.envelope() == word.envelope());
        assert(changed.policyVersion() == word.policyVersion());
        assert(changed.scoped() == word.scoped());
        assert(changed.sequence() == word.sequence());
    }

    /// @dev A closed purse has no key, so nobody's signature fits it; its sequence number goes on.
    function check_closedKeepsOnlyTheSequence(uint256 raw) external pure {
        SessionWord word = SessionWord.wrap(raw);
        SessionWord closed = word.closed();
        assert(closed.sequence() == word.sequence());
        assert(SessionWord.unwrap(closed) == closed.sequence());
    }
}
