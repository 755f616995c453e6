//! Whom an organisation looks at besides its own: accounts that pay outside any envelope, in which tokens, and
//! facilitators by name.

use std::{fmt, str::FromStr};

use alloy::primitives::{Address, map::AddressMap};

/// As what an address is watched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum WatchKind {
    /// It pays outside any envelope: its settlements are kept.
    Payer,
    /// A token that watched payers pay in.
    Token,
    /// It settles for others. A label, never a filter: with one on the list, settlements tell who sent them.
    Facilitator,
}

impl WatchKind {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::Payer, Self::Token, Self::Facilitator];

    /// As the store spells it.
    pub fn code(self) -> &'static str {
        match self {
            Self::Payer => "payer",
            Self::Token => "token",
            Self::Facilitator => "facilitator",
        }
    }

    /// The kind of that spelling; `None` where there is none.
    pub fn of(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.code() == code)
    }
}

/// What people call a watched address: 1 to 80 characters, none of them a control character.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label(String);

/// A text that is no label.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LabelError {
    /// Too short or too long.
    #[error("expected a label of 1 to {most} characters, got {got}")]
    Length {
        /// The most there may be.
        most: usize,
        /// How many there are.
        got: usize,
    },
    /// What would change how the text around it is shown.
    #[error("expected a label without control characters, got U+{got:04X}")]
    Control {
        /// The first one.
        got: u32,
    },
}

impl Label {
    /// The most characters of one.
    pub const MOST: usize = 80;

    /// Its text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Label {
    type Err = LabelError;

    fn from_str(text: &str) -> Result<Self, LabelError> {
        let got = text.chars().count();
        if !(1..=Self::MOST).contains(&got) {
            return Err(LabelError::Length { most: Self::MOST, got });
        }
        match text.chars().find(|c| c.is_control()) {
            Some(control) => Err(LabelError::Control { got: control.into() }),
            None => Ok(Self(text.to_owned())),
        }
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Who is watched from which block on, in one revision of the list.
///
/// What a block adds to the ledger is a function of the block, the ledger and this, so that a ledger that was read
/// again is the same.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WatchList {
    revision: u64,
    payers: AddressMap<u64>,
    tokens: AddressMap<u64>,
    senders_from: Option<u64>,
}

impl WatchList {
    /// A revision: kinds and addresses, each with the first block that is looked at.
    pub fn new(revision: u64, entries: impl IntoIterator<Item = (WatchKind, Address, u64)>) -> Self {
        let mut list = Self { revision, ..Self::default() };
        for (kind, address, from) in entries {
            match kind {
                WatchKind::Payer => drop(list.payers.insert(address, from)),
                WatchKind::Token => drop(list.tokens.insert(address, from)),
                WatchKind::Facilitator => {
                    list.senders_from = Some(list.senders_from.map_or(from, |first| first.min(from)));
                }
            }
        }
        list
    }

    /// How often the list was changed before it became this.
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// Whether there is anybody to ask for.
    pub fn is_idle(&self) -> bool {
        self.payers.is_empty() || self.tokens.is_empty()
    }

    /// The payers, in no order.
    pub fn payers(&self) -> impl ExactSizeIterator<Item = Address> {
        self.payers.keys().copied()
    }

    /// The tokens, in no order.
    pub fn tokens(&self) -> impl ExactSizeIterator<Item = Address> {
        self.tokens.keys().copied()
    }

    /// Whether it is a token that watched payers pay in, from whichever block on.
    pub fn has_token(&self, address: Address) -> bool {
        self.tokens.contains_key(&address)
    }

    /// Whether what the payer pays in that token is looked at in that block.
    pub fn covers(&self, payer: Address, token: Address, block: u64) -> bool {
        let from = |of: &AddressMap<u64>, address| of.get(&address).is_some_and(|from| *from <= block);
        // Tokens are few.
        from(&self.tokens, token) && from(&self.payers, payer)
    }

    /// Whether it is kept who sent the transactions of that block.
    pub fn wants_senders(&self, block: u64) -> bool {
        self.senders_from.is_some_and(|from| from <= block)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn covers_from_the_later_of_both_blocks_on() {
        let [payer, token, other] = [1, 2, 3].map(Address::repeat_byte);
        let list = WatchList::new(1, [(WatchKind::Payer, payer, 5), (WatchKind::Token, token, 9)]);
        assert!(list.covers(payer, token, 9) && list.covers(payer, token, u64::MAX));
        assert!(!list.covers(payer, token, 8));
        assert!(
            !list.covers(other, token, 9) && !list.covers(payer, other, 9) && !list.covers(token, payer, 9)
        );
        assert!(!list.is_idle() && WatchList::new(1, [(WatchKind::Payer, payer, 0)]).is_idle());
    }

    #[test]
    fn senders_are_kept_from_the_first_facilitator_on() {
        let of = |from: &[u64]| {
            WatchList::new(
                1,
                from.iter().map(|from| {
                    (WatchKind::Facilitator, Address::left_padding_from(&from.to_be_bytes()), *from)
                }),
            )
        };
        assert!(!of(&[]).wants_senders(u64::MAX));
        let list = of(&[9, 4, 7]);
        assert!(list.wants_senders(4) && !list.wants_senders(3) && list.is_idle());
    }

    #[test]
    fn labels_are_short_and_say_what_they_show() {
        let most = "é".repeat(Label::MOST);
        assert_eq!(most.parse::<Label>().map(|label| label.to_string()), Ok(most.clone()));
        assert_eq!(format!("{most}é").parse::<Label>(), Err(LabelError::Length { most: 80, got: 81 }));
        assert_eq!("".parse::<Label>(), Err(LabelError::Length { most: 80, got: 0 }));
        assert_eq!("two\nlines".parse::<Label>(), Err(LabelError::Control { got: 10 }));
    }

    #[test]
    fn kinds_read_as_they_are_spelled() {
        for kind in WatchKind::ALL {
            assert_eq!(WatchKind::of(kind.code()), Some(kind));
        }
        assert_eq!(WatchKind::of("Payer"), None);
    }
}
