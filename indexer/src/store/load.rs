//! Reading the rows that blocks change.

use std::{collections::BTreeSet, sync::Arc};

use alloy::primitives::{Address, B256, map::AddressSet};

use super::{
    StoreError,
    lent::HasTx,
    pending::{PaymentKey, Pending},
    tables::{self, Entry},
};
use crate::{
    db::{Cell as _, DbRow, Query, Table, Value},
    decode::Event,
    ledger::{
        BlockFacts, EnvelopeRow, Key, PurseRow, Record, Row, Rows, Settlement, Telling, WatchList, standing,
    },
    project::topics_of_payments,
};

/// Rows as a transaction sees them, with what is pending in it.
pub(super) struct Loader<'a, T> {
    pub(super) tx: &'a mut T,
    pub(super) pending: &'a mut Pending,
}

/// Whom blocks name, as far as the ledger may know something of them.
#[derive(Default)]
struct Named {
    /// Who may be a purse.
    purses: BTreeSet<Address>,
    /// Nonces that these have used.
    used: BTreeSet<PaymentKey>,
    /// Whom these have paid.
    paid: BTreeSet<(Address, Address)>,
    /// Who may have paid outside any envelope, and whose alerts are not remembered.
    payers: AddressSet,
}

impl<T: HasTx> Loader<'_, T> {
    /// Reads at once what projecting these blocks is sure to ask for: the purses that they name, what those rest on, whom
    /// they pay, whether they have used these nonces, and the alerts that may be open about any of it. One row after the
    /// other, a block full of payments would take most of its time to ask.
    pub(super) async fn look_ahead(
        &mut self,
        blocks: &[BlockFacts],
        list: &WatchList,
    ) -> Result<(), StoreError> {
        let Named { purses, used, paid, payers } = self.named(blocks, list);
        self.load_all(purses.iter().copied().map(Key::Purse).collect()).await?;
        let mut keys = BTreeSet::new();
        let mut topics: BTreeSet<B256> = self.pending.recall(payers).into_iter().collect();
        for account in &purses {
            if let Some(row) = self.purse(*account) {
                let of = (row.treasury, row.envelope);
                keys.extend([Key::Treasury(of.0), Key::Envelope(of.0, of.1), Key::Score(of.0, of.1)]);
                keys.insert(Key::Session(*account, row.sequence));
                topics.extend(topics_of_payments(of).map(|topic| topic.key()));
            }
        }
        for (account, payee) in paid.iter().copied() {
            if let Some(row) = self.purse(account) {
                keys.insert(Key::PayeeRecord(row.treasury, row.envelope, payee));
                keys.insert(Key::Insider(row.treasury, payee));
            }
        }
        keys.extend(topics.iter().copied().map(Key::AlertTopic));
        self.load_all(keys).await?;
        let alerts = topics.iter().filter_map(|topic| match self.row(&Key::AlertTopic(*topic)) {
            Some(Row::AlertTopic(alert)) => Some(Key::Alert(*alert)),
            _ => None,
        });
        let mut keys: BTreeSet<Key> = alerts.collect();
        for account in purses {
            if let Some((treasury, envelope)) = self.envelope_of(account) {
                keys.insert(Key::Asset(treasury, envelope.asset));
                keys.extend((envelope.group != 0).then_some(Key::Group(treasury, envelope.group)));
            }
        }
        for (account, payee) in paid {
            if let Some((treasury, envelope)) = self.envelope_of(account)
                && envelope.payee_list != 0
            {
                keys.insert(Key::Payee(treasury, envelope.payee_list, payee));
            }
        }
        self.load_all(keys).await?;
        self.payments(used.into_iter().filter(|(account, _)| self.purse(*account).is_some()).collect()).await
    }

    fn named(&self, blocks: &[BlockFacts], list: &WatchList) -> Named {
        let may_be = |account: &Address| !self.pending.lacks(&Key::Purse(*account));
        let mut named = Named::default();
        for block in blocks {
            let mut last = None;
            let covered = |payer, token| list.covers(payer, token, block.header.number);
            for (log, decoded) in &block.entries {
                let payer = match decoded {
                    Ok(Event::Settled(event)) => {
                        if may_be(&event.authorizer) {
                            named.used.insert((event.authorizer, event.nonce));
                        }
                        event.authorizer
                    }
                    Ok(Event::Moved(event)) => {
                        named.purses.extend([event.from, event.to].into_iter().filter(may_be));
                        if may_be(&event.from) {
                            named.paid.insert((event.from, event.to));
                        }
                        event.from
                    }
                    _ => continue,
                };
                // A settlement names its payer twice, and a batch most of them again and again.
                let again = last.replace((payer, log.address)) == Some((payer, log.address));
                if !again && self.pending.outside(payer).is_none() && covered(payer, log.address) {
                    named.payers.insert(payer);
                }
            }
        }
        named
    }

    fn purse(&self, account: Address) -> Option<&PurseRow> {
        match self.row(&Key::Purse(account)) {
            Some(Row::Purse(row)) => Some(row),
            _ => None,
        }
    }

    fn envelope_of(&self, account: Address) -> Option<(Address, &EnvelopeRow)> {
        let purse = self.purse(account)?;
        match self.row(&Key::Envelope(purse.treasury, purse.envelope)) {
            Some(Row::Envelope(row)) => Some((purse.treasury, row)),
            _ => None,
        }
    }

    fn row(&self, key: &Key) -> Option<&Row> {
        self.pending.held.get(key).and_then(Option::as_deref)
    }

    async fn load_all(&mut self, keys: BTreeSet<Key>) -> Result<(), StoreError> {
        // What the batch has made of a row is not in the database yet.
        let keys = keys.into_iter().filter(|key| self.pending.held.get(key).is_none());
        // Keys of one table are beside each other in their order.
        let keys: Vec<(Key, &'static Table, Vec<Value>)> = keys.map(tables::placed).collect();
        for some in keys.chunk_by(|(_, one, _), (_, other, _)| std::ptr::eq(*one, *other)) {
            let Some((_, table, _)) = some.first() else { continue };
            let cells: Vec<Vec<Value>> = some.iter().map(|(.., cells)| cells.clone()).collect();
            let mut found = table.find_all(table.key(), self.tx.tx().await?, &cells).await?;
            for (key, _, cells) in some {
                let rows = found.remove(cells).unwrap_or_default();
                self.pending.held.found(*key, tables::read(key, &rows)?.map(Arc::new));
            }
        }
        Ok(())
    }

    async fn payments(&mut self, mut used: Vec<PaymentKey>) -> Result<(), StoreError> {
        // What the batch itself has settled is not in the database yet.
        used.retain(|key| !self.pending.settled.contains_key(key));
        const BY: &[&str] = &["purse", "nonce"];
        let cells: Vec<Vec<Value>> =
            used.iter().map(|(purse, nonce)| vec![purse.value(), nonce.value()]).collect();
        let mut settled = tables::PAYMENT.find_all(BY, self.tx.tx().await?, &cells).await?;
        let mut taken_in = tables::INTAKE.find_all(BY, self.tx.tx().await?, &cells).await?;
        for (key, cells) in used.into_iter().zip(&cells) {
            let found = settled.remove(cells).unwrap_or_default();
            self.pending.settled.insert(key, found.first().map(settlement).transpose()?);
            let found = taken_in.remove(cells).unwrap_or_default();
            let mut entries = found.iter().map(tables::read_intake).collect::<Result<Vec<_>, _>>()?;
            entries.sort_by_key(|entry| (entry.block, entry.seq));
            self.pending.records.insert(key, entries);
        }
        Ok(())
    }
}

fn settlement(row: &DbRow) -> Result<Settlement, StoreError> {
    let code = row.text("standing")?;
    Ok(Settlement {
        treasury: row.address("treasury")?,
        envelope: row.number("envelope")?,
        agent: row.address("agent")?,
        payee: row.address("payee")?,
        at: row.number("timestamp")?,
        standing: standing::of(&code).ok_or(StoreError::Corrupt { what: "standing", got: code })?,
        approved: row.maybe_address("approver")?.is_some(),
    })
}

impl<T: HasTx> Rows for Loader<'_, T> {
    type Error = StoreError;

    async fn load(&mut self, key: &Key) -> Result<Option<Arc<Row>>, StoreError> {
        if let Some(row) = self.pending.held.get(key) {
            return Ok(row.clone());
        }
        let row = tables::read(key, &tables::find(key).rows(self.tx.tx().await?).await?)?.map(Arc::new);
        self.pending.held.found(*key, row.clone());
        Ok(row)
    }

    fn lacks(&self, key: &Key) -> bool {
        self.pending.lacks(key)
    }

    async fn settlement(&mut self, purse: Address, nonce: B256) -> Result<Option<Settlement>, StoreError> {
        if let Some(settled) = self.pending.settled.get(&(purse, nonce)) {
            return Ok(*settled);
        }
        let query = Query::new("SELECT * FROM payment WHERE purse = $1 AND nonce = $2");
        let row = query.bind(purse).bind(nonce).row(self.tx.tx().await?).await?;
        row.as_ref().map(settlement).transpose()
    }

    async fn records(&mut self, purse: Address, nonce: B256, below: u64) -> Result<Vec<Record>, StoreError> {
        let of_those = |entries: &[Entry]| {
            entries.iter().filter(|entry| entry.block < below).map(|entry| entry.record).collect()
        };
        if let Some(entries) = self.pending.records.get(&(purse, nonce)) {
            return Ok(of_those(entries));
        }
        let query =
            Query::new("SELECT * FROM intake WHERE purse = $1 AND nonce = $2 ORDER BY block_number, seq");
        let rows = query.bind(purse).bind(nonce).rows(self.tx.tx().await?).await?;
        let entries = rows.iter().map(tables::read_intake).collect::<Result<Vec<_>, _>>()?;
        let records = of_those(&entries);
        self.pending.records.insert((purse, nonce), entries);
        Ok(records)
    }

    async fn rules(
        &mut self,
        (treasury, envelope): (Address, u32),
        version: u16,
    ) -> Result<Option<String>, StoreError> {
        if let Some(rules) = self.pending.policies.get(&(treasury, envelope, version)) {
            return Ok(Some(rules.clone()));
        }
        let query =
            Query::new("SELECT rules FROM policy WHERE treasury = $1 AND envelope = $2 AND version = $3");
        let row = query.bind(treasury).bind(envelope).bind(version).row(self.tx.tx().await?).await?;
        Ok(row.map(|row| row.text("rules")).transpose()?)
    }

    fn outside(&self, payer: Address) -> Option<Telling> {
        self.pending.outside(payer)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::RwLock;

    use bursar_replay::{Chain, FACTORY, Params, Provider, Replay, serve};
    use bursar_test_stores::Stores;
    use tokio_util::sync::CancellationToken;

    use super::*;
    use crate::{
        Config, Indexer, Store,
        db::Tx,
        project::project,
        run::fetch,
        source::{Blocks, RpcConfig, RpcSource, Source, Sources},
    };

    /// A transaction, and how often it was asked for.
    struct Counted {
        tx: Tx,
        asked: usize,
    }

    impl HasTx for Counted {
        async fn tx(&mut self) -> Result<&mut Tx, StoreError> {
            self.asked += 1;
            Ok(&mut self.tx)
        }
    }

    #[tokio::test]
    async fn a_block_of_payments_takes_no_question_for_each() -> anyhow::Result<()> {
        let (blocks, treasuries, envelopes) = (40, 2, 3);
        let mix =
            Params { governed_pct: 50, payers: 5, payees: 30, treasuries, envelopes, ..Params::default() };
        let params = Params { blocks, settlements: 25 * blocks, ..mix };
        let chain = Arc::new(RwLock::new(Chain::new(params)));
        let replay = Arc::new(Replay::new(chain, Provider::default()));
        let node = serve(Arc::clone(&replay), 0).await?;
        let source: Arc<dyn Source> = Arc::new(RpcSource::new(node.url().parse()?, RpcConfig::default()));
        let (sources, config) = (Sources::from(source), Config::new(8453, FACTORY, 0));
        let stores = Stores::sqlite()?;
        let store = Store::connect(&stores.url("ledger").await?.parse()?).await?;

        let indexer = Indexer::new(config.clone(), sources.clone(), store.clone());
        let (mut status, stop) = (indexer.subscribe(), CancellationToken::new());
        let ends = stop.clone();
        let runs = tokio::spawn(async move { indexer.run(ends).await });
        status.wait_for(|status| status.indexed == Some(blocks)).await?;
        stop.cancel();
        runs.await??;

        replay.change(|chain| chain.mine(4));
        let (list, watch) = (store.watch_list().await?, store.watch().await?);
        let mut paid = 0;
        let mut tx = store.db.begin().await?;
        let after = store.checkpoint().await?.map(|at| at.hash);
        let mut pending = Pending::of(store.known.take(after, &mut tx).await?, None);
        let mut counted = Counted { tx, asked: 0 };
        for number in blocks + 1..=blocks + 4 {
            let header = sources.header(number).await?.what;
            let asked = Blocks::Hash(header.hash);
            let fetched = fetch(&sources, &config, &list, &watch, asked, Some(header)).await?;
            Loader { tx: &mut counted, pending: &mut pending }.look_ahead(&fetched.facts, &list).await?;
            counted.asked = 0;
            for block in &fetched.facts {
                let rows = Loader { tx: &mut counted, pending: &mut pending };
                let (added, changes) = project(config.realm(), &list, block, rows).await?;
                paid += added.payments.len();
                let raised =
                    changes.iter().filter(|it| it.before.is_none() && matches!(it.key, Key::Alert(_)));
                // Whether an alert that is raised stood before in the same block is asked of each.
                assert!(counted.asked <= raised.count(), "{} questions", counted.asked);
            }
        }
        assert!(paid > 20, "{paid} payments");
        Ok(())
    }
}
