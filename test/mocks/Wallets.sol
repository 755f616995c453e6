// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";

/// @notice A smart account of one key, as a Safe with one owner.
contract Wallet {
    address private immutable OWNER;

    constructor(address owner) {
        OWNER = owner;
    }

    function isValidSignature(bytes32 digest, bytes calldata signature) external view returns (bytes4) {
        (address signer,,) = ECDSA.tryRecover(digest, signature);
        return signer == OWNER ? this.isValidSignature.selector : bytes4(0xffffffff);
    }
}

/// @notice A smart account that answers as badly as a contract can.
contract HostileWallet {
    enum Mode {
        Reverts,
        BurnsGas,
        ReturnsBomb,
        ReturnsBombInRevert,
        ReturnsShortYes,
        ReturnsNothing,
        ReturnsOne,
        ReturnsYesWithRubbish
    }

    Mode public mode;

    function set(Mode mode_) external {
        mode = mode_;
    }

    function isValidSignature(bytes32, bytes calldata) external view returns (bytes4 answer) {
        Mode current = mode;
        assembly {
            switch current
            case 0 { revert(0, 0) }
            case 1 { for {} 1 {} {} }
            case 2 { return(0, 1000000) }
            case 3 { revert(0, 1000000) }
            case 4 {
                mstore(0, shl(224, 0x1626ba7e))
                return(0, 4)
            }
            case 5 { return(0, 0) }
            case 6 {
                mstore(0, 1)
                return(0, 32)
            }
            default {
                mstore(0, or(shl(224, 0x1626ba7e), 1))
                return(0, 32)
            }
        }
    }
}
