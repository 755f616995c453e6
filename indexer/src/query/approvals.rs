//! Approval requests: one payment each that waits for a human.

use alloy::primitives::{Address, B256, Bytes};
use bursar_sdk::amount::Amount;
use serde::{Deserialize, Serialize};
use sqlx::{SqlitePool, sqlite::SqliteRow};

use super::{QueryError, column, select::Select};

/// A payment above the threshold, as its agent wants to make it. Times in unix seconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// What the session key signs: the payment's identity.
    pub digest: B256,
    /// The treasury whose approver it needs.
    pub treasury: Address,
    /// The purse that pays.
    pub purse: Address,
    /// Who is paid.
    pub payee: Address,
    /// How much, in the asset's atomic units.
    pub amount: Amount,
    /// Valid after (exclusive).
    pub valid_after: u64,
    /// Valid before (exclusive).
    pub valid_before: u64,
    /// The commitment.
    pub nonce: B256,
    /// keccak-256 of the decision record.
    pub decision_hash: B256,
}

/// A request with what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approval {
    /// What is asked.
    pub request: Request,
    /// When we got it, in unix seconds.
    pub requested_at: u64,
    /// What a human said.
    pub answer: Option<Answer>,
}

/// What a human said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// Yes.
    Approved {
        /// Who.
        approver: Address,
        /// An EOA's 65 bytes, or what the approver's EIP-1271 is asked.
        signature: Bytes,
        /// Whether the approver is a contract.
        contract: bool,
    },
    /// No.
    Rejected {
        /// Who.
        by: Address,
        /// Why.
        reason: String,
    },
}

/// Where a request stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It waits.
    Pending,
    /// Approved.
    Approved,
    /// Rejected.
    Rejected,
    /// Nobody answered in time.
    Expired,
}

impl Approval {
    /// Where it stands at `now` (unix seconds).
    pub fn state(&self, now: u64) -> State {
        match &self.answer {
            Some(Answer::Approved { .. }) => State::Approved,
            Some(Answer::Rejected { .. }) => State::Rejected,
            None if now >= self.request.valid_before => State::Expired,
            None => State::Pending,
        }
    }
}

/// The key of the list, newest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Key {
    /// When we got it, in unix seconds.
    pub requested_at: u64,
    /// The payment's digest.
    pub digest: B256,
}

/// Which requests.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Of this treasury.
    pub treasury: Option<Address>,
    /// Of this purse.
    pub purse: Option<Address>,
    /// To this payee.
    pub payee: Option<Address>,
    /// Standing there, at that time.
    pub state: Option<(State, u64)>,
}

const SELECT: &str = "SELECT digest, treasury, purse, payee, amount, valid_after, valid_before, nonce, \
                      decision_hash, requested_at, answer, answered_by, signature, reason \
                      FROM approval_request";

fn read(row: &SqliteRow) -> Result<Approval, QueryError> {
    let contract = match column::maybe_text(row, "answer")?.as_deref() {
        None => None,
        Some("eoa") => Some(Some(false)),
        Some("contract") => Some(Some(true)),
        Some(_) => Some(None),
    };
    let answer = match contract {
        None => None,
        Some(Some(contract)) => Some(Answer::Approved {
            approver: column::address(row, "answered_by")?,
            signature: column::bytes(row, "signature")?,
            contract,
        }),
        Some(None) => Some(Answer::Rejected {
            by: column::address(row, "answered_by")?,
            reason: column::maybe_text(row, "reason")?.unwrap_or_default(),
        }),
    };
    Ok(Approval {
        request: Request {
            digest: column::hash(row, "digest")?,
            treasury: column::address(row, "treasury")?,
            purse: column::address(row, "purse")?,
            payee: column::address(row, "payee")?,
            amount: column::amount(row, "amount")?,
            valid_after: column::number(row, "valid_after")?,
            valid_before: column::number(row, "valid_before")?,
            nonce: column::hash(row, "nonce")?,
            decision_hash: column::hash(row, "decision_hash")?,
        },
        requested_at: column::number(row, "requested_at")?,
        answer,
    })
}

/// Requests, newest first.
///
/// # Errors
/// When the database fails.
pub async fn list(
    pool: &SqlitePool,
    filter: &Filter,
    after: Option<Key>,
    limit: u32,
) -> Result<Vec<Approval>, QueryError> {
    select_list(filter, after, limit).rows(pool, read).await
}

pub(super) fn select_list(filter: &Filter, after: Option<Key>, limit: u32) -> Select {
    let mut select = Select::new(SELECT);
    select
        .filter("treasury = ", filter.treasury.map(|key| key.to_vec()))
        .filter("purse = ", filter.purse.map(|key| key.to_vec()))
        .filter("payee = ", filter.payee.map(|key| key.to_vec()));
    if let Some((state, now)) = filter.state {
        let now = column::signed(now);
        match state {
            State::Pending => select.condition("answer IS NULL").filter("valid_before > ", Some(now)),
            State::Expired => select.condition("answer IS NULL").filter("valid_before <= ", Some(now)),
            State::Approved => select.condition("answer IN ('eoa', 'contract')"),
            State::Rejected => select.condition("answer = 'rejected'"),
        };
    }
    if let Some(key) = after {
        select
            .condition("(requested_at, digest) < (")
            .bind(column::signed(key.requested_at))
            .push(", ")
            .bind(key.digest.to_vec())
            .push(")");
    }
    select.order_and_limit(" ORDER BY requested_at DESC, digest DESC", limit);
    select
}

/// One request.
///
/// # Errors
/// When the database fails.
pub async fn get(pool: &SqlitePool, digest: B256) -> Result<Option<Approval>, QueryError> {
    Select::new(SELECT).filter("digest = ", Some(digest.to_vec())).row(pool, read).await
}

/// Keeps a request whose digest was checked; `false` where it was there before.
///
/// # Errors
/// When the database fails.
pub async fn store(pool: &SqlitePool, request: &Request, now: u64) -> Result<bool, QueryError> {
    let result = sqlx::query(
        "INSERT INTO approval_request (digest, treasury, purse, payee, amount, valid_after, valid_before, \
         nonce, decision_hash, requested_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) \
         ON CONFLICT (digest) DO NOTHING",
    )
    .bind(request.digest.to_vec())
    .bind(request.treasury.to_vec())
    .bind(request.purse.to_vec())
    .bind(request.payee.to_vec())
    .bind(column::padded(request.amount))
    .bind(column::signed(request.valid_after))
    .bind(column::signed(request.valid_before))
    .bind(request.nonce.to_vec())
    .bind(request.decision_hash.to_vec())
    .bind(column::signed(now))
    .execute(pool)
    .await?;
    Ok(result.rows_affected() != 0)
}

/// Writes an answer over the one that was read before (`None`: over none); `false` where somebody else
/// answered in between.
///
/// # Errors
/// When the database fails.
pub async fn answer(
    pool: &SqlitePool,
    digest: B256,
    before: Option<Address>,
    answer: &Answer,
    now: u64,
) -> Result<bool, QueryError> {
    let (kind, by, signature, reason) = match answer {
        Answer::Approved { approver, signature, contract } => {
            (if *contract { "contract" } else { "eoa" }, approver, Some(signature.to_vec()), None)
        }
        Answer::Rejected { by, reason } => ("rejected", by, None, Some(reason.as_str())),
    };
    let result = sqlx::query(
        "UPDATE approval_request SET answer = ?, answered_by = ?, signature = ?, reason = ?, answered_at = ? \
         WHERE digest = ? AND answered_by IS ? AND answer IS NOT 'rejected'",
    )
    .bind(kind)
    .bind(by.to_vec())
    .bind(signature)
    .bind(reason)
    .bind(column::signed(now))
    .bind(digest.to_vec())
    .bind(before.map(|by| by.to_vec()))
    .execute(pool)
    .await?;
    Ok(result.rows_affected() != 0)
}
