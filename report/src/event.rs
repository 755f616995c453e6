//! What a treasury says, read back for a report.

use bursar_indexer::query::history;

pub(crate) use bursar_indexer::decode::said::{Opened, Rules, Said, WindowLimit};

use crate::{ReportError, annex::Annex};

/// Reads an event.
pub(crate) fn read(event: &history::Event) -> Result<Said, ReportError> {
    Said::read(&event.kind, &event.args).map_err(|error| {
        let place = format!("block {}, log {}", event.position.block, event.position.log);
        ReportError::row(Annex::Events, format!("{place}: {} does not read: {error}", event.kind))
    })
}
