//! The service of a desk.

use std::{
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, Stdio},
};

use anyhow::{Context as _, Result};
use serde_json::Value;
use url::Url;

use super::{Desk, command};

/// `bursar serve`, or the API alone, on free ports; ends when dropped.
pub(crate) struct Service {
    pub(crate) url: Url,
    pub(crate) metrics: Url,
    _process: Process,
}

/// A process that ends when dropped.
pub(crate) struct Process(pub(crate) Child);

impl Service {
    pub(crate) fn start(desk: &Desk) -> Result<Self> {
        Self::begin(desk.dir.path(), "serve")
    }

    /// Over a ledger that nobody keeps, without a chain.
    pub(crate) fn of_ledger(dir: &Path) -> Result<Self> {
        Self::begin(dir, "api")
    }

    fn begin(dir: &Path, verb: &str) -> Result<Self> {
        let mut serve = command(dir);
        serve.env("NO_COLOR", "1").env("BURSAR_LISTEN", "127.0.0.1:0");
        serve.env("BURSAR_METRICS_LISTEN", "127.0.0.1:0");
        serve.arg(verb).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut process = Process(serve.spawn()?);
        let mut lines =
            BufReader::new(process.0.stderr.take().context("its log")?).lines().map_while(Result::ok);
        let mut address = |of: &str| -> Result<Url> {
            let line =
                lines.find(|line| line.contains(of)).with_context(|| format!("no line with {of:?}"))?;
            let (_, rest) = line.split_once("address=").context("where it listens")?;
            let address = rest.split_whitespace().next().unwrap_or_default();
            Ok(format!("http://{address}").parse()?)
        };
        let (url, metrics) = (address("serving")?, address("metrics at")?.join("metrics")?);
        // A full pipe would stall it.
        std::thread::spawn(move || lines.for_each(drop));
        Ok(Self { url, metrics, _process: process })
    }

    pub(crate) async fn json(&self, path: &str) -> Result<Value> {
        Ok(reqwest::get(self.url.join(path)?).await?.error_for_status()?.json().await?)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
