//! The chain and the model side by side: whatever is done to one is done to the other, and they must agree.

use std::sync::OnceLock;

use alloy::{
    primitives::{Address, U256},
    sol_types::Eip712Domain,
};
use anyhow::Result;
use bursar_sdk::{
    abi::{
        Eip3009::{self, Eip3009Calls},
        Treasury::{self, TreasuryEvents},
    },
    model::{Call, Model, Refused},
    payment::permit2::PERMIT2,
    role::Role,
};
use bursar_test_machine::{CHAIN_ID, Chain, State};

use crate::{
    acts::Act,
    agree, answers,
    cast::{Cast, NO_WALLET, Who, YES_WALLET},
    payments::Signed,
    policies::{Fresh, PolicyPick},
    steps::{EnvelopeAt, GroupAt, PurseOf, Sum},
    tally::Tally,
};

/// Wednesday 2026-01-07 12:00 UTC: in the middle of a day and of a week.
const START: u64 = 1_767_787_200;

/// What everybody who pays in holds of each token at first, in atomic units.
const HOLDINGS: u64 = 1_000_000;

/// After that many calls everything is compared, not only what the model says has changed.
const EVERY: u64 = 16;

/// The two of them, and what the history has in flight.
pub(crate) struct World {
    pub(crate) chain: Chain,
    pub(crate) model: Model,
    pub(crate) cast: Cast,
    pub(crate) tokens: Vec<Address>,
    pub(crate) now: u64,
    /// Signed payments, settled or not.
    pub(crate) payments: Vec<Signed>,
    pub(crate) openings: Vec<Treasury::openSessionCall>,
    pub(crate) announced: Vec<(Call, Who)>,
    /// How many policies were set, so that each has a hash of its own.
    pub(crate) policies: usize,
    /// How many steps were taken.
    pub(crate) taken: usize,
    /// What was done, for the report.
    pub(crate) story: Vec<String>,
    pub(crate) tally: Tally,
}

/// A world as every history finds it, made once.
struct Beginning {
    state: State,
    model: Model,
    cast: Cast,
    tokens: Vec<Address>,
}

impl World {
    /// Three envelopes of two tokens, with money in them, and everybody in their roles.
    pub(crate) fn new() -> Result<Self> {
        static BEGINNING: OnceLock<Beginning> = OnceLock::new();
        let beginning = match BEGINNING.get() {
            Some(beginning) => beginning,
            None => {
                let made = Self::beginning()?;
                BEGINNING.get_or_init(|| made)
            }
        };
        Ok(Self {
            chain: Chain::new(beginning.state.clone()),
            model: beginning.model.clone(),
            cast: beginning.cast.clone(),
            tokens: beginning.tokens.clone(),
            ..Self::empty()
        })
    }

    fn empty() -> Self {
        Self {
            chain: Chain::new(State::default()),
            model: Model::new(CHAIN_ID, Address::ZERO, Address::ZERO),
            cast: Cast::default(),
            tokens: Vec::new(),
            now: START,
            payments: Vec::new(),
            openings: Vec::new(),
            announced: Vec::new(),
            policies: 0,
            taken: 0,
            story: Vec::new(),
            tally: Tally::default(),
        }
    }

    fn beginning() -> Result<Beginning> {
        let cast = Cast::new();
        let owner = cast.address(Who::Owner, Address::ZERO);
        let mut chain = Chain::new(State::default());
        chain.put_wallet(YES_WALLET, true);
        chain.put_wallet(NO_WALLET, false);
        chain.put_permit2(PERMIT2);
        let treasury = chain.deploy_treasury(START, owner)?;
        let mut model = Model::new(CHAIN_ID, treasury, owner)
            .wallet(YES_WALLET, true)
            .wallet(NO_WALLET, false)
            .with_permit2();
        let tokens = [chain.deploy_token()?, chain.deploy_token()?, chain.deploy_token()?];
        let holders = [owner, cast.address(Who::Stranger, treasury)];
        for token in tokens {
            for holder in holders {
                chain.mint(START, token, holder, U256::from(HOLDINGS))?;
            }
            let holdings = holders.map(|holder| (holder, U256::from(HOLDINGS)));
            model = model.token(token, domain(token), holdings);
        }
        let mut world = Self { chain, model, cast, tokens: tokens.to_vec(), ..Self::empty() };
        world.set_up()?;
        let Self { chain, model, cast, tokens, .. } = world;
        Ok(Beginning { state: chain.state(), model, cast, tokens })
    }

    fn set_up(&mut self) -> Result<()> {
        for (who, role) in [
            (Who::Manager, Role::PolicyManager),
            (Who::Guardian, Role::Guardian),
            (Who::Reviewer, Role::Reviewer),
            (Who::Approver, Role::Approver),
            // An author of policies, an agent, a session key, and smart accounts that approve as well.
            (Who::Manager, Role::Approver),
            (Who::Agent(0), Role::Approver),
            (Who::Key(0), Role::Approver),
            (Who::YesWallet, Role::Approver),
            (Who::NoWallet, Role::Approver),
        ] {
            self.act(Who::Owner, &Act::Grant(who, role.bit()))?;
        }
        for token in 0..2 {
            self.act(Who::Owner, &Act::AddAsset(token))?;
            let amount = U256::MAX;
            let approve = Eip3009::approveCall { spender: self.model.address, amount };
            let approve = Call::Token(self.tokens[usize::from(token)], Eip3009Calls::approve(approve));
            for who in [Who::Owner, Who::Stranger] {
                self.call(who, approve.clone())?;
            }
        }
        let fresh = Fresh {
            cap: 40,
            below_cap: 15,
            session: 20,
            seconds: 7200,
            list: 0,
            windows: vec![(86_400, 140), (604_800, 200)],
            lifetime: Some(1600),
            fault: None,
        };
        for (agent, token) in [(0, 0), (1, 1), (2, 0)] {
            let policy = PolicyPick::Fresh(fresh.clone());
            self.act(Who::Manager, &Act::CreateEnvelope { agent: Who::Agent(agent), token, policy })?;
            let envelope = EnvelopeAt::Known(agent);
            self.act(Who::Stranger, &Act::TopUp(envelope, Sum::Units(250)))?;
            self.act(Who::Manager, &Act::CreatePurses(envelope, 1))?;
        }
        // A fleet of two envelopes, one of them in a team, and a group of the other token.
        let limits = |limit, lifetime| {
            let windows = vec![(86_400, 0), (604_800, limit)];
            Fresh { cap: limit, session: 60, windows, lifetime: Some(lifetime), ..fresh.clone() }
        };
        for (parent, token, limits) in [
            (GroupAt::Zero, 0, limits(100, 2000)),
            (GroupAt::Known(0), 0, limits(60, 1000)),
            (GroupAt::Zero, 1, limits(80, 1000)),
        ] {
            self.act(Who::Manager, &Act::CreateGroup { parent, token, limits })?;
        }
        for (envelope, group) in [(0, 1), (1, 2), (2, 0)] {
            let (envelope, group) = (EnvelopeAt::Known(envelope), GroupAt::Known(group));
            self.act(Who::Manager, &Act::SetGroup(envelope, group))?;
            self.act(Who::Manager, &Act::SetPermit2(envelope, true))?;
            self.act(Who::Stranger, &Act::LevelPermit2(PurseOf::At(envelope, Some(0))))?;
        }
        agree::on_everything(self)
    }

    /// Makes a call to both, and compares what they answer; where it changed something, what they hold too.
    pub(crate) fn call(&mut self, by: Who, call: Call) -> Result<Option<Vec<TreasuryEvents>>> {
        let from = self.cast.address(by, self.model.address);
        let to = match &call {
            Call::Treasury(_) => self.model.address,
            Call::Token(token, _) => *token,
        };
        let done = self.chain.send(self.now, from, to, call.data())?;
        let before = self.model.clone();
        let said = self.model.apply(self.now, from, &call);
        self.story.push(format!("{} {by:?} {call:?}\n      -> {said:?}", self.now));
        self.tally.calls += 1;
        answers::agree(self.model.address, &done, &said)?;
        self.compare(&before, &said)?;
        Ok(said.ok())
    }

    /// Compares what both hold after a call.
    pub(crate) fn compare<T>(&mut self, before: &Model, said: &Result<T, Refused>) -> Result<()> {
        if let Err(refused) = said {
            *self.tally.reasons.entry(answers::name(refused)).or_default() += 1;
        }
        agree::on_changes(self, before)?;
        if self.tally.calls.is_multiple_of(EVERY) {
            agree::on_state(self)?;
        }
        Ok(())
    }

    pub(crate) fn wait_until(&mut self, time: u64) {
        // Sessions end in 32 bits.
        self.now = time.clamp(self.now, u64::from(u32::MAX) - 1);
    }
}

/// The EIP-712 domain of the test tokens.
fn domain(token: Address) -> Eip712Domain {
    let (name, version) = (Some("USDC".into()), Some("2".into()));
    Eip712Domain::new(name, version, Some(U256::from(CHAIN_ID)), Some(token), None)
}
