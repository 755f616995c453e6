//! Which blocks a backfill asks for next.

use std::collections::VecDeque;

use crate::store::BlockRange;

/// Blocks that still have to be asked for, in order.
pub(super) struct Plan {
    next: u64,
    last: u64,
    /// Ranges that others have fetched or are at: taken as they are.
    kept: VecDeque<BlockRange>,
}

/// The next range of a plan.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// Nobody has asked for it.
    New(BlockRange),
    /// Somebody has fetched it, or is at it.
    Kept(BlockRange),
}

impl Plan {
    /// From `next` to `last`, around what is `kept`. Of ranges that overlap the one that ends first is taken, and none that is
    /// not within the plan.
    pub(super) fn new(next: u64, last: u64, mut kept: Vec<BlockRange>) -> Self {
        kept.sort_unstable_by_key(|range| (range.to, range.from));
        let mut free = Some(next);
        kept.retain(|range| {
            let fits =
                range.from <= range.to && range.to <= last && free.is_some_and(|free| free <= range.from);
            if fits {
                free = range.to.checked_add(1);
            }
            fits
        });
        Self { next, last, kept: kept.into() }
    }

    /// The first block that nobody was told to ask for yet.
    pub(super) fn at(&self) -> u64 {
        self.next
    }

    /// The next range, of at most so many blocks where it is new; `None` when all are asked for.
    pub(super) fn next(&mut self, blocks: u64) -> Option<Part> {
        let from = self.next;
        if let Some(kept) = self.kept.pop_front_if(|kept| kept.from <= from) {
            self.next = kept.to.saturating_add(1);
            return Some(Part::Kept(kept));
        }
        let before = self.kept.front().map_or(self.last, |kept| kept.from.saturating_sub(1).min(self.last));
        let to = from.saturating_add(blocks.max(1) - 1).min(before);
        self.next = to.saturating_add(1);
        (from <= self.last).then_some(Part::New(BlockRange { from, to }))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_plan_leaves_no_block_out_and_asks_for_none_twice() {
        let mut plan = Plan::new(5, 40, vec![BlockRange { from: 15, to: 15 }]);
        let mut asked = Vec::new();
        for blocks in [10, 1, 0, 7, 100] {
            asked.extend(plan.next(blocks));
        }
        let new = |from, to| Part::New(BlockRange { from, to });
        let kept = Part::Kept(BlockRange { from: 15, to: 15 });
        assert_eq!(asked, [new(5, 14), kept, new(16, 16), new(17, 23), new(24, 40)]);
        assert_eq!(plan.next(9), None);
    }

    proptest! {
        #[test]
        fn whatever_others_keep_each_block_is_asked_for_once(
            next in 0u64..60,
            last in 0u64..200,
            kept in prop::collection::vec((0u64..220, 0u64..220), 0..12),
            widths in prop::collection::vec(0u64..40, 300),
        ) {
            let kept: Vec<BlockRange> = kept.into_iter().map(|(from, to)| BlockRange { from, to }).collect();
            let mut plan = Plan::new(next, last, kept.clone());
            let mut free = next;
            for width in widths {
                prop_assert_eq!(plan.at(), free.max(next));
                let Some(part) = plan.next(width) else { break };
                let range = match part {
                    Part::New(range) => {
                        prop_assert!(range.to - range.from < width.max(1));
                        range
                    }
                    Part::Kept(range) => {
                        prop_assert!(kept.contains(&range));
                        range
                    }
                };
                prop_assert_eq!(range.from, free);
                prop_assert!(range.from <= range.to && range.to <= last);
                free = range.to + 1;
            }
            prop_assert_eq!(free, next.max(last + 1));
        }

        #[test]
        fn what_others_keep_is_taken_where_it_does_not_overlap(cuts in prop::collection::btree_set(1u64..200, 2..10)) {
            // Each second one of the pieces between some cuts.
            let cuts: Vec<u64> = cuts.into_iter().collect();
            let pieces = cuts.windows(2).step_by(2).map(|cut| BlockRange { from: cut[0], to: cut[1] - 1 });
            let kept: Vec<BlockRange> = pieces.collect();
            let mut plan = Plan::new(0, 200, kept.clone());
            let parts: Vec<Part> = std::iter::from_fn(|| plan.next(1_000)).collect();
            let taken: Vec<BlockRange> = parts
                .iter()
                .filter_map(|part| if let Part::Kept(range) = part { Some(*range) } else { None })
                .collect();
            prop_assert_eq!(taken, kept);
        }
    }
}
