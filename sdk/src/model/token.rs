//! What the tokens do: the part of EIP-20 and EIP-3009 that moves money here.

use alloy::{
    primitives::{Address, B256, U256},
    sol_types::SolStruct,
};

use super::{Answer, Model, Refused, TokenRefusal, Turn, signature};
use crate::abi::{
    Eip3009::{Eip3009Calls, transferWithAuthorizationCall},
    ReceiveWithAuthorization, TransferWithAuthorization,
};

impl Turn {
    pub(super) fn token(&mut self, token: Address, call: &Eip3009Calls) -> Answer {
        use Eip3009Calls as C;
        let caller = self.caller;
        match call {
            C::transferWithAuthorization(call) => self.pay(token, call),
            C::transfer(call) => self
                .model
                .transfer(token, caller, call.to, call.amount)
                .map_err(|reason| Refused::Token { token, reason }),
            C::approve(call) => self
                .model
                .approve(token, caller, call.spender, call.amount)
                .map_err(|reason| Refused::Token { token, reason }),
            C::DOMAIN_SEPARATOR(_)
            | C::allowance(_)
            | C::authorizationState(_)
            | C::balanceOf(_)
            | C::decimals(_)
            | C::name(_)
            | C::version(_) => Err(Refused::View),
        }
    }

    fn pay(&mut self, token: Address, call: &transferWithAuthorizationCall) -> Answer {
        let message = TransferWithAuthorization {
            from: call.from,
            to: call.to,
            value: call.value,
            validAfter: call.validAfter,
            validBefore: call.validBefore,
            nonce: call.nonce,
        };
        let digest = self.digest(token, &message)?;
        self.settle(token, digest, message, &call.signature)
    }

    /// A payment that only its receiver may settle: a gasless top-up.
    pub(super) fn receive(
        &mut self,
        token: Address,
        message: &ReceiveWithAuthorization,
        signature: &[u8],
    ) -> Answer {
        let digest = self.digest(token, message)?;
        let message = TransferWithAuthorization {
            from: message.from,
            to: message.to,
            value: message.value,
            validAfter: message.validAfter,
            validBefore: message.validBefore,
            nonce: message.nonce,
        };
        self.settle(token, digest, message, signature)
    }

    fn digest(&self, token: Address, message: &impl SolStruct) -> Result<B256, Refused> {
        let not_a_token = Refused::Token { token, reason: TokenRefusal::NotAToken };
        let state = self.model.tokens.get(&token).ok_or(not_a_token)?;
        Ok(message.eip712_signing_hash(&state.domain))
    }

    /// The token asks the payer, then looks at the time and the nonce, then moves the money.
    fn settle(
        &mut self,
        token: Address,
        digest: B256,
        message: TransferWithAuthorization,
        signature: &[u8],
    ) -> Answer {
        let refused = |reason| Refused::Token { token, reason };
        let payer = message.from;
        if self.model.is_purse(payer) {
            self.model.judge_payment(self.now, payer, digest, signature).map_err(Refused::Payment)?;
        } else if !signature::is_by(&self.model.wallets, payer, digest, signature) {
            return Err(refused(TokenRefusal::SignatureInvalid));
        }
        let (after, before, now) = (message.validAfter, message.validBefore, self.now);
        if U256::from(now) <= after || U256::from(now) >= before {
            return Err(refused(TokenRefusal::NotNow { after, before, now }));
        }
        let nonce = message.nonce;
        if let Some(state) = self.model.tokens.get_mut(&token)
            && !state.used.insert((payer, nonce))
        {
            return Err(refused(TokenRefusal::Used { payer, nonce }));
        }
        self.model.transfer(token, payer, message.to, message.value).map_err(refused)
    }
}

impl Model {
    /// Whether a purse stands at the address.
    fn is_purse(&self, address: Address) -> bool {
        self.purses.contains_key(&address)
    }

    pub(super) fn transfer(
        &mut self,
        token: Address,
        from: Address,
        to: Address,
        amount: U256,
    ) -> Result<(), TokenRefusal> {
        let state = self.tokens.get_mut(&token).ok_or(TokenRefusal::NotAToken)?;
        if to.is_zero() {
            return Err(TokenRefusal::AddressZero);
        }
        let held = state.balances.get(&from).copied().unwrap_or_default();
        let left = held.checked_sub(amount).ok_or(TokenRefusal::BalanceTooSmall {
            holder: from,
            held,
            asked: amount,
        })?;
        state.balances.insert(from, left);
        // The total supply fits 256 bits, so no balance can overflow.
        let receives = state.balances.entry(to).or_default();
        *receives = receives.saturating_add(amount);
        Ok(())
    }

    /// Moves what `owner` lets `spender` move; an allowance of 2^256 - 1 never shrinks.
    pub(super) fn transfer_from(
        &mut self,
        token: Address,
        spender: Address,
        owner: Address,
        to: Address,
        amount: U256,
    ) -> Result<(), TokenRefusal> {
        let state = self.tokens.get_mut(&token).ok_or(TokenRefusal::NotAToken)?;
        let allowed = state.allowances.get(&(owner, spender)).copied().unwrap_or_default();
        let left =
            allowed.checked_sub(amount).ok_or(TokenRefusal::AllowanceTooSmall { allowed, asked: amount })?;
        if allowed != U256::MAX {
            state.allowances.insert((owner, spender), left);
        }
        self.transfer(token, owner, to, amount)
    }

    pub(super) fn approve(
        &mut self,
        token: Address,
        owner: Address,
        spender: Address,
        amount: U256,
    ) -> Result<(), TokenRefusal> {
        let state = self.tokens.get_mut(&token).ok_or(TokenRefusal::NotAToken)?;
        if spender.is_zero() {
            return Err(TokenRefusal::AddressZero);
        }
        state.allowances.insert((owner, spender), amount);
        Ok(())
    }
}
