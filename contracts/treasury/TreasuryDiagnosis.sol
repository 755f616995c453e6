// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {HeadWord} from "../libraries/HeadWord.sol";
import {SessionWord} from "../libraries/SessionWord.sol";
import {Refusal, SessionRequest} from "../libraries/Types.sol";
import {Verdict} from "../libraries/Verdict.sol";
import {TreasuryPaymentRules} from "./TreasuryPaymentRules.sol";
import {TreasurySessionRules} from "./TreasurySessionRules.sol";
import {SafeTransferLib} from "solady/utils/SafeTransferLib.sol";

/// @notice Why not: the same rules that decide, asked for their reason; and what an agent signs.
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
        return _plan(request).verdict.reasons();
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
        uint256 asset = _envelopes[_sessions[purse].envelope()].books.asset();
        return _judge(purse, _assets[asset].domainSeparator, digest, signature).reasons();
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
        HeadWord head = _envelopes[word.envelope()].head;
        (Verdict verdict,) = _judgeStanding(word, head);
        uint256 threshold;
        if (!verdict.refuses()) (verdict, threshold) = _judgeRules(purse, word, head, payee, amount);
        if (verdict.refuses()) return verdict.reasons();
        uint256 held =
            SafeTransferLib.balanceOf(_assets[_envelopes[word.envelope()].books.asset()].token, purse);
        if (amount > held) return (Refusal.SessionBudgetExceeded, held, amount);
        if (amount > threshold && !approved) return (Refusal.ApprovalMissing, threshold, amount);
    }

    /// @notice The EIP-712 digest that the agent signs to open a session.
    function openSessionDigest(SessionRequest calldata request) external view returns (bytes32) {
        return _openSessionDigest(request);
    }

    /// @notice The EIP-712 digest that the agent signs to close a session.
    function closeSessionDigest(address purse, uint24 sequence) external view returns (bytes32) {
        return _closeSessionDigest(purse, sequence);
    }
}
