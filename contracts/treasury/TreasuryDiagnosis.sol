// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {SessionWord} from "../libraries/SessionWord.sol";
import {EnvelopeHead, Refusal, SessionRequest} from "../libraries/Types.sol";
import {TreasuryPaymentRules} from "./TreasuryPaymentRules.sol";
import {TreasurySessionRules} from "./TreasurySessionRules.sol";
import {SafeTransferLib} from "solady/utils/SafeTransferLib.sol";

/// @notice Why not: the same rules that decide, asked for their reason.
abstract contract TreasuryDiagnosis is TreasurySessionRules, TreasuryPaymentRules {
    /// @notice Why {openSession} would refuse the request, its signature aside.
    /// @return reason `None` where it would not.
    /// @return limit The value that binds, in the unit of what is limited.
    /// @return actual What was asked for, in the same unit.
    function diagnoseSession(SessionRequest calldata request)
        external
        view
        returns (Refusal reason, uint256 limit, uint256 actual)
    {
        Opening memory opening = _plan(request);
        return (opening.reason, opening.limit, opening.actual);
    }

    /// @notice Why a purse's signature is refused: facilitators only say "invalid signature".
    /// @return reason `None` where the purse says yes.
    /// @return limit The value that binds.
    /// @return actual The value that came.
    function diagnosePayment(address purse, bytes32 digest, bytes calldata signature)
        external
        view
        returns (Refusal reason, uint256 limit, uint256 actual)
    {
        uint256 asset = _envelopes[_sessions[purse].envelope()].asset;
        return _judge(purse, _assets[asset].domainSeparator, digest, signature);
    }

    /// @notice Whether a payment would be within the rules now, before anybody signs it.
    /// @param approved Whether to assume a valid approval.
    /// @return reason `None` where it would be; {Refusal-SessionBudgetExceeded} where the purse holds too little.
    function previewPayment(address purse, address payee, uint256 amount, bool approved)
        external
        view
        returns (Refusal reason, uint256 limit, uint256 actual)
    {
        SessionWord word = _sessions[purse];
        EnvelopeHead memory head = _envelopes[word.envelope()].head;
        (reason, limit, actual) = _judgeStanding(word, head);
        if (reason != Refusal.None) return (reason, limit, actual);
        uint256 threshold;
        (reason, limit, actual, threshold) = _judgeRules(purse, word, head, payee, amount);
        if (reason != Refusal.None) return (reason, limit, actual);
        uint256 held = SafeTransferLib.balanceOf(_assets[_envelopes[word.envelope()].asset].token, purse);
        if (amount > held) return (Refusal.SessionBudgetExceeded, held, amount);
        if (amount > threshold && !approved) return (Refusal.ApprovalMissing, threshold, amount);
    }
}
