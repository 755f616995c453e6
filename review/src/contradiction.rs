//! The rule for compromise: narrow, and provable by anybody from the chain and one record.

use bursar_indexer::query::payments::Payment;
use bursar_sdk::decision::Verdict;

/// What a payment did otherwise than the decision record says that its nonce commits to: `verdict`, `payee`, `amount`,
/// `agent`, `envelope` or `treasury`; nothing where there is no such record.
///
/// The nonce is on chain and opens to the record's hash, and the record carries its agent's seal. So whoever held the
/// session's key signed for something that the agent had decided otherwise. Who does not hold that key cannot bring it
/// about: no record fits a nonce that was there before it.
pub fn contradiction(payment: &Payment) -> Vec<&'static str> {
    let Some(record) = &payment.decision else { return Vec::new() };
    let denied = (record.verdict == Verdict::Denied).then_some("verdict");
    // What the agent thought of its policy or its token moved no money.
    let moved = ["payee", "amount", "agent", "envelope", "treasury"];
    let otherwise = payment.disagreements().into_iter().filter(|field| moved.contains(field));
    denied.into_iter().chain(otherwise).collect()
}
