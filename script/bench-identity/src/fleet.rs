//! The agents, the cheats, and what happens.

use std::time::Instant;

use anyhow::{Result, ensure};
use bursar_sdk::stamp::{
    Curve, MAX_LINKS, Memory, PaymentShown, PaymentSignature, StampRefusal, Verifier,
    corpus::{Corpus, FleetAgent, NOW, Showing, Spoof},
};

use crate::{
    clocks::timed,
    figures::{Figures, Kind},
};

/// How many agents are cheated with.
const VICTIMS: u64 = 120;
/// How many showings a second the simulation's clock lets pass.
const PER_SECOND: u64 = 5_000;
/// Until when a cheat's payment is valid, in seconds from the start; the clock does not get there.
const SPOOF_SECONDS: u64 = 80_000;
/// More than a verifier has to remember at once: 60 s of payments.
const REMEMBERED: usize = 1_000_000;

/// A treasury's agents in their sessions, and cheats with some of them.
pub(crate) struct Fleet {
    corpus: Corpus,
    sessions: Vec<FleetAgent>,
    spoofs: Vec<(Spoof, Showing)>,
}

impl Fleet {
    pub(crate) fn new(agents: u64, sessions: u32) -> Self {
        let mut corpus = Corpus::new(2026);
        let mut fleet = Vec::new();
        for number in 0..agents {
            let depth = usize::try_from(number % 4).map_or(1, |more| more + 1);
            let first = corpus.agent(number, depth, 1);
            fleet.extend((2..=sessions).map(|session| corpus.again(&first, session)));
            fleet.push(first);
        }
        fleet.iter().for_each(|agent| corpus.open(agent));
        let victims: Vec<FleetAgent> =
            (0..VICTIMS.min(agents)).map(|number| victim(&corpus, number)).collect();
        victims.iter().for_each(|agent| corpus.revoke_for(agent));
        let mut spoofs = Vec::new();
        for agent in &victims {
            // A replay is made of what was shown last, when its turn comes.
            for spoof in Spoof::ALL.iter().filter(|spoof| **spoof != Spoof::ReplayedNonce) {
                spoofs.push((*spoof, corpus.spoof(agent, *spoof, u64::MAX, NOW + SPOOF_SECONDS)));
            }
        }
        Self { corpus, sessions: fleet, spoofs }
    }
}

fn victim(corpus: &Corpus, number: u64) -> FleetAgent {
    corpus.agent(number, usize::try_from(number % 4).map_or(1, |more| more + 1), 1)
}

/// One merchant, and the good payment it saw last.
struct Merchant<C> {
    verifier: Verifier<C>,
    last: Option<(usize, PaymentShown)>,
}

impl<C: Curve> Merchant<C> {
    fn new(cached: usize) -> Self {
        Self { verifier: Verifier::with_curve(cached, Memory::new(NOW, REMEMBERED)), last: None }
    }
}

/// Verifies that many showings, `spoofs` of 1,000 being spoofs and `cold` of 1,000 by a verifier without a cache.
pub(crate) fn simulate<C: Curve>(
    fleet: &Fleet,
    verifications: u64,
    spoofs: u64,
    cold: u64,
) -> Result<Figures> {
    let mut figures = Figures::new(C::NAME)?;
    let mut cold_one = Merchant::<C>::new(0);
    let mut warm_one = Merchant::<C>::new(fleet.sessions.len() * MAX_LINKS);
    // Everybody is seen once before: by the warm one so that it is warm, by both so that they know whose session
    // keys are whose. Those are no verifications of the simulation.
    for agent in &fleet.sessions {
        let payment = fleet.corpus.payment(agent, u64::MAX - 1, NOW);
        for merchant in [&cold_one, &warm_one] {
            merchant.verifier.verify_payment(&agent.bytes, &payment, &fleet.corpus.state, NOW)?;
        }
    }
    let mut dice = Dice(1);
    let started = Instant::now();
    let tenth = verifications.div_ceil(10).max(1);
    for serial in 0..verifications {
        if serial != 0 && serial % tenth == 0 {
            eprintln!("  {}: {serial} of {verifications} after {} s", C::NAME, started.elapsed().as_secs());
        }
        let now = NOW + serial / PER_SECOND;
        let is_cold = dice.next() % 1_000 < cold;
        let merchant = if is_cold { &mut cold_one } else { &mut warm_one };
        if dice.next() % 1_000 < spoofs {
            show_spoof(fleet, merchant, &mut dice, now, &mut figures);
        } else {
            let at = pick(dice.next(), fleet.sessions.len());
            show_good(fleet, merchant, at, serial, now, is_cold, &mut figures);
        }
    }
    figures.wall = started.elapsed();
    checked_payments(fleet, &warm_one.verifier, &mut figures)?;
    Ok(figures)
}

fn show_good<C: Curve>(
    fleet: &Fleet,
    merchant: &mut Merchant<C>,
    at: usize,
    serial: u64,
    now: u64,
    is_cold: bool,
    figures: &mut Figures,
) {
    let agent = &fleet.sessions[at];
    let payment = fleet.corpus.payment(agent, serial, now);
    // Half of the agents' merchants know their sessions from the chain; half are shown the session's proof.
    let is_proven = agent.number / 4 % 2 == 1;
    let bundle = if is_proven { &agent.bytes } else { &agent.bare };
    let (verified, took) =
        timed(|| merchant.verifier.verify_payment(bundle, &payment, &fleet.corpus.state, now));
    let kind = match (is_cold, is_proven) {
        (true, false) => Kind::Cold,
        (true, true) => Kind::ColdProven,
        (false, _) => Kind::Warm,
    };
    figures.good(took, kind, agent.bundle.links.len(), verified.is_ok());
    merchant.last = Some((at, payment));
}

fn show_spoof<C: Curve>(
    fleet: &Fleet,
    merchant: &Merchant<C>,
    dice: &mut Dice,
    now: u64,
    figures: &mut Figures,
) {
    let which = pick(dice.next(), fleet.spoofs.len() + fleet.spoofs.len() / Spoof::ALL.len());
    let replay = merchant.last.as_ref().filter(|_| which >= fleet.spoofs.len());
    let (spoof, bundle, payment) = match replay {
        Some((at, payment)) => (Spoof::ReplayedNonce, &fleet.sessions[*at].bytes, payment),
        None => {
            let (spoof, showing) = &fleet.spoofs[which % fleet.spoofs.len()];
            (*spoof, &showing.bundle, &showing.payment)
        }
    };
    let (verified, took) =
        timed(|| merchant.verifier.verify_payment(bundle, payment, &fleet.corpus.state, now));
    let reason: Option<StampRefusal> = verified.err().map(|refused| refused.reason);
    figures.spoof(spoof, took, reason);
}

/// What a merchant without a facilitator pays: the payment's own signature, beside a stamp that is cached.
fn checked_payments<C: Curve>(fleet: &Fleet, verifier: &Verifier<C>, figures: &mut Figures) -> Result<()> {
    use alloy::signers::SignerSync as _;
    let now = NOW + 86_000;
    for (serial, agent) in (0..2_000u64).zip(fleet.sessions.iter().cycle()) {
        let mut payment = fleet.corpus.payment(agent, u64::MAX / 2 + serial, now);
        let key = fleet.corpus.session_key(agent.number, agent.session);
        payment.signature = PaymentSignature::Check(key.sign_hash_sync(&payment.digest)?);
        let (verified, took) =
            timed(|| verifier.verify_payment(&agent.bytes, &payment, &fleet.corpus.state, now));
        ensure!(verified.is_ok(), "a good payment with its signature: {verified:?}");
        figures.checked(took);
    }
    Ok(())
}

/// Repeats from run to run.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        // xorshift64*
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 16
    }
}

fn pick(dice: u64, of: usize) -> usize {
    usize::try_from(dice).unwrap_or(0) % of.max(1)
}
