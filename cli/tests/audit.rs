//! A report of what the demo has left, as an auditor gets it: from the binary, held against the chain.
#![allow(clippy::unwrap_used, missing_docs)]

use std::{
    fs,
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, Command, Output, Stdio},
};

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

/// The demo, with its chain up, and what it has told of itself.
struct Demo {
    process: Child,
    chain: String,
    treasury: String,
    token: String,
}

impl Demo {
    fn start(dir: &Path) -> Result<Self> {
        let mut process = Command::new(env!("CARGO_BIN_EXE_bursar"))
            .current_dir(dir)
            .args(["--store", "ledger.sqlite", "demo", "--listen", "127.0.0.1:0"])
            .stdout(Stdio::piped())
            .spawn()?;
        let mut lines = BufReader::new(process.stdout.take().context("its output")?).lines();
        let mut demo = Self { process, chain: String::new(), treasury: String::new(), token: String::new() };
        for line in &mut lines {
            let line = line?;
            let mut words = line.split_whitespace().skip_while(|word| word.chars().count() == 1);
            match (words.next(), words.next()) {
                (Some("token"), Some(address)) if address.starts_with("0x") => {
                    demo.token = address.to_owned()
                }
                (Some("treasury"), Some(address)) if address.starts_with("0x") => {
                    demo.treasury = address.trim_end_matches(',').to_owned()
                }
                (Some("chain"), Some(url)) if url.starts_with("http") => demo.chain = url.to_owned(),
                (Some("interrupt"), _) => break,
                _ => {}
            }
        }
        // Its output may not fill up while it is up.
        std::thread::spawn(move || lines.for_each(drop));
        ensure!(demo.chain.starts_with("http"), "the demo ended early");
        Ok(demo)
    }

    fn bursar(&self, dir: &Path, args: &[&str]) -> Result<Output> {
        self.bursar_of(&self.treasury, dir, args)
    }

    fn bursar_of(&self, treasury: &str, dir: &Path, args: &[&str]) -> Result<Output> {
        let of = ["--json", "--store", "ledger.sqlite", "--treasury", treasury, "--asset", &self.token];
        Ok(Command::new(env!("CARGO_BIN_EXE_bursar")).current_dir(dir).args(of).args(args).output()?)
    }

    /// Runs a command and reads its JSON; whether it ended well.
    fn json(&self, dir: &Path, args: &[&str]) -> Result<(bool, Value)> {
        let output = self.bursar(dir, args)?;
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        let value = serde_json::from_slice(&output.stdout).with_context(|| format!("{args:?}: {error}"))?;
        Ok((output.status.success(), value))
    }
}

impl Drop for Demo {
    /// Interrupted, it takes its chain down with it; killed, it would leave it behind.
    fn drop(&mut self) {
        let interrupted = Command::new("kill").args(["-INT", &self.process.id().to_string()]).status();
        if interrupted.is_ok() {
            let _ = self.process.wait();
        }
    }
}

fn broken(verification: &Value) -> Vec<&Value> {
    let checks = verification["checks"].as_array().map(Vec::as_slice).unwrap_or_default();
    checks.iter().filter(|check| check["outcome"] != "holds").collect()
}

#[test]
fn a_report_of_the_demo_is_verified_by_somebody_else() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let dir = dir.path();
    let demo = Demo::start(dir)?;

    let (done, made) = demo.json(dir, &["report", "one", "--head"])?;
    ensure!(done, "{made}");
    let found = made["trials"].as_array().cloned().unwrap_or_default();
    let found: Vec<&Value> = found.iter().filter(|trial| trial["exceptions"] != 0).collect();
    ensure!(found.is_empty(), "{found:#?}");
    let payments = fs::read_to_string(dir.join("one/payments.csv"))?;
    assert_eq!(payments.lines().count(), 1 + 7);

    // The same height, the same bytes.
    let (_, again) = demo.json(dir, &["report", "two", "--head"])?;
    assert_eq!(made["sha256"], again["sha256"]);
    for entry in fs::read_dir(dir.join("one"))? {
        let name = entry?.file_name();
        assert_eq!(
            fs::read(dir.join("one").join(&name))?,
            fs::read(dir.join("two").join(&name))?,
            "{name:?}"
        );
    }
    // A folder that is there, a height and a treasury that are not.
    let (ours, nobodys) = (demo.treasury.as_str(), "0x0000000000000000000000000000000000000001");
    for (treasury, args, says) in [
        (ours, vec!["report", "two", "--head"], "expected a folder that is not there yet"),
        (
            ours,
            vec!["report", "three", "--height", "99999999"],
            "the last block that no reorg may take back, got 99999999",
        ),
        (nobodys, vec!["report", "three"], "holds no treasury"),
    ] {
        let output = demo.bursar_of(treasury, dir, &args)?;
        let error = String::from_utf8(output.stderr)?;
        assert!(!output.status.success() && error.contains(says), "{args:?}: {error}");
    }

    // Without our database, offline and against the chain.
    fs::remove_file(dir.join("ledger.sqlite"))?;
    let (holds, offline) = demo.json(dir, &["verify", "one"])?;
    ensure!(holds && broken(&offline).is_empty(), "{offline:#}");
    let rpc = ["verify", "one", "--rpc", demo.chain.as_str()];
    let (holds, on_chain) = demo.json(dir, &rpc)?;
    ensure!(holds && broken(&on_chain).is_empty(), "{on_chain:#}");
    assert_eq!(on_chain["checks"].as_array().map(Vec::len), Some(8 + 7));
    Ok(())
}
