//! A process that is measured.

use std::{
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::Path,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};
use tokio::process::{Child, Command};

/// How often a process at work is looked at.
const LOOK: Duration = Duration::from_millis(25);
/// How long one may take to end when it is asked to.
const PATIENCE: Duration = Duration::from_secs(20);

/// A process at work.
#[derive(Debug)]
pub struct Measured {
    child: Child,
    pid: u32,
    began: Instant,
    /// What it held in memory each time it was looked at, in KiB.
    held: Vec<u64>,
}

/// What a process took.
#[derive(Debug, Clone)]
pub struct Took {
    /// From its start until it had done what it had to.
    pub wall: Duration,
    /// The most memory it has held, in KiB.
    pub peak_kib: u64,
    /// What it held on average in each quarter of its time, in KiB.
    pub quarters_kib: Vec<u64>,
    /// Processor time, in hundredths of a second.
    pub cpu_ticks: u64,
}

/// An address of this machine that was free a moment ago, for a process that does not choose one itself.
///
/// # Errors
/// When there is none to be had.
pub fn free_address() -> Result<SocketAddr> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?)
}

impl Measured {
    /// Starts it.
    ///
    /// # Errors
    /// When it does not start.
    pub fn start(mut command: Command) -> Result<Self> {
        let child = command.kill_on_drop(true).spawn().with_context(|| format!("starting {command:?}"))?;
        let pid = child.id().context("it has ended at once")?;
        Ok(Self { child, pid, began: Instant::now(), held: Vec::new() })
    }

    /// Waits a little.
    ///
    /// # Errors
    /// When it has ended.
    pub async fn look(&mut self) -> Result<()> {
        tokio::time::sleep(LOOK).await;
        if let Some(status) = self.child.try_wait()? {
            bail!("it ended too early, with {status}");
        }
        self.held.push(self.memory("VmRSS:")?);
        Ok(())
    }

    /// Waits until it ends by itself, with success.
    ///
    /// # Errors
    /// When it fails.
    pub async fn ended(mut self) -> Result<Took> {
        // Nobody tells what a process took once it is gone: what counts is the last look at it.
        let (mut peak_kib, mut cpu_ticks) = (0, 0);
        let status = loop {
            let ended = tokio::time::timeout(LOOK, self.child.wait()).await;
            if let Ok(status) = ended {
                break status?;
            }
            let looked = (self.memory("VmHWM:"), self.memory("VmRSS:"), self.ticks());
            // It may have ended in between.
            if let (Ok(peak), Ok(held), Ok(ticks)) = looked {
                (peak_kib, cpu_ticks) = (peak, ticks);
                self.held.push(held);
            }
        };
        ensure!(status.success(), "it ended with {status}");
        Ok(self.took(peak_kib, cpu_ticks))
    }

    /// What it has held in memory at most until now, in KiB.
    ///
    /// # Errors
    /// When it has ended.
    pub fn peak_kib(&self) -> Result<u64> {
        self.memory("VmHWM:")
    }

    fn took(&self, peak_kib: u64, cpu_ticks: u64) -> Took {
        let quarter = self.held.len().div_ceil(4).max(1);
        let average = |of: &[u64]| of.iter().sum::<u64>() / (of.len() as u64).max(1);
        let quarters_kib = self.held.chunks(quarter).map(average).collect();
        Took { wall: self.began.elapsed(), peak_kib, quarters_kib, cpu_ticks }
    }

    /// It has done what it had to: takes its measure, and asks it to end.
    ///
    /// # Errors
    /// When it has ended before, or does not end.
    pub async fn done(mut self) -> Result<Took> {
        let took = self.took(self.memory("VmHWM:")?, self.ticks()?);
        if let Some(pid) = i32::try_from(self.pid).ok().and_then(Pid::from_raw) {
            kill_process(pid, Signal::INT)?;
        }
        tokio::time::timeout(PATIENCE, self.child.wait()).await.context("it does not end")??;
        Ok(took)
    }

    fn memory(&self, name: &str) -> Result<u64> {
        let status = self.file("status")?;
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        let number = line.and_then(|line| line.split_whitespace().next());
        number.with_context(|| format!("no {name} of process {}", self.pid))?.parse().context(name.to_owned())
    }

    /// Time in its own code and in the system's for it.
    fn ticks(&self) -> Result<u64> {
        let stat = self.file("stat")?;
        // What comes first is its name, which may hold anything.
        let (_, rest) = stat.rsplit_once(')').context("a process without a name")?;
        let ticks = rest.split_whitespace().skip(11).take(2).map(str::parse::<u64>);
        Ok(ticks.sum::<Result<u64, _>>()?)
    }

    fn file(&self, name: &str) -> Result<String> {
        let path = Path::new("/proc").join(self.pid.to_string()).join(name);
        std::fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))
    }
}
