//! Whose signature it is: the rules of `ecrecover`, low s only, and EIP-1271.

use std::collections::BTreeMap;

use alloy::primitives::{Address, B256, Signature, U256, uint};

/// Half the order of secp256k1: a signature with a higher s is another form of one with a lower s.
const HALF_ORDER: U256 = uint!(0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0_U256);

/// Who signed; `None` where nobody did, or where s is high: one payment has one signature.
pub(super) fn signer(digest: B256, signature: &Signature) -> Option<Address> {
    if signature.s() > HALF_ORDER {
        return None;
    }
    signature.recover_address_from_prehash(&digest).ok()
}

/// Whether `account` signed: by EIP-1271 where it has code, else with 65 bytes `r | s | v`, v being 27 or 28.
pub(super) fn is_by(
    wallets: &BTreeMap<Address, bool>,
    account: Address,
    digest: B256,
    signature: &[u8],
) -> bool {
    if let Some(says_yes) = wallets.get(&account) {
        return *says_yes;
    }
    let [bytes @ .., v @ (27 | 28)] = signature else { return false };
    if bytes.len() != 64 {
        return false;
    }
    signer(digest, &Signature::from_bytes_and_parity(bytes, *v == 28)) == Some(account)
}
