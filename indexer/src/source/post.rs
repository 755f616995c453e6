//! Asking over HTTP for the answer as it came: what is large is read once, into what it is, where alloy's transport reads it
//! twice and keeps a copy in between.

use std::time::Duration;

use alloy::{
    rpc::json_rpc::{RequestPacket, ResponsePacket},
    transports::{
        TransportError, TransportErrorKind,
        http::reqwest::{Client, header::RETRY_AFTER},
    },
};
use url::Url;

/// So much room is made at a word of how long an answer is; for what is longer, as it comes.
const MOST_AT_A_WORD: u64 = 8 << 20;

/// An address that questions are posted to.
#[derive(Clone)]
pub(super) struct Post {
    client: Client,
    url: Url,
}

/// What came back.
pub(super) enum Body {
    /// With a status that says that all is well.
    Fine(Vec<u8>),
    /// An error that says what it is of.
    Refused(ResponsePacket),
}

impl std::fmt::Debug for Post {
    /// Without the address, which may hold a key.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Post").finish_non_exhaustive()
    }
}

impl Post {
    pub(super) fn new(client: Client, url: Url) -> Self {
        Self { client, url }
    }

    /// Asks; errors are as those of alloy's transport.
    pub(super) async fn ask(&self, packet: &RequestPacket) -> Result<Body, TransportError> {
        let request = self.client.post(self.url.clone()).headers(packet.headers()).json(packet);
        let mut response = request.send().await.map_err(TransportErrorKind::custom)?;
        let status = response.status();
        let after = response.headers().get(RETRY_AFTER).and_then(|after| after.to_str().ok());
        let after = after.and_then(|after| after.trim().parse().ok()).map(Duration::from_secs);
        let said = response.content_length().unwrap_or_default().min(MOST_AT_A_WORD);
        let mut body = Vec::with_capacity(usize::try_from(said).unwrap_or_default());
        let refused =
            |said: String| TransportErrorKind::http_error_with_retry_after(status.as_u16(), said, after);
        loop {
            match response.chunk().await {
                Ok(Some(some)) => body.extend_from_slice(&some),
                Ok(None) => break,
                Err(_) if !status.is_success() => return Err(refused("its words were cut off".into())),
                Err(error) => return Err(TransportErrorKind::custom(error)),
            }
        }
        if status.is_success() {
            return Ok(Body::Fine(body));
        }
        match serde_json::from_slice::<ResponsePacket>(&body) {
            Ok(told) if told.is_error() => Ok(Body::Refused(told)),
            _ => Err(refused(String::from_utf8_lossy(&body).into_owned())),
        }
    }
}
