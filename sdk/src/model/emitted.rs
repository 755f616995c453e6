//! Events by name, so that verbs can emit them directly.

use crate::abi::Treasury::{self, TreasuryEvents};

macro_rules! emitted {
    ($($event:ident)*) => {$(
        impl From<Treasury::$event> for TreasuryEvents {
            fn from(event: Treasury::$event) -> Self {
                Self::$event(event)
            }
        }
    )*};
}

emitted! {
    AgentSet Anchored Announced AnnouncementCancelled AnnouncementUsed AssetAdded DelaySet EnvelopeCreated
    EnvelopeFrozen EnvelopeUnfrozen GroupCreated GroupFrozen GroupLimitsSet GroupSet GroupUnfrozen
    OrganisationFrozen OrganisationUnfrozen PayeeListed PayeeUnlisted Permit2Set PolicySet PurseCreated PurseSwept
    Recovered ReviewCleared ReviewSet RoleGranted RoleRevoked SeparationOfDutiesSet SessionClosed SessionFrozen
    ScoreLifeSet ScoreReported SessionOpened StampEpochSet StampRevoked ToppedUp Withdrawn
}
