//! Why an agent pays: what a decision record says beside the payment's own facts.

use std::future::Future;

use alloy::primitives::B256;

use crate::{amount::Amount, decision::Model};

/// What the caller knows about one payment: the task behind it, the reasons, the expected price.
///
/// ```
/// use bursar_sdk::{Amount, Purpose};
///
/// let purpose = Purpose::new("task 17: weekly market report", "the only source with intraday prices")
///     .at_most(Amount::new(20_000))
///     .once("report-2026-W47/prices");
/// assert_eq!(purpose.idempotency_key.as_deref(), Some("report-2026-W47/prices"));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Purpose {
    /// What set the agent going: a task, a user, a schedule.
    pub trigger: String,
    /// Why, in words.
    pub rationale: String,
    /// What else the agent could have done.
    pub alternatives: Vec<String>,
    /// The model that decided, where one did.
    pub model: Option<Model>,
    /// keccak-256 of the agent's ERC-8004 reference, or zero.
    pub agent_ref: B256,
    /// What the resource was advertised for, in atomic units: a challenge that asks more is refused.
    pub advertised: Option<Amount>,
    /// Payments of the same key are one payment, however often they are tried.
    pub idempotency_key: Option<String>,
}

impl Purpose {
    /// A purpose in words.
    pub fn new(trigger: impl Into<String>, rationale: impl Into<String>) -> Self {
        Self { trigger: trigger.into(), rationale: rationale.into(), ..Self::default() }
    }

    /// Refuses a challenge that asks more than the resource was advertised for.
    pub fn at_most(mut self, advertised: Amount) -> Self {
        self.advertised = Some(advertised);
        self
    }

    /// Makes every payment of this key one payment.
    pub fn once(mut self, idempotency_key: impl Into<String>) -> Self {
        self.idempotency_key = Some(idempotency_key.into());
        self
    }

    /// Names the model that decided.
    pub fn by(mut self, model: Model) -> Self {
        self.model = Some(model);
        self
    }

    /// Runs `payments` with this purpose: every payment that a [`crate::BursarScheme`] signs inside it, on the
    /// same task, is recorded with it. For unmodified HTTP clients, which have no place to pass it.
    pub async fn scope<F: Future>(self, payments: F) -> F::Output {
        crate::client::CONTEXT.scope(crate::client::Context::of(self), payments).await
    }
}
