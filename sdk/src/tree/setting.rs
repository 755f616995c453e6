//! What a tree is drawn of: a policy, and what stands above it and beside it.

use alloy::primitives::{Address, B256, U256};

use crate::{
    abi::Treasury,
    amount::Amount,
    chain::{ChainView, envelope_number},
    error::AgentError,
    model::{Counted, Model},
    policy::{PolicyDocument, PolicyError},
    session::narrow,
    windows::{Limit, limits_of},
};

/// A policy, and what of the organisation decides with it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Setting {
    /// What the policy is called; the chain does not know.
    pub name: Option<String>,
    /// The policy in force.
    pub policy: Treasury::Policy,
    /// Whether the organisation is frozen.
    pub organisation_frozen: bool,
    /// Whether the envelope is frozen.
    pub envelope_frozen: bool,
    /// Whether it is under review.
    pub under_review: bool,
    /// For how long a score lets sessions open, in seconds; 0 asks for none.
    pub score_life: u32,
    /// Whether the last score is too old for that.
    pub score_stale: bool,
    /// Whether its purses pay through Permit2 too.
    pub permit2: bool,
    /// Its group and those above it, lowest first.
    pub groups: Vec<GroupSetting>,
    /// What the session of the purse in question narrows; zero fields narrow nothing.
    pub scope: Treasury::Scope,
}

/// A group that the envelope draws against.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupSetting {
    /// Its number.
    pub number: u32,
    /// Whether it is frozen.
    pub frozen: bool,
    /// Its limits, shortest window first; period 0 is the lifetime limit.
    pub limits: Vec<Limit>,
}

impl Setting {
    /// A policy by itself: an envelope in no group, with nothing stopped.
    ///
    /// # Errors
    /// When the document is not valid.
    pub fn of_document(document: &PolicyDocument) -> Result<Self, PolicyError> {
        let policy = document.to_chain()?;
        Ok(Self { name: Some(document.name.clone()), policy, ..Self::default() })
    }

    /// An envelope of a model at `now` (unix seconds), as the session of `purse` narrows it; `None` where there is
    /// no such envelope.
    pub fn of_model(model: &Model, now: u64, envelope: u32, purse: Address) -> Option<Self> {
        let record = model.envelope(envelope)?;
        let limit = |window: &crate::windows::Window| Limit { period: window.period, limit: window.limit };
        let groups = model.chain(record.group).map(|(number, group)| GroupSetting {
            number,
            frozen: group.frozen,
            limits: group.limits.windows.iter().map(limit).collect(),
        });
        Some(Self {
            name: None,
            policy: record.policy.clone(),
            organisation_frozen: model.organisation.frozen,
            envelope_frozen: record.frozen,
            under_review: record.under_review,
            score_life: record.score_life,
            score_stale: is_stale(now, record.scored_at, record.score_life),
            permit2: record.permit2,
            groups: groups.collect(),
            scope: model.session(purse).map(|session| session.scope.clone()).unwrap_or_default(),
        })
    }

    /// An envelope as the chain has it, as the session of one of its purses narrows it.
    ///
    /// # Errors
    /// When the node fails.
    pub async fn of_chain(view: &ChainView, purse_index: u16) -> Result<Self, AgentError> {
        let purse = view.purse(purse_index).await?;
        let contract = view.contract();
        let (envelope, session, organisation, now) = futures::try_join!(
            view.envelope_state(),
            view.session(purse),
            async { Ok(contract.organisation().call().await?) },
            view.latest_timestamp(),
        )?;
        let mut groups = Vec::new();
        let mut number: u32 = narrow(envelope.group, "group")?;
        while number != 0 {
            let called = envelope_number(number)?;
            let (group, rooms) = (contract.group(called), contract.groupHeadroom(called));
            let (group, rooms) =
                futures::try_join!(async { group.call().await }, async { rooms.call().await })?;
            let limit = |room: &Treasury::Headroom| {
                Ok::<_, AgentError>(Limit {
                    period: narrow(room.period, "period of a limit")?,
                    limit: room.limit.try_into()?,
                })
            };
            let limits = rooms.iter().map(limit).collect::<Result<_, _>>()?;
            groups.push(GroupSetting { number, frozen: group.frozen, limits });
            number = narrow(group.parent, "group")?;
        }
        let score_life = narrow(envelope.scoreLife, "life of a score")?;
        Ok(Self {
            name: None,
            score_stale: is_stale(now, narrow(envelope.scoredAt, "time of a score")?, score_life),
            policy: envelope.policy,
            organisation_frozen: organisation.frozen,
            envelope_frozen: envelope.frozen,
            under_review: envelope.underReview,
            score_life,
            permit2: envelope.permit2,
            groups,
            scope: session.scope,
        })
    }

    /// The limits that openings count in, in the contract's order.
    pub(super) fn counted(&self) -> Vec<Counted> {
        let own = self.own_limits();
        let groups = self.groups.iter().map(|group| (group.number, group.limits.as_slice()));
        let of = |(group, limits): (u32, &[Limit])| {
            let periods: Vec<u32> = limits.iter().map(|limit| limit.period).collect();
            periods.into_iter().enumerate().map(move |(index, period)| Counted { group, index, period })
        };
        [(0, own.as_slice())].into_iter().chain(groups).flat_map(of).collect()
    }

    /// What one of those limits lets through, in atomic units.
    pub(super) fn limit(&self, counted: Counted) -> Amount {
        let own = self.own_limits();
        let limits = match counted.group {
            0 => own.as_slice(),
            number => {
                let group = self.groups.iter().find(|group| group.number == number);
                group.map(|group| group.limits.as_slice()).unwrap_or_default()
            }
        };
        limits.get(counted.index).map(|limit| limit.limit).unwrap_or_default()
    }

    /// The cap for one payment: the lower of policy and scope.
    pub(super) fn payment_cap(&self) -> U256 {
        lower(self.scope.paymentCap.to(), self.policy.paymentCap.to())
    }

    /// The amount above which a human has to approve: the lower one likewise.
    pub(super) fn threshold(&self) -> U256 {
        lower(self.scope.approvalThreshold.to(), self.policy.approvalThreshold.to())
    }

    pub(super) fn title(&self) -> String {
        let hash: B256 = self.policy.policyHash;
        match &self.name {
            Some(name) => format!("policy \u{201c}{name}\u{201d}, document {hash}"),
            None => format!("policy, document {hash}"),
        }
    }

    fn own_limits(&self) -> Vec<Limit> {
        let windows = self.policy.windows.iter().map(|window| (window.period, window.limit));
        limits_of(windows, self.policy.lifetimeLimit)
    }
}

fn is_stale(now: u64, scored_at: u64, life: u32) -> bool {
    life != 0 && now >= scored_at.saturating_add(u64::from(life))
}

fn lower(own: U256, policy: U256) -> U256 {
    if own.is_zero() { policy } else { own.min(policy) }
}
