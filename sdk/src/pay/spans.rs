//! The spans of a payment. They tell what is on chain, or about to be, and how it went; no words, addresses of shops, headers
//! or signatures.

use async_trait::async_trait;
use http::Extensions;
use reqwest_middleware::{Middleware, Next};
use tracing::{Instrument as _, Span, field};

use super::Paid;
use crate::{agent::Agent, error::AgentError, telemetry::TARGET};

/// The span around all that is done for one payment.
pub(super) fn payment(agent: &Agent) -> Span {
    tracing::info_span!(
        target: TARGET, "payment",
        bursar.treasury = %agent.view().treasury(),
        bursar.envelope = agent.view().envelope(),
        bursar.purse = %agent.purse(),
        bursar.nonce = field::Empty,
        bursar.decision_hash = field::Empty,
        bursar.amount = field::Empty,
        bursar.verdict = field::Empty,
    )
}

/// Notes what a payment came to.
pub(super) fn ended(span: &Span, paid: &Result<Paid, AgentError>) {
    match paid {
        Ok(Paid { payment: Some(payment), .. }) => {
            span.record("bursar.nonce", field::display(payment.authorization.nonce));
            span.record("bursar.decision_hash", field::display(payment.decision_hash));
            span.record("bursar.amount", field::display(payment.authorization.amount));
            span.record("bursar.verdict", "approved");
        }
        Ok(_) => {
            span.record("bursar.verdict", "free");
        }
        Err(AgentError::Refused { .. }) => {
            span.record("bursar.verdict", "denied");
        }
        Err(_) => {
            span.record("bursar.verdict", "failed");
        }
    }
}

/// A span around each request that is sent: the one that is asked to pay, and the one that does.
pub(super) struct Sending(pub(super) Span);

#[async_trait]
impl Middleware for Sending {
    async fn handle(
        &self,
        request: reqwest::Request,
        extensions: &mut Extensions,
        next: Next<'_>,
    ) -> reqwest_middleware::Result<reqwest::Response> {
        let span = tracing::info_span!(
            target: TARGET, parent: &self.0, "http",
            otel.kind = "client", http.request.method = %request.method(), http.response.status_code = field::Empty,
        );
        let answer = next.run(request, extensions).instrument(span.clone()).await;
        if let Ok(answer) = &answer {
            span.record("http.response.status_code", answer.status().as_u16());
        }
        answer
    }
}
