//! `POST /v1/records/{hash}/erasure`

use alloy::primitives::{Address, B256};
use axum::{Json, extract::State};
use bursar_indexer::{
    query::{decisions, erasures, outcomes, treasuries},
    store::{Erased, Order},
};
use bursar_sdk::{erasure::erasure_digest, role::Role};

use crate::{
    AppState,
    error::{ApiError, PostFailure},
    extract::{Body, Path},
    model::{
        approval::ApprovalKind,
        erasure::{ErasureOrder, Tombstone},
    },
    signed::{self, Signed, Words},
    wire::Hash,
};

const WORDS: Words = Words {
    mismatch: "eraser_mismatch",
    no_contract: "eraser_no_contract",
    who: "owner",
    what: "this record's erasure",
};

/// Erases a record because the treasury says so: a decision with its outcomes, or an outcome.
///
/// By an owner of the treasury, as far as the ledger has followed the chain (409 `eraser_unfit`). An EOA's signature must
/// recover to `by`; a contract is asked (EIP-1271). What stays is a tombstone: hash, when, by whom, and why by a code.
/// Without its salt, the hash on chain means nothing. Scores stay as they are. An order that comes again changes nothing.
#[utoipa::path(post, path = "/v1/records/{hash}/erasure", tag = "Decisions",
    params(("hash" = inline(Hash), Path, description = "keccak-256 of the canonical record.")), request_body = ErasureOrder,
    responses((status = 200, description = "It is gone; this is left.", body = Tombstone), PostFailure))]
pub async fn post_erasure(
    State(state): State<AppState>,
    Path(hash): Path<Hash>,
    Body(order): Body<ErasureOrder>,
) -> Result<Json<Tombstone>, ApiError> {
    let unknown = || ApiError::not_found("record", &hash);
    let treasury = treasury_of(&state, hash.0).await?.ok_or_else(unknown)?;
    let ErasureOrder { by, category, signature, kind } = order;
    may_erase(&state, treasury, by.0).await?;
    let digest = erasure_digest(state.config.chain_id, treasury, hash.0, category.into());
    let signed = Signed { by: by.0, signature: &signature.0, kind };
    signed::check(&state, digest, signed, WORDS).await?;
    let order = Order {
        by: by.0,
        category: category.into(),
        signature: signature.0,
        contract: kind == ApprovalKind::Contract,
    };
    let (store, now) = (state.store.clone(), state.now());
    // To its end, whatever becomes of this request: a large store takes longer than a request may.
    let erasing = tokio::spawn(async move { store.erase_record(hash.0, &order, now).await });
    match erasing.await.map_err(|_| ApiError::internal())?? {
        Erased::Gone(stone) => {
            state.reports.erased(treasury);
            Ok(Json((*stone).into()))
        }
        Erased::Unknown => Err(ApiError::not_found("record", hash)),
    }
}

/// Whose record it is, or was; `None` where there is none.
pub(super) async fn treasury_of(state: &AppState, hash: B256) -> Result<Option<Address>, ApiError> {
    if let Some(stone) = erasures::get(&state.db, hash).await? {
        return Ok(Some(stone.treasury));
    }
    if let Some(decision) = decisions::get(&state.db, hash).await? {
        return Ok(Some(decision.record.treasury));
    }
    Ok(outcomes::get(&state.db, hash).await?.map(|outcome| outcome.record.treasury))
}

async fn may_erase(state: &AppState, treasury: Address, by: Address) -> Result<(), ApiError> {
    if treasuries::holds_role(&state.db, treasury, by, Role::Owner.bit()).await? {
        return Ok(());
    }
    let message = "this account may not have records erased: it is no owner, as far as the ledger has followed the chain";
    Err(ApiError::conflict("eraser_unfit", message)
        .mismatch("an owner of the treasury", by.to_checksum(None)))
}
