//! Events, as clients read them: in the list, in the stream, and in webhooks.

use bursar_indexer::{
    outbox::{self, Kind},
    query::events::Told,
};
use serde::{Deserialize, Deserializer, Serialize, de};
use serde_json::Value;
use url::Url;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{ObjectBuilder, RefOr, Schema, Type},
};

use crate::wire::{Addr, Hash};

/// Something that happened.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Event {
    /// Counts from 1 without a gap; as `cursor`, it leads on from here.
    pub seq: u64,
    /// What happened; docs/EVENTS.md tells what each kind means. New ones may come.
    #[schema(example = "payment.seen")]
    pub kind: &'static str,
    /// When, in unix seconds: the block's time, or when it came in.
    pub at: u64,
    /// In which treasury, where it is of one.
    pub treasury: Option<Addr>,
    /// In which envelope of it, where it is of one.
    pub envelope: Option<u32>,
    /// What it is about: its path here, below `/v1/`.
    #[schema(example = "sessions/0xb1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1000000000000000000000001")]
    pub subject: String,
    /// The block that caused it, where one did. Where a reorg takes that block away, a `retracted` event comes.
    pub block: Option<EventBlock>,
    /// The event that this one takes back, where it is `retracted`.
    pub retracts: Option<u64>,
    /// Where a person goes on, where a person is asked for.
    pub page: Option<String>,
    /// What else there is to say, by kind: docs/EVENTS.md has the fields.
    #[schema(value_type = Object)]
    pub body: Value,
}

/// Where on the chain an event comes from.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct EventBlock {
    /// The block.
    pub number: u64,
    /// Its hash; null where a record caused the event that was taken in at that height.
    pub hash: Option<Hash>,
    /// The transaction, where it is one log's event.
    pub tx_hash: Option<Hash>,
    /// The log's index in the block.
    pub log_index: Option<u64>,
}

impl Event {
    /// As it is told; pages are found below `base`.
    pub fn new(told: Told, base: Option<&Url>) -> Self {
        let Told { seq, event } = told;
        let page = page(&event, base);
        let outbox::Event { kind, at, treasury, envelope, subject, origin, retracts, body } = event;
        let block = origin.map(|origin| EventBlock {
            number: origin.block,
            hash: origin.hash.map(Hash),
            tx_hash: origin.log.map(|(tx_hash, _)| Hash(tx_hash)),
            log_index: origin.log.map(|(_, index)| index),
        });
        let treasury = treasury.map(Addr);
        Self { seq, kind: kind.code(), at, treasury, envelope, subject, block, retracts, page, body }
    }
}

fn page(event: &outbox::Event, base: Option<&Url>) -> Option<String> {
    let digest = event.subject.strip_prefix("approval-requests/")?;
    if event.kind != Kind::ApprovalRequested {
        return None;
    }
    let path = format!("approvals/{digest}");
    match base {
        Some(base) => base.join(&path).ok().map(String::from),
        None => Some(format!("/{path}")),
    }
}

/// Kinds of events in a query, separated by commas.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Kinds(pub Vec<Kind>);

impl<'de> Deserialize<'de> for Kinds {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let unknown = || {
            let codes: Vec<&str> = Kind::ALL.iter().map(|kind| kind.code()).collect();
            de::Error::custom(format!(
                "expected kinds of events, separated by commas, of {}",
                codes.join(", ")
            ))
        };
        text.split(',').map(|code| Kind::of(code).ok_or_else(unknown)).collect::<Result<_, _>>().map(Self)
    }
}

impl PartialSchema for Kinds {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .pattern(Some("^[a-z_.]+(,[a-z_.]+)*$"))
            .examples(["approval.requested,freeze.set"])
            .into()
    }
}

impl ToSchema for Kinds {}
