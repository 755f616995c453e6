// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Symbolic} from "./Symbolic.sol";

/// @notice Facts of arithmetic that hold for all numbers. Solvers cannot find them for 256-bit products and quotients,
/// so proofs tell them; they are true whatever the contracts do, and a fuzz test asserts each of them.
abstract contract Arithmetic is Symbolic {
    /// @dev Called from outside, so that the compiler does not see that a fact is always true, and drops it.
    function product(uint256 a, uint256 b) external pure returns (uint256 c) {
        assembly ("memory-safe") {
            c := mul(a, b)
        }
    }

    function _commutes(uint256 a, uint256 b) internal view returns (bool) {
        return this.product(a, b) == this.product(b, a);
    }

    /// @dev A quotient times its divisor falls short of the dividend by less than the divisor.
    function _quotientIsClose(uint256 x, uint256 divisor) internal view returns (bool) {
        unchecked {
            uint256 quotient = x / divisor;
            uint256 whole = this.product(divisor, quotient);
            return quotient <= x && whole <= x && x - whole < divisor;
        }
    }

    /// @dev One time more is the product and the factor once more, overflow or not.
    function _oneMore(uint256 times, uint256 factor) internal view returns (bool) {
        unchecked {
            return this.product(factor, times + 1) == this.product(factor, times) + factor;
        }
    }

    /// @dev The product of two numbers of half a word at most overflows nothing, and divides back.
    function _divides(uint256 times, uint256 factor) internal view returns (bool) {
        if (times >> 64 != 0 || factor >> 64 != 0) return true;
        uint256 whole = this.product(factor, times);
        return whole >> 128 == 0 && (factor == 0 || whole / factor == times)
            && (times == 0 || whole / times == factor);
    }

    /// @dev More times the same factor is no less.
    function _grows(uint256 few, uint256 many, uint256 factor) internal view returns (bool) {
        if (few > many || many >> 64 != 0 || factor >> 64 != 0) return true;
        return this.product(factor, few) <= this.product(factor, many);
    }
}
