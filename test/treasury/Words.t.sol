// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {SessionWord} from "../../contracts/libraries/SessionWord.sol";
import {Test} from "forge-std/Test.sol";

/// @notice What the verbs of a treasury never ask of a packed word; the rest, for every word, is proven (`WordsProof`).
contract WordsTest is Test {
    function testFuzz_AnotherExpiryIsAllThatChanges(SessionWord word, uint32 expiry) external pure {
        SessionWord changed = word.withExpiry(expiry);
        assertEq(changed.expiry(), expiry);
        assertEq(
            SessionWord.unwrap(changed.withExpiry(0)), SessionWord.unwrap(word.withExpiry(0)), "another field"
        );
        assertEq(
            SessionWord.unwrap(word.withExpiry(uint32(word.expiry()))), SessionWord.unwrap(word), "its own"
        );
    }
}
