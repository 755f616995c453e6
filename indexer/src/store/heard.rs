//! What is heard at the head before the ledger gets there. Each statement stands alone: who hears takes no lock that the ledger
//! needs, and holds nothing while it asks a node.

use super::{Store, StoreError};
use crate::{
    db::{DbError, Query, Tx, table},
    project::Heard,
    source::BlockHeader,
};

impl Store {
    /// Keeps the payments of a block, in the place of what was kept of them.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) async fn hear(&self, block: &BlockHeader, payments: &[Heard]) -> Result<(), StoreError> {
        Ok(HEARD.put_at_once(&self.db, payments.iter().map(|row| heard(block, row)).collect()).await?)
    }

    /// Takes back what was heard in this block and in later ones.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) async fn unhear_from(&self, block: u64) -> Result<(), StoreError> {
        let query = Query::new("DELETE FROM heard WHERE block_number >= $1").bind(block);
        query.execute(self.db.alone()).await?;
        Ok(())
    }

    /// Lets go of what was heard before this block.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) async fn unhear_before(&self, block: u64) -> Result<(), StoreError> {
        let query = Query::new("DELETE FROM heard WHERE block_number < $1").bind(block);
        query.execute(self.db.alone()).await?;
        Ok(())
    }

    /// Lets go of all that was heard.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) async fn unhear(&self) -> Result<(), StoreError> {
        HEARD.clear().execute(self.db.alone()).await?;
        Ok(())
    }
}

/// The ledger holds what was heard up to this block, or is about to say so in the same transaction.
pub(super) async fn taken_over(tx: &mut Tx, block: u64) -> Result<(), DbError> {
    Query::new("DELETE FROM heard WHERE block_number <= $1").bind(block).execute(tx).await?;
    Ok(())
}

table! {
    HEARD, fn heard(block: &BlockHeader, row: &Heard) {
        key { block_number: block.number, log_index: row.log_index }
        block_hash: block.hash,
        tx_hash: row.tx_hash,
        timestamp: block.timestamp,
        payer: row.payer,
        purse: row.purse,
        asset: row.asset,
        payee: row.payee,
        amount: row.amount,
        nonce: row.nonce,
        rail: row.rail,
    }
}

#[cfg(test)]
mod tests {
    use alloy::primitives::{Address, B256, U256};
    use bursar_test_stores::{Stores, on_both_stores};

    use super::*;
    use crate::{
        ledger::WatchList,
        project::Realm,
        query::{checkpoint::Settled, heard as told},
        store::Batch,
    };

    on_both_stores!(
        what_comes_late_is_never_seen,
        a_block_is_heard_again_in_the_place_of_what_was_heard,
        many_payments_of_a_block_are_there_at_once,
    );

    fn header(number: u64) -> BlockHeader {
        let hash = B256::left_padding_from(&number.to_be_bytes());
        BlockHeader { number, hash, parent_hash: None, timestamp: number }
    }

    fn payment(log_index: u64) -> Heard {
        Heard {
            log_index,
            tx_hash: B256::ZERO,
            payer: Address::ZERO,
            purse: false,
            asset: Address::ZERO,
            payee: Address::ZERO,
            amount: U256::from(log_index),
            nonce: None,
            rail: "permit2_exact",
        }
    }

    /// The ledger goes on to a block without logs.
    async fn advance(store: &Store, after: Option<u64>, to: u64) -> anyhow::Result<()> {
        let batch = Batch {
            after: after.map(|after| header(after).hash),
            list: &WatchList::default(),
            blocks: &[],
            tip: header(to),
            head: 100,
            settled: Settled::default(),
            write_from: 1,
            partition_blocks: 1_000,
            seen: None,
        };
        store.apply(Realm { chain_id: 1, factory: Address::ZERO }, batch).await?;
        Ok(())
    }

    async fn seen(store: &Store) -> anyhow::Result<Vec<(u64, u64)>> {
        let all = told::list(&store.db, &told::Filter::default(), None, 10_000).await?;
        Ok(all.iter().rev().map(|row| (row.position.block, row.position.log)).collect())
    }

    async fn kept(store: &Store) -> anyhow::Result<u64> {
        let row = Query::new("SELECT COUNT(*) AS number FROM heard").row(&store.db).await?;
        Ok(row.map(|row| row.number("number")).transpose()?.unwrap_or_default())
    }

    async fn opened(stores: &Stores) -> anyhow::Result<Store> {
        Ok(Store::connect(&stores.url("ledger").await?.parse()?).await?)
    }

    async fn what_comes_late_is_never_seen(stores: Stores) -> anyhow::Result<()> {
        let store = opened(&stores).await?;
        store.hear(&header(9), &[payment(1)]).await?;
        assert_eq!(seen(&store).await?, [], "there is no ledger yet");
        advance(&store, None, 8).await?;
        assert_eq!(seen(&store).await?, [(9, 1)]);
        advance(&store, Some(8), 10).await?;
        assert_eq!(kept(&store).await?, 0, "the ledger has it");
        // It was on its way while the ledger came by.
        for block in [9, 10, 11] {
            store.hear(&header(block), &[payment(1)]).await?;
        }
        assert_eq!(seen(&store).await?, [(11, 1)]);
        // Nor does it come to light where the ledger goes back: the chain may have taken it back.
        store.unwind(8).await?;
        assert_eq!((seen(&store).await?, kept(&store).await?), (vec![(11, 1)], 1));
        advance(&store, Some(8), 11).await?;
        assert_eq!(kept(&store).await?, 0);
        store.hear(&header(12), &[payment(1)]).await?;
        store.forget_chain().await?;
        assert_eq!(kept(&store).await?, 0, "the chain is read again");
        Ok(())
    }

    async fn a_block_is_heard_again_in_the_place_of_what_was_heard(stores: Stores) -> anyhow::Result<()> {
        let store = opened(&stores).await?;
        advance(&store, None, 8).await?;
        for block in 9..13 {
            store.hear(&header(block), &[payment(1), payment(4)]).await?;
        }
        store.hear(&header(12), &[Heard { payee: Address::repeat_byte(1), ..payment(4) }]).await?;
        let of = told::Filter { payee: Some(Address::repeat_byte(1)), ..Default::default() };
        assert_eq!(told::list(&store.db, &of, None, 10).await?.len(), 1);
        store.unhear_from(11).await?;
        assert_eq!(seen(&store).await?, [(9, 1), (9, 4), (10, 1), (10, 4)]);
        store.unhear_before(10).await?;
        assert_eq!(seen(&store).await?, [(10, 1), (10, 4)]);
        store.unhear().await?;
        assert_eq!(kept(&store).await?, 0);
        Ok(())
    }

    async fn many_payments_of_a_block_are_there_at_once(stores: Stores) -> anyhow::Result<()> {
        let store = opened(&stores).await?;
        advance(&store, None, 8).await?;
        for (block, many) in [(9, 1), (10, 2), (11, 33), (12, 1_000), (13, 2_500)] {
            let all: Vec<_> = (0..many).map(payment).collect();
            store.hear(&header(block), &all).await?;
            let seen = seen(&store).await?.into_iter().filter(|(at, _)| *at == block).map(|(_, log)| log);
            assert!(seen.eq(0..many), "{many} payments");
        }
        Ok(())
    }
}
