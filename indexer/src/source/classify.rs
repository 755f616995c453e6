//! Telling a provider's errors apart by what it says: there is no standard beyond a few codes.

use super::{Limit, SourceError};

/// "limit exceeded" (EIP-1474): some providers mean the rate, others the size of the answer.
const LIMIT_EXCEEDED: i64 = -32005;

const TOO_MANY_RESULTS: &[&str] = &[
    "more than",
    "too many results",
    "too many logs",
    "response size",
    "result size",
    "response is too big",
    "results exceed",
    "query returned",
    "max results",
    "exceeds max results",
];
const RANGE_TOO_WIDE: &[&str] = &[
    "block range",
    "range is too",
    "range too",
    "ranges over",
    "range limit",
    "max range",
    "maximum range",
    "exceed maximum block",
    "blocks distance",
    "eth_getlogs is limited",
    "query exceeds",
    "up to a",
];
const RATE_LIMITED: &[&str] = &[
    "rate",
    "too many requests",
    "capacity",
    "throughput",
    "request limit",
    "daily request",
    "credits",
    "429",
];
const NOT_FOUND: &[&str] =
    &["not found", "unknown block", "header for hash", "blocknotfound", "block could not be found"];
const PRUNED: &[&str] =
    &["pruned", "missing trie node", "history is not available", "historical state", "4444s"];

/// What an error answer means. Result sizes come before rates: "query returned more than 10000 results" has
/// the code of a limited rate with some providers, and repeating it never helps.
pub fn classify(code: i64, message: &str) -> SourceError {
    let said = format!("{message} (code {code})").chars().take(300).collect::<String>();
    let lower = message.to_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| lower.contains(word));
    if says(TOO_MANY_RESULTS) {
        SourceError::TooManyResults(Limit { said, fits: bracket(&lower), most: smallest(&lower) })
    } else if says(RANGE_TOO_WIDE) {
        SourceError::RangeTooWide(Limit { said, fits: bracket(&lower).or(smallest(&lower)), most: None })
    } else if says(PRUNED) {
        SourceError::Pruned(said)
    } else if says(NOT_FOUND) {
        SourceError::NotFound(said)
    } else if code == LIMIT_EXCEEDED || code == 429 || says(RATE_LIMITED) {
        SourceError::RateLimited(said)
    } else if lower.contains("timeout") || lower.contains("timed out") {
        SourceError::Timeout(said)
    } else {
        SourceError::Other(said)
    }
}

/// How many blocks "[0x10, 0x1f]" has, which some say would do.
fn bracket(message: &str) -> Option<u64> {
    let (_, rest) = message.split_once('[')?;
    let (inside, _) = rest.split_once(']')?;
    let (from, to) = inside.split_once(',')?;
    let number = |text: &str| u64::from_str_radix(text.trim().strip_prefix("0x")?, 16).ok();
    number(to)?.checked_sub(number(from)?)?.checked_add(1)
}

/// The smallest number that a message names, "10,000" and "2k" among them: what is too much is larger than what is not.
fn smallest(message: &str) -> Option<u64> {
    let outside = message.split('[').next()?.replace(',', "");
    let words = outside.split(|letter: char| !letter.is_ascii_alphanumeric());
    let number = |word: &str| match word.strip_suffix('k') {
        Some(thousands) => thousands.parse::<u64>().ok()?.checked_mul(1_000),
        None => word.parse().ok(),
    };
    words.filter_map(number).filter(|number| *number > 0).min()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_providers_errors_apart() {
        let kind = |code, message| match classify(code, message) {
            SourceError::TooManyResults(_) => "results",
            SourceError::RangeTooWide(_) => "range",
            SourceError::RateLimited(_) => "rate",
            SourceError::NotFound(_) => "missing",
            SourceError::Pruned(_) => "pruned",
            SourceError::Timeout(_) => "timeout",
            _ => "other",
        };
        for (code, message, expected) in [
            (-32005, "query returned more than 10000 results", "results"),
            (
                -32602,
                "Log response size exceeded. You can make eth_getLogs requests with up to a 2K block range",
                "results",
            ),
            (-32600, "You can make eth_getLogs requests with up to a 500 block range", "range"),
            (-32614, "eth_getLogs is limited to a 10,000 range", "range"),
            (-32000, "exceed maximum block range: 5000", "range"),
            (-32005, "limit exceeded", "rate"),
            (429, "Your app has exceeded its compute units per second capacity", "rate"),
            (-32000, "header for hash not found", "missing"),
            (-32000, "request timed out", "timeout"),
            (4444, "pruned history unavailable", "pruned"),
            (-32000, "missing trie node 1a2b (path )", "pruned"),
            (-32601, "the method does not exist", "other"),
        ] {
            assert_eq!(kind(code, message), expected, "{message}");
        }
    }
    #[test]
    fn reads_what_would_do() {
        let limit = |message| classify(-32005, message).asks_for_less().map(|limit| (limit.fits, limit.most));
        for (message, fits, most) in [
            (
                "query returned more than 10000 results. Try with this block range [0x10, 0x1F].",
                Some(16),
                Some(10_000),
            ),
            ("query returned more than 20,000 results", None, Some(20_000)),
            ("eth_getLogs is limited to a 10,000 range", Some(10_000), None),
            ("You can make eth_getLogs requests with up to a 500 block range", Some(500), None),
            ("exceed maximum block range: 5000", Some(5_000), None),
            ("block range too wide: 9000 > 2k", Some(2_000), None),
            ("block range is too wide [0x20, 0x10]", None, None),
            ("block range is too wide [0x0, 0xffffffffffffffff]", None, None),
        ] {
            assert_eq!(limit(message), Some((fits, most)), "{message}");
        }
    }
}
