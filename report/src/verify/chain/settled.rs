//! Every payment of the report settled as it says, and none that settled is missing.

use std::{collections::BTreeMap, path::Path};

use alloy::{
    primitives::{Address, B256, U256},
    sol_types::SolEvent as _,
};
use bursar_indexer::{
    query::{Position, history::Settled},
    source::{Blocks, LogQuery, RawLog, SourceError, Sources},
};
use bursar_sdk::abi::Eip3009::{AuthorizationUsed, Transfer};

use super::{World, logs::Walk};
use crate::{
    ReportError,
    annex::Annex,
    document::Report,
    verify::{
        Check,
        read::{Fields, Table},
    },
};

/// How many purses are asked for at once.
const PURSES: usize = 500;

/// What tokens say of some blocks.
#[derive(Default)]
struct Told {
    used: BTreeMap<Position, (RawLog, AuthorizationUsed)>,
    moved: BTreeMap<Position, (RawLog, Transfer)>,
}

pub(super) async fn payments(
    folder: &Path,
    report: &Report,
    world: &World,
    sources: &Sources,
) -> Result<Check, ReportError> {
    let what = "payments are what tokens settled from the treasury's purses, all of them";
    let mut table = Table::open(folder, Annex::Payments)?;
    let mut row = table.next_row()?;
    let aside = Table::positions(folder, Annex::SetAside)?;
    let mut places = Vec::new();
    let mut walk = Walk::new(world.created, report.subject.height);
    while let Some(span) = walk.span() {
        let mut told = match ask(world, sources, span).await {
            Ok(told) => told,
            Err(error) if walk.less(&error) => continue,
            Err(error) => {
                return Ok(Check::not_checked(what, format!("blocks {} to {}: {error}", span.0, span.1)));
            }
        };
        while let Some(fields) = &row
            && fields.position()?.block <= span.1
        {
            hold(fields, &mut told, &mut places)?;
            row = table.next_row()?;
        }
        for (position, (log, used)) in told.used.iter().filter(|(position, _)| !aside.contains(position)) {
            let (nonce, purse) = (used.nonce, used.authorizer);
            let tx = log.tx_hash;
            places.push(format!(
                "{}: nonce {nonce} of purse {purse}, settled in {tx}, is missing",
                at(*position)
            ));
        }
        walk.done(span);
    }
    while let Some(fields) = row {
        places.push(format!("{}: after the last block of the report", at(fields.position()?)));
        row = table.next_row()?;
    }
    Ok(Check::of(what, places))
}

/// One payment against the logs of its block; those it accounts for are taken out.
fn hold(fields: &Fields, told: &mut Told, places: &mut Vec<String>) -> Result<(), ReportError> {
    let (payment, _) = fields.payment()?;
    let position = payment.position;
    if payment.rail == "eip3009" {
        match told.used.remove(&position) {
            None => {
                places.push(format!("{}: nothing settled there", at(position)));
                return Ok(());
            }
            Some((log, used)) => {
                same(&payment, &log, places);
                let expected = (used.authorizer, Some(used.nonce));
                if (payment.purse, payment.nonce) != expected {
                    let (purse, nonce) = (used.authorizer, used.nonce);
                    places.push(format!("{}: expected nonce {nonce} of purse {purse}", at(position)));
                }
            }
        }
    }
    let transfer = told.moved.iter().find(|(place, (log, moved))| {
        let here = payment.rail == "eip3009" || **place == position;
        here && log.tx_hash == payment.tx_hash && log.address == payment.asset && is(moved, &payment)
    });
    match transfer.map(|(place, _)| *place) {
        Some(place) => {
            if let Some((log, _)) = told.moved.remove(&place) {
                same(&payment, &log, places);
            }
        }
        None => {
            let (amount, purse, payee) = (payment.amount, payment.purse, payment.payee);
            let tx = payment.tx_hash;
            places.push(format!("{}: no transfer of {amount} from {purse} to {payee} in {tx}", at(position)));
        }
    }
    Ok(())
}

fn is(moved: &Transfer, payment: &Settled) -> bool {
    (moved.from, moved.to, moved.value) == (payment.purse, payment.payee, payment.amount.to_u256())
}

fn same(payment: &Settled, log: &RawLog, places: &mut Vec<String>) {
    let expected: [B256; 2] = [log.block_hash, log.tx_hash];
    if [payment.block_hash, payment.tx_hash] != expected {
        let [block, tx] = expected;
        places.push(format!("{}: expected transaction {tx} of block {block}", at(payment.position)));
    }
}

async fn ask(world: &World, sources: &Sources, (from, to): (u64, u64)) -> Result<Told, SourceError> {
    let mut told = Told::default();
    for purses in world.purses.chunks(PURSES) {
        let purses: Vec<B256> = purses.iter().map(|(purse, _)| word(*purse)).collect();
        let query = LogQuery {
            blocks: Blocks::Range(from, to),
            addresses: world.tokens.clone(),
            topics: [vec![AuthorizationUsed::SIGNATURE_HASH, Transfer::SIGNATURE_HASH], purses, vec![]],
        };
        for log in sources.logs(&query).await?.what.logs {
            let position = Position { block: log.block_number, log: log.log_index };
            let topics = || log.topics.iter().copied();
            if let Ok(used) = AuthorizationUsed::decode_raw_log(topics(), &log.data) {
                told.used.insert(position, (log, used));
            } else if let Ok(moved) = Transfer::decode_raw_log(topics(), &log.data) {
                told.moved.insert(position, (log, moved));
            }
        }
    }
    Ok(told)
}

fn word(address: Address) -> B256 {
    U256::from_be_slice(address.as_slice()).into()
}

fn at(position: Position) -> String {
    format!("payments.csv, block {}, log {}", position.block, position.log)
}
