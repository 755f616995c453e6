//! The x402 scheme client: what makes an unmodified `x402-reqwest` client pay from a purse.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use tokio::task_local;
use tracing::Span;
use x402_types::{
    chain::ChainId,
    proto::{PaymentRequired, v2},
    scheme::{
        X402SchemeId,
        client::{PaymentCandidate, PaymentCandidateSigner, X402Error, X402SchemeClient},
    },
};

use crate::{
    agent::Agent,
    authorize::SignedPayment,
    challenge::{Requirement, shorten},
    decision::Resource,
    error::AgentError,
    purpose::Purpose,
};

task_local! {
    /// What the payments of the current task are for; the x402 client has no place to pass it.
    pub(crate) static CONTEXT: Context;
}

/// What a payment is for, and what came of it.
#[derive(Debug, Clone)]
pub(crate) struct Context {
    pub(crate) purpose: Purpose,
    pub(crate) resource: Option<Resource>,
    /// The span of the payment: what is done for it is told under it, whatever spans others have open meanwhile.
    pub(crate) span: Span,
    outcome: Arc<Mutex<Outcome>>,
}

#[derive(Debug, Default)]
struct Outcome {
    signed: Option<(SignedPayment, Requirement)>,
    error: Option<Arc<AgentError>>,
}

impl Context {
    pub(crate) fn of(purpose: Purpose) -> Self {
        Self { purpose, resource: None, span: Span::current(), outcome: Arc::default() }
    }

    /// What the resource may be called: as it was asked for, and as the server names it.
    pub(crate) fn names_of(&self, resource: Option<&v2::ResourceInfo>) -> Vec<String> {
        let asked = self.resource.as_ref().map(|resource| resource.url.clone());
        asked.into_iter().chain(resource.map(|resource| resource.url.clone())).collect()
    }

    /// What was signed, and what it was asked for with.
    pub(crate) fn signed(&self) -> Option<(SignedPayment, Requirement)> {
        self.outcome.lock().unwrap_or_else(PoisonError::into_inner).signed.clone()
    }

    pub(crate) fn error(&self) -> Option<Arc<AgentError>> {
        self.outcome.lock().unwrap_or_else(PoisonError::into_inner).error.clone()
    }

    pub(crate) fn take_error(&self) -> Option<Arc<AgentError>> {
        self.outcome.lock().unwrap_or_else(PoisonError::into_inner).error.take()
    }

    fn note(&self, result: Result<(SignedPayment, Requirement), Arc<AgentError>>) {
        let mut outcome = self.outcome.lock().unwrap_or_else(PoisonError::into_inner);
        match result {
            Ok(signed) => *outcome = Outcome { signed: Some(signed), error: None },
            Err(error) => *outcome = Outcome { signed: None, error: Some(error) },
        }
    }
}

/// Schemes `exact` and `upto` on EVM chains (x402 version 2), paid from an agent's purse.
///
/// Register it with any x402 client. x402 errors carry text only; the typed error of the last payment that
/// failed is at [`Self::last_error`]. What a payment is for comes from [`Purpose::scope`], or from
/// [`Self::with_purpose`] where the client runs payments on other tasks.
#[derive(Debug, Clone)]
pub struct BursarScheme {
    agent: Agent,
    fallback: Context,
}

impl BursarScheme {
    /// The scheme client of an agent.
    pub fn new(agent: Agent) -> Self {
        Self { agent, fallback: Context::of(Purpose::default()) }
    }

    /// What payments outside any [`Purpose::scope`] are for.
    pub fn with_purpose(mut self, purpose: Purpose) -> Self {
        self.fallback = Context::of(purpose);
        self
    }

    /// Why the last payment outside any [`Purpose::scope`] failed; `None` after one that was signed.
    pub fn last_error(&self) -> Option<Arc<AgentError>> {
        self.fallback.error()
    }

    fn context(&self) -> Context {
        let fallback = |_| Context { span: Span::current(), ..self.fallback.clone() };
        CONTEXT.try_with(Context::clone).unwrap_or_else(fallback)
    }
}

impl X402SchemeId for BursarScheme {
    fn namespace(&self) -> &str {
        "eip155"
    }

    fn scheme(&self) -> &str {
        "exact"
    }
}

impl X402SchemeClient for BursarScheme {
    fn accept(&self, payment_required: &PaymentRequired) -> Vec<PaymentCandidate> {
        let context = self.context();
        let (candidates, error) = match payment_required {
            PaymentRequired::V2(required) => self.candidates(required, &context),
            PaymentRequired::V1(_) => {
                (Vec::new(), Some(AgentError::NoRail { offered: "x402 version 1".into() }))
            }
        };
        if candidates.is_empty() {
            let error = error.unwrap_or(AgentError::NoRail { offered: "nothing".into() });
            context.note(Err(Arc::new(error)));
        }
        candidates
    }
}

impl BursarScheme {
    /// The offers that the purse can take, and why the last other one cannot be.
    fn candidates(
        &self,
        required: &v2::PaymentRequired<x402_types::proto::OriginalJson>,
        context: &Context,
    ) -> (Vec<PaymentCandidate>, Option<AgentError>) {
        let means = self.agent.means();
        let (mut candidates, mut why) = (Vec::new(), None);
        let resources = context.names_of(required.resource.as_ref());
        let resources: Vec<&str> = resources.iter().map(String::as_str).collect();
        let now = self.agent.clock().now();
        for (index, original) in required.accepts.iter().enumerate() {
            let read = means.read(original).and_then(|mut requirement| {
                requirement.offer =
                    means.offer(&required.extensions, (index, &requirement), &resources, now)?;
                Ok(requirement)
            });
            match read {
                Ok(mut requirement) => {
                    requirement.resource = required.resource.clone();
                    requirement.extensions = match self.agent.stamped(&required.extensions) {
                        Ok(extensions) => extensions,
                        Err(error) => return (Vec::new(), Some(error)),
                    };
                    candidates.push(PaymentCandidate {
                        chain_id: ChainId::new("eip155", means.chain_id.to_string()),
                        asset: means.asset.address.to_checksum(None),
                        amount: requirement.amount.to_u256(),
                        scheme: requirement.rail.scheme().to_owned(),
                        x402_version: self.x402_version(),
                        pay_to: requirement.payee.to_checksum(None),
                        signer: Box::new(Candidate {
                            agent: self.agent.clone(),
                            requirement,
                            context: context.clone(),
                        }),
                    });
                }
                Err(error) => {
                    tracing::debug!(%error, offer = %shorten(original.0.get()), "an offer the purse cannot take");
                    why = Some(error);
                }
            }
        }
        (candidates, why)
    }
}

/// One offer, ready to be paid.
struct Candidate {
    agent: Agent,
    requirement: Requirement,
    context: Context,
}

#[async_trait]
impl PaymentCandidateSigner for Candidate {
    async fn sign_payment(&self) -> Result<String, X402Error> {
        match self.agent.authorize_in(&self.requirement, &self.context).await {
            Ok(signed) => {
                let payload = signed.payload.clone();
                self.context.note(Ok((signed, self.requirement.clone())));
                Ok(payload)
            }
            Err(error) => {
                let text = error.to_string();
                self.context.note(Err(Arc::new(error)));
                Err(X402Error::SigningError(text))
            }
        }
    }
}
