//! Alerts come with the block that tells of them, once; they go with it, and come again with it.

use std::sync::{Arc, atomic::Ordering};

use alloy::{
    primitives::{Address, B256, U256, aliases::U24, keccak256},
    providers::ext::AnvilApi,
    signers::local::PrivateKeySigner,
    sol_types::SolCall,
};
use anyhow::{Context, Result, ensure};
use bursar_indexer::{
    Store,
    ledger::{AlertKind, WatchKind},
    project::{BURST, SHOWN},
    query::{
        alerts::{self, Alert, Filter},
        payments,
    },
    source::Source,
};
use bursar_sdk::{abi::Treasury, refusal::Refusal};
use bursar_test_stores::{Stores, on_both_stores};
use serde_json::{Value, json};

use crate::{
    ledger::{assert_same, config, count, dump, fresh, index, open},
    recorded::Recorded,
    scores::{deliver, deny, explain},
    world::{Agent, DAY, WEEK, World, narrow, units},
};

on_both_stores!(
    a_payment_is_unexplained_until_its_record_comes,
    what_was_explained_before_raises_nothing,
    money_sent_to_a_purse_is_told_until_it_has_gone_back,
    new_payees_are_a_burst_from_the_tenth_on,
    a_run_at_many_times_the_pace_is_told_before_a_twentieth_is_spent,
    a_loosened_policy_is_drift_and_a_tightened_one_only_under_an_open_session,
    what_is_announced_is_told_until_it_is_used_or_cancelled,
    setting_up_is_no_drift,
    a_silent_score_is_told_from_the_second_it_is_stale,
    what_is_missing_asks_for_a_human_when_it_is_due_and_not_before,
    stops_are_told_until_they_are_released,
    who_pays_outside_is_told_once_however_often,
    every_height_has_its_own_alerts,
);

const PAYEE: Address = Address::repeat_byte(0x77);

/// A chain, and a ledger that follows it when told.
struct Desk {
    world: World,
    store: Store,
    source: Arc<dyn Source>,
}

impl Desk {
    async fn new(stores: &Stores) -> Result<Self> {
        let world = World::new().await?;
        let source: Arc<dyn Source> = Arc::new(world.source());
        Ok(Self { world, store: open(stores, "ledger").await?, source })
    }

    async fn index(&self) -> Result<()> {
        let config = config(self.world.anvil.chain_id(), self.world.factory);
        index(config, Arc::clone(&self.source), &self.store).await?;
        Ok(())
    }

    /// What is open now, of a kind, after the ledger has followed.
    async fn open(&self, kind: AlertKind) -> Result<Vec<Alert>> {
        self.index().await?;
        let filter = Filter { kind: Some(kind), open: Some(true), ..Filter::default() };
        Ok(alerts::list(self.store.db(), &filter, self.world.now().await?, None, 1_000).await?)
    }

    async fn the(&self, kind: AlertKind) -> Result<Alert> {
        let mut open = self.open(kind).await?;
        ensure!(open.len() == 1, "expected one alert, got {open:?}");
        open.pop().context("one")
    }

    /// One that is over, or not.
    async fn again(&self, of: &Alert) -> Result<Alert> {
        self.index().await?;
        let all = alerts::list(self.store.db(), &Filter::default(), u64::MAX, None, 1_000).await?;
        all.into_iter().find(|alert| alert.id == of.id).context("it is gone")
    }

    async fn pass(&self, seconds: u64) -> Result<()> {
        let now = self.world.now().await?;
        self.world.provider.anvil_set_next_block_timestamp(now + seconds).await?;
        self.world.mine(1).await
    }
}

fn detail(alert: &Alert) -> Result<Value> {
    Ok(serde_json::from_str(&alert.row.detail.json())?)
}

/// What is listed as unexplained, whichever way it is looked for: amounts in units, newest first.
async fn unexplained(desk: &Desk) -> Result<Vec<u64>> {
    let treasury = Some(*desk.world.treasury.address());
    let of = |filter| payments::Filter { explained: Some(false), ..filter };
    let list = async |filter| -> Result<Vec<u64>> {
        let found = payments::list(desk.store.db(), &of(filter), None, 9).await?;
        Ok(found
            .iter()
            .map(|payment| u64::try_from(payment.amount.to_u128()).unwrap_or(0) / 1_000_000)
            .collect())
    };
    let all = list(payments::Filter::default()).await?;
    for filter in [
        payments::Filter { treasury, ..Default::default() },
        payments::Filter { treasury, envelope: Some(1), ..Default::default() },
        payments::Filter { payee: Some(PAYEE), ..Default::default() },
    ] {
        assert_eq!(list(filter.clone()).await?, all, "{filter:?}");
    }
    let other = payments::Filter { envelope: Some(2), ..Default::default() };
    assert!(list(other).await?.is_empty());
    Ok(all)
}

async fn a_payment_is_unexplained_until_its_record_comes(stores: Stores) -> Result<()> {
    let mut desk = Desk::new(&stores).await?;
    let mut agent = desk.world.agent(World::policy(&[(WEEK, 300)], 0), 500).await?;
    desk.world.open(&mut agent, 40).await?;
    desk.world.pay(&agent, PAYEE, 5, "one").await?;
    let block = desk.world.head().await?;
    let alert = desk.the(AlertKind::UnexplainedPayment).await?;
    assert_eq!((alert.row.block, alert.row.raised_at), (block, desk.world.now().await?));
    assert_eq!(alert.row.block_hash, Some(desk.source.head().await?.hash));
    assert_eq!((alert.row.envelope, alert.row.closed_at), (Some(agent.number), None));
    let told = detail(&alert)?;
    assert_eq!((&told["amount"], &told["payee"]), (&json!("5000000"), &json!(PAYEE)));

    assert_eq!(unexplained(&desk).await?, [5]);

    // A second one is of the same alert.
    desk.world.pay(&agent, PAYEE, 6, "two").await?;
    let both = desk.the(AlertKind::UnexplainedPayment).await?;
    assert_eq!(unexplained(&desk).await?, [6, 5]);
    assert_eq!((both.id, both.row.count, detail(&both)?["payments"].clone()), (alert.id, 2, json!(2)));
    explain(&desk.store, &desk.world, &agent, "two").await?;
    // Of another payment it says nothing, and a denial explains nothing.
    explain(&desk.store, &desk.world, &agent, "another").await?;
    let refused = Refusal::PayeeNotListed;
    deny(&desk.store, &desk.world, &agent, "refused", refused, &agent.identity).await?;
    assert_eq!(desk.the(AlertKind::UnexplainedPayment).await?, both);
    assert_eq!(unexplained(&desk).await?, [5]);
    desk.pass(60).await?;
    desk.index().await?;
    let height = desk.world.head().await?;
    explain(&desk.store, &desk.world, &agent, "one").await?;
    assert!(desk.open(AlertKind::UnexplainedPayment).await?.is_empty());
    assert!(unexplained(&desk).await?.is_empty());
    let closed = desk.again(&alert).await?;
    assert_eq!(
        (closed.row.closed_block, closed.row.closed_at),
        (Some(height), Some(desk.world.now().await?))
    );
    Ok(())
}

async fn what_was_explained_before_raises_nothing(stores: Stores) -> Result<()> {
    let mut desk = Desk::new(&stores).await?;
    let mut agent = desk.world.agent(World::policy(&[(WEEK, 300)], 0), 500).await?;
    desk.world.open(&mut agent, 40).await?;
    desk.index().await?;
    explain(&desk.store, &desk.world, &agent, "one").await?;
    desk.world.pay(&agent, PAYEE, 5, "one").await?;
    assert!(desk.open(AlertKind::UnexplainedPayment).await?.is_empty());
    assert_eq!(count(&desk.store, "SELECT COUNT(*) FROM alert WHERE kind = 'unexplained_payment'").await?, 0);
    assert!(unexplained(&desk).await?.is_empty());
    Ok(())
}

async fn money_sent_to_a_purse_is_told_until_it_has_gone_back(stores: Stores) -> Result<()> {
    let mut desk = Desk::new(&stores).await?;
    let mut agent = desk.world.agent(World::policy(&[(WEEK, 300)], 0), 500).await?;
    desk.world.open(&mut agent, 40).await?;
    assert!(desk.open(AlertKind::Donation).await?.is_empty(), "a draw is no donation");
    desk.world.donate(agent.purse, 3).await?;
    let first = desk.the(AlertKind::Donation).await?;
    assert_eq!(detail(&first)?["balance"], "43000000");
    desk.world.donate(agent.purse, 4).await?;
    let second = desk.the(AlertKind::Donation).await?;
    assert_eq!((second.id, second.row.count, first.row.count), (first.id, 2, 1));
    assert_eq!(detail(&second)?["amount"], "4000000");
    desk.world.close(&agent).await?;
    assert!(desk.open(AlertKind::Donation).await?.is_empty());
    // Another time is another alert.
    desk.world.donate(agent.purse, 1).await?;
    assert_ne!(desk.the(AlertKind::Donation).await?.id, first.id);
    Ok(())
}

async fn new_payees_are_a_burst_from_the_tenth_on(stores: Stores) -> Result<()> {
    let mut desk = Desk::new(&stores).await?;
    let mut policy = World::policy(&[(WEEK, 300)], 0);
    let mut agent = desk.world.agent(policy.clone(), 500).await?;
    policy.payeeList = 1;
    let mut listed = desk.world.agent(policy, 500).await?;
    desk.world.open(&mut agent, 40).await?;
    desk.world.open(&mut listed, 40).await?;
    let payee = |n: u32| Address::left_padding_from(&(0x7000 + n).to_be_bytes());
    for n in 1..BURST {
        desk.world.pay(&agent, payee(n), 1, &format!("payee {n}")).await?;
        desk.world.pay(&agent, payee(1), 1, &format!("again {n}")).await?;
    }
    assert!(desk.open(AlertKind::PayeeBurst).await?.is_empty(), "whom it knows is not new");
    for n in 1..=BURST {
        desk.world.call(desk.world.manager, Treasury::listPayeeCall { list: 1, payee: payee(n) }).await?;
        desk.world.pay(&listed, payee(n), 1, &format!("listed {n}")).await?;
    }
    assert!(desk.open(AlertKind::PayeeBurst).await?.is_empty(), "who is on the list was vetted");
    desk.world.pay(&agent, payee(BURST), 1, "one too many").await?;
    let alert = desk.the(AlertKind::PayeeBurst).await?;
    assert_eq!((detail(&alert)?["payees"].clone(), alert.row.envelope), (json!(BURST), Some(agent.number)));
    // It ends by itself.
    let end = alert.row.closed_at.context("an end")?;
    let now = desk.world.now().await?;
    assert!((1_800..=3_600).contains(&(end - now)), "{end} is not within an hour of {now}");
    desk.pass(end - now - 1).await?;
    assert_eq!(desk.the(AlertKind::PayeeBurst).await?.id, alert.id);
    desk.pass(1).await?;
    assert!(desk.open(AlertKind::PayeeBurst).await?.is_empty());
    Ok(())
}

async fn a_run_at_many_times_the_pace_is_told_before_a_twentieth_is_spent(stores: Stores) -> Result<()> {
    let mut desk = Desk::new(&stores).await?;
    let mut agent = desk.world.agent(World::policy(&[(WEEK, 5_000)], 0), 500).await?;
    desk.world.open(&mut agent, 50).await?;
    // 40 times the pace of 5,000 a week is 20 a minute.
    let (mut spent, mut told) = (0, None);
    for n in 0..13u64 {
        if n % 2 == 1 {
            desk.world.close(&agent).await?;
            desk.world.open(&mut agent, 50).await?;
        }
        desk.world.pay(&agent, PAYEE, 20, &format!("run {n}")).await?;
        spent += 20;
        let open = desk.open(AlertKind::OffTrajectory).await?;
        if let Some(alert) = open.into_iter().next() {
            told = Some(alert);
            break;
        }
        desk.pass(60).await?;
    }
    let alert = told.context("nobody was told")?;
    assert!(spent < 250, "{spent} of 5,000 is a twentieth or more");
    assert_eq!(alert.row.block, desk.world.head().await?, "in the block of the payment");
    assert!(detail(&alert)?["burst"].as_u64().context("a pace")? > 1_500_000);
    let review = desk.the(AlertKind::Review).await?;
    assert!(review.row.raised_at <= alert.row.raised_at, "no session opens on it");
    Ok(())
}

async fn a_loosened_policy_is_drift_and_a_tightened_one_only_under_an_open_session(
    stores: Stores,
) -> Result<()> {
    let mut desk = Desk::new(&stores).await?;
    let policy = World::policy(&[(DAY, 100), (WEEK, 300)], 0);
    let mut agent = desk.world.agent(policy.clone(), 500).await?;
    let mut tighter = policy.clone();
    tighter.paymentCap -= narrow(units(1));
    desk.world.set_policy(&mut agent, tighter.clone()).await?;
    assert!(desk.open(AlertKind::PolicyDrift).await?.is_empty(), "nobody was under way");
    desk.world.open(&mut agent, 40).await?;
    tighter.paymentCap -= narrow(units(1));
    desk.world.set_policy(&mut agent, tighter.clone()).await?;
    let drift = desk.the(AlertKind::PolicyDrift).await?;
    let told = detail(&drift)?;
    assert_eq!((&told["looser"], &told["openSessions"]), (&json!(false), &json!(1)));
    assert_eq!(told["changed"], json!({ "paymentCap": ["19000000", "18000000"] }));
    // That session pays no more: nobody is under way again.
    desk.pass(SHOWN).await?;
    tighter.paymentCap -= narrow(units(1));
    desk.world.set_policy(&mut agent, tighter).await?;
    assert!(desk.open(AlertKind::PolicyDrift).await?.is_empty());
    // Looser by one unit.
    let mut looser = policy;
    looser.paymentCap = narrow(units(17) + U256::from(1));
    desk.world.set_policy(&mut agent, looser.clone()).await?;
    let drift = desk.the(AlertKind::PolicyDrift).await?;
    assert_eq!((detail(&drift)?["looser"].clone(), drift.row.subject.as_str()), (json!(true), "policy"));
    // Again within the day is the same alert; a day after the last time it is over.
    looser.windows.clear();
    desk.world.set_policy(&mut agent, looser).await?;
    let again = desk.the(AlertKind::PolicyDrift).await?;
    assert_eq!((again.id, again.row.count), (drift.id, 2));
    desk.pass(SHOWN - 1).await?;
    assert_eq!(desk.open(AlertKind::PolicyDrift).await?.len(), 1);
    desk.pass(1).await?;
    assert!(desk.open(AlertKind::PolicyDrift).await?.is_empty());
    Ok(())
}

async fn what_is_announced_is_told_until_it_is_used_or_cancelled(stores: Stores) -> Result<()> {
    let mut desk = Desk::new(&stores).await?;
    let mut policy = World::policy(&[(WEEK, 300)], 0);
    let agent = desk.world.agent(policy.clone(), 500).await?;
    desk.world.call(desk.world.owner, Treasury::setDelayCall { delay: 3_600 }).await?;
    assert!(desk.open(AlertKind::PolicyDrift).await?.is_empty(), "a longer delay is tighter");
    policy.paymentCap += narrow(units(1));
    let set = Treasury::setPolicyCall { envelope: U24::from(agent.number), policy: policy.clone() };
    let announce = Treasury::announceCall { call: set.abi_encode().into() };
    desk.world.call(desk.world.manager, announce.clone()).await?;
    let told = detail(&desk.the(AlertKind::PolicyDrift).await?)?;
    assert_eq!((&told["announced"], &told["envelope"]), (&json!("setPolicy"), &json!(agent.number)));
    let id = keccak256(&announce.call);
    desk.world.call(desk.world.guardian, Treasury::cancelAnnouncementCall { id }).await?;
    assert!(desk.open(AlertKind::PolicyDrift).await?.is_empty());
    desk.world.call(desk.world.manager, announce).await?;
    desk.pass(3_600).await?;
    desk.world.call(desk.world.manager, set).await?;
    let open = desk.open(AlertKind::PolicyDrift).await?;
    let subjects: Vec<&str> = open.iter().map(|alert| alert.row.subject.as_str()).collect();
    assert_eq!(subjects, ["policy"], "what was announced is in force now");
    // What does not read as a call is announced all the same.
    let junk = Treasury::announceCall { call: vec![1, 2, 3].into() };
    desk.world.call(desk.world.manager, junk).await?;
    assert_eq!(desk.open(AlertKind::PolicyDrift).await?.len(), 2);
    Ok(())
}

async fn setting_up_is_no_drift(stores: Stores) -> Result<()> {
    let mut desk = Desk::new(&stores).await?;
    desk.world.call(desk.world.manager, Treasury::listPayeeCall { list: 1, payee: PAYEE }).await?;
    assert!(desk.open(AlertKind::PolicyDrift).await?.is_empty());
    let agent = desk.world.agent(World::policy(&[(WEEK, 300)], 0), 500).await?;
    assert!(desk.open(AlertKind::PolicyDrift).await?.is_empty());
    let (owner, stranger) = (desk.world.owner, desk.world.stranger);
    let guardian = Treasury::grantRoleCall { account: stranger, role: 4 };
    desk.world.call(owner, guardian).await?;
    assert!(desk.open(AlertKind::PolicyDrift).await?.is_empty(), "one more who can stop things");
    desk.world.call(owner, Treasury::grantRoleCall { account: stranger, role: 2 }).await?;
    desk.world.call(desk.world.manager, Treasury::listPayeeCall { list: 1, payee: PAYEE }).await?;
    desk.world.call(owner, Treasury::setSeparationOfDutiesCall { on: false }).await?;
    let rotate = Treasury::setAgentCall { envelope: U24::from(agent.number), agent: Address::repeat_byte(9) };
    desk.world.call(owner, rotate).await?;
    let open = desk.open(AlertKind::PolicyDrift).await?;
    let subjects: Vec<&str> = open.iter().rev().map(|alert| alert.row.subject.as_str()).collect();
    assert_eq!(subjects, [format!("roles/{stranger}").as_str(), "payees/1", "separation", "agent"]);
    Ok(())
}

async fn a_silent_score_is_told_from_the_second_it_is_stale(stores: Stores) -> Result<()> {
    let mut desk = Desk::new(&stores).await?;
    let agent = desk.world.agent(World::policy(&[(WEEK, 300)], 0), 500).await?;
    let envelope = U24::from(agent.number);
    let (manager, reviewer) = (desk.world.manager, desk.world.reviewer);
    let report = Treasury::reportScoreCall { envelope, score: 700 };
    desk.world.call(reviewer, report.clone()).await?;
    assert!(desk.open(AlertKind::ScoreSilent).await?.is_empty(), "nobody asked for one");
    desk.world.call(manager, Treasury::setScoreLifeCall { envelope, life: 3_600 }).await?;
    let reported = desk.world.now().await? - 5;
    assert!(desk.open(AlertKind::ScoreSilent).await?.is_empty());
    // No block of ours is needed for it to be told.
    desk.pass(reported + 3_599 - desk.world.now().await?).await?;
    assert!(desk.open(AlertKind::ScoreSilent).await?.is_empty());
    desk.pass(1).await?;
    let silent = desk.the(AlertKind::ScoreSilent).await?;
    assert_eq!((silent.row.raised_at, silent.row.foreseen), (reported + 3_600, true));
    desk.world.call(reviewer, report.clone()).await?;
    assert!(desk.open(AlertKind::ScoreSilent).await?.is_empty());
    assert_eq!(desk.again(&silent).await?.row.closed_at, Some(desk.world.now().await?));
    // Each report puts it off; where none is asked for, none is missed.
    desk.pass(3_000).await?;
    desk.world.call(reviewer, report).await?;
    desk.pass(3_000).await?;
    assert!(desk.open(AlertKind::ScoreSilent).await?.is_empty());
    desk.world.call(manager, Treasury::setScoreLifeCall { envelope, life: 0 }).await?;
    desk.pass(9_000).await?;
    assert!(desk.open(AlertKind::ScoreSilent).await?.is_empty());
    Ok(())
}

async fn what_is_missing_asks_for_a_human_when_it_is_due_and_not_before(stores: Stores) -> Result<()> {
    let mut desk = Desk::new(&stores).await?;
    let mut agent = desk.world.agent(World::policy(&[(WEEK, 3_000)], 0), 500).await?;
    desk.world.open(&mut agent, 40).await?;
    desk.world.pay(&agent, PAYEE, 1, "one").await?;
    assert!(desk.open(AlertKind::Review).await?.is_empty(), "its record may still be on its way");
    // No block of ours is needed: time alone makes it due.
    let now = desk.world.now().await?;
    let due = (now / 600 + 2) * 600;
    desk.pass(due - 1 - now).await?;
    assert!(desk.open(AlertKind::Review).await?.is_empty());
    desk.pass(1).await?;
    let review = desk.the(AlertKind::Review).await?;
    assert_eq!((review.row.raised_at, review.row.foreseen), (due, true));
    assert!(detail(&review)?["reasons"].as_array().context("reasons")?.contains(&json!("R05")));

    // A second one, explained in time, asks for nobody.
    let mut other = desk.world.agent(World::policy(&[(WEEK, 3_000)], 0), 500).await?;
    desk.world.open(&mut other, 40).await?;
    desk.world.pay(&other, PAYEE, 1, "two").await?;
    desk.index().await?;
    explain(&desk.store, &desk.world, &other, "two").await?;
    deliver(&desk.store, &desk.world, &other, "two", true).await?;
    desk.pass(3_600).await?;
    assert_eq!(desk.the(AlertKind::Review).await?.id, review.id);
    Ok(())
}

async fn stops_are_told_until_they_are_released(stores: Stores) -> Result<()> {
    let mut desk = Desk::new(&stores).await?;
    let mut agent = desk.world.agent(World::policy(&[(WEEK, 300)], 0), 500).await?;
    desk.world.open(&mut agent, 40).await?;
    let envelope = U24::from(agent.number);
    let (owner, guardian) = (desk.world.owner, desk.world.guardian);
    desk.world.call(guardian, Treasury::freezeSessionCall { purse: agent.purse }).await?;
    desk.world.call(guardian, Treasury::freezeEnvelopeCall { envelope }).await?;
    desk.world.call(guardian, Treasury::freezeEnvelopeCall { envelope }).await?;
    desk.world.call(guardian, Treasury::freezeOrganisationCall {}).await?;
    let open = desk.open(AlertKind::Frozen).await?;
    let told: Vec<_> = open.iter().rev().map(|it| (it.row.subject.as_str(), it.row.envelope)).collect();
    assert!(told[0].0.starts_with("sessions/"));
    assert_eq!(told[1..], [("envelope", Some(agent.number)), ("organisation", None)]);
    assert_eq!(desk.open(AlertKind::Review).await?.len(), 1, "a freeze is compromise until a human says");
    desk.world.call(owner, Treasury::unfreezeOrganisationCall {}).await?;
    desk.world.call(owner, Treasury::unfreezeEnvelopeCall { envelope }).await?;
    desk.world.close(&agent).await?;
    assert!(desk.open(AlertKind::Frozen).await?.is_empty());
    desk.world.call(owner, Treasury::clearReviewCall { envelope, reason: B256::repeat_byte(1) }).await?;
    assert!(desk.open(AlertKind::Review).await?.is_empty());
    Ok(())
}

async fn who_pays_outside_is_told_once_however_often(stores: Stores) -> Result<()> {
    let desk = Desk::new(&stores).await?;
    let payer = PrivateKeySigner::from_bytes(&keccak256("outside"))?;
    desk.world.donate(payer.address(), 10).await?;
    desk.store.put_watched(WatchKind::Payer, &[payer.address()], None).await?;
    desk.store.put_watched(WatchKind::Token, &[*desk.world.usdc.address()], None).await?;
    for n in 0..3u8 {
        desk.world.pay_outside(&payer, PAYEE, n).await?;
    }
    let alert = desk.the(AlertKind::UngovernedPayer).await?;
    assert_eq!((alert.row.count, alert.row.treasury), (3, None));
    assert_eq!(alert.row.subject, format!("payers/{}", payer.address()));
    desk.pass(SHOWN).await?;
    assert!(desk.open(AlertKind::UngovernedPayer).await?.is_empty());
    // What is remembered of the payer is an alert that is over: the next one is raised once, and counts what comes after it.
    for n in 9..11u8 {
        desk.world.pay_outside(&payer, PAYEE, n).await?;
    }
    let next = desk.the(AlertKind::UngovernedPayer).await?;
    assert_eq!((next.id == alert.id, next.row.count), (false, 2));
    desk.world.pay_outside(&payer, PAYEE, 11).await?;
    let now = desk.the(AlertKind::UngovernedPayer).await?;
    assert_eq!((now.id, now.row.count), (next.id, 3));
    Ok(())
}

/// Everything that raises and closes, so that every height differs; with what is told by records in between.
async fn a_week_of_trouble(world: &mut World) -> Result<(Agent, Vec<String>)> {
    let policy = World::policy(&[(WEEK, 300)], 0);
    let mut agent = world.agent(policy.clone(), 500).await?;
    let envelope = U24::from(agent.number);
    world.call(world.manager, Treasury::setScoreLifeCall { envelope, life: 30 }).await?;
    world.open(&mut agent, 40).await.err().context("opened without a score")?;
    world.call(world.reviewer, Treasury::reportScoreCall { envelope, score: 700 }).await?;
    world.open(&mut agent, 40).await?;
    world.donate(agent.purse, 3).await?;
    let mut whys = Vec::new();
    for n in 0..4u64 {
        let why = format!("payment {n}");
        world.pay(&agent, PAYEE, n + 1, &why).await?;
        whys.push(why);
    }
    world.call(world.guardian, Treasury::freezeEnvelopeCall { envelope }).await?;
    world.call(world.owner, Treasury::unfreezeEnvelopeCall { envelope }).await?;
    agent.policy_version += 1;
    world.call(world.reviewer, Treasury::reportScoreCall { envelope, score: 700 }).await?;
    let mut looser = policy;
    looser.paymentCap += narrow(units(1));
    world.set_policy(&mut agent, looser).await?;
    world.close(&agent).await?;
    world.mine(3).await?;
    agent.policy_version = 1;
    Ok((agent, whys))
}

async fn every_height_has_its_own_alerts(stores: Stores) -> Result<()> {
    let mut world = World::new().await?;
    let (agent, whys) = a_week_of_trouble(&mut world).await?;
    let source = Arc::new(Recorded::of(&world.source()).await?);
    let mut config = config(world.anvil.chain_id(), world.factory);
    config.finality = 1_000_000;
    let store = open(&stores, "ledger").await?;
    let heights = source.headers.len() as u64;
    let mut dumps = Vec::new();
    for height in 0..heights {
        source.ceiling.store(height, Ordering::SeqCst);
        index(config.clone(), Arc::clone(&source) as Arc<dyn Source>, &store).await?;
        match heights - height {
            9 => explain(&store, &world, &agent, &whys[0]).await?,
            2 => {
                explain(&store, &world, &agent, &whys[3]).await?;
                explain(&store, &world, &agent, &whys[2]).await?;
                explain(&store, &world, &agent, &whys[1]).await?;
            }
            _ => {}
        }
        dumps.push(dump(&store).await?);
    }
    let closed = "SELECT COUNT(*) FROM alert WHERE closed_block IS NOT NULL";
    assert_eq!(count(&store, closed).await?, 5, "silence twice, freeze, donation, and what was unexplained");
    assert_eq!(count(&store, "SELECT COUNT(DISTINCT kind) FROM alert").await?, 6);
    for (height, expected) in dumps.iter().enumerate().rev() {
        store.unwind(height as u64).await?;
        assert_same(&dump(&store).await?, expected);
    }
    let last = dumps.last().context("blocks")?;
    index(config.clone(), Arc::clone(&source) as Arc<dyn Source>, &store).await?;
    assert_same(&dump(&store).await?, last);
    // Many blocks at once, without a journal.
    store.forget_chain().await?;
    assert_eq!(count(&store, "SELECT COUNT(*) FROM alert").await?, 0);
    config.finality = 2;
    index(config.clone(), Arc::clone(&source) as Arc<dyn Source>, &store).await?;
    assert_same(&dump(&store).await?, last);
    // Who has no records at all has other alerts, and the same payments.
    let without = fresh(config, source as Arc<dyn Source>, &stores).await?;
    let payments = |dump: &[String]| dump.iter().filter(|line| line.starts_with("payment:")).count();
    assert_eq!(payments(&without), payments(last));
    ensure!(without != *last, "the records told nothing");
    Ok(())
}
