// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Permit2Digest} from "../contracts/libraries/Permit2Digest.sol";
import {Refusal} from "../contracts/libraries/Types.sol";
import {Base} from "./Base.t.sol";
import {Digests, Payment} from "./Digests.sol";
import {
    ISignatureTransfer,
    X402ExactPermit2Proxy,
    X402UptoPermit2Proxy
} from "./mocks/X402Permit2Proxies.sol";

interface IPermit2 is ISignatureTransfer {
    error InvalidContractSignature();
    error InvalidNonce();
    error SignatureExpired(uint256 deadline);
    error InvalidAmount(uint256 maxAmount);

    function DOMAIN_SEPARATOR() external view returns (bytes32);

    function nonceBitmap(address owner, uint256 word) external view returns (uint256);

    function transferFrom(address from, address to, uint160 amount, address token) external;

    function permitTransferFrom(
        PermitTransferFrom memory permit,
        SignatureTransferDetails calldata transferDetails,
        address owner,
        bytes calldata signature
    ) external;
}

/// @notice The real Permit2 at its address, the proxies at theirs, and an envelope that pays through them.
abstract contract Permit2Base is Base {
    uint8 internal constant EIP3009 = 1;
    uint8 internal constant EXACT = 2;
    uint8 internal constant UPTO = 3;

    IPermit2 internal constant PERMIT2 = IPermit2(Permit2Digest.PERMIT2);
    X402ExactPermit2Proxy internal constant EXACT_PROXY = X402ExactPermit2Proxy(Permit2Digest.EXACT_PROXY);
    X402UptoPermit2Proxy internal constant UPTO_PROXY = X402UptoPermit2Proxy(Permit2Digest.UPTO_PROXY);

    address internal facilitator = makeAddr("facilitator");

    function setUp() public virtual override {
        super.setUp();
        installPermit2();
        vm.etch(Permit2Digest.EXACT_PROXY, address(new X402ExactPermit2Proxy()).code);
        vm.etch(Permit2Digest.UPTO_PROXY, address(new X402UptoPermit2Proxy()).code);
        vm.prank(manager);
        desk.setPermit2(envelope, true);
        desk.levelPermit2(envelope, 0);
    }

    /// @dev The constructor runs at the real address: its domain is an immutable.
    function installPermit2() internal {
        bytes memory creation = vm.parseJsonBytes(vm.readFile("test/fixtures/Permit2.json"), ".bytecode");
        vm.etch(address(PERMIT2), creation);
        (bool success, bytes memory runtime) = address(PERMIT2).call("");
        assertTrue(success);
        vm.etch(address(PERMIT2), runtime);
    }

    function paymentOn(uint8 rail, address to, uint256 amount) internal view returns (Payment memory p) {
        p = paymentOf(to, amount);
        p.rail = rail;
    }

    function railDigest(address from, Payment memory p) internal view returns (bytes32) {
        if (p.rail == EIP3009) return digestOf(from, p);
        p.nonce = nonceOf(from, p.decisionHash);
        return p.rail == EXACT ? Digests.exact(address(usdc), p) : Digests.upto(address(usdc), p, facilitator);
    }

    function signedOn(address from, Payment memory p)
        internal
        view
        returns (bytes32 digest, bytes memory blob)
    {
        digest = railDigest(from, p);
        blob = _onRail(p, blobOf(p, digest, sessionSecret));
    }

    function approvedOn(address from, Payment memory p, uint256 key)
        internal
        view
        returns (bytes32 digest, bytes memory blob)
    {
        p.approvalKind = 1;
        (digest, blob) = signedOn(from, p);
        (bytes32 r, bytes32 vs) = vm.signCompact(key, approvalDigest(from, p, digest));
        blob = abi.encodePacked(blob, r, vs);
    }

    function _onRail(Payment memory p, bytes memory blob) private view returns (bytes memory) {
        return p.rail == UPTO ? abi.encodePacked(blob, facilitator) : blob;
    }

    /// @dev What facilitators call, on whichever rail; on `upto` all of the maximum is charged.
    function settleOn(address from, Payment memory p, bytes memory blob) internal {
        charge(from, p, p.amount, blob);
    }

    function charge(address from, Payment memory p, uint256 amount, bytes memory blob) internal {
        bytes32 nonce = nonceOf(from, p.decisionHash);
        if (p.rail == EIP3009) {
            usdc.transferWithAuthorization(from, p.payee, p.amount, p.validAfter, p.validBefore, nonce, blob);
            return;
        }
        ISignatureTransfer.PermitTransferFrom memory permit = permitOf(p, nonce);
        vm.prank(facilitator);
        if (p.rail == EXACT) {
            EXACT_PROXY.settle(permit, from, X402ExactPermit2Proxy.Witness(p.payee, p.validAfter), blob);
        } else {
            UPTO_PROXY.settle(
                permit, amount, from, X402UptoPermit2Proxy.Witness(p.payee, facilitator, p.validAfter), blob
            );
        }
    }

    function permitOf(Payment memory p, bytes32 nonce)
        internal
        view
        returns (ISignatureTransfer.PermitTransferFrom memory)
    {
        return ISignatureTransfer.PermitTransferFrom({
            permitted: ISignatureTransfer.TokenPermissions({token: address(usdc), amount: p.amount}),
            nonce: uint256(nonce),
            deadline: p.validBefore
        });
    }

    /// @dev Refused by the purse, by the views for that very reason, and so by Permit2; nothing moves.
    function assertRailRefused(Payment memory p, bytes32 digest, bytes memory blob, Refusal reason) internal {
        assertEq(answer(purse, digest, blob), INVALID, "purse says yes");
        (Refusal told,,) = views.diagnosePayment(purse, digest, blob);
        assertEq(uint8(told), uint8(reason), "reason");
        uint256 held = usdc.balanceOf(purse);
        // The nonce first: reading it is a call, and the next call is the one that must revert.
        bytes32 nonce = nonceOf(purse, p.decisionHash);
        ISignatureTransfer.PermitTransferFrom memory permit = permitOf(p, nonce);
        vm.prank(facilitator);
        vm.expectRevert(IPermit2.InvalidContractSignature.selector);
        if (p.rail == EXACT) {
            EXACT_PROXY.settle(permit, purse, X402ExactPermit2Proxy.Witness(p.payee, p.validAfter), blob);
        } else {
            UPTO_PROXY.settle(
                permit,
                p.amount,
                purse,
                X402UptoPermit2Proxy.Witness(p.payee, facilitator, p.validAfter),
                blob
            );
        }
        assertEq(usdc.balanceOf(purse), held);
    }
}
