// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {BooksWord} from "../libraries/BooksWord.sol";
import {Envelope, Role} from "../libraries/Types.sol";
import {TreasuryStorage} from "./TreasuryStorage.sol";

/// @notice Envelopes whose sessions open only while somebody keeps scoring them: when the scorer falls silent,
/// they fail closed.
abstract contract TreasuryScores is TreasuryStorage {
    /// @notice Sets for how long a score lets sessions of an envelope open, in seconds; 0 asks for none. Longer, or
    /// none where there was one, is loosening.
    function setScoreLife(uint24 envelope, uint32 life) external only(Role.POLICY_MANAGER) {
        Envelope storage record = _existing(envelope);
        BooksWord books = record.books;
        uint256 before = books.scoreLife();
        if (before != 0 && (life == 0 || life > before)) _requireAnnounced();
        record.books = books.withScoreLife(life);
        emit ScoreLifeSet(envelope, life, msg.sender);
    }

    /// @notice Reports an envelope's score. What follows from a bad one is the reviewer's to do: {setReview}.
    function reportScore(uint24 envelope, uint16 score) external only(Role.REVIEWER) {
        Envelope storage record = _existing(envelope);
        record.books = record.books.withScore(block.timestamp, score);
        emit ScoreReported(envelope, score, msg.sender);
    }
}
