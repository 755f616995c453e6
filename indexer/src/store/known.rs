//! What batches would ask again and again, remembered from one to the next: who is a purse, and the alerts that payers
//! outside any envelope have open. Nothing but blocks changes either.

use std::sync::{Arc, Mutex, PoisonError};

use alloy::primitives::{
    Address, B256,
    map::{AddressMap, AddressSet},
};

use super::StoreError;
use crate::{
    db::{Link, Query, Tx},
    ledger::Row,
};

/// Most alerts that are remembered: about 24 MiB.
const MOST_ALERTS: usize = 32_768;

/// An alert that is known.
#[derive(Debug, Clone)]
pub(super) struct KnownAlert {
    /// The key of its topic, which takes hashing to find.
    pub(super) topic: B256,
    /// What it is called.
    pub(super) id: B256,
    pub(super) row: Arc<Row>,
}

/// What is known of a ledger.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// All purses there are.
    pub(super) purses: AddressSet,
    /// Some of the alerts of payers outside any envelope, by payer.
    pub(super) alerts: AddressMap<KnownAlert>,
    /// Whether these are all there are: nobody has to ask for any other.
    pub(super) are_all: bool,
}

impl Known {
    /// Remembers alerts as they are now; where they are too many, only these.
    pub(super) fn alerts(&mut self, now: Vec<(Address, KnownAlert)>) {
        if self.alerts.len() + now.len() > MOST_ALERTS {
            self.alerts.clear();
            self.are_all = false;
        }
        self.alerts.extend(now.into_iter().take(MOST_ALERTS));
    }
}

/// What is known, and of the ledger at which block. A ledger that stands there is the same, whoever wrote it.
#[derive(Debug, Default)]
pub(super) struct Memory(Mutex<Option<(B256, Known)>>);

impl Memory {
    /// What is known of the ledger, which stands at `at`; `None` where it has not begun. It is given away: what comes of
    /// it is kept once it is committed.
    pub(super) async fn take(&self, at: Option<B256>, tx: &mut Tx) -> Result<Known, StoreError> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        match known.filter(|(then, _)| at == Some(*then)) {
            Some((_, known)) => Ok(known),
            None => {
                let are_all =
                    Query::new("SELECT topic FROM alert_topic LIMIT 1").row(&mut *tx).await?.is_none();
                Ok(Known { purses: purses(tx).await?, are_all, ..Known::default() })
            }
        }
    }

    /// From now on, this is known of the ledger at `at`.
    pub(super) fn keep(&self, at: B256, known: Known) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((at, known));
    }

    /// The ledger begins again: it may come to the same block and be another.
    pub(super) fn forget(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

/// All purses of the ledger, as it tells.
pub(super) async fn purses(on: impl Into<Link<'_>>) -> Result<AddressSet, StoreError> {
    let rows = Query::new("SELECT address FROM purse").rows(on).await?;
    Ok(rows.iter().map(|row| row.address("address")).collect::<Result<_, _>>()?)
}

#[cfg(test)]
mod tests {
    use bursar_test_stores::Stores;

    use super::*;
    use crate::Store;

    fn alert(payer: usize) -> (Address, KnownAlert) {
        let payer = Address::left_padding_from(&payer.to_be_bytes());
        let topic = payer.into_word();
        (payer, KnownAlert { topic, id: topic, row: Arc::new(Row::AlertTopic(topic)) })
    }

    #[tokio::test]
    async fn a_ledger_that_had_alerts_before_is_asked_for_them() -> anyhow::Result<()> {
        let stores = Stores::sqlite()?;
        let store = Store::connect(&stores.url("ledger").await?.parse()?).await?;
        let mut tx = store.db.begin().await?;
        assert!(Memory::default().take(None, &mut tx).await?.are_all);
        let of_before = Query::new("INSERT INTO alert_topic (topic, alert) VALUES ($1, $2)");
        of_before.bind(B256::repeat_byte(1)).bind(B256::repeat_byte(2)).execute(&mut tx).await?;
        assert!(!Memory::default().take(None, &mut tx).await?.are_all);
        Ok(())
    }

    #[test]
    fn too_many_alerts_are_forgotten_for_those_of_late() {
        let mut known = Known { are_all: true, ..Known::default() };
        known.alerts((0..MOST_ALERTS).map(alert).collect());
        assert_eq!((known.alerts.len(), known.are_all), (MOST_ALERTS, true));
        known.alerts(vec![alert(MOST_ALERTS)]);
        assert_eq!((known.alerts.len(), known.are_all), (1, false));
        known.alerts((0..MOST_ALERTS + 1).map(alert).collect());
        assert_eq!(known.alerts.len(), MOST_ALERTS);
    }
}
