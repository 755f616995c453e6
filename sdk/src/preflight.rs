//! The answer before anything is signed: would the chain accept, and if not, why and what would help.
//!
//! Asked of the contract's own view, not of a simulation. Measured against a revm simulation of the token's
//! transfer on forked state (`benches/preflight.rs`; anvil on the same machine, unoptimised build): the view
//! takes 2 RPC requests made at once, 2.5 ms; the simulation 25 requests, most waiting for the one before,
//! 63 ms, so about 25 times as long, and a remote node adds its latency to each. The simulation also needs
//! the signature that preflight is there to hold back, and tells that the transfer reverts, not why.

use alloy::primitives::{Address, U256};

use crate::{
    amount::Amount,
    chain::{ChainView, Verdict},
    decision::RuleCheck,
    error::AgentError,
    payment::Rail,
    refusal::Refusal,
    session::{SessionHandle, narrow},
};

/// Where the rules are checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Checks {
    /// Before signing, and on chain. What a refusal costs is one round trip.
    #[default]
    BeforeSigning,
    /// On chain only: whatever is asked is signed. To show that the chain holds without this SDK; never a
    /// way to pay more.
    ChainOnly,
}

/// What preflight found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preflight {
    /// Why not, with both values; `None` where the chain would accept.
    pub refusal: Verdict,
    /// Whether a human has to approve first.
    pub needs_approval: bool,
    /// What payment nonces commit to beside the policy version, now.
    pub epoch: u64,
    /// The rules looked at, as the decision record keeps them.
    pub rules: Vec<RuleCheck>,
}

impl Preflight {
    /// The refusal as an error; a missing approval is none yet.
    ///
    /// # Errors
    /// [`AgentError::Refused`] where there is one.
    pub fn check(&self) -> Result<(), AgentError> {
        match self.refusal {
            None => Ok(()),
            Some((reason, limit, actual)) => Err(AgentError::refused(reason, limit, actual)),
        }
    }
}

/// Asks the chain about a payment: two reads, made at once; four where it is to settle through Permit2.
///
/// # Errors
/// When the node fails, or with [`AgentError::Permit2Allowance`]. A refusal is no error here; see [`Preflight::check`].
pub async fn preflight(
    view: &ChainView,
    session: &SessionHandle,
    payee: Address,
    amount: Amount,
    rail: Rail,
) -> Result<Preflight, AgentError> {
    let (now, verdict, closed) = futures::try_join!(
        view.session(session.purse),
        view.preview_payment(session.purse, payee, amount, false),
        rail_closed(view, session.purse, amount, rail),
    )?;
    let needs_approval = matches!(verdict, Some((Refusal::ApprovalMissing, ..)));
    let verdict = if needs_approval { None } else { verdict };
    let key = session.key_address();
    // The view answers for whatever session is open; ours may be gone, or its key never have been ours.
    let refusal = match verdict {
        Some(standing) if standing.0 == Refusal::SessionUnknown => Some(standing),
        _ if now.key != key => Some((Refusal::SessionKeyMismatch, word(now.key), word(key))),
        _ if now.sequence != U256::from(session.sequence) => {
            Some((Refusal::SequenceMismatch, now.sequence, U256::from(session.sequence)))
        }
        other => closed.or(other),
    };
    let epoch = narrow(now.epoch, "epoch")?;
    Ok(Preflight { refusal, needs_approval, epoch, rules: rules(session, payee, amount, refusal) })
}

/// What the treasury's view does not know: whether the envelope may pay on that rail.
async fn rail_closed(
    view: &ChainView,
    purse: Address,
    amount: Amount,
    rail: Rail,
) -> Result<Verdict, AgentError> {
    if rail == Rail::Eip3009 {
        return Ok(None);
    }
    let (envelope, allowance) = futures::try_join!(view.envelope_state(), view.permit2_allowance(purse))?;
    if !envelope.permit2 {
        let [allowed, asked] = [Rail::Eip3009, rail].map(|rail| U256::from(rail.number()));
        return Ok(Some((Refusal::RailNotAllowed, allowed, asked)));
    }
    if allowance < amount.to_u256() {
        return Err(AgentError::Permit2Allowance { purse, needed: amount, allowance });
    }
    Ok(None)
}

/// An address as the contract's verdicts carry it.
pub(crate) fn word(address: Address) -> U256 {
    U256::from_be_slice(address.as_slice())
}

fn rules(session: &SessionHandle, payee: Address, amount: Amount, refusal: Verdict) -> Vec<RuleCheck> {
    let mut rules = vec![
        RuleCheck {
            id: Refusal::PaymentCapExceeded,
            input: amount.to_string(),
            limit: session.payment_cap.to_string(),
            pass: amount <= session.payment_cap,
        },
        RuleCheck {
            id: Refusal::ApprovalMissing,
            input: amount.to_string(),
            limit: session.approval_threshold.to_string(),
            pass: amount <= session.approval_threshold,
        },
    ];
    let unlisted = matches!(refusal, Some((Refusal::PayeeNotListed, ..)));
    rules.extend(session.payee_lists.iter().map(|list| RuleCheck {
        id: Refusal::PayeeNotListed,
        input: payee.to_string(),
        limit: format!("payee list {list}"),
        pass: !unlisted,
    }));
    if let Some((reason, limit, actual)) = refusal
        && !rules.iter().any(|rule| rule.id == reason && !rule.pass)
    {
        rules.retain(|rule| rule.id != reason);
        rules.push(RuleCheck {
            id: reason,
            input: actual.to_string(),
            limit: limit.to_string(),
            pass: false,
        });
    }
    rules
}
