//! What each event does to the books, and the rows it leaves.

use alloy::primitives::{Address, U256};
use bursar_indexer::query::history;
use bursar_sdk::{amount::Amount, payment::session_id, role::Role};

use super::{Books, Budget, Envelope, Group, Place, Policy, Purse, Row, Said as Change, Session};
use crate::{
    ReportError,
    annex::Annex,
    event::{Opened, Rules, Said},
};

impl Books {
    /// Takes the next event.
    pub(crate) fn apply(&mut self, event: &history::Event, said: &Said) -> Result<Vec<Row>, ReportError> {
        let place = Place::of(event);
        let number = event.envelope;
        let mut rows = Vec::new();
        match said {
            Said::TreasuryCreated { owner } => {
                self.organisation.created = Some((place, event.address, *owner));
            }
            Said::RoleGranted { account, role, by } => {
                self.roles.insert((*account, *role), place);
                rows.push(role_row(place, [account, by], *role, "granted"));
            }
            Said::RoleRevoked { account, role, by } => {
                self.roles.remove(&(*account, *role));
                rows.push(role_row(place, [account, by], *role, "revoked"));
            }
            Said::AssetAdded { asset } => {
                self.assets.insert(*asset, place);
                self.changed(place, format!("asset {asset} added"), None);
            }
            Said::EnvelopeCreated { agent, asset } => {
                let number = number.ok_or_else(|| wrong(place, "an envelope without a number"))?;
                self.agents.insert(*agent, number);
                self.envelopes.insert(number, Envelope::new(*agent, *asset, place));
            }
            Said::PolicySet { version, policy, by } => {
                self.authors.insert(*by);
                let envelope = self.envelope(place, number)?;
                envelope.version = *version;
                envelope.policies.insert(*version, Policy { rules: policy.clone(), by: *by, place });
                let of = Budget::Envelope(number.unwrap_or_default());
                self.lay_out(of, *version, (&policy.windows, policy.lifetime_limit), place.time);
                rows.push(policy_row(place, number.unwrap_or_default(), *version, policy, by)?);
            }
            Said::PurseCreated { purse } => {
                let envelope = number.ok_or_else(|| wrong(place, "a purse of no envelope"))?;
                self.purses.insert(*purse, Purse { envelope, ..Purse::default() });
            }
            Said::SessionOpened(opened) => rows.push(self.opened(place, number, opened)?),
            Said::SessionClosed { purse, sequence, returned, unspent } => {
                let id = session_id(*purse, *sequence);
                let session = self.sessions.remove(&id);
                let session =
                    session.ok_or_else(|| wrong(place, "the end of a session that was not open"))?;
                self.take(place, *purse, returned.to_u256())?.session = None;
                self.give_back(place, &session, *unspent);
                rows.push(session.row(Some((place, *returned, *unspent))));
                rows.push(self.movement(place, Some(session.envelope), "returned", returned.to_u256())?);
            }
            Said::PurseSwept { purse, amount } => {
                self.take(place, *purse, amount.to_u256())?;
                rows.push(self.movement(place, number, "swept", amount.to_u256())?);
            }
            Said::Donation { to, value } => {
                let purse = self.purse(place, *to)?;
                purse.balance = purse.balance.saturating_add(value.to_u256());
                rows.push(self.movement(place, number, "donated", value.to_u256())?);
            }
            Said::ToppedUp { amount } => {
                rows.push(self.movement(place, number, "topped_up", amount.to_u256())?)
            }
            Said::Withdrawn { amount } => {
                rows.push(self.movement(place, number, "withdrawn", amount.to_u256())?)
            }
            Said::ScoreReported { score, by } => {
                self.envelope(place, number)?.score = Some((*score, place));
                let cells = [number.unwrap_or_default().to_string(), score.to_string(), by.to_string()];
                rows.push(place.row(Annex::Scores, cells));
            }
            Said::Recovered {} | Said::StrayTransfer {} => {}
            _ => match self.stop(place, number, said) {
                Some(row) => rows.push(row),
                None => self.setting(place, number, said)?,
            },
        }
        Ok(rows)
    }

    /// What changes without a row of its own: told among the changes.
    fn setting(&mut self, place: Place, number: Option<u32>, said: &Said) -> Result<(), ReportError> {
        let of = number.map(|number| format!("envelope {number}")).unwrap_or_default();
        let (what, by) = match said {
            Said::DelaySet { delay, by } => {
                self.organisation.delay = *delay;
                (format!("a loosening waits {delay} s"), Some(*by))
            }
            Said::SeparationOfDutiesSet { on, by } => {
                self.organisation.separation = *on;
                (format!("separation of duties {}", if *on { "on" } else { "off" }), Some(*by))
            }
            Said::Announced { id, by } => (format!("announcement {id}"), Some(*by)),
            Said::AnnouncementCancelled { id, by } => (format!("announcement {id} cancelled"), Some(*by)),
            Said::AnnouncementUsed { id, by } => (format!("announcement {id} carried out"), Some(*by)),
            Said::AgentSet { agent, by } => {
                let number = number.ok_or_else(|| wrong(place, "an agent of no envelope"))?;
                self.agents.retain(|_, of| *of != number);
                self.agents.insert(*agent, number);
                self.envelope(place, Some(number))?.agent = *agent;
                (format!("{of}: agent {agent}"), Some(*by))
            }
            Said::PayeeListed { list, payee } => {
                self.payees.insert((*list, *payee), place);
                (format!("payee {payee} on list {list}"), None)
            }
            Said::PayeeUnlisted { list, payee } => {
                self.payees.remove(&(*list, *payee));
                (format!("payee {payee} off list {list}"), None)
            }
            Said::ScoreLifeSet { life, by } => {
                self.envelope(place, number)?.score_life = *life;
                (format!("{of}: a score lets sessions open for {life} s"), Some(*by))
            }
            Said::Permit2Set { on, by } => {
                self.envelope(place, number)?.permit2 = *on;
                (format!("{of}: Permit2 {}", if *on { "on" } else { "off" }), Some(*by))
            }
            Said::GroupSet { group, by } => {
                self.envelope(place, number)?.group = *group;
                (format!("{of}: in group {group}"), Some(*by))
            }
            Said::GroupCreated { group, parent, asset, by } => {
                let created =
                    Group { parent: *parent, asset: *asset, frozen: false, limits: vec![], created: place };
                self.groups.insert(*group, created);
                (format!("group {group} below {parent}"), Some(*by))
            }
            Said::GroupLimitsSet { group, windows, lifetime_limit, by } => {
                let mut limits: Vec<(u32, U256)> =
                    windows.iter().map(|window| (window.period, window.limit.to_u256())).collect();
                if !lifetime_limit.is_zero() {
                    limits.push((0, lifetime_limit.to_u256()));
                }
                let found = self.groups.get_mut(group).ok_or_else(|| wrong(place, "limits of no group"))?;
                found.limits = limits;
                // A group's periods never change, so that what was counted is.
                self.lay_out(Budget::Group(*group), 1, (windows, *lifetime_limit), place.time);
                (format!("group {group}: limits"), Some(*by))
            }
            Said::StampRevoked { stamp_hash, by } => {
                self.revoked.insert(*stamp_hash, place);
                (format!("stamp {stamp_hash} revoked"), Some(*by))
            }
            Said::StampEpochSet { epoch, by } => {
                self.organisation.stamp_epoch = *epoch;
                (format!("stamps of before epoch {epoch} revoked"), Some(*by))
            }
            Said::Anchored { root, size, by } => {
                self.anchors.push((place, *root, size.clone()));
                (format!("log of {size} entries anchored"), Some(*by))
            }
            _ => return Ok(()),
        };
        self.changed(place, what, by);
        Ok(())
    }

    fn opened(&mut self, place: Place, number: Option<u32>, opened: &Opened) -> Result<Row, ReportError> {
        let envelope = number.ok_or_else(|| wrong(place, "a session of no envelope"))?;
        let id = session_id(opened.purse, opened.sequence);
        let purse = self.purse(place, opened.purse)?;
        purse.balance = purse.balance.saturating_add(opened.budget.to_u256());
        purse.session = Some(id);
        self.keys.insert(id, opened.key);
        let group = self.envelope(place, number)?.group;
        self.draw(envelope, group, place.time, opened.budget)
            .map_err(|error| wrong(place, &error.to_string()))?;
        let (opened, paid) = (opened.clone(), U256::ZERO);
        let budget = opened.budget.to_u256();
        let session = Session { envelope, group, opened, place, frozen: false, paid, payments: 0 };
        self.sessions.insert(id, session);
        self.movement(place, number, "drawn", budget)
    }

    /// Takes money out of a purse; what it had not is nobody's.
    fn take(&mut self, place: Place, purse: Address, amount: U256) -> Result<&mut Purse, ReportError> {
        let purse = self.purse(place, purse)?;
        purse.balance = purse.balance.saturating_sub(amount);
        Ok(purse)
    }

    fn movement(
        &self,
        place: Place,
        number: Option<u32>,
        kind: &str,
        amount: U256,
    ) -> Result<Row, ReportError> {
        let number = number.ok_or_else(|| wrong(place, "money of no envelope"))?;
        let asset = self.envelopes.get(&number).map(|envelope| envelope.asset);
        let asset = asset.ok_or_else(|| wrong(place, "money of an envelope that is not there"))?;
        let cells = [number.to_string(), asset.to_string(), kind.to_owned(), amount.to_string()];
        Ok(place.row(Annex::Movements, cells))
    }

    fn changed(&mut self, place: Place, what: String, by: Option<Address>) {
        self.changes.push(Change { place, what, by });
    }

    fn envelope(&mut self, place: Place, number: Option<u32>) -> Result<&mut Envelope, ReportError> {
        let found = number.and_then(|number| self.envelopes.get_mut(&number));
        found.ok_or_else(|| wrong(place, "an envelope that is not there"))
    }

    fn purse(&mut self, place: Place, purse: Address) -> Result<&mut Purse, ReportError> {
        self.purses.get_mut(&purse).ok_or_else(|| wrong(place, "a purse that is not there"))
    }
}

impl Envelope {
    fn new(agent: Address, asset: Address, created: Place) -> Self {
        Self {
            agent,
            asset,
            group: 0,
            permit2: false,
            frozen: false,
            under_review: false,
            version: 0,
            policies: std::collections::BTreeMap::new(),
            score_life: 0,
            score: None,
            looked: None,
            created,
        }
    }
}

/// The events do not follow from each other: something was left out.
fn wrong(place: Place, what: &str) -> ReportError {
    let at = format!("block {}, log {}", place.position.block, place.position.log);
    ReportError::row(Annex::Events, format!("{at}: {what}"))
}

/// What a role is called; a set of several by its number.
pub(crate) fn role_name(role: u8) -> String {
    let known = Role::ALL.into_iter().find(|known| known.bit() == role);
    known.map_or_else(|| role.to_string(), |known| known.code().to_owned())
}

fn role_row(place: Place, [account, by]: [&Address; 2], role: u8, change: &str) -> Row {
    place.row(Annex::Roles, [account.to_string(), role_name(role), change.to_owned(), by.to_string()])
}

fn policy_row(
    place: Place,
    envelope: u32,
    version: u16,
    rules: &Rules,
    by: &Address,
) -> Result<Row, ReportError> {
    let amount = |amount: Amount| amount.to_string();
    Ok(place.row(
        Annex::Policies,
        [
            envelope.to_string(),
            version.to_string(),
            rules.policy_hash.to_string(),
            by.to_string(),
            amount(rules.payment_cap),
            amount(rules.approval_threshold),
            amount(rules.session_limit),
            rules.max_session_seconds.to_string(),
            rules.payee_list.to_string(),
            amount(rules.lifetime_limit),
            crate::document::canonical(&rules.windows)?,
        ],
    ))
}
