//! What can happen in a history, in words that make sense whatever happened before: amounts and times are said
//! relative to the limit they are to meet, so that a history stays one when steps are taken out of it.

use crate::{
    acts::Act,
    cast::{KEYS, Who},
};

/// One thing that happens.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    Wait(Until),
    Open(Opening),
    /// An opening that was signed before is submitted again.
    OpenAgain(u8),
    Close {
        purse: PurseOf,
        by: Who,
        proof: Proof,
    },
    /// A payment is signed; and settled, or kept for later.
    Pay(Paying),
    /// A payment that was signed before is settled, whether it was already or not.
    Settle(u8),
    Act {
        by: By,
        act: Act,
    },
    Announce {
        by: By,
        act: Act,
    },
    /// What was announced is done.
    RunAnnounced {
        by: By,
        which: u8,
    },
    Cancel {
        by: By,
        which: u8,
    },
    /// Somebody sends tokens to a purse or to the treasury.
    Donate {
        token: u8,
        to: Option<PurseOf>,
        units: u8,
    },
}

/// An envelope: one there is, mostly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EnvelopeAt {
    Known(u8),
    Zero,
    PastTheLast,
}

/// A purse: one there is, mostly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PurseOf {
    /// One with a session that may pay, if there is any.
    Live(u8),
    /// By envelope and index; `None` for the one after the last.
    At(EnvelopeAt, Option<u8>),
}

/// A group: one there is, mostly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum GroupAt {
    Known(u8),
    Zero,
    PastTheLast,
    FarPastTheLast,
}

/// A caller: the one whose job it is, or somebody else.
#[derive(Debug, Clone, Copy)]
pub(crate) enum By {
    Usual,
    Other(Who),
}

/// An amount, relative to what it meets.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Sum {
    Units(u8),
    /// So many hundredths.
    OfCap(u8),
    OfSessionLimit(u8),
    Cap(i8),
    Threshold(i8),
    SessionLimit(i8),
    ScopeCap(i8),
    ScopeThreshold(i8),
    /// What a limit has left.
    Room(u8, i8),
    Escrow(i8),
    /// What escrow and purse hold together.
    Available(i8),
    Held(i8),
    /// 2^96 - 1, and that plus one where the field has room.
    Ledger(i8),
}

/// A time to come, relative to what ends then.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Until {
    Seconds(u16),
    WindowEnd(EnvelopeAt, u8, i8),
    Expiry(PurseOf, i8),
    Ready(u8, i8),
    Stale(u8, i8),
    Days(u8),
}

/// When a session is to end.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Ends {
    /// As late as policy and windows allow.
    Latest,
    Seconds(u16),
    Longest(i8),
    WindowEnd(u8, i8),
    Now(i8),
}

/// Who signs an opening, a close or a top-up: whose it is to sign, or somebody else.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Proof {
    Right,
    Other(Who),
    /// The right signature in its other form, with a high s.
    HighS,
    /// The right signature, one byte short.
    Short,
    /// The right signature, with a v of 0 or 1.
    BareParity,
    Empty,
}

#[derive(Debug, Clone)]
pub(crate) struct Opening {
    pub(crate) purse: PurseOf,
    pub(crate) budget: Sum,
    pub(crate) ends: Ends,
    pub(crate) key: Who,
    pub(crate) sequence: i8,
    pub(crate) scope: (Option<Sum>, Option<Sum>, u16),
    /// The stamp it names, or 0.
    pub(crate) stamp: u8,
    pub(crate) proof: Proof,
    pub(crate) relay: Who,
}

impl Opening {
    /// What an agent asks for that wants no more than to pay.
    pub(crate) fn plain(which: u8) -> Self {
        Self {
            purse: PurseOf::At(EnvelopeAt::Known(which), Some(which / 4)),
            budget: Sum::OfSessionLimit(90),
            ends: Ends::Latest,
            key: Who::Key(which % KEYS),
            sequence: 0,
            scope: (None, None, 0),
            stamp: 0,
            proof: Proof::Right,
            relay: Who::Stranger,
        }
    }
}

/// Whose approval a payment carries.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Approved {
    No,
    /// By the approver, where the amount asks for it.
    WhereDue,
    By(Who),
    ByContract(Who),
    /// By the approver, of another payment.
    Elsewhere,
    HighS,
    /// A signature that nobody can have made.
    Nobodys,
}

/// What is wrong with a payment.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Twist {
    Nothing,
    HighS,
    Rail(u8),
    Cut(u8),
    Kind(u8),
    FlipBit(u16),
    Payee(Who),
    Amount,
    Epoch,
    Version,
    Sequence,
    Decision,
    OtherToken,
}

#[derive(Debug, Clone)]
pub(crate) struct Paying {
    pub(crate) purse: PurseOf,
    /// EIP-3009 (1), or Permit2: exact (2), upto (3).
    pub(crate) rail: u8,
    pub(crate) payee: Who,
    pub(crate) amount: Sum,
    pub(crate) decision: u8,
    /// Seconds from now, both exclusive.
    pub(crate) valid: (i8, i16),
    pub(crate) signer: Option<Who>,
    pub(crate) approved: Approved,
    pub(crate) twist: Twist,
    pub(crate) relay: Who,
    pub(crate) settle: bool,
}
