use std::time::Duration;

/// Why an event is not published yet. Nothing is lost by it, and nothing skipped: it is tried again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    /// No connection.
    #[error("expected a NATS server at {at}, got none: {why}")]
    Unreachable {
        /// Where.
        at: String,
        /// What came instead.
        why: String,
    },
    /// The server lets nobody in with these credentials.
    #[error("the NATS server at {at} refuses the credentials")]
    Refused {
        /// Where.
        at: String,
    },
    /// The connection was lost.
    #[error("the connection to the NATS server was lost")]
    Lost,
    /// Nothing to keep messages.
    #[error("expected a NATS server with JetStream, got one without, or an account that may not use it")]
    NoJetStream,
    /// The stream is for something else.
    #[error("expected a stream {stream} that takes {wanted}, got one that takes {got}")]
    OtherSubjects {
        /// Which.
        stream: String,
        /// Our subjects.
        wanted: String,
        /// Its subjects.
        got: String,
    },
    /// The server does not make the stream.
    #[error("the server does not make a stream {stream} of {wanted}: {why}")]
    Unmade {
        /// Which.
        stream: String,
        /// Of which subjects.
        wanted: String,
        /// What it says.
        why: String,
    },
    /// The server does not say what is in the stream.
    #[error("the server does not tell of the stream {stream}: {why}")]
    Untold {
        /// Which.
        stream: String,
        /// What it says.
        why: String,
    },
    /// The stream has what another ledger published.
    #[error(
        "expected the newest message of {subjects} to be of this ledger ({ledger}), got {got:?}: two ledgers take two \
         subject prefixes; where this one follows another, purge these subjects first"
    )]
    OtherLedger {
        /// Ours.
        subjects: String,
        /// Ours.
        ledger: String,
        /// The message's id.
        got: String,
    },
    /// The stream has an event of this ledger that this ledger has not, or has otherwise.
    #[error(
        "expected the newest message of {subjects} to be event {seq} as the ledger has it, got another: was the store put \
         back to an earlier state? Consumers have to begin again: purge these subjects first"
    )]
    Diverged {
        /// Ours.
        subjects: String,
        /// The event.
        seq: u64,
    },
    /// The ledger does not keep any more what is next.
    #[error("expected the events after {cursor}, got none before {oldest}: they are no longer kept")]
    Gone {
        /// How far it was published.
        cursor: u64,
        /// The oldest that is kept.
        oldest: u64,
    },
    /// The ledger has not come as far as was published of it.
    #[error("expected a ledger with event {cursor}, up to which was published, got one of {newest} events")]
    Ahead {
        /// How far it was published.
        cursor: u64,
        /// The newest there is.
        newest: u64,
    },
    /// The event does not fit in a message.
    #[error(
        "event {seq} takes {size} bytes, and the server messages of {most} at most: raise its max_payload"
    )]
    TooLarge {
        /// The event.
        seq: u64,
        /// Its size, in bytes.
        size: usize,
        /// The server's bound, in bytes.
        most: usize,
    },
    /// The server did not keep the event.
    #[error("the server does not keep event {seq}: {why}")]
    NotKept {
        /// The event.
        seq: u64,
        /// What it says.
        why: String,
    },
    /// The server did not say that it keeps the event.
    #[error("expected an answer to event {seq} within {within:?}, got none{}", beside(.said))]
    NoAnswer {
        /// The event.
        seq: u64,
        /// How long it had.
        within: Duration,
        /// What the server said instead.
        said: Option<String>,
    },
    /// The event cannot be written.
    #[error("event {seq} cannot be written")]
    Unwritable {
        /// The event.
        seq: u64,
    },
}

fn beside(said: &Option<String>) -> String {
    said.as_ref().map(|said| format!(": {said}")).unwrap_or_default()
}

impl Trouble {
    /// As metrics spell it.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unreachable { .. } => "unreachable",
            Self::Refused { .. } => "refused",
            Self::Lost => "lost",
            Self::NoJetStream => "no_jetstream",
            Self::OtherSubjects { .. } => "other_subjects",
            Self::Unmade { .. } => "unmade",
            Self::Untold { .. } => "untold",
            Self::OtherLedger { .. } => "other_ledger",
            Self::Diverged { .. } => "diverged",
            Self::Gone { .. } => "gone",
            Self::Ahead { .. } => "ahead",
            Self::TooLarge { .. } => "too_large",
            Self::NotKept { .. } => "not_kept",
            Self::NoAnswer { .. } => "no_answer",
            Self::Unwritable { .. } => "unwritable",
        }
    }
}
