//! A treasury's history as a store would tell it, in memory, to be bent in one place at a time.

use std::{io::Write, path::Path};

use alloy::{
    primitives::{Address, B256, Bytes, keccak256},
    signers::{SignerSync as _, local::PrivateKeySigner},
};
use anyhow::Result;
use bursar_indexer::query::{
    Position,
    erasures::{Note, Place, Tombstone},
    history::{Asked, Event, Kept, SetAside, Settled},
};
use bursar_report::{
    annex::Annexes,
    build::Builder,
    bundle::{self, Written},
    document::Report,
    subject::{AssetName, Subject},
};
use bursar_sdk::{
    amount::Amount,
    decision::{DecisionRecord, Resource, SCHEMA, Verdict},
    erasure::ErasureCategory,
    outcome::{self, OutcomeRecord},
    payment::session_id,
    record::{RecordKind, seal_digest},
    refusal::Refusal,
    transparency::{self, Entry, Growth, Keeper, LogKind, leaf_hash, seal_content},
};
use serde_json::{Value, json};

pub(crate) const CHAIN_ID: u64 = 31_337;
/// Saturday 2026-11-21 00:00 UTC.
pub(crate) const MIDNIGHT: u64 = 1_795_219_200;
pub(crate) const CAP: u64 = 5_000_000;
pub(crate) const THRESHOLD: u64 = 2_000_000;
pub(crate) const BUDGET: u64 = 10_000_000;
pub(crate) const DAY_LIMIT: u64 = 10_000_000;

pub(crate) fn address(byte: u8) -> Address {
    Address::repeat_byte(byte)
}

pub(crate) const TREASURY: Address = Address::repeat_byte(0x71);
pub(crate) const TOKEN: Address = Address::repeat_byte(0x05);
pub(crate) const PURSE: Address = Address::repeat_byte(0xb1);
pub(crate) const PAYEE: Address = Address::repeat_byte(0xc1);
pub(crate) const MANAGER: Address = Address::repeat_byte(0x02);
pub(crate) const APPROVER: Address = Address::repeat_byte(0x04);

pub(crate) fn agent() -> PrivateKeySigner {
    PrivateKeySigner::from_bytes(&B256::repeat_byte(0xa1)).unwrap()
}

/// A payment, and the record of its decision.
#[derive(Debug, Clone)]
pub(crate) struct Paid {
    pub(crate) payment: Settled,
    pub(crate) outcomes: Vec<Kept>,
}

/// Facts in the order in which they came.
#[derive(Debug, Clone)]
#[allow(clippy::large_enum_variant)]
pub(crate) enum Fact {
    Event(Event),
    Paid(Paid),
}

/// A history. Its parts can be changed before it is reported.
#[derive(Debug, Clone, Default)]
pub(crate) struct World {
    pub(crate) facts: Vec<Fact>,
    pub(crate) unsettled: Vec<Kept>,
    pub(crate) asked: Vec<Asked>,
    pub(crate) aside: Vec<SetAside>,
    pub(crate) erased: Vec<Tombstone>,
    /// The log where it is not that of all this.
    pub(crate) log: Option<Vec<Entry>>,
    pub(crate) last_record: (u64, B256),
    block: u64,
}

impl World {
    /// An organisation with an envelope, a policy, money and an open session.
    pub(crate) fn new() -> Self {
        let mut world = Self::default();
        let owner = address(1);
        world.say(None, "role_granted", json!({ "account": owner, "role": 1, "by": owner }));
        world.say(
            None,
            "treasury_created",
            json!({ "treasury": TREASURY, "owner": owner, "salt": B256::ZERO }),
        );
        for (account, role) in [(MANAGER, 2), (address(3), 4), (APPROVER, 8)] {
            world.say(None, "role_granted", json!({ "account": account, "role": role, "by": owner }));
        }
        world.say(None, "separation_of_duties_set", json!({ "on": true, "by": owner }));
        world.say(None, "asset_added", json!({ "asset": TOKEN, "index": 0, "domainSeparator": B256::ZERO }));
        world.say(None, "payee_listed", json!({ "list": 1, "payee": PAYEE }));
        let created = json!({ "agent": agent().address(), "asset": TOKEN, "by": MANAGER });
        world.say(Some(1), "envelope_created", created);
        world.policy(1, MANAGER);
        world.say(Some(1), "purse_created", json!({ "purse": PURSE, "index": 0 }));
        world.say(Some(1), "topped_up", json!({ "from": owner, "amount": "50000000" }));
        world.open(1, B256::ZERO);
        world
    }

    /// The history that most tests bend: payments, one of them approved; a refusal; and the session's end.
    pub(crate) fn lived() -> Self {
        let mut world = Self::new();
        world.pay(1_000_000, |_| {});
        world.pay(THRESHOLD + 1, |paid| paid.payment.approver = Some(APPROVER));
        world.refuse();
        world.pay(500_000, |_| {});
        world.close(BUDGET - 1_000_000 - THRESHOLD - 1 - 500_000);
        world
    }

    pub(crate) fn now(&self) -> u64 {
        MIDNIGHT + self.block * 2
    }

    fn position(&mut self) -> (Position, B256) {
        self.block += 1;
        (Position { block: self.block, log: 3 }, keccak256(self.block.to_be_bytes()))
    }

    pub(crate) fn say(&mut self, envelope: Option<u32>, kind: &str, args: Value) {
        let (position, tx_hash) = self.position();
        let address = if kind == "treasury_created" { address(0x0f) } else { TREASURY };
        self.facts.push(Fact::Event(Event {
            position,
            timestamp: self.now(),
            tx_hash,
            address,
            envelope,
            kind: kind.into(),
            args: args.to_string(),
        }));
    }

    pub(crate) fn policy(&mut self, version: u16, by: Address) {
        let policy = json!({
            "paymentCap": CAP.to_string(), "approvalThreshold": THRESHOLD.to_string(),
            "sessionLimit": BUDGET.to_string(), "maxSessionSeconds": 3600, "payeeList": 1,
            "lifetimeLimit": "0", "policyHash": policy_hash(version),
            "windows": [{ "period": 86_400, "limit": DAY_LIMIT.to_string() }],
        });
        self.say(Some(1), "policy_set", json!({ "version": version, "policy": policy, "by": by }));
    }

    pub(crate) fn open(&mut self, sequence: u32, stamp: B256) {
        self.open_narrowed(
            sequence,
            stamp,
            json!({ "paymentCap": "0", "approvalThreshold": "0", "payeeList": 0 }),
        );
    }

    pub(crate) fn open_narrowed(&mut self, sequence: u32, stamp: B256, scope: Value) {
        let opened = json!({
            "purse": PURSE, "sequence": sequence, "key": address(0xd0), "budget": BUDGET.to_string(),
            "expiry": MIDNIGHT + 3_000, "policyVersion": 1, "scope": scope, "stampHash": stamp,
        });
        self.say(Some(1), "session_opened", opened);
    }

    pub(crate) fn close(&mut self, returned: u64) {
        let args = json!({
            "purse": PURSE, "sequence": 1, "returned": returned.to_string(), "unspent": returned.to_string(),
        });
        self.say(Some(1), "session_closed", args);
    }

    /// A payment as it should be, then bent.
    pub(crate) fn pay(&mut self, units: u64, bend: impl FnOnce(&mut Paid)) {
        let record = self.record(units, Verdict::Approved);
        self.pay_under(record, bend);
    }

    pub(crate) fn pay_under(&mut self, record: DecisionRecord, bend: impl FnOnce(&mut Paid)) {
        let (position, tx_hash) = self.position();
        let kept = sealed(&record, &agent(), self.now());
        self.last_record = (record.seq, kept.hash);
        let nonce = record.nonce_of(kept.hash);
        let outcome = outcome(&record, kept.hash, nonce, self.now());
        let mut paid = Paid {
            payment: Settled {
                position,
                block_hash: keccak256([1]),
                timestamp: self.now(),
                tx_hash,
                envelope: 1,
                agent: agent().address(),
                purse: PURSE,
                session: session_id(PURSE, 1),
                policy_version: 1,
                asset: TOKEN,
                payee: PAYEE,
                amount: record.amount,
                rail: "eip3009".into(),
                nonce: Some(nonce),
                decision_hash: Some(kept.hash),
                approver: None,
                facilitator: address(0xfa),
                decision: Some(kept),
            },
            outcomes: vec![outcome],
        };
        bend(&mut paid);
        self.facts.push(Fact::Paid(paid));
    }

    pub(crate) fn refuse(&mut self) {
        let record = self.record(CAP + 1, Verdict::Denied);
        let kept = sealed(&record, &agent(), self.now());
        self.last_record = (record.seq, kept.hash);
        self.unsettled.push(kept);
    }

    /// The next record of the purse's chain.
    pub(crate) fn record(&self, units: u64, verdict: Verdict) -> DecisionRecord {
        let denied = verdict == Verdict::Denied;
        DecisionRecord {
            schema: SCHEMA.into(),
            id: format!("record-{}", self.last_record.0),
            seq: self.last_record.0 + 1,
            prev_hash: self.last_record.1,
            chain_id: CHAIN_ID,
            treasury: TREASURY,
            envelope: 1,
            agent: agent().address(),
            agent_ref: B256::ZERO,
            stamp_hash: B256::ZERO,
            purse: PURSE,
            session: session_id(PURSE, 1),
            policy_version: 1,
            epoch: 0,
            policy_hash: policy_hash(1),
            trigger: "a task".into(),
            resource: Resource {
                url: "https://api.example.com/report".into(),
                method: "GET".into(),
                body_hash: B256::ZERO,
            },
            requirement_hash: B256::ZERO,
            offer: None,
            payee: PAYEE,
            asset: TOKEN,
            amount: Amount::new(units),
            alternatives: vec![],
            rules: vec![],
            rationale: "canary-in-the-rationale".into(),
            model: None,
            verdict,
            reason_codes: if denied { vec![Refusal::PaymentCapExceeded] } else { vec![] },
            created_at: self.now(),
            salt: B256::repeat_byte(9),
        }
    }

    pub(crate) fn subject(&self) -> Subject {
        Subject {
            chain_id: CHAIN_ID,
            treasury: TREASURY,
            height: 1_000,
            is_final: true,
            block_number: self.block,
            block_hash: B256::repeat_byte(0xee),
            block_time: self.now(),
            records_until: self.now() + 600,
            log_size: self.entries().len() as u64,
            assets: vec![AssetName { address: TOKEN, symbol: "USDC".into(), decimals: 6 }],
            applicability: Default::default(),
        }
    }

    /// Has the record of the first payment erased, with its outcomes.
    pub(crate) fn erase(&mut self) -> Tombstone {
        let paid = self.facts.iter_mut().find_map(|fact| match fact {
            Fact::Paid(paid) => Some(paid),
            Fact::Event(_) => None,
        });
        let paid = paid.unwrap();
        let kept = paid.payment.decision.take().unwrap();
        paid.outcomes.clear();
        let record = DecisionRecord::from_canonical(&kept.canonical).unwrap();
        let note = Note {
            hash: kept.hash,
            erased_at: MIDNIGHT,
            erased_by: address(0x01),
            category: ErasureCategory::SubjectRequest,
            signature: Bytes::new(),
        };
        let (seq, prev_hash, verdict) = (record.seq, record.prev_hash, record.verdict);
        let stone = Tombstone {
            note,
            place: Place::Decision { seq, prev_hash, verdict },
            treasury: TREASURY,
            envelope: record.envelope,
            agent: record.agent,
            purse: record.purse,
            nonce: paid.payment.nonce,
            created_at: record.created_at,
            received_at: kept.received_at,
            contract: false,
        };
        self.erased.push(stone.clone());
        stone
    }

    /// The log that a store would have of all this, in the order in which it came.
    pub(crate) fn entries(&self) -> Vec<Entry> {
        if let Some(log) = &self.log {
            return log.clone();
        }
        let entry = |kind, subject, content, at| Entry {
            schema: transparency::SCHEMA.into(),
            kind,
            treasury: TREASURY,
            envelope: Some(1),
            subject,
            content,
            fact: None,
            at,
            height: 7,
        };
        let of_kept = |kind, kept: &Kept| {
            let content = seal_content(kept.seal.as_ref()).unwrap();
            entry(kind, kept.hash, Some(content), kept.received_at)
        };
        let mut entries = Vec::new();
        for fact in &self.facts {
            let Fact::Paid(paid) = fact else { continue };
            if let Some(kept) = &paid.payment.decision {
                let kept = Kept { hash: keccak256(&kept.canonical), ..kept.clone() };
                let denied = kept.canonical.contains("\"verdict\":\"denied\"");
                let kind = if denied { LogKind::Refusal } else { LogKind::Decision };
                entries.push(of_kept(kind, &kept));
                for outcome in &paid.outcomes {
                    let outcome = Kept { hash: keccak256(&outcome.canonical), ..outcome.clone() };
                    entries.push(of_kept(LogKind::Outcome, &outcome));
                }
            }
        }
        entries.extend(self.unsettled.iter().map(|kept| {
            let denied = kept.canonical.contains("\"verdict\":\"denied\"");
            of_kept(if denied { LogKind::Refusal } else { LogKind::Decision }, kept)
        }));
        for asked in &self.asked {
            let digest = asked.digest;
            entries.push(entry(LogKind::ApprovalRequest, digest, Some(B256::ZERO), asked.requested_at));
            if let Some((answer, _, at)) = &asked.answer {
                let kind = if answer == "rejected" { LogKind::Rejection } else { LogKind::Approval };
                entries.push(entry(kind, digest, Some(B256::ZERO), *at));
            }
        }
        for stone in &self.erased {
            let hash = stone.note.hash;
            entries.push(entry(LogKind::Decision, hash, Some(B256::ZERO), stone.received_at));
            entries.push(entry(LogKind::Erasure, hash, Some(B256::ZERO), stone.note.erased_at));
        }
        entries
    }

    /// The root of the log's first so many entries.
    pub(crate) fn root(&self, size: usize) -> B256 {
        let mut growth = Growth::default();
        for entry in self.entries().iter().take(size) {
            growth.push(leaf_hash(entry.canonical().unwrap().as_bytes())).unwrap();
        }
        growth.root().unwrap()
    }

    /// Says on the chain that the log's first so many entries have that root.
    pub(crate) fn anchor(&mut self, root: B256, size: u64) {
        self.say(None, "anchored", json!({ "root": root, "size": size.to_string(), "by": address(1) }));
    }

    /// Writes the report to a folder that is not there yet.
    pub(crate) fn report(&self, folder: &Path) -> Result<Written> {
        self.report_signed(folder, None)
    }

    /// The same, with the log's root signed.
    pub(crate) fn report_signed(&self, folder: &Path, keeper: Option<&Keeper>) -> Result<Written> {
        Ok(bundle::close(folder, self.told(bundle::open(folder)?, keeper)?)?)
    }

    /// Everything, taken into annexes.
    fn told<W: Write>(&self, annexes: Annexes<W>, keeper: Option<&Keeper>) -> Result<Builder<W>> {
        let mut builder = Builder::new(self.subject(), annexes)?;
        for stone in &self.erased {
            builder.erased(stone)?;
        }
        for fact in &self.facts {
            match fact {
                Fact::Event(event) => builder.event(event)?,
                Fact::Paid(paid) => builder.payment(&paid.payment, &paid.outcomes)?,
            }
        }
        for kept in &self.unsettled {
            builder.unsettled(kept, &[])?;
        }
        for asked in &self.asked {
            builder.asked(asked)?;
        }
        for row in &self.aside {
            builder.set_aside(row)?;
        }
        builder.log()?;
        for (number, entry) in (0..).zip(self.entries()) {
            builder.logged(number, &entry)?;
        }
        let (size, root) = builder.log_root()?;
        let signed = keeper.map(|keeper| keeper.sign(CHAIN_ID, TREASURY, size, root)).transpose()?;
        builder.signed(signed);
        Ok(builder)
    }

    /// The report as a value: nothing is written or drawn.
    pub(crate) fn value(&self) -> Result<Report> {
        Ok(self.told(Annexes::open(|_| Ok(std::io::sink()))?, None)?.finish()?.0)
    }

    /// How many exceptions each rule has, those without left out.
    pub(crate) fn exceptions(&self) -> Result<Vec<(String, u64)>> {
        let report = self.value()?;
        let found = report.trials.into_iter().filter(|trial| trial.exceptions != 0);
        Ok(found.map(|trial| (trial.id, trial.exceptions)).collect())
    }
}

pub(crate) fn policy_hash(version: u16) -> B256 {
    keccak256(version.to_be_bytes())
}

fn seal(kind: RecordKind, hash: B256, key: &PrivateKeySigner) -> alloy::primitives::Bytes {
    let digest = seal_digest(kind, CHAIN_ID, TREASURY, hash);
    key.sign_hash_sync(&digest).unwrap().normalized_s().as_bytes().to_vec().into()
}

pub(crate) fn sealed(record: &DecisionRecord, key: &PrivateKeySigner, received_at: u64) -> Kept {
    let canonical = record.canonical().unwrap();
    let hash = keccak256(&canonical);
    Kept { hash, canonical, seal: Some(seal(RecordKind::Decision, hash, key)), received_at }
}

pub(crate) fn outcome(record: &DecisionRecord, decision: B256, nonce: B256, now: u64) -> Kept {
    let outcome = OutcomeRecord {
        schema: outcome::SCHEMA.into(),
        decision_hash: decision,
        revision: 1,
        prev_hash: B256::ZERO,
        chain_id: CHAIN_ID,
        treasury: TREASURY,
        envelope: record.envelope,
        agent: record.agent,
        nonce,
        purse: record.purse,
        settlement: None,
        receipt: None,
        receipt_check: None,
        http_status: Some(200),
        result_hash: Some(B256::repeat_byte(7)),
        result_bytes: Some(12),
        delivered: true,
        task_done: None,
        created_at: now,
    };
    let canonical = outcome.canonical().unwrap();
    let hash = keccak256(&canonical);
    Kept { hash, canonical, seal: Some(seal(RecordKind::Outcome, hash, &agent())), received_at: now }
}
