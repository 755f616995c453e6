//! Who follows the events knows what the ledger knows, whatever chain, writers and processes do.

use std::sync::Arc;

use alloy::primitives::{Address, B256, U256, aliases::U24, map::HashMap};
use anyhow::{Context as _, Result, ensure};
use bursar_indexer::{
    Store,
    db::Query,
    ledger::{BlockFacts, WatchList},
    outbox::Kind,
    project::Realm,
    query::{
        approvals::{self, Answer, Request, Room},
        checkpoint::Settled,
        events::{self, Filter, Page, Told},
    },
    source::{BlockHeader, Source},
    store::Batch,
};
use bursar_sdk::{abi::Treasury, amount::Amount, delivery::SealedRecord, payment::Rail};
use bursar_test_stores::{Stores, on_both_stores};

use crate::{
    agrees::live,
    ledger::{Running, config, count, index, open, rows},
    record::{record, sealed},
    told::{all, assert_followers_know, first_told, follow, standing},
    world::World,
};

on_both_stores!(
    followers_know_what_the_ledger_knows,
    a_turned_chain_is_told_and_taken_back,
    what_was_final_at_the_start_is_history_and_nothing_is_told_twice,
    a_payment_settles_once_however_often_the_chain_is_read,
    a_reader_beside_many_writers_skips_nothing,
    what_fails_is_not_told,
    nothing_of_a_record_is_in_an_event,
    requests_run_out_by_the_chains_clock,
    what_ran_out_before_what_is_told_is_history,
    old_events_go_and_cursors_before_them_are_told_so,
    filters_choose_and_retractions_come_along,
);

const PAYEE: Address = Address::repeat_byte(0x78);

async fn assert_all_told(store: &Store) -> Result<()> {
    let first = first_told(store).await?.context("nobody was told anything")?;
    assert_followers_know(store, first).await?;
    Ok(())
}

async fn followers_know_what_the_ledger_knows(stores: Stores) -> Result<()> {
    let mut world = World::new().await?;
    let store = open(&stores, "ledger").await?;
    let source: Arc<dyn Source> = Arc::new(world.source());
    let mut config = config(world.anvil.chain_id(), world.factory);
    // Begins before anything is final, so that everything is told.
    config.finality = 1_000_000;
    index(config.clone(), Arc::clone(&source), &store).await?;
    live(&mut world).await?;
    config.finality = 8;
    index(config, source, &store).await?;
    assert_all_told(&store).await?;

    let told = all(&store).await?;
    let of = |kind| told.iter().filter(move |told| told.event.kind == kind);
    let payment = &of(Kind::PaymentSeen).next().expect("a payment").event;
    ensure!(payment.subject.starts_with("payments/0x") && payment.envelope.is_some(), "{payment:?}");
    let paid = rows(&store, "SELECT amount FROM payment ORDER BY block_number, log_index LIMIT 1").await?;
    assert_eq!(payment.body["amount"], paid[0].amount("amount")?.to_string());
    assert_eq!(payment.body["payee"].as_str().map(str::len), Some(42));
    let opened = &of(Kind::SessionOpened).next().expect("a session").event;
    let known = rows(&store, "SELECT purse, sequence FROM session ORDER BY opened_at LIMIT 1").await?;
    let id = bursar_sdk::payment::session_id(known[0].address("purse")?, known[0].number("sequence")?);
    assert_eq!(opened.subject, format!("sessions/{id}"));
    assert!(of(Kind::ScoreFlagged).next().is_some(), "a freeze counts as compromise");
    // In the order of the chain.
    let places = of(Kind::PaymentSeen).filter_map(|told| told.event.origin).map(|origin| origin.block);
    assert!(places.is_sorted());
    Ok(())
}

async fn a_turned_chain_is_told_and_taken_back(stores: Stores) -> Result<()> {
    let mut world = World::new().await?;
    let store = open(&stores, "ledger").await?;
    let source: Arc<dyn Source> = Arc::new(world.source());
    let config = config(world.anvil.chain_id(), world.factory);
    let mut running = Running::start(config, Arc::clone(&source), store.clone());
    running.until(source.head().await?.hash).await?;
    let mut agents = live(&mut world).await?;
    running.until(source.head().await?.hash).await?;
    let trunk = all(&store).await?.len();

    let snapshot = world.snapshot().await?;
    let first = &mut agents[0];
    world.pay(first, PAYEE, 2, "taken back").await?;
    world.close(first).await?;
    world.call(world.guardian, Treasury::freezeOrganisationCall {}).await?;
    running.until(source.head().await?.hash).await?;
    let branch = all(&store).await?;
    ensure!(branch.len() >= trunk + 3, "the branch told nothing");

    world.revert(snapshot).await?;
    world.mine(1).await?;
    world.pay(first, PAYEE, 1, "stands").await?;
    running.until(source.head().await?.hash).await?;
    assert_all_told(&store).await?;
    let told = all(&store).await?;
    assert_eq!(told[..branch.len()], branch[..], "what was told is never changed");
    for lost in &branch[trunk..] {
        let back: Vec<_> = told.iter().filter(|told| told.event.retracts == Some(lost.seq)).collect();
        assert_eq!(back.len(), 1, "{lost:?}");
        assert_eq!(back[0].event.body["kind"], lost.event.kind.code());
        assert_eq!(back[0].event.subject, lost.event.subject);
    }
    running.stop().await
}

async fn what_was_final_at_the_start_is_history_and_nothing_is_told_twice(stores: Stores) -> Result<()> {
    let mut world = World::new().await?;
    let agents = live(&mut world).await?;
    let store = open(&stores, "ledger").await?;
    let source: Arc<dyn Source> = Arc::new(world.source());
    let config = config(world.anvil.chain_id(), world.factory);
    index(config.clone(), Arc::clone(&source), &store).await?;
    let final_number: u64 = store.checkpoint().await?.map_or(0, |at| at.final_number);
    let told = all(&store).await?;
    ensure!(!told.is_empty(), "what is not final is told");
    ensure!(
        told.iter().all(|told| told.event.origin.is_none_or(|origin| origin.block > final_number)),
        "history was told"
    );
    world.call(world.guardian, Treasury::freezeEnvelopeCall { envelope: U24::from(1) }).await?;
    world.mine(20).await?;
    index(config.clone(), Arc::clone(&source), &store).await?;

    // Read again: what stands is the same, each once.
    let of = |told: &[Told]| -> Result<Vec<_>> {
        let mut events: Vec<_> = standing(told)?
            .values()
            .map(|told| {
                (told.event.kind, told.event.subject.clone(), told.event.origin.map(|at| (at.block, at.log)))
            })
            .collect();
        events.sort();
        Ok(events)
    };
    let before = all(&store).await?;
    store.forget_chain().await?;
    index(config.clone(), Arc::clone(&source), &store).await?;
    let after = all(&store).await?;
    assert_eq!(of(&after)?, of(&before)?);
    // And it goes on from there.
    world.top_up(agents[0].number, 1).await?;
    index(config, source, &store).await?;
    let topped_up = all(&store).await?.split_off(after.len());
    assert_eq!(topped_up.iter().filter(|told| told.event.kind == Kind::EnvelopeToppedUp).count(), 1);
    Ok(())
}

async fn a_payment_settles_once_however_often_the_chain_is_read(stores: Stores) -> Result<()> {
    let mut world = World::new().await?;
    let store = open(&stores, "ledger").await?;
    let source: Arc<dyn Source> = Arc::new(world.source());
    let config = config(world.anvil.chain_id(), world.factory);
    index(config.clone(), Arc::clone(&source), &store).await?;
    let agents = live(&mut world).await?;
    let first = first_told(&store).await?.context("nobody was told anything")?;
    let counts = async || -> Result<(usize, usize)> {
        let told = all(&store).await?;
        let of = |kind| told.iter().filter(move |told| told.event.kind == kind).count();
        assert_followers_know(&store, first).await?;
        Ok((of(Kind::PaymentSeen), of(Kind::PaymentSettled)))
    };
    world.mine(20).await?;
    index(config.clone(), Arc::clone(&source), &store).await?;
    let (seen, settled) = counts().await?;
    ensure!(seen == settled && seen > 0, "{seen} seen, {settled} settled");
    world.pay(&agents[0], PAYEE, 2, "seen").await?;
    index(config.clone(), Arc::clone(&source), &store).await?;
    assert_eq!(counts().await?, (seen + 1, settled));

    // Final in one step where it was not, and read again where it was: taken back before it settled, and never after.
    world.mine(20).await?;
    for _ in 0..2 {
        store.forget_chain().await?;
        index(config.clone(), Arc::clone(&source), &store).await?;
        assert_eq!(counts().await?, (seen + 2, settled + 1));
    }
    Ok(())
}

/// Numbers are given in the order of commits: a cursor never passes one that comes later.
async fn a_reader_beside_many_writers_skips_nothing(stores: Stores) -> Result<()> {
    const WRITERS: u8 = 4;
    const EACH: u8 = 20;
    let reading = open(&stores, "ledger").await?;
    let mut writers = tokio::task::JoinSet::new();
    for writer in 0..WRITERS {
        // Each as a process of its own would: with its own connections.
        let store = open(&stores, "ledger").await?;
        writers.spawn(async move {
            for number in 0..EACH {
                let hash = B256::from(U256::from(u16::from(writer) * 1000 + u16::from(number)));
                let sealed = SealedRecord { hash, ..sealed(&record())? };
                store.insert_decision(&record(), &sealed, 1_000 + u64::from(number)).await?;
            }
            anyhow::Ok(())
        });
    }
    let (mut cursor, mut seen) = (0, Vec::new());
    while seen.len() < usize::from(WRITERS) * usize::from(EACH) {
        let Page::Events { events, next } =
            events::after(reading.db(), &Filter::default(), Some(cursor), 5).await?
        else {
            anyhow::bail!("the cursor leads nowhere");
        };
        seen.extend(events.into_iter().map(|told| (told.seq, told.event.subject)));
        cursor = next;
        tokio::task::yield_now().await;
        if let Some(done) = writers.try_join_next() {
            done??;
        }
    }
    while let Some(done) = writers.join_next().await {
        done??;
    }
    let numbers: Vec<u64> = seen.iter().map(|(seq, _)| *seq).collect();
    assert_eq!(numbers, (1..=seen.len() as u64).collect::<Vec<_>>());
    let subjects: std::collections::BTreeSet<_> = seen.iter().map(|(_, subject)| subject).collect();
    assert_eq!(subjects.len(), seen.len(), "each once");
    Ok(())
}

async fn what_fails_is_not_told(stores: Stores) -> Result<()> {
    let store = open(&stores, "ledger").await?;
    let decision = record();
    let sealed = sealed(&decision)?;
    assert!(store.insert_decision(&decision, &sealed, u64::MAX).await.is_err());
    assert!(all(&store).await?.is_empty(), "the event came without its change");
    store.insert_decision(&decision, &sealed, 5).await?;
    store.insert_decision(&decision, &sealed, 6).await?;
    assert_eq!(all(&store).await?.len(), 1, "what is handed in again is not told again");
    // And no change without its event.
    Query::new("DROP TABLE outbox").execute(store.db()).await?;
    let other = SealedRecord { hash: B256::repeat_byte(9), ..sealed };
    assert!(store.insert_decision(&decision, &other, 5).await.is_err());
    assert_eq!(count(&store, "SELECT COUNT(*) FROM decision").await?, 1);
    Ok(())
}

async fn nothing_of_a_record_is_in_an_event(stores: Stores) -> Result<()> {
    let store = open(&stores, "ledger").await?;
    let mut decision = record();
    decision.trigger = "canary-trigger".into();
    decision.rationale = "canary-rationale".into();
    decision.resource.url = "https://canary-host.example/".into();
    decision.salt = B256::repeat_byte(0xca);
    store.insert_decision(&decision, &sealed(&decision)?, 5).await?;
    decision.verdict = bursar_sdk::decision::Verdict::Denied;
    decision.reason_codes = vec![bursar_sdk::refusal::Refusal::PayeeNotListed];
    store.insert_decision(&decision, &sealed(&decision)?, 5).await?;
    let told = all(&store).await?;
    let kinds: Vec<Kind> = told.iter().map(|told| told.event.kind).collect();
    assert_eq!(kinds, [Kind::DecisionStored, Kind::PaymentRefused]);
    assert_eq!(told[1].event.body["reasons"], serde_json::json!(["payee_not_listed"]));
    let text = format!("{told:?}").to_lowercase();
    for canary in ["canary", "cacacaca", &PAYEE.to_string()[2..10]] {
        assert!(!text.contains(canary), "{canary} is in {text}");
    }
    Ok(())
}

fn request(valid_before: u64) -> Request {
    Request {
        digest: B256::with_last_byte(valid_before as u8),
        treasury: Address::repeat_byte(1),
        purse: Address::repeat_byte(3),
        payee: PAYEE,
        amount: Amount::new(7),
        valid_after: 0,
        valid_before,
        nonce: B256::ZERO,
        rail: Rail::Eip3009,
        decision_hash: B256::repeat_byte(5),
        agent: Some(Address::repeat_byte(2)),
        seal: None,
    }
}

/// A ledger of blocks without logs.
struct Clock {
    store: Store,
    after: Option<B256>,
}

impl Clock {
    async fn open(stores: &Stores) -> Result<Self> {
        Ok(Self { store: open(stores, "ledger").await?, after: None })
    }

    /// Somebody is to approve a payment that runs out then.
    async fn ask(&self, valid_before: u64) -> Result<()> {
        let room = Room { per_agent: 9, per_treasury: 9 };
        approvals::store(self.store.db(), &request(valid_before), room, 90).await?;
        Ok(())
    }

    /// On to a block, by way of `between`.
    async fn go(&mut self, between: &[BlockHeader], tip: BlockHeader, settled: Settled) -> Result<()> {
        let realm = Realm { chain_id: 1, factory: Address::ZERO };
        let facts = |header: &BlockHeader| BlockFacts {
            header: *header,
            entries: vec![],
            transactions: HashMap::new(),
        };
        let batch = Batch {
            after: self.after,
            list: &WatchList::default(),
            blocks: &between.iter().map(facts).collect::<Vec<_>>(),
            tip,
            head: tip.number,
            settled,
            write_from: 1,
            partition_blocks: 3,
            seen: None,
        };
        self.store.apply(realm, batch).await?;
        self.after = Some(tip.hash);
        Ok(())
    }

    async fn back_to(&mut self, number: u64) -> Result<()> {
        self.after = Some(self.store.unwind(number).await?.hash);
        Ok(())
    }

    async fn forget(&mut self) -> Result<()> {
        self.after = None;
        Ok(self.store.forget_chain().await?)
    }

    /// Whose running out stands as told, in the order of telling.
    async fn expired(&self) -> Result<Vec<B256>> {
        let told = all(&self.store).await?;
        let standing = standing(&told)?;
        let expired = standing.values().filter(|told| told.event.kind == Kind::ApprovalExpired);
        let digests = expired.map(|told| serde_json::from_value(told.event.body["digest"].clone()));
        Ok(digests.collect::<Result<_, _>>()?)
    }
}

fn block(number: u64, fork: u8, timestamp: u64) -> BlockHeader {
    let hash = B256::from(U256::from(number << 8 | u64::from(fork)));
    BlockHeader { number, hash, parent_hash: None, timestamp }
}

async fn requests_run_out_by_the_chains_clock(stores: Stores) -> Result<()> {
    let none_final = Settled::default();
    let mut clock = Clock::open(&stores).await?;
    clock.go(&[], block(0, 0, 90), none_final).await?;
    for valid_before in [100, 120, 121] {
        clock.ask(valid_before).await?;
    }
    let no = Answer::Rejected { by: PAYEE, reason: "canary".into(), signature: None };
    assert!(clock.store.answer_request(request(121).digest, None, &no, 95).await?);
    assert!(!clock.store.answer_request(request(121).digest, None, &no, 95).await?, "once");
    clock.go(&[], block(1, 0, 99), none_final).await?;
    assert_eq!(clock.expired().await?, [] as [B256; 0]);
    clock.go(&[], block(2, 0, 100), none_final).await?;
    assert_eq!(clock.expired().await?, [request(100).digest]);
    clock.go(&[], block(3, 0, 130), none_final).await?;
    let both = [request(100).digest, request(120).digest];
    assert_eq!(clock.expired().await?, both, "one that was answered does not");

    // The chain turns, and its clock with it.
    clock.back_to(1).await?;
    assert_eq!(clock.expired().await?, [] as [B256; 0]);
    clock.go(&[], block(2, 1, 119), none_final).await?;
    assert_eq!(clock.expired().await?, [request(100).digest]);
    clock.go(&[], block(3, 1, 120), none_final).await?;
    assert_eq!(clock.expired().await?, both);

    // Read again, in one step to the head: what ran out in blocks that were final is not told again.
    clock.go(&[], block(4, 1, 125), Settled::at(3)).await?;
    clock.forget().await?;
    clock.go(&[], block(0, 0, 90), none_final).await?;
    clock.go(&[], block(5, 1, 126), Settled::at(4)).await?;
    assert_eq!(clock.expired().await?, both);

    let told = all(&clock.store).await?;
    let of = |kind| told.iter().filter(|told| told.event.kind == kind).count();
    assert_eq!((of(Kind::ApprovalRequested), of(Kind::ApprovalRejected)), (3, 1));
    assert!(!format!("{told:?}").contains("canary"), "why is in the request, not in the event");
    Ok(())
}

async fn what_ran_out_before_what_is_told_is_history(stores: Stores) -> Result<()> {
    let mut clock = Clock::open(&stores).await?;
    for valid_before in [100, 120, 121] {
        clock.ask(valid_before).await?;
    }
    clock.go(&[], block(0, 0, 90), Settled::default()).await?;
    // In one step over what is final to a block that is told of.
    clock.go(&[block(3, 0, 110)], block(4, 0, 120), Settled::at(3)).await?;
    assert_eq!(clock.expired().await?, [request(120).digest]);

    // Read again while nothing that was told is final, in steps of other lengths; and again before it has come that far.
    for come_to in [1, 4] {
        clock.forget().await?;
        clock.go(&[], block(0, 0, 90), Settled::default()).await?;
        clock.go(&[], block(1, 0, 99), Settled::at(3)).await?;
        if come_to == 4 {
            clock.go(&[], block(4, 0, 120), Settled::at(3)).await?;
            assert_eq!(clock.expired().await?, [request(120).digest]);
        }
    }
    clock.go(&[], block(5, 0, 121), Settled::at(3)).await?;
    assert_eq!(clock.expired().await?, [request(120).digest, request(121).digest]);
    Ok(())
}

async fn old_events_go_and_cursors_before_them_are_told_so(stores: Stores) -> Result<()> {
    let store = open(&stores, "ledger").await?;
    let none = events::after(store.db(), &Filter::default(), Some(0), 5).await?;
    assert_eq!(none, Page::Events { events: vec![], next: 0 });
    assert_eq!(store.prune_events(100).await?, 0);
    for number in 1..=6u64 {
        let hash = B256::with_last_byte(number as u8);
        let sealed = SealedRecord { hash, ..sealed(&record())? };
        store.insert_decision(&record(), &sealed, number * 10).await?;
    }
    assert_eq!(store.prune_events(10).await?, 0, "of that very second: kept");
    assert_eq!(store.prune_events(31).await?, 3);
    let after = async |cursor, limit| events::after(store.db(), &Filter::default(), cursor, limit).await;
    assert_eq!(after(Some(2), 5).await?, Page::Gone { oldest: 4 });
    assert_eq!(after(Some(7), 5).await?, Page::Ahead { newest: 6 });
    for cursor in [Some(3), None] {
        let Page::Events { events, next } = after(cursor, 2).await? else { anyhow::bail!("{cursor:?}") };
        assert_eq!((events.len(), events[0].seq, next), (2, 4, 5), "{cursor:?}");
    }
    assert_eq!(after(Some(6), 5).await?, Page::Events { events: vec![], next: 6 });
    // The newest stays, so numbers go on from it.
    assert_eq!(store.prune_events(u64::MAX >> 1).await?, 2);
    store.insert_decision(&record(), &sealed(&record())?, 70).await?;
    let Page::Events { events, .. } = after(None, 5).await? else { anyhow::bail!("gone") };
    assert_eq!(events.iter().map(|told| told.seq).collect::<Vec<_>>(), [6, 7]);
    Ok(())
}

async fn filters_choose_and_retractions_come_along(stores: Stores) -> Result<()> {
    let store = open(&stores, "ledger").await?;
    let of = |treasury: u8, envelope, seq| {
        let mut decision = record();
        (decision.treasury, decision.envelope, decision.seq) =
            (Address::repeat_byte(treasury), envelope, seq);
        decision
    };
    for decision in [of(1, 1, 1), of(2, 1, 2), of(1, 2, 3), of(1, 1, 4)] {
        store.insert_decision(&decision, &sealed(&decision)?, 5).await?;
    }
    Query::new(
        "INSERT INTO outbox (seq, kind, at, subject, retracts, body) VALUES (5, 'retracted', 5, 'x', 1, '{}')",
    )
    .execute(store.db())
    .await?;
    let treasury = Some(Address::repeat_byte(1));
    for (filter, expected) in [
        (Filter { treasury, ..Default::default() }, vec![1, 3, 4]),
        (Filter { treasury, envelope: Some(1), ..Default::default() }, vec![1, 4]),
        (Filter { kinds: vec![Kind::DecisionStored], ..Default::default() }, vec![1, 2, 3, 4, 5]),
        (Filter { kinds: vec![Kind::FreezeSet, Kind::PaymentSeen], ..Default::default() }, vec![5]),
    ] {
        let found: Vec<u64> = follow(&store, &filter, 0).await?.iter().map(|told| told.seq).collect();
        assert_eq!(found, expected, "{filter:?}");
    }
    // What does not fit moves the cursor on.
    let nothing = Filter { treasury: Some(PAYEE), ..Default::default() };
    let page = events::after(store.db(), &nothing, Some(0), 5).await?;
    assert_eq!(page, Page::Events { events: vec![], next: 5 });
    Ok(())
}
