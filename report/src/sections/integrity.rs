//! S0 and S11: how this very report is held against its files and the chain.

use super::{Material, tx};
use crate::{
    ReportError,
    annex::Annex,
    document::{Cell, Section, Table},
};

pub(super) fn integrity(of: &Material<'_>) -> Section {
    let mut files = Table::new("Files", &["file", "rows", "bytes", "SHA-256"]);
    for file in of.annexes {
        files.row(vec![
            Cell::text(&file.file),
            Cell::text(file.rows),
            Cell::text(file.bytes),
            Cell::text(&file.sha256),
        ]);
    }
    Section::new("S0", "Integrity")
        .say("To verify: `bursar verify FOLDER` holds this report against its files offline, works it out again from \
              them, and names what differs and where; `--rpc URL` holds it against the chain as well. Neither needs \
              our database, nor us.")
        .say("Every number names the rows it counts or adds up; each row of the chain names its transaction, so that \
              any number can be followed there.")
        .with(files)
}

pub(super) fn log(of: &Material<'_>) -> Result<Section, ReportError> {
    let mut records = Table::new("Records", &["", "number"]);
    for (name, by) in [
        ("the agent", "agent"),
        ("the key of the session", "session"),
        ("somebody else", "other"),
        ("nobody", ""),
    ] {
        let number = of.count(Annex::Decisions, &[("sealed_by", by)])?;
        records.row(vec![Cell::text(format!("decisions sealed by {name}")), number]);
    }
    records
        .row(vec![Cell::text("chains of records, one for each purse"), Cell::text(of.purses_with_records)]);
    let mut anchors = Table::new("Anchored on chain", &["at", "entries", "root", "transaction"]);
    for (place, root, size) in &of.books.anchors {
        anchors.row(vec![Cell::Time(place.time), Cell::text(size), Cell::text(root), tx(*place)]);
    }
    Ok(Section::new("S11", "Log integrity, retention")
        .say("Each record names the one before it in its purse's chain, so that one that was left out, changed or put \
              in later shows; S9 tells what was found (records_chained, sealed). Its hash is in the payment's nonce on \
              chain.")
        .say("How long records have to be kept is outside the ledger.")
        .with(records)
        .with(anchors))
}
