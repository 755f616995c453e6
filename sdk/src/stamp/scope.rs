//! What a stamp's subject may pay, and for what: the opening of `scopeHash`.

use alloy::primitives::{Address, B256, keccak256};
use serde::{Deserialize, Serialize};

use super::wire::{Malformed, Reader, malformed};

const VERSION: u8 = 1;
/// The most entries one list holds.
pub(crate) const MAX_ENTRIES: usize = 64;
/// The longest scope, in canonical bytes.
pub(crate) const MAX_LENGTH: usize = 4096;
const MAX_HOST: usize = 253;

/// The assets, payees and hosts that a subject may pay; a list that is `None` allows any, an empty one none.
///
/// Canonical bytes: version 1, then assets, payees and hosts. Each list is `0`, or `1`, a count of at most 64 and
/// the entries in strictly ascending order: addresses as 20 bytes, hosts as a length byte and lower-case ASCII.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Scope {
    /// Tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assets: Option<Vec<Address>>,
    /// Who may be paid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payees: Option<Vec<Address>>,
    /// Hosts (with port, where it is not the scheme's own) whose resources may be paid for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hosts: Option<Vec<String>>,
}

impl Scope {
    /// Any payment.
    pub fn any() -> Self {
        Self::default()
    }

    /// Only these tokens.
    pub fn assets(mut self, assets: impl IntoIterator<Item = Address>) -> Self {
        self.assets = Some(assets.into_iter().collect());
        self
    }

    /// Only these payees.
    pub fn payees(mut self, payees: impl IntoIterator<Item = Address>) -> Self {
        self.payees = Some(payees.into_iter().collect());
        self
    }

    /// Only these hosts.
    pub fn hosts(mut self, hosts: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.hosts = Some(hosts.into_iter().map(Into::into).collect());
        self
    }

    /// The same scope with every list sorted, without duplicates, hosts in lower case.
    pub fn normalized(mut self) -> Self {
        for list in [&mut self.assets, &mut self.payees].into_iter().flatten() {
            list.sort_unstable();
            list.dedup();
        }
        if let Some(hosts) = &mut self.hosts {
            hosts.iter_mut().for_each(|host| host.make_ascii_lowercase());
            hosts.sort_unstable();
            hosts.dedup();
        }
        self
    }

    /// The bytes that are hashed and travel.
    ///
    /// # Errors
    /// When a list is too long, not sorted, or a host is not lower-case ASCII.
    pub fn canonical(&self) -> Result<Vec<u8>, Malformed> {
        let mut out = vec![VERSION];
        for list in [&self.assets, &self.payees] {
            put_list(&mut out, list.as_deref(), |out, address| {
                out.extend_from_slice(address.as_slice());
                Ok(())
            })?;
        }
        put_list(&mut out, self.hosts.as_deref(), |out, host| {
            check_host(host.as_bytes())?;
            // At most 253, as just checked.
            out.push(u8::try_from(host.len()).or(malformed("a host of at most 253 characters"))?);
            out.extend_from_slice(host.as_bytes());
            Ok(())
        })?;
        if out.len() > MAX_LENGTH { malformed("a scope of at most 4096 bytes") } else { Ok(out) }
    }

    /// keccak-256 of the canonical bytes: a stamp's `scopeHash`.
    ///
    /// # Errors
    /// As [`Self::canonical`].
    pub fn hash(&self) -> Result<B256, Malformed> {
        Ok(keccak256(self.canonical()?))
    }

    /// Reads canonical bytes; no two byte strings read as the same scope.
    ///
    /// # Errors
    /// When they are not canonical.
    pub fn from_canonical(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(bytes);
        if reader.u8("a scope")? != VERSION {
            return malformed("a scope of version 1");
        }
        let address = |reader: &mut Reader<'_>| reader.address("an address in the scope");
        let scope = Self {
            assets: read_list(&mut reader, address)?,
            payees: read_list(&mut reader, address)?,
            hosts: read_list(&mut reader, |reader| {
                let length = reader.u8("a host's length")?;
                let host = reader.bytes(usize::from(length), "a host")?;
                check_host(host)?;
                String::from_utf8(host.to_vec()).or(malformed("a host in ASCII"))
            })?,
        };
        reader.end("nothing after the scope")?;
        Ok(scope)
    }

    /// Whether this scope allows nothing that `parent` does not; else the list that is wider.
    pub fn wider_than(&self, parent: &Self) -> Option<&'static str> {
        if !within(self.assets.as_deref(), parent.assets.as_deref()) {
            return Some("assets");
        }
        if !within(self.payees.as_deref(), parent.payees.as_deref()) {
            return Some("payees");
        }
        (!within(self.hosts.as_deref(), parent.hosts.as_deref())).then_some("hosts")
    }
}

/// Whether a list that was read as canonical holds an entry.
pub(crate) fn allows<T: Ord>(list: Option<&[T]>, entry: &T) -> bool {
    list.is_none_or(|list| list.binary_search(entry).is_ok())
}

fn within<T: Ord>(child: Option<&[T]>, parent: Option<&[T]>) -> bool {
    match (child, parent) {
        (_, None) => true,
        (None, Some(_)) => false,
        (Some(child), Some(parent)) => child.iter().all(|entry| parent.binary_search(entry).is_ok()),
    }
}

fn check_host(host: &[u8]) -> Result<(), Malformed> {
    let fits = (1..=MAX_HOST).contains(&host.len());
    let plain = |byte: &u8| {
        byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'.' | b':' | b'[' | b']')
    };
    if fits && host.iter().all(plain) {
        Ok(())
    } else {
        malformed("a host in lower-case ASCII, 1 to 253 characters")
    }
}

fn put_list<T: Ord>(
    out: &mut Vec<u8>,
    list: Option<&[T]>,
    put: impl Fn(&mut Vec<u8>, &T) -> Result<(), Malformed>,
) -> Result<(), Malformed> {
    let Some(list) = list else {
        out.push(0);
        return Ok(());
    };
    let Some(count) = u8::try_from(list.len()).ok().filter(|count| usize::from(*count) <= MAX_ENTRIES) else {
        return malformed("at most 64 entries in a list of the scope");
    };
    if !list.is_sorted_by(|a, b| a < b) {
        return malformed("lists of the scope sorted, without duplicates");
    }
    out.extend_from_slice(&[1, count]);
    list.iter().try_for_each(|entry| put(out, entry))
}

fn read_list<T: Ord>(
    reader: &mut Reader<'_>,
    read: impl Fn(&mut Reader<'_>) -> Result<T, Malformed>,
) -> Result<Option<Vec<T>>, Malformed> {
    match reader.u8("a list of the scope")? {
        0 => return Ok(None),
        1 => {}
        _ => return malformed("a list of the scope that starts with 0 or 1"),
    }
    let count = usize::from(reader.u8("a list's length")?);
    if count > MAX_ENTRIES {
        return malformed("at most 64 entries in a list of the scope");
    }
    let mut list = Vec::with_capacity(count);
    for _ in 0..count {
        let entry = read(reader)?;
        if list.last().is_some_and(|last| *last >= entry) {
            return malformed("lists of the scope sorted, without duplicates");
        }
        list.push(entry);
    }
    Ok(Some(list))
}
