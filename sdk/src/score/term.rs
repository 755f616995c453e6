//! What a score is made of: seven terms, each worth points from good to bad, and four caps.

use serde::{Deserialize, Serialize};

use super::{
    inputs::Inputs,
    ppm::{ONE, Ppm, linear},
};

/// The least there is.
pub const FLOOR: u16 = 300;
/// The most there is: [`FLOOR`] and the weights of all terms.
pub const CEILING: u16 = 850;

/// One of the seven terms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Term {
    /// Trajectory: what the window's spending comes to if it goes on like this.
    Trj,
    /// Headroom: use of the limit that is nearest to its end.
    Hdr,
    /// Completion: settlements that brought what they paid for.
    Cmp,
    /// Denials: by the rules, and by approvers.
    Den,
    /// Decisions: settlements whose decision is known.
    Dec,
    /// Payees: what was paid to new ones.
    Pay,
    /// Latency from decision to settlement.
    Lat,
}

impl Term {
    /// All of them, in the order of their weight.
    pub const ALL: [Self; 7] = [Self::Trj, Self::Hdr, Self::Cmp, Self::Den, Self::Dec, Self::Pay, Self::Lat];

    /// What it is worth, in points.
    pub fn weight(self) -> u64 {
        match self {
            Self::Trj => 150,
            Self::Hdr | Self::Cmp => 90,
            Self::Den => 70,
            Self::Dec => 60,
            Self::Pay => 50,
            Self::Lat => 40,
        }
    }

    /// As documents and routes spell it.
    pub fn code(self) -> &'static str {
        match self {
            Self::Trj => "TRJ",
            Self::Hdr => "HDR",
            Self::Cmp => "CMP",
            Self::Den => "DEN",
            Self::Dec => "DEC",
            Self::Pay => "PAY",
            Self::Lat => "LAT",
        }
    }

    /// How good it is, in millionths.
    pub fn goodness(self, of: &Inputs) -> Ppm {
        match self {
            Self::Trj => linear(of.trajectory(), 900_000, 1_500_000),
            Self::Hdr => linear(of.headroom, 700_000, ONE),
            Self::Cmp => linear(of.completion, 980_000, 800_000),
            Self::Den => by_rules(of).min(by_approvers(of)),
            Self::Dec => linear(of.coverage, ONE, 950_000),
            Self::Pay => linear(of.new_payees, 100_000, 600_000),
            Self::Lat => linear(of.latency, ONE, 5 * ONE),
        }
    }

    /// Why it loses points, where it does.
    pub(super) fn reason(self, of: &Inputs) -> Reason {
        match self {
            Self::Trj if of.burst > of.projection() => Reason::Burst,
            Self::Trj => Reason::Trajectory,
            Self::Hdr => Reason::Headroom,
            Self::Cmp => Reason::Completion,
            Self::Den if by_approvers(of) < by_rules(of) => Reason::Rejections,
            Self::Den => Reason::Denials,
            Self::Dec => Reason::Decisions,
            Self::Pay => Reason::Payees,
            Self::Lat => Reason::Latency,
        }
    }
}

fn by_rules(of: &Inputs) -> Ppm {
    linear(of.denials, 5_000, 150_000)
}

fn by_approvers(of: &Inputs) -> Ppm {
    linear(of.rejections, 0, 500_000)
}

macro_rules! reasons {
    ($($name:ident $code:literal $help:literal;)*) => {
        /// Why a score is what it is. Codes keep their meaning.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum Reason {
            $(#[doc = $help] #[serde(rename = $code)] $name,)*
        }

        impl Reason {
            /// Every reason, in the order of codes.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The stable name used in records, tables and routes.
            pub fn code(self) -> &'static str {
                match self { $(Self::$name => $code,)* }
            }

            /// What it means, in one line for a person.
            pub fn help(self) -> &'static str {
                match self { $(Self::$name => $help,)* }
            }
        }
    };
}

reasons! {
    Projected "R01" "The window's spending is on its way to more than one and a half times the limit.";
    Uncovered "R05" "The decision is known of less than 95 of 100 settlements.";
    Trajectory "R10" "Spending is ahead of its trajectory.";
    Burst "R11" "Spending comes in a burst, far above the pace of the window.";
    Headroom "R20" "A limit is close to its end.";
    Completion "R30" "Settlements did not bring what they paid for, or nobody recorded that they did.";
    Denials "R40" "The agent asks for what the rules refuse.";
    Rejections "R41" "Approvers reject what the agent asks them.";
    Decisions "R50" "Settlements without a known decision.";
    Payees "R60" "Much is paid to payees that are new.";
    Latency "R70" "Settlements come late after their decision.";
    Thin "R80" "Fewer than 20 settlements: too few to judge by.";
    Compromised "R90" "A guardian stopped the envelope for compromise.";
}

/// Settlements it takes before a score may be high.
pub const ENOUGH: u64 = 20;

/// The least share of settlements whose decision has to be known.
pub const COVERED: Ppm = 950_000;

/// The caps: no score is above one that applies.
pub(super) fn caps(of: &Inputs) -> [Option<(Reason, u16)>; 4] {
    [
        of.compromised.then_some((Reason::Compromised, FLOOR)),
        (of.coverage < COVERED).then_some((Reason::Uncovered, 499)),
        (of.trajectory() > 1_500_000).then_some((Reason::Projected, 549)),
        (of.settlements < ENOUGH).then_some((Reason::Thin, 699)),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_make_the_ceiling_and_codes_are_unique() {
        let sum: u64 = Term::ALL.iter().map(|term| term.weight()).sum();
        assert_eq!(u64::from(FLOOR) + sum, u64::from(CEILING));
        let codes: Vec<&str> = Reason::ALL.iter().map(|reason| reason.code()).collect();
        assert!(codes.is_sorted_by(|a, b| a < b));
        for reason in Reason::ALL {
            assert_eq!(serde_json::to_value(reason).ok(), Some(reason.code().into()));
        }
    }

    #[test]
    fn the_document_lists_every_reason_as_it_is() {
        let document = include_str!("../../../docs/SCORE.md");
        for reason in Reason::ALL {
            let line = format!("| `{}` | {} |", reason.code(), reason.help());
            assert!(document.contains(&line), "docs/SCORE.md does not say {line:?}");
        }
    }
}
