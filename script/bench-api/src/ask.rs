//! The binary over a ledger, and everything asked of it.

use std::path::Path;

use anyhow::{Context as _, Result, bail};
use bursar_bench::{Measured, Question, Took, forms, free_address, questions};
use serde_json::Value;

use crate::{
    load::{Asked, Pace, Times, fetch, load},
    make::Made,
    plan::{self, Plan},
    sample::samples,
};

/// How many payments are asked about, and of how many the second page is read as well.
const SAMPLES: u64 = 40;
const GOING_ON: usize = 4;
/// How often it is looked whether the API is there yet.
const LOOKS: u32 = 2_000;

/// What came of one store.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) made: Made,
    pub(crate) times: Times,
    pub(crate) took: Took,
    pub(crate) plans: Vec<Plan>,
}

/// Asks for as long as the pace says.
pub(crate) async fn ask(bursar: &Path, made: Made, pace: Pace) -> Result<Ran> {
    let document = serde_json::to_value(bursar_api::document())?;
    let mut all = Vec::new();
    for about in samples(&made.store, SAMPLES).await? {
        let mut asked = questions(&document, &about)?;
        asked.extend(forms(&document, &about)?);
        asked.retain(|question| !question.is_on_demand());
        all.push(asked);
    }
    let first = all.first().context("no payments to ask about")?;
    eprintln!("{}: explaining what {} questions ask the database", made.name, first.len());
    let plans = plan::plans(&made.store, first).await?;

    let address = free_address()?;
    let work = tempfile::tempdir()?;
    let mut command = bursar_bench::bursar(bursar, &made.url, work.path())?;
    // No answer that is asked for here needs a node.
    command.arg("api").env("BURSAR_LISTEN", address.to_string()).env("BURSAR_RPC_URL", "http://127.0.0.1:9/");
    let mut api = Measured::start(command)?;
    let (client, base) = (reqwest::Client::new(), format!("http://{address}"));
    wait(&client, &base, &mut api).await?;
    eprintln!("{}: asking each question once", made.name);
    let asked = prepare(&client, &base, &document, &all).await?;
    eprintln!("{}: asking {} questions, {} a second", made.name, asked.len(), pace.rps);
    let times = load(&client, &asked, pace, &mut api).await?;
    let took = api.done().await?;
    made.store.close().await;
    Ok(Ran { made, times, took, plans })
}

async fn wait(client: &reqwest::Client, base: &str, api: &mut Measured) -> Result<()> {
    for _ in 0..LOOKS {
        api.look().await?;
        if fetch(client, &format!("{base}/health/live")).await.is_ok() {
            return Ok(());
        }
    }
    bail!("the API does not answer")
}

/// All questions as they are asked, those for the second page of lists among them. Each kind is answered once before.
async fn prepare(
    client: &reqwest::Client,
    base: &str,
    document: &Value,
    all: &[Vec<Question>],
) -> Result<Vec<Asked>> {
    let mut asked = Vec::new();
    for (some, number) in all.iter().zip(0..) {
        for question in some {
            asked.push(of(base, question));
            if number >= GOING_ON {
                continue;
            }
            let url = format!("{base}{}", question.path);
            let body = fetch(client, &url).await.with_context(|| url.clone())?;
            if !question.is_list(document) {
                continue;
            }
            let page: Value = serde_json::from_slice(&body)?;
            // The books have their lines on pages; events are numbered.
            let next = [&page["next"], &page["lines"]["next"]].into_iter().find_map(|next| match next {
                Value::String(next) => Some(next.clone()),
                Value::Number(next) => Some(next.to_string()),
                _ => None,
            });
            asked.extend(next.map(|next| of(base, &question.going_on(&next))));
        }
    }
    Ok(asked)
}

fn of(base: &str, question: &Question) -> Asked {
    let mark = if question.by.is_empty() { "" } else { "?" };
    let kind = format!("{}{mark}{}", question.route, question.by.join("&"));
    Asked { kind, url: format!("{base}{}", question.path) }
}
