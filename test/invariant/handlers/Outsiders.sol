// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Treasury} from "../../../contracts/Treasury.sol";
import {Role, WindowLimit} from "../../../contracts/libraries/Types.sol";
import {WatchedToken} from "../WatchedToken.sol";
import {Breach} from "../ghost/Flows.sol";
import {Ghost} from "../ghost/Ghost.sol";
import {Cast, Handler} from "./Handler.sol";

/// @notice Payees, strangers, and people with one role who try what another role may; and the clock.
contract Outsiders is Handler {
    constructor(Ghost ghost_, Treasury treasury_, Cast memory cast_) Handler(ghost_, treasury_, cast_) {}

    /* TIME */

    /// @notice Time passes: seconds, hours, or right up to and over the end of a window.
    function timePasses(uint256 seed) external counted {
        uint256 dice = _dice(seed, "how", 16);
        uint256 to = ghost.clock() + 1 + _dice(seed, "seconds", 10 minutes);
        if (dice > 6 && dice < 12) to += _dice(seed, "hours", 5 hours);
        if (dice == 12 || dice == 13) to = ghost.windowEnd(dice - 12) - 1 + _dice(seed, "edge", 3);
        if (dice == 14) to = ghost.windowEnd(2) - 1 + _dice(seed, "edge", 3);
        if (dice == 15) to += _dice(seed, "days", 16 days);
        if (to > ghost.clock()) vm.warp(to);
    }

    /* PAYEES AND DONORS */

    /// @notice Money goes straight to a purse or to the treasury: refunds, mistakes, the wrong token.
    function donates(uint256 seed) external counted {
        address purse = _somePurse(seed);
        uint24 envelope = ghost.envelopeOf(purse);
        bytes32 before = keccak256(abi.encode(views.headroom(envelope), views.envelope(envelope)));
        uint256 dice = _dice(seed, "how", 5);
        WatchedToken token = _token(dice == 4 ? _someEnvelope(seed) : envelope);
        uint256 amount = 1 + _dice(seed, "amount", 30 * UNIT);
        if (dice < 2) {
            // A refund: what a payee got comes back.
            address payee = cast.payees[dice];
            uint256 has = token.balanceOf(payee);
            vm.prank(payee);
            token.transfer(purse, amount < has ? amount : has);
        } else {
            token.mint(dice == 2 ? address(treasury) : purse, amount);
        }
        bytes32 afterwards = keccak256(abi.encode(views.headroom(envelope), views.envelope(envelope)));
        if (before != afterwards) ghost.breach(Breach.Donation);
    }

    function topsUp(uint256 seed) external counted {
        uint24 envelope = _someEnvelope(seed);
        uint256 amount = 1 + _dice(seed, "amount", 50 * UNIT);
        if (seed & 1 == 0) _topUp(cast.stranger, envelope, amount);
        else _topUpGasless(seed, envelope, _someEnvelope(seed >> 1), amount);
    }

    /// @notice Makes a purse's allowance to Permit2 what its envelope says.
    function levelsPermit2(uint256 seed) external counted {
        address purse = _somePurse(seed);
        (uint24 envelope, uint16 index) = (ghost.envelopeOf(purse), ghost.indexOf(purse));
        vm.prank(cast.stranger);
        desk.levelPermit2(envelope, index);
        ghost.levelled(purse);
    }

    /* STRANGERS */

    /// @notice Puts what waits in a purse into the escrow, or tries to where a session is open.
    function sweeps(uint256 seed) external counted {
        address purse = _somePurse(seed);
        bool may = !ghost.bookOf(purse).open && ghost.heldBy(purse) != 0;
        bytes memory call = abi.encodeCall(desk.sweepPurse, (ghost.envelopeOf(purse), ghost.indexOf(purse)));
        vm.prank(cast.stranger);
        (bool done,) = address(treasury).call(call);
        if (done && !may) ghost.breach(Breach.Closing);
        if (!done && may) ghost.breach(Breach.Refused);
    }

    /// @notice Closes what has run out, or what has not.
    function closesASession(uint256 seed) external counted {
        address by = _dice(seed, "who", 2) == 0 ? cast.stranger : _somebody(seed);
        _close(by, _somePurse(seed), _dice(seed, "signature", 2) * 2);
    }

    /// @notice Calls a verb without the role for it: strangers, agents, and people with other roles.
    function usurps(uint256 seed) external counted {
        bytes memory call = _verb(seed);
        address by = _somebody(seed);
        if (_dice(seed, "agent", 3) == 0) by = ghost.agentIn(_someEnvelope(seed));
        if (ghost.roles(by) & ghost.rolesFor(bytes4(call)) != 0) by = cast.stranger;
        _administer(by, call);
    }

    /// @notice Calls with rubbish, and with what only the treasury may ask of a purse or of its desk.
    function pesters(uint256 seed) external counted {
        address purse = _somePurse(seed);
        address token = ghost.tokenOf(ghost.envelopeOf(purse));
        uint256 held = ghost.heldBy(purse) + 1;
        _mustFail(purse, abi.encode(token, bytes4(0xa9059cbb), cast.stranger, held));
        bytes memory inner = abi.encodeWithSignature("transfer(address,uint256)", cast.stranger, held - 1);
        _mustFail(purse, abi.encodePacked(abi.encode(token), inner));
        inner = abi.encodeWithSignature("approve(address,uint256)", cast.stranger, held);
        _mustFail(purse, abi.encodePacked(abi.encode(token), inner));
        // No word of what is no verb. Hashed: a seed may well be the selector of a view.
        bytes32 noise = keccak256(abi.encode(seed));
        _mustFail(address(treasury), abi.encodePacked(bytes4(noise), noise, seed));
        _mustFail(treasury.deskCode(), abi.encodeCall(desk.grantRole, (cast.stranger, Role.OWNER)));
    }

    function _mustFail(address target, bytes memory call) private {
        vm.prank(cast.stranger);
        (bool done,) = target.call(call);
        if (done) ghost.breach(Breach.Role);
    }

    function _verb(uint256 seed) private view returns (bytes memory) {
        uint256 dice = _dice(seed, "verb", 33);
        uint24 envelope = _someEnvelope(seed);
        address me = cast.stranger;
        if (dice == 0) return abi.encodeCall(desk.grantRole, (me, uint8(1 << _dice(seed, "role", 6))));
        if (dice == 1) return abi.encodeCall(desk.revokeRole, (_somebody(seed), uint8(1 << (seed % 6))));
        if (dice == 2) return abi.encodeCall(desk.setDelay, (uint32(seed % 30 days)));
        if (dice == 3) return abi.encodeCall(desk.setSeparationOfDuties, (seed & 1 == 0));
        if (dice == 4) return abi.encodeCall(desk.addAsset, (me));
        if (dice == 5) return abi.encodeCall(desk.setAgent, (envelope, me));
        if (dice == 6) return abi.encodeCall(desk.withdraw, (envelope, me, 1));
        if (dice == 7) return abi.encodeCall(desk.recover, (ghost.tokenOf(envelope), me));
        if (dice == 8) return abi.encodeCall(desk.recoverFromPurse, (envelope, 0, address(desk), me));
        if (dice == 9) return abi.encodeCall(desk.unfreezeOrganisation, ());
        if (dice == 10) return abi.encodeCall(desk.unfreezeEnvelope, (envelope));
        if (dice == 11) return abi.encodeCall(desk.unfreezeGroup, (_someGroup(seed)));
        if (dice == 12) return abi.encodeCall(desk.clearReview, (envelope, bytes32(seed)));
        if (dice == 13) return abi.encodeCall(desk.announce, (abi.encode(seed)));
        if (dice == 14) {
            return abi.encodeCall(desk.createEnvelope, (me, ghost.tokenOf(envelope), _policy(seed, 0)));
        }
        if (dice == 15) return abi.encodeCall(desk.setPolicy, (envelope, _policy(seed, _shapeOf(envelope))));
        if (dice == 16) return abi.encodeCall(desk.createPurses, (envelope, 1));
        if (dice == 17) return abi.encodeCall(treasury.freezeOrganisation, ());
        if (dice == 18) return abi.encodeCall(treasury.freezeEnvelope, (envelope));
        if (dice == 19) return abi.encodeCall(desk.setReview, (envelope, bytes32(seed)));
        if (dice == 20) return abi.encodeCall(treasury.freezeSession, (_somePurse(seed)));
        return _groupVerb(seed, dice - 21, envelope);
    }

    function _groupVerb(uint256 seed, uint256 dice, uint24 envelope) private view returns (bytes memory) {
        uint24 group = _someGroup(seed);
        address me = cast.stranger;
        if (dice == 0) return abi.encodeCall(treasury.listPayee, (1, me));
        if (dice == 1) return abi.encodeCall(desk.unlistPayee, (1, cast.payees[0]));
        if (dice == 2) return abi.encodeCall(treasury.freezeGroup, (group));
        if (dice == 3) return abi.encodeCall(desk.setGroup, (envelope, 0));
        if (dice == 4) return abi.encodeCall(desk.setPermit2, (envelope, true));
        if (dice == 5) return abi.encodeCall(desk.revokeStamp, (bytes32(seed)));
        if (dice == 6) return abi.encodeCall(desk.setStampEpoch, (uint32(seed)));
        if (dice == 7) return abi.encodeCall(desk.anchor, (bytes32(seed), 1));
        if (dice == 8) return abi.encodeCall(desk.setScoreLife, (envelope, 0));
        if (dice == 9) return abi.encodeCall(desk.reportScore, (envelope, 1));
        (WindowLimit[] memory windows, uint96 lifetime) = _groupLimits(seed, false);
        if (dice == 10) return abi.encodeCall(desk.setGroupLimits, (group, windows, lifetime));
        return abi.encodeCall(desk.createGroup, (0, ghost.tokenOf(envelope), windows, lifetime));
    }
}
