//! A transaction that is away while something is written in it.

use tokio_util::task::AbortOnDropHandle;

use super::StoreError;
use crate::db::{DbError, Tx};

/// A transaction, or the work that has it. Where this is dropped, the work ends and the transaction is rolled back.
pub(super) enum Lent {
    Here(Tx),
    Away(AbortOnDropHandle<Result<Tx, StoreError>>),
    /// What it was lent to has failed, and said so.
    Lost,
}

impl Lent {
    /// Whether nobody has to wait for it.
    pub(super) fn is_free(&self) -> bool {
        match self {
            Self::Here(_) => true,
            Self::Away(work) => work.is_finished(),
            Self::Lost => false,
        }
    }

    async fn back(&mut self) -> Result<&mut Tx, StoreError> {
        if let Self::Away(_) = self {
            *self = Self::Here(std::mem::replace(self, Self::Lost).returned().await?);
        }
        match self {
            Self::Here(tx) => Ok(tx),
            Self::Away(_) | Self::Lost => Err(lost()),
        }
    }

    /// The transaction for good, when it is back.
    pub(super) async fn returned(self) -> Result<Tx, StoreError> {
        match self {
            Self::Here(tx) => Ok(tx),
            Self::Away(work) => work.await.map_err(|_| lost())?,
            Self::Lost => Err(lost()),
        }
    }

    /// Lends it, when it is back, to work that goes on beside its caller's. That it failed is said when it is next needed.
    pub(super) async fn lend<W>(&mut self, work: impl FnOnce(Tx) -> W) -> Result<(), StoreError>
    where
        W: Future<Output = Result<Tx, StoreError>> + Send + 'static,
    {
        let tx = std::mem::replace(self, Self::Lost).returned().await?;
        *self = Self::Away(AbortOnDropHandle::new(tokio::spawn(work(tx))));
        Ok(())
    }
}

/// What has a transaction: one that is at hand, or one that may be away.
pub(super) trait HasTx: Send {
    /// The transaction, when it is at hand.
    fn tx(&mut self) -> impl Future<Output = Result<&mut Tx, StoreError>> + Send;
}

impl HasTx for Tx {
    async fn tx(&mut self) -> Result<&mut Tx, StoreError> {
        Ok(self)
    }
}

impl HasTx for Lent {
    async fn tx(&mut self) -> Result<&mut Tx, StoreError> {
        self.back().await
    }
}

fn lost() -> StoreError {
    DbError::Driver(sqlx::Error::WorkerCrashed).into()
}
