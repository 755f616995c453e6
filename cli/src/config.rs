//! Configuration: defaults, a network preset, a file, the environment, flags; each overrides the one before.

use std::{fmt, net::SocketAddr, path::PathBuf};

use alloy::{
    primitives::{Address, address},
    providers::{DynProvider, Provider as _, ProviderBuilder},
};
use anyhow::{Context as _, Result, bail, ensure};
use bursar_api::{
    access::{LimitSettings, Mode, oidc},
    nats,
};
use bursar_indexer::{StoreUrl, source::QuorumError, store::PARTITION_BLOCKS};
use clap::ValueEnum;
use figment::{
    Figment,
    providers::{Env, Format as _, Serialized, Toml},
    value::Dict,
};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use url::Url;

/// A chain that Bursar has defaults for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Network {
    /// A node on this machine (anvil, chain id 31337).
    Local,
    /// Base Sepolia, chain id 84532.
    BaseSepolia,
    /// Base, chain id 8453.
    Base,
}

/// What nodes call a block that is not taken back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum FinalAt {
    /// On a rollup: its data is on the chain below.
    Safe,
    /// By the rules of the chain.
    Finalized,
}

/// Who the API answers.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Access {
    /// Whether a credential is asked for.
    pub(crate) mode: Mode,
    /// How much is answered.
    pub(crate) limits: LimitSettings,
    /// Whose tokens are taken in place of keys.
    pub(crate) oidc: Option<oidc::Settings>,
}

/// Where traces go to.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Telemetry {
    /// The OTLP collector's address, as OTEL_EXPORTER_OTLP_ENDPOINT has it; without it, nowhere.
    pub(crate) otlp_endpoint: Option<Collector>,
}

/// The address of a collector. A password in it is not shown.
#[derive(Clone, Deserialize)]
#[serde(transparent)]
pub(crate) struct Collector(pub(crate) Url);

impl fmt::Display for Collector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut url = self.0.clone();
        // Fails only for addresses that cannot hold either.
        let _ = url.set_password(None);
        let _ = url.set_username("");
        url.set_query(None);
        write!(f, "{url}")
    }
}

impl fmt::Debug for Collector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Collector {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

/// Everything a command may need to know. See `bursar config --help` for the names.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    /// The network whose defaults apply.
    pub(crate) network: Network,
    /// EIP-155 chain id; a node of another chain is refused.
    pub(crate) chain_id: u64,
    /// The node's HTTP address.
    pub(crate) rpc_url: Url,
    /// The same node's WebSocket address: the indexer asks there first, and hears of new heads as they come.
    pub(crate) ws_url: Option<Url>,
    /// Other nodes of the same chain, asked where that one fails.
    pub(crate) fallback_rpc_urls: Vec<Url>,
    /// How many of all these nodes the indexer wants the same answer of. [`Self::rpc_url`] and [`Self::ws_url`] are one.
    pub(crate) rpc_quorum: usize,
    /// The treasury factory whose treasuries are followed.
    pub(crate) factory: Option<Address>,
    /// The token that new envelopes hold.
    pub(crate) asset: Option<Address>,
    /// The treasury that treasury and agent verbs act on.
    pub(crate) treasury: Option<Address>,
    /// The first block that can hold one of ours.
    pub(crate) start_block: u64,
    /// How many blocks deep a block is final.
    pub(crate) finality_depth: u64,
    /// The node's own word for what is final, in place of a depth.
    pub(crate) final_at: Option<FinalAt>,
    /// How many blocks deep a block is safe, where finality is by depth.
    pub(crate) safe_depth: Option<u64>,
    /// Seconds after which another indexer on the same store takes over from one that says nothing; 0: this is the only
    /// one.
    pub(crate) lease_seconds: u32,
    /// Where the ledger is kept.
    pub(crate) store: StoreUrl,
    /// How many blocks a partition of it is for that is made in PostgreSQL.
    pub(crate) partition_blocks: u64,
    /// Where the API listens.
    pub(crate) listen: SocketAddr,
    /// Who the API answers.
    pub(crate) access: Access,
    /// Where Prometheus finds `/metrics`; without it, nowhere. Not for the public: it tells of load and trouble.
    pub(crate) metrics_listen: Option<SocketAddr>,
    /// Where agents and `bursar ledger` find the API.
    pub(crate) api_url: Url,
    /// Most approval requests of one agent that may be open at a time.
    pub(crate) open_requests_per_agent: u32,
    /// Most approval requests of one treasury that may be open at a time.
    pub(crate) open_requests_per_treasury: u32,
    /// How many days events are kept; 0: for ever.
    pub(crate) event_days: u32,
    /// How many days a webhook's endpoint may fail before it is told nothing more.
    pub(crate) webhook_days: u32,
    /// Where events are published; without it, nowhere.
    pub(crate) nats: Option<nats::Settings>,
    /// The name that this keeper's transparency logs go by: best a host's.
    pub(crate) log_name: String,
    /// Where decision records are spooled and session keys kept, for agent verbs.
    pub(crate) state_dir: PathBuf,
    /// Where traces of this process go to.
    pub(crate) telemetry: Telemetry,
    /// Further chains that services follow in the same process, each with all of its own settings.
    #[serde(deserialize_with = "further")]
    pub(crate) chains: Vec<Config>,
}

/// Settings of further chains, each over the defaults of its network.
fn further<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Config>, D::Error> {
    let given = Vec::<Dict>::deserialize(deserializer)?;
    let chain = |given: Dict| -> Result<Config> {
        let given = Figment::from(Serialized::defaults(given));
        let network = given.extract_inner::<Network>("network").context("network")?;
        let config: Config =
            Figment::from(Serialized::defaults(Config::preset(network)?)).merge(given).extract()?;
        ensure!(config.chains.is_empty(), "expected no chains within a chain");
        Ok(config)
    };
    given
        .into_iter()
        .map(|given| chain(given).map_err(|error| de::Error::custom(format!("{error:#}"))))
        .collect()
}

impl Config {
    /// The defaults of a network.
    pub(crate) fn preset(network: Network) -> Result<Self> {
        let (chain_id, rpc_url, asset, finality_depth) = match network {
            Network::Local => (31_337, "http://127.0.0.1:8545/", None, 64),
            Network::BaseSepolia => (
                84_532,
                "https://sepolia.base.org/",
                Some(address!("036CbD53842c5426634e7929541eC2318f3dCF7e")),
                256,
            ),
            Network::Base => (
                8_453,
                "https://mainnet.base.org/",
                Some(address!("833589fCD6eDb6E08f4c7C32D4f71b54bdA02913")),
                256,
            ),
        };
        Ok(Self {
            network,
            chain_id,
            rpc_url: rpc_url.parse()?,
            ws_url: None,
            fallback_rpc_urls: Vec::new(),
            rpc_quorum: 1,
            factory: None,
            asset,
            treasury: None,
            start_block: 0,
            finality_depth,
            final_at: None,
            safe_depth: None,
            lease_seconds: 10,
            store: "bursar.sqlite".parse()?,
            partition_blocks: PARTITION_BLOCKS,
            listen: SocketAddr::from(([127, 0, 0, 1], 8402)),
            access: Access { mode: Mode::Open, limits: LimitSettings::default(), oidc: None },
            metrics_listen: None,
            api_url: "http://127.0.0.1:8402/".parse()?,
            open_requests_per_agent: 16,
            open_requests_per_treasury: 256,
            event_days: 0,
            webhook_days: 5,
            nats: None,
            log_name: "bursar".into(),
            state_dir: ".bursar".into(),
            telemetry: Telemetry::default(),
            chains: Vec::new(),
        })
    }

    /// Reads the configuration.
    ///
    /// `file` defaults to `bursar.toml` in the working directory, where there is one.
    pub(crate) fn load(file: Option<&PathBuf>, network: Option<Network>) -> Result<Self> {
        let path = file.cloned().unwrap_or_else(|| "bursar.toml".into());
        if file.is_some() && !path.exists() {
            bail!("expected a configuration file at {}, found none", path.display());
        }
        let of_access =
            Env::prefixed("BURSAR_ACCESS_").only(ACCESS).map(|name| format!("access.{name}").into());
        let of_telemetry =
            Env::prefixed("BURSAR_TELEMETRY_").only(TELEMETRY).map(|name| format!("telemetry.{name}").into());
        let of_nats = Env::prefixed("BURSAR_NATS_").only(NATS).map(|name| format!("nats.{name}").into());
        let given = Figment::new()
            .merge(Toml::file(&path))
            .merge(Env::prefixed("BURSAR_").only(FIELDS))
            .merge(of_access)
            .merge(of_telemetry)
            .merge(of_nats);
        let network = match network {
            Some(network) => network,
            None => given.extract_inner::<Network>("network").unwrap_or(Network::Local),
        };
        let config: Self = Figment::from(Serialized::defaults(Self::preset(network)?))
            .merge(given)
            .merge(Serialized::default("network", network))
            .extract()
            .with_context(|| format!("configuration ({} and BURSAR_* variables)", path.display()))?;
        for chain in config.each_chain() {
            chain.settles()?;
            chain.cuts()?;
            chain.agrees()?;
        }
        config.keep_apart()?;
        Ok(config)
    }

    /// Every chain, this one first, each by itself.
    pub(crate) fn each_chain(&self) -> Vec<Self> {
        let this = Self { chains: Vec::new(), ..self.clone() };
        std::iter::once(this).chain(self.chains.iter().cloned()).collect()
    }

    /// The settings of the chain with that id alone.
    pub(crate) fn of_chain(&self, chain_id: u64) -> Result<Self> {
        let all = self.each_chain();
        let known: Vec<String> = all.iter().map(|chain| chain.chain_id.to_string()).collect();
        let chain = all.into_iter().find(|chain| chain.chain_id == chain_id);
        chain.with_context(|| format!("expected a chain of {}, got {chain_id}", known.join(", ")))
    }

    /// Refuses partitions so small that there would be thousands, each of which every question to the store has to look at.
    fn cuts(&self) -> Result<()> {
        ensure!(
            self.partition_blocks >= FEWEST_BLOCKS,
            "expected partition_blocks of at least {FEWEST_BLOCKS}, got {} for {}",
            self.partition_blocks,
            self.chain_id
        );
        Ok(())
    }

    /// Refuses a depth of what is safe that could not count.
    fn settles(&self) -> Result<()> {
        let Some(safe) = self.safe_depth else { return Ok(()) };
        ensure!(
            self.final_at.is_none(),
            "expected no safe_depth beside final_at, where the node says what is safe, got {safe} for {}",
            self.chain_id
        );
        ensure!(
            safe <= self.finality_depth,
            "expected a safe_depth of at most finality_depth ({}), got {safe} for {}",
            self.finality_depth,
            self.chain_id
        );
        Ok(())
    }

    /// Refuses a quorum that there are not as many nodes for.
    fn agrees(&self) -> Result<()> {
        QuorumError::check(self.rpc_quorum, self.nodes().len())
            .with_context(|| format!("rpc_quorum for {}", self.chain_id))
    }

    /// The nodes that the indexer asks, each by all its addresses, the preferred first. What differs in scheme and path alone is
    /// the same node.
    pub(crate) fn nodes(&self) -> Vec<Vec<Url>> {
        let mut nodes = vec![self.ws_url.iter().chain([&self.rpc_url]).cloned().collect::<Vec<_>>()];
        for url in &self.fallback_rpc_urls {
            let is_there = |way: &Url| {
                (way.host(), way.port_or_known_default()) == (url.host(), url.port_or_known_default())
            };
            match nodes.iter_mut().find(|ways| ways.iter().any(is_there)) {
                Some(ways) => ways.push(url.clone()),
                None => nodes.push(vec![url.clone()]),
            }
        }
        nodes
    }

    /// Refuses chains that would come into each other's way.
    fn keep_apart(&self) -> Result<()> {
        let all = self.each_chain();
        for (place, one) in all.iter().enumerate() {
            for other in all.iter().skip(place + 1) {
                let (id, other_id) = (one.chain_id, other.chain_id);
                ensure!(id != other_id, "expected each chain once, got {id} twice");
                ensure!(
                    !one.store.is_same(&other.store),
                    "expected a store for each chain, got {} for {id} and {other_id}",
                    one.store
                );
                ensure!(
                    one.listen.port() == 0 || one.listen != other.listen,
                    "expected an address for each chain's API, got {} for {id} and {other_id}",
                    one.listen
                );
            }
        }
        Ok(())
    }

    /// The node, to read; whether it is of the configured chain is not asked here.
    pub(crate) fn node(&self) -> DynProvider {
        ProviderBuilder::new().connect_http(self.rpc_url.clone()).erased()
    }

    /// The treasury to act on.
    pub(crate) fn treasury(&self) -> Result<Address> {
        self.treasury
            .context("no treasury given: use --treasury, BURSAR_TREASURY or `treasury` in bursar.toml")
    }

    /// The factory to follow or deploy through.
    pub(crate) fn factory(&self) -> Result<Address> {
        self.factory.context("no factory given: use --factory, BURSAR_FACTORY or `factory` in bursar.toml")
    }

    /// The token of new envelopes.
    pub(crate) fn asset(&self) -> Result<Address> {
        self.asset.context("no asset given: use --asset, BURSAR_ASSET or `asset` in bursar.toml")
    }
}

/// The least that a partition is for.
const FEWEST_BLOCKS: u64 = 10_000;

/// The names that may come from the environment: `BURSAR_` and these, in capitals. Keys are not among them.
const FIELDS: &[&str] = &[
    "network",
    "chain_id",
    "rpc_url",
    "ws_url",
    "fallback_rpc_urls",
    "rpc_quorum",
    "factory",
    "asset",
    "treasury",
    "start_block",
    "finality_depth",
    "final_at",
    "safe_depth",
    "lease_seconds",
    "store",
    "partition_blocks",
    "listen",
    "access",
    "metrics_listen",
    "api_url",
    "open_requests_per_agent",
    "open_requests_per_treasury",
    "event_days",
    "webhook_days",
    "nats",
    "log_name",
    "state_dir",
    "telemetry",
];

/// The names below `access` that may: `BURSAR_ACCESS_` and these, in capitals. Tables are in the file alone.
const ACCESS: &[&str] = &["mode"];

/// The names below `telemetry` that may.
const TELEMETRY: &[&str] = &["otlp_endpoint"];

/// The names below `nats` that may: secrets are in files.
const NATS: &[&str] = &["url", "stream", "subject_prefix", "user", "password_file", "token_file"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_preset_is_sound_and_round_trips() -> Result<()> {
        for network in Network::value_variants() {
            let preset = Config::preset(*network)?;
            let value = serde_json::to_value(&preset)?;
            for field in FIELDS {
                assert!(value.get(field).is_some(), "{field} is no field of the configuration");
            }
            // Further chains come from the file alone.
            assert_eq!(value.as_object().map(serde_json::Map::len), Some(FIELDS.len() + 1));
            let access = value.get("access").and_then(serde_json::Value::as_object);
            assert!(access.is_some_and(|access| ACCESS.iter().all(|name| access.contains_key(*name))));
        }
        Ok(())
    }

    #[test]
    fn a_file_overrides_the_preset_and_unknown_names_are_refused() -> Result<()> {
        let dir = tempfile::tempdir()?;
        let file = dir.path().join("bursar.toml");
        std::fs::write(&file, "network = \"base\"\nfinality_depth = 7\n")?;
        let config = Config::load(Some(&file), None)?;
        assert_eq!((config.chain_id, config.finality_depth), (8_453, 7));
        std::fs::write(&file, "fallback_rpc_urls = [\"http://one/\", \"http://two/\"]\nrpc_quorum = 2\n")?;
        let config = Config::load(Some(&file), None)?;
        assert_eq!((config.fallback_rpc_urls.len(), config.rpc_quorum), (2, 2));
        std::fs::write(&file, "[access]\nmode = \"keys\"\n")?;
        assert_eq!(Config::load(Some(&file), None)?.access.mode, Mode::Keys);
        for bad in ["[access]\nmode = \"none\"\n", "[access]\nmod = \"keys\"\n", "access = \"keys\"\n"] {
            std::fs::write(&file, bad)?;
            assert!(Config::load(Some(&file), None).is_err(), "{bad}");
        }
        std::fs::write(
            &file,
            "[access.limits]\nper_minute = 60\n[access.oidc]\nissuer = \"https://login.example\"\naudience = \"bursar\"\n[[access.oidc.grants]]\ngroup = \"audit\"\nrole = \"auditor\"\n",
        )?;
        let access = Config::load(Some(&file), None)?.access;
        assert_eq!((access.limits.per_minute, access.limits.at_once), (60, 1_200));
        let oidc = access.oidc.context("an issuer")?;
        assert_eq!((oidc.groups_claim.as_str(), oidc.grants.len()), ("groups", 1));
        for bad in [
            "[access.limits]\nper_second = 1\n",
            "[access.oidc]\nissuer = \"https://login.example\"\n",
            "[access.oidc]\nissuer = \"https://login.example\"\naudience = \"bursar\"\nsecret = \"s\"\n",
        ] {
            std::fs::write(&file, bad)?;
            assert!(Config::load(Some(&file), None).is_err(), "{bad}");
        }
        std::fs::write(&file, "[telemetry]\notlp_endpoint = \"http://ada:hunter2@127.0.0.1:4318/?key=k\"\n")?;
        let telemetry = Config::load(Some(&file), None)?.telemetry;
        let shown = format!("{telemetry:?} {}", serde_json::to_string(&telemetry)?);
        assert_eq!(shown.matches("http://127.0.0.1:4318/").count(), 2, "{shown}");
        assert!(!shown.contains("hunter2") && !shown.contains("key"), "{shown}");
        for bad in
            ["[telemetry]\nendpoint = \"http://127.0.0.1/\"\n", "[telemetry]\notlp_endpoint = \"4318\"\n"]
        {
            std::fs::write(&file, bad)?;
            assert!(Config::load(Some(&file), None).is_err(), "{bad}");
        }
        std::fs::write(&file, "[nats]\nurl = \"tls://nats.example\"\nuser = \"ada\"\nmax_age_days = 7\n")?;
        let nats = Config::load(Some(&file), None)?.nats.context("a server")?;
        assert_eq!((nats.stream.as_str(), nats.max_age_days, nats.max_bytes), ("bursar", 7, 0));
        for bad in
            ["url = \"nats://ada:hunter2@a\"", "stream = \"a\"", "url = \"nats://a\"\npassword = \"p\""]
        {
            std::fs::write(&file, format!("[nats]\n{bad}\n"))?;
            let error = Config::load(Some(&file), None).err().map(|error| format!("{error:#}"));
            assert!(error.as_deref().is_some_and(|error| !error.contains("hunter2")), "{bad}: {error:?}");
        }
        std::fs::write(&file, "partition_blocks = 10000\n")?;
        assert_eq!(Config::load(Some(&file), None)?.partition_blocks, 10_000);
        std::fs::write(&file, "finality_dept = 7\n")?;
        assert!(Config::load(Some(&file), None).is_err());
        Ok(())
    }

    #[test]
    fn a_quorum_is_of_nodes_and_not_of_addresses() -> Result<()> {
        let dir = tempfile::tempdir()?;
        let file = dir.path().join("bursar.toml");
        let read = |text: &str| -> Result<Config> {
            std::fs::write(&file, text)?;
            Config::load(Some(&file), None)
        };
        const NODE: &str = "rpc_url = \"https://one/v3/key\"\nws_url = \"wss://one:8546/\"\nrpc_quorum = 2\n";
        let config = read(&format!("{NODE}fallback_rpc_urls = [\"https://two/\", \"wss://two/ws\"]\n"))?;
        let nodes = config.nodes();
        let nodes: Vec<Vec<&str>> = nodes.iter().map(|ways| ways.iter().map(Url::scheme).collect()).collect();
        assert_eq!(nodes, [["wss", "https"], ["https", "wss"]]);
        for (fallback, nodes) in [("", 1), ("\"wss://one/ws/v3/key\"", 1), ("\"http://one:8546/\"", 1)] {
            let error =
                read(&format!("{NODE}fallback_rpc_urls = [{fallback}]\n")).err().context("refused")?;
            let typed = error.downcast_ref::<QuorumError>();
            assert_eq!(typed, Some(&QuorumError { nodes, got: 2 }), "{fallback}: {error:#}");
        }
        let error = read("rpc_quorum = 0\n").err().map(|error| format!("{error:#}"));
        assert!(
            error.as_deref().is_some_and(|error| error.contains("rpc_quorum") && error.contains("got 0"))
        );
        Ok(())
    }

    #[test]
    fn further_chains_have_their_own_settings_and_keep_apart() -> Result<()> {
        let dir = tempfile::tempdir()?;
        let file = dir.path().join("bursar.toml");
        let read = |text: &str| -> Result<Config> {
            std::fs::write(&file, text)?;
            Config::load(Some(&file), None)
        };
        const FIRST: &str = "network = \"base\"\nstore = \"base.sqlite\"\nfinality_depth = 9\n";
        const OTHER: &str =
            "[[chains]]\nnetwork = \"base-sepolia\"\nlisten = \"127.0.0.1:8403\"\nfinal_at = \"safe\"\n";
        let config = read(&format!("{FIRST}{OTHER}"))?;
        let all = config.each_chain();
        let told: Vec<_> = all
            .iter()
            .map(|one| (one.chain_id, one.finality_depth, one.final_at, one.chains.len()))
            .collect();
        assert_eq!(told, [(8_453, 9, None, 0), (84_532, 256, Some(FinalAt::Safe), 0)]);
        assert_eq!(config.of_chain(84_532)?.listen.port(), 8403);
        assert_eq!(config.of_chain(8_453)?.listen.port(), 8402);
        let error = config.of_chain(1).map_err(|error| error.to_string());
        assert_eq!(error.err().as_deref(), Some("expected a chain of 8453, 84532, got 1"));
        for (bad, why) in [
            ("[[chains]]\nnetwork = \"base\"\nlisten = \"127.0.0.1:1\"\n", "got 8453 twice"),
            ("[[chains]]\nnetwork = \"base-sepolia\"\n", "127.0.0.1:8402 for 8453 and 84532"),
            (
                "[[chains]]\nnetwork = \"base-sepolia\"\nlisten = \"127.0.0.1:1\"\nstore = \"sqlite:base.sqlite\"\n",
                "sqlite:base.sqlite",
            ),
            ("[[chains]]\nchain_id = 5\n", "network"),
            ("[[chains]]\nnetwork = \"base-sepolia\"\nfinality = 5\n", "finality"),
            (
                "[[chains]]\nnetwork = \"base-sepolia\"\nsafe_depth = 257\n",
                "at most finality_depth (256), got 257",
            ),
            (
                "[[chains]]\nnetwork = \"base-sepolia\"\npartition_blocks = 9999\n",
                "at least 10000, got 9999 for 84532",
            ),
            (
                "[[chains]]\nnetwork = \"base-sepolia\"\nsafe_depth = 9\nfinal_at = \"safe\"\n",
                "beside final_at",
            ),
            (
                "[[chains]]\nnetwork = \"base-sepolia\"\n[[chains.chains]]\nnetwork = \"local\"\n",
                "within a chain",
            ),
        ] {
            let error = read(&format!("{FIRST}{bad}")).err().map(|error| format!("{error:#}"));
            assert!(error.as_deref().is_some_and(|error| error.contains(why)), "{bad}: {error:?}");
        }
        Ok(())
    }
}
