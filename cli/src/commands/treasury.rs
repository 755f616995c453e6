//! `bursar treasury`: what owners, policy managers, guardians, reviewers and approvers do.

mod args;

use std::path::Path;

use alloy::primitives::{Address, keccak256};
use anyhow::{Context as _, Result};
use bursar_sdk::{
    admin::{Sent, TreasuryAdmin},
    deploy,
    policy::PolicyDocument,
};
use serde_json::{Value, json};

pub(crate) use self::args::TreasuryCommand;
use self::args::{PayeeArgs, Release, Target};
use super::{Context, approvals, groups};
use crate::keys;

pub(crate) async fn run(context: &Context, command: TreasuryCommand) -> Result<()> {
    use TreasuryCommand as C;
    match command {
        C::Create { owner, label, deploy_factory } => create(context, owner, &label, deploy_factory).await,
        C::Show => show(context).await,
        C::Group { group } => groups::show(context, group).await,
        C::Requests => approvals::requests(context).await,
        C::Approve { digest, yes, elsewhere } => approvals::approve(context, digest, yes, elsewhere).await,
        C::Reject { digest, reason, elsewhere } => {
            approvals::reject(context, digest, &reason, elsewhere).await
        }
        verb => {
            let admin = admin(context).await?;
            change(context, &admin, verb).await
        }
    }
}

/// Verbs that send one transaction to the treasury.
async fn change(context: &Context, admin: &TreasuryAdmin, verb: TreasuryCommand) -> Result<()> {
    use TreasuryCommand as C;
    match verb {
        C::Grant { account, role } => sent(
            context,
            "granted",
            json!({ "account": account, "role": role }),
            admin.grant_role(account, role).await?,
        ),
        C::Revoke { account, role } => sent(
            context,
            "revoked",
            json!({ "account": account, "role": role }),
            admin.revoke_role(account, role).await?,
        ),
        C::Delay { seconds } => {
            sent(context, "delay set", json!({ "seconds": seconds }), admin.set_delay(seconds).await?)
        }
        C::AddAsset { token } => {
            let token = token.map_or_else(|| context.config.asset(), Ok)?;
            sent(context, "asset added", json!({ "asset": token }), admin.add_asset(token).await?)
        }
        C::CreateEnvelope { agent, policy } => {
            let policy = read_policy(&policy)?;
            let done = admin.create_envelope(agent, context.config.asset()?, &policy).await?;
            let (envelope, purse) = done.value;
            sent(
                context,
                "envelope created",
                json!({ "envelope": envelope, "purse": purse, "agent": agent }),
                done,
            )
        }
        C::CreatePurses { envelope, count } => {
            let done = admin.create_purses(envelope, count).await?;
            sent(
                context,
                "purses created",
                json!({ "envelope": envelope, "purses": done.value.clone() }),
                done,
            )
        }
        C::SetPolicy { envelope, policy, announce } => {
            set_policy(context, admin, envelope, &policy, announce).await
        }
        C::ListPayees(PayeeArgs { list, payees }) => {
            let done = admin.list_payees(list, &payees).await?;
            sent(context, "payees listed", json!({ "list": list, "payees": payees }), done)
        }
        C::UnlistPayees(PayeeArgs { list, payees }) => {
            let done = admin.unlist_payees(list, &payees).await?;
            sent(context, "payees taken off", json!({ "list": list, "payees": payees }), done)
        }
        C::TopUp { envelope, amount } => {
            let done = admin.top_up(envelope, amount).await?;
            sent(context, "topped up", json!({ "envelope": envelope, "amount": amount }), done)
        }
        C::Withdraw { envelope, amount, to } => {
            let done = admin.withdraw(envelope, to, amount).await?;
            sent(context, "withdrawn", json!({ "envelope": envelope, "amount": amount, "to": to }), done)
        }
        C::CreateGroup { parent, asset, limits } => {
            let asset = asset.map_or_else(|| context.config.asset(), Ok)?;
            let done = admin.create_group(parent, asset, &limits.into()).await?;
            let facts = json!({ "group": done.value, "parent": parent, "asset": asset });
            sent(context, "group created", facts, done)
        }
        C::SetGroupLimits { group, limits } => {
            let done = admin.set_group_limits(group, &limits.into()).await?;
            sent(context, "limits in force", json!({ "group": group }), done)
        }
        C::SetGroup { envelope, group } => {
            let done = admin.set_group(envelope, group).await?;
            sent(context, "group set", json!({ "envelope": envelope, "group": group }), done)
        }
        C::Permit2 { envelope, off } => {
            let done = admin.set_permit2(envelope, !off).await?;
            sent(context, "Permit2 set", json!({ "envelope": envelope, "on": !off }), done)
        }
        C::LevelPermit2 { envelope, purse } => {
            let done = admin.level_permit2(envelope, purse).await?;
            sent(context, "allowance levelled", json!({ "envelope": envelope, "purse": purse }), done)
        }
        C::Sweep { envelope, purse } => {
            let done = admin.sweep_purse(envelope, purse).await?;
            let facts = json!({ "envelope": envelope, "purse": purse, "amount": done.value });
            sent(context, "swept", facts, done)
        }
        C::RevokeStamp { stamp } => {
            let done = admin.revoke_stamp(stamp).await?;
            sent(context, "stamp revoked", json!({ "stamp": stamp }), done)
        }
        C::StampEpoch { epoch } => {
            let done = admin.set_stamp_epoch(epoch).await?;
            sent(context, "stamp epoch set", json!({ "epoch": epoch }), done)
        }
        C::Freeze(target) => freeze(context, admin, &target).await,
        C::Unfreeze(target) => unfreeze(context, admin, &target).await,
        C::Review { envelope, reason, clear } => {
            let hash = keccak256(&reason);
            let (what, done) = if clear {
                ("review cleared", admin.clear_review(envelope, hash).await?)
            } else {
                ("under review", admin.set_review(envelope, hash).await?)
            };
            sent(context, what, json!({ "envelope": envelope, "reason": reason, "reasonHash": hash }), done)
        }
        C::CloseSession { purse } => {
            sent(context, "session closed", json!({ "purse": purse }), admin.close_session(purse).await?)
        }
        C::Create { .. } | C::Show | C::Group { .. } | C::Requests | C::Approve { .. } | C::Reject { .. } => {
            anyhow::bail!("this verb sends no transaction to a treasury")
        }
    }
}

async fn create(context: &Context, owner: Option<Address>, label: &str, deploy_factory: bool) -> Result<()> {
    let signer = context.keys.signer()?;
    let (provider, sender) = keys::provider(&context.config, &signer).await?;
    let owner = owner.unwrap_or(sender);
    let factory = match context.config.factory {
        Some(factory) => factory,
        None if deploy_factory => deploy::deploy_factory(&provider).await.context("deploying the factory")?,
        None => context.config.factory()?,
    };
    let done = deploy::create_treasury(&provider, factory, owner, keccak256(label)).await?;
    let treasury = done.value;
    let hash = done.hash();
    context.output.done(
        &json!({ "treasury": treasury, "factory": factory, "owner": owner, "transaction": hash }),
        &[
            format!("treasury {treasury} created, owner {owner}"),
            format!("  factory      {factory}"),
            format!("  transaction  {hash}"),
            format!("next: export BURSAR_FACTORY={factory} BURSAR_TREASURY={treasury}"),
            "then: bursar treasury grant ACCOUNT policy-manager".into(),
        ],
    )
}

async fn show(context: &Context) -> Result<()> {
    let treasury = context.config.treasury()?;
    let contract = context.treasury_view().await?;
    let organisation = contract.organisation().call().await.context("asking the treasury")?;
    let mut assets = Vec::new();
    for index in 0..organisation.assets {
        let asset = contract.asset(alloy::primitives::U256::from(index)).call().await?;
        assets.push(json!({ "asset": asset.token, "escrowed": asset.escrowed.to_string() }));
    }
    let value = json!({
        "treasury": treasury, "frozen": organisation.frozen, "envelopes": organisation.envelopes.to_string(),
        "delaySeconds": organisation.delay, "separationOfDuties": organisation.separateDuties,
        "owners": organisation.owners, "assets": assets,
    });
    let lines = [
        format!("treasury {treasury}{}", if organisation.frozen { "  FROZEN" } else { "" }),
        format!("  envelopes             {}", organisation.envelopes),
        format!("  a loosening waits     {} s", organisation.delay),
        format!("  separation of duties  {}", if organisation.separateDuties { "on" } else { "off" }),
        format!("  owners                {}", organisation.owners),
        format!("  assets                {}", serde_json::to_string(&assets)?),
    ];
    context.output.done(&value, &lines)
}

async fn set_policy(
    context: &Context,
    admin: &TreasuryAdmin,
    envelope: u32,
    path: &Path,
    announce: bool,
) -> Result<()> {
    let policy = read_policy(path)?;
    let hash = policy.hash()?;
    if announce {
        let number = alloy::primitives::aliases::U24::try_from(envelope).context("envelope number")?;
        let call = bursar_sdk::abi::Treasury::setPolicyCall { envelope: number, policy: policy.to_chain()? };
        let done = admin.announce(&call).await?;
        return sent(
            context,
            "policy announced",
            json!({ "envelope": envelope, "policyHash": hash, "id": done.value }),
            done,
        );
    }
    let done = admin.set_policy(envelope, &policy).await?;
    let facts = json!({ "envelope": envelope, "version": done.value, "policyHash": hash });
    sent(context, "policy in force", facts, done)
}

async fn freeze(context: &Context, admin: &TreasuryAdmin, target: &Target) -> Result<()> {
    let (facts, done) = match (target.envelope, target.session, target.group) {
        (Some(envelope), ..) => (json!({ "envelope": envelope }), admin.freeze_envelope(envelope).await?),
        (_, Some(purse), _) => (json!({ "session": purse }), admin.freeze_session(purse).await?),
        (.., Some(group)) => (json!({ "group": group }), admin.freeze_group(group).await?),
        _ => (json!({ "organisation": true }), admin.freeze_organisation().await?),
    };
    sent(context, "frozen", facts, done)
}

async fn unfreeze(context: &Context, admin: &TreasuryAdmin, target: &Release) -> Result<()> {
    let (facts, done) = match (target.envelope, target.group) {
        (Some(envelope), _) => (json!({ "envelope": envelope }), admin.unfreeze_envelope(envelope).await?),
        (_, Some(group)) => (json!({ "group": group }), admin.unfreeze_group(group).await?),
        _ => (json!({ "organisation": true }), admin.unfreeze_organisation().await?),
    };
    sent(context, "released", facts, done)
}

async fn admin(context: &Context) -> Result<TreasuryAdmin> {
    let treasury = context.config.treasury()?;
    let signer = context.keys.signer()?;
    let (provider, sender) = keys::provider(&context.config, &signer).await?;
    Ok(TreasuryAdmin::new(treasury, provider, sender))
}

fn read_policy(path: &Path) -> Result<PolicyDocument> {
    let text = std::fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
    PolicyDocument::from_json(&text).with_context(|| format!("the policy document {}", path.display()))
}

/// Prints what a transaction did, with where to see it.
fn sent<T>(context: &Context, what: &str, mut facts: Value, done: Sent<T>) -> Result<()> {
    let mut lines = vec![what.to_owned()];
    if let Some(fields) = facts.as_object_mut() {
        for (name, value) in fields.iter() {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            lines.push(format!("  {name:<12} {text}"));
        }
        fields.insert("transaction".into(), json!(done.hash()));
        fields.insert("block".into(), json!(done.receipt.block_number));
    }
    lines.push(format!("  {:<12} {}", "transaction", done.hash()));
    context.output.done(&facts, &lines)
}
