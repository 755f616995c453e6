//! What every page keeps to, whoever wrote what is on it.

use crate::client::{Answer, Api};

/// Nothing on the page runs inline, nothing of it comes from elsewhere, and what it loads is there; its forms ask only
/// what `forms` says.
pub(crate) async fn keeps_to_itself(api: &Api, page: &Answer, forms: &str) -> anyhow::Result<()> {
    let policy = page.headers["content-security-policy"].to_str()?;
    for rule in ["default-src 'none'", "frame-ancestors 'none'", &format!("form-action {forms}")] {
        anyhow::ensure!(policy.contains(rule), "the policy has no {rule:?}: {policy}");
    }
    anyhow::ensure!(!policy.contains("unsafe"), "{policy}");
    let html = page.text();
    for inline in [" style=\"", "<style", " onclick=", " onerror=", " onload=", "javascript:"] {
        anyhow::ensure!(!html.contains(inline), "the page has {inline:?}");
    }
    let mut loaded = 0;
    for tag in tags(&html, &["<script", "<img", "<link"]) {
        let source = attribute(tag, " src=\"").or_else(|| attribute(tag, " href=\""));
        let Some(source) = source else { anyhow::bail!("this runs inline: {tag}") };
        anyhow::ensure!(source.starts_with('/') && !source.starts_with("//"), "it is from elsewhere: {tag}");
        let answer = api.get(source).await?;
        anyhow::ensure!(answer.status == 200, "{source}: {}", answer.status);
        loaded += 1;
    }
    anyhow::ensure!(loaded > 2, "a page has a style and an icon: {html}");
    Ok(())
}

/// The tags that begin so.
fn tags<'a>(html: &'a str, names: &[&'a str]) -> Vec<&'a str> {
    let of = |name: &&'a str| {
        html.split(*name).skip(1).filter_map(|rest| rest.split_once('>')).collect::<Vec<_>>()
    };
    names.iter().flat_map(of).map(|(tag, _)| tag).collect()
}

fn attribute<'a>(tag: &'a str, name: &str) -> Option<&'a str> {
    tag.split_once(name)?.1.split('"').next()
}
