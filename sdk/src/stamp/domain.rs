//! Whose stamps they are: the EIP-712 domain of a treasury.

use std::sync::LazyLock;

use alloy::primitives::{Address, B256, keccak256};

use crate::payment::treasury_domain;

/// Whose stamps: one treasury on one chain. The EIP-712 domain, hashed once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StampDomain {
    /// EIP-155 chain id.
    pub chain_id: u64,
    /// The treasury whose stampers issue.
    pub treasury: Address,
    separator: B256,
}

/// What every treasury's domain has in common: the hashes of its type, name and version.
static DOMAIN_WORDS: LazyLock<[B256; 3]> = LazyLock::new(|| {
    let domain = treasury_domain(0, Address::ZERO);
    let text = |text: Option<&str>| keccak256(text.unwrap_or_default());
    [domain.type_hash(), text(domain.name.as_deref()), text(domain.version.as_deref())]
});

impl StampDomain {
    /// The domain of a treasury: what [`treasury_domain`] hashes to, without hashing its constants each time.
    pub fn new(chain_id: u64, treasury: Address) -> Self {
        let mut words = [0u8; 5 * 32];
        for (word, constant) in words.chunks_exact_mut(32).zip(&*DOMAIN_WORDS) {
            word.copy_from_slice(constant.as_slice());
        }
        words[120..128].copy_from_slice(&chain_id.to_be_bytes());
        words[140..].copy_from_slice(treasury.as_slice());
        Self { chain_id, treasury, separator: keccak256(words) }
    }

    /// The EIP-712 digest of a struct with that hash.
    pub(crate) fn digest(&self, struct_hash: &B256) -> B256 {
        let mut preimage = [0u8; 66];
        preimage[..2].copy_from_slice(&[0x19, 0x01]);
        preimage[2..34].copy_from_slice(self.separator.as_slice());
        preimage[34..].copy_from_slice(struct_hash.as_slice());
        keccak256(preimage)
    }

    #[cfg(test)]
    fn separator(&self) -> &B256 {
        &self.separator
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_the_treasurys_own() {
        for chain_id in [0, 1, 8453, u64::MAX] {
            let treasury = Address::repeat_byte(0x77);
            let expected = treasury_domain(chain_id, treasury).separator();
            assert_eq!(StampDomain::new(chain_id, treasury).separator(), &expected);
        }
    }
}
