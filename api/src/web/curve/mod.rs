//! What an envelope spent over time, against what it was authorized to. Pure.

mod draw;
mod span;

use bursar_indexer::query::spending::Spent;
use bursar_sdk::amount::Amount;

pub(super) use self::{
    draw::{Size, draw},
    span::{Span, history, spans},
};

/// Most steps that are drawn: more than a picture has columns for.
const COLUMNS: u64 = 400;

/// What is known of the payments in a span.
#[derive(Debug, Clone, Copy)]
pub(super) struct Known<'a> {
    /// The newest of them, newest first.
    pub(super) newest: &'a [Spent],
    /// What was paid up to now: in the span, or ever where it counts from the beginning.
    pub(super) total: Amount,
    /// Whether these are all that there are from the span's start on.
    pub(super) all: bool,
}

/// A sum that only grows, beside its limit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Curve {
    pub(super) span: Span,
    /// Unix seconds.
    pub(super) now: u64,
    /// From when on it is known, in unix seconds, and what had been paid by then.
    pub(super) begins: (u64, Amount),
    /// What had been paid after each payment, oldest first, with its time in unix seconds.
    pub(super) steps: Vec<(u64, Amount)>,
}

impl Curve {
    /// Of a span, at `now` (unix seconds).
    pub(super) fn new(span: Span, now: u64, known: Known<'_>) -> Self {
        let inside: Vec<&Spent> = known.newest.iter().filter(|spent| spent.at >= span.from).collect();
        let read = inside.iter().fold(Amount::ZERO, |sum, spent| plus(sum, spent.amount));
        let before = known.total.saturating_sub(read);
        let from = match inside.last() {
            Some(oldest) if !known.all => oldest.at,
            _ => span.from,
        };
        let mut paid = before;
        let mut steps = Vec::with_capacity(inside.len());
        for spent in inside.iter().rev() {
            paid = plus(paid, spent.amount);
            steps.push((spent.at, paid));
        }
        Self { span, now, begins: (from, before), steps }
    }

    /// What has been paid by now.
    pub(super) fn paid(&self) -> Amount {
        self.steps.last().map_or(self.begins.1, |(_, paid)| *paid)
    }

    /// What had been paid at a time (unix seconds, inclusive); `None` before it is known, and after now.
    pub(super) fn paid_at(&self, at: u64) -> Option<Amount> {
        if at < self.begins.0 || at > self.now {
            return None;
        }
        let after = self.steps.partition_point(|(step, _)| *step <= at);
        let last = after.checked_sub(1).and_then(|last| self.steps.get(last));
        Some(last.map_or(self.begins.1, |(_, paid)| *paid))
    }

    /// The corners of the line to draw, from left to right: at most two for each column of the picture.
    fn corners(&self) -> Vec<(u64, Amount)> {
        let column = (self.span.until.saturating_sub(self.span.from) / COLUMNS).max(1);
        let mut corners = vec![self.begins];
        let mut paid = self.begins.1;
        let mut steps = self.steps.iter().peekable();
        while let Some((at, after)) = steps.next() {
            // Of a column, what it comes to.
            if steps.peek().is_some_and(|(next, _)| next / column == at / column) {
                continue;
            }
            corners.extend([(*at, paid), (*at, *after)]);
            paid = *after;
        }
        corners.push((self.now.clamp(self.begins.0, self.span.until), paid));
        corners
    }
}

/// Sums of one envelope fit 96 bits, since the token's supply has to.
fn plus(a: Amount, b: Amount) -> Amount {
    a.checked_add(b).unwrap_or(Amount::MAX)
}

#[cfg(test)]
mod tests {
    use alloy::primitives::B256;
    use bursar_indexer::query::Position;

    use super::*;

    fn spent(at: u64, units: u64) -> Spent {
        let position = Position { block: at, log: 0 };
        Spent { position, at, amount: Amount::new(units), tx_hash: B256::ZERO }
    }

    fn span() -> Span {
        Span {
            name: "Day".into(),
            from: 1_000,
            until: 2_000,
            limits: vec![(0, Amount::new(100))],
            even: true,
        }
    }

    fn amounts(of: &[(u64, u64)]) -> Vec<(u64, Amount)> {
        of.iter().map(|(at, units)| (*at, Amount::new(*units))).collect()
    }

    #[test]
    fn a_window_begins_at_nothing_and_counts_what_is_inside() {
        let newest = [spent(1_500, 7), spent(1_000, 5), spent(999, 40)];
        let curve = Curve::new(span(), 1_600, Known { newest: &newest, total: Amount::new(12), all: true });
        assert_eq!(curve.begins, (1_000, Amount::ZERO));
        assert_eq!(curve.steps, amounts(&[(1_000, 5), (1_500, 12)]));
        assert_eq!(curve.paid(), Amount::new(12));
        let seen = [999, 1_000, 1_499, 1_500, 1_600, 1_601].map(|at| curve.paid_at(at));
        let five = Some(Amount::new(5));
        assert_eq!(seen, [None, five, five, Some(Amount::new(12)), Some(Amount::new(12)), None]);
    }

    #[test]
    fn what_is_too_much_to_read_is_in_the_sum_and_the_line_begins_later() {
        let newest = [spent(1_500, 7), spent(1_400, 5)];
        let curve = Curve::new(span(), 1_600, Known { newest: &newest, total: Amount::new(90), all: false });
        assert_eq!(curve.begins, (1_400, Amount::new(78)));
        assert_eq!((curve.paid(), curve.paid_at(1_399)), (Amount::new(90), None));
    }

    #[test]
    fn nothing_paid_is_a_flat_line() {
        let curve = Curve::new(span(), 1_600, Known { newest: &[], total: Amount::ZERO, all: true });
        assert_eq!(curve.corners(), amounts(&[(1_000, 0), (1_600, 0)]));
    }

    #[test]
    fn the_line_is_a_staircase_with_no_more_corners_than_columns() {
        let newest: Vec<Spent> = (0..1_000).rev().map(|n| spent(1_000 + n, 1)).collect();
        let curve =
            Curve::new(span(), 2_500, Known { newest: &newest, total: Amount::new(1_000), all: true });
        let corners = curve.corners();
        assert!(corners.len() <= 2 * 501 + 2, "{}", corners.len());
        assert!(corners.windows(2).all(|pair| pair[0].0 <= pair[1].0 && pair[0].1 <= pair[1].1));
        assert!(corners[1..].chunks_exact(2).all(|stair| stair[0].0 == stair[1].0));
        assert_eq!(corners.last(), Some(&(2_000, Amount::new(1_000))));
    }
}
