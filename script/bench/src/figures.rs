//! Figures on paper.

use std::{path::Path, time::Duration};

use anyhow::{Context as _, Result};
use serde_json::Value;

/// Seconds with three digits, without arithmetic that rounds.
pub fn seconds(time: Duration) -> Value {
    thousandths(u64::try_from(time.as_millis()).unwrap_or(u64::MAX))
}

/// Milliseconds with three digits.
pub fn millis(time: Duration) -> Value {
    thousandths(u64::try_from(time.as_micros()).unwrap_or(u64::MAX))
}

fn thousandths(number: u64) -> Value {
    let text = format!("{}.{:03}", number / 1_000, number % 1_000);
    text.parse::<f64>().map_or(Value::Null, Value::from)
}

/// How many in a second.
pub fn per_second(count: u64, time: Duration) -> u64 {
    u64::try_from(u128::from(count) * 1_000_000_000 / time.as_nanos().max(1)).unwrap_or(u64::MAX)
}

/// Writes a document, and the folder it is in.
///
/// # Errors
/// When it cannot be written.
pub fn save(path: &Path, value: &Value) -> Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).with_context(|| format!("creating {}", folder.display()))?;
    }
    let text = serde_json::to_string_pretty(value)? + "\n";
    std::fs::write(path, text).with_context(|| format!("writing {}", path.display()))
}
