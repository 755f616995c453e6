//! The verbs of `bursar treasury`, and what they take.

use std::path::PathBuf;

use alloy::primitives::{Address, B256};
use bursar_sdk::{admin::groups::GroupLimits, amount::Amount, policy::WindowLimit, role::Role};
use clap::{Args, Subcommand};

use crate::commands::signed::SignedElsewhere;

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
        #[command(flatten)]
        elsewhere: SignedElsewhere,
    },
    /// Reject one payment
    Reject {
        /// The payment's digest
        digest: B256,
        /// Why, for the agent and the record
        #[arg(long)]
        reason: String,
        #[command(flatten)]
        elsewhere: SignedElsewhere,
    },
}

/// Payees and the list they are on.
#[derive(Debug, Args)]
pub(crate) struct PayeeArgs {
    /// The list's number, from 1
    pub(super) list: u16,
    /// The payees
    #[arg(required = true)]
    pub(super) payees: Vec<Address>,
}

/// What to freeze or release: exactly one.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(crate) struct Target {
    /// The whole organisation
    #[arg(long)]
    pub(super) organisation: bool,
    /// One group, by its number, with all that is in or below it
    #[arg(long, value_name = "NUMBER")]
    pub(super) group: Option<u32>,
    /// One envelope, by its number
    #[arg(long, value_name = "NUMBER")]
    pub(super) envelope: Option<u32>,
    /// One session, by its purse; for good
    #[arg(long, value_name = "PURSE")]
    pub(super) session: Option<Address>,
}

/// What to release: exactly one. A frozen session is closed instead.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(crate) struct Release {
    /// The whole organisation; its sessions run on
    #[arg(long)]
    pub(super) organisation: bool,
    /// One group, by its number; its sessions run on
    #[arg(long, value_name = "NUMBER")]
    pub(super) group: Option<u32>,
    /// One envelope, by its number; its sessions end
    #[arg(long, value_name = "NUMBER")]
    pub(super) envelope: Option<u32>,
}

/// What a group allows.
#[derive(Debug, Args)]
pub(crate) struct LimitArgs {
    /// A calendar window as SECONDS=AMOUNT, in atomic units; up to four, shortest first
    #[arg(long = "window", value_name = "SECONDS=AMOUNT", value_parser = window)]
    pub(super) windows: Vec<WindowLimit>,
    /// Most that is drawn in all, in atomic units; 0 means no such limit
    #[arg(long, default_value = "0")]
    pub(super) lifetime: Amount,
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
