//! Everything the treasury said is in the report, as it said it.

use std::path::Path;

use bursar_indexer::{
    decode::{args, decode_log, kind, place},
    query::Position,
    source::{Blocks, LogQuery, RawLog, SourceError, Sources},
};

use super::World;
use crate::{
    ReportError,
    annex::Annex,
    books::cell,
    document::Report,
    verify::{
        Check,
        read::{Fields, Table},
    },
};

/// How many blocks are asked for at once; fewer where the node finds that too many.
const RANGE: u64 = 2_000;

/// Walks spans of blocks, each as long as the node can bear.
pub(super) struct Walk {
    next: u64,
    last: u64,
    range: u64,
}

impl Walk {
    pub(super) fn new(first: u64, last: u64) -> Self {
        Self { next: first, last, range: RANGE }
    }

    /// The next span (inclusive); `None` at the end.
    pub(super) fn span(&self) -> Option<(u64, u64)> {
        (self.next <= self.last).then(|| (self.next, self.last.min(self.next.saturating_add(self.range - 1))))
    }

    pub(super) fn done(&mut self, span: (u64, u64)) {
        self.next = span.1.saturating_add(1);
    }

    /// Whether less can be asked for.
    pub(super) fn less(&mut self, error: &SourceError) -> bool {
        let can = error.asks_for_less().is_some() && self.range > 1;
        self.range = (self.range / 2).max(1);
        can
    }
}

/// Compares what the treasury said, span by span, in chain order.
pub(super) async fn events(
    folder: &Path,
    report: &Report,
    world: &World,
    sources: &Sources,
) -> Result<Check, ReportError> {
    let what = "events are the treasury's logs, all of them";
    let mut ours = Ours::open(folder, report)?;
    let mut places = Vec::new();
    let mut walk = Walk::new(world.created, report.subject.height);
    while let Some(span) = walk.span() {
        let query = LogQuery {
            blocks: Blocks::Range(span.0, span.1),
            addresses: vec![report.subject.treasury],
            topics: Default::default(),
        };
        let logs = match sources.logs(&query).await {
            Ok(answer) => answer.what.logs,
            Err(error) if walk.less(&error) => continue,
            Err(error) => {
                return Ok(Check::not_checked(what, format!("blocks {} to {}: {error}", span.0, span.1)));
            }
        };
        for log in logs {
            ours.hold(&log, world, &mut places)?;
        }
        walk.done(span);
    }
    ours.end(&mut places)?;
    Ok(Check::of(what, places))
}

/// The rows of `events` and of what was set aside that the treasury emitted.
struct Ours {
    events: Table,
    event: Option<Fields>,
    aside: Vec<Position>,
    treasury: String,
}

impl Ours {
    fn open(folder: &Path, report: &Report) -> Result<Self, ReportError> {
        let aside = Table::positions(folder, Annex::SetAside)?;
        let events = Table::open(folder, Annex::Events)?;
        let mut ours = Self { events, event: None, aside, treasury: report.subject.treasury.to_string() };
        ours.advance()?;
        Ok(ours)
    }

    /// Goes on to the next row that the treasury emitted; donations are told by tokens, its creation by the factory.
    fn advance(&mut self) -> Result<(), ReportError> {
        loop {
            self.event = self.events.next_row()?;
            match &self.event {
                Some(row) if row.text("address")? != self.treasury => {}
                _ => return Ok(()),
            }
        }
    }

    fn hold(&mut self, log: &RawLog, world: &World, places: &mut Vec<String>) -> Result<(), ReportError> {
        let position = Position { block: log.block_number, log: log.log_index };
        if self.aside.contains(&position) {
            return Ok(());
        }
        while let Some(row) = &self.event
            && row.position()? < position
        {
            places.push(format!("{}: the treasury emitted no such log", at(row.position()?)));
            self.advance()?;
        }
        let expected = match decode_log(log, world.factory, |_| false) {
            Ok(event) => {
                let (_, envelope) = place(&event, log.address);
                [log.tx_hash.to_string(), cell(envelope), kind(&event).to_owned(), args(&event).to_string()]
            }
            Err(error) => {
                places.push(format!("{}: not in the report: {error}", at(position)));
                return Ok(());
            }
        };
        match &self.event {
            Some(row) if row.position()? == position => {
                for (column, expected) in ["tx", "envelope", "kind", "args"].into_iter().zip(&expected) {
                    let got = row.text(column)?;
                    if got != expected {
                        places.push(format!("{}, {column}: expected {expected}, got {got}", at(position)));
                    }
                }
                self.advance()
            }
            _ => {
                let [tx, _, kind, _] = &expected;
                places.push(format!("{}: {kind} of transaction {tx} is missing", at(position)));
                Ok(())
            }
        }
    }

    fn end(&mut self, places: &mut Vec<String>) -> Result<(), ReportError> {
        while let Some(row) = &self.event {
            places.push(format!("{}: the treasury emitted no such log", at(row.position()?)));
            self.advance()?;
        }
        Ok(())
    }
}

fn at(position: Position) -> String {
    format!("events.csv, block {}, log {}", position.block, position.log)
}
