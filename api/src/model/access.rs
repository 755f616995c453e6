//! Who asked what, as clients read it.

use bursar_indexer::query::accesses;
use serde::Serialize;
use utoipa::ToSchema;

use crate::wire::{Addr, Hash};

/// Something that somebody asked, or did to the keys.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Access {
    /// Its number, in the order in which they were kept.
    pub seq: u64,
    /// Which request: the `x-request-id` of its answer, or of which key a command was.
    pub request: String,
    /// When it came, in unix seconds.
    pub at: u64,
    /// Who: `key:ID` for the holder of a key, `oidc:SUBJECT` for whom the issuer of tokens calls that, `command-line` for who has
    /// the store.
    #[schema(example = "key:9f86d081884c7d65")]
    pub by: String,
    /// Their role; null for who has the store, and for whose groups had none.
    pub role: Option<&'static str>,
    /// The only treasury that they are let see; null: all.
    pub scope: Option<Addr>,
    /// Whose things were asked for, in whose log it is; null: of no one treasury, and in no log.
    pub treasury: Option<Addr>,
    /// `GET`, `POST`, or `RUN` for a command.
    pub method: String,
    /// The route, as this document has it, or the command.
    #[schema(example = "/v1/sessions/{id}")]
    pub route: String,
    /// What was asked for: path and parameters, shortened, or what the command was given.
    pub asked: String,
    /// How it was answered; null: whoever asked was gone before, or there was no answer in time.
    pub status: Option<u16>,
    /// The subject of the entry that tells of it in its treasury's log.
    pub logged: Option<Hash>,
}

impl From<accesses::Kept> for Access {
    fn from(kept: accesses::Kept) -> Self {
        let accesses::Kept { seq, access, batch } = kept;
        let accesses::Access { request, at, by, role, scope, treasury, method, route, asked, status } =
            access;
        Self {
            seq,
            request,
            at,
            by,
            role: role.map(|role| role.code()),
            scope: scope.map(Addr),
            treasury: treasury.map(Addr),
            method,
            route,
            asked,
            status,
            logged: batch.map(Hash),
        }
    }
}
