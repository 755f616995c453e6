//! Endpoints against each other: what counts is what so many nodes say alike.

use std::{collections::BTreeSet, sync::Arc};

use alloy::primitives::B256;

use super::{
    BlockHeader, Given, Givers, Nonsense, Source, SourceError, Sources, rounds::Failures, sources::Parts,
    voice::Voice,
};

/// A quorum that these nodes cannot have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected a quorum from 1 to the number of nodes ({nodes}), got {got}")]
pub struct QuorumError {
    /// How many nodes there are, each counted once, by however many ways it is asked.
    pub nodes: usize,
    /// How many were to agree.
    pub got: usize,
}

impl QuorumError {
    /// Whether so many of these nodes can agree.
    ///
    /// # Errors
    /// When none have to, or more than there are.
    pub fn check(quorum: usize, nodes: usize) -> Result<(), Self> {
        if (1..=nodes).contains(&quorum) { Ok(()) } else { Err(Self { nodes, got: quorum }) }
    }
}

impl Sources {
    /// Whether endpoints are held against each other.
    pub fn has_quorum(&self) -> bool {
        self.0.quorum > 1
    }

    /// The latest block that one knows; where endpoints are held against each other, one that a quorum has at its height.
    /// What is `known` needs no other's word: while that is the head, one endpoint is asked and no more.
    ///
    /// # Errors
    /// As endpoints answer; also when of no head that one tells of a quorum says the same.
    pub async fn head_beyond(&self, known: Option<B256>) -> Result<Given<BlockHeader>, SourceError> {
        let head = |source: Arc<dyn Source>| async move { source.head().await };
        if !self.has_quorum() {
            return self.ask(Parts::None, head).await;
        }
        let mut rounds = self.rounds();
        loop {
            let (mut heard, mut failures, mut refused) = (Vec::new(), Failures::default(), None);
            for endpoint in self.in_order() {
                if heard.contains(&endpoint.voter) {
                    continue;
                }
                let told = match self.one(endpoint, Parts::None, head).await {
                    Ok(told) => told,
                    Err(error) => {
                        failures.add(error);
                        continue;
                    }
                };
                heard.push(endpoint.voter);
                if known == Some(told.what.hash) {
                    return Ok(told);
                }
                // Of a node that is ahead of the others nothing is known yet, so the next one is asked how far it has come.
                refused = match self.header(told.what.number).await {
                    Ok(agreed) if agreed.what == told.what => return Ok(agreed),
                    Ok(agreed) => {
                        let (number, expected, got) = (told.what.number, agreed.what.hash, told.what.hash);
                        let nonsense = Nonsense::OtherChain { number, expected, got };
                        Some(self.not_believed(nonsense, &told.by))
                    }
                    Err(error) => Some(error),
                };
            }
            match refused {
                // Whom it took for that was asked as often as it helps.
                Some(error) => return Err(error),
                None => rounds.next(failures.reason()).await?,
            }
        }
    }

    /// The answer that a quorum gives, or any where one is enough.
    pub(super) async fn answer<T: Voice, F>(
        &self,
        parts: Parts,
        question: impl Fn(Arc<dyn Source>) -> F,
    ) -> Result<Given<T>, SourceError>
    where
        F: Future<Output = Result<T, SourceError>>,
    {
        if self.has_quorum() { self.agreed(parts, question).await } else { self.ask(parts, question).await }
    }

    /// The answer that a quorum gives. Nobody is asked more often than it takes, and no node again that has answered: those that
    /// failed are, for as long as their answers could still make one.
    async fn agreed<T: Voice, F>(
        &self,
        parts: Parts,
        question: impl Fn(Arc<dyn Source>) -> F,
    ) -> Result<Given<T>, SourceError>
    where
        F: Future<Output = Result<T, SourceError>>,
    {
        let quorum = self.0.quorum;
        let (mut rounds, mut said, mut is_first) = (self.rounds(), Said::default(), true);
        loop {
            let (mut failures, mut is_silent) = (Failures::default(), Vec::new());
            let mut is_again = false;
            for endpoint in self.in_order() {
                if said.heard.contains(&endpoint.voter) {
                    continue;
                }
                // To hold answers against each other is not to ask again.
                if std::mem::take(&mut is_again) || !is_first {
                    self.0.meter.asked_again();
                }
                match self.one(endpoint, parts, &question).await {
                    Ok(given) => said.hear(endpoint.voter, given),
                    Err(error) if error.asks_for_less().is_some() => return Err(error),
                    Err(error) => {
                        failures.add(error);
                        is_silent.push(endpoint.voter);
                        is_again = true;
                    }
                }
                if let Some((agreed, outvoted)) = said.agreed(quorum) {
                    for liar in outvoted {
                        // Counted one by one, as each said something else.
                        self.not_believed(Nonsense::Disagree(2), &liar);
                    }
                    return Ok(agreed);
                }
            }
            is_first = false;
            let failure = if said.may_agree(quorum, &is_silent) {
                rounds.next(failures.reason()).await.err()
            } else {
                Some(failures.reason())
            };
            let Some(failure) = failure else { continue };
            let error = match said.votes() {
                0 => return Err(failure),
                _ if said.answers.len() > 1 => Nonsense::Disagree(said.answers.len()).into(),
                got => {
                    let after = failure.asks_for_a_pause();
                    SourceError::NoQuorum { wanted: quorum, got, after }
                }
            };
            self.0.meter.failed(error.code());
            return Err(error);
        }
    }
}

/// What was said to one question.
struct Said<T> {
    /// What differs, and who said it: one endpoint of each node.
    answers: Vec<Given<T>>,
    /// The nodes that have answered.
    heard: Vec<usize>,
}

impl<T> Default for Said<T> {
    fn default() -> Self {
        Self { answers: Vec::new(), heard: Vec::new() }
    }
}

impl<T: Voice> Said<T> {
    /// A node's answer. Whatever it says later does not count.
    fn hear(&mut self, voter: usize, given: Given<T>) {
        if self.heard.contains(&voter) {
            return;
        }
        self.heard.push(voter);
        match self.answers.iter_mut().find(|other| other.what.agrees(&given.what)) {
            Some(other) => {
                other.what.join(&given.what);
                other.by = other.by.and(&given.by);
            }
            None => self.answers.push(given),
        }
    }

    /// How many say the same, at most.
    fn votes(&self) -> usize {
        self.answers.iter().map(|given| given.by.places().len()).max().unwrap_or_default()
    }

    /// What so many say, where they do, and who says something else.
    fn agreed(&mut self, quorum: usize) -> Option<(Given<T>, Vec<Givers>)> {
        let found = self.answers.iter().position(|given| given.by.places().len() >= quorum)?;
        let agreed = self.answers.swap_remove(found);
        Some((agreed, self.answers.drain(..).map(|given| given.by).collect()))
    }

    /// Whether so many could say the same once those that have failed answer, however many ways to one of them have.
    fn may_agree(&self, quorum: usize, silent: &[usize]) -> bool {
        let silent: BTreeSet<usize> =
            silent.iter().filter(|voter| !self.heard.contains(*voter)).copied().collect();
        self.votes() + silent.len() >= quorum
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(voices: &[(usize, bool)]) -> Said<bool> {
        let mut said = Said::default();
        for (place, (voter, what)) in voices.iter().enumerate() {
            said.hear(*voter, Given { what: *what, by: Givers::one(place) });
        }
        said
    }

    #[test]
    fn a_node_has_one_voice_however_often_it_answers() {
        assert!(said(&[(0, true), (0, true), (0, false)]).agreed(2).is_none());
        assert_eq!(said(&[(0, true), (0, true)]).votes(), 1);
        let agreed = said(&[(0, false), (1, true), (2, true)]).agreed(2);
        let expected = Given { what: true, by: Givers::one(1).and(&Givers::one(2)) };
        assert_eq!(agreed, Some((expected, vec![Givers::one(0)])), "who was outvoted is named");
    }

    #[test]
    fn those_that_failed_are_waited_for_where_they_could_decide() {
        let one = said(&[(0, true)]);
        assert!(one.may_agree(2, &[1]));
        assert!(!one.may_agree(2, &[]), "all have answered");
        assert!(!one.may_agree(3, &[1, 1]), "two ways to one node");
        assert!(!one.may_agree(2, &[0]), "another way to who has answered");
        let two = said(&[(0, true), (1, false)]);
        assert!(!two.may_agree(2, &[]) && two.may_agree(2, &[2]));
        assert!(!two.may_agree(3, &[2]), "two that differ and one more are no three");
        assert!(Said::<bool>::default().may_agree(2, &[0, 1]));
    }

    #[test]
    fn a_quorum_is_of_nodes_that_there_are() {
        for (quorum, nodes, can) in [(0, 2, false), (1, 2, true), (2, 2, true), (3, 2, false), (1, 0, false)]
        {
            assert_eq!(QuorumError::check(quorum, nodes).is_ok(), can, "{quorum} of {nodes}");
        }
        let error = QuorumError::check(2, 1).map_err(|error| error.to_string());
        assert_eq!(error, Err("expected a quorum from 1 to the number of nodes (1), got 2".into()));
    }
}
