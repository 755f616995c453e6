//! Identity stamps: issued once, shown everywhere, and every cheat we know refused for its own reason.

mod bad_input;
mod carriers;
mod chain;
mod issuing;
mod persistence;
mod requests;
mod sessions;
mod spoofs;

use bursar_sdk::stamp::{
    Memory, StampRefusal, StampRefused, Verified, Verifier,
    corpus::{Corpus, FleetAgent, NOW},
};

/// A verifier that has seen nothing yet.
fn verifier() -> Verifier {
    Verifier::new(1_000, Memory::new(NOW - 10, 10_000))
}

fn reason(result: Result<Verified, StampRefused>) -> Option<StampRefusal> {
    result.err().map(|refused| refused.reason)
}

/// Shows a payment of an agent as the verifier's first, with `change` made to it.
fn shown(
    corpus: &Corpus,
    agent: &FleetAgent,
    change: impl FnOnce(&mut bursar_sdk::stamp::PaymentShown),
) -> Option<StampRefusal> {
    let mut payment = corpus.payment(agent, 1, NOW);
    change(&mut payment);
    reason(verifier().verify_payment(&agent.bytes, &payment, &corpus.state, NOW))
}
