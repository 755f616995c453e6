// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {BooksWord} from "../../contracts/libraries/BooksWord.sol";
import {DrawWord, DrawWordLib} from "../../contracts/libraries/DrawWord.sol";
import {HeadWord, HeadWordLib} from "../../contracts/libraries/HeadWord.sol";
import {SessionWord, SessionWordLib} from "../../contracts/libraries/SessionWord.sol";
import {WindowWord, WindowWordLib} from "../../contracts/libraries/WindowWord.sol";
import {Symbolic} from "./Symbolic.sol";

/// @notice The packed slots: what goes in comes out, and nothing spills into a neighbour.
contract WordsProof is Symbolic {
    /* SESSION */

    function check_sessionComesOut(
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
    function check_sessionUsesEveryBit(uint256 raw) external pure {
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

    function check_sessionExpiryChangesNothingElse(uint256 raw, uint32 expiry) external pure {
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
    function check_closedSessionKeepsOnlyTheSequence(uint256 raw) external pure {
        SessionWord word = SessionWord.wrap(raw);
        SessionWord closed = word.closed();
        assert(closed.sequence() == word.sequence());
        assert(SessionWord.unwrap(closed) == closed.sequence());
    }

    /* HEAD */

    function check_headComesOut(
        uint96 cap,
        uint96 threshold,
        uint24 longest,
        uint16 version,
        uint16 list,
        uint8 flags
    ) external pure {
        HeadWord word = HeadWordLib.pack(cap, threshold, longest, version, list, flags);
        assert(word.paymentCap() == cap);
        assert(word.approvalThreshold() == threshold);
        assert(word.maxSessionSeconds() == longest);
        assert(word.policyVersion() == version);
        assert(word.payeeList() == list);
        assert(word.flags() == flags);
    }

    /// @dev A flag set or taken leaves the other flags and the rules alone, and is what it was set to.
    function check_flagChangesNothingElse(uint256 raw, uint8 bit) external pure {
        vm.assume(bit < 4);
        uint256 flag = 1 << bit;
        HeadWord word = HeadWord.wrap(raw);
        assert(word.with(flag).has(flag) && !word.without(flag).has(flag));
        assert((HeadWord.unwrap(word.with(flag)) ^ raw) & ~flag == 0);
        assert((HeadWord.unwrap(word.without(flag)) ^ raw) & ~flag == 0);
    }

    function check_versionChangesNothingElse(uint256 raw, uint16 version) external pure {
        HeadWord word = HeadWord.wrap(raw).withVersion(version);
        assert(word.policyVersion() == version);
        assert((HeadWord.unwrap(word) ^ raw) & ~(uint256(type(uint16).max) << 24) == 0);
    }

    /* WINDOW */

    function check_windowComesOut(uint32 period, uint96 limit, uint96 used, uint32 index) external pure {
        WindowWord word = WindowWordLib.limiting(period, limit);
        assert(word.period() == period && word.limit() == limit && word.used() == 0 && word.index() == 0);
        word = word.counting(used, index);
        assert(word.period() == period && word.limit() == limit);
        assert(word.used() == used && word.index() == index);
    }

    function check_windowLimitChangesNothingElse(uint256 raw, uint96 limit) external pure {
        WindowWord word = WindowWord.wrap(raw).withLimit(limit);
        assert(word.limit() == limit);
        assert((WindowWord.unwrap(word) ^ raw) >> 96 == 0);
    }

    /* BOOKS AND DRAW */

    function check_booksComeOut(
        uint256 raw,
        uint96 escrow,
        uint16 morePurses,
        uint16 windowsSince,
        uint8 asset,
        uint24 group
    ) external pure {
        BooksWord word = BooksWord.wrap(raw).withGroup(group);
        word = word.withAsset(asset);
        word = word.withWindowsSince(windowsSince);
        word = word.withMorePurses(morePurses);
        word = word.withEscrow(escrow);
        assert(word.escrow() == escrow);
        assert(word.morePurses() == morePurses);
        assert(word.windowsSince() == windowsSince);
        assert(word.asset() == asset);
        assert(word.group() == group);
        assert((BooksWord.unwrap(word) ^ raw) >> 160 == 0);
    }

    function check_escrowChangesNothingElse(uint256 raw, uint96 escrow) external pure {
        BooksWord word = BooksWord.wrap(raw).withEscrow(escrow);
        assert(word.escrow() == escrow);
        assert((BooksWord.unwrap(word) ^ raw) >> 96 == 0);
    }

    function check_drawComesOut(uint96 budget, uint40 openedAt, uint32 expiry, uint24 group) external pure {
        DrawWord word = DrawWordLib.pack(budget, openedAt, expiry, group);
        assert(word.budget() == budget);
        assert(word.openedAt() == openedAt);
        assert(word.expiry() == expiry);
        assert(word.group() == group);
    }
}
