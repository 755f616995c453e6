// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Refusal, Role, SessionRequest} from "../../contracts/libraries/Types.sol";
import {Base} from "../Base.t.sol";
import {Payment} from "../Digests.sol";
import {Wallet} from "../mocks/Wallets.sol";

/// @notice The edges of ECDSA, and wrappers, where a person or an agent signs. Session keys: {PayTest}, {PayBlobTest}.
contract SignaturesTest is Base {
    uint256 private constant N = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141;
    bytes32 private constant EIP6492 = 0x6492649264926492649264926492649264926492649264926492649264926492;

    /* AGENT */

    function test_RevertWhen_AgentsSignatureIsTwisted() public {
        SessionRequest memory r = request(UNIT);
        (uint8 v, bytes32 r_, bytes32 s) = vm.sign(agentKey, views.openSessionDigest(r));
        bytes[] memory twisted = _twist(v, r_, s);
        for (uint256 i; i < twisted.length; ++i) {
            vm.expectRevert(
                abi.encodeWithSelector(
                    SessionRefused.selector, Refusal.AgentSignatureInvalid, uint160(agent), 0
                )
            );
            treasury.openSession(r, twisted[i]);
        }
        treasury.openSession(r, abi.encodePacked(r_, s, v));
    }

    function test_RevertWhen_AgentsSignatureOfACloseIsTwisted() public {
        open(UNIT);
        (uint8 v, bytes32 r_, bytes32 s) = vm.sign(agentKey, views.closeSessionDigest(purse, 1));
        bytes[] memory twisted = _twist(v, r_, s);
        for (uint256 i; i < twisted.length; ++i) {
            // Without any signature it is about who calls.
            bytes memory why = twisted[i].length == 0
                ? abi.encodeWithSelector(CloseNotAllowed.selector, address(this), time() + 1 hours)
                : abi.encodeWithSelector(
                    SessionRefused.selector, Refusal.AgentSignatureInvalid, uint160(agent), 0
                );
            vm.expectRevert(why);
            treasury.closeSession(purse, twisted[i]);
        }
        treasury.closeSession(purse, abi.encodePacked(r_, s, v));
    }

    /// @dev Nobody deploys an agent by signing for it: there must be code, or its own key.
    function test_RevertWhen_AgentIsNotDeployedYet() public {
        bytes memory creation = abi.encodePacked(type(Wallet).creationCode, abi.encode(agent));
        address planned = vm.computeCreate2Address(0, keccak256(creation), address(this));
        vm.prank(owner);
        desk.setAgent(envelope, planned);
        SessionRequest memory r = request(UNIT);
        bytes memory signature = signRequest(r);
        bytes memory wrapped = abi.encodePacked(abi.encode(address(this), creation, signature), EIP6492);
        bytes memory why = abi.encodeWithSelector(
            SessionRefused.selector, Refusal.AgentSignatureInvalid, uint160(planned), 0
        );
        vm.expectRevert(why);
        treasury.openSession(r, wrapped);
        vm.expectRevert(why);
        treasury.openSession(r, signature);
        assertEq(planned.code.length, 0);
        assertEq(address(new Wallet{salt: 0}(agent)), planned);
        vm.expectRevert(why);
        treasury.openSession(r, wrapped);
        treasury.openSession(r, signature);
    }

    /* APPROVER */

    function test_RevertWhen_ApproversSignatureIsTwisted() public {
        open(50 * UNIT);
        Payment memory p = paymentOf(payee, 15 * UNIT);
        p.approvalKind = 1;
        (bytes32 digest, bytes memory blob) = signed(purse, p);
        bytes32 asked = approvalDigest(purse, p, digest);
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(approverKey, asked);
        bytes32 high = bytes32(N - uint256(s));
        bytes32 parity = bytes32(uint256(v - 27) << 255);
        bytes32 top = bytes32(uint256(1) << 255);
        // A high s runs into the bit that a compact signature keeps the parity in.
        bytes32[5] memory rs = [r, r, bytes32(0), bytes32(N), r];
        bytes32[5] memory vs = [high, high & ~top, bytes32(0), s | parity, s | (parity ^ top)];
        for (uint256 i; i < 5; ++i) {
            _assertRefused(p, digest, abi.encodePacked(blob, rs[i], vs[i]), _refusal(asked, rs[i], vs[i]));
        }
        // 65 bytes are a length that no approval has.
        _assertRefused(p, digest, abi.encodePacked(blob, r, s, v), Refusal.SignatureMalformed);
        bytes memory honest = abi.encodePacked(blob, r, s | parity);
        assertAccepted(purse, digest, honest);
    }

    function test_RevertWhen_ContractApproversSignatureIsWrapped() public {
        address wallet = address(new Wallet(approver));
        vm.prank(owner);
        desk.grantRole(wallet, Role.APPROVER);
        open(50 * UNIT);
        Payment memory p = paymentOf(payee, 15 * UNIT);
        p.approvalKind = 2;
        (bytes32 digest, bytes memory blob) = signed(purse, p);
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(approverKey, approvalDigest(purse, p, digest));
        bytes memory inner = abi.encodePacked(r, s, v);
        bytes memory wrapped = abi.encodePacked(abi.encode(address(factory), bytes("deploy"), inner), EIP6492);
        _assertRefused(p, digest, abi.encodePacked(blob, wallet, wrapped), Refusal.ApprovalInvalid);
        _assertRefused(p, digest, abi.encodePacked(blob, wallet, inner, EIP6492), Refusal.ApprovalInvalid);
        assertAccepted(purse, digest, abi.encodePacked(blob, wallet, inner));
    }

    /* HELPERS */

    /// @dev A twisted signature is somebody else's, or nobody's where its s is high.
    function _refusal(bytes32 asked, bytes32 r, bytes32 vs) private pure returns (Refusal) {
        uint256 s = uint256(vs) & type(uint256).max >> 1;
        if (s > N / 2) return Refusal.ApprovalInvalid;
        address somebody = ecrecover(asked, uint8(27 + (uint256(vs) >> 255)), r, bytes32(s));
        return somebody == address(0) ? Refusal.ApprovalInvalid : Refusal.ApproverNotAuthorized;
    }

    function _twist(uint8 v, bytes32 r, bytes32 s) private pure returns (bytes[] memory twisted) {
        twisted = new bytes[](10);
        bytes32 high = bytes32(N - uint256(s));
        twisted[0] = abi.encodePacked(r, high, 55 - v);
        twisted[1] = abi.encodePacked(r, s, 55 - v);
        twisted[2] = abi.encodePacked(r, s, v - 27);
        twisted[3] = abi.encodePacked(r, s | bytes32(uint256(v - 27) << 255));
        twisted[4] = abi.encodePacked(r, s, v, uint8(0));
        twisted[5] = abi.encodePacked(r, s);
        twisted[6] = "";
        twisted[7] = new bytes(65);
        twisted[8] =
            abi.encodePacked(abi.encode(address(1), bytes("deploy"), abi.encodePacked(r, s, v)), EIP6492);
        twisted[9] = abi.encodePacked(r, s, v, EIP6492);
    }

    function _assertRefused(Payment memory p, bytes32 digest, bytes memory blob, Refusal reason) private {
        assertRefused(purse, p, digest, blob, reason);
    }
}
