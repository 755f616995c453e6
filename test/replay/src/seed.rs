//! Numbers, hashes and addresses out of a seed.

use alloy::primitives::{Address, B256};

/// The finaliser of splitmix64: a permutation of 64 bits in which each bit of the argument changes half of the result.
pub fn mix(number: u64) -> u64 {
    let z = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Three numbers as one.
pub fn mix3(a: u64, b: u64, c: u64) -> u64 {
    mix(mix(mix(a) ^ b) ^ c)
}

fn fill(out: &mut [u8], key: u64) {
    for (part, place) in out.chunks_mut(8).zip(1u64..) {
        let bytes = mix(key ^ (place << 56)).to_be_bytes();
        part.copy_from_slice(&bytes[..part.len()]);
    }
}

/// A hash like any other.
pub(crate) fn word(key: u64) -> B256 {
    let mut word = B256::ZERO;
    fill(word.as_mut_slice(), key);
    word
}

/// What an address is for: those of one use are apart from those of another.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Use {
    Payer = 1,
    Payee = 2,
    Facilitator = 3,
    Stranger = 4,
    Treasury = 5,
    Owner = 6,
    Agent = 7,
    Purse = 8,
    Sequencer = 9,
    SessionKey = 10,
}

/// The address of that number for that use.
pub(crate) fn address(kind: Use, index: u64) -> Address {
    let mut address = Address::ZERO;
    fill(address.as_mut_slice(), mix3(0xadd2, kind as u64, index));
    address
}
