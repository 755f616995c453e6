//! How an endpoint has been doing, and whether others are asked first: by times that whoever asks brings.

use std::time::{Duration, Instant};

/// After its first failure; doubles with each one more.
const REST: Duration = Duration::from_secs(1);
/// Most doublings: a minute.
const MOST_STRIKES: u32 = 6;

#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Health {
    strikes: u32,
    rests_until: Option<Instant>,
    /// Until when it wants to be left alone, by its own word.
    asked_until: Option<Instant>,
    /// Until when good answers are no excuse: whoever says what is not true may say it of one thing only.
    suspect_until: Option<Instant>,
}

impl Health {
    /// When it may be asked again without a better choice; `None`: now.
    pub(super) fn rests_until(&self, now: Instant) -> Option<Instant> {
        self.rests_until.filter(|until| *until > now)
    }

    pub(super) fn did_well(&mut self, now: Instant) {
        if self.suspect_until.is_none_or(|until| until <= now) {
            // This answer may have been under way when it asked for that.
            let asked_until = self.asked_until.filter(|until| *until > now);
            *self = Self { rests_until: asked_until, asked_until, ..Self::default() };
        }
    }

    /// Others are asked first for a while; for longer each time, and for no less than it asks for, up to what is longest.
    pub(super) fn failed(&mut self, now: Instant, pause: Option<Duration>) {
        self.rests(now, pause);
    }

    /// What it said was not true: the same, and for as long again what it answers is no reason to forget it.
    pub(super) fn lied(&mut self, now: Instant) {
        let rest = self.rests(now, None);
        self.suspect_until = self.suspect_until.max(Some(now + rest * 2));
    }

    fn rests(&mut self, now: Instant, pause: Option<Duration>) -> Duration {
        let asked = pause.map(|pause| now + pause.min(REST * 2u32.pow(MOST_STRIKES)));
        let until = match self.rests_until(now) {
            // Questions that were under way at the same time failed for the same reason.
            Some(until) => until,
            None => {
                let rest = REST * 2u32.pow(self.strikes);
                self.strikes = (self.strikes + 1).min(MOST_STRIKES);
                now + rest
            }
        };
        self.asked_until = self.asked_until.max(asked);
        let until = Some(until).max(asked).unwrap_or(until);
        self.rests_until = Some(until);
        until - now
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn what_fails_at_the_same_time_is_one_failure() {
        let (mut health, began) = (Health::default(), Instant::now());
        (0..7).for_each(|_| health.failed(began, None));
        let later = began + ms(1_001);
        assert!(health.rests_until(later).is_none());
        (0..7).for_each(|_| health.failed(later, None));
        assert!(health.rests_until(later + ms(1_001)).is_some(), "the second time");
    }

    #[test]
    fn who_asks_to_be_left_alone_is_whatever_it_answers_meanwhile() {
        let (mut health, began) = (Health::default(), Instant::now());
        health.failed(began, None);
        health.failed(began, Some(ms(5_000)));
        health.did_well(began);
        assert!(health.rests_until(began + ms(4_999)).is_some());
        assert!(health.rests_until(began + ms(5_001)).is_none());
    }

    #[test]
    fn who_lies_rests_for_longer_each_time_whatever_else_it_answers() {
        let (mut health, mut now) = (Health::default(), Instant::now());
        for rest in [1, 2, 4, 8, 16, 32, 64, 64] {
            health.lied(now);
            // It is asked all the same, where nobody else is there.
            health.did_well(now);
            now += ms(rest * 1_000 - 1);
            assert!(health.rests_until(now).is_some(), "{rest} s");
            now += ms(2);
            assert!(health.rests_until(now).is_none(), "{rest} s");
            health.did_well(now);
        }
        // Once it was asked first for as long as it has rested, that is over.
        now += Duration::from_secs(64);
        health.did_well(now);
        health.failed(now, None);
        health.did_well(now);
        assert_eq!(health.rests_until(now), None, "what may pass has passed");
        health.lied(now);
        assert_eq!(health.rests_until(now).map(|until| until - now), Some(REST), "as the first time");
    }

    #[test]
    fn rests_for_as_long_as_it_asks_for_but_not_for_ever() {
        let (mut health, now) = (Health::default(), Instant::now());
        let mut rests = |pause: Option<u64>| {
            health.failed(now, pause.map(Duration::from_secs));
            health.rests_until(now).map(|until| (until - now).as_secs())
        };
        assert_eq!(rests(None), Some(1));
        assert_eq!(rests(Some(30)), Some(30));
        assert_eq!(rests(Some(1)), Some(30), "no less than it has asked for");
        assert_eq!(rests(Some(86_400)), Some(64));
    }
}
