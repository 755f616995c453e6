//! A report against the chain itself, asked through any node, without our database.

mod anchors;
mod logs;
mod settled;
mod state;

use std::{path::Path, sync::Arc};

use alloy::{
    primitives::Address,
    providers::{Provider as _, ProviderBuilder},
};
use bursar_indexer::source::{RpcConfig, RpcSource, Source, Sources};
use url::Url;

pub use anchors::anchors;

use super::{
    Check, Verification,
    read::{Fields, Table},
};
use crate::{ReportError, annex::Annex, document::Report};

/// What the chain is asked about: the treasury, its tokens and purses, as its own events tell them.
#[derive(Debug, Default)]
struct World {
    factory: Address,
    created: u64,
    tokens: Vec<Address>,
    purses: Vec<(Address, u32)>,
}

/// Holds a report, whose files have been held against it ([`super::offline`]), against the chain.
///
/// # Errors
/// When a file cannot be read. What the node does not answer is a check that was not made.
pub async fn on_chain(
    folder: &Path,
    report: &Report,
    rpc: Url,
    verification: &mut Verification,
) -> Result<(), ReportError> {
    let source = Arc::new(RpcSource::new(rpc.clone(), RpcConfig::default()));
    // Asked as the indexer asks: again where that may help, and no answer believed that cannot be true.
    let sources = Sources::from(Arc::clone(&source));
    let provider = ProviderBuilder::new().connect_http(rpc).erased();
    let checks = &mut verification.checks;
    let same = same_chain(report, &source).await;
    let other_chain = same.outcome != super::Outcome::Holds;
    checks.push(same);
    if other_chain {
        return Ok(());
    }
    let world = match World::read(folder) {
        Ok(world) => world,
        Err(error) => {
            checks.push(Check::of("the treasury's tokens and purses can be read", vec![error.to_string()]));
            return Ok(());
        }
    };
    checks.push(logs::events(folder, report, &world, &sources).await?);
    checks.push(settled::payments(folder, report, &world, &sources).await?);
    checks.extend(state::at_height(folder, report, &world, &provider).await?);
    Ok(())
}

async fn same_chain(report: &Report, source: &RpcSource) -> Check {
    let what = "the node is on the chain of the report, and has its last block";
    let subject = &report.subject;
    match source.chain_id().await {
        Ok(id) if id == subject.chain_id => {}
        Ok(id) => return Check::of(what, vec![format!("expected chain {}, got {id}", subject.chain_id)]),
        Err(error) => return Check::not_checked(what, error.to_string()),
    }
    match source.header(subject.block_number).await {
        Ok(Some(header)) if header.hash == subject.block_hash && header.timestamp == subject.block_time => {
            Check::holds(what)
        }
        Ok(header) => {
            let got = header.map_or_else(
                || "none".to_owned(),
                |header| format!("{} of {}", header.hash, header.timestamp),
            );
            let (hash, time) = (subject.block_hash, subject.block_time);
            Check::of(
                what,
                vec![format!("block {}: expected {hash} of {time}, got {got}", subject.block_number)],
            )
        }
        Err(error) => Check::not_checked(what, error.to_string()),
    }
}

impl World {
    fn read(folder: &Path) -> Result<Self, ReportError> {
        let mut world = Self::default();
        let mut events = Table::open(folder, Annex::Events)?;
        while let Some(row) = events.next_row()? {
            match row.text("kind")? {
                "treasury_created" => {
                    (world.factory, world.created) = (row.get("address")?, row.get("block")?);
                }
                "asset_added" => world.tokens.push(argument(&row, "asset")?),
                "purse_created" => world.purses.push((argument(&row, "purse")?, row.get("envelope")?)),
                _ => {}
            }
        }
        Ok(world)
    }
}

fn argument(row: &Fields, name: &str) -> Result<Address, ReportError> {
    let text = row.text("args")?;
    let args: serde_json::Value =
        serde_json::from_str(text).map_err(|error| ReportError::Json(error.to_string()))?;
    let found = args.get(name).and_then(serde_json::Value::as_str).and_then(|text| text.parse().ok());
    found.ok_or_else(|| ReportError::row(Annex::Events, format!("expected {name} in {text}")))
}
