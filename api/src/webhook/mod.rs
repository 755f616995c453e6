//! Webhooks: events signed and delivered, at least once, in order.
//!
//! A contents page. [`target`] says where may be delivered to, [`sign`] how (Standard Webhooks), [`send`] delivers one
//! message, and [`deliver`] sees to it that every webhook gets what it wished for.

pub mod deliver;
pub mod send;
pub mod sign;
pub mod target;

use std::time::Duration;

pub use deliver::run;

/// How webhooks are delivered, and how long events are kept.
#[derive(Debug, Clone)]
pub struct Config {
    /// Longest that an endpoint may take for one message.
    pub timeout: Duration,
    /// Most messages that are under way at a time.
    pub at_once: usize,
    /// How often it is looked for webhooks that are due again.
    pub look: Duration,
    /// Pause after the first failure; it doubles with each, up to [`Self::longest_pause`].
    pub first_pause: Duration,
    /// Longest pause after a failure.
    pub longest_pause: Duration,
    /// How long an endpoint may fail before it is told nothing more.
    pub give_up: Duration,
    /// How long events are kept; for ever where not told.
    pub keep: Option<Duration>,
}

impl Default for Config {
    /// 10 seconds a message, 16 at a time, pauses from 5 seconds to an hour, an end after 5 days; events are kept.
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(10),
            at_once: 16,
            look: Duration::from_secs(1),
            first_pause: Duration::from_secs(5),
            longest_pause: Duration::from_secs(3600),
            give_up: Duration::from_secs(5 * 86_400),
            keep: None,
        }
    }
}
