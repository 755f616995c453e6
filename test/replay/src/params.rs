//! What a chain is a function of.

use clap::Args;

/// What a chain is a function of: the same parameters give the same bytes, everywhere and always.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct Params {
    /// Everything else is drawn from it.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// EIP-155 chain id.
    #[arg(long, default_value_t = 8453)]
    pub chain_id: u64,
    /// Blocks after the first.
    #[arg(long, default_value_t = 200_000)]
    pub blocks: u64,
    /// Settlements in those blocks, exactly. One in six blocks has none, some have very many.
    #[arg(long, default_value_t = 1_000_000)]
    pub settlements: u64,
    /// Percent of settlements that purses pay, once there are any.
    #[arg(long, default_value_t = 5)]
    pub governed_pct: u64,
    /// Percent of the other settlements that Permit2 moves, through an x402 proxy.
    #[arg(long, default_value_t = 0)]
    pub permit2_pct: u64,
    /// Transfers that settle nothing, per 100 settlements.
    #[arg(long, default_value_t = 5)]
    pub noise_pct: u64,
    /// Percent of settlements that share the transaction of the one before.
    #[arg(long, default_value_t = 20)]
    pub batch_pct: u64,
    /// Percent of transactions whose sender is no listed facilitator.
    #[arg(long, default_value_t = 10)]
    pub foreign_pct: u64,
    /// Accounts that pay outside any envelope.
    #[arg(long, default_value_t = 20_000)]
    pub payers: u64,
    /// Accounts that are paid.
    #[arg(long, default_value_t = 2_000)]
    pub payees: u64,
    /// Listed facilitators.
    #[arg(long, default_value_t = 40)]
    pub facilitators: u64,
    /// Treasuries, created one after another in the first half of the chain.
    #[arg(long, default_value_t = 10)]
    pub treasuries: u64,
    /// Envelopes of each treasury, with one purse and one open session each.
    #[arg(long, default_value_t = 10)]
    pub envelopes: u64,
    /// Percent of blocks that come sooner or later than the others, by up to some weeks. None where there are records.
    #[arg(long, default_value_t = 0, conflicts_with = "recorded")]
    pub jumps_pct: u64,
    /// Whether what purses pay commits to records of decisions ([`crate::Chain::stories`]); otherwise to hashes of
    /// nothing.
    #[arg(long)]
    pub recorded: bool,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            seed: 1,
            chain_id: 8453,
            blocks: 200_000,
            settlements: 1_000_000,
            governed_pct: 5,
            permit2_pct: 0,
            noise_pct: 5,
            batch_pct: 20,
            foreign_pct: 10,
            payers: 20_000,
            payees: 2_000,
            facilitators: 40,
            treasuries: 10,
            envelopes: 10,
            jumps_pct: 0,
            recorded: false,
        }
    }
}

impl Params {
    /// A chain for a test.
    pub fn small() -> Self {
        Self {
            blocks: 200,
            settlements: 500,
            governed_pct: 30,
            payers: 60,
            payees: 20,
            facilitators: 5,
            treasuries: 3,
            envelopes: 2,
            ..Self::default()
        }
    }

    /// The treasury that a block creates.
    pub(crate) fn created_in(&self, block: u64) -> Option<u64> {
        let treasury = block.checked_sub(1)? / self.spread();
        (treasury < self.treasuries && treasury * self.spread() + 1 == block).then_some(treasury)
    }

    /// How many treasuries there are before a block.
    pub(crate) fn created_before(&self, block: u64) -> u64 {
        block.saturating_sub(1).div_ceil(self.spread()).min(self.treasuries)
    }

    /// How many purses there are in the end.
    pub(crate) fn purses(&self) -> u64 {
        self.treasuries.saturating_mul(self.envelopes)
    }

    fn spread(&self) -> u64 {
        (self.blocks / (2 * self.treasuries.max(1))).max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn treasuries_are_counted_from_the_block_after_their_own() {
        let params = Params::small();
        let created: Vec<u64> = (0..=params.blocks).filter(|at| params.created_in(*at).is_some()).collect();
        assert_eq!(created, [1, 34, 67]);
        for (number, block) in (0..).zip(created) {
            assert_eq!(
                (params.created_before(block), params.created_before(block + 1)),
                (number, number + 1)
            );
        }
        assert_eq!(params.created_before(params.blocks), params.treasuries);
    }
}
