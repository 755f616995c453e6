//! How numbers, times and addresses read for people. Pure.

use alloy::primitives::{Address, B256, U256};
use bursar_indexer::query::COUNTED;
use bursar_sdk::readable::{decimal, grouped};
use jiff::Timestamp;

use crate::Config;

/// Keeps a shortened address on one line.
const WORD_JOINER: char = '\u{2060}';

/// An amount with its symbol, as `1,234.50 USDC`; in atomic units where the token is not known.
pub(crate) fn money(config: &Config, asset: Address, units: U256) -> String {
    match config.label(asset) {
        Some(label) => format!("{} {}", decimal(&units.to_string(), label.decimals), label.symbol),
        None => format!("{} units", grouped(&units.to_string())),
    }
}

/// An amount without its symbol, as `1234.50`, and the symbol; nothing where the token is not known.
pub(super) fn bare(config: &Config, asset: Address, units: U256) -> (String, String) {
    config.label(asset).map_or_else(Default::default, |label| {
        (decimal(&units.to_string(), label.decimals).replace(',', ""), label.symbol.clone())
    })
}

/// A number of rows that are counted as far as [`COUNTED`].
pub(super) fn counted(rows: u64) -> String {
    if rows > u64::from(COUNTED) { format!("more than {COUNTED}") } else { rows.to_string() }
}

/// Thousandths of `limit`, at most 1000.
pub(super) fn per_mille(used: U256, limit: U256) -> u64 {
    if limit.is_zero() {
        return 0;
    }
    let share = used.saturating_mul(U256::from(1000)) / limit;
    share.min(U256::from(1000)).saturating_to()
}

/// What somebody said, as text that stays in its place: at most `longest` characters, none of them invisible or turning
/// the direction of what follows. Escaping is the template's.
pub(crate) fn said(text: &str, longest: usize) -> String {
    let mut shown: String = text.chars().take(longest).map(visible).collect();
    if text.chars().nth(longest).is_some() {
        shown.truncate(shown.trim_end().len());
        shown.push('…');
    }
    shown
}

fn visible(c: char) -> char {
    match c {
        '\n' => c,
        '\t' => ' ',
        // Zero width, direction marks and overrides, invisible operators, and the tags that spell unseen text.
        '\u{ad}'
        | '\u{61c}'
        | '\u{180e}'
        | '\u{200b}'..='\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{feff}'
        | '\u{e0000}'..='\u{e007f}' => '\u{fffd}',
        c if c.is_control() => '\u{fffd}',
        c => c,
    }
}

/// The first and last digits of an address.
pub(crate) fn short(address: Address) -> String {
    let text = address.to_checksum(None);
    format!("{}…{WORD_JOINER}{}", &text[..6], &text[38..])
}

/// The first and last digits of a hash.
pub(super) fn short_hash(hash: B256) -> String {
    let text = format!("{hash:#x}");
    format!("{}…{WORD_JOINER}{}", &text[..8], &text[62..])
}

/// A point in time, for people and for machines.
#[derive(Debug, Clone)]
pub(crate) struct When {
    /// RFC 3339.
    pub(crate) machine: String,
    /// `2026-11-21 01:12:06`, UTC.
    pub(crate) full: String,
}

pub(crate) fn when(seconds: u64) -> When {
    let at = i64::try_from(seconds).ok().and_then(|seconds| Timestamp::from_second(seconds).ok());
    match at {
        Some(at) => When { machine: at.to_string(), full: at.strftime("%Y-%m-%d %H:%M:%S").to_string() },
        None => When { machine: String::new(), full: "unknown".into() },
    }
}

/// A span, in its largest unit that fits twice, or once exactly.
pub(crate) fn span(seconds: u64) -> String {
    const UNITS: [(u64, &str); 3] = [(86_400, "day"), (3_600, "hour"), (60, "minute")];
    let fits = |unit: &u64| seconds == *unit || seconds >= 2 * unit;
    let (size, name) = UNITS.into_iter().find(|(unit, _)| fits(unit)).unwrap_or((1, "second"));
    let count = seconds / size;
    if count == 1 { format!("1 {name}") } else { format!("{count} {name}s") }
}

/// What people call a window of that many seconds.
pub(crate) fn window(period: u32) -> String {
    match period {
        0 => "Lifetime".into(),
        3_600 => "Hour".into(),
        86_400 => "Day".into(),
        604_800 => "Week".into(),
        other => span(u64::from(other)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_never_leave_the_bar() {
        assert_eq!(per_mille(U256::from(1), U256::from(3)), 333);
        assert_eq!(per_mille(U256::from(9), U256::from(3)), 1000);
        assert_eq!(per_mille(U256::from(9), U256::ZERO), 0);
    }

    #[test]
    fn what_is_said_stays_in_its_place() {
        assert_eq!(said("pay\u{202e}knab\u{200b} me\r\0", 99), "pay\u{fffd}knab\u{fffd} me\u{fffd}\u{fffd}");
        assert_eq!(said("grüße\n日本語", 99), "grüße\n日本語");
        assert_eq!(
            (said("abc", 3).as_str(), said("abcd", 3).as_str(), said("ab d", 3).as_str()),
            ("abc", "abc…", "ab…")
        );
    }

    #[test]
    fn spans_and_windows_read_naturally() {
        assert_eq!(span(59), "59 seconds");
        assert_eq!(span(90), "90 seconds");
        assert_eq!(span(7_300), "2 hours");
        assert_eq!(window(86_400), "Day");
        assert_eq!(window(0), "Lifetime");
    }
}
