//! A PostgreSQL on a socket in a directory of its own, gone when the process that started it is, however that ends.

use std::{
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::OnceLock,
    time::Duration,
};

use anyhow::{Context, Result, anyhow, ensure};
use rustix::{
    io::Errno,
    process::{Pid, Signal, kill_process},
};
use url::Url;

use crate::binaries;

/// No test needs its data after a power cut; each may hold several pools.
const SETTINGS: &str =
    "-c fsync=off -c synchronous_commit=off -c full_page_writes=off -c max_connections=300";

/// A PostgreSQL of its own, which goes away with this.
#[derive(Debug)]
pub struct Cluster {
    url: Url,
    bin: PathBuf,
    directory: PathBuf,
    settings: String,
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
        let mut url = Url::parse("postgres://postgres@localhost/postgres")?;
        url.query_pairs_mut().append_pair("host", &directory.to_string_lossy());
        let cluster = Self { url, bin, directory, settings: settings.to_owned(), keeper };
        cluster.launch()?;
        Ok(cluster)
    }

    fn launch(&self) -> Result<()> {
        let Self { bin, directory, settings, .. } = self;
        let options = format!("-k {} -c listen_addresses='' {settings}", directory.display());
        let log = directory.join("log");
        let mut start = program(bin, "pg_ctl");
        start.arg("start").arg("--wait").args(["--options", &options]).arg("--log").arg(&log);
        run(start.arg("--pgdata").arg(directory.join("data")).current_dir(directory))
            .with_context(|| format!("its log says: {}", std::fs::read_to_string(&log).unwrap_or_default()))
    }

    /// Kills it where it stands, and everything that it has started; what it had promised is on disk.
    ///
    /// # Errors
    /// When it does not run, or the system has no `/proc`.
    pub fn kill(&self) -> Result<()> {
        let told = std::fs::read_to_string(self.directory.join("data/postmaster.pid"))?;
        let pid = told.lines().next().and_then(|pid| pid.trim().parse().ok()).and_then(Pid::from_raw);
        let pid = pid.context("the server's process")?;
        // Where it stands: it neither starts another nor hears of one that ends.
        kill_process(pid, Signal::STOP)?;
        let started = started_by(pid)?;
        ensure!(!started.is_empty(), "the server has started nothing");
        for one in started {
            match kill_process(one, Signal::KILL) {
                // It has ended by itself.
                Err(Errno::SRCH) => {}
                killed => killed?,
            }
        }
        Ok(kill_process(pid, Signal::KILL)?)
    }

    /// Starts it again after [`Self::kill`].
    ///
    /// # Errors
    /// When it does not start within half a minute.
    pub fn revive(&self) -> Result<()> {
        // Whoever is left the dead has to have buried them: until then it looks as if they lived.
        let mut tries = 0;
        loop {
            match self.launch() {
                Err(_) if tries < 150 => std::thread::sleep(Duration::from_millis(200)),
                launched => return launched,
            }
            tries += 1;
        }
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

/// The processes that one has started by itself.
fn started_by(parent: Pid) -> Result<Vec<Pid>> {
    let mut started = Vec::new();
    for entry in std::fs::read_dir("/proc").context("the processes of this system")? {
        let name = entry?.file_name();
        let Some(pid) = name.to_str().and_then(|name| name.parse().ok()).and_then(Pid::from_raw) else {
            continue;
        };
        // One that is gone by now was nobody's to kill.
        let Ok(stat) = std::fs::read_to_string(Path::new("/proc").join(&name).join("stat")) else { continue };
        // After its name, which may hold anything, come its state and its parent.
        let of = stat.rsplit_once(')').and_then(|(_, rest)| rest.split_whitespace().nth(1));
        if of.and_then(|of| of.parse().ok()).and_then(Pid::from_raw) == Some(parent) {
            started.push(pid);
        }
    }
    Ok(started)
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
