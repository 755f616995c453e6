//! How many blocks to ask for at once.

use crate::source::SourceError;

/// The number of blocks in the next question: as many as the provider admits and as give about so many logs as are
/// wanted. Halves where it is too much, grows again where it is not.
#[derive(Debug, Clone)]
pub(super) struct Width {
    now: u64,
    /// Never more: as configured, and less where the provider found a range too wide as such.
    most: u64,
    /// About so many logs per answer.
    logs: u64,
    /// Whether an answer has shown how dense the chain is, or a refusal what the provider admits.
    shown: bool,
}

impl Width {
    /// At most `most` blocks and about `logs` logs. Begins low: how dense a chain is shows in the first answers.
    pub(super) fn new(most: u64, logs: u64) -> Self {
        let most = most.max(1);
        Self { now: most.min(500), most, logs: logs.max(1), shown: false }
    }

    pub(super) fn blocks(&self) -> u64 {
        self.now
    }

    /// Whether it has come near where it is going: before, the next questions will be far wider than these.
    pub(super) fn is_known(&self) -> bool {
        self.shown || self.now >= self.most.div_ceil(2)
    }

    /// The provider did not answer for that many blocks.
    pub(super) fn refused(&mut self, blocks: u64, error: &SourceError) {
        let Some(limit) = error.asks_for_less() else { return };
        self.shown = true;
        let less = blocks.saturating_sub(1).max(1);
        if matches!(error, SourceError::RangeTooWide(_)) {
            self.most = self.most.min(less);
        }
        if let Some(most) = limit.most {
            // With room, so that a denser stretch still passes.
            self.logs = self.logs.min(most.saturating_sub(most / 4).max(1));
        }
        // What it says it takes, if that is less; one less where that was just what it refused.
        let next = match limit.fits {
            Some(fits) if fits > 0 && fits <= blocks => fits.min(less),
            _ => (blocks / 2).max(1),
        };
        // Questions that were under way at the same time tell the same again.
        self.now = self.now.min(next).min(self.most);
    }

    /// The provider answered for that many blocks with that many logs.
    pub(super) fn answered(&mut self, blocks: u64, logs: u64) {
        if blocks < self.now {
            return;
        }
        let fitting = u128::from(blocks) * u128::from(self.logs) / u128::from(logs.max(1));
        let fitting = u64::try_from(fitting).unwrap_or(u64::MAX);
        // By half between what passed and what did not, so that a limit nobody named is found in a few steps.
        let between = self.now.saturating_add(self.most.saturating_sub(self.now).div_ceil(2));
        let grown = self.now.saturating_mul(2).min(between);
        self.shown |= fitting <= grown;
        self.now = fitting.clamp((self.now / 2).max(1), grown.max(1)).min(self.most);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::source::Limit;

    fn too_wide(fits: Option<u64>) -> SourceError {
        SourceError::RangeTooWide(Limit { fits, ..Limit::default() })
    }

    fn too_many(most: Option<u64>) -> SourceError {
        SourceError::TooManyResults(Limit { most, ..Limit::default() })
    }

    #[test]
    fn takes_what_the_provider_says_and_one_less_where_that_was_refused() {
        let mut width = Width::new(5_000, 10_000);
        (width.now, width.most) = (5_000, 5_000);
        width.refused(5_000, &too_wide(Some(2_000)));
        assert_eq!(width.blocks(), 2_000);
        // Off by one: it counts the ends in another way.
        width.refused(2_000, &too_wide(Some(2_000)));
        assert_eq!(width.blocks(), 1_999);
        for _ in 0..20 {
            width.answered(width.blocks(), 0);
        }
        assert_eq!(width.blocks(), 1_999, "what was refused is not asked for again");
    }

    #[test]
    fn a_dense_stretch_is_no_limit_for_ever() {
        let mut width = Width::new(5_000, 10_000);
        width.refused(500, &too_many(None));
        assert_eq!(width.blocks(), 250);
        while width.blocks() < 5_000 {
            let before = width.blocks();
            width.answered(before, 10);
            assert!(width.blocks() > before);
        }
    }

    #[test]
    fn stays_below_the_number_of_logs_that_was_too_many() {
        let mut width = Width::new(100_000, 10_000);
        width.refused(500, &too_many(Some(1_000)));
        for _ in 0..50 {
            let blocks = width.blocks();
            // Ten logs in every block.
            width.answered(blocks, blocks * 10);
        }
        assert_eq!(width.blocks(), 75);
    }

    #[test]
    fn is_known_once_it_no_longer_doubles() {
        let mut dense = Width::new(5_000, 10_000);
        dense.answered(499, 1_000_000);
        assert!(!dense.is_known(), "one that is narrower than what is asked now tells nothing");
        dense.answered(500, 9_000);
        assert!(dense.is_known(), "about as many logs as are wanted");
        let mut refused = Width::new(5_000, 10_000);
        refused.refused(500, &SourceError::Other("gone".into()));
        assert!(!refused.is_known());
        refused.refused(500, &too_many(None));
        assert!(refused.is_known());
        let mut sparse = Width::new(5_000, 10_000);
        let mut known = Vec::new();
        for _ in 0..4 {
            known.push((sparse.blocks(), sparse.is_known()));
            sparse.answered(sparse.blocks(), 0);
        }
        assert_eq!(known, [(500, false), (1_000, false), (2_000, false), (3_500, true)]);
        assert!(Width::new(999, 1).is_known() && !Width::new(1_001, 1).is_known());
    }

    proptest! {
        #[test]
        fn finds_any_limit_in_a_few_questions(limit in 1u64..200_000, most in 1u64..200_000, named in any::<bool>()) {
            let mut width = Width::new(most, 10_000);
            let mut refused = 0;
            for _ in 0..200 {
                let blocks = width.blocks();
                prop_assert!((1..=most).contains(&blocks));
                if blocks > limit {
                    refused += 1;
                    width.refused(blocks, &too_wide(named.then_some(limit)));
                } else {
                    width.answered(blocks, 0);
                }
            }
            prop_assert!(refused <= 18, "{refused} questions were refused");
            let reached = limit.min(most);
            prop_assert!(width.blocks() == reached || width.blocks() + 1 == reached, "{}", width.blocks());
        }
    }
}
