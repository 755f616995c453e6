//! What the template of one payment shows, in words already.

use askama::Template;

use super::super::{
    request::Why,
    text::When,
    then::{Then, dated},
    view::{Named, Payment, Reason, Transaction},
};
use crate::past::Point;

#[derive(Debug, Template)]
#[template(path = "payment.html")]
pub(super) struct Story {
    pub(super) chain: String,
    pub(super) chain_id: u64,
    /// The block that the ledger stands at.
    pub(super) block: Option<u64>,
    pub(super) past: Option<Then>,
    /// Where all payments are.
    pub(super) all: String,
    pub(super) payment: Payment,
    pub(super) at: When,
    /// Where its JSON is; and what it is called by whoever verifies it.
    pub(super) json_href: String,
    pub(super) json: String,
    /// What the record says otherwise than the chain.
    pub(super) disagrees: Vec<&'static str>,
    pub(super) who: Who,
    pub(super) stamps: Vec<Stamp>,
    pub(super) stamp_epoch: u32,
    pub(super) policy: Option<Policy>,
    pub(super) rules: Vec<Held>,
    pub(super) why: Option<Why>,
    pub(super) record: Option<Record>,
    pub(super) erased: Option<Erased>,
    pub(super) approval: Approval,
    pub(super) moved: Moved,
    pub(super) outcomes: Vec<Outcome>,
    pub(super) score: Option<Score>,
    pub(super) log: Option<Logged>,
    pub(super) version: &'static str,
}

impl Story {
    /// Has links lead to what they lead to as of the same moment, where that can be told.
    pub(super) fn stay(&mut self, at: Point) {
        let links =
            [&mut self.all, &mut self.json_href, &mut self.who.envelope_href, &mut self.who.session_href];
        let links = links.into_iter().chain(self.policy.as_mut().map(|policy| &mut policy.href));
        let request = self.approval.request.as_mut().map(|request| {
            // Its page is for those who answer, today.
            request.href.clone_from(&request.json);
            [&mut request.href, &mut request.json]
        });
        let record = self.record.as_mut().map(|record| {
            std::iter::once(&mut record.href).chain(record.prev.as_mut().map(|(_, href)| href))
        });
        for href in links.chain(request.into_iter().flatten()).chain(record.into_iter().flatten()) {
            *href = dated(std::mem::take(href), Some(at));
        }
    }
}

/// Who paid, and in which session.
#[derive(Debug)]
pub(super) struct Who {
    pub(super) treasury: Named,
    pub(super) envelope: u32,
    pub(super) envelope_href: String,
    pub(super) purse: Named,
    pub(super) session: String,
    pub(super) session_href: String,
    pub(super) grant: Option<Grant>,
}

/// What a session grants.
#[derive(Debug)]
pub(super) struct Grant {
    pub(super) sequence: u32,
    pub(super) key: Named,
    pub(super) opened: When,
    pub(super) expiry: When,
    /// Whether the payment was within.
    pub(super) live: bool,
    pub(super) budget: String,
    pub(super) tx: Transaction,
}

/// An identity stamp that was shown.
#[derive(Debug)]
pub(super) struct Stamp {
    pub(super) what: &'static str,
    pub(super) hash: String,
    /// That it was revoked, and whether that was before the payment.
    pub(super) revoked: Option<(When, Named, bool)>,
    /// Who vouched, root first; nothing where it was not handed in.
    pub(super) links: Vec<Vouched>,
}

/// One stamp of the chain.
#[derive(Debug)]
pub(super) struct Vouched {
    pub(super) issuer: Named,
    pub(super) subject: Named,
    pub(super) hash: String,
    pub(super) most: String,
    pub(super) in_all: String,
    pub(super) scope: String,
    pub(super) from: When,
    pub(super) until: When,
    /// Whether the payment was within.
    pub(super) live: bool,
    /// Whether only the chain can tell who signed it.
    pub(super) by_contract: bool,
}

#[derive(Debug)]
pub(super) struct Policy {
    pub(super) version: u16,
    pub(super) href: String,
    pub(super) hash: String,
    pub(super) set_by: Named,
    pub(super) set_at: When,
    pub(super) block: u64,
    pub(super) tx: Transaction,
    pub(super) text: Option<PolicyText>,
    /// What the document says otherwise than the contract.
    pub(super) drift: Option<String>,
}

/// The document that people read.
#[derive(Debug)]
pub(super) struct PolicyText {
    pub(super) name: String,
    pub(super) purpose: String,
    pub(super) notes: Vec<String>,
    /// Whether its hash, computed again, is the one on chain.
    pub(super) matches: bool,
    /// As it is hashed.
    pub(super) canonical: String,
}

/// A rule beside what was held against it.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) rule: &'static str,
    pub(super) limit: String,
    pub(super) was: String,
    /// `good`, `stop`, or nothing where the ledger alone cannot tell.
    pub(super) level: &'static str,
    pub(super) verdict: &'static str,
}

/// The decision record as evidence.
#[derive(Debug)]
pub(super) struct Record {
    pub(super) hash: String,
    pub(super) href: String,
    pub(super) seq: u64,
    /// The record before it, where there is one.
    pub(super) prev: Option<(String, String)>,
    pub(super) received: When,
    /// Whether the kept bytes hash to the hash.
    pub(super) hash_holds: bool,
    /// Whether the payment's nonce opens to it.
    pub(super) opens: bool,
    pub(super) epoch: u64,
    pub(super) nonce: String,
    pub(super) seal: Seal,
    /// As it is hashed.
    pub(super) canonical: String,
}

/// Whose signature is under a record.
#[derive(Debug)]
pub(super) struct Seal {
    pub(super) level: &'static str,
    pub(super) told: String,
}

#[derive(Debug)]
pub(super) struct Erased {
    pub(super) at: When,
    pub(super) by: Named,
    pub(super) category: &'static str,
    pub(super) hash: String,
}

/// Which human agreed.
#[derive(Debug)]
pub(super) struct Approval {
    /// Whether the policy, or the session, asked for one; `None` where the policy is not known.
    pub(super) due: Option<bool>,
    pub(super) threshold: Option<String>,
    pub(super) by: Option<Named>,
    pub(super) request: Option<Request>,
}

/// What was asked here, and answered.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) href: String,
    pub(super) json: String,
    pub(super) digest: String,
    pub(super) asked: When,
    pub(super) until: When,
    /// `EOA` or `contract (EIP-1271)`; `None` where nobody approved here.
    pub(super) kind: Option<&'static str>,
    /// Whether whoever approved here is the one that the chain names.
    pub(super) same: Option<bool>,
}

#[derive(Debug)]
pub(super) struct Moved {
    pub(super) tx: Transaction,
    pub(super) block: u64,
    pub(super) block_hash: String,
    pub(super) log_index: u64,
    pub(super) rail: &'static str,
    pub(super) asset: Named,
    pub(super) units: String,
    pub(super) facilitator: Named,
    /// What the session had paid with it, of what, what was left, and the how manieth it was.
    pub(super) session: Option<(String, String, String, u64)>,
    pub(super) left: Option<String>,
}

#[derive(Debug)]
pub(super) struct Outcome {
    pub(super) revision: u32,
    pub(super) hash: String,
    pub(super) at: When,
    pub(super) received: When,
    pub(super) delivered: bool,
    pub(super) task: &'static str,
    pub(super) status: Option<u16>,
    /// Hash and length of what came.
    pub(super) result: Option<String>,
    pub(super) receipt: Option<String>,
    /// What the server said of the settlement.
    pub(super) settlement: Option<String>,
    pub(super) seal: Seal,
}

/// The score before the payment counted.
#[derive(Debug)]
pub(super) struct Score {
    pub(super) value: u16,
    pub(super) at: When,
    pub(super) block: u64,
    pub(super) review: bool,
    pub(super) reasons: Vec<Reason>,
    pub(super) href: String,
}

#[derive(Debug)]
pub(super) struct Logged {
    pub(super) size: u64,
    pub(super) root: String,
    pub(super) href: String,
    pub(super) entries: Vec<Entry>,
}

#[derive(Debug)]
pub(super) struct Entry {
    pub(super) number: u64,
    pub(super) kind: String,
    pub(super) at: When,
    pub(super) leaf: String,
    /// The hashes beside the way to the root.
    pub(super) path: Vec<String>,
    pub(super) href: String,
    /// The first anchor known that covers it: its size, when, and its transaction.
    pub(super) anchor: Option<(u64, When, Transaction)>,
}
