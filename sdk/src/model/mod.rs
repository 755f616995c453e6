//! The treasury's rules once more, as a pure function: what the contracts do with every call, without a chain.
//!
//! [`Model`] is a treasury with its purses and tokens as plain values. [`Model::apply`] answers a call as the
//! contracts would: with what it did, as the events they would emit, or with why not, as the error they would
//! revert with. Nothing here reads a clock, draws a number or asks a node, so the same history always ends the
//! same. `sdk/tests/model` drives it beside the contracts' bytecode over long random histories, and both
//! have to agree on every answer, view and balance.
//!
//! What it is for: asking "what if" before anything is signed or sent, and saying independently of Solidity what
//! the rules are.
//!
//! What it does not cover: gas, native currency, re-entrancy, tokens that take fees or lie, and what a token
//! does beside holding balances, allowances and EIP-3009 authorizations. A smart account is known by the one
//! answer it gives to every signature ([`Model::wallet`]).
//!
//! Amounts are in the asset's atomic units, times in unix seconds.
//!
//! ```
//! use alloy::primitives::Address;
//! use bursar_sdk::{
//!     abi::Treasury::{TreasuryCalls, freezeOrganisationCall},
//!     model::{Call, Model},
//! };
//!
//! let (treasury, owner, stranger) =
//!     (Address::repeat_byte(1), Address::repeat_byte(2), Address::repeat_byte(3));
//! let mut model = Model::new(8453, treasury, owner);
//! let freeze = Call::Treasury(TreasuryCalls::freezeOrganisation(freezeOrganisationCall {}));
//! assert!(model.apply(1_800_000_000, stranger, &freeze).is_err());
//! assert_eq!(model.apply(1_800_000_000, owner, &freeze)?.len(), 1);
//! assert!(model.organisation.frozen);
//! # Ok::<(), bursar_sdk::model::Refused>(())
//! ```

use alloy::{
    primitives::{Address, B256, Bytes, aliases::U24, keccak256},
    sol_types::SolInterface as _,
};

use crate::abi::{
    Eip3009::Eip3009Calls,
    Treasury::{self, TreasuryCalls, TreasuryEvents},
};

mod broken;
mod draw;
mod emitted;
mod envelopes;
mod escrow;
mod groups;
mod payment;
mod permit2;
mod policy;
mod refused;
pub mod roles;
mod scores;
mod session;
mod signature;
mod stamps;
mod state;
mod stops;
mod token;
mod treasury;
mod views;

pub use broken::{Broken, Stop};
pub use payment::{Carried, Judged, PaymentRule};
pub use permit2::{PaymentSettled, Permit2};
pub use refused::{Refused, TokenRefusal, Verdict};
pub use session::{Counted, OpeningRule};
pub use state::{Account, Announcement, Asset, Envelope, Group, Organisation, Purse, Session, Token};
pub use treasury::{Model, purse_address};

/// A call, as a transaction would carry it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Call {
    /// To the treasury.
    Treasury(TreasuryCalls),
    /// To a token: a payment (`transferWithAuthorization`), a transfer or an allowance.
    Token(Address, Eip3009Calls),
}

impl Call {
    /// The call data. Its keccak-256 is what a loosening is announced by.
    pub fn data(&self) -> Bytes {
        match self {
            Self::Treasury(call) => call.abi_encode().into(),
            Self::Token(_, call) => call.abi_encode().into(),
        }
    }
}

impl Model {
    /// Makes a call at `now` (unix seconds) in the name of `caller`.
    ///
    /// Returns what the treasury would emit, in order; a token's own events are not among them.
    ///
    /// # Errors
    /// Why the contracts would revert. Nothing has changed then.
    pub fn apply(&mut self, now: u64, caller: Address, call: &Call) -> Result<Vec<TreasuryEvents>, Refused> {
        let mut turn = Turn { model: self.clone(), now, caller, id: B256::ZERO, events: Vec::new() };
        match call {
            Call::Treasury(call) => {
                turn.id = keccak256(call.abi_encode());
                turn.treasury(call)?;
            }
            Call::Token(token, call) => turn.token(*token, call)?,
        }
        *self = turn.model;
        Ok(turn.events)
    }
}

/// One call under way: thrown away where it fails.
#[derive(Debug)]
struct Turn {
    model: Model,
    now: u64,
    caller: Address,
    /// keccak-256 of the call data.
    id: B256,
    events: Vec<TreasuryEvents>,
}

/// What a call comes to.
type Answer = Result<(), Refused>;

impl Turn {
    /// Every verb by name, so that one the model does not know does not compile.
    fn treasury(&mut self, call: &TreasuryCalls) -> Answer {
        use TreasuryCalls as C;
        match call {
            C::openSession(call) => self.open_session(&call.request, &call.signature),
            C::closeSession(call) => self.close_session(call.purse, &call.signature),

            C::multicall(call) => self.multicall(&call.data),

            C::topUp(call) => self.top_up(call.envelope.to(), call.amount),
            C::topUpWithAuthorization(call) => {
                self.top_up_with_authorization(call.envelope.to(), &call.authorization, &call.signature)
            }
            C::withdraw(call) => self.withdraw(call.envelope.to(), call.to, call.amount),
            C::recover(call) => self.recover(call.token, call.to),
            C::recoverFromPurse(call) => {
                self.recover_from_purse(call.envelope.to(), call.purseIndex, call.token, call.to)
            }
            C::sweepPurse(call) => self.sweep_purse(call.envelope.to(), call.purseIndex),

            C::addAsset(call) => self.add_asset(call.token),
            C::createEnvelope(call) => self.create_envelope(call.agent, call.asset, &call.policy),
            C::setPolicy(call) => self.set_policy(call.envelope.to(), &call.policy),
            C::setAgent(call) => self.set_agent(call.envelope.to(), call.agent),
            C::createPurses(call) => self.create_purses(call.envelope.to(), call.count),
            C::listPayee(call) => self.list_payee(call.list, call.payee),
            C::unlistPayee(call) => self.unlist_payee(call.list, call.payee),
            C::setPermit2(call) => self.set_permit2(call.envelope.to(), call.on),
            C::levelPermit2(call) => self.level_permit2(call.envelope.to(), call.purseIndex),

            C::createGroup(call) => {
                self.create_group(call.parent.to(), call.asset, &call.windows, call.lifetimeLimit)
            }
            C::setGroupLimits(call) => {
                self.set_group_limits(call.group.to(), &call.windows, call.lifetimeLimit)
            }
            C::setGroup(call) => self.set_group(call.envelope.to(), call.group.to()),

            C::freezeOrganisation(_) => self.freeze_organisation(),
            C::unfreezeOrganisation(_) => self.unfreeze_organisation(),
            C::freezeGroup(call) => self.freeze_group(call.group.to()),
            C::unfreezeGroup(call) => self.unfreeze_group(call.group.to()),
            C::freezeEnvelope(call) => self.freeze_envelope(call.envelope.to()),
            C::unfreezeEnvelope(call) => self.unfreeze_envelope(call.envelope.to()),
            C::freezeSession(call) => self.freeze_session(call.purse),
            C::setScoreLife(call) => self.set_score_life(call.envelope.to(), call.life),
            C::reportScore(call) => self.report_score(call.envelope.to(), call.score),
            C::setReview(call) => self.set_review(call.envelope.to(), call.reason),
            C::clearReview(call) => self.clear_review(call.envelope.to(), call.reason),

            C::grantRole(call) => self.grant_role(call.account, call.role),
            C::revokeRole(call) => self.revoke_role(call.account, call.role),
            C::setDelay(call) => self.set_delay(call.delay),
            C::setSeparationOfDuties(call) => self.set_separation_of_duties(call.on),
            C::announce(call) => self.announce(&call.call),
            C::cancelAnnouncement(call) => self.cancel_announcement(call.id),

            C::revokeStamp(call) => self.revoke_stamp(call.stampHash),
            C::setStampEpoch(call) => self.set_stamp_epoch(call.epoch),
            C::anchor(call) => self.anchor(call.root, call.size),

            C::account(_)
            | C::announcedFor(_)
            | C::asset(_)
            | C::closeSessionDigest(_)
            | C::deskCode(_)
            | C::diagnosePayment(_)
            | C::diagnoseSession(_)
            | C::eip712Domain(_)
            | C::envelope(_)
            | C::group(_)
            | C::groupHeadroom(_)
            | C::headroom(_)
            | C::isPayeeListed(_)
            | C::isStampRevoked(_)
            | C::isValidSignature(_)
            | C::openSessionDigest(_)
            | C::organisation(_)
            | C::policyHash(_)
            | C::previewPayment(_)
            | C::purseOf(_)
            | C::session(_)
            | C::topUpNonce(_)
            | C::viewsCode(_) => Err(Refused::View),
        }
    }

    /// Several calls by one caller: all of them, or none.
    fn multicall(&mut self, calls: &[Bytes]) -> Answer {
        for data in calls {
            let call = TreasuryCalls::abi_decode(data).map_err(|_| Refused::Unreadable)?;
            self.id = keccak256(data);
            self.treasury(&call)?;
        }
        Ok(())
    }

    fn emit(&mut self, event: impl Into<TreasuryEvents>) {
        self.events.push(event.into());
    }

    /// Refuses callers that hold none of the roles in the set.
    fn only(&self, any_of: u8) -> Answer {
        if self.model.account(self.caller).roles & any_of != 0 {
            return Ok(());
        }
        Err(Treasury::RoleMissing { caller: self.caller, anyOf: any_of }.into())
    }
}

/// Envelope and sequence numbers as the contract takes them; the model keeps none that does not fit.
fn number(number: u32) -> U24 {
    U24::saturating_from(number)
}
