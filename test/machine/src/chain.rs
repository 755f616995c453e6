//! A chain with the contracts on it, and the machine that runs them.

use alloy::{
    primitives::{Address, B256, Bytes, Log, U256, hex},
    sol_types::{SolCall, SolConstructor as _, SolEvent as _},
};
use anyhow::{Context as _, Result, bail};
use bursar_sdk::abi::{TestUSDC, TreasuryDesk, TreasuryFactory, TreasuryViews};
use revm::{
    Context, ExecuteCommitEvm as _, ExecuteEvm as _, MainBuilder as _, MainContext as _, MainnetEvm,
    bytecode::Bytecode,
    context::{
        TxEnv,
        result::{ExecutionResult, Output},
    },
    database::{CacheDB, EmptyDB},
    handler::MainnetContext,
    primitives::{TxKind, hardfork::SpecId},
    state::AccountInfo,
};

/// The chain that it is.
pub const CHAIN_ID: u64 = 31_337;

/// Deploys, and asks views.
const NOBODY: Address = Address::repeat_byte(0xee);

/// What there is on a chain; nothing by default.
pub type State = CacheDB<EmptyDB>;

type Evm = MainnetEvm<MainnetContext<State>>;

/// A chain: its state, and the machine that runs on it.
pub struct Chain {
    evm: Evm,
}

impl std::fmt::Debug for Chain {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Chain").finish_non_exhaustive()
    }
}

/// What a transaction came to: its logs, or the data it reverted with.
pub type Answer = Result<Vec<Log>, Bytes>;

impl Chain {
    /// One on which that is.
    pub fn new(state: State) -> Self {
        let evm = Context::mainnet()
            .with_db(state)
            .modify_cfg_chained(|cfg| {
                cfg.chain_id = CHAIN_ID;
                cfg.disable_nonce_check = true;
                // What the contracts are compiled for.
                cfg.set_spec_and_mainnet_gas_params(SpecId::CANCUN);
            })
            .build_mainnet();
        Self { evm }
    }

    /// What is on it in the end.
    pub fn state(self) -> State {
        self.evm.ctx.journaled_state.database
    }

    /// A copy of the state as it stands.
    pub fn fork(&self) -> State {
        self.evm.ctx.journaled_state.database.clone()
    }

    /// What a transaction would answer at `now`: its output, or the data it would revert with.
    ///
    /// # Errors
    /// When the machine halts.
    pub fn call(
        &mut self,
        now: u64,
        from: Address,
        to: Address,
        data: Bytes,
    ) -> Result<Result<Bytes, Bytes>> {
        self.evm.ctx.block.timestamp = U256::from(now);
        match self.evm.transact(transaction(from, TxKind::Call(to), data)?)?.result {
            ExecutionResult::Success { output, .. } => Ok(Ok(output.into_data())),
            ExecutionResult::Revert { output, .. } => Ok(Err(output)),
            halt => bail!("the machine halts: {halt:?}"),
        }
    }

    /// Sends a transaction at `now`.
    ///
    /// # Errors
    /// When the machine halts.
    pub fn send(&mut self, now: u64, from: Address, to: Address, data: Bytes) -> Result<Answer> {
        self.evm.ctx.block.timestamp = U256::from(now);
        match self.evm.transact_commit(transaction(from, TxKind::Call(to), data)?)? {
            ExecutionResult::Success { logs, .. } => Ok(Ok(logs)),
            ExecutionResult::Revert { output, .. } => Ok(Err(output)),
            halt => bail!("the machine halts: {halt:?}"),
        }
    }

    /// Asks a view at `now`.
    ///
    /// # Errors
    /// When it does not answer, or with something else.
    pub fn ask<C: SolCall>(&mut self, now: u64, to: Address, call: &C) -> Result<C::Return> {
        self.evm.ctx.block.timestamp = U256::from(now);
        let question = transaction(NOBODY, TxKind::Call(to), call.abi_encode().into())?;
        match self.evm.transact(question)?.result {
            ExecutionResult::Success { output, .. } => Ok(C::abi_decode_returns(output.data())?),
            other => bail!("{} answers {other:?}", C::SIGNATURE),
        }
    }

    /// A test token of its own.
    ///
    /// # Errors
    /// When it is not deployed.
    pub fn deploy_token(&mut self) -> Result<Address> {
        self.deploy(TestUSDC::BYTECODE.clone())
    }

    /// Gives somebody so much of a test token, in its atomic units.
    ///
    /// # Errors
    /// When the token does not.
    pub fn mint(&mut self, now: u64, token: Address, to: Address, amount: U256) -> Result<()> {
        let minted = self.send(now, NOBODY, token, TestUSDC::mintCall { to, amount }.abi_encode().into())?;
        minted.map(|_| ()).map_err(|data| anyhow::anyhow!("no mint: {data}"))
    }

    /// The treasury of `owner`, made by a factory of its own.
    ///
    /// # Errors
    /// When that cannot be deployed, or makes none.
    pub fn deploy_treasury(&mut self, now: u64, owner: Address) -> Result<Address> {
        let views = self.deploy(TreasuryViews::BYTECODE.clone())?;
        let desk = TreasuryDesk::constructorCall { views }.abi_encode();
        let desk = self.deploy([TreasuryDesk::BYTECODE.as_ref(), &desk].concat().into())?;
        let factory = TreasuryFactory::constructorCall { desk }.abi_encode();
        let factory = self.deploy([TreasuryFactory::BYTECODE.as_ref(), &factory].concat().into())?;
        let create = TreasuryFactory::createTreasuryCall { owner, salt: B256::ZERO };
        let logs = self.send(now, NOBODY, factory, create.abi_encode().into())?;
        let logs = logs.map_err(|data| anyhow::anyhow!("no treasury: {data}"))?;
        let created = logs.iter().find_map(|log| TreasuryFactory::TreasuryCreated::decode_log(log).ok());
        Ok(created.context("no TreasuryCreated")?.treasury)
    }

    /// A smart account that answers yes, or no, to whatever it is asked.
    pub fn put_wallet(&mut self, at: Address, says_yes: bool) {
        let code = if says_yes {
            hex!("631626ba7e60e01b5f5260205ff3")
        } else {
            hex!("63ffffffff60e01b5f5260205ff3")
        };
        self.put_code(at, &code);
    }

    /// What a treasury sees of Permit2: nonces as bits, and transfers out of allowances. With 68 bytes of call
    /// data it answers `nonceBitmap(owner, word)`; else it takes `owner | word | bits | token | call`, stores the
    /// bits, and makes the call to the token. That it asks the purse first is the history's business.
    pub fn put_permit2(&mut self, at: Address) {
        let code = hex!(
            "36604414603457" "60405f5f37" "604035" "60405f20" "55" "60803603" "8060805f37" "5f5f825f5f6060355af1"
            "15602c5700" "5b3d5f5f3e3d5ffd" "5b604060045f3760405f20545f5260205ff3"
        );
        self.put_code(at, &code);
    }

    fn put_code(&mut self, at: Address, code: &[u8]) {
        let code = Bytecode::new_raw(code.to_vec().into());
        let info = AccountInfo { code_hash: code.hash_slow(), code: Some(code), ..AccountInfo::default() };
        self.evm.ctx.journaled_state.database.insert_account_info(at, info);
    }

    fn deploy(&mut self, code: Bytes) -> Result<Address> {
        match self.evm.transact_commit(transaction(NOBODY, TxKind::Create, code)?)? {
            ExecutionResult::Success { output: Output::Create(_, Some(address)), .. } => Ok(address),
            other => bail!("the deployment comes to {other:?}"),
        }
    }
}

fn transaction(from: Address, to: TxKind, data: Bytes) -> Result<TxEnv> {
    let transaction = TxEnv::builder()
        .caller(from)
        .kind(to)
        .data(data)
        .gas_limit(100_000_000)
        .chain_id(Some(CHAIN_ID))
        .build();
    transaction.map_err(|error| anyhow::anyhow!("{error:?}"))
}
