//! From the links of a bundle to a chain that holds together, and from there to one that is verified.

use alloy::primitives::{Address, B256};

use super::{
    bundle::{Link, MAX_LINKS, Openings},
    curve::Curve,
    domain::StampDomain,
    narrow,
    refusal::{StampRefusal, StampRefused},
    signature::{ContractQuestion, ask},
    state::StampState,
};

/// A chain of stamps from its root, every signature of an account verified. What a contract signed, and whatever
/// else changes with time and state, is [`Prefix::check_now`]'s to look at: nothing in here ever stops being true.
#[derive(Debug, Clone)]
pub(crate) struct Prefix {
    pub(crate) hashes: Vec<B256>,
    root_issuer: Address,
    pub(crate) leaf: Link,
    questions: Vec<(usize, ContractQuestion)>,
}

/// A link as it was read.
pub(crate) type Read = (Link, Openings);

impl Prefix {
    /// Whether it holds in `state` at `now`.
    pub(crate) fn check_now(&self, state: &StampState, now: u64) -> Result<(), StampRefused> {
        let leaf = &self.leaf.stamp;
        if !state.stampers.contains(&self.root_issuer) {
            let expected = "an issuer who holds the stamper role";
            return Err(StampRefused::new(StampRefusal::IssuedAtCallTime, expected, self.root_issuer).at(0));
        }
        // All links are of one epoch, and each is valid within the one before: the leaf tells for all.
        if leaf.epoch != state.epoch {
            let reason = match leaf.epoch < state.epoch {
                true => StampRefusal::EpochRevoked,
                false => StampRefusal::EpochUnknown,
            };
            return Err(StampRefused::new(reason, format_args!("epoch {}", state.epoch), leaf.epoch));
        }
        for (at, hash) in self.hashes.iter().enumerate() {
            if state.revoked.contains(hash) {
                return Err(StampRefused::new(StampRefusal::Revoked, "a stamp in force", hash).at(at));
            }
        }
        if now < leaf.not_before {
            let expected = format_args!("a time from {}", leaf.not_before);
            return Err(StampRefused::new(StampRefusal::NotYetValid, expected, now));
        }
        if now >= leaf.not_after {
            let expected = format_args!("a time before {}", leaf.not_after);
            return Err(StampRefused::new(StampRefusal::Expired, expected, now));
        }
        if !leaf.policy_hash.is_zero() && !state.policies.contains(&leaf.policy_hash) {
            return Err(StampRefused::new(StampRefusal::PolicyStale, "a policy in force", leaf.policy_hash));
        }
        self.questions.iter().try_for_each(|(at, question)| {
            ask(question, state, forged(*at)).map_err(|refused| refused.at(*at))
        })
    }

    /// Follows further links without looking at signatures yet: they cost most, and need not be looked at where
    /// anything else is wrong.
    pub(crate) fn extended(
        known: Option<&Self>,
        links: &[Read],
        domain: &StampDomain,
    ) -> Result<Self, StampRefused> {
        let mut hashes = known.map_or_else(|| Vec::with_capacity(MAX_LINKS), |known| known.hashes.clone());
        let first = hashes.len();
        hashes.extend(links.iter().map(|(link, _)| link.stamp.hash(domain)));
        for (at, (link, openings)) in links.iter().enumerate() {
            let before = match at {
                0 => known.map(|known| &known.leaf),
                at => Some(&links[at - 1].0),
            };
            follow(before, link, openings, &hashes, first + at).map_err(|refused| refused.at(first + at))?;
        }
        let root_issuer = known.map(|known| known.root_issuer);
        let (Some(leaf), Some(root_issuer)) = (
            links.last().map(|(link, _)| link),
            root_issuer.or(links.first().map(|(link, _)| link.stamp.issuer)),
        ) else {
            return Err(StampRefused::new(StampRefusal::Malformed, "a link", "none"));
        };
        let questions = known.map_or_else(Vec::new, |known| known.questions.clone());
        Ok(Self { hashes, root_issuer, leaf: leaf.clone(), questions })
    }

    /// Verifies the signatures of the last `links` of this chain, root first. `keep` takes the part of the chain that
    /// each of them completes but the last, where anybody wants it.
    pub(crate) fn signed<C: Curve>(
        mut self,
        links: &[Read],
        mut keep: Option<impl FnMut(usize, Self)>,
    ) -> Result<Self, StampRefused> {
        let first = self.hashes.len() - links.len();
        for (at, (link, _)) in (first..).zip(links) {
            let asked = link
                .signature
                .check::<C>(link.stamp.issuer, &self.hashes[at], forged(at))
                .map_err(|refused| refused.at(at))?;
            self.questions.extend(asked.map(|question| (at, question)));
            if let Some(keep) = keep.as_mut().filter(|_| at + 1 < self.hashes.len()) {
                let (hashes, questions) = (self.hashes[..=at].to_vec(), self.questions.clone());
                keep(at, Self { hashes, root_issuer: self.root_issuer, leaf: link.clone(), questions });
            }
        }
        Ok(self)
    }

    /// The links that contracts are said to have signed.
    pub(crate) fn by_contracts(&self) -> Vec<usize> {
        self.questions.iter().map(|(at, _)| *at).collect()
    }

    /// The root's issuer.
    pub(crate) fn root_issuer(&self) -> Address {
        self.root_issuer
    }
}

fn forged(at: usize) -> StampRefusal {
    if at == 0 { StampRefusal::RootForged } else { StampRefusal::LinkForged }
}

fn follow(
    before: Option<&Link>,
    link: &Link,
    openings: &Openings,
    hashes: &[B256],
    at: usize,
) -> Result<(), StampRefused> {
    let stamp = &link.stamp;
    let parent = at.checked_sub(1).map_or(B256::ZERO, |before| hashes[before]);
    if stamp.parent != parent {
        let reason = match (hashes.contains(&stamp.parent), at) {
            (true, _) => StampRefusal::LinksReordered,
            (false, 0) => StampRefusal::RootMissing,
            (false, _) => StampRefusal::OtherParent,
        };
        return Err(StampRefused::new(reason, format_args!("parent {parent}"), stamp.parent));
    }
    for (reason, signed, travelled) in [
        (StampRefusal::ScopeOpening, stamp.scope_hash, openings.scope),
        (StampRefusal::WindowsOpening, stamp.windows_hash, openings.windows),
    ] {
        if signed != travelled {
            return Err(StampRefused::new(reason, signed, travelled));
        }
    }
    let Some(before) = before else {
        if stamp.issuer == stamp.subject {
            let expected = "an issuer who is not the subject";
            return Err(StampRefused::new(StampRefusal::IssuedAtCallTime, expected, stamp.issuer));
        }
        return Ok(());
    };
    if stamp.issuer != before.stamp.subject {
        let expected = format_args!("issuer {}", before.stamp.subject);
        return Err(StampRefused::new(StampRefusal::IssuerNotParent, expected, stamp.issuer));
    }
    narrow::check(before, link)
}
