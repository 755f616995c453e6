// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Refusal, Role, SessionRequest, WindowLimit} from "../../contracts/libraries/Types.sol";
import {Base} from "../Base.t.sol";
import {Payment} from "../Digests.sol";

/// @notice Makes calls for others: a relayer, a bundler, a multicall. Goes on where one fails.
contract Bundler {
    function run(address[] calldata targets, bytes[] calldata calls) external returns (bool[] memory done) {
        done = new bool[](calls.length);
        for (uint256 i; i < calls.length; ++i) {
            (done[i],) = targets[i].call(calls[i]);
        }
    }
}

/// @notice What other spending-limit contracts get wrong, tried here (docs/INVARIANTS.md 1, 4, 5, 7, 21).
contract PeersTrapsTest is Base {
    uint256 private constant THURSDAY = 1_767_830_400;
    uint256 private constant MONDAY = 1_768_176_000;

    mapping(address purse => uint256) private _secrets;
    uint256 private _counter;

    /* TWO LIMITS */

    function test_GivenFullDay_DayBindsThoughWeekDoesNot() public {
        _openAndSpend(50 * UNIT);
        _openAndSpend(50 * UNIT);
        nextSessionKey();
        assertOpeningRefused(request(1), Refusal.WindowLimitExceeded, 100 * UNIT, 100 * UNIT + 1);
        vm.warp(THURSDAY);
        assertOpens(request(50 * UNIT));
    }

    function test_GivenFullWeek_WeekBindsThoughDayDoesNot() public {
        for (uint256 day; day < 3; ++day) {
            vm.warp(THURSDAY + day * 1 days);
            _openAndSpend(50 * UNIT);
            _openAndSpend(50 * UNIT);
        }
        vm.warp(THURSDAY + 3 days);
        assertEq(usedOf(envelope, 0), 0, "the day is empty");
        nextSessionKey();
        assertOpeningRefused(request(1), Refusal.WindowLimitExceeded, 300 * UNIT, 300 * UNIT + 1);
        vm.warp(MONDAY);
        assertOpens(request(50 * UNIT));
    }

    /// forge-config: default.fuzz.runs = 48
    function testFuzz_GivenAnyDraws_NeitherLimitIsExceeded(uint256 seed) public {
        uint256[21] memory days_;
        uint256[3] memory weeks_;
        vm.warp(MONDAY);
        fund(envelope, 9000 * UNIT);
        for (uint256 i; i < 80; ++i) {
            uint256 dice = uint256(keccak256(abi.encode(seed, i)));
            if (time() + 9 hours >= MONDAY + 21 days) break;
            vm.warp(time() + dice % 9 hours);
            nextSessionKey();
            SessionRequest memory r = request(1 + (dice >> 64) % (50 * UNIT));
            (Refusal reason,,) = views.diagnoseSession(r);
            if (reason != Refusal.None) continue;
            treasury.openSession(r, signRequest(r));
            uint256 paid = _spend(purse, payee);
            days_[(time() - MONDAY) / 1 days] += paid;
            weeks_[(time() - MONDAY) / 7 days] += paid;
        }
        for (uint256 i; i < 21; ++i) {
            assertLe(days_[i], 100 * UNIT, "a day");
        }
        for (uint256 i; i < 3; ++i) {
            assertLe(weeks_[i], 300 * UNIT, "a week");
        }
    }

    /* DONATIONS */

    function test_GivenDonationToASession_NoLaterSessionGetsMore() public {
        open(50 * UNIT);
        usdc.mint(purse, 500 * UNIT);
        assertEq(usedOf(envelope, 0), 50 * UNIT);
        nextSessionKey();
        open(50 * UNIT);
        assertEq(usdc.balanceOf(purse), 50 * UNIT, "swept, not carried over");
        assertEq(usedOf(envelope, 0), 50 * UNIT, "given back no more than was drawn");
        _spend(purse, payee);
        nextSessionKey();
        open(50 * UNIT);
        _spend(purse, payee);
        nextSessionKey();
        assertOpeningRefused(request(1), Refusal.WindowLimitExceeded, 100 * UNIT, 100 * UNIT + 1);
    }

    function test_GivenDonationElsewhere_NoLimitMoves() public {
        usdc.mint(purse, 500 * UNIT);
        usdc.mint(address(treasury), 500 * UNIT);
        desk.sweepPurse(envelope, 0);
        assertEq(usedOf(envelope, 0), 0);
        SessionRequest memory r = request(50 * UNIT + 1);
        assertOpeningRefused(r, Refusal.SessionLimitExceeded, 50 * UNIT, 50 * UNIT + 1);
        _openAndSpend(50 * UNIT);
        _openAndSpend(50 * UNIT);
        nextSessionKey();
        assertOpeningRefused(request(1), Refusal.WindowLimitExceeded, 100 * UNIT, 100 * UNIT + 1);
    }

    /// @dev The payee is in it with the agent: what it refunds it gets again, and not a unit more.
    function test_GivenRefundsAsFastAsPayments_NetStaysWithinTheDay() public {
        for (uint256 session; session < 8; ++session) {
            nextSessionKey();
            SessionRequest memory r = request(50 * UNIT);
            (Refusal reason,,) = views.diagnoseSession(r);
            if (reason != Refusal.None) break;
            treasury.openSession(r, signRequest(r));
            _spend(purse, payee);
            vm.prank(payee);
            usdc.transfer(purse, 30 * UNIT);
            _spend(purse, payee);
            assertLe(paidTo(payee), 100 * UNIT, "net outflow");
        }
        assertEq(paidTo(payee), 100 * UNIT);
    }

    /* TEN PURSES */

    function test_GivenTenPursesAskForAll_TogetherTheyGetTheDay() public {
        address[] memory purses = _tenPurses();
        uint256 drawn;
        for (uint256 i; i < 10; ++i) {
            drawn += _openAtMost(purses, i, 50 * UNIT);
        }
        assertEq(drawn, 100 * UNIT);
        _assertTenHold(purses, 100 * UNIT);
    }

    /// forge-config: default.fuzz.runs = 48
    function testFuzz_GivenAnyInterleaving_TenPursesOverspendNothing(uint256 seed) public {
        address[] memory purses = _tenPurses();
        for (uint256 i; i < 60; ++i) {
            uint256 dice = uint256(keccak256(abi.encode(seed, i)));
            address from = purses[dice % 10];
            if ((dice >> 8) % 2 == 0) _openAtMost(purses, dice % 10, 1 + (dice >> 16) % (50 * UNIT));
            else if (usdc.balanceOf(from) != 0) _spend(from, payee);
            assertLe(paidTo(payee), 100 * UNIT, "a day's limit");
        }
        for (uint256 i; i < 10; ++i) {
            if (usdc.balanceOf(purses[i]) != 0) _spend(purses[i], payee);
        }
        assertLe(paidTo(payee), 100 * UNIT, "late payments of all");
        assertEq(paidTo(payee), usedOf(envelope, 0), "and the books say so");
    }

    function _tenPurses() private returns (address[] memory purses) {
        vm.prank(manager);
        desk.createPurses(envelope, 9);
        purses = new address[](10);
        for (uint16 i; i < 10; ++i) {
            purses[i] = views.purseOf(envelope, i);
        }
    }

    /// @dev Opens with the budget, or with what the day leaves of it.
    function _openAtMost(address[] memory purses, uint256 index, uint256 budget)
        private
        returns (uint256 drawn)
    {
        purse = purses[index];
        nextSessionKey();
        SessionRequest memory r = request(budget);
        r.purseIndex = uint16(index);
        (Refusal reason, uint256 limit, uint256 wanted) = views.diagnoseSession(r);
        if (reason == Refusal.WindowLimitExceeded && wanted - limit < budget) {
            r.budget -= uint96(wanted - limit);
            (reason,,) = views.diagnoseSession(r);
        }
        if (reason != Refusal.None) return 0;
        treasury.openSession(r, signRequest(r));
        _secrets[purse] = sessionSecret;
        return r.budget;
    }

    function _assertTenHold(address[] memory purses, uint256 amount) private view {
        uint256 held;
        for (uint256 i; i < 10; ++i) {
            held += usdc.balanceOf(purses[i]);
        }
        assertEq(held, amount);
    }

    /* IN FLIGHT */

    function test_GivenFreezes_InFlightDies() public {
        for (uint256 i; i < 4; ++i) {
            uint256 snapshot = vm.snapshotState();
            (Payment memory p, bytes32 digest, bytes memory blob) = _inFlight();
            _freeze(i);
            Refusal[4] memory reasons = [
                Refusal.SessionFrozen, Refusal.EnvelopeFrozen, Refusal.GroupFrozen, Refusal.OrganisationFrozen
            ];
            assertRefused(purse, p, digest, blob, reasons[i]);
            vm.revertToState(snapshot);
        }
    }

    function test_GivenReleased_InFlightStaysDead() public {
        for (uint256 i = 1; i < 4; ++i) {
            uint256 snapshot = vm.snapshotState();
            (Payment memory p, bytes32 digest, bytes memory blob) = _inFlight();
            bytes32 nonce = nonceOf(purse, p.decisionHash);
            _freeze(i);
            vm.startPrank(owner);
            if (i == 1) desk.unfreezeEnvelope(envelope);
            else if (i == 2) desk.unfreezeGroup(1);
            else desk.unfreezeOrganisation();
            vm.stopPrank();
            _assertDead(p, nonce, digest, blob);
            vm.revertToState(snapshot);
        }
    }

    function test_GivenSessionEnded_InFlightDies() public {
        for (uint256 i; i < 4; ++i) {
            uint256 snapshot = vm.snapshotState();
            (Payment memory p, bytes32 digest, bytes memory blob) = _inFlight();
            bytes32 nonce = nonceOf(purse, p.decisionHash);
            if (i == 0) vm.prank(agent);
            if (i == 1) vm.prank(guardian);
            if (i < 2) treasury.closeSession(purse, "");
            if (i == 2) treasury.closeSession(purse, signClose(purse, 1, agentKey));
            if (i == 3) {
                nextSessionKey();
                open(50 * UNIT);
            }
            usdc.mint(purse, 50 * UNIT);
            _assertDead(p, nonce, digest, blob);
            vm.revertToState(snapshot);
        }
    }

    function test_GivenExpiry_InFlightDiesToTheSecond() public {
        open(50 * UNIT);
        Payment memory p = paymentOf(payee, UNIT);
        p.validBefore = time() + 2 days;
        (bytes32 digest, bytes memory blob) = signed(purse, p);
        uint256 expiry = views.session(purse).expiry;
        vm.warp(expiry - 1);
        assertAccepted(purse, digest, blob);
        vm.warp(expiry);
        assertRefused(purse, p, digest, blob, Refusal.SessionExpired);
    }

    function test_GivenRulesChanged_InFlightDies() public {
        for (uint256 i; i < 3; ++i) {
            uint256 snapshot = vm.snapshotState();
            (Payment memory p, bytes32 digest, bytes memory blob) = _inFlight();
            bytes32 nonce = nonceOf(purse, p.decisionHash);
            if (i == 0) setPolicy(defaultPolicy());
            if (i == 1) vm.prank(owner);
            if (i == 1) desk.setAgent(envelope, makeAddr("next agent"));
            if (i == 2) vm.prank(manager);
            if (i == 2) desk.setGroup(envelope, 0);
            _assertDead(p, nonce, digest, blob);
            vm.revertToState(snapshot);
        }
    }

    function test_GivenPayeeOrApproverGone_InFlightDies() public {
        open(50 * UNIT);
        Payment memory p = paymentOf(payee, 15 * UNIT);
        (bytes32 digest, bytes memory blob) = signedWithApproval(purse, p, approverKey);
        assertAccepted(purse, digest, blob);
        uint256 snapshot = vm.snapshotState();
        vm.prank(guardian);
        desk.unlistPayee(LIST, payee);
        assertRefused(purse, p, digest, blob, Refusal.PayeeNotListed);
        vm.revertToState(snapshot);
        vm.prank(owner);
        desk.revokeRole(approver, Role.APPROVER);
        assertRefused(purse, p, digest, blob, Refusal.ApproverNotAuthorized);
    }

    /// @dev A payment that would settle now, of an envelope in a group.
    function _inFlight() private returns (Payment memory p, bytes32 digest, bytes memory blob) {
        WindowLimit[] memory windows = new WindowLimit[](1);
        windows[0] = WindowLimit({period: DAY, limit: uint96(90 * UNIT)});
        vm.startPrank(manager);
        desk.setGroup(envelope, desk.createGroup(0, address(usdc), windows, 0));
        vm.stopPrank();
        open(50 * UNIT);
        p = paymentOf(payee, UNIT);
        (digest, blob) = signed(purse, p);
        assertAccepted(purse, digest, blob);
    }

    function _freeze(uint256 what) private {
        vm.startPrank(guardian);
        if (what == 0) treasury.freezeSession(purse);
        else if (what == 1) treasury.freezeEnvelope(envelope);
        else if (what == 2) treasury.freezeGroup(1);
        else treasury.freezeOrganisation();
        vm.stopPrank();
    }

    /// @dev With the nonce it was signed for: the purse says no, so the token does.
    function _assertDead(Payment memory p, bytes32 nonce, bytes32 digest, bytes memory blob) private {
        assertEq(answer(purse, digest, blob), INVALID, "purse says yes");
        uint256 before = paidTo(payee);
        (bool done,) = address(usdc).call(_transfer(purse, p, nonce, blob));
        assertFalse(done, "settled");
        assertEq(paidTo(payee), before);
    }

    /* WRAPPED, BATCHED, RE-ORDERED */

    function test_GivenWrapped_TheSameHappens() public {
        open(50 * UNIT);
        Payment memory p = paymentOf(payee, UNIT);
        (, bytes memory blob) = signed(purse, p);
        Bundler outer = new Bundler();
        address[] memory targets = new address[](1);
        bytes[] memory calls = new bytes[](1);
        (targets[0], calls[0]) = (address(usdc), _transfer(purse, p, nonceOf(purse, p.decisionHash), blob));
        calls[0] = abi.encodeCall(Bundler.run, (targets, calls));
        targets = new address[](1);
        targets[0] = address(new Bundler());
        vm.expectEmit(address(usdc));
        emit AuthorizationUsed(purse, nonceOf(purse, p.decisionHash));
        outer.run(targets, calls);
        assertEq(paidTo(payee), UNIT);
        assertEq(usdc.balanceOf(purse), 49 * UNIT);
    }

    event AuthorizationUsed(address indexed authorizer, bytes32 indexed nonce);

    /// @dev Eight good ones and eight of every other kind, in any order, each twice: the good ones settle once.
    function testFuzz_GivenBatchedAndReordered_EachSettlesAsItWouldAlone(uint256 seed) public {
        open(50 * UNIT);
        bytes[] memory calls = new bytes[](32);
        address[] memory targets = new address[](32);
        bool[] memory good = new bool[](32);
        for (uint256 i; i < 16; ++i) {
            good[i] = i < 8;
            calls[i] = _oneOf(i);
            (good[i + 16], calls[i + 16]) = (good[i], calls[i]);
        }
        for (uint256 i = 31; i > 0; --i) {
            uint256 k = uint256(keccak256(abi.encode(seed, i))) % (i + 1);
            (calls[i], calls[k], good[i], good[k]) = (calls[k], calls[i], good[k], good[i]);
        }
        for (uint256 i; i < 32; ++i) {
            targets[i] = address(usdc);
        }
        bool[] memory done = new Bundler().run(targets, calls);
        uint256 settled;
        for (uint256 i; i < 32; ++i) {
            if (done[i]) ++settled;
            if (done[i]) assertTrue(good[i], "a bad one settled");
        }
        assertEq(settled, 8, "each good one once");
        assertEq(paidTo(payee), 36 * UNIT);
        assertEq(usdc.balanceOf(purse), 14 * UNIT);
    }

    /// @dev The first eight are of 1 to 8 and good; the others each have one thing wrong.
    function _oneOf(uint256 i) private view returns (bytes memory) {
        Payment memory p = paymentOf(payee, (i % 8 + 1) * UNIT);
        p.decisionHash = keccak256(abi.encode(i));
        if (i == 8) p.payee = otherPayee;
        if (i == 9) p.amount = 11 * UNIT;
        if (i == 10) p.amount = 21 * UNIT;
        if (i == 11) p.validBefore = time();
        if (i == 12) p.validAfter = time();
        (bytes32 digest, bytes memory blob) = signed(purse, p);
        if (i == 13) blob = blobOf(p, digest, agentKey);
        if (i == 14) p.amount += 1;
        bytes32 nonce = nonceOf(purse, p.decisionHash);
        if (i == 15) nonce = OTHER_NONCE;
        return _transfer(purse, p, nonce, blob);
    }

    function test_GivenTriedAgainAndAgain_SettlesOnce() public {
        open(50 * UNIT);
        Payment memory p = paymentOf(payee, UNIT);
        (, bytes memory blob) = signed(purse, p);
        bytes memory call = _transfer(purse, p, nonceOf(purse, p.decisionHash), blob);
        for (uint256 i; i < 10; ++i) {
            (bool done,) = address(usdc).call(call);
            assertEq(done, i == 0);
        }
        assertEq(paidTo(payee), UNIT);
    }

    /* HELPERS */

    function _openAndSpend(uint256 budget) private {
        nextSessionKey();
        open(budget);
        _spend(purse, payee);
    }

    /// @dev Pays out all that a purse holds, in payments that need no approval.
    function _spend(address from, address to) private returns (uint256 paid) {
        if (_secrets[from] != 0) sessionSecret = _secrets[from];
        for (uint256 held = usdc.balanceOf(from); held != 0; held = usdc.balanceOf(from)) {
            uint256 amount = held > 10 * UNIT ? 10 * UNIT : held;
            pay(from, to, amount, keccak256(abi.encode("spent", ++_counter)));
            paid += amount;
        }
    }

    function _transfer(address from, Payment memory p, bytes32 nonce, bytes memory blob)
        private
        pure
        returns (bytes memory)
    {
        return abi.encodeWithSignature(
            "transferWithAuthorization(address,address,uint256,uint256,uint256,bytes32,bytes)",
            from,
            p.payee,
            p.amount,
            p.validAfter,
            p.validBefore,
            nonce,
            blob
        );
    }
}
