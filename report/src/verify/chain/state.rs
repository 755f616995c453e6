//! How things stand at the report's height: balances, roles, policies, stops, and nonces that are used.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use alloy::{
    contract::Error as CallError,
    eips::BlockId,
    primitives::{Address, U256, aliases::U24},
    providers::DynProvider,
};
use bursar_sdk::{
    abi::{Eip3009, Treasury},
    role::Role,
};

use super::World;
use crate::{
    ReportError,
    annex::Annex,
    document::Report,
    figure::held,
    tally::Tally,
    verify::{Check, read::Table},
};

/// How many nonces are asked about; logs have told of all of them before.
const NONCES: u64 = 256;

pub(super) async fn at_height(
    folder: &Path,
    report: &Report,
    world: &World,
    provider: &DynProvider,
) -> Result<Vec<Check>, ReportError> {
    let at = At {
        folder,
        report,
        world,
        provider,
        treasury: Treasury::new(report.subject.treasury, provider.clone()),
        block: BlockId::number(report.subject.height),
    };
    let mut checks = Vec::new();
    for (what, made) in [
        ("escrow and purses hold what the report says", at.money().await),
        ("envelopes stand as the report says: agent, policy, freeze, review", at.envelopes().await),
        ("accounts hold the roles that the report says", at.roles().await),
        ("nonces of payments are used", at.nonces().await),
    ] {
        checks.push(match made {
            Ok(places) => Check::of(what, places),
            Err(Halt::Report(error)) => Check::of(what, vec![error.to_string()]),
            Err(Halt::Node(error)) => {
                let height = report.subject.height;
                Check::not_checked(
                    what,
                    format!("the node does not tell how it stood at block {height}: {error}"),
                )
            }
        });
    }
    Ok(checks)
}

struct At<'a> {
    folder: &'a Path,
    report: &'a Report,
    world: &'a World,
    provider: &'a DynProvider,
    treasury: Treasury::TreasuryInstance<DynProvider>,
    block: BlockId,
}

/// Why a check was not made, or not to its end.
enum Halt {
    Report(ReportError),
    Node(CallError),
}

impl From<ReportError> for Halt {
    fn from(error: ReportError) -> Self {
        Self::Report(error)
    }
}

impl From<CallError> for Halt {
    fn from(error: CallError) -> Self {
        Self::Node(error)
    }
}

impl At<'_> {
    /// The report's own rows, added up, against escrow and balances.
    async fn money(&self) -> Result<Vec<String>, Halt> {
        let columns = |columns: &[&'static str]| columns.iter().copied().collect::<BTreeSet<_>>();
        let mut tally = Tally::by([
            (Annex::Movements, columns(&["envelope", "kind"])),
            (Annex::Payments, columns(&["envelope"])),
        ])?;
        for annex in [Annex::Movements, Annex::Payments] {
            let mut table = Table::open(self.folder, annex)?;
            while let Some(row) = table.next_row()? {
                tally.add(annex, row.cells())?;
            }
        }
        let mut places = Vec::new();
        for (number, asset) in self.numbers().await? {
            let text = number.to_string();
            let [escrow, purses] = held(&[("envelope", &text)]);
            let (escrow, purses) = (escrow.value(&tally)?, purses.value(&tally)?);
            let on_chain = self.treasury.envelope(U24::from(number)).block(self.block).call().await?;
            hold(&mut places, || format!("envelope {number}, escrow"), U256::from(on_chain.escrow), escrow);
            let token = Eip3009::new(asset, self.provider.clone());
            let mut balance = U256::ZERO;
            for (purse, _) in self.world.purses.iter().filter(|(_, envelope)| *envelope == number) {
                balance = balance.saturating_add(token.balanceOf(*purse).block(self.block).call().await?);
            }
            hold(&mut places, || format!("envelope {number}, in purses"), balance, purses);
        }
        Ok(places)
    }

    /// Every envelope, with its token.
    async fn numbers(&self) -> Result<Vec<(u32, Address)>, Halt> {
        let organisation = self.treasury.organisation().block(self.block).call().await?;
        let mut all = Vec::new();
        for number in 1..=organisation.envelopes.to::<u32>() {
            let envelope = self.treasury.envelope(U24::from(number)).block(self.block).call().await?;
            all.push((number, envelope.asset));
        }
        Ok(all)
    }

    async fn envelopes(&self) -> Result<Vec<String>, Halt> {
        let mut agents = BTreeMap::<u32, Address>::new();
        let mut events = Table::open(self.folder, Annex::Events)?;
        while let Some(row) = events.next_row()? {
            if matches!(row.text("kind")?, "envelope_created" | "agent_set") {
                agents.insert(row.get("envelope")?, super::argument(&row, "agent")?);
            }
        }
        let mut versions = BTreeMap::<u32, u16>::new();
        let mut policies = Table::open(self.folder, Annex::Policies)?;
        while let Some(row) = policies.next_row()? {
            versions.insert(row.get("envelope")?, row.get("version")?);
        }
        let mut stops = BTreeMap::<(u32, bool), bool>::new();
        let mut table = Table::open(self.folder, Annex::Stops)?;
        while let Some(row) = table.next_row()? {
            let review = match row.text("level")? {
                "envelope" => false,
                "review" => true,
                _ => continue,
            };
            stops.insert((row.get("envelope")?, review), row.text("change")? == "stopped");
        }
        let mut places = Vec::new();
        for (number, _) in self.numbers().await? {
            let on_chain = self.treasury.envelope(U24::from(number)).block(self.block).call().await?;
            let stopped = |review| stops.get(&(number, review)).copied().unwrap_or_default();
            let named = |what: &str| format!("envelope {number}, {what}");
            hold(
                &mut places,
                || named("agent"),
                on_chain.agent,
                agents.get(&number).copied().unwrap_or_default(),
            );
            let version = versions.get(&number).copied().unwrap_or_default();
            hold(
                &mut places,
                || named("policy version"),
                on_chain.policyVersion.to_string(),
                version.to_string(),
            );
            hold(&mut places, || named("frozen"), on_chain.frozen, stopped(false));
            hold(&mut places, || named("under review"), on_chain.underReview, stopped(true));
        }
        Ok(places)
    }

    async fn roles(&self) -> Result<Vec<String>, Halt> {
        let mut sets = BTreeMap::<Address, u8>::new();
        let mut table = Table::open(self.folder, Annex::Roles)?;
        while let Some(row) = table.next_row()? {
            let role: Role = row.get("role")?;
            let set = sets.entry(row.get("account")?).or_default();
            *set = if row.text("change")? == "granted" { *set | role.bit() } else { *set & !role.bit() };
        }
        let mut places = Vec::new();
        for (account, expected) in sets {
            let on_chain = self.treasury.account(account).block(self.block).call().await?;
            let names =
                |set: u8| Role::in_set(set).iter().map(|role| role.code()).collect::<Vec<_>>().join(", ");
            let got: u8 = on_chain.roles.to_string().parse().unwrap_or_default();
            hold(&mut places, || format!("account {account}"), names(got), names(expected));
        }
        Ok(places)
    }

    async fn nonces(&self) -> Result<Vec<String>, Halt> {
        let all = self.report.annexes.iter().find(|file| file.name == Annex::Payments.name());
        let step = all.map(|file| file.rows / NONCES).unwrap_or_default().max(1);
        let mut places = Vec::new();
        let mut table = Table::open(self.folder, Annex::Payments)?;
        let mut number = 0u64;
        while let Some(row) = table.next_row()? {
            number = number.saturating_add(1);
            let (payment, _) = row.payment()?;
            let Some(nonce) =
                payment.nonce.filter(|_| number.is_multiple_of(step) && payment.rail == "eip3009")
            else {
                continue;
            };
            let token = Eip3009::new(payment.asset, self.provider.clone());
            let used = token.authorizationState(payment.purse, nonce).block(self.block).call().await?;
            hold(&mut places, || format!("nonce {nonce} of purse {}, used", payment.purse), used, true);
        }
        Ok(places)
    }
}

fn hold<T: PartialEq + std::fmt::Display>(
    places: &mut Vec<String>,
    place: impl FnOnce() -> String,
    expected: T,
    got: T,
) {
    if expected != got {
        places.push(format!("{}: the chain says {expected}, the report {got}", place()));
    }
}
