//! The policy document against the contract that takes it.

use anyhow::Result;
use bursar_sdk::policy::{PolicyDocument, PolicyError, WindowLimit};

use crate::common::{Stage, dollars};

#[tokio::test]
async fn the_chain_keeps_what_the_document_says_and_drift_names_both_sides() -> Result<()> {
    let stage = Stage::set_with(|policy| policy.lifetime_limit = dollars(5000)).await?;
    let agent = stage.builder(1).connect().await?;
    let mut document = stage.chain.policy();
    document.lifetime_limit = dollars(5000);
    let on_chain = agent.view().envelope_state().await?.policy;
    document.matches(&on_chain)?;

    let mut other = document.clone();
    other.windows[0].limit = dollars(90);
    assert_eq!(
        other.matches(&on_chain),
        Err(PolicyError::Drift {
            field: "limit of window 0".into(),
            expected: dollars(90).to_string(),
            got: dollars(100).to_string(),
        })
    );
    let mut reworded = document;
    reworded.purpose = "Anything at all".into();
    assert!(
        matches!(reworded.matches(&on_chain), Err(PolicyError::Drift { field, .. }) if field == "policyHash")
    );
    Ok(())
}

type Change = Box<dyn Fn(&mut PolicyDocument)>;

/// What the SDK takes, the contract takes; what the SDK refuses, the contract refuses.
#[tokio::test]
async fn both_sides_refuse_the_same_documents() -> Result<()> {
    let stage = Stage::set().await?;
    let manager = stage.chain.policy_manager();
    let cases: Vec<(&str, Change)> = vec![
        ("none", Box::new(|_| {})),
        ("cap zero", Box::new(|p| (p.payment_cap, p.approval_threshold) = (dollars(0), dollars(0)))),
        ("threshold over cap", Box::new(|p| p.approval_threshold = dollars(21))),
        ("session under cap", Box::new(|p| p.session_limit = dollars(19))),
        ("no seconds", Box::new(|p| p.max_session_seconds = 0)),
        (
            "five windows",
            Box::new(|p| {
                p.windows = (1..=5).map(|n| WindowLimit { period: n * 3600, limit: dollars(100) }).collect();
            }),
        ),
        ("window under session", Box::new(|p| p.windows[0].limit = dollars(49))),
        ("windows fall", Box::new(|p| p.windows[1].limit = dollars(99))),
        ("periods equal", Box::new(|p| p.windows[1].period = p.windows[0].period)),
        ("period zero", Box::new(|p| p.windows[0].period = 0)),
        ("lifetime under window", Box::new(|p| p.lifetime_limit = dollars(299))),
        ("lifetime at window", Box::new(|p| p.lifetime_limit = dollars(300))),
    ];
    for (name, change) in cases {
        let mut document = stage.chain.policy();
        // The SDK's own refusal comes first in `to_chain`, so the contract is asked with the raw struct.
        let mut raw = document.to_chain()?;
        change(&mut document);
        raw.paymentCap = document.payment_cap.to_u96();
        raw.approvalThreshold = document.approval_threshold.to_u96();
        raw.sessionLimit = document.session_limit.to_u96();
        raw.maxSessionSeconds = alloy::primitives::aliases::U24::from(document.max_session_seconds);
        raw.lifetimeLimit = document.lifetime_limit.to_u96();
        raw.windows = document
            .windows
            .iter()
            .map(|w| bursar_sdk::abi::Treasury::WindowLimit { period: w.period, limit: w.limit.to_u96() })
            .collect();
        let envelope = alloy::primitives::aliases::U24::from(stage.envelope);
        let call = manager.contract().setPolicy(envelope, raw);
        let chain = call.from(stage.chain.people.policy_manager.address()).call().await.map(drop);
        assert_eq!(document.validate().is_ok(), chain.is_ok(), "{name}: {:?} {chain:?}", document.validate());
    }
    Ok(())
}
