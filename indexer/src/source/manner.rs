//! Whether a range is asked for in one request or in two: some providers take no batches, and not all of them say so.

use super::{Nonsense, SourceError};

/// For so many ranges a provider that says it takes no batches is asked one question at a time. Then it is tried again: what it
/// said may have been about something else.
const SAID: u32 = 1_000;
/// The same for one that does not say it; for twice as many each time, up to as many as above.
const SHOWN: u32 = 32;

/// How to ask for a range.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// In one request.
    Together,
    /// In one request for each question.
    Apart,
}

/// How a provider is asked.
#[derive(Debug, Default)]
pub(super) struct Manner {
    /// For how many ranges more it is asked one question at a time.
    apart: u32,
    /// For how many it was, the last time that it showed in what it did.
    shown: u32,
    /// Whether the last request for both got no answer, nor a word: the next range shows whether that was why.
    is_in_doubt: bool,
}

/// Whether it says something of the request, be it only that it does not like it: it is there, and may like another.
pub(super) fn may_be_of_the_batch(error: &SourceError) -> bool {
    matches!(error, SourceError::NoBatches(_) | SourceError::Other(_))
}

/// Whether it says nothing at all: it may be down.
fn is_silence(error: &SourceError) -> bool {
    let is_silent = matches!(error, SourceError::Timeout(_) | SourceError::Unavailable(_));
    is_silent || matches!(error, SourceError::Nonsense(Nonsense::Unreadable))
}

impl Manner {
    /// How to ask for the next range.
    pub(super) fn way(&mut self) -> Way {
        match self.apart.checked_sub(1) {
            Some(apart) => self.apart = apart,
            None if !self.is_in_doubt => return Way::Together,
            None => {}
        }
        Way::Apart
    }

    /// What came of both in one request, where that was no word about it.
    pub(super) fn asked_together<T>(&mut self, answer: &Result<T, SourceError>) {
        match answer {
            Ok(_) => *self = Self::default(),
            // Those that were under way at the same time say the same.
            Err(error) if self.apart == 0 => self.is_in_doubt |= is_silence(error),
            Err(_) => {}
        }
    }

    /// What came of one request for each, after such a word about both. Whether it is known now that it takes no batches.
    pub(super) fn asked_again<T>(&mut self, word: &SourceError, answer: &Result<T, SourceError>) -> bool {
        let is_known = self.apart == 0 && is_answer(answer);
        if is_known {
            self.shows(if matches!(word, SourceError::NoBatches(_)) { SAID } else { SHOWN });
        }
        is_known
    }

    /// What came of one request for each. Whether it is known now that it takes no batches.
    pub(super) fn asked_apart<T>(&mut self, answer: &Result<T, SourceError>) -> bool {
        let is_known = self.is_in_doubt && is_answer(answer);
        if is_known {
            self.shows(SHOWN);
        } else if answer.as_ref().err().is_some_and(|error| is_silence(error) || may_be_of_the_batch(error)) {
            // It was not that.
            self.is_in_doubt = false;
        }
        is_known
    }

    fn shows(&mut self, least: u32) {
        self.shown = self.shown.saturating_mul(2).clamp(least, SAID);
        (self.apart, self.is_in_doubt) = (self.shown, false);
    }
}

/// A limit that it names is an answer as well: it has understood.
fn is_answer<T>(answer: &Result<T, SourceError>) -> bool {
    answer.as_ref().err().is_none_or(|error| error.asks_for_less().is_some())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Limit;

    const FINE: Result<(), SourceError> = Ok(());

    fn silence() -> [Result<(), SourceError>; 3] {
        [
            Err(SourceError::Timeout("20 s".into())),
            Err(SourceError::Unavailable("HTTP status 501".into())),
            Err(Nonsense::Unreadable.into()),
        ]
    }

    /// How many ranges are asked for apart, until one is not.
    fn apart(manner: &mut Manner) -> u32 {
        let ways = std::iter::repeat_with(|| manner.way()).take(2_000);
        ways.take_while(|way| *way == Way::Apart).fold(0, |count, _| count + 1)
    }

    #[test]
    fn one_that_is_silent_only_to_both_is_asked_one_by_one_for_longer_each_time() {
        for silence in silence() {
            let mut manner = Manner::default();
            for expected in [32, 64, 128, 256, 512, 1_000, 1_000] {
                assert_eq!(manner.way(), Way::Together);
                manner.asked_together(&silence);
                assert_eq!(manner.way(), Way::Apart, "{silence:?}");
                assert!(manner.asked_apart(&FINE));
                assert!(!manner.asked_apart(&FINE), "it is known already");
                manner.asked_together(&silence);
                // The last one is asked together again.
                assert_eq!(apart(&mut manner), expected, "{silence:?}");
            }
            manner.asked_together(&FINE);
            manner.asked_together(&silence);
            let limit: Result<(), _> = Err(SourceError::TooManyResults(Limit::default()));
            assert!(manner.asked_apart(&limit), "that is a word");
            assert_eq!(apart(&mut manner), 32, "it had taken one since");
        }
    }

    #[test]
    fn one_that_is_down_is_no_reason_to_ask_one_by_one() {
        for silence in silence() {
            let mut manner = Manner::default();
            for _ in 0..5 {
                assert_eq!(manner.way(), Way::Together);
                manner.asked_together(&silence);
                assert_eq!(manner.way(), Way::Apart);
                assert!(!manner.asked_apart(&silence));
            }
            manner.asked_together(&silence);
            // That says nothing of it.
            let rate: Result<(), _> = Err(SourceError::RateLimited { said: String::new(), after: None });
            assert!(!manner.asked_apart(&rate));
            assert_eq!(manner.way(), Way::Apart);
            manner.asked_together(&FINE);
            assert_eq!(manner.way(), Way::Together);
        }
    }

    #[test]
    fn a_word_about_both_counts_once_one_of_them_is_answered() {
        let said = SourceError::NoBatches("one at a time".into());
        let refused = SourceError::Other("HTTP status 400".into());
        for (word, expected) in [(&said, 1_000), (&refused, 32)] {
            let mut manner = Manner::default();
            assert!(may_be_of_the_batch(word));
            assert!(!manner.asked_again(word, &Err::<(), _>(refused.clone())));
            assert_eq!(manner.way(), Way::Together, "it refuses anything");
            assert!(manner.asked_again(word, &FINE));
            assert!(!manner.asked_again(word, &FINE), "of several at once one tells it");
            assert_eq!(apart(&mut manner), expected);
        }
        assert!(!may_be_of_the_batch(&SourceError::Pruned("block 1".into())));
    }
}
