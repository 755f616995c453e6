//! The pure model of the treasury driven side by side with its bytecode, over long random histories.
//!
//! `PROPTEST_CASES` says how many histories, `BURSAR_MODEL_STEPS` how long the longest may be; `make model` runs
//! many long ones, and tells how often each reason was met.
#![allow(missing_docs, clippy::unwrap_used)]

mod acts;
mod agree;
mod answers;
mod calls;
mod cast;
mod groups;
mod histories;
mod leaves;
mod payments;
mod permit2;
mod play;
mod policies;
mod sessions;
mod steps;
mod stops;
mod tally;
mod world;

use std::sync::Mutex;

use proptest::{
    prelude::*,
    test_runner::{Config, TestError, TestRunner},
};

use crate::{steps::Step, tally::Tally, world::World};

const STEPS: usize = 300;
const CASES: u32 = 32;

fn setting(name: &str) -> Option<u32> {
    std::env::var(name).ok()?.parse().ok()
}

fn played(history: &[Step]) -> (anyhow::Result<()>, World) {
    let mut world = World::new().unwrap();
    (world.play(history), world)
}

/// The history with whatever takes no part in its failure taken out: steps are told relative to what stands, so
/// that what is left is a history still.
fn shortened(mut history: Vec<Step>) -> Vec<Step> {
    let (_, world) = played(&history);
    history.truncate(world.taken);
    let mut chunk = history.len() / 2;
    while chunk > 0 {
        let mut at = 0;
        while at < history.len() {
            let mut fewer = history.clone();
            fewer.drain(at..(at + chunk).min(history.len()));
            if played(&fewer).0.is_err() {
                history = fewer;
            } else {
                at += chunk;
            }
        }
        chunk /= 2;
    }
    history
}

#[test]
fn model_and_bytecode_agree_on_every_answer_and_every_balance() {
    let steps = setting("BURSAR_MODEL_STEPS").map_or(STEPS, |steps| steps as usize);
    let cases = setting("PROPTEST_CASES").unwrap_or(CASES);
    let config = Config { cases, failure_persistence: None, max_shrink_iters: 0, ..Config::default() };
    let total = Mutex::new(Tally::default());
    let outcome = TestRunner::new(config).run(&histories::history(steps), |history| {
        let (outcome, world) = played(&history);
        total.lock().unwrap().add(world.tally.clone());
        outcome.map_err(|error| TestCaseError::fail(error.to_string()))
    });
    match outcome {
        Ok(()) => {
            let total = total.lock().unwrap();
            println!("{cases} histories: {total:#?}");
            total.check();
        }
        Err(TestError::Fail(reason, history)) => {
            let history = shortened(history);
            let (_, world) = played(&history);
            let story = world.story.join("\n");
            let steps: Vec<String> = history.iter().map(|step| format!("{step:?}")).collect();
            panic!("{reason}\n\nthe history:\n{}\n\nas it was played:\n{story}", steps.join("\n"));
        }
        Err(TestError::Abort(reason)) => panic!("{reason}"),
    }
}
