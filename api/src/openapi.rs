use utoipa::OpenApi;

/// What no route says: the document's frame.
#[derive(Debug, OpenApi)]
#[openapi(
    info(
        title = "Bursar",
        description = "Who paid, how much, under which policy, and why. Amounts are decimal strings of the \
                       asset's atomic units, times are unix seconds, addresses are EIP-55 checksummed, \
                       hashes are 0x hex. Lists are keyset pages: pass `next` as `cursor` to read on. \
                       Unknown parameters are refused.",
        license(name = "Apache-2.0", identifier = "Apache-2.0")
    ),
    tags(
        (name = "Ledger", description = "The books."),
        (name = "Treasuries", description = "One organisation's contract each."),
        (name = "Log", description = "What came from outside the chain, in a log that shows any change: roots and proofs."),
        (name = "Agents", description = "Identity keys that spend."),
        (name = "Envelopes", description = "An agent's budget: balances, totals, headroom."),
        (name = "Scores", description = "How far agents keep within what they were given, with reasons."),
        (name = "Alerts", description = "What somebody should look at."),
        (name = "Groups", description = "Budgets above envelopes: a team, a task, the whole fleet."),
        (name = "Sessions", description = "Bounded grants drawn from an envelope."),
        (name = "Payments", description = "x402 settlements, joined with the decisions they committed to."),
        (name = "Watched", description = "What others pay outside any envelope, and who is looked at."),
        (name = "Decisions", description = "Why agents paid, or were refused."),
        (name = "Policies", description = "Limits, rules and payee lists, with their history."),
        (name = "Stops", description = "Freezes, releases and reviews."),
        (name = "Approvals", description = "Payments that wait for a human."),
        (name = "Events", description = "What happened, for those who follow: a list with a cursor, and a stream."),
        (name = "Service", description = "How far the ledger is, and health.")
    )
)]
pub(crate) struct Frame;

/// The OpenAPI document, as served at `/openapi.json` and committed at `api/openapi.json`.
pub fn document() -> utoipa::openapi::OpenApi {
    crate::router::api().into_openapi()
}
