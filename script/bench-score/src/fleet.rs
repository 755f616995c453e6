//! All agents, session by session in the order of time, as blocks would bring them.

use std::{
    collections::BTreeMap,
    num::NonZero,
    panic::resume_unwind,
    time::{Duration, Instant},
};

use crate::agent::{Agent, Kind, LIMIT};

/// Monday 2026-01-05 00:00 UTC.
pub(crate) const MONDAY: u64 = 1_767_571_200;

/// How long, and how busy.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Week {
    /// Per agent and day.
    pub(crate) sessions: u64,
    pub(crate) days: u64,
}

impl Week {
    /// Sessions per agent.
    pub(crate) fn all(self) -> u64 {
        self.sessions * self.days
    }
}

/// Of one kind of agent.
#[derive(Debug, Default, Clone)]
pub(crate) struct Tally {
    pub(crate) agents: u64,
    pub(crate) reviews: u64,
    pub(crate) scores: u64,
    pub(crate) lowest: Option<u16>,
    pub(crate) highest: u16,
    /// Runaways, and those that a human had to look at before a twentieth of the limit was spent.
    pub(crate) runaways: u64,
    pub(crate) in_time: u64,
}

/// What came of it.
#[derive(Debug, Default)]
pub(crate) struct Figures {
    pub(crate) agents: u64,
    pub(crate) sessions: u64,
    pub(crate) events: u64,
    pub(crate) threads: usize,
    pub(crate) wall: Duration,
    pub(crate) by_kind: BTreeMap<Kind, Tally>,
    /// Of the first agents, for comparison.
    pub(crate) first: Vec<(u64, u16, bool)>,
}

/// Scores the fleet from scratch.
pub(crate) fn score(agents: u64, week: Week, threads: NonZero<usize>) -> Figures {
    let started = Instant::now();
    let share = agents.div_ceil(threads.get() as u64).max(1);
    let mut figures = std::thread::scope(|scope| {
        let starts = (0..agents).step_by(usize::try_from(share).unwrap_or(usize::MAX));
        let workers: Vec<_> =
            starts.map(|from| scope.spawn(move || part(from, (from + share).min(agents), week))).collect();
        let parts =
            workers.into_iter().map(|worker| worker.join().unwrap_or_else(|panic| resume_unwind(panic)));
        parts.fold(Figures::default(), merged)
    });
    (figures.wall, figures.threads) = (started.elapsed(), threads.get());
    figures
}

fn part(from: u64, to: u64, week: Week) -> Figures {
    let mut agents: Vec<Agent> = (from..to).map(|number| Agent::new(number, week)).collect();
    let started = Instant::now();
    for session in 0..week.all() {
        // All parts are as far as the first, about.
        if from == 0 && session != 0 && session % week.sessions == 0 {
            let day = session / week.sessions;
            eprintln!("  {day} of {} days after {} s", week.days, started.elapsed().as_secs());
        }
        for agent in &mut agents {
            std::hint::black_box(agent.step());
        }
    }
    let mut figures = Figures { agents: to - from, sessions: (to - from) * week.all(), ..Figures::default() };
    for (number, agent) in (from..).zip(&agents) {
        let at = agent.state.at();
        let (value, review) = (agent.state.evaluate(at).value, agent.state.review(at).is_some());
        figures.events += agent.events;
        let tally = figures.by_kind.entry(agent.script.kind).or_default();
        tally.add(agent, value, review);
        if number < 1_000 {
            figures.first.push((number, value, review));
        }
    }
    figures
}

impl Tally {
    fn add(&mut self, agent: &Agent, value: u16, review: bool) {
        self.agents += 1;
        self.reviews += u64::from(review);
        self.scores += u64::from(value);
        self.lowest = Some(self.lowest.map_or(value, |lowest| lowest.min(value)));
        self.highest = self.highest.max(value);
        if agent.script.kind == Kind::Runaway {
            self.runaways += 1;
            self.in_time += u64::from(agent.spent_until_review.is_some_and(|spent| spent < LIMIT / 20));
        }
    }
}

fn merged(mut all: Figures, part: Figures) -> Figures {
    all.agents += part.agents;
    all.sessions += part.sessions;
    all.events += part.events;
    all.first.extend(part.first);
    for (kind, tally) in part.by_kind {
        let sum = all.by_kind.entry(kind).or_default();
        sum.agents += tally.agents;
        sum.reviews += tally.reviews;
        sum.scores += tally.scores;
        sum.lowest = sum.lowest.into_iter().chain(tally.lowest).min();
        sum.highest = sum.highest.max(tally.highest);
        sum.runaways += tally.runaways;
        sum.in_time += tally.in_time;
    }
    all
}
