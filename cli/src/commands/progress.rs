//! How a ledger catches up: a line a second while it does, with how long it may take.

use std::{collections::VecDeque, time::Duration};

use bursar_indexer::{Phase, Status};
use tokio::{sync::watch, time::Instant};

/// What an estimate looks back on.
const WINDOW: Duration = Duration::from_secs(30);

/// Tells how the indexer is doing: at most once a second while it catches up, and then when what it is about changes.
pub(crate) async fn tell(mut status: watch::Receiver<Status>) {
    let (began, mut pace, mut phase) = (Instant::now(), Pace::default(), Phase::Starting);
    while status.changed().await.is_ok() {
        let now = status.borrow_and_update().clone();
        if let Some(indexed) = now.indexed {
            pace.add(began.elapsed(), indexed);
        }
        if now.phase == Phase::Backfilling || now.phase != phase {
            let blocks_per_s = pace.blocks_per_s();
            let left = now.lag().and_then(|lag| lag.checked_div(blocks_per_s?));
            tracing::info!(
                phase = now.phase.code(),
                head = now.head,
                indexed = now.indexed,
                lag = now.lag(),
                blocks_per_s,
                seconds_left = left,
                trouble = now.error,
                "following"
            );
            phase = now.phase;
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    }
}

/// Where the ledger stood lately.
#[derive(Debug, Default)]
struct Pace(VecDeque<(Duration, u64)>);

impl Pace {
    /// That it stands at `block`, `at` after the start.
    fn add(&mut self, at: Duration, block: u64) {
        self.0.push_back((at, block));
        while self.0.front().is_some_and(|(then, _)| at.saturating_sub(*then) > WINDOW) && self.0.len() > 2 {
            self.0.pop_front();
        }
    }

    /// How many blocks a second it has made, rounded down; `None` before anything can be said.
    fn blocks_per_s(&self) -> Option<u64> {
        let ((since, from), (until, to)) = (self.0.front()?, self.0.back()?);
        let millis = u64::try_from(until.saturating_sub(*since).as_millis()).ok()?;
        to.saturating_sub(*from).saturating_mul(1000).checked_div(millis)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pace_is_that_of_the_last_half_minute() {
        let mut pace = Pace::default();
        assert_eq!(pace.blocks_per_s(), None);
        pace.add(Duration::ZERO, 100);
        assert_eq!(pace.blocks_per_s(), None, "of one moment there is no pace");
        pace.add(Duration::from_millis(500), 600);
        assert_eq!(pace.blocks_per_s(), Some(1000));
        pace.add(Duration::from_secs(40), 600);
        assert_eq!(pace.blocks_per_s(), Some(0), "it stands still");
        pace.add(Duration::from_secs(60), 2_600);
        assert_eq!(pace.blocks_per_s(), Some(100), "20 seconds ago it began to move");
        // The chain turned: no pace backwards.
        pace.add(Duration::from_secs(61), 500);
        assert_eq!(pace.blocks_per_s(), Some(0));
    }
}
