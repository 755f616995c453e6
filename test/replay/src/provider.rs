//! How much a node admits at once, and how it says that it is too much.

use clap::Args;

/// The limits of a provider.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct Provider {
    /// Most blocks in one `eth_getLogs`, both ends counted; 0: any number.
    #[arg(long, default_value_t = 10_000)]
    pub max_range: u64,
    /// Most logs in one answer; 0: any number. A single block is always answered.
    #[arg(long, default_value_t = 20_000)]
    pub max_results: usize,
    /// The code of the error that says so; -32005 is what some say of a limited rate.
    #[arg(long, default_value_t = -32005, allow_negative_numbers = true)]
    pub results_code: i64,
    /// Whether that error names a range that would do.
    #[arg(long, default_value_t = true, action = clap::ArgAction::Set)]
    pub hints: bool,
    /// The HTTP status of errors that say so, of both kinds.
    #[arg(long, default_value_t = 200)]
    pub limits_status: u16,
    /// Whether one such error stands for a whole batch.
    #[arg(long)]
    pub limits_whole: bool,
    /// What it says in place of how many logs there are at most.
    #[arg(long)]
    pub results_said: Option<String>,
    /// Most blocks in one `eth_getLogs` for which there is an answer, or a word; 0: any number.
    #[arg(long, default_value_t = 0)]
    pub chokes_over: u64,
    /// The HTTP status of the page that comes in place of that; 0: nothing comes for a minute.
    #[arg(long, default_value_t = 0)]
    pub chokes_status: u16,
    /// Most questions in one batch; 0: any number.
    #[arg(long, default_value_t = 100)]
    pub max_batch: usize,
    /// The HTTP status of the page that comes in place of a longer one; 200: an error that says so; 0: nothing comes for a minute.
    #[arg(long, default_value_t = 200)]
    pub batch_status: u16,
    /// Blocks that it keeps, counted from the head; what is older is pruned. 0: all.
    #[arg(long, default_value_t = 0)]
    pub keeps: u64,
    /// How far it lags behind the chain, in blocks.
    #[arg(long, default_value_t = 0)]
    pub lags: u64,
    /// How deep a block is `finalized`; `safe` is half of that.
    #[arg(long, default_value_t = 64)]
    pub finality: u64,
    /// Whether logs tell the time of their block.
    #[arg(long, default_value_t = true, action = clap::ArgAction::Set)]
    pub timestamps: bool,
    /// Pause before each answer, in milliseconds.
    #[arg(long, default_value_t = 0)]
    pub latency: u64,
}

impl Default for Provider {
    fn default() -> Self {
        Self {
            max_range: 10_000,
            max_results: 20_000,
            results_code: -32005,
            hints: true,
            limits_status: 200,
            limits_whole: false,
            results_said: None,
            chokes_over: 0,
            chokes_status: 0,
            max_batch: 100,
            batch_status: 200,
            keeps: 0,
            lags: 0,
            finality: 64,
            timestamps: true,
            latency: 0,
        }
    }
}
