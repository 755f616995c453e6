//! An unmodified `x402-reqwest` client pays from a purse; hostile servers get a typed refusal.

use alloy::primitives::{Address, B256};
use anyhow::Result;
use bursar_sdk::{
    Agent, AgentError, Amount, Checks, Purpose, Refusal,
    decision::DecisionRecord,
    payment::PaymentBlob,
    session::{SessionHandle, SessionTerms},
    spool::Spool,
    testing::signer,
};
use serde_json::{Value, json};
use url::Url;
use x402_reqwest::{ReqwestWithPayments as _, ReqwestWithPaymentsBuild as _, X402Client};

use crate::{
    common::{PAYEE, Stage, UNLISTED, dollars},
    shop::{Shop, get_request, required},
};

#[tokio::test]
async fn an_unmodified_client_pays_from_the_purse() -> Result<()> {
    let stage = Stage::set().await?;
    let (agent, shop) = (stage.agent().await?, Shop::open(&stage).await?);
    let url = shop.offer("data", required(json!([stage.challenge(PAYEE, dollars(3))])));

    let scheme = agent.scheme().with_purpose(Purpose::new("task 9", "the only source"));
    let x402 = X402Client::new().register(scheme.clone());
    let client = reqwest::Client::new().with_payments(x402).build();
    let answer: Value = serde_json::from_str(&client.get(url.clone()).send().await?.text().await?)?;
    assert_eq!(answer["data"], 42);
    assert!(scheme.last_error().is_none());
    assert_eq!(stage.chain.balance(PAYEE).await?, dollars(3));

    stage.chain.guardian().freeze_envelope(stage.envelope).await?;
    client.get(url).send().await.unwrap_err();
    let why = scheme.last_error().and_then(|error| error.refusal());
    assert_eq!(why, Some(Refusal::EnvelopeFrozen));
    assert_eq!(shop.seen(), 1, "nothing was signed for the second one");
    Ok(())
}

#[tokio::test]
async fn pay_returns_answer_payment_and_settlement_and_records_the_request() -> Result<()> {
    let stage = Stage::set().await?;
    let (agent, shop) = (stage.agent().await?, Shop::open(&stage).await?);
    let mut offer = required(json!([stage.challenge(PAYEE, dollars(3))]));
    offer["extensions"] = json!({ "payment-identifier": { "info": { "required": false }, "schema": {} } });
    let url = shop.offer("data", offer);
    let paid = agent.pay(get_request(url.clone())?, Purpose::new("task 9", "why")).await?;

    let payment = paid.payment.unwrap();
    assert!(paid.settlement.as_ref().is_some_and(|told| told.success && told.hash().is_some()));
    assert!(agent.view().has_settled(payment.rail, stage.purse, payment.authorization.nonce).await?);
    assert_eq!(paid.response.json::<Value>().await?["data"], 42);
    let sent = shop.payments.lock().unwrap()[0].clone();
    let nonce = payment.authorization.nonce.to_string();
    let identifier = format!("env_{}", nonce.trim_start_matches("0x"));
    assert_eq!(sent["extensions"]["payment-identifier"]["info"]["id"], identifier);
    assert_eq!(PaymentBlob::decode(&payment.blob)?.decision_hash, payment.decision_hash);
    let free = agent.pay(get_request(shop.base.join("free")?)?, Purpose::default()).await?;
    assert!(free.payment.is_none() && free.settlement.is_none());

    drop(agent);
    let name = format!("31337-{}-{}.jsonl", stage.chain.treasury, stage.purse);
    let (spool, _) = Spool::open(&stage.spool.path().join(name))?;
    let waiting = &spool.pending(1)[0];
    let record = DecisionRecord::verified(&waiting.canonical, payment.decision_hash)?;
    assert_eq!((record.resource.url, record.resource.method), (url.to_string(), "GET".to_owned()));
    assert_eq!((record.trigger.as_str(), record.amount), ("task 9", dollars(3)));
    Ok(())
}

/// The server only says 402 again; the agent learns the chain's reason.
#[tokio::test]
async fn a_payment_the_chain_refuses_comes_back_with_the_chains_reason() -> Result<()> {
    let stage = Stage::set().await?;
    let (agent, shop) = (stage.agent().await?, Shop::open(&stage).await?);
    let unchecked = agent.with_checks(Checks::ChainOnly);
    let pay = async |payee: Address, amount: Amount| {
        let path = format!("{payee}-{amount}");
        let url = shop.offer(&path, required(json!([stage.challenge(payee, amount)])));
        let told = unchecked.pay(get_request(url)?, Purpose::default()).await;
        anyhow::Ok(told.err().and_then(|error| error.refusal()))
    };
    assert_eq!(pay(PAYEE, dollars(21)).await?, Some(Refusal::PaymentCapExceeded));
    assert_eq!(pay(UNLISTED, dollars(1)).await?, Some(Refusal::PayeeNotListed));
    assert_eq!(pay(PAYEE, dollars(11)).await?, Some(Refusal::ApprovalMissing));
    let forged = SessionHandle::resume(agent.view(), stage.purse, signer(0xf0f0)?).await?;
    agent.use_session(forged).await;
    assert_eq!(pay(PAYEE, dollars(1)).await?, Some(Refusal::SessionKeyMismatch));
    agent.open_session(&SessionTerms::new(dollars(5))).await?;
    assert_eq!(pay(PAYEE, dollars(6)).await?, Some(Refusal::SessionBudgetExceeded));
    assert_eq!(shop.seen(), 5);
    assert_eq!(stage.chain.balance(PAYEE).await?, Amount::ZERO);
    Ok(())
}

#[tokio::test]
async fn a_replay_is_refused_by_the_sdk_and_by_the_chain() -> Result<()> {
    let stage = Stage::set().await?;
    let (agent, shop) = (stage.agent().await?, Shop::open(&stage).await?);
    let url = shop.offer("data", required(json!([stage.challenge(PAYEE, dollars(3))])));
    let purpose = Purpose::new("task", "why").once("k");
    agent.pay(get_request(url.clone())?, purpose.clone()).await?;
    for (agent, seen) in [(agent.clone(), 1), (agent.with_checks(Checks::ChainOnly), 2)] {
        let again = agent.pay(get_request(url.clone())?, purpose.clone()).await;
        assert!(matches!(again, Err(AgentError::Replayed { .. })), "{again:?}");
        assert_eq!(shop.seen(), seen);
    }
    assert_eq!(stage.chain.balance(PAYEE).await?, dollars(3));
    Ok(())
}

async fn refuse(agent: &Agent, url: Url, purpose: Purpose) -> Result<AgentError> {
    let told = agent.pay(get_request(url)?, purpose).await;
    Ok(told.err().unwrap())
}

#[tokio::test]
async fn hostile_challenges_get_a_typed_refusal_and_no_signature() -> Result<()> {
    use AgentError as E;
    let stage = Stage::set().await?;
    let (agent, shop) = (stage.agent().await?, Shop::open(&stage).await?);
    let good = stage.challenge(PAYEE, dollars(3));
    let wrong = |field: &str, value: Value| {
        let mut challenge = good.clone();
        challenge[field] = value;
        required(json!([challenge]))
    };
    let none = Purpose::default;
    let told = refuse(&agent, shop.offer("chain", wrong("network", "eip155:1".into())), none()).await?;
    assert!(matches!(told, E::WrongChain { expected: 31337, .. }), "{told:?}");
    let told = refuse(&agent, shop.offer("asset", wrong("asset", json!(PAYEE))), none()).await?;
    assert!(matches!(told, E::UnknownAsset { .. }), "{told:?}");
    let told = refuse(&agent, shop.offer("scheme", wrong("scheme", "deferred".into())), none()).await?;
    assert!(matches!(told, E::NoRail { .. }), "{told:?}");
    let told = refuse(&agent, shop.offer("amount", wrong("amount", "-1".into())), none()).await?;
    assert!(matches!(told, E::Amount(_)), "{told:?}");
    let told = refuse(&agent, shop.offer("empty", required(json!([]))), none()).await?;
    assert!(matches!(told, E::NoRail { .. }), "{told:?}");
    let told = refuse(&agent, shop.offer("nonsense", json!("pay me")), none()).await?;
    assert!(matches!(told, E::BadChallenge(_)), "{told:?}");
    let version1 = json!({ "x402Version": 1, "error": "pay", "accepts": [good.clone()] });
    let told = refuse(&agent, shop.offer("v1", version1), none()).await?;
    assert!(told.is_challenge(), "{told:?}");

    let url = shop.offer("dear", required(json!([good])));
    let told = refuse(&agent, url.clone(), none().at_most(dollars(2))).await?;
    assert!(
        matches!(told, E::AmountAboveAdvertised { advertised, asked } if (advertised, asked) == (dollars(2), dollars(3))),
        "{told:?}"
    );
    assert_eq!((shop.seen(), agent.flush().await?.waiting), (0, 0), "nothing signed, nothing decided");

    agent.pay(get_request(url)?, none().at_most(dollars(3))).await?;
    Ok(())
}

#[tokio::test]
async fn of_several_offers_the_one_the_purse_can_take_is_paid() -> Result<()> {
    let stage = Stage::set().await?;
    let (agent, shop) = (stage.agent().await?, Shop::open(&stage).await?);
    let mut elsewhere = stage.challenge(PAYEE, dollars(1));
    elsewhere["network"] = "solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp".into();
    let ours = stage.challenge(PAYEE, dollars(3));
    let mut offer = required(json!([ours, elsewhere]));
    let url = shop.offer("first", offer.clone());
    agent.pay(get_request(url)?, Purpose::default()).await?;

    offer["accepts"] = json!([offer["accepts"][1], offer["accepts"][0]]);
    let means = agent.means();
    let offers = offer["accepts"].as_array().unwrap();
    let takes: Vec<bool> =
        offers.iter().map(|one| means.read(&crate::common::verbatim(one).unwrap()).is_ok()).collect();
    assert_eq!(takes, [false, true]);
    Ok(())
}

#[tokio::test]
async fn a_payment_carries_the_agents_stamp_and_a_merchant_verifies_it() -> Result<()> {
    use bursar_sdk::stamp::{
        Memory, PaymentShown, PaymentSignature, StampDomain, StampRefusal, StampState, StampTerms,
        UnsignedStamp, Verifier, carrier,
    };
    let stage = Stage::set().await?;
    let shop = Shop::open(&stage).await?;
    let chain = &stage.chain;
    let stamper = signer(0x57a)?;
    chain.owner().grant_role(stamper.address(), bursar_sdk::role::Role::Stamper).await?;
    let now = stage.clock.clock().now();
    let terms: StampTerms = serde_json::from_value(json!({
        "subject": stage.identity.address(), "perPaymentMax": "2000000", "totalMax": "50000000",
        "notBefore": now - 10, "notAfter": now + 100_000, "scope": { "payees": [PAYEE] },
    }))?;
    let domain = StampDomain::new(chain.chain_id, chain.treasury);
    let stamp =
        UnsignedStamp::root(domain, &terms, stamper.address(), B256::ZERO)?.sign(stamper.as_ref()).await?;
    let agent = stage.builder(1).stamp(stamp.clone()).connect().await?;
    agent.open_session(&SessionTerms::new(dollars(50))).await?;

    let url = shop.offer("prices", required(json!([stage.challenge(PAYEE, dollars(1))])));
    let paid = agent.pay(get_request(url)?, Purpose::new("test", "to show a stamp")).await?;
    let signed = paid.payment.expect("a payment");

    // The merchant: what it was sent, and the chain's state.
    let sent = shop.payments.lock().unwrap()[0].clone();
    let extensions = serde_json::from_value(sent["extensions"].clone())?;
    let bundle = carrier::from_extensions(&extensions)?.expect("a stamp");
    let mut state = StampState::read(&chain.provider, chain.treasury, 0).await?;
    let told = &signed.authorization;
    let mut payment = PaymentShown {
        purse: told.purse,
        asset: chain.usdc,
        payee: told.payee,
        amount: told.amount,
        nonce: told.nonce,
        decision_hash: PaymentBlob::decode(&signed.blob)?.decision_hash,
        digest: signed.digest,
        valid_before: told.valid_before,
        host: Some(shop.base.authority().to_owned()),
        spent: None,
        signature: PaymentSignature::Check(PaymentBlob::decode(&signed.blob)?.signature),
        approval: None,
    };
    let verifier = || -> Verifier { Verifier::new(10, Memory::new(now, 10)) };
    let verified = verifier().verify_payment(&bundle, &payment, &state, now)?;
    assert_eq!((verified.hash, verified.stamp.subject), (stamp.hash(), agent.identity()));
    payment.amount = dollars(3);
    let over = verifier().verify_payment(&bundle, &payment, &state, now).map_err(|refused| refused.reason);
    assert_eq!(over.err(), Some(StampRefusal::AmountOverStamp));
    payment.amount = told.amount;

    // The chain knows the session too, and under which stamp it was opened: the bare stamp does.
    state.ask_session(&chain.provider, told.purse, 0).await?;
    let verified = verifier().verify_payment(&stamp.encode()?, &payment, &state, now)?;
    assert_eq!(verified.session, agent.session().await.map(|session| session.id()));
    Ok(())
}
