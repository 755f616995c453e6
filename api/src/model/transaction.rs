//! Transactions that somebody's own wallet sends: what is asked for, and what is prepared.

use bursar_sdk::policy::PolicyDocument;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::wire::{Addr, Hash, Hex, Units};

/// What somebody wants to do, and from which account they will.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TransactionRequest {
    /// The treasury.
    pub treasury: Addr,
    /// The account that will send it: an EOA, or a contract such as a Safe.
    pub from: Addr,
    /// What it is to do.
    pub action: Action,
}

/// What is to be done. Amounts in the asset's atomic units.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Action {
    /// Stops every payment and every opening of an envelope.
    FreezeEnvelope {
        /// Its number.
        envelope: u32,
    },
    /// Releases an envelope.
    UnfreezeEnvelope {
        /// Its number.
        envelope: u32,
    },
    /// Stops the payments of a purse's session, for good.
    FreezeSession {
        /// The purse.
        purse: Addr,
    },
    /// Stops a group's envelopes, and those of the groups below it.
    FreezeGroup {
        /// Its number.
        group: u32,
    },
    /// Releases a group.
    UnfreezeGroup {
        /// Its number.
        group: u32,
    },
    /// Stops everything.
    FreezeOrganisation,
    /// Releases the organisation.
    UnfreezeOrganisation,
    /// Clears an envelope's review.
    ClearReview {
        /// Its number.
        envelope: u32,
        /// Why, 1 to 1,000 characters; its keccak-256 goes on the chain.
        reason: String,
    },
    /// Adds to an envelope's escrow from the sender's own tokens.
    TopUp {
        /// Its number.
        envelope: u32,
        /// How much.
        amount: Units,
    },
    /// Takes money out of an envelope's escrow.
    Withdraw {
        /// Its number.
        envelope: u32,
        /// Who gets it.
        to: Addr,
        /// How much.
        amount: Units,
    },
    /// Puts a policy in force; announces it first where it loosens something and the organisation has a delay.
    SetPolicy {
        /// The envelope's number.
        envelope: u32,
        /// The policy document.
        #[schema(value_type = Object)]
        policy: Box<PolicyDocument>,
    },
    /// Takes an announcement back.
    CancelAnnouncement {
        /// Its id: keccak-256 of the announced call data.
        id: Hash,
    },
}

/// A transaction, ready to be signed by who sends it; or several, in this order. Nothing was signed or sent.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PreparedTransaction {
    /// EIP-155 chain id.
    pub chain_id: u64,
    /// The treasury.
    pub treasury: Addr,
    /// The account that sends it.
    pub from: Addr,
    /// What it does, in words.
    #[schema(example = "Stops every payment and every opening of envelope 1, at once.")]
    pub what: String,
    /// Any one of these roles lets an account send it; anyone may where there is none.
    pub needs: Vec<String>,
    /// How long what it announces waits, in seconds; null where it announces nothing.
    pub delay: Option<u64>,
    /// The ledger's figures that it changes.
    pub changes: Vec<Change>,
    /// What else to know before it is signed.
    pub warnings: Vec<String>,
    /// What is sent, in this order; each after the one before stands.
    pub calls: Vec<Call>,
    /// What the node says would come of it now.
    pub simulation: Simulation,
    /// Leads on, in `/v1/events`, to what comes of it.
    pub cursor: u64,
    /// The same as the Safe's Transaction Builder imports it.
    #[schema(value_type = Object)]
    pub safe: Value,
}

/// A figure before and after.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Change {
    /// What it is.
    #[schema(example = "Escrow")]
    pub what: String,
    /// As the ledger has it.
    #[schema(example = "40.00 USDC")]
    pub before: String,
    /// As it will be.
    #[schema(example = "50.00 USDC")]
    pub after: String,
}

/// One call, as a wallet takes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Call {
    /// The contract.
    pub to: Addr,
    /// Native money that goes along: always 0.
    #[schema(example = "0")]
    pub value: &'static str,
    /// Call data.
    pub data: Hex,
    /// What is called.
    #[schema(example = "freezeEnvelope(uint24)")]
    pub function: &'static str,
    /// What that does, in a few words.
    pub what: String,
}

/// What a node says would come of it, at its latest block.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Simulation {
    /// Whether it would pass.
    pub outcome: Outcome,
    /// In words.
    pub detail: String,
}

/// Whether a transaction would pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = SimulationOutcome)]
pub enum Outcome {
    /// It would, now.
    Passes,
    /// It would not.
    Reverts,
    /// No node could be asked.
    Unknown,
}
