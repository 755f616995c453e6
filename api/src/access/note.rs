use alloy::primitives::Address;
use axum::{
    extract::Request,
    http::{StatusCode, Uri},
};
use bursar_indexer::query::accesses::Access;
use tokio::sync::mpsc::OwnedPermit;

use super::caller::Identified;
use crate::layers;

/// Longest path with parameters that is kept, in characters.
const MAX_ASKED: usize = 500;

/// Room for an access that is to be kept.
pub(super) type Room = OwnedPermit<Access>;

/// An access, from when it is known who asks. Kept when this is dropped, whatever became of the request: whoever hangs up
/// may have read something.
#[derive(Debug, Default)]
pub(super) struct Note(Option<(Room, Access)>);

impl Note {
    /// Begins with who asks; `route` is the one that the path is of.
    pub(super) fn begin(&mut self, room: Room, by: &Identified, request: &Request, route: &str, at: u64) {
        let treasury = by.grant.and_then(|grant| grant.treasury());
        let access = Access {
            request: layers::id_of(request.headers()).to_owned(),
            at,
            by: by.who.to_string(),
            role: by.grant.map(|grant| grant.role()),
            scope: treasury,
            treasury,
            method: request.method().as_str().to_owned(),
            route: route.to_owned(),
            asked: shortened(request.uri()),
            status: None,
        };
        self.0 = Some((room, access));
    }

    /// It is about that treasury's things.
    pub(super) fn of(&mut self, treasury: Option<Address>) {
        if let Some((_, access)) = &mut self.0 {
            access.treasury = treasury;
        }
    }

    /// It was answered.
    pub(super) fn answered(mut self, status: StatusCode) {
        if let Some((_, access)) = &mut self.0 {
            access.status = Some(status.as_u16());
        }
    }
}

impl Drop for Note {
    fn drop(&mut self) {
        if let Some((room, access)) = self.0.take() {
            room.send(access);
        }
    }
}

fn shortened(uri: &Uri) -> String {
    let asked = uri.path_and_query().map_or_else(|| uri.path(), |asked| asked.as_str());
    asked.chars().take(MAX_ASKED).collect()
}
