//! The tree that the documentation shows is the tree that the binary draws.
#![allow(missing_docs)]

use std::{path::PathBuf, process::Command};

use anyhow::{Context as _, Result, ensure};

const FENCE: &str = "```text\n";

fn docs(name: &str) -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs")).join(name)
}

fn drawn(more: &[&str]) -> Result<String> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bursar"));
    command.current_dir(docs("")).env_clear().args(["policy", "tree", "policy.example.json"]).args(more);
    let output = command.output()?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8(output.stdout)?)
}

/// `BURSAR_REWRITE=1 cargo test` writes the files instead of comparing them.
fn held_against(name: &str, generated: &str) -> Result<()> {
    if std::env::var_os("BURSAR_REWRITE").is_some() {
        std::fs::write(docs(name), generated)?;
    }
    let committed = std::fs::read_to_string(docs(name))?;
    assert!(committed == generated, "docs/{name} is stale: run BURSAR_REWRITE=1 cargo test policy_tree");
    Ok(())
}

#[test]
fn policy_tree_in_the_documentation_is_the_drawn_one() -> Result<()> {
    let page = std::fs::read_to_string(docs("POLICIES.md"))?;
    let (before, rest) = page.split_once(FENCE).context("docs/POLICIES.md shows no tree")?;
    let (_, after) = rest.split_once("```\n").context("the tree in docs/POLICIES.md has no end")?;
    held_against("POLICIES.md", &format!("{before}{FENCE}{}```\n{after}", drawn(&[])?))?;
    held_against("img/policy-tree.svg", &drawn(&["--svg"])?)
}

#[test]
fn policy_tree_is_the_same_every_time() -> Result<()> {
    assert_eq!(drawn(&["--svg"])?, drawn(&["--svg"])?);
    Ok(())
}
