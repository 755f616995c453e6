//! State from a real chain: roles as the treasury tells them, contracts as they answer.

use alloy::{
    primitives::{Address, B256, Bytes, bytes},
    providers::ext::AnvilApi as _,
};
use anyhow::Result;
use bursar_sdk::{
    Amount,
    role::Role,
    stamp::{
        Scope, StampDomain, StampRefusal, StampSignature, StampState, StampTerms, UnsignedStamp, Windows,
        corpus::NOW,
    },
    testing::{LocalChain, signer},
};

use super::{reason, verifier};

/// Answers the EIP-1271 magic value to whatever it is asked.
const YES: Bytes = bytes!("631626ba7e60e01b60005260206000f3");
/// Answers zero.
const NO: Bytes = bytes!("60206000f3");

fn terms(subject: Address) -> StampTerms {
    StampTerms {
        subject,
        agent_ref: B256::ZERO,
        scope: Scope::any(),
        per_payment_max: Amount::new(1),
        total_max: Amount::new(1),
        windows: Windows::default(),
        not_before: NOW - 10,
        not_after: NOW + 10,
        depth_left: 0,
        policy_hash: B256::ZERO,
        httpsig_jkt: B256::ZERO,
        workload_hash: B256::ZERO,
        epoch: 0,
    }
}

#[tokio::test]
async fn a_stamper_of_the_treasury_issues_and_one_who_lost_the_role_does_not() -> Result<()> {
    let chain = LocalChain::start().await?;
    let (stamper, agent) = (signer(1)?, signer(2)?);
    let domain = StampDomain::new(chain.chain_id, chain.treasury);
    let stamp = UnsignedStamp::root(domain, &terms(agent.address()), stamper.address(), B256::ZERO)?
        .sign(stamper.as_ref())
        .await?;
    let verify = async || {
        let state = StampState::read(&chain.provider, chain.treasury, 0).await?;
        Ok::<_, anyhow::Error>(reason(verifier().verify_chain(&stamp.encode()?, &state, NOW)))
    };
    assert_eq!(verify().await?, Some(StampRefusal::IssuedAtCallTime));
    chain.owner().grant_role(stamper.address(), Role::Stamper).await?;
    assert_eq!(verify().await?, None);
    chain.owner().revoke_role(stamper.address(), Role::Stamper).await?;
    assert_eq!(verify().await?, Some(StampRefusal::IssuedAtCallTime));

    chain.owner().grant_role(stamper.address(), Role::Stamper).await?;
    chain.owner().revoke_stamp(stamp.hash()).await?;
    assert_eq!(verify().await?, Some(StampRefusal::Revoked));
    chain.owner().set_stamp_epoch(1).await?;
    assert_eq!(verify().await?, Some(StampRefusal::EpochRevoked));

    let state = StampState::read(&chain.provider, chain.treasury, 0).await?;
    assert!(state.approvers.contains(&chain.people.approver.address()));
    Ok(())
}

#[tokio::test]
async fn a_contract_issues_if_the_chain_says_so() -> Result<()> {
    let chain = LocalChain::start().await?;
    let (safe, agent) = (Address::repeat_byte(0x5a), signer(2)?);
    chain.owner().grant_role(safe, Role::Stamper).await?;
    let domain = StampDomain::new(chain.chain_id, chain.treasury);
    let stamp = UnsignedStamp::root(domain, &terms(agent.address()), safe, B256::ZERO)?
        .signed(StampSignature::Contract(Bytes::from_static(b"two of three")));
    let verifier = verifier();
    let verify = async |ask: bool| {
        let mut state = StampState::read(&chain.provider, chain.treasury, 0).await?;
        if ask {
            state.ask_contracts(&chain.provider, &stamp).await?;
        }
        Ok::<_, anyhow::Error>(reason(verifier.verify_chain(&stamp.encode()?, &state, NOW)))
    };
    assert_eq!(verify(true).await?, Some(StampRefusal::ContractWithoutCode));
    chain.provider.anvil_set_code(safe, NO).await?;
    assert_eq!(verify(true).await?, Some(StampRefusal::RootForged));
    chain.provider.anvil_set_code(safe, YES).await?;
    assert_eq!(verify(true).await?, None);
    assert_eq!(verifier.cached(), (1, 0));
    // Cached or not, a contract's yes is the chain's to give, every time.
    assert_eq!(verify(false).await?, Some(StampRefusal::ContractWithoutCode));
    chain.provider.anvil_set_code(safe, NO).await?;
    assert_eq!(verify(true).await?, Some(StampRefusal::RootForged));
    Ok(())
}
