//! Which rules there are, what each is evidence of, and why one may go untested.

const NOTHING: &str = "there was nothing to test";

macro_rules! rules {
    ($($rule:ident $id:literal $says:literal, $of:literal, [$($evidence:literal),+], $untested:expr;)*) => {
        /// A rule that the ledger is held against.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        #[allow(missing_docs)] // What each says stands beside it.
        pub enum Rule { $($rule),* }

        impl Rule {
            /// Every rule.
            pub const ALL: &'static [Self] = &[$(Self::$rule),*];

            /// As exceptions name it.
            pub fn id(self) -> &'static str {
                match self { $(Self::$rule => $id),* }
            }

            /// What has to hold.
            pub fn says(self) -> &'static str {
                match self { $(Self::$rule => $says),* }
            }

            /// Of what.
            pub fn of(self) -> &'static str {
                match self { $(Self::$rule => $of),* }
            }

            /// Which evidence it is.
            pub fn evidence(self) -> &'static [&'static str] {
                match self { $(Self::$rule => &[$($evidence),+]),* }
            }

            /// Why it may go untested.
            pub fn untested(self) -> &'static str {
                match self { $(Self::$rule => $untested),* }
            }
        }
    };
}

rules! {
    Explained "explained" "the record of its decision was handed in", "payments", ["EV-DECISION"], NOTHING;
    NonceOpens "nonce_opens" "its nonce is the commitment to policy, session and that record", "explained payments",
        ["EV-DECISION", "EV-POLICY"], NOTHING;
    RecordAgrees "record_agrees" "the record says of payee, amount, asset, policy and agent what the chain says",
        "explained payments", ["EV-DECISION"], NOTHING;
    Sealed "sealed" "the agent, or the key of the session, sealed it", "decisions and outcomes",
        ["EV-DECISION", "EV-STAMP", "EV-DENIAL"], NOTHING;
    RecordsChained "records_chained" "it names the record before it, and none is missing or doubled",
        "decisions by purse, and outcomes by decision", ["EV-DECISION", "EV-LOG"], NOTHING;
    Delivered "delivered" "its agent says that what was paid for came", "payments", ["EV-OUTCOME"], NOTHING;
    WithinCap "within_cap" "at most the cap of policy and session", "payments", ["EV-LIMIT", "EV-POLICY"], NOTHING;
    WithinSession "within_session" "with those before it at most the session's budget", "payments", ["EV-LIMIT"],
        NOTHING;
    WithinWindows "within_windows" "with those before it at most every limit of envelope and groups, window by window",
        "payments", ["EV-LIMIT", "EV-POLICY"], NOTHING;
    PayeeListed "payee_listed" "to a payee on the lists of policy and session", "payments", ["EV-POLICY"], NOTHING;
    PolicyInForce "policy_in_force" "under the policy in force", "payments", ["EV-POLICY", "EV-SETTLE"], NOTHING;
    SessionLive "session_live" "in a session that was open, not over and not frozen", "payments",
        ["EV-FREEZE", "EV-SETTLE"], NOTHING;
    NotFrozen "not_frozen" "while neither organisation, groups nor envelope were frozen", "payments", ["EV-FREEZE"],
        NOTHING;
    Approved "approved" "approved by somebody who held the approver's role", "payments above the threshold",
        ["EV-APPROVAL"], NOTHING;
    ApproverApart "approver_apart" "the approver is no agent, not the session key, and no author of policies where \
        duties are separate", "approved payments", ["EV-APPROVAL", "EV-ROLE"], NOTHING;
    RolesApart "roles_apart" "nobody is two of policy manager, approver and agent", "accounts with such a role",
        ["EV-ROLE"], NOTHING;
    SetByRole "set_by_role" "set by a policy manager, or the owner", "policies", ["EV-CHANGE", "EV-POLICY"], NOTHING;
    PursesAddUp "purses_add_up" "the purse gave back what it had drawn and received, less what it paid",
        "closed sessions", ["EV-RECON", "EV-SETTLE"], NOTHING;
    NothingAside "nothing_set_aside" "every log that concerns the treasury made sense", "logs read or set aside",
        ["EV-RECON", "EV-SETTLE"], NOTHING;
    Registered "registered" "it has an agent, and a policy in force", "envelopes", ["EV-INVENTORY"], NOTHING;
    StampLive "stamp_live" "its stamp was not revoked", "sessions opened with a stamp", ["EV-STAMP"],
        "no session was opened with a stamp";
    LowScoreHeld "low_score_held" "after a score below 600, no session opened before a human had looked",
        "scores below 600", ["EV-SCORE"], "no score below 600 was reported";
    ScoreFresh "score_fresh" "a score of the time that policy asks for stood when it opened",
        "sessions of envelopes that ask for a score", ["EV-SCORE"], "no envelope asks for a score";
    RefusalHeld "refusal_held" "nothing settled under it", "refusals", ["EV-DENIAL"], "no refusal was recorded";
    Alerts "alerts" "a deviation was told before it settled", "deviations", ["EV-ALERT"],
        "alerts are not kept in the ledger";
    Incidents "incidents" "an incident has its record, with timeline and notifications", "incidents",
        ["EV-INCIDENT"], "incident records are outside the ledger; freezes and reviews are in S7 and S8";
    Logged "logged" "the transparency log tells of it, of its time and seal, and of nothing that is not here",
        "entries of the log; records, requests, answers and erasures", ["EV-LOG"], NOTHING;
    LogAnchored "log_anchored" "it is the root of the log's first entries", "roots anchored on chain", ["EV-LOG"],
        "no root of the log was anchored on chain";
    Retained "retained" "kept as long as it has to be", "records", ["EV-RETAIN"],
        "how long records are kept is outside the ledger: attach the retention schedule";
}

impl Rule {
    /// Those of payments that the chain alone breaks, at the time of the payment.
    pub(crate) const OF_CHAIN: [Self; 9] = [
        Self::WithinCap,
        Self::WithinSession,
        Self::WithinWindows,
        Self::PayeeListed,
        Self::PolicyInForce,
        Self::SessionLive,
        Self::NotFrozen,
        Self::Approved,
        Self::ApproverApart,
    ];
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::controls::Mapping;

    #[test]
    fn every_kind_of_evidence_has_a_trial() {
        let mapping = Mapping::committed().expect("the committed mapping reads");
        for id in mapping.evidence.keys().filter(|id| *id != "EV-TEST") {
            let tried = Rule::ALL.iter().any(|rule| rule.evidence().contains(&id.as_str()));
            assert!(tried, "{id} has no trial");
        }
        for rule in Rule::ALL {
            let known = rule.evidence().iter().all(|id| mapping.evidence.contains_key(*id));
            assert!(known, "{} is evidence of nothing known", rule.id());
        }
    }
}
