//! How a payment was held against the chain, link by link.

use serde::Serialize;
use utoipa::ToSchema;

use crate::wire::{Addr, Hash};

/// A payment, held against the chain by this service's own node: its word, where the page's check by a wallet is the
/// reader's.
#[derive(Debug, Serialize, ToSchema)]
pub struct Verification {
    /// The purse that paid.
    pub purse: Addr,
    /// The payment's commitment.
    pub nonce: Hash,
    /// Link by link.
    pub checks: Vec<Check>,
}

/// One link, and how it came out.
#[derive(Debug, Serialize, ToSchema)]
pub struct Check {
    /// Which.
    pub link: Link,
    /// The same in words.
    pub what: &'static str,
    /// How it came out.
    pub outcome: CheckOutcome,
    /// What should be; null where it was not held against anything.
    pub expected: Option<String>,
    /// What is.
    pub found: Option<String>,
    /// Where that is from.
    pub source: String,
    /// Why it was not checked.
    pub why: Option<String>,
}

/// How a check came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CheckOutcome {
    /// It is as it should be.
    Holds,
    /// It is not.
    Fails,
    /// Nobody could look; that is no yes.
    Unchecked,
}

/// What is checked of a payment, in the order of its story.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Link {
    /// The block.
    Block,
    /// The token's `Transfer`.
    Settlement,
    /// The token's `AuthorizationUsed`.
    Nonce,
    /// The treasury's `SessionOpened`.
    Session,
    /// The session key's signature.
    Signature,
    /// The identity stamp.
    Stamp,
    /// Who vouched for the agent, from a stamper of the treasury on.
    Issuers,
    /// The treasury's `PolicySet`, and the document.
    Policy,
    /// The decision record, which the nonce commits to.
    Record,
    /// What that record says.
    Words,
    /// Its seal.
    Seal,
    /// A human's signature.
    Approval,
    /// What the agent says came of it.
    Outcome,
    /// The transparency log.
    Log,
    /// Its signed root.
    Checkpoint,
    /// Its root on the chain.
    Anchor,
}

impl Link {
    fn words(self) -> &'static str {
        match self {
            Self::Block => "The block is the chain's",
            Self::Settlement => "The token moved this amount from the purse to the payee",
            Self::Nonce => "The token used this nonce for it",
            Self::Session => "The treasury opened this session, with this key",
            Self::Signature => "The session's key signed the payment",
            Self::Stamp => "The identity stamp is the one shown to the treasury, and was not revoked",
            Self::Issuers => "A stamper vouched for the agent, link by link, for payments like this one",
            Self::Policy => "The policy's text is the one in force",
            Self::Record => "The nonce commits to the decision record",
            Self::Words => "The record tells of this payment",
            Self::Seal => "The agent sealed the record",
            Self::Approval => "A human approved it, where one had to",
            Self::Outcome => "The agent sealed what came of it",
            Self::Log => "The records are in the transparency log",
            Self::Checkpoint => "The log's keeper signed its root",
            Self::Anchor => "A root above them is on the chain",
        }
    }
}

/// What was held against what; or why nothing was.
pub(crate) type Compared = Result<Pair, String>;

/// What should be and what is.
#[derive(Debug)]
pub(crate) struct Pair {
    expected: String,
    found: String,
    holds: bool,
}

impl Pair {
    /// Two texts that have to be the same.
    pub(crate) fn same(expected: impl ToString, found: impl ToString) -> Self {
        let (expected, found) = (expected.to_string(), found.to_string());
        Self { holds: expected == found, expected, found }
    }

    pub(crate) fn holds(&self) -> bool {
        self.holds
    }

    /// What was found to hold, or not, in another way.
    pub(crate) fn of(holds: bool, expected: impl ToString, found: impl ToString) -> Self {
        Self { holds, expected: expected.to_string(), found: found.to_string() }
    }
}

impl Check {
    pub(crate) fn of(link: Link, source: impl Into<String>, compared: Compared) -> Self {
        let what = link.words();
        let source = source.into();
        match compared {
            Ok(Pair { expected, found, holds }) => Self {
                link,
                what,
                outcome: if holds { CheckOutcome::Holds } else { CheckOutcome::Fails },
                expected: Some(expected),
                found: Some(found),
                source,
                why: None,
            },
            Err(why) => Self {
                link,
                what,
                outcome: CheckOutcome::Unchecked,
                expected: None,
                found: None,
                source,
                why: Some(why),
            },
        }
    }
}
