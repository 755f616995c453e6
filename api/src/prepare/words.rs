//! What a treasury reverts with, in words.

use bursar_sdk::{abi::Treasury::TreasuryErrors, role::Role};

use crate::web::text::when;

/// One sentence.
pub(super) fn in_words(error: &TreasuryErrors) -> String {
    use TreasuryErrors as E;
    match error {
        E::RoleMissing(e) => {
            let roles: Vec<&str> = Role::in_set(e.anyOf).into_iter().map(Role::code).collect();
            format!("account {} holds no role that it takes ({}).", e.caller, roles.join(" or "))
        }
        E::NotFrozen(_) => "nothing is frozen that could be released.".into(),
        E::AmountZero(_) => "an amount of zero moves nothing.".into(),
        E::AddressZero(_) => "the zero address is no receiver.".into(),
        E::EscrowTooSmall(e) => {
            format!("the escrow holds {} atomic units, {} are asked for.", e.escrow, e.asked)
        }
        E::TransferMismatch(e) => {
            format!("the token moved {} atomic units where {} were asked for.", e.actual, e.expected)
        }
        E::EnvelopeUnknown(e) => format!("there is no envelope {}; there are {}.", e.envelope, e.count),
        E::GroupUnknown(e) => format!("there is no group {}; there are {}.", e.group, e.count),
        E::SessionNotOpen(e) => format!("no session is open on purse {}.", e.purse),
        E::NotAnnounced(e) if e.readyAt.is_zero() => {
            "it loosens a rule, and was not announced (or the announcement was taken back).".into()
        }
        E::NotAnnounced(e) => {
            format!("it was announced, and may run from {} UTC on.", when(e.readyAt.saturating_to()).full)
        }
        E::AnnouncementStale(e) => {
            format!(
                "its announcement ran out at {} UTC: announce it again.",
                when(e.staleAt.saturating_to()).full
            )
        }
        E::PolicyInvalid(e) => {
            format!("the policy contradicts itself: {} is {}, bound by {}.", e.field, e.value, e.bound)
        }
        E::TooMany(e) => format!("there would be more than the {} that a treasury counts.", e.limit),
        E::Overflow(e) => format!("{} is more than the {} that the ledger keeps.", e.value, e.max),
        E::GroupIsFrozen(e) => format!("group {} is frozen: an owner releases it first.", e.group),
        other => format!("the treasury answered {other:?}."),
    }
}

#[cfg(test)]
mod tests {
    use alloy::primitives::{Address, B256, U256};
    use bursar_sdk::abi::Treasury::{EscrowTooSmall, NotAnnounced, RoleMissing};

    use super::*;

    #[test]
    fn a_revert_names_both_sides() {
        let caller = Address::repeat_byte(9);
        let role = TreasuryErrors::RoleMissing(RoleMissing { caller, anyOf: 5 });
        assert_eq!(
            in_words(&role),
            format!("account {caller} holds no role that it takes (owner or guardian).")
        );
        let escrow = EscrowTooSmall { escrow: U256::from(4), asked: U256::from(5) };
        assert_eq!(
            in_words(&TreasuryErrors::EscrowTooSmall(escrow)),
            "the escrow holds 4 atomic units, 5 are asked for."
        );
        let waits = |ready: u64| {
            in_words(&TreasuryErrors::NotAnnounced(NotAnnounced {
                id: B256::ZERO,
                readyAt: U256::from(ready),
            }))
        };
        assert!(waits(0).contains("was not announced"));
        assert!(waits(1_795_219_200).contains("2026-11-21 00:00:00 UTC"));
    }
}
