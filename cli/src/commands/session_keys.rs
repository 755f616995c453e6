//! Session keys in files, so that one run of the command line opens a session and the next pays from it.

use std::{io::Write as _, path::PathBuf, sync::Arc};

use alloy::{hex, primitives::Address, signers::local::PrivateKeySigner};
use anyhow::{Context as _, Result};
use async_trait::async_trait;
use bursar_sdk::{
    AgentError,
    session::{SessionKeys, SharedSigner},
};

use crate::keys;

/// One file per purse, readable by its owner alone, replaced at every opening.
#[derive(Debug)]
pub(crate) struct FileKeys {
    dir: PathBuf,
    purse: Address,
}

impl FileKeys {
    pub(crate) fn new(dir: PathBuf, purse: Address) -> Self {
        Self { dir, purse }
    }

    /// The key of the session that this machine opened last on the purse.
    pub(crate) fn current(&self, purse: Address) -> Result<SharedSigner> {
        let key = keys::read_key(&self.path(purse))
            .context("no session of this purse was opened from here; run `bursar agent open` first")?;
        Ok(Arc::new(key))
    }

    fn path(&self, purse: Address) -> PathBuf {
        self.dir.join(format!("{purse}.key"))
    }

    fn store(&self, key: &PrivateKeySigner) -> std::io::Result<()> {
        std::fs::create_dir_all(&self.dir)?;
        let path = self.path(self.purse);
        let next = path.with_extension("next");
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create(true).truncate(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&next)?;
        writeln!(file, "0x{}", hex::encode(key.to_bytes()))?;
        file.sync_all()?;
        std::fs::rename(next, path)
    }
}

#[async_trait]
impl SessionKeys for FileKeys {
    async fn fresh(&self) -> Result<SharedSigner, AgentError> {
        let key = PrivateKeySigner::random();
        self.store(&key).map_err(|error| AgentError::Config {
            what: "session key file",
            expected: format!("to write {}", self.dir.display()),
            got: error.to_string(),
        })?;
        Ok(Arc::new(key))
    }
}
