//! A stamp with everything that shows it to be good: the links from root to leaf, and what proves the subject.

use alloy::primitives::{Address, B256, keccak256};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};

use super::{
    domain::StampDomain,
    proof::SessionProof,
    scope::{self, Scope},
    signature::StampSignature,
    token::Stamp,
    windows::{self, Windows},
    wire::{Malformed, Reader, malformed},
};

const VERSION: u8 = 1;
/// The most links of a chain: a root and three delegations.
pub const MAX_LINKS: usize = 4;
/// The longest bundle, in bytes.
pub const MAX_BUNDLE: usize = 12_288;

/// One stamp of a chain, with the openings of its hashes and its issuer's signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// The stamp.
    pub stamp: Stamp,
    /// The opening of its `scopeHash`.
    pub scope: Scope,
    /// The opening of its `windowsHash`.
    pub windows: Windows,
    /// Its issuer's signature over its hash.
    pub signature: StampSignature,
}

impl Link {
    fn put(&self, out: &mut Vec<u8>) -> Result<(), Malformed> {
        self.stamp.put(out);
        put_sized(out, &self.scope.canonical()?)?;
        put_sized(out, &self.windows.canonical()?)?;
        self.signature.put(out)
    }

    /// Reads a link, and whether the openings that travel with it are those of its hashes.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<(Self, Openings), Malformed> {
        let mut reader = Reader::new(bytes);
        let stamp = Stamp::read(&mut reader)?;
        let length = reader.u16("the scope's length")?;
        if usize::from(length) > scope::MAX_LENGTH {
            return malformed("a scope of at most 4096 bytes");
        }
        let scope = reader.bytes(length.into(), "the scope")?;
        let length = reader.u16("the windows' length")?;
        if usize::from(length) > windows::MAX_LENGTH {
            return malformed("windows of at most 66 bytes");
        }
        let windows = reader.bytes(length.into(), "the windows")?;
        let signature = StampSignature::read(&mut reader)?;
        reader.end("nothing after the link")?;
        let openings = Openings { scope: keccak256(scope), windows: keccak256(windows) };
        let link = Self {
            stamp,
            scope: Scope::from_canonical(scope)?,
            windows: Windows::from_canonical(windows)?,
            signature,
        };
        Ok((link, openings))
    }
}

/// What the openings that travelled with a link hash to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Openings {
    pub(crate) scope: B256,
    pub(crate) windows: B256,
}

/// A chain of stamps from its root, with what proves the subject.
///
/// Travels as [`Self::encode`] writes it: `1 | chain id (8) | treasury (20) | links (1) | each link's length (2) and
/// bytes | session's length (2) and bytes | request key (0, or 1 and 32 bytes)`, big-endian, without a byte more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StampBundle {
    /// Whose stamps.
    pub domain: StampDomain,
    /// From root to leaf; 1 to 4.
    pub links: Vec<Link>,
    /// The session in which it is shown.
    pub session: Option<SessionProof>,
    /// The Ed25519 key that signs the subject's HTTP requests; the leaf's `httpsigJkt` is its thumbprint.
    pub request_key: Option<[u8; 32]>,
}

impl StampBundle {
    /// The leaf stamp; `None` without links.
    pub fn leaf(&self) -> Option<&Link> {
        self.links.last()
    }

    /// The leaf stamp's hash: what a session opening names as `stampHash`; zero without links.
    pub fn hash(&self) -> B256 {
        self.leaf().map_or(B256::ZERO, |link| link.stamp.hash(&self.domain))
    }

    /// The bytes that travel.
    ///
    /// # Errors
    /// When the openings are not canonical, or it is longer than a bundle may be.
    pub fn encode(&self) -> Result<Vec<u8>, Malformed> {
        let mut out = vec![VERSION];
        out.extend_from_slice(&self.domain.chain_id.to_be_bytes());
        out.extend_from_slice(self.domain.treasury.as_slice());
        let count = self.links.len();
        let Some(count) = u8::try_from(count).ok().filter(|n| (1..=MAX_LINKS).contains(&usize::from(*n)))
        else {
            return malformed("1 to 4 links");
        };
        out.push(count);
        let mut part = Vec::new();
        for link in &self.links {
            part.clear();
            link.put(&mut part)?;
            put_sized(&mut out, &part)?;
        }
        part.clear();
        if let Some(session) = &self.session {
            session.put(&mut part)?;
        }
        put_sized(&mut out, &part)?;
        out.push(u8::from(self.request_key.is_some()));
        out.extend_from_slice(self.request_key.as_ref().map_or(&[], |key| &key[..]));
        if out.len() > MAX_BUNDLE { malformed("a bundle of at most 12288 bytes") } else { Ok(out) }
    }

    /// Reads a bundle. Says nothing about validity: a [`super::Verifier`] does.
    ///
    /// # Errors
    /// When the bytes have another shape.
    pub fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        let view = BundleView::read(bytes)?;
        if view.count > MAX_LINKS {
            return malformed("1 to 4 links");
        }
        let links =
            view.links().map(|link| Ok(Link::from_bytes(link)?.0)).collect::<Result<Vec<_>, Malformed>>()?;
        Ok(Self {
            domain: StampDomain::new(view.chain_id, view.treasury),
            links,
            session: view.session.map(SessionProof::from_bytes).transpose()?,
            request_key: view.request_key,
        })
    }

    /// As text: base64url without padding.
    ///
    /// # Errors
    /// As [`Self::encode`].
    pub fn to_text(&self) -> Result<String, Malformed> {
        Ok(BASE64_URL_SAFE_NO_PAD.encode(self.encode()?))
    }

    /// Reads text as [`Self::to_text`] writes it.
    ///
    /// # Errors
    /// When it is longer than a bundle may be, no base64url, or of another shape.
    pub fn from_text(text: &str) -> Result<Self, Malformed> {
        Self::decode(&bytes_of_text(text, MAX_BUNDLE)?)
    }
}

/// The bytes of base64url text; its length is looked at first.
pub(crate) fn bytes_of_text(text: &str, most: usize) -> Result<Vec<u8>, Malformed> {
    if text.len() > most.div_ceil(3) * 4 {
        return malformed("text no longer than a bundle");
    }
    BASE64_URL_SAFE_NO_PAD.decode(text).or(malformed("base64url without padding"))
}

fn put_sized(out: &mut Vec<u8>, part: &[u8]) -> Result<(), Malformed> {
    let Ok(length) = u16::try_from(part.len()) else { return malformed("parts of at most 65535 bytes") };
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(part);
    Ok(())
}

/// A bundle taken apart, its parts unread.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BundleView<'a> {
    pub(crate) chain_id: u64,
    pub(crate) treasury: Address,
    /// How many links it says it has: more than [`MAX_LINKS`] are not taken apart.
    pub(crate) count: usize,
    links: [&'a [u8]; MAX_LINKS],
    pub(crate) session: Option<&'a [u8]>,
    pub(crate) request_key: Option<[u8; 32]>,
}

impl<'a> BundleView<'a> {
    pub(crate) fn read(bytes: &'a [u8]) -> Result<Self, Malformed> {
        if bytes.len() > MAX_BUNDLE {
            return malformed("a bundle of at most 12288 bytes");
        }
        let mut reader = Reader::new(bytes);
        if reader.u8("a bundle")? != VERSION {
            return malformed("a bundle of version 1");
        }
        let chain_id = reader.u64("a chain id")?;
        let treasury = reader.address("a treasury")?;
        let count = usize::from(reader.u8("the number of links")?);
        let mut view =
            Self { chain_id, treasury, count, links: [&[]; MAX_LINKS], session: None, request_key: None };
        if count > MAX_LINKS {
            return Ok(view);
        }
        if count == 0 {
            return malformed("1 to 4 links");
        }
        for link in &mut view.links[..count] {
            let length = reader.u16("a link's length")?;
            *link = reader.bytes(length.into(), "a link")?;
        }
        let length = reader.u16("the session's length")?;
        let session = reader.bytes(length.into(), "a session")?;
        view.session = (!session.is_empty()).then_some(session);
        view.request_key = match reader.u8("a request key, or 0")? {
            0 => None,
            1 => Some(reader.array("a request key of 32 bytes")?),
            _ => return malformed("a request key, or 0"),
        };
        reader.end("nothing after the bundle")?;
        Ok(view)
    }

    pub(crate) fn links(&self) -> impl ExactSizeIterator<Item = &'a [u8]> + use<'a> {
        let Self { links, count, .. } = *self;
        links.into_iter().take(count)
    }
}
