//! What a treasury had set for all its envelopes.

use alloy::primitives::Address;

use super::{super::Past, read, said};
use crate::{
    db::{Db, DbError},
    decode::said::Said,
};

/// Whether a payee was on a list.
///
/// # Errors
/// As [`super::envelope`].
pub async fn on_list(
    db: &Db,
    treasury: Address,
    (list, payee): (u16, Address),
    past: Past,
) -> Result<bool, DbError> {
    let mut on = false;
    for event in said(db, "e.kind IN ('payee_listed', 'payee_unlisted')", Some(treasury), past.height).await?
    {
        match read(&event)? {
            Said::PayeeListed { list: of, payee: who } if (of, who) == (list, payee) => on = true,
            Said::PayeeUnlisted { list: of, payee: who } if (of, who) == (list, payee) => on = false,
            _ => {}
        }
    }
    Ok(on)
}

/// The epoch of stamps: those of an earlier one were revoked.
///
/// # Errors
/// As [`super::envelope`].
pub async fn stamp_epoch(db: &Db, treasury: Address, past: Past) -> Result<u32, DbError> {
    let mut epoch = 0;
    for event in said(db, "e.kind = 'stamp_epoch_set'", Some(treasury), past.height).await? {
        if let Said::StampEpochSet { epoch: set, .. } = read(&event)? {
            epoch = set;
        }
    }
    Ok(epoch)
}
