//! Rows as a batch has them, whether it has changed them or only looked at them.

use std::sync::Arc;

use alloy::primitives::map::HashMap;

use crate::ledger::{Key, Row};

/// A row; `None` where there is none.
pub(super) type Slot = Option<Arc<Row>>;

/// Rows by key. Both sides of a change are beside each other: where rows are many, to find one is what takes the time.
#[derive(Default)]
pub(super) struct Held {
    rows: HashMap<Key, (Slot, Was)>,
    changed: usize,
}

/// What the database has in the place of a row.
enum Was {
    Same,
    Other(Slot),
}

/// A row that the batch has changed: as the database has it, and as it is.
pub(super) struct Changed {
    pub(super) key: Key,
    pub(super) was: Slot,
    pub(super) is: Slot,
}

impl Held {
    /// The row, where it is at hand.
    pub(super) fn get(&self, key: &Key) -> Option<&Slot> {
        self.rows.get(key).map(|(row, _)| row)
    }

    /// Takes in what the database has there, where nothing is at hand: what the batch has made of it is newer.
    pub(super) fn found(&mut self, key: Key, row: Slot) {
        self.rows.entry(key).or_insert((row, Was::Same));
    }

    /// Changes a row, which was `before` until now.
    pub(super) fn change(&mut self, key: Key, before: Slot, after: Slot) {
        let (row, was) = self.rows.entry(key).or_insert((None, Was::Same));
        *row = after;
        if let Was::Same = was {
            *was = Was::Other(before);
            self.changed += 1;
        }
    }

    /// How many are changed.
    pub(super) fn changed(&self) -> usize {
        self.changed
    }

    /// All that are changed, in the order of keys: the same whoever writes them, since two that wait for each other's rows would
    /// wait for ever.
    pub(super) fn into_changed(self) -> Vec<Changed> {
        let mut changed = Vec::with_capacity(self.changed);
        changed.extend(self.rows.into_iter().filter_map(|(key, (is, was))| match was {
            Was::Same => None,
            Was::Other(was) => Some(Changed { key, was, is }),
        }));
        changed.sort_unstable_by_key(|changed| changed.key);
        changed
    }
}

#[cfg(test)]
mod tests {
    use alloy::primitives::{Address, B256};

    use super::*;

    fn topic(of: u8) -> Slot {
        Some(Arc::new(Row::AlertTopic(B256::repeat_byte(of))))
    }

    #[test]
    fn what_the_database_has_is_what_was_before_the_first_change() {
        let key = |of| Key::Purse(Address::repeat_byte(of));
        let mut held = Held::default();
        held.found(key(2), topic(1));
        held.found(key(3), None);
        held.change(key(2), topic(1), topic(2));
        held.change(key(2), topic(2), topic(3));
        held.change(key(1), None, topic(4));
        // Found again meanwhile: it is not as new as what is at hand.
        held.found(key(2), topic(1));
        assert_eq!(held.get(&key(2)), Some(&topic(3)));
        assert_eq!((held.get(&key(3)), held.get(&key(4))), (Some(&None), None));
        assert_eq!(held.changed(), 2);
        let changed: Vec<_> = held.into_changed().into_iter().map(|it| (it.key, it.was, it.is)).collect();
        assert_eq!(changed, [(key(1), None, topic(4)), (key(2), topic(1), topic(3))]);
    }
}
