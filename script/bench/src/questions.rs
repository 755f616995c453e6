//! Every question that the API answers, made from its OpenAPI document, so that none is forgotten.

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

/// What questions are about: a payment of the ledger, and what belongs to it.
#[derive(Debug, Clone)]
#[allow(missing_docs)] // As the API's parameters are called.
pub struct About {
    pub treasury: String,
    pub envelope: u64,
    pub agent: String,
    pub purse: String,
    pub session: String,
    pub payee: String,
    pub asset: String,
    pub amount: String,
    pub tx: String,
    pub nonce: String,
    pub policy_version: u64,
    pub block: u64,
    pub time: u64,
    /// The hash of its decision.
    pub decision: String,
    /// Somebody outside any envelope, and whom they paid.
    pub payer: String,
    pub paid: String,
    /// The digest of an approval request.
    pub digest: String,
    pub group: u64,
    pub list: u64,
}

/// A question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// The route, as the document has it.
    pub route: String,
    /// Which of its parameters are given.
    pub by: Vec<String>,
    /// Path and query.
    pub path: String,
}

/// Pages that people open, which the document does not list.
const PAGES: [&str; 14] = [
    "/",
    "/envelopes/{treasury}/{number}",
    "/envelopes/{treasury}/{number}/policy.svg",
    "/approvals",
    "/approvals/{digest}",
    "/payments/{purse}/{nonce}",
    "/audit",
    "/audit/payments",
    "/audit/refusals",
    "/audit/decisions",
    "/audit/approvals",
    "/audit/stops",
    "/audit/settlements",
    "/audit/report",
];
/// Pages that ask as a route of the document does, by a form.
const FORMS: [(&str, &str); 6] = [
    ("/audit/payments", "/v1/payments"),
    ("/audit/refusals", "/v1/refusals"),
    ("/audit/decisions", "/v1/decisions"),
    ("/audit/approvals", "/v1/approval-requests"),
    ("/audit/stops", "/v1/stops"),
    ("/audit/settlements", "/v1/settlements"),
];
/// What is there only once somebody has had it made, or has handed it in.
const ON_DEMAND: [&str; 2] = ["/v1/treasuries/{address}/reports/", "/v1/stamps/"];
/// Filters that belong together.
const TOGETHER: [[&str; 2]; 3] = [["treasury", "envelope"], ["from", "until"], ["agent", "from"]];
/// Ask for how much, not for what.
const PAGING: [&str; 2] = ["limit", "cursor"];

/// A parameter with each value that it is tried with.
struct Parameter {
    name: String,
    values: Vec<String>,
}

impl Question {
    /// Whether a ledger by itself has no answer to it.
    pub fn is_on_demand(&self) -> bool {
        ON_DEMAND.iter().any(|begin| self.route.starts_with(begin))
    }
}

/// Every `GET` route of the document, streams aside, and every page: without filters, with each filter by itself in each of its values,
/// with those that belong together, and with the largest page.
///
/// # Errors
/// When the document has a parameter that nothing is known to put in for.
pub fn questions(document: &Value, about: &About) -> Result<Vec<Question>> {
    let mut all = Vec::new();
    for (route, item) in document["paths"].as_object().context("a document without paths")? {
        let Some(operation) = item.get("get").filter(|operation| ends(operation)) else {
            continue;
        };
        of_route(route, operation["parameters"].as_array().map_or(&[][..], Vec::as_slice), about, &mut all)?;
    }
    for page in PAGES {
        all.push(Question { route: page.into(), by: Vec::new(), path: filled(page, about)? });
    }
    Ok(all)
}

/// What people ask by forms: each list by each of its filters as its route is, and the search by all that it may be about.
///
/// # Errors
/// As [`questions`].
pub fn forms(document: &Value, about: &About) -> Result<Vec<Question>> {
    let mut all = Vec::new();
    for (page, route) in FORMS {
        let given = document["paths"][route]["get"]["parameters"].as_array();
        let given = given.with_context(|| format!("{route}: not in the document"))?;
        let mut asked = Vec::new();
        of_route(route, given, about, &mut asked)?;
        for question in asked.into_iter().filter(|question| !question.by.is_empty()) {
            let path = question.path.replacen(route, page, 1);
            all.push(Question { route: page.into(), by: question.by, path });
        }
    }
    for (what, q) in [
        ("tx", &about.tx),
        ("nonce", &about.nonce),
        ("session", &about.session),
        ("decision", &about.decision),
        ("purse", &about.purse),
        ("agent", &about.agent),
        ("payee", &about.payee),
        ("payer", &about.payer),
        ("treasury", &about.treasury),
    ] {
        all.push(Question {
            route: "/audit".into(),
            by: vec![format!("q={what}")],
            path: format!("/audit?q={q}"),
        });
    }
    Ok(all)
}

/// Whether an answer comes to an end: streams do not.
fn ends(operation: &Value) -> bool {
    operation["responses"]["200"]["content"].get("text/event-stream").is_none()
}

fn of_route(route: &str, given: &[Value], about: &About, all: &mut Vec<Question>) -> Result<()> {
    let path = filled(route, about)?;
    let mut parameters = Vec::new();
    for parameter in given.iter().filter(|parameter| parameter["in"] == "query") {
        let name = parameter["name"].as_str().context("a parameter without a name")?;
        let values = values(route, name, &parameter["schema"], about)?;
        parameters.push(Parameter { name: name.to_owned(), values });
    }
    let mut ask = |by: &[(&str, &str)]| {
        let query: Vec<String> = by.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let mark = if query.is_empty() { "" } else { "?" };
        all.push(Question {
            route: route.to_owned(),
            by: by.iter().map(|(name, _)| (*name).to_owned()).collect(),
            path: format!("{path}{mark}{}", query.join("&")),
        });
    };
    ask(&[]);
    for parameter in &parameters {
        parameter.values.iter().for_each(|value| ask(&[(&parameter.name, value)]));
    }
    for pair in TOGETHER {
        let found = pair.map(|name| parameters.iter().find(|parameter| parameter.name == name));
        if let [Some(one), Some(other)] = found
            && let (Some(first), Some(second)) = (one.values.first(), other.values.first())
        {
            ask(&[(&one.name, first), (&other.name, second)]);
        }
    }
    Ok(())
}

/// The route with what stands in braces put in.
fn filled(route: &str, about: &About) -> Result<String> {
    let mut path = String::new();
    for (part, place) in route.split(['{', '}']).zip(0u32..) {
        if place.is_multiple_of(2) {
            path.push_str(part);
        } else {
            path.push_str(&of(route, part, about)?);
        }
    }
    Ok(path)
}

fn values(route: &str, name: &str, schema: &Value, about: &About) -> Result<Vec<String>> {
    if let Some(words) = schema["enum"].as_array() {
        return Ok(words.iter().filter_map(Value::as_str).map(str::to_owned).collect());
    }
    if schema["type"] == "boolean" {
        return Ok(vec!["true".into(), "false".into()]);
    }
    Ok(match name {
        "cursor" => Vec::new(),
        "limit" => vec![schema["maximum"].as_u64().context("a limit without a maximum")?.to_string()],
        _ => vec![of(route, name, about)?],
    })
}

fn of(route: &str, name: &str, about: &About) -> Result<String> {
    Ok(match name {
        "id" if route.contains("/reports/") => "00000000-0000-4000-8000-000000000000".to_owned(),
        "address" if route.starts_with("/v1/agents") => about.agent.clone(),
        "number" if route.starts_with("/v1/groups") => about.group.to_string(),
        "payee" if route == "/v1/settlements" => about.paid.clone(),
        "address" | "treasury" => about.treasury.clone(),
        "envelope" | "number" => about.envelope.to_string(),
        "agent" => about.agent.clone(),
        "purse" => about.purse.clone(),
        "session" | "id" => about.session.clone(),
        "payee" => about.payee.clone(),
        "payer" => about.payer.clone(),
        "asset" => about.asset.clone(),
        "min_amount" | "max_amount" => about.amount.clone(),
        "tx" => about.tx.clone(),
        "nonce" => about.nonce.clone(),
        "version" => about.policy_version.to_string(),
        "block" | "as_of" => about.block.to_string(),
        "from" | "size" if route.contains("/log/") => "1".to_owned(),
        "entry" => "0".to_owned(),
        "at" | "from" | "as_of_time" => about.time.to_string(),
        "until" => (about.time + 3_600).to_string(),
        "hash" | "subject" => about.decision.clone(),
        "digest" => about.digest.clone(),
        "group" | "parent" => about.group.to_string(),
        "list" => about.list.to_string(),
        "reason" => "payment_cap_exceeded".to_owned(),
        "kinds" => "payment.settled,freeze.set".to_owned(),
        "rejecting" => "no".to_owned(),
        "by" => "key:0000000000000000".to_owned(),
        "request" => "00000000-0000-0000-0000-000000000000".to_owned(),
        _ => bail!("{route}: nothing is known to put in for {name}: say in script/bench/src/questions.rs"),
    })
}

impl Question {
    /// Whether it asks for a page of a list.
    pub fn is_list(&self, document: &Value) -> bool {
        let parameters = document["paths"][&self.route]["get"]["parameters"].as_array();
        parameters.is_some_and(|all| all.iter().any(|parameter| parameter["name"] == "cursor"))
    }

    /// The page after the one that named `next`.
    #[must_use]
    pub fn going_on(&self, next: &str) -> Self {
        let mark = if self.path.contains('?') { '&' } else { '?' };
        let mut by = self.by.clone();
        by.push(PAGING[1].to_owned());
        Self { route: self.route.clone(), by, path: format!("{}{mark}cursor={next}", self.path) }
    }
}
