//! What records from outside the chain tell, as the ledger takes them in, and the payments that they are about.

use alloy::primitives::{Address, B256};
use bursar_sdk::{
    decision::{DecisionRecord, Verdict},
    delivery::SealedRecord,
    outcome::OutcomeRecord,
    record::sealed_by,
    score::{Gravity, Standing},
};

use crate::query::approvals::{Answer, Request};

/// What a record tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fact {
    /// Why a payment was made.
    Approved,
    /// That the agent was refused.
    Denied(Gravity),
    /// That what was paid for came.
    Delivered,
    /// That it did not.
    Failed,
    /// That a human said yes to what the agent asked for.
    Granted,
    /// That a human said no.
    Rejected,
}

/// What the ledger keeps of a record from outside the chain. It holds nothing of the record's words, so a record may go
/// and the ledger stays what it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Record {
    /// keccak-256 of the record; of an answer, the digest of the payment that was asked for.
    pub subject: B256,
    /// What it tells.
    pub fact: Fact,
    /// Of which treasury.
    pub treasury: Address,
    /// Of which envelope in it.
    pub envelope: u32,
    /// Of which payment, by purse and nonce, where it is about one.
    pub payment: Option<(Address, B256)>,
    /// When it was made, as its author says, in unix seconds.
    pub created_at: u64,
    /// Who signed it; `None` where nobody did, or for another chain.
    pub sealed_by: Option<Address>,
}

/// A payment that settled, as a score needs it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settlement {
    /// The treasury.
    pub treasury: Address,
    /// The envelope.
    pub envelope: u32,
    /// The agent, at that time.
    pub agent: Address,
    /// Who was paid.
    pub payee: Address,
    /// When, in unix seconds.
    pub at: u64,
    /// What it could earn.
    pub standing: Standing,
    /// Whether a human had to approve it.
    pub approved: bool,
}

impl Record {
    /// What a decision tells the ledger of `chain_id`; `None` where that is not known yet.
    pub fn of_decision(record: &DecisionRecord, sealed: &SealedRecord, chain_id: Option<u64>) -> Self {
        let fact = match record.verdict {
            Verdict::Approved => Fact::Approved,
            Verdict::Denied => Fact::Denied(Gravity::of(&record.reason_codes)),
        };
        let place = (record.chain_id, record.treasury);
        Self {
            subject: sealed.hash,
            fact,
            treasury: record.treasury,
            envelope: record.envelope,
            payment: record.purse().map(|(purse, _)| (purse, record.nonce_of(sealed.hash))),
            created_at: record.created_at,
            sealed_by: signer(sealed, place, chain_id),
        }
    }

    /// What an outcome tells: its first revision. What was told once is not told otherwise, so further ones tell the
    /// score nothing.
    pub fn of_outcome(record: &OutcomeRecord, sealed: &SealedRecord, chain_id: Option<u64>) -> Option<Self> {
        (record.revision == 1).then(|| Self {
            subject: sealed.hash,
            fact: if record.delivered { Fact::Delivered } else { Fact::Failed },
            treasury: record.treasury,
            envelope: record.envelope,
            payment: Some((record.purse, record.nonce)),
            created_at: record.created_at,
            sealed_by: signer(sealed, (record.chain_id, record.treasury), chain_id),
        })
    }
}

impl Record {
    /// What the first answer to a request tells of the envelope that would pay. Requests carry their agent's seal, answers
    /// their approver's signature: both were checked when they came.
    pub fn of_answer(request: &Request, envelope: u32, answer: &Answer, at: u64) -> Self {
        let (fact, by) = match answer {
            Answer::Approved { approver, .. } => (Fact::Granted, *approver),
            Answer::Rejected { by, .. } => (Fact::Rejected, *by),
        };
        Self {
            subject: request.digest,
            fact,
            treasury: request.treasury,
            envelope,
            payment: None,
            created_at: at,
            sealed_by: Some(by),
        }
    }
}

fn signer(sealed: &SealedRecord, (of, treasury): (u64, Address), chain_id: Option<u64>) -> Option<Address> {
    (chain_id == Some(of)).then(|| sealed_by(sealed.kind, of, treasury, sealed.hash, &sealed.seal)).flatten()
}

impl Fact {
    /// As the store spells it, with the gravity of a denial.
    pub fn code(self) -> (&'static str, Option<&'static str>) {
        match self {
            Self::Approved => ("approved", None),
            Self::Denied(Gravity::Circumstance) => ("denied", Some("circumstance")),
            Self::Denied(Gravity::Limit) => ("denied", Some("limit")),
            Self::Denied(Gravity::Tampering) => ("denied", Some("tampering")),
            Self::Delivered => ("delivered", None),
            Self::Failed => ("failed", None),
            Self::Granted => ("granted", None),
            Self::Rejected => ("rejected", None),
        }
    }

    /// The fact of that spelling; `None` where there is none.
    pub fn of(fact: &str, gravity: Option<&str>) -> Option<Self> {
        let denied = [Gravity::Circumstance, Gravity::Limit, Gravity::Tampering].map(Self::Denied);
        let all = [Self::Approved, Self::Delivered, Self::Failed, Self::Granted, Self::Rejected];
        denied.into_iter().chain(all).find(|known| known.code() == (fact, gravity))
    }
}

/// Standings as the store spells them.
pub mod standing {
    use bursar_sdk::score::Standing;

    /// As the store spells it.
    pub fn code(standing: Standing) -> &'static str {
        match standing {
            Standing::Known => "known",
            Standing::New => "new",
            Standing::Own => "own",
        }
    }

    /// The standing of that spelling; `None` where there is none.
    pub fn of(code: &str) -> Option<Standing> {
        [Standing::Known, Standing::New, Standing::Own].into_iter().find(|known| self::code(*known) == code)
    }
}
