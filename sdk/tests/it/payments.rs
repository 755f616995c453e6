//! Payments from a purse, settled by the token on a real chain.
use crate::common::{PAYEE, Stage, dollars};
use anyhow::Result;
use bursar_sdk::{AgentError, Purpose, Refusal, session::SessionTerms};

#[tokio::test]
async fn a_signed_payment_settles_and_commits_to_its_decision() -> Result<()> {
    let stage = Stage::set().await?;
    let agent = stage.agent().await?;
    assert_eq!(agent.purse(), stage.purse);
    assert_eq!(agent.balance().await?, dollars(50));

    let requirement = stage.requirement(&agent, PAYEE, dollars(5))?;
    let signed = agent.authorize(&requirement, Purpose::new("task", "because")).await?;
    agent.diagnose(&signed).await?;
    stage.chain.settle(&signed).await?;

    assert_eq!(stage.chain.balance(PAYEE).await?, dollars(5));
    assert_eq!(agent.balance().await?, dollars(45));
    assert!(agent.view().has_settled(signed.rail, stage.purse, signed.authorization.nonce).await?);

    let returned = agent.close_session().await?.value;
    assert_eq!(returned, dollars(45));
    assert!(matches!(agent.authorize(&requirement, Purpose::default()).await, Err(AgentError::NoSession)));
    Ok(())
}

#[tokio::test]
async fn opening_is_refused_with_both_values_before_anything_is_signed() -> Result<()> {
    let stage = Stage::set().await?;
    let agent = stage.builder(1).connect().await?;
    match agent.open_session(&SessionTerms::new(dollars(51))).await {
        Err(AgentError::Refused { reason: Refusal::SessionLimitExceeded, limit, actual, .. }) => {
            assert_eq!((limit, actual), (dollars(50).to_u256(), dollars(51).to_u256()));
        }
        other => panic!("{other:?}"),
    }
    Ok(())
}
