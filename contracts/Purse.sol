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

    fallback() external {
        address treasury = TREASURY;
        bytes32 domainSeparator = DOMAIN_SEPARATOR;
        // Not marked memory-safe on purpose: it overwrites memory from 0, and nothing runs after it.
        assembly {
            let size := calldatasize()
            calldatacopy(0, 0, size)
            let success
            switch eq(caller(), treasury)
            case 0 {
                mstore(size, domainSeparator)
                success := staticcall(gas(), treasury, 0, add(size, 32), 0, 0)
            }
            default { success := call(gas(), mload(0), 0, 32, sub(size, 32), 0, 0) }
            returndatacopy(0, 0, returndatasize())
            if success { return(0, returndatasize()) }
            revert(0, returndatasize())
        }
    }
}
