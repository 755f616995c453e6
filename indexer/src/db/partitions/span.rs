//! Which blocks a partition is for.

/// Consecutive blocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    /// The first of them.
    pub(super) from: u64,
    /// The one after the last of them.
    pub(super) to: u64,
}

/// The largest block that the schema has room for.
const MAX: u64 = i64::MAX.unsigned_abs();

impl Span {
    /// Every block.
    pub(super) const ALL: Self = Self { from: 0, to: u64::MAX };

    pub(super) fn has(&self, block: u64) -> bool {
        (self.from..self.to).contains(&block)
    }

    /// As PostgreSQL tells what a partition of numbers is for; `None` where it tells something else.
    pub(super) fn read(bound: &str) -> Option<Self> {
        let (from, to) = bound.strip_prefix("FOR VALUES FROM (")?.strip_suffix(')')?.split_once(") TO (")?;
        let number = |text: &str| text.trim_matches('\'').parse().ok();
        Some(Self {
            from: if from == "MINVALUE" { 0 } else { number(from)? },
            to: if to == "MAXVALUE" { u64::MAX } else { number(to)? },
        })
    }

    /// What a partition is for that holds this block beside those there are, which do not: the `width` blocks around it that begin
    /// at a multiple of `width`, less what others hold of them.
    fn around(block: u64, width: u64, there: &[Self]) -> Self {
        let from = block - block % width;
        let to = from.saturating_add(width).min(MAX);
        there.iter().fold(Self { from, to }, |span, other| {
            if other.to <= block {
                Self { from: span.from.max(other.to), ..span }
            } else {
                Self { to: span.to.min(other.from), ..span }
            }
        })
    }
}

/// What has to be added to the partitions there are, so that each of these blocks is in one. `width` of 0 counts as 1.
pub(super) fn missing(blocks: impl IntoIterator<Item = u64>, width: u64, there: &[Span]) -> Vec<Span> {
    let mut all = there.to_vec();
    for block in blocks {
        // What is beyond the largest is refused where it is written.
        if block < MAX && !all.iter().any(|span| span.has(block)) {
            all.push(Span::around(block, width.max(1), &all));
        }
    }
    all.split_off(there.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(from: u64, to: u64) -> Span {
        Span { from, to }
    }

    #[test]
    fn each_block_comes_into_one_partition_and_no_more_are_made() {
        assert_eq!(missing([0, 1, 2], 3, &[]), [span(0, 3)]);
        assert_eq!(missing([2, 3, 5, 6], 3, &[]), [span(0, 3), span(3, 6), span(6, 9)]);
        assert_eq!(missing([2, 3], 3, &[span(0, 3)]), [span(3, 6)]);
        assert_eq!(missing([0, 5], 3, &[span(0, 3), span(3, 6)]), []);
        assert_eq!(missing([7, 7], 0, &[]), [span(7, 8)], "no width is the smallest");
        let far = 30_000_000_000;
        assert_eq!(missing([far + 5], 10, &[]), [span(far, far + 10)], "nothing is made of what lies before");
    }

    #[test]
    fn a_width_that_was_another_before_leaves_what_there_is() {
        let there = [span(0, 7), span(12, 15)];
        assert_eq!(
            missing([6, 7, 11, 12, 14, 15, 19], 10, &there),
            [span(7, 10), span(10, 12), span(15, 20)]
        );
        // Between two that are there.
        assert_eq!(missing([8], 100, &there), [span(7, 12)]);
        assert_eq!(missing([99], 10, &[Span::ALL]), []);
    }

    #[test]
    fn the_largest_block_has_room_and_none_beyond() {
        let last = missing([MAX - 1], 10, &[]);
        assert_eq!(last.iter().map(|span| span.to).collect::<Vec<_>>(), [MAX]);
        assert!(missing([MAX, u64::MAX], 10, &[]).is_empty());
    }

    #[test]
    fn bounds_read_as_the_database_tells_them() {
        assert_eq!(Span::read("FOR VALUES FROM ('3') TO ('39000000000')"), Some(span(3, 39_000_000_000)));
        assert_eq!(Span::read("FOR VALUES FROM (MINVALUE) TO ('1500000')"), Some(span(0, 1_500_000)));
        assert_eq!(Span::read("FOR VALUES FROM (3) TO (MAXVALUE)"), Some(span(3, u64::MAX)));
        for other in ["DEFAULT", "FOR VALUES IN ('3')", "FOR VALUES FROM ('x') TO ('3')", ""] {
            assert_eq!(Span::read(other), None, "{other}");
        }
    }
}
