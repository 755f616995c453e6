//! A score with its reasons.

use serde::{Deserialize, Serialize};

use super::{
    inputs::Inputs,
    ppm::ONE,
    term::{self, FLOOR, Reason, Term},
};

/// How many losses are named.
pub const LOSSES: usize = 4;

/// What a score is at a time, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Evaluation {
    /// As of when, in unix seconds.
    pub at: u64,
    /// The score: 300 to 850.
    pub value: u16,
    /// What it is computed from.
    pub inputs: Inputs,
    /// Points of each term in the order of [`Term::ALL`], in millionths.
    pub points: [u64; 7],
}

/// What one term costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Loss {
    /// Why.
    pub reason: Reason,
    /// Of which term.
    pub term: Term,
    /// How many points, in millionths.
    pub micropoints: u64,
}

impl Evaluation {
    /// Scores `inputs`.
    pub fn new(at: u64, inputs: Inputs) -> Self {
        let points = Term::ALL.map(|term| term.weight() * term.goodness(&inputs));
        let sum = u64::from(FLOOR) + points.iter().sum::<u64>() / ONE;
        let uncapped = u16::try_from(sum).unwrap_or(FLOOR);
        let cap = term::caps(&inputs).into_iter().flatten().map(|(_, cap)| cap).min();
        Self { at, value: cap.map_or(uncapped, |cap| cap.min(uncapped)), inputs, points }
    }

    /// The caps that apply, the lowest first, with the most that each lets a score be.
    pub fn caps(&self) -> impl Iterator<Item = (Reason, u16)> + use<> {
        term::caps(&self.inputs).into_iter().flatten()
    }

    /// The largest losses, at most [`LOSSES`]; of equal ones, that of the weightier term first.
    pub fn losses(&self) -> Vec<Loss> {
        let loss = |(term, points): (Term, &u64)| Loss {
            reason: term.reason(&self.inputs),
            term,
            micropoints: (term.weight() * ONE).saturating_sub(*points),
        };
        let mut losses: Vec<Loss> = Term::ALL.into_iter().zip(&self.points).map(loss).collect();
        losses.retain(|loss| loss.micropoints > 0);
        losses.sort_by_key(|loss| std::cmp::Reverse(loss.micropoints));
        losses.truncate(LOSSES);
        losses
    }

    /// Every reason: the caps that apply, then the largest losses.
    pub fn reasons(&self) -> Vec<Reason> {
        self.caps().map(|(reason, _)| reason).chain(self.losses().iter().map(|loss| loss.reason)).collect()
    }
}
