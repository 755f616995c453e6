// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Treasury} from "../contracts/Treasury.sol";
import {TreasuryDesk} from "../contracts/TreasuryDesk.sol";
import {TreasuryFactory} from "../contracts/TreasuryFactory.sol";
import {TreasuryViews} from "../contracts/TreasuryViews.sol";
import {ITreasuryErrors} from "../contracts/interfaces/ITreasuryErrors.sol";
import {ITreasuryEvents} from "../contracts/interfaces/ITreasuryEvents.sol";
import {PaymentDigest} from "../contracts/libraries/PaymentDigest.sol";
import {Policy, Refusal, Role, Scope, SessionRequest, WindowLimit} from "../contracts/libraries/Types.sol";
import {Digests, Payment} from "./Digests.sol";
import {TestUSDC} from "./mocks/TestUSDC.sol";
import {ERC3009} from "@openzeppelin/contracts/token/ERC20/extensions/draft-ERC3009.sol";
import {Test} from "forge-std/Test.sol";

/// @notice A treasury with separate people, one agent's envelope with day and week limits, and the verbs that
/// tests speak in.
abstract contract Base is Test, ITreasuryErrors, ITreasuryEvents {
    uint256 internal constant UNIT = 1e6;
    uint256 internal constant CHAIN = 31_337;
    uint256 internal constant OTHER_CHAIN = 31_338;
    uint16 internal constant LIST = 1;
    uint32 internal constant DAY = 1 days;
    uint32 internal constant WEEK = 7 days;
    bytes4 internal constant VALID = 0x1626ba7e;
    bytes4 internal constant INVALID = 0xffffffff;
    bytes32 internal constant DECISION = keccak256("decision 1");
    /// A nonce that commits to nothing.
    bytes32 internal constant OTHER_NONCE = bytes32(uint256(0xdead) << 64);

    TestUSDC internal usdc;
    TreasuryFactory internal factory;
    Treasury internal treasury;
    /// The same address as `treasury`: the functions that the desk's code answers.
    TreasuryDesk internal desk;
    /// The same address as `treasury`: the functions that the views' code answers.
    TreasuryViews internal views;

    address internal owner = makeAddr("owner");
    address internal manager = makeAddr("policy manager");
    address internal guardian = makeAddr("guardian");
    address internal reviewer = makeAddr("reviewer");
    address internal stranger = makeAddr("stranger");
    address internal payee = makeAddr("payee");
    address internal otherPayee = makeAddr("unlisted payee");
    address internal agent;
    uint256 internal agentKey;
    address internal sessionKey;
    uint256 internal sessionSecret;
    address internal approver;
    uint256 internal approverKey;

    uint24 internal envelope;
    address internal purse;

    function setUp() public virtual {
        // Wednesday 2026-01-07 12:00 UTC: inside a day and a week, near the end of neither.
        vm.warp(1_767_787_200);
        (agent, agentKey) = makeAddrAndKey("agent");
        (sessionKey, sessionSecret) = makeAddrAndKey("session key");
        (approver, approverKey) = makeAddrAndKey("approver");

        usdc = new TestUSDC();
        factory = newFactory();
        treasury = factory.createTreasury(owner, 0);
        desk = TreasuryDesk(address(treasury));
        views = TreasuryViews(address(treasury));

        vm.startPrank(owner);
        desk.grantRole(manager, Role.POLICY_MANAGER);
        desk.grantRole(guardian, Role.GUARDIAN);
        desk.grantRole(approver, Role.APPROVER);
        desk.grantRole(reviewer, Role.REVIEWER);
        desk.setSeparationOfDuties(true);
        desk.addAsset(address(usdc));
        vm.stopPrank();

        vm.startPrank(manager);
        (envelope, purse) = desk.createEnvelope(agent, address(usdc), defaultPolicy());
        treasury.listPayee(LIST, payee);
        vm.stopPrank();
        fund(envelope, 1000 * UNIT);
    }

    function newFactory() internal returns (TreasuryFactory) {
        return new TreasuryFactory(address(new TreasuryDesk(address(new TreasuryViews()))));
    }

    /* TIME */

    /// @dev Not `block.timestamp`: the optimizer may read that once for a whole test, warps and all.
    function time() internal view returns (uint256) {
        return vm.getBlockTimestamp();
    }

    /* POLICIES */

    /// @dev Cap 20, approval above 10, session 50, day 100, week 300, lifetime none, listed payees only.
    function defaultPolicy() internal pure returns (Policy memory policy) {
        policy.paymentCap = uint96(20 * UNIT);
        policy.approvalThreshold = uint96(10 * UNIT);
        policy.sessionLimit = uint96(50 * UNIT);
        policy.maxSessionSeconds = 4 hours;
        policy.payeeList = LIST;
        policy.policyHash = keccak256("policy document");
        policy.windows = new WindowLimit[](2);
        policy.windows[0] = WindowLimit({period: DAY, limit: uint96(100 * UNIT)});
        policy.windows[1] = WindowLimit({period: WEEK, limit: uint96(300 * UNIT)});
    }

    /* MONEY */

    function fund(uint24 to, uint256 amount) internal {
        usdc.mint(address(this), amount);
        usdc.approve(address(treasury), amount);
        treasury.topUp(to, amount);
    }

    function escrowOf(uint24 number) internal view returns (uint256) {
        return views.envelope(number).escrow;
    }

    /// @dev What the payees got, seen from the token.
    function paidTo(address who) internal view returns (uint256) {
        return usdc.balanceOf(who);
    }

    function usedOf(uint24 number, uint256 window) internal view returns (uint256) {
        return views.headroom(number)[window].used;
    }

    /* SESSIONS */

    function request(uint256 budget) internal view returns (SessionRequest memory r) {
        r.envelope = envelope;
        r.sequence = uint24(views.session(purse).sequence + 1);
        r.key = sessionKey;
        r.budget = uint96(budget);
        r.expiry = uint32(time() + 1 hours);
    }

    function signRequest(SessionRequest memory r) internal view returns (bytes memory) {
        return signRequest(r, agentKey);
    }

    function signRequest(SessionRequest memory r, uint256 key) internal view returns (bytes memory) {
        (uint8 v, bytes32 r_, bytes32 s) = vm.sign(key, views.openSessionDigest(r));
        return abi.encodePacked(r_, s, v);
    }

    function signClose(address purse_, uint24 sequence, uint256 key) internal view returns (bytes memory) {
        (uint8 v, bytes32 r_, bytes32 s) = vm.sign(key, views.closeSessionDigest(purse_, sequence));
        return abi.encodePacked(r_, s, v);
    }

    function open(uint256 budget) internal returns (address) {
        SessionRequest memory r = request(budget);
        return treasury.openSession(r, signRequest(r));
    }

    /// @dev Refused by the verb with both values, and by the view that is asked beforehand.
    function assertOpeningRefused(SessionRequest memory r, Refusal reason, uint256 limit, uint256 actual)
        internal
    {
        (Refusal told, uint256 toldLimit, uint256 toldActual) = views.diagnoseSession(r);
        assertEq(uint8(told), uint8(reason), "diagnosed reason");
        assertEq(toldLimit, limit, "diagnosed limit");
        assertEq(toldActual, actual, "diagnosed actual");
        bytes memory signature = signRequest(r);
        vm.expectRevert(abi.encodeWithSelector(SessionRefused.selector, reason, limit, actual));
        treasury.openSession(r, signature);
    }

    function assertOpens(SessionRequest memory r) internal {
        (Refusal told,,) = views.diagnoseSession(r);
        assertEq(uint8(told), uint8(Refusal.None), "diagnosed reason");
        treasury.openSession(r, signRequest(r));
        assertEq(views.session(views.purseOf(r.envelope, r.purseIndex)).key, r.key, "not open");
    }

    /// @dev A fresh key for each session, as the rules ask.
    function nextSessionKey() internal {
        (sessionKey, sessionSecret) =
            makeAddrAndKey(string.concat("session key of ", vm.toString(sessionKey)));
    }

    /* PAYMENTS */

    function paymentOf(address to, uint256 amount) internal view returns (Payment memory p) {
        p.rail = 1;
        p.payee = to;
        p.amount = amount;
        p.validBefore = time() + 10 minutes;
        p.decisionHash = DECISION;
    }

    function nonceOf(address from, bytes32 decision) internal view returns (bytes32) {
        uint256 terms = PaymentDigest.terms(views.session(from).epoch, views.envelope(envelope).policyVersion);
        bytes32 session = PaymentDigest.sessionId(from, views.session(from).sequence);
        return PaymentDigest.commitment(terms, session, decision);
    }

    function digestOf(address from, Payment memory p) internal view returns (bytes32) {
        return Digests.eip3009(usdc.DOMAIN_SEPARATOR(), from, p, nonceOf(from, p.decisionHash));
    }

    function blobOf(Payment memory p, bytes32 digest, uint256 key) internal pure returns (bytes memory) {
        (bytes32 r, bytes32 vs) = vm.signCompact(key, digest);
        return abi.encodePacked(
            uint8(p.rail | (p.approvalKind << 4)),
            p.payee,
            uint96(p.amount),
            uint40(p.validAfter),
            uint40(p.validBefore),
            p.decisionHash,
            r,
            vs
        );
    }

    /// @return digest What the token will ask about.
    /// @return blob The answer of an honest agent.
    function signed(address from, Payment memory p)
        internal
        view
        returns (bytes32 digest, bytes memory blob)
    {
        digest = digestOf(from, p);
        blob = blobOf(p, digest, sessionSecret);
    }

    function signedWithApproval(address from, Payment memory p, uint256 key)
        internal
        view
        returns (bytes32 digest, bytes memory blob)
    {
        p.approvalKind = 1;
        (digest, blob) = signed(from, p);
        (bytes32 r, bytes32 vs) = vm.signCompact(key, approvalDigest(from, p, digest));
        blob = abi.encodePacked(blob, r, vs);
    }

    function approvalDigest(address from, Payment memory p, bytes32 digest) internal view returns (bytes32) {
        return Digests.typed(treasuryDomain(), Digests.approval(from, p, digest));
    }

    function treasuryDomain() internal view returns (bytes32) {
        return treasuryDomain(CHAIN, address(treasury));
    }

    function treasuryDomain(uint256 chain, address where) internal pure returns (bytes32) {
        return keccak256(
            abi.encode(
                keccak256(
                    "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
                ),
                keccak256("Bursar Treasury"),
                keccak256("1"),
                chain,
                where
            )
        );
    }

    function answer(address from, bytes32 digest, bytes memory blob) internal view returns (bytes4) {
        return Treasury(from).isValidSignature(digest, blob);
    }

    /// @dev Settles as a facilitator does: the payer's blob is "the signature" of a stock transfer.
    function settle(address from, Payment memory p, bytes memory blob) internal {
        usdc.transferWithAuthorization(
            from, p.payee, p.amount, p.validAfter, p.validBefore, nonceOf(from, p.decisionHash), blob
        );
    }

    function pay(address from, address to, uint256 amount, bytes32 decision) internal {
        Payment memory p = paymentOf(to, amount);
        p.decisionHash = decision;
        (, bytes memory blob) = signed(from, p);
        settle(from, p, blob);
    }

    /// @dev Refused by the purse, by the views for that very reason, and so by the token.
    function assertRefused(address from, Payment memory p, bytes32 digest, bytes memory blob, Refusal reason)
        internal
    {
        assertEq(answer(from, digest, blob), INVALID, "purse says yes");
        (Refusal told,,) = views.diagnosePayment(from, digest, blob);
        assertEq(uint8(told), uint8(reason), "reason");
        assertTokenRefuses(from, p, digest, blob);
    }

    /// @dev The token asks the purse first, so the refusal is the purse's and nothing else's.
    function assertTokenRefuses(address from, Payment memory p, bytes32 digest, bytes memory blob) internal {
        bytes32 nonce = nonceOf(from, p.decisionHash);
        // A digest of another nonce is settled with that nonce, by whoever signed it.
        if (digest != Digests.eip3009(usdc.DOMAIN_SEPARATOR(), from, p, nonce)) nonce = OTHER_NONCE;
        vm.expectRevert(ERC3009.ERC3009InvalidSignature.selector);
        usdc.transferWithAuthorization(from, p.payee, p.amount, p.validAfter, p.validBefore, nonce, blob);
    }

    function assertAccepted(address from, bytes32 digest, bytes memory blob) internal view {
        (Refusal told,,) = views.diagnosePayment(from, digest, blob);
        assertEq(uint8(told), uint8(Refusal.None), "reason");
        assertEq(answer(from, digest, blob), VALID, "purse says no");
    }

    /* PEOPLE */

    function setDelay(uint32 delay) internal {
        vm.prank(owner);
        desk.setDelay(delay);
    }

    function announce(address by, bytes memory call) internal returns (bytes32) {
        vm.prank(by);
        return desk.announce(call);
    }

    function setPolicy(Policy memory policy) internal {
        vm.prank(manager);
        desk.setPolicy(envelope, policy);
    }

    function _one(address who) internal pure returns (address[] memory list) {
        list = new address[](1);
        list[0] = who;
    }
}
