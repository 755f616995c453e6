//! What a treasury's transparency log has about some records.

use alloy::primitives::{Address, B256};
use bursar_indexer::{
    db::Db,
    query::{
        Past,
        log::{self, Anchor, Leaf, LogError},
    },
};

/// Entries of the log that are looked at of one record.
const ENTRIES: u32 = 10;
/// Newest anchors up to then that are looked through, oldest first.
const ANCHORS: u32 = 64;

/// The log as it stands, and what it has.
pub(crate) struct Logged {
    /// How many entries it has.
    pub(crate) size: u64,
    /// Their root.
    pub(crate) root: B256,
    /// Those about the records, in the order in which they came.
    pub(crate) entries: Vec<Placed>,
}

impl Logged {
    /// Leaves out the entries that came after a moment. Size and root stay today's, as do the ways to it.
    pub(crate) fn forget_after(&mut self, past: Past) {
        self.entries.retain(|placed| placed.leaf.entry.at <= past.records_until);
    }
}

/// An entry, with its way to the root.
pub(crate) struct Placed {
    pub(crate) leaf: Leaf,
    /// The hashes beside the way, the leaf's first.
    pub(crate) path: Vec<B256>,
    /// The first anchor above it that is known.
    pub(crate) anchor: Option<Anchor>,
}

/// What the log has about these records, with what was anchored up to a block (inclusive); `None` where it has no entry
/// at all.
///
/// # Errors
/// When the store fails, or its log is broken.
pub(crate) async fn logged(
    db: &Db,
    treasury: Address,
    records: Vec<B256>,
    anchored_until: u64,
) -> Result<Option<Logged>, LogError> {
    let size = log::size(db, treasury).await?;
    if size == 0 {
        return Ok(None);
    }
    let root = log::root(db, treasury, size).await?;
    let anchors = log::anchors(db, treasury, anchored_until, ANCHORS).await?;
    let mut entries = Vec::new();
    for record in records {
        let of = log::Filter { treasury, subject: Some(record) };
        for leaf in log::list(db, of, None, ENTRIES).await? {
            let path = log::inclusion(db, treasury, leaf.number, size).await?.path;
            // Whoever anchors may say any number.
            let above = anchors.iter().find(|anchor| anchor.size > leaf.number && anchor.size <= size);
            entries.push(Placed { anchor: above.cloned(), leaf, path });
        }
    }
    entries.sort_by_key(|entry| entry.leaf.number);
    Ok(Some(Logged { size, root, entries }))
}
