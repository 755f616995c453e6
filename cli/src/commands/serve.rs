//! The services: the indexer, the API, or both in one process.

use std::{sync::Arc, time::Duration};

use alloy::primitives::Address;
use anyhow::{Context as _, Result, ensure};
use bursar_api::{
    AppState, AssetLabel,
    access::{Mode, oidc::Issuer},
    nats, webhook,
};
use bursar_indexer::{
    Indexer, Store, Turns,
    query::approvals::Room,
    source::{Landmark, Patience, RpcConfig, RpcSource, Source, Sources},
};
use bursar_sdk::clock::{Clock, Entropy};
use futures::future::join_all;
use prometheus_client::registry::Registry;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use super::{Context, progress};
use crate::{
    config::{Config, FinalAt, Network},
    keys::read_secret,
    nats::configured,
};

/// Follows each chain and serves its API, until interrupted.
pub(crate) async fn serve(context: &Context) -> Result<()> {
    on_each_chain(context, serve_chain).await
}

/// Follows each chain into its ledger, until interrupted; where `again`, from its start.
pub(crate) async fn index(context: &Context, again: bool) -> Result<()> {
    on_each_chain(context, async |context, turns, cancel| index_chain(context, turns, cancel, again).await)
        .await
}

/// Serves the API over each chain's ledger, which another process keeps, until interrupted.
pub(crate) async fn api(context: &Context) -> Result<()> {
    on_each_chain(context, async |context, _, cancel| serve_ledger(context, cancel).await).await
}

/// Does the work of each chain, until interrupted. Chains have nothing to do with each other: where one ends, its API with
/// it, the others go on; the process says so at once, and again in its end.
async fn on_each_chain(
    context: &Context,
    work: impl AsyncFn(&Context, &Turns, CancellationToken) -> Result<()>,
) -> Result<()> {
    let (cancel, turns, work) = (until_interrupted(), Turns::default(), &work);
    let chains = context.each_chain();
    let several = chains.len() > 1;
    let ends = chains.iter().map(|chain| {
        let (turns, cancel) = (turns.clone(), cancel.child_token());
        let working = async move {
            let ended = work(chain, &turns, cancel).await;
            if let (true, Err(error)) = (several, &ended) {
                tracing::error!(error = format!("{error:#}"), "this chain has ended; the others go on");
            }
            ended.with_context(|| format!("chain {}", chain.config.chain_id))
        };
        working.instrument(tracing::info_span!("chain", id = chain.config.chain_id))
    });
    join_all(ends).await.into_iter().collect()
}

async fn serve_chain(context: &Context, turns: &Turns, cancel: CancellationToken) -> Result<()> {
    let config = &context.config;
    let store = open(config).await?;
    let indexer = indexer(context, &store)?.with_turns(turns);
    let app = AppState::new(store, api_config(context)?, Some(indexer.subscribe())).with_node(config.node());
    let listener = listen(config).await?;
    tracing::info!(address = %listener.local_addr()?, "overview at /, documentation at /docs");
    let mut registry = registry(config);
    registry.register_collector(Box::new(indexer.metrics(Clock::system())));
    app.register(&mut registry);
    let publisher = publisher(config, &mut registry)?;
    let told = tokio::spawn(progress::tell(indexer.subscribe()).in_current_span());
    // Either one ending ends the other: half a service would look like a whole one.
    let serving = async {
        let answering = answer(config, listener, app, publisher, cancel.clone());
        let (served, told) = tokio::join!(answering, metrics(config, registry, cancel.clone()));
        served.and(told)
    };
    let following = async {
        let followed = indexer.run(cancel.clone()).await;
        cancel.cancel();
        followed.context("the indexer stopped")
    };
    let (served, followed) = tokio::join!(serving, following);
    told.abort();
    served.and(followed)
}

async fn index_chain(context: &Context, turns: &Turns, cancel: CancellationToken, again: bool) -> Result<()> {
    let store = open(&context.config).await?;
    if again {
        store.forget_chain().await?;
    }
    let indexer = indexer(context, &store)?.with_turns(turns);
    let told = tokio::spawn(progress::tell(indexer.subscribe()).in_current_span());
    let mut registry = registry(&context.config);
    registry.register_collector(Box::new(indexer.metrics(Clock::system())));
    let following = async {
        let followed = indexer.run(cancel.clone()).await;
        cancel.cancel();
        followed.context("the indexer stopped")
    };
    let (followed, scraped) = tokio::join!(following, metrics(&context.config, registry, cancel.clone()));
    told.abort();
    followed.and(scraped)
}

async fn serve_ledger(context: &Context, cancel: CancellationToken) -> Result<()> {
    let store = open(&context.config).await?;
    let config = &context.config;
    let app = AppState::new(store, api_config(context)?, None).with_node(config.node());
    let listener = listen(config).await?;
    let mut registry = registry(config);
    app.register(&mut registry);
    let publisher = publisher(config, &mut registry)?;
    let answering = answer(config, listener, app, publisher, cancel.clone());
    let (served, told) = tokio::join!(answering, metrics(config, registry, cancel.clone()));
    served.and(told)
}

/// What this process is asked to tell of itself; of which chain, with every figure.
fn registry(config: &Config) -> Registry {
    let chain = ("chain".into(), config.chain_id.to_string().into());
    Registry::with_prefix_and_labels("bursar", [chain].into_iter())
}

/// Serves metrics where that is asked for, until `cancel`; a failure cancels everything.
async fn metrics(config: &Config, registry: Registry, cancel: CancellationToken) -> Result<()> {
    let Some(at) = config.metrics_listen else { return Ok(()) };
    let serving = async {
        let listener = TcpListener::bind(at).await.with_context(|| format!("listening on {at}"))?;
        bursar_api::serve_metrics(listener, registry, cancel.clone()).await.context("metrics stopped")
    };
    let served = serving.await;
    cancel.cancel();
    served
}

/// How events are published, and what tells of it; `None`: they are not.
fn publisher(config: &Config, registry: &mut Registry) -> Result<Option<(nats::Config, nats::Metrics)>> {
    let Some(publishing) = configured(config)? else { return Ok(None) };
    let metrics = nats::Metrics::default();
    metrics.register(registry);
    Ok(Some((publishing, metrics)))
}

/// Serves the API, delivers webhooks, and publishes where that is asked for; one of the first two ending ends all.
async fn answer(
    config: &Config,
    listener: TcpListener,
    app: AppState,
    publisher: Option<(nats::Config, nats::Metrics)>,
    cancel: CancellationToken,
) -> Result<()> {
    let publishing = async {
        if let Some((config, metrics)) = publisher {
            nats::run(app.clone(), config, metrics, Entropy::system(), cancel.clone()).await;
        }
    };
    let delivering = async {
        let run = webhook::run(app.clone(), webhooks(config), Entropy::system(), cancel.clone()).await;
        cancel.cancel();
        run.context("webhooks stopped")
    };
    let serving = async {
        let served = bursar_api::serve(listener, app.clone(), cancel.clone()).await;
        cancel.cancel();
        served.context("the API stopped")
    };
    let (delivered, served, ()) = tokio::join!(delivering, serving, publishing);
    served.and(delivered)
}

/// How webhooks are delivered.
pub(crate) fn webhooks(config: &Config) -> webhook::Config {
    let days = |days: u32| Duration::from_secs(u64::from(days) * 86_400);
    webhook::Config {
        give_up: days(config.webhook_days),
        keep: (config.event_days != 0).then(|| days(config.event_days)),
        ..Default::default()
    }
}

/// The ledger's store, with its schema brought up to date.
pub(crate) async fn open(config: &Config) -> Result<Store> {
    Store::connect(&config.store).await.with_context(|| format!("opening the ledger at {}", config.store))
}

fn indexer(context: &Context, store: &Store) -> Result<Indexer> {
    let config = &context.config;
    let mut following = bursar_indexer::Config::new(config.chain_id, config.factory()?, config.start_block);
    following.finality = config.finality_depth;
    following.final_at = config.final_at.map(|word| match word {
        FinalAt::Safe => Landmark::Safe,
        FinalAt::Finalized => Landmark::Finalized,
    });
    following.traces = context.traced;
    following.safety = config.safe_depth;
    following.partition_blocks = config.partition_blocks;
    following.lease = (config.lease_seconds != 0).then(|| Duration::from_secs(config.lease_seconds.into()));
    let way = |url| Arc::new(RpcSource::new(url, RpcConfig::default())) as Arc<dyn Source>;
    let nodes = config.nodes().into_iter().map(|ways| ways.into_iter().map(way).collect()).collect();
    let sources = Sources::new(nodes, Patience::default(), config.rpc_quorum).context("rpc_quorum")?;
    Ok(Indexer::new(following, sources, store.clone()))
}

fn api_config(context: &Context) -> Result<bursar_api::Config> {
    let config = &context.config;
    let name = match config.network {
        Network::Local => "local chain",
        Network::BaseSepolia => "Base Sepolia",
        Network::Base => "Base",
    };
    let mut api = bursar_api::Config::new(config.chain_id, name);
    api.access = config.access.mode;
    (api.key_rate, api.unknown_rate) = config.access.limits.rates()?;
    api.issuer = issuer(config)?;
    api.base_url = Some(config.api_url.clone());
    api.explorer = match config.network {
        Network::Local => None,
        Network::BaseSepolia => "https://sepolia.basescan.org/".parse().ok(),
        Network::Base => "https://basescan.org/".parse().ok(),
    };
    api.assets = config.asset.into_iter().map(usdc).collect();
    api.room =
        Room { per_agent: config.open_requests_per_agent, per_treasury: config.open_requests_per_treasury };
    api.log = context.log_keeper()?;
    Ok(api)
}

/// Whose tokens are taken, where somebody's are.
fn issuer(config: &Config) -> Result<Option<Arc<Issuer>>> {
    let Some(settings) = &config.access.oidc else { return Ok(None) };
    ensure!(
        config.access.mode == Mode::Keys,
        "expected access.mode = \"keys\" where tokens are taken ([access.oidc]), got \"{}\": it asks for none",
        config.access.mode
    );
    let secret = settings.sign_in.as_ref().and_then(|sign_in| sign_in.client_secret_file.as_deref());
    let secret = secret.map(read_secret).transpose()?.map(|secret| secret.trim().to_owned());
    ensure!(
        secret.as_deref() != Some(""),
        "expected a secret in the file that access.oidc.sign_in.client_secret_file names, got none"
    );
    Ok(Some(Arc::new(Issuer::new(settings.clone())?.with_pages(&config.api_url, secret)?)))
}

/// USDC, as every preset's asset is.
pub(crate) fn usdc(address: Address) -> AssetLabel {
    AssetLabel { address, symbol: "USDC".into(), decimals: 6 }
}

async fn listen(config: &Config) -> Result<TcpListener> {
    config.access.mode.check(config.listen)?;
    TcpListener::bind(config.listen).await.with_context(|| format!("listening on {}", config.listen))
}

/// A token that is cancelled with the interrupt key, or by whoever has the process terminate.
pub(crate) fn until_interrupted() -> CancellationToken {
    let cancel = CancellationToken::new();
    let interrupted = cancel.clone();
    tokio::spawn(async move {
        if interruption().await.is_ok() {
            interrupted.cancel();
        }
    });
    cancel
}

async fn interruption() -> std::io::Result<()> {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let mut terminate = signal(SignalKind::terminate())?;
        tokio::select! {
            interrupted = tokio::signal::ctrl_c() => interrupted,
            _ = terminate.recv() => Ok(()),
        }
    }
    #[cfg(not(unix))]
    tokio::signal::ctrl_c().await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_taken_where_keys_are_asked_for() -> Result<()> {
        let dir = tempfile::tempdir()?;
        let file = dir.path().join("bursar.toml");
        let read = |text: &str| -> Result<Option<Arc<Issuer>>> {
            std::fs::write(&file, text)?;
            issuer(&Config::load(Some(&file), None)?)
        };
        const OIDC: &str = "[access.oidc]\nissuer = \"https://login.example\"\naudience = \"bursar\"\n";
        const GRANT: &str = "[[access.oidc.grants]]\ngroup = \"audit\"\nrole = \"auditor\"\n";
        assert!(read(&format!("[access]\nmode = \"keys\"\n{OIDC}{GRANT}"))?.is_some());
        assert!(read("[access]\nmode = \"keys\"\n")?.is_none());
        for (bad, told) in [
            (format!("{OIDC}{GRANT}"), "expected access.mode = \"keys\""),
            (format!("[access]\nmode = \"keys\"\n{OIDC}"), "access.oidc.grants: expected a group"),
            (
                format!("[access]\nmode = \"keys\"\n{OIDC}{}", GRANT.replace("auditor", "owner")),
                "got \"owner\"",
            ),
        ] {
            let error = read(&bad).err().map(|error| format!("{error:#}"));
            assert!(error.as_deref().is_some_and(|error| error.contains(told)), "{bad}: {error:?}");
        }
        Ok(())
    }

    #[test]
    fn people_sign_in_with_a_secret_that_others_do_not_read_and_come_back_safely() -> Result<()> {
        const TOLD: &str = "[access]\nmode = \"keys\"\n[access.oidc]\nissuer = \"https://login.example\"\n\
            audience = \"bursar\"\n[[access.oidc.grants]]\ngroup = \"audit\"\nrole = \"auditor\"\n\
            [access.oidc.sign_in]\nclient_id = \"pages\"\nname = \"Acme\"\n";
        let dir = tempfile::tempdir()?;
        let (file, secret) = (dir.path().join("bursar.toml"), dir.path().join("secret"));
        let read = |before: &str, after: &str| -> Result<Option<Arc<Issuer>>> {
            std::fs::write(&file, format!("{before}{TOLD}{after}"))?;
            issuer(&Config::load(Some(&file), None)?)
        };
        let refused = |before: &str, after: &str| {
            read(before, after).err().map(|error| format!("{error:#}")).unwrap_or_default()
        };
        let named = format!("client_secret_file = {:?}\n", secret.display().to_string());
        assert!(read("", "")?.is_some(), "a public client");
        assert!(refused("", &named).contains("reading "));
        std::fs::write(&secret, " s3cret\n")?;
        private(&secret, false)?;
        assert!(!cfg!(unix) || refused("", &named).contains("chmod 600"));
        private(&secret, true)?;
        let with = read("", &named)?.context("an issuer")?;
        assert!(!format!("{with:?}").contains("s3cret"));
        assert!(!format!("{:?}", Config::load(Some(&file), None)?).contains("s3cret"));
        let elsewhere = refused("api_url = \"http://bursar.example/\"\n", &named);
        assert!(
            elsewhere.contains("api_url: people who sign in") && elsewhere.contains("https"),
            "{elsewhere}"
        );
        assert!(read("api_url = \"https://bursar.example/\"\n", &named)?.is_some());
        std::fs::write(&secret, "\n")?;
        assert!(refused("", &named).contains("expected a secret in the file"));
        assert!(refused("", "scope = \"groups\"\n").contains("sign_in.scope: expected openid"));
        assert!(refused("", "client_secret = \"s\"\n").contains("client_secret"), "no secret in the file");
        Ok(())
    }

    #[cfg(unix)]
    fn private(path: &std::path::Path, is: bool) -> Result<()> {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = if is { 0o600 } else { 0o644 };
        Ok(std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode))?)
    }

    #[cfg(not(unix))]
    fn private(_: &std::path::Path, _: bool) -> Result<()> {
        Ok(())
    }
}
