//! What the service prepares for wallets, sent from the wallets of a treasury's people: the chain does what was shown.
#![allow(clippy::unwrap_used, missing_docs)]

mod desk;

use std::{sync::Arc, time::Duration};

use alloy::{
    network::TransactionBuilder as _,
    primitives::{Address, B256, Bytes},
    providers::Provider as _,
    rpc::types::TransactionRequest,
    signers::local::PrivateKeySigner,
};
use anyhow::{Result, ensure};
use bursar_sdk::{
    Agent, Amount,
    abi::Treasury,
    admin::{TreasuryAdmin, groups::GroupLimits},
    deploy,
    policy::PolicyDocument,
    session::SessionTerms,
    testing::{DAY, DOLLAR, LocalChain},
};
use serde_json::{Value, json};

use desk::{Desk, service::Service};

const DELAY: u32 = 3_600;

/// People at their wallets, in front of the service's pages.
struct Office {
    chain: LocalChain,
    service: Service,
    http: reqwest::Client,
    _desk: Desk,
}

impl Office {
    async fn open() -> Result<Self> {
        let chain = LocalChain::start().await?;
        let desk = Desk::new(&chain)?;
        let service = Service::start(&desk)?;
        Ok(Self { chain, service, http: reqwest::Client::new(), _desk: desk })
    }

    /// Waits until the ledger holds what the chain does.
    async fn caught_up(&self) -> Result<()> {
        let head = self.chain.provider.get_block_number().await?;
        for _ in 0..600 {
            if self.service.json("v1/status").await?["indexed"].as_u64().is_some_and(|block| block >= head) {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        anyhow::bail!("the ledger does not follow")
    }

    async fn asked(&self, from: &PrivateKeySigner, action: &Value) -> Result<(u16, Value)> {
        self.caught_up().await?;
        let wish = json!({ "treasury": self.chain.treasury, "from": from.address(), "action": action });
        let told = self.http.post(self.service.url.join("v1/transactions")?).json(&wish).send().await?;
        Ok((told.status().as_u16(), told.json().await?))
    }

    async fn refused(&self, from: &PrivateKeySigner, action: Value) -> Result<String> {
        let (status, told) = self.asked(from, &action).await?;
        ensure!(status != 200, "{action} was prepared: {told}");
        Ok(told["code"].as_str().unwrap_or_default().to_owned())
    }

    /// Has it prepared, and sends what was prepared as a wallet does.
    async fn done(&self, from: &PrivateKeySigner, action: Value) -> Result<Value> {
        let (status, told) = self.asked(from, &action).await?;
        ensure!(status == 200, "{action}: {told}");
        ensure!(told["simulation"]["outcome"] == "passes", "{action}: {told}");
        for call in told["calls"].as_array().unwrap() {
            let to: Address = serde_json::from_value(call["to"].clone())?;
            let data: Bytes = serde_json::from_value(call["data"].clone())?;
            let request =
                TransactionRequest::default().with_from(from.address()).with_to(to).with_input(data);
            let receipt = self.chain.provider.send_transaction(request).await?.get_receipt().await?;
            ensure!(receipt.status(), "{action} reverted");
        }
        Ok(told)
    }

    async fn envelope(&self, number: u32) -> Result<Treasury::EnvelopeView> {
        Ok(self.chain.owner().envelope(number).await?)
    }

    fn reviewer(&self) -> TreasuryAdmin {
        let chain = &self.chain;
        TreasuryAdmin::new(chain.treasury, chain.provider.clone(), chain.people.reviewer.address())
    }
}

fn dollars(dollars: u64) -> Amount {
    Amount::new(dollars * DOLLAR)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_prepared_is_what_the_chain_does() -> Result<()> {
    let office = Office::open().await?;
    let (chain, people) = (&office.chain, &office.chain.people);
    let identity = Arc::new(PrivateKeySigner::random());
    let policy = PolicyDocument { payee_list: 0, ..chain.policy() };
    let (envelope, purse) = chain.envelope(identity.address(), &policy, &[], dollars(100)).await?;

    // Stops and releases, of one, of a group, of all.
    let limits = GroupLimits { windows: Vec::new(), lifetime: dollars(900) };
    let group = chain.policy_manager().create_group(0, chain.usdc, &limits).await?.value;
    chain.policy_manager().set_group(envelope, group).await?;
    let of_envelope = |kind: &str| json!({ "kind": kind, "envelope": envelope });
    office.done(&people.guardian, of_envelope("freeze_envelope")).await?;
    ensure!(office.envelope(envelope).await?.frozen);
    assert_eq!(office.refused(&people.guardian, of_envelope("unfreeze_envelope")).await?, "role_missing");
    office.done(&people.owner, of_envelope("unfreeze_envelope")).await?;
    ensure!(!office.envelope(envelope).await?.frozen);
    for (frozen, person, verb) in [(true, &people.guardian, "freeze"), (false, &people.owner, "unfreeze")] {
        office.done(person, json!({ "kind": format!("{verb}_group"), "group": group })).await?;
        let number = alloy::primitives::aliases::U24::from(group);
        assert_eq!(chain.owner().contract().group(number).call().await?.frozen, frozen);
        office.done(person, json!({ "kind": format!("{verb}_organisation") })).await?;
        assert_eq!(chain.owner().contract().organisation().call().await?.frozen, frozen);
    }

    // A session.
    let spool = tempfile::tempdir()?;
    let agent = Agent::builder(
        chain.provider.clone(),
        chain.treasury,
        envelope,
        Arc::<PrivateKeySigner>::clone(&identity),
        spool.path(),
    )
    .connect()
    .await?;
    agent.open_session(&SessionTerms::new(dollars(20))).await?;
    office.done(&people.guardian, json!({ "kind": "freeze_session", "purse": purse })).await?;
    ensure!(chain.owner().contract().session(purse).call().await?.frozen);

    // A review.
    office.reviewer().set_review(envelope, B256::repeat_byte(1)).await?;
    let clear = json!({ "kind": "clear_review", "envelope": envelope, "reason": "a seasonal peak" });
    office.done(&people.owner, clear).await?;
    ensure!(!office.envelope(envelope).await?.underReview);

    // Money in, from whoever has some: the approval with it, unless there is one; and out again, to the last unit.
    let top_up =
        |amount: Amount| json!({ "kind": "top_up", "envelope": envelope, "amount": amount.to_string() });
    deploy::mint_test_usdc(&chain.provider, chain.usdc, people.approver.address(), dollars(30)).await?;
    assert_eq!(office.refused(&people.approver, top_up(Amount::new(30_000_001))).await?, "balance_too_small");
    let paid_in = office.done(&people.approver, top_up(dollars(30))).await?;
    assert_eq!(paid_in["calls"].as_array().unwrap().len(), 2);
    assert_eq!(
        paid_in["changes"][0],
        json!({ "what": "Escrow", "before": "80.00 USDC", "after": "110.00 USDC" })
    );
    let escrow = Amount::try_from(alloy::primitives::U256::from(office.envelope(envelope).await?.escrow))?;
    assert_eq!(escrow, dollars(110));
    let to = people.gas.address();
    let withdraw = |amount: Amount| json!({ "kind": "withdraw", "envelope": envelope, "to": to, "amount": amount.to_string() });
    let over = withdraw(Amount::new(110 * DOLLAR + 1));
    assert_eq!(office.refused(&people.owner, over).await?, "escrow_too_small");
    let before = chain.balance(to).await?;
    office.done(&people.owner, withdraw(dollars(110))).await?;
    assert_eq!(chain.balance(to).await?, before.checked_add(dollars(110)).unwrap());

    // A tighter policy at once, a looser one after its announcement and its time.
    chain.owner().set_delay(DELAY).await?;
    let set =
        |policy: &PolicyDocument| json!({ "kind": "set_policy", "envelope": envelope, "policy": policy });
    let tighter = PolicyDocument { payment_cap: dollars(15), ..policy.clone() };
    office.done(&people.policy_manager, set(&tighter)).await?;
    assert_eq!(office.envelope(envelope).await?.policy, tighter.to_chain()?);
    let announced = office.done(&people.policy_manager, set(&policy)).await?;
    assert_eq!(announced["delay"], json!(DELAY));
    assert_eq!(office.envelope(envelope).await?.policy, tighter.to_chain()?, "nothing changes yet");
    assert_eq!(office.refused(&people.policy_manager, set(&policy)).await?, "announcement_waits");
    chain.advance(u64::from(DELAY)).await?;
    office.done(&people.policy_manager, set(&policy)).await?;
    assert_eq!(office.envelope(envelope).await?.policy, policy.to_chain()?);

    // What is announced and taken back has to be announced again.
    let day = bursar_sdk::policy::WindowLimit { period: DAY, limit: dollars(101) };
    let mut looser = policy.clone();
    looser.windows[0] = day;
    office.done(&people.policy_manager, set(&looser)).await?;
    let call = Treasury::setPolicyCall {
        envelope: alloy::primitives::aliases::U24::from(envelope),
        policy: looser.to_chain()?,
    };
    let id = alloy::primitives::keccak256(alloy::sol_types::SolCall::abi_encode(&call));
    office.done(&people.guardian, json!({ "kind": "cancel_announcement", "id": id })).await?;
    assert!(chain.owner().contract().announcedFor(id).call().await?.is_zero());
    assert_eq!(
        office.refused(&people.guardian, json!({ "kind": "cancel_announcement", "id": id })).await?,
        "not_found"
    );
    Ok(())
}
