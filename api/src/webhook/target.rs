//! Where may be delivered to: https on the public internet, or this machine.
//!
//! An address that somebody subscribes must not make this service ask its neighbours. Names are resolved once for each
//! connection, and connected to is what was checked.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

/// Why nothing is delivered to an address. Says nothing of what is in it: it may be as good as a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// Not https, and not on this machine.
    #[error("expected an https address; http is for this machine only (localhost, 127.0.0.1, [::1])")]
    NotHttps,
    /// It names nobody.
    #[error("expected an address with a host")]
    NoHost,
    /// It carries a password or a fragment, which no request does.
    #[error("expected an address without user, password and fragment")]
    Extras,
    /// On a private network.
    #[error(
        "expected an address on the public internet, got one on a private network (--allow-private takes it)"
    )]
    Private,
}

/// Holds an address against the rules, as far as it can be told without resolving it.
///
/// # Errors
/// When nothing may be delivered to it.
pub fn check(url: &Url, private: bool) -> Result<(), TargetError> {
    let host = url.host().ok_or(TargetError::NoHost)?;
    if !url.username().is_empty() || url.password().is_some() || url.fragment().is_some() {
        return Err(TargetError::Extras);
    }
    let here = is_here(&host);
    match url.scheme() {
        "https" => {}
        "http" if here => {}
        _ => return Err(TargetError::NotHttps),
    }
    let public = match host {
        Host::Domain(_) => true,
        Host::Ipv4(ip) => is_public(ip.into()),
        Host::Ipv6(ip) => is_public(ip.into()),
    };
    if public || here || private { Ok(()) } else { Err(TargetError::Private) }
}

fn is_here(host: &Host<&str>) -> bool {
    match host {
        Host::Domain(name) => is_localhost(name),
        Host::Ipv4(ip) => ip.is_loopback(),
        Host::Ipv6(ip) => ip.is_loopback(),
    }
}

fn is_localhost(name: &str) -> bool {
    name.eq_ignore_ascii_case("localhost")
}

/// Resolves names to addresses that may be connected to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Resolver {
    /// Whether those may be on a private network.
    pub(super) private: bool,
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let private = self.private;
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let fit: Vec<SocketAddr> =
                found.filter(|address| fits(name.as_str(), address.ip(), private)).collect();
            if fit.is_empty() {
                return Err(TargetError::Private.into());
            }
            Ok(Box::new(fit.into_iter()) as Addrs)
        })
    }
}

fn fits(name: &str, ip: IpAddr, private: bool) -> bool {
    if is_localhost(name) { ip.is_loopback() } else { private || is_public(ip) }
}

/// Whether an address is one of the public internet's.
fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => is_public_v4(ip),
        IpAddr::V6(ip) => is_public_v6(ip),
    }
}

/// By the registry of special-purpose addresses (RFC 6890).
fn is_public_v4(ip: Ipv4Addr) -> bool {
    let [a, b, c, _] = ip.octets();
    let special = matches!(
        (a, b, c),
        (0 | 10 | 127 | 224.., ..)
            | (100, 64..=127, _)
            | (169, 254, _)
            | (172, 16..=31, _)
            | (192, 168, _)
            | (192, 0, 0 | 2)
            | (192, 88, 99)
            | (198, 18 | 19, _)
            | (198, 51, 100)
            | (203, 0, 113)
    );
    !special
}

/// Global unicast, without what leads to IPv4 or nowhere. An address that holds an IPv4 one is as public as that.
fn is_public_v6(ip: Ipv6Addr) -> bool {
    let [a, b, c, d, e, f, g, h] = ip.segments();
    let v4 = |high: u16, low: u16| {
        let ([p, q], [r, s]) = (high.to_be_bytes(), low.to_be_bytes());
        is_public_v4(Ipv4Addr::new(p, q, r, s))
    };
    match (a, b, c, d, e, f) {
        (0, 0, 0, 0, 0, 0xffff) | (0x64, 0xff9b, 0, 0, 0, 0) => v4(g, h),
        (0x2002, ..) => v4(b, c),
        (0x2001, 0..=0x1ff | 0xdb8, ..) | (0x3fff, 0..=0xfff, ..) => false,
        _ => (0x2000..=0x3fff).contains(&a),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn checked(url: &str, private: bool) -> Result<(), TargetError> {
        check(&url.parse().unwrap(), private)
    }

    #[test]
    fn only_https_and_this_machine_are_taken() {
        for good in [
            "https://hooks.example/x?token=1",
            "https://93.184.216.34/",
            "https://[2606:2800:220:1::1]/",
            "http://localhost:9/",
            "http://127.0.0.1:9/",
            "http://[::1]:9/",
            "https://localhost/",
        ] {
            assert_eq!(checked(good, false), Ok(()), "{good}");
        }
        for (bad, why) in [
            ("http://hooks.example/", TargetError::NotHttps),
            ("http://10.0.0.1/", TargetError::NotHttps),
            ("ftp://hooks.example/", TargetError::NotHttps),
            ("http://localhost.example/", TargetError::NotHttps),
            ("https://user@hooks.example/", TargetError::Extras),
            ("https://:word@hooks.example/", TargetError::Extras),
            ("https://hooks.example/#x", TargetError::Extras),
            ("mailto:a@b.example", TargetError::NoHost),
            ("https://10.1.2.3/", TargetError::Private),
            // The same in other spellings.
            ("https://0x0a010203/", TargetError::Private),
            ("https://167838211/", TargetError::Private),
            ("https://[::ffff:10.1.2.3]/", TargetError::Private),
        ] {
            assert_eq!(checked(bad, false), Err(why), "{bad}");
        }
        assert_eq!(checked("https://10.1.2.3/", true), Ok(()));
        assert_eq!(checked("http://10.1.2.3/", true), Err(TargetError::NotHttps));
    }

    #[test]
    fn what_is_not_public_is_known() {
        for (first, last) in [
            ("0.0.0.0", "0.255.255.255"),
            ("10.0.0.0", "10.255.255.255"),
            ("100.64.0.0", "100.127.255.255"),
            ("127.0.0.0", "127.255.255.255"),
            ("169.254.0.0", "169.254.255.255"),
            ("172.16.0.0", "172.31.255.255"),
            ("192.168.0.0", "192.168.255.255"),
            ("198.18.0.0", "198.19.255.255"),
            ("224.0.0.0", "255.255.255.255"),
            ("::", "::1"),
            ("fc00::", "fdff::1"),
            ("fe80::1", "febf::1"),
            ("ff02::1", "ff0e::1"),
            ("2001:db8::1", "2001:db8:ffff::1"),
            ("::ffff:127.0.0.1", "::ffff:192.168.0.1"),
            ("64:ff9b::10.0.0.1", "64:ff9b::127.0.0.1"),
            ("2002:a00:1::", "2002:7f00:1::"),
        ] {
            for ip in [first, last] {
                assert!(!is_public(ip.parse().unwrap()), "{ip}");
            }
        }
        for ip in [
            "1.1.1.1",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "172.15.255.255",
            "172.32.0.0",
            "192.167.255.255",
            "192.169.0.0",
            "223.255.255.255",
            "2606:4700::1111",
            "::ffff:1.1.1.1",
        ] {
            assert!(is_public(ip.parse().unwrap()), "{ip}");
        }
    }

    #[test]
    fn names_lead_to_public_addresses_only() {
        let here: IpAddr = "127.0.0.1".parse().unwrap();
        let inside: IpAddr = "10.0.0.1".parse().unwrap();
        let outside: IpAddr = "1.1.1.1".parse().unwrap();
        assert!(fits("localhost", here, false) && !fits("localhost", outside, true));
        assert!(!fits("hooks.example", here, false) && !fits("hooks.example", inside, false));
        assert!(fits("hooks.example", outside, false) && fits("hooks.example", inside, true));
    }
}
