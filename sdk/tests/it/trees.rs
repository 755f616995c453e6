//! Decision trees: read from the chain, and drawn whatever names people give.

use anyhow::Result;
use bursar_sdk::{
    Amount,
    admin::groups::GroupLimits,
    policy::{PolicyDocument, WindowLimit},
    session::SessionTerms,
    testing::DAY,
    tree::{Setting, Tree, Unit},
};

use crate::common::{Stage, dollars};

fn usdc() -> Unit {
    Unit { decimals: 6, symbol: "USDC".into() }
}

/// The line of a tree with that question.
fn line<'a>(text: &'a str, question: &str) -> Option<&'a str> {
    text.lines().find(|line| line.contains(question))
}

#[tokio::test]
async fn a_tree_shows_what_stands_above_the_envelope_and_what_its_session_narrows() -> Result<()> {
    let stage = Stage::set().await?;
    let (chain, manager) = (&stage.chain, stage.chain.policy_manager());
    let windows = vec![WindowLimit { period: DAY, limit: dollars(90) }];
    let limits = GroupLimits { windows, lifetime: dollars(400) };
    let group = manager.create_group(0, chain.usdc, &limits).await?.value;
    manager.set_group(stage.envelope, group).await?;
    let agent = stage.builder(1).connect().await?;
    let narrow = SessionTerms { payment_cap: Some(Amount::new(123_456)), ..SessionTerms::new(dollars(5)) };
    agent.open_session(&narrow).await?;

    let text = Tree::of(&Setting::of_chain(agent.view(), 0).await?, &usdc()).to_text();
    assert!(
        line(&text, "drawn by group 1 within 1 day, with this budget: at most 90 USDC").is_some(),
        "{text}"
    );
    assert!(line(&text, "drawn by group 1 in all, with this budget: at most 400 USDC").is_some(), "{text}");
    assert!(line(&text, "the amount is at most 0.123456 USDC").is_some(), "{text}");
    assert!(!text.contains("as things stand"), "{text}");

    chain.guardian().freeze_group(group).await?;
    let frozen = Tree::of(&Setting::of_chain(agent.view(), 0).await?, &usdc()).to_text();
    let stopped = frozen.lines().filter(|line| line.contains("as things stand"));
    assert!(stopped.clone().all(|line| line.contains("group_frozen")), "{frozen}");
    assert_eq!(stopped.count(), 2, "{frozen}");
    Ok(())
}

#[test]
fn a_name_cannot_break_out_of_the_picture() -> Result<()> {
    let mut document = PolicyDocument::from_json(include_str!("../../../docs/policy.example.json"))?;
    document.name = format!("</title><script>alert(1)</script>&\u{0}\n{}", "x".repeat(5000));
    let tree = Tree::of(&Setting::of_document(&document)?, &usdc());
    let svg = tree.to_svg();
    assert!(!svg.contains("<script") && !svg.contains("alert(1)</") && !svg.contains('\u{0}'));
    assert!(svg.contains("&lt;script&gt;") && svg.len() < 60_000);
    assert!(tree.to_text().lines().all(|line| line.len() < 1000));
    Ok(())
}

#[test]
fn what_cannot_refuse_is_not_asked() -> Result<()> {
    let mut document = PolicyDocument::from_json(include_str!("../../../docs/policy.example.json"))?;
    document.approval_threshold = document.payment_cap;
    document.payee_list = 0;
    let tree = Tree::of(&Setting::of_document(&document)?, &usdc());
    for leaf in ["pay.nothing.approval_not_due", "pay.on_policy_list", "open.604800.ends_with_window"] {
        assert!(tree.leaf(leaf).is_none(), "{leaf} is drawn");
    }
    assert!(tree.leaf("open.86400.ends_with_window").is_some());
    Ok(())
}
