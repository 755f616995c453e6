use anyhow::Result;
use bursar_sdk::stamp::{
    MAX_BUNDLE, StampRefusal, carrier,
    corpus::{Corpus, NOW},
};
use http::{HeaderMap, HeaderValue};
use serde_json::json;
use x402_types::proto::v2::ExtensionsJson;

use super::{reason, verifier};

#[test]
fn the_deepest_stamp_fits_a_header_and_a_payments_extensions() -> Result<()> {
    let corpus = Corpus::new(1);
    let agent = corpus.agent(1, 4, 1);
    let payment = corpus.payment(&agent, 1, NOW);

    let mut headers = HeaderMap::new();
    headers.insert(carrier::HEADER, agent.bundle.to_header()?);
    let carried = carrier::from_headers(&headers)?.unwrap_or_default();
    assert_eq!(carried, agent.bytes);

    let others: ExtensionsJson =
        [("payment-identifier".to_owned(), json!({ "info": {} }))].into_iter().collect();
    let extensions = agent.bundle.put_in(&others)?;
    assert_eq!(extensions.as_ref().len(), 2, "the server's own extension stays");
    // As a merchant reads it: from the JSON of the payment.
    let read: ExtensionsJson = serde_json::from_str(&serde_json::to_string(&extensions)?)?;
    let carried = carrier::from_extensions(&read)?.unwrap_or_default();
    assert_eq!(reason(verifier().verify_payment(&carried, &payment, &corpus.state, NOW)), None);
    let again = agent.bundle.put_in(&extensions)?;
    assert_eq!(again.as_ref().len(), 2, "one stamp, however often it is put there");
    Ok(())
}

#[test]
fn carriers_refuse_what_is_too_long_or_no_stamp() -> Result<()> {
    let refused = |result: Result<Option<Vec<u8>>, bursar_sdk::stamp::StampRefused>| {
        result.err().map(|refused| refused.reason)
    };
    let header = |value: &str| -> Result<_> {
        let mut headers = HeaderMap::new();
        headers.insert(carrier::HEADER, HeaderValue::from_str(value)?);
        Ok(refused(carrier::from_headers(&headers)))
    };
    assert_eq!(header(&"A".repeat(8_193))?, Some(StampRefusal::TooLarge));
    assert_eq!(header("not base64url!")?, Some(StampRefusal::Malformed));
    assert_eq!(header("AAA=")?, Some(StampRefusal::Malformed));
    assert_eq!(carrier::from_headers(&HeaderMap::new())?, None);

    let extension = |value: serde_json::Value| {
        let extensions: ExtensionsJson = [(carrier::EXTENSION.to_owned(), value)].into_iter().collect();
        refused(carrier::from_extensions(&extensions))
    };
    let bundle = |text: String| json!({ "info": { "version": 1, "bundle": text } });
    assert_eq!(extension(bundle("A".repeat(MAX_BUNDLE * 4 / 3 + 1))), Some(StampRefusal::TooLarge));
    assert_eq!(extension(bundle("===".into())), Some(StampRefusal::Malformed));
    for odd in [json!(null), json!([]), json!({ "info": { "version": 2, "bundle": "AA" } }), json!("AA")] {
        assert_eq!(extension(odd), Some(StampRefusal::Malformed));
    }
    assert_eq!(carrier::from_extensions(&ExtensionsJson::new())?, None);
    Ok(())
}
