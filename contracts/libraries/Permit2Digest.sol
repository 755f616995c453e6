// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Payment} from "./PaymentBlob.sol";

/// @notice What Permit2 asks a purse to sign when an x402 proxy settles: `PermitWitnessTransferFrom`, with the
/// proxy as spender and its witness.
/// @dev Permit2 and the proxies stand at one address on every chain; where there is no such code, no such
/// question is ever asked. `validBefore` is Permit2's deadline (inclusive there).
library Permit2Digest {
    address internal constant PERMIT2 = 0x000000000022D473030F116dDEE9F6B43aC78BA3;
    address internal constant EXACT_PROXY = 0x402085c248EeA27D92E8b30b2C58ed07f9E20001;
    address internal constant UPTO_PROXY = 0x4020A4f3b7b90ccA423B9fabCc0CE57C6C240002;

    bytes32 private constant DOMAIN_TYPEHASH =
        keccak256("EIP712Domain(string name,uint256 chainId,address verifyingContract)");
    bytes32 private constant DOMAIN_NAME = keccak256("Permit2");
    bytes32 private constant TOKEN_PERMISSIONS_TYPEHASH =
        keccak256("TokenPermissions(address token,uint256 amount)");
    bytes32 private constant EXACT_WITNESS_TYPEHASH = keccak256("Witness(address to,uint256 validAfter)");
    bytes32 private constant UPTO_WITNESS_TYPEHASH =
        keccak256("Witness(address to,address facilitator,uint256 validAfter)");
    bytes32 private constant EXACT_TYPEHASH = keccak256(
        "PermitWitnessTransferFrom(TokenPermissions permitted,address spender,uint256 nonce,uint256 deadline,Witness witness)TokenPermissions(address token,uint256 amount)Witness(address to,uint256 validAfter)"
    );
    bytes32 private constant UPTO_TYPEHASH = keccak256(
        "PermitWitnessTransferFrom(TokenPermissions permitted,address spender,uint256 nonce,uint256 deadline,Witness witness)TokenPermissions(address token,uint256 amount)Witness(address to,address facilitator,uint256 validAfter)"
    );

    /// @notice The digest of a payment through the `exact` proxy.
    function exact(address token, Payment payment, bytes32 nonce) internal view returns (bytes32) {
        bytes32 witness = keccak256(abi.encode(EXACT_WITNESS_TYPEHASH, payment.payee(), payment.validAfter()));
        return _digest(EXACT_TYPEHASH, EXACT_PROXY, token, payment, nonce, witness);
    }

    /// @notice The digest of a payment of at most the amount, through the `upto` proxy, by that facilitator.
    function upto(address token, Payment payment, bytes32 nonce, address facilitator)
        internal
        view
        returns (bytes32)
    {
        bytes32 witness = keccak256(
            abi.encode(UPTO_WITNESS_TYPEHASH, payment.payee(), facilitator, payment.validAfter())
        );
        return _digest(UPTO_TYPEHASH, UPTO_PROXY, token, payment, nonce, witness);
    }

    function _digest(
        bytes32 typehash,
        address spender,
        address token,
        Payment payment,
        bytes32 nonce,
        bytes32 witness
    ) private view returns (bytes32) {
        bytes32 permitted = keccak256(abi.encode(TOKEN_PERMISSIONS_TYPEHASH, token, payment.amount()));
        bytes32 structHash =
            keccak256(abi.encode(typehash, permitted, spender, nonce, payment.validBefore(), witness));
        // Worked out each time: the chain's id may change under a treasury.
        bytes32 domain = keccak256(abi.encode(DOMAIN_TYPEHASH, DOMAIN_NAME, block.chainid, PERMIT2));
        return keccak256(abi.encodePacked(hex"1901", domain, structHash));
    }
}
