//! Money into an envelope's escrow, and out of it.

use alloy::primitives::{Address, U256};
use bursar_indexer::query::envelopes::Envelope;
use bursar_sdk::{
    abi::{
        Eip3009::approveCall,
        Treasury::{topUpCall, withdrawCall},
    },
    amount::Amount,
};

use super::plan::{Desk, Plan, call_to, number};
use crate::{error::ApiError, web::text::money};

/// What the sender holds and has allowed the treasury, as a node says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Purchasing {
    pub(super) held: U256,
    pub(super) allowance: U256,
}

fn some(amount: Amount) -> Result<(), ApiError> {
    if amount.is_zero() {
        return Err(ApiError::unprocessable("amount_zero", "an amount of zero moves nothing")
            .mismatch("at least 1 atomic unit", "0"));
    }
    Ok(())
}

/// `sender` is what a node says of the sender; nothing where there is no node.
pub(super) fn top_up(
    desk: &Desk<'_>,
    row: &Envelope,
    amount: Amount,
    sender: Option<Purchasing>,
) -> Result<Plan, ApiError> {
    some(amount)?;
    let show = |units: U256| money(desk.config, row.asset, units);
    let escrow = row.escrow();
    let after = escrow.checked_add(amount).ok_or_else(|| {
        ApiError::unprocessable("amount_too_large", "the escrow would be more than a treasury counts")
            .mismatch(format!("at most {}", Amount::MAX.saturating_sub(escrow)), amount)
    })?;
    if let Some(sender) = sender.filter(|sender| sender.held < amount.to_u256()) {
        let message = format!("the account holds {}, less than is to be paid in", show(sender.held));
        return Err(ApiError::conflict("balance_too_small", message)
            .mismatch(format!("at most {}", sender.held), amount));
    }
    let paid_in = show(amount.to_u256());
    let call = topUpCall { envelope: number(row.number), amount: amount.to_u256() };
    let what = format!(
        "Adds {paid_in} to the escrow of envelope {} ({}), out of the sending account. Limits stay as they are.",
        row.number,
        desk.called(row.agent)
    );
    let mut plan = Plan::new(what, desk.call(&call, format!("Top up envelope {}", row.number)))
        .change("Escrow", show(escrow.to_u256()), show(after.to_u256()))
        .change("Funded in all", show(row.funded.to_u256()), show(row.funded.to_u256() + amount.to_u256()))
        .warn_if(
            row.frozen || row.group_frozen || row.organisation_frozen,
            "It is frozen: it pays nothing until it is released.",
        );
    if sender.is_none_or(|sender| sender.allowance < amount.to_u256()) {
        let approve = approveCall { spender: desk.treasury.address, amount: amount.to_u256() };
        plan.calls.insert(0, call_to(row.asset, &approve, format!("Allow the treasury to take {paid_in}")));
    }
    Ok(plan)
}

pub(super) fn withdraw(
    desk: &Desk<'_>,
    row: &Envelope,
    to: Address,
    amount: Amount,
) -> Result<Plan, ApiError> {
    some(amount)?;
    let unfit = [
        (Address::ZERO, "the zero address"),
        (desk.treasury.address, "the treasury itself"),
        (row.asset, "the token"),
    ];
    if let Some((_, name)) = unfit.into_iter().find(|(account, _)| *account == to) {
        return Err(ApiError::unprocessable(
            "receiver_unfit",
            "money sent there would be lost or not counted",
        )
        .mismatch("an account of the organisation's", name));
    }
    let show = |amount: Amount| money(desk.config, row.asset, amount.to_u256());
    let escrow = row.escrow();
    let after = escrow.checked_sub(amount).ok_or_else(|| {
        let message = format!("the escrow holds {}, less than is to be taken out", show(escrow));
        ApiError::conflict("escrow_too_small", message).mismatch(format!("at most {escrow}"), amount)
    })?;
    let call = withdrawCall { envelope: number(row.number), to, amount: amount.to_u256() };
    let what = format!(
        "Takes {} out of the escrow of envelope {} ({}) and pays it to {}. What purses hold stays there.",
        show(amount),
        row.number,
        desk.called(row.agent),
        receiver(desk, to)
    );
    let withdrawn = show(row.withdrawn.checked_add(amount).unwrap_or(Amount::MAX));
    Ok(Plan::new(what, desk.call(&call, format!("Withdraw from envelope {}", row.number)))
        .change("Escrow", show(escrow), show(after))
        .change("Withdrawn in all", show(row.withdrawn), withdrawn))
}

/// Whole, whatever people call it: money goes there.
fn receiver(desk: &Desk<'_>, to: Address) -> String {
    let address = to.to_checksum(None);
    match desk.config.names.get(&to) {
        Some(name) => format!("{name} ({address})"),
        None => address,
    }
}
