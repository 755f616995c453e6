// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Purse} from "../Purse.sol";
import {BooksWord} from "../libraries/BooksWord.sol";
import {HeadWord, HeadWordLib} from "../libraries/HeadWord.sol";
import {Policies} from "../libraries/Policies.sol";
import {Account, Asset, Envelope, Policy, Role} from "../libraries/Types.sol";
import {WindowWord} from "../libraries/WindowWord.sol";
import {TreasuryRoles} from "./TreasuryRoles.sol";

interface IEip712Token {
    function DOMAIN_SEPARATOR() external view returns (bytes32);
}

/// @notice Assets, and envelopes with their policies and purses.
abstract contract TreasuryEnvelopes is TreasuryRoles {
    /* ASSETS */

    /// @notice Lets envelopes hold `token`, an EIP-3009 token with an EIP-712 domain.
    /// @dev Warning: the owner vouches for it. A token that takes fees, calls back or changes its domain is
    /// contained (limits hold, top-ups of it fail), but money in it is only as good as the token.
    function addAsset(address token) external only(Role.OWNER) {
        uint8 count = _organisation.assets;
        for (uint256 i; i < count; ++i) {
            if (_assets[i].token == token) revert AssetKnown(token);
        }
        if (count == type(uint8).max) revert TooMany(type(uint8).max);
        bytes32 domainSeparator = IEip712Token(token).DOMAIN_SEPARATOR();
        _assets[count] = Asset({
            token: token,
            escrowed: 0,
            domainSeparator: domainSeparator,
            purseCodeHash: keccak256(abi.encodePacked(type(Purse).creationCode, domainSeparator))
        });
        _organisation.assets = count + 1;
        emit AssetAdded(token, count, domainSeparator);
    }

    /* ENVELOPES */

    /// @notice Creates the envelope of an agent, with its first purse.
    /// @param agent The agent's identity key: an EOA, or a contract with EIP-1271.
    /// @param asset The token the envelope holds.
    /// @return envelope Its number, from 1.
    /// @return purse Its purse with index 0.
    function createEnvelope(address agent, address asset, Policy memory policy)
        external
        only(Role.POLICY_MANAGER)
        returns (uint24 envelope, address purse)
    {
        uint8 assetIndex = _assetIndex(asset);
        envelope = _organisation.envelopes;
        if (envelope == type(uint24).max) revert TooMany(type(uint24).max);
        unchecked {
            _organisation.envelopes = ++envelope;
        }

        Envelope storage record = _envelopes[envelope];
        _assignAgent(envelope, record, agent);
        if (assetIndex != 0) record.books = record.books.withAsset(assetIndex);
        emit EnvelopeCreated(envelope, agent, asset, msg.sender);
        WindowWord[5] memory none;
        _writePolicy(envelope, record, policy, none);
        purse = _createPurse(envelope, 0, assetIndex);
    }

    /// @notice Puts a policy in force; outstanding payments die with the one before, open sessions pay no more.
    /// @dev At once when nothing gets looser, otherwise after its announcement.
    function setPolicy(uint24 envelope, Policy memory policy) external only(Role.POLICY_MANAGER) {
        Envelope storage record = _existing(envelope);
        HeadWord head = record.head;
        WindowWord[5] memory old = record.windows;
        bool tighter = Policies.tightens(
            policy,
            old,
            head.paymentCap(),
            head.approvalThreshold(),
            record.sessionLimit,
            head.maxSessionSeconds(),
            head.payeeList()
        );
        if (!tighter) _requireAnnounced();
        _writePolicy(envelope, record, policy, old);
    }

    /// @notice Replaces the agent's identity key, after a loss or a compromise. Loosening.
    /// @dev The policy gets a new version with it: sessions that the old key opened pay no more.
    function setAgent(uint24 envelope, address agent) external only(Role.OWNER) {
        Envelope storage record = _existing(envelope);
        _requireAnnounced();
        delete _accounts[record.agent].agentOf;
        _assignAgent(envelope, record, agent);
        emit AgentSet(envelope, agent, msg.sender);

        _renewPolicy(envelope, record);
    }

    /// @notice Creates further purses, so that replicas of one agent share no state.
    function createPurses(uint24 envelope, uint16 count) external only(Role.POLICY_MANAGER) {
        Envelope storage record = _existing(envelope);
        BooksWord books = record.books;
        uint256 have = books.morePurses();
        if (have + count > type(uint16).max) revert TooMany(type(uint16).max);
        record.books = books.withMorePurses(uint16(have + count));
        for (uint256 i = 1; i <= count; ++i) {
            _createPurse(envelope, uint16(have + i), books.asset());
        }
    }

    /* INTERNAL */

    function _assetIndex(address token) internal view returns (uint8) {
        uint256 count = _organisation.assets;
        for (uint256 i; i < count; ++i) {
            if (_assets[i].token == token) return uint8(i);
        }
        revert AssetUnknown(token);
    }

    function _assignAgent(uint24 envelope, Envelope storage record, address agent) private {
        if (agent == address(0)) revert AddressZero();
        Account storage account = _accounts[agent];
        uint256 other = account.agentOf;
        if (other != 0) revert AgentTaken(agent, other);
        account.agentOf = envelope;
        record.agent = agent;
    }

    function _createPurse(uint24 envelope, uint16 index, uint256 asset) private returns (address purse) {
        bytes32 salt = bytes32(uint256(envelope) << 16 | index);
        purse = address(new Purse{salt: salt}(_assets[asset].domainSeparator));
        emit PurseCreated(envelope, purse, index);
    }

    function _nextVersion(HeadWord head) private pure returns (uint16 version) {
        version = head.policyVersion();
        if (version == type(uint16).max) revert TooMany(type(uint16).max);
        unchecked {
            return version + 1;
        }
    }

    /// @dev The same policy under a new version: what was signed, and who may sign, ends with the one before.
    function _renewPolicy(uint24 envelope, Envelope storage record) internal {
        Policy memory policy = _policyInForce(record);
        uint16 version = _nextVersion(record.head);
        record.head = record.head.withVersion(version);
        record.policyHashes[version] = policy.policyHash;
        emit PolicySet(envelope, version, policy, msg.sender);
    }

    function _writePolicy(
        uint24 envelope,
        Envelope storage record,
        Policy memory policy,
        WindowWord[5] memory old
    ) private {
        Policies.validate(policy);
        HeadWord head = record.head;
        uint16 version = _nextVersion(head);

        record.head = HeadWordLib.pack(
            policy.paymentCap,
            policy.approvalThreshold,
            policy.maxSessionSeconds,
            version,
            policy.payeeList,
            head.flags()
        );
        record.sessionLimit = policy.sessionLimit;
        record.policyHashes[version] = policy.policyHash;
        (WindowWord[5] memory next, bool samePeriods) = Policies.layOut(policy, old, block.timestamp);
        for (uint256 i; i < 5; ++i) {
            WindowWord window = next[i];
            if (window.limit() == 0 && old[i].limit() == 0) break;
            record.windows[i] = window;
        }
        // Version 1 needs no mark: every session is opened at version 1 or later.
        if (!samePeriods && version != 1) record.books = record.books.withWindowsSince(version);

        if (!_accounts[msg.sender].author) _accounts[msg.sender].author = true;
        emit PolicySet(envelope, version, policy, msg.sender);
    }
}
