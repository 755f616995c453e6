//! The tree: which of its nodes a question takes, and what the answer is once they are there.
//!
//! Only nodes of whole subtrees are kept, each at a position that never changes (Crosby and Wallach); about two for each
//! leaf. What is above them at a tree's right edge is worked out from at most one node for each bit of its size.

use std::{cell::RefCell, collections::HashMap, mem};

use alloy::primitives::B256;
use tlog_tiles::tlog::{self, Hash, HashReader};

use super::{Consistency, Inclusion, ProofError};

/// The most entries that are reckoned with: positions stay numbers that a database holds.
const MAX_SIZE: u64 = 1 << 48;

/// The root of a log without entries.
pub const EMPTY_ROOT: B256 = B256::new(tlog::EMPTY_HASH.0);

/// The hash of a leaf with those bytes.
pub fn leaf_hash(leaf: &[u8]) -> B256 {
    tlog::record_hash(leaf).0.into()
}

/// How many nodes are kept of a tree with so many leaves: those at the positions below.
pub fn node_count(size: u64) -> u64 {
    tlog::stored_hash_count(size)
}

/// An answer, or the positions of the nodes that it takes and that are not there yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step<T> {
    /// All nodes were there.
    Done(T),
    /// These were not.
    Needs(Vec<u64>),
}

/// Nodes of a tree, by position: as many as somebody has looked up.
#[derive(Debug, Default)]
pub struct Nodes {
    known: HashMap<u64, B256>,
    /// What the last question took and did not find.
    missing: RefCell<Vec<u64>>,
}

impl Nodes {
    /// Adds nodes.
    pub fn add(&mut self, nodes: impl IntoIterator<Item = (u64, B256)>) {
        self.known.extend(nodes);
    }

    /// The root of the first `size` leaves.
    ///
    /// # Errors
    /// When the tree cannot answer.
    pub fn root(&self, size: u64) -> Result<Step<B256>, ProofError> {
        self.step(size, |nodes| tlog::tree_hash(size, nodes).map(|root| root.0.into()))
    }

    /// That leaf `number` is one of the first `size`.
    ///
    /// # Errors
    /// When it is not.
    pub fn inclusion(&self, number: u64, size: u64) -> Result<Step<Inclusion>, ProofError> {
        if number >= size {
            return Err(ProofError::OutOfRange { what: "an entry", size, got: number });
        }
        let path = self.step(size, |nodes| tlog::prove_record(size, number, nodes))?;
        Ok(path.map(|path| Inclusion { number, size, path: bytes(path) }))
    }

    /// That the first `from` leaves are the first of `size`.
    ///
    /// # Errors
    /// When there are not so many.
    pub fn consistency(&self, from: u64, size: u64) -> Result<Step<Consistency>, ProofError> {
        if from > size {
            return Err(ProofError::OutOfRange { what: "an earlier size", size, got: from });
        }
        // Every log begins with nothing: there is nothing to prove.
        let path = match from {
            0 => Step::Done(Vec::new()),
            _ => self.step(size, |nodes| tlog::prove_tree(size, from, nodes))?,
        };
        Ok(path.map(|path| Consistency { from, size, path: bytes(path) }))
    }

    /// The nodes that a leaf adds to a tree of `size`, itself first, at positions from [`node_count`] on.
    fn grown(&self, size: u64, leaf: B256) -> Result<Step<Vec<B256>>, ProofError> {
        let grown =
            self.step(size, |nodes| tlog::stored_hashes_for_record_hash(size, Hash(leaf.0), nodes))?;
        Ok(grown.map(bytes))
    }

    fn step<T>(
        &self,
        size: u64,
        question: impl FnOnce(&Self) -> Result<T, tlog::Error>,
    ) -> Result<Step<T>, ProofError> {
        if size > MAX_SIZE {
            return Err(ProofError::OutOfRange { what: "a size", size: MAX_SIZE, got: size });
        }
        let answer = question(self);
        let missing = mem::take(&mut *self.missing.borrow_mut());
        match answer {
            Ok(answer) => Ok(Step::Done(answer)),
            Err(_) if !missing.is_empty() => Ok(Step::Needs(missing)),
            Err(error) => Err(ProofError::Tree(error.to_string())),
        }
    }
}

impl HashReader for Nodes {
    fn read_hashes(&self, positions: &[u64]) -> Result<Vec<Hash>, tlog::Error> {
        let missing = positions.iter().copied().filter(|position| !self.known.contains_key(position));
        *self.missing.borrow_mut() = missing.collect();
        let found = positions.iter().filter_map(|position| self.known.get(position));
        let found: Vec<Hash> = found.map(|hash| Hash(hash.0)).collect();
        if found.len() == positions.len() { Ok(found) } else { Err(tlog::Error::IndexesNotInTree) }
    }
}

impl<T> Step<T> {
    fn map<U>(self, f: impl FnOnce(T) -> U) -> Step<U> {
        match self {
            Self::Done(it) => Step::Done(f(it)),
            Self::Needs(positions) => Step::Needs(positions),
        }
    }
}

fn bytes(hashes: Vec<Hash>) -> Vec<B256> {
    hashes.into_iter().map(|hash| hash.0.into()).collect()
}

/// A tree that grows leaf by leaf. It remembers the nodes of its right edge, at most one for each bit of its size.
#[derive(Debug, Default)]
pub struct Growth {
    size: u64,
    edge: Nodes,
}

impl Growth {
    /// The positions of the nodes that a tree of `size` goes on from, the first leaf's side first.
    pub fn edge_of(size: u64) -> Vec<u64> {
        tlog::sub_tree_index(0, size, Vec::new())
    }

    /// A tree of `size` that goes on from the nodes at [`Growth::edge_of`].
    ///
    /// # Errors
    /// When one of them is missing.
    pub fn from(size: u64, edge: impl IntoIterator<Item = (u64, B256)>) -> Result<Self, ProofError> {
        let mut nodes = Nodes::default();
        nodes.add(edge);
        done(nodes.root(size)?)?;
        Ok(Self { size, edge: nodes })
    }

    /// How many leaves there are.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Adds a leaf, and gives the nodes that it adds with their positions.
    ///
    /// # Errors
    /// When the tree is as large as can be.
    pub fn push(&mut self, leaf: B256) -> Result<Vec<(u64, B256)>, ProofError> {
        let added = done(self.edge.grown(self.size, leaf)?)?;
        let added: Vec<(u64, B256)> = (node_count(self.size)..).zip(added).collect();
        self.size += 1;
        self.edge.add(added.iter().copied());
        // What is below the edge is not asked for any more.
        let edge = Self::edge_of(self.size);
        self.edge.known.retain(|position, _| edge.contains(position));
        Ok(added)
    }

    /// The root.
    ///
    /// # Errors
    /// Never: its edge is there.
    pub fn root(&self) -> Result<B256, ProofError> {
        done(self.edge.root(self.size)?)
    }
}

fn done<T>(step: Step<T>) -> Result<T, ProofError> {
    match step {
        Step::Done(it) => Ok(it),
        Step::Needs(positions) => Err(ProofError::Node(positions.first().copied().unwrap_or_default())),
    }
}
