//! Which envelopes there were, whose they were, and what was stopped: all but money and limits.

use std::collections::{BTreeMap, HashMap, HashSet};

use alloy::primitives::Address;
use bursar_sdk::amount::Amount;

use super::{
    super::{
        envelopes::{Envelope, Key},
        history::Event,
    },
    read, said, wrong,
};
use crate::{
    db::{Db, DbError},
    decode::said::Said,
};

#[derive(Debug, Clone, Copy)]
struct Group {
    parent: u32,
    frozen: bool,
}

/// Every envelope (of a treasury) as it stood; its money is left at nothing.
#[derive(Debug, Default)]
pub(super) struct Roster {
    pub(super) envelopes: BTreeMap<Key, Envelope>,
    groups: HashMap<Key, Group>,
    frozen: HashSet<Address>,
}

/// Whatever a session or a payment brings is left to each envelope's own account.
const KINDS: &str = "e.kind IN ('envelope_created', 'agent_set', 'group_set', 'permit2_set', 'score_life_set', \
     'envelope_frozen', 'envelope_unfrozen', 'review_set', 'review_cleared', 'group_created', 'group_frozen', \
     'group_unfrozen', 'organisation_frozen', 'organisation_unfrozen')";

impl Roster {
    pub(super) async fn load(db: &Db, treasury: Option<Address>, height: u64) -> Result<Self, DbError> {
        let mut roster = Self::default();
        for event in said(db, KINDS, treasury, height).await? {
            roster.apply(&event)?;
        }
        Ok(roster.stopped())
    }

    /// The envelopes of an agent.
    pub(super) fn of(&self, agent: Address) -> impl Iterator<Item = Key> {
        self.envelopes.iter().filter(move |(_, row)| row.agent == agent).map(|(key, _)| *key)
    }

    fn apply(&mut self, event: &Event) -> Result<(), DbError> {
        let treasury = event.address;
        match read(event)? {
            Said::EnvelopeCreated { agent, asset } => {
                let row = created(event, agent, asset)?;
                self.envelopes.insert((treasury, row.number), row);
            }
            Said::AgentSet { agent, .. } => self.row(event)?.agent = agent,
            Said::GroupSet { group, .. } => self.row(event)?.group = group,
            Said::Permit2Set { on, .. } => self.row(event)?.permit2 = on,
            Said::ScoreLifeSet { life, .. } => self.row(event)?.score_life = life,
            Said::EnvelopeFrozen { .. } => self.row(event)?.frozen = true,
            Said::EnvelopeUnfrozen { .. } => self.row(event)?.frozen = false,
            Said::ReviewSet { .. } => self.row(event)?.under_review = true,
            Said::ReviewCleared { .. } => self.row(event)?.under_review = false,
            Said::GroupCreated { group, parent, .. } => {
                self.groups.insert((treasury, group), Group { parent, frozen: false });
            }
            Said::GroupFrozen { group, .. } => self.group((treasury, group))?.frozen = true,
            Said::GroupUnfrozen { group, .. } => self.group((treasury, group))?.frozen = false,
            Said::OrganisationFrozen { .. } => {
                self.frozen.insert(treasury);
            }
            Said::OrganisationUnfrozen { .. } => {
                self.frozen.remove(&treasury);
            }
            _ => {}
        }
        Ok(())
    }

    /// With what stops envelopes from above.
    fn stopped(self) -> Self {
        let Self { mut envelopes, groups, frozen } = self;
        for row in envelopes.values_mut() {
            row.organisation_frozen = frozen.contains(&row.treasury);
            let find = |number: u32| groups.get(&(row.treasury, number)).map(|group| (number, *group));
            // A parent is always of a smaller number, so that this ends.
            let mut above =
                std::iter::successors(find(row.group), |(number, group)| find(group.parent.min(*number - 1)));
            row.group_frozen = above.any(|(_, group)| group.frozen);
        }
        Self { envelopes, groups, frozen }
    }

    fn row(&mut self, event: &Event) -> Result<&mut Envelope, DbError> {
        let number = number(event)?;
        let found = self.envelopes.get_mut(&(event.address, number));
        found.ok_or_else(|| wrong("an envelope that was created before", number))
    }

    fn group(&mut self, key: Key) -> Result<&mut Group, DbError> {
        self.groups.get_mut(&key).ok_or_else(|| wrong("a group that was created before", key.1))
    }
}

fn number(event: &Event) -> Result<u32, DbError> {
    event.envelope.ok_or_else(|| wrong("an envelope's number", "none"))
}

fn created(event: &Event, agent: Address, asset: Address) -> Result<Envelope, DbError> {
    Ok(Envelope {
        treasury: event.address,
        number: number(event)?,
        agent,
        asset,
        frozen: false,
        organisation_frozen: false,
        group_frozen: false,
        under_review: false,
        group: 0,
        permit2: false,
        score_life: 0,
        score: None,
        policy_version: 0,
        funded: Amount::ZERO,
        withdrawn: Amount::ZERO,
        drawn: Amount::ZERO,
        returned: Amount::ZERO,
        paid: Amount::ZERO,
        donated: Amount::ZERO,
        payments: 0,
        created_block: event.position.block,
    })
}
