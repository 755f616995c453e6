//! Every rule finds what breaks it, and nothing that just keeps it.

use alloy::primitives::B256;
use anyhow::Result;
use bursar_indexer::query::{Position, history::SetAside};
use bursar_sdk::{amount::Amount, decision::Verdict};
use serde_json::json;

use crate::world::{
    APPROVER, BUDGET, CAP, DAY_LIMIT, Fact, MANAGER, PURSE, THRESHOLD, TREASURY, World, address, agent,
    sealed,
};

/// A way to break rules, and which ones it breaks.
type Case = (&'static str, fn(&mut World), &'static [&'static str]);

fn approve(world: &mut World, units: u64) {
    world.pay(units, |paid| paid.payment.approver = Some(APPROVER));
}

/// The world before anything was paid.
const CASES: &[Case] = &[
    ("a payment as it should be", |world| world.pay(1, |_| {}), &[]),
    ("right at the cap", |world| approve(world, CAP), &[]),
    ("beyond the cap", |world| approve(world, CAP + 1), &["within_cap"]),
    (
        "right at the limit of the day, which is the budget",
        |world| {
            approve(world, CAP);
            approve(world, DAY_LIMIT - CAP);
        },
        &[],
    ),
    (
        "one unit more than the day's limit and the session's budget",
        |world| {
            approve(world, CAP);
            approve(world, BUDGET - CAP);
            world.pay(1, |_| {});
        },
        &["within_session", "within_windows"],
    ),
    ("right at the threshold, by nobody", |world| world.pay(THRESHOLD, |_| {}), &[]),
    ("above the threshold, by nobody", |world| world.pay(THRESHOLD + 1, |_| {}), &["approved"]),
    (
        "approved by a stranger",
        |world| world.pay(THRESHOLD + 1, |paid| paid.payment.approver = Some(address(0x99))),
        &["approved"],
    ),
    (
        "approved by who wrote the policy",
        |world| {
            world.say(None, "role_granted", json!({ "account": MANAGER, "role": 8, "by": MANAGER }));
            world.pay(THRESHOLD + 1, |paid| paid.payment.approver = Some(MANAGER));
        },
        &["approver_apart", "roles_apart"],
    ),
    (
        "approved by who wrote the policy, where duties are joined",
        |world| {
            world.say(None, "separation_of_duties_set", json!({ "on": false, "by": MANAGER }));
            world.say(None, "role_granted", json!({ "account": MANAGER, "role": 8, "by": MANAGER }));
            world.pay(THRESHOLD + 1, |paid| paid.payment.approver = Some(MANAGER));
        },
        &["roles_apart"],
    ),
    (
        "approved by the agent",
        |world| {
            world.say(
                None,
                "role_granted",
                json!({ "account": agent().address(), "role": 8, "by": MANAGER }),
            );
            world.pay(THRESHOLD + 1, |paid| paid.payment.approver = Some(agent().address()));
        },
        &["approver_apart", "roles_apart"],
    ),
    (
        "a payee that was taken off the list",
        |world| {
            world.pay(1, |_| {});
            let unlisted = json!({ "list": 1, "payee": address(0xc1), "by": MANAGER });
            world.say(None, "payee_unlisted", unlisted);
            world.pay(1, |_| {});
        },
        &["payee_listed"],
    ),
    (
        "while the envelope was frozen, and after",
        |world| {
            world.say(Some(1), "envelope_frozen", json!({ "by": address(3) }));
            world.pay(1, |_| {});
            world.say(Some(1), "envelope_unfrozen", json!({ "by": address(1) }));
            world.pay(1, |_| {});
        },
        &["not_frozen"],
    ),
    (
        "while the organisation was frozen",
        |world| {
            world.say(None, "organisation_frozen", json!({ "by": address(3) }));
            world.pay(1, |_| {});
        },
        &["not_frozen"],
    ),
    (
        "while a group above was frozen",
        |world| {
            let group = |number, parent| json!({ "group": number, "parent": parent, "asset": address(5), "by": MANAGER });
            world.say(None, "group_created", group(1, 0));
            world.say(None, "group_created", group(2, 1));
            world.say(Some(1), "group_set", json!({ "group": 2, "by": MANAGER }));
            world.say(None, "group_frozen", json!({ "group": 1, "by": address(3) }));
            world.pay(1, |_| {});
        },
        &["not_frozen"],
    ),
    (
        "beyond the limit of the group",
        |world| {
            let created = json!({ "group": 1, "parent": 0, "asset": address(5), "by": MANAGER });
            world.say(None, "group_created", created);
            let windows = json!([{ "period": 86_400, "limit": "7" }]);
            let limits = json!({ "group": 1, "windows": windows, "lifetimeLimit": "0", "by": MANAGER });
            world.say(None, "group_limits_set", limits);
            world.say(Some(1), "group_set", json!({ "group": 1, "by": MANAGER }));
            world.pay(7, |_| {});
            world.pay(1, |_| {});
        },
        &["within_windows"],
    ),
    (
        "in a frozen session",
        |world| {
            world.say(Some(1), "session_frozen", json!({ "purse": PURSE, "sequence": 1, "by": address(3) }));
            world.pay(1, |_| {});
        },
        &["session_live"],
    ),
    (
        "in the last second of the session",
        |world| world.pay(1, |paid| paid.payment.timestamp = crate::world::MIDNIGHT + 2_999),
        &[],
    ),
    (
        "when the session was over",
        |world| world.pay(1, |paid| paid.payment.timestamp = crate::world::MIDNIGHT + 3_000),
        &["session_live"],
    ),
    (
        "after the session was closed",
        |world| {
            world.close(BUDGET);
            world.pay(1, |_| {});
        },
        &["session_live"],
    ),
    (
        "under a policy that was replaced",
        |world| {
            world.policy(2, MANAGER);
            world.pay(1, |_| {});
        },
        &["policy_in_force"],
    ),
    ("a policy set by a stranger", |world| world.policy(2, address(0x99)), &["set_by_role"]),
    (
        "no record of the decision",
        |world| {
            world.pay(1, |paid| {
                paid.payment.decision = None;
                paid.outcomes.clear();
            });
        },
        &["explained", "delivered"],
    ),
    ("no outcome", |world| world.pay(1, |paid| paid.outcomes.clear()), &["delivered"]),
    (
        "a record of another decision",
        |world| {
            let other = sealed(&world.record(2, Verdict::Approved), &agent(), 0);
            world.pay(1, |paid| {
                paid.payment.decision = Some(other);
                paid.outcomes.clear();
            });
        },
        &["nonce_opens", "record_agrees", "delivered"],
    ),
    (
        "more than the record says",
        |world| world.pay(1, |paid| paid.payment.amount = Amount::new(2)),
        &["record_agrees"],
    ),
    (
        "less than the record says, where that is what it allows",
        |world| {
            world.pay(2, |paid| {
                paid.payment.amount = Amount::new(1);
                paid.payment.rail = "permit2_upto".into();
            });
        },
        &[],
    ),
    (
        "a refusal that settled all the same",
        |world| {
            let record = world.record(1, Verdict::Denied);
            world.pay_under(record, |_| {});
        },
        &["refusal_held"],
    ),
    (
        "a record sealed by somebody else",
        |world| {
            let other = alloy::signers::local::PrivateKeySigner::from_bytes(&B256::repeat_byte(3)).unwrap();
            let kept = sealed(&world.record(1, Verdict::Approved), &other, 0);
            world.pay(1, |paid| {
                if let Some(decision) = &mut paid.payment.decision {
                    decision.seal = kept.seal;
                }
            });
        },
        &["sealed"],
    ),
    (
        "a record without a seal",
        |world| {
            world.pay(1, |paid| {
                if let Some(decision) = &mut paid.payment.decision {
                    decision.seal = None;
                }
            });
        },
        &["sealed"],
    ),
    (
        "a refusal that was left out of the chain",
        |world| {
            world.pay(1, |_| {});
            world.refuse();
            world.pay(1, |_| {});
            world.unsettled.clear();
        },
        &["records_chained"],
    ),
    (
        "a record of the same number twice",
        |world| {
            let before = world.last_record;
            world.pay(1, |_| {});
            world.last_record = before;
            world.pay(2, |_| {});
        },
        &["records_chained"],
    ),
    (
        "a purse that gave back one unit too little",
        |world| {
            world.pay(1_000, |_| {});
            world.close(BUDGET - 1_001);
        },
        &["purses_add_up"],
    ),
    (
        "a purse that gave back what a stranger sent, too",
        |world| {
            let donated = json!({ "from": address(9), "to": PURSE, "value": "7" });
            world.say(Some(1), "donation", donated);
            world.close(BUDGET + 7);
        },
        &[],
    ),
    (
        "a session with a stamp that was revoked",
        |world| {
            let stamp = B256::repeat_byte(5);
            world.close(BUDGET);
            world.say(None, "stamp_revoked", json!({ "stampHash": stamp, "by": address(6) }));
            world.open(2, stamp);
        },
        &["stamp_live"],
    ),
    (
        "a session after a low score, without a human",
        |world| {
            world.close(BUDGET);
            world.say(Some(1), "score_reported", json!({ "score": 599, "by": address(6) }));
            world.open(2, B256::ZERO);
        },
        &["low_score_held"],
    ),
    (
        "a session after a score that is just good enough",
        |world| {
            world.close(BUDGET);
            world.say(Some(1), "score_reported", json!({ "score": 600, "by": address(6) }));
            world.open(2, B256::ZERO);
        },
        &[],
    ),
    (
        "a session after a low score that a human looked at",
        |world| {
            world.close(BUDGET);
            world.say(Some(1), "score_reported", json!({ "score": 599, "by": address(6) }));
            world.say(Some(1), "review_set", json!({ "by": address(6), "reason": B256::ZERO }));
            world.say(Some(1), "review_cleared", json!({ "by": address(1), "reason": B256::ZERO }));
            world.open(2, B256::ZERO);
        },
        &[],
    ),
    (
        "a session of an envelope that asks for a score, without one",
        |world| {
            world.close(BUDGET);
            world.say(Some(1), "score_life_set", json!({ "life": 60, "by": MANAGER }));
            world.open(2, B256::ZERO);
        },
        &["score_fresh"],
    ),
    (
        "a log that makes no sense",
        |world| {
            world.aside.push(SetAside {
                position: Position { block: 2, log: 9 },
                tx_hash: B256::ZERO,
                address: TREASURY,
                error: "does not decode".into(),
            });
        },
        &["nothing_set_aside"],
    ),
    (
        "an envelope without a policy",
        |world| {
            let created = json!({ "agent": address(0xa2), "asset": address(5), "by": MANAGER });
            world.say(Some(2), "envelope_created", created);
        },
        &["registered"],
    ),
];

#[test]
fn every_rule_finds_what_breaks_it_and_nothing_else() -> Result<()> {
    for (name, bend, expected) in CASES {
        let mut world = World::new();
        bend(&mut world);
        let found: Vec<String> = world.exceptions()?.into_iter().map(|(id, _)| id).collect();
        let mut expected: Vec<String> = expected.iter().map(|id| (*id).to_owned()).collect();
        let mut found = found;
        expected.sort();
        found.sort();
        assert_eq!(found, expected, "{name}");
    }
    Ok(())
}

#[test]
fn what_a_session_narrows_binds() -> Result<()> {
    for (scope, units, expected) in [
        (json!({ "paymentCap": "10", "approvalThreshold": "0", "payeeList": 0 }), 10, None),
        (json!({ "paymentCap": "10", "approvalThreshold": "0", "payeeList": 0 }), 11, Some("within_cap")),
        (json!({ "paymentCap": "0", "approvalThreshold": "10", "payeeList": 0 }), 10, None),
        (json!({ "paymentCap": "0", "approvalThreshold": "10", "payeeList": 0 }), 11, Some("approved")),
        (json!({ "paymentCap": "0", "approvalThreshold": "0", "payeeList": 2 }), 1, Some("payee_listed")),
    ] {
        let mut world = World::new();
        world.close(BUDGET);
        world.facts.pop();
        world.facts.pop();
        world.open_narrowed(1, B256::ZERO, scope.clone());
        world.pay(units, |_| {});
        let found: Vec<String> = world.exceptions()?.into_iter().map(|(id, _)| id).collect();
        assert_eq!(found, expected.into_iter().collect::<Vec<_>>(), "{scope} {units}");
    }
    Ok(())
}

#[test]
fn events_that_do_not_follow_from_each_other_are_refused() {
    for (name, bend) in [
        ("the end of no session", (|world: &mut World| world.close(BUDGET)) as fn(&mut World)),
        ("a donation to no purse", |world| {
            world.say(Some(1), "donation", json!({ "from": address(9), "to": address(0x33), "value": "7" }));
        }),
        ("an event of no kind", |world| world.say(None, "minted", json!({}))),
        ("an event without its arguments", |world| {
            world.say(Some(1), "topped_up", json!({ "from": address(1) }))
        }),
    ] {
        let mut world = World::new();
        if name.starts_with("the end") {
            world.close(BUDGET);
        }
        bend(&mut world);
        let last = world.facts.last().map(|fact| match fact {
            Fact::Event(event) => event.position.block,
            Fact::Paid(_) => 0,
        });
        let error = world.exceptions().unwrap_err().to_string();
        assert!(error.contains(&format!("block {}, log 3", last.unwrap())), "{name}: {error}");
    }
}
