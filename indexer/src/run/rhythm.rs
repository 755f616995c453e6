//! How long to wait for a node's own word of the next block.

use std::time::{Duration, Instant};

/// How far apart the news of blocks are, as far as a node tells of them by itself.
#[derive(Debug, Default)]
pub(super) struct Rhythm {
    last: Option<Instant>,
    /// About the longest time between two of late: several nodes may tell of the same block.
    usual: Option<Duration>,
    /// Whether what it has told of is still to be seen: it may be ahead of who is asked.
    is_due: bool,
}

impl Rhythm {
    /// A node has told of a block.
    pub(super) fn told(&mut self, now: Instant) {
        self.is_due = true;
        if let Some(last) = self.last.replace(now) {
            let gap = now.saturating_duration_since(last);
            self.usual = Some(self.usual.map_or(gap, |usual| gap.max(usual - usual / 4)));
        }
    }

    /// A block was seen.
    pub(super) fn seen(&mut self) {
        self.is_due = false;
    }

    /// There was no news for as long as [`Self::pause`] says: it is not to be relied upon until there is again. What is told of
    /// and not seen is asked for at each poll meanwhile: others may have it later than the one that told.
    pub(super) fn missed(&mut self) {
        if !self.is_due {
            *self = Self::default();
        }
    }

    /// How long to wait until the node is asked whether there is a block: `poll`, or twice as long as news take where they come,
    /// and no longer than `most`.
    pub(super) fn pause(&self, poll: Duration, most: Duration) -> Duration {
        let usual = self.usual.filter(|_| !self.is_due);
        usual.map_or(poll, |usual| usual.saturating_mul(2).min(most).max(poll))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLL: Duration = Duration::from_millis(250);
    const MOST: Duration = Duration::from_secs(30);

    fn told(rhythm: &mut Rhythm, began: Instant, millis: &[u64]) {
        for at in millis {
            rhythm.told(began + Duration::from_millis(*at));
            rhythm.seen();
        }
    }

    #[test]
    fn without_news_it_asks_at_each_poll() {
        let mut rhythm = Rhythm::default();
        assert_eq!(rhythm.pause(POLL, MOST), POLL);
        told(&mut rhythm, Instant::now(), &[0]);
        assert_eq!(rhythm.pause(POLL, MOST), POLL, "one block says nothing of the next");
    }

    #[test]
    fn where_news_come_it_waits_for_them_and_no_longer_than_twice_as_long() {
        let (began, mut rhythm) = (Instant::now(), Rhythm::default());
        told(&mut rhythm, began, &[0, 2_000]);
        assert_eq!(rhythm.pause(POLL, MOST), Duration::from_secs(4));
        rhythm.missed();
        assert_eq!(rhythm.pause(POLL, MOST), POLL);
        told(&mut rhythm, began, &[10_000, 10_010]);
        assert_eq!(rhythm.pause(POLL, MOST), POLL, "never more often than at each poll");
        told(&mut rhythm, began, &[110_000]);
        assert_eq!(rhythm.pause(POLL, MOST), MOST);
        assert_eq!(rhythm.pause(MOST * 2, MOST), MOST * 2);
    }

    #[test]
    fn two_nodes_that_tell_of_the_same_blocks_are_one_rhythm() {
        let (began, mut rhythm) = (Instant::now(), Rhythm::default());
        for block in 0..20 {
            told(&mut rhythm, began, &[block * 2_000, block * 2_000 + 15]);
            assert!(block == 0 || rhythm.pause(POLL, MOST) > Duration::from_millis(2_500));
        }
    }

    #[test]
    fn what_was_told_of_is_asked_for_at_each_poll_until_it_is_there() {
        let (began, mut rhythm) = (Instant::now(), Rhythm::default());
        told(&mut rhythm, began, &[0, 2_000, 4_000]);
        rhythm.told(began + Duration::from_secs(6));
        for _ in 0..3 {
            assert_eq!(rhythm.pause(POLL, MOST), POLL);
            rhythm.missed();
        }
        rhythm.seen();
        assert_eq!(rhythm.pause(POLL, MOST), Duration::from_secs(4));
        rhythm.missed();
        assert_eq!(rhythm.pause(POLL, MOST), POLL);
    }

    #[test]
    fn a_clock_that_stands_still_is_no_reason_to_panic() {
        let (began, mut rhythm) = (Instant::now(), Rhythm::default());
        told(&mut rhythm, began, &[5, 5, 1]);
        assert_eq!(rhythm.pause(POLL, MOST), POLL);
    }
}
