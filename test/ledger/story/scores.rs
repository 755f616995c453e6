//! The score of an envelope's agent is a function of chain and records at their heights: reorgs and rebuilds leave it
//! what it is, and outsiders do not move it.

use std::sync::{Arc, atomic::Ordering};

use alloy::{
    primitives::{Address, B256, Bytes, aliases::U24, keccak256},
    signers::local::PrivateKeySigner,
    sol_types::SolCall,
};
use anyhow::{Context, Result, ensure};
use bursar_indexer::{
    Config, Store,
    query::{
        approvals::{self, Answer, Request, Room},
        scores,
    },
    source::Source,
};
use bursar_sdk::{
    abi::{TestUSDC, Treasury},
    amount::Amount,
    decision::{DecisionRecord, Verdict},
    delivery::SealedRecord,
    outcome::{self, OutcomeRecord},
    payment::{Rail, session_id},
    record::{RecordKind, seal_digest},
    refusal::Refusal,
    score::{Cause, State},
};
use bursar_test_stores::{Stores, on_both_stores};

use crate::{
    ledger::{Running, assert_same, config, count, dump, index, open, rows},
    record::record,
    recorded::Recorded,
    world::{Agent, DAY, WEEK, World, sign, units},
};

on_both_stores!(
    a_turned_chain_and_a_rebuild_leave_the_same_score,
    records_are_undone_with_the_blocks_before_them,
    outsiders_do_not_move_a_score,
    only_the_key_that_is_the_agents_counts,
    an_answer_counts_once_where_an_approver_gave_it,
    money_on_its_way_round_earns_nothing,
    a_freeze_is_compromise_until_a_human_has_cleared_it,
);

const PAYEE: Address = Address::repeat_byte(0x77);

/// A decision of the agent's about what it paid, or was refused, for `why`.
fn decision(world: &World, agent: &Agent, why: &str, denied: Option<Refusal>) -> DecisionRecord {
    DecisionRecord {
        id: why.into(),
        chain_id: world.anvil.chain_id(),
        treasury: *world.treasury.address(),
        envelope: agent.number,
        agent: agent.identity.address(),
        purse: agent.purse,
        session: session_id(agent.purse, agent.sequence),
        policy_version: agent.policy_version,
        epoch: agent.epoch,
        verdict: if denied.is_some() { Verdict::Denied } else { Verdict::Approved },
        reason_codes: denied.into_iter().collect(),
        ..record()
    }
}

fn sealed(kind: RecordKind, of: &DecisionRecord, hash: B256, by: &PrivateKeySigner) -> Result<SealedRecord> {
    let seal = sign(by, seal_digest(kind, of.chain_id, of.treasury, hash))?.as_bytes().into();
    Ok(SealedRecord { kind, hash, canonical: "{}".into(), seal, trace: None })
}

/// Hands in why the agent paid for `why`: what the world's payments commit to in place of a record.
pub async fn explain(store: &Store, world: &World, agent: &Agent, why: &str) -> Result<()> {
    let record = decision(world, agent, why, None);
    let sealed = sealed(RecordKind::Decision, &record, keccak256(why), &agent.identity)?;
    store.insert_decision(&record, &sealed, 1).await?;
    Ok(())
}

/// Hands in what came of it.
pub async fn deliver(store: &Store, world: &World, agent: &Agent, why: &str, delivered: bool) -> Result<()> {
    let of = decision(world, agent, why, None);
    let outcome = OutcomeRecord {
        schema: outcome::SCHEMA.into(),
        decision_hash: keccak256(why),
        revision: 1,
        prev_hash: B256::ZERO,
        chain_id: of.chain_id,
        treasury: of.treasury,
        envelope: of.envelope,
        agent: of.agent,
        nonce: of.nonce_of(keccak256(why)),
        purse: of.purse,
        settlement: None,
        receipt: None,
        receipt_check: None,
        http_status: None,
        result_hash: None,
        result_bytes: None,
        delivered,
        task_done: None,
        created_at: of.created_at,
    };
    let hash = keccak256([why.as_bytes(), b"outcome"].concat());
    store.insert_outcome(&outcome, &sealed(RecordKind::Outcome, &of, hash, &agent.identity)?, 1).await?;
    Ok(())
}

/// Hands in that the agent was refused, signed by `by`.
pub async fn deny(
    store: &Store,
    world: &World,
    agent: &Agent,
    why: &str,
    reason: Refusal,
    by: &PrivateKeySigner,
) -> Result<()> {
    let record = decision(world, agent, why, Some(reason));
    let sealed = sealed(RecordKind::Decision, &record, keccak256(why), by)?;
    store.insert_decision(&record, &sealed, 1).await?;
    Ok(())
}

/// Hands in that the agent asked for `why`, and what `by` answered.
pub async fn ask(
    store: &Store,
    world: &World,
    agent: &Agent,
    why: &str,
    by: Address,
    approved: bool,
) -> Result<bool> {
    let request = Request {
        digest: keccak256(why),
        treasury: *world.treasury.address(),
        purse: agent.purse,
        payee: PAYEE,
        amount: Amount::new(1),
        valid_after: 0,
        valid_before: u64::from(u32::MAX),
        nonce: keccak256(why),
        rail: Rail::Eip3009,
        decision_hash: keccak256(why),
        agent: Some(agent.identity.address()),
        seal: None,
    };
    approvals::store(store.db(), &request, Room { per_agent: 99, per_treasury: 99 }, 1).await?;
    let answer = match approved {
        true => Answer::Approved { approver: by, signature: Bytes::default(), contract: false },
        false => Answer::Rejected { by, reason: why.into(), signature: None },
    };
    Ok(store.answer_request(request.digest, None, &answer, 1).await?)
}

async fn state(store: &Store, world: &World, agent: &Agent) -> Result<State> {
    let of = (*world.treasury.address(), agent.number);
    scores::get(store.db(), of).await?.context("a score")
}

async fn standings(store: &Store) -> Result<Vec<String>> {
    let found = rows(store, "SELECT standing FROM payment ORDER BY block_number, log_index").await?;
    found.iter().map(|row| Ok(row.text("standing")?)).collect()
}

/// The ledger, read again from the chain's start, however many blocks go in together.
async fn rebuilt(store: &Store, world: &World, source: &Arc<dyn Source>) -> Result<Vec<String>> {
    let usual = config(world.anvil.chain_id(), world.factory);
    let mut all = Vec::new();
    for (finality, max_range) in [(usual.finality, usual.max_range), (0, 3), (1_000, 1)] {
        store.forget_chain().await?;
        ensure!(rows(store, "SELECT * FROM score").await?.is_empty(), "something was kept");
        index(Config { finality, max_range, ..usual.clone() }, Arc::clone(source), store).await?;
        all.push(dump(store).await?);
    }
    let first = all.swap_remove(0);
    all.iter().for_each(|other| assert_same(&first, other));
    Ok(first)
}

async fn a_turned_chain_and_a_rebuild_leave_the_same_score(stores: Stores) -> Result<()> {
    let mut world = World::new().await?;
    let mut agent = world.agent(World::policy(&[(DAY, 100), (WEEK, 300)], 1000), 500).await?;
    world.open(&mut agent, 40).await?;
    let store = open(&stores, "ledger").await?;
    let source: Arc<dyn Source> = Arc::new(world.source());
    let mut running =
        Running::start(config(world.anvil.chain_id(), world.factory), Arc::clone(&source), store.clone());
    // One record before its payment, one after.
    running.until(source.head().await?.hash).await?;
    explain(&store, &world, &agent, "one").await?;
    world.pay(&agent, PAYEE, 5, "one").await?;
    world.pay(&agent, PAYEE, 2, "two").await?;
    running.until(source.head().await?.hash).await?;
    explain(&store, &world, &agent, "two").await?;
    deliver(&store, &world, &agent, "one", true).await?;
    let trunk = state(&store, &world, &agent).await?;
    let inputs = trunk.evaluate(trunk.at()).inputs;
    assert_eq!((inputs.settlements, inputs.coverage), (2, 1_000_000));

    // A branch: a payment, a refusal and a freeze, each with what is taken in after it.
    let snapshot = world.snapshot().await?;
    world.mine(1).await?;
    world.pay(&agent, PAYEE, 3, "taken back").await?;
    running.until(source.head().await?.hash).await?;
    explain(&store, &world, &agent, "taken back").await?;
    deny(&store, &world, &agent, "refused", Refusal::PayeeNotListed, &agent.identity).await?;
    world.mine(1).await?;
    world.call(world.guardian, Treasury::freezeEnvelopeCall { envelope: U24::from(1) }).await?;
    running.until(source.head().await?.hash).await?;
    deliver(&store, &world, &agent, "two", false).await?;
    let branch = state(&store, &world, &agent).await?;
    assert_eq!(branch.evaluate(branch.at()).value, 300);

    // The chain turns, and is still below the heights where those records came.
    world.revert(snapshot).await?;
    world.mine(1).await?;
    running.until(source.head().await?.hash).await?;
    assert_eq!(state(&store, &world, &agent).await?, trunk, "nothing of the branch is left");
    // Above them, what was refused is refused again; what was paid there is not there to be explained.
    world.pay(&agent, PAYEE, 1, "stands").await?;
    world.mine(4).await?;
    running.until(source.head().await?.hash).await?;
    let now = state(&store, &world, &agent).await?;
    let inputs = now.evaluate(now.at()).inputs;
    assert_eq!((inputs.settlements, inputs.compromised), (3, false));
    assert!(inputs.denials > 0);
    running.stop().await?;
    let here = dump(&store).await?;
    assert_same(&rebuilt(&store, &world, &source).await?, &here);
    Ok(())
}

async fn records_are_undone_with_the_blocks_before_them(stores: Stores) -> Result<()> {
    let mut world = World::new().await?;
    let mut agent = world.agent(World::policy(&[(WEEK, 300)], 0), 500).await?;
    world.open(&mut agent, 40).await?;
    let (mut whys, start) = (Vec::new(), world.head().await?);
    for n in 0..6u64 {
        let why = format!("payment {n}");
        world.pay(&agent, PAYEE, n + 1, &why).await?;
        whys.push(why);
    }
    world.mine(3).await?;
    let source = Arc::new(Recorded::of(&world.source()).await?);
    let mut config = config(world.anvil.chain_id(), world.factory);
    config.finality = 1_000_000;
    let store = open(&stores, "ledger").await?;
    let key = (*world.treasury.address(), agent.number);
    let (mut dumps, mut seen) = (Vec::new(), Vec::new());
    for height in 0..source.headers.len() as u64 {
        source.ceiling.store(height, Ordering::SeqCst);
        index(config.clone(), Arc::clone(&source) as Arc<dyn Source>, &store).await?;
        // Some before they settle, some after, two at one height, one at a height without a log of ours.
        match height.checked_sub(start) {
            Some(0) => {
                explain(&store, &world, &agent, &whys[0]).await?;
                deliver(&store, &world, &agent, &whys[1], false).await?;
            }
            Some(3) => {
                explain(&store, &world, &agent, &whys[1]).await?;
                deny(&store, &world, &agent, "no", Refusal::PaymentCapExceeded, &agent.identity).await?;
            }
            Some(5) => {
                ask(&store, &world, &agent, "dear", world.approver.address(), false).await?;
            }
            Some(8) => {
                explain(&store, &world, &agent, &whys[4]).await?;
                deliver(&store, &world, &agent, &whys[4], true).await?;
            }
            _ => {}
        }
        dumps.push(dump(&store).await?);
        seen.push(scores::get(store.db(), key).await?.map(|state| state.evaluate(state.at())));
    }
    // A record that is known explains its payment at whichever height the ledger stands.
    let unexplained = async || count(&store, "SELECT COUNT(*) FROM unexplained").await;
    assert_eq!(unexplained().await?, 3);
    // What it was at a height can be told later.
    for (height, expected) in (0..).zip(&seen) {
        let past = scores::at_block(store.db(), key, height).await?;
        assert_eq!(past.map(|past| past.evaluation), *expected, "at height {height}");
    }
    for (height, expected) in dumps.iter().enumerate().rev() {
        store.unwind(height as u64).await?;
        assert_same(&dump(&store).await?, expected);
    }
    assert_eq!(unexplained().await?, 0, "there are no payments");
    // Block by block again, and many at once.
    let last = dumps.last().context("blocks")?;
    index(config.clone(), Arc::clone(&source) as Arc<dyn Source>, &store).await?;
    assert_same(&dump(&store).await?, last);
    assert_eq!(unexplained().await?, 3);
    store.forget_chain().await?;
    assert_eq!(unexplained().await?, 0, "there are no payments");
    config.finality = 2;
    index(config, source as Arc<dyn Source>, &store).await?;
    assert_same(&dump(&store).await?, last);
    assert_eq!(unexplained().await?, 3);
    Ok(())
}

async fn outsiders_do_not_move_a_score(stores: Stores) -> Result<()> {
    let mut world = World::new().await?;
    let mut agent = world.agent(World::policy(&[(WEEK, 300)], 0), 500).await?;
    world.open(&mut agent, 40).await?;
    world.pay(&agent, PAYEE, 5, "one").await?;
    let store = open(&stores, "ledger").await?;
    let source: Arc<dyn Source> = Arc::new(world.source());
    let config = config(world.anvil.chain_id(), world.factory);
    index(config.clone(), Arc::clone(&source), &store).await?;
    explain(&store, &world, &agent, "one").await?;
    let before = state(&store, &world, &agent).await?;

    // Denials and failures that somebody else signed, money that somebody else sent or paid in.
    let nobody = PrivateKeySigner::from_bytes(&keccak256("nobody"))?;
    deny(&store, &world, &agent, "forged", Refusal::SignatureMalformed, &nobody).await?;
    let forged = Agent { identity: nobody, ..agent };
    deliver(&store, &world, &forged, "one", false).await?;
    world.donate(forged.purse, 3).await?;
    world.top_up(forged.number, 7).await?;
    world.mine(1).await?;
    index(config, source, &store).await?;
    assert_eq!(state(&store, &world, &forged).await?, before);
    Ok(())
}

async fn only_the_key_that_is_the_agents_counts(stores: Stores) -> Result<()> {
    let mut world = World::new().await?;
    let mut agent = world.agent(World::policy(&[(WEEK, 300)], 0), 500).await?;
    world.open(&mut agent, 40).await?;
    let store = open(&stores, "ledger").await?;
    let source: Arc<dyn Source> = Arc::new(world.source());
    let config = config(world.anvil.chain_id(), world.factory);
    index(config.clone(), Arc::clone(&source), &store).await?;
    let denials = async || -> Result<u64> {
        let state = state(&store, &world, &agent).await?;
        Ok(state.evaluate(state.at()).inputs.denials)
    };
    deny(&store, &world, &agent, "mild", Refusal::EnvelopeFrozen, &agent.identity).await?;
    assert_eq!(denials().await?, 0, "a circumstance is nobody's fault");
    deny(&store, &world, &agent, "first", Refusal::PayeeNotListed, &agent.identity).await?;
    let counted = denials().await?;
    assert!(counted > 0);

    // The key is another one now: what the former signs, its thief may have signed.
    let heir = PrivateKeySigner::from_bytes(&keccak256("heir"))?;
    let rotate = Treasury::setAgentCall { envelope: U24::from(agent.number), agent: heir.address() };
    world.call(world.owner, rotate).await?;
    index(config, source, &store).await?;
    deny(&store, &world, &agent, "second", Refusal::SignatureMalformed, &agent.identity).await?;
    assert_eq!(denials().await?, counted);
    // And of another chain it says nothing here.
    let mut elsewhere = decision(&world, &agent, "third", Some(Refusal::SignatureMalformed));
    (elsewhere.agent, elsewhere.chain_id) = (heir.address(), 1);
    let sealed = sealed(RecordKind::Decision, &elsewhere, keccak256("third"), &heir)?;
    store.insert_decision(&elsewhere, &sealed, 1).await?;
    assert_eq!(denials().await?, counted);
    deny(&store, &world, &agent, "fourth", Refusal::SignatureMalformed, &heir).await?;
    assert!(denials().await? > counted);
    Ok(())
}

async fn an_answer_counts_once_where_an_approver_gave_it(stores: Stores) -> Result<()> {
    let mut world = World::new().await?;
    let mut agent = world.agent(World::policy(&[(WEEK, 300)], 0), 500).await?;
    world.open(&mut agent, 40).await?;
    let store = open(&stores, "ledger").await?;
    let source: Arc<dyn Source> = Arc::new(world.source());
    let config = config(world.anvil.chain_id(), world.factory);
    index(config.clone(), Arc::clone(&source), &store).await?;
    let rejections = async || -> Result<u64> {
        let state = state(&store, &world, &agent).await?;
        Ok(state.evaluate(state.at()).inputs.rejections)
    };
    let approver = world.approver.address();
    assert!(ask(&store, &world, &agent, "yes", approver, true).await?);
    assert_eq!(rejections().await?, 0);
    assert!(ask(&store, &world, &agent, "no", approver, false).await?);
    assert_eq!(rejections().await?, 166_666, "1 of 2 answered and 4");
    assert!(!ask(&store, &world, &agent, "no", approver, false).await?, "it was answered");
    assert_eq!(rejections().await?, 166_666);
    // Whoever has no such role by the ledger says nothing, whatever let the answer in.
    for nobody in [world.stranger, world.owner, world.manager] {
        ask(&store, &world, &agent, &format!("no, says {nobody}"), nobody, false).await?;
    }
    assert_eq!(rejections().await?, 166_666);
    world.call(world.owner, Treasury::revokeRoleCall { account: approver, role: 8 }).await?;
    index(config, source, &store).await?;
    ask(&store, &world, &agent, "no, says who was one", approver, false).await?;
    assert_eq!(rejections().await?, 166_666);
    Ok(())
}

async fn money_on_its_way_round_earns_nothing(stores: Stores) -> Result<()> {
    let mut world = World::new().await?;
    let mut policy = World::policy(&[(WEEK, 300)], 0);
    let mut open_to_all = world.agent(policy.clone(), 500).await?;
    policy.payeeList = 1;
    for payee in [PAYEE, world.owner] {
        world.call(world.manager, Treasury::listPayeeCall { list: 1, payee }).await?;
    }
    let mut listed = world.agent(policy, 500).await?;
    world.open(&mut open_to_all, 50).await?;
    world.open(&mut listed, 50).await?;

    let (partner, new) = (world.stranger, Address::repeat_byte(0x78));
    world.pay(&listed, PAYEE, 1, "vetted").await?;
    world.pay(&listed, world.owner, 1, "to the owner, who is listed").await?;
    world.pay(&open_to_all, new, 1, "to somebody new").await?;
    world.pay(&open_to_all, listed.purse, 1, "to a purse").await?;
    world.pay(&open_to_all, listed.session_key.address(), 1, "to a session's key").await?;
    world.pay(&open_to_all, *world.treasury.address(), 1, "to the treasury").await?;
    world.pay(&open_to_all, partner, 4, "out").await?;
    let back = |dollars| TestUSDC::transferCall { to: open_to_all.purse, value: units(dollars) };
    let token = *world.usdc.address();
    world.send(partner, token, back(1).abi_encode().into()).await?;
    world.pay(&open_to_all, partner, 4, "after dust").await?;
    world.send(partner, token, back(4).abi_encode().into()).await?;
    world.pay(&open_to_all, partner, 4, "round").await?;
    world.pay(&open_to_all, partner, 4, "and on").await?;

    let store = open(&stores, "ledger").await?;
    let source: Arc<dyn Source> = Arc::new(world.source());
    index(config(world.anvil.chain_id(), world.factory), source, &store).await?;
    let expected = ["known", "own", "new", "own", "own", "own", "new", "new", "own", "new"];
    assert_eq!(standings(&store).await?, expected);
    let state = state(&store, &world, &open_to_all).await?;
    let inputs = state.evaluate(state.at()).inputs;
    assert_eq!(inputs.settlements, 4, "what is one's own is no settlement");
    assert!(inputs.used > 0 && inputs.new_payees > 600_000);
    Ok(())
}

async fn a_freeze_is_compromise_until_a_human_has_cleared_it(stores: Stores) -> Result<()> {
    let mut world = World::new().await?;
    let mut agent = world.agent(World::policy(&[(WEEK, 300)], 0), 500).await?;
    world.open(&mut agent, 40).await?;
    let store = open(&stores, "ledger").await?;
    let source: Arc<dyn Source> = Arc::new(world.source());
    let config = config(world.anvil.chain_id(), world.factory);
    let envelope = U24::from(agent.number);
    let seen = async |world: &World| -> Result<State> {
        index(config.clone(), Arc::clone(&source), &store).await?;
        state(&store, world, &agent).await
    };
    let fine = seen(&world).await?;
    assert_eq!(fine.review(fine.at()), None);

    world.call(world.guardian, Treasury::freezeEnvelopeCall { envelope }).await?;
    let frozen = seen(&world).await?;
    assert_eq!(frozen.evaluate(frozen.at()).value, 300);
    assert_eq!(frozen.review(frozen.at()).map(|trigger| trigger.cause), Some(Cause::Compromised));
    // Clearing does not help while it lasts, and releasing is no clearing.
    world.call(world.owner, Treasury::clearReviewCall { envelope, reason: B256::repeat_byte(1) }).await?;
    assert!(seen(&world).await?.review(0).is_some());
    world.call(world.owner, Treasury::unfreezeEnvelopeCall { envelope }).await?;
    let released = seen(&world).await?;
    assert_eq!(released.evaluate(released.at()).value, fine.evaluate(released.at()).value);
    assert!(released.review(0).is_some());
    world.call(world.owner, Treasury::clearReviewCall { envelope, reason: B256::ZERO }).await?;
    assert_eq!(seen(&world).await?.review(0), None);
    Ok(())
}
