//! Sessions: opened by whoever relays, renewed when they end, closed by the agent.

use std::sync::Arc;

use alloy::providers::{Provider as _, ProviderBuilder};
use anyhow::Result;
use bursar_sdk::{
    AgentError, Purpose, Refusal, Renewal, abi::Eip3009, payment::Rail, session::SessionTerms,
    testing::signer,
};

use crate::common::{PAYEE, Stage, dollars};

#[tokio::test]
async fn a_session_ends_with_the_policy_or_the_window_whichever_is_first() -> Result<()> {
    let stage = Stage::set_with(|policy| policy.max_session_seconds = 10 * 24 * 3600).await?;
    let agent = stage.agent().await?;
    let ends: Vec<u64> =
        agent.headroom().await?.iter().map(|room| u64::try_from(room.endsAt)).collect::<Result<_, _>>()?;
    assert_eq!(Some(agent.session().await.unwrap().expiry), ends.into_iter().min());

    let short = Stage::set_with(|policy| policy.max_session_seconds = 60).await?;
    let agent = short.agent().await?;
    let opened = agent.session().await.unwrap();
    let now = agent.view().latest_timestamp().await?;
    assert!((now..=now + 60).contains(&opened.expiry), "{} at {now}", opened.expiry);
    Ok(())
}

#[tokio::test]
async fn whoever_relays_pays_the_gas_and_nothing_else() -> Result<()> {
    let stage = Stage::set().await?;
    let relayer = stage.chain.people.reviewer.clone();
    let relay =
        ProviderBuilder::new().wallet(relayer.clone()).connect_http(stage.chain.url.parse()?).erased();
    // The reading node has no wallet at all.
    let node = ProviderBuilder::new().connect_http(stage.chain.url.parse()?).erased();
    let agent = bursar_sdk::Agent::builder(
        node,
        stage.chain.treasury,
        stage.envelope,
        Arc::clone(&stage.identity) as _,
        stage.spool.path(),
    )
    .relay(relay)
    .connect()
    .await?;
    let sent = agent.open_session(&SessionTerms::new(dollars(10))).await?;
    assert_eq!(sent.receipt.from, relayer.address());
    assert_eq!(agent.close_session().await?.value, dollars(10));
    Ok(())
}

#[tokio::test]
async fn opening_again_settles_the_session_before() -> Result<()> {
    let stage = Stage::set().await?;
    let agent = stage.agent().await?;
    let first = agent.session().await.unwrap();
    let requirement = stage.requirement(&agent, PAYEE, dollars(10))?;
    stage.chain.settle(&agent.authorize(&requirement, Purpose::default()).await?).await?;
    let second = agent.open_session(&SessionTerms::new(dollars(20))).await?.value;

    assert_eq!((first.sequence, second.sequence), (1, 2));
    assert_ne!(first.key_address(), second.key_address());
    assert_eq!(agent.balance().await?, dollars(20));
    assert_eq!(agent.view().envelope_state().await?.escrow, dollars(970).to_u256());
    let day = &agent.headroom().await?[0];
    assert_eq!(day.used, dollars(30).to_u256(), "10 spent and 20 drawn");
    Ok(())
}

#[tokio::test]
async fn renews_when_the_session_is_over_or_its_policy_gone() -> Result<()> {
    let stage = Stage::set_with(|policy| policy.max_session_seconds = 600).await?;
    let renewal = Renewal::Auto(SessionTerms::new(dollars(10)));
    let agent = stage.builder(1).renewal(renewal).connect().await?;
    let requirement = stage.requirement(&agent, PAYEE, dollars(1))?;
    let pay = || async {
        let signed = agent.authorize(&requirement, Purpose::new("task", "data")).await?;
        stage.chain.settle(&signed).await?;
        anyhow::Ok(agent.session().await.unwrap())
    };
    assert_eq!(pay().await?.sequence, 1, "none was open");
    assert_eq!(pay().await?.sequence, 1, "still good");
    stage.clock.advance(&stage.chain, 700).await?;
    assert_eq!(pay().await?.sequence, 2, "expired");

    let mut tighter = stage.chain.policy();
    tighter.max_session_seconds = 600;
    tighter.payment_cap = dollars(15);
    stage.chain.policy_manager().set_policy(stage.envelope, &tighter).await?;
    let third = pay().await?;
    assert_eq!((third.sequence, third.policy_version), (3, 2));
    assert_eq!(third.policy_hash, tighter.hash()?);
    assert_eq!(third.payment_cap, dollars(15));
    // A renewal is no refusal: only the payments were recorded.
    assert_eq!(agent.flush().await?.waiting, 4);
    Ok(())
}

#[tokio::test]
async fn a_narrower_scope_binds_and_a_wider_one_is_refused() -> Result<()> {
    let stage = Stage::set().await?;
    let agent = stage.builder(1).connect().await?;
    let narrow = SessionTerms { payment_cap: Some(dollars(2)), ..SessionTerms::new(dollars(10)) };
    let opened = agent.open_session(&narrow).await?.value;
    assert_eq!(
        (opened.payment_cap, opened.payee_lists),
        (dollars(2), vec![1]),
        "the policy's list, and no other"
    );
    let found = agent.preflight(PAYEE, dollars(3), Rail::Eip3009).await?;
    assert_eq!(found.refusal.map(|refusal| refusal.0), Some(Refusal::PaymentCapExceeded));

    let wide = SessionTerms { payment_cap: Some(dollars(21)), ..SessionTerms::new(dollars(10)) };
    assert_eq!(agent.preflight_session(&wide).await?.map(|refusal| refusal.0), Some(Refusal::ScopeWidens));
    Ok(())
}

#[tokio::test]
async fn a_review_stops_the_next_session_and_not_this_one() -> Result<()> {
    let stage = Stage::set().await?;
    let agent = stage.agent().await?;
    stage.chain.guardian().set_review(stage.envelope, Default::default()).await?;
    agent.preflight(PAYEE, dollars(1), Rail::Eip3009).await?.check()?;
    let next = agent.open_session(&SessionTerms::new(dollars(1))).await;
    assert_eq!(next.err().and_then(|error| error.refusal()), Some(Refusal::UnderReview));
    Ok(())
}

#[tokio::test]
async fn a_key_that_outlives_the_process_resumes_its_session() -> Result<()> {
    let stage = Stage::set().await?;
    let key = signer(0x5e55)?;
    let agent = stage.builder(1).connect().await?;
    agent.open_session_with(&SessionTerms::new(dollars(10)), Arc::clone(&key) as _).await?;
    drop(agent);

    let agent = stage.builder(2).connect().await?;
    assert!(matches!(agent.close_session().await, Err(AgentError::NoSession)));
    agent.resume_session(key).await?;
    let requirement = stage.requirement(&agent, PAYEE, dollars(1))?;
    stage.chain.settle(&agent.authorize(&requirement, Purpose::default()).await?).await?;
    Ok(())
}

#[tokio::test]
async fn replicas_pay_from_purses_of_their_own() -> Result<()> {
    let stage = Stage::set().await?;
    let more = stage.chain.policy_manager().create_purses(stage.envelope, 1).await?.value;
    let first = stage.builder(1).connect().await?;
    let second = stage.builder(2).purse_index(1).connect().await?;
    assert_eq!((first.purse(), vec![second.purse()]), (stage.purse, more));
    let terms = SessionTerms::new(dollars(40));
    futures::future::try_join(first.open_session(&terms), second.open_session(&terms)).await?;
    for agent in [&first, &second] {
        let requirement = stage.requirement(agent, PAYEE, dollars(10))?;
        stage.chain.settle(&agent.authorize(&requirement, Purpose::default()).await?).await?;
    }
    assert_eq!(first.headroom().await?[0].used, dollars(80).to_u256());
    Ok(())
}

#[tokio::test]
async fn a_node_that_is_down_is_a_transient_error_that_hides_its_address() -> Result<()> {
    let stage = Stage::set().await?;
    let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    let nobody = format!("http://127.0.0.1:{}/secret-key", listener.local_addr()?.port());
    drop(listener);
    let node = ProviderBuilder::new().connect_http(nobody.parse()?).erased();
    let identity = Arc::clone(&stage.identity) as _;
    let built =
        bursar_sdk::Agent::builder(node, stage.chain.treasury, stage.envelope, identity, stage.spool.path());
    let error = built.connect().await.unwrap_err();
    assert!(error.is_transient(), "{error:?}");
    assert!(!format!("{error} {error:?}").contains("secret-key"), "{error:?}");
    Ok(())
}

#[tokio::test]
async fn an_admin_without_the_role_is_told_so() -> Result<()> {
    let stage = Stage::set().await?;
    let error = stage.chain.guardian().withdraw(stage.envelope, PAYEE, dollars(1)).await.unwrap_err();
    assert!(matches!(&error, AgentError::Reverted(what) if what.contains("RoleMissing")), "{error:?}");
    stage.chain.owner().withdraw(stage.envelope, PAYEE, dollars(1)).await?;
    let token = Eip3009::new(stage.chain.usdc, stage.chain.provider.clone());
    assert_eq!(token.balanceOf(PAYEE).call().await?, dollars(1).to_u256());
    Ok(())
}
