use alloy::{
    primitives::{Address, B256},
    signers::local::PrivateKeySigner,
};
use anyhow::Result;
use bursar_sdk::{
    Amount,
    policy::WindowLimit,
    stamp::{
        Scope, StampBundle, StampDomain, StampError, StampRefusal, StampState, StampTerms, UnsignedStamp,
        Windows, corpus::NOW,
    },
    testing::signer,
};

use super::{reason, verifier};

fn terms(subject: Address) -> StampTerms {
    StampTerms {
        subject,
        agent_ref: B256::ZERO,
        scope: Scope::any().payees([Address::repeat_byte(2), Address::repeat_byte(1)]),
        per_payment_max: Amount::new(100),
        total_max: Amount::new(1_000),
        windows: Windows(vec![WindowLimit { period: 86_400, limit: Amount::new(500) }]),
        not_before: NOW - 10,
        not_after: NOW + 10,
        depth_left: 1,
        policy_hash: B256::ZERO,
        httpsig_jkt: B256::ZERO,
        workload_hash: B256::ZERO,
        epoch: 0,
    }
}

fn refused<T>(result: Result<T, StampError>) -> Option<StampRefusal> {
    match result {
        Err(StampError::Refused(refused)) => Some(refused.reason),
        _ => None,
    }
}

struct Cast {
    stamper: PrivateKeySigner,
    agent: PrivateKeySigner,
    root: StampBundle,
    state: StampState,
}

async fn cast() -> Result<Cast> {
    let (stamper, agent) = (signer(1)?.as_ref().clone(), signer(2)?.as_ref().clone());
    let domain = StampDomain::new(8453, Address::repeat_byte(7));
    let root = UnsignedStamp::root(domain, &terms(agent.address()), stamper.address(), B256::repeat_byte(1))?
        .sign(&stamper)
        .await?;
    let mut state = StampState::new(8453, Address::repeat_byte(7));
    state.stampers.insert(stamper.address());
    Ok(Cast { stamper, agent, root, state })
}

#[tokio::test]
async fn a_root_and_its_delegation_verify() -> Result<()> {
    let Cast { agent, root, state, .. } = cast().await?;
    assert_eq!(reason(verifier().verify_chain(&root.encode()?, &state, NOW)), None);
    let sub = signer(3)?;
    let child = StampTerms { depth_left: 0, subject: sub.address(), ..terms(sub.address()) };
    let delegated = UnsignedStamp::child(&root, &child, B256::repeat_byte(2))?.sign(&agent).await?;
    let verified = verifier().verify_chain(&delegated.encode()?, &state, NOW)?;
    assert_eq!(verified.stamp.subject, sub.address());
    assert_eq!(verified.chain, [root.hash(), delegated.hash()]);
    Ok(())
}

#[tokio::test]
async fn a_delegation_is_at_most_its_parent_in_every_field() -> Result<()> {
    let Cast { root, .. } = cast().await?;
    let sub = signer(3)?.address();
    let good = StampTerms { depth_left: 0, ..terms(sub) };
    let child = |terms: StampTerms| refused(UnsignedStamp::child(&root, &terms, B256::ZERO));
    assert_eq!(child(good.clone()), None);
    let window = |period: u32, limit: u64| Windows(vec![WindowLimit { period, limit: Amount::new(limit) }]);
    let (wider, limit) = (Some(StampRefusal::ScopeWider), Some(StampRefusal::LimitWider));
    assert_eq!(child(StampTerms { per_payment_max: Amount::new(101), ..good.clone() }), limit);
    assert_eq!(child(StampTerms { total_max: Amount::new(1_001), ..good.clone() }), limit);
    assert_eq!(child(StampTerms { windows: window(86_400, 501), ..good.clone() }), limit);
    assert_eq!(child(StampTerms { windows: window(3_600, 1), ..good.clone() }), limit);
    assert_eq!(child(StampTerms { windows: Windows::default(), ..good.clone() }), limit);
    assert_eq!(child(StampTerms { scope: Scope::any(), ..good.clone() }), wider);
    let third = Scope::any().payees([Address::repeat_byte(1), Address::repeat_byte(3)]);
    assert_eq!(child(StampTerms { scope: third, ..good.clone() }), wider);
    let validity = Some(StampRefusal::ValidityWider);
    assert_eq!(child(StampTerms { not_before: NOW - 11, ..good.clone() }), validity);
    assert_eq!(child(StampTerms { not_after: NOW + 11, ..good.clone() }), validity);
    assert_eq!(child(StampTerms { depth_left: 1, ..good.clone() }), Some(StampRefusal::DepthExceeded));
    assert_eq!(child(StampTerms { epoch: 1, ..good.clone() }), Some(StampRefusal::EpochDiffers));

    // Narrower in every field is fine, and so is binding to a policy where the parent was bound to none.
    let narrow = StampTerms {
        per_payment_max: Amount::ZERO,
        total_max: Amount::new(1),
        windows: Windows(vec![
            WindowLimit { period: 60, limit: Amount::new(1) },
            WindowLimit { period: 86_400, limit: Amount::new(1) },
        ]),
        scope: Scope::any().payees([]).assets([Address::ZERO]).hosts(["example.com"]),
        not_before: NOW,
        not_after: NOW + 1,
        policy_hash: B256::repeat_byte(9),
        ..good
    };
    assert_eq!(child(narrow), None);
    Ok(())
}

#[tokio::test]
async fn a_bound_policy_stays_bound() -> Result<()> {
    let Cast { stamper, agent, root, .. } = cast().await?;
    let bound = StampTerms { policy_hash: B256::repeat_byte(9), ..terms(agent.address()) };
    let root =
        UnsignedStamp::root(root.domain, &bound, stamper.address(), B256::ZERO)?.sign(&stamper).await?;
    let sub = signer(3)?.address();
    for (policy_hash, expected) in [
        (B256::repeat_byte(9), None),
        (B256::repeat_byte(8), Some(StampRefusal::PolicyDiffers)),
        (B256::ZERO, Some(StampRefusal::PolicyDiffers)),
    ] {
        let child = StampTerms { policy_hash, depth_left: 0, ..terms(sub) };
        assert_eq!(refused(UnsignedStamp::child(&root, &child, B256::ZERO)), expected);
    }
    Ok(())
}

#[tokio::test]
async fn only_the_issuer_signs() -> Result<()> {
    let Cast { stamper, agent, root, .. } = cast().await?;
    let own = UnsignedStamp::root(root.domain, &terms(agent.address()), agent.address(), B256::ZERO);
    assert_eq!(refused(own), Some(StampRefusal::IssuedAtCallTime));
    let sub = terms(signer(3)?.address());
    let child = StampTerms { depth_left: 0, ..sub };
    let signed = UnsignedStamp::child(&root, &child, B256::ZERO)?.sign(&stamper).await;
    assert_eq!(refused(signed), Some(StampRefusal::IssuerNotParent));
    let session = root.in_session(B256::ZERO, Address::ZERO, 1, (0, 1), &stamper).await;
    assert_eq!(refused(session), Some(StampRefusal::OtherSubject));
    Ok(())
}

#[test]
fn terms_read_as_people_write_them() -> Result<()> {
    let written = r#"{"subject": "0x0303030303030303030303030303030303030303", "perPaymentMax": "100",
        "totalMax": "1000", "notBefore": 1, "notAfter": 2, "windows": [{"period": 86400, "limit": "5"}],
        "scope": {"hosts": ["api.example.com"]}}"#;
    let terms: StampTerms = serde_json::from_str(written)?;
    assert_eq!((terms.total_max, terms.depth_left), (Amount::new(1_000), 0));
    assert!(serde_json::from_str::<StampTerms>(&written.replace("totalMax", "total")).is_err());
    Ok(())
}
