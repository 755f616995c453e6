//! `bursar watch`: who pays outside any envelope, and who settles for them.

use alloy::primitives::Address;
use anyhow::{Context as _, Result};
use bursar_indexer::{
    ledger::{Label, WatchKind},
    query::watched,
};
use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Value, json};

use super::{Context, serve::open};
use crate::output::table;

/// Rows read at a time.
const PAGE: u32 = 1_000;

/// Watch list verbs. They write to the store itself, so they go where the indexer's store is.
#[derive(Debug, Subcommand)]
pub(crate) enum WatchCommand {
    /// Put addresses on the list. With a payer, the configured asset is watched as well
    Add {
        #[command(flatten)]
        of: Addresses,
        /// What people call them
        #[arg(long)]
        label: Option<Label>,
    },
    /// Take addresses off the list; what they have settled stays in the ledger
    Remove {
        #[command(flatten)]
        of: Addresses,
    },
    /// Print the list
    List,
}

/// Addresses, and as what they are watched.
#[derive(Debug, Args)]
pub(crate) struct Addresses {
    /// As what
    #[arg(value_enum)]
    kind: Kind,
    /// Which
    #[arg(required = true, value_name = "ADDRESS")]
    addresses: Vec<Address>,
}

/// As what an address is watched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Kind {
    /// Pays outside any envelope: its settlements are kept
    Payer,
    /// A token that watched payers pay in
    Token,
    /// Settles for others: its label stands beside what it settles, and who is not listed settles as well
    Facilitator,
}

impl From<Kind> for WatchKind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Payer => Self::Payer,
            Kind::Token => Self::Token,
            Kind::Facilitator => Self::Facilitator,
        }
    }
}

pub(crate) async fn run(context: &Context, verb: WatchCommand) -> Result<()> {
    let store = open(&context.config).await?;
    let (value, lines) = match verb {
        WatchCommand::Add { of, label } => {
            if of.kind == Kind::Payer {
                let list = store.watch_list().await?;
                if list.tokens().len() == 0 {
                    let asset = context.config.asset().context("no token is watched yet")?;
                    store.put_watched(WatchKind::Token, &[asset], None).await?;
                }
            }
            let added = store.put_watched(of.kind.into(), &of.addresses, label.as_ref()).await?;
            let listed = of.addresses.len();
            let line =
                format!("{added} new, {listed} named; to see what came before, run `bursar index --again`");
            (json!({ "added": added, "named": listed }), vec![line])
        }
        WatchCommand::Remove { of } => {
            let removed = store.remove_watched(of.kind.into(), &of.addresses).await?;
            (json!({ "removed": removed }), vec![format!("{removed} removed")])
        }
        WatchCommand::List => list(&store).await?,
    };
    store.close().await;
    context.output.done(&value, &lines)
}

async fn list(store: &bursar_indexer::Store) -> Result<(Value, Vec<String>)> {
    let (mut values, mut rows, mut after) = (Vec::new(), Vec::new(), None);
    loop {
        let page = watched::list(store.db(), None, after, PAGE).await?;
        after = page.last().map(|last| (last.kind.clone(), last.address));
        for one in page {
            values.push(json!({
                "kind": one.kind, "address": one.address, "label": one.label, "fromBlock": one.from_block,
            }));
            let label = one.label.unwrap_or_else(|| "-".into());
            rows.push(vec![one.kind, one.address.to_string(), one.from_block.to_string(), label]);
        }
        if after.is_none() {
            return Ok((json!({ "items": values }), table(&["as", "address", "from block", "label"], &rows)));
        }
    }
}
