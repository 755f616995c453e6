//! Money in and out of the escrow other than through sessions, and the way out for what came by mistake.

use alloy::primitives::{Address, U256, aliases::U96};

use super::{Answer, Envelope, Refused, Turn, number};
use crate::{
    abi::{ReceiveWithAuthorization, Treasury},
    amount::Amount,
    payment::top_up_nonce,
    role::Role,
};

/// An amount as the ledger keeps it.
pub(super) fn narrow(value: U256) -> Result<Amount, Refused> {
    Amount::try_from(value).map_err(|_| Treasury::Overflow { value, max: U96::MAX.to() }.into())
}

impl Turn {
    pub(super) fn top_up(&mut self, envelope: u32, amount: U256) -> Answer {
        let token = self.token_of(envelope)?;
        if amount.is_zero() {
            return Err(Treasury::AmountZero {}.into());
        }
        let (treasury, from) = (self.model.address, self.caller);
        self.model
            .transfer_from(token, treasury, from, treasury, amount)
            .map_err(|reason| Refused::TokenCall { token, reason })?;
        if from == treasury {
            return Err(Treasury::TransferMismatch { expected: amount, actual: U256::ZERO }.into());
        }
        self.add_escrow(envelope, amount)?;
        self.emit(Treasury::ToppedUp { envelope: number(envelope), from, amount });
        Ok(())
    }

    pub(super) fn top_up_with_authorization(
        &mut self,
        envelope: u32,
        authorization: &Treasury::TopUpAuthorization,
        signature: &[u8],
    ) -> Answer {
        let token = self.token_of(envelope)?;
        let (from, amount) = (authorization.from, authorization.amount);
        if amount.is_zero() {
            return Err(Treasury::AmountZero {}.into());
        }
        let message = ReceiveWithAuthorization {
            from,
            to: self.model.address,
            value: amount,
            validAfter: authorization.validAfter,
            validBefore: authorization.validBefore,
            nonce: top_up_nonce(envelope, authorization.salt),
        };
        self.receive(token, &message, signature)?;
        self.add_escrow(envelope, amount)?;
        self.emit(Treasury::ToppedUp { envelope: number(envelope), from, amount });
        Ok(())
    }

    pub(super) fn withdraw(&mut self, envelope: u32, to: Address, amount: U256) -> Answer {
        self.only(Role::Owner.bit())?;
        let token = self.token_of(envelope)?;
        if to.is_zero() {
            return Err(Treasury::AddressZero {}.into());
        }
        if amount.is_zero() {
            return Err(Treasury::AmountZero {}.into());
        }
        let escrow = self.existing(envelope)?.escrow.to_u256();
        if amount > escrow {
            return Err(Treasury::EscrowTooSmall { escrow, asked: amount }.into());
        }
        let record = self.existing_mut(envelope)?;
        record.escrow = narrow(escrow - amount)?;
        let asset = record.asset;
        if let Some(asset) = self.model.assets.get_mut(asset) {
            asset.escrowed = narrow(asset.escrowed.to_u256().saturating_sub(amount))?;
        }
        let by = self.caller;
        self.emit(Treasury::Withdrawn { envelope: number(envelope), to, amount, by });
        self.send(token, self.model.address, to, amount)
    }

    pub(super) fn recover(&mut self, token: Address, to: Address) -> Answer {
        self.only(Role::Owner.bit())?;
        if to.is_zero() {
            return Err(Treasury::AddressZero {}.into());
        }
        let counted = self.model.assets.iter().find(|asset| asset.token == token);
        let counted = counted.map(|asset| asset.escrowed.to_u256()).unwrap_or_default();
        let holder = self.model.address;
        let amount = self.model.balance(token, holder).saturating_sub(counted);
        self.recovered(token, holder, to, amount)
    }

    pub(super) fn recover_from_purse(
        &mut self,
        envelope: u32,
        index: u16,
        token: Address,
        to: Address,
    ) -> Answer {
        self.only(Role::Owner.bit())?;
        let purse = self.existing_purse(envelope, index)?;
        if to.is_zero() {
            return Err(Treasury::AddressZero {}.into());
        }
        if token == self.token_of(envelope)? {
            return Err(Treasury::AssetKnown { asset: token }.into());
        }
        self.recovered(token, purse, to, self.model.balance(token, purse))
    }

    pub(super) fn sweep_purse(&mut self, envelope: u32, index: u16) -> Answer {
        let purse = self.existing_purse(envelope, index)?;
        if self.model.session(purse).is_some() {
            return Err(Treasury::SessionOpen { purse }.into());
        }
        let token = self.token_of(envelope)?;
        let amount = self.model.balance(token, purse);
        if amount.is_zero() {
            return Err(Treasury::AmountZero {}.into());
        }
        self.add_escrow(envelope, amount)?;
        self.emit(Treasury::PurseSwept { envelope: number(envelope), purse, amount });
        self.send(token, purse, self.model.address, amount)
    }

    fn recovered(&mut self, token: Address, holder: Address, to: Address, amount: U256) -> Answer {
        if amount.is_zero() {
            return Err(Treasury::AmountZero {}.into());
        }
        self.emit(Treasury::Recovered { token, holder, to, amount });
        self.send(token, holder, to, amount)
    }

    fn add_escrow(&mut self, envelope: u32, amount: U256) -> Answer {
        let record = self.existing_mut(envelope)?;
        record.escrow = narrow(record.escrow.to_u256().saturating_add(amount))?;
        let asset = record.asset;
        if let Some(asset) = self.model.assets.get_mut(asset) {
            asset.escrowed = narrow(asset.escrowed.to_u256().saturating_add(amount))?;
        }
        Ok(())
    }

    fn send(&mut self, token: Address, from: Address, to: Address, amount: U256) -> Answer {
        self.model.transfer(token, from, to, amount).map_err(|reason| Refused::TokenCall { token, reason })
    }

    /* LOOKING THINGS UP */

    fn unknown(&self, envelope: u32) -> Refused {
        let count = U256::from(self.model.envelopes.len());
        Treasury::EnvelopeUnknown { envelope: U256::from(envelope), count }.into()
    }

    pub(super) fn existing(&self, envelope: u32) -> Result<&Envelope, Refused> {
        self.model.envelope(envelope).ok_or_else(|| self.unknown(envelope))
    }

    pub(super) fn existing_mut(&mut self, envelope: u32) -> Result<&mut Envelope, Refused> {
        let unknown = self.unknown(envelope);
        let index = (envelope as usize).checked_sub(1);
        index.and_then(|index| self.model.envelopes.get_mut(index)).ok_or(unknown)
    }

    pub(super) fn existing_purse(&self, envelope: u32, index: u16) -> Result<Address, Refused> {
        let last = self.existing(envelope)?.last_purse;
        if index > last {
            return Err(Treasury::PurseUnknown { index: U256::from(index), last: U256::from(last) }.into());
        }
        self.model.purse_of(envelope, index).ok_or_else(|| self.unknown(envelope))
    }

    /// The token that an envelope holds.
    pub(super) fn token_of(&self, envelope: u32) -> Result<Address, Refused> {
        let asset = self.existing(envelope)?.asset;
        self.model.assets.get(asset).map(|asset| asset.token).ok_or_else(|| self.unknown(envelope))
    }
}
