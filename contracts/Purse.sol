// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

/// @title Purse
/// @notice The small account an agent pays from: the x402 `from`. It has no storage and no brain.
/// Whether a signature is a payment, its treasury says; what it holds, its treasury moves.
/// @dev Two things happen here, both in the fallback, because the code is deployed once per purse and
/// every byte of it costs 200 gas:
/// - Its treasury calls with `target (32 bytes) | call data`: the purse makes that call.
/// - Anyone calls, to ask `isValidSignature(bytes32,bytes)` (EIP-1271): the purse asks its treasury the same, in a
///   static call with the asset's domain separator appended, and returns the answer. A treasury answers that
///   question, and what it tells everybody; nothing that writes runs in a static call.
/// It takes no ether.
contract Purse {
    address private immutable TREASURY;
    bytes32 private immutable DOMAIN_SEPARATOR;

    /// @param domainSeparator The EIP-712 domain separator of the asset this purse pays in.
    constructor(bytes32 domainSeparator) {
        TREASURY = msg.sender;
        DOMAIN_SEPARATOR = domainSeparator;
    }

    // Payable, and refusing ether itself: the check of a function that is not costs fourteen bytes.
    fallback() external payable {
        bytes32 domainSeparator = DOMAIN_SEPARATOR;
        address treasury = TREASURY;
        // Not marked memory-safe on purpose: it overwrites memory from 0, and nothing runs after it.
        assembly {
            calldatacopy(0, 0, calldatasize())
            let success
            switch eq(caller(), treasury)
            case 0 {
                mstore(calldatasize(), domainSeparator)
                success := staticcall(gas(), treasury, 0, add(calldatasize(), 32), 0, 0)
            }
            default { success := call(gas(), mload(0), 0, 32, sub(calldatasize(), 32), 0, 0) }
            returndatacopy(0, 0, returndatasize())
            if iszero(gt(success, callvalue())) { revert(0, returndatasize()) }
            return(0, returndatasize())
        }
    }
}
