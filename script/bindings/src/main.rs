//! Compiles the contracts with the pinned compiler and writes the artifacts that `bursar-sdk` binds to.
//!
//! Run from anywhere in the repository: `cargo run -p bursar-bindings` writes, `-- --check` compares and
//! fails on a difference. Settings come from `foundry.toml`, so forge and this build the same bytecode.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, bail, ensure};
use foundry_compilers::{
    ProjectBuilder, ProjectCompileOutput, ProjectPathsConfig,
    artifacts::{BytecodeHash, EvmVersion, Settings, SettingsMetadata, remappings::Remapping},
    compilers::multi::MultiCompiler,
    solc::{Solc, SolcCompiler, SolcSettings},
};
use serde::Deserialize;
use serde_json::{Value, json};

/// What is bound: the artifact's name, and the compiled contracts whose ABIs it joins. The first one's
/// bytecode is the artifact's. A treasury answers for its desk and its views, so callers see the three as one.
const ARTIFACTS: &[(&str, &[&str])] = &[
    ("Treasury", &["Treasury", "TreasuryDesk", "TreasuryViews", "Policies"]),
    ("TreasuryDesk", &["TreasuryDesk"]),
    ("TreasuryViews", &["TreasuryViews"]),
    ("TreasuryFactory", &["TreasuryFactory"]),
    ("Purse", &["Purse"]),
    ("TestUSDC", &["TestUSDC"]),
    ("X402ExactPermit2Proxy", &["X402ExactPermit2Proxy"]),
    ("X402UptoPermit2Proxy", &["X402UptoPermit2Proxy"]),
];

#[derive(Deserialize)]
struct FoundryToml {
    profile: Profiles,
}

/// Of all profiles, the one that contracts are deployed from.
#[derive(Deserialize)]
struct Profiles {
    default: Profile,
}

#[derive(Deserialize)]
struct Profile {
    solc: PathBuf,
    optimizer_runs: usize,
    via_ir: bool,
    evm_version: String,
    remappings: Vec<String>,
}

fn main() -> Result<()> {
    let check = match std::env::args().nth(1).as_deref() {
        None => false,
        Some("--check") => true,
        Some(other) => bail!("expected no argument or --check, got {other}"),
    };
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize()?;
    let output = compile(&root)?;
    let mut stale = Vec::new();
    for (name, contracts) in ARTIFACTS {
        let text = render(&output, contracts)?;
        let path = root.join("sdk/abi").join(format!("{name}.json"));
        if fs::read_to_string(&path).ok().as_deref() == Some(text.as_str()) {
            continue;
        }
        if check {
            stale.push(format!("sdk/abi/{name}.json"));
        } else {
            fs::create_dir_all(root.join("sdk/abi"))?;
            fs::write(&path, text)?;
            println!("wrote sdk/abi/{name}.json");
        }
    }
    ensure!(
        stale.is_empty(),
        "committed artifacts differ from the compiled contracts: {}. Run `make bindings` and commit.",
        stale.join(", ")
    );
    println!("artifacts are up to date");
    Ok(())
}

fn compile(root: &Path) -> Result<ProjectCompileOutput> {
    let text = fs::read_to_string(root.join("foundry.toml")).context("reading foundry.toml")?;
    let config: FoundryToml = toml::from_str(&text).context("parsing foundry.toml")?;
    let profile = config.profile.default;

    let solc = Solc::new(root.join(&profile.solc))
        .context("the pinned solc does not run: is node_modules installed? (`make setup`)")?;
    let mut settings = Settings::default();
    settings.optimizer.enabled = Some(true);
    settings.optimizer.runs = Some(profile.optimizer_runs);
    settings.via_ir = Some(profile.via_ir);
    settings.evm_version = Some(profile.evm_version.parse::<EvmVersion>().map_err(anyhow::Error::msg)?);
    settings.metadata = Some(SettingsMetadata::new(BytecodeHash::None, false));

    let work = root.join("target/bindings");
    let remappings = profile
        .remappings
        .iter()
        .map(|line| line.parse::<Remapping>().with_context(|| format!("remapping {line}")))
        .map(|parsed| {
            parsed.map(|r| Remapping { path: root.join(&r.path).to_string_lossy().into_owned(), ..r })
        })
        .collect::<Result<Vec<_>>>()?;
    let paths = ProjectPathsConfig::builder()
        .root(root)
        .sources(root.join("contracts"))
        .lib(root.join("node_modules"))
        .remappings(remappings)
        .artifacts(work.join("out"))
        .cache(work.join("cache.json"))
        .build()?;
    let project = ProjectBuilder::<MultiCompiler>::new(Default::default())
        .paths(paths)
        .settings(foundry_compilers::multi::MultiCompilerSettings {
            solc: SolcSettings { settings, cli_settings: Default::default() },
            ..Default::default()
        })
        .ephemeral()
        .no_artifacts()
        .build(MultiCompiler { solc: Some(SolcCompiler::Specific(solc)), vyper: None })?;

    let mut files: Vec<PathBuf> = foundry_compilers::utils::source_files(&root.join("contracts"), &["sol"]);
    files.extend(["TestUSDC", "X402Permit2Proxies"].map(|name| root.join(format!("test/mocks/{name}.sol"))));
    let output = project.compile_files(files)?;
    if output.has_compiler_errors() {
        bail!("compilation failed:\n{output}");
    }
    Ok(output)
}

/// One artifact: the union of the contracts' ABIs in a stable order, and the first one's creation code.
fn render(output: &ProjectCompileOutput, contracts: &[&str]) -> Result<String> {
    let mut entries = BTreeMap::new();
    let mut bytecode = None;
    for name in contracts {
        let artifact =
            output.find_first(name).with_context(|| format!("contract {name} was not compiled"))?;
        let abi = serde_json::to_value(artifact.abi.as_ref().context("artifact has no ABI")?)?;
        for entry in abi.as_array().into_iter().flatten() {
            // Only the first one is deployed under this name.
            if bytecode.is_none() || entry["type"] != "constructor" {
                entries.insert(sort_key(entry), entry.clone());
            }
        }
        if bytecode.is_none() {
            let code = artifact.bytecode.as_ref().and_then(|b| b.object.as_bytes()).context("no bytecode")?;
            bytecode = Some(code.to_string());
        }
    }
    let abi: Vec<Value> = entries.into_values().collect();
    let mut text = serde_json::to_string_pretty(&json!({ "abi": abi, "bytecode": bytecode }))?;
    text.push('\n');
    Ok(text)
}

fn sort_key(entry: &Value) -> String {
    let kind = entry["type"].as_str().unwrap_or_default();
    let inputs: Vec<_> = entry["inputs"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|input| input["type"].as_str().unwrap_or_default())
        .collect();
    format!("{kind} {}({})", entry["name"].as_str().unwrap_or_default(), inputs.join(","))
}
