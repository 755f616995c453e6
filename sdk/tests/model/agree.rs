//! What the chain and the model have to agree on beside their answers.

use alloy::primitives::{Address, B256, Bytes, U256, aliases::U24};
use anyhow::{Result, ensure};
use bursar_sdk::{
    abi::{Eip3009, Treasury},
    model::{Model, Verdict},
};
use bursar_test_machine::Chain;

use crate::{leaves, world::World};

/// What the model says has changed since `before`: the chain has to say the same.
pub(crate) fn on_changes(world: &mut World, before: &Model) -> Result<()> {
    let World { chain, model, now, .. } = world;
    let (chain, now) = (chain, *now);
    if model.organisation != before.organisation || model.assets != before.assets {
        on_organisation(chain, model, now)?;
    }
    for (number, envelope) in (1u32..).zip(&model.envelopes) {
        if before.envelope(number) != Some(envelope) {
            on_envelope(chain, model, now, number)?;
        }
    }
    for (number, group) in (1u32..).zip(&model.groups) {
        if before.group(number) != Some(group) {
            on_group(chain, model, now, number)?;
        }
    }
    for (purse, state) in &model.purses {
        if before.purses.get(purse) != Some(state) {
            on_session(chain, model, now, *purse)?;
        }
    }
    for (token, state) in &model.tokens {
        for (account, held) in &state.balances {
            if before.balance(*token, *account) != *held {
                on_balance(chain, now, *token, *account, *held)?;
            }
        }
    }
    Ok(())
}

fn on_organisation(chain: &mut Chain, model: &Model, now: u64) -> Result<()> {
    let told = chain.ask(now, model.address, &Treasury::organisationCall {})?;
    same("the organisation", &told, &model.organisation_view())?;
    for (index, asset) in model.assets.iter().enumerate() {
        let told = chain.ask(now, model.address, &Treasury::assetCall { index: U256::from(index) })?;
        let said = (asset.token, asset.escrowed.to_u256(), asset.domain_separator);
        same("an asset", &(told.token, told.escrowed, told.separator), &said)?;
    }
    Ok(())
}

fn on_envelope(chain: &mut Chain, model: &Model, now: u64, number: u32) -> Result<()> {
    let called = U24::from(number);
    let told = chain.ask(now, model.address, &Treasury::envelopeCall { number: called })?;
    same("an envelope", &Some(told), &model.envelope_view(number))?;
    let told = chain.ask(now, model.address, &Treasury::headroomCall { number: called })?;
    same("the limits of an envelope", &Some(told), &model.headroom(now, number))
}

fn on_group(chain: &mut Chain, model: &Model, now: u64, number: u32) -> Result<()> {
    let called = U24::from(number);
    let told = chain.ask(now, model.address, &Treasury::groupCall { number: called })?;
    same("a group", &Some(told), &model.group_view(number))?;
    let told = chain.ask(now, model.address, &Treasury::groupHeadroomCall { number: called })?;
    same("the limits of a group", &Some(told), &model.group_headroom(now, number))
}

fn on_session(chain: &mut Chain, model: &Model, now: u64, purse: Address) -> Result<()> {
    let told = chain.ask(now, model.address, &Treasury::sessionCall { purse })?;
    same("a session", &told, &model.session_view(purse))
}

fn on_balance(chain: &mut Chain, now: u64, token: Address, account: Address, held: U256) -> Result<()> {
    let told = chain.ask(now, token, &Eip3009::balanceOfCall { account })?;
    same("a balance", &told, &held)
}

/// What the treasury says of itself, and who holds what, whether it has changed or not.
pub(crate) fn on_state(world: &mut World) -> Result<()> {
    let World { chain, model, now, .. } = world;
    let (chain, now) = (chain, *now);
    on_organisation(chain, model, now)?;
    for number in (1..).take(model.envelopes.len()) {
        on_envelope(chain, model, now, number)?;
    }
    for purse in model.purses.keys() {
        on_session(chain, model, now, *purse)?;
    }
    for number in (1..).take(model.groups.len()) {
        on_group(chain, model, now, number)?;
    }
    for (token, state) in &model.tokens {
        for (account, held) in &state.balances {
            on_balance(chain, now, *token, *account, *held)?;
        }
    }
    Ok(())
}

/// The same, and what changes seldom: accounts, payee lists, announcements, policy hashes, used authorizations.
pub(crate) fn on_everything(world: &mut World) -> Result<()> {
    on_state(world)?;
    let World { chain, model, now, cast, announced, .. } = world;
    let (now, treasury) = (*now, model.address);
    for who in cast.addresses().chain(model.accounts.keys().copied()) {
        let told = chain.ask(now, treasury, &Treasury::accountCall { who })?;
        same("an account", &told, &model.account_view(who))?;
        for list in 0..3 {
            let told = chain.ask(now, treasury, &Treasury::isPayeeListedCall { list, payee: who })?;
            same("a payee", &told, &model.payees.contains(&(list, who)))?;
        }
    }
    for (call, _) in announced.iter() {
        let id = alloy::primitives::keccak256(call.data());
        let told = chain.ask(now, treasury, &Treasury::announcedForCall { id })?;
        same("an announcement", &told, &U256::from(model.announced_for(id).unwrap_or_default()))?;
    }
    for (number, envelope) in (1u32..).zip(&model.envelopes) {
        for (version, hash) in (1..).zip(&envelope.hashes) {
            let call = Treasury::policyHashCall { number: U24::from(number), version };
            same("a policy's hash", &chain.ask(now, treasury, &call)?, hash)?;
        }
    }
    for stamp in 0..4 {
        let stamp = B256::with_last_byte(stamp);
        let told = chain.ask(now, treasury, &Treasury::isStampRevokedCall { stampHash: stamp })?;
        same("a stamp", &told, &model.revoked_stamps.contains(&stamp))?;
    }
    for (token, state) in &model.tokens {
        for ((owner, spender), allowed) in &state.allowances {
            let call = Eip3009::allowanceCall { owner: *owner, spender: *spender };
            same("an allowance", &chain.ask(now, *token, &call)?, allowed)?;
        }
        for (authorizer, nonce) in state.used.iter().copied() {
            let call = Eip3009::authorizationStateCall { authorizer, nonce };
            same("an authorization", &chain.ask(now, *token, &call)?, &true)?;
        }
    }
    Ok(())
}

/// Why a payment's signature is refused: the token only says that it is.
pub(crate) fn on_payment(world: &mut World, purse: Address, digest: B256, blob: &Bytes) -> Result<()> {
    let World { chain, model, now, .. } = world;
    let call = Treasury::diagnosePaymentCall { purse, digest, signature: blob.clone() };
    let told = chain.ask(*now, model.address, &call)?;
    let said = verdict(model.judge_payment(*now, purse, digest, blob));
    same("a payment", &(told.reason, told.limit, told.actual), &said)?;
    leaves::of_payment(model, *now, purse, digest, blob).map(drop)
}

/// What the purse itself answers, as Permit2 asks it.
pub(crate) fn on_purse(world: &mut World, purse: Address, digest: B256, blob: &Bytes) -> Result<()> {
    let World { chain, model, now, .. } = world;
    if !model.purses.contains_key(&purse) {
        return Ok(());
    }
    let call = Treasury::isValidSignatureCall { digest, signature: blob.clone() };
    let told = chain.ask(*now, purse, &call)?;
    let said = model.judge_payment(*now, purse, digest, blob).is_ok();
    same("a purse", &(told == [0x16, 0x26, 0xba, 0x7e]), &said)
}

pub(crate) fn on_preview(world: &mut World, purse: Address, payee: Address, amount: U256) -> Result<()> {
    let World { chain, model, now, .. } = world;
    for approved in [false, true] {
        let call = Treasury::previewPaymentCall { purse, payee, amount, approved };
        let told = chain.ask(*now, model.address, &call)?;
        let said = verdict(model.preview_payment(*now, purse, payee, amount, approved));
        same("a payment to come", &(told.reason, told.limit, told.actual), &said)?;
    }
    Ok(())
}

pub(crate) fn on_opening(world: &mut World, request: &Treasury::SessionRequest) -> Result<()> {
    let World { chain, model, now, .. } = world;
    let call = Treasury::diagnoseSessionCall { request: request.clone() };
    let told = chain.ask(*now, model.address, &call)?;
    let said = verdict(model.diagnose_session(*now, request));
    same("an opening", &(told.reason, told.limit, told.actual), &said)
}

fn verdict(said: Result<(), Verdict>) -> (u8, U256, U256) {
    match said {
        Ok(()) => (0, U256::ZERO, U256::ZERO),
        Err(verdict) => (verdict.reason as u8, verdict.limit, verdict.actual),
    }
}

fn same<T: PartialEq + std::fmt::Debug>(what: &str, chain: &T, model: &T) -> Result<()> {
    ensure!(chain == model, "{what}: the chain says {chain:?}, the model {model:?}");
    Ok(())
}
