//! How providers fail.

use std::str::FromStr;

/// What goes wrong with one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// HTTP status 503.
    Unavailable,
    /// HTTP status 429.
    RateLimited,
    /// HTTP status 429, and not to be asked again for so many seconds.
    RateLimitedFor(u64),
    /// No answer for so many milliseconds.
    Slow(u64),
    /// The answer is said to be too large, whatever was asked.
    TooMuch,
    /// The body ends in the middle.
    CutShort,
    /// Logs stop at so many, and no error says so.
    Stops(usize),
    /// Every log after the first is left out, and no error says so.
    LeavesOut,
    /// Transfers are left out, and no error says so.
    LeavesOutTransfers,
    /// Logs bear hashes of another chain's blocks.
    OtherChain,
    /// A log says another amount than it does.
    Contradicts,
    /// A log comes with the answer that was not asked for.
    Strays,
    /// Blocks are told to be an hour later than they are, by themselves and by their logs.
    FalseTime,
    /// The same by their logs alone.
    FalseLogTime,
    /// Blocks name another one as the one before them.
    FalseParent,
    /// Transactions are told to be somebody else's.
    FalseSender,
    /// Call data names another decision than it does.
    FalseInput,
    /// The head is told to be so many blocks higher than it is, under a hash that is no block's.
    FalseHead(u64),
    /// The head is told to be final.
    FalseFinal,
    /// The node is so many blocks behind, and answers as far as it has come.
    Lags(u64),
    /// It says that it is on another chain.
    OtherChainId,
}

impl FromStr for Fault {
    type Err = String;

    /// A name, and a number behind a colon where there is one: `slow:200`.
    fn from_str(text: &str) -> Result<Self, String> {
        let (name, number) = text.split_once(':').unwrap_or((text, "1"));
        let number: u64 = number.parse().map_err(|_| format!("expected a number, got {number:?}"))?;
        Ok(match name {
            "unavailable" => Self::Unavailable,
            "rate-limited" => Self::RateLimited,
            "rate-limited-for" => Self::RateLimitedFor(number),
            "slow" => Self::Slow(number),
            "too-much" => Self::TooMuch,
            "cut-short" => Self::CutShort,
            "stops" => Self::Stops(usize::try_from(number).unwrap_or(usize::MAX)),
            "leaves-out" => Self::LeavesOut,
            "leaves-out-transfers" => Self::LeavesOutTransfers,
            "other-chain" => Self::OtherChain,
            "contradicts" => Self::Contradicts,
            "strays" => Self::Strays,
            "false-time" => Self::FalseTime,
            "false-log-time" => Self::FalseLogTime,
            "false-parent" => Self::FalseParent,
            "false-sender" => Self::FalseSender,
            "false-input" => Self::FalseInput,
            "false-head" => Self::FalseHead(number),
            "false-final" => Self::FalseFinal,
            "lags" => Self::Lags(number),
            "other-chain-id" => Self::OtherChainId,
            _ => return Err(format!("expected a fault, got {name:?}")),
        })
    }
}
