//! What a paid API answered: the settlement it reports, the receipt it signs, the result and its hash.

use alloy::primitives::{B256, Keccak256};
use futures::{StreamExt as _, stream};
use http_body_util::{BodyStream, StreamBody};
use reqwest::{Response, ResponseBuilderExt as _};
use serde_json::Value;
use x402_types::util::Base64Bytes;

use super::Settlement;
use crate::{
    authorize::{BACKDATE, SignedPayment},
    challenge::Requirement,
    offer::{self, OfferRefused, Receipt},
};

/// Where servers say how the settlement went.
const PAYMENT_RESPONSE: &str = "payment-response";

/// The largest result that is hashed, in bytes; a larger one is passed on as it comes.
pub const MAX_RESULT: u64 = 32 << 20;

/// What the headers of an answer say about the payment.
#[derive(Debug, Default)]
pub(super) struct Told {
    pub(super) settlement: Option<Settlement>,
    pub(super) receipt: Option<Value>,
}

impl Told {
    pub(super) fn of(response: &Response) -> Self {
        let json = response
            .headers()
            .get(PAYMENT_RESPONSE)
            .and_then(|header| Base64Bytes::from(header.as_bytes()).decode().ok())
            .and_then(|json| serde_json::from_slice::<Value>(&json).ok());
        let Some(json) = json else { return Self::default() };
        Self { receipt: offer::receipt_in(&json).cloned(), settlement: serde_json::from_value(json).ok() }
    }

    /// Holds the receipt, where there is one, against what was paid.
    pub(super) fn check_receipt(
        &self,
        payment: &SignedPayment,
        requirement: &Requirement,
        resources: &[&str],
        (chain_id, now): (u64, u64),
    ) -> Option<Result<Receipt, OfferRefused>> {
        let told = &payment.authorization;
        let paid = offer::Paid {
            chain_id,
            payer: told.purse,
            payee: told.payee,
            resources,
            offer: requirement.offer.as_ref(),
            transaction: self.settlement.as_ref().and_then(Settlement::hash),
            // As long before the signature as clocks may differ.
            since: told.valid_after.min(now.saturating_sub(BACKDATE)),
            now,
        };
        Some(offer::check_receipt(self.receipt.as_ref()?, &paid))
    }
}

/// The hash of a result, and its length in bytes.
pub(super) type Digest = (B256, u64);

/// Reads a result to its end, so that it can be hashed; hands it on as it came. No digest of one that is larger than
/// [`MAX_RESULT`].
///
/// # Errors
/// When it breaks off.
pub(super) async fn read(mut response: Response) -> Result<(Response, Option<Digest>), reqwest::Error> {
    if response.content_length().is_some_and(|length| length > MAX_RESULT) {
        return Ok((response, None));
    }
    let (mut read, mut hasher) = (Vec::new(), Keccak256::new());
    while let Some(chunk) = response.chunk().await? {
        hasher.update(&chunk);
        read.extend_from_slice(&chunk);
        if read.len() as u64 > MAX_RESULT {
            return Ok((
                rebuilt(response, |rest| {
                    let first = stream::iter([Ok(http_body::Frame::data(read.into()))]);
                    reqwest::Body::wrap(StreamBody::new(first.chain(BodyStream::new(rest))))
                }),
                None,
            ));
        }
    }
    let digest = (hasher.finalize(), read.len() as u64);
    Ok((rebuilt(response, |_| read.into()), Some(digest)))
}

/// The same answer with another body.
fn rebuilt(response: Response, body: impl FnOnce(reqwest::Body) -> reqwest::Body) -> Response {
    let url = response.url().clone();
    let (parts, rest) = http::Response::<reqwest::Body>::from(response).into_parts();
    let named = http::Response::builder().url(url).body(()).unwrap_or_default();
    let (mut fresh, ()) = named.into_parts();
    (fresh.status, fresh.version, fresh.headers) = (parts.status, parts.version, parts.headers);
    http::Response::from_parts(fresh, body(rest)).into()
}
