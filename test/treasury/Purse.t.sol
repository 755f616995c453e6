// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Purse} from "../../contracts/Purse.sol";
import {Role} from "../../contracts/libraries/Types.sol";
import {Base} from "../Base.t.sol";
import {Payment} from "../Digests.sol";

/// @notice Answers what it is told to, as a treasury never would.
contract OddTreasury {
    bytes private _answer;
    bool private _reverts;

    function deploy(bytes32 domainSeparator) external returns (address) {
        return address(new Purse(domainSeparator));
    }

    function set(bytes calldata answer, bool reverts) external {
        (_answer, _reverts) = (answer, reverts);
    }

    function execute(address purse, address target, bytes calldata data)
        external
        returns (bool success, bytes memory result)
    {
        return purse.call(abi.encodePacked(bytes32(uint256(uint160(target))), data));
    }

    fallback() external {
        bytes memory answer = _answer;
        bool reverts = _reverts;
        assembly {
            if reverts { revert(add(answer, 32), mload(answer)) }
            return(add(answer, 32), mload(answer))
        }
    }
}

/// @notice Answers with the call it got.
contract Echo {
    fallback(bytes calldata call) external returns (bytes memory) {
        return call;
    }
}

contract PurseTest is Base {
    /// @dev Few bytes, as the domain of its purse: `forge coverage` tells code with immutables by how little of it differs
    /// from what the compiler gave, where they are zero, and a purse is small.
    OddTreasury internal odd = OddTreasury(address(0x0dd0));
    address internal bare;

    function setUp() public override {
        super.setUp();
        vm.etch(address(odd), address(new OddTreasury()).code);
        bare = odd.deploy(bytes32(uint256(1)));
        open(50 * UNIT);
    }

    /* EXECUTION */

    function test_GivenItsTreasury_ExecutesAndReturns() public {
        usdc.mint(bare, 7);
        (bool success, bytes memory result) =
            odd.execute(bare, address(usdc), abi.encodeCall(usdc.transfer, (payee, 7)));
        assertTrue(success);
        assertEq(result, abi.encode(true));
        assertEq(paidTo(payee), 7);
    }

    function test_GivenItsTreasury_CallsWithExactlyWhatItGot() public {
        Echo echo = new Echo();
        for (uint256 length; length < 70; ++length) {
            bytes memory call = new bytes(length);
            for (uint256 i; i < length; ++i) {
                call[i] = bytes1(uint8(i + 1));
            }
            (bool success, bytes memory result) = odd.execute(bare, address(echo), call);
            assertTrue(success);
            assertEq(result, call);
        }
    }

    function test_GivenTargetReverts_PassesTheReasonOn() public {
        (bool success, bytes memory result) =
            odd.execute(bare, address(usdc), abi.encodeCall(usdc.transfer, (payee, 1)));
        assertFalse(success);
        assertEq(
            result, abi.encodeWithSignature("ERC20InsufficientBalance(address,uint256,uint256)", bare, 0, 1)
        );
    }

    function test_RevertWhen_AnyoneElseExecutes() public {
        bytes memory call = abi.encodePacked(
            bytes32(uint256(uint160(address(usdc)))), abi.encodeCall(usdc.transfer, (stranger, UNIT))
        );
        address[6] memory callers = [stranger, agent, sessionKey, owner, address(usdc), address(factory)];
        for (uint256 i; i < callers.length; ++i) {
            vm.prank(callers[i]);
            (bool success,) = purse.call(call);
            assertFalse(success);
        }
        assertEq(usdc.balanceOf(purse), 50 * UNIT);
    }

    function testFuzz_StrangersMoveNothing(address caller, bytes calldata data) public {
        vm.assume(caller != address(treasury));
        vm.prank(caller);
        (bool success,) = purse.call(data);
        success;
        assertEq(usdc.balanceOf(purse), 50 * UNIT);
        assertEq(usdc.allowance(purse, caller), 0);
    }

    /// @dev Whatever is asked through a purse runs in a static call: it can read, and it can write nothing.
    function test_GivenOtherQuestions_TheTreasuryAnswersAndNothingIsWritten() public {
        (bool success, bytes memory result) = purse.call(abi.encodeCall(views.purseOf, (envelope, 0)));
        assertTrue(success);
        assertEq(abi.decode(result, (address)), purse);
        vm.prank(owner);
        desk.grantRole(purse, Role.GUARDIAN);
        (success,) = purse.call(abi.encodeCall(treasury.freezeOrganisation, ()));
        assertFalse(success, "froze");
        (success,) = purse.call(abi.encodeCall(treasury.closeSession, (purse, "")));
        assertFalse(success, "closed");
        (success,) = purse.call(abi.encodeWithSignature("transfer(address,uint256)", stranger, UNIT));
        assertFalse(success, "unknown");
    }

    function test_RevertWhen_CallIsEmptyOrShort() public {
        for (uint256 length; length < 4; ++length) {
            (bool success,) = purse.call(new bytes(length));
            assertFalse(success);
        }
        // The selector alone has nothing behind it to judge.
        (bool answered,) = purse.call(abi.encodePacked(VALID));
        assertFalse(answered);
    }

    function test_RevertWhen_EtherIsSent() public {
        vm.deal(address(this), 1 ether);
        (bool success,) = purse.call{value: 1}("");
        assertFalse(success);
        (success,) = purse.call{value: 1}(abi.encodeWithSelector(VALID, bytes32(0), bytes("")));
        assertFalse(success);
        assertEq(purse.balance, 0);
    }

    /* ANSWERS */

    /// @dev The call data in memory starts with the magic value: what is shorter than a word must not show it.
    function test_GivenShortAnswer_PassesNoMoreOn() public {
        for (uint256 length; length < 32; ++length) {
            odd.set(new bytes(length), false);
            (, bytes memory result) = bare.staticcall(abi.encodeWithSelector(VALID, bytes32(0), bytes("")));
            assertEq(result, new bytes(length));
        }
    }

    function test_RevertWhen_TreasuryReverts() public {
        odd.set(abi.encode(VALID), true);
        (bool success,) = bare.staticcall(abi.encodeWithSelector(VALID, bytes32(0), bytes("")));
        assertFalse(success);
    }

    function testFuzz_GivenAnswer_PassesExactlyThatOn(bytes calldata whole) public {
        odd.set(whole, false);
        (bool success, bytes memory result) =
            bare.staticcall(abi.encodeWithSelector(VALID, bytes32(0), bytes("")));
        assertTrue(success);
        assertEq(result, whole);
    }

    function test_GivenPayment_AnswersWithTheMagicWordAlone() public view {
        Payment memory p = paymentOf(payee, UNIT);
        (bytes32 digest, bytes memory blob) = signed(purse, p);
        (bool success, bytes memory result) = purse.staticcall(abi.encodeWithSelector(VALID, digest, blob));
        assertTrue(success);
        assertEq(result, abi.encode(VALID));
    }
}
