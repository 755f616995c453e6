use std::{fmt, net::SocketAddr};

use serde::{Deserialize, Serialize};

/// Whether a credential is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Everybody who reaches the service is answered: programs on this machine.
    #[default]
    Open,
    /// Whoever has a key.
    Keys,
}

/// A service without credentials that others could reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "expected an address of this machine alone (127.0.0.1, [::1]) to listen on without credentials, got {got}: set \
     access.mode = \"keys\" and make keys with `bursar key create`, or listen on this machine alone"
)]
pub struct OpenToOthers {
    /// Where it was to listen.
    pub got: SocketAddr,
}

impl Mode {
    /// Holds where a service is to listen against whom it answers.
    ///
    /// # Errors
    /// When it would answer everybody, from other machines, too.
    pub fn check(self, listen: SocketAddr) -> Result<(), OpenToOthers> {
        let here = listen.ip().to_canonical().is_loopback();
        if self == Self::Keys || here { Ok(()) } else { Err(OpenToOthers { got: listen }) }
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Open => "open",
            Self::Keys => "keys",
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn without_credentials_only_this_machine_is_answered() {
        for (listen, here) in [
            ("127.0.0.1:0", true),
            ("127.255.255.255:1", true),
            ("[::1]:1", true),
            ("[::ffff:127.0.0.1]:1", true),
            ("0.0.0.0:1", false),
            ("[::]:1", false),
            ("126.255.255.255:1", false),
            ("128.0.0.0:1", false),
            ("[::2]:1", false),
            ("[::ffff:10.0.0.1]:1", false),
            ("192.168.1.2:1", false),
        ] {
            let listen: SocketAddr = listen.parse().unwrap();
            let expected = if here { Ok(()) } else { Err(OpenToOthers { got: listen }) };
            assert_eq!(Mode::Open.check(listen), expected, "{listen}");
            assert_eq!(Mode::Keys.check(listen), Ok(()), "{listen}");
        }
    }
}
