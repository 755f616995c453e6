//! Where people work: a directory with their keys and a configuration.
#![allow(dead_code)]

pub(crate) mod service;

use std::{
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use alloy::{hex, signers::local::PrivateKeySigner};
use anyhow::{Result, ensure};
use bursar_sdk::testing::LocalChain;
use serde_json::Value;

/// A directory with key files and a configuration for the local chain.
pub(crate) struct Desk {
    pub(crate) dir: tempfile::TempDir,
}

impl Desk {
    pub(crate) fn new(chain: &LocalChain) -> Result<Self> {
        let desk = Self { dir: tempfile::tempdir()? };
        let config = format!(
            "network = \"local\"\nrpc_url = \"{}\"\nfactory = \"{}\"\nasset = \"{}\"\ntreasury = \"{}\"\n",
            chain.url, chain.factory, chain.usdc, chain.treasury
        );
        std::fs::write(desk.path("bursar.toml"), config)?;
        for (name, key) in [
            ("owner", &chain.people.owner),
            ("manager", &chain.people.policy_manager),
            ("guardian", &chain.people.guardian),
            ("approver", &chain.people.approver),
            ("gas", &chain.people.gas),
        ] {
            desk.key(name, key)?;
        }
        Ok(desk)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn key(&self, name: &str, key: &PrivateKeySigner) -> Result<()> {
        let path = self.path(&format!("{name}.key"));
        std::fs::write(&path, format!("0x{}\n", hex::encode(key.to_bytes())))?;
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))?;
        Ok(())
    }

    pub(crate) fn run(&self, who: &str, args: &[&str]) -> Result<Output> {
        Ok(command(self.dir.path())
            .args(["--json", "--key-file", &format!("{who}.key")])
            .args(args)
            .output()?)
    }

    /// Runs a command that has to work; its JSON.
    pub(crate) fn done(&self, who: &str, args: &[&str]) -> Result<Value> {
        let output = self.run(who, args)?;
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        ensure!(output.status.success(), "bursar {args:?} failed: {error}");
        Ok(serde_json::from_slice(&output.stdout)?)
    }

    /// Runs a command that has to fail; what it says.
    pub(crate) fn refused(&self, who: &str, args: &[&str]) -> Result<String> {
        let output = self.run(who, args)?;
        ensure!(
            !output.status.success(),
            "bursar {args:?} worked: {}",
            String::from_utf8_lossy(&output.stdout)
        );
        Ok(String::from_utf8(output.stderr)?)
    }
}

pub(crate) fn command(dir: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bursar"));
    command.current_dir(dir).env_clear();
    command
}
