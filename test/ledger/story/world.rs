//! A local chain with the real contracts, and the verbs that the stories speak in.

use std::path::PathBuf;

use alloy::{
    network::EthereumWallet,
    node_bindings::{Anvil, AnvilInstance},
    primitives::{Address, B256, Bytes, Signature, U256, aliases::U24, aliases::U96, hex, keccak256},
    providers::{DynProvider, Provider, ProviderBuilder, ext::AnvilApi},
    rpc::types::{TransactionReceipt, TransactionRequest},
    signers::{SignerSync, local::PrivateKeySigner},
    sol_types::{Eip712Domain, SolCall, SolStruct},
};
use anyhow::{Context, Result, ensure};
use bursar_indexer::source::{RpcConfig, RpcSource};
use bursar_sdk::{
    abi::{
        self, Eip3009,
        TestUSDC::{self, TestUSDCInstance},
        Treasury::{self, Policy, Scope, SessionRequest, TreasuryInstance, WindowLimit},
        TreasuryFactory,
    },
    amount::Amount,
    payment::{Approval, Authorization, PaymentBlob, Rail, commitment, session_id, terms, treasury_domain},
};

/// Wednesday 2026-01-07 12:00 UTC: inside a day and a week, near the end of neither.
pub const START: u64 = 1_767_787_200;
pub const DAY: u32 = 86_400;
pub const WEEK: u32 = 604_800;

/// Calls a target with each of several inputs: `target (32 bytes) | (length (32 bytes) | input)*`.
pub const BATCHER: &str = "60205b80361115602d578035808260200160003760006000826000600060\
                       00355af115602f57016020016002565b005b60006000fd";

pub fn units(dollars: u64) -> U256 {
    U256::from(dollars * 1_000_000)
}

pub fn narrow(amount: U256) -> U96 {
    amount.to()
}

/// Where the test command has installed anvil.
fn anvil() -> Anvil {
    let base = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../node_modules/@foundry-rs");
    let arch = match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    };
    let os = match std::env::consts::OS {
        "macos" => "darwin",
        other => other,
    };
    let installed = base.join(format!("anvil-{os}-{arch}/bin/anvil"));
    if installed.exists() { Anvil::at(installed) } else { Anvil::new() }
}

pub struct World {
    pub anvil: AnvilInstance,
    pub provider: DynProvider,
    pub usdc: TestUSDCInstance<DynProvider>,
    pub factory: Address,
    pub treasury: TreasuryInstance<DynProvider>,
    pub owner: Address,
    pub manager: Address,
    pub guardian: Address,
    pub reviewer: Address,
    pub facilitator: Address,
    pub stranger: Address,
    pub approver: PrivateKeySigner,
    keys: u8,
}

/// An agent's envelope with one purse.
pub struct Agent {
    pub identity: PrivateKeySigner,
    pub number: u32,
    pub purse: Address,
    pub session_key: PrivateKeySigner,
    pub sequence: u32,
    pub policy_version: u16,
    /// How often what stands above the envelope was released.
    pub epoch: u64,
}

/// A payment that is signed but not settled.
pub struct Signed {
    pub call: Bytes,
}

impl World {
    pub async fn new() -> Result<Self> {
        let anvil = anvil().args(["--timestamp", &START.to_string()]).try_spawn()?;
        let wallet: EthereumWallet = anvil.wallet().context("anvil's accounts")?;
        // Nonces are asked for each time: after a revert, remembered ones are too high.
        let provider = ProviderBuilder::default()
            .with_gas_estimation()
            .with_simple_nonce_management()
            .fetch_chain_id()
            .wallet(wallet)
            .connect_http(anvil.endpoint_url())
            .erased();
        provider.client().set_poll_interval(std::time::Duration::from_millis(20));
        provider.anvil_set_block_timestamp_interval(5).await?;
        let who = |index: usize| anvil.addresses().get(index).copied().context("an account of anvil");
        let (owner, manager, guardian) = (who(0)?, who(1)?, who(2)?);
        let (reviewer, facilitator, stranger) = (who(3)?, who(4)?, who(5)?);
        let usdc = TestUSDC::deploy(provider.clone()).await?;
        let factory = bursar_sdk::deploy::deploy_factory(&provider).await?;
        let factory = TreasuryFactory::new(factory, provider.clone());
        let address = factory.treasuryAddress(owner, B256::ZERO).call().await?;
        let factory_address = *factory.address();
        done(factory.createTreasury(owner, B256::ZERO).send().await?.get_receipt().await?)?;
        let treasury = Treasury::new(address, provider.clone());
        let approver = PrivateKeySigner::from_bytes(&keccak256("approver"))?;
        let world = Self {
            anvil,
            provider,
            usdc,
            factory: factory_address,
            treasury,
            owner,
            manager,
            guardian,
            reviewer,
            facilitator,
            stranger,
            approver,
            keys: 0,
        };
        world.set_up().await?;
        Ok(world)
    }

    async fn set_up(&self) -> Result<()> {
        for (account, role) in
            [(self.manager, 2), (self.guardian, 4), (self.approver.address(), 8), (self.reviewer, 16)]
        {
            self.call(self.owner, Treasury::grantRoleCall { account, role }).await?;
        }
        self.call(self.owner, Treasury::setSeparationOfDutiesCall { on: true }).await?;
        self.call(self.owner, Treasury::addAssetCall { token: *self.usdc.address() }).await?;
        Ok(())
    }

    pub fn source(&self) -> RpcSource {
        RpcSource::new(self.anvil.endpoint_url(), RpcConfig::default())
    }

    pub async fn head(&self) -> Result<u64> {
        Ok(self.provider.get_block_number().await?)
    }

    /// Calls the treasury.
    pub async fn call(&self, from: Address, call: impl SolCall) -> Result<TransactionReceipt> {
        self.send(from, *self.treasury.address(), call.abi_encode().into()).await
    }

    pub async fn send(&self, from: Address, to: Address, input: Bytes) -> Result<TransactionReceipt> {
        let request = TransactionRequest::default().from(from).to(to).input(input.into());
        // Answers with the receipt. Waiting for it would hang after a revert: the provider's own poller never
        // sees a height again that it has seen.
        done(self.provider.send_transaction_sync(request).await?)
    }

    pub fn policy(windows: &[(u32, u64)], lifetime: u64) -> Policy {
        Policy {
            paymentCap: narrow(units(20)),
            approvalThreshold: narrow(units(10)),
            sessionLimit: narrow(units(50)),
            maxSessionSeconds: U24::from(4 * 3600),
            payeeList: 0,
            lifetimeLimit: narrow(units(lifetime)),
            policyHash: keccak256("policy document"),
            windows: windows
                .iter()
                .map(|(period, limit)| WindowLimit { period: *period, limit: narrow(units(*limit)) })
                .collect(),
        }
    }

    pub async fn agent(&mut self, policy: Policy, funds: u64) -> Result<Agent> {
        let identity = self.next_key()?;
        let asset = *self.usdc.address();
        let create = Treasury::createEnvelopeCall { agent: identity.address(), asset, policy };
        let made =
            self.treasury.createEnvelope(create.agent, asset, create.policy.clone()).from(self.manager);
        let answer = made.call().await?;
        self.call(self.manager, create).await?;
        let agent = Agent {
            session_key: identity.clone(),
            identity,
            number: answer.envelope.to(),
            purse: answer.purse,
            sequence: 0,
            policy_version: 1,
            epoch: 0,
        };
        self.top_up(agent.number, funds).await?;
        Ok(agent)
    }

    pub async fn top_up(&self, envelope: u32, dollars: u64) -> Result<()> {
        let (token, amount) = (*self.usdc.address(), units(dollars));
        let treasury = *self.treasury.address();
        let mint = TestUSDC::mintCall { to: self.stranger, amount };
        let approve = Eip3009::approveCall { spender: treasury, amount };
        self.send(self.stranger, token, mint.abi_encode().into()).await?;
        self.send(self.stranger, token, approve.abi_encode().into()).await?;
        self.call(self.stranger, Treasury::topUpCall { envelope: U24::from(envelope), amount }).await?;
        Ok(())
    }

    pub async fn donate(&self, to: Address, dollars: u64) -> Result<()> {
        let mint = TestUSDC::mintCall { to, amount: units(dollars) };
        self.send(self.stranger, *self.usdc.address(), mint.abi_encode().into()).await?;
        Ok(())
    }

    pub async fn open(&mut self, agent: &mut Agent, dollars: u64) -> Result<TransactionReceipt> {
        self.open_scoped(agent, dollars, 0).await
    }

    pub async fn open_scoped(
        &mut self,
        agent: &mut Agent,
        dollars: u64,
        threshold: u64,
    ) -> Result<TransactionReceipt> {
        let key = self.next_key()?;
        let now = self.now().await?;
        let narrowed = narrow(units(threshold));
        let none = U96::ZERO;
        let request = SessionRequest {
            envelope: U24::from(agent.number),
            purseIndex: 0,
            sequence: U24::from(agent.sequence + 1),
            key: key.address(),
            budget: narrow(units(dollars)),
            expiry: u32::try_from(now + 900)?,
            scope: Scope { paymentCap: none, approvalThreshold: narrowed, payeeList: 0 },
            stampHash: B256::ZERO,
        };
        let signed = abi::OpenSession {
            envelope: request.envelope,
            purseIndex: 0,
            sequence: request.sequence,
            key: request.key,
            budget: request.budget,
            expiry: request.expiry,
            scope: abi::Scope { paymentCap: none, approvalThreshold: narrowed, payeeList: 0 },
            stampHash: B256::ZERO,
        };
        let signature = sign(&agent.identity, signed.eip712_signing_hash(&self.domain()))?;
        let call = Treasury::openSessionCall { request, signature: signature.as_bytes().to_vec().into() };
        let receipt = self.call(self.facilitator, call).await?;
        agent.session_key = key;
        agent.sequence += 1;
        Ok(receipt)
    }

    pub async fn close(&self, agent: &Agent) -> Result<()> {
        let call = Treasury::closeSessionCall { purse: agent.purse, signature: Bytes::new() };
        self.call(self.manager, call).await?;
        Ok(())
    }

    pub async fn sign_payment(
        &self,
        agent: &Agent,
        payee: Address,
        amount: U256,
        why: &str,
        approve: bool,
    ) -> Result<Signed> {
        let decision = keccak256(why);
        let nonce = commitment(
            terms(agent.epoch, agent.policy_version),
            session_id(agent.purse, agent.sequence),
            decision,
        );
        let valid_before = self.now().await? + 600;
        let authorization = Authorization {
            purse: agent.purse,
            payee,
            amount: Amount::try_from(amount)?,
            valid_after: 0,
            valid_before,
            nonce,
        };
        let digest = authorization.digest(Rail::Eip3009, &self.token_domain());
        let approval = authorization.approval(decision, digest).eip712_signing_hash(&self.domain());
        let approval = if approve { Some(Approval::Eoa(sign(&self.approver, approval)?)) } else { None };
        let blob = PaymentBlob {
            rail: Rail::Eip3009,
            payee,
            amount: authorization.amount,
            valid_after: 0,
            valid_before,
            decision_hash: decision,
            signature: sign(&agent.session_key, digest)?,
            approval,
        };
        let call = Eip3009::transferWithAuthorizationCall {
            from: agent.purse,
            to: payee,
            value: amount,
            validAfter: U256::ZERO,
            validBefore: U256::from(valid_before),
            nonce,
            signature: blob.encode()?,
        };
        Ok(Signed { call: call.abi_encode().into() })
    }

    /// An account that is no purse pays, under a nonce of its own.
    pub async fn pay_outside(&self, payer: &PrivateKeySigner, payee: Address, nonce: u8) -> Result<()> {
        let authorization = Authorization {
            purse: payer.address(),
            payee,
            amount: Amount::try_from(units(1))?,
            valid_after: 0,
            valid_before: self.now().await? + 600,
            nonce: B256::repeat_byte(nonce),
        };
        let call = Eip3009::transferWithAuthorizationCall {
            from: authorization.purse,
            to: payee,
            value: units(1),
            validAfter: U256::ZERO,
            validBefore: U256::from(authorization.valid_before),
            nonce: authorization.nonce,
            signature: sign(payer, authorization.digest(Rail::Eip3009, &self.token_domain()))?
                .as_bytes()
                .into(),
        };
        self.send(self.facilitator, *self.usdc.address(), call.abi_encode().into()).await?;
        Ok(())
    }

    fn token_domain(&self) -> Eip712Domain {
        let chain_id = Some(U256::from(self.anvil.chain_id()));
        Eip712Domain::new(Some("USDC".into()), Some("2".into()), chain_id, Some(*self.usdc.address()), None)
    }

    pub async fn pay(&self, agent: &Agent, payee: Address, dollars: u64, why: &str) -> Result<Signed> {
        let amount = units(dollars);
        let signed = self.sign_payment(agent, payee, amount, why, amount > units(10)).await?;
        self.send(self.facilitator, *self.usdc.address(), signed.call.clone()).await?;
        Ok(signed)
    }

    /// Settles several payments in one transaction, through a contract of the facilitator's.
    pub async fn settle_together(&self, payments: &[&Signed]) -> Result<TransactionReceipt> {
        let batcher = Address::repeat_byte(0xba);
        self.provider.anvil_set_code(batcher, hex::decode(BATCHER)?.into()).await?;
        let mut input = self.usdc.address().into_word().to_vec();
        for payment in payments {
            input.extend(U256::from(payment.call.len()).to_be_bytes::<32>());
            input.extend_from_slice(&payment.call);
        }
        self.send(self.facilitator, batcher, input.into()).await
    }

    pub async fn set_policy(&self, agent: &mut Agent, policy: Policy) -> Result<()> {
        let envelope = U24::from(agent.number);
        self.call(self.manager, Treasury::setPolicyCall { envelope, policy }).await?;
        agent.policy_version += 1;
        Ok(())
    }

    pub async fn mine(&self, blocks: u64) -> Result<()> {
        Ok(self.provider.anvil_mine(Some(blocks), None).await?)
    }

    pub async fn next_day(&self) -> Result<()> {
        let now = self.now().await?;
        self.provider.anvil_set_next_block_timestamp(now + u64::from(DAY)).await?;
        self.mine(1).await
    }

    pub async fn now(&self) -> Result<u64> {
        let latest = self.provider.get_block_by_number(Default::default()).await?;
        Ok(latest.context("a latest block")?.header.timestamp)
    }

    pub async fn snapshot(&self) -> Result<U256> {
        Ok(self.provider.anvil_snapshot().await?)
    }

    pub async fn revert(&self, snapshot: U256) -> Result<()> {
        ensure!(self.provider.anvil_revert(snapshot).await?, "anvil kept no snapshot {snapshot}");
        Ok(())
    }

    pub fn domain(&self) -> Eip712Domain {
        treasury_domain(self.anvil.chain_id(), *self.treasury.address())
    }

    fn next_key(&mut self) -> Result<PrivateKeySigner> {
        self.keys += 1;
        Ok(PrivateKeySigner::from_bytes(&keccak256([b"key".as_slice(), &[self.keys]].concat()))?)
    }
}

pub fn sign(signer: &PrivateKeySigner, hash: B256) -> Result<Signature> {
    Ok(signer.sign_hash_sync(&hash)?)
}

fn done(receipt: TransactionReceipt) -> Result<TransactionReceipt> {
    ensure!(receipt.status(), "transaction {} failed", receipt.transaction_hash);
    Ok(receipt)
}
