//! Stops and releases. A stop is never refused because the ledger has it already: the ledger may be behind.

use alloy::primitives::keccak256;
use bursar_indexer::query::{envelopes::Envelope, groups::Group, sessions::Session};
use bursar_sdk::abi::Treasury::{
    clearReviewCall, freezeEnvelopeCall, freezeGroupCall, freezeOrganisationCall, freezeSessionCall,
    unfreezeEnvelopeCall, unfreezeGroupCall, unfreezeOrganisationCall,
};

use super::plan::{Desk, Plan, number};
use crate::error::ApiError;

/// Longest reason taken, in characters.
const MAX_REASON: usize = 1_000;
const FROZEN_ALREADY: &str =
    "It is frozen already, as far as the ledger has followed the chain: this would change nothing.";

/// What stops an envelope, in words.
fn standing(row: &Envelope, frozen: bool, under_review: bool) -> String {
    let stops = [
        (frozen, "Frozen"),
        (row.group_frozen, "Frozen with a group above it"),
        (row.organisation_frozen, "Frozen with its organisation"),
        (under_review, "Under review"),
    ];
    let held: Vec<&str> = stops.into_iter().filter(|(holds, _)| *holds).map(|(_, word)| word).collect();
    if held.is_empty() { "Active".into() } else { held.join(", ") }
}

fn state(frozen: bool) -> &'static str {
    if frozen { "Frozen" } else { "Active" }
}

fn not_frozen(what: &str) -> ApiError {
    let message = format!("{what} is not frozen, as far as the ledger has followed the chain");
    ApiError::conflict("not_frozen", message).mismatch("frozen", "not frozen")
}

pub(super) fn freeze_envelope(desk: &Desk<'_>, row: &Envelope) -> Plan {
    let call = freezeEnvelopeCall { envelope: number(row.number) };
    let what = format!(
        "Stops every payment and every opening of envelope {} ({}), at once: what was signed and has not settled \
         never will. No money moves. Only an owner releases it.",
        row.number,
        desk.called(row.agent)
    );
    Plan::new(what, desk.call(&call, format!("Freeze envelope {}", row.number)))
        .change(
            "Standing",
            standing(row, row.frozen, row.under_review),
            standing(row, true, row.under_review),
        )
        .warn_if(row.frozen, FROZEN_ALREADY)
}

pub(super) fn unfreeze_envelope(desk: &Desk<'_>, row: &Envelope) -> Result<Plan, ApiError> {
    if !row.frozen {
        return Err(not_frozen(&format!("envelope {}", row.number)));
    }
    let call = unfreezeEnvelopeCall { envelope: number(row.number) };
    let what = format!(
        "Releases envelope {} ({}). Its policy gets a new version: open sessions pay no more, the agent opens new \
         ones. What was signed before stays void.",
        row.number,
        desk.called(row.agent)
    );
    let version = u32::from(row.policy_version);
    Ok(Plan::new(what, desk.call(&call, format!("Release envelope {}", row.number)))
        .change(
            "Standing",
            standing(row, row.frozen, row.under_review),
            standing(row, false, row.under_review),
        )
        .change("Policy", format!("version {version}"), format!("version {}, the same rules", version + 1))
        .warn_if(row.under_review, "It stays under review: no session opens until that is cleared.")
        .warn_if(
            row.organisation_frozen || row.group_frozen,
            "It stays frozen with what is above it, until that is released.",
        ))
}

pub(super) fn freeze_session(desk: &Desk<'_>, row: &Session) -> Result<Plan, ApiError> {
    if row.closed_at.is_some() {
        let message =
            "no session is open on this purse, as far as the ledger has followed the chain".to_owned();
        return Err(ApiError::conflict("session_not_open", message)
            .mismatch("an open session", format!("session {}, closed", row.sequence)));
    }
    let call = freezeSessionCall { purse: row.purse };
    let what = format!(
        "Stops the payments of session {} of envelope {} ({}) for good, at once. What it has left goes back to the \
         escrow when it is closed. The envelope may open another session.",
        row.sequence,
        row.envelope,
        desk.called(row.agent)
    );
    let before = if row.frozen { "Frozen" } else { "Open" };
    Ok(Plan::new(what, desk.call(&call, format!("Freeze session {}", row.sequence)))
        .change("Session", before, "Frozen")
        .warn_if(row.frozen, FROZEN_ALREADY))
}

pub(super) fn freeze_group(desk: &Desk<'_>, row: &Group) -> Plan {
    let call = freezeGroupCall { group: number(row.number) };
    let what = format!(
        "Stops every payment and every opening of the {} envelopes in group {}, and of those in groups below it, at \
         once. No money moves. Only an owner releases it.",
        row.envelopes, row.number
    );
    Plan::new(what, desk.call(&call, format!("Freeze group {}", row.number)))
        .change("Group", state(row.frozen), state(true))
        .warn_if(row.frozen, FROZEN_ALREADY)
}

pub(super) fn unfreeze_group(desk: &Desk<'_>, row: &Group) -> Result<Plan, ApiError> {
    if !row.frozen {
        return Err(not_frozen(&format!("group {}", row.number)));
    }
    let call = unfreezeGroupCall { group: number(row.number) };
    let what = format!(
        "Releases group {}. Sessions run on; what they had signed is void. An envelope that is frozen itself stays \
         frozen.",
        row.number
    );
    Ok(Plan::new(what, desk.call(&call, format!("Release group {}", row.number))).change(
        "Group",
        state(true),
        state(false),
    ))
}

pub(super) fn freeze_organisation(desk: &Desk<'_>) -> Plan {
    let frozen = desk.treasury.frozen;
    let what = format!(
        "Stops every payment and every opening of every envelope of {}, at once: what was signed and has not settled \
         never will. No money moves. Only an owner releases it.",
        desk.called(desk.treasury.address)
    );
    Plan::new(what, desk.call(&freezeOrganisationCall {}, "Freeze the organisation"))
        .change("Organisation", state(frozen), state(true))
        .warn_if(frozen, FROZEN_ALREADY)
}

pub(super) fn unfreeze_organisation(desk: &Desk<'_>) -> Result<Plan, ApiError> {
    if !desk.treasury.frozen {
        return Err(not_frozen("the organisation"));
    }
    let what = format!(
        "Releases {}. Sessions run on; what they had signed is void. Envelopes and groups that are frozen themselves \
         stay frozen.",
        desk.called(desk.treasury.address)
    );
    Ok(Plan::new(what, desk.call(&unfreezeOrganisationCall {}, "Release the organisation")).change(
        "Organisation",
        state(true),
        state(false),
    ))
}

pub(super) fn clear_review(desk: &Desk<'_>, row: &Envelope, reason: &str) -> Result<Plan, ApiError> {
    let characters = reason.chars().count();
    if reason.trim().is_empty() || characters > MAX_REASON {
        return Err(ApiError::unprocessable("reason_unfit", "a review is cleared for a reason")
            .mismatch(format!("1 to {MAX_REASON} characters"), format!("{characters} characters")));
    }
    if !row.under_review {
        let message = format!(
            "envelope {} is not under review, as far as the ledger has followed the chain",
            row.number
        );
        return Err(ApiError::conflict("not_under_review", message)
            .mismatch("under review", standing(row, row.frozen, false)));
    }
    let call = clearReviewCall { envelope: number(row.number), reason: keccak256(reason) };
    let what = format!(
        "Clears the review of envelope {} ({}): it may open sessions again. The chain keeps the hash of your reason; \
         keep its words.",
        row.number,
        desk.called(row.agent)
    );
    Ok(Plan::new(what, desk.call(&call, format!("Clear the review of envelope {}", row.number)))
        .change("Standing", standing(row, row.frozen, true), standing(row, row.frozen, false))
        .warn_if(
            row.frozen || row.group_frozen || row.organisation_frozen,
            "It is frozen all the same: it pays nothing until it is released.",
        ))
}
