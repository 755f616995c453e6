//! The transparency log: what comes in is in it for good, and what somebody does to the store afterwards is found, and where.

use alloy::primitives::{Address, B256};
use anyhow::{Context as _, Result, ensure};
use bursar_indexer::{
    Store,
    db::Query,
    ledger::WatchList,
    project::Realm,
    query::{
        approvals::{self, Answer, Request, Room},
        checkpoint::Settled,
        log,
    },
    source::BlockHeader,
    store::{Audit, Batch, Finding, Mark, Order, Trouble},
};
use bursar_sdk::{
    amount::Amount,
    decision::{DecisionRecord, Verdict},
    erasure::ErasureCategory,
    payment::Rail,
    refusal::Refusal,
    transparency::{EMPTY_ROOT, LogKind, node_count},
};
use bursar_test_stores::{Stores, on_both_stores};

use crate::{
    erasures::came_of,
    ledger::{count, open},
    record::{record, sealed},
};

on_both_stores!(
    everything_that_comes_in_is_proven_to_be_in_the_log,
    a_record_that_was_changed_is_found,
    an_entry_that_was_changed_is_found,
    a_tree_that_was_changed_is_found,
    a_tree_that_was_made_anew_is_found_by_whoever_saw_a_root,
    erasing_leaves_every_proof,
    turns_of_the_chain_leave_the_log,
    reading_the_chain_again_leaves_the_log,
    what_came_before_the_log_is_logged,
    logs_are_apart,
);

fn treasury() -> Address {
    record().treasury
}

fn all() -> log::Filter {
    log::Filter { treasury: treasury(), subject: None }
}

fn about(subject: B256) -> log::Filter {
    log::Filter { subject: Some(subject), ..all() }
}

fn decision(seq: u64) -> DecisionRecord {
    let mut decision = record();
    decision.seq = seq;
    decision.prev_hash = B256::left_padding_from(&(seq - 1).to_be_bytes());
    if seq.is_multiple_of(3) {
        decision.verdict = Verdict::Denied;
        decision.reason_codes = vec![Refusal::ALL[0]];
    }
    decision
}

fn request(of: &DecisionRecord) -> Result<Request> {
    Ok(Request {
        digest: B256::left_padding_from(&of.seq.to_be_bytes()),
        treasury: of.treasury,
        purse: of.purse,
        payee: of.payee,
        amount: Amount::new(7),
        valid_after: 0,
        valid_before: 2_000_000_000,
        nonce: of.nonce()?.unwrap_or_default(),
        rail: Rail::Eip3009,
        decision_hash: of.hash()?,
        agent: Some(of.agent),
        seal: Some([5; 65].into()),
    })
}

/// A log with something of each kind, thirteen entries in all; the decisions behind it.
async fn lived(store: &Store) -> Result<Vec<DecisionRecord>> {
    let mut decisions = Vec::new();
    for seq in 1..=6 {
        let decision = decision(seq);
        store.insert_decision(&decision, &sealed(&decision)?, 1_000 + seq).await?;
        decisions.push(decision);
    }
    let (first, sealed_first) = came_of(&decisions[0], 1, B256::ZERO)?;
    store.insert_outcome(&first, &sealed_first, 1_100).await?;
    let (second, sealed_second) = came_of(&decisions[0], 2, sealed_first.hash)?;
    store.insert_outcome(&second, &sealed_second, 1_101).await?;
    let asked = request(&decisions[1])?;
    approvals::store(store.db(), &asked, Room { per_agent: 9, per_treasury: 9 }, 1_102).await?;
    let by = |byte| Address::repeat_byte(byte);
    let approved =
        |byte| Answer::Approved { approver: by(byte), signature: [byte; 65].into(), contract: false };
    ensure!(store.answer_request(asked.digest, None, &approved(1), 1_103).await?);
    ensure!(store.answer_request(asked.digest, Some(by(1)), &approved(2), 1_104).await?);
    let other = request(&decisions[3])?;
    approvals::store(store.db(), &other, Room { per_agent: 9, per_treasury: 9 }, 1_105).await?;
    let no = Answer::Rejected { by: by(3), reason: "too dear".into(), signature: Some([3; 65].into()) };
    ensure!(store.answer_request(other.digest, None, &no, 1_106).await?);
    Ok(decisions)
}

const LIVED: u64 = 13;

async fn audit(store: &Store) -> Result<Audit> {
    Ok(store.audit_log(treasury(), &[]).await?)
}

async fn root(store: &Store, size: u64) -> Result<B256> {
    Ok(log::root(store.db(), treasury(), size).await?)
}

/// Nothing is wrong, and the log is proven from each of its sizes to the last.
async fn whole(store: &Store, size: u64) -> Result<()> {
    let (db, of) = (store.db(), treasury());
    assert_eq!(log::size(db, of).await?, size);
    let found = audit(store).await?;
    assert_eq!((found.findings.as_slice(), found.more, found.size), (&[][..], 0, size));
    let last = root(store, size).await?;
    assert_eq!(found.root, last);
    for earlier in 0..=size {
        log::consistency(db, of, earlier, size).await?.check(root(store, earlier).await?, last)?;
    }
    for leaf in log::list(db, all(), None, 100).await? {
        log::inclusion(db, of, leaf.number, size).await?.check(leaf.hash(), last)?;
    }
    Ok(())
}

async fn run(store: &Store, sql: &'static str) -> Result<()> {
    ensure!(Query::new(sql).execute(store.db()).await? != 0, "nothing was written: {sql}");
    Ok(())
}

async fn everything_that_comes_in_is_proven_to_be_in_the_log(stores: Stores) -> Result<()> {
    let store = open(&stores, "ledger").await?;
    whole(&store, 0).await?;
    assert_eq!(root(&store, 0).await?, EMPTY_ROOT);
    let decisions = lived(&store).await?;
    whole(&store, LIVED).await?;
    let leaves = log::list(store.db(), all(), None, 100).await?;
    let kinds: Vec<&str> = leaves.iter().map(|leaf| leaf.entry.kind.code()).collect();
    let (d, r, o) = ("decision", "refusal", "outcome");
    let (asked, yes, no) = ("approval_request", "approval", "rejection");
    assert_eq!(kinds, [d, d, r, d, d, r, o, o, asked, yes, yes, asked, no]);
    let numbers: Vec<u64> = leaves.iter().map(|leaf| leaf.number).collect();
    assert_eq!(numbers, (0..LIVED).collect::<Vec<_>>());

    // What comes a second time is not logged a second time.
    store.insert_decision(&decisions[0], &sealed(&decisions[0])?, 2_000).await?;
    let (first, sealed_first) = came_of(&decisions[0], 1, B256::ZERO)?;
    store.insert_outcome(&first, &sealed_first, 2_000).await?;
    approvals::store(store.db(), &request(&decisions[1])?, Room { per_agent: 9, per_treasury: 9 }, 2_000)
        .await?;
    whole(&store, LIVED).await?;

    let about = log::list(store.db(), about(decisions[4].hash()?), None, 9).await?;
    assert_eq!(about.iter().map(|leaf| leaf.number).collect::<Vec<_>>(), [4]);
    let until = async |at| log::size_until(store.db(), treasury(), at).await;
    assert_eq!(
        (until(1_000).await?, until(1_001).await?, until(1_099).await?, until(9_999).await?),
        (0, 1, 6, LIVED)
    );
    let after = log::list(store.db(), all(), Some(log::Key { number: 3 }), 2).await?;
    assert_eq!(after.iter().map(|leaf| leaf.number).collect::<Vec<_>>(), [4, 5]);

    // No more is proven than there is.
    for (number, size) in [(LIVED, LIVED), (0, 0), (0, LIVED + 1), (0, u64::MAX), (u64::MAX, u64::MAX)] {
        assert!(log::inclusion(store.db(), treasury(), number, size).await.is_err(), "{number} of {size}");
    }
    for (from, size) in [(2, 1), (1, LIVED + 1), (LIVED + 1, LIVED), (u64::MAX, u64::MAX)] {
        assert!(log::consistency(store.db(), treasury(), from, size).await.is_err(), "{from} to {size}");
    }
    Ok(())
}

/// Does something to a store, and gives what is found.
async fn after(stores: &Stores, name: &str, done: &[&'static str]) -> Result<Vec<Finding>> {
    let store = open(stores, name).await?;
    lived(&store).await?;
    for sql in done {
        run(&store, sql).await?;
    }
    let found = audit(&store).await?;
    store.close().await;
    Ok(found.findings)
}

async fn a_record_that_was_changed_is_found(stores: Stores) -> Result<()> {
    // What was done, to which entry, and what is found there.
    type Expected = fn(&Trouble) -> bool;
    let cases: [(&'static str, u64, Expected); 17] = [
        ("UPDATE decision SET record = replace(record, 'bursar', 'Bursar') WHERE seq = 2", 1, |what| {
            matches!(what, Trouble::Words { table: "decision", .. })
        }),
        ("UPDATE decision SET record = record || ' ' WHERE seq = 2", 1, |what| {
            matches!(what, Trouble::Words { table: "decision", .. })
        }),
        (
            "UPDATE decision SET amount = '00000000000000000000000000009' WHERE seq = 2",
            1,
            |what| matches!(what, Trouble::Row { columns, .. } if columns == &["amount"]),
        ),
        (
            "UPDATE decision SET payee = agent, nonce = NULL WHERE seq = 4",
            3,
            |what| matches!(what, Trouble::Row { columns, .. } if columns == &["nonce", "payee"]),
        ),
        (
            "UPDATE decision SET verdict = 'approved' WHERE seq = 3",
            2,
            |what| matches!(what, Trouble::Row { columns, .. } if columns == &["verdict"]),
        ),
        (
            "UPDATE decision SET received_at = received_at - 1 WHERE seq = 1",
            0,
            |what| matches!(what, Trouble::Row { columns, .. } if columns == &["received_at"]),
        ),
        ("UPDATE decision SET seal = agent WHERE seq = 1", 0, |what| {
            matches!(what, Trouble::Content { what: "seal" })
        }),
        ("UPDATE decision SET seal = NULL WHERE seq = 1", 0, |what| {
            matches!(what, Trouble::Content { what: "seal" })
        }),
        ("DELETE FROM decision WHERE seq = 6", 5, |what| {
            matches!(what, Trouble::RecordGone { table: "decision" })
        }),
        ("UPDATE outcome SET record = replace(record, 'true', 'false') WHERE revision = 2", 7, |what| {
            matches!(what, Trouble::Words { table: "outcome", .. })
        }),
        (
            "UPDATE outcome SET revision = 9 WHERE revision = 2",
            7,
            |what| matches!(what, Trouble::Row { table: "outcome", columns } if columns == &["revision"]),
        ),
        ("DELETE FROM outcome WHERE revision = 1", 6, |what| {
            matches!(what, Trouble::RecordGone { table: "outcome" })
        }),
        ("UPDATE intake SET fact = 'failed' WHERE fact = 'delivered'", 6, |what| {
            matches!(what, Trouble::Content { what: "fact that the ledger took from it" })
        }),
        ("UPDATE approval_request SET payee = purse WHERE answer = 'eoa'", 8, |what| {
            matches!(what, Trouble::Content { what: "approval request" })
        }),
        ("UPDATE approval_request SET answered_by = purse WHERE answer = 'eoa'", 10, |what| {
            matches!(what, Trouble::Content { what: "answer" })
        }),
        ("UPDATE approval_request SET reason = 'too cheap' WHERE answer = 'rejected'", 12, |what| {
            matches!(what, Trouble::Content { what: "answer" })
        }),
        (
            "UPDATE approval_request SET answer = NULL, answered_by = NULL, answered_at = NULL \
             WHERE answer = 'rejected'",
            12,
            |what| matches!(what, Trouble::Content { what: "answer" }),
        ),
    ];
    for (at, (sql, entry, expected)) in cases.into_iter().enumerate() {
        let found = after(&stores, &format!("case{at}"), &[sql]).await?;
        let [finding] = found.as_slice() else {
            anyhow::bail!("{sql}: expected one finding, got {found:#?}")
        };
        ensure!(finding.entry == Some(entry) && expected(&finding.what), "{sql}: {finding:#?}");
        ensure!(finding.subject.is_some(), "{sql}: {finding}");
    }
    // A record that somebody put in: a copy under another name.
    let copy = "INSERT INTO approval_request (digest, treasury, purse, payee, amount, valid_after, valid_before, nonce, \
                rail, decision_hash, requested_at) SELECT nonce, treasury, purse, payee, amount, valid_after, valid_before, \
                nonce, rail, decision_hash, requested_at FROM approval_request WHERE answer = 'rejected'";
    let found = after(&stores, "copy", &[copy]).await?;
    let unlogged = matches!(
        found.as_slice(),
        [Finding { entry: None, subject: Some(_), what: Trouble::Unlogged { table: "approval request" } }]
    );
    ensure!(unlogged, "{found:#?}");
    Ok(())
}

async fn an_entry_that_was_changed_is_found(stores: Stores) -> Result<()> {
    let leaf = |finding: &Finding, entry| {
        finding.entry == Some(entry) && matches!(finding.what, Trouble::Leaf { .. })
    };
    // One byte of it; the row beside it still says what it said.
    let found = after(
        &stores,
        "byte",
        &["UPDATE log_entry SET entry = replace(entry, '\"at\":1003', '\"at\":1004') WHERE number = 2"],
    )
    .await?;
    ensure!(found.iter().any(|finding| leaf(finding, 2)), "{found:#?}");
    ensure!(found.iter().all(|finding| finding.entry == Some(2)), "{found:#?}");
    let found =
        after(&stores, "space", &["UPDATE log_entry SET entry = entry || ' ' WHERE number = 5"]).await?;
    ensure!(found.iter().any(|finding| leaf(finding, 5)), "{found:#?}");
    for (at, sql) in [
        "UPDATE log_entry SET subject = treasury WHERE number = 4",
        "UPDATE log_entry SET at = 5 WHERE number = 4",
        "UPDATE log_entry SET kind = 'refusal' WHERE number = 4",
    ]
    .into_iter()
    .enumerate()
    {
        let found = after(&stores, &format!("beside{at}"), &[sql]).await?;
        ensure!(
            found.iter().any(|it| it.entry == Some(4) && matches!(it.what, Trouble::Beside { .. })),
            "{found:#?}"
        );
    }
    // Two swapped.
    let swap = [
        "UPDATE log_entry SET number = 99 WHERE number = 3",
        "UPDATE log_entry SET number = 3 WHERE number = 8",
        "UPDATE log_entry SET number = 8 WHERE number = 99",
    ];
    let found = after(&stores, "swap", &swap).await?;
    ensure!(found.len() == 2 && leaf(&found[0], 3) && leaf(&found[1], 8), "{found:#?}");
    // One taken out.
    let found = after(&stores, "gone", &["DELETE FROM log_entry WHERE number = 4"]).await?;
    ensure!(found.iter().any(|it| it.what == Trouble::Missing { from: 4, to: 4 }), "{found:#?}");
    ensure!(found.iter().any(|it| it.what == Trouble::Unlogged { table: "decision" }), "{found:#?}");
    // The end cut off: the tree tells.
    let found = after(&stores, "cut", &["DELETE FROM log_entry WHERE number > 9"]).await?;
    let nodes = Trouble::Nodes { expected: node_count(10), got: node_count(LIVED) };
    ensure!(found.iter().any(|it| it.what == nodes), "{found:#?}");
    // A number out of all reason ends the walk, and is no reason to walk for ever.
    let found =
        after(&stores, "far", &["UPDATE log_entry SET number = 9000000000000000000 WHERE number = 12"])
            .await?;
    ensure!(found.iter().any(|it| matches!(it.what, Trouble::Missing { .. })), "{found:#?}");
    Ok(())
}

async fn a_tree_that_was_changed_is_found(stores: Stores) -> Result<()> {
    // The root of the first four, which no leaf's entry is changed for.
    let (name, sql) = (
        "node",
        "UPDATE log_node SET hash = (SELECT hash FROM log_node WHERE position = 0) WHERE position = 6",
    );
    let found = after(&stores, name, &[sql]).await?;
    let [Finding { entry: Some(3), what: Trouble::Node { position: 6, .. }, .. }] = found.as_slice() else {
        anyhow::bail!("{found:#?}")
    };
    let found = after(&stores, "less", &["DELETE FROM log_node WHERE position = 6"]).await?;
    let [Finding { entry: Some(3), what: Trouble::NodeGone { position: 6 }, .. }] = found.as_slice() else {
        anyhow::bail!("{found:#?}")
    };
    let more = "INSERT INTO log_node (treasury, position, hash) SELECT treasury, 1000, hash FROM log_node WHERE position = 0";
    let found = after(&stores, "more", &[more]).await?;
    let [Finding { entry: None, what: Trouble::Nodes { got: 1001, .. }, .. }] = found.as_slice() else {
        anyhow::bail!("{found:#?}")
    };
    // A log whose edge is gone does not go on: what would have come is not taken in without it.
    let store = open(&stores, "edge").await?;
    lived(&store).await?;
    run(&store, "DELETE FROM log_node WHERE position = (SELECT MAX(position) FROM log_node)").await?;
    let next = decision(50);
    assert!(store.insert_decision(&next, &sealed(&next)?, 5_000).await.is_err());
    assert_eq!(count(&store, "SELECT COUNT(*) FROM decision WHERE seq = 50").await?, 0);
    Ok(())
}

async fn a_tree_that_was_made_anew_is_found_by_whoever_saw_a_root(stores: Stores) -> Result<()> {
    let (honest, forged) = (open(&stores, "honest").await?, open(&stores, "forged").await?);
    for seq in 1..=9 {
        let (told, mut other) = (decision(seq), decision(seq));
        honest.insert_decision(&told, &sealed(&told)?, 1_000 + seq).await?;
        // The sixth is told otherwise, and the whole tree follows.
        if seq == 6 {
            other.rationale = "a better reason".into();
        }
        forged.insert_decision(&other, &sealed(&other)?, 1_000 + seq).await?;
    }
    let mark = async |size, seen: &str| -> Result<Mark> {
        Ok(Mark { size, root: root(&honest, size).await?, seen: seen.into() })
    };
    let marks = [
        mark(9, "at nine").await?,
        mark(4, "at four").await?,
        mark(7, "at seven").await?,
        mark(0, "at none").await?,
    ];
    assert_eq!(honest.audit_log(treasury(), &marks).await?.findings, []);
    assert_eq!(audit(&forged).await?.findings, [], "in itself nothing is wrong with it");
    let found = forged.audit_log(treasury(), &marks).await?.findings;
    let roots: Vec<_> = found
        .iter()
        .map(|finding| match &finding.what {
            Trouble::Root { size, since, seen, .. } => Some((*size, *since, seen.as_str())),
            _ => None,
        })
        .collect();
    assert_eq!(roots, [Some((7, 4, "at seven")), Some((9, 4, "at nine"))], "{found:#?}");
    // Nor is there a proof from the one to the other.
    let proof = log::consistency(forged.db(), treasury(), 7, 9).await?;
    assert!(proof.check(root(&honest, 7).await?, root(&forged, 9).await?).is_err());

    // One that ends too soon, and one of another's root.
    let longer = Mark { size: 10, root: B256::repeat_byte(1), seen: "at ten".into() };
    let found = honest.audit_log(treasury(), &[longer]).await?.findings;
    let truncated = Trouble::Truncated { expected: 10, got: 9, seen: "at ten".into() };
    assert_eq!(found, [Finding { entry: None, subject: None, what: truncated }]);
    let fork = Mark { size: 9, root: root(&forged, 9).await?, seen: "elsewhere".into() };
    let found = honest.audit_log(treasury(), &[mark(9, "here").await?, fork]).await?.findings;
    ensure!(
        matches!(found.as_slice(), [Finding { what: Trouble::Root { size: 9, since: 9, .. }, .. }]),
        "{found:#?}"
    );
    Ok(())
}

async fn erasing_leaves_every_proof(stores: Stores) -> Result<()> {
    let store = open(&stores, "ledger").await?;
    let decisions = lived(&store).await?;
    let (hash, db) = (decisions[0].hash()?, store.db());
    let before = root(&store, LIVED).await?;
    let leaf = log::get(db, treasury(), 0).await?.context("no first entry")?;
    let proof = log::inclusion(db, treasury(), 0, LIVED).await?;
    let order = Order {
        by: Address::repeat_byte(0x0a),
        category: ErasureCategory::SubjectRequest,
        signature: [9; 65].into(),
        contract: false,
    };
    store.erase_record(hash, &order, 3_000).await?;
    // The decision, and its two outcomes.
    whole(&store, LIVED + 3).await?;
    assert_eq!(root(&store, LIVED).await?, before);
    proof.check(leaf.hash(), before)?;
    let about = log::list(db, about(hash), None, 9).await?;
    let kinds: Vec<LogKind> = about.iter().map(|leaf| leaf.entry.kind).collect();
    assert_eq!(kinds, [LogKind::Decision, LogKind::Erasure]);
    let words = log::list(db, all(), None, 100).await?;
    ensure!(words.iter().all(|leaf| !leaf.bytes.contains(&decisions[0].rationale)));

    // What is left of it is watched over, too.
    for (sql, entry) in [
        ("UPDATE erasure SET category = 'mistake' WHERE kind = 'decision'", LIVED),
        ("UPDATE intake SET created_at = 1 WHERE fact = 'delivered'", 6),
    ] {
        run(&store, sql).await?;
        let found = audit(&store).await?.findings;
        ensure!(
            found.iter().any(|it| it.entry == Some(entry) && matches!(it.what, Trouble::Content { .. })),
            "{found:#?}"
        );
    }
    run(&store, "DELETE FROM erasure WHERE kind = 'decision'").await?;
    let found = audit(&store).await?.findings;
    ensure!(
        found.iter().any(|it| it.what == Trouble::RecordGone { table: "decision" } && it.entry == Some(0)),
        "{found:#?}"
    );
    Ok(())
}

async fn turns_of_the_chain_leave_the_log(stores: Stores) -> Result<()> {
    let store = open(&stores, "ledger").await?;
    let (realm, list) = (Realm { chain_id: 1, factory: Address::ZERO }, WatchList::default());
    let mut stand = None;
    for number in 0..4 {
        let hash = B256::repeat_byte(u8::try_from(number)? + 1);
        let tip = BlockHeader { number, hash, parent_hash: None, timestamp: number };
        store
            .apply(
                realm,
                Batch {
                    after: stand,
                    list: &list,
                    blocks: &[],
                    tip,
                    head: number,
                    settled: Settled::default(),
                    write_from: 1,
                    partition_blocks: 3,
                    seen: None,
                },
            )
            .await?;
        stand = Some(hash);
    }
    lived(&store).await?;
    let before = log::list(store.db(), all(), None, 100).await?;
    assert!(before.iter().all(|leaf| leaf.entry.height == 3));
    store.unwind(1).await?;
    whole(&store, LIVED).await?;
    assert_eq!(log::list(store.db(), all(), None, 100).await?, before);
    // What comes now stands lower, and later in the log.
    let next = decision(30);
    store.insert_decision(&next, &sealed(&next)?, 4_000).await?;
    whole(&store, LIVED + 1).await?;
    let last = log::get(store.db(), treasury(), LIVED).await?.context("it is not logged")?;
    assert_eq!(last.entry.height, 1);
    Ok(())
}

async fn reading_the_chain_again_leaves_the_log(stores: Stores) -> Result<()> {
    let store = open(&stores, "ledger").await?;
    lived(&store).await?;
    let before = log::list(store.db(), all(), None, 100).await?;
    store.forget_chain().await?;
    whole(&store, LIVED).await?;
    assert_eq!(log::list(store.db(), all(), None, 100).await?, before);
    store.close().await;
    let store = open(&stores, "ledger").await?;
    whole(&store, LIVED).await?;
    Ok(())
}

async fn what_came_before_the_log_is_logged(stores: Stores) -> Result<()> {
    let store = open(&stores, "ledger").await?;
    let decisions = lived(&store).await?;
    let order = Order {
        by: Address::repeat_byte(0x0a),
        category: ErasureCategory::RetentionOver,
        signature: [9; 65].into(),
        contract: false,
    };
    store.erase_record(decisions[4].hash()?, &order, 3_000).await?;
    // As it was before there was a log.
    for sql in ["DELETE FROM log_entry", "DELETE FROM log_node", "DELETE FROM meta WHERE key = 'log_begun'"] {
        run(&store, sql).await?;
    }
    store.close().await;
    let store = open(&stores, "ledger").await?;
    // The erasure is one more; of an approval that gave way to another, nothing was kept.
    whole(&store, LIVED).await?;
    let leaves = log::list(store.db(), all(), None, 100).await?;
    let times: Vec<u64> = leaves.iter().map(|leaf| leaf.entry.at).collect();
    assert!(times.is_sorted(), "{times:?}");
    let erased = &leaves[4].entry;
    assert_eq!((erased.subject, erased.content), (decisions[4].hash()?, None));
    assert!(erased.fact.is_some());
    assert_eq!(leaves.last().map(|leaf| leaf.entry.kind), Some(LogKind::Erasure));
    // Once: what is opened again is not logged again.
    store.close().await;
    let store = open(&stores, "ledger").await?;
    let next = decision(20);
    store.insert_decision(&next, &sealed(&next)?, 4_000).await?;
    whole(&store, LIVED + 1).await?;
    Ok(())
}

async fn logs_are_apart(stores: Stores) -> Result<()> {
    let store = open(&stores, "ledger").await?;
    let mut other = decision(1);
    other.treasury = Address::repeat_byte(0x77);
    store.insert_decision(&other, &sealed(&other)?, 1).await?;
    lived(&store).await?;
    whole(&store, LIVED).await?;
    let mut both = vec![treasury(), other.treasury];
    both.sort_unstable();
    assert_eq!(store.logs().await?, both);
    assert_eq!(log::size(store.db(), other.treasury).await?, 1);
    assert_eq!(log::list(store.db(), about(other.hash()?), None, 9).await?, []);
    // An entry of one put into the other.
    run(&store, "UPDATE log_entry SET entry = (SELECT entry FROM log_entry l WHERE l.subject <> log_entry.subject AND l.number = 0 LIMIT 1) WHERE number = 0 AND at <> 1").await?;
    let found = audit(&store).await?.findings;
    ensure!(found.iter().any(|it| it.what == Trouble::OtherTreasury { got: other.treasury }), "{found:#?}");
    Ok(())
}
