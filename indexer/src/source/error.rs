//! Why a source did not answer, or what is wrong with its answer.

use std::time::Duration;

use alloy::primitives::{Address, B256};

/// A limit of the provider's, as far as it says which.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Limit {
    /// In its words.
    pub said: String,
    /// How many blocks would do.
    pub fits: Option<u64>,
    /// How many logs it gives at most.
    pub most: Option<u64>,
}

impl From<String> for Limit {
    fn from(said: String) -> Self {
        Self { said, ..Self::default() }
    }
}

/// An answer that cannot be true.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Nonsense {
    /// It does not parse, or ends in the middle.
    #[error("an answer that does not parse")]
    Unreadable,
    /// A log without what every log has.
    #[error("a log without {0}")]
    Lacks(&'static str),
    /// A log that a reorg has taken back.
    #[error("a log that was removed")]
    Removed,
    /// Something else than was asked for.
    #[error("a log of {address} in block {block} that was not asked for")]
    Unasked {
        /// Who emitted it.
        address: Address,
        /// Its block.
        block: u64,
    },
    /// Two different logs in one place.
    #[error("two different logs {index} of block {block}")]
    Contradicts {
        /// Their block.
        block: u64,
        /// Their index there.
        index: u64,
    },
    /// Another block than was asked for.
    #[error("expected block {expected}, got block {got}")]
    OtherBlock {
        /// The one asked for.
        expected: u64,
        /// The one that came.
        got: u64,
    },
    /// Logs or transactions of a block that is not the chain's: of another chain's, or of a branch.
    #[error("expected what block {number} ({expected}) holds, got what is of {got}")]
    OtherChain {
        /// The height.
        number: u64,
        /// The chain's block there.
        expected: B256,
        /// The answer's.
        got: B256,
    },
    /// Asked twice, it has more to say.
    #[error("an answer that leaves out logs of block {0}")]
    LeavesOut(u64),
    /// Blocks that do not follow each other, and yet both stand.
    #[error("what follows block {0} does not name it, and yet that one stands")]
    FalseParent(u64),
    /// A log that tells another time than its block, or than another log of it.
    #[error("expected logs of block {block} at {expected}, got one at {got} (unix seconds)")]
    OtherTime {
        /// Their block.
        block: u64,
        /// Its time, unix seconds.
        expected: u64,
        /// The log's, unix seconds.
        got: u64,
    },
    /// Endpoints differ.
    #[error("{0} different answers from as many endpoints")]
    Disagree(usize),
    /// Anything else.
    #[error("{0}")]
    Other(String),
}

impl Nonsense {
    /// As it is counted.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unreadable => "unreadable",
            Self::Lacks(_) => "lacks",
            Self::Removed => "removed",
            Self::Unasked { .. } => "unasked",
            Self::Contradicts { .. } => "contradicts",
            Self::OtherBlock { .. } => "other_block",
            Self::OtherChain { .. } => "other_chains_logs",
            Self::LeavesOut(_) => "leaves_out",
            Self::FalseParent(_) => "false_parent",
            Self::OtherTime { .. } => "other_time",
            Self::Disagree(_) => "disagree",
            Self::Other(_) => "nonsense",
        }
    }
}

/// Why a source did not answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SourceError {
    /// Asked too often.
    #[error("the provider limits our rate: {said}")]
    RateLimited {
        /// In its words.
        said: String,
        /// For how long it is not to be asked, where it says so.
        after: Option<Duration>,
    },
    /// Asked about too many blocks at once.
    #[error("the provider finds the range too wide: {}", .0.said)]
    RangeTooWide(Limit),
    /// The answer would be too large.
    #[error("the provider finds the answer too large: {}", .0.said)]
    TooManyResults(Limit),
    /// The same of what cannot be asked for in parts: a block, or what is of one.
    #[error("the provider finds too much what has no parts: {0}")]
    TooMuch(String),
    /// Asked several questions in one request.
    #[error("the provider takes one question at a time: {0}")]
    NoBatches(String),
    /// No answer in time.
    #[error("the provider did not answer in time: {0}")]
    Timeout(String),
    /// No connection, or a server's own trouble.
    #[error("the provider is not reachable: {0}")]
    Unavailable(String),
    /// It does not know what it should: it lags, or the block is gone.
    #[error("the provider does not have {0}")]
    NotFound(String),
    /// It has thrown away what is that old, and will not have it again.
    #[error("the provider keeps no history that old: {0}")]
    Pruned(String),
    /// It serves another chain.
    #[error("expected chain {expected}, the provider serves chain {got}")]
    OtherChain {
        /// The configured one.
        expected: u64,
        /// The provider's.
        got: u64,
    },
    /// An answer that cannot be true.
    #[error("the provider answers nonsense: {0}")]
    Nonsense(#[from] Nonsense),
    /// Fewer endpoints answer than have to agree.
    #[error("expected {wanted} endpoints to agree, {got} did")]
    NoQuorum {
        /// How many have to.
        wanted: usize,
        /// How many did.
        got: usize,
        /// For how long one that did not answer is not to be asked, where it says so.
        after: Option<Duration>,
    },
    /// Anything else that it says.
    #[error("the provider refuses: {0}")]
    Other(String),
}

impl SourceError {
    /// Whether asking the same again, a little later, may help.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::RateLimited { .. } | Self::Timeout(_) | Self::Unavailable(_))
    }

    /// For how long it says that it is not to be asked.
    pub fn asks_for_a_pause(&self) -> Option<Duration> {
        match self {
            Self::RateLimited { after, .. } | Self::NoQuorum { after, .. } => *after,
            _ => None,
        }
    }

    /// Whether the question may have been too much, though it does not say so.
    pub fn may_ask_for_less(&self) -> bool {
        matches!(
            self,
            Self::Timeout(_)
                | Self::Unavailable(_)
                // One that cuts long answers without a word says something else than the others.
                | Self::Nonsense(Nonsense::Unreadable | Nonsense::Disagree(_))
                | Self::NoQuorum { .. }
                // Asked one by one: it is not about the batch then.
                | Self::NoBatches(_)
                | Self::Other(_)
        )
    }

    /// What it says of its limits, where asking for less may help.
    pub fn asks_for_less(&self) -> Option<&Limit> {
        match self {
            Self::RangeTooWide(limit) | Self::TooManyResults(limit) => Some(limit),
            _ => None,
        }
    }

    /// The same of a question that has no parts: nobody who hears it asks for less.
    pub(super) fn of_a_whole(self) -> Self {
        match self {
            Self::RangeTooWide(limit) | Self::TooManyResults(limit) => Self::TooMuch(limit.said),
            error => error,
        }
    }

    /// Whether it says that the question was too much, in parts or not.
    pub fn is_too_much(&self) -> bool {
        matches!(self, Self::TooMuch(_)) || self.asks_for_less().is_some()
    }

    /// Whether the same may be had by another question: this one was too much, or may have been. Where nodes contradict each other
    /// that is no way on.
    pub fn may_answer_another_question(&self) -> bool {
        let is_contradicted = matches!(self, Self::Nonsense(Nonsense::Disagree(_)));
        self.is_too_much() || (self.may_ask_for_less() && !is_contradicted)
    }

    /// As it is counted.
    pub fn code(&self) -> &'static str {
        match self {
            Self::RateLimited { .. } => "rate_limited",
            Self::RangeTooWide(_) => "range_too_wide",
            Self::TooManyResults(_) => "too_many_results",
            Self::TooMuch(_) => "too_much",
            Self::NoBatches(_) => "no_batches",
            Self::Timeout(_) => "timeout",
            Self::Unavailable(_) => "unavailable",
            Self::NotFound(_) => "not_found",
            Self::Pruned(_) => "pruned",
            Self::OtherChain { .. } => "other_chain",
            Self::Nonsense(nonsense) => nonsense.code(),
            Self::NoQuorum { .. } => "no_quorum",
            Self::Other(_) => "refused",
        }
    }
}
