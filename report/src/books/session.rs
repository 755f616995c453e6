//! One session, as its events and payments tell it.

use alloy::primitives::{B256, U256};
use bursar_sdk::{amount::Amount, payment::session_id};

use super::{Place, Row, cell};
use crate::{annex::Annex, event::Opened};

/// A session that is open.
#[derive(Debug, Clone)]
pub(crate) struct Session {
    pub(crate) envelope: u32,
    /// The group that it was drawn from as well; 0 is none.
    pub(crate) group: u32,
    pub(crate) opened: Opened,
    pub(crate) place: Place,
    pub(crate) frozen: bool,
    pub(crate) paid: U256,
    pub(crate) payments: u64,
}

impl Session {
    pub(crate) fn id(&self) -> B256 {
        session_id(self.opened.purse, self.opened.sequence)
    }

    /// As it closed, or as it stands open.
    pub(crate) fn row(&self, closed: Option<(Place, Amount, Amount)>) -> Row {
        let it = &self.opened;
        let place = closed.map(|(place, ..)| place);
        self.place.row(
            Annex::Sessions,
            [
                self.id().to_string(),
                self.envelope.to_string(),
                it.purse.to_string(),
                it.sequence.to_string(),
                it.key.to_string(),
                it.budget.to_string(),
                it.expiry.to_string(),
                it.policy_version.to_string(),
                it.stamp_hash.to_string(),
                self.payments.to_string(),
                self.paid.to_string(),
                if closed.is_some() { "closed" } else { "open" }.to_owned(),
                cell(place.map(|place| place.time)),
                cell(place.map(|place| place.tx)),
                cell(closed.map(|(_, returned, _)| returned)),
                cell(closed.map(|(_, _, unspent)| unspent)),
            ],
        )
    }
}
