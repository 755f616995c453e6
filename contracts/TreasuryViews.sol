// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {TreasuryDiagnosis} from "./treasury/TreasuryDiagnosis.sol";
import {TreasuryState} from "./treasury/TreasuryState.sol";

/// @title TreasuryViews
/// @notice What a treasury answers about itself, and why it refuses. Nothing here writes.
/// @dev Every {Treasury} runs this code in its own storage, by way of its {TreasuryDesk}.
contract TreasuryViews is TreasuryDiagnosis, TreasuryState {}
