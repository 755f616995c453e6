// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Treasury} from "../../contracts/Treasury.sol";
import {HeadWord} from "../../contracts/libraries/HeadWord.sol";
import {SessionWord} from "../../contracts/libraries/SessionWord.sol";
import {Account, Asset, Scope} from "../../contracts/libraries/Types.sol";
import {WindowWord} from "../../contracts/libraries/WindowWord.sol";

/// @notice A contract that says yes to a digest or not, as its storage (any storage) has it.
contract AnyWallet {
    mapping(bytes32 => bytes32) private _answers;

    function isValidSignature(bytes32 digest, bytes calldata) external view returns (bytes32) {
        return _answers[digest];
    }

    function answerTo(bytes32 digest) external view returns (bytes32) {
        return _answers[digest];
    }
}

/// @notice A token's and Permit2's record of used nonces: any record.
contract AnyNonces {
    mapping(address => mapping(bytes32 => bool)) private _used;
    mapping(address => mapping(uint256 => uint256)) private _bitmap;

    function authorizationState(address authorizer, bytes32 nonce) external view returns (bool) {
        return _used[authorizer][nonce];
    }

    function nonceBitmap(address owner, uint256 wordPosition) external view returns (uint256) {
        return _bitmap[owner][wordPosition];
    }
}

/// @notice The treasury as it is, and windows into its storage for proofs to look through.
contract OpenTreasury is Treasury {
    constructor(address owner, address desk) Treasury(owner, desk) {}

    function wordOf(address purse) external view returns (SessionWord) {
        return _sessions[purse];
    }

    function headOf(uint256 envelope) external view returns (HeadWord) {
        return _envelopes[envelope].head;
    }

    function scopeOf(address purse) external view returns (Scope memory) {
        return _scopes[purse];
    }

    function isListed(uint256 list, address payee) external view returns (bool) {
        return _payees[list << 160 | uint160(payee)] != 0;
    }

    function accountOf(address who) external view returns (Account memory) {
        return _accounts[who];
    }

    function standing() external view returns (bool frozen, bool separateDuties, uint256 epoch) {
        return (_organisation.frozen, _organisation.separateDuties, _organisation.epoch);
    }

    /// @return The group that the purse's session was drawn from as well, or 0.
    function drawnFrom(address purse) external view returns (uint256) {
        return _draws[purse].group();
    }

    function groupOf(uint256 envelope) external view returns (uint256) {
        return _envelopes[envelope].books.group();
    }

    function groupAt(uint256 number) external view returns (bool frozen, uint256 epoch, uint256 parent) {
        return (_groups[number].frozen, _groups[number].epoch, _groups[number].parent);
    }

    function escrowOf(uint256 envelope) external view returns (uint256) {
        return _envelopes[envelope].books.escrow();
    }

    function windowOf(uint256 envelope, uint256 i) external view returns (WindowWord) {
        return _envelopes[envelope].windows[i];
    }

    /// @return token The token of the envelope's asset.
    /// @return separator Its EIP-712 domain separator.
    /// @return codeHash What the addresses of purses in it follow from.
    function assetOf(uint256 envelope)
        external
        view
        returns (address token, bytes32 separator, bytes32 codeHash)
    {
        Asset storage asset = _assets[_envelopes[envelope].books.asset()];
        return (asset.token, asset.domainSeparator, asset.purseCodeHash);
    }

    /// @return The address of an envelope's purse, created or not.
    function purseAt(uint256 envelope, uint256 index) external view returns (address) {
        return _purseAddress(envelope, index, _envelopes[envelope].books.asset());
    }

    function agentOf(uint256 envelope) external view returns (address) {
        return _envelopes[envelope].agent;
    }

    function domain() external view returns (bytes32) {
        return _domainSeparator();
    }
}
