//! Every route that takes a credential: what it is for, and whose things it shows. What is not listed here is closed.

use axum::http::Method;

use super::Permission::{self, Accesses, Answer, Books, Outside, Own, Prepare, Record, Status};

/// Whose things a route is about, and so how it is kept to a caller's treasury and agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Subject {
    /// Nobody's.
    Nothing,
    /// What is of no treasury.
    OfNone,
    /// A list: its parameter `treasury`, and for agents `agent`, are put in.
    List,
    /// The treasury in this part of the path.
    Treasury(&'static str),
    /// The envelope at `treasury` and `number` in the path.
    Envelope,
    /// The agent at `address` in the path; the handler keeps to the treasury.
    Agent,
    /// The session with the `id` in the path.
    Session,
    /// The payment by `purse` and `nonce` in the path.
    Payment,
    /// The decision or outcome with the `hash` in the path, erased ones among them.
    Filed,
    /// The stamp with the `hash` in the path.
    Stamp,
    /// The approval request with the `digest` in the path.
    Request,
    /// The handler holds what it reads against the caller.
    Handler,
}

/// A route's path as the router has it, what it is for, and whose things it is about.
pub(crate) type Route = (&'static str, Permission, Subject);

/// What is asked for.
pub(crate) const ASKED: &[Route] = &[
    ("/", Books, Subject::Handler),
    ("/approvals", Books, Subject::Handler),
    ("/approvals/{digest}", Books, Subject::Request),
    ("/envelopes/{treasury}/{number}", Books, Subject::Envelope),
    ("/envelopes/{treasury}/{number}/policy.svg", Books, Subject::Envelope),
    ("/payments/{purse}/{nonce}", Books, Subject::Payment),
    ("/audit", Outside, Subject::OfNone),
    ("/audit/payments", Books, Subject::List),
    ("/audit/payments.csv", Books, Subject::List),
    ("/audit/refusals", Books, Subject::List),
    ("/audit/refusals.csv", Books, Subject::List),
    ("/audit/decisions", Books, Subject::List),
    ("/audit/decisions.csv", Books, Subject::List),
    ("/audit/approvals", Books, Subject::List),
    ("/audit/approvals.csv", Books, Subject::List),
    ("/audit/stops", Books, Subject::List),
    ("/audit/stops.csv", Books, Subject::List),
    ("/audit/settlements", Outside, Subject::OfNone),
    ("/audit/settlements.csv", Outside, Subject::OfNone),
    ("/audit/report", Books, Subject::Handler),
    ("/v1/ledger", Own, Subject::List),
    ("/v1/set-aside", Books, Subject::List),
    ("/v1/treasuries", Books, Subject::Handler),
    ("/v1/treasuries/{address}", Books, Subject::Treasury("address")),
    ("/v1/treasuries/{address}/log", Books, Subject::Treasury("address")),
    ("/v1/treasuries/{address}/log/entries", Books, Subject::Treasury("address")),
    ("/v1/treasuries/{address}/log/inclusion", Books, Subject::Treasury("address")),
    ("/v1/treasuries/{address}/log/consistency", Books, Subject::Treasury("address")),
    ("/v1/treasuries/{address}/reports/{id}", Books, Subject::Treasury("address")),
    ("/v1/treasuries/{address}/reports/{id}/report.zip", Books, Subject::Treasury("address")),
    ("/v1/agents", Books, Subject::List),
    ("/v1/agents/{address}", Own, Subject::Agent),
    ("/v1/agents/{address}/why", Own, Subject::Agent),
    ("/v1/envelopes", Own, Subject::List),
    ("/v1/envelopes/{treasury}/{number}", Own, Subject::Envelope),
    ("/v1/envelopes/{treasury}/{number}/score", Own, Subject::Envelope),
    ("/v1/envelopes/{treasury}/{number}/scores", Own, Subject::Envelope),
    ("/v1/alerts", Books, Subject::List),
    ("/v1/groups", Books, Subject::List),
    ("/v1/groups/{treasury}/{number}", Books, Subject::Treasury("treasury")),
    ("/v1/sessions", Own, Subject::List),
    ("/v1/sessions/{id}", Own, Subject::Session),
    ("/v1/payments", Own, Subject::List),
    ("/v1/payments/{purse}/{nonce}", Own, Subject::Payment),
    ("/v1/payments/{purse}/{nonce}/evidence", Own, Subject::Payment),
    ("/v1/payments/{purse}/{nonce}/verification", Own, Subject::Payment),
    // Not for agents: whose an envelope is at the head, the ledger does not know yet.
    ("/v1/heard", Books, Subject::List),
    ("/v1/settlements", Outside, Subject::OfNone),
    ("/v1/watched", Outside, Subject::OfNone),
    ("/v1/decisions", Own, Subject::List),
    ("/v1/decisions/{hash}", Own, Subject::Filed),
    ("/v1/records/{hash}/erasure/typed-data", Prepare, Subject::Filed),
    ("/v1/stamps/{hash}", Own, Subject::Stamp),
    ("/v1/refusals", Own, Subject::List),
    ("/v1/policies", Books, Subject::List),
    ("/v1/policies/{treasury}/{envelope}/{version}", Books, Subject::Treasury("treasury")),
    ("/v1/payees", Books, Subject::List),
    ("/v1/stops", Books, Subject::List),
    ("/v1/approval-requests", Own, Subject::List),
    ("/v1/approval-requests/{digest}", Own, Subject::Request),
    ("/v1/approval-requests/{digest}/typed-data", Answer, Subject::Request),
    ("/v1/events", Books, Subject::List),
    ("/v1/events/stream", Books, Subject::List),
    ("/v1/access", Accesses, Subject::List),
    ("/v1/status", Status, Subject::Nothing),
];

/// What is handed in.
pub(crate) const HANDED_IN: &[Route] = &[
    ("/v1/treasuries/{address}/reports", Books, Subject::Treasury("address")),
    ("/v1/decisions", Record, Subject::Handler),
    ("/v1/outcomes", Record, Subject::Handler),
    ("/v1/stamps", Record, Subject::Handler),
    ("/v1/approval-requests", Record, Subject::Handler),
    ("/v1/approval-requests/{digest}/approval", Answer, Subject::Request),
    ("/v1/approval-requests/{digest}/rejection", Answer, Subject::Request),
    ("/v1/records/{hash}/erasure", Prepare, Subject::Filed),
    ("/v1/policy-documents", Prepare, Subject::Handler),
    ("/v1/transactions", Prepare, Subject::Handler),
];

/// What everybody may ask, and what it begins with: nothing of anybody's is in it.
const PUBLIC: [&str; 6] = ["/health/", "/assets/", "/docs", "/openapi.json", "/sign-in", "/sign-out"];

/// Whether everybody may ask for it.
pub(crate) fn is_public(path: &str) -> bool {
    PUBLIC.iter().any(|begin| path.starts_with(begin))
}

/// What is known of a route.
pub(crate) fn find(method: &Method, path: &str) -> Option<Route> {
    let routes = match *method {
        Method::GET | Method::HEAD => ASKED,
        Method::POST => HANDED_IN,
        _ => return None,
    };
    routes.iter().find(|(of, ..)| *of == path).copied()
}

/// Whether a path takes some method.
pub(crate) fn is_known(path: &str) -> bool {
    ASKED.iter().chain(HANDED_IN).any(|(of, ..)| *of == path)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::collections::BTreeSet;

    use serde_json::Value;

    use super::*;

    fn documented() -> Vec<(Method, String, Value)> {
        let document = serde_json::to_value(crate::document()).unwrap();
        let mut found = Vec::new();
        for (path, item) in document["paths"].as_object().unwrap() {
            for (method, operation) in item.as_object().unwrap() {
                let method = Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
                found.push((method, path.clone(), operation.clone()));
            }
        }
        found
    }

    #[test]
    fn every_documented_route_says_what_it_is_for() {
        for (method, path, _) in documented() {
            assert!(
                is_public(&path) || find(&method, &path).is_some(),
                "{method} {path} is closed to everybody"
            );
        }
    }

    #[test]
    fn every_entry_is_a_route_and_is_there_once() {
        let known: BTreeSet<_> =
            documented().into_iter().map(|(method, path, _)| (method.to_string(), path)).collect();
        let mut seen = BTreeSet::new();
        for (method, routes) in [("GET", ASKED), ("POST", HANDED_IN)] {
            for (path, ..) in routes {
                assert!(!is_public(path), "{path} is public");
                assert!(seen.insert((method, path)), "{method} {path} is there twice");
                let documented = known.contains(&(method.to_owned(), (*path).to_owned()));
                assert!(documented || !path.starts_with("/v1"), "there is no {method} {path}");
            }
        }
    }

    #[test]
    fn what_is_put_in_is_a_parameter_of_the_route() {
        for (method, path, operation) in documented() {
            let Some((_, permission, subject)) = find(&method, &path) else { continue };
            let names: Vec<&str> = operation["parameters"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(|it| it["name"].as_str())
                .collect();
            if subject == Subject::List {
                assert!(names.contains(&"treasury"), "{path} cannot be kept to a treasury");
                // Agents ask for it, too.
                assert!(permission != Own || names.contains(&"agent"), "{path} cannot be kept to an agent");
            }
            if let Subject::Treasury(name) = subject {
                assert!(names.contains(&name), "{path} has no {name}");
            }
        }
    }
}
