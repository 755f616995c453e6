//! How often a provider is asked: what a provider bills, and what tells a good indexer from a bad one.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

/// Questions by method, retries among them, and failures by their code ([`super::SourceError::code`]).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Calls {
    /// JSON-RPC questions, each one of a batch.
    pub asked: BTreeMap<&'static str, u64>,
    /// Answers that were none, or were not believed.
    pub failed: BTreeMap<&'static str, u64>,
    /// Questions that were asked again after a failure, of the same provider or of another.
    pub again: u64,
}

impl Calls {
    /// All questions.
    pub fn total(&self) -> u64 {
        self.asked.values().sum()
    }

    /// Adds others.
    pub fn add(&mut self, other: &Self) {
        for (into, from) in [(&mut self.asked, &other.asked), (&mut self.failed, &other.failed)] {
            from.iter().for_each(|(code, count)| *into.entry(code).or_default() += count);
        }
        self.again += other.again;
    }
}

/// Counts.
#[derive(Debug, Default)]
pub(super) struct Meter(Mutex<Calls>);

impl Meter {
    pub(super) fn asked(&self, method: &'static str) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner).asked.entry(method).or_default() += 1;
    }

    pub(super) fn failed(&self, code: &'static str) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner).failed.entry(code).or_default() += 1;
    }

    pub(super) fn asked_again(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).again += 1;
    }

    pub(super) fn read(&self) -> Calls {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
