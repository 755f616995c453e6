//! A NATS server with JetStream that tests publish to: on a port of its own of this machine, with what it keeps in a directory
//! of its own, gone when the process that started it is, however that ends.

mod keeper;

pub use keeper::{Keeper, Kept};

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    os::unix::process::CommandExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use anyhow::{Context as _, Result, bail, ensure};

/// Looks at it so often, and so many times, until it is there.
const LOOK: Duration = Duration::from_millis(20);
const LOOKS: u32 = 1_500;

/// A server of one test; it goes away with this.
#[derive(Debug)]
pub struct Server {
    program: PathBuf,
    directory: PathBuf,
    port: u16,
    /// Kills the server once this end of its pipe is closed, which the kernel does for us.
    keeper: Option<Child>,
}

impl Server {
    /// Starts one with JetStream.
    ///
    /// # Errors
    /// When no `nats-server` is installed, or it does not start.
    pub fn start() -> Result<Self> {
        Self::with("jetstream { max_memory_store: 16MB, max_file_store: 256MB }\n")
    }

    /// Starts one with these settings, as its configuration file has them.
    ///
    /// # Errors
    /// When no `nats-server` is installed, or it does not start.
    pub fn with(settings: &str) -> Result<Self> {
        let program = program()?;
        let directory = tempfile::Builder::new().prefix("bursar-nats-").tempdir()?.keep();
        let mut server = Self { program, directory, port: 0, keeper: None };
        server.configure(settings)?;
        server.launch("-1")?;
        server.port = server.told()?;
        Ok(server)
    }

    /// Its address, as `nats.url` wants it.
    pub fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    /// Where it keeps what it has promised.
    pub fn store(&self) -> PathBuf {
        self.directory.join("store")
    }

    /// Has other settings take effect when it is started the next time.
    ///
    /// # Errors
    /// When they cannot be written.
    pub fn configure(&self, settings: &str) -> Result<()> {
        Ok(std::fs::write(self.directory.join("nats.conf"), settings)?)
    }

    /// Kills it where it stands; what it had promised is on disk.
    ///
    /// # Errors
    /// When it does not run.
    pub fn kill(&mut self) -> Result<()> {
        let mut keeper = self.keeper.take().context("the server runs")?;
        keeper.stdin.take().context("the keeper listens")?.write_all(b"keep\n")?;
        keeper.wait()?;
        Ok(())
    }

    /// Starts it again after [`Self::kill`], where it was.
    ///
    /// # Errors
    /// When it does not start within half a minute.
    pub fn revive(&mut self) -> Result<()> {
        ensure!(self.keeper.is_none(), "the server runs");
        self.launch(&self.port.to_string())?;
        self.waits(|| greets(self.port))
    }

    fn launch(&mut self, port: &str) -> Result<()> {
        let _ = std::fs::remove_file(self.directory.join("gone"));
        let mut keeper = Command::new("sh");
        // A background job of a shell's has no input: the pipe stays ours. A server that ends by itself leaves word of it.
        let script = r#"directory=$0; gone=$directory/gone; exec 3<&0
            "$@" 3<&- & server=$!
            (word=; read -r word <&3; [ -e "$gone" ] || kill -9 $server; [ "$word" = keep ]) & reader=$!
            wait $server; : >"$gone"; wait $reader || rm -rf "$directory""#;
        keeper.args(["-c", script]).arg(&self.directory).arg(&self.program);
        keeper
            .args(["--addr", "127.0.0.1", "--port", port, "--config"])
            .arg(self.directory.join("nats.conf"));
        keeper.arg("--store_dir").arg(self.store());
        keeper.arg("--ports_file_dir").arg(&self.directory).arg("--log").arg(self.directory.join("log"));
        keeper.current_dir("/").stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        // Interrupting a test run must not interrupt its end.
        self.keeper = Some(keeper.process_group(0).spawn()?);
        Ok(())
    }

    /// The port that it has chosen, as it tells in a file.
    fn told(&self) -> Result<u16> {
        let told = || -> Option<u16> {
            let mut entries = std::fs::read_dir(&self.directory).ok()?.filter_map(Result::ok);
            let file = entries.find(|entry| entry.file_name().to_string_lossy().ends_with(".ports"))?;
            let told: serde_json::Value = serde_json::from_slice(&std::fs::read(file.path()).ok()?).ok()?;
            told["nats"][0].as_str()?.rsplit_once(':')?.1.parse().ok()
        };
        self.waits(told)
    }

    fn waits<T>(&self, mut there: impl FnMut() -> Option<T>) -> Result<T> {
        for _ in 0..LOOKS {
            match there() {
                Some(it) => return Ok(it),
                None if self.directory.join("gone").exists() => break,
                None => std::thread::sleep(LOOK),
            }
        }
        let log = std::fs::read_to_string(self.directory.join("log")).unwrap_or_default();
        bail!("nats-server does not start; its log says: {log}")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        match self.keeper.take() {
            Some(mut keeper) => {
                drop(keeper.stdin.take());
                let _ = keeper.wait();
            }
            None => {
                let _ = std::fs::remove_dir_all(&self.directory);
            }
        }
    }
}

/// Whether a server there says who it is, as it does once it listens to clients.
fn greets(port: u16) -> Option<()> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(1))).ok()?;
    let mut greeting = [0; 6];
    stream.read_exact(&mut greeting).ok()?;
    (&greeting == b"INFO {").then_some(())
}

/// `nats-server`: what PATH has, Debian's, or what `make test-rust` has unpacked.
fn program() -> Result<PathBuf> {
    let unpacked = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/tools/nats/usr/sbin");
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut all = std::env::split_paths(&path).chain(["/usr/sbin".into(), unpacked]);
    let found = all.find_map(|directory| Some(directory.join("nats-server")).filter(|it| it.exists()));
    found.context("no nats-server found: run script/tools/nats-server")
}
