//! `bursar ledger erase`: an owner has a record erased.

use alloy::{
    primitives::{Address, B256, Bytes},
    signers::SignerSync as _,
};
use anyhow::{Context as _, Result, ensure};
use bursar_sdk::erasure::{ErasureCategory, erasure_digest};
use clap::Args;
use serde_json::{Value, json};

use super::Context;

/// Which record, why, and who says so.
#[derive(Debug, Args)]
pub(crate) struct EraseArgs {
    /// keccak-256 of the record: a decision, which goes with its outcomes, or an outcome
    hash: B256,
    /// Why: subject_request, retention_over, legal_order or mistake
    #[arg(long)]
    category: ErasureCategory,
    /// Print what an owner's wallet or Safe has to sign, and erase nothing
    #[arg(long, conflicts_with_all = ["signature"])]
    typed_data: bool,
    /// The owner who has signed elsewhere; with a key, its own address
    #[arg(long, value_name = "ADDRESS", requires = "signature")]
    by: Option<Address>,
    /// What the owner signed elsewhere
    #[arg(long, value_name = "HEX", requires = "by")]
    signature: Option<Bytes>,
    /// The owner is a contract, a Safe for instance (EIP-1271)
    #[arg(long, requires = "signature")]
    contract: bool,
}

pub(crate) async fn erase(context: &Context, args: EraseArgs) -> Result<()> {
    let EraseArgs { hash, category, typed_data, by, signature, contract } = args;
    if typed_data {
        let path = format!("v1/records/{hash}/erasure/typed-data?category={category}");
        let typed: Value = context.api_get(&path).await?;
        let lines = [serde_json::to_string_pretty(&typed)?];
        return context.output.done(&typed, &lines);
    }
    let (by, signature) = match by.zip(signature) {
        Some(signed) => signed,
        None => {
            let signer = context.keys.signer()?;
            // Signed is what this treasury's owner means to erase, not what the API says it is.
            let digest = erasure_digest(context.config.chain_id, context.config.treasury()?, hash, category);
            (signer.address(), signer.sign_hash_sync(&digest)?.as_bytes().into())
        }
    };
    let kind = if contract { "contract" } else { "eoa" };
    let body = json!({ "by": by, "category": category.code(), "signature": signature, "kind": kind });
    let stone = context.api_post(&format!("v1/records/{hash}/erasure"), &body).await?;
    let at = stone.get("erasedAt").and_then(Value::as_u64).context("the API's answer")?;
    ensure!(
        stone.get("hash").is_some_and(|gone| *gone == json!(hash)),
        "the API erased another record: {stone}"
    );
    let line =
        format!("{hash} is erased since {at} (unix seconds); its hash on chain means nothing without it");
    context.output.done(&stone, &[line])
}
