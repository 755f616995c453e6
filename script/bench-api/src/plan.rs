//! How the database goes about everything that the API asks it.

use anyhow::{Result, ensure};
use axum::{Router, body::Body, http::Request};
use bursar_api::{AppState, Config};
use bursar_bench::{Question, plans::wrong};
use bursar_indexer::{
    Store,
    db::{Query, trace::traced},
};
use serde_json::{Value, json};
use tower::ServiceExt as _;

/// A statement, its plan, and what is wrong with it.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) sql: String,
    pub(crate) steps: Vec<String>,
    pub(crate) wrong: Option<String>,
}

impl Plan {
    pub(crate) fn value(&self) -> Value {
        json!({ "sql": self.sql, "plan": self.steps, "wrong": self.wrong })
    }
}

/// The plans of all that is asked of the database for these questions.
pub(crate) async fn plans(store: &Store, questions: &[Question]) -> Result<Vec<Plan>> {
    let router = bursar_api::router(AppState::new(store.clone(), Config::new(8_453, "Base"), None));
    let (answered, asked) = traced(async {
        for question in questions {
            answer(&router, &question.path).await?;
        }
        anyhow::Ok(())
    })
    .await;
    answered?;
    let mut plans = Vec::new();
    for query in asked.iter().filter(|query| query.text().starts_with("SELECT")) {
        plans.push(plan(store, query).await?);
    }
    Ok(plans)
}

async fn answer(router: &Router, path: &str) -> Result<()> {
    let answer = router.clone().oneshot(Request::get(path).body(Body::empty())?).await?;
    // What a search finds alone it leads to.
    let is_answer = answer.status().is_success() || answer.status().is_redirection();
    ensure!(is_answer, "{path}: {}", answer.status());
    Ok(())
}

async fn plan(store: &Store, query: &Query) -> Result<Plan> {
    let steps = query.explain(store.db()).await?;
    let sql = query.text().split_whitespace().collect::<Vec<_>>().join(" ");
    Ok(Plan { wrong: wrong(&sql, &steps), sql, steps })
}
