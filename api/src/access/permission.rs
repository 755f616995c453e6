use std::fmt;

use bursar_indexer::access::Role;

/// What a route is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Permission {
    /// How far the ledger is.
    Status,
    /// What is about one agent: its envelope, sessions, payments, records and requests. An agent: about itself.
    Own,
    /// The books of a treasury as a whole.
    Books,
    /// Who asked what.
    Accesses,
    /// What belongs to no treasury.
    Outside,
    /// Records and requests of agents, handed in.
    Record,
    /// Answers to requests, and what is signed for them.
    Answer,
    /// What the organisation's wallets sign, prepared, and what came of it, handed in.
    Prepare,
}

impl Permission {
    /// Every one.
    pub const ALL: [Self; 8] = [
        Self::Status,
        Self::Own,
        Self::Books,
        Self::Accesses,
        Self::Outside,
        Self::Record,
        Self::Answer,
        Self::Prepare,
    ];
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Status => "ask how far the ledger is",
            Self::Own => "read what is about an agent",
            Self::Books => "read a treasury's books",
            Self::Accesses => "read who asked what",
            Self::Outside => "read what belongs to no treasury",
            Self::Record => "hand in an agent's records and requests",
            Self::Answer => "answer requests",
            Self::Prepare => "prepare what the organisation's wallets sign",
        })
    }
}

/// Whether a role may that. Of whose things, its grant says.
pub fn allows(role: Role, permission: Permission) -> bool {
    match permission {
        Permission::Status | Permission::Own => true,
        Permission::Books => role != Role::Agent,
        Permission::Accesses | Permission::Outside => role == Role::Auditor,
        Permission::Record => role == Role::Agent,
        Permission::Answer => role == Role::Approver,
        Permission::Prepare => role == Role::Treasury,
    }
}
