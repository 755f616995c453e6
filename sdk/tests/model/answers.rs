//! The chain's answers to a call against the model's.

use alloy::{
    primitives::{Address, Bytes},
    sol_types::{SolError as _, SolEventInterface as _, SolInterface as _},
};
use anyhow::{Result, bail, ensure};
use bursar_sdk::{
    Refusal,
    abi::{
        TestUSDC,
        Treasury::{TreasuryErrors, TreasuryEvents},
    },
    model::{Refused, TokenRefusal},
    payment::permit2::PERMIT2,
};
use bursar_test_machine::Answer;

/// Success with the same events, or the same reason.
pub(crate) fn agree(
    treasury: Address,
    chain: &Answer,
    model: &Result<Vec<TreasuryEvents>, Refused>,
) -> Result<()> {
    match (chain, model) {
        (Ok(logs), Ok(expected)) => {
            let ours = logs.iter().filter(|log| log.address == treasury);
            let told: Vec<TreasuryEvents> = ours
                .map(|log| TreasuryEvents::decode_log(log).map(|log| log.data))
                .collect::<Result<_, _>>()?;
            ensure!(told == *expected, "the chain tells {told:?}, the model {expected:?}");
        }
        (Err(data), Err(refused)) => {
            let expected = reverts_with(refused)?;
            ensure!(
                expected.contains(data),
                "the chain refuses with {}, the model with {refused:?}",
                reason(data)
            );
        }
        (Ok(_), Err(refused)) => bail!("the chain does it, the model refuses: {refused:?}"),
        (Err(data), Ok(_)) => bail!("the model does it, the chain refuses: {}", reason(data)),
    }
    Ok(())
}

fn reason(data: &Bytes) -> String {
    match TreasuryErrors::abi_decode(data) {
        Ok(error) => format!("{error:?}"),
        Err(_) => match TestUSDC::TestUSDCErrors::abi_decode(data) {
            Ok(error) => format!("{error:?}"),
            Err(_) => data.to_string(),
        },
    }
}

/// What a reason is counted under.
pub(crate) fn name(refused: &Refused) -> String {
    let reason = match refused {
        Refused::Treasury(TreasuryErrors::SessionRefused(refused)) => {
            return format!("session {:?}", Refusal::from_number(refused.reason));
        }
        Refused::Treasury(TreasuryErrors::PolicyInvalid(invalid)) => {
            return format!("policy {}", invalid.field);
        }
        Refused::Treasury(error) => format!("{error:?}"),
        Refused::Payment(verdict) => return format!("payment {:?}", verdict.reason),
        Refused::Token { reason, .. } => format!("token {reason:?}"),
        Refused::TokenCall { reason, .. } => format!("token call {reason:?}"),
        Refused::Unreadable => "unreadable".to_owned(),
        Refused::View => "view".to_owned(),
    };
    reason.split(['(', '{']).next().unwrap_or_default().trim().to_owned()
}

/// What the chain may revert with, where the model refuses like that.
fn reverts_with(refused: &Refused) -> Result<Vec<Bytes>> {
    Ok(match refused {
        Refused::Treasury(error) => vec![error.abi_encode().into()],
        Refused::Payment(_) => vec![TestUSDC::ERC3009InvalidSignature {}.abi_encode().into()],
        Refused::Token { reason, .. } => vec![token_error(*reason)?],
        // What the treasury's helpers for transfers say, and nothing at all where a contract was expected.
        Refused::TokenCall { .. } => {
            vec![vec![0x90, 0xb8, 0xec, 0x18].into(), vec![0x79, 0x39, 0xf4, 0x24].into(), Bytes::new()]
        }
        Refused::Unreadable => vec![Bytes::new()],
        Refused::View => bail!("a history makes no call to a view"),
    })
}

fn token_error(reason: TokenRefusal) -> Result<Bytes> {
    Ok(match reason {
        TokenRefusal::SignatureInvalid => TestUSDC::ERC3009InvalidSignature {}.abi_encode(),
        TokenRefusal::NotNow { after, before, .. } => {
            TestUSDC::ERC3009InvalidAuthorizationTime { validAfter: after, validBefore: before }.abi_encode()
        }
        TokenRefusal::Used { payer, nonce } => {
            TestUSDC::ERC3009UsedAuthorization { authorizer: payer, nonce }.abi_encode()
        }
        TokenRefusal::AddressZero => TestUSDC::ERC20InvalidReceiver { receiver: Address::ZERO }.abi_encode(),
        TokenRefusal::BalanceTooSmall { holder, held, asked } => {
            TestUSDC::ERC20InsufficientBalance { sender: holder, balance: held, needed: asked }.abi_encode()
        }
        TokenRefusal::AllowanceTooSmall { allowed, asked } => {
            TestUSDC::ERC20InsufficientAllowance { spender: PERMIT2, allowance: allowed, needed: asked }
                .abi_encode()
        }
        other => bail!("no history meets {other:?} of a token"),
    }
    .into())
}
