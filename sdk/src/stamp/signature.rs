//! Signatures as they travel with a stamp, and whether they are whose they are said to be.

use std::fmt;

use alloy::{
    primitives::{Address, B256, Bytes, Signature, keccak256},
    signers::k256::elliptic_curve::sec1::ToEncodedPoint as _,
};

use super::{
    curve::{Curve, address_of},
    refusal::{StampRefusal, StampRefused},
    state::StampState,
    wire::{Malformed, Reader, malformed},
};

/// The longest signature of a contract, in bytes: a Safe of fifteen signers fits.
const MAX_CONTRACT_SIGNATURE: usize = 1024;

/// Half the order of secp256k1: an `s` above it is somebody's rewrite of a signature.
const HALF_ORDER: [u8; 32] = alloy::hex!("7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0");

/// A signature by an account or by a contract.
#[derive(Clone, PartialEq, Eq)]
pub enum StampSignature {
    /// By an externally owned account: `r ‖ s ‖ v`, `v` 27 or 28.
    Key {
        /// The 65 bytes.
        signature: [u8; 65],
        /// The signer's public key `x ‖ y`. Proves nothing by itself (its hash has to be the signer's address);
        /// verifying against it takes a fifth less time than recovering it.
        public_key: Option<[u8; 64]>,
    },
    /// By a contract (EIP-1271), a Safe for one.
    Contract(Bytes),
}

/// What a contract has to be asked: whether it takes `signature` for `digest`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ContractQuestion {
    /// The contract.
    pub signer: Address,
    /// keccak-256 of digest and signature.
    pub question: B256,
}

impl ContractQuestion {
    /// The question that a signature poses.
    pub fn new(signer: Address, digest: &B256, signature: &[u8]) -> Self {
        let mut preimage = digest.to_vec();
        preimage.extend_from_slice(signature);
        Self { signer, question: keccak256(preimage) }
    }
}

impl StampSignature {
    /// An account's signature, with its public key beside it.
    pub fn by_key(signature: &Signature, digest: &B256) -> Self {
        // Contracts take low s only, and so do verifiers.
        let signature = signature.normalized_s();
        let public_key = signature.recover_from_prehash(digest).ok().and_then(|key| {
            let point = key.as_affine().to_encoded_point(false);
            point.as_bytes().get(1..).and_then(|bytes| bytes.try_into().ok())
        });
        Self::Key { signature: signature.as_bytes(), public_key }
    }

    /// Whether `signer` signed `digest`. What a contract says is the chain's to tell: the question is handed back,
    /// for [`ask`] to look up.
    pub(crate) fn check<C: Curve>(
        &self,
        signer: Address,
        digest: &B256,
        forged: StampRefusal,
    ) -> Result<Option<ContractQuestion>, StampRefused> {
        let (signature, public_key) = match self {
            Self::Key { signature, public_key } => (signature, public_key),
            Self::Contract(bytes) => return Ok(Some(ContractQuestion::new(signer, digest, bytes))),
        };
        if signature[32..64] > HALF_ORDER[..] {
            return Err(StampRefused::new(StampRefusal::HighS, "s at most half the order", "more"));
        }
        if !matches!(signature[64], 27 | 28) {
            return Err(StampRefused::new(StampRefusal::SignatureMalformed, "v of 27 or 28", signature[64]));
        }
        let got = match public_key {
            Some(public_key) => {
                let address = address_of(public_key);
                if address == signer && C::verify(digest, signature, public_key) {
                    return Ok(None);
                }
                if address == signer { "another key".to_owned() } else { address.to_string() }
            }
            None => match C::recover(digest, signature) {
                Some(address) if address == signer => return Ok(None),
                Some(address) => address.to_string(),
                None => "no key".to_owned(),
            },
        };
        Err(StampRefused::new(forged, format_args!("a signature by {signer}"), format_args!("one by {got}")))
    }

    pub(crate) fn put(&self, out: &mut Vec<u8>) -> Result<(), Malformed> {
        match self {
            Self::Key { signature, public_key } => {
                out.push(u8::from(public_key.is_some()));
                out.extend_from_slice(signature);
                out.extend_from_slice(public_key.as_ref().map_or(&[], |key| &key[..]));
            }
            Self::Contract(bytes) => {
                let Some(length) =
                    u16::try_from(bytes.len()).ok().filter(|n| usize::from(*n) <= MAX_CONTRACT_SIGNATURE)
                else {
                    return malformed("a contract's signature of at most 1024 bytes");
                };
                out.push(2);
                out.extend_from_slice(&length.to_be_bytes());
                out.extend_from_slice(bytes);
            }
        }
        Ok(())
    }

    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let kind = reader.u8("a signature")?;
        match kind {
            0 | 1 => Ok(Self::Key {
                signature: reader.array("a signature of 65 bytes")?,
                public_key: match kind {
                    0 => None,
                    _ => Some(reader.array("a public key of 64 bytes")?),
                },
            }),
            2 => {
                let length = usize::from(reader.u16("a signature's length")?);
                if length > MAX_CONTRACT_SIGNATURE {
                    return malformed("a contract's signature of at most 1024 bytes");
                }
                Ok(Self::Contract(Bytes::copy_from_slice(reader.bytes(length, "a contract's signature")?)))
            }
            _ => malformed("a signature of kind 0, 1 or 2"),
        }
    }
}

/// What the chain says to a contract's question.
pub(crate) fn ask(
    question: &ContractQuestion,
    state: &StampState,
    forged: StampRefusal,
) -> Result<(), StampRefused> {
    let signer = question.signer;
    let Some(answers) = state.contracts.get(&signer) else {
        let expected = format_args!("code at {signer}");
        return Err(StampRefused::new(StampRefusal::ContractWithoutCode, expected, "none"));
    };
    match answers.get(&question.question) {
        Some(true) => Ok(()),
        Some(false) => Err(StampRefused::new(forged, format_args!("a yes of {signer}"), "a no")),
        None => {
            let expected = format_args!("an answer of {signer}");
            Err(StampRefused::new(StampRefusal::ContractUnanswered, expected, "none"))
        }
    }
}

impl fmt::Debug for StampSignature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Key { .. } => "Key(..)",
            Self::Contract(_) => "Contract(..)",
        })
    }
}
