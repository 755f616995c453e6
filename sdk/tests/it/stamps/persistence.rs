use std::{path::Path, process::Command};

use anyhow::{Context as _, Result, ensure};
use bursar_sdk::stamp::{
    Memory, StampBundle, StampState, Verifier,
    corpus::{Corpus, NOW},
};

/// Where the other process finds what to verify.
const DIR: &str = "BURSAR_TEST_STAMPS";

#[test]
fn one_stamp_holds_in_three_sessions_two_processes_and_after_a_restart() -> Result<()> {
    let corpus = Corpus::new(5);
    let first = corpus.agent(1, 3, 1);
    let hash = first.bundle.hash();
    let dir = tempfile::tempdir()?;
    std::fs::write(dir.path().join("state.json"), serde_json::to_string(&corpus.state)?)?;

    // Restarted between sessions: every verifier is a new one.
    for number in 1..=3 {
        let session = corpus.again(&first, number);
        let verifier = Verifier::new(10, Memory::new(NOW, 10));
        let payment = corpus.payment(&session, 1, NOW);
        let verified = verifier.verify_payment(&session.bytes, &payment, &corpus.state, NOW)?;
        ensure!(verified.hash == hash, "session {number} shows another stamp");
        std::fs::write(dir.path().join(format!("session-{number}.txt")), session.bundle.to_text()?)?;
    }

    let other_process = Command::new(std::env::current_exe()?)
        .args(["--exact", "stamps::persistence::the_other_process", "--ignored"])
        .env(DIR, dir.path())
        .output()?;
    ensure!(other_process.status.success(), "{}", String::from_utf8_lossy(&other_process.stdout));
    ensure!(std::fs::read_to_string(dir.path().join("verified"))? == format!("{hash} {hash} {hash}"));
    Ok(())
}

#[test]
#[ignore = "the other process of the test above"]
fn the_other_process() -> Result<()> {
    let dir = std::env::var(DIR).context("run by the test above only")?;
    let dir = Path::new(&dir);
    let state: StampState = serde_json::from_str(&std::fs::read_to_string(dir.join("state.json"))?)?;
    let verifier = Verifier::new(10, Memory::new(NOW, 10));
    let mut hashes = Vec::new();
    for number in 1..=3 {
        let text = std::fs::read_to_string(dir.join(format!("session-{number}.txt")))?;
        let bundle = StampBundle::from_text(&text)?;
        ensure!(bundle.session.is_some());
        let verified = verifier.verify_chain(&bundle.encode()?, &state, NOW)?;
        hashes.push(verified.hash.to_string());
    }
    std::fs::write(dir.join("verified"), hashes.join(" "))?;
    Ok(())
}
