//! Who vouched for agents: the stamps that were handed in, as they are kept.

use alloy::primitives::{Address, B256};
use bursar_indexer::{db::Db, query::stamps};

use crate::{error::ApiError, model::stamp::StampChain};

/// What is kept of a stamp does not hold together; the service's log says why.
pub(crate) struct Broken;

/// The stamp with that hash, with those that it is delegated from; `None` where nobody has handed it in.
///
/// # Errors
/// When the store fails.
pub(crate) async fn stamp(db: &Db, hash: B256) -> Result<Option<Result<StampChain, Broken>>, ApiError> {
    let Some(row) = stamps::chain(db, hash).await? else { return Ok(None) };
    Ok(Some(StampChain::read(&row).map_err(|error| {
        tracing::error!(%hash, error = ?error, "a kept stamp does not hold together");
        Broken
    })))
}

/// The same of a treasury's, for whoever looks at what names it; none where what is kept does not hold together. Who names
/// another treasury's is told nothing of it.
///
/// # Errors
/// When the store fails.
pub(crate) async fn of_treasury(
    db: &Db,
    treasury: Address,
    hash: B256,
) -> Result<Option<StampChain>, ApiError> {
    let kept = stamp(db, hash).await?.and_then(Result::ok);
    Ok(kept.filter(|chain| chain.treasury.0 == treasury))
}
