//! Ranges of a backfill that several indexers on one PostgreSQL store divide: the one that follows the chain offers them,
//! those that stand by claim and fetch them. SQLite is one machine's: nobody is there to divide with.
//!
//! Nothing depends on this but that no work is done twice: what is not here is asked of the chain. But for [`clear`], these are
//! statements of their own and in no transaction that writes the ledger, so that neither waits for the other. The
//! database's own clock counts.

use std::time::Duration;

use alloy::primitives::{B256, Bytes};

use super::{Store, StoreError};
use crate::db::{Db, DbError, DbRow, Query, Tx};

/// Consecutive blocks, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BlockRange {
    pub(crate) from: u64,
    pub(crate) to: u64,
}

impl BlockRange {
    /// How many they are.
    pub(crate) fn blocks(self) -> u64 {
        (self.to - self.from).saturating_add(1)
    }
}

/// What has become of a range that was offered.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Taken {
    /// Somebody has fetched it, and this is what they left; it is offered no more.
    Body(Bytes),
    /// Nobody was at it; it is offered no more.
    Open,
    /// Somebody is at it, and it is theirs for so long unless they renew it.
    Held(Duration),
    /// It is not offered: somebody found it too much, or has cleared all of them.
    Gone,
}

/// Now, in unix milliseconds by the database's clock.
macro_rules! now {
    () => {
        "(EXTRACT(EPOCH FROM clock_timestamp()) * 1000)::BIGINT"
    };
}

const STANDS_BY: &str = concat!(
    "INSERT INTO lease (name, holder, until) VALUES ('help', $1, ",
    now!(),
    " + $2) ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, until = excluded.until"
);

const IS_HELPED: &str = concat!("SELECT 1 AS one FROM lease WHERE name = 'help' AND until > ", now!());

const FORGET_OTHERS: &str = concat!(
    "DELETE FROM backfill_range WHERE from_block <= $1 OR to_block > $2 OR revision <> $3 \
     OR (body IS NULL AND (until IS NULL OR until <= ",
    now!(),
    "))"
);

const OFFERED: &str = concat!(
    "SELECT revision FROM backfill_range WHERE body IS NULL AND (until IS NULL OR until <= ",
    now!(),
    ") LIMIT 1"
);

/// The farthest ones first: the one that offers them asks for the nearest itself, and they meet in between.
const CLAIM: &str = concat!(
    "WITH picked AS MATERIALIZED (SELECT from_block FROM backfill_range \
     WHERE body IS NULL AND revision = $3 AND (until IS NULL OR until <= ",
    now!(),
    ") ORDER BY from_block DESC LIMIT $4 FOR UPDATE SKIP LOCKED) \
     UPDATE backfill_range r SET holder = $1, until = ",
    now!(),
    " + $2 FROM picked WHERE r.from_block = picked.from_block RETURNING r.from_block, r.to_block"
);

const RENEW: &str = concat!(
    "UPDATE backfill_range SET until = ",
    now!(),
    " + $4 WHERE holder = $1 AND from_block = $2 AND to_block = $3 AND body IS NULL"
);

const TAKE: &str = concat!(
    "DELETE FROM backfill_range WHERE from_block = $1 AND to_block = $2 AND revision = $3 \
     AND (body IS NOT NULL OR until IS NULL OR until <= ",
    now!(),
    ") RETURNING body"
);

const LEFT: &str = concat!(
    "SELECT GREATEST(until - ",
    now!(),
    ", 0) AS rest FROM backfill_range WHERE from_block = $1 AND to_block = $2 AND revision = $3"
);

impl Store {
    /// Whether indexers that stand by can help here.
    pub(crate) fn divides_ranges(&self) -> bool {
        matches!(self.db, Db::Postgres(_))
    }

    /// Says that somebody stands by and would help, from now for so long.
    pub(crate) async fn offer_help(&self, holder: B256, life: Duration) -> Result<(), StoreError> {
        Query::new(STANDS_BY).bind(holder).bind(millis(life)).execute(&self.db).await?;
        Ok(())
    }

    /// Whether anybody has said so.
    pub(crate) async fn is_helped(&self) -> Result<bool, StoreError> {
        Ok(Query::new(IS_HELPED).row(&self.db).await?.is_some())
    }

    /// Forgets all ranges but those after block `after` and up to `last` that somebody has fetched, or is at, by that
    /// revision of the watch list; gives these in order. Where two indexers believed at once that it was their turn, they
    /// may overlap.
    pub(crate) async fn keep_ranges(
        &self,
        after: u64,
        last: u64,
        revision: u64,
    ) -> Result<Vec<BlockRange>, StoreError> {
        Query::new(FORGET_OTHERS).bind(after).bind(last).bind(revision).execute(&self.db).await?;
        let left = "SELECT from_block, to_block FROM backfill_range ORDER BY from_block";
        Ok(Query::new(left).rows(&self.db).await?.iter().map(range).collect::<Result<_, _>>()?)
    }

    /// Offers a range to whoever stands by. One that begins there already stays as it is.
    pub(crate) async fn offer_range(&self, range: BlockRange, revision: u64) -> Result<(), StoreError> {
        let sql = "INSERT INTO backfill_range (from_block, to_block, revision) VALUES ($1, $2, $3) \
                   ON CONFLICT (from_block) DO NOTHING";
        Query::new(sql).bind(range.from).bind(range.to).bind(revision).execute(&self.db).await?;
        Ok(())
    }

    /// Takes back a range that was offered by that revision of the watch list, with what somebody has fetched of it; unless somebody is at it.
    pub(crate) async fn take_range(&self, range: BlockRange, revision: u64) -> Result<Taken, StoreError> {
        let BlockRange { from, to } = range;
        if let Some(row) = Query::new(TAKE).bind(from).bind(to).bind(revision).row(&self.db).await? {
            return Ok(row.maybe_bytes("body")?.map_or(Taken::Open, Taken::Body));
        }
        let left = Query::new(LEFT).bind(from).bind(to).bind(revision).row(&self.db).await?;
        let Some(row) = left else { return Ok(Taken::Gone) };
        Ok(Taken::Held(Duration::from_millis(row.maybe_number("rest")?.unwrap_or_default())))
    }

    /// Takes back a range whoever is at it: what they fetch of it is wanted no more.
    pub(crate) async fn withdraw_range(&self, range: BlockRange) -> Result<(), StoreError> {
        let sql = "DELETE FROM backfill_range WHERE from_block = $1 AND to_block = $2";
        Query::new(sql).bind(range.from).bind(range.to).execute(&self.db).await?;
        Ok(())
    }

    /// Forgets all ranges, and whatever was fetched of them.
    pub(crate) async fn clear_ranges(&self) -> Result<(), StoreError> {
        Query::new(CLEAR).execute(&self.db).await?;
        Ok(())
    }

    /// The revision of the watch list by which a range is offered that nobody is at; `None` where there is no such range.
    pub(crate) async fn offered_revision(&self) -> Result<Option<u64>, StoreError> {
        let row = Query::new(OFFERED).row(&self.db).await?;
        Ok(row.map(|row| row.number("revision")).transpose()?)
    }

    /// Claims ranges that were offered by that revision of the watch list, at most so many, from now for so long.
    pub(crate) async fn claim_ranges(
        &self,
        holder: B256,
        revision: u64,
        most: u64,
        life: Duration,
    ) -> Result<Vec<BlockRange>, StoreError> {
        let query = Query::new(CLAIM).bind(holder).bind(millis(life)).bind(revision).bind(most);
        Ok(query.rows(&self.db).await?.iter().map(range).collect::<Result<_, _>>()?)
    }

    /// Keeps a range that this holder has claimed, from now for so long.
    pub(crate) async fn renew_range(
        &self,
        holder: B256,
        range: BlockRange,
        life: Duration,
    ) -> Result<(), StoreError> {
        let query = Query::new(RENEW).bind(holder).bind(range.from).bind(range.to).bind(millis(life));
        query.execute(&self.db).await?;
        Ok(())
    }

    /// Leaves what was fetched of a range; `false` where that is no longer this holder's to fetch.
    pub(crate) async fn put_range(
        &self,
        holder: B256,
        range: BlockRange,
        body: Bytes,
    ) -> Result<bool, StoreError> {
        let sql = "UPDATE backfill_range SET body = $4, until = NULL \
                   WHERE holder = $1 AND from_block = $2 AND to_block = $3 AND body IS NULL";
        let query = Query::new(sql).bind(holder).bind(range.from).bind(range.to).bind(body);
        Ok(query.execute(&self.db).await? == 1)
    }

    /// Gives a range back that this holder has claimed, for anybody to claim.
    pub(crate) async fn give_back_range(&self, holder: B256, range: BlockRange) -> Result<(), StoreError> {
        let sql = "UPDATE backfill_range SET holder = NULL, until = NULL \
                   WHERE holder = $1 AND from_block = $2 AND to_block = $3 AND body IS NULL";
        Query::new(sql).bind(holder).bind(range.from).bind(range.to).execute(&self.db).await?;
        Ok(())
    }

    /// Gives back all that this holder has claimed and not fetched.
    pub(crate) async fn give_back_ranges(&self, holder: B256) -> Result<(), StoreError> {
        let sql = "UPDATE backfill_range SET holder = NULL, until = NULL WHERE holder = $1 AND body IS NULL";
        Query::new(sql).bind(holder).execute(&self.db).await?;
        Ok(())
    }

    /// Gives a range back for good: it is too much at once, and whoever offered it has to ask for it in parts.
    pub(crate) async fn give_up_range(&self, holder: B256, range: BlockRange) -> Result<(), StoreError> {
        let sql = "DELETE FROM backfill_range \
                   WHERE holder = $1 AND from_block = $2 AND to_block = $3 AND body IS NULL";
        Query::new(sql).bind(holder).bind(range.from).bind(range.to).execute(&self.db).await?;
        Ok(())
    }
}

const CLEAR: &str = "DELETE FROM backfill_range";

/// Forgets all ranges in the transaction that takes away what they were asked after.
pub(super) async fn clear(tx: &mut Tx) -> Result<(), DbError> {
    if let Tx::Postgres(_) = tx {
        Query::new(CLEAR).execute(tx).await?;
    }
    Ok(())
}

fn range(row: &DbRow) -> Result<BlockRange, DbError> {
    Ok(BlockRange { from: row.number("from_block")?, to: row.number("to_block")? })
}

fn millis(life: Duration) -> u64 {
    u64::try_from(life.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use bursar_test_stores::Stores;

    use super::*;

    const LIFE: Duration = Duration::from_secs(600);
    const ONE: B256 = B256::repeat_byte(1);
    const OTHER: B256 = B256::repeat_byte(2);

    fn of(from: u64, to: u64) -> BlockRange {
        BlockRange { from, to }
    }

    async fn store(stores: &Stores) -> anyhow::Result<Store> {
        Ok(Store::connect(&stores.url("ledger").await?.parse()?).await?)
    }

    #[tokio::test]
    async fn a_range_is_one_holders_until_its_time_is_over() -> anyhow::Result<()> {
        let stores = Stores::postgres()?;
        let store = store(&stores).await?;
        for range in [of(1, 9), of(10, 19), of(20, 29)] {
            store.offer_range(range, 3).await?;
        }
        assert_eq!(store.claim_ranges(ONE, 2, 9, LIFE).await?, [], "they are of another revision");
        assert_eq!(store.claim_ranges(ONE, 3, 1, LIFE).await?, [of(20, 29)], "the farthest first");
        assert_eq!(store.claim_ranges(OTHER, 3, 1, LIFE).await?, [of(10, 19)]);
        assert!(!store.put_range(OTHER, of(20, 29), vec![1].into()).await?, "it is not its");
        store.give_back_range(OTHER, of(20, 29)).await?;
        store.give_up_range(OTHER, of(20, 29)).await?;
        assert!(matches!(store.take_range(of(20, 29), 3).await?, Taken::Held(rest) if rest <= LIFE));
        // Its time runs out, and is renewed, if only by who has it.
        store.renew_range(ONE, of(20, 29), Duration::ZERO).await?;
        store.renew_range(OTHER, of(20, 29), LIFE).await?;
        assert_eq!(store.offered_revision().await?, Some(3));
        let mut claimed = store.claim_ranges(OTHER, 3, 9, LIFE).await?;
        claimed.sort_by_key(|range| range.from);
        assert_eq!(claimed, [of(1, 9), of(20, 29)]);
        assert_eq!(store.offered_revision().await?, None);
        assert!(!store.put_range(ONE, of(20, 29), vec![1].into()).await?, "it was too late");
        assert!(store.put_range(OTHER, of(20, 29), vec![2].into()).await?);
        assert!(!store.put_range(OTHER, of(20, 29), vec![3].into()).await?, "what is there stays");
        store.give_back_ranges(OTHER).await?;
        assert_eq!(store.take_range(of(20, 29), 3).await?, Taken::Body(vec![2].into()));
        assert_eq!(store.take_range(of(20, 29), 3).await?, Taken::Gone);
        assert_eq!(store.take_range(of(10, 18), 3).await?, Taken::Gone, "it ends elsewhere");
        assert_eq!(store.take_range(of(10, 19), 4).await?, Taken::Gone, "it is of another list");
        assert_eq!(store.take_range(of(10, 19), 3).await?, Taken::Open);
        assert_eq!(store.claim_ranges(ONE, 3, 9, LIFE).await?, [of(1, 9)], "it was given back");
        store.give_up_range(ONE, of(1, 9)).await?;
        assert_eq!(store.take_range(of(1, 9), 3).await?, Taken::Gone);
        Ok(())
    }

    #[tokio::test]
    async fn of_many_who_claim_at_once_none_gets_what_another_has() -> anyhow::Result<()> {
        let stores = Stores::postgres()?;
        let store = store(&stores).await?;
        for from in 0..40 {
            store.offer_range(of(from, from), 0).await?;
        }
        let claims = (0..8).map(|n| {
            let store = store.clone();
            tokio::spawn(async move { store.claim_ranges(B256::repeat_byte(n), 0, 5, LIFE).await })
        });
        let mut all = Vec::new();
        for claimed in futures::future::join_all(claims).await {
            all.extend(claimed??.into_iter().map(|range| range.from));
        }
        all.extend(store.claim_ranges(ONE, 0, 40, LIFE).await?.into_iter().map(|range| range.from));
        all.sort_unstable();
        assert_eq!(all, (0..40).collect::<Vec<_>>());
        Ok(())
    }

    #[tokio::test]
    async fn a_new_leader_keeps_what_was_fetched_or_is_being_fetched() -> anyhow::Result<()> {
        let stores = Stores::postgres()?;
        let store = store(&stores).await?;
        let ranges = [of(5, 9), of(10, 14), of(15, 19), of(20, 24), of(25, 29), of(30, 34)];
        for (range, revision) in ranges.into_iter().zip([3, 3, 3, 3, 2, 3]) {
            store.offer_range(range, revision).await?;
        }
        store.claim_ranges(ONE, 2, 9, LIFE).await?;
        store.claim_ranges(ONE, 3, 9, Duration::ZERO).await?;
        for range in [of(5, 9), of(15, 19), of(25, 29), of(30, 34)] {
            assert!(store.put_range(ONE, range, vec![1].into()).await?);
        }
        assert_eq!(store.claim_ranges(OTHER, 3, 1, LIFE).await?, [of(20, 24)]);
        // The ledger stands at 9, what is final ends before 34, and nobody is at what begins at 10.
        assert_eq!(store.keep_ranges(9, 33, 3).await?, [of(15, 19), of(20, 24)]);
        assert_eq!(store.keep_ranges(9, 33, 3).await?, [of(15, 19), of(20, 24)]);
        store.clear_ranges().await?;
        assert_eq!(store.keep_ranges(0, 99, 3).await?, []);
        Ok(())
    }

    #[tokio::test]
    async fn help_is_there_while_somebody_says_so() -> anyhow::Result<()> {
        let stores = Stores::postgres()?;
        let store = store(&stores).await?;
        assert!(!store.is_helped().await?);
        store.offer_help(ONE, LIFE).await?;
        assert!(store.is_helped().await?);
        store.offer_help(OTHER, Duration::ZERO).await?;
        assert!(!store.is_helped().await?, "it is over");
        store.offer_help(OTHER, LIFE).await?;
        store.give_back_lease(ONE).await?;
        assert!(store.is_helped().await?, "the other one is there");
        // Whose turn it is, is another question.
        assert!(store.take_lease(ONE, LIFE).await?);
        Ok(())
    }
}
