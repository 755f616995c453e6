//! That nothing which can be asked has the database read a table that grows with the chain to its end, or sort it.

use bursar_bench::{About, forms, plans, questions};
use bursar_indexer::db::trace::traced;
use bursar_sdk::payment::session_id;
use bursar_test_stores::Stores;

use crate::{
    client::{Api, api},
    seed,
};

pub(crate) fn about(api: &Api) -> anyhow::Result<About> {
    let payer = seed::address(0x99).to_string();
    let decision = api.seeded.decisions.first().ok_or_else(|| anyhow::anyhow!("no decisions"))?;
    let (hash, nonce) = (decision.hash()?, decision.nonce()?.unwrap_or_default());
    Ok(About {
        treasury: seed::treasury().to_string(),
        envelope: 1,
        agent: seed::agent(1).to_string(),
        purse: seed::purse(1).to_string(),
        session: session_id(seed::purse(1), 2).to_string(),
        payee: decision.payee.to_string(),
        asset: seed::token().to_string(),
        amount: decision.amount.to_string(),
        tx: hash.to_string(),
        nonce: nonce.to_string(),
        policy_version: 2,
        block: seed::HEAD,
        time: decision.created_at,
        decision: hash.to_string(),
        payer: payer.clone(),
        paid: payer,
        digest: hash.to_string(),
        group: 1,
        list: 1,
    })
}

/// SQLite plans by the schema alone, so that a small ledger shows what a large one gets.
#[tokio::test]
async fn no_question_reads_a_large_table_to_its_end_or_sorts_it() -> anyhow::Result<()> {
    let api = api(Stores::sqlite()?).await?;
    let document = serde_json::to_value(bursar_api::document())?;
    let about = about(&api)?;
    let all = questions(&document, &about)?.into_iter().chain(forms(&document, &about)?);
    let paths: Vec<String> = all.map(|question| question.path).collect();
    let (answered, asked) = traced(async {
        for path in &paths {
            let answer = api.get(path).await?;
            let known = answer.status.is_success() || answer.status == 303 || answer.status == 404;
            anyhow::ensure!(known, "{path}: {} {}", answer.status, answer.text());
        }
        anyhow::Ok(())
    })
    .await;
    answered?;
    let mut wrong = Vec::new();
    for query in asked.iter().filter(|query| query.text().starts_with("SELECT")) {
        let plan = query.explain(api.seeded.store.db()).await?;
        wrong.extend(plans::wrong(query.text(), &plan).map(|step| format!("{step}: {}", query.text())));
    }
    assert!(asked.len() > 80, "only {} statements were asked", asked.len());
    assert!(wrong.is_empty(), "{} statements:\n{}", wrong.len(), wrong.join("\n"));
    Ok(())
}
