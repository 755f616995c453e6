//! Groups: budgets above envelopes, and stops and releases of them.

use anyhow::Result;
use bursar_sdk::{
    AgentError, Amount, Purpose, Refusal,
    admin::groups::GroupLimits,
    policy::WindowLimit,
    session::SessionTerms,
    testing::{DAY, signer},
};

use crate::common::{PAYEE, Stage, dollars};

fn limits(day: u64, lifetime: u64) -> GroupLimits {
    let windows = vec![WindowLimit { period: DAY, limit: dollars(day) }];
    GroupLimits { windows, lifetime: dollars(lifetime) }
}

fn reason<T>(result: Result<T, AgentError>) -> Option<Refusal> {
    result.err().and_then(|error| error.refusal())
}

#[tokio::test]
async fn a_fleet_cannot_draw_more_than_its_groups_allow() -> Result<()> {
    let stage = Stage::set().await?;
    let (chain, manager) = (&stage.chain, stage.chain.policy_manager());
    let company = manager.create_group(0, chain.usdc, &limits(70, 0)).await?.value;
    let team = manager.create_group(company, chain.usdc, &limits(60, 90)).await?.value;
    assert_eq!((company, team), (1, 2));
    manager.set_group(stage.envelope, team).await?;
    let other = signer(0x07e4)?;
    let (second, _) = chain.envelope(other.address(), &chain.policy(), &[], dollars(100)).await?;
    manager.set_group(second, company).await?;

    let agent = stage.agent().await?;
    let over = agent.open_session(&SessionTerms::new(dollars(50))).await;
    assert!(over.is_ok(), "the session before gives back what it drew: {over:?}");

    let spool = tempfile::tempdir()?;
    let fellow =
        bursar_sdk::Agent::builder(chain.provider.clone(), chain.treasury, second, other, spool.path())
            .clock(stage.clock.clock())
            .connect()
            .await?;
    let over = fellow.open_session(&SessionTerms::new(dollars(21))).await;
    assert_eq!(reason(over), Some(Refusal::GroupWindowLimitExceeded));
    fellow.open_session(&SessionTerms::new(dollars(20))).await?;

    // Lowered at once, and the periods stay what they are.
    manager.set_group_limits(team, &limits(60, 40)).await?;
    let over = agent.open_session(&SessionTerms::new(dollars(45))).await;
    assert_eq!(reason(over), Some(Refusal::GroupLifetimeLimitExceeded));
    assert!(
        manager
            .set_group_limits(team, &GroupLimits { lifetime: dollars(40), ..Default::default() })
            .await
            .is_err()
    );
    Ok(())
}

#[tokio::test]
async fn a_session_ends_with_the_window_of_its_group() -> Result<()> {
    let stage = Stage::set_with(|policy| policy.windows.clear()).await?;
    let manager = stage.chain.policy_manager();
    let hourly = GroupLimits {
        windows: vec![WindowLimit { period: 3600, limit: dollars(500) }],
        lifetime: Amount::ZERO,
    };
    let group = manager.create_group(0, stage.chain.usdc, &hourly).await?.value;
    manager.set_group(stage.envelope, group).await?;
    let session = stage.agent().await?.session().await.ok_or(AgentError::NoSession)?;
    let anchored = session.expiry - bursar_sdk::windows::ANCHOR;
    assert_eq!(anchored % 3600, 0);
    Ok(())
}

#[tokio::test]
async fn a_frozen_group_stops_what_is_below_and_its_release_ends_what_was_outstanding() -> Result<()> {
    let stage = Stage::set().await?;
    let (chain, manager) = (&stage.chain, stage.chain.policy_manager());
    let company = manager.create_group(0, chain.usdc, &limits(900, 0)).await?.value;
    let team = manager.create_group(company, chain.usdc, &limits(900, 0)).await?.value;
    manager.set_group(stage.envelope, team).await?;
    let agent = stage.agent().await?;
    let requirement = stage.requirement(&agent, PAYEE, dollars(1))?;
    let outstanding = agent.authorize(&requirement, Purpose::default()).await?;

    chain.guardian().freeze_group(company).await?;
    assert!(chain.settle(&outstanding).await.is_err());
    assert_eq!(reason(agent.authorize(&requirement, Purpose::default()).await), Some(Refusal::GroupFrozen));
    assert!(chain.guardian().unfreeze_group(company).await.is_err(), "a guardian never releases");
    chain.owner().unfreeze_group(company).await?;
    assert!(chain.settle(&outstanding).await.is_err());
    assert_eq!(reason(agent.diagnose(&outstanding).await), Some(Refusal::DigestMismatch));

    // Both levels count: the nonce commits to the sum.
    chain.guardian().freeze_group(team).await?;
    chain.owner().unfreeze_group(team).await?;
    let signed = agent.authorize(&requirement, Purpose::default()).await?;
    chain.settle(&signed).await?;
    Ok(())
}
