//! The walk of one payment: check, record, ask a human where due, sign. In that order, and no other.

mod payload;

use std::fmt;

use alloy::primitives::{B256, Bytes, U256};
use tracing::Instrument as _;

use crate::{
    agent::{Agent, Renewal},
    approval::{ApprovalRequest, asking_digest},
    challenge::{LEAST_VALIDITY, Requirement},
    client::Context,
    decision::RuleCheck,
    delivery::on_disk,
    draft::Draft,
    error::AgentError,
    payment::{Approval, Authorization, PaymentBlob, Rail},
    preflight::{Checks, preflight},
    refusal::Refusal,
    session::{SessionHandle, narrow},
    spool::{Intent, Spooled},
    telemetry::{TARGET, TraceParent},
};

/// How far back a payment is valid, in seconds: clocks of nodes differ.
pub(crate) const BACKDATE: u64 = 600;

/// A payment that is signed and recorded, ready to travel.
#[derive(Clone, PartialEq, Eq)]
pub struct SignedPayment {
    /// keccak-256 of the decision record.
    pub decision_hash: B256,
    /// What was signed.
    pub authorization: Authorization,
    /// How it settles.
    pub rail: Rail,
    /// The digest of it that the token asks about, or Permit2.
    pub digest: B256,
    /// "The signature" as facilitators and tokens take it.
    pub blob: Bytes,
    /// The x402 payment header's value.
    pub payload: String,
}

impl fmt::Debug for SignedPayment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Whoever holds blob or payload can have the payment settled.
        f.debug_struct("SignedPayment")
            .field("decision_hash", &self.decision_hash)
            .field("authorization", &self.authorization)
            .finish_non_exhaustive()
    }
}

impl Agent {
    /// Signs one payment, or says why not; see [`crate::agent::Agent::authorize`].
    pub(crate) async fn authorize_in(
        &self,
        requirement: &Requirement,
        context: &Context,
    ) -> Result<SignedPayment, AgentError> {
        if let Some(advertised) = context.purpose.advertised
            && requirement.amount > advertised
        {
            return Err(AgentError::AmountAboveAdvertised { advertised, asked: requirement.amount });
        }
        // Two tries of one key at the same time are one payment.
        let turn = context.purpose.idempotency_key.as_ref().map(|key| self.turn_of(key));
        let _turn = match &turn {
            Some(turn) => Some(turn.lock().await),
            None => None,
        };
        let earlier = match &context.purpose.idempotency_key {
            Some(key) => self.recall(key, requirement).await?,
            None => None,
        };
        let earlier = match earlier {
            Some(Recalled::Signed(signed)) => return Ok(*signed),
            Some(Recalled::Unsigned(spooled)) => Some(*spooled),
            None => None,
        };
        let mut result = self.attempt(requirement, context, earlier.clone()).await;
        if let (Err(error), Renewal::Auto(_)) = (&result, self.renewal())
            && error.is_renewable()
            && self.checks() == Checks::BeforeSigning
        {
            tracing::info!(%error, "renewing the session");
            // A session that may not open refuses the payment that it was for.
            result = match self.renew().await {
                Ok(_) => self.attempt(requirement, context, earlier).await,
                Err(error) => Err(error),
            };
        }
        if let Err(error) = &result {
            self.record_denial(requirement, context, error).await?;
        }
        result
    }

    async fn attempt(
        &self,
        requirement: &Requirement,
        context: &Context,
        earlier: Option<Spooled>,
    ) -> Result<SignedPayment, AgentError> {
        let session = self.session().await.ok_or(AgentError::NoSession)?;
        let deciding = tracing::info_span!(target: TARGET, parent: &context.span, "decide");
        let checked = self.check(&session, requirement).instrument(deciding.clone()).await;
        let (rules, needs_approval, epoch) = checked?;
        let spooled = match earlier.filter(|spooled| self.is_current(spooled, &session, epoch)) {
            Some(spooled) => spooled,
            None => {
                let intent = self.intent(&session, requirement, context, needs_approval)?;
                let grounds = Grounds { rules, refusal: None, epoch };
                let recording = self.record(requirement, context, Some(&session), grounds, Some(intent));
                recording.instrument(deciding.clone()).await?
            }
        };
        drop(deciding);
        let signing = tracing::info_span!(
            target: TARGET, parent: &context.span, "sign", bursar.decision_hash = %spooled.hash,
        );
        let signing = self.sign(requirement, &session, &spooled, needs_approval).instrument(signing);
        signing.await
    }

    /// Signs what was decided, after a human where one is asked.
    async fn sign(
        &self,
        requirement: &Requirement,
        session: &SessionHandle,
        spooled: &Spooled,
        needs_approval: bool,
    ) -> Result<SignedPayment, AgentError> {
        let rail = requirement.rail;
        let (authorization, digest) = self.authorization(spooled, rail)?;
        let approval = match needs_approval {
            true => Some(self.ask_for_approval(&authorization, rail, spooled, digest).await?),
            false => None,
        };
        let approved = approval.is_some();
        let blob = PaymentBlob {
            rail,
            payee: authorization.payee,
            amount: authorization.amount,
            valid_after: authorization.valid_after,
            valid_before: authorization.valid_before,
            decision_hash: spooled.hash,
            signature: session.sign(&digest).await?,
            approval,
        }
        .encode()?;
        if approved && self.checks() == Checks::BeforeSigning {
            self.check_approval(&authorization, digest, &blob).await?;
        }
        let payload = payload::encode(requirement, &authorization, self.view().asset().address, &blob)?;
        let kept = {
            let spooled = spooled.clone();
            on_disk(self.spool(), move |spool| spool.signed(&spooled, payload)).await?
        };
        tracing::info!(
            decision = %spooled.hash, nonce = %authorization.nonce, payee = %authorization.payee,
            amount = %authorization.amount, "signed a payment"
        );
        Ok(SignedPayment { decision_hash: spooled.hash, authorization, rail, digest, blob, payload: kept })
    }

    async fn check(
        &self,
        session: &SessionHandle,
        requirement: &Requirement,
    ) -> Result<(Vec<RuleCheck>, bool, u64), AgentError> {
        if self.checks() == Checks::ChainOnly {
            return Ok((Vec::new(), false, session.epoch));
        }
        let found =
            preflight(self.view(), session, requirement.payee, requirement.amount, requirement.rail).await?;
        found.check()?;
        if found.needs_approval && self.approvals().is_none() {
            return Err(AgentError::refused(
                Refusal::ApprovalMissing,
                session.approval_threshold.to_u256(),
                requirement.amount.to_u256(),
            ));
        }
        Ok((found.rules, found.needs_approval, found.epoch))
    }

    /// Times that facilitators take and that end with the session, long enough for a human where one is asked.
    fn intent(
        &self,
        session: &SessionHandle,
        requirement: &Requirement,
        context: &Context,
        needs_approval: bool,
    ) -> Result<Intent, AgentError> {
        let now = self.clock().now();
        let patience = if needs_approval { self.patience().as_secs() } else { 0 };
        let mut valid_before = now.saturating_add(requirement.max_timeout_seconds.max(patience));
        if self.checks() == Checks::BeforeSigning {
            valid_before = valid_before.min(session.expiry);
            let least = now + LEAST_VALIDITY;
            if valid_before < least {
                let (limit, actual) = (U256::from(session.expiry), U256::from(least));
                return Err(AgentError::refused(Refusal::SessionExpired, limit, actual));
            }
        }
        Ok(Intent {
            key: context.purpose.idempotency_key.clone(),
            valid_after: now.saturating_sub(BACKDATE),
            valid_before: valid_before.min((1 << 40) - 1),
        })
    }

    async fn ask_for_approval(
        &self,
        authorization: &Authorization,
        rail: Rail,
        spooled: &Spooled,
        digest: B256,
    ) -> Result<Approval, AgentError> {
        let source = self.approvals().ok_or_else(|| {
            AgentError::refused(Refusal::ApprovalMissing, U256::ZERO, authorization.amount.to_u256())
        })?;
        // The record is what the human judges, so it goes out before the question.
        self.nudge();
        let deadline = authorization.valid_before.saturating_sub(LEAST_VALIDITY);
        let (chain_id, treasury) = (self.view().chain_id(), self.view().treasury());
        let seal = self.identity_signer().sign_hash(&asking_digest(chain_id, treasury, digest)).await?;
        let request = ApprovalRequest {
            chain_id,
            treasury,
            authorization: authorization.clone(),
            rail,
            decision_hash: spooled.hash,
            digest,
            seal: seal.normalized_s().as_bytes().into(),
            deadline,
        };
        let approval = source.approve(&request).await?;
        if self.clock().now() > deadline {
            return Err(AgentError::ApprovalExpired { digest, deadline });
        }
        Ok(approval)
    }

    /// Whether the approver may approve, only the chain knows; asked before the payment leaves.
    async fn check_approval(
        &self,
        authorization: &Authorization,
        digest: B256,
        blob: &Bytes,
    ) -> Result<(), AgentError> {
        match self.view().diagnose_payment(authorization.purse, digest, blob.clone()).await? {
            None => Ok(()),
            Some((reason, limit, actual)) => Err(AgentError::refused(reason, limit, actual)),
        }
    }

    async fn record(
        &self,
        requirement: &Requirement,
        context: &Context,
        session: Option<&SessionHandle>,
        grounds: Grounds,
        intent: Option<Intent>,
    ) -> Result<Spooled, AgentError> {
        let (agent, purse, view) = (self.identity(), self.purse(), self.view().clone());
        let (now, salt) = (self.clock().now(), self.entropy().next());
        let (session, context, requirement) = (session.cloned(), context.clone(), requirement.clone());
        let trace = TraceParent::of(&context.span);
        let spooled = on_disk(self.spool(), move |spool| {
            let draft = Draft {
                view: &view,
                agent,
                purse,
                session: session.as_ref(),
                context: &context,
                requirement: &requirement,
                rules: grounds.rules,
                refusal: grounds.refusal,
                epoch: grounds.epoch,
                now,
                salt,
            };
            spool.append(|seq, prev_hash| draft.record(seq, prev_hash), intent, trace)
        })
        .await?;
        self.nudge();
        Ok(spooled)
    }

    /// A refusal is a decision too, and kept like one.
    async fn record_denial(
        &self,
        requirement: &Requirement,
        context: &Context,
        error: &AgentError,
    ) -> Result<(), AgentError> {
        let (reason, rule) = match error {
            AgentError::Refused { reason, limit, actual, .. } => {
                (*reason, (limit.to_string(), actual.to_string()))
            }
            AgentError::NoSession => (Refusal::SessionUnknown, Default::default()),
            AgentError::ApprovalRejected { .. }
            | AgentError::ApprovalExpired { .. }
            | AgentError::ApprovalsCrowded { .. } => (Refusal::ApprovalMissing, Default::default()),
            _ => return Ok(()),
        };
        let rules = vec![RuleCheck { id: reason, limit: rule.0, input: rule.1, pass: false }];
        let session = self.session().await;
        let epoch = session.as_ref().map_or(0, |session| session.epoch);
        let grounds = Grounds { rules, refusal: Some(reason), epoch };
        self.record(requirement, context, session.as_ref(), grounds, None).await.map(drop)
    }

    /// What stands under an idempotency key.
    async fn recall(&self, key: &str, requirement: &Requirement) -> Result<Option<Recalled>, AgentError> {
        let wanted = key.to_owned();
        let Some(spooled) = on_disk(self.spool(), move |spool| Ok(spool.by_key(&wanted).cloned())).await?
        else {
            return Ok(None);
        };
        if spooled.record.requirement_hash != requirement.hash {
            return Err(AgentError::KeyReused {
                key: key.to_owned(),
                expected: spooled.record.requirement_hash,
                got: requirement.hash,
            });
        }
        let Some(payload) = spooled.payload.clone() else {
            return Ok(Some(Recalled::Unsigned(Box::new(spooled))));
        };
        let rail = requirement.rail;
        let (authorization, digest) = self.authorization(&spooled, rail)?;
        let signed = SignedPayment {
            decision_hash: spooled.hash,
            blob: payload::blob(&payload)?,
            authorization,
            rail,
            digest,
            payload,
        };
        if self.checks() == Checks::ChainOnly {
            return Ok(Some(Recalled::Signed(Box::new(signed))));
        }
        let (purse, nonce) = (signed.authorization.purse, signed.authorization.nonce);
        let (settled, now) =
            futures::try_join!(self.view().has_settled(rail, purse, nonce), self.view().session(purse))?;
        if settled {
            return Err(AgentError::Replayed { nonce });
        }
        let current = match self.session().await {
            Some(session) => self.is_current(&spooled, &session, narrow(now.epoch, "epoch")?),
            None => false,
        };
        if current {
            return Ok(Some(Recalled::Signed(Box::new(signed))));
        }
        Err(AgentError::AlreadySigned { key: key.to_owned(), decision_hash: spooled.hash, settled: false })
    }

    /// Whether what was decided can still settle: same session, same policy, no release since, time left.
    fn is_current(&self, spooled: &Spooled, session: &SessionHandle, epoch: u64) -> bool {
        spooled.record.session == session.id()
            && spooled.record.policy_version == session.policy_version
            && spooled.record.epoch == epoch
            && spooled
                .intent
                .as_ref()
                .is_some_and(|intent| intent.valid_before >= self.clock().now() + LEAST_VALIDITY)
    }

    fn authorization(&self, spooled: &Spooled, rail: Rail) -> Result<(Authorization, B256), AgentError> {
        let record = &spooled.record;
        let (Some((purse, _)), Some(nonce), Some(intent)) =
            (record.purse(), record.nonce()?, spooled.intent.as_ref())
        else {
            return Err(AgentError::NoSession);
        };
        let authorization = Authorization {
            purse,
            payee: record.payee,
            amount: record.amount,
            valid_after: intent.valid_after,
            valid_before: intent.valid_before,
            nonce,
        };
        let digest = authorization.digest(rail, &self.view().asset().domain);
        Ok((authorization, digest))
    }
}

/// What a decision rests on.
struct Grounds {
    rules: Vec<RuleCheck>,
    refusal: Option<Refusal>,
    epoch: u64,
}

/// What an idempotency key stands for.
enum Recalled {
    /// Recorded, and never signed: a crash or an error came between.
    Unsigned(Box<Spooled>),
    /// Signed, and good still.
    Signed(Box<SignedPayment>),
}
