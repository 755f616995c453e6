//! A PostgreSQL on a socket in a directory of its own, gone when the process that started it is, however that ends.

use std::{
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::OnceLock,
};

use anyhow::{Context, Result, anyhow, ensure};
use url::Url;

use crate::binaries;

/// No test needs its data after a power cut; each may hold several pools.
const SETTINGS: &str =
    "-c fsync=off -c synchronous_commit=off -c full_page_writes=off -c max_connections=300";

/// A PostgreSQL of its own, which goes away with this.
#[derive(Debug)]
pub struct Cluster {
    url: Url,
    /// Stops the server once this end of its pipe is closed, which the kernel does for us.
    keeper: Child,
}

/// Where this process's cluster is; it is started when first asked for.
pub(crate) fn url() -> Result<Url> {
    static CLUSTER: OnceLock<Result<Cluster, String>> = OnceLock::new();
    let cluster = CLUSTER.get_or_init(|| Cluster::start(SETTINGS).map_err(|error| format!("{error:#}")));
    cluster
        .as_ref()
        .map(|cluster| cluster.url.clone())
        .map_err(|error| anyhow!("starting PostgreSQL: {error}"))
}

impl Cluster {
    /// Starts one with these settings, as `postgres` takes them: `-c NAME=VALUE`, one after another.
    ///
    /// # Errors
    /// When no PostgreSQL is installed, or it does not start.
    pub fn start(settings: &str) -> Result<Self> {
        let bin = binaries::directory()?;
        let directory = tempfile::Builder::new().prefix("bursar-postgres-").tempdir()?.keep();
        let keeper = keep(&bin, &directory)?;
        if is_root() {
            run(Command::new("chown").arg("nobody").arg(&directory))?;
        }
        let data = directory.join("data");
        let how = ["--username=postgres", "--auth=trust", "--encoding=UTF8", "--no-locale", "--no-sync"];
        run(program(&bin, "initdb").args(how).arg("--pgdata").arg(&data).current_dir(&directory))?;
        let options = format!("-k {} -c listen_addresses='' {settings}", directory.display());
        let log = directory.join("log");
        let mut start = program(&bin, "pg_ctl");
        start.arg("start").arg("--wait").args(["--options", &options]).arg("--log").arg(&log);
        run(start.arg("--pgdata").arg(&data).current_dir(&directory)).with_context(|| {
            format!("its log says: {}", std::fs::read_to_string(&log).unwrap_or_default())
        })?;
        let mut url = Url::parse("postgres://postgres@localhost/postgres")?;
        url.query_pairs_mut().append_pair("host", &directory.to_string_lossy());
        Ok(Self { url, keeper })
    }

    /// Its database `postgres`, as its superuser.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// Stops it and deletes what it kept; without this, that happens when the process is gone.
    ///
    /// # Errors
    /// When its keeper cannot be waited for.
    pub fn stop(mut self) -> Result<()> {
        drop(self.keeper.stdin.take());
        self.keeper.wait()?;
        Ok(())
    }
}

/// Waits for this process to end; then stops the server and deletes what it kept.
fn keep(bin: &Path, directory: &PathBuf) -> Result<Child> {
    let stop = program(bin, "pg_ctl");
    let mut keeper = Command::new("sh");
    keeper.args(["-c", r#"cat; "$@" >/dev/null 2>&1; rm -rf "$0""#]).arg(directory);
    keeper.arg(stop.get_program()).args(stop.get_args());
    keeper.args(["stop", "--mode=immediate", "--pgdata"]).arg(directory.join("data"));
    keeper.current_dir("/").stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    // Interrupting a test run must not interrupt its end.
    Ok(keeper.process_group(0).spawn()?)
}

/// One of PostgreSQL's programs. They do not run as root.
fn program(bin: &Path, name: &str) -> Command {
    if !is_root() {
        return Command::new(bin.join(name));
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid=nobody", "--clear-groups"]).arg(bin.join(name));
    command
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

fn run(command: &mut Command) -> Result<()> {
    // The server outlives `pg_ctl` and would keep a pipe open: what it says goes to its log.
    let errors = tempfile::tempfile()?;
    let status = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(errors.try_clone()?).status();
    let status = status.with_context(|| format!("{command:?}"))?;
    ensure!(status.success(), "{command:?}: {status}: {}", said(errors)?);
    Ok(())
}

fn said(mut errors: std::fs::File) -> Result<String> {
    use std::io::{Read, Seek};
    let mut text = String::new();
    errors.rewind()?;
    errors.read_to_string(&mut text)?;
    Ok(text)
}
