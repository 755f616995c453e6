//! Paying for an HTTP request, with the unmodified x402 client inside.

mod answer;
mod spans;

use alloy::primitives::{B256, keccak256};
use reqwest_middleware::ClientBuilder;
use serde::Deserialize;
use tracing::Instrument as _;
use x402_reqwest::X402Client;
use x402_types::scheme::client::X402Error;

use crate::{
    agent::{Agent, Outcome},
    authorize::SignedPayment,
    challenge::{Requirement, shorten},
    client::{BursarScheme, CONTEXT, Context},
    decision::Resource,
    error::AgentError,
    offer::{OfferRefused, Receipt},
    outcome::SettlementReference,
    purpose::Purpose,
};

pub use self::answer::MAX_RESULT;
use self::answer::Told;

/// An answered request, with what was paid for it.
#[derive(Debug)]
pub struct Paid {
    /// The resource's answer.
    pub response: reqwest::Response,
    /// What was signed; `None` where the resource was free.
    pub payment: Option<SignedPayment>,
    /// How the settlement went, as the server says; the chain has the last word.
    pub settlement: Option<Settlement>,
    /// The server's signed receipt, or why it is not in order; `None` where the server signs none. The payment has
    /// settled all the same.
    pub receipt: Option<Result<Receipt, OfferRefused>>,
    /// Hash of the outcome record; `None` where nothing was paid, or the record could not be written.
    pub outcome: Option<B256>,
}

/// A settlement, as the server reports it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Settlement {
    /// Whether it settled.
    pub success: bool,
    /// The settling transaction; empty where there is none.
    #[serde(default)]
    pub transaction: String,
    /// What was charged, in the asset's atomic units, as the server says; on `upto` it may be less than was signed.
    #[serde(default)]
    pub amount: Option<String>,
    /// Why not, in the facilitator's words.
    #[serde(default)]
    pub error_reason: Option<String>,
}

impl Settlement {
    /// The settling transaction's hash.
    pub fn hash(&self) -> Option<B256> {
        self.transaction.parse().ok()
    }

    /// As outcome records keep it.
    fn reference(&self) -> SettlementReference {
        SettlementReference {
            success: self.success,
            transaction: self.hash(),
            error_reason: self.error_reason.as_deref().map(shorten),
        }
    }
}

impl Agent {
    /// Sends a request and pays for it where the server asks: 402, checks, decision, signature, again.
    ///
    /// # Errors
    /// Typed: what keeps the agent from signing, and where the server turns a signed payment down, why the
    /// chain would (facilitators only say "invalid signature").
    pub async fn pay(&self, request: reqwest::Request, purpose: Purpose) -> Result<Paid, AgentError> {
        let span = spans::payment(self);
        let paid = self.pay_here(request, purpose).instrument(span.clone()).await;
        spans::ended(&span, &paid);
        paid
    }

    async fn pay_here(&self, request: reqwest::Request, purpose: Purpose) -> Result<Paid, AgentError> {
        let mut context = Context::of(purpose);
        context.resource = Some(Resource {
            url: without_secrets(request.url()),
            method: request.method().to_string(),
            body_hash: request.body().and_then(reqwest::Body::as_bytes).map(keccak256).unwrap_or_default(),
        });
        let x402 = X402Client::new().register(BursarScheme::new(self.clone()));
        let client = ClientBuilder::new(self.http().clone())
            .with(x402)
            .with(spans::Sending(context.span.clone()))
            .build();
        let answer = CONTEXT.scope(context.clone(), client.execute(request)).await;
        let Some((payment, requirement)) = context.signed() else {
            let response = answer.map_err(|error| untangle(error, &context))?;
            return Ok(Paid { response, payment: None, settlement: None, receipt: None, outcome: None });
        };
        match answer {
            Ok(response) => self.answered(&context, payment, &requirement, response).await,
            Err(error) => {
                // What was signed may settle all the same.
                self.note_outcome(&payment, Outcome::default()).await;
                Err(untangle(error, &context))
            }
        }
    }

    /// What came of a signed payment, once there is an answer: recorded whatever it is.
    async fn answered(
        &self,
        context: &Context,
        payment: SignedPayment,
        requirement: &Requirement,
        response: reqwest::Response,
    ) -> Result<Paid, AgentError> {
        let told = Told::of(&response);
        let names = context.names_of(requirement.resource.as_ref());
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let place = (self.view().chain_id(), self.clock().now());
        let receipt = told.check_receipt(&payment, requirement, &names, place);
        if let Some(Err(refused)) = &receipt {
            tracing::warn!(decision = %payment.decision_hash, reason = %refused.reason, "a receipt is not in order");
        }
        let checked = receipt.as_ref().map(|receipt| receipt.as_ref().map(drop).map_err(Clone::clone));
        let status = response.status();
        let mut outcome = Outcome {
            settlement: told.settlement.as_ref().map(Settlement::reference),
            receipt: told.receipt.clone().zip(checked),
            http_status: Some(status.as_u16()),
            ..Outcome::default()
        };
        let settlement = told.settlement;
        if status == reqwest::StatusCode::PAYMENT_REQUIRED
            || settlement.as_ref().is_some_and(|settlement| !settlement.success)
        {
            self.note_outcome(&payment, outcome).await;
            return Err(self.explain(&payment, response, settlement).await);
        }
        let (response, digest) = match answer::read(response).await {
            Ok(read) => read,
            Err(error) => {
                self.note_outcome(&payment, outcome).await;
                return Err(error.into());
            }
        };
        (outcome.result, outcome.delivered) = (digest, status.is_success());
        let outcome = self.note_outcome(&payment, outcome).await;
        Ok(Paid { response, payment: Some(payment), settlement, receipt, outcome })
    }

    /// Records an outcome. What was paid for is not held back where that fails.
    async fn note_outcome(&self, payment: &SignedPayment, outcome: Outcome) -> Option<B256> {
        match self.record_outcome(payment, outcome).await {
            Ok(hash) => Some(hash),
            Err(error) => {
                tracing::error!(decision = %payment.decision_hash, %error, "an outcome is not recorded");
                None
            }
        }
    }

    /// Why a signed payment was turned down: the chain's reason where it has one, else the server's words.
    async fn explain(
        &self,
        payment: &SignedPayment,
        response: reqwest::Response,
        settlement: Option<Settlement>,
    ) -> AgentError {
        match self.diagnose(payment).await {
            Err(error) if !error.is_transient() => return error,
            Err(error) => tracing::warn!(%error, "the chain cannot be asked why a payment was turned down"),
            Ok(()) => {}
        }
        let status = response.status().as_u16();
        let said = match settlement.and_then(|settlement| settlement.error_reason) {
            Some(reason) => reason,
            None => response.text().await.unwrap_or_default(),
        };
        AgentError::NotAccepted { status, message: shorten(&said) }
    }

    /// Asks the chain whether a signed payment would settle now.
    ///
    /// # Errors
    /// Why it would not: [`AgentError::Replayed`], or [`AgentError::Refused`] with the contract's reason.
    pub async fn diagnose(&self, payment: &SignedPayment) -> Result<(), AgentError> {
        let (view, told) = (self.view(), &payment.authorization);
        if view.has_settled(payment.rail, told.purse, told.nonce).await? {
            return Err(AgentError::Replayed { nonce: told.nonce });
        }
        let signature = view.diagnose_payment(told.purse, payment.digest, payment.blob.clone()).await?;
        // A purse's yes is a view and does not count; what the purse holds is the token's to say.
        let verdict = match signature {
            None => view.preview_payment(told.purse, told.payee, told.amount, true).await?,
            refused => refused,
        };
        match verdict {
            None => Ok(()),
            Some((reason, limit, actual)) => Err(AgentError::refused(reason, limit, actual)),
        }
    }
}

/// The typed error behind the x402 client's text.
fn untangle(error: reqwest_middleware::Error, context: &Context) -> AgentError {
    if let Some(typed) = context.take_error() {
        return std::sync::Arc::try_unwrap(typed).unwrap_or_else(AgentError::Shared);
    }
    match error {
        reqwest_middleware::Error::Reqwest(error) => error.into(),
        reqwest_middleware::Error::Middleware(error) => match error.downcast_ref::<X402Error>() {
            Some(X402Error::ParseError(_) | X402Error::JsonError(_)) => {
                AgentError::BadChallenge("neither header nor body holds payment requirements".into())
            }
            Some(X402Error::NoMatchingPaymentOption) => AgentError::NoRail { offered: "nothing".into() },
            Some(X402Error::RequestNotCloneable) => AgentError::Config {
                what: "request body",
                expected: "one that can be sent twice".into(),
                got: "a stream".into(),
            },
            _ => AgentError::Http(shorten(&error.to_string())),
        },
    }
}

/// Records are kept for years; passwords in addresses should not be.
fn without_secrets(url: &url::Url) -> String {
    let mut url = url.clone();
    // Fails only for addresses that cannot hold either.
    let _ = url.set_password(None);
    let _ = url.set_username("");
    url.into()
}
