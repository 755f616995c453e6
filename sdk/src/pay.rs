//! Paying for an HTTP request, with the unmodified x402 client inside.

use alloy::primitives::{B256, keccak256};
use reqwest_middleware::ClientBuilder;
use serde::Deserialize;
use x402_reqwest::X402Client;
use x402_types::{scheme::client::X402Error, util::Base64Bytes};

use crate::{
    agent::Agent,
    authorize::SignedPayment,
    challenge::shorten,
    client::{BursarScheme, CONTEXT, Context},
    decision::Resource,
    error::AgentError,
    purpose::Purpose,
};

/// Where servers say how the settlement went.
const PAYMENT_RESPONSE: &str = "payment-response";

/// An answered request, with what was paid for it.
#[derive(Debug)]
pub struct Paid {
    /// The resource's answer.
    pub response: reqwest::Response,
    /// What was signed; `None` where the resource was free.
    pub payment: Option<SignedPayment>,
    /// How the settlement went, as the server says; the chain has the last word.
    pub settlement: Option<Settlement>,
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
    /// Why not, in the facilitator's words.
    #[serde(default)]
    pub error_reason: Option<String>,
}

impl Settlement {
    /// The settling transaction's hash.
    pub fn hash(&self) -> Option<B256> {
        self.transaction.parse().ok()
    }
}

impl Agent {
    /// Sends a request and pays for it where the server asks: 402, checks, decision, signature, again.
    ///
    /// # Errors
    /// Typed: what keeps the agent from signing, and where the server turns a signed payment down, why the
    /// chain would (facilitators only say "invalid signature").
    pub async fn pay(&self, request: reqwest::Request, purpose: Purpose) -> Result<Paid, AgentError> {
        let mut context = Context::of(purpose);
        context.resource = Some(Resource {
            url: without_secrets(request.url()),
            method: request.method().to_string(),
            body_hash: request.body().and_then(reqwest::Body::as_bytes).map(keccak256).unwrap_or_default(),
        });
        let x402 = X402Client::new().register(BursarScheme::new(self.clone()));
        let client = ClientBuilder::new(self.http().clone()).with(x402).build();
        let answer = CONTEXT.scope(context.clone(), client.execute(request)).await;
        let response = match answer {
            Ok(response) => response,
            Err(error) => return Err(untangle(error, &context)),
        };
        let payment = context.signed();
        let settlement = settlement(&response);
        if let Some(payment) = &payment
            && (response.status() == reqwest::StatusCode::PAYMENT_REQUIRED
                || settlement.as_ref().is_some_and(|settlement| !settlement.success))
        {
            return Err(self.explain(payment, response, settlement).await);
        }
        Ok(Paid { response, payment, settlement })
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
        if view.has_settled(told.purse, told.nonce).await? {
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

fn settlement(response: &reqwest::Response) -> Option<Settlement> {
    let header = response.headers().get(PAYMENT_RESPONSE)?;
    let json = Base64Bytes::from(header.as_bytes()).decode().ok()?;
    serde_json::from_slice(&json).ok()
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
