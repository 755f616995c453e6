//! Finding payments in the input of the transaction that settled them, however it is wrapped.
//!
//! A facilitator calls the token itself, through a multicall, or through an account of its own: in all of
//! these the call to the token stands somewhere in the input. So every place that holds the selector is tried,
//! and only what commits to the very nonce that was used counts (see [`PaymentCall::explains`]).
//!
//! Permit2 logs no nonce. There the call to the x402 proxy tells it, and counts where the session key signed it;
//! matching known decisions by payee and amount instead would take the wrong one of two that look alike.

use std::collections::HashMap;

use alloy::{
    primitives::{Address, B256, U256},
    sol_types::SolCall,
};
use bursar_sdk::{
    abi::Eip3009::transferWithAuthorizationCall,
    payment::{MAX_LENGTH, PaymentBlob, Rail, commitment},
};

/// A call that settles a payment, found in a transaction's input: the token's `transferWithAuthorization` (`bytes`
/// overload), or an x402 proxy's `settle`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaymentCall {
    /// Who pays.
    pub from: Address,
    /// Who is paid.
    pub to: Address,
    /// How much; the most, where the rail is [`Rail::Permit2Upto`].
    pub value: U256,
    /// Valid after, unix seconds (exclusive).
    pub valid_after: U256,
    /// Valid before, unix seconds (exclusive; inclusive with Permit2).
    pub valid_before: U256,
    /// The authorization's nonce.
    pub nonce: B256,
    /// The purse's blob.
    pub blob: PaymentBlob,
}

impl PaymentCall {
    /// Whether this call is the one that used its nonce: the blob's decision commits to it under those terms
    /// ([`bursar_sdk::payment::terms`]) and session, and it may have made that payment.
    pub fn explains(&self, terms: u128, session: B256, payee: Address, amount: U256) -> bool {
        commitment(terms, session, self.blob.decision_hash) == self.nonce && self.pays(payee, amount)
    }

    /// Whether this call may have made that payment, whatever it commits to: blob and arguments tell of the same one.
    pub(crate) fn pays(&self, payee: Address, amount: U256) -> bool {
        let blob = &self.blob;
        let exact = !matches!(blob.rail, Rail::Permit2Upto { .. });
        (self.to, blob.payee) == (payee, payee)
            && self.value == blob.amount.to_u256()
            && (self.value == amount || (!exact && self.value > amount))
            && U256::from(blob.valid_after) == self.valid_after
            && U256::from(blob.valid_before) == self.valid_before
    }
}

/// Payers and nonces, with the calls in the input that name them.
pub type PaymentCalls = HashMap<(Address, B256), Vec<PaymentCall>>;

/// The payment calls in `input` that use one of the `wanted` authorizations (payer and nonce).
pub fn find_payment_calls(input: &[u8], wanted: &[(Address, B256)]) -> PaymentCalls {
    let mut found = PaymentCalls::new();
    let selector = transferWithAuthorizationCall::SELECTOR;
    for (at, _) in input.windows(4).enumerate().filter(|(_, bytes)| *bytes == selector) {
        let arguments = input.get(at + 4..).unwrap_or_default();
        let Some((from, nonce)) = payer_and_nonce(arguments) else { continue };
        if !wanted.contains(&(from, nonce)) {
            continue;
        }
        // All of them, however many: decoys in front must not hide the one that commits to the payment.
        if let Some(call) = read_call(arguments, from, nonce) {
            found.entry((from, nonce)).or_default().push(call);
        }
    }
    found
}

pub(super) fn word(arguments: &[u8], index: usize) -> Option<B256> {
    arguments.get(index * 32..index * 32 + 32).map(B256::from_slice)
}

pub(super) fn address(word: B256) -> Option<Address> {
    word[..12].iter().all(|byte| *byte == 0).then(|| Address::from_word(word))
}

fn payer_and_nonce(arguments: &[u8]) -> Option<(Address, B256)> {
    Some((address(word(arguments, 0)?)?, word(arguments, 5)?))
}

pub(super) fn number(arguments: &[u8], index: usize) -> Option<U256> {
    word(arguments, index).map(|word| U256::from_be_bytes(word.0))
}

/// The blob that the word at `index` points to.
pub(super) fn read_blob(arguments: &[u8], index: usize) -> Option<PaymentBlob> {
    let offset = usize::try_from(number(arguments, index)?).ok()?;
    let tail = arguments.get(offset..)?;
    let length = usize::try_from(number(tail, 0)?).ok()?;
    if length > MAX_LENGTH {
        return None;
    }
    PaymentBlob::decode(tail.get(32..32 + length)?).ok()
}

fn read_call(arguments: &[u8], from: Address, nonce: B256) -> Option<PaymentCall> {
    let number = |index| number(arguments, index);
    let blob = read_blob(arguments, 6).filter(|blob| blob.rail == Rail::Eip3009)?;
    Some(PaymentCall {
        from,
        to: address(word(arguments, 1)?)?,
        value: number(2)?,
        valid_after: number(3)?,
        valid_before: number(4)?,
        nonce,
        blob,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use alloy::{
        primitives::{Bytes, Signature},
        sol,
    };
    use bursar_sdk::{
        amount::Amount,
        payment::{Rail, session_id, terms},
    };
    use proptest::prelude::*;

    use super::*;

    sol! {
        struct Call3 { address target; bool allowFailure; bytes callData; }
        function aggregate3(Call3[] calls) external payable;
        function execute(address target, uint256 value, bytes data) external;
    }

    const PURSE: Address = Address::repeat_byte(0xaa);
    const PAYEE: Address = Address::repeat_byte(0xbb);

    fn payment(decision: u8) -> (transferWithAuthorizationCall, B256) {
        let decision_hash = B256::repeat_byte(decision);
        let nonce = commitment(terms(0, 3), session_id(PURSE, 7), decision_hash);
        let blob = PaymentBlob {
            rail: Rail::Eip3009,
            payee: PAYEE,
            amount: Amount::new(50),
            valid_after: 1,
            valid_before: 2_000_000_000,
            decision_hash,
            signature: Signature::new(U256::from(5), U256::from(6), true),
            approval: None,
        };
        let call = transferWithAuthorizationCall {
            from: PURSE,
            to: PAYEE,
            value: U256::from(50),
            validAfter: U256::from(1),
            validBefore: U256::from(2_000_000_000u64),
            nonce,
            signature: blob.encode().unwrap(),
        };
        (call, nonce)
    }

    fn decisions(input: &[u8], nonces: &[B256]) -> Vec<B256> {
        let wanted: Vec<_> = nonces.iter().map(|nonce| (PURSE, *nonce)).collect();
        let found = find_payment_calls(input, &wanted);
        let explained = |key: &(Address, B256)| {
            let calls = found.get(key)?;
            calls.iter().find(|call| call.explains(terms(0, 3), session_id(PURSE, 7), PAYEE, U256::from(50)))
        };
        wanted.iter().filter_map(explained).map(|call| call.blob.decision_hash).collect()
    }

    #[test]
    fn reads_a_plain_call() {
        let (call, nonce) = payment(1);
        assert_eq!(decisions(&call.abi_encode(), &[nonce]), [B256::repeat_byte(1)]);
    }

    #[test]
    fn reads_several_calls_in_a_multicall_within_an_account() {
        let (one, first) = payment(1);
        let (two, second) = payment(2);
        let call = |data: Vec<u8>| Call3 { target: Address::ZERO, allowFailure: true, callData: data.into() };
        let calls = vec![call(one.abi_encode()), call(vec![1, 2, 3]), call(two.abi_encode())];
        let inner = aggregate3Call { calls }.abi_encode();
        let outer = executeCall { target: Address::ZERO, value: U256::ZERO, data: inner.into() }.abi_encode();
        assert_eq!(decisions(&outer, &[second, first]), [B256::repeat_byte(2), B256::repeat_byte(1)]);
    }

    #[test]
    fn a_forged_copy_in_front_does_not_hide_the_payment() {
        let (honest, nonce) = payment(1);
        let (mut forged, _) = payment(2);
        forged.nonce = nonce;
        let input = [forged.abi_encode(), honest.abi_encode()].concat();
        assert_eq!(decisions(&input, &[nonce]), [B256::repeat_byte(1)]);
    }

    #[test]
    fn any_number_of_decoys_does_not_hide_the_payment() {
        let (honest, nonce) = payment(0);
        let decoy = |n: u8| {
            let (mut call, _) = payment(n);
            call.nonce = nonce;
            call.abi_encode()
        };
        let input = (1..=200).map(decoy).chain([honest.abi_encode()]).collect::<Vec<_>>().concat();
        assert_eq!(decisions(&input, &[nonce]), [B256::ZERO]);
    }

    #[test]
    fn explains_only_the_payment_that_was_made() {
        let (call, nonce) = payment(1);
        let found = find_payment_calls(&call.abi_encode(), &[(PURSE, nonce)]);
        let call = &found[&(PURSE, nonce)][0];
        let session = session_id(PURSE, 7);
        assert!(call.explains(terms(0, 3), session, PAYEE, U256::from(50)));
        assert!(!call.explains(terms(0, 4), session, PAYEE, U256::from(50)));
        assert!(!call.explains(terms(1, 3), session, PAYEE, U256::from(50)));
        assert!(!call.explains(terms(0, 3), session_id(PURSE, 8), PAYEE, U256::from(50)));
        assert!(!call.explains(terms(0, 3), session, PURSE, U256::from(50)));
        assert!(!call.explains(terms(0, 3), session, PAYEE, U256::from(51)));
    }

    proptest! {
        #[test]
        fn hostile_input_never_panics(
            noise in prop::collection::vec(any::<u8>(), 0..400),
            cut in 0usize..600,
            flip in 0usize..500,
            value in any::<u8>(),
        ) {
            let (call, nonce) = payment(1);
            let mut input = noise;
            input.extend(call.abi_encode());
            let at = flip % input.len();
            input[at] = value;
            input.truncate(input.len().saturating_sub(cut % 300));
            let _ = find_payment_calls(&input, &[(PURSE, nonce)]);
        }

        #[test]
        fn offsets_and_lengths_of_any_size_never_panic(offset in any::<[u8; 32]>(), length in any::<[u8; 32]>(), small in any::<u16>()) {
            let (call, nonce) = payment(1);
            let mut input = call.abi_encode();
            input[4 + 6 * 32..4 + 7 * 32].copy_from_slice(&offset);
            let _ = find_payment_calls(&input, &[(PURSE, nonce)]);
            let mut input = call.abi_encode();
            input[4 + 7 * 32..4 + 8 * 32].copy_from_slice(&length);
            let _ = find_payment_calls(&input, &[(PURSE, nonce)]);
            let mut input = call.abi_encode();
            input[4 + 7 * 32 - 2..4 + 7 * 32].copy_from_slice(&small.to_be_bytes());
            let _ = find_payment_calls(&input, &[(PURSE, nonce)]);
        }
    }

    #[test]
    fn a_transaction_full_of_selectors_is_read_in_good_time() {
        let (call, nonce) = payment(1);
        let one = call.abi_encode();
        let input: Bytes = one.iter().copied().cycle().take(128 * 1024).collect::<Vec<_>>().into();
        assert_eq!(decisions(&input, &[nonce]), [B256::repeat_byte(1)]);
    }
}
