//! Clocks that are off by hours: named before anything is signed that cannot settle.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::{SystemTime, UNIX_EPOCH},
};

use anyhow::Result;
use bursar_sdk::{AgentError, Purpose, clock::Clock, session::SessionTerms};

use crate::common::{PAYEE, Stage, dollars, entropy};

const HOURS: i64 = 4 * 3600;

/// The machine's clock, off by some seconds that can be set.
fn off() -> (Arc<AtomicI64>, Clock) {
    let by = Arc::new(AtomicI64::new(0));
    let ours = Arc::clone(&by);
    let clock = Clock::from_fn(move || {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        now.saturating_add_signed(ours.load(Ordering::SeqCst))
    });
    (by, clock)
}

#[tokio::test]
async fn a_clock_off_by_hours_opens_no_session_and_takes_up_none() -> Result<()> {
    let stage = Stage::set().await?;
    let (by, clock) = off();
    let agent = stage.builder(1).clock(clock).entropy(entropy(7)).connect().await?;
    let terms = SessionTerms::new(dollars(5));

    by.store(-HOURS, Ordering::SeqCst);
    let told = agent.open_session(&terms).await;
    assert!(matches!(told, Err(AgentError::ClockOff { clock, chain }) if clock + 3600 < chain), "{told:?}");
    assert!(agent.session().await.is_none() && !told.unwrap_err().is_transient());

    // Set right, the same agent goes on.
    by.store(0, Ordering::SeqCst);
    let opened = agent.open_session(&terms).await?.value;
    let requirement = stage.requirement(&agent, PAYEE, dollars(1))?;
    stage.chain.settle(&agent.authorize(&requirement, Purpose::default()).await?).await?;

    by.store(-HOURS, Ordering::SeqCst);
    let key = bursar_sdk::testing::signer(0xf0f0)?;
    let told = agent.resume_session(key).await;
    assert!(matches!(told, Err(AgentError::ClockOff { .. })), "{told:?}");
    assert_eq!(agent.session().await.map(|session| session.id()), Some(opened.id()));
    Ok(())
}

#[tokio::test]
async fn a_clock_ahead_by_hours_is_named_once_a_block_tells_the_time() -> Result<()> {
    let stage = Stage::set().await?;
    let (by, clock) = off();
    let agent = stage.builder(1).clock(clock).entropy(entropy(7)).connect().await?;
    by.store(3600, Ordering::SeqCst);
    let terms =
        SessionTerms { expiry: Some(stage.clock.clock().now() + 240), ..SessionTerms::new(dollars(5)) };
    let told = agent.open_session(&terms).await;
    assert!(matches!(told, Err(AgentError::ClockOff { clock, chain }) if chain + 1800 < clock), "{told:?}");

    by.store(0, Ordering::SeqCst);
    let requirement = stage.requirement(&agent, PAYEE, dollars(1))?;
    stage.chain.settle(&agent.authorize(&requirement, Purpose::default()).await?).await?;
    Ok(())
}
