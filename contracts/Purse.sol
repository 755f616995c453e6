// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

/// @title Purse
/// @notice The small account an agent pays from: the x402 `from`. It has no storage and no brain.
/// Whether a signature is a payment, its treasury says; what it holds, its treasury moves.
/// @dev Two things happen here, both in the fallback, because the code is deployed once per purse and
/// every byte of it costs 200 gas:
/// - Its treasury calls with `target (32 bytes) | call data`: the purse makes that call.
/// - Anyone calls `isValidSignature(bytes32,bytes)` (EIP-1271): the purse hands the call on to its treasury,
///   with the asset's domain separator appended, and returns the answer.
/// Everything else reverts, and it takes no ether.
contract Purse {
    address private immutable TREASURY;
    bytes32 private immutable DOMAIN_SEPARATOR;

    /// @param domainSeparator The EIP-712 domain separator of the asset this purse pays in.
    constructor(bytes32 domainSeparator) {
        TREASURY = msg.sender;
        DOMAIN_SEPARATOR = domainSeparator;
    }

    fallback() external {
        address treasury = TREASURY;
        bytes32 domainSeparator = DOMAIN_SEPARATOR;
        // Not marked memory-safe on purpose: it overwrites memory from 0, and nothing runs after it.
        assembly {
            if eq(caller(), treasury) {
                let size := sub(calldatasize(), 32)
                calldatacopy(0, 32, size)
                let success := call(gas(), calldataload(0), 0, 0, size, 0, 0)
                returndatacopy(0, 0, returndatasize())
                if success { return(0, returndatasize()) }
                revert(0, returndatasize())
            }
            // isValidSignature(bytes32,bytes) is 0x1626ba7e, and so is the answer for "valid".
            if sub(shr(224, calldataload(0)), 0x1626ba7e) { revert(0, 0) }
            calldatacopy(0, 0, calldatasize())
            mstore(calldatasize(), domainSeparator)
            // The call data now at 0 starts with the magic value, so a short answer must not be returned as is.
            if iszero(
                and(gt(returndatasize(), 31), staticcall(gas(), treasury, 0, add(calldatasize(), 32), 0, 32))
            ) {
                revert(0, 0)
            }
            return(0, 32)
        }
    }
}
