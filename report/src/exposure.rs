//! What agents may spend, what they have spent, and what they could still spend before anybody stops them; and whom they
//! paid. As of the last block.

use alloy::primitives::{Address, B256, U256};
use bursar_sdk::windows::Window;

use crate::{
    ReportError,
    annex::Annex,
    books::{Books, Budget, Envelope, Place, Row, Session, cell},
    figure::held,
    tally::Tally,
    text::day,
};

/// How many days "lately" is, that of the last block among them.
pub(crate) const DAYS: u64 = 30;

const DAY: u64 = 86_400;

/// Whose row it is.
struct Of {
    level: &'static str,
    number: u32,
    asset: String,
}

/// What a row says beside whose it is.
#[derive(Default)]
struct Says {
    kind: &'static str,
    period: Option<u32>,
    session: Option<B256>,
    tx: Option<B256>,
    amount: U256,
}

impl Of {
    fn row(&self, says: Says) -> Row {
        let cells = vec![
            self.level.to_owned(),
            self.number.to_string(),
            self.asset.clone(),
            says.kind.to_owned(),
            cell(says.period),
            cell(says.session),
            cell(says.tx),
            says.amount.to_string(),
        ];
        Row { annex: Annex::Exposure, cells }
    }

    fn windows(&self, windows: &[Window], tx: Option<B256>, at: u64) -> Vec<Row> {
        let both = |window: &Window| {
            let period = Some(window.period);
            let (limit, drawn) = (window.limit.to_u256(), window.used_at(at).to_u256());
            [
                self.row(Says { kind: "limit", period, tx, amount: limit, ..Says::default() }),
                self.row(Says { kind: "drawn", period, amount: drawn, ..Says::default() }),
            ]
        };
        windows.iter().flat_map(both).collect()
    }
}

/// The first of the last days, as payments have it.
fn since(at: u64) -> String {
    day(at.saturating_sub((DAYS - 1) * DAY))
}

/// The rows of exposures, all payments counted.
pub(crate) fn exposure(books: &Books, tally: &Tally, at: u64) -> Result<Vec<Row>, ReportError> {
    let since = since(at);
    let days = tally.groups(Annex::Payments, &["asset", "day", "envelope"])?;
    let mut rows = Vec::new();
    for (number, envelope) in &books.envelopes {
        let text = number.to_string();
        let of = Of { level: "envelope", number: *number, asset: envelope.asset.to_string() };
        let tx = envelope.policy().map(|policy| policy.place.tx);
        rows.extend(of.windows(books.windows(Budget::Envelope(*number)), tx, at));
        let lately = days.iter().filter(|(key, _)| match key.as_slice() {
            [_, day, envelope] => *envelope == text && *day >= since,
            _ => false,
        });
        let lately = lately.fold(U256::ZERO, |sum, (_, count)| sum.saturating_add(count.sum));
        rows.push(of.row(Says { kind: "paid_lately", amount: lately, ..Says::default() }));
        let [escrow, purses] = held(&[("envelope", &text)]);
        let (escrow, purses) = (escrow.value(tally)?, purses.value(tally)?);
        let mut open = U256::ZERO;
        for session in books.sessions.values().filter(|session| session.envelope == *number) {
            let amount = may_pay(books, envelope, session, at);
            if !amount.is_zero() {
                open = open.saturating_add(amount);
                let (session, tx) = (Some(session.id()), Some(session.place.tx));
                rows.push(of.row(Says { kind: "open", session, tx, amount, ..Says::default() }));
            }
        }
        if books.stopped(envelope).is_some() || envelope.under_review || envelope.policy().is_none() {
            continue;
        }
        // What lies in a purse without a live session goes back to the escrow, and into limits, before it is drawn anew.
        rows.push(of.row(Says { kind: "idle", amount: purses.saturating_sub(open), ..Says::default() }));
        let budgets = books.budgets(*number, envelope.group);
        let windows = budgets.into_iter().flat_map(|budget| books.windows(budget));
        let left = windows.map(|window| window.left_at(at).to_u256()).min();
        let amount = left.map_or(escrow, |left| left.min(escrow));
        rows.push(of.row(Says { kind: "anew", amount, ..Says::default() }));
    }
    for (number, group) in &books.groups {
        let of = Of { level: "group", number: *number, asset: group.asset.to_string() };
        rows.extend(of.windows(books.windows(Budget::Group(*number)), Some(group.created.tx), at));
    }
    Ok(rows)
}

/// What a session may still pay: what its purse holds, strangers' money with it. Nothing where it is over or stopped.
fn may_pay(books: &Books, envelope: &Envelope, session: &Session, at: u64) -> U256 {
    let live = !session.frozen
        && at < session.opened.expiry
        && session.opened.policy_version == envelope.version
        && books.stopped(envelope).is_none();
    let purse = books.purses.get(&session.opened.purse);
    let purse = purse.filter(|purse| live && purse.session == Some(session.id()));
    purse.map(|purse| purse.balance).unwrap_or_default()
}

/// Whom was paid, all payments counted.
pub(crate) fn payees(books: &Books, tally: &Tally, at: u64) -> Result<Vec<Row>, ReportError> {
    let since = since(at);
    let all = tally.groups(Annex::Payments, &["asset", "payee"])?;
    let row = |((asset, payee), first): (&(Address, Address), &Place)| {
        let key = vec![asset.to_string(), payee.to_string()];
        let count = all.get(&key).copied().unwrap_or_default();
        let new = if day(first.time) >= since { "yes" } else { "no" };
        let [asset, payee] = [asset, payee].map(Address::to_string);
        first.row(
            Annex::Payees,
            [asset, payee, count.count.to_string(), count.sum.to_string(), new.to_owned()],
        )
    };
    Ok(books.met.iter().map(row).collect())
}
