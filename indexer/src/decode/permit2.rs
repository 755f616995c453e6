//! Finding payments that settled through Permit2: the calls to the x402 proxies in a transaction's input.

use alloy::{
    primitives::{Address, B256},
    sol_types::{SolCall, SolEvent},
};
use bursar_sdk::payment::{Rail, permit2};

use super::{
    PaymentCall,
    input::{address, number, read_blob, word},
};

/// What both proxies log when they have moved the money: nothing but that they have.
mod told {
    alloy::sol! {
        event Settled();
        event SettledWithPermit();
    }
}

/// First topics of what a proxy logs when it has settled.
pub(crate) const SETTLED: [B256; 2] =
    [told::Settled::SIGNATURE_HASH, told::SettledWithPermit::SIGNATURE_HASH];

/// An x402 proxy in front of Permit2.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proxy {
    /// Moves exactly what was signed.
    Exact,
    /// Moves at most what was signed.
    Upto,
}

impl Proxy {
    /// Where they are, on every chain.
    pub const ADDRESSES: [Address; 2] = [permit2::EXACT_PROXY, permit2::UPTO_PROXY];

    /// The one at that address; `None` where there is none.
    pub fn at(address: Address) -> Option<Self> {
        let mut known = Self::ADDRESSES.into_iter().zip([Self::Exact, Self::Upto]);
        known.find(|(at, _)| *at == address).map(|(_, proxy)| proxy)
    }

    /// What payments through it are called.
    pub fn rail(self) -> &'static str {
        match self {
            Self::Exact => Rail::Permit2Exact.code(),
            // The code does not tell the facilitator.
            Self::Upto => Rail::Permit2Upto { facilitator: Address::ZERO }.code(),
        }
    }
}

mod exact {
    alloy::sol! {
        struct TokenPermissions { address token; uint256 amount; }
        struct Permit { TokenPermissions permitted; uint256 nonce; uint256 deadline; }
        struct Witness { address to; uint256 validAfter; }
        struct Permit2612 { uint256 value; uint256 deadline; bytes32 r; bytes32 s; uint8 v; }
        function settle(Permit permit, address owner, Witness witness, bytes signature) external;
        function settleWithPermit(
            Permit2612 permit2612, Permit permit, address owner, Witness witness, bytes signature
        ) external;
    }
}

mod upto {
    alloy::sol! {
        struct TokenPermissions { address token; uint256 amount; }
        struct Permit { TokenPermissions permitted; uint256 nonce; uint256 deadline; }
        struct Witness { address to; address facilitator; uint256 validAfter; }
        struct Permit2612 { uint256 value; uint256 deadline; bytes32 r; bytes32 s; uint8 v; }
        function settle(
            Permit permit, uint256 amount, address owner, Witness witness, bytes signature
        ) external;
        function settleWithPermit(
            Permit2612 permit2612, Permit permit, uint256 amount, address owner, Witness witness, bytes signature
        ) external;
    }
}

/// An EIP-2612 permit in front takes five words.
const PERMIT_2612: usize = 5;

/// How a proxy's call lays its arguments out.
#[derive(Clone, Copy)]
struct Shape {
    selector: [u8; 4],
    /// Words before the Permit2 permit.
    before: usize,
    upto: bool,
}

const SHAPES: [Shape; 4] = [
    Shape { selector: exact::settleCall::SELECTOR, before: 0, upto: false },
    Shape { selector: exact::settleWithPermitCall::SELECTOR, before: PERMIT_2612, upto: false },
    Shape { selector: upto::settleCall::SELECTOR, before: 0, upto: true },
    Shape { selector: upto::settleWithPermitCall::SELECTOR, before: PERMIT_2612, upto: true },
];

/// The calls of x402 proxies in `input` that pay from `purse`. Who else signed what they say is not looked at here.
pub fn find_permit2_calls(input: &[u8], purse: Address) -> Vec<PaymentCall> {
    let calls = input.windows(4).enumerate().filter_map(|(at, bytes)| {
        let shape = SHAPES.iter().find(|shape| shape.selector == bytes)?;
        read_call(*shape, input.get(at + 4..)?).filter(|call| call.from == purse)
    });
    calls.collect()
}

/// Permit: token, amount, nonce, deadline. Then, where it is the most, the amount; owner; who is paid; where it is
/// the most, the facilitator; valid after; and where the signature stands.
fn read_call(shape: Shape, arguments: &[u8]) -> Option<PaymentCall> {
    let at = |index: usize| shape.before + index;
    let owner = if shape.upto { 5 } else { 4 };
    let times = if shape.upto { owner + 3 } else { owner + 2 };
    // Offsets count from the first argument, permit in front or not.
    let blob = read_blob(arguments, at(times + 1))?;
    let fits = match blob.rail {
        Rail::Eip3009 => false,
        Rail::Permit2Exact => !shape.upto,
        Rail::Permit2Upto { facilitator } => {
            shape.upto && address(word(arguments, at(owner + 2))?)? == facilitator
        }
    };
    if !fits {
        return None;
    }
    Some(PaymentCall {
        from: address(word(arguments, at(owner))?)?,
        to: address(word(arguments, at(owner + 1))?)?,
        value: number(arguments, at(1))?,
        valid_after: number(arguments, at(times))?,
        valid_before: number(arguments, at(3))?,
        nonce: B256::from(number(arguments, at(2))?),
        blob,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use alloy::primitives::{Signature, U256};
    use bursar_sdk::{
        amount::Amount,
        payment::{PaymentBlob, commitment, session_id, terms},
    };
    use proptest::prelude::*;

    use super::*;

    const PURSE: Address = Address::repeat_byte(0xaa);
    const PAYEE: Address = Address::repeat_byte(0xbb);
    const FACILITATOR: Address = Address::repeat_byte(0xcc);
    const TOKEN: Address = Address::repeat_byte(0xdd);

    fn blob(rail: Rail) -> PaymentBlob {
        PaymentBlob {
            rail,
            payee: PAYEE,
            amount: Amount::new(50),
            valid_after: 1,
            valid_before: 2_000_000_000,
            decision_hash: B256::repeat_byte(1),
            signature: Signature::new(U256::from(5), U256::from(6), true),
            approval: None,
        }
    }

    fn nonce() -> U256 {
        commitment(terms(2, 3), session_id(PURSE, 7), B256::repeat_byte(1)).into()
    }

    fn exact_call() -> Vec<u8> {
        let permitted = exact::TokenPermissions { token: TOKEN, amount: U256::from(50) };
        let permit = exact::Permit { permitted, nonce: nonce(), deadline: U256::from(2_000_000_000u64) };
        let witness = exact::Witness { to: PAYEE, validAfter: U256::from(1) };
        let signature = blob(Rail::Permit2Exact).encode().unwrap();
        exact::settleCall { permit, owner: PURSE, witness, signature }.abi_encode()
    }

    fn upto_call(facilitator: Address, with_permit: bool) -> Vec<u8> {
        let permitted = upto::TokenPermissions { token: TOKEN, amount: U256::from(50) };
        let permit = upto::Permit { permitted, nonce: nonce(), deadline: U256::from(2_000_000_000u64) };
        let witness = upto::Witness { to: PAYEE, facilitator, validAfter: U256::from(1) };
        let signature = blob(Rail::Permit2Upto { facilitator: FACILITATOR }).encode().unwrap();
        let amount = U256::from(30);
        if !with_permit {
            return upto::settleCall { permit, amount, owner: PURSE, witness, signature }.abi_encode();
        }
        let (value, deadline) = (U256::MAX, U256::MAX);
        let permit2612 = upto::Permit2612 { value, deadline, r: B256::ZERO, s: B256::ZERO, v: 27 };
        upto::settleWithPermitCall { permit2612, permit, amount, owner: PURSE, witness, signature }
            .abi_encode()
    }

    fn explained(input: &[u8], amount: u64) -> usize {
        let calls = find_permit2_calls(input, PURSE);
        let session = session_id(PURSE, 7);
        calls.iter().filter(|call| call.explains(terms(2, 3), session, PAYEE, U256::from(amount))).count()
    }

    #[test]
    fn reads_each_proxys_calls_however_they_are_wrapped() {
        for call in [exact_call(), upto_call(FACILITATOR, false), upto_call(FACILITATOR, true)] {
            let wrapped = [vec![7; 99], call, vec![0; 3]].concat();
            assert_eq!(explained(&wrapped, 50), 1);
            assert_eq!(find_permit2_calls(&wrapped, PAYEE), []);
        }
    }

    #[test]
    fn only_the_upto_proxy_moves_less_than_was_signed() {
        assert_eq!((explained(&exact_call(), 49), explained(&exact_call(), 51)), (0, 0));
        let upto = upto_call(FACILITATOR, false);
        assert_eq!((explained(&upto, 30), explained(&upto, 51)), (1, 0));
    }

    #[test]
    fn another_facilitator_than_the_signed_one_is_no_payment() {
        assert_eq!(find_permit2_calls(&upto_call(PAYEE, false), PURSE), []);
    }

    proptest! {
        #[test]
        fn hostile_input_never_panics(
            noise in prop::collection::vec(any::<u8>(), 0..400),
            cut in 0usize..600,
            flip in 0usize..900,
            value in any::<u8>(),
        ) {
            let mut input = noise;
            input.extend(upto_call(FACILITATOR, true));
            let at = flip % input.len();
            input[at] = value;
            input.truncate(input.len().saturating_sub(cut % 500));
            let _ = find_permit2_calls(&input, PURSE);
        }
    }
}
