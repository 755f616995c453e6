// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Forwarding} from "./libraries/Forwarding.sol";
import {TreasuryAdmissions} from "./treasury/TreasuryAdmissions.sol";
import {TreasuryPermit2} from "./treasury/TreasuryPermit2.sol";
import {TreasuryScores} from "./treasury/TreasuryScores.sol";
import {TreasuryStamps} from "./treasury/TreasuryStamps.sol";

/// @title TreasuryDesk
/// @notice The part of a treasury that people sit at: roles, assets, envelopes, policies, groups, releases,
/// recovery.
/// @dev Every {Treasury} runs this code in its own storage, at an address fixed in its code: one contract's
/// worth of code was not enough for all (EIP-170). Called directly it has no owner, so it does nothing.
contract TreasuryDesk is TreasuryPermit2, TreasuryStamps, TreasuryScores, TreasuryAdmissions {
    address private immutable VIEWS;

    /// @param views The {TreasuryViews}.
    constructor(address views) {
        if (views.code.length == 0) revert CodeMissing(views);
        VIEWS = views;
    }

    /// @notice Where the views' code is; fixed for good.
    function viewsCode() external view returns (address) {
        return VIEWS;
    }

    fallback() external {
        Forwarding.delegate(VIEWS);
    }
}
