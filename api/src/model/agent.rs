//! Agents, as clients read them.

use serde::Serialize;
use utoipa::ToSchema;

use crate::{model::envelope::Envelope, wire::Addr};

/// An agent and the envelopes it spends from.
#[derive(Debug, Serialize, ToSchema)]
pub struct Agent {
    /// The agent's identity key.
    pub address: Addr,
    /// One per treasury that gave it a budget.
    pub envelopes: Vec<Envelope>,
}
