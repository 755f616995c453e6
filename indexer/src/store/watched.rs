//! The watch list, as people keep it. Not from the chain: no reorg touches it.

use alloy::primitives::Address;

use super::{META, Store, StoreError, meta};
use crate::{
    db::{Cell as _, Link, Query, Tx, table},
    ledger::{Label, WatchKind, WatchList},
    query::checkpoint,
};

/// Where the store keeps how often the list was changed.
const REVISION: &str = "watch_revision";

impl Store {
    /// Puts addresses on the watch list, or labels anew those that are on it; gives how many are new. What they do is
    /// in the ledger from the next block on; from its start where it is read again ([`Self::forget_chain`]).
    ///
    /// # Errors
    /// When the database fails.
    pub async fn put_watched(
        &self,
        kind: WatchKind,
        addresses: &[Address],
        label: Option<&Label>,
    ) -> Result<u64, StoreError> {
        let mut tx = self.db.begin().await?;
        let at = checkpoint::get(&mut tx).await?;
        let from = at.map_or(0, |at| at.number.saturating_add(1));
        let mut new = 0;
        for address in addresses {
            let row = watched(kind, *address, label, from);
            let was_new = WATCHED.insert_new(row).execute(&mut tx).await?;
            if was_new == 0 && label.is_some() {
                let again = Query::new("UPDATE watched SET label = $1 WHERE kind = $2 AND address = $3");
                again
                    .bind(label.map(Label::as_str))
                    .bind(kind.code())
                    .bind(*address)
                    .execute(&mut tx)
                    .await?;
            }
            new += was_new;
        }
        self.changed(tx, new).await
    }

    /// Takes addresses off the watch list; gives how many were on it. What they have settled stays in the ledger until
    /// that is read again.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn remove_watched(&self, kind: WatchKind, addresses: &[Address]) -> Result<u64, StoreError> {
        let mut tx = self.db.begin().await?;
        let mut gone = 0;
        for address in addresses {
            gone += WATCHED.delete(vec![kind.code().value(), address.value()]).execute(&mut tx).await?;
        }
        self.changed(tx, gone).await
    }

    /// The watch list.
    ///
    /// # Errors
    /// When the database fails or holds what does not read.
    pub async fn watch_list(&self) -> Result<WatchList, StoreError> {
        // The revision first: a list that is newer than it says is asked for again, one that is older never is.
        let revision = revision(&self.db).await?;
        let rows = Query::new("SELECT kind, address, from_block FROM watched").rows(&self.db).await?;
        let entries = rows.iter().map(|row| {
            let code = row.text("kind")?;
            let kind = WatchKind::of(&code).ok_or(StoreError::Corrupt { what: "kind", got: code })?;
            Ok((kind, row.address("address")?, row.number("from_block")?))
        });
        Ok(WatchList::new(revision, entries.collect::<Result<Vec<_>, StoreError>>()?))
    }

    /// Commits; a list that has changed gets a new revision, by which an indexer knows that it asks by an old one.
    async fn changed(&self, mut tx: Tx, changes: u64) -> Result<u64, StoreError> {
        if changes != 0 {
            begin_revision(&mut tx).await?;
        }
        tx.commit().await?;
        Ok(changes)
    }
}

async fn begin_revision(tx: &mut Tx) -> Result<(), StoreError> {
    let next = revision(&mut *tx).await?.saturating_add(1);
    META.put(meta(REVISION, next.to_string())).execute(tx).await?;
    Ok(())
}

/// How often the list was changed.
pub(super) async fn revision(on: impl Into<Link<'_>>) -> Result<u64, StoreError> {
    let Some(row) = META.find(vec![REVISION.value()]).row(on).await? else { return Ok(0) };
    let text = row.text("value")?;
    text.parse().map_err(|_| StoreError::Corrupt { what: "revision of the watch list", got: text })
}

/// Looks at everybody on the list from the start of the chain on.
pub(super) async fn look_from_the_start(tx: &mut Tx) -> Result<(), StoreError> {
    let changes =
        Query::new("UPDATE watched SET from_block = 0 WHERE from_block <> 0").execute(&mut *tx).await?;
    if changes != 0 {
        begin_revision(tx).await?;
    }
    Ok(())
}

table! {
    WATCHED, fn watched(kind: WatchKind, address: Address, label: Option<&Label>, from: u64) {
        key { kind: kind.code(), address: address }
        label: label.map(Label::as_str),
        from_block: from,
    }
}
