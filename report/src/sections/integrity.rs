//! S0 and S11: how this very report is held against its files and the chain.

use bursar_sdk::transparency::LogKind;

use super::{Material, tx};
use crate::{
    ReportError,
    annex::Annex,
    document::{Cell, Section, Table},
    logbook::{Anchor, Anchored},
};

pub(super) fn integrity(of: &Material<'_>) -> Result<Section, ReportError> {
    let mut files = Table::new("Files", &["file", "rows", "bytes", "SHA-256"]);
    for file in of.annexes {
        files.row(vec![
            Cell::text(&file.file),
            Cell::text(file.rows),
            Cell::text(file.bytes),
            Cell::text(&file.sha256),
        ]);
    }
    Ok(Section::new("S0", "Integrity")
        .say("To verify: `bursar verify FOLDER` holds this report against its files offline, works it out again from \
              them, and names what differs and where; `--rpc URL` holds it against the chain as well. Neither needs \
              our database, nor us.")
        .say("Every number names the rows it counts or adds up; each row of the chain names its transaction, so that \
              any number can be followed there.")
        .say("The transparency log has an entry for everything that came from outside the chain (S11): log.csv has all of \
              them, and the root follows from them. A root that somebody kept, or that is on the chain, is that of this \
              log's first entries, or this is another log.")
        .with(files)
        .with(root(of)?)
        .with(since(of)))
}

/// The log's root, and what vouches for it.
fn root(of: &Material<'_>) -> Result<Table, ReportError> {
    let mut root = Table::new("Transparency log", &["", "value"]);
    root.row(vec![Cell::text("entries"), of.count(Annex::Log, &[])?]);
    root.row(vec![Cell::text("root"), Cell::text(of.log.root)]);
    match of.log.anchors.last() {
        None => {
            root.row(vec![Cell::text("anchored on chain"), Cell::text("nothing")]);
        }
        Some(last) => {
            root.row(vec![Cell::text("anchored last, entries"), Cell::text(last.size)]);
            root.row(vec![Cell::text("anchored last, root"), Cell::text(last.root)]);
            root.row(vec![Cell::text("anchored last, transaction"), tx(last.place)]);
        }
    }
    // One long word each: in the report's file, where programs read them, and not on its page.
    let signed = of.signed.map_or("nobody signed it", |_| "signed: in report.json, under log");
    root.row(vec![Cell::text("checkpoint"), Cell::text(signed)]);
    Ok(root)
}

/// That the log goes on from what was anchored.
fn since(of: &Material<'_>) -> Table {
    let title = match &of.log.since {
        None => "Consistency with the last anchor: there is none".to_owned(),
        Some(proof) => {
            format!("Consistency of {} entries with the {} anchored (RFC 6962)", proof.size, proof.from)
        }
    };
    let mut since = Table::new(&title, &["hash"]);
    for hash in of.log.since.iter().flat_map(|proof| &proof.path) {
        since.row(vec![Cell::text(hash)]);
    }
    since
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
    let mut entries = Table::new("Entries of the transparency log", &["of", "number"]);
    for kind in LogKind::ALL {
        let number = of.count(Annex::Log, &[("kind", kind.code())])?;
        entries.row(vec![Cell::text(kind.code()), number]);
    }
    let columns = ["at", "entries", "root", "is the log's", "transaction"];
    let mut anchors = Table::new("Anchored on chain", &columns);
    for Anchor { place, size, root, came } in &of.log.anchors {
        let came = match came {
            Anchored::Fits => "yes",
            Anchored::Apart(_) => "no: another root",
            Anchored::Beyond => "no: fewer entries",
        };
        let at = Cell::Time(place.time);
        anchors.row(vec![at, Cell::text(size), Cell::text(root), Cell::text(came), tx(*place)]);
    }
    Ok(Section::new("S11", "Log integrity, retention")
        .say("Each record names the one before it in its purse's chain, so that one that was left out, changed or put \
              in later shows; S9 tells what was found (records_chained, sealed). Its hash is in the payment's nonce on \
              chain.")
        .say("The transparency log (RFC 6962) names each of them by its hash, in the order in which they came; an entry \
              stays when the record's words are erased. S0 has its root.")
        .say("How long records have to be kept is outside the ledger.")
        .with(records)
        .with(entries)
        .with(anchors.short(Annex::Events)))
}
