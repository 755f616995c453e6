//! The other peer, unmodified: every event of the token and the proxies, each into a table of its own. It is in no package
//! registry; who has built it names its binary.

use std::{path::Path, process::Stdio, time::Duration};

use anyhow::{Context as _, Result};
use bursar_bench::{Measured, Replayed};
use bursar_indexer::decode::Proxy;
use bursar_replay::TOKEN;
use tokio::process::Command;
use url::Url;

use crate::{came_to::came_to, report::Ran};

/// How long it may take.
const PATIENCE: Duration = Duration::from_secs(1_800);

/// What it does not do itself, and what its time does not count: which transfer an authorization is for, and which one a proxy
/// made.
const PAIRED: &str = "SELECT used.tx_hash, used.log_index::BIGINT AS log_index, moved.value::BIGINT AS amount, \
                      used.block_number::BIGINT AS block_number \
                      FROM bench_token.authorization_used used JOIN bench_token.transfer moved \
                      ON moved.tx_hash = used.tx_hash AND moved.log_index::BIGINT = used.log_index::BIGINT + 1 \
                      UNION ALL SELECT moved.tx_hash, moved.log_index::BIGINT, moved.value::BIGINT, \
                      moved.block_number::BIGINT \
                      FROM (SELECT tx_hash, log_index FROM bench_proxy.settled \
                      UNION ALL SELECT tx_hash, log_index FROM bench_proxy.settled_with_permit) said \
                      JOIN bench_token.transfer moved ON moved.tx_hash = said.tx_hash \
                      AND moved.log_index::BIGINT = said.log_index::BIGINT - 1";

/// Indexes the whole chain into an empty database. `project` is what a user of it writes: a manifest and the ABIs it names.
pub(crate) async fn index(replayed: &Replayed, binary: &Path, project: &Path, database: &Url) -> Result<Ran> {
    let binary = binary.canonicalize().with_context(|| format!("{}: build rindexer", binary.display()))?;
    let version = Command::new(&binary).arg("--version").output().await?;
    let version = String::from_utf8_lossy(&version.stdout).trim().to_owned();
    let project = project.canonicalize().with_context(|| project.display().to_string())?;
    let (to, _) = replayed.head();
    let mut command = Command::new(&binary);
    command.arg("start").arg("--path").arg(&project).arg("indexer");
    command.stdin(Stdio::null()).stdout(Stdio::null());
    command.env("DATABASE_URL", database.as_str()).env("RPC_URL", replayed.url());
    command.env("TOKEN", TOKEN.to_string()).env("END_BLOCK", to.to_string());
    for (number, proxy) in Proxy::ADDRESSES.iter().enumerate() {
        command.env(format!("PROXY_{number}"), proxy.to_string());
    }
    replayed.forget_calls();
    let ended = tokio::time::timeout(PATIENCE, Measured::start(command)?.ended());
    let took = ended.await.with_context(|| format!("not done in {PATIENCE:?}"))??;
    let rpc_calls = replayed.calls();
    let (got, truth) = (came_to(database, PAIRED).await?, replayed.truth(to));
    Ok(Ran { name: "rindexer", version, took, rpc_calls, got, truth })
}
