//! `bursar ledger erase`: an owner has a record erased.

use alloy::{primitives::B256, signers::SignerSync as _};
use anyhow::{Context as _, Result, ensure};
use bursar_sdk::erasure::{ErasureCategory, erasure_digest};
use clap::Args;
use serde_json::{Value, json};

use super::{
    Context,
    signed::{Signed, SignedElsewhere, print_typed_data},
};

/// Which record, why, and who says so.
#[derive(Debug, Args)]
pub(crate) struct EraseArgs {
    /// keccak-256 of the record: a decision, which goes with its outcomes, or an outcome
    hash: B256,
    /// Why: subject_request, retention_over, legal_order or mistake
    #[arg(long)]
    category: ErasureCategory,
    #[command(flatten)]
    elsewhere: SignedElsewhere,
}

pub(crate) async fn erase(context: &Context, args: EraseArgs) -> Result<()> {
    let EraseArgs { hash, category, elsewhere } = args;
    if elsewhere.typed_data {
        let path = format!("v1/records/{hash}/erasure/typed-data?category={category}");
        return print_typed_data(context, &path).await;
    }
    let Signed { by, signature, kind } = match elsewhere.signed() {
        Some(signed) => signed,
        None => {
            let signer = context.keys.signer()?;
            // Signed is what this treasury's owner means to erase, not what the API says it is.
            let digest = erasure_digest(context.config.chain_id, context.config.treasury()?, hash, category);
            Signed::here(signer.address(), signer.sign_hash_sync(&digest)?.as_bytes().into())
        }
    };
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
