//! What those know who follow the events, beside what the ledger has.

use std::collections::BTreeMap;

use anyhow::{Result, ensure};
use bursar_indexer::{
    Store,
    outbox::Kind,
    query::events::{self, Filter, Page, Told},
};

use crate::dump::rows;

/// Everything after a cursor, read page by page.
pub async fn follow(store: &Store, filter: &Filter, mut cursor: u64) -> Result<Vec<Told>> {
    let mut all = Vec::new();
    loop {
        let page = events::after(store.db(), filter, Some(cursor), 7).await?;
        let Page::Events { events, next } = page else { anyhow::bail!("the cursor leads nowhere: {page:?}") };
        if events.is_empty() && next == cursor {
            return Ok(all);
        }
        cursor = next;
        all.extend(events);
    }
}

pub async fn all(store: &Store) -> Result<Vec<Told>> {
    follow(store, &Filter::default(), 0).await
}

/// What a follower takes for true: events that nobody took back, by number.
pub fn standing(told: &[Told]) -> Result<BTreeMap<u64, &Told>> {
    let mut standing = BTreeMap::new();
    for (at, event) in told.iter().enumerate() {
        ensure!(event.seq == at as u64 + 1, "event {} stands at place {}", event.seq, at + 1);
        match event.event.retracts {
            Some(seq) => {
                ensure!(event.event.kind == Kind::Retracted);
                ensure!(standing.remove(&seq).is_some(), "{seq} was taken back without standing");
            }
            None => {
                standing.insert(event.seq, event);
            }
        }
    }
    Ok(standing)
}

/// The first block that is told of: what was final when the ledger began is in its lists alone. `None` where it has only begun.
///
/// # Errors
/// When the store cannot be read.
pub async fn first_told(store: &Store) -> Result<Option<u64>> {
    let from = rows(store, "SELECT value FROM meta WHERE key = 'events_from'").await?;
    from.first().map(|row| Ok(row.text("value")?.parse()?)).transpose()
}

/// What is told of, and where it stands.
const PLACES: &[(Kind, &str)] = &[
    (Kind::PaymentSeen, "SELECT block_number, log_index FROM payment ORDER BY 1, 2"),
    (
        Kind::PaymentSettled,
        "SELECT block_number, log_index FROM payment WHERE block_number <= (SELECT final_number FROM checkpoint) \
         ORDER BY 1, 2",
    ),
    (
        Kind::FreezeSet,
        "SELECT block_number, log_index FROM stop WHERE stopped AND level <> 'review' ORDER BY 1, 2",
    ),
    (
        Kind::FreezeReleased,
        "SELECT block_number, log_index FROM stop WHERE NOT stopped AND level <> 'review' ORDER BY 1, 2",
    ),
    (
        Kind::ReviewSet,
        "SELECT block_number, log_index FROM stop WHERE stopped AND level = 'review' ORDER BY 1, 2",
    ),
    (
        Kind::SessionOpened,
        "SELECT block_number, log_index FROM event WHERE kind = 'session_opened' ORDER BY 1, 2",
    ),
    (
        Kind::SessionClosed,
        "SELECT block_number, log_index FROM event WHERE kind = 'session_closed' ORDER BY 1, 2",
    ),
    (
        Kind::PolicyChanged,
        "SELECT block_number, log_index FROM event WHERE kind = 'policy_set' ORDER BY 1, 2",
    ),
    (
        Kind::EnvelopeToppedUp,
        "SELECT block_number, log_index FROM event WHERE kind = 'topped_up' ORDER BY 1, 2",
    ),
    (
        Kind::RoleGranted,
        "SELECT block_number, log_index FROM event WHERE kind = 'role_granted' ORDER BY 1, 2",
    ),
];

/// Who follows the events knows what the ledger has from block `first` on, place by place, and nothing else. How many events
/// there were.
///
/// # Errors
/// Where that differs.
pub async fn assert_followers_know(store: &Store, first: u64) -> Result<u64> {
    let told = all(store).await?;
    let standing = standing(&told)?;
    for (kind, sql) in PLACES {
        let mut ours: Vec<(u64, u64)> = standing
            .values()
            .filter(|told| told.event.kind == *kind)
            .filter_map(|told| told.event.origin)
            .filter_map(|origin| Some((origin.block, origin.log?.1)))
            .collect();
        ours.sort_unstable();
        let mut theirs: Vec<(u64, u64)> = Vec::new();
        for row in rows(store, sql).await? {
            theirs.push((row.number("block_number")?, row.number("log_index")?));
        }
        theirs.retain(|(block, _)| *block >= first);
        ensure!(ours == theirs, "{kind:?}: told of {ours:?}, the ledger has {theirs:?}");
    }
    Ok(told.len() as u64)
}
