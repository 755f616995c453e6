//! The leaves held against the tree, and the tree against roots that somebody has seen.

use std::collections::HashMap;

use alloy::primitives::{Address, B256};
use bursar_sdk::transparency::{EMPTY_ROOT, Growth, leaf_hash, node_count};

use super::{Findings, Mark, Trouble};
use crate::db::{Db, DbError, Query};

/// A walk along a log. The tree is grown anew from the leaves that its nodes tell, so that an entry that was changed is
/// found at its place, and no node above it for that.
pub(super) struct Walk<'a> {
    treasury: Address,
    growth: Growth,
    /// By size.
    marks: Vec<&'a Mark>,
    /// How many of the marks are behind.
    passed: usize,
    /// The size of the last mark that fits.
    fits: u64,
    /// Whether so many entries are missing that there is no tree to speak of.
    lost: bool,
}

/// The longest gap that is walked across, in entries.
const GAP: u64 = 4_096;

impl<'a> Walk<'a> {
    pub(super) fn new(treasury: Address, marks: &'a [Mark]) -> Self {
        let mut marks: Vec<&Mark> = marks.iter().collect();
        marks.sort_by_key(|mark| mark.size);
        Self { treasury, growth: Growth::default(), marks, passed: 0, fits: 0, lost: false }
    }

    /// Takes the next entries up to `next` (exclusive), by number.
    pub(super) async fn entries(
        &mut self,
        db: &Db,
        rows: &[(u64, String)],
        next: u64,
        findings: &mut Findings,
    ) -> Result<(), DbError> {
        let here = self.growth.size();
        if next.saturating_sub(here) > rows.len() as u64 + GAP {
            let there = rows.iter().zip(here..).take_while(|((found, _), number)| found == number).count();
            findings.add(None, None, Trouble::Missing { from: here + there as u64, to: next - 1 });
            self.lost = true;
        }
        if self.lost {
            return Ok(());
        }
        let nodes = self.nodes(db, next).await?;
        let mut rows = rows.iter().peekable();
        while self.growth.size() < next {
            let number = self.growth.size();
            let Some((_, text)) = rows.next_if(|(found, _)| *found == number) else {
                let to = rows.peek().map_or(next, |(found, _)| *found) - 1;
                findings.add(None, None, Trouble::Missing { from: number, to });
                for number in number..=to {
                    self.grow(number, None, &nodes, findings);
                }
                continue;
            };
            self.grow(number, Some(leaf_hash(text.as_bytes())), &nodes, findings);
        }
        Ok(())
    }

    /// A leaf, as the tree has it; where it has none, as the entry says.
    fn grow(
        &mut self,
        number: u64,
        entry: Option<B256>,
        nodes: &HashMap<u64, B256>,
        findings: &mut Findings,
    ) {
        self.pass(findings);
        let told = nodes.get(&node_count(number)).copied();
        if let (Some(expected), Some(got)) = (told, entry)
            && expected != got
        {
            findings.add(Some(number), None, Trouble::Leaf { expected, got });
        }
        let leaf = told.or(entry).unwrap_or_default();
        // A tree grows as long as there is room for its numbers, and those are in a database.
        let Ok(added) = self.growth.push(leaf) else { return };
        for (position, expected) in added {
            match nodes.get(&position) {
                None => findings.add(Some(number), None, Trouble::NodeGone { position }),
                Some(got) if *got != expected => {
                    findings.add(Some(number), None, Trouble::Node { position, expected, got: *got });
                }
                Some(_) => {}
            }
        }
    }

    /// Holds the tree against the roots that were seen of it at this size.
    fn pass(&mut self, findings: &mut Findings) {
        let size = self.growth.size();
        while let Some(mark) = self.marks.get(self.passed).filter(|mark| mark.size == size) {
            self.passed += 1;
            let got = self.growth.root().unwrap_or(EMPTY_ROOT);
            if got == mark.root {
                self.fits = size;
                continue;
            }
            let (expected, since, seen) = (mark.root, self.fits, mark.seen.clone());
            findings.add(None, None, Trouble::Root { size, expected, got, since, seen });
        }
    }

    /// Nothing comes any more: the root of what there was.
    pub(super) fn end(mut self, size: u64, nodes: u64, findings: &mut Findings) -> B256 {
        if self.lost {
            return self.growth.root().unwrap_or(EMPTY_ROOT);
        }
        self.pass(findings);
        for mark in self.marks.split_off(self.passed) {
            let (expected, seen) = (mark.size, mark.seen.clone());
            findings.add(None, None, Trouble::Truncated { expected, got: size, seen });
        }
        let expected = node_count(size);
        if nodes > expected {
            findings.add(None, None, Trouble::Nodes { expected, got: nodes });
        }
        self.growth.root().unwrap_or(EMPTY_ROOT)
    }

    /// The nodes that the entries from here to `next` added.
    async fn nodes(&self, db: &Db, next: u64) -> Result<HashMap<u64, B256>, DbError> {
        let query = Query::new(
            "SELECT position, hash FROM log_node WHERE treasury = $1 AND position >= $2 AND position < $3",
        );
        let (from, to) = (node_count(self.growth.size()), node_count(next));
        let rows = query.bind(self.treasury).bind(from).bind(to).rows(db).await?;
        // A hash of another length is none.
        rows.iter().map(|row| Ok((row.number("position")?, row.hash("hash").unwrap_or_default()))).collect()
    }
}
