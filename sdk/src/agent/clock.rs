//! Whether this machine's clock is near enough to the chain's to sign what settles.

use super::Agent;
use crate::{authorize::BACKDATE, error::AgentError};

/// How far the clock may be behind the chain's, in seconds: what is signed is over that much too early.
const MOST_BEHIND: u64 = 60;

/// How far it may be ahead: what is signed holds from this much before, and some time passes until it settles.
const MOST_AHEAD: u64 = BACKDATE - 60;

impl Agent {
    /// Refuses a clock that is behind the chain's latest block, since no block is of a time to come; and one that is
    /// ahead of it, where that block was made `just_now`: an older one says nothing of that.
    ///
    /// # Errors
    /// [`AgentError::ClockOff`], or when the node fails.
    pub(super) async fn check_clock(&self, just_now: bool) -> Result<(), AgentError> {
        let chain = self.view().latest_timestamp().await?;
        let clock = self.clock().now();
        let behind = clock.saturating_add(MOST_BEHIND) < chain;
        let ahead = just_now && chain.saturating_add(MOST_AHEAD) < clock;
        if behind || ahead {
            return Err(AgentError::ClockOff { clock, chain });
        }
        Ok(())
    }
}
