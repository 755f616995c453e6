// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Permit2Digest} from "../contracts/libraries/Permit2Digest.sol";

/// @notice A payment as tests put it together, before it is a blob.
struct Payment {
    uint8 rail;
    uint8 approvalKind;
    address payee;
    uint256 amount;
    uint256 validAfter;
    uint256 validBefore;
    bytes32 decisionHash;
    bytes32 r;
    bytes32 vs;
    // Not in the blob: what it must have been signed with.
    bytes32 nonce;
}

/// @notice What is signed, said again without the contracts' code.
library Digests {
    function eip3009(bytes32 domainSeparator, address from, Payment memory p, bytes32 nonce)
        internal
        pure
        returns (bytes32)
    {
        bytes32 typehash = keccak256(
            "TransferWithAuthorization(address from,address to,uint256 value,uint256 validAfter,uint256 validBefore,bytes32 nonce)"
        );
        bytes32 structHash =
            keccak256(abi.encode(typehash, from, p.payee, p.amount, p.validAfter, p.validBefore, nonce));
        return typed(domainSeparator, structHash);
    }

    /// @return The struct hash.
    function approval(address purse, Payment memory p, bytes32 digest) internal pure returns (bytes32) {
        bytes32 typehash = keccak256(
            "PaymentApproval(address purse,address payee,uint256 amount,uint256 validBefore,bytes32 decisionHash,bytes32 digest)"
        );
        return
            keccak256(abi.encode(typehash, purse, p.payee, p.amount, p.validBefore, p.decisionHash, digest));
    }

    function exact(address token, Payment memory p) internal view returns (bytes32) {
        string memory witnessType = "Witness(address to,uint256 validAfter)";
        bytes32 witness = keccak256(abi.encode(keccak256(bytes(witnessType)), p.payee, p.validAfter));
        return _permit2(witnessType, Permit2Digest.EXACT_PROXY, token, p, witness);
    }

    function upto(address token, Payment memory p, address facilitator) internal view returns (bytes32) {
        string memory witnessType = "Witness(address to,address facilitator,uint256 validAfter)";
        bytes32 witness =
            keccak256(abi.encode(keccak256(bytes(witnessType)), p.payee, facilitator, p.validAfter));
        return _permit2(witnessType, Permit2Digest.UPTO_PROXY, token, p, witness);
    }

    function typed(bytes32 domainSeparator, bytes32 structHash) internal pure returns (bytes32) {
        return keccak256(abi.encodePacked(hex"1901", domainSeparator, structHash));
    }

    function _permit2(
        string memory witnessType,
        address spender,
        address token,
        Payment memory p,
        bytes32 witness
    ) private view returns (bytes32) {
        bytes32 typehash = keccak256(
            abi.encodePacked(
                "PermitWitnessTransferFrom(TokenPermissions permitted,address spender,uint256 nonce,uint256 deadline,Witness witness)TokenPermissions(address token,uint256 amount)",
                witnessType
            )
        );
        bytes32 permitted = keccak256(
            abi.encode(keccak256("TokenPermissions(address token,uint256 amount)"), token, p.amount)
        );
        bytes32 domain = keccak256(
            abi.encode(
                keccak256("EIP712Domain(string name,uint256 chainId,address verifyingContract)"),
                keccak256("Permit2"),
                block.chainid,
                Permit2Digest.PERMIT2
            )
        );
        return
            typed(
                domain, keccak256(abi.encode(typehash, permitted, spender, p.nonce, p.validBefore, witness))
            );
    }
}
