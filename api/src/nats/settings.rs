use std::{
    fmt,
    net::Ipv4Addr,
    path::{Path, PathBuf},
};

use async_nats::ConnectOptions;
use serde::{Deserialize, Serialize};
use url::{Host, Url};

/// A day, in seconds.
const DAY: u64 = 86_400;
/// The most days whose nanoseconds the server has a number for.
const MOST_DAYS: u32 = 106_751;

/// Where events are published: `[nats]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The server.
    pub url: Server,
    /// The stream; it is made where there is none.
    #[serde(default = "name")]
    pub stream: String,
    /// What subjects begin with: tokens, with dots between.
    #[serde(default = "name")]
    pub subject_prefix: String,
    /// A user with a password.
    #[serde(default)]
    pub user: Option<String>,
    /// A file with that password, readable by its owner alone.
    #[serde(default)]
    pub password_file: Option<PathBuf>,
    /// A file with a token, readable by its owner alone.
    #[serde(default)]
    pub token_file: Option<PathBuf>,
    /// How many days a stream that is made keeps messages; 0: for ever.
    #[serde(default = "month")]
    pub max_age_days: u32,
    /// How many bytes it keeps at most, the newest; 0: as many as the server lets it.
    #[serde(default)]
    pub max_bytes: u64,
}

fn name() -> String {
    "bursar".into()
}

fn month() -> u32 {
    30
}

/// A server's address: `nats://HOST:PORT`, or `tls://HOST:PORT` where no other connection will do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Server(Url);

impl Server {
    /// The address itself.
    pub fn url(&self) -> &Url {
        &self.0
    }

    /// Whether no other connection will do.
    pub(super) fn is_tls(&self) -> bool {
        self.0.scheme() == "tls"
    }

    /// Whether what is sent there may be read on its way.
    fn is_open(&self) -> bool {
        let here = match self.0.host() {
            // To a scheme that is no browser's, an address of four numbers is a name.
            Some(Host::Domain(name)) => {
                name == "localhost" || name.parse().is_ok_and(|address: Ipv4Addr| address.is_loopback())
            }
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        };
        !self.is_tls() && !here
    }
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl From<Server> for String {
    fn from(server: Server) -> Self {
        server.0.into()
    }
}

impl TryFrom<String> for Server {
    type Error = SettingsError;

    fn try_from(text: String) -> Result<Self, SettingsError> {
        let url: Url = text.parse().map_err(|_| SettingsError::Address)?;
        let named = matches!(url.scheme(), "nats" | "tls") && url.host_str().is_some_and(|it| !it.is_empty());
        let secret = !url.username().is_empty() || url.password().is_some();
        let more = !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some();
        if named && !secret && !more { Ok(Self(url)) } else { Err(SettingsError::Address) }
    }
}

/// Settings that do not hold together. What may be a secret is not repeated.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// No server's address.
    #[error(
        "nats.url: expected nats://HOST:PORT or tls://HOST:PORT, without a path; who publishes is told beside it \
         (user with password_file, or token_file)"
    )]
    Address,
    /// A name that the server takes for something else.
    #[error(
        "nats.{what}: expected letters, digits, - and _ (in subject_prefix with dots between), got {got:?}"
    )]
    Name {
        /// Which.
        what: &'static str,
        /// What came.
        got: String,
    },
    /// More bytes than there are numbers for.
    #[error("nats.max_bytes: expected {} at most, got {got}", i64::MAX)]
    Bytes {
        /// What came.
        got: u64,
    },
    /// More days than there are nanoseconds for, in which the server counts.
    #[error("nats.max_age_days: expected {MOST_DAYS} at most, got {got}")]
    Days {
        /// What came.
        got: u32,
    },
    /// Several ways to say who publishes, or half of one.
    #[error("nats: expected token_file, or user with password_file, or none of them")]
    Who,
    /// A secret for a server that is reached in the open.
    #[error("nats.url: expected tls:// for a secret that leaves this machine, got nats://")]
    Open,
    /// A file without a secret.
    #[error("nats.{what}: expected a secret in that file, got none")]
    Empty {
        /// Which.
        what: &'static str,
    },
}

impl Settings {
    /// Refuses what no server would take.
    pub(super) fn check(&self) -> Result<(), SettingsError> {
        let plain = |token: &str| {
            let known = |it: char| it.is_ascii_alphanumeric() || matches!(it, '-' | '_');
            !token.is_empty() && token.chars().all(known)
        };
        let prefix = self.subject_prefix.split('.').all(plain);
        for (what, holds, text) in
            [("stream", plain(&self.stream), &self.stream), ("subject_prefix", prefix, &self.subject_prefix)]
        {
            if !holds {
                return Err(SettingsError::Name { what, got: text.clone() });
            }
        }
        i64::try_from(self.max_bytes).map_err(|_| SettingsError::Bytes { got: self.max_bytes })?;
        if self.max_age_days > MOST_DAYS {
            return Err(SettingsError::Days { got: self.max_age_days });
        }
        Ok(())
    }

    /// Who publishes, with the secret that `read` finds in a file.
    ///
    /// # Errors
    /// When the settings say it in several ways or by half, the file does not read or holds nothing, or the secret would go
    /// over a network in the open.
    pub fn credentials<E>(&self, read: impl Fn(&Path) -> Result<String, E>) -> Result<Credentials, E>
    where
        E: From<SettingsError>,
    {
        let secret = |what, path: &Path| -> Result<String, E> {
            let text = read(path)?.trim().to_owned();
            if text.is_empty() { Err(SettingsError::Empty { what }.into()) } else { Ok(text) }
        };
        match (&self.user, &self.password_file, &self.token_file) {
            (None, None, None) => Ok(Credentials::None),
            (Some(_), Some(_), None) | (None, None, Some(_)) if self.url.is_open() => {
                Err(SettingsError::Open.into())
            }
            (Some(user), Some(path), None) => {
                Ok(Credentials::User { name: user.clone(), password: secret("password_file", path)? })
            }
            (None, None, Some(path)) => Ok(Credentials::Token(secret("token_file", path)?)),
            _ => Err(SettingsError::Who.into()),
        }
    }

    /// How long a stream that is made keeps a message, in seconds; 0: for ever.
    pub(super) fn max_age(&self) -> u64 {
        u64::from(self.max_age_days) * DAY
    }
}

/// Who publishes. Shows no secret.
#[derive(Clone, PartialEq, Eq)]
pub enum Credentials {
    /// Nobody in particular.
    None,
    /// A user.
    User {
        /// Called so.
        name: String,
        /// With this password.
        password: String,
    },
    /// Whoever has this token.
    Token(String),
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("None"),
            Self::User { name, .. } => f.debug_struct("User").field("name", name).finish_non_exhaustive(),
            Self::Token(_) => f.write_str("Token"),
        }
    }
}

impl Credentials {
    /// How to connect as that.
    pub(super) fn options(&self) -> ConnectOptions {
        let options = ConnectOptions::new();
        match self {
            Self::None => options,
            Self::User { name, password } => options.user_and_password(name.clone(), password.clone()),
            Self::Token(token) => options.token(token.clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Settings, serde_json::Error> {
        serde_json::from_str(text)
    }

    #[test]
    fn servers_are_named_without_secrets() {
        for good in ["nats://127.0.0.1:4222", "tls://nats.example", "nats://[::1]:4222/"] {
            assert!(read(&format!("{{\"url\":\"{good}\"}}")).is_ok(), "{good}");
        }
        for bad in [
            "127.0.0.1:4222",
            "localhost:4222",
            "http://127.0.0.1:4222",
            "nats://",
            "nats://ada:hunter2@nats.example",
            "nats://hunter2@nats.example",
            "nats://nats.example/hunter2",
            "nats://nats.example?hunter2",
            "",
        ] {
            let error = read(&format!("{{\"url\":\"{bad}\"}}")).map_err(|error| error.to_string());
            let error = error.err().unwrap_or_default();
            assert!(error.contains("nats.url: expected nats://HOST:PORT"), "{bad}: {error}");
            assert!(!error.contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn names_that_mean_something_to_the_server_are_refused() -> Result<(), serde_json::Error> {
        let good = read("{\"url\":\"nats://a\",\"subject_prefix\":\"acme.pay-1\"}")?;
        assert_eq!((good.check(), good.stream.as_str(), good.max_age()), (Ok(()), "bursar", 30 * DAY));
        for name in ["", "a.b", "a b", "a*", ">", "a/b", "ä"] {
            let bad = Settings { stream: name.into(), ..good.clone() };
            assert_eq!(bad.check(), Err(SettingsError::Name { what: "stream", got: name.into() }));
        }
        for name in ["", ".", "a.", ".a", "a..b", "a.*", "a.>", "$JS"] {
            let bad = Settings { subject_prefix: name.into(), ..good.clone() };
            assert_eq!(bad.check(), Err(SettingsError::Name { what: "subject_prefix", got: name.into() }));
        }
        let most = u64::MAX >> 1;
        assert_eq!(Settings { max_bytes: most, ..good.clone() }.check(), Ok(()));
        let bad = Settings { max_bytes: most + 1, ..good.clone() };
        assert_eq!(bad.check(), Err(SettingsError::Bytes { got: most + 1 }));
        let long = Settings { max_age_days: MOST_DAYS, ..good.clone() };
        assert_eq!(long.check(), Ok(()));
        assert!(i64::try_from(long.max_age() * 1_000_000_000).is_ok());
        let bad = Settings { max_age_days: MOST_DAYS + 1, ..good };
        assert!(i64::try_from(bad.max_age() * 1_000_000_000).is_err());
        assert_eq!(bad.check(), Err(SettingsError::Days { got: MOST_DAYS + 1 }));
        Ok(())
    }

    #[test]
    fn who_publishes_is_said_in_one_way_and_not_shown() -> Result<(), Box<dyn std::error::Error>> {
        let with = |more: &str| read(&format!("{{\"url\":\"tls://a\"{more}}}"));
        let secret = |_: &Path| Ok::<_, SettingsError>(" hunter2\n".to_owned());
        let user = with(",\"user\":\"ada\",\"password_file\":\"p\"")?.credentials(secret)?;
        assert_eq!(user, Credentials::User { name: "ada".into(), password: "hunter2".into() });
        let token = with(",\"token_file\":\"t\"")?.credentials(secret)?;
        assert_eq!(with("")?.credentials(secret)?, Credentials::None);
        let shown = format!("{user:?} {token:?}");
        assert!(shown.contains("ada") && !shown.contains("hunter2"), "{shown}");
        for half in [
            ",\"user\":\"ada\"",
            ",\"password_file\":\"p\"",
            ",\"user\":\"ada\",\"token_file\":\"t\"",
            ",\"user\":\"ada\",\"password_file\":\"p\",\"token_file\":\"t\"",
        ] {
            assert_eq!(with(half)?.credentials(secret), Err(SettingsError::Who), "{half}");
        }
        assert_eq!(
            SettingsError::Who.to_string(),
            "nats: expected token_file, or user with password_file, or none of them"
        );
        for (url, is_taken) in [
            ("nats://127.0.0.1:4222", true),
            ("nats://127.9.9.9", true),
            ("nats://localhost", true),
            ("nats://[::1]:4222", true),
            ("tls://nats.example", true),
            ("nats://nats.example", false),
            ("nats://10.0.0.1", false),
            ("nats://[::2]", false),
            ("nats://localhost.example", false),
            ("nats://127.0.0.1.example", false),
        ] {
            let settings = read(&format!("{{\"url\":\"{url}\",\"token_file\":\"t\"}}"))?;
            let expected = if is_taken { Ok(token.clone()) } else { Err(SettingsError::Open) };
            assert_eq!(settings.credentials(secret), expected, "{url}");
        }
        let nothing = |_: &Path| Ok::<_, SettingsError>("\n".to_owned());
        let empty = with(",\"token_file\":\"t\"")?.credentials(nothing);
        assert_eq!(empty, Err(SettingsError::Empty { what: "token_file" }));
        Ok(())
    }
}
