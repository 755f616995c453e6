//! Every route for every role: what the document has and no line here tells of is an error.

use axum::http::Method;
use bursar_bench::{About, questions};
use bursar_indexer::access::Role::{self, Agent, Approver, Auditor, Treasury};
use bursar_test_stores::{Stores, on_both_stores};
use serde_json::{Value, json};
use tower::ServiceExt as _;

use super::{
    clients::{asked, guarded, made, of_role},
    issuer::Served,
};
use crate::{
    approvals::{authorization, submission},
    client::{Api, config, state},
    plans::about,
    seed::treasury,
};

on_both_stores!(every_route_answers_the_roles_that_may_and_no_other);

const EVERYBODY: &[Role] = &Role::ALL;
const PEOPLE: &[Role] = &[Auditor, Treasury, Approver];
const STREAM: &str = "/v1/events/stream";

/// Who may ask what. Written out, so that no rule of the service is held against itself.
const MAY: &[(&str, &[Role])] = &[
    ("GET /", PEOPLE),
    ("GET /approvals", PEOPLE),
    ("GET /approvals/{digest}", PEOPLE),
    ("GET /envelopes/{treasury}/{number}", PEOPLE),
    ("GET /envelopes/{treasury}/{number}/policy.svg", PEOPLE),
    ("GET /payments/{purse}/{nonce}", PEOPLE),
    ("GET /audit", &[Auditor]),
    ("GET /audit/payments", PEOPLE),
    ("GET /audit/refusals", PEOPLE),
    ("GET /audit/decisions", PEOPLE),
    ("GET /audit/approvals", PEOPLE),
    ("GET /audit/stops", PEOPLE),
    ("GET /audit/report", PEOPLE),
    ("GET /audit/settlements", &[Auditor]),
    ("GET /v1/ledger", EVERYBODY),
    ("GET /v1/set-aside", PEOPLE),
    ("GET /v1/treasuries", PEOPLE),
    ("GET /v1/treasuries/{address}", PEOPLE),
    ("GET /v1/treasuries/{address}/log", PEOPLE),
    ("GET /v1/treasuries/{address}/log/entries", PEOPLE),
    ("GET /v1/treasuries/{address}/log/inclusion", PEOPLE),
    ("GET /v1/treasuries/{address}/log/consistency", PEOPLE),
    ("GET /v1/agents", PEOPLE),
    ("GET /v1/agents/{address}", EVERYBODY),
    ("GET /v1/agents/{address}/why", EVERYBODY),
    ("GET /v1/envelopes", EVERYBODY),
    ("GET /v1/envelopes/{treasury}/{number}", EVERYBODY),
    ("GET /v1/envelopes/{treasury}/{number}/score", EVERYBODY),
    ("GET /v1/envelopes/{treasury}/{number}/scores", EVERYBODY),
    ("GET /v1/alerts", PEOPLE),
    ("GET /v1/groups", PEOPLE),
    ("GET /v1/groups/{treasury}/{number}", PEOPLE),
    ("GET /v1/sessions", EVERYBODY),
    ("GET /v1/sessions/{id}", EVERYBODY),
    ("GET /v1/payments", EVERYBODY),
    ("GET /v1/payments/{purse}/{nonce}", EVERYBODY),
    ("GET /v1/payments/{purse}/{nonce}/evidence", EVERYBODY),
    ("GET /v1/payments/{purse}/{nonce}/verification", EVERYBODY),
    ("GET /v1/heard", PEOPLE),
    ("GET /v1/settlements", &[Auditor]),
    ("GET /v1/watched", &[Auditor]),
    ("POST /v1/treasuries/{address}/reports", PEOPLE),
    ("GET /v1/treasuries/{address}/reports/{id}", PEOPLE),
    ("GET /v1/treasuries/{address}/reports/{id}/report.zip", PEOPLE),
    ("GET /v1/decisions", EVERYBODY),
    ("POST /v1/decisions", &[Agent]),
    ("GET /v1/decisions/{hash}", EVERYBODY),
    ("POST /v1/outcomes", &[Agent]),
    ("POST /v1/stamps", &[Agent]),
    ("GET /v1/stamps/{hash}", EVERYBODY),
    ("POST /v1/records/{hash}/erasure", &[Treasury]),
    ("GET /v1/records/{hash}/erasure/typed-data", &[Treasury]),
    ("GET /v1/refusals", EVERYBODY),
    ("GET /v1/policies", PEOPLE),
    ("GET /v1/policies/{treasury}/{envelope}/{version}", PEOPLE),
    ("POST /v1/policy-documents", &[Treasury]),
    ("POST /v1/transactions", &[Treasury]),
    ("GET /v1/payees", PEOPLE),
    ("GET /v1/stops", PEOPLE),
    ("GET /v1/approval-requests", EVERYBODY),
    ("POST /v1/approval-requests", &[Agent]),
    ("GET /v1/approval-requests/{digest}", EVERYBODY),
    ("GET /v1/approval-requests/{digest}/typed-data", &[Approver]),
    ("POST /v1/approval-requests/{digest}/approval", &[Approver]),
    ("POST /v1/approval-requests/{digest}/rejection", &[Approver]),
    ("GET /v1/events", PEOPLE),
    ("GET /v1/events/stream", PEOPLE),
    ("GET /v1/access", &[Auditor]),
    ("GET /v1/status", EVERYBODY),
];

/// What is of no treasury, and so for the operator's auditor alone.
const OF_NONE: [&str; 4] = ["GET /audit", "GET /audit/settlements", "GET /v1/settlements", "GET /v1/watched"];

/// What everybody may ask.
const PUBLIC: [&str; 2] = ["GET /health/live", "GET /health/ready"];

/// A route with a path that something is at.
struct Case {
    method: Method,
    route: String,
    path: String,
}

/// Every route of the document, and every page.
fn cases(about: &About) -> anyhow::Result<Vec<Case>> {
    let document = serde_json::to_value(bursar_api::document())?;
    let mut cases: Vec<Case> = questions(&document, about)?
        .into_iter()
        .filter(|question| question.by.is_empty())
        .map(|question| Case { method: Method::GET, route: question.route, path: question.path })
        .collect();
    cases.push(Case { method: Method::GET, route: STREAM.into(), path: STREAM.into() });
    for (route, item) in document["paths"].as_object().into_iter().flatten() {
        for method in item.as_object().into_iter().flatten().map(|(method, _)| method.as_str()) {
            if method == "get" {
                continue;
            }
            let path = route.replace("{digest}", &about.digest).replace("{hash}", &about.decision);
            let path = path.replace("{address}", &about.treasury);
            anyhow::ensure!(!path.contains('{'), "{route}: say what to put in");
            cases.push(Case { method: method.to_uppercase().parse()?, route: route.clone(), path });
        }
    }
    Ok(cases)
}

/// Status and code; streams have no end, so nothing of them is read.
async fn answer(api: &Api, case: &Case, key: Option<&str>) -> anyhow::Result<(u16, String)> {
    let request = asked(&case.method, &case.path, key, &json!({}))?;
    let response = api.router.clone().oneshot(request).await?;
    let status = response.status().as_u16();
    if case.route == STREAM && status == 200 {
        return Ok((status, String::new()));
    }
    let body = axum::body::to_bytes(response.into_body(), usize::MAX).await?;
    let code = serde_json::from_slice::<Value>(&body).ok();
    let code = code.and_then(|json| json["code"].as_str().map(str::to_owned));
    Ok((status, code.unwrap_or_default()))
}

async fn every_route_answers_the_roles_that_may_and_no_other(stores: Stores) -> anyhow::Result<()> {
    let guarded = guarded(stores).await?;
    let open = bursar_api::router(state(&guarded.seeded, config()));
    let open = Api { router: open, seeded: guarded.seeded };
    let payment = authorization(3_000_000);
    let request = open.post("/v1/approval-requests", &submission(&payment)).await?;
    assert_eq!(request.status, 201, "{}", request.text());
    let digest = request.json()["digest"].as_str().unwrap_or_default().to_owned();
    let about = About { digest, ..about(&open)? };
    let store = open.seeded.store.clone();
    let cases = cases(&about)?;
    let mut told = 0;
    let mut wanted = Vec::new();
    for case in &cases {
        let name = format!("{} {}", case.method, case.route);
        // What the service answers whoever may: the same as if it asked for no keys.
        wanted.push((name, answer(&open, case, None).await?));
    }
    let mut config = config();
    let issuer = Served::begin().await?;
    (config.access, config.issuer) = (bursar_api::access::Mode::Keys, issuer.issuer()?);
    let guarded = Api { router: bursar_api::router(state(&open.seeded, config)), seeded: open.seeded };
    let operator = [made(&store, Auditor, None, None).await?, issuer.token("operator")?];
    let tokens = Role::ALL.map(|role| issuer.token(&format!("ours-{role}")));
    let tokens: Vec<String> = tokens.into_iter().collect::<anyhow::Result<_>>()?;
    for (case, (name, expected)) in cases.iter().zip(wanted) {
        if PUBLIC.contains(&name.as_str()) {
            assert_eq!(answer(&guarded, case, None).await?, expected, "{name}");
            continue;
        }
        let missing = (401, "credential_missing".to_owned());
        assert_eq!(answer(&guarded, case, None).await?, missing, "{name}");
        let may = MAY.iter().find(|(of, _)| *of == name);
        let (_, may) = may.ok_or_else(|| anyhow::anyhow!("{name}: say in MAY who may"))?;
        for (role, token) in Role::ALL.into_iter().zip(&tokens) {
            let key = of_role(&store, role, treasury()).await?;
            for credential in [&key, token] {
                let got = answer(&guarded, case, Some(credential)).await?;
                if !may.contains(&role) {
                    assert_eq!(got, (403, "role_not_allowed".into()), "{name} as {role}");
                } else if OF_NONE.contains(&name.as_str()) {
                    assert_eq!(got, (403, "of_no_treasury".into()), "{name} as {role} of one treasury");
                } else {
                    assert_eq!(got, expected, "{name} as {role}");
                }
                told += 1;
            }
        }
        for credential in &operator {
            let of_all = answer(&guarded, case, Some(credential)).await?;
            let refused = || (403, "role_not_allowed".into());
            let operators = if may.contains(&Auditor) { expected.clone() } else { refused() };
            assert_eq!(of_all, operators, "{name} as the operator's auditor");
        }
    }
    assert_eq!(told, MAY.len() * Role::ALL.len() * 2, "a line of MAY is of no route");
    Ok(())
}
