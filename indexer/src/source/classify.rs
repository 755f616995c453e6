//! Telling a provider's errors apart by what it says: there is no standard beyond a few codes.

use super::{Limit, SourceError};

/// "limit exceeded" (EIP-1474): some providers mean the rate, others the size of the answer.
const LIMIT_EXCEEDED: i64 = -32005;
/// "backend response too large", of the proxy before OP Stack nodes.
const RESPONSE_TOO_LARGE: i64 = -32020;
/// "eth_getLogs is limited to a 10,000 range", of QuickNode and of Base's public node.
const RANGE_LIMITED: i64 = -32614;

/// Of a longer text, no more is looked at.
const LONGEST: usize = 2_000;

/// Said of rates alone. Looked for first: "more than 10 requests per second" names a number and a limit as well.
const RATE: &[&str] = &[
    "rate limit",
    "rate-limit",
    "ratelimit",
    "rate exceeded",
    "too many requests",
    "per second",
    "per minute",
    "requests/s",
];
/// Said of rates, and of plans that admit a larger answer, too: looked for where nothing else is said.
const RATE_OR_PLAN: &[&str] = &[
    "compute unit",
    "capacity",
    "throughput",
    "request limit",
    "request count",
    "daily request",
    "credits",
    "quota",
];
const TOO_MANY_RESULTS: &[&str] =
    &["too many results", "too many logs", "results exceed", "max results", "query returned", "logs matched"];
/// What is too large, where one of [`LARGE`] is said of it.
const ANSWER: &[&str] = &["response", "result"];
const LARGE: &[&str] = &["size", "too large", "too big", "larger than", "greater than"];
const RANGE_TOO_WIDE: &[&str] = &[
    "block range",
    "up to a",
    "too many blocks",
    "requested blocks",
    "blocks distance",
    "exceed maximum block",
    "eth_getlogs is limited",
    "query exceeds",
    "query must be smaller",
];
/// What a range, or a number of blocks, is told to be, where it is too wide.
const WIDE: &[&str] = &[
    "limit",
    "exceed",
    "max",
    "at most",
    "too ",
    "over ",
    "wide",
    "larger",
    "bigger",
    "greater",
    "reduc",
    "more than",
];
/// Not of its width: it ends where the node has not come yet.
const AHEAD: &[&str] = &[
    "beyond current head",
    "block is out of range",
    "in the future",
    "into the future",
    "invalid block range params",
];
const NOT_FOUND: &[&str] =
    &["not found", "unknown block", "header for hash", "blocknotfound", "block could not be found"];
const PRUNED: &[&str] =
    &["pruned", "missing trie node", "history is not available", "historical state", "4444s"];
const UNAVAILABLE: &[&str] = &["no backend", "backend is currently", "temporarily unavailable", "overloaded"];

/// What an error answer means. Only words that are said of rates alone come before result sizes and ranges: "query returned more
/// than 10000 results" has the code of a limited rate with some providers, and repeating that never helps.
pub fn classify(code: i64, message: &str) -> SourceError {
    let said = format!("{message} (code {code})").chars().take(300).collect::<String>();
    let lower = message.chars().take(LONGEST).collect::<String>().to_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| lower.contains(word));
    let outside = outside_of_brackets(&lower);
    let words = words(&outside);
    let numbers = numbers(&words);
    let counts = |unit: fn(&str) -> bool| numbers.iter().any(|number| unit(number.next));
    let too_many = |said| {
        SourceError::TooManyResults(Limit { said, fits: bracket(&lower), most: most_results(&numbers) })
    };
    let too_wide = |said| {
        let fits = bracket(&lower).or_else(|| most_blocks(&numbers));
        SourceError::RangeTooWide(Limit { said, fits, most: None })
    };
    if says(RATE) {
        SourceError::RateLimited { said, after: None }
    } else if says(TOO_MANY_RESULTS)
        || (says(ANSWER) && says(LARGE))
        || (says(&["more than"]) && counts(is_results))
    {
        too_many(said)
    } else if says(PRUNED) {
        SourceError::Pruned(said)
    } else if says(AHEAD) {
        SourceError::NotFound(said)
    } else if says(RANGE_TOO_WIDE) || ((says(&["range"]) || counts(is_blocks)) && says(WIDE)) {
        too_wide(said)
    } else if says(RATE_OR_PLAN) {
        SourceError::RateLimited { said, after: None }
    } else if says(&["batch"]) {
        SourceError::NoBatches(said)
    } else if says(NOT_FOUND) {
        SourceError::NotFound(said)
    } else if code == RESPONSE_TOO_LARGE {
        too_many(said)
    } else if code == RANGE_LIMITED {
        too_wide(said)
    } else if code == LIMIT_EXCEEDED || code == 429 || words.iter().any(|word| ["rate", "429"].contains(word))
    {
        SourceError::RateLimited { said, after: None }
    } else if says(UNAVAILABLE) {
        SourceError::Unavailable(said)
    } else if says(&["timeout", "timed out"]) {
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

/// What is said beside such a range, "10,000" without its comma.
fn outside_of_brackets(message: &str) -> String {
    let (before, rest) = message.split_once('[').unwrap_or((message, ""));
    let behind = rest.split_once(']').map_or("", |(_, behind)| behind);
    format!("{before} {behind}").replace(',', "")
}

fn words(text: &str) -> Vec<&str> {
    text.split(|letter: char| !letter.is_ascii_alphanumeric()).filter(|word| !word.is_empty()).collect()
}

/// A number among words.
struct Number<'a> {
    value: u64,
    before: &'a str,
    next: &'a str,
}

/// The numbers among words, "2k" among them.
fn numbers<'a>(words: &[&'a str]) -> Vec<Number<'a>> {
    let value = |word: &str| match word.strip_suffix('k') {
        Some(thousands) => thousands.parse::<u64>().ok()?.checked_mul(1_000),
        None => word.parse().ok(),
    };
    let mut before = "";
    let mut numbers = Vec::new();
    let nexts = words.iter().skip(1).copied().chain([""]);
    for (word, next) in words.iter().zip(nexts) {
        if let Some(value) = value(word).filter(|value| *value > 0) {
            numbers.push(Number { value, before, next });
        }
        before = word;
    }
    numbers
}

fn starts(word: &str, with: &[&str]) -> bool {
    with.iter().any(|start| word.starts_with(start))
}

fn is_results(word: &str) -> bool {
    starts(word, &["result", "log", "event", "entries"])
}

fn is_blocks(word: &str) -> bool {
    starts(word, &["block", "range"])
}

/// Bytes, time and requests: neither blocks nor logs.
fn is_other(word: &str) -> bool {
    let others =
        ["byte", "kb", "mb", "gb", "kib", "mib", "gib", "ms", "sec", "minute", "hour", "day", "request"];
    word == "s" || starts(word, &others)
}

/// How many logs it gives at most: the smallest number that is said of results, or else of nothing else. What is too much is
/// larger than what is not.
fn most_results(numbers: &[Number<'_>]) -> Option<u64> {
    let of_results = numbers.iter().filter(|number| is_results(number.next) || is_results(number.before));
    let of_nothing = numbers.iter().filter(|number| !is_blocks(number.next) && !is_other(number.next));
    let least = of_results.map(|number| number.value).min();
    least.or_else(|| of_nothing.map(|number| number.value).min())
}

/// How many blocks would do: the smallest number that may be one of blocks, and is not where they begin.
fn most_blocks(numbers: &[Number<'_>]) -> Option<u64> {
    let blocks = numbers
        .iter()
        .filter(|number| !is_results(number.next) && !is_other(number.next) && number.before != "from");
    blocks.map(|number| number.value).min()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_providers_errors_apart() {
        let kind = |code, message| match classify(code, message) {
            SourceError::TooManyResults(_) => "results",
            SourceError::RangeTooWide(_) => "range",
            SourceError::RateLimited { .. } => "rate",
            SourceError::NoBatches(_) => "batch",
            SourceError::NotFound(_) => "missing",
            SourceError::Pruned(_) => "pruned",
            SourceError::Timeout(_) => "timeout",
            SourceError::Unavailable(_) => "unavailable",
            _ => "other",
        };
        for (code, message, expected) in [
            (-32005, "query returned more than 10000 results", "results"),
            (
                -32602,
                "Log response size exceeded. You can make eth_getLogs requests with up to a 2K block range",
                "results",
            ),
            (-32602, "query exceeds max results 20000, retry with the range 25766988-25775072", "results"),
            (-32000, "query returns too many logs, narrow your filter: 20000", "results"),
            (-32000, "logs matched by query exceeds limit of 10000", "results"),
            (-32000, "more than 500 events match", "results"),
            (-32020, "backend response too large", "results"),
            (-32020, "", "results"),
            (-32008, "Response is too big", "results"),
            (-32003, "response too large", "results"),
            (-32600, "Response size is larger than 150MB limit", "results"),
            (-32000, "response size should not greater than 10000000 bytes", "results"),
            (-32600, "You can make eth_getLogs requests with up to a 500 block range", "range"),
            (-32614, "eth_getLogs is limited to a 10,000 range", "range"),
            (-32614, "upgrade your plan", "range"),
            (-32000, "exceed maximum block range: 5000", "range"),
            (-32602, "range 1000000 exceeds limit of 10000", "range"),
            (-32000, "range 9009594 is bigger than range limit 2000", "range"),
            (-32000, "query block range exceeds server limit, narrow your filter: 1000", "range"),
            (-32000, "exceeds the range allowed for your plan (5000 > 1000)", "range"),
            (-32000, "ranges over 10000 blocks are not supported on freetier", "range"),
            (-32000, "please limit the query to at most 1,000 blocks", "range"),
            (-32000, "more than 2000 blocks are not admitted", "range"),
            (-32000, "requested too many blocks from 100 to 5000, maximum is set to 2048", "range"),
            (
                -32047,
                "Invalid eth_getLogs request. 'fromBlock'-'toBlock' range too large. Max range: 800",
                "range",
            ),
            (-32000, "Query timeout exceeded. Consider reducing your block range.", "range"),
            (-32005, "query returned more than 10000 results. Upgrade for more capacity", "results"),
            (-32000, "block range too large: request limit is 1000 blocks", "range"),
            (-32000, "exceeds the block range quota of your plan: 1000", "range"),
            (-32000, "your quota is used up", "rate"),
            (-32005, "limit exceeded", "rate"),
            (-32005, "daily request count exceeded, request rate limited", "rate"),
            (-32000, "more than 10 requests per second", "rate"),
            (-32016, "over rate limit", "rate"),
            (429, "Your app has exceeded its compute units per second capacity", "rate"),
            (-32000, "the rate of your questions", "rate"),
            (-32600, "batch too large", "batch"),
            (-32014, "too many RPC calls in batch request", "batch"),
            (-32000, "Batch of more than 3 requests are not allowed on free tier", "batch"),
            (-32000, "header for hash not found", "missing"),
            (-32602, "block range extends beyond current head block", "missing"),
            (-32019, "block is out of range", "missing"),
            (-32000, "request timed out", "timeout"),
            (-32000, "query timeout exceeded", "timeout"),
            (-32011, "no backend is currently healthy to serve traffic", "unavailable"),
            (4444, "pruned history unavailable", "pruned"),
            (-32000, "missing trie node 1a2b (path )", "pruned"),
            (-32601, "the method does not exist", "other"),
            (-32603, "the operation failed", "other"),
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
            ("query exceeds max results 20000, retry with the range 250-300", None, Some(20_000)),
            ("logs matched by query exceeds limit of 10000", None, Some(10_000)),
            ("eth_getLogs is limited to a 10,000 range", Some(10_000), None),
            ("You can make eth_getLogs requests with up to a 500 block range", Some(500), None),
            ("exceed maximum block range: 5000", Some(5_000), None),
            ("range 1000000 exceeds limit of 10000", Some(10_000), None),
            ("maximum [from, to] blocks distance: 1000", Some(1_000), None),
            ("requested too many blocks from 100 to 5000, maximum is set to 2048", Some(2_048), None),
            ("block range too wide: 9000 > 2k", Some(2_000), None),
            ("block range is too wide [0x20, 0x10]", None, None),
            ("block range is too wide [0x0, 0xffffffffffffffff]", None, None),
            // Blocks, bytes and seconds are no number of logs.
            (
                "Log response size exceeded. You can make eth_getLogs requests with up to a 2K block range",
                None,
                None,
            ),
            (
                "Log response size exceeded. Up to a 2K block range, or any with a cap of 10K logs in the response. \
                 This block range should work: [0x0, 0xf]",
                Some(16),
                Some(10_000),
            ),
            ("response size should not greater than 10 mb", None, None),
            ("query returned more than 10000 results within 5 seconds", None, Some(10_000)),
        ] {
            assert_eq!(limit(message), Some((fits, most)), "{message}");
        }
    }
}
