//! A payment against the chain, link by link. What is asked of a node ([`facts`]) and what is held against it are apart:
//! [`checks`] takes values and returns values.

mod evidence;
mod facts;
mod log;
mod records;
mod settled;
mod stamps;
#[cfg(test)]
mod tests;

pub(crate) use self::{evidence::evidence, facts::Facts};
use crate::model::{evidence::Evidence, verification::Check};

/// Every link of a payment, in the order of its story.
pub(crate) fn checks(evidence: &Evidence, facts: &Facts) -> Vec<Check> {
    let mut checks = settled::checks(evidence, facts);
    checks.extend(records::checks(evidence, facts));
    checks.push(settled::approval(evidence, facts));
    checks.push(records::outcome(evidence, facts));
    checks.extend(log::checks(evidence, facts));
    checks
}
