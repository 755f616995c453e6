use axum::http::Method;
use utoipa::{
    OpenApi,
    openapi::{
        Content, OpenApi as Document, Ref, RefOr, Response,
        path::Operation,
        security::{Http, HttpAuthScheme, SecurityRequirement, SecurityScheme},
    },
};

use crate::access::routes;

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
        (name = "Reports", description = "What a treasury's ledger says at a height, for whoever trusts nobody."),
        (name = "Agents", description = "Identity keys that spend."),
        (name = "Envelopes", description = "An agent's budget: balances, totals, headroom."),
        (name = "Scores", description = "How far agents keep within what they were given, with reasons."),
        (name = "Alerts", description = "What somebody should look at."),
        (name = "Groups", description = "Budgets above envelopes: a team, a task, the whole fleet."),
        (name = "Sessions", description = "Bounded grants drawn from an envelope."),
        (name = "Payments", description = "x402 settlements, joined with the decisions they committed to."),
        (name = "Watched", description = "What others pay outside any envelope, and who is looked at."),
        (name = "Decisions", description = "Why agents paid, or were refused."),
        (name = "Stamps", description = "Who vouched for an agent."),
        (name = "Policies", description = "Limits, rules and payee lists, with their history."),
        (name = "Stops", description = "Freezes, releases and reviews."),
        (name = "Approvals", description = "Payments that wait for a human."),
        (name = "Transactions", description = "What people do to a treasury, prepared for their own wallets. Nothing is signed or sent here."),
        (name = "Events", description = "What happened, for those who follow: a list with a cursor, and a stream."),
        (name = "Access", description = "Who asked what."),
        (name = "Service", description = "How far the ledger is, and health.")
    )
)]
pub(crate) struct Frame;

/// The OpenAPI document, as served at `/openapi.json` and committed at `api/openapi.json`.
pub fn document() -> Document {
    guarded(crate::router::api().into_openapi())
}

/// How credentials are called here.
const KEY: &str = "key";
const TOKEN: &str = "token";

/// The document with what the guard in front of the routes asks and answers, which no route says.
pub(crate) fn guarded(mut document: Document) -> Document {
    let mut scheme = Http::new(HttpAuthScheme::Bearer);
    scheme.bearer_format = Some("bursar_ID_SECRET".into());
    scheme.description = Some(
        "A key, as `bursar key create` prints it. Asked for where the service is not open to all that reach it: \
         see docs/ACCESS.md for which role may what."
            .into(),
    );
    let mut token = Http::new(HttpAuthScheme::Bearer);
    token.bearer_format = Some("JWT".into());
    token.description = Some(
        "A token of the OpenID issuer that the operator has set up, in place of a key: its groups say its role."
            .into(),
    );
    let components = document.components.get_or_insert_default();
    components.add_security_scheme(KEY, SecurityScheme::Http(scheme));
    components.add_security_scheme(TOKEN, SecurityScheme::Http(token));
    for (path, item) in &mut document.paths.paths {
        for (method, operation) in [(Method::GET, &mut item.get), (Method::POST, &mut item.post)] {
            if let (Some(operation), Some(_)) = (operation, routes::find(&method, path)) {
                asks_for_a_key(operation);
            }
        }
    }
    document
}

fn asks_for_a_key(operation: &mut Operation) {
    operation.security = Some([KEY, TOKEN].map(|name| SecurityRequirement::new(name, [""; 0])).into());
    for (status, description) in [
        ("401", "No key or token came, or none that is taken: `code` tells."),
        ("403", "The key or token is not for this: `code` tells."),
        ("429", "Too much at once: it may come again after as many seconds as `Retry-After` says."),
    ] {
        let mut response = Response::new(description);
        let problem = Content::new(Some(RefOr::Ref(Ref::from_schema_name("Problem"))));
        response.content.insert("application/json".into(), problem);
        operation.responses.responses.insert(status.into(), RefOr::T(response));
    }
}
