//! Where alerts become known: whoever is told of one is told from here, in the transaction that raised or closed it.

use alloy::primitives::B256;
use serde_json::{Value, json};

use super::{StoreError, tables};
use crate::{
    db::{Query, Tx},
    ledger::{AlertRow, Change, Key, Row},
    outbox::{Event, Kind, Origin},
};

/// What became of an alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Turn {
    Raised,
    Closed,
}

/// Tells of the alerts that `changes` raise or close, as of `origin`.
pub(super) fn tell(origin: Origin, changes: &[Change]) -> Vec<Event> {
    let turned = changes.iter().filter_map(|change| {
        let Key::Alert(id) = change.key else { return None };
        let (before, after) = (row(change.before.as_deref()), row(change.after.as_deref()));
        Some(told(origin, id, after?, turn(before, after)?))
    });
    turned.collect()
}

/// Tells of the alerts whose time has come by `now`, and had not by `since` (unix seconds, of the chain): they were written
/// ahead.
pub(super) async fn tell_ripe(
    tx: &mut Tx,
    origin: Origin,
    since: u64,
    now: u64,
) -> Result<Vec<Event>, StoreError> {
    let ripe = Query::new(
        "SELECT * FROM alert WHERE raised_at > $1 AND raised_at <= $2 AND foreseen ORDER BY raised_at, id",
    );
    let rows = ripe.bind(since).bind(now).rows(tx).await?;
    let told =
        rows.iter().map(|row| Ok(told(origin, row.hash("id")?, &tables::read_alert(row)?, Turn::Raised)));
    told.collect()
}

fn told(origin: Origin, id: B256, row: &AlertRow, turn: Turn) -> Event {
    let AlertRow { kind, treasury, envelope, subject, .. } = row;
    let (kind, severity) = (kind.code(), row.severity.code());
    tracing::info!(%id, kind, severity, ?treasury, ?envelope, subject, block = row.block, "alert {turn:?}");
    let detail: Value = serde_json::from_str(&row.detail.json()).unwrap_or_default();
    let (told, at) = match turn {
        Turn::Raised => (Kind::AlertRaised, row.raised_at),
        Turn::Closed => (Kind::AlertClosed, row.closed_at.unwrap_or(row.raised_at)),
    };
    Event {
        kind: told,
        at,
        treasury: *treasury,
        envelope: *envelope,
        subject: "alerts".to_owned(),
        origin: Some(origin),
        retracts: None,
        body: json!({
            "id": id, "alert": kind, "severity": severity, "about": subject, "raisedAt": row.raised_at,
            "count": row.count, "detail": detail,
        }),
    }
}

fn row(row: Option<&Row>) -> Option<&AlertRow> {
    match row {
        Some(Row::Alert(row)) => Some(row),
        _ => None,
    }
}

/// What is foreseen is told when its time has come; what was raised and closed within one block is not told.
fn turn(before: Option<&AlertRow>, after: Option<&AlertRow>) -> Option<Turn> {
    let stands = |row: &AlertRow| row.closed_block.is_none();
    let after = after?;
    match before {
        Some(before) if stands(before) && !stands(after) => Some(Turn::Closed),
        before
            if stands(after) && !after.foreseen && !before.is_some_and(|it| stands(it) && !it.foreseen) =>
        {
            Some(Turn::Raised)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::{AlertKind, Severity};

    fn alert(foreseen: bool, closed_block: Option<u64>) -> AlertRow {
        AlertRow {
            kind: AlertKind::Review,
            severity: Severity::Critical,
            treasury: None,
            envelope: None,
            subject: "score".into(),
            raised_at: 5,
            block: 1,
            block_hash: None,
            foreseen,
            closed_at: closed_block,
            closed_block,
            count: 1,
            detail: "{}".to_owned().into(),
        }
    }

    #[test]
    fn tells_of_every_alert_once_when_it_is_raised_and_once_when_it_is_closed() {
        let (open, closed) = (alert(false, None), alert(false, Some(9)));
        assert_eq!(turn(None, Some(&open)), Some(Turn::Raised));
        assert_eq!(turn(Some(&open), Some(&AlertRow { count: 2, ..open.clone() })), None, "it goes on");
        assert_eq!(turn(Some(&open), Some(&closed)), Some(Turn::Closed));
        assert_eq!(turn(Some(&closed), Some(&open)), Some(Turn::Raised));
        assert_eq!(turn(None, Some(&closed)), None, "over before anybody could have looked");
        assert_eq!(turn(Some(&open), None), None);
    }

    #[test]
    fn what_is_foreseen_is_told_when_it_comes() {
        let (foreseen, open) = (alert(true, None), alert(false, None));
        assert_eq!(turn(None, Some(&foreseen)), None);
        assert_eq!(turn(Some(&foreseen), Some(&open)), Some(Turn::Raised), "it came sooner");
        assert_eq!(turn(Some(&foreseen), Some(&AlertRow { count: 2, ..foreseen.clone() })), None);
        assert_eq!(turn(Some(&foreseen), Some(&alert(true, Some(9)))), Some(Turn::Closed));
    }
}
