//! From a treasury's history, row by row, to its report. Takes rows and writes annexes; asks nobody anything.

mod groupings;
mod log;
mod rows;

use std::{
    collections::{BTreeMap, BTreeSet},
    io::Write,
};

use alloy::primitives::{Address, B256};
use bursar_indexer::query::{
    erasures::{Place, Tombstone},
    history::{Asked, Event, Kept, SetAside, Settled},
};
use bursar_sdk::{
    record::RecordKind,
    transparency::{LogKind, SignedCheckpoint},
};

use self::groupings::GROUPINGS;
use crate::{
    ReportError,
    annex::{Annexes, Summary},
    books::{Books, Place as Where, Row},
    controls::Mapping,
    document::{Log, Report, SCHEMA},
    event, exposure,
    logbook::LogBook,
    records::Story,
    sections::{self, Material},
    subject::Subject,
    tally::Tally,
    trial::{RecordChains, Told, Trials},
};

/// What the report is put together from.
#[derive(Debug)]
pub struct Builder<W: Write> {
    subject: Subject,
    annexes: Annexes<W>,
    tally: Tally,
    books: Books,
    trials: Trials,
    chains: RecordChains,
    erased: Erased,
    log: LogBook,
    signed: Option<SignedCheckpoint>,
}

/// What is left of records that were erased.
#[derive(Debug, Default)]
struct Erased {
    /// Payments whose decision was, by purse and nonce.
    payments: BTreeSet<(Address, B256)>,
    /// Outcomes that were, by decision and number.
    outcomes: BTreeMap<(B256, u32), B256>,
}

impl<W: Write> Builder<W> {
    /// An empty report whose annexes go there.
    ///
    /// # Errors
    /// When they cannot be written.
    pub fn new(subject: Subject, annexes: Annexes<W>) -> Result<Self, ReportError> {
        let groupings = GROUPINGS
            .iter()
            .map(|(annex, columns)| (*annex, columns.iter().copied().collect::<BTreeSet<_>>()));
        Ok(Self {
            subject,
            annexes,
            tally: Tally::by(groupings)?,
            books: Books::default(),
            trials: Trials::default(),
            chains: RecordChains::default(),
            erased: Erased::default(),
            log: LogBook::default(),
            signed: None,
        })
    }

    /// Takes what is left of a record that was erased. Before everything else.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn erased(&mut self, stone: &Tombstone) -> Result<(), ReportError> {
        match stone.place {
            Place::Decision { seq, prev_hash, .. } => {
                self.chains.push(stone.purse, seq, stone.note.hash, prev_hash);
                self.erased.payments.extend(stone.nonce.map(|nonce| (stone.purse, nonce)));
            }
            Place::Outcome { decision_hash, revision } => {
                self.erased.outcomes.insert((decision_hash, revision), stone.note.hash);
            }
        }
        self.log.erased(stone, self.subject.records_until);
        self.put(rows::erased(stone))
    }

    /// Takes the next event, in chain order with payments.
    ///
    /// # Errors
    /// When it does not read, does not follow from those before it, or cannot be written.
    pub fn event(&mut self, event: &Event) -> Result<(), ReportError> {
        let said = event::read(event)?;
        self.trials.event(&self.books, event, &said);
        self.put(rows::event(event))?;
        for row in self.books.apply(event, &said)? {
            self.put(row)?;
        }
        self.found()
    }

    /// Takes the next payment, in chain order with events; `outcomes` are its decision's, oldest first.
    ///
    /// # Errors
    /// As [`Self::event`].
    pub fn payment(&mut self, payment: &Settled, outcomes: &[Kept]) -> Result<(), ReportError> {
        let told = match &payment.decision {
            None => None,
            Some(kept) => self.story(kept, outcomes, true)?,
        };
        let erased = told.is_none()
            && payment.nonce.is_some_and(|nonce| self.erased.payments.contains(&(payment.purse, nonce)));
        let told_of = told.as_ref().map(|(told, _)| told);
        let disagrees = self.trials.payment(&mut self.books, payment, told_of, erased);
        if self.trials.alarming() {
            self.books.signal(payment.envelope, "exception", Where::of_payment(payment));
        }
        let delivered = told.as_ref().and_then(|(_, delivered)| *delivered);
        if !erased {
            self.trials.delivered(payment, delivered);
        }
        self.books.pay(payment);
        let explained = match (erased, told.is_some()) {
            (true, _) => "erased",
            (false, true) => "yes",
            (false, false) => "no",
        };
        self.put(rows::payment(payment, explained, &disagrees, delivered))?;
        self.found()
    }

    /// Takes a decision that nothing settled under, with its outcomes, oldest first. After the last payment.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn unsettled(&mut self, kept: &Kept, outcomes: &[Kept]) -> Result<(), ReportError> {
        if let Some((told, _)) = self.story(kept, outcomes, false)? {
            self.trials.unsettled(&told);
        }
        self.found()
    }

    /// Takes a payment that waited for a human.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn asked(&mut self, asked: &Asked) -> Result<(), ReportError> {
        self.log.asked(asked);
        self.put(rows::asked(asked))
    }

    /// Takes a log that was set aside.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn set_aside(&mut self, row: &SetAside) -> Result<(), ReportError> {
        self.trials.set_aside(row);
        self.put(rows::set_aside(row))?;
        self.found()
    }

    /// The report, once everything was taken; and its files, closed.
    ///
    /// # Errors
    /// When something cannot be written.
    pub fn finish(mut self) -> Result<(Report, Vec<(Summary, W)>), ReportError> {
        let purses_with_records = self.chains.len();
        self.trials.chains(std::mem::take(&mut self.chains));
        self.trials.end(&self.books);
        let log = std::mem::take(&mut self.log).end(&mut self.trials)?;
        self.found()?;
        let open: Vec<Row> = self.books.sessions.values().map(|session| session.row(None)).collect();
        let at = self.subject.block_time;
        let payees = exposure::payees(&self.books, &self.tally, at)?;
        for row in open.into_iter().chain(exposure::exposure(&self.books, &self.tally, at)?).chain(payees) {
            self.put(row)?;
        }
        let trials = self.trials.verdicts();
        let mapping = Mapping::committed()?;
        let frameworks = mapping.judged(&self.subject, &trials);
        let files = self.annexes.close()?;
        let annexes: Vec<Summary> = files.iter().map(|(summary, _)| summary.clone()).collect();
        let material = Material {
            subject: &self.subject,
            tally: &self.tally,
            books: &self.books,
            trials: &trials,
            frameworks: &frameworks,
            annexes: &annexes,
            mapping: &mapping,
            purses_with_records,
            log: &log,
            signed: self.signed.as_ref(),
        };
        let report = Report {
            schema: SCHEMA.to_owned(),
            producer: concat!("bursar ", env!("CARGO_PKG_VERSION")).to_owned(),
            id: self.subject.id()?,
            sections: sections::all(&material)?,
            underwriting: sections::underwriting(&material)?,
            trials,
            frameworks,
            annexes,
            log: Log { root: log.root, checkpoint: self.signed },
            subject: self.subject,
        };
        Ok((report, files))
    }

    /// A decision with what came of it: its rows, and the line of its records. `None` where it does not read.
    fn story(
        &mut self,
        kept: &Kept,
        outcomes: &[Kept],
        settled: bool,
    ) -> Result<Option<(Told, Option<bool>)>, ReportError> {
        self.annexes.record(&Story { decision: kept.clone(), outcomes: outcomes.to_vec() }.line()?)?;
        let told = match crate::trial::told(kept) {
            Ok(told) => told,
            Err(error) => {
                self.trials.unreadable(alloy::primitives::keccak256(&kept.canonical), &error);
                return Ok(None);
            }
        };
        self.chains.push(told.record.purse, told.record.seq, told.hash, told.record.prev_hash);
        self.log.decision(&told, kept)?;
        let signers = [Some(told.record.agent), self.books.keys.get(&told.record.session).copied()];
        let by = self.trials.sealed(&self.subject, RecordKind::Decision, told.hash, kept, signers);
        self.put(rows::decision(&told, kept, by, settled))?;
        let (mut delivered, mut last) = (None, B256::ZERO);
        for kept in outcomes {
            match crate::trial::outcome(kept) {
                Ok((record, hash)) => {
                    let before = (told.hash, record.revision.saturating_sub(1));
                    last = self.erased.outcomes.get(&before).copied().unwrap_or(last);
                    self.trials.outcome(&told, &record, hash, &mut last);
                    self.log.record(hash, LogKind::Outcome, kept)?;
                    let by = self.trials.sealed(&self.subject, RecordKind::Outcome, hash, kept, signers);
                    self.put(rows::outcome(&record, hash, kept, by))?;
                    delivered = Some(record.delivered);
                }
                Err(error) => {
                    self.trials.unreadable(alloy::primitives::keccak256(&kept.canonical), &error);
                }
            }
        }
        Ok(Some((told, delivered)))
    }

    fn found(&mut self) -> Result<(), ReportError> {
        for row in self.trials.take_found() {
            self.put(row)?;
        }
        Ok(())
    }

    fn put(&mut self, row: Row) -> Result<(), ReportError> {
        self.tally.add(row.annex, &row.cells)?;
        self.annexes.row(row.annex, &row.cells)
    }
}
