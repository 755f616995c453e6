// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {TreasuryPaymentRules} from "./TreasuryPaymentRules.sol";

/// @notice Payments are views: yes or no to one signature of one purse.
abstract contract TreasuryPayments is TreasuryPaymentRules {
    bytes4 private constant VALID = 0x1626ba7e;
    bytes4 private constant INVALID = 0xffffffff;

    /// @notice EIP-1271 for the calling purse, which appends its asset's domain separator to the call.
    /// @dev For any other caller there is no session, so the answer is no: a treasury itself signs nothing.
    /// @param digest What the token recomputed.
    /// @param signature The blob of {PaymentBlob}.
    function isValidSignature(bytes32 digest, bytes calldata signature) external view returns (bytes4) {
        bytes32 domainSeparator;
        assembly ("memory-safe") {
            domainSeparator := calldataload(sub(calldatasize(), 32))
        }
        if (_judge(msg.sender, domainSeparator, digest, signature).refuses()) return INVALID;
        // By hand: the compiler's encoder costs every payment more.
        bytes4 valid = VALID;
        assembly ("memory-safe") {
            mstore(0, valid)
            return(0, 32)
        }
    }
}
