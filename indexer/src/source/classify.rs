//! Telling a provider's errors apart by what it says: there is no standard beyond a few codes.

use super::SourceError;

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
const NOT_FOUND: &[&str] = &[
    "not found",
    "unknown block",
    "header for hash",
    "blocknotfound",
    "block could not be found",
    "missing trie node",
    "pruned",
];

/// What an error answer means. Result sizes come before rates: "query returned more than 10000 results" has
/// the code of a limited rate with some providers, and repeating it never helps.
pub fn classify(code: i64, message: &str) -> SourceError {
    let said = format!("{message} (code {code})").chars().take(300).collect::<String>();
    let lower = message.to_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| lower.contains(word));
    if says(TOO_MANY_RESULTS) {
        SourceError::TooManyResults(said)
    } else if says(RANGE_TOO_WIDE) {
        SourceError::RangeTooWide(said)
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
            (-32601, "the method does not exist", "other"),
        ] {
            assert_eq!(kind(code, message), expected, "{message}");
        }
    }
}
