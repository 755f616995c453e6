//! Events published to a stream of NATS JetStream: for fan-out, each once, in order.
//!
//! A contents page. [`Settings`] say where to and as whom, [`subject`] under which subjects; `link` is the connection, with the
//! stream found or made in the words of `jetstream`, [`Trouble`] what may be wrong with it. [`run`] sees to it that the stream gets everything, and
//! [`Metrics`] tell how far it is.

mod jetstream;
mod link;
mod metrics;
mod publish;
mod settings;
pub mod subject;
mod trouble;

use std::time::Duration;

pub use metrics::Metrics;
pub use publish::run;
pub use settings::{Credentials, Server, Settings, SettingsError};
pub use trouble::Trouble;

/// How events are published.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where to.
    pub settings: Settings,
    /// As whom.
    pub credentials: Credentials,
    /// Longest that the server may take for one answer.
    pub timeout: Duration,
    /// How often it is looked whether there is something to do.
    pub look: Duration,
    /// Pause after the first failure; it doubles with each, up to [`Self::longest_pause`].
    pub first_pause: Duration,
    /// Longest pause after a failure.
    pub longest_pause: Duration,
}

impl Config {
    /// To a server, as somebody: 10 seconds an answer, pauses from a second to a minute.
    ///
    /// # Errors
    /// When the settings do not hold together.
    pub fn new(settings: Settings, credentials: Credentials) -> Result<Self, SettingsError> {
        settings.check()?;
        Ok(Self {
            settings,
            credentials,
            timeout: Duration::from_secs(10),
            look: Duration::from_secs(1),
            first_pause: Duration::from_secs(1),
            longest_pause: Duration::from_secs(60),
        })
    }
}
