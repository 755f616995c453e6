use alloy::primitives::{Address, B256};
use anyhow::Result;
use bursar_sdk::{
    Amount,
    stamp::{
        MAX_VALIDITY, Memory, RequestKey, Scope, SignatureTimes, SignedRequest, StampBundle, StampDomain,
        StampRefusal, StampState, StampTerms, UnsignedStamp, Verifier, Windows, carrier, content_digest,
        corpus::NOW,
    },
    testing::signer,
};
use http::{HeaderMap, HeaderName, HeaderValue};

use super::reason;

/// A request as an agent sends it; tests change it on its way.
#[derive(Clone)]
struct Sent {
    method: &'static str,
    authority: &'static str,
    path: &'static str,
    query: Option<&'static str>,
    headers: HeaderMap,
    body: &'static [u8],
}

impl Sent {
    fn request(&self) -> SignedRequest<'_> {
        let Self { method, authority, path, query, headers, body } = self;
        SignedRequest { method, authority, path, query: *query, headers, body }
    }

    fn put(&mut self, name: &'static str, value: &str) -> Result<()> {
        self.headers.insert(HeaderName::from_static(name), HeaderValue::from_str(value)?);
        Ok(())
    }

    fn signed(mut self, key: &RequestKey, times: SignatureTimes) -> Result<Self> {
        let headers = self.request().sign(key, times)?;
        self.put("signature-input", &headers.input)?;
        self.put("signature", &headers.signature)?;
        Ok(self)
    }
}

struct Cast {
    key: RequestKey,
    bundle: StampBundle,
    state: StampState,
}

impl Cast {
    async fn new() -> Result<Self> {
        let key = RequestKey::from_secret(&[7; 32]);
        let (stamper, agent) = (signer(1)?, signer(2)?);
        let terms = StampTerms {
            subject: agent.address(),
            agent_ref: B256::ZERO,
            scope: Scope::any(),
            per_payment_max: Amount::new(1),
            total_max: Amount::new(1),
            windows: Windows::default(),
            not_before: NOW - 10,
            not_after: NOW + 10_000_000,
            depth_left: 0,
            policy_hash: B256::ZERO,
            httpsig_jkt: key.thumbprint(),
            workload_hash: B256::ZERO,
            epoch: 0,
        };
        let domain = StampDomain::new(8453, Address::repeat_byte(7));
        let bundle = UnsignedStamp::root(domain, &terms, stamper.address(), B256::ZERO)?
            .sign(stamper.as_ref())
            .await?
            .with_request_key(key.public());
        let mut state = StampState::new(8453, Address::repeat_byte(7));
        state.stampers.insert(stamper.address());
        Ok(Self { key, bundle, state })
    }

    fn sent(&self) -> Result<Sent> {
        let mut sent = Sent {
            method: "POST",
            authority: "api.example.com",
            path: "/v1/prices",
            query: Some("pair=ETH-USD"),
            headers: HeaderMap::new(),
            body: b"{\"n\":1}",
        };
        sent.headers.insert(carrier::HEADER, self.bundle.to_header()?);
        sent.put("content-digest", &content_digest(sent.body))?;
        Ok(sent)
    }

    fn verify_by(&self, verifier: &Verifier, sent: &Sent, now: u64) -> Option<StampRefusal> {
        let bytes = match carrier::from_headers(&sent.headers) {
            Ok(bytes) => bytes.unwrap_or_default(),
            Err(refused) => return Some(refused.reason),
        };
        reason(verifier.verify_request(&bytes, &sent.request(), &self.state, now))
    }

    fn verify(&self, sent: &Sent) -> Option<StampRefusal> {
        self.verify_by(&super::verifier(), sent, NOW)
    }
}

fn times(nonce: u8) -> SignatureTimes {
    SignatureTimes { created: NOW - 1, expires: NOW + 60, nonce: B256::repeat_byte(nonce) }
}

#[tokio::test]
async fn a_signed_request_shows_its_agent_once() -> Result<()> {
    let cast = Cast::new().await?;
    let sent = cast.sent()?.signed(&cast.key, times(1))?;
    let verifier = super::verifier();
    assert_eq!(cast.verify_by(&verifier, &sent, NOW), None);
    for now in [NOW, NOW + 59] {
        assert_eq!(cast.verify_by(&verifier, &sent, now), Some(StampRefusal::NonceReplayed));
    }
    assert_eq!(cast.verify_by(&verifier, &sent, NOW + 60), Some(StampRefusal::ProofExpired));
    let next = cast.sent()?.signed(&cast.key, times(2))?;
    assert_eq!(cast.verify_by(&verifier, &next, NOW), None);
    Ok(())
}

#[tokio::test]
async fn a_request_that_was_changed_on_its_way_is_refused() -> Result<()> {
    let cast = Cast::new().await?;
    let good = cast.sent()?.signed(&cast.key, times(1))?;
    let forged = Some(StampRefusal::RequestForged);
    assert_eq!(cast.verify(&Sent { method: "PUT", ..good.clone() }), forged);
    assert_eq!(cast.verify(&Sent { authority: "other.example.com", ..good.clone() }), forged);
    assert_eq!(cast.verify(&Sent { path: "/v1/keys", ..good.clone() }), forged);
    assert_eq!(cast.verify(&Sent { query: Some("pair=BTC-USD"), ..good.clone() }), forged);
    let uncovered = Some(StampRefusal::RequestUncovered);
    assert_eq!(cast.verify(&Sent { body: b"{\"n\":2}", ..good.clone() }), uncovered);
    let mut digest = Sent { body: b"{\"n\":2}", ..good.clone() };
    digest.put("content-digest", &content_digest(digest.body))?;
    assert_eq!(cast.verify(&digest), forged);
    assert_eq!(cast.verify(&good), None);
    Ok(())
}

#[tokio::test]
async fn a_request_by_another_key_or_with_another_stamp_is_refused() -> Result<()> {
    let cast = Cast::new().await?;
    let other = RequestKey::from_secret(&[8; 32]);
    let sent = cast.sent()?.signed(&other, times(1))?;
    assert_eq!(cast.verify(&sent), Some(StampRefusal::RequestKeyMismatch));

    // The other key in the bundle: the stamp does not name it.
    let swapped = Cast { bundle: cast.bundle.clone().with_request_key(other.public()), ..Cast::new().await? };
    let sent = swapped.sent()?.signed(&other, times(1))?;
    assert_eq!(swapped.verify(&sent), Some(StampRefusal::RequestKeyMismatch));

    let verifier = super::verifier();
    let sent = cast.sent()?.signed(&cast.key, times(1))?;
    let another = StampBundle { request_key: cast.bundle.request_key, ..cast.bundle.clone() };
    let mut bytes = another.encode()?;
    bytes.truncate(bytes.len() - 33);
    bytes.push(0);
    let refused = reason(verifier.verify_request(&bytes, &sent.request(), &cast.state, NOW));
    assert_eq!(refused, Some(StampRefusal::RequestKeyMismatch), "a stamp without its request key");
    Ok(())
}

#[tokio::test]
async fn a_signature_has_to_cover_what_matters() -> Result<()> {
    let cast = Cast::new().await?;
    for (part, refusal) in [
        ("\"@authority\" ", StampRefusal::RequestUncovered),
        ("\"@query\" ", StampRefusal::RequestUncovered),
        (" \"content-digest\"", StampRefusal::RequestUncovered),
        ("\"bursar-stamp\" ", StampRefusal::RequestUncovered),
        (";tag=\"web-bot-auth\"", StampRefusal::RequestUnsigned),
        (";nonce=", StampRefusal::RequestMalformed),
        (";expires=", StampRefusal::RequestMalformed),
        (";created=", StampRefusal::RequestMalformed),
        (";keyid=", StampRefusal::RequestMalformed),
    ] {
        let mut sent = cast.sent()?.signed(&cast.key, times(1))?;
        let input = sent.headers["signature-input"].to_str()?.to_owned();
        let without = if part.ends_with('=') {
            let start = input.find(part).unwrap();
            let end = input[start + 1..].find(';').map_or(input.len(), |at| start + 1 + at);
            format!("{}{}", &input[..start], &input[end..])
        } else {
            assert!(input.contains(part), "{part} is not in {input}");
            input.replace(part, "")
        };
        sent.put("signature-input", &without)?;
        assert_eq!(cast.verify(&sent), Some(refusal), "{part}");
    }
    Ok(())
}

#[tokio::test]
async fn headers_that_are_odd_are_refused() -> Result<()> {
    let cast = Cast::new().await?;
    let good = cast.sent()?.signed(&cast.key, times(1))?;
    let input = good.headers["signature-input"].to_str()?.to_owned();
    let malformed = Some(StampRefusal::RequestMalformed);
    let with = |input: &str| {
        let mut sent = good.clone();
        sent.put("signature-input", input).unwrap();
        cast.verify(&sent)
    };
    assert_eq!(with("not a dictionary ("), malformed);
    assert_eq!(with(&input.replace("ed25519", "hmac-sha256")), malformed);
    assert_eq!(with(&input.replace("\"@path\"", "\"@path\";req")), malformed);
    assert_eq!(with(&input.replace("\"@path\"", "\"@path\" \"@path\"")), malformed);
    assert_eq!(with(&input.replace("created=", "created=-")), malformed);
    assert_eq!(with(&format!("{input};color=\"red\"")), malformed);
    assert_eq!(with(&format!("{input}, other={}", &input[5..])), Some(StampRefusal::RequestUnsigned));
    assert_eq!(with(&input.replace("sig1=", "sig2=")), malformed);
    assert_eq!(with(&format!("{input}, pad=(\"{}\")", "x".repeat(5_000))), malformed);
    let many: Vec<String> = (0..20).map(|n| format!("\"x-{n}\"")).collect();
    assert_eq!(with(&input.replace("\"@path\"", &format!("\"@path\" {}", many.join(" ")))), malformed);
    let mut twice = good.clone();
    twice.headers.append(carrier::HEADER, cast.bundle.to_header()?);
    assert_eq!(cast.verify(&twice), Some(StampRefusal::Malformed));
    assert_eq!(with(&input), None);
    Ok(())
}

#[tokio::test]
async fn times_are_bounded_and_a_restart_opens_no_replay() -> Result<()> {
    let cast = Cast::new().await?;
    let at = |created: u64, expires: u64| {
        let times = SignatureTimes { created, expires, nonce: B256::repeat_byte(1) };
        Ok::<_, anyhow::Error>(cast.verify(&cast.sent()?.signed(&cast.key, times)?))
    };
    assert_eq!(at(NOW + 60, NOW + 120)?, None);
    assert_eq!(at(NOW + 61, NOW + 120)?, Some(StampRefusal::ProofNotYetValid));
    assert_eq!(at(NOW - 5, NOW)?, Some(StampRefusal::ProofExpired));
    assert_eq!(at(NOW - 5, NOW + MAX_VALIDITY + 1)?, Some(StampRefusal::ProofTooLong));

    let sent = cast.sent()?.signed(&cast.key, times(1))?;
    let restarted = Verifier::new(10, Memory::new(NOW, 10));
    assert_eq!(cast.verify_by(&restarted, &sent, NOW), Some(StampRefusal::BeforeMemory));
    Ok(())
}
