//! Setting the stage: token, factory, treasury, people, and three agents with their envelopes.

use std::{path::Path, sync::Arc, time::Duration};

use alloy::{
    primitives::{Address, B256},
    signers::local::PrivateKeySigner,
};
use anyhow::{Context as _, Result};
use bursar_sdk::{
    Agent, Amount,
    approval::HttpApprovals,
    clock::Clock,
    delivery::HttpSink,
    deploy,
    policy::{PolicyDocument, SCHEMA, WindowLimit},
    role::Role,
    session::SessionTerms,
};
use url::Url;

use super::{
    cast::{Cast, hands, wallet},
    chain::{CHAIN_ID, LocalChain},
    story::Story,
};

/// The payee list that all envelopes of the demo pay to.
pub(crate) const LIST: u16 = 1;

/// The contracts on the local chain.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Contracts {
    pub(crate) asset: Address,
    pub(crate) factory: Address,
    pub(crate) treasury: Address,
}

/// Who is paid in the demo. The last one is on no list.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Payees {
    pub(crate) weather: Address,
    pub(crate) data: Address,
    pub(crate) research: Address,
    pub(crate) unlisted: Address,
}

/// The agents, with the envelopes numbered 1 to 3.
#[derive(Debug)]
pub(crate) struct Agents {
    /// Buys research. Runs as three replicas, each with a purse of its own; may ask a human for approval.
    pub(crate) atlas: Agent,
    pub(crate) atlas_replicas: Vec<Agent>,
    /// Buys data. Nobody to ask for approval.
    pub(crate) bolt: Agent,
    /// Will be frozen.
    pub(crate) comet: Agent,
}

/// An amount of test dollars.
pub(crate) fn dollars(cents: u64) -> Amount {
    Amount::new(cents * 10_000)
}

/// The agents' identity keys. They hold no gas: others submit what they sign.
#[derive(Debug)]
pub(crate) struct Identities {
    atlas: PrivateKeySigner,
    bolt: PrivateKeySigner,
    comet: PrivateKeySigner,
}

impl Identities {
    pub(crate) fn fresh() -> Self {
        let fresh = PrivateKeySigner::random;
        Self { atlas: fresh(), bolt: fresh(), comet: fresh() }
    }

    /// What people call them.
    pub(crate) fn names(&self) -> [(Address, &'static str); 3] {
        [(self.atlas.address(), "Atlas"), (self.bolt.address(), "Bolt"), (self.comet.address(), "Comet")]
    }
}

impl Payees {
    /// Fresh addresses, so that what they hold at the end is what was paid to them.
    pub(crate) fn fresh() -> Self {
        let fresh = || PrivateKeySigner::random().address();
        Self { weather: fresh(), data: fresh(), research: fresh(), unlisted: fresh() }
    }
}

pub(crate) async fn contracts(story: &mut Story, chain: &LocalChain, cast: &Cast) -> Result<Contracts> {
    let deployer = wallet(chain, &cast.relay);
    let asset = deploy::deploy_test_usdc(&deployer).await.context("deploying the token")?;
    story.tell(&format!("token     {asset}  USDC, version 2, 6 decimals, EIP-3009"));
    let factory = deploy::deploy_factory(&deployer).await.context("deploying the factory")?;
    story.tell(&format!("factory   {factory}"));
    let owner = cast.owner.address();
    let predicted = deploy::treasury_address(&deployer, factory, owner, B256::ZERO).await?;
    let treasury = deploy::create_treasury(&deployer, factory, owner, B256::ZERO).await?.value;
    story.check(
        treasury == predicted,
        &format!("treasury {treasury}, where the factory had said it would be"),
    );

    let admin = hands(chain, treasury, &cast.owner);
    for (person, role) in [
        (&cast.policy_manager, Role::PolicyManager),
        (&cast.guardian, Role::Guardian),
        (&cast.approver, Role::Approver),
        (&cast.reviewer, Role::Reviewer),
    ] {
        admin.grant_role(person.address(), role).await?;
    }
    admin.set_separation_of_duties(true).await?;
    admin.add_asset(asset).await?;
    story.tell("five people: owner, policy manager, guardian, approver, reviewer; nobody is two of them");
    Ok(Contracts { asset, factory, treasury })
}

/// One payment at most 3, above 1 a human approves, one session 4, a day 10, a week 30, in all 500.
pub(crate) fn policy(name: &str, asset: Address) -> PolicyDocument {
    PolicyDocument {
        schema: SCHEMA.into(),
        name: name.into(),
        purpose: "Pays for APIs that the task in hand needs.".into(),
        chain_id: CHAIN_ID,
        asset,
        payment_cap: dollars(300),
        approval_threshold: dollars(100),
        session_limit: dollars(400),
        max_session_seconds: 3_600,
        payee_list: LIST,
        lifetime_limit: dollars(50_000),
        windows: vec![
            WindowLimit { period: 86_400, limit: dollars(1_000) },
            WindowLimit { period: 604_800, limit: dollars(3_000) },
        ],
        notes: vec![],
    }
}

#[allow(clippy::too_many_arguments)] // One stage, set once: a struct would only rename these.
pub(crate) async fn agents(
    story: &mut Story,
    chain: &LocalChain,
    cast: &Cast,
    on: Contracts,
    payees: Payees,
    identities: &Identities,
    api: &Url,
    spool: &Path,
) -> Result<Agents> {
    let manager = hands(chain, on.treasury, &cast.policy_manager);
    manager.list_payees(LIST, &[payees.weather, payees.data, payees.research]).await?;
    story.tell("policy: one payment up to 3.00, a human approves above 1.00, one session 4.00, a day 10.00, a week 30.00");

    let gas = wallet(chain, &cast.relay);
    let funder = hands(chain, on.treasury, &cast.relay);
    let mut made = Vec::new();
    for (identity, name, purses, funds) in [
        (&identities.atlas, "Atlas", 3u16, 5_000),
        (&identities.bolt, "Bolt", 1, 2_000),
        (&identities.comet, "Comet", 1, 2_000),
    ] {
        let created = manager.create_envelope(identity.address(), on.asset, &policy(name, on.asset)).await?;
        let (envelope, _) = created.value;
        if purses > 1 {
            manager.create_purses(envelope, purses - 1).await?;
        }
        deploy::mint_test_usdc(&gas, on.asset, cast.relay.address(), dollars(funds)).await?;
        funder.top_up(envelope, dollars(funds)).await?;
        for purse in 0..purses {
            let http = reqwest::Client::new();
            let mut builder =
                Agent::builder(gas.clone(), on.treasury, envelope, Arc::new(identity.clone()), spool)
                    .purse_index(purse)
                    .sink(Arc::new(HttpSink::new(http.clone(), api.clone())));
            if name == "Atlas" {
                let every = Duration::from_millis(200);
                let approvals = HttpApprovals::new(http, api.clone(), Clock::system(), every);
                builder = builder.approvals(Arc::new(approvals)).patience(Duration::from_secs(60));
            }
            made.push(builder.connect().await.with_context(|| format!("connecting {name}"))?);
        }
        story.tell(&format!(
            "envelope {envelope}: {name}, {funds_text} in escrow, {purses} purse(s)",
            funds_text = funds / 100
        ));
    }
    let comet = made.pop().context("Comet")?;
    let bolt = made.pop().context("Bolt")?;
    let atlas = made.remove(0);
    for (agent, name, budget) in [(&atlas, "Atlas", 400), (&bolt, "Bolt", 400), (&comet, "Comet", 50)] {
        let opened = agent.open_session(&SessionTerms::new(dollars(budget))).await?;
        let balance = agent.balance().await?;
        story.check(
            balance == dollars(budget),
            &format!(
                "{name} opens session {} of purse {}, {balance} units drawn",
                opened.value.sequence,
                agent.purse()
            ),
        );
    }
    Ok(Agents { atlas, atlas_replicas: made, bolt, comet })
}
