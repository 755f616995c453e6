//! Approvals asked for over Bursar's API.

use std::{fmt, time::Duration};

use alloy::primitives::{Address, Bytes, Signature};
use async_trait::async_trait;
use reqwest::StatusCode;
use serde::Deserialize;
use serde_json::json;
use url::Url;

use super::{ApprovalRequest, ApprovalSource, eoa};
use crate::{challenge::shorten, clock::Clock, error::AgentError, payment::Approval};

/// Posts the request and asks for its state until a human has answered or the deadline has passed.
#[derive(Clone)]
pub struct HttpApprovals {
    client: reqwest::Client,
    base: Url,
    clock: Clock,
    interval: Duration,
}

impl fmt::Debug for HttpApprovals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpApprovals").field("host", &self.base.host_str()).finish_non_exhaustive()
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct State {
    state: String,
    approver: Option<Address>,
    approval: Option<Bytes>,
    approval_kind: Option<String>,
    reason: Option<String>,
}

/// What came of handing a request in.
enum Posted {
    /// It waits for a human.
    Waits,
    /// As many wait as may.
    Crowded(String),
    /// The API is not ready for it.
    NotYet(String),
}

impl HttpApprovals {
    /// Asks the API at `base` every `interval`.
    pub fn new(client: reqwest::Client, base: Url, clock: Clock, interval: Duration) -> Self {
        Self { client, base, clock, interval }
    }

    fn route(&self, path: &str) -> Result<Url, AgentError> {
        let base = self.base.as_str().trim_end_matches('/');
        format!("{base}/v1/approval-requests{path}").parse().map_err(|_| AgentError::Config {
            what: "API address",
            expected: "an absolute URL".into(),
            got: self.base.host_str().unwrap_or_default().to_owned(),
        })
    }

    /// Hands the request in; what comes back may be worth another try.
    async fn post(&self, request: &ApprovalRequest) -> Result<Posted, AgentError> {
        let payment = &request.authorization;
        let body = json!({
            "treasury": request.treasury,
            "chainId": request.chain_id,
            "purse": payment.purse,
            "payee": payment.payee,
            "amount": payment.amount,
            "validAfter": payment.valid_after,
            "validBefore": payment.valid_before,
            "nonce": payment.nonce,
            "rail": request.rail.code(),
            "facilitator": request.rail.facilitator(),
            "decisionHash": request.decision_hash,
            "digest": request.digest,
            "seal": request.seal,
        });
        let response = self.client.post(self.route("")?).json(&body).send().await?;
        let status = response.status();
        if status.is_success() {
            return Ok(Posted::Waits);
        }
        let answer =
            format!("the API answered {status}: {}", shorten(&response.text().await.unwrap_or_default()));
        match status {
            StatusCode::TOO_MANY_REQUESTS => Ok(Posted::Crowded(answer)),
            // The ledger may not have seen the purse yet, and a service may be restarting.
            status if status == StatusCode::CONFLICT || status.is_server_error() => {
                Ok(Posted::NotYet(answer))
            }
            _ => Err(AgentError::ApprovalUnavailable(answer)),
        }
    }

    /// Asks until the request is taken: others that wait are answered, or run out, one by one.
    async fn ask(&self, request: &ApprovalRequest) -> Result<(), AgentError> {
        loop {
            let posted = match self.post(request).await {
                Err(error) if error.is_transient() => Posted::NotYet(error.to_string()),
                other => other?,
            };
            let deadline = request.deadline;
            let late = self.clock.now() >= deadline;
            match posted {
                Posted::Waits => return Ok(()),
                Posted::Crowded(message) if late => {
                    return Err(AgentError::ApprovalsCrowded { deadline, message });
                }
                Posted::NotYet(message) if late => return Err(AgentError::ApprovalUnavailable(message)),
                Posted::Crowded(message) | Posted::NotYet(message) => {
                    tracing::warn!(message, "an approval request waits to be taken");
                }
            }
            tokio::time::sleep(self.interval).await;
        }
    }

    async fn state(&self, request: &ApprovalRequest) -> Result<Option<State>, AgentError> {
        let response = self.client.get(self.route(&format!("/{}", request.digest))?).send().await?;
        match response.status() {
            StatusCode::OK => Ok(Some(response.json().await?)),
            // The API may be restarting; the deadline ends the wait.
            status if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS => Ok(None),
            status => Err(AgentError::ApprovalUnavailable(format!("the API answered {status}"))),
        }
    }
}

#[async_trait]
impl ApprovalSource for HttpApprovals {
    async fn approve(&self, request: &ApprovalRequest) -> Result<Approval, AgentError> {
        self.ask(request).await?;
        let expired = || AgentError::ApprovalExpired { digest: request.digest, deadline: request.deadline };
        while self.clock.now() < request.deadline {
            match self.state(request).await {
                Ok(Some(state)) => match state.state.as_str() {
                    "approved" => return state.approval(),
                    "rejected" => {
                        let reason = shorten(state.reason.as_deref().unwrap_or("no reason given"));
                        return Err(AgentError::ApprovalRejected { reason });
                    }
                    "expired" => return Err(expired()),
                    _ => {}
                },
                Ok(None) => {}
                Err(error) if error.is_transient() => tracing::warn!(%error, "approval state unknown"),
                Err(error) => return Err(error),
            }
            tokio::time::sleep(self.interval).await;
        }
        Err(expired())
    }
}

impl State {
    fn approval(self) -> Result<Approval, AgentError> {
        let bad = |what: &str| AgentError::ApprovalUnavailable(format!("the API's approval {what}"));
        let signature = self.approval.ok_or_else(|| bad("has no signature"))?;
        match self.approval_kind.as_deref() {
            Some("eoa") => {
                let signature = Signature::from_raw(&signature)
                    .map_err(|_| bad(&format!("is no 65-byte signature but {} bytes", signature.len())))?;
                Ok(eoa(signature))
            }
            Some("contract") => Ok(Approval::Contract {
                approver: self.approver.ok_or_else(|| bad("names no approver"))?,
                signature,
            }),
            other => Err(bad(&format!("is of kind {}", shorten(other.unwrap_or("none"))))),
        }
    }
}

#[cfg(test)]
mod tests {
    use alloy::hex;

    use super::*;

    fn state(kind: &str, approval: Vec<u8>) -> State {
        State {
            state: "approved".into(),
            approver: Some(Address::repeat_byte(5)),
            approval: Some(approval.into()),
            approval_kind: Some(kind.into()),
            reason: None,
        }
    }

    #[test]
    fn takes_eoa_signatures_of_65_bytes_and_makes_s_low() {
        let high = hex!(
            "0000000000000000000000000000000000000000000000000000000000000001"
            "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364140"
            "1b"
        );
        match state("eoa", high.to_vec()).approval() {
            Ok(Approval::Eoa(signature)) => assert!(signature.normalize_s().is_none()),
            other => panic!("{other:?}"),
        }
        assert!(state("eoa", vec![1; 64]).approval().is_err());
        assert!(state("stamp", vec![1; 65]).approval().is_err());
    }
}
