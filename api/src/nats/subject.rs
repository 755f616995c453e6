//! Under which subjects events are published.

use bursar_indexer::outbox::Event;

/// The subjects of one chain's events: `PREFIX.CHAIN.TREASURY.KIND`, the treasury as JSON spells it, or `-` where an event is
/// of none. A kind is two tokens, but `retracted`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subjects {
    of_chain: String,
}

impl Subjects {
    /// Those of a chain, below a prefix.
    pub fn new(prefix: &str, chain_id: u64) -> Self {
        Self { of_chain: format!("{prefix}.{chain_id}") }
    }

    /// All of them, as a subscription spells it.
    pub fn all(&self) -> String {
        format!("{}.>", self.of_chain)
    }

    /// An event's.
    pub fn of(&self, event: &Event) -> String {
        let treasury = event.treasury.map_or_else(|| "-".to_owned(), |treasury| treasury.to_checksum(None));
        format!("{}.{treasury}.{}", self.of_chain, event.kind.code())
    }
}

/// Whether a stream that takes `taken` takes every subject of `wanted`; both may hold `*` (any token) and end in `>` (one or
/// more).
pub fn covers(taken: &str, wanted: &str) -> bool {
    let (mut taken, mut wanted) = (taken.split('.'), wanted.split('.'));
    loop {
        match (taken.next(), wanted.next()) {
            (Some(">"), Some(_)) | (None, None) => return true,
            (Some("*"), Some(token)) if token != ">" => {}
            (Some(ours), Some(token)) if ours == token => {}
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::covers;

    #[test]
    fn a_stream_takes_all_subjects_or_not() {
        for taken in [">", "bursar.>", "bursar.1.>", "*.1.>", "bursar.*.>"] {
            assert!(covers(taken, "bursar.1.>"), "{taken}");
        }
        for taken in ["bursar", "bursar.1", "bursar.1.*", "bursar.1.*.>", "bursar.2.>", "burs.>", "*.*.*", ""]
        {
            assert!(!covers(taken, "bursar.1.>"), "{taken}");
        }
        assert!(covers("a.b", "a.b") && covers("a.*", "a.b") && !covers("a.>", "a"));
    }
}
