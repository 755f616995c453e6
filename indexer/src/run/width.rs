//! How many blocks to ask for at once.

use std::collections::VecDeque;

use crate::source::SourceError;

/// So many failures in a row that name no reason are taken for a question that is too much.
const STRIKES: u32 = 2;
/// After so many answers in a row it asks for a quarter more logs again, up to what is wanted.
const CALM: u32 = 64;
/// For so many answers it is not widened to what has failed without a reason; for twice as many each time, up to the last.
const HELD: (u32, u32) = (32, 256);
/// The same for what was too wide by the provider's word.
const BARRED: (u32, u32) = (256, 4_096);

/// So many answers tell how dense the chain is where we are.
const LATELY: usize = 32;

/// The number of blocks in the next question: as many as the provider admits and as give about so many logs as are
/// wanted. Halves where it is too much, grows again where it is not.
#[derive(Debug, Clone)]
pub(super) struct Width {
    now: u64,
    /// Never more: as configured.
    most: u64,
    /// Nor more than this, where the provider found a range too wide as such. That is tried again: it may have been said by one
    /// endpoint of several, or on another day.
    bar: Bar,
    /// About so many logs per answer: as many as are wanted, and less where the provider said that it gives less. That comes
    /// back slowly: it may have been said by one endpoint of several, or of something else.
    logs: u64,
    wanted: u64,
    /// Whether an answer has shown how dense the chain is, or a refusal what the provider admits.
    shown: bool,
    /// Answers in a row.
    calm: u32,
    /// Failures in a row that may have been for being too much.
    strikes: u32,
    /// The widest that was answered of late.
    passed: u64,
    /// Never more for so many answers in a row: what was wider has failed, and what was not was answered.
    held: (u64, u32),
    /// The blocks of the last answers, and their logs.
    last: VecDeque<(u64, u64)>,
}

/// The widest range that a provider does not find too wide, as far as it is known.
#[derive(Debug, Clone)]
struct Bar {
    most: u64,
    /// Answers since it was lowered or raised, and how many it takes to raise it.
    answers: (u32, u32),
    /// Where it was before it was raised, until something wider is answered.
    raised_from: Option<u64>,
}

impl Bar {
    /// A range of that many blocks was too wide. How many to go on with, as far as that tells: where it was raised in vain, what
    /// was answered all the time.
    fn lower(&mut self, blocks: u64) -> u64 {
        let (first, last) = BARRED;
        let less = blocks.saturating_sub(1).max(1);
        match self.raised_from.take() {
            Some(before) if before < blocks => {
                (self.most, self.answers) = (before, (0, self.answers.1.saturating_mul(2).min(last)));
                before
            }
            _ => {
                (self.most, self.answers) = (self.most.min(less), (0, first));
                (blocks / 2).max(1)
            }
        }
    }

    /// There was an answer for that many blocks.
    fn answered(&mut self, blocks: u64, most: u64) {
        if self.raised_from.is_some_and(|before| before < blocks) {
            self.raised_from = None;
            self.answers = (0, BARRED.0);
        }
        self.answers.0 = self.answers.0.saturating_add(1);
        let (answers, needs) = self.answers;
        if self.most < most && self.raised_from.is_none() && answers >= needs {
            self.raised_from = Some(self.most);
            self.most = self.most.saturating_mul(2).min(most);
        }
    }
}

impl Width {
    /// At most `most` blocks and about `logs` logs. Begins low: how dense a chain is shows in the first answers.
    pub(super) fn new(most: u64, logs: u64) -> Self {
        let (most, logs) = (most.max(1), logs.max(1));
        let (shown, calm, strikes, passed, held) = (false, 0, 0, 0, (most, 0));
        let bar = Bar { most, answers: (0, BARRED.0), raised_from: None };
        let now = most.min(500);
        Self { now, most, bar, logs, wanted: logs, shown, calm, strikes, passed, held, last: VecDeque::new() }
    }

    pub(super) fn blocks(&self) -> u64 {
        self.now
    }

    /// How many such questions may be answered before one is looked at, where so many that hold as many logs as are wanted may:
    /// more of those that hold fewer, as all of late did, and four times as many at most.
    pub(super) fn ahead(&self, of_full: usize) -> usize {
        if !self.is_known() || self.last.len() < LATELY {
            return of_full;
        }
        let dense = |(blocks, logs): &(u64, u64)| {
            u128::from(self.now) * u128::from(*logs) / u128::from((*blocks).max(1))
        };
        let expected = self.last.iter().map(dense).max().unwrap_or_default();
        let times = u128::from(self.wanted) * (of_full as u128) / expected.max(1);
        usize::try_from(times).unwrap_or(usize::MAX).clamp(of_full, of_full.saturating_mul(4))
    }

    /// Whether it has come near where it is going: before, the next questions will be far wider than these.
    pub(super) fn is_known(&self) -> bool {
        self.shown || self.now >= self.most.div_ceil(2)
    }

    /// The provider did not answer for that many blocks.
    pub(super) fn refused(&mut self, blocks: u64, error: &SourceError) {
        let Some(limit) = error.asks_for_less() else { return };
        (self.shown, self.calm, self.strikes) = (true, 0, 0);
        let is_too_wide = matches!(error, SourceError::RangeTooWide(_));
        if is_too_wide && blocks > self.bar.most {
            // Questions that were under way at the same time tell the same again.
            return;
        }
        let less = blocks.saturating_sub(1).max(1);
        let half = if is_too_wide { self.bar.lower(blocks) } else { (blocks / 2).max(1) };
        if let Some(most) = limit.most {
            // With room, so that a denser stretch still passes.
            self.logs = self.logs.min(most.saturating_sub(most / 4).max(1));
        }
        // What it says it takes, if that is less. Where that was just what it refused, it may count the ends in another way; where
        // it was of the logs, what it says does not hold.
        let next = match limit.fits {
            Some(fits) if fits > 0 && fits < blocks => fits,
            Some(fits) if fits == blocks && is_too_wide => less,
            _ => half,
        };
        self.now = self.now.min(next).min(self.bar.most);
    }

    /// There was no answer for that many blocks, nor a word of limits. Some providers give neither where it is too much: after
    /// some failures in a row fewer are asked for. More again once those are answered, and where that fails too, later: but where
    /// as much was answered before, it was not for being too much.
    pub(super) fn failed(&mut self, blocks: u64, error: &SourceError) {
        if !error.may_ask_for_less() {
            return;
        }
        self.strikes = self.strikes.saturating_add(1);
        if self.strikes < STRIKES {
            return;
        }
        let half = (blocks / 2).max(1);
        if blocks > self.passed {
            let most = half.max(self.passed);
            if self.calm > 0 {
                let (first, last) = HELD;
                self.held = (most, self.held.1.saturating_mul(2).clamp(first, last));
            }
            self.held.0 = self.held.0.min(most);
        }
        (self.shown, self.calm) = (true, 0);
        self.now = self.now.min(half);
    }

    /// The provider answered for that many blocks with that many logs.
    pub(super) fn answered(&mut self, blocks: u64, logs: u64) {
        if std::mem::take(&mut self.strikes) >= STRIKES {
            // Not for ever: it may be another endpoint by now.
            self.passed /= 2;
        }
        self.passed = self.passed.max(blocks);
        self.last.truncate(LATELY - 1);
        self.last.push_front((blocks, logs));
        self.bar.answered(blocks, self.most);
        if blocks < self.now {
            return;
        }
        self.calm = self.calm.saturating_add(1);
        if self.calm.is_multiple_of(CALM) {
            self.logs = self.logs.saturating_add(self.logs.div_ceil(4)).min(self.wanted);
        }
        let (held, answers) = self.held;
        let most = if self.calm < answers { self.bar.most.min(held) } else { self.bar.most };
        let fitting = u128::from(blocks) * u128::from(self.logs) / u128::from(logs.max(1));
        let fitting = u64::try_from(fitting).unwrap_or(u64::MAX);
        // By half between what passed and what did not, so that a limit nobody named is found in a few steps.
        let between = self.now.saturating_add(most.saturating_sub(self.now).div_ceil(2));
        let grown = self.now.saturating_mul(2).min(between);
        self.shown |= fitting <= grown;
        self.now = fitting.clamp((self.now / 2).max(1), grown.max(1)).min(most);
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
        width.now = 5_000;
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
    fn more_answers_wait_where_they_are_small() {
        let mut width = Width::new(200, 10_000);
        let mut answered = |logs: u64, times: usize| {
            for _ in 0..times {
                width.answered(200, logs);
                width.now = 200;
            }
            width.ahead(4)
        };
        assert_eq!(answered(0, LATELY - 1), 4, "little is known yet");
        assert_eq!(answered(0, 1), 16);
        assert_eq!(answered(40_000, 1), 4);
        // One that was full is remembered however empty the next ones are.
        assert_eq!(answered(0, LATELY - 1), 4);
        assert_eq!(answered(0, 1), 16);
        for (logs, ahead) in [(10_000, 4), (5_001, 7), (2_500, 16)] {
            assert_eq!(answered(logs, LATELY), ahead, "{logs}");
        }
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
    fn a_number_of_logs_that_was_too_many_is_asked_for_again_in_the_end() {
        let mut width = Width::new(100_000, 10_000);
        // A number that was not of logs.
        width.refused(500, &too_many(Some(5)));
        let mut answers = 0;
        while width.logs < 10_000 {
            width.answered(width.blocks(), width.blocks() * 10);
            answers += 1;
        }
        assert!((1_000..4_000).contains(&answers), "{answers}");
        assert_eq!(width.logs, 10_000, "and no more than are wanted");
    }

    #[test]
    fn logs_that_do_not_fit_where_it_says_so_are_asked_for_in_halves() {
        let mut width = Width::new(5_000, 10_000);
        let says_the_same = Limit { fits: Some(400), most: Some(20_000), ..Limit::default() };
        width.refused(500, &SourceError::TooManyResults(says_the_same.clone()));
        assert_eq!(width.blocks(), 400);
        width.refused(400, &SourceError::TooManyResults(says_the_same));
        assert_eq!(width.blocks(), 200);
    }

    #[test]
    fn what_names_no_reason_is_asked_for_again_before_it_is_taken_for_too_much() {
        let mut width = Width::new(5_000, 10_000);
        let timeout = SourceError::Timeout("20 s".into());
        let rate = SourceError::RateLimited { said: "slowly".into(), after: None };
        width.failed(500, &timeout);
        assert_eq!(width.blocks(), 500);
        for error in [&rate, &SourceError::NotFound("block 9".into()), &SourceError::Pruned("block 9".into())]
        {
            (0..5).for_each(|_| width.failed(500, error));
            assert_eq!(width.blocks(), 500, "{error}: fewer blocks do not help");
        }
        width.answered(499, 0);
        width.failed(500, &timeout);
        assert_eq!(width.blocks(), 500, "not in a row");
        width.failed(500, &timeout);
        assert_eq!(width.blocks(), 250);
        (0..20).for_each(|_| width.failed(width.blocks(), &timeout));
        assert_eq!(width.blocks(), 1, "a block has no parts");
        for _ in 0..13 {
            width.answered(width.blocks(), 0);
        }
        assert!(width.blocks() > 2_500, "it has passed: {}", width.blocks());
    }

    #[test]
    fn an_outage_is_no_word_about_width() {
        let mut width = Width::new(5_000, 10_000);
        for outage in 0..6 {
            let mut answers = 0;
            while width.blocks() < 5_000 {
                width.answered(width.blocks(), 0);
                answers += 1;
            }
            assert!(answers <= 30, "{answers} answers before outage {outage}");
            width.answered(5_000, 0);
            (0..30).for_each(|_| width.failed(width.blocks(), &SourceError::Unavailable("gone".into())));
            assert_eq!(width.blocks(), 1, "nobody knows yet what it is");
        }
    }

    #[test]
    fn one_that_chokes_on_less_than_it_did_is_found_out_in_a_few_steps() {
        let mut width = Width::new(5_000, 10_000);
        let (mut failed, mut blocks) = (0, 0);
        (0..100).for_each(|_| width.answered(width.blocks(), 0));
        for _ in 0..1_000 {
            let asked = width.blocks();
            if asked > 20 {
                failed += 1;
                width.failed(asked, &SourceError::Timeout("20 s".into()));
            } else {
                blocks += asked;
                width.answered(asked, 0);
            }
        }
        assert!(failed <= 80, "{failed} questions were in vain");
        assert!(blocks >= 10_000, "{blocks} blocks with 1,000 questions");
    }

    /// How many of so many questions are refused by a provider that admits so many blocks.
    fn refused(width: &mut Width, limit: u64, questions: u32, named: bool) -> u32 {
        let mut refused = 0;
        for _ in 0..questions {
            let blocks = width.blocks();
            if blocks > limit {
                refused += 1;
                // Those that were under way at the same time, too.
                (0..4).for_each(|_| width.refused(blocks, &too_wide(named.then_some(limit))));
            } else {
                width.answered(blocks, 0);
            }
        }
        refused
    }

    #[test]
    fn a_range_that_was_too_wide_is_tried_again_now_and_then() {
        for named in [true, false] {
            let mut width = Width::new(10_000, 10_000);
            refused(&mut width, 500, 200, named);
            let found = width.blocks();
            assert!((499..=500).contains(&found), "{found}");
            // It is what it was: one question for each time that it is tried, less and less often.
            let again = refused(&mut width, 500, 20_000, named);
            assert!((4..=10).contains(&again), "{again} questions were refused");
            assert_eq!(width.blocks(), found, "it goes back to what it knows");
            // It admits more by now, or another one does.
            refused(&mut width, 10_000, 8_000, named);
            assert_eq!(width.blocks(), 10_000);
            assert_eq!(width.bar.most, 10_000, "and never more than it is to");
        }
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
        fn keeps_to_what_is_answered_where_more_gets_no_word(limit in 1u64..20_000, most in 1u64..20_000) {
            let mut width = Width::new(most, 10_000);
            let (mut failed, mut blocks) = (0, 0);
            for _ in 0..2_000 {
                let asked = width.blocks();
                prop_assert!((1..=most).contains(&asked));
                if asked > limit {
                    failed += 1;
                    width.failed(asked, &SourceError::Unavailable("HTTP status 503".into()));
                } else {
                    blocks += asked;
                    width.answered(asked, 0);
                }
            }
            prop_assert!(failed <= 80, "{failed} questions were in vain");
            prop_assert!(blocks / 2_000 >= limit.min(most) / 4, "{blocks} blocks with 2,000 questions");
        }

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
