//! Where a store is.

use std::{fmt, path::PathBuf, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use sqlx::postgres::PgConnectOptions;
use url::Url;

use super::STATEMENTS;

/// Where a store is: `sqlite:PATH` or a bare path, or `postgres://USER:PASSWORD@HOST/DATABASE`. It shows itself without
/// the password, wherever it shows itself.
#[derive(Clone)]
pub struct StoreUrl(pub(super) Place);

#[derive(Clone)]
pub(super) enum Place {
    File(PathBuf),
    Server { options: Box<PgConnectOptions>, shown: String },
}

/// Why a text tells of no store. What came is not repeated: it may hold a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreUrlError {
    /// Nothing.
    #[error("expected a store (sqlite:PATH, a path, or postgres://USER@HOST/DATABASE), got none")]
    Empty,
    /// Another kind of database.
    #[error(
        "expected a store (sqlite:PATH, a path, or postgres://USER@HOST/DATABASE), got one of scheme {got:?}"
    )]
    Scheme {
        /// What came.
        got: String,
    },
    /// No address of a server.
    #[error("expected a store at postgres://USER@HOST/DATABASE, got an address that does not read: {why}")]
    Malformed {
        /// What is wrong with it.
        why: String,
    },
}

impl FromStr for StoreUrl {
    type Err = StoreUrlError;

    fn from_str(text: &str) -> Result<Self, StoreUrlError> {
        let (scheme, rest) = text.split_once(':').unwrap_or(("sqlite", text));
        match scheme {
            "postgres" | "postgresql" => server(text),
            "sqlite" => Self::file(rest.strip_prefix("//").unwrap_or(rest)),
            other if rest.starts_with("//") => Err(StoreUrlError::Scheme { got: other.to_owned() }),
            _ => Self::file(text),
        }
    }
}

impl StoreUrl {
    /// SQLite in that file.
    ///
    /// # Errors
    /// When there is no name of a file.
    pub fn file(path: impl Into<PathBuf>) -> Result<Self, StoreUrlError> {
        let path = path.into();
        if path.as_os_str().is_empty() {
            return Err(StoreUrlError::Empty);
        }
        Ok(Self(Place::File(path)))
    }
}

impl StoreUrl {
    /// Whether it is the same store as another, as far as the two texts tell: a file by its path, a server by all that says
    /// what to connect to.
    pub fn is_same(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (Place::File(one), Place::File(other)) => one == other,
            (Place::Server { options: one, .. }, Place::Server { options: other, .. }) => {
                let place = |of: &PgConnectOptions| {
                    (
                        of.get_host().to_owned(),
                        of.get_port(),
                        of.get_database().map(str::to_owned),
                        of.get_options().map(str::to_owned),
                    )
                };
                place(one) == place(other)
            }
            _ => false,
        }
    }
}

/// How many statements a connection keeps ready; none where something between us and the server gives each statement
/// another connection.
const CAPACITY: &str = "statement-cache-capacity";

/// What may stand behind the `?`. sqlx would log others with their values and go on without them.
const PARAMETERS: &[&str] = &[
    "sslmode",
    "sslrootcert",
    "sslcert",
    "sslkey",
    "host",
    "hostaddr",
    "port",
    "dbname",
    "user",
    "password",
    "application_name",
    "options",
    CAPACITY,
];

fn is_parameter(name: &str) -> bool {
    PARAMETERS.contains(&name) || (name.starts_with("options[") && name.ends_with(']'))
}

fn server(text: &str) -> Result<StoreUrl, StoreUrlError> {
    let url = Url::parse(text).map_err(|error| StoreUrlError::Malformed { why: error.to_string() })?;
    if url.cannot_be_a_base() {
        return Err(StoreUrlError::Malformed { why: "no // after the scheme".into() });
    }
    if let Some((name, _)) = url.query_pairs().find(|(name, _)| !is_parameter(name)) {
        return Err(StoreUrlError::Malformed { why: format!("there is no parameter {name:?}") });
    }
    // What sqlx says of a value may repeat it.
    let why = || "a part or a parameter is not one that PostgreSQL takes".to_owned();
    let mut options =
        PgConnectOptions::from_str(text).map_err(|_| StoreUrlError::Malformed { why: why() })?;
    if !url.query_pairs().any(|(name, _)| name == CAPACITY) {
        options = options.statement_cache_capacity(STATEMENTS);
    }
    let mut shown = url.clone();
    shown.set_query(None);
    shown.set_fragment(None);
    if shown.password().is_some() {
        shown.set_password(None).map_err(|()| StoreUrlError::Malformed { why: why() })?;
    }
    Ok(StoreUrl(Place::Server { options: Box::new(options), shown: shown.into() }))
}

impl fmt::Display for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Place::File(path) => write!(f, "sqlite:{}", path.display()),
            Place::Server { shown, .. } => f.write_str(shown),
        }
    }
}

impl fmt::Debug for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StoreUrl({self})")
    }
}

/// Without the password: for people to read, not to connect with.
impl Serialize for StoreUrl {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for StoreUrl {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> Result<String, StoreUrlError> {
        text.parse().map(|url: StoreUrl| url.to_string())
    }

    #[test]
    fn a_path_is_a_file_with_or_without_its_scheme() {
        for (text, path) in [
            ("bursar.sqlite", "bursar.sqlite"),
            ("/var/lib/bursar.sqlite", "/var/lib/bursar.sqlite"),
            ("sqlite:bursar.sqlite", "bursar.sqlite"),
            ("sqlite:///var/lib/bursar.sqlite", "/var/lib/bursar.sqlite"),
            ("odd:name", "odd:name"),
        ] {
            assert_eq!(shown(text), Ok(format!("sqlite:{path}")), "{text}");
        }
    }

    #[test]
    fn what_is_no_store_is_refused_by_name() {
        assert_eq!(shown(""), Err(StoreUrlError::Empty));
        assert_eq!(shown("sqlite:"), Err(StoreUrlError::Empty));
        assert_eq!(shown("mysql://host/db"), Err(StoreUrlError::Scheme { got: "mysql".into() }));
        for text in [
            "postgres:bursar",
            "postgres://host:99999/db",
            "postgres://h/db?sslmode=maybe",
            "postgres://h/db?passwd=x",
        ] {
            assert!(matches!(shown(text), Err(StoreUrlError::Malformed { .. })), "{text}: {:?}", shown(text));
        }
    }

    #[test]
    fn the_password_shows_nowhere() -> anyhow::Result<()> {
        for text in [
            "postgres://ada:hunter2@db.example:5433/ledger",
            "postgresql://ada@db.example/ledger?password=hunter2",
            "postgres://ada:hunter2@db.example/ledger?sslmode=require#hunter2",
        ] {
            let url: StoreUrl = text.parse()?;
            let all = format!("{url} {url:?} {}", serde_json::to_string(&url)?);
            assert!(!all.contains("hunter2") && all.contains("ada@db.example"), "{all}");
        }
        for bad in ["postgres://ada:hunter2@host:99999/db", "postgres://ada:hunter2@host/db?sslmode=hunter2"]
        {
            let error = shown(bad).err().map(|error| format!("{error} {error:?}")).unwrap_or_default();
            assert!(!error.is_empty() && !error.contains("hunter2"), "{error}");
        }
        Ok(())
    }
}
