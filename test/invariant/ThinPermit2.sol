// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Digests, Payment} from "../Digests.sol";
import {IERC1271} from "@openzeppelin/contracts/interfaces/IERC1271.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

/// @notice As little of Permit2 and the two x402 proxies as settles a payment: one-time nonces as bits, the
/// payer's EIP-1271 answer, one transfer. Histories of a million calls need no more; that the digests are those
/// of the real ones is shown elsewhere.
contract ThinPermit2 {
    mapping(address owner => mapping(uint256 word => uint256)) public nonceBitmap;

    error Refused();

    /// @param charge What is taken: all of the amount on rail 2, up to it on rail 3.
    function settle(address token, address from, Payment calldata p, uint256 charge, bytes calldata signature)
        external
    {
        bool exact = p.rail == 2;
        if (exact ? charge != p.amount : charge > p.amount) revert Refused();
        if (block.timestamp < p.validAfter || block.timestamp > p.validBefore) revert Refused();
        uint256 bit = 1 << (uint256(p.nonce) & 0xff);
        if (nonceBitmap[from][uint256(p.nonce) >> 8] & bit != 0) revert Refused();
        nonceBitmap[from][uint256(p.nonce) >> 8] |= bit;

        // The upto proxy lets only the facilitator that was signed for settle.
        bytes32 digest = exact ? Digests.exact(token, p) : Digests.upto(token, p, msg.sender);
        if (IERC1271(from).isValidSignature(digest, signature) != IERC1271.isValidSignature.selector) {
            revert Refused();
        }
        if (!IERC20(token).transferFrom(from, p.payee, charge)) revert Refused();
    }
}
