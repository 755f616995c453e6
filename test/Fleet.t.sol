// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Refusal, SessionRequest, WindowLimit} from "../contracts/libraries/Types.sol";
import {Base} from "./Base.t.sol";
import {Payment} from "./Digests.sol";

/// @notice Three agents with an envelope each, and the verbs of tests about groups.
abstract contract Fleet is Base {
    uint32 internal constant HOUR = 1 hours;

    uint24[3] internal members;
    uint256[3] private _agentKeys;

    function setUp() public virtual override {
        super.setUp();
        (members[0], _agentKeys[0]) = (envelope, agentKey);
        for (uint256 i = 1; i < 3; ++i) {
            address who;
            (who, _agentKeys[i]) = makeAddrAndKey(string.concat("agent ", vm.toString(i)));
            vm.prank(manager);
            (members[i],) = desk.createEnvelope(who, address(usdc), defaultPolicy());
            fund(members[i], 1000 * UNIT);
        }
    }

    /* GROUPS */

    /// @dev A limit of zero stands for none. The amounts are in whole units.
    function limits(uint256 hour, uint256 day, uint256 week)
        internal
        pure
        returns (WindowLimit[] memory windows)
    {
        uint256[3] memory amounts = [hour, day, week];
        uint32[3] memory periods = [HOUR, DAY, WEEK];
        windows = new WindowLimit[](3);
        uint256 count;
        for (uint256 i; i < 3; ++i) {
            if (amounts[i] == 0) continue;
            windows[count++] = WindowLimit({period: periods[i], limit: uint96(amounts[i] * UNIT)});
        }
        assembly ("memory-safe") {
            mstore(windows, count)
        }
    }

    /// @dev With a limit a day alone, in whole units.
    function newGroup(uint24 parent, uint256 day) internal returns (uint24 group) {
        return newGroup(parent, limits(0, day, 0), 0);
    }

    function newGroup(uint24 parent, WindowLimit[] memory windows, uint256 lifetime)
        internal
        returns (uint24 group)
    {
        vm.prank(manager);
        return desk.createGroup(parent, address(usdc), windows, uint96(lifetime * UNIT));
    }

    function put(uint24 number, uint24 group) internal {
        vm.prank(manager);
        desk.setGroup(number, group);
    }

    function usedOfGroup(uint24 group, uint256 window) internal view returns (uint256) {
        return views.groupHeadroom(group)[window].used;
    }

    /* SESSIONS */

    function purseOf(uint24 number) internal view returns (address) {
        return views.purseOf(number, 0);
    }

    function requestFor(uint24 number, uint256 budget) internal returns (SessionRequest memory r) {
        nextSessionKey();
        r.envelope = number;
        r.sequence = uint24(views.session(purseOf(number)).sequence + 1);
        r.key = sessionKey;
        r.budget = uint96(budget);
        r.expiry = uint32(time() + 1 hours);
    }

    function signatureFor(SessionRequest memory r) internal view returns (bytes memory) {
        for (uint256 i; i < 3; ++i) {
            if (members[i] == r.envelope) return signRequest(r, _agentKeys[i]);
        }
        revert("no member of the fleet");
    }

    /// @dev `sessionSecret` is the new session's from here on.
    function openOf(uint24 number, uint256 budget) internal returns (address) {
        SessionRequest memory r = requestFor(number, budget);
        return treasury.openSession(r, signatureFor(r));
    }

    function closeOf(uint24 number) internal {
        address from = purseOf(number);
        vm.prank(manager);
        treasury.closeSession(from, "");
    }

    /// @dev Refused by the verb with both values, and by the view that is asked beforehand.
    function assertDrawRefused(SessionRequest memory r, Refusal reason, uint256 limit, uint256 actual)
        internal
    {
        (Refusal told, uint256 toldLimit, uint256 toldActual) = views.diagnoseSession(r);
        assertEq(uint8(told), uint8(reason), "diagnosed reason");
        assertEq(toldLimit, limit, "diagnosed limit");
        assertEq(toldActual, actual, "diagnosed actual");
        bytes memory signature = signatureFor(r);
        vm.expectRevert(abi.encodeWithSelector(SessionRefused.selector, reason, limit, actual));
        treasury.openSession(r, signature);
    }

    /* PAYMENTS */

    /// @dev By the session that was opened last. `nonceOf` in {Base} knows one envelope's policy version only.
    function payFrom(uint24 number, uint256 amount, bytes32 decision) internal {
        uint24 before = envelope;
        envelope = number;
        pay(purseOf(number), payee, amount, decision);
        envelope = before;
    }

    function signedFrom(uint24 number, uint256 amount)
        internal
        returns (Payment memory payment, bytes32 digest, bytes memory blob)
    {
        uint24 before = envelope;
        envelope = number;
        payment = paymentOf(payee, amount);
        (digest, blob) = signed(purseOf(number), payment);
        envelope = before;
    }

    /// @dev Why the purse of an envelope refuses a payment; it must refuse exactly where there is a reason.
    function judged(uint24 number, bytes32 digest, bytes memory blob) internal view returns (Refusal reason) {
        (reason,,) = views.diagnosePayment(purseOf(number), digest, blob);
        assertEq(answer(purseOf(number), digest, blob) == VALID, reason == Refusal.None, "purse and views");
    }

    function assertJudged(uint24 number, bytes32 digest, bytes memory blob, Refusal expected) internal view {
        assertEq(uint8(judged(number, digest, blob)), uint8(expected), "reason");
    }
}
