//! A local chain with the contracts on it and a treasury with its people: for tests and demonstrations.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use alloy::{
    network::EthereumWallet,
    node_bindings::{Anvil, AnvilInstance, NodeError},
    primitives::{Address, B256, Bytes, U256},
    providers::{DynProvider, Provider as _, ProviderBuilder, ext::AnvilApi as _},
    signers::local::PrivateKeySigner,
};

use crate::{
    abi::Eip3009,
    admin::{Sent, TreasuryAdmin, confirm},
    amount::Amount,
    authorize::SignedPayment,
    clock::Clock,
    deploy,
    error::AgentError,
    policy::{PolicyDocument, SCHEMA, WindowLimit},
    role::Role,
    windows::left_of,
};

/// One dollar of test USDC, in atomic units.
pub const DOLLAR: u64 = 1_000_000;

/// One day, in seconds.
pub const DAY: u32 = 86_400;

/// The payee list of [`LocalChain::policy`].
pub const PAYEE_LIST: u16 = 1;

/// Everybody who has a part in a treasury, each with a key of their own.
#[derive(Debug, Clone)]
pub struct People {
    /// Deploys, relays, settles: pays gas and has no power.
    pub gas: PrivateKeySigner,
    /// Holds the owner role.
    pub owner: PrivateKeySigner,
    /// Sets policies.
    pub policy_manager: PrivateKeySigner,
    /// Freezes.
    pub guardian: PrivateKeySigner,
    /// Approves large payments.
    pub approver: PrivateKeySigner,
    /// Sets reviews.
    pub reviewer: PrivateKeySigner,
}

/// An anvil with factory, token and one treasury; ends when dropped.
#[derive(Debug)]
pub struct LocalChain {
    /// The node, with everybody's key in its wallet.
    pub provider: DynProvider,
    /// Where it listens.
    pub url: String,
    /// EIP-155 chain id.
    pub chain_id: u64,
    /// The factory.
    pub factory: Address,
    /// The token.
    pub usdc: Address,
    /// The treasury.
    pub treasury: Address,
    /// Its people.
    pub people: People,
    _anvil: AnvilInstance,
}

impl LocalChain {
    /// Starts anvil on a free port of 127.0.0.1 and deploys everything. Sessions end with the UTC day at the latest:
    /// where little of it is left, this waits for the next one.
    ///
    /// # Errors
    /// When anvil cannot be found or started, or a deployment fails.
    pub async fn start() -> Result<Self, AgentError> {
        wait_for_enough_day().await;
        let anvil = spawn_anvil()?;
        let key = |n: usize| {
            let key = anvil.nth_key(n).cloned().ok_or_else(|| AgentError::Config {
                what: "anvil",
                expected: "ten funded keys".into(),
                got: format!("{}", anvil.keys().len()),
            })?;
            Ok::<_, AgentError>(PrivateKeySigner::from(key))
        };
        let people = People {
            gas: key(0)?,
            owner: key(1)?,
            policy_manager: key(2)?,
            guardian: key(3)?,
            approver: key(4)?,
            reviewer: key(5)?,
        };
        let mut wallet = EthereumWallet::from(people.gas.clone());
        for person in
            [&people.owner, &people.policy_manager, &people.guardian, &people.approver, &people.reviewer]
        {
            wallet.register_signer(person.clone());
        }
        let url = anvil.endpoint();
        let provider = ProviderBuilder::new().wallet(wallet).connect_http(anvil.endpoint_url()).erased();
        let factory = deploy::deploy_factory(&provider).await?;
        let usdc = deploy::deploy_test_usdc(&provider).await?;
        let treasury =
            deploy::create_treasury(&provider, factory, people.owner.address(), B256::ZERO).await?.value;
        let chain_id = anvil.chain_id();
        let chain = Self { provider, url, chain_id, factory, usdc, treasury, people, _anvil: anvil };
        chain.staff().await?;
        Ok(chain)
    }

    async fn staff(&self) -> Result<(), AgentError> {
        let (owner, people) = (self.owner(), &self.people);
        owner.grant_role(people.policy_manager.address(), Role::PolicyManager).await?;
        owner.grant_role(people.guardian.address(), Role::Guardian).await?;
        owner.grant_role(people.approver.address(), Role::Approver).await?;
        owner.grant_role(people.reviewer.address(), Role::Reviewer).await?;
        owner.set_separation_of_duties(true).await?;
        owner.add_asset(self.usdc).await?;
        Ok(())
    }

    /// The treasury in its owner's hands.
    pub fn owner(&self) -> TreasuryAdmin {
        self.admin(&self.people.owner)
    }

    /// The treasury in its policy manager's hands.
    pub fn policy_manager(&self) -> TreasuryAdmin {
        self.admin(&self.people.policy_manager)
    }

    /// The treasury in its guardian's hands.
    pub fn guardian(&self) -> TreasuryAdmin {
        self.admin(&self.people.guardian)
    }

    fn admin(&self, person: &PrivateKeySigner) -> TreasuryAdmin {
        TreasuryAdmin::new(self.treasury, self.provider.clone(), person.address())
    }

    /// Cap 20, approval above 10, session 50, day 100, week 300 dollars; listed payees only; 4 hours.
    pub fn policy(&self) -> PolicyDocument {
        let dollars = |dollars: u64| Amount::new(dollars * DOLLAR);
        PolicyDocument {
            schema: SCHEMA.to_owned(),
            name: "Research agent".to_owned(),
            purpose: "Market data for reports".to_owned(),
            chain_id: self.chain_id,
            asset: self.usdc,
            payment_cap: dollars(20),
            approval_threshold: dollars(10),
            session_limit: dollars(50),
            max_session_seconds: 4 * 3600,
            payee_list: PAYEE_LIST,
            lifetime_limit: Amount::ZERO,
            windows: vec![
                WindowLimit { period: DAY, limit: dollars(100) },
                WindowLimit { period: 7 * DAY, limit: dollars(300) },
            ],
            notes: Vec::new(),
        }
    }

    /// Creates an agent's envelope under `policy`, lists `payees` and tops it up; returns number and purse.
    ///
    /// # Errors
    /// When the treasury refuses.
    pub async fn envelope(
        &self,
        agent: Address,
        policy: &PolicyDocument,
        payees: &[Address],
        escrow: Amount,
    ) -> Result<(u32, Address), AgentError> {
        let manager = self.policy_manager();
        let created = manager.create_envelope(agent, self.usdc, policy).await?.value;
        if policy.payee_list != 0 && !payees.is_empty() {
            manager.list_payees(policy.payee_list, payees).await?;
        }
        let funder = self.people.gas.address();
        deploy::mint_test_usdc(&self.provider, self.usdc, funder, escrow).await?;
        self.admin(&self.people.gas).top_up(created.0, escrow).await?;
        Ok(created)
    }

    /// Settles as a facilitator does: the blob is "the signature" of a stock transfer.
    ///
    /// # Errors
    /// When the token refuses.
    pub async fn settle(&self, payment: &SignedPayment) -> Result<Sent<()>, AgentError> {
        let told = &payment.authorization;
        let token = Eip3009::new(self.usdc, self.provider.clone());
        let call = token.transferWithAuthorization(
            told.purse,
            told.payee,
            told.amount.to_u256(),
            U256::from(told.valid_after),
            U256::from(told.valid_before),
            told.nonce,
            Bytes::clone(&payment.blob),
        );
        confirm(call.from(self.people.gas.address())).await
    }

    /// Moves the chain's clock on and mines a block.
    ///
    /// # Errors
    /// When the node fails.
    pub async fn advance(&self, seconds: u64) -> Result<(), AgentError> {
        self.provider.anvil_increase_time(seconds).await?;
        self.provider.evm_mine(None).await?;
        Ok(())
    }

    /// What an account holds of the token.
    ///
    /// # Errors
    /// When the node fails.
    pub async fn balance(&self, account: Address) -> Result<Amount, AgentError> {
        let token = Eip3009::new(self.usdc, self.provider.clone());
        Ok(token.balanceOf(account).call().await?.try_into()?)
    }
}

/// An agent's signer from a number, for tests that want the same one each time.
///
/// # Errors
/// For zero.
pub fn signer(number: u64) -> Result<Arc<PrivateKeySigner>, AgentError> {
    let secret = B256::from(U256::from(number));
    Ok(Arc::new(PrivateKeySigner::from_bytes(&secret).map_err(alloy::signers::Error::other)?))
}

/// Longest that anything lasts which starts with a chain, in seconds.
const LONGEST_RUN: u64 = 300;

async fn wait_for_enough_day() {
    let left = left_of(DAY, Clock::system().now());
    if let Some(left) = left.filter(|left| *left < LONGEST_RUN) {
        tokio::time::sleep(Duration::from_secs(left + 1)).await;
    }
}

fn spawn_anvil() -> Result<AnvilInstance, AgentError> {
    let mut anvil = Anvil::new();
    if let Some(installed) = installed_anvil() {
        anvil = anvil.path(installed);
    }
    anvil.try_spawn().map_err(|error: NodeError| AgentError::Config {
        what: "anvil",
        expected: "on the PATH or in node_modules (npm ci)".into(),
        got: error.to_string(),
    })
}

/// What `npm ci` installed, in this directory or one above: nothing else needs to be on the machine.
fn installed_anvil() -> Option<PathBuf> {
    let platform = match (std::env::consts::OS, std::env::consts::ARCH) {
        ("linux", "x86_64") => "linux-amd64",
        ("linux", "aarch64") => "linux-arm64",
        ("macos", "x86_64") => "darwin-amd64",
        ("macos", "aarch64") => "darwin-arm64",
        _ => return None,
    };
    let relative = format!("node_modules/@foundry-rs/anvil-{platform}/bin/anvil");
    let here = std::env::current_dir().ok()?;
    here.ancestors().map(|above: &Path| above.join(&relative)).find(|path| path.is_file())
}
