//! Transactions for people's own wallets: what they do, in words, figures and call data. Nothing is signed or sent here:
//! this service holds no key.
//!
//! What an action does is worked out from the ledger's rows by pure functions ([`stops`], [`money`], [`policy`]); this
//! file reads the rows, and asks the node, where there is one, what would come of it.

mod money;
mod node;
mod plan;
mod policy;
mod safe;
mod stops;
mod words;

use alloy::{
    primitives::{Address, B256, keccak256},
    sol_types::SolCall,
};
use bursar_indexer::{
    ledger::AlertKind,
    query::{alerts, envelopes, events, groups, policies, sessions, treasuries},
};
use bursar_sdk::abi::Treasury::cancelAnnouncementCall;
use serde_json::Value;

use self::plan::{Desk, Plan, check_role, needs};
use crate::{
    AppState,
    error::ApiError,
    model::transaction::{Action, PreparedTransaction, TransactionRequest},
};

/// Announcements that are looked through.
const ANNOUNCEMENTS: u32 = 200;

/// Prepares what somebody wants to do.
///
/// # Errors
/// When the ledger knows nothing of what it is about, the account lacks the role, or the contract would refuse it by what
/// the ledger knows; when the store fails.
pub(crate) async fn prepare(
    state: &AppState,
    request: TransactionRequest,
) -> Result<PreparedTransaction, ApiError> {
    let TransactionRequest { treasury, from, action } = request;
    let row = treasuries::get(&state.db, treasury.0).await?;
    let row = row.ok_or_else(|| ApiError::not_found("treasury", &treasury))?;
    let roles = treasuries::roles(&state.db, treasury.0).await?;
    let held = roles.iter().filter(|role| role.account == from.0).fold(0, |set, role| set | role.role);
    let needs = needs(&action);
    check_role(needs, from.0, held)?;
    let desk = Desk { config: &state.config, treasury: &row, now: state.as_of().await?.now };
    let plan = planned(state, &desk, from.0, &action).await?;
    let chain_id = state.config.chain_id;
    Ok(PreparedTransaction {
        cursor: events::newest(&state.db).await?,
        simulation: node::simulated(state.node(), from.0, &plan.calls).await,
        safe: safe::batch(chain_id, from.0, &plan.what, &plan.calls, state.now()),
        needs: needs.iter().map(|role| role.code().to_owned()).collect(),
        chain_id,
        treasury,
        from,
        what: plan.what,
        delay: plan.delay,
        changes: plan.changes,
        warnings: plan.warnings,
        calls: plan.calls,
    })
}

async fn planned(
    state: &AppState,
    desk: &Desk<'_>,
    from: Address,
    action: &Action,
) -> Result<Plan, ApiError> {
    use Action as A;
    let rows = Rows { state, treasury: desk.treasury.address };
    match action {
        A::FreezeEnvelope { envelope } => Ok(stops::freeze_envelope(desk, &rows.envelope(*envelope).await?)),
        A::UnfreezeEnvelope { envelope } => stops::unfreeze_envelope(desk, &rows.envelope(*envelope).await?),
        A::FreezeSession { purse } => stops::freeze_session(desk, &rows.session(purse.0).await?),
        A::FreezeGroup { group } => Ok(stops::freeze_group(desk, &rows.group(*group).await?)),
        A::UnfreezeGroup { group } => stops::unfreeze_group(desk, &rows.group(*group).await?),
        A::FreezeOrganisation => Ok(stops::freeze_organisation(desk)),
        A::UnfreezeOrganisation => stops::unfreeze_organisation(desk),
        A::ClearReview { envelope, reason } => {
            stops::clear_review(desk, &rows.envelope(*envelope).await?, reason)
        }
        A::TopUp { envelope, amount } => {
            let row = rows.envelope(*envelope).await?;
            let sender = node::purchasing(state.node(), row.asset, from, row.treasury).await;
            money::top_up(desk, &row, amount.0, sender)
        }
        A::Withdraw { envelope, to, amount } => {
            money::withdraw(desk, &rows.envelope(*envelope).await?, to.0, amount.0)
        }
        A::SetPolicy { envelope, policy } => {
            let row = rows.envelope(*envelope).await?;
            let key = (row.treasury, row.number, row.policy_version);
            let old = policies::get(&state.db, key).await?;
            let old = old.ok_or_else(|| ApiError::not_found("policy of envelope", row.number))?;
            let call = policy::call(desk, &row, policy)?;
            let ready_at = rows.ready_at(keccak256(call.abi_encode()), desk.now).await?;
            policy::set(desk, &row, &old, &call, ready_at)
        }
        A::CancelAnnouncement { id } => {
            if rows.ready_at(id.0, desk.now).await?.is_none() {
                return Err(ApiError::not_found("announcement", id));
            }
            let what = format!(
                "Takes announcement {id} back: what it announced may not be done until it is announced again."
            );
            let call = desk.call(&cancelAnnouncementCall { id: id.0 }, "Take an announcement back");
            Ok(Plan::new(what, call).change("Announcement", "Waiting", "Taken back"))
        }
    }
}

/// What the ledger has of one treasury.
struct Rows<'a> {
    state: &'a AppState,
    treasury: Address,
}

impl Rows<'_> {
    async fn envelope(&self, number: u32) -> Result<envelopes::Envelope, ApiError> {
        let row = envelopes::get(&self.state.db, (self.treasury, number)).await?;
        row.ok_or_else(|| ApiError::not_found("envelope", format!("{}/{number}", self.treasury)))
    }

    async fn group(&self, number: u32) -> Result<groups::Group, ApiError> {
        let row = groups::get(&self.state.db, (self.treasury, number)).await?;
        row.ok_or_else(|| ApiError::not_found("group", format!("{}/{number}", self.treasury)))
    }

    /// The latest session of a purse.
    async fn session(&self, purse: Address) -> Result<sessions::Session, ApiError> {
        let filter =
            sessions::Filter { treasury: Some(self.treasury), purse: Some(purse), ..Default::default() };
        let found = sessions::list(&self.state.db, &filter, None, 1).await?;
        found.into_iter().next().ok_or_else(|| ApiError::not_found("session of purse", purse))
    }

    /// When an announced call may run, in unix seconds; `None` where it is not announced. The node knows best.
    async fn ready_at(&self, id: B256, now: u64) -> Result<Option<u64>, ApiError> {
        if let Some(told) = node::announced_for(self.state.node(), self.treasury, id).await {
            return Ok(Some(told.saturating_to()).filter(|ready_at| *ready_at != 0));
        }
        let filter = alerts::Filter {
            treasury: Some(self.treasury),
            kind: Some(AlertKind::PolicyDrift),
            open: Some(true),
            ..Default::default()
        };
        let standing = alerts::list(&self.state.db, &filter, now, None, ANNOUNCEMENTS).await?;
        let subject = format!("announcements/{id}");
        let detail = standing.into_iter().find(|alert| alert.row.subject == subject);
        Ok(detail.and_then(|alert| {
            let detail: Value = serde_json::from_str(&alert.row.detail.json()).ok()?;
            detail["readyAt"].as_str()?.parse().ok()
        }))
    }
}
