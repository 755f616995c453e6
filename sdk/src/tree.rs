//! A policy as a decision tree: what an opening and a payment are asked, in order, and what each answer leads to.
//!
//! Nothing here states a rule: the questions are [`crate::model`]'s, in the order in which it asks them, and it is
//! held against the contracts' bytecode. What stands here is which of them can refuse at all under a given policy,
//! and how they read. Every leaf is an answer, and `sdk/tests/model` drives contract, SDK and model to each.
//!
//! What the token itself refuses is no part of a policy and has no leaf: a nonce that was used, and a payment
//! before or after its times.
//!
//! ```
//! use bursar_sdk::{policy::PolicyDocument, tree::{Setting, Tree, Unit}};
//!
//! let document = PolicyDocument::from_json(r#"{
//!     "schema": "bursar.policy/1", "name": "research agent", "purpose": "Buys market data.",
//!     "chainId": 8453, "asset": "0x833589fCD6eDb6E08f4c7C32D4f71b54bdA02913",
//!     "paymentCap": "5000000", "approvalThreshold": "1000000", "sessionLimit": "10000000",
//!     "maxSessionSeconds": 14400, "payeeList": 1, "lifetimeLimit": "0",
//!     "windows": [{ "period": 86400, "limit": "25000000" }]
//! }"#)?;
//! let tree = Tree::of(&Setting::of_document(&document)?, &Unit { decimals: 6, symbol: "USDC".into() });
//! assert!(tree.to_text().contains("the amount is at most 5 USDC"));
//! assert!(tree.to_svg().starts_with("<svg"));
//! # Ok::<(), bursar_sdk::policy::PolicyError>(())
//! ```

mod leaf;
mod prune;
mod setting;
mod svg;
mod text;
mod words;

use crate::{
    model::{Carried, OpeningRule, PaymentRule},
    refusal::Refusal,
};

pub use self::{
    leaf::{Leaf, leaf_of_opening, leaf_of_payment},
    setting::{GroupSetting, Setting},
    words::Unit,
};

/// What a question is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Something that brings a human in.
    Trigger,
    /// A bound of the policy, the session or a group.
    Limit,
    /// A human's hand above the policy: a stop, or a yes.
    Override,
    /// Who signed what.
    Proof,
}

/// The answer at a leaf.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// The session opens, or the payment settles.
    Allowed,
    /// It does not.
    Refused(Refusal),
}

/// A question, and where a no leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// What it is about.
    pub kind: Kind,
    /// What has to hold, in words.
    pub question: String,
    /// Whether, as things stand, the answer is no whatever is asked for.
    pub broken_now: bool,
    /// Where a no leads.
    pub no: Leaf,
}

/// Questions one after the other: every yes leads to the next one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Branch {
    /// What is asked.
    pub steps: Vec<Step>,
    /// Where the last yes leads.
    pub end: End,
}

/// Where the last yes leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// To an answer.
    Allowed(Leaf),
    /// To what depends on the approval that a payment carries.
    Carries(Vec<(Carried, Branch)>),
}

/// The decision tree of one envelope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tree {
    /// What the policy is called, and the hash of its document.
    pub title: String,
    /// What an opening is asked.
    pub opening: Branch,
    /// What a payment is asked.
    pub payment: Branch,
}

impl Tree {
    /// The tree of a setting, with amounts in that unit.
    pub fn of(setting: &Setting, unit: &Unit) -> Self {
        let opening = OpeningRule::all(setting.counted())
            .filter(|rule| setting.can_refuse_opening(*rule))
            .map(|rule| Step {
                kind: words::kind_of_opening(rule),
                question: words::opening(rule, setting, unit),
                broken_now: setting.breaks_opening(rule),
                no: Leaf::of_opening(rule),
            });
        let step = |carried: Option<Carried>| {
            move |rule: PaymentRule| Step {
                kind: words::kind_of_payment(rule),
                question: words::payment(rule, setting, unit),
                broken_now: setting.breaks_payment(rule),
                no: Leaf::of_payment(carried, rule),
            }
        };
        let can_refuse = |rule: &PaymentRule| setting.can_refuse_payment(*rule);
        let first = [PaymentRule::STANDING, PaymentRule::SIGNED, PaymentRule::LIMITS].into_iter().flatten();
        let first = first.copied().chain([PaymentRule::SignedByKey]).filter(can_refuse);
        let ways = Carried::ALL.map(|carried| {
            let rules = carried.rules().iter().copied().chain([PaymentRule::PurseHolds]).filter(can_refuse);
            let end = End::Allowed(Leaf::allowed_payment(carried));
            (carried, Branch { steps: rules.map(step(Some(carried))).collect(), end })
        });
        Self {
            title: setting.title(),
            opening: Branch { steps: opening.collect(), end: End::Allowed(Leaf::allowed_opening()) },
            payment: Branch { steps: first.map(step(None)).collect(), end: End::Carries(ways.into()) },
        }
    }

    /// Every leaf, in the order they are drawn.
    pub fn leaves(&self) -> Vec<&Leaf> {
        let mut leaves = Vec::new();
        self.opening.collect(&mut leaves);
        self.payment.collect(&mut leaves);
        leaves
    }

    /// The leaf of that name.
    pub fn leaf(&self, id: &str) -> Option<&Leaf> {
        self.leaves().into_iter().find(|leaf| leaf.id == id)
    }
}

impl Branch {
    fn collect<'a>(&'a self, leaves: &mut Vec<&'a Leaf>) {
        leaves.extend(self.steps.iter().map(|step| &step.no));
        match &self.end {
            End::Allowed(leaf) => leaves.push(leaf),
            End::Carries(ways) => ways.iter().for_each(|(_, branch)| branch.collect(leaves)),
        }
    }
}
