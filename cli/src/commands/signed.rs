//! What a person signs: here, with a key, or elsewhere, with a wallet or a Safe.

use alloy::primitives::{Address, Bytes};
use anyhow::Result;
use clap::Args;
use serde_json::{Value, json};

use super::Context;

/// Where it is signed, where not with a key here.
#[derive(Debug, Args)]
pub(crate) struct SignedElsewhere {
    /// Print what a wallet or a Safe has to sign, and hand in nothing
    #[arg(long, conflicts_with_all = ["signature"])]
    pub(crate) typed_data: bool,
    /// Who has signed elsewhere; with a key, its own address
    #[arg(long, value_name = "ADDRESS", requires = "signature")]
    by: Option<Address>,
    /// What they signed elsewhere
    #[arg(long, value_name = "HEX", requires = "by")]
    signature: Option<Bytes>,
    /// They are a contract, a Safe for instance (EIP-1271)
    #[arg(long, requires = "signature")]
    contract: bool,
}

/// Who signed, what came of it, and the kind of account.
#[derive(Debug)]
pub(crate) struct Signed {
    pub(crate) by: Address,
    pub(crate) signature: Bytes,
    pub(crate) kind: &'static str,
}

impl Signed {
    /// By a key, here.
    pub(crate) fn here(by: Address, signature: Bytes) -> Self {
        Self { by, signature, kind: "eoa" }
    }

    /// The body of the POST that hands it in as an approval.
    pub(crate) fn approval(&self) -> Value {
        json!({ "approver": self.by, "signature": self.signature, "kind": self.kind })
    }

    /// The body of the POST that hands it in as a rejection.
    pub(crate) fn rejection(&self, reason: &str) -> Value {
        json!({ "by": self.by, "reason": reason, "signature": self.signature, "kind": self.kind })
    }
}

impl SignedElsewhere {
    /// What was signed elsewhere; `None` where a key signs here.
    pub(crate) fn signed(self) -> Option<Signed> {
        let kind = if self.contract { "contract" } else { "eoa" };
        self.by.zip(self.signature).map(|(by, signature)| Signed { by, signature, kind })
    }
}

/// Prints what the API says is to be signed.
pub(crate) async fn print_typed_data(context: &Context, path: &str) -> Result<()> {
    let typed: Value = context.api_get(path).await?;
    let lines = [serde_json::to_string_pretty(&typed)?];
    context.output.done(&typed, &lines)
}
