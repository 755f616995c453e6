//! The calendar windows a stamp's subject keeps: the opening of `windowsHash`.

use alloy::primitives::{B256, keccak256};
use serde::{Deserialize, Serialize};

use super::wire::{Malformed, Reader, malformed, put_amount};
use crate::policy::{MAX_WINDOWS, WindowLimit};

const VERSION: u8 = 1;
/// The longest windows, in canonical bytes.
pub(crate) const MAX_LENGTH: usize = 2 + MAX_WINDOWS * 16;

/// At most `limit` within any one window of `period`, for up to four periods; none means no such limit.
///
/// Canonical bytes: version 1, a count of at most 4, then period (4 bytes, seconds) and limit (12 bytes, atomic
/// units) of each window, in ascending order of the period. Big-endian.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Windows(pub Vec<WindowLimit>);

impl Windows {
    /// The bytes that are hashed and travel.
    ///
    /// # Errors
    /// When there are more than four, or their periods are zero or not ascending.
    pub fn canonical(&self) -> Result<Vec<u8>, Malformed> {
        let Some(count) = u8::try_from(self.0.len()).ok().filter(|count| usize::from(*count) <= MAX_WINDOWS)
        else {
            return malformed("at most 4 windows");
        };
        let mut out = vec![VERSION, count];
        let mut last = 0;
        for window in &self.0 {
            if window.period <= last {
                return malformed("windows with periods above zero, ascending");
            }
            last = window.period;
            out.extend_from_slice(&window.period.to_be_bytes());
            put_amount(&mut out, window.limit);
        }
        Ok(out)
    }

    /// keccak-256 of the canonical bytes: a stamp's `windowsHash`.
    ///
    /// # Errors
    /// As [`Self::canonical`].
    pub fn hash(&self) -> Result<B256, Malformed> {
        Ok(keccak256(self.canonical()?))
    }

    /// Reads canonical bytes; no two byte strings read as the same windows.
    ///
    /// # Errors
    /// When they are not canonical.
    pub fn from_canonical(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(bytes);
        if reader.u8("windows")? != VERSION {
            return malformed("windows of version 1");
        }
        let count = usize::from(reader.u8("the number of windows")?);
        if count > MAX_WINDOWS {
            return malformed("at most 4 windows");
        }
        let mut windows = Vec::with_capacity(count);
        let mut last = 0;
        for _ in 0..count {
            let period = reader.u32("a window's period")?;
            if period <= last {
                return malformed("windows with periods above zero, ascending");
            }
            last = period;
            windows.push(WindowLimit { period, limit: reader.amount("a window's limit")? });
        }
        reader.end("nothing after the windows")?;
        Ok(Self(windows))
    }

    /// The first of `parent`'s windows that these do not keep: the same period, with a limit at most as high, has
    /// to be here. Further windows only narrow.
    pub fn wider_than(&self, parent: &Self) -> Option<WindowLimit> {
        let kept = |theirs: &WindowLimit| {
            self.0.iter().any(|ours| ours.period == theirs.period && ours.limit <= theirs.limit)
        };
        parent.0.iter().find(|theirs| !kept(theirs)).copied()
    }
}
