//! Signatures as the Standard Webhooks specification has them: HMAC-SHA256 over id, time and body.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bursar_indexer::store::Secret;
use bursar_sdk::clock::Entropy;
use hmac::{Hmac, Mac as _};
use sha2::Sha256;

/// What secrets begin with, when they are shown.
const PREFIX: &str = "whsec_";
/// The version of symmetric signatures.
const VERSION: &str = "v1";

/// A new secret of 32 bytes.
pub fn new_secret(entropy: &Entropy) -> Secret {
    Secret::new(entropy.next().to_vec())
}

/// A secret as its owner keeps it. To be shown once, and logged never.
pub fn shown(secret: &Secret) -> String {
    format!("{PREFIX}{}", STANDARD.encode(secret.expose()))
}

/// The value of `webhook-signature`. `at` is in unix seconds.
pub fn signature(secret: &Secret, id: &str, at: u64, body: &str) -> String {
    // A key of any length is taken.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.expose()) else { return String::new() };
    mac.update(format!("{id}.{at}.{body}").as_bytes());
    format!("{VERSION},{}", STANDARD.encode(mac.finalize().into_bytes()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use standardwebhooks::Webhook;

    use super::*;

    /// The specification's own example.
    #[test]
    fn the_published_vector_holds() {
        let secret = Secret::new(STANDARD.decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap());
        assert_eq!(shown(&secret), "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
        let signed =
            signature(&secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, r#"{"test": 2432232314}"#);
        assert_eq!(signed, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn another_implementation_signs_alike() {
        for byte in 0..=255 {
            let secret = Secret::new(vec![byte; 32]);
            let peer = Webhook::new(&shown(&secret)).unwrap();
            let (id, at, body) = (format!("id_{byte}"), 1_795_219_200 + u64::from(byte), "{\"é\":1}");
            let theirs = peer.sign(&id, i64::try_from(at).unwrap(), body.as_bytes()).unwrap();
            assert_eq!(signature(&secret, &id, at, body), theirs);
        }
    }

    #[test]
    fn a_secret_does_not_show_itself() {
        let secret = new_secret(&Entropy::from_fn(|| alloy::primitives::B256::repeat_byte(0xca)));
        assert!(shown(&secret).starts_with("whsec_ysrK"), "it is what we look for");
        assert_eq!(format!("{secret:?}"), "Secret");
    }
}
