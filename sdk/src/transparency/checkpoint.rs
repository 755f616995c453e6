//! Checkpoints: what a log's keeper signs to have said it (C2SP tlog-checkpoint, in a C2SP signed note with Ed25519).

use std::fmt;

use alloy::primitives::{Address, B256};
use ed25519_dalek::{Signer as _, SigningKey};
use serde::{Deserialize, Serialize};
use signed_note::{Note, StandardVerifier, Verifier as _, VerifierList};
use tlog_tiles::{checkpoint, tlog::Hash};

/// Why a checkpoint is not made, or not believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CheckpointError {
    /// The name that logs are to go by is none.
    #[error("expected a name without spaces, control characters and plus, got {0:?}")]
    Name(String),
    /// The key to verify with does not read.
    #[error("expected a key as NAME+ID+BASE64 with Ed25519, got one that does not read: {0}")]
    Key(String),
    /// It is no checkpoint.
    #[error("it is no signed checkpoint: {0}")]
    Malformed(String),
    /// Nobody, or somebody else, signed it.
    #[error("it is not signed with the key of {expected}: {reason}")]
    Unsigned {
        /// The key's name.
        expected: String,
        /// What is wrong.
        reason: String,
    },
    /// It is another log's.
    #[error("expected a checkpoint of {expected}, got one of {got}")]
    Origin {
        /// The log whose it should be.
        expected: String,
        /// Whose it is.
        got: String,
    },
}

/// The name of a treasury's log below its keeper's: `NAME/eip155:CHAIN/TREASURY`. No two logs share one.
///
/// # Errors
/// When the name is none that a note may be signed under.
pub fn origin(keeper: &str, chain_id: u64, treasury: Address) -> Result<String, CheckpointError> {
    if !signed_note::is_key_name_valid(keeper) || keeper.chars().any(char::is_control) {
        return Err(CheckpointError::Name(keeper.chars().take(80).collect()));
    }
    Ok(format!("{keeper}/eip155:{chain_id}/{treasury:#x}"))
}

/// A root of a log, as its keeper said it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// Which log: see [`origin`].
    pub origin: String,
    /// How many entries it had.
    pub size: u64,
    /// Their root.
    pub root: B256,
}

impl Checkpoint {
    /// Reads a checkpoint that was signed with the key `verifier` (`NAME+ID+BASE64`), whose name is its log's.
    ///
    /// # Errors
    /// When it does not read, is another log's, or was not signed with that key.
    pub fn open(note: &str, verifier: &str) -> Result<Self, CheckpointError> {
        let key = StandardVerifier::new(verifier).map_err(|error| CheckpointError::Key(error.to_string()))?;
        let expected = key.name().to_owned();
        let malformed = |error: &dyn fmt::Display| CheckpointError::Malformed(error.to_string());
        let signed = Note::from_bytes(note.as_bytes()).map_err(|error| malformed(&error))?;
        let text = checkpoint::Checkpoint::from_bytes(signed.text()).map_err(|error| malformed(&error))?;
        if text.origin() != expected {
            let got = text.origin().chars().take(160).collect();
            return Err(CheckpointError::Origin { expected, got });
        }
        signed
            .verify(&VerifierList::new(vec![Box::new(key)]))
            .map_err(|error| CheckpointError::Unsigned { expected, reason: error.to_string() })?;
        Ok(Self { origin: text.origin().to_owned(), size: text.size(), root: text.hash().0.into() })
    }
}

/// The key that a keeper signs its checkpoints with: one for all of its logs, under each log's own name.
#[derive(Clone)]
pub struct CheckpointKey(SigningKey);

impl CheckpointKey {
    /// The key of a seed.
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        Self(SigningKey::from_bytes(seed))
    }

    /// What checkpoints of a log are verified with: `ORIGIN+ID+BASE64`.
    pub fn verifier(&self, origin: &str) -> String {
        signed_note::new_ed25519_verifier_key(origin, &self.0.verifying_key())
    }

    /// Signs. The same checkpoint is the same note.
    ///
    /// # Errors
    /// When its origin is no name.
    pub fn sign(&self, of: &Checkpoint) -> Result<String, CheckpointError> {
        let malformed = |error: &dyn fmt::Display| CheckpointError::Malformed(error.to_string());
        let text = checkpoint::Checkpoint::new(&of.origin, of.size, Hash(of.root.0), "")
            .map_err(|error| malformed(&error))?;
        let mut note = Note::new(&text.to_bytes(), &[]).map_err(|error| malformed(&error))?;
        let signer = Named { key: &self.0, name: &of.origin };
        note.add_sigs(&[&signer]).map_err(|_| CheckpointError::Name(of.origin.clone()))?;
        String::from_utf8(note.to_bytes()).map_err(|error| malformed(&error))
    }
}

impl fmt::Debug for CheckpointKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CheckpointKey").finish_non_exhaustive()
    }
}

/// Who keeps transparency logs: the name that they go by, and the key that their checkpoints are signed with.
#[derive(Debug, Clone)]
pub struct Keeper {
    name: String,
    key: CheckpointKey,
}

/// A checkpoint as it is handed out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignedCheckpoint {
    /// The signed note.
    pub note: String,
    /// What it is verified with, where that is believed.
    pub verifier: String,
}

impl Keeper {
    /// A keeper of that name: one word without a plus, best a host's.
    ///
    /// # Errors
    /// When logs cannot go by that name.
    pub fn new(name: impl Into<String>, key: CheckpointKey) -> Result<Self, CheckpointError> {
        let name = name.into();
        origin(&name, 0, Address::ZERO)?;
        Ok(Self { name, key })
    }

    /// Signs a root of a treasury's log.
    ///
    /// # Errors
    /// Never: the name is one.
    pub fn sign(
        &self,
        chain_id: u64,
        treasury: Address,
        size: u64,
        root: B256,
    ) -> Result<SignedCheckpoint, CheckpointError> {
        let origin = origin(&self.name, chain_id, treasury)?;
        let verifier = self.key.verifier(&origin);
        Ok(SignedCheckpoint { note: self.key.sign(&Checkpoint { origin, size, root })?, verifier })
    }
}

/// A key under a log's name.
struct Named<'a> {
    key: &'a SigningKey,
    name: &'a str,
}

/// The code of Ed25519 before a public key, as key ids hash it.
const ED25519: u8 = 1;

impl signed_note::Signer for Named<'_> {
    fn name(&self) -> &str {
        self.name
    }

    fn key_id(&self) -> u32 {
        let public = [&[ED25519][..], &self.key.verifying_key().to_bytes()].concat();
        signed_note::key_id(self.name, &public)
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, ed25519_dalek::SignatureError> {
        Ok(self.key.try_sign(message)?.to_vec())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TREASURY: Address = Address::repeat_byte(0xab);

    fn checkpoint(size: u64) -> Result<Checkpoint, CheckpointError> {
        let origin = origin("bursar.example.com", 8453, TREASURY)?;
        Ok(Checkpoint { origin, size, root: B256::repeat_byte(7) })
    }

    #[test]
    fn a_checkpoint_is_a_note_that_others_read() -> Result<(), CheckpointError> {
        let (key, said) = (CheckpointKey::from_seed(&[1; 32]), checkpoint(42)?);
        let note = key.sign(&said)?;
        let (text, signature) = note.split_once("\n\n").expect("a note's text ends in an empty line");
        let name = "bursar.example.com/eip155:8453/0xabababababababababababababababababababab";
        assert_eq!(text, format!("{name}\n42\nBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc="));
        assert!(signature.starts_with(&format!("\u{2014} {name} ")) && signature.ends_with('\n'), "{note}");
        assert_eq!(Checkpoint::open(&note, &key.verifier(&said.origin))?, said);
        assert_eq!(key.sign(&said)?, note, "one checkpoint, one note");
        for size in [0, 1, u64::MAX] {
            let said = checkpoint(size)?;
            assert_eq!(Checkpoint::open(&key.sign(&said)?, &key.verifier(&said.origin))?, said);
        }
        Ok(())
    }

    #[test]
    fn a_checkpoint_that_was_bent_or_is_anothers_is_not_believed() -> Result<(), CheckpointError> {
        let (key, said) = (CheckpointKey::from_seed(&[1; 32]), checkpoint(42)?);
        let (note, verifier) = (key.sign(&said)?, key.verifier(&said.origin));
        let bytes = note.as_bytes();
        for at in 0..bytes.len() {
            let mut bent = bytes.to_vec();
            bent[at] ^= 1;
            let Ok(bent) = String::from_utf8(bent) else { continue };
            assert!(Checkpoint::open(&bent, &verifier).is_err(), "byte {at}: {bent}");
        }
        assert!(Checkpoint::open(&note[..note.len() - 1], &verifier).is_err());
        assert!(Checkpoint::open("", &verifier).is_err());
        assert!(Checkpoint::open(&note, "nobody").is_err());

        let another = CheckpointKey::from_seed(&[2; 32]);
        let forged = Checkpoint::open(&another.sign(&said)?, &verifier);
        assert!(matches!(forged, Err(CheckpointError::Unsigned { .. })), "{forged:?}");
        // The same keeper's log of another treasury, and of the same address on another chain.
        for other in [
            origin("bursar.example.com", 8453, Address::repeat_byte(0xac))?,
            origin("bursar.example.com", 84532, TREASURY)?,
            origin("other.example.com", 8453, TREASURY)?,
        ] {
            let note = key.sign(&Checkpoint { origin: other.clone(), ..said.clone() })?;
            let refused = Checkpoint::open(&note, &verifier);
            assert!(matches!(refused, Err(CheckpointError::Origin { .. })), "{refused:?}");
            assert!(Checkpoint::open(&note, &key.verifier(&other)).is_ok());
        }
        Ok(())
    }

    #[test]
    fn a_name_is_one_word_and_no_key_is_shown() {
        for name in ["", "two words", "a+b", "a\nb", "a\u{a0}b", "a\u{7f}b"] {
            assert!(matches!(origin(name, 1, TREASURY), Err(CheckpointError::Name(_))), "{name:?}");
        }
        let shown = format!("{:?}", CheckpointKey::from_seed(&[0x42; 32]));
        assert_eq!(shown, "CheckpointKey { .. }");
    }
}
