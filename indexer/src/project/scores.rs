//! Scores: what chain and records tell of each envelope's agent, in the ledger's order.
//!
//! Who signed, whose account a payee is and whether it is listed is told by the ledger alone.

use alloy::primitives::{Address, U256};
use bursar_sdk::{
    amount::Amount,
    role::Role,
    score::{Event, PayeeRecord, Standing},
};

use super::{Halt, Projector, Step, alerts::Alerts, deviations, rows};
use crate::ledger::{
    Change, EnvelopeRow, Fact, Key, Ledger, Moment, PaymentRow, Record, Row, Rows, Settlement,
};

/// Works out what a record changes that is taken in at `moment`, between two blocks.
///
/// # Errors
/// When rows cannot be read.
pub async fn take_in<R: Rows>(record: &Record, moment: Moment, from: R) -> Result<Vec<Change>, R::Error> {
    let mut ledger = Ledger::new(from);
    let settled = match (record.fact, record.payment) {
        (Fact::Denied(_) | Fact::Granted | Fact::Rejected, _) | (_, None) => None,
        (_, Some((purse, nonce))) => ledger.settlement(purse, nonce).await?,
    };
    let mut scores = Scores { ledger: &mut ledger, moment };
    match (record.fact, settled) {
        (Fact::Denied(gravity), _) => {
            let (treasury, number) = (record.treasury, record.envelope);
            let agent = match scores.ledger.get(Key::Envelope(treasury, number)).await? {
                Some(Row::Envelope(envelope)) => Some(envelope.agent),
                _ => None,
            };
            let signed = agent.is_some() && record.sealed_by == agent;
            scores.apply((treasury, number), &Event::Denied { gravity, signed }).await?;
        }
        (Fact::Granted | Fact::Rejected, _) => scores.answered(record).await?,
        (_, Some(settled)) => {
            scores.learn(&settled, record).await?;
            if record.fact == Fact::Approved {
                scores.explained((settled.treasury, settled.envelope)).await?;
            }
        }
        // Not settled yet: it is looked up when it does.
        (_, None) => {}
    }
    Ok(ledger.into_changes())
}

/// Scores at one place in the ledger.
struct Scores<'a, R> {
    ledger: &'a mut Ledger<R>,
    moment: Moment,
}

impl<R: Rows> Scores<'_, R> {
    async fn apply(&mut self, of: (Address, u32), event: &Event<'_>) -> Result<(), R::Error> {
        let key = Key::Score(of.0, of.1);
        let Some(Row::Score(mut state)) = self.ledger.get(key).await? else { return Ok(()) };
        let evaluation = state.apply(self.moment.at, event);
        self.alerts().judge(of, &state, &evaluation).await?;
        self.ledger.set(key, Some(Row::Score(state))).await
    }

    /// What a record tells of a payment that settled.
    async fn learn(&mut self, of: &Settlement, record: &Record) -> Result<(), R::Error> {
        let (settled_at, standing) = (of.at, of.standing);
        let by_agent = record.sealed_by == Some(of.agent);
        let event = match record.fact {
            Fact::Approved => {
                let took = u32::try_from(settled_at.saturating_sub(record.created_at)).unwrap_or(u32::MAX);
                Event::Explained { settled_at, standing, latency: (!of.approved).then_some(took) }
            }
            Fact::Delivered if by_agent => Event::Delivered { settled_at, standing },
            Fact::Failed if by_agent => {
                let mut payee = self.payee(of).await?;
                let blame = payee.failed(self.moment.at);
                self.put_payee(of, payee).await?;
                Event::Failed { settled_at, blame }
            }
            Fact::Delivered | Fact::Failed | Fact::Denied(_) | Fact::Granted | Fact::Rejected => {
                return Ok(());
            }
        };
        self.apply((of.treasury, of.envelope), &event).await
    }

    /// Somebody answered what an agent asked for; it counts where they are an approver by the ledger.
    async fn answered(&mut self, record: &Record) -> Result<(), R::Error> {
        let Some(by) = record.sealed_by else { return Ok(()) };
        let role = Key::Role(record.treasury, by, Role::Approver.bit());
        if self.ledger.get(role).await?.is_none() {
            return Ok(());
        }
        let approved = record.fact == Fact::Granted;
        self.apply((record.treasury, record.envelope), &Event::Answered { approved }).await
    }

    /// The record of a payment came after it had settled: of one payment, that happens once.
    async fn explained(&mut self, of: (Address, u32)) -> Result<(), R::Error> {
        let key = Key::Envelope(of.0, of.1);
        let Some(Row::Envelope(mut row)) = self.ledger.get(key).await? else { return Ok(()) };
        row.unexplained = row.unexplained.saturating_sub(1);
        if row.unexplained == 0 {
            self.alerts().close(&deviations::unexplained(of)).await?;
        }
        self.ledger.set(key, Some(Row::Envelope(row))).await
    }

    async fn payee(&mut self, of: &Settlement) -> Result<PayeeRecord, R::Error> {
        match self.ledger.get(Key::PayeeRecord(of.treasury, of.envelope, of.payee)).await? {
            Some(Row::PayeeRecord(record)) => Ok(record),
            _ => Ok(PayeeRecord::new(self.moment.at)),
        }
    }

    fn alerts(&mut self) -> Alerts<'_, R> {
        Alerts { ledger: self.ledger, moment: self.moment }
    }

    async fn put_payee(&mut self, of: &Settlement, record: PayeeRecord) -> Result<(), R::Error> {
        let key = Key::PayeeRecord(of.treasury, of.envelope, of.payee);
        self.ledger.set(key, Some(Row::PayeeRecord(record))).await
    }
}

impl<R: Rows> Projector<'_, R> {
    /// What happened, to the score of an envelope.
    pub(super) async fn score(&mut self, of: (Address, u32), event: Event<'_>) -> Step<(), R> {
        rows(self.scores().apply(of, &event).await)
    }

    /// The account has, or had, a role or a key in the treasury.
    pub(super) async fn insider(&mut self, treasury: Address, account: Address) -> Step<(), R> {
        self.set(Key::Insider(treasury, account), Some(Row::Insider)).await
    }

    /// What a payment is for the score of its envelope, with all that is known of it; gives what it could earn.
    pub(super) async fn scored(
        &mut self,
        payment: &PaymentRow,
        envelope: &mut EnvelopeRow,
    ) -> Step<Standing, R> {
        let PaymentRow { treasury, payee, .. } = *payment;
        let payee_list = envelope.payee_list;
        let own = payee == treasury || self.get(Key::Insider(treasury, payee)).await?.is_some();
        let listed = payee_list != 0 && self.get(Key::Payee(treasury, payee_list, payee)).await?.is_some();
        let mut settled = Settlement {
            treasury,
            envelope: payment.envelope,
            agent: payment.agent,
            payee,
            at: self.block.header.timestamp,
            standing: Standing::Known,
            approved: payment.approver.is_some(),
        };
        let is_first = self.get(Key::PayeeRecord(treasury, payment.envelope, payee)).await?.is_none();
        if is_first && !own && !listed {
            self.newcomer(payment, envelope).await?;
        }
        let mut record = rows(self.scores().payee(&settled).await)?;
        let paid = narrow(payment.amount)?;
        settled.standing = record.paid(settled.at, paid, own, listed);
        rows(self.scores().put_payee(&settled, record).await)?;
        let event = Event::Settled { amount: paid, standing: settled.standing };
        self.score((treasury, payment.envelope), event).await?;
        let mut explained = false;
        if let Some(nonce) = payment.nonce {
            let number = self.block.header.number;
            for record in rows(self.ledger.records(payment.purse, nonce, number).await)? {
                explained |= record.fact == Fact::Approved;
                rows(self.scores().learn(&settled, &record).await)?;
            }
        }
        if !explained {
            self.unexplained(payment, envelope).await?;
        }
        Ok(settled.standing)
    }

    /// Money came to a purse from somebody whom its envelope has paid.
    pub(super) async fn gave_back(
        &mut self,
        (treasury, number): (Address, u32),
        from: Address,
        value: U256,
    ) -> Step<(), R> {
        let key = Key::PayeeRecord(treasury, number, from);
        let Some(Row::PayeeRecord(mut record)) = self.get(key).await? else { return Ok(()) };
        record.gave_back(narrow(value)?);
        self.set(key, Some(Row::PayeeRecord(record))).await
    }

    fn scores(&mut self) -> Scores<'_, R> {
        Scores { moment: self.moment(), ledger: &mut self.ledger }
    }
}

fn narrow<E: std::error::Error>(value: U256) -> Result<Amount, Halt<E>> {
    Amount::try_from(value).map_err(|error| Halt::Aside(error.to_string()))
}
