//! The binary at work.

use std::{
    collections::BTreeMap,
    fs::File,
    path::{Path, PathBuf},
    process::Stdio,
};

use anyhow::{Context as _, Result, ensure};
use bursar_bench::{Measured, Took};
use bursar_replay::treasury;
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use tokio::process::Command;

/// Where it works.
#[derive(Debug)]
pub(crate) struct Runs<'a> {
    pub(crate) bursar: &'a Path,
    pub(crate) store: &'a str,
    pub(crate) work: &'a Path,
}

/// A report that was written.
#[derive(Debug)]
pub(crate) struct Written {
    pub(crate) folder: PathBuf,
    pub(crate) took: Took,
    /// What `report.json` says.
    pub(crate) payments: u64,
    pub(crate) bytes: u64,
}

impl Runs<'_> {
    /// Reports everything that the ledger holds.
    pub(crate) async fn report(&self, name: &str) -> Result<Written> {
        let folder = self.work.join(name);
        let mut command = bursar_bench::bursar(self.bursar, self.store, self.work)?;
        command.args(["report", "--head", "--treasury", &treasury(0).to_string()]).arg(&folder);
        let took = self.run(command, name).await?;
        let text = std::fs::read(folder.join("report.json"))?;
        let report: Value = serde_json::from_slice(&text)?;
        let annexes = report["annexes"].as_array().context("a report without annexes")?;
        let payments = annexes.iter().find(|annex| annex["name"] == "payments");
        let payments = payments.and_then(|annex| annex["rows"].as_u64()).context("no annex of payments")?;
        let bytes = sizes(&folder)?;
        Ok(Written { folder, took, payments, bytes })
    }

    /// Holds a report against its files.
    pub(crate) async fn verify(&self, folder: &Path) -> Result<Took> {
        let mut command = bursar_bench::bursar(self.bursar, self.store, self.work)?;
        command.arg("verify").arg(folder);
        self.run(command, "verify").await
    }

    async fn run(&self, mut command: Command, name: &str) -> Result<Took> {
        let said = self.work.join(name).with_extension("log");
        command.stdout(File::create(&said)?).stderr(Stdio::inherit());
        let took = Measured::start(command)?.ended().await;
        took.with_context(|| std::fs::read_to_string(&said).unwrap_or_default())
    }
}

/// Every file of a folder, and what it holds.
pub(crate) fn digest(folder: &Path) -> Result<BTreeMap<String, String>> {
    let mut files = BTreeMap::new();
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let mut hasher = Sha256::new();
        std::io::copy(&mut File::open(entry.path())?, &mut hasher)?;
        files.insert(entry.file_name().to_string_lossy().into_owned(), hex::encode(hasher.finalize()));
    }
    ensure!(files.contains_key("report.json"), "{} holds no report", folder.display());
    Ok(files)
}

fn sizes(folder: &Path) -> Result<u64> {
    let mut sum = 0;
    for entry in std::fs::read_dir(folder)? {
        sum += entry?.metadata()?.len();
    }
    Ok(sum)
}
