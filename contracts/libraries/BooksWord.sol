// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

/// @notice What an envelope holds and belongs to, in one storage slot:
/// `score (16) | scoredAt (40) | scoreLife (32) | group (24) | asset (8) | windowsSince (16) | morePurses (16) | escrow (96)`.
/// @dev All zero until the first top-up, further purse or group, which keeps set-up one slot cheaper.
type BooksWord is uint256;

using {
    BooksWordLib.escrow,
    BooksWordLib.morePurses,
    BooksWordLib.windowsSince,
    BooksWordLib.asset,
    BooksWordLib.group,
    BooksWordLib.scoreLife,
    BooksWordLib.scoredAt,
    BooksWordLib.score,
    BooksWordLib.withEscrow,
    BooksWordLib.withMorePurses,
    BooksWordLib.withWindowsSince,
    BooksWordLib.withAsset,
    BooksWordLib.withGroup,
    BooksWordLib.withScoreLife,
    BooksWordLib.withScore
} for BooksWord global;

library BooksWordLib {
    /// @return In the asset's atomic units.
    function escrow(BooksWord word) internal pure returns (uint256) {
        return uint96(BooksWord.unwrap(word));
    }

    /// @return How many purses there are beside the first.
    function morePurses(BooksWord word) internal pure returns (uint256) {
        return uint16(BooksWord.unwrap(word) >> 96);
    }

    /// @return The policy version that brought the periods that are counted now.
    function windowsSince(BooksWord word) internal pure returns (uint256) {
        return uint16(BooksWord.unwrap(word) >> 112);
    }

    function asset(BooksWord word) internal pure returns (uint8) {
        return uint8(BooksWord.unwrap(word) >> 128);
    }

    /// @return The group that is drawn against as well, or 0.
    function group(BooksWord word) internal pure returns (uint24) {
        return uint24(BooksWord.unwrap(word) >> 136);
    }

    /// @return How long a score lets sessions open, in seconds; 0 where none is asked for.
    function scoreLife(BooksWord word) internal pure returns (uint256) {
        return uint32(BooksWord.unwrap(word) >> 160);
    }

    /// @return Unix seconds; 0 where no score was ever reported.
    function scoredAt(BooksWord word) internal pure returns (uint256) {
        return uint40(BooksWord.unwrap(word) >> 192);
    }

    function score(BooksWord word) internal pure returns (uint256) {
        return uint16(BooksWord.unwrap(word) >> 232);
    }

    function withEscrow(BooksWord word, uint96 value) internal pure returns (BooksWord) {
        return _with(word, 0, type(uint96).max, value);
    }

    function withMorePurses(BooksWord word, uint16 value) internal pure returns (BooksWord) {
        return _with(word, 96, type(uint16).max, value);
    }

    function withWindowsSince(BooksWord word, uint16 value) internal pure returns (BooksWord) {
        return _with(word, 112, type(uint16).max, value);
    }

    function withAsset(BooksWord word, uint8 value) internal pure returns (BooksWord) {
        return _with(word, 128, type(uint8).max, value);
    }

    function withGroup(BooksWord word, uint24 value) internal pure returns (BooksWord) {
        return _with(word, 136, type(uint24).max, value);
    }

    function withScoreLife(BooksWord word, uint32 value) internal pure returns (BooksWord) {
        return _with(word, 160, type(uint32).max, value);
    }

    function withScore(BooksWord word, uint256 at, uint16 value) internal pure returns (BooksWord) {
        return _with(_with(word, 192, type(uint40).max, at), 232, type(uint16).max, value);
    }

    function _with(BooksWord word, uint256 offset, uint256 mask, uint256 value)
        private
        pure
        returns (BooksWord)
    {
        return BooksWord.wrap(BooksWord.unwrap(word) & ~(mask << offset) | value << offset);
    }
}
