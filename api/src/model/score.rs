//! Scores, as clients read them.

use bursar_indexer::query::{envelopes, scores};
use bursar_sdk::score::{self, CLEARING, Cause, Evaluation, State, Trigger};
use serde::Serialize;
use utoipa::ToSchema;

use crate::wire::Addr;

/// The score of an envelope's agent: 300 to 850, with every reason. `docs/SCORE.md` says how it comes about.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Score {
    /// The treasury.
    pub treasury: Addr,
    /// The envelope's number.
    pub envelope: u32,
    /// The block that the ledger stands at, or the one that was asked for: whoever has the ledger up to it gets the
    /// same score. Null before the first.
    pub block: Option<u64>,
    /// As of when it is computed, in unix seconds: now, or the last event up to the block that was asked for.
    pub at: u64,
    /// The score.
    pub value: u16,
    /// Whether sessions may open on it.
    pub gate: Gate,
    /// Why a human has to look; null where nobody has to.
    pub review: Option<Review>,
    /// Why it is not higher: the caps that apply, the lowest first, then the four largest losses.
    pub reasons: Vec<Reason>,
    /// The seven terms, by weight.
    pub terms: Vec<Term>,
    /// What it is computed from.
    pub inputs: Inputs,
}

/// A score in a line.
#[derive(Debug, Serialize, ToSchema)]
pub struct ScoreBrief {
    /// The score, 300 to 850.
    pub value: u16,
    /// Whether sessions may open on it.
    pub gate: Gate,
    /// Why it is not higher.
    pub reasons: Vec<Reason>,
}

/// A score as it stood after a block.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PastScore {
    /// The block that changed it, records taken in at its height included.
    pub block: u64,
    /// When, in unix seconds.
    pub at: u64,
    /// The score.
    pub value: u16,
    /// Why a human had to look; null where nobody had to.
    pub review: Option<Review>,
    /// Why it was not higher.
    pub reasons: Vec<Reason>,
}

/// Whether sessions may open on a score.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Gate {
    /// They may.
    Open,
    /// A human has to look first.
    Review,
    /// No reviewer has reported a score on chain for as long as one lives.
    Stale,
}

/// Why a human has to look.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Review {
    /// `compromised`, `below` or `fell`.
    pub cause: &'static str,
    /// Since when, in unix seconds.
    pub since: u64,
    /// The score then.
    pub value: u16,
    /// What it was below, or what it fell from; null for compromise.
    pub mark: Option<u16>,
    /// The score from which on it may be cleared without reasons in writing.
    pub clearing: u16,
}

/// Why a score is not higher.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Reason {
    /// Stable, for programs.
    #[schema(example = "R10")]
    pub code: &'static str,
    /// For people.
    pub help: &'static str,
    /// No score is above this while it applies; null for a loss.
    pub cap: Option<u16>,
    /// The points lost, in millionths; null for a cap.
    pub lost_micropoints: Option<u64>,
}

/// What one term is worth, and what of that there is.
#[derive(Debug, Serialize, ToSchema)]
pub struct Term {
    /// `TRJ`, `HDR`, `CMP`, `DEN`, `DEC`, `PAY` or `LAT`.
    pub term: &'static str,
    /// The most, in points.
    pub weight: u64,
    /// In millionths of a point.
    pub micropoints: u64,
}

/// What a score is computed from. Ratios are in millionths.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Inputs {
    /// Whether there is a limit to hold spending against.
    pub limited: bool,
    /// What was paid in the window, of its limit.
    pub used: u64,
    /// How much of the window has passed.
    pub elapsed: u64,
    /// The mean pace; one spends the limit in a window.
    pub pace: u64,
    /// The pace of the last minutes, divided by six.
    pub burst: u64,
    /// What the window's spending comes to at this pace, of its limit.
    pub projection: u64,
    /// Use of the limit that is nearest to its end.
    pub headroom: u64,
    /// Settlements that brought what they paid for.
    pub completion: u64,
    /// Denials by weight, of attempts.
    pub denials: u64,
    /// Rejected requests for approval, of those answered.
    pub rejections: u64,
    /// Settlements whose decision is known, of those due.
    pub coverage: u64,
    /// What was paid to new payees, of what was paid.
    pub new_payees: u64,
    /// The 95th percentile from decision to settlement, in targets of 16 s.
    pub latency: u64,
    /// How many settlements there ever were that can earn something.
    pub settlements: u64,
    /// Whether a guardian stopped the envelope for compromise.
    pub compromised: bool,
}

impl Score {
    /// As it stands at `now` (unix seconds); the ledger stands at `block`.
    pub fn new(row: &envelopes::Envelope, state: &State, block: Option<u64>, now: u64) -> Self {
        let (evaluation, review) = (state.evaluate(now), state.review(now));
        Self::of(row, block, gate(row, review, now), &evaluation, review)
    }

    /// As it stood at a height. What the gate asked of reports then, only the chain can tell.
    pub fn past(row: &envelopes::Envelope, past: &scores::Past, block: u64) -> Self {
        let gate = if past.review.is_some() { Gate::Review } else { Gate::Open };
        Self::of(row, Some(block), gate, &past.evaluation, past.review)
    }

    fn of(
        row: &envelopes::Envelope,
        block: Option<u64>,
        gate: Gate,
        evaluation: &Evaluation,
        review: Option<Trigger>,
    ) -> Self {
        let terms = score::Term::ALL.into_iter().zip(evaluation.points);
        Self {
            treasury: row.treasury.into(),
            envelope: row.number,
            block,
            at: evaluation.at,
            value: evaluation.value,
            gate,
            review: review.map(Review::from),
            reasons: reasons(evaluation),
            terms: terms
                .map(|(term, micropoints)| Term { term: term.code(), weight: term.weight(), micropoints })
                .collect(),
            inputs: Inputs::from(&evaluation.inputs),
        }
    }
}

impl ScoreBrief {
    /// As it stands at `now` (unix seconds).
    pub fn new(row: &envelopes::Envelope, state: &State, now: u64) -> Self {
        let evaluation = state.evaluate(now);
        Self {
            value: evaluation.value,
            gate: gate(row, state.review(now), now),
            reasons: reasons(&evaluation),
        }
    }
}

fn gate(row: &envelopes::Envelope, review: Option<Trigger>, now: u64) -> Gate {
    // What lets sessions open is the score that a reviewer reported on chain, not the one that we know.
    let reported_at = row.score.map_or(0, |(_, at)| at);
    match score::Gate::new(review, reported_at, row.score_life, now) {
        score::Gate::Open => Gate::Open,
        score::Gate::Review(_) => Gate::Review,
        score::Gate::Stale { .. } => Gate::Stale,
    }
}

fn reasons(of: &Evaluation) -> Vec<Reason> {
    let reason = |reason: score::Reason| (reason.code(), reason.help());
    let caps = of.caps().map(|(why, cap)| {
        let (code, help) = reason(why);
        Reason { code, help, cap: Some(cap), lost_micropoints: None }
    });
    let losses = of.losses().into_iter().map(|loss| {
        let (code, help) = reason(loss.reason);
        Reason { code, help, cap: None, lost_micropoints: Some(loss.micropoints) }
    });
    caps.chain(losses).collect()
}

impl From<scores::Past> for PastScore {
    fn from(past: scores::Past) -> Self {
        Self {
            block: past.block,
            at: past.evaluation.at,
            value: past.evaluation.value,
            review: past.review.map(Review::from),
            reasons: reasons(&past.evaluation),
        }
    }
}

impl From<Trigger> for Review {
    fn from(trigger: Trigger) -> Self {
        let (cause, mark) = match trigger.cause {
            Cause::Compromised => ("compromised", None),
            Cause::Below(mark) => ("below", Some(mark)),
            Cause::FellFrom(mark) => ("fell", Some(mark)),
        };
        Self { cause, since: trigger.at, value: trigger.value, mark, clearing: CLEARING }
    }
}

impl From<&score::Inputs> for Inputs {
    fn from(of: &score::Inputs) -> Self {
        Self {
            limited: of.limited,
            used: of.used,
            elapsed: of.elapsed,
            pace: of.pace,
            burst: of.burst,
            projection: of.projection(),
            headroom: of.headroom,
            completion: of.completion,
            denials: of.denials,
            rejections: of.rejections,
            coverage: of.coverage,
            new_payees: of.new_payees,
            latency: of.latency,
            settlements: of.settlements,
            compromised: of.compromised,
        }
    }
}
