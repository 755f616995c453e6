//! Rows of annexes, read back.

use std::{fs::File, io::BufReader, path::Path, str::FromStr};

use alloy::primitives::{Address, Bytes};
use bursar_indexer::query::{
    Position,
    erasures::{Note, Place, Tombstone},
    history::{Asked, Event, SetAside, Settled},
};
use bursar_sdk::{
    decision::Verdict,
    transparency::{Entry, LogKind, SCHEMA},
};
use csv::StringRecord;

use crate::{
    ReportError,
    annex::{Annex, unguarded},
};

/// An annex, row by row.
pub(super) struct Table {
    annex: Annex,
    reader: csv::Reader<BufReader<File>>,
    record: StringRecord,
}

/// One row of it.
#[derive(Debug, Clone)]
pub(super) struct Fields {
    annex: Annex,
    line: u64,
    cells: Vec<String>,
}

impl Table {
    pub(super) fn open(folder: &Path, annex: Annex) -> Result<Self, ReportError> {
        let file = BufReader::with_capacity(1 << 16, File::open(folder.join(annex.file()))?);
        let mut reader = csv::Reader::from_reader(file);
        let headings: Vec<&str> = reader.headers()?.iter().collect();
        if headings != annex.columns() {
            return Err(ReportError::row(
                annex,
                format!("expected the columns {:?}, got {headings:?}", annex.columns()),
            ));
        }
        Ok(Self { annex, reader, record: StringRecord::new() })
    }

    /// Where on the chain an annex's rows stand.
    pub(super) fn positions(folder: &Path, annex: Annex) -> Result<Vec<Position>, ReportError> {
        let (mut table, mut positions) = (Self::open(folder, annex)?, Vec::new());
        while let Some(row) = table.next_row()? {
            positions.push(row.position()?);
        }
        Ok(positions)
    }

    pub(super) fn next_row(&mut self) -> Result<Option<Fields>, ReportError> {
        if !self.reader.read_record(&mut self.record)? {
            return Ok(None);
        }
        let line = self.record.position().map(csv::Position::line).unwrap_or_default();
        let cells = self.record.iter().map(|cell| unguarded(cell).to_owned()).collect();
        Ok(Some(Fields { annex: self.annex, line, cells }))
    }
}

impl Fields {
    pub(super) fn cells(&self) -> &[String] {
        &self.cells
    }

    pub(super) fn text(&self, column: &'static str) -> Result<&str, ReportError> {
        let place = self.annex.place(column)?;
        self.cells.get(place).map(String::as_str).ok_or_else(|| self.wrong(column, "a cell", "none"))
    }

    pub(super) fn get<T: FromStr>(&self, column: &'static str) -> Result<T, ReportError> {
        let text = self.text(column)?;
        text.parse().map_err(|_| self.wrong(column, std::any::type_name::<T>(), text))
    }

    fn maybe<T: FromStr>(&self, column: &'static str) -> Result<Option<T>, ReportError> {
        if self.text(column)?.is_empty() { Ok(None) } else { self.get(column).map(Some) }
    }

    fn wrong(&self, column: &str, expected: &str, got: &str) -> ReportError {
        let got: String = got.chars().take(80).collect();
        let kind = expected.rsplit("::").next().unwrap_or(expected);
        ReportError::row(self.annex, format!("line {}, {column}: expected {kind}, got {got:?}", self.line))
    }

    pub(super) fn position(&self) -> Result<Position, ReportError> {
        Ok(Position { block: self.get("block")?, log: self.get("log")? })
    }

    pub(super) fn event(&self) -> Result<Event, ReportError> {
        Ok(Event {
            position: self.position()?,
            timestamp: self.get("time")?,
            tx_hash: self.get("tx")?,
            address: self.get("address")?,
            envelope: self.maybe("envelope")?,
            kind: self.text("kind")?.to_owned(),
            args: self.text("args")?.to_owned(),
        })
    }

    /// The payment, without the record of its decision; and whether there is one.
    pub(super) fn payment(&self) -> Result<(Settled, bool), ReportError> {
        let payment = Settled {
            position: self.position()?,
            block_hash: self.get("block_hash")?,
            timestamp: self.get("time")?,
            tx_hash: self.get("tx")?,
            envelope: self.get("envelope")?,
            agent: self.get("agent")?,
            purse: self.get("purse")?,
            session: self.get("session")?,
            policy_version: self.get("policy_version")?,
            asset: self.get("asset")?,
            payee: self.get("payee")?,
            amount: self.get("amount")?,
            rail: self.text("rail")?.to_owned(),
            nonce: self.maybe("nonce")?,
            decision_hash: self.maybe("decision_hash")?,
            approver: self.maybe("approver")?,
            facilitator: self.get("facilitator")?,
            decision: None,
        };
        Ok((payment, self.text("explained")? == "yes"))
    }

    /// What is left of a record that was erased, without the signature that says so.
    pub(super) fn erased(&self) -> Result<Tombstone, ReportError> {
        let verdict = || {
            let code = self.text("verdict")?;
            Verdict::of(code).ok_or_else(|| self.wrong("verdict", "a verdict", code))
        };
        let place = match self.text("kind")? {
            "decision" => Place::Decision {
                seq: self.get("seq")?,
                prev_hash: self.get("prev_hash")?,
                verdict: verdict()?,
            },
            "outcome" => {
                Place::Outcome { decision_hash: self.get("decision_hash")?, revision: self.get("revision")? }
            }
            kind => return Err(self.wrong("kind", "decision or outcome", kind)),
        };
        let note = Note {
            hash: self.get("hash")?,
            erased_at: self.get("erased_at")?,
            erased_by: self.get("erased_by")?,
            category: self.get("category")?,
            signature: Bytes::new(),
        };
        Ok(Tombstone {
            note,
            place,
            treasury: Address::ZERO,
            envelope: self.get("envelope")?,
            agent: self.get("agent")?,
            purse: self.get("purse")?,
            nonce: self.maybe("nonce")?,
            created_at: self.get("created_at")?,
            received_at: self.get("received_at")?,
            contract: false,
        })
    }

    pub(super) fn asked(&self) -> Result<Asked, ReportError> {
        let answer: Option<String> = self.maybe("answer")?;
        Ok(Asked {
            digest: self.get("digest")?,
            purse: self.get("purse")?,
            payee: self.get("payee")?,
            amount: self.get("amount")?,
            valid_before: self.get("valid_before")?,
            nonce: self.get("nonce")?,
            decision_hash: self.get("decision_hash")?,
            requested_at: self.get("requested_at")?,
            answer: match answer {
                Some(answer) => Some((answer, self.get("answered_by")?, self.get("answered_at")?)),
                None => None,
            },
        })
    }

    /// An entry of that treasury's log, with its number.
    pub(super) fn logged(&self, treasury: Address) -> Result<(u64, Entry), ReportError> {
        let kind = self.text("kind")?;
        let entry = Entry {
            schema: SCHEMA.to_owned(),
            kind: LogKind::of(kind).ok_or_else(|| self.wrong("kind", "a kind of entry", kind))?,
            treasury,
            envelope: self.maybe("envelope")?,
            subject: self.get("subject")?,
            content: self.maybe("content")?,
            fact: self.maybe("fact")?,
            at: self.get("at")?,
            height: self.get("height")?,
        };
        Ok((self.get("number")?, entry))
    }

    pub(super) fn aside(&self) -> Result<SetAside, ReportError> {
        Ok(SetAside {
            position: self.position()?,
            tx_hash: self.get("tx")?,
            address: self.get("address")?,
            error: self.text("error")?.to_owned(),
        })
    }
}
