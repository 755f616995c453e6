// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {DrawWord} from "../libraries/DrawWord.sol";
import {HeadWord, HeadWordLib} from "../libraries/HeadWord.sol";
import {PaymentDigest} from "../libraries/PaymentDigest.sol";
import {SessionWord} from "../libraries/SessionWord.sol";
import {
    Account,
    Envelope,
    EnvelopeView,
    Group,
    GroupView,
    Headroom,
    Organisation,
    Policy,
    Scope,
    SessionView,
    WindowLimit
} from "../libraries/Types.sol";
import {WindowWord} from "../libraries/WindowWord.sol";
import {Windows} from "../libraries/Windows.sol";
import {TreasuryStanding} from "./TreasuryStanding.sol";

/// @notice What a treasury answers about itself.
abstract contract TreasuryState is TreasuryStanding {
    function organisation() external view returns (Organisation memory) {
        return _organisation;
    }

    /// @notice Roles (bits of {Role}), authorship and agency of an account.
    function account(address who) external view returns (Account memory) {
        return _accounts[who];
    }

    function asset(uint256 index) external view returns (address token, uint256 escrowed, bytes32 separator) {
        return (_assets[index].token, _assets[index].escrowed, _assets[index].domainSeparator);
    }

    function envelope(uint24 number) external view returns (EnvelopeView memory) {
        Envelope storage record = _existing(number);
        HeadWord head = record.head;
        return EnvelopeView({
            agent: record.agent,
            asset: _assets[record.books.asset()].token,
            escrow: record.books.escrow(),
            policyVersion: head.policyVersion(),
            frozen: head.has(HeadWordLib.FROZEN),
            underReview: head.has(HeadWordLib.REVIEW),
            purses: record.books.morePurses() + 1,
            group: record.books.group(),
            permit2: head.has(HeadWordLib.PERMIT2),
            scoreLife: record.books.scoreLife(),
            scoredAt: record.books.scoredAt(),
            score: record.books.score(),
            policy: _policyInForce(record)
        });
    }

    /// @notice What each limit of an envelope has left now, what open sessions hold counted as used.
    function headroom(uint24 number) external view returns (Headroom[] memory) {
        return _headroom(_existing(number).windows);
    }

    function group(uint24 number) external view returns (GroupView memory) {
        Group storage record = _existingGroup(number);
        return GroupView({
            parent: record.parent,
            asset: _assets[record.asset].token,
            frozen: record.frozen,
            epoch: record.epoch
        });
    }

    /// @notice What each limit of a group has left now.
    function groupHeadroom(uint24 number) external view returns (Headroom[] memory) {
        return _headroom(_existingGroup(number).windows);
    }

    function _headroom(WindowWord[5] storage words) private view returns (Headroom[] memory rooms) {
        uint256 count;
        while (count < 5 && words[count].limit() != 0) ++count;
        rooms = new Headroom[](count);
        for (uint256 i; i < count; ++i) {
            WindowWord window = words[i];
            uint256 period = window.period();
            rooms[i] = Headroom({
                period: period,
                limit: window.limit(),
                used: Windows.usedAt(window, block.timestamp),
                endsAt: Windows.endOf(period, Windows.indexAt(period, block.timestamp))
            });
        }
    }

    /// @notice The document hash of a policy version of an envelope; zero where there never was one.
    function policyHash(uint24 number, uint16 version) external view returns (bytes32) {
        return _envelopes[number].policyHashes[version];
    }

    /// @notice The address of an envelope's purse, created or not.
    function purseOf(uint24 number, uint16 index) external view returns (address) {
        return _purseAddress(number, index, _existing(number).books.asset());
    }

    function session(address purse) external view returns (SessionView memory) {
        SessionWord word = _sessions[purse];
        DrawWord draw = _draws[purse];
        Scope memory none;
        bool open = word.key() != address(0);
        (, uint256 epoch) = _judgeStops(word.envelope(), _envelopes[word.envelope()].head);
        return SessionView({
            envelope: word.envelope(),
            sequence: word.sequence(),
            key: word.key(),
            expiry: open ? draw.expiry() : 0,
            policyVersion: word.policyVersion(),
            frozen: open && word.expiry() == 0,
            budget: open ? draw.budget() : 0,
            openedAt: open ? draw.openedAt() : 0,
            scope: word.scoped() ? _scopes[purse] : none,
            epoch: epoch,
            group: open ? draw.group() : 0
        });
    }

    function isPayeeListed(uint16 list, address payee) external view returns (bool) {
        return _isListed(list, payee);
    }

    /// @notice When an announced call may run, in unix seconds; 0 where it is not announced.
    function announcedFor(bytes32 id) external view returns (uint256) {
        return _readyAt(id);
    }

    function isStampRevoked(bytes32 stampHash) external view returns (bool) {
        return _revokedStamps[stampHash];
    }

    /// @notice The EIP-3009 nonce of a gasless top-up of an envelope.
    function topUpNonce(uint24 envelope_, bytes32 salt) external pure returns (bytes32) {
        return PaymentDigest.topUpNonce(envelope_, salt);
    }
}
