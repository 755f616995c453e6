//! The books, as clients read them.

use alloy::primitives::Address;
use bursar_indexer::query::{envelopes, ledger, refusals};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    model::{
        envelope::{Balance, Totals, balance, totals},
        heard::HeardSpan,
        score::ScoreBrief,
    },
    page::Page,
    wire::{Addr, Sum, Units},
};

/// The books: one line per agent's envelope, and totals per token.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Ledger {
    /// The block that the books stand at; null before the first.
    pub as_of_block: Option<u64>,
    /// What was heard at the head beyond that, while the ledger is far behind it, and is in none of these sums; null where nothing
    /// was, or where one agent's books are asked for. It is read first: what the ledger takes over at that moment may be in it and in
    /// the sums, and is never in neither.
    pub heard: Option<HeardSpan>,
    /// How many logs were set aside and are in none of these sums: `/v1/set-aside` lists them. They are counted as far as 10,000;
    /// 10,001 says that there are more. Null where one agent's books are asked for: whose envelope they are about is not known.
    #[schema(maximum = 10_001)]
    pub set_aside: Option<u64>,
    /// Over every envelope asked for, whatever the page.
    pub totals: Vec<AssetTotal>,
    /// The lines.
    pub lines: Page<Line>,
}

/// One agent's envelope in the books. Amounts in the asset's atomic units.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Line {
    /// The agent.
    pub agent: Addr,
    /// The treasury.
    pub treasury: Addr,
    /// The envelope's number.
    pub envelope: u32,
    /// The token.
    pub asset: Addr,
    /// What went through: funded, drawn, paid and the rest.
    pub totals: Totals,
    /// What agents were refused.
    pub refused: Refused,
    /// What is left, and where.
    pub balance: Balance,
    /// The agent's score, with its reasons.
    pub score: Option<ScoreBrief>,
}

/// What agents were refused before they signed, as they reported it.
#[derive(Debug, Serialize, ToSchema)]
pub struct Refused {
    /// How many decisions.
    pub count: u64,
    /// Their amounts together.
    pub amount: Units,
}

/// What all envelopes in one token come to, in its atomic units.
#[derive(Debug, Serialize, ToSchema)]
pub struct AssetTotal {
    /// The token.
    pub asset: Addr,
    /// How many envelopes.
    pub envelopes: u64,
    /// Topped up.
    pub funded: Sum,
    /// Withdrawn.
    pub withdrawn: Sum,
    /// Drawn by sessions.
    pub drawn: Sum,
    /// Returned by sessions.
    pub returned: Sum,
    /// Paid to payees.
    pub paid: Sum,
    /// Sent straight to purses by strangers.
    pub donated: Sum,
    /// Left in treasuries and purses.
    pub left: Sum,
    /// How many payments.
    pub payments: u64,
}

impl Line {
    /// The line of an envelope.
    pub fn new(row: &envelopes::Envelope, refused: refusals::Refused, score: Option<ScoreBrief>) -> Self {
        Self {
            agent: row.agent.into(),
            treasury: row.treasury.into(),
            envelope: row.number,
            asset: row.asset.into(),
            totals: totals(row),
            refused: Refused { count: refused.count, amount: refused.amount.into() },
            balance: balance(row),
            score,
        }
    }
}

impl AssetTotal {
    /// The total of a token.
    pub fn new(asset: Address, total: &ledger::Total) -> Self {
        Self {
            asset: asset.into(),
            envelopes: total.envelopes,
            funded: total.funded.into(),
            withdrawn: total.withdrawn.into(),
            drawn: total.drawn.into(),
            returned: total.returned.into(),
            paid: total.paid.into(),
            donated: total.donated.into(),
            left: total.left().into(),
            payments: total.payments,
        }
    }
}
