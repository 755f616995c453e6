//! Rounds of one question: whoever failed is asked again after a pause, for as long as patience lasts.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};

use super::SourceError;

/// How often, and how long apart, endpoints are asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Patience {
    /// How often a transient error is asked again before it is reported. Default: 4.
    pub retries: usize,
    /// The first pause between two attempts; doubles, with jitter. Default: 100 ms.
    pub first_delay: Duration,
    /// The longest pause between two attempts. Default: 5 s.
    pub max_delay: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { retries: 4, first_delay: Duration::from_millis(100), max_delay: Duration::from_secs(5) }
    }
}

impl Patience {
    /// The pauses between the rounds of one question.
    pub(super) fn rounds(&self) -> Rounds {
        let pauses = ExponentialBuilder::default()
            .with_jitter()
            .with_min_delay(self.first_delay)
            .with_max_delay(self.max_delay)
            .with_max_times(self.retries)
            .build();
        Rounds { pauses, longest: self.max_delay }
    }
}

/// What is left of the rounds of one question.
pub(super) struct Rounds {
    pauses: ExponentialBackoff,
    longest: Duration,
}

impl Rounds {
    /// Waits until it is time for the next one. What the last one failed for, where there is no other.
    pub(super) async fn next(&mut self, failure: SourceError) -> Result<(), SourceError> {
        let Some(pause) = self.pauses.next().and_then(|pause| pause_after(&failure, pause, self.longest))
        else {
            return Err(failure);
        };
        tracing::debug!(error = %failure, ?pause, "asking again");
        tokio::time::sleep(pause).await;
        Ok(())
    }
}

/// How long to wait until the same is asked again, at least for such a pause; `None` where that does not help.
fn pause_after(failure: &SourceError, pause: Duration, longest: Duration) -> Option<Duration> {
    let asked = failure.asks_for_a_pause().unwrap_or_default();
    failure.is_transient().then(|| pause.max(asked.min(longest)))
}

/// What a round failed for.
#[derive(Debug, Default)]
pub(super) struct Failures(Option<SourceError>);

impl Failures {
    /// What may pass decides: it is worth another round. Of that, who asks for the longest pause is not asked before.
    pub(super) fn add(&mut self, error: SourceError) {
        let weight = |error: &SourceError| (error.is_transient(), error.asks_for_a_pause());
        let is_more = match &self.0 {
            Some(known) if known.is_transient() => weight(&error) > weight(known),
            _ => true,
        };
        if is_more {
            self.0 = Some(error);
        }
    }

    /// Why nobody has answered.
    pub(super) fn reason(self) -> SourceError {
        self.0.unwrap_or_else(|| SourceError::Unavailable("no endpoint is configured".into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHORT: Duration = Duration::from_millis(100);
    const LONG: Duration = Duration::from_secs(5);

    fn limited(seconds: u64) -> SourceError {
        SourceError::RateLimited { said: String::new(), after: Some(Duration::from_secs(seconds)) }
    }

    #[test]
    fn it_is_waited_for_as_long_as_is_asked_for_but_no_longer_than_the_longest() {
        let pause = |failure: &SourceError| pause_after(failure, SHORT, LONG);
        assert_eq!(pause(&SourceError::Timeout(String::new())), Some(SHORT));
        assert_eq!(pause(&limited(0)), Some(SHORT));
        assert_eq!(pause(&limited(3)), Some(Duration::from_secs(3)));
        assert_eq!(pause(&limited(60)), Some(LONG));
        let never = [
            SourceError::Pruned(String::new()),
            SourceError::TooMuch(String::new()),
            SourceError::NoQuorum { wanted: 2, got: 1, after: None },
        ];
        assert_eq!(never.each_ref().map(pause), [None; 3]);
    }

    #[test]
    fn what_may_pass_decides() {
        let mut failures = Failures::default();
        assert_eq!(failures.0, None);
        for error in [SourceError::Pruned("1".into()), limited(1), SourceError::Pruned("2".into())] {
            failures.add(error);
        }
        assert_eq!(failures.reason(), limited(1));
    }

    #[test]
    fn who_asks_for_the_longest_pause_gets_it() {
        let mut failures = Failures::default();
        for error in [SourceError::Timeout("20 s".into()), limited(1), limited(3), limited(2)] {
            failures.add(error);
        }
        assert_eq!(failures.reason(), limited(3));
    }
}
