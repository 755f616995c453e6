//! `bursar treasury`: what owners, policy managers, guardians, reviewers and approvers do.

use std::path::PathBuf;

use alloy::primitives::{Address, B256, keccak256};
use anyhow::{Context as _, Result};
use bursar_sdk::{
    admin::{Sent, TreasuryAdmin, groups::GroupLimits},
    amount::Amount,
    deploy,
    policy::{PolicyDocument, WindowLimit},
    role::Role,
};
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::{Context, approvals, groups};
use crate::keys;

/// Treasury verbs.
#[derive(Debug, Subcommand)]
pub(crate) enum TreasuryCommand {
    /// Create a treasury through the factory; deploys a factory first with --deploy-factory
    Create {
        /// The account that holds the owner role at first: a Safe or a timelock in production
        #[arg(long)]
        owner: Option<Address>,
        /// Tells several treasuries of one owner apart
        #[arg(long, default_value = "default")]
        label: String,
        /// Deploy the factory too, where there is none yet
        #[arg(long)]
        deploy_factory: bool,
    },
    /// Show the organisation, its roles' rules and its assets
    Show,
    /// Give an account a role: owner, policy-manager, guardian, approver, reviewer, stamper
    Grant {
        /// The account
        account: Address,
        /// The role
        role: Role,
    },
    /// Take a role from an account
    Revoke {
        /// The account
        account: Address,
        /// The role
        role: Role,
    },
    /// Set how long a loosening waits, in seconds
    Delay {
        /// Seconds
        seconds: u32,
    },
    /// Let envelopes hold a token (EIP-3009)
    AddAsset {
        /// The token; the network's own by default
        token: Option<Address>,
    },
    /// Create an agent's envelope with its first purse, under a policy document
    CreateEnvelope {
        /// The agent's identity key
        agent: Address,
        /// The policy document (JSON; `bursar policy example` prints one)
        #[arg(long)]
        policy: PathBuf,
    },
    /// Create further purses, for replicas of one agent
    CreatePurses {
        /// The envelope's number
        envelope: u32,
        /// How many more
        count: u16,
    },
    /// Put a policy in force: at once when nothing gets looser, else after its announcement
    SetPolicy {
        /// The envelope's number
        envelope: u32,
        /// The policy document (JSON)
        #[arg(long)]
        policy: PathBuf,
        /// Announce it instead of putting it in force
        #[arg(long)]
        announce: bool,
    },
    /// Put payees on a list
    ListPayees(PayeeArgs),
    /// Take payees off a list, at once
    UnlistPayees(PayeeArgs),
    /// Add to an envelope's escrow from the caller's own tokens
    TopUp {
        /// The envelope's number
        envelope: u32,
        /// In the asset's atomic units
        amount: Amount,
    },
    /// Take money out of an envelope's escrow
    Withdraw {
        /// The envelope's number
        envelope: u32,
        /// In the asset's atomic units
        amount: Amount,
        /// Where it goes
        #[arg(long)]
        to: Address,
    },
    /// Create a group: a budget above envelopes
    CreateGroup {
        /// The group above; none at the top
        #[arg(long, default_value_t = 0)]
        parent: u32,
        /// The token; the network's own by default
        #[arg(long)]
        asset: Option<Address>,
        /// What it allows
        #[command(flatten)]
        limits: LimitArgs,
    },
    /// Change a group's limits, not their periods: at once when none rises, else after its announcement
    SetGroupLimits {
        /// The group's number
        group: u32,
        /// What it allows
        #[command(flatten)]
        limits: LimitArgs,
    },
    /// Put an envelope under a group, or under none (0); its open sessions end
    SetGroup {
        /// The envelope's number
        envelope: u32,
        /// The group's number
        group: u32,
    },
    /// Show a group and what its limits have left
    Group {
        /// The group's number
        group: u32,
    },
    /// Let an envelope's purses pay through Permit2 as well; its open sessions end
    Permit2 {
        /// The envelope's number
        envelope: u32,
        /// No more
        #[arg(long)]
        off: bool,
    },
    /// Make a purse's allowance to Permit2 what its envelope says
    LevelPermit2 {
        /// The envelope's number
        envelope: u32,
        /// Which of its purses, from 0
        #[arg(default_value_t = 0)]
        purse: u16,
    },
    /// Put what strangers sent to an idle purse into the escrow
    Sweep {
        /// The envelope's number
        envelope: u32,
        /// Which of its purses, from 0
        #[arg(default_value_t = 0)]
        purse: u16,
    },
    /// Stop everything of the organisation, a group, an envelope or a session; whatever is outstanding dies
    Freeze(Target),
    /// Release what was frozen; what was signed before stays void
    Unfreeze(Release),
    /// Revoke an identity stamp, and all that are chained to it, for good
    RevokeStamp {
        /// The stamp's hash
        stamp: B256,
    },
    /// Revoke every identity stamp of an earlier epoch
    StampEpoch {
        /// Above the one in force
        epoch: u32,
    },
    /// Stop new sessions of an envelope until a human clears it
    Review {
        /// The envelope's number
        envelope: u32,
        /// Why; its keccak-256 goes on chain
        #[arg(long)]
        reason: String,
        /// Clear the review instead
        #[arg(long)]
        clear: bool,
    },
    /// Close a purse's session: what it holds returns to the escrow
    CloseSession {
        /// The purse
        purse: Address,
    },
    /// List payments that wait for a human's approval
    Requests,
    /// Approve one payment, shown before it is signed
    Approve {
        /// The payment's digest, from `bursar treasury requests`
        digest: B256,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
    /// Reject one payment
    Reject {
        /// The payment's digest
        digest: B256,
        /// Why, for the agent and the record
        #[arg(long)]
        reason: String,
    },
}

/// Payees and the list they are on.
#[derive(Debug, Args)]
pub(crate) struct PayeeArgs {
    /// The list's number, from 1
    list: u16,
    /// The payees
    #[arg(required = true)]
    payees: Vec<Address>,
}

/// What to freeze or release: exactly one.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(crate) struct Target {
    /// The whole organisation
    #[arg(long)]
    organisation: bool,
    /// One group, by its number, with all that is in or below it
    #[arg(long, value_name = "NUMBER")]
    group: Option<u32>,
    /// One envelope, by its number
    #[arg(long, value_name = "NUMBER")]
    envelope: Option<u32>,
    /// One session, by its purse; for good
    #[arg(long, value_name = "PURSE")]
    session: Option<Address>,
}

/// What to release: exactly one. A frozen session is closed instead.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(crate) struct Release {
    /// The whole organisation; its sessions run on
    #[arg(long)]
    organisation: bool,
    /// One group, by its number; its sessions run on
    #[arg(long, value_name = "NUMBER")]
    group: Option<u32>,
    /// One envelope, by its number; its sessions end
    #[arg(long, value_name = "NUMBER")]
    envelope: Option<u32>,
}

/// What a group allows.
#[derive(Debug, Args)]
pub(crate) struct LimitArgs {
    /// A calendar window as SECONDS=AMOUNT, in atomic units; up to four, shortest first
    #[arg(long = "window", value_name = "SECONDS=AMOUNT", value_parser = window)]
    windows: Vec<WindowLimit>,
    /// Most that is drawn in all, in atomic units; 0 means no such limit
    #[arg(long, default_value = "0")]
    lifetime: Amount,
}

fn window(text: &str) -> Result<WindowLimit, String> {
    let (period, limit) = text.split_once('=').ok_or("expected SECONDS=AMOUNT")?;
    let period = period.parse().map_err(|_| format!("expected a whole number of seconds, got {period:?}"))?;
    let limit = limit.parse().map_err(|error| format!("{error}"))?;
    Ok(WindowLimit { period, limit })
}

impl From<LimitArgs> for GroupLimits {
    fn from(args: LimitArgs) -> Self {
        Self { windows: args.windows, lifetime: args.lifetime }
    }
}

pub(crate) async fn run(context: &Context, command: TreasuryCommand) -> Result<()> {
    use TreasuryCommand as C;
    match command {
        C::Create { owner, label, deploy_factory } => create(context, owner, &label, deploy_factory).await,
        C::Show => show(context).await,
        C::Group { group } => groups::show(context, group).await,
        C::Requests => approvals::requests(context).await,
        C::Approve { digest, yes } => approvals::approve(context, digest, yes).await,
        C::Reject { digest, reason } => approvals::reject(context, digest, &reason).await,
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
    path: &PathBuf,
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

fn read_policy(path: &PathBuf) -> Result<PolicyDocument> {
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
