//! `bursar report`: what the ledger says at a height, as a folder to hand over.

use std::{collections::BTreeMap, path::PathBuf};

use anyhow::{Context as _, Result};
use bursar_report::{
    bundle,
    gather::{Height, Question},
    subject::{Applicability, AssetName},
    trial::Verdict,
};
use clap::Args;
use serde_json::json;

use super::{
    Context,
    serve::{open, usdc},
};
use crate::output::table;

/// What to report.
#[derive(Debug, Args)]
pub(crate) struct ReportArgs {
    /// The folder to write to; it must not be there yet
    #[arg(default_value = "report")]
    folder: PathBuf,
    /// Up to this block (inclusive), which has to be final; the last final one unless told
    #[arg(long)]
    height: Option<u64>,
    /// Up to the last block that the ledger holds, though a reorg may still take it back: the report says so
    #[arg(long, conflicts_with = "height")]
    head: bool,
    /// With the records received until then, in unix seconds (inclusive); 600 s after the last block unless told
    #[arg(long, value_name = "SECONDS")]
    records_until: Option<u64>,
    /// How frameworks apply to the organisation: JSON, `{"framework": {"applies": "mandatory", "because": "…"}}`;
    /// mandatory, voluntary or not_applicable, and voluntary where nothing is said
    #[arg(long, value_name = "FILE")]
    applicability: Option<PathBuf>,
}

pub(crate) async fn run(context: &Context, args: ReportArgs) -> Result<()> {
    let config = &context.config;
    let store = open(config).await?;
    let applicability: BTreeMap<String, Applicability> = match &args.applicability {
        None => BTreeMap::new(),
        Some(path) => {
            let text =
                std::fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
            serde_json::from_str(&text).with_context(|| format!("{} does not read", path.display()))?
        }
    };
    let named = config.asset.map(usdc).map(|label| AssetName {
        address: label.address,
        symbol: label.symbol,
        decimals: label.decimals,
    });
    let question = Question {
        chain_id: config.chain_id,
        treasury: config.treasury()?,
        height: match (args.height, args.head) {
            (Some(height), _) => Height::At(height),
            (None, true) => Height::Head,
            (None, false) => Height::Final,
        },
        records_until: args.records_until,
        assets: named.into_iter().collect(),
        applicability,
    };
    let keeper = context.log_keeper()?;
    let written = bundle::write(&store, question, keeper.as_ref(), &args.folder).await?;
    let report = &written.report;
    let rows: Vec<Vec<String>> = report
        .trials
        .iter()
        .filter(|trial| trial.verdict != Verdict::NotTested)
        .map(|trial| {
            let (looked, found) = (trial.population.to_string(), trial.exceptions.to_string());
            vec![trial.id.clone(), looked, found, trial.verdict.words().to_owned()]
        })
        .collect();
    let folder = written.folder.display();
    let mut lines = vec![
        format!("report of treasury {} up to block {}", report.subject.treasury, report.subject.height),
        format!("SHA-256 {}", written.digest),
        String::new(),
    ];
    lines.extend(table(&["rule", "looked at", "exceptions", "verdict"], &rows));
    lines.push(String::new());
    let (start, pack) = if written.renderings.contains(&"report.pdf") {
        ("report.html or report.pdf", "underwriting.pdf")
    } else {
        ("report.html", "underwriting.json")
    };
    lines.push(format!(
        "written to {folder}: start with {start}; the underwriter's pack is {pack}; verify all with `bursar verify {folder}`"
    ));
    let value = json!({
        "folder": written.folder,
        "id": report.id,
        "sha256": written.digest,
        "height": report.subject.height,
        "trials": report.trials,
    });
    context.output.done(&value, &lines)
}
