//! How much is answered. Nothing is given back while a test runs: what is taken is over an hour.

use std::time::Duration;

use bursar_api::access::{Mode, Rate};
use bursar_indexer::access::Role;
use bursar_test_stores::{Stores, on_both_stores};

use super::clients::{get, made, new_key, refusal};
use crate::{
    client::{Answer, Api, config, state},
    seed::{self, seeded},
};

on_both_stores!(
    a_key_asks_so_much_and_leaves_the_others_alone,
    what_is_kept_of_a_key_is_as_much_as_it_may_ask,
    guesses_are_limited_and_keys_at_work_do_not_wait_for_them,
);

const HOUR: Duration = Duration::from_secs(3_600);

async fn limited(stores: Stores, of_key: u32, of_unknown: u32) -> anyhow::Result<Api> {
    let seeded = seeded(stores).await?;
    let mut config = config();
    config.access = Mode::Keys;
    (config.key_rate, config.unknown_rate) = (Rate::new(of_key, HOUR), Rate::new(of_unknown, HOUR));
    Ok(Api { router: bursar_api::router(state(&seeded, config)), seeded })
}

async fn auditor(api: &Api) -> anyhow::Result<String> {
    made(&api.seeded.store, Role::Auditor, None, None).await
}

fn retry_after(answer: &Answer) -> u64 {
    let value = answer.headers.get("retry-after").and_then(|value| value.to_str().ok());
    value.and_then(|value| value.parse().ok()).unwrap_or_default()
}

async fn a_key_asks_so_much_and_leaves_the_others_alone(stores: Stores) -> anyhow::Result<()> {
    let api = limited(stores, 3, 100).await?;
    let (mine, theirs) = (auditor(&api).await?, auditor(&api).await?);
    for _ in 0..3 {
        assert_eq!(get(&api, &mine, "/v1/status").await?.status, 200);
    }
    let answer = get(&api, &mine, "/v1/status").await?;
    assert_eq!(refusal(&answer), (429, "too_many_requests".into()));
    // A third of an hour gives one back.
    assert!((1_100..=1_200).contains(&retry_after(&answer)), "{}", retry_after(&answer));
    assert_eq!(get(&api, &theirs, "/v1/status").await?.status, 200);
    assert_eq!(api.get("/health/live").await?.status, 204);
    Ok(())
}

async fn what_is_kept_of_a_key_is_as_much_as_it_may_ask(stores: Stores) -> anyhow::Result<()> {
    let seeded = seeded(stores).await?;
    let mut config = config();
    config.access = Mode::Keys;
    config.key_rate = Rate::new(1, HOUR);
    let state = state(&seeded, config);
    let api = Api { router: bursar_api::router(state.clone()), seeded };
    let (mine, theirs) = (auditor(&api).await?, auditor(&api).await?);
    assert_eq!(get(&api, &mine, "/v1/status").await?.status, 200);
    for _ in 0..3 {
        assert_eq!(get(&api, &mine, "/v1/status").await?.status, 429);
    }
    state.keep_accesses().await?;
    let kept = get(&api, &theirs, &format!("/v1/access?by=key:{}", &mine[7..23])).await?.json();
    let statuses: Vec<_> = kept["items"].as_array().into_iter().flatten().map(|it| &it["status"]).collect();
    assert_eq!(statuses, [200], "{kept}");
    Ok(())
}

async fn guesses_are_limited_and_keys_at_work_do_not_wait_for_them(stores: Stores) -> anyhow::Result<()> {
    let api = limited(stores, 100, 3).await?;
    let (at_work, new) = (auditor(&api).await?, auditor(&api).await?);
    assert_eq!(get(&api, &at_work, "/v1/status").await?.status, 200);
    for _ in 0..2 {
        let (guess, _) = new_key(Role::Auditor, None, None)?;
        let answer = get(&api, &guess.shown(), "/v1/status").await?;
        assert_eq!(refusal(&answer), (401, "credential_unknown".into()));
    }
    let (guess, _) = new_key(Role::Auditor, None, None)?;
    for key in [&guess.shown(), &new] {
        let answer = get(&api, key, "/v1/status").await?;
        assert_eq!(refusal(&answer), (429, "too_many_unknown".into()));
        assert!((1_100..=1_200).contains(&retry_after(&answer)), "{}", retry_after(&answer));
    }
    // Whoever has the id of a known key alone guesses, too.
    let forged = format!("{}{}", &at_work[..24], "0".repeat(64));
    assert_eq!(refusal(&get(&api, &forged, "/v1/status").await?), (429, "too_many_unknown".into()));
    assert_eq!(get(&api, &at_work, "/v1/status").await?.status, 200);
    let id = at_work[7..23].to_owned();
    api.seeded.store.revoke_api_key(&id, seed::NOW).await?;
    let revoked = get(&api, &at_work, "/v1/status").await?;
    assert_eq!(refusal(&revoked), (401, "credential_revoked".into()), "it is remembered, and not trusted");
    let again = get(&api, &at_work, "/v1/status").await?;
    assert_eq!(refusal(&again), (429, "too_many_unknown".into()), "and no longer remembered");
    Ok(())
}
