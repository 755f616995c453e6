//! `bursar verify`: holds a report against its files, and against the chain.

use std::{path::PathBuf, process::ExitCode};

use anyhow::{Context as _, Result};
use bursar_report::verify::{self, Check, Outcome};
use clap::Args;
use url::Url;

use super::Context;

/// Which report.
#[derive(Debug, Args)]
pub(crate) struct VerifyArgs {
    /// The report's folder
    folder: PathBuf,
    /// A node to hold it against as well: any that you trust, best one that keeps the state of that block
    #[arg(long, value_name = "URL")]
    rpc: Option<Url>,
    /// What checkpoints of the transparency log are verified with (NAME+ID+KEY), as you know it from elsewhere: the report's has
    /// to be signed with it
    #[arg(long, value_name = "KEY")]
    log_verifier: Option<String>,
}

pub(crate) async fn run(context: &Context, args: VerifyArgs) -> Result<ExitCode> {
    let folder = &args.folder;
    let reading = || format!("reading the report in {}", folder.display());
    let (mut verification, report) = verify::offline(folder).with_context(reading)?;
    if let (Some(report), Some(verifier)) = (&report, args.log_verifier) {
        let signed = report.log.checkpoint.as_ref().map(|signed| signed.verifier.as_str());
        let held = signed == Some(verifier.as_str());
        verification.checks.push(Check {
            what: "the transparency log's checkpoint is signed with the key that you know".into(),
            outcome: if held { Outcome::Holds } else { Outcome::Broken },
            places: if held { vec![] } else { vec![format!("got {}", signed.unwrap_or("none"))] },
        });
    }
    if let (Some(report), Some(rpc)) = (&report, args.rpc) {
        verify::on_chain(folder, report, rpc, &mut verification).await.with_context(reading)?;
    }
    let mut lines = vec![format!("report.json SHA-256 {}", verification.digest)];
    for check in &verification.checks {
        let outcome = match check.outcome {
            Outcome::Holds => "ok         ",
            Outcome::Broken => "BROKEN     ",
            Outcome::NotChecked => "not checked",
        };
        lines.push(format!("{outcome}  {}", check.what));
        lines.extend(check.places.iter().map(|place| format!("               {place}")));
    }
    let holds = verification.holds();
    lines.push(if holds { "nothing is broken" } else { "this report is not what it says" }.to_owned());
    context.output.done(&serde_json::to_value(&verification)?, &lines)?;
    Ok(if holds { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
