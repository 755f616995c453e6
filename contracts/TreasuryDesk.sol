// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {TreasuryDiagnosis} from "./treasury/TreasuryDiagnosis.sol";
import {TreasuryRecovery} from "./treasury/TreasuryRecovery.sol";
import {TreasuryViews} from "./treasury/TreasuryViews.sol";

/// @title TreasuryDesk
/// @notice The half of a treasury that people sit at: roles, assets, envelopes, policies, recovery, views.
/// @dev Every {Treasury} runs this code in its own storage, at an address fixed in its code: one contract's
/// worth of code was not enough for both halves (EIP-170). Called directly it has no owner, so it does nothing.
contract TreasuryDesk is TreasuryRecovery, TreasuryDiagnosis, TreasuryViews {}
