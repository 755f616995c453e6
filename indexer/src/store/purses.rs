//! Who is a purse, remembered from batch to batch: otherwise each would ask it of every account that it names.

use std::{
    collections::HashSet,
    sync::{Mutex, PoisonError},
};

use alloy::primitives::{Address, B256};

use super::StoreError;
use crate::db::{Link, Query};

/// The purses of a ledger, and the block at which it has them. A ledger that stands there has no others, whoever wrote
/// it.
#[derive(Debug, Default)]
pub(super) struct KnownPurses(Mutex<Option<(B256, HashSet<Address>)>>);

impl KnownPurses {
    /// All purses of the ledger, which stands at `at`; `None` where it has not begun. They are given away: what comes
    /// of them is kept once it is committed.
    pub(super) async fn take(
        &self,
        at: Option<B256>,
        on: impl Into<Link<'_>>,
    ) -> Result<HashSet<Address>, StoreError> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        match known.filter(|(then, _)| at == Some(*then)) {
            Some((_, purses)) => Ok(purses),
            None => read(on).await,
        }
    }

    /// From now on, these are the purses of the ledger at `at`.
    pub(super) fn keep(&self, at: B256, purses: HashSet<Address>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((at, purses));
    }

    /// The ledger begins again: it may come to the same block without them.
    pub(super) fn forget(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

/// All purses of the ledger, as it tells.
pub(super) async fn read(on: impl Into<Link<'_>>) -> Result<HashSet<Address>, StoreError> {
    let rows = Query::new("SELECT address FROM purse").rows(on).await?;
    Ok(rows.iter().map(|row| row.address("address")).collect::<Result<_, _>>()?)
}
